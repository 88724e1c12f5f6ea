//! `POST /api/verify`: hold an output to criteria.

use axum::extract::State;
use axum::http::StatusCode;
use clorp_domain::drops::Output;
use clorp_domain::verification::Question;
use clorp_domain::{Attachment, Error, UserId, Verification, VerificationId};
use clorp_http::openapi::{AnyErrors, AuthErrors, BodyErrors};
use clorp_http::{ApiJson, AttachmentRequest, Caller, NewIds, NoParams, Problem, file_drafts};
use clorp_judge::verify;
use clorp_write_gate::admitted;
use futures::future::try_join_all;
use serde::Deserialize;
use utoipa::ToSchema;

use super::VerificationBody;
use crate::App;

/// What to verify.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct VerifyRequest {
    /// What the output has to meet, in plain text, at most 16 KiB.
    #[schema(value_type = String, min_length = 1, example = "Three taglines for a bakery, each with a pun on bread")]
    criteria: Option<String>,
    /// The output, at most 100 KiB of text. With files it may be empty. Only its SHA-256 is kept.
    #[schema(example = "1. Our loaf is unconditional.\n2. You knead us.\n3. Bread to impress.")]
    output_text: Option<String>,
    /// Uploads of yours that belong to the output, at most 10. They are judged by their names, types and sizes: nobody
    /// opens them.
    #[schema(max_items = 10)]
    attachments: Option<Vec<AttachmentRequest>>,
}

/// Have an output held to criteria of yours, apart from any drop.
///
/// It costs nothing. The judge is the one that ranks drops, and sees whether an output is about what the criteria name and
/// how much it says beyond them, not whether it is right. An output that is empty, gives the criteria back or
/// addresses the judge does not pass.
#[utoipa::path(
    post, path = "/api/verify", tag = "verify", security(("api_key" = [])),
    extensions(("x-rate-limit-class" = json!("create"))),
    request_body = VerifyRequest,
    responses(
        (status = 201, description = "The verification, completed", body = VerificationBody),
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
    let verification = match uploaded(&app, &caller.id, &question.output).await {
        Ok(files) => judge(&app, caller.id, id, question, &files).await?,
        Err(refusal) => made_before(&app, &caller.id, id, &ids, refusal).await?,
    };
    Ok((StatusCode::CREATED, ApiJson(verification.into())))
}

/// The files of an output, all of them there.
async fn uploaded(app: &App, owner: &UserId, output: &Output) -> Result<Vec<Attachment>, Error> {
    let named = output.files();
    let uploads = app.context.store.uploads(owner, named.ids()).await?;
    let files = named.among(&uploads, app.context.clock.now())?;
    let there = try_join_all(files.iter().map(|file| app.files.is_uploaded(file))).await?;
    match there.iter().position(|there| !there) {
        None => Ok(files),
        Some(at) => Err(named.not_uploaded(at).into()),
    }
}

async fn judge(
    app: &App,
    owner: UserId,
    id: VerificationId,
    question: Question,
    files: &[Attachment],
) -> Result<Verification, Error> {
    // Judging is work, though it changes nothing: nobody has it done above their rate.
    admitted().await?;
    let Question { criteria, output } = question;
    let finding = verify(&criteria, &output.legible(files));
    let sha256 = output.sha256(files);
    let created_at = app.context.clock.now();
    let verification = Verification { id, owner, created_at, criteria, sha256, finding };
    app.context.store.create_verification(verification).await
}

/// The verification that an earlier try of this request made when its files were still there; or else the refusal.
async fn made_before(
    app: &App,
    owner: &UserId,
    id: VerificationId,
    ids: &NewIds,
    refusal: Error,
) -> Result<Verification, Error> {
    if ids.may_be_taken() && matches!(refusal, Error::Invalid(_)) {
        app.context.store.verification(owner, id).await?.ok_or(refusal)
    } else {
        Err(refusal)
    }
}
