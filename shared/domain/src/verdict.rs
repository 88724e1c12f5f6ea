//! Verdicts: how the submissions of one drop compare.

use jiff::Timestamp;

use crate::{Grade, SubmissionId, UserId};

/// One submission as the judge sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Which submission.
    pub submission: SubmissionId,
    /// Who made it.
    pub worker: UserId,
    /// When; of two equal submissions the earlier ranks higher.
    pub submitted_at: Timestamp,
    /// What was delivered, with a line for each file: untrusted text.
    pub output_text: String,
}

/// One submission's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placing {
    /// Which submission.
    pub submission: SubmissionId,
    /// Who made it.
    pub worker: UserId,
    /// 1 is best; no two submissions share a rank.
    pub rank: u32,
    /// Its grade.
    pub grade: Grade,
    /// Its score by the rubric, 0 to 100.
    pub score: u32,
    /// One paragraph for people.
    pub rationale: String,
    /// In how many of the judge's passes, each over the submissions in another order, it came out at this rank.
    pub held: u32,
}

/// The judged result of one drop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The judge's name.
    pub judge: String,
    /// The judge's version.
    pub judge_version: String,
    /// The rubric's version.
    pub rubric_version: String,
    /// How many passes the judge made.
    pub passes: u32,
    placings: Vec<Placing>,
}

/// Placings that do not form a verdict on the candidates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IncompleteVerdict;

impl Verdict {
    /// The verdict with these placings, in any order.
    ///
    /// # Errors
    /// [`IncompleteVerdict`] unless every candidate is placed once and the ranks run from 1 without a gap.
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

    /// The verdict as it was stored. `None` if there is no placing.
    pub fn from_stored(
        judge: String,
        judge_version: String,
        rubric_version: String,
        passes: u32,
        placings: Vec<Placing>,
    ) -> Option<Self> {
        (!placings.is_empty()).then_some(Self { judge, judge_version, rubric_version, passes, placings })
    }

    /// Every submission's place, best first; never empty.
    pub fn placings(&self) -> &[Placing] {
        &self.placings
    }

    /// Rank 1.
    pub fn winner(&self) -> &Placing {
        &self.placings[0]
    }
}
