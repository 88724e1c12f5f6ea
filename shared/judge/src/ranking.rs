//! Ranking by comparison, in several orders.
//!
//! Submissions first fall into bands. Those whose score is within [`MARGIN`] of the best form the first band, those
//! within it of the best that remain the next, and so on; below them, those that failed a check form one band for each
//! check. A band never ranks below a lower one, so a comparison cannot contradict a clear difference of scores.
//!
//! Within a band the scores are too close to tell, and submissions are compared pair by pair and criterion by
//! criterion. Every pass does so in another order, as a reader would go through them: what a submission has in common
//! with one read before it is not new any more, and each is inserted into the ranking from below, passing those it
//! beats. The ranks of all passes are added up; the lowest sum ranks first, and of equal sums the earlier submission.
//!
//! The scores of a band are handed out in the order of its ranks. So scores and grades never rise down the ranks, and
//! no score is further than the margin from what the rubric gave.

use std::cmp::{Ordering, Reverse};

use crate::checks::Flag;
use crate::rubric::{Criterion, Marks, Rubric};

/// How many orders the submissions are read in.
pub(crate) const PASSES: usize = 7;

/// Scores no further apart than this are too close to tell.
const MARGIN: u32 = 3;

/// Marks no further apart than this are even.
const EVEN: u32 = 4;

/// A submission as the ranking sees it. Their order is that in which they were made.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// The gravest check it failed.
    pub(crate) flag: Option<Flag>,
    /// Its marks; originality against all that were made earlier.
    pub(crate) marks: Marks,
    /// Its score.
    pub(crate) score: u32,
    /// By entry, the points of its text that lie in that entry's.
    pub(crate) overlaps: Vec<u32>,
}

/// An entry's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Placement {
    /// Which entry.
    pub(crate) entry: usize,
    /// Its score, as handed out within its band.
    pub(crate) score: u32,
    /// In how many passes it came out here.
    pub(crate) held: u32,
}

/// The places of all entries, best first.
pub(crate) fn rank(rubric: &Rubric, entries: &[Entry]) -> Vec<Placement> {
    let bands = bands(entries);
    let passes: Vec<Vec<usize>> =
        (0..PASSES).map(|pass| read(rubric, entries, &bands, &order(entries.len(), pass))).collect();
    let sum = |entry: usize| -> usize { passes.iter().filter_map(|pass| position(pass, entry)).sum() };
    let mut ranked: Vec<usize> = (0..entries.len()).collect();
    // Entries are in the order of their making and the sort is stable: of equal sums the earlier comes first.
    ranked.sort_by_key(|entry| (bands[*entry], sum(*entry)));
    let mut scores: Vec<(usize, u32)> = bands.iter().copied().zip(entries.iter().map(|e| e.score)).collect();
    scores.sort_by_key(|(band, score)| (*band, Reverse(*score)));
    let places = ranked.iter().zip(scores).enumerate();
    places
        .map(|(rank, (entry, (_, score)))| Placement {
            entry: *entry,
            score,
            held: held(&passes, *entry, rank),
        })
        .collect()
}

fn position(pass: &[usize], entry: usize) -> Option<usize> {
    pass.iter().position(|placed| *placed == entry)
}

fn held(passes: &[Vec<usize>], entry: usize, rank: usize) -> u32 {
    passes.iter().filter(|pass| pass.get(rank) == Some(&entry)).fold(0, |n, _| n + 1)
}

/// The order of one pass. The first pass reads them as they were made; the others come in pairs, an order from another
/// start and its reverse, so that being read before another evens out.
fn order(entries: usize, pass: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..entries).collect();
    order.rotate_left(pass.div_ceil(2).checked_rem(entries).unwrap_or(0));
    if pass > 0 && pass.is_multiple_of(2) {
        order.reverse();
    }
    order
}

/// By entry, the number of its band, 0 being the best.
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
        // Bands run downwards, so that of the tops an entry does not exceed, its own is the last.
        None => tops.iter().rposition(|top| entry.score <= *top).unwrap_or(0),
    };
    entries.iter().map(band).collect()
}

/// The ranking that comes of reading the entries in this order, best first.
fn read(rubric: &Rubric, entries: &[Entry], bands: &[usize], order: &[usize]) -> Vec<usize> {
    let seen = |at: usize| -> Marks {
        let entry = &entries[order[at]];
        let overlap = order[..at].iter().map(|before| entry.overlaps[*before]).max().unwrap_or(0);
        Marks { originality: rubric.originality(overlap), ..entry.marks }
    };
    let mut ranking: Vec<(usize, Marks)> = Vec::new();
    for (at, entry) in order.iter().enumerate() {
        let marks = seen(at);
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

/// Whether one entry beats another of its band: by the weight of the criteria on which it is ahead; if that is even, by
/// the rubric's score; if that is even too, by having been made earlier. Entries that failed a check have nothing to
/// compare.
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

/// The weight of the criteria on which `own` is ahead, less that of those on which it is behind.
fn lead(rubric: &Rubric, own: Marks, other: Marks) -> i64 {
    let weighed = Criterion::ALL.into_iter().zip(rubric.weights);
    weighed.map(|(criterion, weight)| i64::from(weight) * ahead(own.of(criterion), other.of(criterion))).sum()
}

fn ahead(own: u32, other: u32) -> i64 {
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
        // The first has one lead, on clarity, that is worth more points than the second's two.
        let entries = [entry(None, [80, 80, 100, 80], 2), entry(None, [85, 85, 60, 80], 2)];
        assert!(entries[0].score > entries[1].score);
        let places = check(&entries, &[1, 0]);
        assert_eq!([places[0].score, places[1].score], [entries[0].score, entries[1].score]);
    }

    #[test]
    fn of_equals_the_earlier_wins() {
        check(&vec![entry(None, [70; 4], 4); 4], &[0, 1, 2, 3]);
    }

    #[test]
    fn what_failed_a_check_comes_last_by_gravity() {
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
    fn overlap_counts_against_whichever_is_read_later() {
        let mut entries = vec![entry(None, [80; 4], 2), entry(None, [80; 4], 2)];
        entries[0].overlaps[1] = 40;
        entries[1].overlaps[0] = 40;
        let places = check(&entries, &[0, 1]);
        assert!(places.iter().all(|place| (1..7).contains(&place.held)), "{places:?}");
    }

    #[test]
    fn nobody_ranks_nowhere() {
        check(&[], &[]);
    }

    #[test]
    fn the_orders_differ() {
        let mut orders: Vec<_> = (0..PASSES).map(|pass| order(5, pass)).collect();
        orders.sort();
        orders.dedup();
        assert_eq!(orders.len(), PASSES);
    }
}
