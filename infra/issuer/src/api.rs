//! The part of Supabase's API under `/auth/v1/` that this project uses.

use std::net::IpAddr;
use std::sync::Arc;

use anyhow::Result;
use axum::body::Bytes;
use axum::extract::{RawQuery, State as Shared};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use clorp_stand_in::server::Dropped;
use serde::Deserialize;
use serde_json::json;

use crate::core::{Core, Endpoint, Fault, TOKEN_SECONDS};
use crate::refresh_token::Refused;
use crate::refusal::{error_response, internal_error};
use crate::state::State;

pub fn router() -> Router<Arc<Core>> {
    Router::new().route("/auth/v1/.well-known/jwks.json", get(jwks)).route("/auth/v1/token", post(token))
}

async fn jwks(Shared(core): Shared<Arc<Core>>) -> Response {
    let act = || {
        let keys = Json(core.look(State::jwks)?);
        Ok(([(header::CACHE_CONTROL, "public, max-age=600")], keys).into_response())
    };
    behave(core.count_call(Endpoint::Jwks), act).await
}

async fn token(
    Shared(core): Shared<Arc<Core>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let act = || grant(&core, query.as_deref(), &headers, &body);
    behave(core.count_call(Endpoint::Token), act).await
}

/// Executes a request, as far as the injected fault allows.
async fn behave(fault: Option<Fault>, act: impl FnOnce() -> Result<Response>) -> Response {
    let run = || act().unwrap_or_else(|error| internal_error(&error));
    match fault {
        None => run(),
        Some(Fault::Down) => drop_connection(),
        Some(Fault::LostAnswer) => {
            drop(run());
            drop_connection()
        }
        Some(Fault::Delay(delay)) => {
            let answer = run();
            tokio::time::sleep(delay).await;
            answer
        }
        Some(Fault::Error { status, code }) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            error_response(status, &code, "An injected error")
        }
    }
}

fn drop_connection() -> Response {
    let mut response = StatusCode::SERVICE_UNAVAILABLE.into_response();
    response.extensions_mut().insert(Dropped);
    response
}

/// The body of a request for a session.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Grant {
    refresh_token: String,
    email: String,
    phone: String,
    password: String,
}

fn grant(core: &Core, query: Option<&str>, headers: &HeaderMap, body: &Bytes) -> Result<Response> {
    if let Some(refused) = check_key(core, headers) {
        return Ok(refused);
    }
    let by_password = match query {
        Some("grant_type=refresh_token") => false,
        Some("grant_type=password") => true,
        _ => return Ok(refuse(Refused("invalid_credentials", "unsupported_grant_type"))),
    };
    let address = forwarded_for(headers);
    if !core.conduct(|conduct| conduct.admit(address, !by_password, core.now())) {
        let (code, message) = ("over_request_rate_limit", "Request rate limit reached");
        return Ok(error_response(StatusCode::TOO_MANY_REQUESTS, code, message));
    }
    let Ok(grant) = serde_json::from_slice::<Grant>(body) else {
        return Ok(refuse(Refused("bad_json", "Could not parse request body as JSON")));
    };
    if by_password {
        return sign_in(core, &grant);
    }
    let (issuer, now) = (core.issuer(), core.now());
    let refreshed = core.change(|state| state.refresh(&grant.refresh_token, &issuer, TOKEN_SECONDS, now))?;
    Ok(match refreshed {
        Ok(session) => Json(session).into_response(),
        Err(refused) => refuse(refused),
    })
}

/// Signs a person in with a password.
fn sign_in(core: &Core, Grant { email, phone, password, .. }: &Grant) -> Result<Response> {
    if email.is_empty() && !phone.is_empty() {
        let (code, message) = ("phone_provider_disabled", "Phone logins are disabled");
        return Ok(error_response(StatusCode::UNPROCESSABLE_ENTITY, code, message));
    }
    if email.is_empty() {
        return Ok(refuse(Refused("validation_failed", "missing email or phone")));
    }
    let Some(person) = core.look(|state| state.with_password(email, password)) else {
        return Ok(refuse(Refused("invalid_credentials", "Invalid login credentials")));
    };
    Ok(Json(core.sign_in(&person, TOKEN_SECONDS)?.session).into_response())
}

fn refuse(Refused(code, message): Refused) -> Response {
    error_response(StatusCode::BAD_REQUEST, code, message)
}

/// The address of the user on whose behalf a server calls.
fn forwarded_for(headers: &HeaderMap) -> Option<IpAddr> {
    headers.get("sb-forwarded-for")?.to_str().ok()?.split(',').next()?.trim().parse().ok()
}

/// The refusal of a request without the project's API key.
pub fn check_key(core: &Core, headers: &HeaderMap) -> Option<Response> {
    match headers.get("apikey").map(|key| key.as_bytes()) {
        None => {
            let hint = "No `apikey` request header or url param was found.";
            Some(gateway("No API key found in request", hint))
        }
        Some(key) if key != core.options.anon_key.as_bytes() => {
            let hint = "Double check your Supabase `anon` or `service_role` API key.";
            Some(gateway("Invalid API key", hint))
        }
        Some(_) => None,
    }
}

fn gateway(message: &str, hint: &str) -> Response {
    (StatusCode::UNAUTHORIZED, Json(json!({ "message": message, "hint": hint }))).into_response()
}
