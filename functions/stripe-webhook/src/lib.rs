//! Stripe's webhook: credits payments that complete outside of a request. The function holds the webhook's
//! secrets, but no key for Stripe's API.

mod routes;

use axum::Router;
use clorp_http::serve::finish;
use clorp_http::{Origins, Routes, route};
use clorp_payments::WebhookEvents;
use clorp_stripe_api::signature::Secrets;
use utoipa::openapi::OpenApi;

/// State of the handler.
#[derive(Clone, Debug)]
pub struct App {
    /// Applies webhook events, with the store, the rules and the clock.
    pub events: WebhookEvents,
    /// Secrets that verify the signature of an event.
    pub secrets: Secrets,
}

/// The function's routes, with their policies and descriptions.
pub fn api() -> Routes<App> {
    Routes::new().open(route!(routes::webhook::webhook))
}

/// The function's router.
pub fn router(app: App) -> Router {
    let context = app.events.context.clone();
    // No web page calls the webhook.
    finish(api(), app, context, &Origins::default())
}

/// The function's part of the OpenAPI document.
pub fn openapi() -> OpenApi {
    api().into_openapi()
}
