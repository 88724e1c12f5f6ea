//! The way to Stripe: the library's HTTP client, or a stand-in in the same process.

use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use stripe::{Client, RequestStrategy, StripeError};
use stripe_client_core::{CustomizedStripeRequest, StripeClient, StripeMethod};
use tokio::time::timeout;

/// A request, as a stand-in in the same process receives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalRequest {
    /// The HTTP method.
    pub method: &'static str,
    /// Path and query, such as `/v1/refunds?limit=1`.
    pub path: String,
    /// The form-encoded body; empty without one.
    pub body: String,
    /// The idempotency key.
    pub idempotency_key: Option<String>,
}

/// The status and the body of a response; `None` if the connection ended without one.
pub type LocalResponse = Option<(u16, Bytes)>;

/// Answers requests in the same process.
pub type LocalHandler = dyn Fn(LocalRequest) -> BoxFuture<'static, LocalResponse> + Send + Sync;

/// The way to Stripe.
#[derive(Clone)]
pub(crate) enum Transport {
    Network(Box<Client>),
    Local(Arc<LocalHandler>),
}

impl StripeClient for Transport {
    type Err = StripeError;

    async fn execute(&self, request: CustomizedStripeRequest) -> Result<Bytes, StripeError> {
        let handler = match self {
            Self::Network(client) => return client.execute(request).await,
            Self::Local(handler) => handler,
        };
        let (request, settings) = request.into_pieces();
        let key = settings.request_strategy.as_ref().and_then(RequestStrategy::get_key);
        let method = match request.method {
            StripeMethod::Get => "GET",
            StripeMethod::Post => "POST",
            StripeMethod::Delete => "DELETE",
        };
        let query = request.query.map(|query| format!("?{query}")).unwrap_or_default();
        let answer = handler(LocalRequest {
            method,
            path: format!("/v1{}{query}", request.path),
            body: request.body.unwrap_or_default(),
            idempotency_key: key.map(|key| key.into_inner()),
        });
        let answer = match settings.timeout {
            Some(limit) => timeout(limit, answer).await.map_err(|_| StripeError::Timeout)?,
            None => answer.await,
        };
        let closed = || StripeError::ClientError("the connection was closed".to_owned());
        let (status, body) = answer.ok_or_else(closed)?;
        if (200..300).contains(&status) { Ok(body) } else { Err(reported(status, &body)) }
    }
}

/// The error of a response, as the library reads it.
fn reported(status: u16, body: &[u8]) -> StripeError {
    let unreadable = || StripeError::JSONDeserialize("an error that cannot be read".to_owned());
    let Ok(text) = std::str::from_utf8(body) else { return unreadable() };
    miniserde::json::from_str(text)
        .map_or_else(|_| unreadable(), |error: stripe_shared::Error| StripeError::Stripe(error.error, status))
}
