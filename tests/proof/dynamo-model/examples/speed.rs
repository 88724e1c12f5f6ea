//! Prints the time that the model takes for common calls: `cargo run --release --example speed`.

#![allow(clippy::expect_used, clippy::print_stdout, reason = "a measurement ends by panicking, and prints")]

use std::time::Instant;

use clorp_dynamo_model::{Database, TableShape};
use clorp_sam::Template;
use serde_json::{Value, json};

const ROUNDS: u32 = 100_000;

fn measure(name: &str, database: &mut Database, operation: &str, request: &Value) {
    let start = Instant::now();
    for _ in 0..ROUNDS {
        let _ = database.call(operation, request, 0);
    }
    println!("{name}: {:.2} µs", start.elapsed().as_secs_f64() * 1e6 / f64::from(ROUNDS));
}

fn main() {
    let spec = Template::from_repo().and_then(|template| template.table()).expect("the template");
    let mut database = Database::new(TableShape::from_spec("t", &spec).expect("a shape"));
    for n in 0..500 {
        let mut item = json!({
            "pk": { "S": format!("DROP#{n}") },
            "sk": { "S": "DROP" },
            "board": { "S": format!("open#{}", n % 8) },
            "newest": { "S": format!("t{n:04}") },
            "claims": { "M": { "ada": { "M": { "at": { "N": "1" } } } } },
        });
        for attribute in 0..20 {
            item[format!("attribute_{attribute}")] = json!({ "S": "some text" });
        }
        database.put_raw(item.as_object().expect("an item").clone());
    }
    let key = json!({ "pk": { "S": "DROP#7" }, "sk": { "S": "DROP" } });
    let get = json!({ "TableName": "t", "Key": key, "ConsistentRead": true });
    let update = json!({
        "TableName": "t",
        "Key": key,
        "UpdateExpression": "SET #n0 = :v0, #n1.ada.at = :v1 ADD n :v2",
        "ConditionExpression": "attribute_exists(pk) AND (attribute_not_exists(x) OR x = :v0) AND #n1.ada.at = :v1",
        "ExpressionAttributeNames": { "#n0": "status", "#n1": "claims" },
        "ExpressionAttributeValues": { ":v0": { "S": "open" }, ":v1": { "N": "1" }, ":v2": { "N": "1" } },
    });
    let query = json!({
        "TableName": "t",
        "IndexName": "board_newest",
        "KeyConditionExpression": "board = :b",
        "ExpressionAttributeValues": { ":b": { "S": "open#3" } },
        "Limit": 20,
    });
    measure("GetItem", &mut database, "GetItem", &get);
    measure("conditional UpdateItem", &mut database, "UpdateItem", &update);
    measure("Query of 20 index entries", &mut database, "Query", &query);
    let start = Instant::now();
    for _ in 0..1000 {
        let mut clone = database.clone();
        let _ = clone.call("UpdateItem", &update, 0);
    }
    println!("clone of 500 items and a write: {:.2} µs", start.elapsed().as_secs_f64() * 1e3);
}
