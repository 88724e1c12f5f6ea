//! Verifications: the judge checks one output against the caller's criteria, outside of any drop.

mod routes;

use axum::Router;
use clorp_context::Context;
use clorp_files::Files;
use clorp_http::serve::finish_for_callers;
use clorp_http::{Authenticator, RateClass, Right, Routes, route};
use utoipa::openapi::OpenApi;

/// State of the handlers.
#[derive(Clone, Debug)]
pub struct App {
    /// The store, the rules and the clock.
    pub context: Context,
    /// The bucket with the files' bytes.
    pub files: Files,
}

/// The function's routes, with their policies and descriptions.
pub fn api() -> Routes<App> {
    Routes::new().with_caller(RateClass::Verify, Right::Work, route!(routes::create::create)).with_caller(
        RateClass::Read,
        Right::Read,
        route!(routes::get::get),
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
