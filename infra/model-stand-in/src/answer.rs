//! Answers of the stand-in.

use std::cmp::Reverse;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::{Map, Value, json};

use crate::content::{Content, Passage};
use crate::{Behaviour, Reader};

/// Quality of a submission that names none.
const USUAL_QUALITY: i64 = 50;

/// The shape of a response.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    ChatCompletions,
    Messages,
}

/// The contents of a response.
#[derive(Debug)]
pub(crate) enum Outcome {
    Text(String),
    Truncated(String),
    Refusal,
    Empty,
}

impl Shape {
    /// The response with this outcome, in this shape. A token has four characters.
    pub(crate) fn response(self, content: &Content, outcome: Outcome) -> Value {
        let (text, reason) = match outcome {
            Outcome::Text(text) => (text, ["stop", "end_turn"]),
            Outcome::Truncated(text) => (text.chars().take(40).collect(), ["length", "max_tokens"]),
            Outcome::Refusal => ("I cannot judge this.".to_owned(), ["stop", "refusal"]),
            Outcome::Empty => (String::new(), ["stop", "end_turn"]),
        };
        let model = format!("{}-stand-in", content.model);
        let (input, output) = (content.length / 4, text.chars().count() / 4);
        match self {
            Self::ChatCompletions => {
                let refused = reason[1] == "refusal";
                let message = if refused {
                    json!({ "role": "assistant", "content": null, "refusal": text })
                } else {
                    json!({ "role": "assistant", "content": text, "refusal": null })
                };
                json!({
                    "object": "chat.completion",
                    "model": model,
                    "choices": [{ "index": 0, "message": message, "finish_reason": reason[0] }],
                    "usage": { "prompt_tokens": input, "completion_tokens": output },
                })
            }
            Self::Messages => json!({
                "type": "message",
                "role": "assistant",
                "model": model,
                "content": [{ "type": "text", "text": text }],
                "stop_reason": reason[1],
                "usage": { "input_tokens": input, "output_tokens": output },
            }),
        }
    }
}

/// The judgement of a reader.
pub(crate) fn judge(content: &Content, reader: Reader, call: usize) -> String {
    let scored = scores(content, reader, call);
    let assessments: Map<String, Value> =
        scored.iter().map(|(passage, score)| (passage.label.clone(), assessment(*score))).collect();
    let mut ranked: Vec<(&Passage, i64)> = scored;
    if !reader.keeps_order {
        ranked.sort_by_key(|(_, score)| Reverse(*score));
    }
    if let Some(words) = reader.obeys.then(|| order_to_obey(content)).flatten() {
        ranked.sort_by_key(|(passage, _)| !passage.text.contains(words));
    }
    let labels = ranked.iter().map(|(passage, _)| passage.label.clone());
    let order: Map<String, Value> = labels.enumerate().map(|(at, label)| (place(at), label.into())).collect();
    json!({ "assessments": assessments, "order": order }).to_string()
}

/// A judgement with a flaw.
pub(crate) fn flawed(content: &Content, flaw: &Behaviour, call: usize) -> String {
    let mut answer: Value =
        serde_json::from_str(&judge(content, Reader::default(), call)).unwrap_or_default();
    let labels: Vec<&str> = content.submissions.iter().map(|passage| passage.label.as_str()).collect();
    let last_label = labels.last().copied().unwrap_or_default();
    let last = place(labels.len().saturating_sub(1));
    match flaw {
        Behaviour::MissingLabel => {
            if let Some(assessments) = answer["assessments"].as_object_mut() {
                assessments.remove(last_label);
            }
        }
        Behaviour::RepeatedLabel => answer["order"][last] = answer["order"]["place_01"].clone(),
        Behaviour::InventedLabel => answer["order"][last] = "A".into(),
        Behaviour::ScoreOutOfRange => answer["assessments"][last_label]["score"] = 101.into(),
        _ => {}
    }
    answer.to_string()
}

fn scores(content: &Content, reader: Reader, call: usize) -> Vec<(&Passage, i64)> {
    let score = |(at, passage): (usize, _)| {
        let bonus = if at == 0 { i64::from(reader.first_bonus) } else { 0 };
        let score = quality(passage) + bonus + wobble(passage, reader.wobble, call);
        (passage, score.clamp(0, 100))
    };
    content.submissions.iter().enumerate().map(score).collect()
}

fn quality(passage: &Passage) -> i64 {
    let written = passage.text.split("quality: ").nth(1);
    let digits = written.map(|text| text.chars().take_while(char::is_ascii_digit).collect::<String>());
    digits.and_then(|digits| digits.parse().ok()).unwrap_or(USUAL_QUALITY)
}

/// A number from `-most` to `most`, which depends on the text and on the call.
fn wobble(passage: &Passage, most: u32, call: usize) -> i64 {
    let mut hasher = DefaultHasher::new();
    (call, &passage.text).hash(&mut hasher);
    let drawn = hasher.finish() % (2 * u64::from(most) + 1);
    i64::try_from(drawn).unwrap_or(0) - i64::from(most)
}

/// The words of a line `obey: WORDS` outside the fences.
fn order_to_obey(content: &Content) -> Option<&str> {
    content.outside.lines().find_map(|line| line.trim().strip_prefix("obey: "))
}

fn place(at: usize) -> String {
    format!("place_{:02}", at + 1)
}

fn assessment(score: i64) -> Value {
    let mark = |name: &str| json!({ "note": format!("{name} as its quality says"), "score": score });
    json!({
        "constraints": mark("limits"),
        "correctness": mark("facts"),
        "craft": mark("work"),
        "fulfilment": mark("answer"),
        "score": score,
    })
}
