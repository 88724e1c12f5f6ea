//! Control calls about refunds and disputes.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State as Shared};
use axum::routing::post;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;

use super::{Amount, Answer, read};
use crate::core::Core;
use crate::disputes::{self, Decision, Opening, Report};
use crate::refunds;
use crate::refusal::Refusal;

/// The routes of these control calls.
pub fn router() -> Router<Arc<Core>> {
    Router::new()
        .route("/_sandbox/charges/{id}/refund", post(refund))
        .route("/_sandbox/refunds/{id}/succeed", post(succeed_refund))
        .route("/_sandbox/refunds/{id}/fail", post(fail_refund))
        .route("/_sandbox/charges/{id}/dispute", post(dispute))
        .route("/_sandbox/disputes/{id}/update", post(update_dispute))
        .route("/_sandbox/disputes/{id}/escalate", post(escalate_dispute))
        .route("/_sandbox/disputes/{id}/withdraw", post(withdraw))
        .route("/_sandbox/disputes/{id}/reinstate", post(reinstate))
        .route("/_sandbox/disputes/{id}/close", post(close_dispute))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RefundBody {
    amount: Option<i64>,
    #[serde(default)]
    pending: bool,
}

async fn refund(Shared(core): Shared<Arc<Core>>, Path(id): Path<String>, body: Bytes) -> Answer {
    let RefundBody { amount, pending } = read(&body)?;
    let plan = refunds::Plan { cents: amount, reason: None, metadata: json!({}), pending };
    let refund = core.change(None, |change| {
        let charge = refunds::charge_of(change.state, &id)?;
        refunds::refund(change, &charge, plan)
    });
    refund.map(Json)
}

async fn succeed_refund(Shared(core): Shared<Arc<Core>>, Path(id): Path<String>) -> Answer {
    core.change(None, |change| refunds::succeed(change, &id)).map(Json)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FailBody {
    reason: Option<String>,
}

async fn fail_refund(Shared(core): Shared<Arc<Core>>, Path(id): Path<String>, body: Bytes) -> Answer {
    let FailBody { reason } = read(&body)?;
    let reason = reason.as_deref().unwrap_or("unknown");
    core.change(None, |change| refunds::fail(change, &id, reason)).map(Json)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DisputeBody {
    amount: Option<i64>,
    #[serde(default)]
    inquiry: bool,
    withdrawn: Option<u32>,
}

async fn dispute(Shared(core): Shared<Arc<Core>>, Path(id): Path<String>, body: Bytes) -> Answer {
    let DisputeBody { amount, inquiry, withdrawn } = read(&body)?;
    let opening = Opening { cents: amount, inquiry, withdrawn: withdrawn.map(i64::from) };
    let dispute = core.change(None, |change| {
        let charge = refunds::charge_of(change.state, &id)?;
        disputes::open(change, &charge, opening)
    });
    dispute.map(Json)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct UpdateBody {
    status: Option<OpenStatus>,
    amount: Option<i64>,
}

/// Statuses of an undecided dispute.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum OpenStatus {
    NeedsResponse,
    UnderReview,
    WarningNeedsResponse,
    WarningUnderReview,
}

impl OpenStatus {
    const fn as_str(self) -> &'static str {
        match self {
            Self::NeedsResponse => "needs_response",
            Self::UnderReview => "under_review",
            Self::WarningNeedsResponse => "warning_needs_response",
            Self::WarningUnderReview => "warning_under_review",
        }
    }
}

async fn update_dispute(Shared(core): Shared<Arc<Core>>, Path(id): Path<String>, body: Bytes) -> Answer {
    let UpdateBody { status, amount } = read(&body)?;
    let report = Report { status: status.map(OpenStatus::as_str), cents: amount };
    core.change(None, |change| disputes::update(change, &id, report)).map(Json)
}

async fn escalate_dispute(Shared(core): Shared<Arc<Core>>, Path(id): Path<String>, body: Bytes) -> Answer {
    let Amount { amount } = read(&body)?;
    core.change(None, |change| disputes::escalate(change, &id, amount)).map(Json)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cents {
    amount: u32,
}

async fn withdraw(core: Shared<Arc<Core>>, id: Path<String>, body: Bytes) -> Answer {
    let Cents { amount } = read(&body)?;
    move_funds(core, id, i64::from(amount))
}

async fn reinstate(core: Shared<Arc<Core>>, id: Path<String>, body: Bytes) -> Answer {
    let Cents { amount } = read(&body)?;
    move_funds(core, id, -i64::from(amount))
}

fn move_funds(Shared(core): Shared<Arc<Core>>, Path(id): Path<String>, cents: i64) -> Answer {
    if cents == 0 {
        return Err(Refusal::bad_parameter("amount", "Must be at least 1"));
    }
    core.change(None, |change| disputes::move_funds(change, &id, cents)).map(Json)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CloseBody {
    status: FinalStatus,
    amount: Option<i64>,
    reinstated: Option<u32>,
    #[serde(default)]
    again: bool,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum FinalStatus {
    Won,
    Lost,
    WarningClosed,
}

impl FinalStatus {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Won => "won",
            Self::Lost => "lost",
            Self::WarningClosed => "warning_closed",
        }
    }
}

async fn close_dispute(Shared(core): Shared<Arc<Core>>, Path(id): Path<String>, body: Bytes) -> Answer {
    let CloseBody { status, amount, reinstated, again } = read(&body)?;
    let reinstated = reinstated.map(i64::from);
    let decision = Decision { status: status.as_str(), cents: amount, reinstated, again };
    core.change(None, |change| disputes::close(change, &id, decision)).map(Json)
}
