//! Verdicts, appeals, finished races, and checks of one output.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::super::Text;
use super::AttachmentRequest;

/// The verdict on a drop.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Verdict {
    /// Name of the judge.
    pub judge: Text,
    /// Version of the judge.
    pub judge_version: Text,
    /// The judge's confidence.
    pub confidence: Option<Text>,
    /// Demands that the judge found in the prompt.
    pub constraints: Vec<Constraint>,
    /// Every submission, by rank.
    pub submissions: Vec<Placing>,
    /// Appeals, with their second opinions.
    pub appeals: Vec<Appeal>,
}

/// A demand of the prompt.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Constraint {
    /// The demand in words.
    pub text: Text,
}

/// The judgement of one submission.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Placing {
    /// Identifier of the submission.
    pub id: Text,
    /// User id of the worker.
    pub worker: Text,
    /// Rank, where 1 is the best.
    pub rank: i64,
    /// Grade, S to F.
    pub grade: Text,
    /// Score, 0 to 100.
    pub score: i64,
    /// Rationale of rank and grade.
    pub rationale: Text,
    /// True if a plain check refused the submission.
    pub refused: bool,
    /// Integrity checks that the submission failed.
    pub flags: Vec<Text>,
    /// Stability of the rank.
    pub rank_held: RankHeld,
    /// Checks against the prompt's demands.
    pub checks: Vec<ConstraintCheck>,
}

/// Stability of a rank across repeated comparisons.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RankHeld {
    /// Comparisons with the same rank.
    pub times: i64,
    /// All comparisons.
    pub of: i64,
}

/// A check of a submission against one demand.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ConstraintCheck {
    /// The demand.
    pub constraint: Text,
    /// `met`, `missed` or `unclear`.
    pub result: Text,
}

/// A request for a second opinion.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Appeal {
    /// The side that appealed.
    pub side: Text,
    /// `pending` or `decided`.
    pub status: Text,
    /// True if the second opinion has another winner.
    pub changes_winner: Option<bool>,
}

/// A finished race of the caller.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FinishedRace {
    /// Identifier of the drop.
    pub job_id: Text,
    /// First line of the prompt.
    pub title: Text,
    /// Kind of work.
    pub pack: Text,
    /// The caller's rank.
    pub rank: i64,
    /// Number of submissions.
    pub submissions_count: i64,
    /// The caller's grade.
    pub grade: Text,
    /// The caller's score.
    pub score: i64,
    /// Money won, in cents.
    pub payout_cents: i64,
    /// Time of the verdict.
    pub finished_at: Timestamp,
}

/// An output to check.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct VerifyRequest {
    /// The criteria in words.
    pub criteria: Text,
    /// Text of the output.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_text: Option<Text>,
    /// Files of the output.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<AttachmentRequest>,
}

/// The result of a check.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Verification {
    /// Identifier.
    pub id: Text,
    /// True if the output meets the criteria.
    pub passed: bool,
    /// Score, 0 to 100.
    pub score: i64,
    /// Rationale of the result.
    pub rationale: Text,
}
