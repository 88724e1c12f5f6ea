//! The verdict of a model: its ranking and scores, with the checks of the embedded judge.

use clorp_domain::verdict::{
    Candidate, Confidence, CriterionScore, Fallback, IncompleteVerdict, Method, Placing, Verdict,
};

use super::Question;
use super::answer::{Criterion, Mark, Reading};
use super::combine::{Combined, Standing};
use super::prompt::{PROMPT_VERSION, ReadLength};
use super::session::Decided;
use crate::rubric::{RUBRIC_VERSION, grade};
use crate::{Contest, for_reading};

/// Name of the judge that asks a language model.
pub const MODEL_JUDGE: &str = "clorp-model";

/// Lead of the winner's mean score, in points, below which a verdict is not of high confidence.
const CLEAR_LEAD: u32 = 3;

/// Longest published note on one criterion, in characters.
const MAX_NOTE: usize = 85;

/// The submissions that a model reads: those that no plain check refused.
#[derive(Clone, Debug)]
pub struct Entrants {
    /// The question to the model.
    pub question: Question,
    /// Indices of the question's submissions, the earliest first.
    pub arrival: Vec<usize>,
    /// Indices in the contest's candidates, by index in the question.
    candidates: Vec<usize>,
}

impl Entrants {
    /// The entrants of a contest, by the embedded judge's verdict on it.
    pub fn new(contest: &Contest<'_>, embedded: &Verdict) -> Self {
        let refused = |candidate: &Candidate| {
            let own = |placing: &&Placing| placing.submission == candidate.submission;
            embedded.placings().iter().find(own).is_none_or(|placing| placing.refused)
        };
        let numbered = contest.candidates.iter().enumerate();
        let candidates: Vec<usize> =
            numbered.filter(|(_, candidate)| !refused(candidate)).map(|(at, _)| at).collect();
        let of = |at: &usize| contest.candidates.get(*at);
        let submissions = candidates.iter().filter_map(of).map(|one| for_reading(&one.output_text));
        let stated = embedded.constraints.iter().filter(|constraint| constraint.stated);
        let question = Question {
            pack: contest.pack,
            prompt: contest.prompt.to_owned(),
            constraints: stated.map(|constraint| constraint.text.clone()).collect(),
            submissions: submissions.collect(),
        };
        let mut arrival: Vec<usize> = (0..candidates.len()).collect();
        let time = |at: usize| candidates.get(at).and_then(of).map(|one| (one.submitted_at, one.submission));
        arrival.sort_by_key(|at| time(*at));
        Self { question, arrival, candidates }
    }

    /// The verdict of a model on a contest. Entrants are ranked by the model, and the refused ones follow as
    /// the embedded judge placed them. `lengths` says what the model read of each entrant.
    ///
    /// # Errors
    /// [`IncompleteVerdict`] if `decided` is about other submissions.
    pub fn verdict(
        &self,
        contest: &Contest<'_>,
        embedded: &Verdict,
        decided: &Decided,
        seed: u64,
        lengths: &[ReadLength],
    ) -> Result<Verdict, IncompleteVerdict> {
        let combined = &decided.combined;
        let mut placings = Vec::new();
        for standing in &combined.standings {
            let candidate =
                self.candidates.get(standing.submission).and_then(|at| contest.candidates.get(*at));
            let candidate = candidate.ok_or(IncompleteVerdict)?;
            let own = |placing: &&Placing| placing.submission == candidate.submission;
            let placing = embedded.placings().iter().find(own).ok_or(IncompleteVerdict)?;
            let length = lengths.get(standing.submission).copied().unwrap_or_default();
            placings.push(ranked(placing, standing, decided, length));
        }
        for refused in embedded.placings().iter().filter(|placing| placing.refused) {
            let held = number(combined.readings);
            placings.push(Placing { rank: number(placings.len() + 1), held, ..refused.clone() });
        }
        let method = Method {
            judge: MODEL_JUDGE.to_owned(),
            judge_version: PROMPT_VERSION.to_owned(),
            rubric_version: RUBRIC_VERSION.to_owned(),
            model: Some(decided.model.clone()),
            passes: number(combined.readings),
            seed: Some(seed),
            confidence: Some(confidence(combined)),
            fallback: None,
        };
        Verdict::new(method, embedded.constraints.clone(), placings, contest.candidates)
    }
}

/// The embedded judge's verdict, given because a model could not judge.
#[must_use]
pub const fn replaced(mut embedded: Verdict, reason: Fallback) -> Verdict {
    embedded.method.fallback = Some(reason);
    embedded
}

fn ranked(placing: &Placing, standing: &Standing, decided: &Decided, length: ReadLength) -> Placing {
    let scores = Criterion::ALL.iter().zip(standing.criteria);
    let criteria =
        scores.map(|(criterion, score)| CriterionScore { criterion: criterion.as_str().to_owned(), score });
    Placing {
        rank: number(standing.rank),
        score: standing.score,
        grade: grade(standing.score),
        held: number(standing.held),
        criteria: criteria.collect(),
        rationale: rationale(standing, decided),
        characters: number(length.total),
        characters_read: number(length.read),
        ..placing.clone()
    }
}

/// The notes of a typical reading, and how the rank came about. Rank and score have different sources and may
/// disagree, so the rationale names both.
fn rationale(standing: &Standing, decided: &Decided) -> String {
    let distance = |reading: &&Reading| {
        let assessment = reading.assessments.get(standing.submission);
        assessment.map_or(u32::MAX, |assessment| assessment.score.abs_diff(standing.score))
    };
    let typical = decided.readings.iter().min_by_key(distance);
    let marks = typical.and_then(|reading| reading.assessments.get(standing.submission)).map(|a| &a.marks);
    let notes = Criterion::ALL.iter().zip(marks.into_iter().flatten()).filter_map(|(criterion, mark)| {
        let note = published(mark)?;
        Some(format!("{}: {note}", capitalised(criterion.as_str())))
    });
    let combined = &decided.combined;
    let closing = format!(
        "Ranked {} of {} by the sum of its ranks in {} readings, held in {}; mean score {}.",
        standing.rank,
        combined.standings.len(),
        combined.readings,
        standing.held,
        standing.score
    );
    notes.chain(std::iter::once(closing)).collect::<Vec<_>>().join(" ")
}

/// A note as it may be published: one line without marks, cut at a word. A model may quote a worker's words
/// in it.
fn published(mark: &Mark) -> Option<String> {
    let clean = for_reading(&mark.note);
    let words: Vec<&str> = clean.split_whitespace().collect();
    let mut note = String::new();
    for word in words {
        if note.chars().count() + word.chars().count() >= MAX_NOTE {
            note.push('…');
            break;
        }
        if !note.is_empty() {
            note.push(' ');
        }
        note.push_str(word);
    }
    if note.is_empty() {
        return None;
    }
    if !note.ends_with(['.', '!', '?', '…']) {
        note.push('.');
    }
    Some(note)
}

fn capitalised(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

fn confidence(combined: &Combined) -> Confidence {
    let score = |at: usize| combined.standings.get(at).map(|standing| standing.score);
    let leads = match (score(0), score(1)) {
        (Some(first), Some(second)) => first >= second + CLEAR_LEAD,
        _ => true,
    };
    match (combined.agreed && leads && combined.readings > 2, combined.majority.is_some()) {
        (true, _) => Confidence::High,
        (false, true) => Confidence::Medium,
        (false, false) => Confidence::Low,
    }
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
