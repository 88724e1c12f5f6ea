//! The OpenAPI document as Markdown.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// Operations that must share the meaning of a status for the page to state it once.
const COMMON: usize = 5;
const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// The parts of a document, as text.
#[derive(Debug)]
pub(crate) struct Reference {
    pub(crate) title: String,
    pub(crate) about: String,
    pub(crate) idempotency_key: String,
    pub(crate) common_answers: String,
    pub(crate) operations: String,
    pub(crate) objects: String,
}

impl Reference {
    /// Renders an OpenAPI document. A part that the document lacks is empty.
    pub(crate) fn new(document: &Value) -> Self {
        let common = common_responses(document);
        let common_answers = common.iter().map(|(status, meaning)| format!("- {status}: {meaning}"));
        Self {
            title: line(&document["info"]["title"]),
            about: line(&document["info"]["description"]),
            idempotency_key: line(&document["components"]["parameters"]["IdempotencyKey"]["description"]),
            common_answers: common_answers.collect::<Vec<_>>().join("\n"),
            operations: sections(document, &common),
            objects: objects(document),
        }
    }
}

/// A text of the document on one line; empty if the text is missing.
fn line(text: &Value) -> String {
    text.as_str().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
}

fn entries(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}

/// Every operation, with its method and its path.
fn operations(document: &Value) -> impl Iterator<Item = (&'static str, &str, &Value)> {
    entries(&document["paths"]).flat_map(|(path, item)| {
        let described = move |method| item.get(method).map(|operation| (method, path.as_str(), operation));
        METHODS.into_iter().filter_map(described)
    })
}

/// The most frequent meaning of each error status, if enough operations share it.
fn common_responses(document: &Value) -> BTreeMap<String, String> {
    let mut counted: BTreeMap<String, BTreeMap<String, usize>> = BTreeMap::new();
    for (_, _, operation) in operations(document) {
        for (status, answer) in entries(&operation["responses"]).filter(|(status, _)| is_error(status)) {
            *counted.entry(status.clone()).or_default().entry(meaning(document, answer)).or_default() += 1;
        }
    }
    let most = |(status, meanings): (String, BTreeMap<String, usize>)| {
        let (meaning, count) = meanings.into_iter().max_by_key(|(_, count)| *count)?;
        (count >= COMMON).then_some((status, meaning))
    };
    counted.into_iter().filter_map(most).collect()
}

/// The response that a reference stands for, or the response itself.
fn resolve<'a>(document: &'a Value, answer: &'a Value) -> &'a Value {
    let shared = answer["$ref"].as_str().and_then(|place| document.pointer(place.strip_prefix('#')?));
    shared.unwrap_or(answer)
}

/// The description of a response. That of a reference replaces the one of the shared response.
fn meaning(document: &Value, answer: &Value) -> String {
    let own = answer.get("description");
    line(own.unwrap_or_else(|| &resolve(document, answer)["description"]))
}

fn is_error(status: &str) -> bool {
    status.starts_with(['4', '5'])
}

/// The operations grouped by tag, in the document's order of tags.
fn sections(document: &Value, common: &BTreeMap<String, String>) -> String {
    let section = |tag: &Value| {
        let own = operations(document).filter(|(_, _, operation)| operation["tags"][0] == tag["name"]);
        let own = own.map(|(method, path, operation)| {
            let mut lines = render_operation(method, path, operation);
            lines.extend(render_responses(document, operation, common));
            lines.join("\n")
        });
        let heading = format!("### {}\n\n{}", line(&tag["name"]), line(&tag["description"]));
        std::iter::once(heading).chain(own).collect::<Vec<_>>().join("\n\n")
    };
    document["tags"].as_array().into_iter().flatten().map(section).collect::<Vec<_>>().join("\n\n")
}

/// Renders one operation, without its responses.
fn render_operation(method: &str, path: &str, operation: &Value) -> Vec<String> {
    let texts = [line(&operation["summary"]), line(&operation["description"])];
    let mut lines = vec![
        format!("#### {} {path}", method.to_uppercase()),
        String::new(),
        texts.join(" ").trim_end().to_owned(),
        String::new(),
        access(operation),
    ];
    lines.extend(operation["parameters"].as_array().into_iter().flatten().map(render_parameter));
    let optional = if operation["requestBody"]["required"] == true { "" } else { " (optional)" };
    lines.extend(content(&operation["requestBody"]).map(|(_, body)| format!("- Body{optional}: {body}")));
    lines
}

/// Renders the responses of an operation. Those that mean the same in most operations come last.
fn render_responses(document: &Value, operation: &Value, common: &BTreeMap<String, String>) -> Vec<String> {
    let (mut lines, mut shared) = (Vec::new(), Vec::new());
    for (status, answer) in entries(&operation["responses"]) {
        let meaning = meaning(document, answer);
        if common.get(status) == Some(&meaning) {
            shared.push(status.as_str());
        } else {
            lines.push(render_response(status, resolve(document, answer), &meaning));
        }
    }
    lines.extend((!shared.is_empty()).then(|| format!("- Also: {}", shared.join(", "))));
    lines
}

