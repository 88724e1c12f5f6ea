//! `POST /api/stripe/webhook`: receive an event from Stripe.

use axum::extract::State;
use axum::http::HeaderMap;
use clorp_http::extract::RawBody;
use clorp_http::openapi::{AnyErrors, NoBodyErrors};
use clorp_http::{ApiJson, NoParams, Problem};
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;

/// Confirmation that an event was received.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Received {
    /// Always `true` in this response.
    received: bool,
}

/// Receive an event from Stripe. For Stripe only.
///
/// The `Stripe-Signature` must match the body byte for byte. An event may arrive several times and in any
/// order: it takes effect once.
#[utoipa::path(
    post, path = "/api/stripe/webhook", tag = "stripe",
    params(("Stripe-Signature" = String, Header, description = "Timestamp, and HMAC-SHA256 signatures of timestamp and body")),
    request_body(content = Object, description = "A webhook event, as Stripe sends it"),
    responses(
        (status = 200, description = "The event was processed, was processed before, or is ignored", body = Received),
        NoBodyErrors, AnyErrors)
)]
pub(crate) async fn webhook(
    headers: HeaderMap,
    _: NoParams,
    State(app): State<App>,
    RawBody(body): RawBody,
) -> Result<ApiJson<Received>, Problem> {
    let signature = headers.get("stripe-signature").and_then(|value| value.to_str().ok()).unwrap_or_default();
    if let Err(bad) = app.verify(signature, &body).await {
        tracing::warn!(?bad, "webhook event with an invalid signature");
        let message = "Stripe-Signature does not match the body";
        return Err(Problem::invalid("Stripe-Signature", "invalid_signature", message));
    }
    let outcome = app.events.receive(&body).await?;
    tracing::info!(?outcome, "webhook event");
    Ok(ApiJson(Received { received: true }))
}
