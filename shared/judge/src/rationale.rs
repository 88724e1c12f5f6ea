//! The rationale: one paragraph that explains a submission's rank to people.
//!
//! It quotes words of the prompt only, never of a submission, so that nothing a worker wrote is published
//! here.

use std::cmp::Reverse;

use crate::ask::{Ask, Term};
use crate::checks::Flag;
use crate::ranking::{Entry, PASSES, Placement};
use crate::rubric::{Criterion, Marks, Rubric, count_new_words};
use crate::signals::{code_lines, figures, list_items};
use crate::text::Text;

/// Maximum number of terms named as covered, and as missed.
const MOST_NAMED: usize = 3;

/// Maximum length of a rationale, in characters.
const LONGEST: usize = 500;

/// The inputs of a rationale.
pub(crate) struct Case<'a> {
    /// Prompt of the drop.
    pub(crate) ask: &'a Ask,
    /// Rubric of the drop's pack.
    pub(crate) rubric: &'a Rubric,
    /// Text of the submission.
    pub(crate) text: &'a Text,
    /// All entries of the ranking.
    pub(crate) entries: &'a [Entry],
    /// Placements of all entries, best first.
    pub(crate) places: &'a [Placement],
}

impl Case<'_> {
    /// Writes the rationale for the submission at index `at` of the placements.
    pub(crate) fn rationale(&self, at: usize) -> String {
        let Some(place) = self.places.get(at) else {
            return String::new();
        };
        let entry = &self.entries[place.entry];
        let findings = match entry.flag {
            Some(flag) => describe_failure(flag).to_owned(),
            None => format!("{} {}", findings(self.ask, self.text, entry.marks), originality(entry)),
        };
        paragraph(&findings, &self.standing(at, place))
    }

    fn standing(&self, at: usize, place: &Placement) -> String {
        let neighbour = |at: usize| self.places.get(at).map(|place| &self.entries[place.entry]);
        let own = &self.entries[place.entry];
        let held = format!("held in {} of {PASSES} passes", place.held);
        match (at.checked_sub(1).and_then(neighbour), neighbour(at + 1)) {
            (None, None) => "The only submission.".to_owned(),
            (None, Some(next)) => {
                format!("Placed first, ahead of the next {} ({held}).", self.reason(own, next))
            }
            (Some(better), _) => format!(
                "Placed at rank {}, behind the one above {} ({held}).",
                at + 1,
                self.reason(better, own)
            ),
        }
    }

    /// Explains why `better` ranks above `worse`.
    fn reason(&self, better: &Entry, worse: &Entry) -> String {
        match (better.flag, worse.flag) {
            (None, Some(_)) => return "because of the failed check".to_owned(),
            (Some(a), Some(b)) if a == b => return "by time of submission".to_owned(),
            (Some(_), _) => return "by gravity of the failed check".to_owned(),
            (None, None) => {}
        }
        let lead = |(criterion, weight): &(Criterion, u32)| {
            better.marks.of(*criterion).saturating_sub(worse.marks.of(*criterion)) * weight
        };
        let weighed = Criterion::ALL.into_iter().zip(self.rubric.weights);
        // `max_by_key` returns the last of equal elements, and the criteria are in order of importance. So
        // `rev` prefers the most important one.
        match weighed.rev().filter(|weighed| lead(weighed) > 0).max_by_key(lead) {
            Some((criterion, _)) => format!("mainly on {}", criterion.as_str()),
            None if better.marks == worse.marks => "by time of submission".to_owned(),
            None => "by a narrow comparison".to_owned(),
        }
    }
}

/// Describes a text that passed the checks, without comparison to others.
pub(crate) fn findings(ask: &Ask, text: &Text, marks: Marks) -> String {
    [relevance(ask, text, marks), substance(ask, text, marks), clarity(marks)].join(" ")
}

