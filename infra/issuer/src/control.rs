//! The control API `/_issuer/…`, with which tests and tools sign people in and inject faults.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State as Shared;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::core::{Calls, Core, Endpoint, Fault, SignedIn, TOKEN_SECONDS};
use crate::refresh_token::TokenKind;
use crate::state::{Person, State};

/// Default delay of [`Fault::Delay`].
const DELAY: Duration = Duration::from_millis(500);

type Refusal = (StatusCode, Json<Value>);
type Answer<T> = Result<Json<T>, Refusal>;

pub fn router() -> Router<Arc<Core>> {
    Router::new()
        .route("/_issuer/sessions", post(sign_in))
        .route("/_issuer/passwords", post(set_password))
        .route("/_issuer/keys/roll", post(roll_key))
        .route("/_issuer/refresh-tokens", post(choose_token_kind))
        .route("/_issuer/behaviour", post(behaviour))
        .route("/_issuer/calls", get(calls))
}

/// Parses a JSON body. An empty body stands for `{}`.
fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, Refusal> {
    let body: &[u8] = if body.trim_ascii().is_empty() { b"{}" } else { body };
    serde_json::from_slice(body).map_err(|error| error_response(StatusCode::BAD_REQUEST, &error.to_string()))
}

fn error_response(status: StatusCode, message: &str) -> Refusal {
    (status, Json(json!({ "error": { "message": message } })))
}

fn internal_error(error: anyhow::Error) -> Refusal {
    error_response(StatusCode::INTERNAL_SERVER_ERROR, &format!("{error:#}"))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignIn {
    id: String,
    name: Option<String>,
    email: Option<String>,
    avatar_url: Option<String>,
    #[serde(default)]
    is_anonymous: bool,
    expires_in: Option<i64>,
}

async fn sign_in(Shared(core): Shared<Arc<Core>>, body: Bytes) -> Answer<SignedIn> {
    let SignIn { id, name, email, avatar_url, is_anonymous, expires_in } = read(&body)?;
    let person = Person { id, name, email, avatar_url, is_anonymous };
    core.sign_in(&person, expires_in.unwrap_or(TOKEN_SECONDS)).map(Json).map_err(internal_error)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewPassword {
    id: String,
    email: String,
    password: String,
    name: Option<String>,
    avatar_url: Option<String>,
}

async fn set_password(Shared(core): Shared<Arc<Core>>, body: Bytes) -> Answer<Value> {
    let NewPassword { id, email, password, name, avatar_url } = read(&body)?;
    let person = Person { id, name, email: Some(email), avatar_url, is_anonymous: false };
    core.set_password(&person, &password).map_err(internal_error)?;
    Ok(Json(json!({})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Roll {
    #[serde(default)]
    drop_old: bool,
}

async fn roll_key(Shared(core): Shared<Arc<Core>>, body: Bytes) -> Answer<Value> {
    let Roll { drop_old } = read(&body)?;
    core.change(|state| state.roll_key(drop_old)).map_err(internal_error)?;
    let kid = core.look(State::signing_key).map_err(internal_error)?.kid;
    Ok(Json(json!({ "kid": kid })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RefreshTokens {
    kind: TokenKind,
}

async fn choose_token_kind(Shared(core): Shared<Arc<Core>>, body: Bytes) -> Answer<Value> {
    let RefreshTokens { kind } = read(&body)?;
    core.set_token_kind(kind).map_err(internal_error)?;
    Ok(Json(json!({})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Behaviour {
    endpoint: Endpoint,
    fault: Option<Word>,
    delay_ms: Option<u64>,
    status: Option<u16>,
    code: Option<String>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Word {
    Down,
    LostAnswer,
    Delay,
    Error,
}

async fn behaviour(Shared(core): Shared<Arc<Core>>, body: Bytes) -> Answer<Value> {
    let Behaviour { endpoint, fault, delay_ms, status, code } = read(&body)?;
    let fault = fault.map(|word| match word {
        Word::Down => Fault::Down,
        Word::LostAnswer => Fault::LostAnswer,
        Word::Delay => Fault::Delay(delay_ms.map_or(DELAY, Duration::from_millis)),
        Word::Error => Fault::Error {
            status: status.unwrap_or(500),
            code: code.unwrap_or_else(|| "unexpected_failure".to_owned()),
        },
    });
    core.behave(endpoint, fault);
    Ok(Json(json!({})))
}

async fn calls(Shared(core): Shared<Arc<Core>>) -> Json<Calls> {
    Json(core.conduct(|conduct| conduct.calls))
}
