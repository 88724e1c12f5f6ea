//! Ranking: orders submissions by their fitted scores.
//!
//! The weights are fitted several times, each time without a part of the races. The mean of the fits decides;
//! the number of fits in which a submission has its rank shows how firm the rank is. Submissions that a plain
//! check refused rank below all others, by gravity of the check and then by time.

use std::cmp::Reverse;

use clorp_domain::verdict::Confidence;

use crate::integrity::IntegrityFlag;
use crate::rubric::LEAST_SCORE;
use crate::weights::{POINTS, SCALES, WEIGHTS};

/// Thousandths in one, the unit of features and weights.
const UNIT: i64 = 1000;

/// A submission in the ranking. Entries are sorted by time of submission.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// Checks that refuse the submission, least grave first.
    pub(crate) flags: Vec<IntegrityFlag>,
    /// Sums of its weighted features, one for each fit.
    pub(crate) sums: Vec<i64>,
    /// Highest score that its relevance and substance allow.
    pub(crate) most: u32,
}

/// An entry's place in the ranking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Placement {
    /// Index of the entry.
    pub(crate) entry: usize,
    /// Score.
    pub(crate) score: u32,
    /// Number of fits in which the entry had this rank.
    pub(crate) held: u32,
}

/// Number of fits.
pub(crate) fn fits() -> usize {
    WEIGHTS.len()
}

/// The effect of a feature's value, from 0 to [`UNIT`]. It grows ever more slowly, so that no single feature
/// decides.
fn effect(value: i64, scale: i64) -> i64 {
    value.saturating_mul(UNIT) / value.saturating_add(scale).max(1)
}

