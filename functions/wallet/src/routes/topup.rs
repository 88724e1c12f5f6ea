//! `POST /api/wallet/topup`: top up the wallet by card.

use axum::extract::State;
use clorp_domain::TopupId;
use clorp_domain::topup::checked_amount;
use clorp_http::openapi::{AnyErrors, AuthErrors, BodyErrors, RefusalErrors};
use clorp_http::{ApiJson, Caller, NewIds, NoParams, Problem};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::App;

/// Amount to add to the wallet.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TopupRequest {
    /// Amount in cents, 500 to 100,000.
    #[schema(value_type = i64, minimum = 500, maximum = 100_000, example = 1000)]
    amount_cents: Option<i64>,
}

/// A page on which to pay.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CheckoutPage {
    /// URL of Stripe's Checkout page, for a person to open.
    #[schema(format = "uri")]
    url: String,
}

/// Top up your wallet by card.
///
/// A person pays on the returned page. The wallet is credited when Stripe's webhook event arrives, usually
/// within seconds of the payment.
#[utoipa::path(
    post, path = "/api/wallet/topup", tag = "wallet",
    request_body = TopupRequest,
    responses(
        (status = 200, description = "The page on which to pay", body = CheckoutPage),
        AuthErrors, RefusalErrors, BodyErrors, AnyErrors)
)]
pub(crate) async fn topup(
    caller: Caller,
    _: NoParams,
    State(app): State<App>,
    ids: NewIds,
    ApiJson(request): ApiJson<TopupRequest>,
) -> Result<ApiJson<CheckoutPage>, Problem> {
    let rules = &app.payments.context.rules;
    let amount = checked_amount("/amount_cents", request.amount_cents, rules.min_topup, rules.max_topup)?;
    let id = TopupId::new(ids.ulid("topup", app.payments.context.clock.now()));
    let url = app.payments.topup(&caller.id, id, amount).await?;
    Ok(ApiJson(CheckoutPage { url }))
}
