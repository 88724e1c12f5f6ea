//! Users' Stripe accounts, which receive their withdrawals.

mod routes;

use axum::Router;
use clorp_http::serve::finish_for_callers;
use clorp_http::{Authenticator, RateClass, Right, Routes, route};
use clorp_payments::Payments;
use utoipa::openapi::OpenApi;

/// State of the handlers.
#[derive(Clone, Debug)]
pub struct App {
    /// Payments through Stripe, with the store, the rules and the clock.
    pub payments: Payments,
}

/// The function's routes, with their policies and descriptions.
pub fn api() -> Routes<App> {
    Routes::new().with_caller(RateClass::Money, Right::Payouts, route!(routes::connect::connect)).with_caller(
        RateClass::Read,
        Right::Read,
        route!(routes::connect_status::connect_status),
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
