//! Stripe's API under `/v1/`: authentication, injected faults, idempotency, and the dispatch to endpoints.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State as Shared;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use clorp_stand_in::server::Dropped;
use serde_json::Value;

use crate::change::{Cause, Change};
use crate::core::Core;
use crate::lists;
use crate::params::Params;
use crate::refusal::Refusal;
use crate::state::{Fault, FaultKind, Kind, State, StoredReply};
use crate::sync::locked;
use crate::{accounts, checkout, customers, ids, methods, payments, refunds, setup_intents, transfers};

/// Lifetime of stored responses, in milliseconds.
const RESPONSE_LIFETIME_MS: i64 = 24 * 3600 * 1000;

/// Maximum length of an idempotency key, in bytes.
const LONGEST_KEY: usize = 255;

const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
const ORIGINAL_REQUEST: HeaderName = HeaderName::from_static("original-request");
const SHOULD_RETRY: HeaderName = HeaderName::from_static("stripe-should-retry");

/// A request to the API.
#[derive(Debug)]
struct Call {
    id: String,
    method: Method,
    uri: Uri,
    body: Bytes,
    key: Option<String>,
}

/// The outcome of a request: a response, or a dropped connection.
#[derive(Debug)]
enum Reply {
    Answer { status: StatusCode, body: Value, original: Option<String> },
    Drop,
}

/// Answers a request to `/v1/…`.
pub async fn handle(
    Shared(core): Shared<Arc<Core>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    // Only a POST has an idempotency key. Other methods are idempotent by themselves.
    let key = headers.get(IDEMPOTENCY_KEY).filter(|_| method == Method::POST);
    let key = key.map(|key| String::from_utf8_lossy(key.as_bytes()).into_owned());
    let call = Call { id: format!("req_{}", ids::random(14)), method, uri, body, key };
    let id = call.id.clone();
    let secret_key = locked(&core.secret_key).clone();
    if let Err(refusal) = authorize(&headers, &secret_key) {
        return respond(&id, None, refusal.into());
    }
    let key = call.key.clone();
    // The request runs in its own task: as with Stripe, it continues if the caller disconnects.
    match tokio::spawn(async move { carry_out(&core, &call).await }).await {
        Ok(reply) => respond(&id, key, reply),
        Err(_) => respond(&id, key, Refusal::api_error().into()),
    }
}

/// Answers a request of a caller with the secret key. Returns status and body; `None` if the connection is
/// dropped.
pub async fn answer(
    core: &Core,
    method: Method,
    uri: Uri,
    body: Bytes,
    key: Option<String>,
) -> Option<(u16, Bytes)> {
    let key = key.filter(|_| method == Method::POST);
    let call = Call { id: format!("req_{}", ids::random(14)), method, uri, body, key };
    match carry_out(core, &call).await {
        Reply::Answer { status, body, .. } => Some((status.as_u16(), Bytes::from(body.to_string()))),
        Reply::Drop => None,
    }
}

fn authorize(headers: &HeaderMap, secret_key: &str) -> Result<(), Refusal> {
    let given = headers.get("authorization").and_then(|value| value.to_str().ok());
    if headers.contains_key("stripe-account") {
        let message = "The sandbox does not act on behalf of connected accounts (Stripe-Account)";
        return Err(Refusal::invalid("account_invalid", message).unexecuted());
    }
    match given.and_then(|value| value.strip_prefix("Bearer ")) {
        Some(key) if key == secret_key => Ok(()),
        Some(_) => Err(Refusal::unauthorized("Invalid API Key provided")),
        None => Err(Refusal::unauthorized(
            "You did not provide an API key. You need to provide your API key in the Authorization header, using \
             Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
        )),
    }
}

fn respond(id: &str, key: Option<String>, reply: Reply) -> Response {
    let Reply::Answer { status, body, original } = reply else {
        let mut response = StatusCode::REQUEST_TIMEOUT.into_response();
        response.extensions_mut().insert(Dropped);
        return response;
    };
    let retry = matches!(status, StatusCode::CONFLICT | StatusCode::TOO_MANY_REQUESTS);
    let mut response = (status, Json(body)).into_response();
    let mut set = |name, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(name, value);
        }
    };
    set(REQUEST_ID, id);
    if let Some(key) = key {
        set(IDEMPOTENCY_KEY, &key);
        set(ORIGINAL_REQUEST, original.as_deref().unwrap_or(id));
    }
    if original.is_some() {
        set(REPLAYED, "true");
    }
    if retry {
        set(SHOULD_RETRY, "true");
    }
    response
}

impl From<Refusal> for Reply {
    fn from(refusal: Refusal) -> Self {
        Self::Answer { status: refusal.status, body: refusal.body(), original: None }
    }
}

