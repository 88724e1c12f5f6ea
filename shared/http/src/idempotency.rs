//! `Idempotency-Key`: a retry of a request gets the first response, and the request is carried out once.
//!
//! A record of the request is created before the handler runs, and the response is stored in it afterwards.
//! The function may die between the two, after the handler took effect. A retry takes the record over once
//! its lease has expired and runs the handler again, which finds what the first run created by the
//! identifiers of [`NewIds`].

use std::sync::Arc;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use clorp_context::Context;
use clorp_domain::idempotency::MalformedIdempotencyKey;
use clorp_domain::{Error, Fingerprint, IdempotencyKey};
use clorp_store::{Begin, Conditional, Lease, MAX_STORED_BYTES, StoredResponse};
use serde::Serialize;

use crate::auth::Caller;
use crate::extract;
use crate::headers::{IDEMPOTENCY_KEY, IDEMPOTENCY_REPLAYED};
use crate::ids::NewIds;
use crate::json;
use crate::policy::Policies;
use crate::problem::Problem;

/// Content type of a stored response whose body is a stored [`Problem`].
const PROBLEM: &str = "application/vnd.clorp.problem+json";
/// Seconds to wait before a retry while the first request is still running.
const RETRY_AFTER_SECONDS: u32 = 1;

/// The body to store in place of the one that is sent.
#[derive(Clone, Debug)]
struct StoredInstead(String);

/// A response whose body contains a secret. A retry gets the `stored` body, without the secret.
///
/// # Errors
/// A fault if a body cannot be serialized as JSON.
pub fn respond_with_secret<T: Serialize>(
    status: StatusCode,
    shown: &T,
    stored: &T,
) -> Result<Response, Error> {
    let text = |body| serde_json::to_string(body).map_err(|error| Error::internal(error.to_string()));
    let stored = text(stored)?;
    let mut response = (status, text(shown)?).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.extensions_mut().insert(StoredInstead(stored));
    Ok(response)
}

/// Idempotency for the routes of one function.
#[derive(Clone, Debug)]
pub(crate) struct Idempotency {
    context: Context,
    policies: Arc<Policies>,
}

impl Idempotency {
    /// Covers the routes whose policy takes a key.
    pub(crate) fn new(context: Context, policies: Arc<Policies>) -> Self {
        Self { context, policies }
    }

    fn covers(&self, request: &Request) -> bool {
        request.headers().contains_key(IDEMPOTENCY_KEY)
            && self.policies.get(request).takes_idempotency_key(request.method())
    }

    async fn respond(&self, request: Request, next: Next) -> Result<Response, Problem> {
        let (mut parts, body) = request.into_parts();
        let caller = Caller::from_request_parts(&mut parts, &()).await?;
        let key = key(&parts.headers)?;
        let body = extract::read_body(Request::from_parts(parts.clone(), body), &self.context).await?;
        let fingerprint = fingerprint(&parts, &body);
        let now = self.context.clock.now();
        let lease = match self.context.store.idempotency().begin(&caller.id, &key, &fingerprint, now).await? {
            Begin::Leased(lease) => lease,
            Begin::Replay(stored) => return Ok(replay(stored)?),
            Begin::InFlight => return Err(in_flight()),
            Begin::Reused => return Err(reused()),
        };
        let ids = NewIds::derived(&caller.id, &key, &fingerprint, lease.created_at);
        parts.extensions.insert(ids);
        let response = next.run(Request::from_parts(parts, Body::from(body))).await;
        Ok(self.end(&lease, response).await)
    }

    /// Stores the response, or deletes the record if the response must not be replayed.
    ///
    /// The caller gets the response even if it cannot be stored, because the handler has taken effect. A
    /// retry then runs the handler again, once the lease has expired.
    async fn end(&self, lease: &Lease, response: Response) -> Response {
        let (response, stored) = to_stored(response).await;
        let store = &self.context.store;
        let ended = match &stored {
            Some(stored) => store.idempotency().finish(lease, stored).await,
            None => store.idempotency().release(lease).await,
        };
        match ended {
            Ok(Conditional::Applied) => {}
            Ok(Conditional::Conflict(())) => {
                tracing::warn!("another request took the record over while this one ran")
            }
            Err(error) => tracing::warn!(?error, "could not record the end of the request"),
        }
        response
    }
}

