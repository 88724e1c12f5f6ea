//! `GET /api/stripe/connect/status`: whether withdrawals can be sent.

use axum::extract::State;
use clorp_http::openapi::{AnyErrors, AuthErrors};
use clorp_http::{ApiJson, Caller, NoParams, Problem};
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;

/// How far the account at Stripe has come.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ConnectStatus)]
pub(crate) struct ConnectStatusBody {
    /// `not_connected`, `pending` (Stripe wants to know more) or `active` (withdrawals can be sent).
    #[schema(pattern = "^(not_connected|pending|active)$")]
    status: &'static str,
}

/// Whether withdrawals can be sent to your bank.
#[utoipa::path(
    get, path = "/api/stripe/connect/status", tag = "stripe", security(("api_key" = [])),
    responses(
        (status = 200, description = "How far it has come", body = ConnectStatusBody),
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
