//! Uploads: announcing files, whose bytes then go to S3 and never through a function.

mod routes;

use axum::Router;
use clorp_context::Context;
use clorp_files::Files;
use clorp_http::Authenticator;
use clorp_http::serve::finish_for_callers;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// What the handlers work with.
#[derive(Clone, Debug)]
pub struct App {
    /// Store, rules and clock.
    pub context: Context,
    /// Where the bytes go.
    pub files: Files,
}

/// The function's routes and their description.
pub fn api() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(routes::create::create))
}

/// The function.
pub fn router(app: App, authenticator: Authenticator) -> Router {
    finish_for_callers(api(), app, authenticator)
}

/// The function's part of the OpenAPI document.
pub fn openapi() -> OpenApi {
    api().into_openapi()
}
