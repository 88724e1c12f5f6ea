//! A comparison of every call with the API document.

use std::collections::BTreeSet;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::Call;
use super::calls::{LOGS, contracts};

/// Expectations of one call.
pub struct Contract {
    name: &'static str,
    method: String,
    path: &'static str,
    statuses: &'static [u16],
    query: &'static [&'static str],
    private: bool,
    keyed: bool,
    /// Reads a request's body as the call's type, and writes it again.
    request: fn(Value) -> Result<Value, String>,
    /// Reads a response's body as the call's type, and writes it again.
    answer: fn(Value) -> Result<Value, String>,
}

impl Contract {
    /// The expectations of a call.
    pub fn of<B, A>(name: &'static str, call: &Call<B, A>) -> Self
    where
        B: Serialize + DeserializeOwned,
        A: Serialize + DeserializeOwned,
    {
        Self {
            name,
            method: call.method.as_str().to_lowercase(),
            path: call.path,
            statuses: call.statuses,
            query: call.query,
            private: call.private,
            keyed: call.is_keyed(),
            request: through::<B>,
            answer: through::<A>,
        }
    }

    fn operation<'a>(&self, document: &'a Value) -> &'a Value {
        let operation = &document["paths"][self.path][self.method.as_str()];
        assert!(operation.is_object(), "{}: the API has no {} {}", self.name, self.method, self.path);
        operation
    }
}

fn through<T: Serialize + DeserializeOwned>(value: Value) -> Result<Value, String> {
    let read: T = serde_json::from_value(value).map_err(|error| error.to_string())?;
    serde_json::to_value(read).map_err(|error| error.to_string())
}

fn document() -> Value {
    serde_json::from_str(include_str!("../../../docs/openapi.json")).unwrap()
}

/// The schema that a schema refers to, or the schema itself.
fn resolve<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str() {
        Some(reference) => resolve(document, document.pointer(&reference[1..]).unwrap()),
        None => schema,
    }
}

/// An example of a schema's values. A full one has every property, and the word with this number of every
/// enum. Otherwise what may be missing is missing, and what may be null is null.
fn example(document: &Value, schema: &Value, full: bool, word: usize) -> Value {
    let schema = resolve(document, schema);
    let of = |schema: &Value| example(document, schema, full, word);
    if let Some(words) = schema["enum"].as_array() {
        return words[word % words.len()].clone();
    }
    if let Some(value) = schema.get("const") {
        return value.clone();
    }
    if let Some(kinds) = schema["oneOf"].as_array() {
        let is_null = |kind: &&Value| kind["type"] == "null";
        return if full || !kinds.iter().any(|kind| is_null(&kind)) {
            of(kinds.iter().find(|kind| !is_null(kind)).unwrap())
        } else {
            Value::Null
        };
    }
    let mut properties = Map::new();
    for part in schema["allOf"].as_array().into_iter().flatten() {
        properties.extend(of(part).as_object().unwrap().clone());
    }
    let required: BTreeSet<&str> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        if full || required.contains(name.as_str()) {
            properties.insert(name.clone(), of(property));
        }
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        kind => kind.as_str().into_iter().collect(),
    };
    if !full && kinds.contains(&"null") {
        return Value::Null;
    }
    match kinds.iter().find(|kind| **kind != "null") {
        Some(&"array") => json!([of(&schema["items"])]),
        Some(&"string") if schema["format"] == "date-time" => json!("2026-11-27T09:30:00.123Z"),
        Some(&"string") => json!(text(schema["pattern"].as_str().unwrap_or_default())),
        Some(&"integer" | &"number") => json!(schema["minimum"].as_i64().unwrap_or(7)),
        Some(&"boolean") => json!(true),
        _ if schema["additionalProperties"].is_object() => {
            json!({ "name": of(&schema["additionalProperties"]) })
        }
        _ => Value::Object(properties),
    }
}

/// A text that matches a pattern of the document.
fn text(pattern: &str) -> String {
    let pattern = fancy_regex::Regex::new(pattern).unwrap();
    let texts = ["text", "text/plain", "completed", "PUT", &"0".repeat(64)];
    let fitting = texts.iter().find(|text| pattern.is_match(text).unwrap());
    (*fitting.unwrap_or_else(|| panic!("no example matches {pattern}"))).to_owned()
}

/// Places at which `read` has something that `documented` has not.
fn additions(read: &Value, documented: &Value, place: &str) -> Vec<String> {
    match (read, documented) {
        (Value::Object(read), Value::Object(documented)) => {
            let below = |(name, value): (&String, &Value)| match documented.get(name) {
                Some(other) => additions(value, other, &format!("{place}/{name}")),
                // A minimal example leaves out what may be missing.
                None if value.is_null() => Vec::new(),
                None => vec![format!("{place}/{name}")],
            };
            read.iter().flat_map(below).collect()
        }
        (Value::Array(read), Value::Array(documented)) => {
            let pairs = read.iter().zip(documented);
            pairs.flat_map(|(read, documented)| additions(read, documented, &format!("{place}/0"))).collect()
        }
        (Value::String(read), Value::String(documented))
            if place.ends_with("_at") || place.ends_with("/at") =>
        {
            // The notation of a time may differ.
            let time = |text: &String| text.parse::<jiff::Timestamp>().unwrap();
            if time(read) == time(documented) { Vec::new() } else { vec![place.to_owned()] }
        }
        (read, documented) if read == documented => Vec::new(),
        (read, documented) => vec![format!("{place}: {read} for {documented}")],
    }
}

