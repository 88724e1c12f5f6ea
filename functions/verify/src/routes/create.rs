//! `POST /api/verify`: verify an output against criteria.

use axum::extract::State;
use axum::http::StatusCode;
use clorp_domain::attachments::not_uploaded;
use clorp_domain::drops::Output;
use clorp_domain::verification::Question;
use clorp_domain::{Attachment, Error, UserId, Verification, VerificationId};
use clorp_http::openapi::{AnyErrors, AuthErrors, BodyErrors};
use clorp_http::{ApiJson, AttachmentRequest, Caller, NewIds, NoParams, Problem, file_drafts};
use clorp_judge::verify;
use clorp_write_gate::wait_for_admission;
use futures::future::try_join_all;
use serde::Deserialize;
use utoipa::ToSchema;

use super::VerificationBody;
use crate::App;

/// An output to verify, and the criteria for it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct VerifyRequest {
    /// Criteria that the output has to meet, in plain text, at most 16 KiB.
    #[schema(value_type = String, min_length = 1, example = "Three taglines for a bakery, each with a pun on bread")]
    criteria: Option<String>,
    /// Text of the output, at most 100 KiB. May be empty or left out if there are files. Only its SHA-256 is
    /// stored.
    #[schema(example = "1. Our loaf is unconditional.\n2. You knead us.\n3. Bread to impress.")]
    output_text: Option<String>,
    /// Uploads of yours that belong to the output, at most 10. The judge sees their names, types and sizes,
    /// but does not open them.
    #[schema(max_items = 10)]
    attachments: Option<Vec<AttachmentRequest>>,
}

/// Verify an output against your own criteria, outside of any drop.
///
/// A verification is free. The judge is the same as for drops: it measures if the output is about the
/// subjects of the criteria, and how much it adds to them, but not if it is correct. An output that is empty,
/// repeats the criteria or addresses the judge does not pass.
#[utoipa::path(
    post, path = "/api/verify", tag = "verify",
    request_body = VerifyRequest,
    responses(
        (status = 201, description = "The verification, which is completed", body = VerificationBody),
        AuthErrors, BodyErrors, AnyErrors)
)]
pub(crate) async fn create(
    caller: Caller,
    _: NoParams,
    State(app): State<App>,
    ids: NewIds,
    ApiJson(request): ApiJson<VerifyRequest>,
) -> Result<(StatusCode, ApiJson<VerificationBody>), Problem> {
    let VerifyRequest { criteria, output_text, attachments } = request;
    let question = Question::new(criteria, output_text, file_drafts(attachments), &app.context.rules)?;
    let id = VerificationId::new(ids.ulid("verification", app.context.clock.now()));
    let verification = match find_uploads(&app, &caller.id, &question.output).await {
        Ok(files) => judge(&app, caller.id, id, question, &files).await?,
        Err(refusal) => replay_verification(&app, &caller.id, id, &ids, refusal).await?,
    };
    Ok((StatusCode::CREATED, ApiJson(verification.into())))
}

/// The files of an output.
///
/// # Errors
/// [`Error::Invalid`] for the first file that was not uploaded as announced; faults.
async fn find_uploads(app: &App, owner: &UserId, output: &Output) -> Result<Vec<Attachment>, Error> {
    let named = output.files();
    let uploads = app.context.store.uploads().get_many(owner, named.ids()).await?;
    let files = named.among(&uploads, app.context.clock.now())?;
    let there = try_join_all(files.iter().map(|file| app.files.is_uploaded(file))).await?;
    match there.iter().position(|there| !there) {
        None => Ok(files),
        Some(at) => Err(not_uploaded("/attachments", at).into()),
    }
}

async fn judge(
    app: &App,
    owner: UserId,
    id: VerificationId,
    question: Question,
    files: &[Attachment],
) -> Result<Verification, Error> {
    // Judging writes nothing, but takes time, so it waits for the rate limit.
    wait_for_admission().await?;
    let Question { criteria, output } = question;
    let finding = verify(&criteria, &output.legible(files));
    let sha256 = output.sha256(files);
    let created_at = app.context.clock.now();
    let verification = Verification { id, owner, created_at, criteria, sha256, finding };
    app.context.store.verifications().create(verification).await
}

/// The verification that an earlier attempt of this request made, while its files still existed; otherwise
/// the refusal.
async fn replay_verification(
    app: &App,
    owner: &UserId,
    id: VerificationId,
    ids: &NewIds,
    refusal: Error,
) -> Result<Verification, Error> {
    if ids.may_be_taken() && matches!(refusal, Error::Invalid(_)) {
        app.context.store.verifications().get(owner, id).await?.ok_or(refusal)
    } else {
        Err(refusal)
    }
}
