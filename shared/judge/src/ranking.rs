//! Ranking: orders submissions by their fitted scores.
//!
//! The weights are fitted several times, each time without a part of the races. The mean of the fits decides;
//! the number of fits in which a submission has its rank shows how firm the rank is. Submissions that a plain
//! check refused rank below all others, by gravity of the check and then by time.

use std::cmp::Reverse;

use clorp_domain::Pack;
use clorp_domain::verdict::Confidence;

use crate::features::{TERMS, terms};
use crate::integrity::IntegrityFlag;
use crate::rubric::LEAST_SCORE;
use crate::weights::{POINTS, SCALES, WEIGHTS};

/// Thousandths in one, the unit of features and weights.
const UNIT: i64 = 1000;

/// A submission in the ranking. Entries are sorted by time of submission.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// Kind of work, which decides the weights.
    pub(crate) pack: Pack,
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
pub(crate) const FITS: usize = 7;

/// Number of packs.
pub(crate) const PACKS: usize = Pack::ALL.len();

/// The weights of the terms for a pack, one row for each fit.
fn rows(pack: Pack) -> &'static [&'static [i64]] {
    index(pack).and_then(|at| WEIGHTS.get(at)).map_or(&[], |rows| rows)
}

fn index(pack: Pack) -> Option<usize> {
    Pack::ALL.iter().position(|one| *one == pack)
}

fn weighted(features: &[(&'static str, i64)], row: &[i64]) -> impl Iterator<Item = i64> {
    let values = features.iter().zip(SCALES).map(|((_, value), (_, scale))| terms(*value, *scale));
    values.zip(row.chunks_exact(TERMS)).map(|(terms, weights)| {
        terms.iter().zip(weights).map(|(term, weight)| term * weight).sum::<i64>() / UNIT
    })
}

/// The weighted contribution of each feature to the mean of the fits, in thousandths.
pub(crate) fn contributions(pack: Pack, features: &[(&'static str, i64)]) -> Vec<(&'static str, i64)> {
    let mut all: Vec<(&'static str, i64)> = features.iter().map(|(name, _)| (*name, 0)).collect();
    for row in rows(pack) {
        for ((_, sum), contribution) in all.iter_mut().zip(weighted(features, row)) {
            *sum += contribution;
        }
    }
    let fits = i64::try_from(FITS).unwrap_or(1);
    all.iter_mut().for_each(|(_, sum)| *sum /= fits);
    all
}

/// The sums of weighted features, one for each fit.
pub(crate) fn sums(pack: Pack, features: &[(&'static str, i64)]) -> Vec<i64> {
    rows(pack).iter().map(|row| weighted(features, row).sum()).collect()
}

/// The points that a sum stands for, by straight lines between those of the table.
fn points(pack: Pack, sum: i64) -> u32 {
    let table = index(pack).and_then(|at| POINTS.get(at)).copied().unwrap_or_default();
    let after = table.partition_point(|(at, _)| *at <= sum);
    let (below, above) = (after.checked_sub(1).and_then(|at| table.get(at)), table.get(after));
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
    let honest = || points(entry.pack, sum).min(entry.most).max(LEAST_SCORE);
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
    let fits: Vec<Vec<usize>> = (0..FITS).map(of_fit).collect();
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
    let firm = places.first().is_some_and(|first| usize::try_from(first.held) == Ok(FITS));
    if honest <= 1 || firm { Confidence::Medium } else { Confidence::Low }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(sum: i64) -> Entry {
        Entry { pack: Pack::Wild, flags: Vec::new(), sums: vec![sum; FITS], most: 100 }
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
        assert!(WEIGHTS.as_flattened().iter().all(|row| row.len() == SCALES.len() * TERMS));
        assert!(SCALES.iter().all(|(_, scale)| *scale > 0));
        assert!(POINTS.iter().all(|table| table.is_sorted_by(|(a, x), (b, y)| a < b && x <= y)));
        let features = crate::features::measure("x", Pack::Wild, &[], "y").features;
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
    fn contributions_add_up_to_the_mean_of_the_sums() {
        for pack in Pack::ALL {
            let features =
                crate::features::measure("Roast my boat", pack, &[], "It floats. Barely.").features;
            let sums = sums(pack, &features);
            let all: i64 = contributions(pack, &features).iter().map(|(_, part)| part).sum();
            let slack = i64::try_from(features.len()).unwrap();
            assert!((all - mean(&sums)).abs() <= slack, "{pack}: {all} and {sums:?}");
        }
    }

    #[test]
    fn points_rise_between_the_ends_of_the_table() {
        for (pack, table) in Pack::ALL.into_iter().zip(POINTS) {
            let (low, high) = (table[0], table[table.len() - 1]);
            assert_eq!(
                [i64::MIN, low.0, high.0, i64::MAX].map(|sum| points(pack, sum)),
                [low.1, low.1, high.1, high.1]
            );
            let middle = (low.0 + high.0) / 2;
            assert!((low.1..high.1).contains(&points(pack, middle)));
        }
    }
}
