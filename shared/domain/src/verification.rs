//! Verifications: checks of one output against its caller's criteria, independent of any drop.

use jiff::Timestamp;

use crate::drops::Output;
use crate::text::require_plain;
use crate::time::after_seconds;
use crate::{FieldError, FileDraft, NamedFiles, Rules, UserId, VerificationId};

/// A validated request for a verification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Criteria that the output must meet.
    pub criteria: String,
    /// Output to verify.
    pub output: Output,
}

impl Question {
    /// Validates a request for a verification. Criteria may be as long as a prompt, and the output as long as
    /// a submission's.
    ///
    /// # Errors
    /// [`FieldError`] for the first field that breaks a rule.
    pub fn new(
        criteria: Option<String>,
        output_text: Option<String>,
        attachments: Vec<FileDraft>,
        rules: &Rules,
    ) -> Result<Self, FieldError> {
        let criteria = checked_criteria(criteria, rules)?;
        let files = NamedFiles::new("/attachments", attachments, rules)?;
        Ok(Self { criteria, output: Output::new(output_text, files, rules)? })
    }
}

fn checked_criteria(criteria: Option<String>, rules: &Rules) -> Result<String, FieldError> {
    let criteria = criteria
        .filter(|text| !text.trim().is_empty())
        .ok_or_else(|| FieldError::new("/criteria", "criteria_required", "Criteria are required"))?;
    if criteria.len() > rules.max_prompt_bytes {
        let message = format!("Criteria must be at most {} bytes", rules.max_prompt_bytes);
        return Err(FieldError::new("/criteria", "criteria_too_long", message));
    }
    require_plain("/criteria", "Criteria", &criteria)?;
    Ok(criteria)
}

/// Time for which a verification is kept, in seconds.
const KEPT_SECONDS: u32 = 30 * 24 * 60 * 60;

impl Verification {
    /// Time from which the verification is gone.
    pub fn expires_at(&self) -> Timestamp {
        after_seconds(self.created_at, KEPT_SECONDS)
    }
}

/// A judge's result for one output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Name of the judge.
    pub judge: String,
    /// Version of the judge.
    pub judge_version: String,
    /// Version of the rubric.
    pub rubric_version: String,
    /// True if the output meets the criteria.
    pub passed: bool,
    /// Degree to which it meets them, 0 to 100.
    pub score: u32,
    /// Explanation for people, in one paragraph.
    pub rationale: String,
}

/// A finding, together with the request that it answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verification {
    /// Id of the verification.
    pub id: VerificationId,
    /// User who made the request. Nobody else may read the verification.
    pub owner: UserId,
    /// Time of the request.
    pub created_at: Timestamp,
    /// Criteria from the request, unchanged.
    pub criteria: String,
    /// Hash of the output, see [`Output::sha256`]. The output itself is not stored, because the caller has
    /// it.
    pub sha256: String,
    /// Result of the judge.
    pub finding: Finding,
}

#[cfg(test)]
mod tests {
    use ulid::Ulid;

    use super::*;
    use crate::UploadId;

    fn check(criteria: &str, output: &str, attachments: u128, expect: Result<(), (&str, &str)>) {
        let text = |text: &str| (text != "-").then(|| text.to_owned());
        let id = |n| UploadId::new(Ulid::from_parts(1, n)).to_string();
        let files = (0..attachments).map(|n| FileDraft { id: Some(id(n)), ..FileDraft::default() });
        let question = Question::new(text(criteria), text(output), files.collect(), &Rules::default());
        let got = question.map(|_| ()).map_err(|error| (error.field, error.code));
        assert_eq!(
            got,
            expect.map_err(|(field, code)| (field.to_owned(), code)),
            "{criteria:.20} {output:.20}"
        );
    }

    #[test]
    fn a_question_has_criteria_and_an_output_within_their_limits() {
        let rules = Rules::default();
        let of = |bytes| "x".repeat(bytes);
        check(&of(rules.max_prompt_bytes), &of(rules.max_output_bytes), 0, Ok(()));
        check(&of(rules.max_prompt_bytes + 1), "x", 0, Err(("/criteria", "criteria_too_long")));
        check("x", &of(rules.max_output_bytes + 1), 0, Err(("/output_text", "output_too_long")));
        for nothing in ["-", "", " \n\t"] {
            check(nothing, "x", 0, Err(("/criteria", "criteria_required")));
            check("x", nothing, 0, Err(("/output_text", "output_required")));
        }
        check("a\u{1b}", "x", 0, Err(("/criteria", "control_character")));
        check("x", "a\u{0}", 0, Err(("/output_text", "control_character")));
        check("x", "-", 1, Ok(()));
        check("x", "x", 11, Err(("/attachments", "too_many_attachments")));
    }
}
