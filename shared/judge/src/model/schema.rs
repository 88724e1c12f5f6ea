//! The JSON schema of an answer.

use serde_json::{Map, Value, json};

use super::answer::Criterion;
use super::orders::Order;

/// Builds the schema of the answer to a question in this order.
///
/// It uses only what every structured-output service takes: objects with all properties required, strings,
/// integers and enums. Labels and places are names of properties rather than elements of arrays, because
/// decoding under a schema then yields each of them exactly once. Ranges of scores and repeated labels cannot
/// be expressed; [`parse`](super::parse) checks them.
///
/// Models write the properties in the order of the schema, which is alphabetical here. The names are chosen
/// for that: notes before scores, criteria before the overall score, assessments before the order.
pub(super) fn schema(order: &Order) -> Value {
    let labels = order.labels();
    let assessments = labels.iter().map(|label| (label.clone(), assessment()));
    let places = (0..labels.len()).map(|at| (place(at), json!({ "type": "string", "enum": labels })));
    object([("assessments".to_owned(), object(assessments)), ("order".to_owned(), object(places))])
}

/// The property of a place in the answer's order, from zero: `place_01`.
pub(super) fn place(at: usize) -> String {
    format!("place_{:02}", at.saturating_add(1))
}

fn assessment() -> Value {
    let mark = || {
        object([
            ("note".to_owned(), json!({ "type": "string" })),
            ("score".to_owned(), json!({ "type": "integer" })),
        ])
    };
    let criteria = Criterion::ALL.map(|criterion| (criterion.as_str().to_owned(), mark()));
    let score = std::iter::once(("score".to_owned(), json!({ "type": "integer" })));
    object(criteria.into_iter().chain(score))
}

fn object(properties: impl IntoIterator<Item = (String, Value)>) -> Value {
    let properties: Map<String, Value> = properties.into_iter().collect();
    let required: Vec<String> = properties.keys().cloned().collect();
    json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::orders;

    /// Every object within a value.
    fn objects(value: &Value) -> Vec<&Map<String, Value>> {
        let within = |value| objects(value).into_iter();
        match value {
            Value::Object(map) => std::iter::once(map).chain(map.values().flat_map(within)).collect(),
            Value::Array(items) => items.iter().flat_map(within).collect(),
            _ => Vec::new(),
        }
    }

    #[test]
    fn the_schema_stays_in_the_common_subset() {
        let schema = schema(&orders(1, 5, 1)[0]);
        for object in
            objects(&schema).into_iter().filter(|object| object.get("type").is_some_and(Value::is_string))
        {
            match object["type"].as_str() {
                Some("object") => {
                    assert_eq!(object["additionalProperties"], false);
                    let names: Vec<&String> = object["properties"].as_object().unwrap().keys().collect();
                    assert_eq!(object["required"], json!(names));
                    assert_eq!(object.len(), 4);
                }
                Some("string") => assert!(object.keys().all(|key| ["type", "enum"].contains(&key.as_str()))),
                Some("integer") => assert_eq!(object.len(), 1),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn critiques_come_before_scores_and_scores_before_the_order() {
        let order = &orders(1, 2, 1)[0];
        let text = schema(order).to_string();
        let label = &order.labels()[0];
        let assessment = &text[text.find(&format!("\"{label}\":{{")).unwrap()..];
        let at = |name: &str| assessment.find(&format!("\"{name}\":{{")).unwrap();
        let overall =
            assessment.find("\"score\":{\"type\":\"integer\"}},\"required\":[\"constraints\"").unwrap();
        assert!(at("note") < at("score"));
        assert!(at("constraints") < at("correctness") && at("craft") < at("fulfilment"));
        assert!(at("fulfilment") < overall && overall < at("order"));
        assert!(at("place_01") < at("place_02"));
    }
}
