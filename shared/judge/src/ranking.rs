//! Ranking: compares submissions in several orders.
//!
//! Submissions first fall into bands. Those whose score is within [`MARGIN`] of the best form the first band,
//! those within it of the best that remain form the next, and so on. Below them, the submissions that failed
//! a check form one band for each check. A band never ranks below a lower one, so a comparison cannot
//! contradict a clear difference of scores.
//!
//! Within a band the scores are too close to decide, so submissions are compared in pairs, criterion by
//! criterion. Each pass reads them in another order, as a person might: content that an earlier one already
//! had is no longer original. Each submission is inserted into the ranking from below, above all those it
//! beats. The ranks of all passes are added up. The lowest sum ranks first, and equal sums rank by time of
//! submission.
//!
//! The scores of a band are reassigned in the order of its ranks. So scores and grades never rise down the
//! ranks, and no score differs from the rubric's by more than the margin.

use std::cmp::{Ordering, Reverse};

use crate::checks::Flag;
use crate::rubric::{Criterion, Marks, Rubric};

/// Number of passes, each with its own reading order.
pub(crate) const PASSES: usize = 7;

/// Largest difference of scores that is too small to decide.
const MARGIN: u32 = 3;

/// Largest difference of marks that counts as even.
const EVEN: u32 = 4;

/// A submission in the ranking. Entries are sorted by time of submission.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// Gravest check that the submission failed.
    pub(crate) flag: Option<Flag>,
    /// Marks. Originality is relative to all earlier submissions.
    pub(crate) marks: Marks,
    /// Score by the rubric.
    pub(crate) score: u32,
    /// Share of its text that lies in each entry's text, in points.
    pub(crate) overlaps: Vec<u32>,
}

/// An entry's place in the ranking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Placement {
    /// Index of the entry.
    pub(crate) entry: usize,
    /// Score, as reassigned within its band.
    pub(crate) score: u32,
    /// Number of passes in which the entry had this rank.
    pub(crate) held: u32,
}

/// Ranks all entries, best first.
pub(crate) fn rank(rubric: &Rubric, entries: &[Entry]) -> Vec<Placement> {
    let bands = bands(entries);
    let passes: Vec<Vec<usize>> =
        (0..PASSES).map(|pass| rank_in_order(rubric, entries, &bands, &order(entries.len(), pass))).collect();
    let sum = |entry: usize| -> usize { passes.iter().filter_map(|pass| position(pass, entry)).sum() };
    let mut ranked: Vec<usize> = (0..entries.len()).collect();
    // Entries are sorted by time of submission and the sort is stable, so equal sums rank by that time.
    ranked.sort_by_key(|entry| (bands[*entry], sum(*entry)));
    let mut scores: Vec<(usize, u32)> = bands.iter().copied().zip(entries.iter().map(|e| e.score)).collect();
    scores.sort_by_key(|(band, score)| (*band, Reverse(*score)));
    let places = ranked.iter().zip(scores).enumerate();
    places
        .map(|(rank, (entry, (_, score)))| Placement {
            entry: *entry,
            score,
            held: count_held(&passes, *entry, rank),
        })
        .collect()
}

fn position(pass: &[usize], entry: usize) -> Option<usize> {
    pass.iter().position(|placed| *placed == entry)
}

fn count_held(passes: &[Vec<usize>], entry: usize, rank: usize) -> u32 {
    passes.iter().filter(|pass| pass.get(rank) == Some(&entry)).fold(0, |n, _| n + 1)
}

/// The reading order of one pass. The first pass reads entries by time of submission. The others come in
/// pairs: a rotated order and its reverse, so that the advantage of being read first evens out.
fn order(entries: usize, pass: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..entries).collect();
    order.rotate_left(pass.div_ceil(2).checked_rem(entries).unwrap_or(0));
    if pass > 0 && pass.is_multiple_of(2) {
        order.reverse();
    }
    order
}

/// Returns each entry's band, 0 being the best.
fn bands(entries: &[Entry]) -> Vec<usize> {
    let mut passed: Vec<u32> = entries.iter().filter(|e| e.flag.is_none()).map(|e| e.score).collect();
    passed.sort_unstable_by(|a, b| b.cmp(a));
    let mut tops: Vec<u32> = Vec::new();
    for score in passed {
        if tops.last().is_none_or(|top| score + MARGIN < *top) {
            tops.push(score);
        }
    }
    let band = |entry: &Entry| match entry.flag {
        Some(flag) => tops.len() + flag as usize,
        // Tops descend, so an entry's band is the last one whose top it does not exceed.
        None => tops.iter().rposition(|top| entry.score <= *top).unwrap_or(0),
    };
    entries.iter().map(band).collect()
}

