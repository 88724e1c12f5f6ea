//! Answers of a model, and the checks that they must pass.

use std::collections::BTreeSet;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::error::Category;

use super::orders::Order;
use super::schema::place;

/// Highest score.
const MAX_SCORE: u32 = 100;

/// Longest kept note, in characters.
const MAX_NOTE: usize = 400;

/// A criterion of an assessment, the same for every pack.
///
/// The four cover what a client can complain about, and each can be checked against the prompt: not what was
/// ordered, wrong, badly made, against a limit. Originality is left out, because it compares submissions and
/// the ranking does that. So is clarity: it is a part of craft, and alone it rewards smooth prose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Criterion {
    /// The explicit limits of the prompt are kept.
    Constraints,
    /// Facts, figures, code and steps are right.
    Correctness,
    /// The work is well made.
    Craft,
    /// All that the prompt asks for is there.
    Fulfilment,
}

impl Criterion {
    /// Every criterion, in alphabetical order.
    pub const ALL: [Self; 4] = [Self::Constraints, Self::Correctness, Self::Craft, Self::Fulfilment];

    /// The criterion's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Constraints => "constraints",
            Self::Correctness => "correctness",
            Self::Craft => "craft",
            Self::Fulfilment => "fulfilment",
        }
    }
}

/// Calls and tokens that were spent, also on answers that were of no use. A call without a readable response
/// counts with no tokens, although the service may charge for them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spent {
    /// Tokens that the model read.
    pub input_tokens: u64,
    /// Tokens that the model wrote.
    pub output_tokens: u64,
    /// Number of calls.
    pub calls: u32,
}

impl Spent {
    pub(super) const fn add(&mut self, more: Self) {
        self.input_tokens = self.input_tokens.saturating_add(more.input_tokens);
        self.output_tokens = self.output_tokens.saturating_add(more.output_tokens);
        self.calls = self.calls.saturating_add(more.calls);
    }
}

/// A model's answer in one order. It can be stored, and read again with [`parse`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RawAnswer {
    /// Index of the order.
    pub order: usize,
    /// JSON text that the model wrote.
    pub body: String,
    /// Name of the model, as the service reports it.
    pub model: String,
    /// Calls and tokens that the answer took.
    #[serde(flatten)]
    pub spent: Spent,
    /// Time that the answer took, retries included, in milliseconds. Zero for a batch.
    pub latency_millis: u64,
}

/// A checked answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Index of the order.
    pub index: usize,
    /// Indices of all submissions, best first.
    pub order: Vec<usize>,
    /// Assessments by index of the submission.
    pub assessments: Vec<Assessment>,
}

/// A model's assessment of one submission.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assessment {
    /// Marks in the order of [`Criterion::ALL`].
    pub marks: [Mark; 4],
    /// Overall score, 0 to 100.
    pub score: u32,
}

/// A model's mark for one criterion.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// Reason for the score, at most 400 characters. It may quote the submission, so it must not be published
    /// unread.
    pub note: String,
    /// Score, 0 to 100.
    pub score: u32,
}

/// The reason for which an answer cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// The response has no answer where the service puts one.
    NoAnswer,
    /// The model, or a filter of the service, refused to answer.
    Refusal,
    /// The answer reached the limit of its length.
    Truncated,
    /// The answer is not JSON.
    NotJson,
    /// The answer is JSON of another shape.
    WrongShape,
    /// The answer names a label that no submission has.
    InventedLabel,
    /// The answer leaves out a submission.
    MissingLabel,
    /// The answer names a submission twice.
    RepeatedLabel,
    /// A score is not between 0 and 100.
    ScoreOutOfRange,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoAnswer => "it had no answer",
            Self::Refusal => "it was a refusal",
            Self::Truncated => "it was cut off at the limit of its length",
            Self::NotJson => "it was not JSON",
            Self::WrongShape => "it did not have the required shape",
            Self::InventedLabel => "it named a label that does not exist",
            Self::MissingLabel => "it left out a submission",
            Self::RepeatedLabel => "it named a submission twice",
            Self::ScoreOutOfRange => "it had a score outside 0 to 100",
        })
    }
}

impl std::error::Error for Malformed {}

/// Reads an answer that was given in this order.
///
/// # Errors
/// [`Malformed`] for an answer that does not assess and rank every submission exactly once.
pub fn parse(order: &Order, answer: &RawAnswer) -> Result<Reading, Malformed> {
    let written: Written =
        serde_json::from_str(answer.body.trim()).map_err(|error| match error.classify() {
            Category::Data => Malformed::WrongShape,
            Category::Io | Category::Syntax | Category::Eof => Malformed::NotJson,
        })?;
    let ranked = ranked(order, &written.order.0)?;
    let mut assessments = vec![None; ranked.len()];
    for (label, assessment) in written.assessments.0 {
        let submission = order.submission(&label).ok_or(Malformed::InventedLabel)?;
        let slot = assessments.get_mut(submission).ok_or(Malformed::InventedLabel)?;
        if slot.replace(assessment.check()?).is_some() {
            return Err(Malformed::RepeatedLabel);
        }
    }
    let assessments = assessments.into_iter().collect::<Option<Vec<_>>>().ok_or(Malformed::MissingLabel)?;
    Ok(Reading { index: order.index(), order: ranked, assessments })
}

