//! Control calls about connected accounts and transfers.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State as Shared};
use axum::routing::post;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;

use super::{Amount, Answer, read};
use crate::accounts::{self, Capability, Onboarding};
use crate::core::Core;
use crate::transfers;

/// The routes of these control calls.
pub fn router() -> Router<Arc<Core>> {
    Router::new()
        .route("/_sandbox/accounts/{id}/onboard", post(onboard))
        .route("/_sandbox/accounts/{id}/reject", post(reject))
        .route("/_sandbox/accounts/{id}/delete", post(delete))
        .route("/_sandbox/transfers/{id}/reverse", post(reverse))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OnboardBody {
    #[serde(default = "yes")]
    payouts_enabled: bool,
    #[serde(default)]
    transfers: Capability,
    fingerprint: Option<String>,
}

const fn yes() -> bool {
    true
}

async fn onboard(Shared(core): Shared<Arc<Core>>, Path(id): Path<String>, body: Bytes) -> Answer {
    let OnboardBody { payouts_enabled, transfers, fingerprint } = read(&body)?;
    let onboarding = Onboarding { payouts_enabled, transfers, fingerprint };
    core.change(None, |change| accounts::onboard(change, &id, onboarding)).map(Json)
}

async fn reject(Shared(core): Shared<Arc<Core>>, Path(id): Path<String>) -> Answer {
    core.change(None, |change| accounts::reject(change, &id, "fraud")).map(Json)
}

async fn delete(Shared(core): Shared<Arc<Core>>, Path(id): Path<String>) -> Answer {
    core.change(None, |change| accounts::delete(change, &id)).map(Json)
}

async fn reverse(Shared(core): Shared<Arc<Core>>, Path(id): Path<String>, body: Bytes) -> Answer {
    let Amount { amount } = read(&body)?;
    core.change(None, |change| transfers::reverse(change, &id, amount, json!({}))).map(Json)
}
