//! The control API `/_sandbox/…`, with which tests and tools play payers, banks and Stripe, and inspect the
//! state.

mod accounts;
mod charges;
mod payers;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Path, State as Shared};
use axum::http::{Method, Uri};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::core::Core;
use crate::ids;
use crate::refusal::Refusal;
use crate::state::{Fault, FaultKind, Kind};
use crate::sync::locked;

/// Default duration of a bank debit.
pub const DEBIT_DELAY: Duration = Duration::from_millis(200);

/// The response of a control call.
type Answer = Result<Json<Value>, Refusal>;

/// The routes of all control calls.
pub fn router() -> Router<Arc<Core>> {
    Router::new()
        .merge(payers::router())
        .merge(charges::router())
        .merge(accounts::router())
        .route("/_sandbox/events", get(events))
        .route("/_sandbox/events/{id}/resend", post(resend))
        .route("/_sandbox/next", post(next))
        .route("/_sandbox/webhooks", post(webhooks))
        .route("/_sandbox/webhook_secret/roll", post(roll_secret))
        .route("/_sandbox/secret_key/roll", post(roll_key))
        .route("/_sandbox/state", get(state))
}

/// Parses a JSON body. An empty body stands for `{}`.
fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, Refusal> {
    let body: &[u8] = if body.trim_ascii().is_empty() { b"{}" } else { body };
    serde_json::from_slice(body).map_err(|error| Refusal::invalid("bad_body", error.to_string()))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Amount {
    amount: Option<i64>,
}

async fn events(Shared(core): Shared<Arc<Core>>) -> Answer {
    let events: Vec<Value> = core.look(|state| state.all(Kind::Event).rev().cloned().collect());
    Ok(Json(json!({"object": "list", "data": events, "has_more": false, "url": "/_sandbox/events"})))
}

async fn resend(Shared(core): Shared<Arc<Core>>, Path(id): Path<String>) -> Answer {
    let event = core.change(None, |change| {
        let event = change.state.find(Kind::Event, &id)?.clone();
        for endpoint in 0..change.endpoints {
            change.send(&id, endpoint);
        }
        Ok(event)
    });
    event.map(Json)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NextFault {
    path: String,
    fault: FaultKind,
    times: Option<u32>,
    method: Option<String>,
    delay_ms: Option<u64>,
}

async fn next(Shared(core): Shared<Arc<Core>>, body: Bytes) -> Answer {
    let NextFault { path, fault, times, method, delay_ms } = read(&body)?;
    let times = times.unwrap_or(1);
    core.change(None, |change| {
        let faults = &mut change.state.faults;
        if times == 0 {
            faults.retain(|fault| fault.path != path);
        } else {
            let delay_ms = delay_ms.unwrap_or(1_000);
            faults.push(Fault { path, method, fault, times, delay_ms });
        }
        Ok(Json(json!({ "faults": faults })))
    })
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Webhooks {
    paused: Option<bool>,
    duplicates: Option<u32>,
    delay_ms: Option<u64>,
    shuffle: Option<bool>,
}

async fn webhooks(Shared(core): Shared<Arc<Core>>, body: Bytes) -> Answer {
    let wanted: Webhooks = read(&body)?;
    let settings = core.change(None, |change| {
        let settings = &mut change.state.webhooks;
        settings.paused = wanted.paused.unwrap_or(settings.paused);
        settings.duplicates = wanted.duplicates.unwrap_or(settings.duplicates);
        settings.delay_ms = wanted.delay_ms.unwrap_or(settings.delay_ms);
        settings.shuffle = wanted.shuffle.unwrap_or(settings.shuffle);
        *settings
    });
    Ok(Json(json!(settings)))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Roll {
    #[serde(default)]
    drop_old: bool,
}

async fn roll_secret(Shared(core): Shared<Arc<Core>>, body: Bytes) -> Answer {
    let Roll { drop_old } = read(&body)?;
    let secret = core.change(None, |change| {
        let secrets = &mut change.state.secrets;
        if drop_old {
            secrets.truncate(1);
        } else {
            secrets.insert(0, format!("whsec_{}", ids::random(32)));
        }
        secrets.first().cloned()
    });
    Ok(Json(json!({ "secret": secret })))
}

async fn roll_key(Shared(core): Shared<Arc<Core>>) -> Answer {
    let key = format!("sk_test_{}", ids::random(24));
    locked(&core.secret_key).clone_from(&key);
    Ok(Json(json!({ "secret_key": key })))
}

async fn state(Shared(core): Shared<Arc<Core>>) -> Answer {
    Ok(Json(core.look(|state| json!(state))))
}

/// Answers a request with an unknown path.
pub async fn not_found(method: Method, uri: Uri) -> Refusal {
    Refusal::no_such_path(method.as_str(), uri.path())
}

/// Answers a request whose method the path does not support.
pub async fn wrong_method(method: Method, uri: Uri) -> Refusal {
    Refusal::no_such_method(method.as_str(), uri.path())
}