/// Runs a request with a key once, and replays its response to every retry.
pub(crate) async fn run_once(
    State(idempotency): State<Idempotency>,
    request: Request,
    next: Next,
) -> Response {
    if !idempotency.covers(&request) {
        return next.run(request).await;
    }
    idempotency.respond(request, next).await.unwrap_or_else(Problem::into_response)
}

fn key(headers: &HeaderMap) -> Result<IdempotencyKey, Problem> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    let key = match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok().and_then(|text| text.parse().ok()),
        _ => None,
    };
    key.ok_or_else(|| {
        let message = format!("Send exactly one Idempotency-Key: {MalformedIdempotencyKey}");
        Problem::invalid("Idempotency-Key", "invalid_idempotency_key", message)
    })
}

/// Identifies a request's content. Bodies are compared as JSON values, because a client may write one value
/// in several notations; a body that is not valid JSON is compared byte for byte.
fn fingerprint(parts: &Parts, body: &Bytes) -> Fingerprint {
    let query = parts.uri.query().unwrap_or_default();
    let canonical = json::canonical(body);
    let body = canonical.as_deref().map_or(&body[..], str::as_bytes);
    Fingerprint::of(&[parts.method.as_str().as_bytes(), parts.uri.path().as_bytes(), query.as_bytes(), body])
}

fn in_flight() -> Problem {
    Problem {
        retry_after_seconds: Some(RETRY_AFTER_SECONDS),
        ..Problem::new(
            StatusCode::CONFLICT,
            "idempotency_in_flight",
            "The request with this Idempotency-Key is still running; retry to get its response",
        )
    }
}

fn reused() -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "idempotency_key_reused",
        "This Idempotency-Key was used for a different request; send this request with a new key",
    )
}

/// Tells whether a response with this status is final for its request. A fault is not final, and neither is a
/// rejection for a reason outside of the key and the body.
pub(crate) fn is_storable(status: StatusCode) -> bool {
    let transient = [
        StatusCode::UNAUTHORIZED,
        StatusCode::PAYLOAD_TOO_LARGE,
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        StatusCode::TOO_MANY_REQUESTS,
    ];
    (status.is_success() || status.is_client_error()) && !transient.contains(&status)
}

/// The response, and the form in which to store it if it is final.
async fn to_stored(response: Response) -> (Response, Option<StoredResponse>) {
    let status = response.status().as_u16();
    if !is_storable(response.status()) {
        return (response, None);
    }
    if let Some(problem) = response.extensions().get::<Problem>() {
        let content_type = Some(PROBLEM.to_owned());
        let stored = problem.to_stored().map(|body| StoredResponse { status, content_type, body });
        return (response, stored.ok());
    }
    let (parts, body) = response.into_parts();
    let body = match to_bytes(body, usize::MAX).await {
        Ok(body) => body,
        Err(error) => {
            let error = Error::internal(format!("response cannot be read: {error}"));
            return (Problem::from(error).into_response(), None);
        }
    };
    let content_type = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let content_type = content_type.map(str::to_owned);
    let instead = parts.extensions.get().map(|StoredInstead(text)| text.as_str());
    let stored =
        instead.or_else(|| std::str::from_utf8(&body).ok()).filter(|text| text.len() <= MAX_STORED_BYTES);
    let stored = stored.map(|text| StoredResponse { status, content_type, body: text.to_owned() });
    (Response::from_parts(parts, Body::from(body)), stored)
}

fn replay(stored: StoredResponse) -> Result<Response, Error> {
    let bad = |what: &str| Error::internal(format!("stored response with {what}"));
    let status = StatusCode::from_u16(stored.status).map_err(|_| bad("no status"))?;
    let mut response = match stored.content_type {
        Some(kind) if kind == PROBLEM => Problem::from_stored(status, &stored.body)
            .map_err(|_| bad("an unreadable problem"))?
            .into_response(),
        content_type => {
            let mut response = (status, Body::from(stored.body)).into_response();
            if let Some(content_type) = content_type.and_then(|kind| HeaderValue::from_str(&kind).ok()) {
                response.headers_mut().insert(header::CONTENT_TYPE, content_type);
            }
            response
        }
    };
    response.headers_mut().insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_final_responses_are_stored() {
        for status in [200, 201, 400, 402, 403, 404, 409] {
            assert!(is_storable(StatusCode::from_u16(status).unwrap()), "{status}");
        }
        for status in [304, 401, 413, 415, 429, 500, 503] {
            assert!(!is_storable(StatusCode::from_u16(status).unwrap()), "{status}");
        }
    }
}