/// Executes a request: injected faults, the idempotency key's lock, the endpoint, and the mirror.
async fn carry_out(core: &Core, call: &Call) -> Reply {
    *locked(&core.calls).entry(endpoint_label(call)).or_default() += 1;
    let fault = core.touch(|state| take_fault(state, call));
    match fault.as_ref().map(|fault| fault.fault) {
        Some(FaultKind::TimeoutBefore) => return Reply::Drop,
        Some(FaultKind::ServerError) => return Refusal::api_error().into(),
        Some(FaultKind::RateLimit) => return Refusal::rate_limited().into(),
        _ => {}
    }
    let _running = match Running::begin(core, call) {
        Ok(running) => running,
        Err(refusal) => return refusal.into(),
    };
    if let Some(Fault { fault: FaultKind::Delay, delay_ms, .. }) = &fault {
        tokio::time::sleep(Duration::from_millis(*delay_ms)).await;
    }
    core.expire_overdue();
    let kind = fault.as_ref().map(|fault| fault.fault);
    let reply = match call.method {
        Method::GET => get(core, call, kind),
        Method::POST | Method::DELETE => execute(core, call, kind),
        _ => Refusal::no_such_path(call.method.as_str(), call.uri.path()).into(),
    };
    if let (Some(mirror), Reply::Answer { status, original: None, .. }) = (&core.mirror, &reply)
        && status.is_success()
    {
        let path = call.uri.path_and_query().map_or(call.uri.path(), |path| path.as_str());
        mirror.send(&call.method, path, &call.body).await;
    }
    match fault {
        Some(Fault { fault: FaultKind::TimeoutAfter, .. }) => Reply::Drop,
        _ => reply,
    }
}

/// The endpoint that a request calls: method and path, with `{id}` in place of identifiers.
fn endpoint_label(call: &Call) -> String {
    let segments = call.uri.path().split('/');
    let named = segments.map(|segment| Kind::of(segment).map_or(segment, |_| "{id}"));
    format!("{} {}", call.method, named.collect::<Vec<_>>().join("/"))
}

/// Takes the oldest fault that matches the request.
fn take_fault(state: &mut State, call: &Call) -> Option<Fault> {
    // A retry gets its stored response, even if another one was injected since.
    let stored = call.key.as_ref().is_some_and(|key| state.answers.contains_key(key));
    let index = state.faults.iter().position(|fault| {
        call.uri.path().starts_with(&fault.path)
            && fault.method.as_ref().is_none_or(|method| call.method == method.as_str())
            && !(stored && fault.fault.is_stored())
    })?;
    state.faults[index].times -= 1;
    let fault = state.faults[index].clone();
    if fault.times == 0 {
        state.faults.remove(index);
    }
    Some(fault)
}

/// Holds an idempotency key while its request runs.
struct Running<'a> {
    core: &'a Core,
    key: Option<String>,
}

impl<'a> Running<'a> {
    fn begin(core: &'a Core, call: &Call) -> Result<Self, Refusal> {
        let key = call.key.clone();
        if let Some(key) = &key {
            if key.len() > LONGEST_KEY {
                return Err(Refusal::key_reused("Idempotency keys have at most 255 characters."));
            }
            if !locked(&core.running_keys).insert(key.clone()) {
                return Err(Refusal::key_in_use(key));
            }
        }
        Ok(Self { core, key })
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if let Some(key) = &self.key {
            locked(&self.core.running_keys).remove(key);
        }
    }
}

fn get(core: &Core, call: &Call, fault: Option<FaultKind>) -> Reply {
    if let Some(error) = fault.and_then(|fault| injected_error(call, fault)) {
        return error.into();
    }
    let answer = Params::parse(call.uri.query().unwrap_or_default())
        .and_then(|params| core.look(|state| lists::get(state, endpoint(call), params)));
    match answer {
        Ok(body) => Reply::Answer { status: StatusCode::OK, body, original: None },
        Err(refusal) => refusal.into(),
    }
}

fn endpoint(call: &Call) -> &str {
    let path = call.uri.path();
    path.strip_prefix("/v1/").unwrap_or(path).trim_end_matches('/')
}

