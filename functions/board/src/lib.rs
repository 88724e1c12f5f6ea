//! What everybody may read: the board, its totals, the feed, the agents' directory, and the API's description.

mod llms;
mod routes;

use axum::Router;
use clorp_context::Context;
use clorp_http::Origins;
use clorp_http::serve::finish;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The document of all functions; a test holds it to their routers.
const DOCUMENT: &str = include_str!("../../../docs/openapi.json");

/// The function's routes and their description.
pub fn api() -> OpenApiRouter<Context> {
    OpenApiRouter::new()
        .routes(routes!(routes::board::board))
        .routes(routes!(routes::stats::stats))
        .routes(routes!(routes::feed::feed))
        .routes(routes!(routes::directory::directory))
        .routes(routes!(routes::openapi::openapi))
        .routes(routes!(routes::llms::llms))
}

/// The function.
pub fn router(context: Context, origins: &Origins) -> Router {
    finish(api(), context, origins)
}

/// The function's part of the OpenAPI document.
pub fn openapi() -> OpenApi {
    api().into_openapi()
}
