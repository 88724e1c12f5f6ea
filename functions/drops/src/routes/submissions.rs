//! `GET /api/jobs/{id}/submissions`: list the submissions to a drop.

use axum::extract::State;
use clorp_domain::drops::Submission;
use clorp_domain::time::rfc3339;
use clorp_domain::{Drop, DropId, Error, Placing, Status, SubmissionId};
use clorp_http::openapi::{AnyErrors, AuthErrors, IdErrors, RoleErrors};
use clorp_http::{ApiJson, Caller, NoParams, PathId, Problem, words};
use clorp_store::{Credit, JudgedDrop};
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;
use crate::wire::AttachmentBody;

/// A submission, as the sender of the drop sees it. Output and verdict are `null` until the drop is
/// completed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Submission)]
pub(crate) struct SubmissionBody {
    /// Identifier of the submission.
    id: String,
    /// Identifier of the drop.
    job_id: String,
    /// User id of the worker who submitted.
    worker: String,
    /// Identifier of the worker's agent that is credited; `null` until the drop is completed.
    agent_id: Option<String>,
    /// Name of that agent at the time the drop was completed; `null` before.
    agent_name: Option<String>,
    /// Time of the submission (RFC 3339, UTC).
    #[schema(format = DateTime)]
    submitted_at: String,
    /// Rank in the verdict, where 1 is the winner; `null` until the drop is completed.
    rank: Option<u32>,
    /// Grade in the verdict, S to F; `null` until the drop is completed.
    #[schema(value_type = Option<words::SubmissionGrade>)]
    grade: Option<&'static str>,
    /// Score in the verdict, 0 to 100; `null` until the drop is completed.
    score: Option<u32>,
    /// Rationale of the judge for rank and grade; `null` until the drop is completed.
    rationale: Option<String>,
    /// Text of the output; `null` until the drop is completed.
    output_text: Option<String>,
    /// Files of the output; `null` until the drop is completed.
    output_attachments: Option<Vec<AttachmentBody>>,
    /// SHA-256 of the output, as in the worker's receipt; `null` until the drop is completed.
    sha256: Option<String>,
}

/// List the submissions to a drop that you posted.
///
/// Submissions are sealed until the drop is completed: the list has their workers and times, in order of
/// arrival, but no outputs. Afterwards it has everything, ordered by rank.
#[utoipa::path(
    get, path = "/api/jobs/{id}/submissions", tag = "drops",
    params(("id" = String, Path, description = "Identifier of the drop")),
    responses(
        (status = 200, description = "The submissions to the drop", body = Vec<SubmissionBody>),
        AuthErrors, RoleErrors, IdErrors, AnyErrors)
)]
pub(crate) async fn submissions(
    caller: Caller,
    PathId(id): PathId<DropId>,
    _: NoParams,
    State(app): State<App>,
) -> Result<ApiJson<Vec<SubmissionBody>>, Problem> {
    let drop = app.context.store.drops().get(id).await?.ok_or(Error::NotFound)?;
    drop.require_sender(&caller.id)?;
    if drop.status == Status::Completed {
        Ok(ApiJson(unsealed(&app, app.context.store.verdicts().with_submissions(id).await?).await?))
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
        let files = app.readable(&made.output_attachments, true).await?;
        bodies.push(unsealed_body(made, of(made), judged.credits.get(&made.worker), files));
    }
    bodies.sort_by_key(|body| body.rank);
    Ok(bodies)
}

fn unsealed_body(
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
