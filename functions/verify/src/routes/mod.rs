//! The endpoints, one per file, and the wire format of a verification.

pub(crate) mod create;
pub(crate) mod get;

use clorp_domain::Verification;
use clorp_domain::time::rfc3339;
use clorp_domain::verification::Finding;
use serde::Serialize;
use utoipa::ToSchema;

/// A verification, as its owner sees it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Verification)]
pub(crate) struct VerificationBody {
    /// Identifier of the verification.
    id: String,
    /// Always `completed`: the response waits for the judge.
    #[schema(pattern = "^completed$")]
    status: &'static str,
    /// True if the output meets the criteria, which takes a score of at least 50.
    passed: bool,
    /// Score of the output in points, 0 to 100.
    #[schema(minimum = 0, maximum = 100)]
    score: u32,
    /// Rationale of the judge, in one paragraph. Quotes words of the criteria, but none of the output.
    rationale: String,
    /// Criteria of the request.
    criteria: String,
    /// SHA-256 of the output text, in lower-case hex. For an output with files, SHA-256 of these lines, each
    /// with a line feed at its end: the SHA-256 of the text, then `<sha256> <size_bytes> <content_type>
    /// <filename>` for each file.
    sha256: String,
    /// Name of the judge.
    judge: String,
    /// Version of the judge.
    judge_version: String,
    /// Version of the rubric.
    rubric_version: String,
    /// Time of the verification (RFC 3339, UTC).
    #[schema(format = DateTime)]
    created_at: String,
    /// Time from which the verification can no longer be read (RFC 3339, UTC): 30 days after it was made.
    #[schema(format = DateTime)]
    expires_at: String,
}

impl From<Verification> for VerificationBody {
    fn from(made: Verification) -> Self {
        let expires_at = rfc3339(made.expires_at());
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
            expires_at,
        }
    }
}
