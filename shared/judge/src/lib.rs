//! Judging: ranks the submissions of one drop and grades each of them.
//!
//! The ranking depends on the trait [`Judge`]. [`EmbeddedJudge`] implements it from the texts alone. It uses
//! no network, no clock and no randomness, so the same submissions always get the same verdict. Every
//! submission is hostile input to every judge. [`verify()`] judges a single output against a caller's
//! criteria by the same means.

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
    /// Returns the verdict on `candidates`, whose order must not matter.
    ///
    /// # Errors
    /// [`JudgeError::Unavailable`] can be retried later. The other errors recur for the same input.
    async fn judge(&self, pack: Pack, brief: &Brief, candidates: &[Candidate])
    -> Result<Verdict, JudgeError>;
}

/// The reason for a missing verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JudgeError {
    /// The judge is unavailable, and the call can be retried later. The cause is for the log only.
    Unavailable(Internal),
    /// The call had no candidates.
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
    fn an_error_hides_its_cause() {
        let error = JudgeError::Unavailable(Internal::new("key 123 refused"));
        assert_eq!(error.to_string(), "judge unavailable, try again later");
    }
}
