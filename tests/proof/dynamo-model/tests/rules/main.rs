//! The rules of the model, in tables.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod conditions;
mod reads;
mod transactions;
mod updates;

use std::sync::LazyLock;

use clorp_dynamo_model::{Database, Failure, TableShape};
use clorp_sam::Template;
use serde_json::{Value, json};

/// The template's table, which takes a while to read.
static SHAPE: LazyLock<TableShape> = LazyLock::new(|| {
    let spec = Template::from_repo().unwrap().table().unwrap();
    TableShape::from_spec("t", &spec).unwrap()
});

/// An empty database with the template's table.
fn database() -> Database {
    Database::new(SHAPE.clone())
}

/// The exception of a refusal. A name that happens to be reserved would hide the fault that a test is about.
fn exception(refused: &Failure) -> String {
    assert!(!refused.message().contains("reserved keyword"), "{}", refused.message());
    refused.exception().to_owned()
}

/// A database with these items.
fn with(items: &[Value]) -> Database {
    let mut database = database();
    for item in items {
        database.put_raw(item.as_object().unwrap().clone());
    }
    database
}

/// The key of the item `A`, `B`.
fn key() -> Value {
    json!({ "pk": { "S": "A" }, "sk": { "S": "B" } })
}

/// The item `A`, `B` with further attributes.
fn item(attributes: &Value) -> Value {
    merged(&[key(), attributes.clone()])
}

fn merged(parts: &[Value]) -> Value {
    let members = parts.iter().flat_map(|part| part.as_object().unwrap().clone());
    Value::Object(members.collect())
}

/// Calls with `TableName` added.
fn call(database: &mut Database, operation: &str, request: Value) -> Result<Value, Failure> {
    database.call(operation, &merged(&[json!({ "TableName": "t" }), request]), 0)
}

/// The whole table.
fn all(database: &Database) -> Vec<Value> {
    database.scan_all().cloned().map(Value::Object).collect()
}

#[test]
fn an_unknown_member_operation_or_table_is_refused_and_named() {
    let mut database = database();
    let refused = call(&mut database, "GetItem", json!({ "Key": key(), "AttributesToGet": [] })).unwrap_err();
    assert_eq!(refused.exception(), "NotModelled");
    assert!(refused.message().contains("AttributesToGet"), "{}", refused.message());
    let refused = call(&mut database, "CreateBackup", json!({})).unwrap_err();
    assert!(refused.message().contains("CreateBackup"), "{}", refused.message());
    let refused = database.call("GetItem", &json!({ "TableName": "u", "Key": key() }), 0).unwrap_err();
    assert_eq!(refused.exception(), "ResourceNotFoundException");
}

#[test]
fn a_clone_shares_nothing_that_is_written_later() {
    let mut original = with(&[item(&json!({}))]);
    let mut clone = original.clone();
    call(&mut clone, "DeleteItem", json!({ "Key": key() })).unwrap();
    assert_eq!((all(&original).len(), all(&clone).len()), (1, 0));
    call(&mut original, "PutItem", json!({ "Item": { "pk": { "S": "C" }, "sk": { "S": "D" } } })).unwrap();
    assert_eq!((all(&original).len(), all(&clone).len()), (2, 0));
}
