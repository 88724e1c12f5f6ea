//! The embedded judge, which needs only the texts.

use clorp_domain::verdict::{Candidate, Confidence, CriterionScore, IncompleteVerdict, Method};
use clorp_domain::{Placing, Verdict};

use crate::Contest;
use crate::ask::Ask;
use crate::checks::check;
use crate::points::points;
use crate::ranking::{Entry, PASSES, Placement, rank};
use crate::rationale::Case;
use crate::rubric::{Criterion, Marks, RUBRIC_VERSION, Rubric, grade};
use crate::set::Set;
use crate::text::Text;

/// Name of the embedded judge.
pub const EMBEDDED_JUDGE: &str = "clorp-embedded";

/// Version of the embedded judge. It changes when the ranking does.
pub const EMBEDDED_JUDGE_VERSION: &str = "1";

/// Judges by counting and comparing words. The same submissions always get the same verdict.
///
/// Plain checks come first; a submission that fails one is refused. The others are scored by the pack's rubric
/// and ranked by comparisons in several orders. The judge measures how relevant and concrete an answer is, not
/// whether it is correct.
///
/// # Errors
/// [`IncompleteVerdict`] if there are no candidates, or one of them is given twice.
pub fn judge_embedded(contest: &Contest<'_>) -> Result<Verdict, IncompleteVerdict> {
    let candidates = contest.candidates;
    let mut sorted: Vec<&Candidate> = candidates.iter().collect();
    sorted.sort_by_key(|candidate| (candidate.submitted_at, candidate.submission));
    let (ask, rubric) = (Ask::new(contest.prompt), Rubric::of(contest.pack));
    let texts: Vec<Text> = sorted.iter().map(|candidate| Text::new(&candidate.output_text)).collect();
    let entries = entries(&ask, rubric, &sorted, &texts);
    let places = rank(rubric, &entries);
    let placing = |(at, place): (usize, &Placement)| {
        let case = Case { ask: &ask, rubric, text: &texts[place.entry], entries: &entries, places: &places };
        placing(sorted[place.entry], &entries[place.entry], place, at, case.rationale(at))
    };
    let placings = places.iter().enumerate().map(placing).collect();
    let method = Method {
        judge: EMBEDDED_JUDGE.to_owned(),
        judge_version: EMBEDDED_JUDGE_VERSION.to_owned(),
        rubric_version: RUBRIC_VERSION.to_owned(),
        model: None,
        passes: u32::try_from(PASSES).unwrap_or(u32::MAX),
        seed: None,
        confidence: Some(Confidence::Low),
        fallback: None,
    };
    Verdict::new(method, Vec::new(), placings, candidates)
}

fn placing(candidate: &Candidate, entry: &Entry, place: &Placement, at: usize, rationale: String) -> Placing {
    let characters = u32::try_from(candidate.output_text.chars().count()).unwrap_or(u32::MAX);
    let criteria = Criterion::ALL.iter().map(|criterion| CriterionScore {
        criterion: criterion.as_str().to_owned(),
        score: entry.marks.of(*criterion),
    });
    Placing {
        submission: candidate.submission,
        worker: candidate.worker.clone(),
        rank: u32::try_from(at + 1).unwrap_or(u32::MAX),
        grade: grade(place.score),
        score: place.score,
        rationale,
        held: place.held,
        refused: entry.flag.is_some(),
        flags: entry.flag.iter().map(|flag| flag.name().to_owned()).collect(),
        criteria: if entry.flag.is_some() { Vec::new() } else { criteria.collect() },
        checks: Vec::new(),
        characters,
        characters_read: characters,
    }
}

/// Builds the entries of candidates that are sorted by time of submission.
fn entries(ask: &Ask, rubric: &Rubric, sorted: &[&Candidate], texts: &[Text]) -> Vec<Entry> {
    let own: Vec<Set> = texts.iter().map(|text| text.shingles.without(&ask.text.shingles)).collect();
    let entry = |(at, text): (usize, &Text)| {
        let earlier: Vec<&Text> = texts[..at].iter().collect();
        let flag = check(ask, text, &sorted[at].output_text, &earlier, rubric.copy);
        let overlaps: Vec<u32> =
            own.iter().map(|others| points(own[at].shared(others), own[at].len())).collect();
        let copied = overlaps[..at].iter().copied().max().unwrap_or(0);
        let marks = match flag {
            Some(_) => Marks::default(),
            None => rubric.marks(ask, text, rubric.originality(copied)),
        };
        Entry { flag, marks, score: flag.map_or_else(|| rubric.score(marks), |flag| flag.score()), overlaps }
    };
    texts.iter().enumerate().map(entry).collect()
}
