//! One endpoint a file, and what is shown of a verification.

pub(crate) mod create;
pub(crate) mod get;

use clorp_domain::Verification;
use clorp_domain::time::rfc3339;
use clorp_domain::verification::Finding;
use serde::Serialize;
use utoipa::ToSchema;

/// A verification, as who asked for it sees it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Verification)]
pub(crate) struct VerificationBody {
    /// Opaque.
    id: String,
    /// Always `completed`: the answer waits for the judge.
    #[schema(pattern = "^completed$")]
    status: &'static str,
    /// Whether the output meets the criteria: it does with 50 points or more.
    passed: bool,
    /// How well, in points.
    #[schema(minimum = 0, maximum = 100)]
    score: u32,
    /// Why, in one paragraph. Quotes words of the criteria, none of the output.
    rationale: String,
    /// The criteria as you gave them.
    criteria: String,
    /// SHA-256 of the output text, in lower-case hex. With files, of lines that each end in a line feed: that SHA-256, then
    /// `<sha256> <size_bytes> <content_type> <filename>` for each file.
    sha256: String,
    /// Who judged.
    judge: String,
    /// The judge's version.
    judge_version: String,
    /// The rubric's version.
    rubric_version: String,
    /// When.
    #[schema(format = DateTime)]
    created_at: String,
}

impl From<Verification> for VerificationBody {
    fn from(made: Verification) -> Self {
        let Finding { judge, judge_version, rubric_version, passed, score, rationale } = made.finding;
        Self {
            id: made.id.to_string(),
            status: "completed",
            passed,
            score,
            rationale,
            criteria: made.criteria,
            sha256: made.sha256,
            judge,
            judge_version,
            rubric_version,
            created_at: rfc3339(made.created_at),
        }
    }
}
