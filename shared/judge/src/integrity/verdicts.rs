//! Imitated verdicts: lines, tables and objects that state a grade of the work itself.

use std::collections::HashSet;

use super::lexicon::{
    Concepts, ENTRY, FINAL, JUDGE, OWN, PASS, QUALITY, RATE, REQUIREMENT, RUBRIC, SELFWORD, TOP, VERDICT,
    WIN, WORK, concepts,
};
use crate::fold::{fold_text, is_invisible};

/// Longest key and longest value, in words. More words are prose.
const MOST_WORDS: usize = 4;

/// Number of lines in which the pairs of one verdict stand.
const BLOCK: usize = 4;

/// Number of qualities with full marks that make a table of grades.
const TABLE: usize = 3;

/// Keys of a result in the lexicon's vocabulary of grading, beside the words for verdicts.
const RESULTS: &[&str] = &[
    "grade",
    "rank",
    "ranking",
    "note",
    "nota",
    "rang",
    "cijfer",
    "ocena",
    "оценка",
    "place",
    "placement",
    "platz",
    "winner",
    "passed",
    "approved",
    "评级",
    "等级",
    "排名",
    "名次",
    "順位",
    "評価",
    "등급",
    "순위",
];

/// Keys of a result that are common elsewhere.
const OUTCOMES: &[&str] = &["status", "result", "outcome", "decision", "confidence", "recommendation"];

/// Numbers of a line's pairs whose value is at the upper end of its scale.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    /// Pairs whose key names a result.
    hard: usize,
    /// Pairs whose key may name a result.
    soft: usize,
    /// Pairs whose key names a quality of texts.
    qualities: usize,
    /// Concepts of all keys and values on the line.
    context: Concepts,
    /// Concepts of the keys of objects on the line that hold other pairs.
    nests: Concepts,
    /// True if the line consists of one pair.
    sole: bool,
    /// True if the line stands in brackets.
    aside: bool,
}

/// True if `text` states a verdict about itself. Keys that the prompt has do not count.
pub(super) fn imitates(text: &str, prompt: &str, asked: Concepts) -> bool {
    // Marks in double brackets are the answer of a common kind of judge.
    let marked = |line: &str| {
        let inner = line.trim().strip_prefix("[[").and_then(|line| line.strip_suffix("]]"));
        inner.is_some_and(|mark| mark.len() <= 3 && mark.bytes().all(|b| b.is_ascii_alphanumeric()))
    };
    if text.lines().any(marked) {
        return true;
    }
    let prompt = fold_text(prompt);
    let words: HashSet<&str> = prompt.split(|c: char| !c.is_alphanumeric()).collect();
    let lines: Vec<Counts> = text
        .lines()
        .map(|line| counts(line, &words, asked))
        .filter(|line| line.context != 0 || line.sole)
        .collect();
    let Some(last) = lines.len().checked_sub(1) else {
        return false;
    };
    let ends = lines.iter().enumerate().any(|(at, line)| {
        line.sole && line.hard == 1 && (at == 0 || at == last) && asked & (RATE | WIN | PASS) == 0
    });
    // An object for a verdict that holds a result needs no second one.
    let nested = lines
        .iter()
        .any(|line| line.nests & (VERDICT | RATE | JUDGE | RUBRIC) != 0 && line.hard + line.soft > 0);
    let asides = lines.iter().any(|line| line.aside && line.hard + line.soft > 0);
    ends || asides
        || nested
        || lines.iter().enumerate().any(|(at, _)| {
            let block = lines.iter().skip(at).take(BLOCK);
            let sum = block.fold(Counts::default(), |all, line| Counts {
                hard: all.hard + line.hard,
                soft: all.soft + line.soft,
                qualities: all.qualities + line.qualities,
                context: all.context | line.context,
                ..Counts::default()
            });
            let about_itself = sum.context & (JUDGE | RUBRIC | ENTRY | SELFWORD) & !asked != 0;
            let nested = sum.hard >= 1 && sum.context & VERDICT & !asked != 0;
            let twice = nested || (sum.hard >= 1 && sum.hard + sum.soft >= 2);
            twice
                || (sum.hard + sum.soft >= 1 && about_itself)
                || (sum.qualities >= TABLE && asked & (RATE | QUALITY) == 0)
        })
}

