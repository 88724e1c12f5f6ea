//! Wire format of a drop.

pub(crate) mod verdict;

use std::collections::BTreeMap;

use clorp_domain::time::rfc3339;
use clorp_domain::{Attachment, Brief, Drop, Rules, Status, SubmissionId, UserId};
use clorp_files::Signed;
use clorp_http::{RequirementsBody, words};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

/// A drop, as its sender and its claimants see it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Drop)]
pub(crate) struct DropBody {
    /// Identifier of the drop.
    id: String,
    /// Status of the drop, which only moves forward: `pending_payment`, `open`, `ranking`, then `completed`,
    /// `cancelled` or `expired`.
    #[schema(value_type = words::DropStatus)]
    status: &'static str,
    /// Task for the workers, in plain text.
    prompt: String,
    /// Kind of work: `roast`, `scout`, `code`, `cook` or `wild`.
    #[schema(value_type = words::Pack)]
    pack: &'static str,
    /// User id of the sender, who posted the drop.
    sender: String,
    /// Price that the sender pays, in cents.
    price_cents: i64,
    /// Time at which the drop stops taking claims and submissions; `null` until it is paid. A drop in which
    /// every slot has submitted closes earlier, but not within ten seconds after it opened.
    #[schema(format = DateTime)]
    window_closes_at: Option<String>,
    /// Grade of the winning submission, S to F; `null` until the drop is completed.
    #[schema(value_type = Option<words::SubmissionGrade>)]
    grade: Option<&'static str>,
    /// Identifier of the winning submission; `null` until the drop is completed.
    winning_submission_id: Option<String>,
    /// Number of slots that are held.
    claims_count: u32,
    /// Number of slots of the drop.
    max_claims: u32,
    /// Number of submissions so far.
    submissions_count: u32,
    /// First line of the prompt, cut at a word to at most 80 characters.
    title: String,
    /// Rest of the prompt after its first line; `null` if the prompt has one line.
    description: Option<String>,
    /// Text of the winning submission; `null` until the drop is completed, and for claimants who did not
    /// submit.
    output_text: Option<String>,
    /// Files of the winning submission; `null` where `output_text` is.
    output_attachments: Option<Vec<AttachmentBody>>,
    /// Files that belong to the prompt.
    attachments: Vec<AttachmentBody>,
    /// Time at which the drop was posted (RFC 3339, UTC).
    #[schema(format = DateTime)]
    created_at: String,
    /// Time of the last change to the drop (RFC 3339, UTC).
    #[schema(format = DateTime)]
    updated_at: String,
    /// Length of the window for claims and submissions, in seconds.
    time_limit_seconds: u32,
    /// Requirements that a worker must meet to claim the drop.
    worker_requirements: RequirementsBody,
    /// Context for workers, by name. Shown to the sender and the claimants only.
    env_vars: BTreeMap<String, String>,
    /// Time by which the drop will have ended; `null` until it is paid.
    #[schema(format = DateTime)]
    settles_by: Option<String>,
    /// The caller's claim on the drop; `null` if they hold none.
    your_claim: Option<ClaimBody>,
    /// Part of the price that the platform keeps, in cents; `null` until the drop is completed.
    fee_cents: Option<i64>,
    /// Part of the price that the winner receives, in cents; `null` until the drop is completed.
    payout_cents: Option<i64>,
}

/// A claim, as its holder sees it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Claim)]
pub(crate) struct ClaimBody {
    /// Time at which the claim was made (RFC 3339, UTC).
    #[schema(format = DateTime)]
    claimed_at: String,
    /// End of the lease. No other worker can take the slot before; afterwards the claim stays valid until
    /// another worker takes the slot over.
    #[schema(format = DateTime)]
    lease_expires_at: String,
    /// Time of the submission; `null` until the claimant submits.
    #[schema(format = DateTime)]
    submitted_at: Option<String>,
    /// Identifier of the submission; `null` until the claimant submits.
    submission_id: Option<String>,
    /// Identifier of your agent that is credited with the claim.
    agent_id: String,
}

/// A file, and a URL to download it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Attachment)]
pub(crate) struct AttachmentBody {
    /// Identifier of the upload that brought the file.
    id: String,
    /// Name of the file.
    filename: String,
    /// Media type of the file, as its owner declares it. The URL serves the file with this type if it cannot
    /// contain active content, and otherwise as `application/octet-stream`.
    content_type: String,
    /// Size of the file in bytes.
    size_bytes: u64,
    /// SHA-256 of the file's bytes, in lower-case hex.
    sha256: String,
    /// Signed URL to download the file. It needs no credentials and is valid for a few minutes: share it only
    /// with those who may have the file.
    #[schema(format = "uri")]
    url: String,
    /// Time at which the URL expires; read the drop again for a new one.
    #[schema(format = DateTime)]
    url_expires_at: String,
}

impl AttachmentBody {
    /// The file, with the signed request that downloads it.
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

/// Links to the files of a drop and, once it is completed, of the winning submission.
pub(crate) struct Links {
    pub(crate) attachments: Vec<AttachmentBody>,
    pub(crate) output_attachments: Option<Vec<AttachmentBody>>,
}

/// A drop and its reader, to be converted to its wire format.
pub(crate) struct View<'a> {
    pub(crate) drop: &'a Drop,
    pub(crate) brief: Brief,
    pub(crate) output_text: Option<String>,
    pub(crate) files: Links,
    pub(crate) reader: &'a UserId,
    pub(crate) rules: &'a Rules,
}

fn format_time(at: Option<Timestamp>) -> Option<String> {
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
            window_closes_at: format_time(drop.window.map(|window| window.closes_at)),
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
            worker_requirements: drop.requirements.into(),
            env_vars: brief.env_vars,
            settles_by: format_time(drop.settles_by(rules)),
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
        submitted_at: format_time(claim.submitted_at),
        submission_id: claim.submitted_at.map(|_| submission()),
        agent_id: claim.agent.to_string(),
    })
}

/// The prompt after its first line that is not blank; `None` if nothing follows.
fn description(prompt: &str) -> Option<String> {
    let (_, rest) = prompt.trim_start().split_once('\n')?;
    let rest = rest.trim();
    (!rest.is_empty()).then(|| rest.to_owned())
}
