//! Users: who the caller is, and what they are working on.

mod routes;

use axum::Router;
use clorp_http::serve::finish;
use clorp_service::Service;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The function's routes and their description.
pub fn api() -> OpenApiRouter<Service> {
    OpenApiRouter::new()
        .routes(routes!(routes::whoami::whoami))
        .routes(routes!(routes::status::status))
        .routes(routes!(routes::get::get))
}

/// The function.
pub fn router(service: Service) -> Router {
    finish(api(), service)
}

/// The function's part of the OpenAPI document.
pub fn openapi() -> OpenApi {
    api().into_openapi()
}
