//! JSON bodies. The input is the body of a request.
//!
//! A body is accepted only if another parser accepts it too, with the same value and without repeated names,
//! and a value that is written is read back. A refusal has a documented code.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use clorp_domain::NamedFiles;
use clorp_domain::{Requirements, RequirementsDraft, Rules};
use clorp_http::error_codes::ERROR_CODES;
use clorp_http::extract::{MAX_BODY_BYTES, OptionalJson};
use clorp_http::{ApiJson, AttachmentRequest, NoBody, Problem, RequirementsRequest, file_drafts};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::support::block_on;
use crate::{Shape, Target, ensure};

pub const TARGET: Target = Target {
    name: "json",
    subject: "JSON bodies",
    valid,
    words: &[
        "{",
        "}",
        "[",
        "]",
        "\"",
        ":",
        ",",
        "\"prompt\"",
        "\"price_cents\"",
        "\"attachments\"",
        "\"env_vars\"",
        "\"worker_requirements\"",
        "\"agentId\"",
        "\"agent_id\"",
        "\"id\"",
        "\"min_races\"",
        "null",
        "true",
        "1000.0",
        "1e3",
        "1E400",
        "-0.0",
        "9007199254740993.0",
        "\\u0000",
        "\\ud800",
        "\\ud83d\\ude00",
        "\u{feff}",
        "{\"a\":1,\"a\":2}",
    ],
    check,
    shapes: &[
        Shape { name: "brackets", make: |bytes| vec![b'['; bytes], most: 1 << 20 },
        Shape { name: "nested objects", make: |bytes| b"{\"a\":".repeat(bytes / 5), most: 1 << 20 },
        Shape {
            name: "nested in bounds",
            make: |bytes| {
                let deep = [b"[".repeat(120), b"]".repeat(120)].concat();
                [b"{\"a\":[1".to_vec(), [b",".to_vec(), deep].concat().repeat(bytes / 241), b"]}".to_vec()]
                    .concat()
            },
            most: 1 << 20,
        },
        Shape {
            name: "names",
            make: |bytes| {
                let members: Vec<String> = (0..bytes / 12).map(|at| format!("\"m{at}\":1")).collect();
                format!("{{{}}}", members.join(",")).into_bytes()
            },
            most: 1 << 20,
        },
        Shape {
            name: "items",
            make: |bytes| format!("{{\"a\":[1{}]}}", ",1".repeat(bytes / 2)).into_bytes(),
            most: 1 << 20,
        },
        Shape {
            name: "escapes",
            make: |bytes| format!("{{\"a\":\"{}\"}}", "\\u0000".repeat(bytes / 6)).into(),
            most: 1 << 20,
        },
        Shape {
            name: "surrogates",
            make: |bytes| format!("{{\"a\":\"{}\"}}", "\\ud83d\\ude00".repeat(bytes / 12)).into(),
            most: 1 << 20,
        },
        Shape {
            name: "digits",
            make: |bytes| format!("{{\"a\":{}}}", "9".repeat(bytes)).into_bytes(),
            most: 1 << 20,
        },
        Shape {
            name: "a fraction",
            make: |bytes| format!("{{\"a\":0.{}}}", "0".repeat(bytes)).into_bytes(),
            most: 1 << 20,
        },
        Shape {
            name: "attachments",
            make: |bytes| format!("{{\"attachments\":[{{}}{}]}}", ",{}".repeat(bytes / 3)).into(),
            most: 1 << 20,
        },
        Shape { name: "blanks", make: |bytes| vec![b' '; bytes], most: 1 << 20 },
        Shape {
            name: "a long name",
            make: |bytes| format!("{{\"{}\":1}}", "~/".repeat(bytes / 2)).into_bytes(),
            most: 1 << 20,
        },
    ],
};

