//! Programs made of the requests that the store sends: a recorded request, on items like those that it met,
//! with some of its values and of the items' attributes changed, so that its conditions hold and fail.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use clorp_dynamo_model::{Database, Item, TableShape};
use clorp_sam::Template;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Map, Value, json};

use crate::values::once_in;
use crate::{Call, TABLE};

/// Items that a query meets, at most.
const MET_BY_QUERY: usize = 12;

/// Recorded requests, each with the items that it met, by shape.
#[derive(Debug)]
pub struct Recording {
    shapes: BTreeMap<String, Vec<(Call, Vec<Item>)>>,
}

impl Recording {
    /// The recording of requests to one table, in their order. `items` are those of the table at the end.
    /// They stand for items that were written before the first request.
    ///
    /// # Errors
    /// Fails for a request that the model does not know: a store may send only what the documentation covers.
    pub fn new(requests: impl IntoIterator<Item = (String, Value)>, items: &[Item]) -> Result<Self> {
        let shape =
            TableShape::from_spec(TABLE, &Template::from_repo()?.table()?).context("a key without a type")?;
        let mut model = Database::new(shape);
        let at_end: BTreeMap<String, &Item> = items.iter().map(|item| (key_text(item), item)).collect();
        let mut known = BTreeSet::new();
        let mut shapes: BTreeMap<String, Vec<_>> = BTreeMap::new();
        for (operation, request) in requests {
            let call = Call { operation, request: renamed(&request) };
            for key in keys(&call) {
                if known.insert(key.clone())
                    && !creates(&call, &key)
                    && let Some(item) = at_end.get(&key)
                {
                    model.put_raw((*item).clone());
                }
            }
            let met = met(&model, &call);
            if let Err(failure) = model.call(&call.operation, &call.request, 0) {
                let what = failure.exception();
                ensure!(what != "NotModelled", "{} {}: {}", call.operation, call.request, failure.message());
                ensure!(
                    what != "ValidationException",
                    "{} {}: {}",
                    call.operation,
                    call.request,
                    failure.message()
                );
            }
            shapes.entry(shape_of(&call)).or_default().push((call, met));
        }
        Ok(Self { shapes })
    }

    /// The number of different shapes: operations with their expressions, in which names stand for
    /// placeholders and types for values.
    pub fn len(&self) -> usize {
        self.shapes.len()
    }

    /// Tells whether nothing was recorded.
    pub fn is_empty(&self) -> bool {
        self.shapes.is_empty()
    }

    /// The shapes.
    pub fn shapes(&self) -> impl Iterator<Item = &str> {
        self.shapes.keys().map(String::as_str)
    }

    /// A program with the shape of this number, counted round and round.
    pub fn program(&self, number: usize, seed: u64) -> Vec<Call> {
        let mut rng = StdRng::seed_from_u64(seed);
        let Some(instances) = self.shapes.values().nth(number % self.shapes.len().max(1)) else {
            return Vec::new();
        };
        let (call, met) = &instances[rng.random_range(0..instances.len())];
        let mut program = Vec::new();
        for item in met {
            if once_in(&mut rng, 8) {
                continue;
            }
            let mut item = item.clone();
            if once_in(&mut rng, 3) {
                vary(&mut rng, &mut item);
            }
            program.push(Call { operation: "PutItem".to_owned(), request: json!({ "Item": item }) });
        }
        let mut varied = call.clone();
        vary_values(&mut rng, &mut varied.request);
        if once_in(&mut rng, 2) {
            program.extend([call.clone(), varied, call.clone()]);
        } else {
            program.extend([varied.clone(), call.clone(), varied]);
        }
        program
    }
}

/// The request on this crate's table, with a short token.
fn renamed(request: &Value) -> Value {
    match request {
        Value::Object(members) => {
            let renamed = |(name, value): (&String, &Value)| {
                let value = match name.as_str() {
                    "TableName" => json!(TABLE),
                    "ClientRequestToken" => json!("token"),
                    "RequestItems" => {
                        let wanted = value.as_object().and_then(|tables| tables.values().next());
                        json!({ TABLE: wanted })
                    }
                    _ => renamed(value),
                };
                (name.clone(), value)
            };
            Value::Object(members.iter().map(renamed).collect())
        }
        Value::Array(members) => members.iter().map(renamed).collect(),
        plain => plain.clone(),
    }
}

fn key_text(key: &Item) -> String {
    format!("{:?} {:?}", key.get("pk"), key.get("sk"))
}

/// The parts of a request that name one item each.
fn actions(call: &Call) -> Vec<&Map<String, Value>> {
    match call.operation.as_str() {
        "TransactWriteItems" => {
            let actions = call.request["TransactItems"].as_array().into_iter().flatten();
            actions.filter_map(|action| action.as_object()?.values().next()?.as_object()).collect()
        }
        _ => call.request.as_object().into_iter().collect(),
    }
}

