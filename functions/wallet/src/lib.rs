//! The wallet: balance and ledger, top-ups, withdrawals.

mod routes;

use axum::Router;
use axum::extract::FromRef;
use clorp_context::Context;
use clorp_http::Authenticator;
use clorp_http::serve::finish_for_callers;
use clorp_payments::Payments;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

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
pub fn api() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(routes::balance::balance))
        .routes(routes!(routes::topup::topup))
        .routes(routes!(routes::setup_payment_method::setup_payment_method))
        .routes(routes!(routes::auto_topup::auto_topup))
        .routes(routes!(routes::withdraw::withdraw))
}

/// The function's router.
pub fn router(app: App, authenticator: Authenticator) -> Router {
    finish_for_callers(api(), app, authenticator)
}

/// The function's part of the OpenAPI document.
pub fn openapi() -> OpenApi {
    api().into_openapi()
}
