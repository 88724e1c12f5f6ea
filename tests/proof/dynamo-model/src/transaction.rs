//! Transactions.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::{Map, Value, json};

use crate::expression::path::project;
use crate::expression::projection;
use crate::failure::Reason;
use crate::request::Request;
use crate::shape::TableShape;
use crate::storage::Storage;
use crate::value::item_bytes;
use crate::write::{Refusal, Verb, Write};
use crate::{Failure, Item};

/// Actions in one transaction.
///
/// Source: API Reference, "TransactWriteItems" and "TransactGetItems".
const MAX_ACTIONS: usize = 100;
/// Bytes of the items in one transaction.
const MAX_BYTES: usize = 4 * 1024 * 1024;
/// Time for which a token is remembered.
///
/// Source: API Reference, "TransactWriteItems", `ClientRequestToken`.
const TOKEN_MILLIS: i64 = 10 * 60 * 1000;

/// The tokens of transactions that succeeded, each with its request's digest and the time.
pub(crate) type Tokens = BTreeMap<String, (u64, i64)>;

/// A checked transaction.
struct Transaction<'r> {
    token: Option<&'r str>,
    digest: u64,
    writes: Vec<Write<'r>>,
}

/// Makes a `TransactWriteItems`.
///
/// Source: API Reference, "TransactWriteItems"; Developer Guide, "DynamoDB Transactions: How it works".
pub(crate) fn write(
    request: &Value,
    shape: &TableShape,
    storage: &mut Storage,
    tokens: &mut Tokens,
    now_millis: i64,
) -> Result<Value, Failure> {
    let transaction = Transaction::read(request, shape)?;
    if let Some(token) = transaction.token {
        match tokens.get(token) {
            Some((_, at)) if now_millis - at >= TOKEN_MILLIS => {}
            Some((digest, _)) if *digest == transaction.digest => return Ok(json!({})),
            Some(_) => {
                let message =
                    "The request uses the same client token as a previous, but non-identical request.";
                return Err(Failure::named(400, "IdempotentParameterMismatchException", message));
            }
            None => {}
        }
    }
    let outcomes: Vec<_> = transaction
        .writes
        .iter()
        .map(|write| write.outcome(shape, write.key.as_ref().and_then(|key| storage.get(key))))
        .collect();
    if outcomes.iter().any(Result::is_err) {
        return Err(Failure::cancelled(outcomes.into_iter().map(reason).collect()));
    }
    for (write, after) in transaction.writes.into_iter().zip(outcomes) {
        if let (false, Some(key), Ok(after)) = (write.is_check(), write.key, after) {
            storage.write(shape, key, after);
        }
    }
    if let Some(token) = transaction.token {
        tokens.insert(token.to_owned(), (transaction.digest, now_millis));
    }
    Ok(json!({}))
}

fn reason<T>(outcome: Result<T, Refusal>) -> Reason {
    match outcome {
        Ok(_) => Reason::None,
        Err(Refusal::Condition(item)) => Reason::ConditionalCheckFailed(item),
        Err(Refusal::Invalid(failure)) => Reason::ValidationError(failure.message().to_owned()),
    }
}

impl<'r> Transaction<'r> {
    fn read(request: &'r Value, shape: &TableShape) -> Result<Self, Failure> {
        let known = ["TransactItems", "ClientRequestToken", "ReturnConsumedCapacity"];
        let request = Request::new("TransactWriteItems", request, &known)?;
        request.word("ReturnConsumedCapacity", &["NONE", "TOTAL", "INDEXES"])?;
        let token = request.text("ClientRequestToken")?;
        if token.is_some_and(|token| token.is_empty() || token.chars().count() > 36) {
            return Err(Failure::validation("Value at 'clientRequestToken' must have length of 1 to 36"));
        }
        let actions = actions(&request)?;
        let mut writes = Vec::with_capacity(actions.len());
        for action in actions {
            let (name, action) = single_action(action)?;
            let verb = match name {
                "Put" => Verb::Put,
                "Update" => Verb::Update,
                "Delete" => Verb::Delete,
                "ConditionCheck" => Verb::Check,
                other => return Err(Failure::unmodelled(format_args!("the action {other}"))),
            };
            let action = Request::new(name, action, &verb.action_members())?;
            for (of, member) in [(Verb::Update, "UpdateExpression"), (Verb::Check, "ConditionExpression")] {
                if of == verb && action.get(member).is_none() {
                    return Err(Failure::validation(format!("Value null at '{member}' must not be null")));
                }
            }
            writes.push(Write::new(verb, &action, shape)?);
        }
        let keys = || writes.iter().filter_map(|write| write.key.as_ref());
        if keys().collect::<BTreeSet<_>>().len() < keys().count() {
            return Err(Failure::validation(
                "Transaction request cannot include multiple operations on one item",
            ));
        }
        let digest = if token.is_some() { digest(request.get("TransactItems")) } else { 0 };
        Ok(Self { token, digest, writes })
    }
}

