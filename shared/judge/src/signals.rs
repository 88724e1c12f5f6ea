//! Signals of substance: features that good work of one kind tends to contain. Each is counted up to a
//! target.

use crate::ask::Ask;
use crate::points::{penalty, points};
use crate::set::Set;
use crate::text::Text;

/// Words that introduce a reason, a condition or an example.
const REASONS: &[&str] = &[
    "because",
    "since",
    "therefore",
    "example",
    "instance",
    "instead",
    "otherwise",
    "unless",
    "so",
    "if",
    "means",
    "until",
    "whereas",
    "while",
];

/// Words for durations and temperatures.
const TIMES: &[&str] = &[
    "minute",
    "minutes",
    "min",
    "mins",
    "hour",
    "hours",
    "second",
    "seconds",
    "overnight",
    "degrees",
    "c",
    "f",
    "°c",
];

/// A countable feature of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    /// Distinct figures.
    Figures,
    /// Distinct links. They are never followed.
    Links,
    /// Distinct names.
    Names,
    /// Distinct words of reasoning.
    Reasons,
    /// List items, or pairs of sentences if there are more of those.
    Steps,
    /// Distinct lines of code.
    Code,
    /// Distinct called functions and compound names.
    Identifiers,
    /// Distinct words for durations and temperatures.
    Times,
    /// Items, relative to the number that the prompt requests; lines, if it requests none.
    Items,
    /// Points for using no more words than the items need.
    Brevity,
    /// Points for not repeating words.
    Variety,
    /// Sum of distinct figures, names, reasons and pairs of lines.
    Details,
}

impl Signal {
    /// The strength of the signal in `text`, in points of `target`.
    pub(crate) fn points(self, text: &Text, ask: &Ask, target: usize) -> u32 {
        match self {
            Self::Figures => points(figures(text), target),
            Self::Links => points(text.links.len(), target),
            Self::Names => points(names(text), target),
            Self::Reasons => points(reasons(text), target),
            Self::Steps => points(steps(text), target),
            Self::Code => points(code_lines(text), target),
            Self::Identifiers => points(text.distinct(|word| word.identifier), target),
            Self::Times => points(text.distinct(|word| TIMES.contains(&word.folded.as_str())), target),
            Self::Items => points(distinct_items(text), ask.items.map_or(target, |items| items.count)),
            Self::Brevity => brevity(text, ask, target),
            Self::Variety => variety(text),
            Self::Details => points(figures(text) + names(text) + reasons(text) + lines(text) / 2, target),
        }
    }
}

pub(crate) fn figures(text: &Text) -> usize {
    text.distinct(|word| word.figure)
}

fn steps(text: &Text) -> usize {
    list_items(text).max(text.sentences / 2)
}

pub(crate) fn code_lines(text: &Text) -> usize {
    text.lines.iter().filter(|line| line.code).map(|line| line.hash).collect::<Set>().len()
}

fn names(text: &Text) -> usize {
    text.distinct(|word| word.name)
}

fn reasons(text: &Text) -> usize {
    text.distinct(|word| REASONS.contains(&word.folded.as_str()))
}

pub(crate) fn list_items(text: &Text) -> usize {
    text.lines.iter().filter(|line| line.listed).map(|line| line.hash).collect::<Set>().len()
}

/// Counts the distinct lines with more than one word.
fn lines(text: &Text) -> usize {
    text.lines.iter().filter(|line| line.words > 1).map(|line| line.hash).collect::<Set>().len()
}

/// Counts the distinct items: list items, otherwise lines, otherwise sentences.
fn distinct_items(text: &Text) -> usize {
    match list_items(text) {
        0 if text.lines.len() == 1 => text.sentences,
        0 => lines(text),
        listed => listed,
    }
}

/// Gives full points up to `target` words per item, and fewer for every word beyond.
fn brevity(text: &Text, ask: &Ask, target: usize) -> u32 {
    let enough = target * ask.items.map_or(1, |items| items.count);
    let enough = ask.most_words.map_or(enough, |most| most.min(enough)).max(target);
    100 - penalty(text.words.len().saturating_sub(enough), 2, 100)
}

fn variety(text: &Text) -> u32 {
    let content = text.words.iter().filter(|word| word.content).count();
    // A fifth of the words may repeat without loss.
    points(text.stems.len() * 5, content * 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_count_distinct_features() {
        let ask = Ask::new("three taglines");
        for (signal, raw, target, expect) in [
            (Signal::Figures, "200 g, 200 g, 180", 4, 50),
            (Signal::Links, "https://a.example https://a.example https://b.example/x", 2, 100),
            (Signal::Names, "we met Ada and Bob in Paris, Paris", 6, 50),
            (Signal::Steps, "1. mix\n2. bake\n3. mix", 4, 50),
            (Signal::Code, "x = f(1)\ny = g(2);\ny = g(2);", 4, 50),
            (Signal::Items, "One line here\nTwo lines here\nThree lines here", 1, 100),
            (Signal::Items, "One line here\nOne line here", 1, 33),
            (Signal::Variety, "bread bread bread bread bread", 0, 25),
            (Signal::Brevity, "short and sweet", 12, 100),
        ] {
            assert_eq!(signal.points(&Text::new(raw), &ask, target), expect, "{signal:?} {raw}");
        }
    }
}