/// The policy of an operation: public, or with a caller's right and a rate class.
fn access(operation: &Value) -> String {
    let public = operation["security"].as_array().is_none_or(Vec::is_empty);
    let class = operation["x-policy"]["rate_limit_class"].as_str().unwrap_or("read");
    let rights = operation["x-policy"]["rights"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let rights = rights.map(|right| format!("`{right}`")).collect::<Vec<_>>().join(" or ");
    let policy = if public {
        "- Public.".to_owned()
    } else if rights.is_empty() {
        format!("- Requires a session. Rate limit: `{class}`.")
    } else {
        format!("- Requires the right {rights}. Rate limit: `{class}`.")
    };
    if operation["deprecated"] == true { format!("{policy} Deprecated.") } else { policy }
}

/// Renders a response: status, type of the body, meaning.
fn render_response(status: &str, answer: &Value, meaning: &str) -> String {
    let body = content(answer).filter(|(_, body)| body != "`ErrorBody`").map(|(media, body)| match media {
        "application/json" => format!(" {body}"),
        other => format!(" {body} as `{other}`"),
    });
    format!("- {status}{}: {meaning}", body.unwrap_or_default())
}

/// The media type of a body, and the type of its value.
fn content(of: &Value) -> Option<(&str, String)> {
    let (media, body) = entries(&of["content"]).next()?;
    Some((media, kind(&body["schema"])))
}

/// Renders a parameter. The prose describes the idempotency key.
fn render_parameter(parameter: &Value) -> String {
    if parameter.get("$ref").is_some() {
        return "- Takes `Idempotency-Key`.".to_owned();
    }
    let optional = if parameter["required"] == true { "" } else { ", optional" };
    let (name, place) = (line(&parameter["name"]), line(&parameter["in"]));
    format!("- `{name}` ({place}{optional}): {}", line(&parameter["description"]))
}

/// Renders every schema of the document.
fn objects(document: &Value) -> String {
    let object = |(name, schema): (&String, &Value)| {
        let mut lines =
            vec![format!("### {name}"), String::new(), line(&schema["description"]), String::new()];
        for part in std::iter::once(schema).chain(schema["allOf"].as_array().into_iter().flatten()) {
            lines.extend(referenced_name(part).map(|other| format!("- all fields of `{other}`")));
            lines.extend(entries(&part["properties"]).map(|(name, of)| render_field(part, name, of)));
        }
        let words =
            schema["enum"].as_array().map(|words| words.iter().map(|word| format!("`{}`", line(word))));
        lines.extend(words.map(|words| format!("- one of {}", words.collect::<Vec<_>>().join(", "))));
        let others = schema["oneOf"].as_array().into_iter().flatten();
        lines.extend(others.map(|other| format!("- or {}", kind(other))));
        lines.join("\n").trim_end().to_owned()
    };
    entries(&document["components"]["schemas"]).map(object).collect::<Vec<_>>().join("\n\n")
}

/// Renders a field of an object. Only request objects forbid other fields, and only their fields can be
/// marked as required.
fn render_field(object: &Value, name: &str, of: &Value) -> String {
    let names = object["required"].as_array();
    let is_request = object["additionalProperties"] == false;
    let required = is_request && names.is_some_and(|names| names.iter().any(|required| required == name));
    let required = if required { ", required" } else { "" };
    format!("- `{name}` ({}{required}): {}", kind(of), line(&of["description"]))
}

/// The name of the schema that a schema refers to.
fn referenced_name(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.rsplit('/').next()
}

/// The type of a schema's values, in words.
fn kind(schema: &Value) -> String {
    if let Some(name) = referenced_name(schema) {
        return format!("`{name}`");
    }
    if let Some(kinds) = schema["oneOf"].as_array() {
        return kinds.iter().map(kind).collect::<Vec<_>>().join(" or ");
    }
    if let Some(words) = schema["enum"].as_array() {
        return words.iter().map(Value::to_string).collect::<Vec<_>>().join(" or ");
    }
    let one = |word: &str| match word {
        "object" if schema["properties"].is_object() => {
            let fields = entries(&schema["properties"]).map(|(name, of)| format!("`{name}` {}", kind(of)));
            format!("object with {}", fields.collect::<Vec<_>>().join(", "))
        }
        "array" => format!("list of {}", kind(&schema["items"])),
        "string" if schema["format"] == "date-time" => "time".to_owned(),
        "object" if schema["additionalProperties"].is_object() => {
            format!("object of {}", kind(&schema["additionalProperties"]))
        }
        word => word.to_owned(),
    };
    match &schema["type"] {
        Value::Array(words) => {
            words.iter().filter_map(Value::as_str).map(one).collect::<Vec<_>>().join(" or ")
        }
        word => one(word.as_str().unwrap_or("any value")),
    }
}
