//! The embedded judge, which needs only the texts.

use clorp_domain::verdict::{
    Candidate, Constraint as FoundConstraint, ConstraintCheck, CriterionScore, IncompleteVerdict, Met, Method,
};
use clorp_domain::{Placing, Verdict};

use crate::Contest;
use crate::ask::Ask;
use crate::checks::check;
use crate::constraints::{Constraint, extract};
use crate::features::{Measured, measure};
use crate::points::points;
use crate::ranking::{Entry, FITS, Placement, confidence, contributions, rank, sums};
use crate::rationale::Case;
use crate::rubric::{Criterion, MOST_OF_JUNK, Marks, RUBRIC_VERSION, Rubric, grade};
use crate::text::Text;

/// Name of the embedded judge.
pub const EMBEDDED_JUDGE: &str = "clorp-embedded";

/// Version of the embedded judge. It changes when the ranking does.
pub const EMBEDDED_JUDGE_VERSION: &str = "3";

/// A submission as the embedded judge has measured it.
pub(crate) struct Work<'a> {
    candidate: &'a Candidate,
    /// Parsed text.
    pub(crate) text: Text,
    /// Marks, zero for a submission that was refused.
    pub(crate) marks: Marks,
    /// Features, and checks against the constraints.
    pub(crate) measured: Measured,
    /// Contribution of each feature to the score, in thousandths.
    pub(crate) contributions: Vec<(&'static str, i64)>,
}

/// Judges by what texts show. The same submissions always get the same verdict.
///
/// Plain checks come first; a submission that fails one is refused. The demands of the prompt are extracted
/// and checked. The other submissions are ranked by weights that were fitted to races with a known winner,
/// see `docs/judging.md`. One of no use to a reader scores as junk at most. The judge cannot tell whether an
/// answer is right.
///
/// # Errors
/// [`IncompleteVerdict`] if there are no candidates, or one of them is given twice.
pub fn judge_embedded(contest: &Contest<'_>) -> Result<Verdict, IncompleteVerdict> {
    let candidates = contest.candidates;
    let mut sorted: Vec<&Candidate> = candidates.iter().collect();
    sorted.sort_by_key(|candidate| (candidate.submitted_at, candidate.submission));
    let (ask, rubric) = (Ask::new(contest.prompt), Rubric::of(contest.pack));
    let constraints = extract(contest.prompt, contest.pack);
    let texts: Vec<Text> = sorted.iter().map(|candidate| Text::new(&candidate.output_text)).collect();
    let (mut works, mut entries) = (Vec::new(), Vec::new());
    for (at, candidate) in sorted.into_iter().enumerate() {
        let earlier: Vec<&Text> = texts.iter().take(at).collect();
        let text = Text::new(&candidate.output_text);
        let flags = check(&ask, &text, &candidate.output_text, &earlier, rubric.copy);
        let marks = if flags.is_empty() { rubric.marks(&ask, &text) } else { Marks::default() };
        let measured = measure(contest.prompt, contest.pack, &constraints, &candidate.output_text);
        let sums = sums(contest.pack, &measured.features);
        let most = if measured.is_junk { MOST_OF_JUNK } else { marks.most() };
        entries.push(Entry { pack: contest.pack, flags, sums, most });
        let contributions = contributions(contest.pack, &measured.features);
        works.push(Work { candidate, text, marks, measured, contributions });
    }
    let places = rank(&entries);
    let case =
        Case { ask: &ask, constraints: &constraints, works: &works, entries: &entries, places: &places };
    let placing = |(at, place): (usize, &Placement)| {
        let (work, entry) = (works.get(place.entry)?, entries.get(place.entry)?);
        Some(placing(work, entry, place, at, &constraints, case.rationale(at)))
    };
    let placings = places.iter().enumerate().filter_map(placing).collect();
    let method = Method {
        judge: EMBEDDED_JUDGE.to_owned(),
        judge_version: EMBEDDED_JUDGE_VERSION.to_owned(),
        rubric_version: RUBRIC_VERSION.to_owned(),
        model: None,
        passes: u32::try_from(FITS).unwrap_or(u32::MAX),
        seed: None,
        confidence: Some(confidence(&entries, &places)),
        fallback: None,
    };
    Verdict::new(method, constraints.iter().map(found_constraint).collect(), placings, candidates)
}

fn found_constraint(constraint: &Constraint) -> FoundConstraint {
    FoundConstraint {
        kind: constraint.kind().to_owned(),
        text: constraint.sentence(),
        stated: constraint.is_stated(),
    }
}

fn placing(
    work: &Work<'_>,
    entry: &Entry,
    place: &Placement,
    at: usize,
    constraints: &[Constraint],
    rationale: String,
) -> Placing {
    let characters = u32::try_from(work.candidate.output_text.chars().count()).unwrap_or(u32::MAX);
    let refused = !entry.flags.is_empty();
    let checks = work.measured.checks.iter();
    let checks = checks.map(|check| ConstraintCheck { met: check.met, found: check.found.clone() });
    Placing {
        submission: work.candidate.submission,
        worker: work.candidate.worker.clone(),
        rank: u32::try_from(at + 1).unwrap_or(u32::MAX),
        grade: grade(place.score),
        score: place.score,
        rationale,
        held: place.held,
        refused,
        flags: entry.flags.iter().map(|flag| flag.as_str().to_owned()).collect(),
        criteria: if refused { Vec::new() } else { criteria(work, constraints) },
        checks: checks.collect(),
        characters,
        characters_read: characters,
    }
}

/// The points by criterion: those of the rubric, and the share of stated constraints that are not missed.
fn criteria(work: &Work<'_>, constraints: &[Constraint]) -> Vec<CriterionScore> {
    let pairs = constraints.iter().zip(&work.measured.checks);
    let stated: Vec<bool> = pairs
        .filter(|(constraint, _)| constraint.is_stated())
        .map(|(_, check)| check.met != Met::Missed)
        .collect();
    let kept = match stated.len() {
        0 => 100,
        all => points(stated.iter().filter(|kept| **kept).count(), all),
    };
    let marks = Criterion::ALL.iter().map(|criterion| (criterion.as_str(), work.marks.of(*criterion)));
    std::iter::once(("constraints", kept))
        .chain(marks)
        .map(|(criterion, score)| CriterionScore { criterion: criterion.to_owned(), score })
        .collect()
}
