//! `POST /api/stripe/webhook`: Stripe reports what has happened.

use axum::extract::State;
use axum::http::HeaderMap;
use clorp_http::extract::RawBody;
use clorp_http::openapi::{AnyErrors, NoBodyErrors};
use clorp_http::{ApiJson, NoParams, Problem};
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;

/// That a report has arrived.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Received {
    /// Always true.
    received: bool,
}

/// Stripe reports what has happened.
///
/// Nothing happens without a good `Stripe-Signature` over the body as it was sent. A report may come any number of times
/// and in any order: its effect is the same.
#[utoipa::path(
    post, path = "/api/stripe/webhook", tag = "stripe",
    params(("Stripe-Signature" = String, Header, description = "Time and HMAC-SHA256 signatures of time and body")),
    request_body(content = Object, description = "An event of Stripe's"),
    responses(
        (status = 200, description = "Done, done before, or none of our business", body = Received),
        NoBodyErrors, AnyErrors)
)]
pub(crate) async fn webhook(
    headers: HeaderMap,
    _: NoParams,
    State(app): State<App>,
    RawBody(body): RawBody,
) -> Result<ApiJson<Received>, Problem> {
    let signature = headers.get("stripe-signature").and_then(|value| value.to_str().ok()).unwrap_or_default();
    if let Err(bad) = app.secrets.verify(signature, &body, app.events.context.clock.now()) {
        tracing::warn!(?bad, "not signed by Stripe");
        let message = "The Stripe-Signature does not fit the body";
        return Err(Problem::invalid("Stripe-Signature", "invalid_signature", message));
    }
    let outcome = app.events.receive(&body).await?;
    tracing::info!(?outcome, "report of Stripe's");
    Ok(ApiJson(Received { received: true }))
}
