//! Judging: which of a drop's submissions is best, and how good each is.
//!
//! [`Judge`] is what the ranking asks. [`EmbeddedJudge`] answers it from the texts alone: no network, no clock, no
//! randomness, so the same submissions always get the same verdict. Every submission is hostile input to every judge.
//! [`verify()`] holds one output by itself to somebody's criteria, by the same means.

#![warn(clippy::float_arithmetic)]

mod ask;
mod checks;
mod embedded;
mod fold;
mod instructions;
mod points;
mod ranking;
mod rationale;
mod rubric;
mod set;
mod signals;
mod text;
mod verify;
mod vocabulary;

use std::fmt;

use async_trait::async_trait;
use clorp_domain::error::Internal;
use clorp_domain::verdict::{Candidate, IncompleteVerdict};
use clorp_domain::{Brief, Pack, Verdict};

pub use embedded::{EMBEDDED_JUDGE, EMBEDDED_JUDGE_VERSION, EmbeddedJudge};
pub use rubric::RUBRIC_VERSION;
pub use verify::{PASSING_SCORE, verify};

/// Ranks and grades the submissions of one drop.
#[async_trait]
pub trait Judge: Send + Sync {
    /// The verdict on `candidates`, whose order must not matter.
    ///
    /// # Errors
    /// [`JudgeError::Unavailable`] may be tried again later; the others come back for the same input.
    async fn judge(&self, pack: Pack, brief: &Brief, candidates: &[Candidate])
    -> Result<Verdict, JudgeError>;
}

/// Why there is no verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JudgeError {
    /// The judge cannot judge now; the same question may be asked again later. What went wrong is for the log only.
    Unavailable(Internal),
    /// There was nothing to judge.
    NoCandidates,
    /// The judge's placings do not cover every candidate exactly once.
    Incomplete,
}

impl fmt::Display for JudgeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unavailable(_) => "judge unavailable, try again later",
            Self::NoCandidates => "no candidates to judge",
            Self::Incomplete => "incomplete verdict",
        })
    }
}

impl std::error::Error for JudgeError {}

impl From<IncompleteVerdict> for JudgeError {
    fn from(_: IncompleteVerdict) -> Self {
        Self::Incomplete
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_does_not_show_its_cause() {
        let error = JudgeError::Unavailable(Internal::new("key 123 refused"));
        assert_eq!(error.to_string(), "judge unavailable, try again later");
    }
}
