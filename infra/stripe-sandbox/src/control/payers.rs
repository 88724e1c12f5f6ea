//! Control calls about payers and their payments: customers, payment methods, Checkout and bank debits.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Path, State as Shared};
use axum::routing::post;
use axum::{Json, Router};
use serde::Deserialize;

use super::{Answer, DEBIT_DELAY, read};
use crate::checkout::{self, Visit};
use crate::core::Core;
use crate::methods::{self, MethodKind, NewMethod};
use crate::state::{Card, Debit};
use crate::{customers, setup_intents};

/// The routes of these control calls.
pub fn router() -> Router<Arc<Core>> {
    Router::new()
        .route("/_sandbox/checkout/sessions/{id}/complete", post(complete))
        .route("/_sandbox/payment_intents/{id}/settle", post(settle))
        .route("/_sandbox/setup_intents/{id}/succeed", post(succeed_setup_intent))
        .route("/_sandbox/payment_methods/{id}", post(set_method))
        .route("/_sandbox/payment_methods/{id}/detach", post(detach))
        .route("/_sandbox/customers/{id}/delete", post(delete_customer))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Complete {
    outcome: Outcome,
    delay_ms: Option<u64>,
    fingerprint: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    Paid,
    Declined,
    AsyncPaid,
    AsyncFailed,
    AsyncPending,
}

async fn complete(Shared(core): Shared<Arc<Core>>, Path(id): Path<String>, body: Bytes) -> Answer {
    let Complete { outcome, delay_ms, fingerprint } = read(&body)?;
    let visit = match outcome {
        Outcome::Paid => Visit::Paid,
        Outcome::Declined => checkout::DECLINED_CARD,
        Outcome::AsyncPaid => Visit::Debit(Some(Debit::Paid)),
        Outcome::AsyncFailed => Visit::Debit(Some(Debit::Failed)),
        Outcome::AsyncPending => Visit::Debit(None),
    };
    let session = core.change(None, |change| checkout::visit(change, &id, visit, fingerprint))?;
    if let Visit::Debit(Some(_)) = visit {
        core.end_debit_later(id, delay_ms.map_or(DEBIT_DELAY, Duration::from_millis));
    }
    Ok(Json(session))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settle {
    outcome: Debit,
}

async fn settle(Shared(core): Shared<Arc<Core>>, Path(id): Path<String>, body: Bytes) -> Answer {
    let Settle { outcome } = read(&body)?;
    core.change(None, |change| checkout::settle(change, &id, outcome)).map(Json)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SetupBody {
    #[serde(default, rename = "type")]
    kind: MethodKind,
    #[serde(default)]
    card: Card,
    fingerprint: Option<String>,
}

async fn succeed_setup_intent(
    Shared(core): Shared<Arc<Core>>,
    Path(id): Path<String>,
    body: Bytes,
) -> Answer {
    let SetupBody { kind, card, fingerprint } = read(&body)?;
    let new = NewMethod { kind, card, fingerprint };
    core.change(None, |change| setup_intents::succeed(change, &id, new)).map(Json)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MethodBody {
    card: Option<Card>,
    fingerprint: Option<String>,
}

async fn set_method(Shared(core): Shared<Arc<Core>>, Path(id): Path<String>, body: Bytes) -> Answer {
    let MethodBody { card, fingerprint } = read(&body)?;
    core.change(None, |change| methods::set(change, &id, card, fingerprint)).map(Json)
}

async fn detach(Shared(core): Shared<Arc<Core>>, Path(id): Path<String>) -> Answer {
    core.change(None, |change| methods::detach(change, &id)).map(Json)
}

async fn delete_customer(Shared(core): Shared<Arc<Core>>, Path(id): Path<String>) -> Answer {
    core.change(None, |change| customers::delete(change, &id)).map(Json)
}