/// Executes a POST, at most once for its idempotency key, or a DELETE.
fn execute(core: &Core, call: &Call, fault: Option<FaultKind>) -> Reply {
    let params = match std::str::from_utf8(&call.body) {
        Ok(form) => Params::parse(form),
        Err(_) => Err(Refusal::bad_form("not UTF-8")),
    };
    let params = match params {
        Ok(params) => params,
        Err(refusal) => return refusal.into(),
    };
    if let Some(key) = &call.key
        && let Some(reply) =
            core.look(|state| stored_reply(state, key, call, &params, core.now().as_millisecond()))
    {
        return reply;
    }
    let cause = Cause { request: call.id.clone(), key: call.key.clone() };
    core.change(Some(cause), |change| {
        let given = params.to_value();
        let error = fault.and_then(|fault| injected_error(call, fault));
        let answer = match error {
            Some(error) if fault != Some(FaultKind::ServerErrorAfter) => Err(error),
            error => {
                let answer = act(change, &call.method, endpoint(call), params);
                answer.and_then(|body| error.map_or(Ok(body), Err))
            }
        };
        let (status, body, executed) = match answer {
            Ok(body) => (StatusCode::OK, body, true),
            Err(refusal) => (refusal.status, refusal.body(), refusal.executed),
        };
        if executed {
            store_response(change, call, given, status, &body);
        }
        Reply::Answer { status, body, original: None }
    })
}

fn stored_reply(state: &State, key: &str, call: &Call, params: &Params, now: i64) -> Option<Reply> {
    let stored = state.answers.get(key).filter(|stored| stored.at + RESPONSE_LIFETIME_MS > now)?;
    let end = format!("Try using a key other than '{key}' if you meant to execute a different request.");
    if stored.path != call.uri.path() {
        let message = format!(
            "Keys for idempotent requests can only be used for the same endpoint they were first used for ('{}' vs \
             '{}'). {end}",
            call.uri.path(),
            stored.path,
        );
        return Some(Refusal::key_reused(message).into());
    }
    if stored.params != params.to_value() {
        let message = format!(
            "Keys for idempotent requests can only be used with the same parameters they were first used with. {end}"
        );
        return Some(Refusal::key_reused(message).into());
    }
    let status = StatusCode::from_u16(stored.status).unwrap_or(StatusCode::OK);
    Some(Reply::Answer { status, body: stored.body.clone(), original: Some(stored.request.clone()) })
}

fn store_response(change: &mut Change<'_>, call: &Call, params: Value, status: StatusCode, body: &Value) {
    let at = change.now.as_millisecond();
    change.state.answers.retain(|_, stored| stored.at + RESPONSE_LIFETIME_MS > at);
    if let Some(key) = &call.key {
        let answer = StoredReply {
            path: call.uri.path().to_owned(),
            params,
            request: call.id.clone(),
            status: status.as_u16(),
            body: body.clone(),
            at,
        };
        change.state.answers.insert(key.clone(), answer);
    }
}

/// The stored error with which an injected fault answers a request; `None` for faults of other kinds.
fn injected_error(call: &Call, fault: FaultKind) -> Option<Refusal> {
    match fault {
        FaultKind::Decline => Some(decline_error(call)),
        FaultKind::KeptServerError | FaultKind::ServerErrorAfter => Some(Refusal::api_error().executed()),
        _ => None,
    }
}

fn decline_error(call: &Call) -> Refusal {
    if endpoint(call).starts_with("payment_intents") {
        return Refusal::card("card_declined", "generic_decline", "Your card was declined.");
    }
    Refusal::invalid("request_declined", "Declined, as requested with POST /_sandbox/next.")
}

/// Calls the endpoint of a POST or a DELETE. `path` is the part after `/v1/`.
fn act(change: &mut Change<'_>, method: &Method, path: &str, params: Params) -> Result<Value, Refusal> {
    let segments = path.split('/').collect::<Vec<_>>();
    if method == Method::DELETE {
        return match segments.as_slice() {
            ["customers", id] => params.finish().and_then(|()| customers::delete(change, id)),
            ["accounts", id] => params.finish().and_then(|()| accounts::delete(change, id)),
            _ => Err(Refusal::not_acted_out(method.as_str(), path)),
        };
    }
    match segments.as_slice() {
        ["customers"] => customers::create(change, params),
        ["customers", id] => customers::update(change, id, params),
        ["setup_intents"] => setup_intents::create(change, params),
        ["setup_intents", id, "confirm"] => setup_intents::confirm(change, id, params),
        ["payment_methods", id, "detach"] => params.finish().and_then(|()| methods::detach(change, id)),
        ["payment_intents"] => payments::create(change, params),
        ["checkout", "sessions"] => checkout::create(change, params),
        ["checkout", "sessions", id, "expire"] => checkout::expire(change, id, params),
        ["accounts"] => accounts::create(change, params),
        ["accounts", id, "login_links"] => accounts::create_login_link(change, id, params),
        ["accounts", id, "reject"] => accounts::request_rejection(change, id, params),
        ["account_links"] => accounts::create_link(change, params),
        ["transfers"] => transfers::create(change, params),
        ["transfers", id, "reversals"] => transfers::create_reversal(change, id, params),
        ["refunds"] => refunds::create(change, params),
        _ => Err(Refusal::not_acted_out(method.as_str(), path)),
    }
}
