//! Verdicts: comparisons of the submissions to one drop.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;

use crate::error::UnknownWord;
use crate::{Grade, SubmissionId, UserId};

/// One submission as the judge sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Id of the submission.
    pub submission: SubmissionId,
    /// Worker who submitted it.
    pub worker: UserId,
    /// Time of the submission. Among equal submissions, the earlier ranks higher.
    pub submitted_at: Timestamp,
    /// Text of the output, with one line for each file. Untrusted.
    pub output_text: String,
}

/// The judge's certainty that the submission in first place is the best.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Confidence {
    /// Every reading named this winner, and by a clear margin.
    High,
    /// Most readings named this winner, or the embedded judge found a clear difference.
    Medium,
    /// The first places are too close for this judge to tell apart.
    Low,
}

impl Confidence {
    /// Every level, the most certain first.
    pub const ALL: [Self; 3] = [Self::High, Self::Medium, Self::Low];

    /// The level's word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
        }
    }
}

/// The reason why the embedded judge decided although a model is configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fallback {
    /// The model's service was down, too slow, or refused the request.
    ModelUnavailable,
    /// The model answered, but fewer than two of its answers could be used.
    UnusableAnswers,
    /// The limit of tokens or cents for a drop or a day was reached.
    LimitReached,
    /// Too little time was left before the drop's `settles_by`.
    DeadlineNear,
}

impl Fallback {
    /// Every reason.
    pub const ALL: [Self; 4] =
        [Self::ModelUnavailable, Self::UnusableAnswers, Self::LimitReached, Self::DeadlineNear];

    /// The reason's word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ModelUnavailable => "model_unavailable",
            Self::UnusableAnswers => "unusable_answers",
            Self::LimitReached => "limit_reached",
            Self::DeadlineNear => "deadline_near",
        }
    }
}

/// The degree to which a submission meets a demand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Met {
    /// The submission meets the demand.
    Met,
    /// The submission misses the demand.
    Missed,
    /// The judge cannot tell.
    Unclear,
}

impl Met {
    /// Every degree.
    pub const ALL: [Self; 3] = [Self::Met, Self::Missed, Self::Unclear];

    /// The degree's word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Missed => "missed",
            Self::Unclear => "unclear",
        }
    }
}

macro_rules! words {
    ($($name:ident),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = UnknownWord;

            fn from_str(word: &str) -> Result<Self, UnknownWord> {
                Self::ALL.into_iter().find(|value| value.as_str() == word).ok_or(UnknownWord)
            }
        }
    )*};
}

words!(Confidence, Fallback, Met);

/// A demand that the prompt makes and that can be checked, such as a number of items.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Constraint {
    /// Stable name of the kind of demand.
    pub kind: String,
    /// The demand, in the judge's words.
    pub text: String,
    /// True if the prompt states the demand, false if it only implies it.
    pub stated: bool,
}

/// The check of one submission against one [`Constraint`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConstraintCheck {
    /// Degree to which the submission meets the demand.
    pub met: Met,
    /// The judge's measurement, such as "94 words".
    pub found: String,
}

/// The points for one criterion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CriterionScore {
    /// Name of the criterion.
    pub criterion: String,
    /// Points, 0 to 100.
    pub score: u32,
}

/// One submission's place in the ranking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placing {
    /// Id of the submission.
    pub submission: SubmissionId,
    /// Worker who submitted it.
    pub worker: UserId,
    /// Rank from 1, the best. No two submissions share a rank.
    pub rank: u32,
    /// Grade of the submission.
    pub grade: Grade,
    /// Score by the rubric, 0 to 100.
    pub score: u32,
    /// Explanation for people, in one paragraph.
    pub rationale: String,
    /// Number of the judge's passes in which the submission had this rank. Each pass reads the submissions in
    /// another order.
    pub held: u32,
    /// True if a plain check refused the submission. It is an F and cannot win.
    pub refused: bool,
    /// Names of the integrity checks that the submission failed.
    pub flags: Vec<String>,
    /// Points by criterion; empty for a submission that was refused.
    pub criteria: Vec<CriterionScore>,
    /// Checks against the verdict's constraints, in their order.
    pub checks: Vec<ConstraintCheck>,
    /// Length of the submission, in characters.
    pub characters: u32,
    /// Number of those characters that the judge read.
    pub characters_read: u32,
}

/// The judge of a verdict and its method, by which the verdict can be repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Method {
    /// Name of the judge.
    pub judge: String,
    /// Version of the judge.
    pub judge_version: String,
    /// Version of the rubric.
    pub rubric_version: String,
    /// Name of the language model, if one judged.
    pub model: Option<String>,
    /// Number of passes, each of which read the submissions in another order.
    pub passes: u32,
    /// Seed of the orders and labels, for a judge that draws them at random.
    pub seed: Option<u64>,
    /// Certainty of the first place; `None` in a verdict from before it was recorded.
    pub confidence: Option<Confidence>,
    /// Reason why the embedded judge replaced the configured model, if it did.
    pub fallback: Option<Fallback>,
}

/// The judged result of one drop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The judge and its method.
    pub method: Method,
    /// The demands of the prompt that were checked.
    pub constraints: Vec<Constraint>,
    placings: Vec<Placing>,
}

/// The error for placings that do not rank the candidates completely.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IncompleteVerdict;

impl fmt::Display for IncompleteVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the verdict does not rank every submission exactly once")
    }
}

impl std::error::Error for IncompleteVerdict {}

impl Verdict {
    /// Builds a verdict from these placings, given in any order.
    ///
    /// # Errors
    /// [`IncompleteVerdict`] unless every candidate is placed exactly once, the ranks run from 1 without a
    /// gap, and no refused submission ranks above one that was not.
    pub fn new(
        method: Method,
        constraints: Vec<Constraint>,
        mut placings: Vec<Placing>,
        candidates: &[Candidate],
    ) -> Result<Self, IncompleteVerdict> {
        placings.sort_by_key(|placing| placing.rank);
        let ranked = placings.iter().zip(1..).all(|(placing, rank)| placing.rank == rank);
        let all_placed = placings.len() == candidates.len()
            && candidates.iter().all(|candidate| {
                let own = |p: &&Placing| p.submission == candidate.submission && p.worker == candidate.worker;
                placings.iter().filter(own).count() == 1
            });
        let refused_last = placings.is_sorted_by_key(|placing| placing.refused);
        if placings.is_empty() || !ranked || !all_placed || !refused_last {
            return Err(IncompleteVerdict);
        }
        Ok(Self { method, constraints, placings })
    }

    /// Restores a stored verdict. `None` if it has no placing.
    pub fn from_stored(method: Method, constraints: Vec<Constraint>, placings: Vec<Placing>) -> Option<Self> {
        (!placings.is_empty()).then_some(Self { method, constraints, placings })
    }

    /// All placings, best first; never empty.
    pub fn placings(&self) -> &[Placing] {
        &self.placings
    }

    /// The placing that is paid: rank 1, unless a plain check refused even that one.
    pub fn winner(&self) -> Option<&Placing> {
        self.placings.first().filter(|placing| !placing.refused)
    }
}