/// Ranks the entries by reading them in this order, best first.
fn rank_in_order(rubric: &Rubric, entries: &[Entry], bands: &[usize], order: &[usize]) -> Vec<usize> {
    let marks_at = |at: usize| -> Marks {
        let entry = &entries[order[at]];
        let overlap = order[..at].iter().map(|before| entry.overlaps[*before]).max().unwrap_or(0);
        Marks { originality: rubric.originality(overlap), ..entry.marks }
    };
    let mut ranking: Vec<(usize, Marks)> = Vec::new();
    for (at, entry) in order.iter().enumerate() {
        let marks = marks_at(at);
        let beats = |(other, theirs): &(usize, Marks)| match bands[*entry].cmp(&bands[*other]) {
            Ordering::Less => true,
            Ordering::Greater => false,
            Ordering::Equal => wins(rubric, entries, (*entry, marks), (*other, *theirs)),
        };
        let above = ranking.iter().rposition(|other| !beats(other)).map_or(0, |at| at + 1);
        ranking.insert(above, (*entry, marks));
    }
    ranking.into_iter().map(|(entry, _)| entry).collect()
}

/// True if `own` beats another entry of its band. The weight of the criteria on which it leads decides, then
/// the rubric's score, then the time of submission. Entries that failed a check compare by time only.
fn wins(rubric: &Rubric, entries: &[Entry], own: (usize, Marks), other: (usize, Marks)) -> bool {
    let earlier = own.0 < other.0;
    if entries[own.0].flag.is_some() {
        return earlier;
    }
    let by_criteria = lead(rubric, own.1, other.1).cmp(&0);
    match by_criteria.then(entries[own.0].score.cmp(&entries[other.0].score)) {
        Ordering::Greater => true,
        Ordering::Less => false,
        Ordering::Equal => earlier,
    }
}

/// The weight of the criteria on which `own` leads, minus the weight of those on which it trails.
fn lead(rubric: &Rubric, own: Marks, other: Marks) -> i64 {
    let weighed = Criterion::ALL.into_iter().zip(rubric.weights);
    weighed
        .map(|(criterion, weight)| i64::from(weight) * compare_marks(own.of(criterion), other.of(criterion)))
        .sum()
}

fn compare_marks(own: u32, other: u32) -> i64 {
    match own.abs_diff(other) {
        0..=EVEN => 0,
        _ if own > other => 1,
        _ => -1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clorp_domain::Pack;

    fn entry(flag: Option<Flag>, marks: [u32; 4], entries: usize) -> Entry {
        let [relevance, substance, clarity, originality] = marks;
        let marks = Marks { relevance, substance, clarity, originality };
        let score = flag.map_or_else(|| Rubric::of(Pack::Wild).score(marks), Flag::score);
        Entry { flag, marks, score, overlaps: vec![0; entries] }
    }

    fn check(entries: &[Entry], expect: &[usize]) -> Vec<Placement> {
        let places = rank(Rubric::of(Pack::Wild), entries);
        assert_eq!(places.iter().map(|place| place.entry).collect::<Vec<_>>(), expect);
        assert!(places.is_sorted_by(|a, b| a.score >= b.score), "{places:?}");
        places
    }

    #[test]
    fn a_clear_difference_decides() {
        let places = check(&[entry(None, [60; 4], 2), entry(None, [90; 4], 2)], &[1, 0]);
        assert!(places.iter().all(|place| place.held == 7));
    }

    #[test]
    fn a_near_tie_is_decided_by_criteria_and_scores_follow_the_ranks() {
        // The first entry leads only on clarity, but by more points than the second one's two leads together.
        let entries = [entry(None, [80, 80, 100, 80], 2), entry(None, [85, 85, 60, 80], 2)];
        assert!(entries[0].score > entries[1].score);
        let places = check(&entries, &[1, 0]);
        assert_eq!([places[0].score, places[1].score], [entries[0].score, entries[1].score]);
    }

    #[test]
    fn the_earlier_of_equal_entries_wins() {
        check(&vec![entry(None, [70; 4], 4); 4], &[0, 1, 2, 3]);
    }

    #[test]
    fn failed_entries_rank_last_by_gravity() {
        let flagged = |flag| entry(Some(flag), [100; 4], 5);
        check(
            &[
                flagged(Flag::Instructions),
                flagged(Flag::Empty),
                flagged(Flag::CopiedSubmission),
                entry(None, [0; 4], 5),
                flagged(Flag::Instructions),
            ],
            &[3, 2, 1, 0, 4],
        );
    }

    #[test]
    fn overlap_counts_against_the_entry_that_is_read_later() {
        let mut entries = vec![entry(None, [80; 4], 2), entry(None, [80; 4], 2)];
        entries[0].overlaps[1] = 40;
        entries[1].overlaps[0] = 40;
        let places = check(&entries, &[0, 1]);
        assert!(places.iter().all(|place| (1..7).contains(&place.held)), "{places:?}");
    }

    #[test]
    fn no_entries_yield_an_empty_ranking() {
        check(&[], &[]);
    }

    #[test]
    fn every_pass_has_its_own_order() {
        let mut orders: Vec<_> = (0..PASSES).map(|pass| order(5, pass)).collect();
        orders.sort();
        orders.dedup();
        assert_eq!(orders.len(), PASSES);
    }
}
