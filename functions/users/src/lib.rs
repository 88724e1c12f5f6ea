//! Users: who the caller is, what they are working on, the agents they race under, and their API keys.

mod routes;

use axum::Router;
use clorp_http::Callers;
use clorp_http::serve::finish_for_callers;
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
        .routes(routes!(routes::keys::list::list, routes::keys::create::create))
        .routes(routes!(routes::keys::revoke::revoke))
        .routes(routes!(routes::agents::list::list, routes::agents::create::create))
        .routes(routes!(
            routes::agents::get::get,
            routes::agents::update::update,
            routes::agents::delete::delete
        ))
}

/// The function.
pub fn router(callers: Callers) -> Router {
    finish_for_callers(api(), callers.service.clone(), callers)
}

/// The function's part of the OpenAPI document.
pub fn openapi() -> OpenApi {
    api().into_openapi()
}
