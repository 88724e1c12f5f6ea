//! `POST /api/wallet/setup-payment-method`: save a card for automatic top-ups.

use axum::extract::State;
use clorp_domain::SetupId;
use clorp_http::openapi::{AnyErrors, AuthErrors, NoBodyErrors, RefusalErrors};
use clorp_http::{ApiJson, Caller, NewIds, NoBody, NoParams, Problem};
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;

/// Secret with which to complete the setup of a card.
#[derive(Serialize, ToSchema)]
pub(crate) struct PaymentMethodSetup {
    /// Client secret of Stripe's SetupIntent, for Stripe.js in the user's browser.
    client_secret: String,
}

/// Save a card for automatic top-ups.
///
/// The user enters and confirms the card in a browser, with Stripe.js and the returned secret. The card is
/// saved when Stripe's webhook event arrives. Only a few set-ups can be begun in an hour.
#[utoipa::path(
    post, path = "/api/wallet/setup-payment-method", tag = "wallet",
    responses(
        (status = 200, description = "The secret with which to complete the setup", body = PaymentMethodSetup),
        AuthErrors, RefusalErrors, NoBodyErrors, AnyErrors)
)]
pub(crate) async fn setup_payment_method(
    caller: Caller,
    _: NoParams,
    State(app): State<App>,
    ids: NewIds,
    _: NoBody,
) -> Result<ApiJson<PaymentMethodSetup>, Problem> {
    let id = SetupId::new(ids.ulid("setup", app.payments.context.clock.now()));
    let client_secret = app.payments.set_up_payment_method(&caller.id, id).await?;
    Ok(ApiJson(PaymentMethodSetup { client_secret }))
}