/// The weighted contribution of each feature to the mean of the fits, in thousandths.
pub(crate) fn contributions(features: &[(&'static str, i64)]) -> Vec<(&'static str, i64)> {
    let fits = i64::try_from(WEIGHTS.len()).unwrap_or(1).max(1);
    let mean = |at: usize| WEIGHTS.iter().filter_map(|row| row.get(at)).sum::<i64>() / fits;
    let pairs = features.iter().zip(SCALES).enumerate();
    pairs.map(|(at, ((name, value), (_, scale)))| (*name, mean(at) * effect(*value, *scale) / UNIT)).collect()
}

/// The sums of weighted features, one for each fit.
pub(crate) fn sums(features: &[(&'static str, i64)]) -> Vec<i64> {
    let sum = |row: &&[i64]| {
        let terms = features.iter().zip(SCALES).zip(row.iter());
        terms.map(|(((_, value), (_, scale)), weight)| weight * effect(*value, *scale)).sum::<i64>() / UNIT
    };
    WEIGHTS.iter().map(sum).collect()
}

/// The points that a sum stands for, by straight lines between those of the table.
fn points(sum: i64) -> u32 {
    let after = POINTS.partition_point(|(at, _)| *at <= sum);
    let (below, above) = (after.checked_sub(1).and_then(|at| POINTS.get(at)), POINTS.get(after));
    match (below, above) {
        (Some((low, from)), Some((high, to))) => {
            let rise = i64::from(*to) - i64::from(*from);
            let gained = rise * (sum - low) / (high - low).max(1);
            u32::try_from(i64::from(*from) + gained).unwrap_or(*from)
        }
        (Some((_, points)), None) | (None, Some((_, points))) => *points,
        (None, None) => LEAST_SCORE,
    }
}

fn mean(sums: &[i64]) -> i64 {
    sums.iter().sum::<i64>() / i64::try_from(sums.len()).unwrap_or(1).max(1)
}

/// The position of an entry by one sum: refused ones last, then the score, the sum and the time.
fn position(entry: &Entry, sum: i64) -> (Option<IntegrityFlag>, Reverse<(u32, i64)>) {
    let score = score(entry, sum);
    (entry.flags.last().copied(), Reverse((score, if entry.flags.is_empty() { sum } else { 0 })))
}

fn score(entry: &Entry, sum: i64) -> u32 {
    let honest = || points(sum).min(entry.most).max(LEAST_SCORE);
    entry.flags.last().map_or_else(honest, |flag| flag.score())
}

/// Ranks all entries, best first.
pub(crate) fn rank(entries: &[Entry]) -> Vec<Placement> {
    let ranked_by = |sum: &dyn Fn(&Entry) -> i64| {
        let mut ranked: Vec<usize> = (0..entries.len()).collect();
        // Entries are sorted by time of submission and the sort is stable, so equal ones rank by that time.
        ranked.sort_by_key(|at| entries.get(*at).map(|entry| position(entry, sum(entry))));
        ranked
    };
    let of_fit = |fit: usize| ranked_by(&|entry: &Entry| entry.sums.get(fit).copied().unwrap_or(0));
    let fits: Vec<Vec<usize>> = (0..fits()).map(of_fit).collect();
    let held =
        |rank: usize, at: usize| fits.iter().filter(|fit| fit.get(rank) == Some(&at)).fold(0, |n, _| n + 1);
    let ranked = ranked_by(&|entry: &Entry| mean(&entry.sums)).into_iter().enumerate();
    let placement = |(rank, at): (usize, usize)| {
        let entry = entries.get(at)?;
        Some(Placement { entry: at, score: score(entry, mean(&entry.sums)), held: held(rank, at) })
    };
    ranked.filter_map(placement).collect()
}

/// The certainty of the first place. It is never high, because the judge cannot tell whether an answer is
/// right.
pub(crate) fn confidence(entries: &[Entry], places: &[Placement]) -> Confidence {
    let honest = entries.iter().filter(|entry| entry.flags.is_empty()).count();
    let firm = places.first().is_some_and(|first| usize::try_from(first.held) == Ok(fits()));
    if honest <= 1 || firm { Confidence::Medium } else { Confidence::Low }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(sum: i64) -> Entry {
        Entry { flags: Vec::new(), sums: vec![sum; fits()], most: 100 }
    }

    fn refused(flag: IntegrityFlag) -> Entry {
        Entry { flags: vec![flag], ..entry(1_000_000) }
    }

    #[track_caller]
    fn check(entries: &[Entry], expect: &[usize]) -> Vec<Placement> {
        let places = rank(entries);
        assert_eq!(places.iter().map(|place| place.entry).collect::<Vec<_>>(), expect);
        assert!(places.is_sorted_by(|a, b| a.score >= b.score), "{places:?}");
        places
    }

    #[test]
    fn the_tables_fit_each_other() {
        assert_eq!(WEIGHTS.len(), 7);
        assert!(WEIGHTS.iter().all(|row| row.len() == SCALES.len()));
        assert!(SCALES.iter().all(|(_, scale)| *scale > 0));
        assert!(POINTS.is_sorted_by(|(a, x), (b, y)| a < b && x <= y));
        let features = crate::features::measure("x", clorp_domain::Pack::Wild, &[], "y").features;
        let names = |list: &[(&'static str, i64)]| list.iter().map(|(name, _)| *name).collect::<Vec<_>>();
        assert_eq!(names(&features), names(SCALES), "fit the weights again after a change of the features");
    }

    #[test]
    fn the_higher_sum_wins_and_the_earlier_of_equal_entries() {
        let places = check(&[entry(-10), entry(10)], &[1, 0]);
        assert!(places.iter().all(|place| place.held == 7));
        check(&vec![entry(3); 4], &[0, 1, 2, 3]);
        check(&[], &[]);
    }

    #[test]
    fn relevance_and_substance_bound_the_score() {
        let bounded = Entry { most: 30, ..entry(1_000_000) };
        let places = check(&[bounded, entry(0)], &[1, 0]);
        assert_eq!(places[1].score, 30);
    }

    #[test]
    fn a_rank_is_held_by_the_fits_that_give_it() {
        let mut torn = entry(5);
        torn.sums[0] = -5;
        let entries = [torn, entry(0)];
        let places = check(&entries, &[0, 1]);
        assert_eq!([places[0].held, places[1].held], [6, 6]);
        assert_eq!(confidence(&entries, &places), Confidence::Low);
        let entries = [entry(5), entry(0)];
        assert_eq!(confidence(&entries, &rank(&entries)), Confidence::Medium);
    }

    #[test]
    fn refused_entries_rank_last_by_gravity() {
        let entries = [
            refused(IntegrityFlag::AddressesJudge),
            refused(IntegrityFlag::Blank),
            refused(IntegrityFlag::CopiedSubmission),
            entry(-1_000_000),
            refused(IntegrityFlag::AddressesJudge),
        ];
        check(&entries, &[3, 2, 1, 0, 4]);
    }

    #[test]
    fn points_rise_between_the_ends_of_the_table() {
        let (low, high) = (POINTS[0], POINTS[POINTS.len() - 1]);
        assert_eq!(
            [points(i64::MIN), points(low.0), points(high.0), points(i64::MAX)],
            [low.1, low.1, high.1, high.1]
        );
        let middle = (low.0 + high.0) / 2;
        assert!((low.1..high.1).contains(&points(middle)));
    }
}
