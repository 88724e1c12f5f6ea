//! Stripe's reports: the only way money gets credited that nobody here waits for. Holds the webhook's secrets and no
//! key to Stripe's API.

mod routes;

use axum::Router;
use clorp_http::Origins;
use clorp_http::serve::finish;
use clorp_payments::WebhookEvents;
use clorp_stripe_api::signature::Secrets;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// What the handler works with.
#[derive(Clone, Debug)]
pub struct App {
    /// Acts on reports; has store, rules and clock.
    pub events: WebhookEvents,
    /// What proves that a report is Stripe's.
    pub secrets: Secrets,
}

/// The function's routes and their description.
pub fn api() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(routes::webhook::webhook))
}

/// The function.
pub fn router(app: App) -> Router {
    // No page has business here.
    finish(api(), app, &Origins::default())
}

/// The function's part of the OpenAPI document.
pub fn openapi() -> OpenApi {
    api().into_openapi()
}