/// The actions of a transaction, at least one.
fn actions<'r>(request: &Request<'r>) -> Result<&'r [Value], Failure> {
    let actions = request.list("TransactItems")?;
    if actions.is_empty() || actions.len() > MAX_ACTIONS {
        let message =
            "Value at 'transactItems' failed to satisfy constraint: Member must have length of 1 to 100";
        return Err(Failure::validation(message));
    }
    Ok(actions)
}

fn single_action(action: &Value) -> Result<(&str, &Value), Failure> {
    let mut members = action.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
    match (members.next(), members.next()) {
        (Some((name, action)), None) => Ok((name, action)),
        _ => Err(Failure::validation("TransactItems can only contain one of Check, Put, Update or Delete")),
    }
}

/// A digest that depends on the members of maps, and not on their order.
fn digest(value: Option<&Value>) -> u64 {
    // The hasher's keys are fixed, so a digest is the same in each run.
    let mut hasher = DefaultHasher::new();
    match value {
        None | Some(Value::Null) => 0_u8.hash(&mut hasher),
        Some(Value::Bool(flag)) => (1_u8, flag).hash(&mut hasher),
        Some(Value::Number(number)) => (2_u8, number.to_string()).hash(&mut hasher),
        Some(Value::String(text)) => (3_u8, text).hash(&mut hasher),
        Some(Value::Array(members)) => {
            (4_u8, members.len()).hash(&mut hasher);
            members.iter().for_each(|member| digest(Some(member)).hash(&mut hasher));
        }
        Some(Value::Object(members)) => {
            let sum = members.iter().fold(0_u64, |sum, (name, value)| {
                let mut member = DefaultHasher::new();
                (name, digest(Some(value))).hash(&mut member);
                sum.wrapping_add(member.finish())
            });
            (5_u8, members.len(), sum).hash(&mut hasher);
        }
    }
    hasher.finish()
}

/// Makes a `TransactGetItems`.
///
/// Source: API Reference, "TransactGetItems".
pub(crate) fn read(request: &Value, shape: &TableShape, storage: &Storage) -> Result<Value, Failure> {
    let request = Request::new("TransactGetItems", request, &["TransactItems", "ReturnConsumedCapacity"])?;
    let mut keys = BTreeSet::new();
    let mut responses = Vec::new();
    let mut bytes = 0;
    for action in actions(&request)? {
        let (name, get) = single_action(action)?;
        if name != "Get" {
            return Err(Failure::unmodelled(format_args!("the action {name}")));
        }
        let get = Request::new(
            name,
            get,
            &["TableName", "Key", "ProjectionExpression", "ExpressionAttributeNames"],
        )?;
        get.check_table(&shape.name)?;
        let key = shape.request_key(get.map("Key")?)??;
        let projected = projected(&get, storage.get(&key).map(|item| &**item))?;
        bytes += storage.get(&key).map_or(0, |item| item_bytes(item));
        if !keys.insert(key) {
            return Err(Failure::validation(
                "Transaction request cannot include multiple operations on one item",
            ));
        }
        let mut response = Map::new();
        if let Some(item) = projected {
            response.insert("Item".to_owned(), Value::Object(item));
        }
        responses.push(Value::Object(response));
    }
    if bytes > MAX_BYTES {
        return Err(Failure::validation("Collection size of items in the transaction exceeded 4 MB"));
    }
    Ok(json!({ "Responses": responses }))
}

/// The part of an item that a read asks for.
pub(crate) fn projected(request: &Request, item: Option<&Item>) -> Result<Option<Item>, Failure> {
    let context = request.context()?;
    let Some(expression) = request.text("ProjectionExpression")? else {
        context.check_use(&[])?;
        return Ok(item.cloned());
    };
    let parsed = projection::parse(expression)?;
    context.check_use(&[&parsed.placeholders])?;
    let paths = projection::resolve("ProjectionExpression", &parsed.syntax, &context)?;
    Ok(item.map(|item| project(item, &paths)))
}
