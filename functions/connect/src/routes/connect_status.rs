//! `GET /api/stripe/connect/status`: status of the bank account for withdrawals.

use axum::extract::State;
use clorp_http::openapi::{AnyErrors, AuthErrors};
use clorp_http::{ApiJson, Caller, NoParams, Problem, words};
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;

/// Status of the Stripe account that receives your withdrawals.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ConnectStatus)]
pub(crate) struct ConnectStatusBody {
    /// Status of the account: `not_connected`, `pending` (Stripe requires more information) or `active`
    /// (withdrawals are possible).
    #[schema(value_type = words::StripeAccountStatus)]
    status: &'static str,
}

/// Check if withdrawals to your bank are possible.
///
/// They are possible if the status is `active`.
#[utoipa::path(
    get, path = "/api/stripe/connect/status", tag = "stripe",
    responses(
        (status = 200, description = "The status of your account at Stripe", body = ConnectStatusBody),
        AuthErrors, AnyErrors)
)]
pub(crate) async fn connect_status(
    caller: Caller,
    _: NoParams,
    State(app): State<App>,
) -> Result<ApiJson<ConnectStatusBody>, Problem> {
    let status = app.payments.connect_status(&caller.id).await?;
    Ok(ApiJson(ConnectStatusBody { status: status.as_str() }))
}
