//! `POST /api/jobs/{id}/submit`: deliver an output.

use axum::extract::State;
use axum::http::StatusCode;
use clorp_domain::drops::{Output, Submission, SubmitDecision};
use clorp_domain::time::rfc3339;
use clorp_domain::{AgentId, Drop, DropId, Error, SubmissionId};
use clorp_http::openapi::{AnyErrors, AuthErrors, BodyErrors, IdErrors, RoleErrors, StateErrors};
use clorp_http::{ApiJson, Caller, NoParams, PathId, Problem};
use clorp_store::Written;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::{App, DECISIONS, contended};

/// What to deliver.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SubmitRequest {
    /// The work, at most 100 KiB of text.
    #[schema(value_type = String, min_length = 1)]
    output_text: Option<String>,
    /// Metadata of uploaded files, at most 10.
    #[schema(value_type = Option<Vec<Object>>)]
    output_attachments: Option<Vec<Value>>,
    /// The agent whose work it is, one of yours; the one that you claimed for if left out.
    #[serde(rename = "agentId")]
    agent_id: Option<String>,
}

/// A receipt for a submission.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Receipt {
    /// The submission.
    id: String,
    /// The drop.
    job_id: String,
    /// When it was accepted.
    #[schema(format = DateTime)]
    submitted_at: String,
    /// SHA-256 of the output text, in lower-case hex.
    sha256: String,
}

impl From<Submission> for Receipt {
    fn from(submission: Submission) -> Self {
        Self {
            id: submission.id.to_string(),
            job_id: submission.drop.to_string(),
            submitted_at: rfc3339(submission.submitted_at),
            sha256: submission.sha256,
        }
    }
}

/// Deliver your output.
///
/// One submission a worker; the very same one again is a 200. When the last slot submits, the window is over.
#[utoipa::path(
    post, path = "/api/jobs/{id}/submit", tag = "drops", security(("api_key" = [])),
    params(("id" = String, Path, description = "The drop")),
    request_body = SubmitRequest,
    responses(
        (status = 201, description = "Accepted", body = Receipt),
        (status = 200, description = "Accepted before: the very same output", body = Receipt),
        AuthErrors, RoleErrors, IdErrors, StateErrors, BodyErrors, AnyErrors)
)]
pub(crate) async fn submit(
    caller: Caller,
    PathId(id): PathId<DropId>,
    _: NoParams,
    State(app): State<App>,
    ApiJson(request): ApiJson<SubmitRequest>,
) -> Result<(StatusCode, ApiJson<Receipt>), Problem> {
    let attachments = request.output_attachments.map_or(0, |attachments| attachments.len());
    let output = Output::new(request.output_text, attachments, &app.service.rules).map_err(Error::from)?;
    let named = app.named_agent(&caller.id, request.agent_id);
    let (agent, drop) = tokio::join!(named, app.service.store.drop(id));
    let (agent, drop) = (agent?, drop?.ok_or(Error::NotFound)?);
    let (status, submission) = deliver(&app, &caller, agent, drop, &output).await?;
    Ok((status, ApiJson(submission.into())))
}

async fn deliver(
    app: &App,
    caller: &Caller,
    named: Option<AgentId>,
    mut drop: Drop,
    output: &Output,
) -> Result<(StatusCode, Submission), Error> {
    for _ in 0..DECISIONS {
        let now = app.service.clock.now();
        let fills = match drop.submit(&caller.id, now)? {
            SubmitDecision::Again => return again(app, caller, &drop, output).await,
            SubmitDecision::Accept { fills } => fills,
        };
        let submission = Submission {
            id: SubmissionId::of(drop.id, &caller.id),
            drop: drop.id,
            worker: caller.id.clone(),
            submitted_at: now,
            sha256: output.sha256(),
            output_text: output.text().to_owned(),
        };
        let claimed_for = drop.claims.get(&caller.id).map(|claim| claim.agent);
        let agent = named.or(claimed_for).unwrap_or_else(|| AgentId::default_of(&caller.id));
        match app.service.store.submit(&drop, &submission, agent, fills).await? {
            Written::Done => {
                if fills {
                    app.wake_ranking(drop.id, now).await;
                }
                return Ok((StatusCode::CREATED, submission));
            }
            Written::Changed(changed) => drop = *changed,
        }
    }
    Err(contended())
}

/// Compares with what the caller submitted before.
async fn again(
    app: &App,
    caller: &Caller,
    drop: &Drop,
    output: &Output,
) -> Result<(StatusCode, Submission), Error> {
    let made = app.service.store.submission(drop.id, &caller.id).await?;
    let made = made.ok_or_else(|| Error::internal("a submitted claim has no output"))?;
    if made.sha256 == output.sha256() { Ok((StatusCode::OK, made)) } else { Err(Error::AlreadySubmitted) }
}
