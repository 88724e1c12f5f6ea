//! Verdicts: comparisons of the submissions to one drop.

use jiff::Timestamp;

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
}

/// The judged result of one drop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Name of the judge.
    pub judge: String,
    /// Version of the judge.
    pub judge_version: String,
    /// Version of the rubric.
    pub rubric_version: String,
    /// Number of passes the judge made.
    pub passes: u32,
    placings: Vec<Placing>,
}

/// The error for placings that do not rank the candidates completely.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IncompleteVerdict;

impl Verdict {
    /// Builds a verdict from these placings, given in any order.
    ///
    /// # Errors
    /// [`IncompleteVerdict`] unless every candidate is placed exactly once and the ranks run from 1 without a
    /// gap.
    pub fn new(
        judge: impl Into<String>,
        judge_version: impl Into<String>,
        rubric_version: impl Into<String>,
        passes: u32,
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
        if placings.is_empty() || !ranked || !all_placed {
            return Err(IncompleteVerdict);
        }
        Ok(Self {
            judge: judge.into(),
            judge_version: judge_version.into(),
            rubric_version: rubric_version.into(),
            passes,
            placings,
        })
    }

    /// Restores a stored verdict. `None` if it has no placing.
    pub fn from_stored(
        judge: String,
        judge_version: String,
        rubric_version: String,
        passes: u32,
        placings: Vec<Placing>,
    ) -> Option<Self> {
        (!placings.is_empty()).then_some(Self { judge, judge_version, rubric_version, passes, placings })
    }

    /// All placings, best first; never empty.
    pub fn placings(&self) -> &[Placing] {
        &self.placings
    }

    /// The placing with rank 1.
    pub fn winner(&self) -> &Placing {
        &self.placings[0]
    }
}
