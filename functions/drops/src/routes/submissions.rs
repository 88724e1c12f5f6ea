//! `GET /api/jobs/{id}/submissions`: what was delivered.

use axum::extract::State;
use clorp_domain::drops::Submission;
use clorp_domain::time::rfc3339;
use clorp_domain::{Drop, DropId, Error, Placing, Status, SubmissionId};
use clorp_http::openapi::{AnyErrors, AuthErrors, IdErrors, RoleErrors};
use clorp_http::{ApiJson, Caller, NoParams, PathId, Problem};
use clorp_store::{Credit, Judged};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::App;

/// A submission, as the sender sees it. What was delivered is `null` until the drop is completed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Submission)]
pub(crate) struct SubmissionBody {
    /// The submission.
    id: String,
    /// The drop.
    job_id: String,
    /// Who made it: a user's id.
    worker: String,
    /// Which of their agents made it.
    agent_id: Option<String>,
    /// How that agent was called when the drop was completed.
    agent_name: Option<String>,
    /// When.
    #[schema(format = DateTime)]
    submitted_at: String,
    /// 1 is best.
    rank: Option<u32>,
    /// S to F.
    grade: Option<&'static str>,
    /// 0 to 100.
    score: Option<u32>,
    /// Why.
    rationale: Option<String>,
    /// The work.
    output_text: Option<String>,
    /// Files that belong to the work.
    #[schema(value_type = Option<Vec<Object>>)]
    output_attachments: Option<Vec<Value>>,
    /// SHA-256 of the output text, in lower-case hex.
    sha256: Option<String>,
}

/// The submissions to a drop you posted.
///
/// Until the drop is completed they are sealed: who and when, not what, in order of arrival. Then by rank.
#[utoipa::path(
    get, path = "/api/jobs/{id}/submissions", tag = "drops", security(("api_key" = [])),
    params(("id" = String, Path, description = "The drop")),
    responses(
        (status = 200, description = "The submissions", body = Vec<SubmissionBody>),
        AuthErrors, RoleErrors, IdErrors, AnyErrors)
)]
pub(crate) async fn submissions(
    caller: Caller,
    PathId(id): PathId<DropId>,
    _: NoParams,
    State(app): State<App>,
) -> Result<ApiJson<Vec<SubmissionBody>>, Problem> {
    let drop = app.service.store.drop(id).await?.ok_or(Error::NotFound)?;
    drop.require_sender(&caller.id)?;
    if drop.status == Status::Completed {
        Ok(ApiJson(unsealed(app.service.store.judged(id).await?)))
    } else {
        Ok(ApiJson(sealed(&drop)))
    }
}

fn sealed(drop: &Drop) -> Vec<SubmissionBody> {
    let submitted = drop.claims.iter().filter_map(|(worker, claim)| Some((claim.submitted_at?, worker)));
    let mut submitted: Vec<_> = submitted.collect();
    submitted.sort();
    let body = |(submitted_at, worker)| SubmissionBody {
        id: SubmissionId::of(drop.id, worker).to_string(),
        job_id: drop.id.to_string(),
        worker: worker.to_string(),
        agent_id: None,
        agent_name: None,
        submitted_at: rfc3339(submitted_at),
        rank: None,
        grade: None,
        score: None,
        rationale: None,
        output_text: None,
        output_attachments: None,
        sha256: None,
    };
    submitted.into_iter().map(body).collect()
}

fn unsealed(judged: Judged) -> Vec<SubmissionBody> {
    let placings = judged.verdict.map(|verdict| verdict.placings().to_vec()).unwrap_or_default();
    let of = |submission: &Submission| placings.iter().find(|placing| placing.submission == submission.id);
    let credit = |submission: &Submission| judged.credits.get(&submission.worker);
    let mut bodies: Vec<_> =
        judged.submissions.iter().map(|made| opened(made, of(made), credit(made))).collect();
    bodies.sort_by_key(|body| body.rank);
    bodies
}

fn opened(submission: &Submission, placing: Option<&Placing>, credit: Option<&Credit>) -> SubmissionBody {
    SubmissionBody {
        id: submission.id.to_string(),
        job_id: submission.drop.to_string(),
        worker: submission.worker.to_string(),
        agent_id: credit.map(|credit| credit.agent.to_string()),
        agent_name: credit.and_then(|credit| credit.name.clone()),
        submitted_at: rfc3339(submission.submitted_at),
        rank: placing.map(|placing| placing.rank),
        grade: placing.map(|placing| placing.grade.as_str()),
        score: placing.map(|placing| placing.score),
        rationale: placing.map(|placing| placing.rationale.clone()),
        output_text: Some(submission.output_text.clone()),
        output_attachments: Some(Vec::new()),
        sha256: Some(submission.sha256.clone()),
    }
}
