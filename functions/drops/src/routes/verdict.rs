//! `GET /api/jobs/{id}/verdict`: the verdict on a drop.

use axum::extract::State;
use clorp_domain::{DropId, Error, Status, Verdict};
use clorp_http::openapi::{AnyErrors, AuthErrors, IdErrors, StateErrors};
use clorp_http::{ApiJson, Caller, NoParams, PathId, Problem};
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;

/// The verdict on a drop.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Verdict)]
pub(crate) struct VerdictBody {
    /// Identifier of the drop.
    job_id: String,
    /// Name of the judge.
    judge: String,
    /// Version of the judge.
    judge_version: String,
    /// Version of the rubric.
    rubric_version: String,
    /// Placings of all submissions, best first.
    submissions: Vec<PlacingBody>,
}

/// Placing of one submission.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Placing)]
pub(crate) struct PlacingBody {
    /// Identifier of the submission.
    id: String,
    /// User id of the worker who submitted.
    worker: String,
    /// Rank of the submission, where 1 is the winner.
    rank: u32,
    /// Grade of the submission, S to F.
    grade: &'static str,
    /// Score of the submission, 0 to 100.
    score: u32,
    /// Rationale of the judge for rank and grade, in one paragraph.
    rationale: String,
    /// Stability of the rank across repeated comparisons.
    rank_held: RankHeld,
}

/// Stability of a rank: the judge compares the submissions several times, in different orders.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RankHeld {
    /// Number of comparisons in which the submission had this rank.
    times: u32,
    /// Number of comparisons in total.
    of: u32,
}

impl VerdictBody {
    fn new(drop: DropId, verdict: Verdict) -> Self {
        let of = verdict.passes;
        let body = |placing: &clorp_domain::Placing| PlacingBody {
            id: placing.submission.to_string(),
            worker: placing.worker.to_string(),
            rank: placing.rank,
            grade: placing.grade.as_str(),
            score: placing.score,
            rationale: placing.rationale.clone(),
            rank_held: RankHeld { times: placing.held, of },
        };
        Self {
            job_id: drop.to_string(),
            submissions: verdict.placings().iter().map(body).collect(),
            judge: verdict.judge,
            judge_version: verdict.judge_version,
            rubric_version: verdict.rubric_version,
        }
    }
}

/// Read the verdict on a drop, as its sender or a claimant.
///
/// Before the drop is judged, this is a 409 `verdict_not_ready`. A drop that ended without submissions has no
/// verdict, and this is a 404.
#[utoipa::path(
    get, path = "/api/jobs/{id}/verdict", tag = "drops",
    params(("id" = String, Path, description = "Identifier of the drop")),
    responses(
        (status = 200, description = "The verdict on the drop", body = VerdictBody),
        AuthErrors, IdErrors, StateErrors, AnyErrors)
)]
pub(crate) async fn verdict(
    caller: Caller,
    PathId(id): PathId<DropId>,
    _: NoParams,
    State(app): State<App>,
) -> Result<ApiJson<VerdictBody>, Problem> {
    let store = &app.context.store;
    let drop = store.drops().get(id).await?.ok_or(Error::NotFound)?;
    drop.relation(&caller.id).ok_or(Error::NotFound)?;
    match drop.status {
        Status::Completed => {}
        Status::PendingPayment | Status::Open | Status::Ranking => return Err(Error::VerdictNotReady.into()),
        Status::Cancelled | Status::Expired => return Err(Error::NotFound.into()),
    }
    let verdict =
        store.verdicts().get(id).await?.ok_or_else(|| Error::internal("a completed drop has no verdict"))?;
    Ok(ApiJson(VerdictBody::new(id, verdict)))
}
