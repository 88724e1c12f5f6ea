//! Transactions.

use clorp_dynamo_model::{Database, Failure};
use serde_json::{Value, json};

use crate::{all, exception, item, with};

fn key(pk: &str) -> Value {
    json!({ "pk": { "S": pk }, "sk": { "S": "B" } })
}

fn check(pk: &str, condition: &str) -> Value {
    json!({ "ConditionCheck": {
        "TableName": "t",
        "Key": key(pk),
        "ConditionExpression": condition,
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    } })
}

fn put(pk: &str) -> Value {
    json!({ "Put": { "TableName": "t", "Item": key(pk) } })
}

fn add(pk: &str, amount: i64) -> Value {
    json!({ "Update": {
        "TableName": "t",
        "Key": key(pk),
        "UpdateExpression": "ADD n :n",
        "ExpressionAttributeValues": { ":n": { "N": amount.to_string() } },
    } })
}

fn transact(
    database: &mut Database,
    actions: &[Value],
    token: Option<&str>,
    at: i64,
) -> Result<Value, Failure> {
    database.call("TransactWriteItems", &json!({ "TransactItems": actions, "ClientRequestToken": token }), at)
}

#[test]
fn all_actions_are_made_or_none() {
    let mut database = with(&[item(&json!({ "s": { "S": "x" } }))]);
    let before = all(&database);
    let actions = [
        put("C"),
        check("A", "attribute_exists(lost)"),
        check("D", "attribute_exists(pk)"),
        json!({ "Update": {
            "TableName": "t",
            "Key": key("E"),
            "UpdateExpression": "SET x = y",
        } }),
        check("F", "attribute_not_exists(pk)"),
    ];
    let refused = transact(&mut database, &actions, None, 0).unwrap_err();
    assert_eq!(refused.exception(), "TransactionCanceledException");
    let reasons = refused.body["CancellationReasons"].as_array().unwrap();
    let codes: Vec<&str> = reasons.iter().map(|reason| reason["Code"].as_str().unwrap()).collect();
    assert_eq!(
        codes,
        ["None", "ConditionalCheckFailed", "ConditionalCheckFailed", "ValidationError", "None"]
    );
    assert_eq!(reasons[1]["Item"], before[0]);
    assert_eq!(reasons[2].get("Item"), None);
    assert_eq!(all(&database), before);

    transact(&mut database, &[put("C"), add("D", 1), check("A", "attribute_exists(s)")], None, 0).unwrap();
    assert_eq!(all(&database).len(), 3);
}

#[test]
fn a_repeated_token_has_no_second_effect_within_ten_minutes() {
    let mut database = with(&[]);
    for (at, sum) in [(0, "1"), (1, "1"), (599_999, "1"), (600_000, "2"), (600_001, "2")] {
        transact(&mut database, &[add("A", 1)], Some("token"), at).unwrap();
        assert_eq!(all(&database)[0]["n"]["N"], sum, "at {at}");
    }
    let other = transact(&mut database, &[add("A", 2)], Some("token"), 600_002).unwrap_err();
    assert_eq!(other.exception(), "IdempotentParameterMismatchException");
    assert_eq!(all(&database)[0]["n"]["N"], "2");
}

#[test]
fn the_token_of_a_cancelled_transaction_may_be_used_again() {
    let mut database = with(&[]);
    let actions = [add("A", 1), check("C", "attribute_exists(pk)")];
    transact(&mut database, &actions, Some("token"), 0).unwrap_err();
    database.put_raw(key("C").as_object().unwrap().clone());
    transact(&mut database, &actions, Some("token"), 0).unwrap();
    assert_eq!(all(&database).len(), 2);
}

#[test]
fn a_malformed_transaction_is_refused_as_a_whole() {
    let many: Vec<Value> = (0..101).map(|n| put(&format!("{n}"))).collect();
    for actions in [
        vec![],
        vec![put("A"), put("A")],
        vec![put("A"), add("A", 1)],
        vec![json!({})],
        vec![
            json!({ "Put": { "TableName": "t", "Item": key("A") }, "Delete": { "TableName": "t", "Key": key("A") } }),
        ],
        vec![put("A"), json!({ "ConditionCheck": { "TableName": "t", "Key": key("C") } })],
        vec![put("A"), json!({ "Update": { "TableName": "t", "Key": key("C") } })],
        vec![put("A"), check("C", "attribute_exists(")],
        vec![put(""), put("A")],
        many,
    ] {
        let mut database = with(&[]);
        let refused = transact(&mut database, &actions, None, 0).unwrap_err();
        assert_eq!(exception(&refused), "ValidationException", "{actions:?}");
        assert!(all(&database).is_empty());
    }
    let hundred: Vec<Value> = (0..100).map(|n| put(&format!("{n}"))).collect();
    let mut database = with(&[]);
    transact(&mut database, &hundred, None, 0).unwrap();
    assert_eq!(all(&database).len(), 100);
}

#[test]
fn a_transaction_reads_items_in_the_order_of_its_gets() {
    let mut database = with(&[key("A"), item(&json!({ "n": { "N": "1" } }))]);
    let get = |pk: &str| json!({ "Get": { "TableName": "t", "Key": key(pk) } });
    let answer =
        database.call("TransactGetItems", &json!({ "TransactItems": [get("C"), get("A")] }), 0).unwrap();
    assert_eq!(answer, json!({ "Responses": [{}, { "Item": item(&json!({ "n": { "N": "1" } })) }] }));
}
