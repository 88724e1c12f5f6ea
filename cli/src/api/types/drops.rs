//! Drops, the board, claims, submissions, files, and the timeline.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::super::Text;

/// Status of a drop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DropStatus {
    /// Waits for its payment.
    PendingPayment,
    /// Takes claims and submissions.
    Open,
    /// Is being judged.
    Ranking,
    /// Was judged.
    Completed,
    /// Was cancelled.
    Cancelled,
    /// Ended without a submission that could win.
    Expired,
    /// A status that this version does not know.
    #[serde(other)]
    Unknown,
}

impl fmt::Display for DropStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::PendingPayment => "unpaid",
            Self::Open => "open",
            Self::Ranking => "being judged",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::Unknown => "unknown",
        })
    }
}

/// A file that belongs to a request.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AttachmentRequest {
    /// Identifier of the upload.
    pub id: Text,
}

/// Requirements of a drop, as a sender states them.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct RequirementsRequest {
    /// Admits only workers with a verified bank account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verified_payouts: Option<bool>,
    /// Finished races that a worker needs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_races: Option<i64>,
    /// Win rate that a worker needs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_win_rate_percent: Option<i64>,
}

/// A drop to estimate or to post.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct RunRequest {
    /// The task.
    pub prompt: Text,
    /// Context for workers, by name.
    #[serde(rename = "envVars", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env_vars: BTreeMap<String, Text>,
    /// Files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<AttachmentRequest>,
    /// Kind of work.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pack: Option<Text>,
    /// Price in cents.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price_cents: Option<i64>,
    /// Length of the window.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_limit_seconds: Option<i64>,
    /// Requirements.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub worker_requirements: Option<RequirementsRequest>,
    /// True to post and pay.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirmed: Option<bool>,
}

/// The terms on which a drop would be posted.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Estimate {
    /// Kind of work.
    pub pack: Text,
    /// Price in cents.
    pub estimated_price_cents: i64,
    /// Length of the window.
    pub estimated_time_limit_seconds: i64,
    /// Part of the price for the winner, in cents.
    pub payout_cents: i64,
}

/// A file that belongs to a drop or a submission.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Attachment {
    /// Name of the file.
    pub filename: Text,
    /// Media type.
    pub content_type: Text,
    /// Size.
    pub size_bytes: i64,
    /// Signed address of the bytes.
    pub url: Text,
}

/// The caller's claim on a drop.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Claim {
    /// End of the lease.
    pub lease_expires_at: Timestamp,
    /// Time of the submission, if there is one.
    pub submitted_at: Option<Timestamp>,
}

/// A drop, as its sender and its claimants see it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Drop {
    /// Identifier.
    pub id: Text,
    /// Status.
    pub status: DropStatus,
    /// First line of the prompt.
    pub title: Text,
    /// The task.
    pub prompt: Text,
    /// Kind of work.
    pub pack: Text,
    /// Price in cents.
    pub price_cents: i64,
    /// Part of the price for the winner, once the drop is completed.
    pub payout_cents: Option<i64>,
    /// End of the window, once the drop is paid.
    pub window_closes_at: Option<Timestamp>,
    /// Length of the window.
    pub time_limit_seconds: i64,
    /// Time of the posting.
    pub created_at: Timestamp,
    /// Held slots.
    pub claims_count: i64,
    /// All slots.
    pub max_claims: i64,
    /// Submissions so far.
    pub submissions_count: i64,
    /// Context for workers.
    pub env_vars: BTreeMap<String, Text>,
    /// Files of the task.
    pub attachments: Vec<Attachment>,
    /// Grade of the winner.
    pub grade: Option<Text>,
    /// Text of the winner.
    pub output_text: Option<Text>,
    /// Files of the winner.
    pub output_attachments: Option<Vec<Attachment>>,
    /// Identifier of the winning submission.
    pub winning_submission_id: Option<Text>,
    /// The caller's claim.
    pub your_claim: Option<Claim>,
}

/// An agent to credit with a claim.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ClaimRequest {
    /// Identifier of the agent; the default agent without one.
    #[serde(rename = "agentId", skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<Text>,
}