fn keys(call: &Call) -> Vec<String> {
    let batch = call.request["RequestItems"][TABLE]["Keys"].as_array().into_iter().flatten();
    let batch = batch.filter_map(Value::as_object).map(key_text);
    let of = |action: &Map<String, Value>| {
        let key = action.get("Key").or_else(|| action.get("Item"))?;
        key.as_object().map(key_text)
    };
    actions(call).into_iter().filter_map(of).chain(batch).collect()
}

/// Tells whether the call puts an item at the key.
fn creates(call: &Call, key: &str) -> bool {
    let puts = |action: &Map<String, Value>| {
        action.get("Item").and_then(Value::as_object).is_some_and(|item| key_text(item) == *key)
    };
    actions(call).into_iter().any(puts)
}

/// The items of the model that a call names, or that a query may find.
fn met(model: &Database, call: &Call) -> Vec<Item> {
    if matches!(call.operation.as_str(), "Query" | "Scan") {
        let values = call.request["ExpressionAttributeValues"].as_object();
        let values: Vec<&Value> = values.into_iter().flat_map(Map::values).collect();
        let has = |item: &&Item| values.is_empty() || item.values().any(|value| values.contains(&value));
        return model.scan_all().filter(has).take(MET_BY_QUERY).cloned().collect();
    }
    let keys: BTreeSet<String> = keys(call).into_iter().collect();
    model.scan_all().filter(|item| keys.contains(&key_text(item))).cloned().collect()
}

/// The operation with the words of its expressions, sorted.
fn shape_of(call: &Call) -> String {
    let mut words = vec![call.operation.clone()];
    words.extend(call.request["IndexName"].as_str().map(str::to_owned));
    for action in actions(call) {
        for (member, expression) in action.iter().filter(|(member, _)| member.ends_with("Expression")) {
            words.push(member.clone());
            let expression = expression.as_str().unwrap_or_default();
            let mut parts: Vec<String> =
                expression.split([' ', ',', '(', ')', '.']).map(|word| spelled(word, action)).collect();
            parts.retain(|part| !part.is_empty());
            parts.sort();
            words.extend(parts);
        }
    }
    words.join(" ")
}

/// A word with a placeholder's name or type in its place. Ids and numbers in names do not make a shape.
fn spelled(word: &str, action: &Map<String, Value>) -> String {
    let defined = |member: &str| action.get(member).and_then(|map| map.get(word));
    if word.starts_with(':') {
        let value = defined("ExpressionAttributeValues").and_then(Value::as_object);
        return value.and_then(|value| value.keys().next()).map_or_else(String::new, |tag| format!(":{tag}"));
    }
    let name = defined("ExpressionAttributeNames").and_then(Value::as_str).unwrap_or(word);
    let is_id = name.bytes().any(|byte| byte.is_ascii_digit());
    if is_id {
        name.split([':', '_', '#']).next().unwrap_or_default().to_owned() + "<id>"
    } else {
        name.to_owned()
    }
}

/// Changes or removes an attribute that is not part of the table's key.
fn vary(rng: &mut StdRng, item: &mut Item) {
    let names: Vec<String> =
        item.keys().filter(|name| !["pk", "sk"].contains(&name.as_str())).cloned().collect();
    if names.is_empty() {
        return;
    }
    let name = &names[rng.random_range(0..names.len())];
    if once_in(rng, 2) {
        item.remove(name);
    } else if let Some(value) = item.get_mut(name) {
        *value = other(rng, value);
    }
}

/// Changes a value of a request's expressions, where it has one.
fn vary_values(rng: &mut StdRng, request: &mut Value) {
    let mut open = vec![request];
    let mut values: Vec<&mut Value> = Vec::new();
    while let Some(value) = open.pop() {
        match value {
            Value::Array(members) => open.extend(members),
            Value::Object(members) => {
                for (name, member) in members {
                    if name == "ExpressionAttributeValues" {
                        values
                            .extend(member.as_object_mut().into_iter().flat_map(|given| given.values_mut()));
                    } else {
                        open.push(member);
                    }
                }
            }
            _ => {}
        }
    }
    if !values.is_empty() {
        let at = rng.random_range(0..values.len());
        *values[at] = other(rng, values[at]);
    }
}

/// Another value of the same type.
fn other(rng: &mut StdRng, value: &Value) -> Value {
    let Some((tag, content)) = value.as_object().and_then(|value| value.iter().next()) else {
        return value.clone();
    };
    match (tag.as_str(), content) {
        ("N", Value::String(text)) => {
            let number: i128 = text.parse().unwrap_or_default();
            let others = [number + 1, number - 1, 0, -number, number * 10];
            json!({ "N": others[rng.random_range(0..others.len())].to_string() })
        }
        ("S", Value::String(text)) => {
            let others = [format!("{text}~"), "x".to_owned(), text.chars().skip(1).chain(['!']).collect()];
            json!({ "S": others[rng.random_range(0..others.len())] })
        }
        ("BOOL", Value::Bool(flag)) => json!({ "BOOL": !flag }),
        _ => value.clone(),
    }
}