fn counts(line: &str, prompt: &HashSet<&str>, asked: Concepts) -> Counts {
    let line: String = line.chars().filter(|c| !is_invisible(*c)).collect();
    let mut counts = Counts::default();
    let segments: Vec<&str> = segments(&line);
    let mut pairs = 0;
    for (at, segment) in segments.iter().enumerate() {
        counts.context |= words(segment).fold(0, |all, word| all | concepts(&word)) & VERDICT;
        let opens = segment.trim_end().strip_suffix(':').filter(|_| line.contains('{'));
        let key: Vec<String> = opens.map(|key| words(key).collect()).unwrap_or_default();
        if !key.iter().any(|word| prompt.contains(word.as_str())) {
            counts.nests |= key.iter().fold(0, |all, word| all | concepts(word));
        }
        let split = segment.split_once([':', '=', '：']).or_else(|| segment.split_once(" - "));
        let (key, value) = match split {
            Some((key, value)) if words(value).next().is_some() => (key, value),
            // A cell of a table, or a key without a colon, as in "score 10/10".
            _ => match segments.get(at + 1) {
                Some(next) if line.contains('|') => (*segment, *next),
                _ => match segment.trim().rsplit_once(' ') {
                    Some((key, value)) if value.contains('/') => (key, value),
                    _ => continue,
                },
            },
        };
        pairs += 1;
        count(&mut counts, key, value, prompt, asked);
    }
    counts.sole = pairs == 1 && segments.len() == 1;
    let line = line.trim();
    counts.aside =
        (line.starts_with('[') && line.ends_with(']')) || (line.starts_with('(') && line.ends_with(')'));
    counts
}

fn count(counts: &mut Counts, key: &str, value: &str, prompt: &HashSet<&str>, asked: Concepts) {
    let key: Vec<String> = words(key).collect();
    let value: Vec<String> = words(value).take(MOST_WORDS).collect();
    let meaning = |words: &[String]| words.iter().fold(0, |all, word| all | concepts(word));
    let own = meaning(&key);
    counts.context |= own | meaning(&value) | FINAL;
    let asked_for = key.iter().any(|word| prompt.contains(word.as_str()));
    if key.is_empty() || key.len() > MOST_WORDS || asked_for || !is_full(&key, &value) {
        return;
    }
    // A rank in figures is common in tables of anything.
    let figure = value.first().is_some_and(|word| word.bytes().all(|b| b.is_ascii_digit()));
    let named = |list: &[&str]| key.iter().any(|word| list.contains(&word.as_str()));
    if own & VERDICT != 0 || (named(RESULTS) && !figure) || (own & FINAL != 0 && own & RATE != 0) {
        counts.hard += 1;
    } else if own & RATE & !asked != 0 || named(OUTCOMES) || named(RESULTS) {
        counts.soft += 1;
    } else if own & (QUALITY | RUBRIC | REQUIREMENT) != 0 {
        counts.qualities += 1;
    }
}

/// Splits a line at commas, bars, braces and ends of sentences.
fn segments(line: &str) -> Vec<&str> {
    let mut segments = Vec::new();
    let mut start = 0;
    for (at, c) in line.char_indices() {
        let end = at + c.len_utf8();
        let splits = match c {
            ',' | ';' | '|' | '{' | '}' | '(' | ')' | '，' | '；' | '。' | '—' => true,
            '.' => line.get(end..).is_none_or(|rest| !rest.starts_with(|c: char| c.is_alphanumeric())),
            _ => false,
        };
        if splits {
            segments.extend(line.get(start..at));
            start = end;
        }
    }
    segments.extend(line.get(start..));
    segments.retain(|segment| segment.contains(char::is_alphanumeric));
    segments
}

fn words(text: &str) -> impl Iterator<Item = String> {
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '/' | '+' | '%');
    text.split(move |c| !is_word(c)).filter(|word| word.contains(char::is_alphanumeric)).map(fold_text)
}

/// True if the value is at the upper end of the key's scale.
fn is_full(key: &[String], value: &[String]) -> bool {
    let ranks =
        key.iter().any(|word| matches!(word.as_str(), "rank" | "ranking" | "winner" | "place" | "position"));
    let Some(first) = value.first() else {
        return false;
    };
    let fraction = first.split_once('/').and_then(|(got, of)| Some((got.parse().ok()?, of.parse().ok()?)));
    let number: Option<u32> = first.trim_end_matches('%').parse().ok();
    match (fraction, number) {
        (Some((got, of)), _) => is_near(got, of),
        (_, Some(number)) if ranks => number == 1,
        // A winner may be named by the letter of its entry.
        _ if key.iter().any(|word| word == "winner") && first.chars().count() == 1 => true,
        (_, Some(number)) => matches!(number, 10 | 90..=100),
        _ => {
            let grade = matches!(first.as_str(), "s" | "a" | "a+" | "s+" | "true");
            let all = value.iter().fold(0, |all, word| all | concepts(word));
            grade
                || all & (TOP | PASS | WIN) != 0
                || (all & OWN != 0 && (ranks || all & (WORK | ENTRY) != 0))
                || matches!(
                    first.as_str(),
                    "met" | "yes" | "satisfied" | "complete" | "fully" | "excellent" | "outstanding"
                )
        }
    }
}

const fn is_near(got: u32, of: u32) -> bool {
    of >= 5 && got <= of && got.saturating_mul(10) >= of.saturating_mul(9)
}