/// The submissions by place.
fn ranked(order: &Order, places: &[(String, String)]) -> Result<Vec<usize>, Malformed> {
    let labels = |at| {
        let mut written = places.iter().filter(move |(name, _)| *name == place(at));
        (written.next(), written.next())
    };
    let count = order.labels().len();
    let mut ranked = Vec::with_capacity(count);
    for at in 0..count {
        let label = match labels(at) {
            (Some((_, label)), None) => label,
            (Some(_), Some(_)) => return Err(Malformed::RepeatedLabel),
            (None, _) => return Err(Malformed::MissingLabel),
        };
        ranked.push(order.submission(label).ok_or(Malformed::InventedLabel)?);
    }
    if places.len() != count {
        return Err(Malformed::WrongShape);
    }
    if ranked.iter().collect::<BTreeSet<_>>().len() != count {
        return Err(Malformed::RepeatedLabel);
    }
    Ok(ranked)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    assessments: Entries<WrittenAssessment>,
    order: Entries<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenAssessment {
    constraints: WrittenMark,
    correctness: WrittenMark,
    craft: WrittenMark,
    fulfilment: WrittenMark,
    score: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenMark {
    note: String,
    score: i64,
}

impl WrittenAssessment {
    fn check(self) -> Result<Assessment, Malformed> {
        Ok(Assessment {
            marks: [
                self.constraints.check()?,
                self.correctness.check()?,
                self.craft.check()?,
                self.fulfilment.check()?,
            ],
            score: score(self.score)?,
        })
    }
}

impl WrittenMark {
    fn check(self) -> Result<Mark, Malformed> {
        Ok(Mark { note: self.note.chars().take(MAX_NOTE).collect(), score: score(self.score)? })
    }
}

fn score(written: i64) -> Result<u32, Malformed> {
    let score = u32::try_from(written).ok().filter(|score| *score <= MAX_SCORE);
    score.ok_or(Malformed::ScoreOutOfRange)
}

/// The entries of a JSON object, repeated ones included. A map would keep only the last of these.
struct Entries<T>(Vec<(String, T)>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Entries<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EntriesVisitor(PhantomData))
    }
}

struct EntriesVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for EntriesVisitor<T> {
    type Value = Entries<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries<T>, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Entries(entries))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::model::orders;

    fn assessment(score: i64) -> Value {
        let mark = json!({ "note": "n".repeat(500), "score": 50 });
        json!({ "constraints": mark, "correctness": mark, "craft": mark, "fulfilment": mark, "score": score })
    }

    /// An answer that gives the submissions, as they are read, these scores and this order.
    fn answer(assessments: &[(&str, Value)], places: &[(&str, &str)]) -> RawAnswer {
        let entries = |entries: Vec<String>| format!("{{{}}}", entries.join(","));
        let assessed = assessments.iter().map(|(label, value)| format!("\"{label}\":{value}")).collect();
        let placed = places.iter().map(|(place, label)| format!("\"{place}\":\"{label}\"")).collect();
        let body = format!("{{\"assessments\":{},\"order\":{}}}\n", entries(assessed), entries(placed));
        let spent = Spent { input_tokens: 1, output_tokens: 2, calls: 1 };
        RawAnswer { order: 0, body, model: "m".to_owned(), spent, latency_millis: 3 }
    }

    #[test]
    fn a_complete_answer_is_read_in_terms_of_submissions() {
        let order = &orders(3, 2, 1)[0];
        let [x, y] = [0, 1].map(|at| order.labels()[at].as_str());
        let raw = answer(&[(x, assessment(70)), (y, assessment(0))], &[("place_01", y), ("place_02", x)]);
        let reading = parse(order, &raw).unwrap();
        let [read_first, read_second] = [0, 1].map(|at| order.permutation()[at]);
        assert_eq!(reading.order, [read_second, read_first]);
        assert_eq!(reading.assessments[read_first].score, 70);
        assert_eq!(reading.assessments[read_first].marks[3].note.len(), MAX_NOTE);
        let stored = serde_json::to_string(&raw).unwrap();
        assert!(stored.contains("\"input_tokens\":1"), "{stored}");
        assert_eq!(serde_json::from_str::<RawAnswer>(&stored).unwrap(), raw);
    }

    #[test]
    fn an_incomplete_or_contradictory_answer_has_a_named_reason() {
        let order = &orders(3, 2, 1)[0];
        let [x, y] = [0, 1].map(|at| order.labels()[at].as_str());
        let (ok, placed) = (assessment(70), [("place_01", x), ("place_02", y)]);
        let both = [(x, ok.clone()), (y, ok.clone())];
        let text = |body: &str| RawAnswer { body: body.to_owned(), ..answer(&[], &[]) };
        for (raw, reason) in [
            (text(""), Malformed::NotJson),
            (text("Sure! {"), Malformed::NotJson),
            (text("[]"), Malformed::WrongShape),
            (text("{\"order\":{}}"), Malformed::WrongShape),
            (answer(&[(x, json!({ "score": 1 })), both[1].clone()], &placed), Malformed::WrongShape),
            (answer(&[(x, assessment(101)), both[1].clone()], &placed), Malformed::ScoreOutOfRange),
            (answer(&[(x, assessment(-1)), both[1].clone()], &placed), Malformed::ScoreOutOfRange),
            (answer(&both[..1], &placed), Malformed::MissingLabel),
            (answer(&[both[0].clone(), ("A", ok.clone())], &placed), Malformed::InventedLabel),
            (answer(&[both[0].clone(), both[0].clone()], &placed), Malformed::RepeatedLabel),
            (answer(&both, &placed[..1]), Malformed::MissingLabel),
            (answer(&both, &[placed[0], ("place_02", x)]), Malformed::RepeatedLabel),
            (answer(&both, &[placed[0], ("place_02", "A")]), Malformed::InventedLabel),
            (answer(&both, &[placed[0], placed[1], ("place_02", x)]), Malformed::RepeatedLabel),
            (answer(&both, &[placed[0], placed[1], ("place_03", x)]), Malformed::WrongShape),
        ] {
            assert_eq!(parse(order, &raw), Err(reason), "{}", raw.body);
        }
    }
}
