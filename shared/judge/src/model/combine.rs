//! The ranking that several readings amount to.

use std::cmp::Reverse;

use super::answer::{Criterion, Reading};

/// The result of several readings of the same submissions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Combined {
    /// Standings of all submissions, best first.
    pub standings: Vec<Standing>,
    /// Number of readings.
    pub readings: usize,
    /// True if all readings have the same winner.
    pub agreed: bool,
    /// The submission that wins more than half of the readings. It is not always the one with the best rank
    /// sum.
    pub majority: Option<usize>,
}

/// The standing of one submission.
///
/// Rank and score come from different parts of the readings and can disagree: a submission may rank above
/// another one that has a higher mean score. Neither is adjusted to the other here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Index of the submission.
    pub submission: usize,
    /// Rank, from 1.
    pub rank: usize,
    /// Sum of its ranks in all readings. Lower is better.
    pub rank_sum: usize,
    /// Mean of its scores, rounded, 0 to 100.
    pub score: u32,
    /// Mean of its scores by criterion, rounded, in the order of [`Criterion::ALL`].
    pub criteria: [u32; 4],
    /// Its lowest and highest score. Their distance shows how sure the model is.
    pub spread: (u32, u32),
    /// Number of readings in which it had its final rank.
    pub held: usize,
}

/// Combines readings of the same question. Submissions rank by the sum of their ranks; ties go to the higher
/// mean score, then to the earlier arrival.
///
/// `arrival` lists the indices of all submissions, the earliest first. `None` if there is no reading, or if a
/// reading is not about exactly these submissions.
pub fn combine(readings: &[Reading], arrival: &[usize]) -> Option<Combined> {
    let fits = |reading: &Reading| {
        reading.order.len() == arrival.len()
            && reading.assessments.len() == arrival.len()
            && arrival.iter().all(|submission| reading.order.contains(submission))
    };
    if readings.is_empty() || !readings.iter().all(fits) {
        return None;
    }
    // Sorting is stable, so equal submissions stay in order of arrival.
    let mut tallies = arrival.iter().map(|at| Tally::of(*at, readings)).collect::<Option<Vec<_>>>()?;
    tallies.sort_by_key(|tally| (tally.rank_sum(), Reverse(tally.scores.iter().sum::<u32>())));
    let standings = tallies.iter().enumerate().map(|(at, tally)| tally.standing(at + 1)).collect();
    let wins = |submission: usize| readings.iter().filter(|r| r.order.first() == Some(&submission)).count();
    Some(Combined {
        standings,
        readings: readings.len(),
        agreed: arrival.iter().any(|submission| wins(*submission) == readings.len()),
        majority: arrival.iter().copied().find(|submission| wins(*submission) * 2 > readings.len()),
    })
}

/// The ranks and scores of one submission, by reading.
struct Tally {
    submission: usize,
    ranks: Vec<usize>,
    scores: Vec<u32>,
    criteria: [Vec<u32>; 4],
}

impl Tally {
    fn of(submission: usize, readings: &[Reading]) -> Option<Self> {
        let mut tally = Self { submission, ranks: vec![], scores: vec![], criteria: Default::default() };
        for reading in readings {
            let assessment = reading.assessments.get(submission)?;
            tally.ranks.push(reading.order.iter().position(|other| *other == submission)? + 1);
            tally.scores.push(assessment.score);
            for (scores, mark) in tally.criteria.iter_mut().zip(&assessment.marks) {
                scores.push(mark.score);
            }
        }
        Some(tally)
    }

    fn rank_sum(&self) -> usize {
        self.ranks.iter().sum()
    }

    fn standing(&self, rank: usize) -> Standing {
        let extreme = |score: Option<&u32>| score.copied().unwrap_or_default();
        Standing {
            submission: self.submission,
            rank,
            rank_sum: self.rank_sum(),
            score: mean(&self.scores),
            criteria: [0, 1, 2, 3].map(|at| self.criteria.get(at).map_or(0, |scores| mean(scores))),
            spread: (extreme(self.scores.iter().min()), extreme(self.scores.iter().max())),
            held: self.ranks.iter().filter(|held| **held == rank).count(),
        }
    }
}

const _: () = assert!(Criterion::ALL.len() == 4);

/// The mean, rounded half up.
fn mean(scores: &[u32]) -> u32 {
    let count = u32::try_from(scores.len()).unwrap_or(u32::MAX).max(1);
    (scores.iter().sum::<u32>() * 2 + count) / (count * 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Assessment, Mark};

    /// A reading with these scores, in this order.
    fn reading(order: &[usize], scores: &[u32]) -> Reading {
        let mark = |score| Mark { note: String::new(), score };
        let assessment =
            |score: &u32| Assessment { marks: [0, 1, 2, 3].map(|at| mark(*score / (at + 1))), score: *score };
        Reading { index: 0, order: order.to_vec(), assessments: scores.iter().map(assessment).collect() }
    }

    fn ranked(combined: &Combined) -> Vec<usize> {
        combined.standings.iter().map(|standing| standing.submission).collect()
    }

    #[test]
    fn submissions_rank_by_the_sum_of_their_ranks_and_hold_what_was_seen() {
        let readings = [
            reading(&[0, 1, 2], &[90, 80, 10]),
            reading(&[1, 0, 2], &[70, 80, 20]),
            reading(&[1, 2, 0], &[60, 81, 31]),
        ];
        let combined = combine(&readings, &[0, 1, 2]).unwrap();
        assert_eq!(ranked(&combined), [1, 0, 2]);
        let [first, second, third] = &combined.standings[..] else { panic!() };
        assert_eq!((first.rank, first.rank_sum, first.score, first.held), (1, 4, 80, 2));
        assert_eq!((second.rank_sum, second.score, second.held, second.spread), (6, 73, 1, (60, 90)));
        assert_eq!((third.rank, third.rank_sum, third.held, third.criteria), (3, 8, 2, [20, 10, 6, 5]));
        assert!(!combined.agreed);
        assert_eq!(combined.majority, Some(1));
    }

    #[test]
    fn a_tie_goes_to_the_higher_score_and_then_to_the_earlier_arrival() {
        let tied = |scores: [[u32; 2]; 2]| [reading(&[0, 1], &scores[0]), reading(&[1, 0], &scores[1])];
        let combined = combine(&tied([[90, 80], [50, 61]]), &[0, 1]).unwrap();
        assert_eq!((ranked(&combined), combined.agreed, combined.majority), (vec![1, 0], false, None));
        let equal = tied([[90, 80], [50, 60]]);
        assert_eq!(ranked(&combine(&equal, &[0, 1]).unwrap()), [0, 1]);
        assert_eq!(ranked(&combine(&equal, &[1, 0]).unwrap()), [1, 0]);
    }

    #[test]
    fn rank_and_score_may_disagree() {
        let combined = combine(&[reading(&[1, 0], &[90, 60])], &[0, 1]).unwrap();
        let scores: Vec<u32> = combined.standings.iter().map(|standing| standing.score).collect();
        assert_eq!((ranked(&combined), scores, combined.agreed), (vec![1, 0], vec![60, 90], true));
    }

    #[test]
    fn readings_of_other_submissions_are_not_combined() {
        let one = reading(&[0, 1], &[1, 2]);
        assert_eq!(combine(&[], &[0]), None);
        assert_eq!(combine(&[one.clone(), reading(&[0], &[1])], &[0, 1]), None);
        assert_eq!(combine(std::slice::from_ref(&one), &[0, 2]), None);
        assert_eq!(combine(&[one], &[0, 1, 2]), None);
    }
}