/// Names that a full value of the type has and the document's value has not.
fn undocumented(read: &Value, documented: &Value, place: &str) -> Vec<String> {
    match (read, documented) {
        (Value::Object(read), Value::Object(documented)) => {
            let below = |(name, value): (&String, &Value)| match documented.get(name) {
                Some(other) => undocumented(value, other, &format!("{place}/{name}")),
                None => vec![format!("{place}/{name}")],
            };
            read.iter().flat_map(below).collect()
        }
        (Value::Array(read), Value::Array(documented)) => {
            read.iter().zip(documented).flat_map(|(one, other)| undocumented(one, other, place)).collect()
        }
        _ => Vec::new(),
    }
}

/// The number of words of the longest enum.
const WORDS: usize = 6;

/// Checks that the type of a body reads everything that the schema allows, and names nothing else.
fn check(document: &Value, schema: &Value, through: fn(Value) -> Result<Value, String>, whose: &str) {
    for word in 0..WORDS {
        let full = example(document, schema, true, word);
        let read = through(full.clone()).unwrap_or_else(|error| panic!("{whose}: {error} in {full}"));
        assert_eq!(additions(&read, &full, ""), Vec::<String>::new(), "{whose}");
        assert_eq!(undocumented(&read, &full, ""), Vec::<String>::new(), "{whose}");
    }
    let least = example(document, schema, false, 0);
    let read = through(least.clone()).unwrap_or_else(|error| panic!("{whose}: {error} in {least}"));
    assert_eq!(additions(&read, &least, ""), Vec::<String>::new(), "{whose}");
}

#[test]
fn every_call_is_an_operation_of_the_api_document() {
    let document = document();
    for contract in contracts() {
        let Contract { name, statuses, query, private, keyed, .. } = contract;
        let operation = contract.operation(&document);
        let security = operation["security"].as_array().is_some_and(|ways| !ways.is_empty());
        assert_eq!(private, security, "{name}: the credential");
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        let takes_key = parameters.iter().any(|parameter| {
            parameter["$ref"].as_str().is_some_and(|reference| reference.ends_with("/IdempotencyKey"))
        });
        assert_eq!(keyed, takes_key, "{name}: the idempotency key");
        for parameter in query {
            let named = |other: &Value| other["in"] == "query" && other["name"] == *parameter;
            assert!(parameters.iter().any(named), "{name}: the API does not know `{parameter}`");
        }
        for status in statuses {
            assert!(operation["responses"][status.to_string()].is_object(), "{name}: {status}");
        }
    }
}

#[test]
fn every_request_body_is_one_that_the_api_document_describes() {
    let document = document();
    let mut seen = 0;
    for contract in contracts() {
        let body = &contract.operation(&document)["requestBody"];
        let Some(schema) = body["content"]["application/json"].get("schema") else { continue };
        // A call may leave out a body that is optional.
        if (contract.request)(Value::Null).is_ok_and(|body| body.is_null()) {
            assert_ne!(body["required"], true, "{} sends no body", contract.name);
            continue;
        }
        seen += 1;
        check(&document, schema, contract.request, contract.name);
        let mut schema = resolve(&document, schema).clone();
        schema["components"] = document["components"].clone();
        let validator = jsonschema::draft202012::new(&schema).unwrap();
        let least = example(&document, &schema, false, 0);
        let written = (contract.request)(least).unwrap();
        assert!(validator.is_valid(&written), "{}: {written}", contract.name);
    }
    assert!(seen > 12, "only {seen} calls have a body");
}

#[test]
fn every_response_body_is_read_as_the_api_document_describes_it() {
    let document = document();
    for contract in contracts().into_iter().filter(|contract| contract.path != LOGS.path) {
        for status in contract.statuses {
            let whose = format!("{} {status}", contract.name);
            let response = &contract.operation(&document)["responses"][status.to_string()];
            match response["content"]["application/json"].get("schema") {
                Some(schema) => check(&document, schema, contract.answer, &whose),
                None => assert!((contract.answer)(Value::Null).is_ok(), "{whose} has no body"),
            }
        }
    }
}

#[test]
fn every_event_of_a_timeline_is_read_as_the_api_document_describes_it() {
    let document = document();
    let kinds = document["components"]["schemas"]["TimelineEvent"]["oneOf"].as_array().unwrap();
    assert!(kinds.len() > 8, "only {} kinds of events", kinds.len());
    let logs = contracts().into_iter().find(|contract| contract.path == LOGS.path).unwrap();
    for kind in kinds {
        check(&document, kind, logs.answer, &kind.to_string());
    }
}
