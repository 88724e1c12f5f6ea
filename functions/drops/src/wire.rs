//! The drop on the wire.

use std::collections::BTreeMap;

use clorp_domain::time::rfc3339;
use clorp_domain::{Attachment, Brief, Drop, Rules, Status, SubmissionId, UserId};
use clorp_files::Signed;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

/// A drop, as its sender and its claimants see it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Drop)]
pub(crate) struct DropBody {
    /// Opaque.
    id: String,
    /// Where it is in its life; only moves forward.
    #[schema(pattern = "^(pending_payment|open|ranking|completed|cancelled|expired)$")]
    status: &'static str,
    /// The task.
    prompt: String,
    /// Kind of work.
    #[schema(pattern = "^(roast|scout|code|cook|wild)$")]
    pack: &'static str,
    /// Who posted it: a user's id.
    sender: String,
    /// What the sender pays, in cents.
    price_cents: i64,
    /// When it stops taking claims and submissions; `null` until it is paid.
    #[schema(format = DateTime)]
    window_closes_at: Option<String>,
    /// The winner's grade, S to F; `null` until completed.
    grade: Option<&'static str>,
    /// `null` until completed.
    winning_submission_id: Option<String>,
    /// Slots that are held.
    claims_count: u32,
    /// Slots there are.
    max_claims: u32,
    /// Submissions that are in.
    submissions_count: u32,
    /// First line of the prompt, cut at a word to 80 characters.
    title: String,
    /// The prompt after its first line; `null` if there is no more.
    description: Option<String>,
    /// The winner's output; `null` until completed.
    output_text: Option<String>,
    /// The winner's files; `null` until completed.
    output_attachments: Option<Vec<AttachmentBody>>,
    /// Files that belong to the prompt.
    attachments: Vec<AttachmentBody>,
    /// When it was posted.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it last changed.
    #[schema(format = DateTime)]
    updated_at: String,
    /// Length of the window, in seconds.
    time_limit_seconds: u32,
    /// Context for workers.
    env_vars: BTreeMap<String, String>,
    /// By when it will have ended; `null` until it is paid.
    #[schema(format = DateTime)]
    settles_by: Option<String>,
    /// The caller's claim; `null` if they hold none.
    your_claim: Option<ClaimBody>,
    /// The platform's part of the price, in cents; `null` until completed.
    fee_cents: Option<i64>,
    /// The winner's part of the price, in cents; `null` until completed.
    payout_cents: Option<i64>,
}

/// A claim, as its holder sees it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Claim)]
pub(crate) struct ClaimBody {
    /// Since when.
    #[schema(format = DateTime)]
    claimed_at: String,
    /// Until when nobody else can take the slot; afterwards it stays yours until somebody does.
    #[schema(format = DateTime)]
    lease_expires_at: String,
    /// `null` until submitted.
    #[schema(format = DateTime)]
    submitted_at: Option<String>,
    /// `null` until submitted.
    submission_id: Option<String>,
    /// Which of your agents it is for.
    agent_id: String,
}

/// A file, and where to download it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Attachment)]
pub(crate) struct AttachmentBody {
    /// The upload it came by.
    id: String,
    /// Its name.
    filename: String,
    /// Its media type as its owner declares it. It is served as bytes unless nothing can run in it.
    content_type: String,
    /// Its size in bytes.
    size_bytes: u64,
    /// The SHA-256 of its bytes, in lower-case hex.
    sha256: String,
    /// Where to download it without credentials, for a few minutes: hand it on only to who may have the file.
    #[schema(format = "uri")]
    url: String,
    /// Until when the URL is good; read the drop again for another.
    #[schema(format = DateTime)]
    url_expires_at: String,
}

impl AttachmentBody {
    /// The file, to be read by this request.
    pub(crate) fn new(file: &Attachment, get: Signed) -> Self {
        Self {
            id: file.id.to_string(),
            filename: file.filename.clone(),
            content_type: file.content_type.clone(),
            size_bytes: file.size_bytes,
            sha256: file.sha256_hex(),
            url: get.url,
            url_expires_at: rfc3339(get.expires_at),
        }
    }
}

/// The files of a drop and, once it is completed, of its winner.
pub(crate) struct Links {
    pub(crate) attachments: Vec<AttachmentBody>,
    pub(crate) output_attachments: Option<Vec<AttachmentBody>>,
}

/// A drop seen by one of its readers.
pub(crate) struct View<'a> {
    pub(crate) drop: &'a Drop,
    pub(crate) brief: Brief,
    pub(crate) output_text: Option<String>,
    pub(crate) files: Links,
    pub(crate) reader: &'a UserId,
    pub(crate) rules: &'a Rules,
}

fn when(at: Option<Timestamp>) -> Option<String> {
    at.map(rfc3339)
}

impl From<View<'_>> for DropBody {
    fn from(view: View<'_>) -> Self {
        let View { drop, brief, output_text, files, reader, rules } = view;
        let completed = drop.status == Status::Completed;
        Self {
            id: drop.id.to_string(),
            status: drop.status.as_str(),
            description: description(&brief.prompt),
            prompt: brief.prompt,
            pack: drop.pack.as_str(),
            sender: drop.sender.to_string(),
            price_cents: drop.price.get(),
            window_closes_at: when(drop.window.map(|window| window.closes_at)),
            grade: drop.outcome.as_ref().map(|outcome| outcome.grade.as_str()),
            winning_submission_id: drop.winning_submission().map(|id| id.to_string()),
            claims_count: drop.claims_count(),
            max_claims: drop.max_claims,
            submissions_count: drop.submissions_count(),
            title: drop.title.clone(),
            output_text,
            output_attachments: files.output_attachments,
            attachments: files.attachments,
            created_at: rfc3339(drop.created_at),
            updated_at: rfc3339(drop.updated_at),
            time_limit_seconds: drop.time_limit_seconds,
            env_vars: brief.env_vars,
            settles_by: when(drop.settles_by(rules)),
            your_claim: claim_body(drop, reader),
            fee_cents: completed.then(|| drop.fee.get()),
            payout_cents: drop.payout().ok().filter(|_| completed).map(|payout| payout.get()),
        }
    }
}

fn claim_body(drop: &Drop, reader: &UserId) -> Option<ClaimBody> {
    let claim = drop.claims.get(reader)?;
    let submission = || SubmissionId::of(drop.id, reader).to_string();
    Some(ClaimBody {
        claimed_at: rfc3339(claim.claimed_at),
        lease_expires_at: rfc3339(claim.lease_expires_at),
        submitted_at: when(claim.submitted_at),
        submission_id: claim.submitted_at.map(|_| submission()),
        agent_id: claim.agent.to_string(),
    })
}

/// What the prompt says after its first line with text.
fn description(prompt: &str) -> Option<String> {
    let (_, rest) = prompt.trim_start().split_once('\n')?;
    let rest = rest.trim();
    (!rest.is_empty()).then(|| rest.to_owned())
}
