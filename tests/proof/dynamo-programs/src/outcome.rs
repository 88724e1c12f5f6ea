//! Answers in a form in which those of different databases can be compared.

use serde_json::{Map, Value, json};

/// An answer: the status, and the parts of the body that the documentation determines.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The HTTP status.
    pub status: u16,
    /// The body of a success. For an error the exception's name, the item of a failed condition, and the
    /// reasons of a cancellation.
    pub body: Value,
    /// An error's messages, which are not compared.
    pub message: String,
}

impl PartialEq for Outcome {
    fn eq(&self, other: &Self) -> bool {
        (self.status, &self.body) == (other.status, &other.body)
    }
}

impl Outcome {
    /// The comparable form of an answer.
    pub fn new(operation: &str, status: u16, body: &Value) -> Self {
        if (200..300).contains(&status) {
            return Self { status, body: success(operation, body), message: String::new() };
        }
        let kind = body["__type"].as_str().unwrap_or_default();
        let exception = kind.rsplit_once('#').map_or(kind, |(_, name)| name);
        let mut error = Map::new();
        error.insert("exception".to_owned(), exception.into());
        if let Some(item) = body.get("Item") {
            error.insert("item".to_owned(), canonical(item));
        }
        if let Some(reasons) = body["CancellationReasons"].as_array() {
            let reason = |reason: &Value| match reason.get("Item") {
                Some(item) => json!({ "code": reason["Code"], "item": canonical(item) }),
                None => json!({ "code": reason["Code"] }),
            };
            error.insert("reasons".to_owned(), reasons.iter().map(reason).collect());
        }
        let reasons = body["CancellationReasons"].as_array().into_iter().flatten();
        let messages =
            [&body["message"], &body["Message"]].into_iter().chain(reasons.map(|reason| &reason["Message"]));
        let messages: Vec<&str> = messages.filter_map(Value::as_str).collect();
        Self { status, body: Value::Object(error), message: messages.join("; ") }
    }

    /// The name of the exception; empty for a success.
    pub fn exception(&self) -> &str {
        self.body["exception"].as_str().unwrap_or_default()
    }

    /// The codes of a cancellation, in order.
    pub fn codes(&self) -> Vec<&str> {
        let reasons = self.body["reasons"].as_array().into_iter().flatten();
        reasons.map(|reason| reason["code"].as_str().unwrap_or_default()).collect()
    }

    /// Tells whether the call succeeded.
    pub const fn is_success(&self) -> bool {
        self.status == 200
    }
}

fn success(operation: &str, body: &Value) -> Value {
    let mut body = canonical(body);
    if let Some(body) = body.as_object_mut() {
        body.remove("ConsumedCapacity");
        body.remove("ItemCollectionMetrics");
    }
    // The documentation promises no order of these.
    if operation == "Scan" {
        sort(&mut body["Items"]);
    }
    if operation == "BatchGetItem"
        && let Some(tables) = body["Responses"].as_object_mut()
    {
        tables.values_mut().for_each(sort);
    }
    body
}

fn sort(list: &mut Value) {
    if let Some(list) = list.as_array_mut() {
        list.sort_by_key(Value::to_string);
    }
}

/// The value with attribute values in one form: numbers without meaningless zeros, and sets sorted.
pub fn canonical(value: &Value) -> Value {
    match value {
        Value::Array(members) => members.iter().map(canonical).collect(),
        Value::Object(members) if members.len() == 1 => {
            let stored = clorp_dynamo_model::canonical(value);
            stored.unwrap_or_else(|| canonical_members(members))
        }
        Value::Object(members) => canonical_members(members),
        plain => plain.clone(),
    }
}

fn canonical_members(members: &Map<String, Value>) -> Value {
    Value::Object(members.iter().map(|(name, value)| (name.clone(), canonical(value))).collect())
}
