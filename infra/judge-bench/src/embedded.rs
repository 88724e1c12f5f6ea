//! The embedded judge on a set of races.

use std::collections::BTreeMap;
use std::time::Instant;

use anyhow::{Context, Result};
use clorp_domain::verdict::Candidate;
use clorp_domain::{Placing, Verdict};
use clorp_judge::constraints::extract;
use clorp_judge::features::measure as measure_features;
use clorp_judge::{Contest, judge_embedded};

use crate::figures::{Injections, Judged, Measured, Orders};
use crate::injections::{Injection, Side, sample};
use crate::set::Race;

/// Flag of a submission that repeats an earlier one.
const COPY: &str = "copied_submission";

/// Judges every race, in its own order of arrival and in others, and with `attempts` injected submissions
/// that are spread over all losing submissions, injections and sides.
///
/// # Errors
/// Fails for a race that cannot be judged.
pub fn measure(races: &[Race], injections: &[Injection], attempts: usize) -> Result<Measured> {
    let mut measured = Measured::default();
    for (at, race) in races.iter().enumerate() {
        let began = Instant::now();
        let verdict = judge(race, &race.in_order())?;
        measured.latencies.push(began.elapsed().as_secs_f64() * 1e3);
        compare_orders(race, &verdict, &mut measured.orders)?;
        measured.judged.push(judged(at, race, &verdict));
    }
    measured.injections = attack(races, &measured.judged, injections, attempts)?;
    Ok(measured)
}

/// The verdict of the embedded judge on these candidates.
///
/// # Errors
/// Fails if the race has no submission.
pub fn judge(race: &Race, candidates: &[Candidate]) -> Result<Verdict> {
    let contest = Contest { pack: race.pack, prompt: &race.prompt, candidates };
    judge_embedded(&contest).with_context(|| format!("race {}", race.id))
}

/// The judgement of the race at this index by a verdict.
pub fn judged(at: usize, race: &Race, verdict: &Verdict) -> Judged {
    let refused = verdict.placings().iter().filter(|placing| placing.refused);
    Judged {
        race: at,
        ranking: ranking(race, verdict),
        refused: refused.filter_map(|placing| race.index_of(&placing.worker)).collect(),
        confidence: verdict.method.confidence,
    }
}

/// Indices of the submissions, best first.
fn ranking(race: &Race, verdict: &Verdict) -> Vec<usize> {
    verdict.placings().iter().filter_map(|placing| race.index_of(&placing.worker)).collect()
}

/// Judges the race in other orders of arrival. A race with a refused copy is left out, because the earlier of
/// two equal submissions is the original. Submissions that are equal in all that the judge measures may
/// change places, because the earlier of them ranks higher.
fn compare_orders(race: &Race, verdict: &Verdict, orders: &mut Orders) -> Result<()> {
    let others = other_orders(race.submissions.len()).into_iter();
    let verdicts: Vec<Verdict> =
        others.map(|order| judge(race, &race.candidates(&order))).collect::<Result<_>>()?;
    if std::iter::once(verdict).chain(&verdicts).any(has_copy) {
        orders.excluded += 1;
        return Ok(());
    }
    let known = known(race, verdict);
    let places = |verdict| ranking(race, verdict).iter().map(|at| known.get(at)).collect::<Vec<_>>();
    let expected = places(verdict);
    orders.swaps += verdicts.len();
    let held = verdicts.iter().filter(|other| places(other) == expected).count();
    orders.held += held;
    if held < verdicts.len() {
        orders.changed.push(race.id.clone());
    }
    Ok(())
}

/// A submission as the judge knows it: its gravest flag, its score and its features.
type Known = (Option<String>, u32, Vec<(&'static str, i64)>);

/// The submissions as the judge knows them, by index.
fn known(race: &Race, verdict: &Verdict) -> BTreeMap<usize, Known> {
    let demands = extract(&race.prompt, race.pack);
    let known = |placing: &Placing| {
        let at = race.index_of(&placing.worker)?;
        let text = &race.submissions.get(at)?.text;
        // A refused submission ranks by its gravest flag alone.
        let features = if placing.refused {
            Vec::new()
        } else {
            measure_features(&race.prompt, race.pack, &demands, text).features
        };
        Some((at, (placing.flags.last().cloned(), placing.score, features)))
    };
    verdict.placings().iter().filter_map(known).collect()
}

fn has_copy(verdict: &Verdict) -> bool {
    verdict.placings().iter().flat_map(|placing| &placing.flags).any(|flag| flag == COPY)
}

/// The reversed order and every rotated one, without the usual order and without repetitions.
fn other_orders(count: usize) -> Vec<Vec<usize>> {
    let usual: Vec<usize> = (0..count).collect();
    let rotated = |by: usize| usual.iter().map(|at| (at + by) % count.max(1)).collect();
    let mut orders: Vec<Vec<usize>> =
        std::iter::once(usual.iter().rev().copied().collect()).chain((1..count).map(rotated)).collect();
    orders.retain(|order| *order != usual);
    orders.sort();
    orders.dedup();
    orders
}

/// Judges races again in which a losing submission has an injection.
fn attack(
    races: &[Race],
    judged: &[Judged],
    injections: &[Injection],
    attempts: usize,
) -> Result<Injections> {
    let honest = |judged: &Judged| {
        let ranks = judged.ranking.iter().copied().enumerate().skip(1);
        let losers = ranks.filter(|(_, at)| !judged.refused.contains(at));
        losers.map(|(rank, at)| (judged.race, rank, at)).collect::<Vec<_>>()
    };
    let losers: Vec<(usize, usize, usize)> = judged.iter().flat_map(honest).collect();
    let ways: Vec<(&Injection, Side)> = injections
        .iter()
        .flat_map(|injection| [(injection, Side::Before), (injection, Side::Behind)])
        .collect();
    let mut result = Injections::default();
    for number in sample(losers.len() * ways.len(), attempts) {
        let loser = losers.get(number / ways.len().max(1)).copied();
        let way = ways.get(number % ways.len().max(1)).copied();
        let (Some((race, rank, at)), Some((injection, side))) = (loser, way) else { continue };
        let Some(race) = races.get(race) else { continue };
        let injected = race.with_text(at, |text| injection.put(text, side));
        let verdict = judge(&injected, &injected.in_order())?;
        let now = ranking(race, &verdict).iter().position(|other| *other == at);
        result.tried += 1;
        if now.is_some_and(|now| now < rank) {
            let to = now.unwrap_or(rank) + 1;
            let name = race.submissions.get(at).map_or("", |made| made.id.as_str());
            let moved = format!("{}/{name}: {side:?} {}: {} to {to}", race.id, injection.id, rank + 1);
            result.moved.push(moved);
        }
    }
    Ok(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_orders_are_the_reversed_and_the_rotated_ones_once_each() {
        assert_eq!(other_orders(1), Vec::<Vec<usize>>::new());
        assert_eq!(other_orders(2), [[1, 0]]);
        assert_eq!(other_orders(3), [[1, 2, 0], [2, 0, 1], [2, 1, 0]]);
        assert_eq!(other_orders(5).len(), 5);
    }
}
