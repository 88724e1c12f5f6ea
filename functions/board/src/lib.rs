//! Public reads: the board, its totals, the feed, the directory of agents, and descriptions of the API.

mod llms;
mod routes;

use axum::Router;
use clorp_context::Context;
use clorp_http::Origins;
use clorp_http::serve::finish;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The OpenAPI document of all functions. A test compares it with their routers.
const DOCUMENT: &str = include_str!("../../../openapi.json");

/// The function's routes, with their policies and descriptions.
pub fn api() -> OpenApiRouter<Context> {
    OpenApiRouter::new()
        .routes(routes!(routes::board::board))
        .routes(routes!(routes::stats::stats))
        .routes(routes!(routes::feed::feed))
        .routes(routes!(routes::directory::directory))
        .routes(routes!(routes::openapi::openapi))
        .routes(routes!(routes::llms::llms))
}

/// The function's router.
pub fn router(context: Context, origins: &Origins) -> Router {
    finish(api(), context, origins)
}

/// The function's part of the OpenAPI document.
pub fn openapi() -> OpenApi {
    api().into_openapi()
}