/// Joins findings and their conclusion to one paragraph.
pub(crate) fn paragraph(findings: &str, conclusion: &str) -> String {
    let paragraph = format!("{findings} {conclusion}");
    paragraph.trim_end().chars().take(LONGEST).collect()
}

fn relevance(ask: &Ask, text: &Text, marks: Marks) -> String {
    let (covered, missed): (Vec<&Term>, Vec<&Term>) =
        ask.terms.iter().partition(|term| text.stems.contains(term.stem));
    let judged = match marks.relevance {
        80.. => "To the point",
        50.. => "Partly to the point",
        _ => "Hardly to the point",
    };
    match (name_terms(covered), name_terms(missed)) {
        (None, None) => format!("{judged}."),
        (Some(covered), None) => format!("{judged}: covers {covered}."),
        (None, Some(missed)) => format!("{judged}: says nothing of {missed}."),
        (Some(covered), Some(missed)) => format!("{judged}: covers {covered}, leaves out {missed}."),
    }
}

fn substance(ask: &Ask, text: &Text, marks: Marks) -> String {
    let judged = match marks.substance {
        80.. => "Substantial",
        50.. => "Fairly substantial",
        25.. => "Thin",
        _ => "Very thin",
    };
    let counts = [
        (count_new_words(ask, text), "different word", " of its own"),
        (figures(text), "figure", ""),
        (list_items(text), "list item", ""),
        (code_lines(text), "line", " of code"),
    ];
    let counted = counts.into_iter().filter(|(count, ..)| *count > 0).map(|(count, thing, rest)| {
        let things = match (count, thing) {
            (1, _) => thing,
            (_, "different word") => "different words",
            (_, "figure") => "figures",
            (_, "line") => "lines",
            (_, _) => "list items",
        };
        format!("{count} {things}{rest}")
    });
    match join(&counted.collect::<Vec<_>>()) {
        Some(counted) => format!("{judged}, with {counted}."),
        None => format!("{judged}."),
    }
}

pub(crate) const fn describe_failure(flag: Flag) -> &'static str {
    match flag {
        Flag::Empty => {
            "Failed a check: it is empty or says nothing beyond an opening, so there was nothing to grade."
        }
        Flag::CopiedPrompt => "Failed a check: it mostly gives the prompt's own text back.",
        Flag::CopiedSubmission => {
            "Failed a check: it repeats, with few changes at most, a submission that was made earlier."
        }
        Flag::Instructions => {
            "Failed a check: it addresses instructions to the judge. They were not followed and count against it."
        }
    }
}

fn clarity(marks: Marks) -> String {
    match marks.clarity {
        85.. => "Clear to read.",
        60.. => "Readable, with some repetition, length or layout in the way.",
        _ => "Hard to read for repetition, length or layout.",
    }
    .to_owned()
}

fn originality(entry: &Entry) -> String {
    match entry.marks.originality {
        85.. => "Owes nothing to earlier submissions.",
        50.. => "Shares some wording with an earlier submission.",
        _ => "Shares much wording with an earlier submission.",
    }
    .to_owned()
}

/// Lists up to three terms in the prompt's order, choosing the longest ones as the most specific.
fn name_terms(terms: Vec<&Term>) -> Option<String> {
    let is_specific = |term: &Term| term.shown.chars().count() > 2 || !term.shown.is_ascii();
    let mut chosen: Vec<usize> = (0..terms.len()).filter(|at| is_specific(terms[*at])).collect();
    chosen.sort_by_key(|at| Reverse(terms[*at].shown.chars().count()));
    chosen.truncate(MOST_NAMED);
    chosen.sort_unstable();
    join(&chosen.into_iter().map(|at| terms[at].shown.to_lowercase()).collect::<Vec<_>>())
}

fn join(parts: &[String]) -> Option<String> {
    match parts {
        [] => None,
        [one] => Some(one.clone()),
        [most @ .., last] => Some(format!("{} and {last}", most.join(", "))),
    }
}
