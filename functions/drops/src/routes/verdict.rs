//! `GET /api/jobs/{id}/verdict`: how a drop was judged.

use axum::extract::State;
use clorp_domain::{DropId, Error, Status, Verdict};
use clorp_http::openapi::{AnyErrors, AuthErrors, IdErrors, StateErrors};
use clorp_http::{ApiJson, Caller, NoParams, PathId, Problem};
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;

/// The judged result of a drop.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Verdict)]
pub(crate) struct VerdictBody {
    /// The drop.
    job_id: String,
    /// The judge's name.
    judge: String,
    /// The judge's version.
    judge_version: String,
    /// The rubric's version.
    rubric_version: String,
    /// Every submission's place, best first.
    submissions: Vec<PlacingBody>,
}

/// One submission's place.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Placing)]
pub(crate) struct PlacingBody {
    /// The submission.
    id: String,
    /// Who made it: a user's id.
    worker: String,
    /// 1 is best.
    rank: u32,
    /// S to F.
    grade: &'static str,
    /// 0 to 100.
    score: u32,
    /// Why, in one paragraph.
    rationale: String,
    /// How firm the rank is.
    rank_held: RankHeld,
}

/// How often a submission came out at its rank when the judge saw the submissions in another order.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RankHeld {
    /// This many times,
    times: u32,
    /// out of this many.
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

/// How a drop was judged, for its readers.
///
/// Until it is judged this is a 409; a drop that ended without being judged has no verdict.
#[utoipa::path(
    get, path = "/api/jobs/{id}/verdict", tag = "drops", security(("api_key" = [])),
    params(("id" = String, Path, description = "The drop")),
    responses(
        (status = 200, description = "The verdict", body = VerdictBody),
        AuthErrors, IdErrors, StateErrors, AnyErrors)
)]
pub(crate) async fn verdict(
    caller: Caller,
    PathId(id): PathId<DropId>,
    _: NoParams,
    State(app): State<App>,
) -> Result<ApiJson<VerdictBody>, Problem> {
    let store = &app.context.store;
    let drop = store.drop(id).await?.ok_or(Error::NotFound)?;
    drop.relation(&caller.id).ok_or(Error::NotFound)?;
    match drop.status {
        Status::Completed => {}
        Status::PendingPayment | Status::Open | Status::Ranking => return Err(Error::VerdictNotReady.into()),
        Status::Cancelled | Status::Expired => return Err(Error::NotFound.into()),
    }
    let verdict =
        store.verdict(id).await?.ok_or_else(|| Error::internal("a completed drop has no verdict"))?;
    Ok(ApiJson(VerdictBody::new(id, verdict)))
}
