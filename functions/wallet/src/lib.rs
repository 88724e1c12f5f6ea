//! The wallet: balance and ledger, top-ups, withdrawals.

mod routes;

use axum::Router;
use axum::extract::FromRef;
use clorp_context::Context;
use clorp_http::serve::finish_for_callers;
use clorp_http::{Access, Authenticator, RateClass, Right, Routes, route};
use clorp_payments::Payments;
use utoipa::openapi::OpenApi;

/// State of the handlers.
#[derive(Clone, Debug)]
pub struct App {
    /// Payments through Stripe, with the store, the rules and the clock.
    pub payments: Payments,
}

impl FromRef<App> for Context {
    fn from_ref(app: &App) -> Self {
        app.payments.context.clone()
    }
}

/// The function's routes, with their policies and descriptions.
pub fn api() -> Routes<App> {
    Routes::new()
        .with_caller(RateClass::Read, Right::Read, route!(routes::balance::balance))
        .with_caller(RateClass::Money, Right::Spend, route!(routes::topup::topup))
        .with_caller(
            RateClass::Setup,
            Right::Cards,
            route!(routes::setup_payment_method::setup_payment_method),
        )
        .with_caller(
            RateClass::Money,
            Access::ByRequest(Right::Cards),
            route!(routes::auto_topup::auto_topup),
        )
        .with_caller(RateClass::Money, Right::Payouts, route!(routes::withdraw::withdraw))
}

/// The function's router.
pub fn router(app: App, authenticator: Authenticator) -> Router {
    finish_for_callers(api(), app, authenticator)
}

/// The function's part of the OpenAPI document.
pub fn openapi() -> OpenApi {
    api().into_openapi()
}