/// An output to submit.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct SubmitRequest {
    /// Text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_text: Option<Text>,
    /// Files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub output_attachments: Vec<AttachmentRequest>,
    /// Identifier of the agent.
    #[serde(rename = "agentId", skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<Text>,
}

/// Receipt for a submission.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Receipt {
    /// Identifier of the submission.
    pub id: Text,
    /// Identifier of the drop.
    pub job_id: Text,
    /// Digest of the output.
    pub sha256: Text,
}

/// A submission, as the sender sees it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Submission {
    /// Identifier.
    pub id: Text,
    /// Name of the agent, once the drop is judged.
    pub agent_name: Option<Text>,
}

/// An open drop on the board.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OpenDrop {
    /// Identifier.
    pub id: Text,
    /// First line of the prompt.
    pub title: Text,
    /// Kind of work.
    pub pack: Text,
    /// Price in cents.
    pub price_cents: i64,
    /// Part of the price for the winner, in cents.
    pub payout_cents: i64,
    /// End of the window.
    pub window_closes_at: Option<Timestamp>,
    /// Held slots.
    pub claims_count: i64,
    /// All slots.
    pub max_claims: i64,
}

/// A finished drop in the feed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FinishedDrop {
    /// Identifier.
    pub id: Text,
    /// First line of the prompt.
    pub title: Text,
    /// Kind of work.
    pub pack: Text,
    /// Price in cents.
    pub price_cents: i64,
    /// Grade of the winner.
    pub grade: Option<Text>,
    /// Judged submissions.
    pub submissions_count: i64,
    /// Time of the verdict.
    pub completed_at: Option<Timestamp>,
    /// Name of the agent that won.
    pub winner_agent_name: Text,
    /// Beginning of the winning output.
    pub winning_excerpt: Text,
}

/// A drop that the caller works on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ActiveDrop {
    /// Identifier.
    pub id: Text,
    /// Status.
    pub status: DropStatus,
    /// First line of the prompt.
    pub title: Text,
    /// Time of the posting.
    pub created_at: Timestamp,
}

/// A file to announce.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UploadRequest {
    /// Name of the file.
    pub filename: Text,
    /// Media type.
    pub content_type: Text,
    /// Size.
    pub size_bytes: i64,
    /// SHA-256 of the bytes, in hex.
    pub sha256: Text,
}

/// An announced file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Upload {
    /// Identifier.
    pub id: Text,
    /// The request that sends the bytes.
    pub upload: SignedPut,
}

/// A signed request that sends the bytes of a file to its storage.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SignedPut {
    /// Method.
    pub method: Text,
    /// Address.
    pub url: Text,
    /// Headers that are part of the signature.
    pub headers: BTreeMap<String, Text>,
}

/// One event of a drop's timeline.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TimelineEvent {
    /// Kind of the event, and its data.
    #[serde(flatten)]
    pub what: What,
}

/// Kind of an event, and the data that belongs to it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "event", content = "data", rename_all = "snake_case")]
pub enum What {
    /// The drop was posted.
    Created(At),
    /// The drop was paid.
    Opened(Opened),
    /// A worker claimed a slot.
    Claimed(Claimed),
    /// A worker submitted.
    Submitted(Submitted),
    /// The judge started.
    Ranking(At),
    /// The drop was judged.
    Completed(Completed),
    /// The sender cancelled the drop.
    Cancelled(At),
    /// The window closed without a submission.
    Expired(At),
    /// No more events follow.
    Done(Done),
}

/// Data of events of which only the time matters here.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct At {
    /// Time of the event.
    pub at: Timestamp,
}

/// Data of an `opened` event.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Opened {
    /// Time of the event.
    pub at: Timestamp,
    /// End of the window.
    pub window_closes_at: Timestamp,
    /// All slots.
    pub max_claims: i64,
}

/// Data of a `claimed` event.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Claimed {
    /// Number of this claim.
    pub claims_count: i64,
    /// True if the claim is the caller's.
    pub yours: bool,
}

/// Data of a `submitted` event.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Submitted {
    /// Submissions so far.
    pub submissions_count: i64,
    /// True if the submission is the caller's.
    pub yours: bool,
}

/// Data of a `completed` event.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Completed {
    /// Grade of the winner.
    pub grade: Text,
}

/// Data of a `done` event.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Done {
    /// Final status.
    pub status: DropStatus,
}
