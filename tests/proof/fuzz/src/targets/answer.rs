//! Answers of a model that judges. The input is the text that the model wrote, a stored answer, or a line of
//! a batch's results.
//!
//! An answer is used only if it assesses and ranks every submission exactly once, within the scores.

use std::sync::LazyLock;

use clorp_judge::model::{Api, BatchResult, ModelConfig, Order, RawAnswer, Spent, orders, parse};
use serde_json::{Map, Value, json};

use crate::{Shape, Target, ensure};

/// Number of submissions that the answers are about.
const SUBMISSIONS: usize = 3;

pub const TARGET: Target = Target {
    name: "answer",
    subject: "answers of a model that judges",
    valid,
    words: &[
        "{\"assessments\":{",
        "},\"order\":{",
        "}}",
        "\"place_01\":",
        "\"place_02\":",
        "\"place_03\":",
        "\"score\":",
        "100",
        "101",
        "-1",
        "50.0",
        "\"note\":\"",
        "\"constraints\":",
        "\"correctness\":",
        "\"craft\":",
        "\"fulfilment\":",
        "```json\n",
        "```",
        "{\"custom_id\":\"1\",\"response\":{\"status_code\":200,\"body\":",
        "{\"choices\":[{\"message\":{\"content\":\"",
        "\"finish_reason\":\"length\"",
        "\"usage\":{\"prompt_tokens\":18446744073709551615}",
    ],
    check,
    shapes: &[
        Shape { name: "fences", make: |bytes| "```".repeat(bytes / 3).into_bytes(), most: 1 << 20 },
        Shape { name: "brackets", make: |bytes| vec![b'['; bytes], most: 1 << 20 },
        Shape {
            name: "places",
            make: |bytes| {
                let places = vec!["\"place_01\":\"x\""; bytes / 15].join(",");
                format!("{{\"assessments\":{{}},\"order\":{{{places}}}}}").into_bytes()
            },
            most: 1 << 20,
        },
        Shape {
            name: "assessments of one submission",
            make: |bytes| {
                let (label, one) = (&ORDER.labels()[0], assessment(50, "").to_string());
                let all = vec![format!("\"{label}\":{one}"); bytes / (one.len() + 9)].join(",");
                format!("{{\"assessments\":{{{all}}},\"order\":{{}}}}").into_bytes()
            },
            most: 1 << 20,
        },
        Shape {
            name: "a long note",
            make: |bytes| answer(&"é".repeat(bytes / 24), 50).into_bytes(),
            most: 1 << 20,
        },
        Shape { name: "blanks", make: |bytes| vec![b' '; bytes], most: 1 << 20 },
    ],
};

static ORDER: LazyLock<Order> = LazyLock::new(|| orders(7, SUBMISSIONS, 1).remove(0));

fn assessment(score: i64, note: &str) -> Value {
    let mark = json!({ "note": note, "score": score });
    json!({ "constraints": mark, "correctness": mark, "craft": mark, "fulfilment": mark, "score": score })
}

/// A complete answer.
fn answer(note: &str, score: i64) -> String {
    let labels = ORDER.labels();
    let assessments: Map<String, Value> =
        labels.iter().map(|label| (label.clone(), assessment(score, note))).collect();
    let places: Map<String, Value> = labels
        .iter()
        .rev()
        .zip(1..)
        .map(|(label, place)| (format!("place_{place:02}"), json!(label)))
        .collect();
    json!({ "assessments": assessments, "order": places }).to_string()
}

fn raw(body: &str) -> RawAnswer {
    let spent = Spent { input_tokens: 1, output_tokens: 2, calls: 1 };
    RawAnswer { order: 0, body: body.to_owned(), model: "m".to_owned(), spent, latency_millis: 3 }
}

fn valid() -> Vec<Vec<u8>> {
    let text = answer("Keeps to the limit of 50 words.", 70);
    let stored = serde_json::to_string(&raw(&text)).unwrap_or_default();
    let completion = json!({
        "object": "chat.completion", "model": "m",
        "choices": [{ "index": 0, "message": { "role": "assistant", "content": text, "refusal": null }, "finish_reason": "stop" }],
        "usage": { "prompt_tokens": 900, "completion_tokens": 120 },
    });
    let batch = json!({ "custom_id": "drop-0", "response": { "status_code": 200, "body": completion } });
    [text, stored, batch.to_string()].map(String::into_bytes).to_vec()
}

fn check_answer(answer: &RawAnswer) -> Result<bool, String> {
    let Ok(reading) = parse(&ORDER, answer) else { return Ok(false) };
    let mut ranked = reading.order.clone();
    ranked.sort_unstable();
    ensure(ranked == [0, 1, 2], || format!("the ranking {:?}", reading.order))?;
    ensure(reading.assessments.len() == SUBMISSIONS, || "assessments that are missing".to_owned())?;
    for assessment in &reading.assessments {
        let marks = assessment.marks.iter().all(|mark| mark.score <= 100 && mark.note.chars().count() <= 400);
        ensure(marks && assessment.score <= 100, || format!("{assessment:?}"))?;
    }
    Ok(true)
}

fn check(input: &[u8]) -> Result<(), String> {
    let text = String::from_utf8_lossy(input);
    check_answer(&raw(&text))?;
    if let Ok(stored) = serde_json::from_str::<RawAnswer>(&text) {
        check_answer(&stored)?;
        let written = serde_json::to_string(&stored).map_err(|error| error.to_string())?;
        let again: RawAnswer = serde_json::from_str(&written).map_err(|error| error.to_string())?;
        ensure(again == stored, || format!("{stored:?} became {again:?}"))?;
    }
    if let Ok(result) = BatchResult::read(&text) {
        for api in [Api::ChatCompletions, Api::Messages] {
            let config = ModelConfig::new("https://models.example/v1", api, "m").ok_or("no model")?;
            if let Ok(answer) = config.batch_answer(&ORDER, &result) {
                check_answer(&answer)?;
            }
        }
    }
    let score = i64::try_from(input.len() % 101).unwrap_or_default();
    ensure(check_answer(&raw(&answer(&text, score)))?, || "refused a complete answer".to_owned())?;
    let excess = check_answer(&raw(&answer(&text, 101)))?;
    ensure(!excess, || "accepted a score of 101".to_owned())
}
