//! The endpoints of a signed-in person: their account, and signing out.

use std::sync::Arc;

use anyhow::Result;
use axum::body::Bytes;
use axum::extract::{Query, State as Shared};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, routing};
use serde::Deserialize;

use crate::api::check_key;
use crate::core::Core;
use crate::refusal::{error_response, internal_error};
use crate::state::{Scope, State};

pub fn router() -> Router<Arc<Core>> {
    Router::new()
        .route("/auth/v1/user", routing::get(show).put(update))
        .route("/auth/v1/logout", routing::post(sign_out))
}

/// The changes that `PUT /user` makes.
#[derive(Deserialize)]
struct Changes {
    #[serde(default)]
    data: Metadata,
}

#[derive(Default, Deserialize)]
struct Metadata {
    full_name: Option<String>,
    avatar_url: Option<String>,
}

#[derive(Deserialize)]
struct SignOut {
    scope: Option<String>,
}

async fn show(Shared(core): Shared<Arc<Core>>, headers: HeaderMap) -> Response {
    answer(&core, &headers, |session| Ok(core.look(|state| Json(state.user_of(session)).into_response())))
}

async fn update(Shared(core): Shared<Arc<Core>>, headers: HeaderMap, body: Bytes) -> Response {
    let Ok(Changes { data }) = serde_json::from_slice(&body) else {
        return error_response(StatusCode::BAD_REQUEST, "bad_json", "Could not parse request body as JSON");
    };
    let Metadata { full_name, avatar_url } = data;
    answer(&core, &headers, |session| {
        core.change(|state| {
            state.rename(session, full_name, avatar_url);
            Ok(Json(state.user_of(session)).into_response())
        })
    })
}

async fn sign_out(
    Shared(core): Shared<Arc<Core>>,
    Query(SignOut { scope }): Query<SignOut>,
    headers: HeaderMap,
) -> Response {
    answer(&core, &headers, |session| {
        let Some(scope) = Scope::of(scope.as_deref()) else {
            let message = format!("Unsupported logout scope {:?}", scope.unwrap_or_default());
            return Ok(error_response(StatusCode::BAD_REQUEST, "validation_failed", &message));
        };
        core.change(|state| {
            state.sign_out(session, scope);
            Ok(StatusCode::NO_CONTENT.into_response())
        })
    })
}

/// Acts for the session whose access token a request carries.
fn answer(core: &Core, headers: &HeaderMap, act: impl FnOnce(&str) -> Result<Response>) -> Response {
    if let Some(refused) = check_key(core, headers) {
        return refused;
    }
    let authorization = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some(token) = authorization.and_then(|value| value.strip_prefix("Bearer ")) else {
        let message = "This endpoint requires a valid Bearer token";
        return error_response(StatusCode::UNAUTHORIZED, "no_authorization", message);
    };
    let (issuer, now) = (core.issuer(), core.now());
    let Some(session) = core.look(|state: &State| state.session_of(token, &issuer, now)) else {
        let message = "invalid JWT: unable to parse or verify signature";
        return error_response(StatusCode::FORBIDDEN, "bad_jwt", message);
    };
    if !core.look(|state| state.has_session(&session)) {
        let message = "Session from session_id claim in JWT does not exist";
        return error_response(StatusCode::FORBIDDEN, "session_not_found", message);
    }
    act(&session).unwrap_or_else(|error| internal_error(&error))
}
