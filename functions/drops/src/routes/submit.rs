//! `POST /api/jobs/{id}/submit`: submit an output.

use axum::extract::State;
use axum::http::StatusCode;
use clorp_deadline::{Decision, decide};
use clorp_domain::drops::{Output, Submission, SubmitDecision};
use clorp_domain::time::rfc3339;
use clorp_domain::{AgentId, Attachment, Drop, DropId, Error, NamedFiles, SubmissionId};
use clorp_http::openapi::{AnyErrors, AuthErrors, BodyErrors, IdErrors, RoleErrors, StateErrors};
use clorp_http::{ApiJson, AttachmentRequest, Caller, NoParams, PathId, Problem, file_drafts};
use clorp_store::Conditional;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::App;

/// An output to submit.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SubmitRequest {
    /// Text of the output, at most 100 KiB. May be empty or left out if there are files.
    output_text: Option<String>,
    /// Uploads of yours that belong to the output, at most 10.
    #[schema(max_items = 10)]
    output_attachments: Option<Vec<AttachmentRequest>>,
    /// Identifier of your agent to credit; the agent that you claimed for if left out. `agent_id` is accepted
    /// too.
    #[serde(rename = "agentId", alias = "agent_id")]
    agent_id: Option<String>,
}

/// A receipt for a submission.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Receipt {
    /// Identifier of the submission.
    id: String,
    /// Identifier of the drop.
    job_id: String,
    /// Time at which the submission was accepted (RFC 3339, UTC).
    #[schema(format = DateTime)]
    submitted_at: String,
    /// SHA-256 of the output text, in lower-case hex. For an output with files, SHA-256 of these lines, each
    /// with a line feed at its end: the SHA-256 of the text, then `<sha256> <size_bytes> <content_type>
    /// <filename>` for each file.
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

/// Submit your output to a drop that you have claimed.
///
/// Each worker has one submission. A retry with the same output is a 200, and a different output is a 409
/// `already_submitted`. The drop closes early when every slot has submitted, but not within ten seconds after
/// it opened.
#[utoipa::path(
    post, path = "/api/jobs/{id}/submit", tag = "drops",
    params(("id" = String, Path, description = "Identifier of the drop")),
    request_body = SubmitRequest,
    responses(
        (status = 201, description = "The receipt of the accepted submission", body = Receipt),
        (status = 200, description = "The receipt of your earlier submission with the same output", body = Receipt),
        AuthErrors, RoleErrors, IdErrors, StateErrors, BodyErrors, AnyErrors)
)]
pub(crate) async fn submit(
    caller: Caller,
    PathId(id): PathId<DropId>,
    _: NoParams,
    State(app): State<App>,
    ApiJson(request): ApiJson<SubmitRequest>,
) -> Result<(StatusCode, ApiJson<Receipt>), Problem> {
    let rules = &app.context.rules;
    let files = NamedFiles::new("/output_attachments", file_drafts(request.output_attachments), rules)?;
    let output = Output::new(request.output_text, files, rules)?;
    let named = app.named_agent(&caller.id, request.agent_id);
    let (agent, found) = tokio::join!(named, with_files(&app, &caller, id, &output));
    let (agent, (drop, files)) = (agent?, found?);
    let (status, submission) = deliver(&app, &caller, agent, drop, &output, &files).await?;
    Ok((status, ApiJson(submission.into())))
}

/// The drop, and the output's files, which are kept if the drop accepts the output.
async fn with_files(
    app: &App,
    caller: &Caller,
    id: DropId,
    output: &Output,
) -> Result<(Drop, Vec<Attachment>), Error> {
    let store = &app.context.store;
    let (drop, uploads) =
        tokio::try_join!(store.drops().get(id), store.uploads().get_many(&caller.id, output.files().ids()))?;
    let drop = drop.ok_or(Error::NotFound)?;
    let files = match drop.submit(&caller.id, app.context.clock.now(), &app.context.rules)? {
        SubmitDecision::Again => Vec::new(),
        SubmitDecision::Accept { .. } => {
            let files = output.files().among(&uploads, app.context.clock.now())?;
            app.keep("/output_attachments", &files).await?;
            files
        }
    };
    Ok((drop, files))
}

async fn deliver(
    app: &App,
    caller: &Caller,
    named: Option<AgentId>,
    drop: Drop,
    output: &Output,
    files: &[Attachment],
) -> Result<(StatusCode, Submission), Error> {
    decide("the drop", drop, |drop| async move {
        let now = drop.next_change_at(app.context.clock.now());
        let closes_at = match drop.submit(&caller.id, now, &app.context.rules)? {
            SubmitDecision::Again => {
                return replay_submission(app, caller, &drop, output).await.map(Decision::Made);
            }
            SubmitDecision::Accept { closes_at } => closes_at,
        };
        let submission = Submission {
            id: SubmissionId::of(drop.id, &caller.id),
            drop: drop.id,
            worker: caller.id.clone(),
            submitted_at: now,
            sha256: output.sha256(files),
            output_text: output.text().to_owned(),
            output_attachments: files.to_vec(),
        };
        let claimed_for = drop.claims.get(&caller.id).map(|claim| claim.agent);
        let agent = named.or(claimed_for).unwrap_or_else(|| AgentId::default_of(&caller.id));
        Ok(match app.context.store.submissions().accept(&drop, &submission, agent, closes_at).await? {
            Conditional::Applied => {
                if let Some(closes_at) = closes_at {
                    app.wake_ranking(drop.id, closes_at).await;
                }
                Decision::Made((StatusCode::CREATED, submission))
            }
            Conditional::Conflict(changed) => Decision::Conflict(*changed),
        })
    })
    .await
}

/// Compares the output with the caller's earlier submission, and returns that one if they are the same.
async fn replay_submission(
    app: &App,
    caller: &Caller,
    drop: &Drop,
    output: &Output,
) -> Result<(StatusCode, Submission), Error> {
    let made = app.context.store.submissions().get(drop.id, &caller.id).await?;
    let made = made.ok_or_else(|| Error::internal("a submitted claim has no output"))?;
    if output.is(&made) { Ok((StatusCode::OK, made)) } else { Err(Error::AlreadySubmitted) }
}
