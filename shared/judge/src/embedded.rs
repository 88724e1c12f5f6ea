//! The embedded judge, which needs only the texts.

use async_trait::async_trait;
use clorp_domain::verdict::Candidate;
use clorp_domain::{Brief, Pack, Placing, Verdict};

use crate::ask::Ask;
use crate::checks::check;
use crate::points::points;
use crate::ranking::{Entry, PASSES, Placement, rank};
use crate::rationale::Case;
use crate::rubric::{Marks, RUBRIC_VERSION, Rubric, grade};
use crate::set::Set;
use crate::text::Text;
use crate::{Judge, JudgeError};

/// Name of the embedded judge.
pub const EMBEDDED_JUDGE: &str = "clorp-embedded";

/// Version of the embedded judge. It changes when the ranking does.
pub const EMBEDDED_JUDGE_VERSION: &str = "1";

/// A judge that counts and compares words. The same submissions always get the same verdict.
///
/// It applies plain checks first, scores submissions that pass by the pack's rubric, and ranks them by
/// comparisons in several orders. It never reads the brief's `env_vars`. It measures how relevant and
/// concrete an answer is, not whether it is correct.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EmbeddedJudge;

#[async_trait]
impl Judge for EmbeddedJudge {
    async fn judge(
        &self,
        pack: Pack,
        brief: &Brief,
        candidates: &[Candidate],
    ) -> Result<Verdict, JudgeError> {
        verdict(pack, &brief.prompt, candidates)
    }
}

fn verdict(pack: Pack, prompt: &str, candidates: &[Candidate]) -> Result<Verdict, JudgeError> {
    if candidates.is_empty() {
        return Err(JudgeError::NoCandidates);
    }
    let mut sorted: Vec<&Candidate> = candidates.iter().collect();
    sorted.sort_by_key(|candidate| (candidate.submitted_at, candidate.submission));
    let (ask, rubric) = (Ask::new(prompt), Rubric::of(pack));
    let texts: Vec<Text> = sorted.iter().map(|candidate| Text::new(&candidate.output_text)).collect();
    let entries = entries(&ask, rubric, &sorted, &texts);
    let places = rank(rubric, &entries);
    let placing = |(at, place): (usize, &Placement)| {
        let case = Case { ask: &ask, rubric, text: &texts[place.entry], entries: &entries, places: &places };
        placing(sorted[place.entry], place, at, case.rationale(at))
    };
    let placings = places.iter().enumerate().map(placing).collect();
    let passes = u32::try_from(PASSES).unwrap_or(u32::MAX);
    Ok(Verdict::new(EMBEDDED_JUDGE, EMBEDDED_JUDGE_VERSION, RUBRIC_VERSION, passes, placings, candidates)?)
}

fn placing(candidate: &Candidate, place: &Placement, at: usize, rationale: String) -> Placing {
    Placing {
        submission: candidate.submission,
        worker: candidate.worker.clone(),
        rank: u32::try_from(at + 1).unwrap_or(u32::MAX),
        grade: grade(place.score),
        score: place.score,
        rationale,
        held: place.held,
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
