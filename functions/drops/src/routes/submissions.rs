//! `GET /api/jobs/{id}/submissions`: what was delivered.

use axum::extract::State;
use clorp_domain::drops::Submission;
use clorp_domain::time::rfc3339;
use clorp_domain::{Drop, DropId, Error, Placing, Status, SubmissionId};
use clorp_http::openapi::{AnyErrors, AuthErrors, IdErrors, RoleErrors};
use clorp_http::{ApiJson, Caller, NoParams, PathId, Problem};
use clorp_store::{Credit, JudgedDrop};
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;
use crate::wire::AttachmentBody;

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
    output_attachments: Option<Vec<AttachmentBody>>,
    /// As in the worker's receipt.
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
    let drop = app.context.store.drop(id).await?.ok_or(Error::NotFound)?;
    drop.require_sender(&caller.id)?;
    if drop.status == Status::Completed {
        Ok(ApiJson(unsealed(&app, app.context.store.judged_drop(id).await?).await?))
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

async fn unsealed(app: &App, judged: JudgedDrop) -> Result<Vec<SubmissionBody>, Error> {
    let placings = judged.verdict.map(|verdict| verdict.placings().to_vec()).unwrap_or_default();
    let of = |submission: &Submission| placings.iter().find(|placing| placing.submission == submission.id);
    let mut bodies = Vec::with_capacity(judged.submissions.len());
    for made in &judged.submissions {
        let files = app.readable(&made.output_attachments).await?;
        bodies.push(opened(made, of(made), judged.credits.get(&made.worker), files));
    }
    bodies.sort_by_key(|body| body.rank);
    Ok(bodies)
}

fn opened(
    submission: &Submission,
    placing: Option<&Placing>,
    credit: Option<&Credit>,
    files: Vec<AttachmentBody>,
) -> SubmissionBody {
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
        output_attachments: Some(files),
        sha256: Some(submission.sha256.clone()),
    }
}
