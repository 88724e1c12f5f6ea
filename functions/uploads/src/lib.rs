//! Uploads: a client announces a file, then sends its bytes directly to S3, not through a function.

mod routes;

use axum::Router;
use clorp_context::Context;
use clorp_files::Files;
use clorp_http::serve::finish_for_callers;
use clorp_http::{Access, Authenticator, RateClass, Right, Routes, route};
use utoipa::openapi::OpenApi;

/// State of the handlers.
#[derive(Clone, Debug)]
pub struct App {
    /// The store, the rules and the clock.
    pub context: Context,
    /// The bucket for the bytes.
    pub files: Files,
}

/// The function's routes, with their policies and descriptions.
pub fn api() -> Routes<App> {
    Routes::new().with_caller(
        RateClass::Upload,
        Access::Either(Right::Work, Right::Spend),
        route!(routes::create::create),
    )
}

/// The function's router.
pub fn router(app: App, authenticator: Authenticator) -> Router {
    finish_for_callers(api(), app, authenticator)
}

/// The function's part of the OpenAPI document.
pub fn openapi() -> OpenApi {
    api().into_openapi()
}