/// The body of a request with every kind of field.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only parsed")]
struct Run {
    prompt: Option<String>,
    price_cents: Option<i64>,
    time_limit_seconds: Option<i32>,
    confirmed: Option<bool>,
    pack: Option<String>,
    #[serde(rename = "agentId", alias = "agent_id")]
    agent_id: Option<String>,
    env_vars: Option<BTreeMap<String, String>>,
    attachments: Option<Vec<AttachmentRequest>>,
    worker_requirements: Option<RequirementsRequest>,
}

fn valid() -> Vec<Vec<u8>> {
    let run = json!({
        "prompt": "Give me three roast-style taglines for this README", "pack": "roast", "price_cents": 500,
        "time_limit_seconds": 30, "confirmed": true, "env_vars": { "REPO": "https://example.com/a?b=c", "LANG": "en" },
        "attachments": [{ "id": "01JD4B6Q4N0000000000000001", "filename": "notes.txt", "content_type": "text/plain",
            "size_bytes": 12, "sha256": "ab".repeat(32) }],
        "worker_requirements": { "verified_payouts": true, "min_races": 5, "min_win_rate_percent": 20 },
    });
    let submit = json!({ "output_text": "1. One.\n2. \"Two\" — zwei \u{1f600}\n", "agentId": "01JD4B6Q4N0000000000000002" });
    [run, submit, json!({}), json!({ "min_races": 1000, "verified_payouts": false })]
        .map(|body| body.to_string().into_bytes())
        .to_vec()
}

fn request(body: &[u8]) -> Request {
    Request::builder().body(Body::from(body.to_vec())).expect("a request")
}

/// The value, or `None` if the body is refused as documented.
fn read<T, E>(read: Result<T, Problem>, convert: impl FnOnce(T) -> E) -> Result<Option<E>, String> {
    match read {
        Ok(value) => Ok(Some(convert(value))),
        Err(problem) => {
            let documented = problem.status.is_client_error() && ERROR_CODES.contains(&problem.code.as_ref());
            ensure(documented && !problem.message.is_empty(), || format!("refused with {problem:?}"))
                .map(|()| None)
        }
    }
}

/// True if two values are the same JSON, however their numbers are written.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one == other || one.as_f64() == other.as_f64(),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            let has =
                |(name, value): (&String, &Value)| other.get(name).is_some_and(|other| same(value, other));
            one.len() == other.len() && one.iter().all(has)
        }
        _ => one == other,
    }
}

fn check(input: &[u8]) -> Result<(), String> {
    // A larger body is refused before it is parsed.
    let input = &input[..input.len().min(MAX_BODY_BYTES)];
    let parse = |body: &[u8]| {
        read(block_on(ApiJson::<Value>::from_request(request(body), &())), |ApiJson(value)| value)
    };
    if let Some(value) = parse(input)? {
        let other: Value =
            serde_json::from_slice(input).map_err(|error| format!("accepted no JSON: {error}"))?;
        ensure(same(&value, &other), || format!("{value} and not {other}"))?;
        let written = value.to_string();
        let again =
            parse(written.as_bytes())?.ok_or_else(|| format!("refused what it has read: {written}"))?;
        ensure(same(&value, &again), || format!("{value} became {again}"))?;
    }
    read(block_on(ApiJson::<Run>::from_request(request(input), &())), |_| ())?;
    read(block_on(OptionalJson::<Run>::from_request(request(input), &())), |_| ())?;
    read(block_on(NoBody::from_request(request(input), &())), |_| ())?;
    let files =
        read(block_on(ApiJson::<Run>::from_request(request(input), &())), |ApiJson(run)| run.attachments)?;
    if let Some(files) = files {
        let _ = NamedFiles::new("/attachments", file_drafts(files), &Rules::default());
    }
    let asked = block_on(ApiJson::<RequirementsRequest>::from_request(request(input), &()));
    if let Some(draft) = read(asked, |ApiJson(asked)| RequirementsDraft::from(asked))?
        && let Ok(requirements) = Requirements::new(draft)
    {
        let bounded = requirements.min_races <= 1000 && requirements.min_win_rate_percent <= 100;
        ensure(bounded, || format!("accepted {requirements:?}"))?;
    }
    Ok(())
}
