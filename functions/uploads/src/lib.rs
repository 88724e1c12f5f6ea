//! Uploads: a client announces a file, then sends its bytes directly to S3, not through a function.

mod routes;

use axum::Router;
use clorp_context::Context;
use clorp_files::Files;
use clorp_http::Authenticator;
use clorp_http::serve::finish_for_callers;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// State of the handlers.
#[derive(Clone, Debug)]
pub struct App {
    /// The store, the rules and the clock.
    pub context: Context,
    /// The bucket for the bytes.
    pub files: Files,
}

/// The function's routes, with their policies and descriptions.
pub fn api() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(routes::create::create))
}

/// The function's router.
pub fn router(app: App, authenticator: Authenticator) -> Router {
    finish_for_callers(api(), app, authenticator)
}

/// The function's part of the OpenAPI document.
pub fn openapi() -> OpenApi {
    api().into_openapi()
}
