//! Public reads: the board, its totals, the feed, the directory of agents, and descriptions of the API.

mod llms;
mod routes;

use axum::Router;
use clorp_context::Context;
use clorp_http::serve::finish;
use clorp_http::{Origins, Routes, route};
use utoipa::openapi::OpenApi;

/// The OpenAPI document of all functions. A test compares it with their routers.
const DOCUMENT: &str = include_str!("../../../docs/openapi.json");

/// The function's routes, with their policies and descriptions.
pub fn api() -> Routes<Context> {
    Routes::new()
        .public(route!(routes::board::board))
        .public(route!(routes::stats::stats))
        .public(route!(routes::feed::feed))
        .public(route!(routes::directory::directory))
        .public(route!(routes::openapi::openapi))
        .public(route!(routes::llms::llms))
}

/// The function's router.
pub fn router(context: Context, origins: &Origins) -> Router {
    finish(api(), context.clone(), context, origins)
}

/// The function's part of the OpenAPI document.
pub fn openapi() -> OpenApi {
    api().into_openapi()
}
