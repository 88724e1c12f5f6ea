//! The rationale: one paragraph that explains a submission's rank to people.
//!
//! It quotes words of the prompt only, never of a submission, so that nothing a worker wrote is published
//! here.

use std::cmp::Reverse;

use clorp_domain::verdict::Met;

use crate::ask::{Ask, Term};
use crate::constraints::{Checked, Constraint};
use crate::embedded::Work;
use crate::features::{Aspect, named};
use crate::integrity::IntegrityFlag;
use crate::ranking::{Entry, FITS, Placement};
use crate::rubric::{Marks, count_new_words};
use crate::signals::{code_lines, figures, list_items};
use crate::text::Text;

/// Maximum number of terms named as covered, and as missed.
const MOST_NAMED: usize = 3;

/// Maximum number of missed demands and of other findings that are named.
const MOST_FINDINGS: usize = 3;

/// Maximum length of a rationale, in characters.
const LONGEST: usize = 500;

/// The inputs of a rationale.
pub(crate) struct Case<'a> {
    /// Prompt of the drop.
    pub(crate) ask: &'a Ask,
    /// Demands of the prompt.
    pub(crate) constraints: &'a [Constraint],
    /// All submissions, measured.
    pub(crate) works: &'a [Work<'a>],
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
        let (Some(entry), Some(work)) = (self.entries.get(place.entry), self.works.get(place.entry)) else {
            return String::new();
        };
        let findings =
            if entry.flags.is_empty() { self.describe(work) } else { describe_failure(&entry.flags) };
        paragraph(&findings, &self.standing(at, place))
    }

    fn describe(&self, work: &Work<'_>) -> String {
        let pairs = self.constraints.iter().zip(&work.measured.checks);
        let stated: Vec<(String, Checked)> = pairs
            .filter(|(constraint, _)| constraint.is_stated())
            .map(|(constraint, check)| (constraint.sentence(), check.clone()))
            .collect();
        let demands = match (stated.len(), describe_missed(&stated)) {
            (0, _) => String::new(),
            (_, missed) if !missed.is_empty() => missed,
            (1, _) => format!("Meets what the prompt demands: {}.", stated[0].0),
            (all, _) => format!("Misses none of the prompt's {all} demands."),
        };
        let named: Vec<&str> = named(&work.measured.features).take(MOST_FINDINGS).collect();
        let parts = [demands, named.join(" "), findings(self.ask, &work.text, work.marks)];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
    }

    fn standing(&self, at: usize, place: &Placement) -> String {
        let held = format!("held in {} of {} fits", place.held, FITS);
        let index = |at: usize| self.places.get(at).map(|place| place.entry);
        match (at.checked_sub(1).and_then(index), index(at + 1)) {
            (None, None) => "The only submission.".to_owned(),
            (None, Some(next)) => {
                format!("Placed first, ahead of the next {} ({held}).", self.reason(place.entry, next))
            }
            (Some(better), _) => format!(
                "Placed at rank {}, behind the one above {} ({held}).",
                at + 1,
                self.reason(better, place.entry)
            ),
        }
    }

    /// Explains why `better` ranks above `worse`.
    fn reason(&self, better: usize, worse: usize) -> String {
        let flag = |at: usize| self.entries.get(at).and_then(|entry| entry.flags.last());
        match (flag(better), flag(worse)) {
            (None, Some(_)) => return "because of the failed check".to_owned(),
            (Some(a), Some(b)) if a == b => return "by time of submission".to_owned(),
            (Some(_), _) => return "by gravity of the failed check".to_owned(),
            (None, None) => {}
        }
        let share = |at: usize, aspect: Aspect| -> i64 {
            let contributions = self.works.get(at).map_or(&[][..], |work| &work.contributions);
            contributions
                .iter()
                .filter(|(name, _)| Aspect::of(name) == aspect)
                .map(|(_, points)| points)
                .sum()
        };
        let lead = |aspect: &Aspect| share(better, *aspect) - share(worse, *aspect);
        // `max_by_key` returns the last of equal elements, so `rev` prefers the most important aspect.
        match Aspect::ALL.into_iter().rev().filter(|aspect| lead(aspect) > 0).max_by_key(lead) {
            Some(aspect) => format!("mainly by {}", aspect.as_str()),
            None => "by time of submission".to_owned(),
        }
    }
}

/// Names the demands that a submission misses; empty if there are none.
pub(crate) fn describe_missed(checked: &[(String, Checked)]) -> String {
    let missed = checked.iter().filter(|(_, check)| check.met == Met::Missed);
    let described = missed.map(|(demand, check)| match check.found.as_str() {
        "" => demand.clone(),
        found => format!("{demand} ({found})"),
    });
    let described: Vec<String> = described.collect();
    let more = described.len().saturating_sub(MOST_FINDINGS);
    let named: Vec<String> = described.into_iter().take(MOST_FINDINGS).collect();
    match (join(&named), more) {
        (None, _) => String::new(),
        (Some(named), 0) => format!("Misses what was demanded: {named}."),
        (Some(named), more) => format!("Misses what was demanded: {named}, and {more} more."),
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

/// Describes the checks that a submission failed, the gravest first.
pub(crate) fn describe_failure(flags: &[IntegrityFlag]) -> String {
    let reasons: Vec<&str> = flags.iter().rev().map(|flag| flag.describe()).collect();
    format!("Failed a check and was refused. {}", reasons.join(" "))
}

fn clarity(marks: Marks) -> String {
    match marks.clarity {
        85.. => "Clear to read.",
        60.. => "Readable, with some repetition, length or layout in the way.",
        _ => "Hard to read for repetition, length or layout.",
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
