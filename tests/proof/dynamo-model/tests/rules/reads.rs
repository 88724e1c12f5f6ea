//! Reads.

use clorp_dynamo_model::Database;
use serde_json::{Value, json};

use crate::{all, call, exception, key, merged, with};

/// Items `A` with sort keys `1` to `9`, of which those with an odd one are on a board.
fn items() -> Vec<Value> {
    let item = |n: u32| {
        let mut item =
            json!({ "pk": { "S": "A" }, "sk": { "S": n.to_string() }, "n": { "N": n.to_string() } });
        if n % 2 == 1 {
            let board = json!({
                "board": { "S": "open" },
                "newest": { "S": format!("t{}", 9 - n) },
                "price_cents": { "N": "5" },
            });
            item = merged(&[item, board]);
        }
        item
    };
    (1..=9).map(item).collect()
}

fn sort_keys(answer: &Value) -> String {
    answer["Items"].as_array().unwrap().iter().map(|item| item["sk"]["S"].as_str().unwrap()).collect()
}

/// The sort keys on all pages of a query.
fn pages(database: &mut Database, mut request: Value) -> Vec<String> {
    let mut pages = Vec::new();
    loop {
        let answer = call(database, "Query", request.clone()).unwrap();
        pages.push(sort_keys(&answer));
        match answer.get("LastEvaluatedKey") {
            Some(last) => request["ExclusiveStartKey"] = last.clone(),
            None => return pages,
        }
    }
}

fn by_key(condition: &str, values: &Value) -> Value {
    let values = merged(&[json!({ ":a": { "S": "A" } }), values.clone()]);
    json!({ "KeyConditionExpression": condition, "ExpressionAttributeValues": values })
}

#[test]
fn a_key_condition_names_a_range() {
    let (three, five) = (json!({ "S": "3" }), json!({ "S": "5" }));
    for (condition, values, found) in [
        ("pk = :a", json!({}), "123456789"),
        ("pk = :a AND sk = :x", json!({ ":x": three }), "3"),
        ("sk = :x AND pk = :a", json!({ ":x": three }), "3"),
        ("pk = :a AND sk < :x", json!({ ":x": three }), "12"),
        ("pk = :a AND sk <= :x", json!({ ":x": three }), "123"),
        ("pk = :a AND sk > :x", json!({ ":x": three }), "456789"),
        ("pk = :a AND sk >= :x", json!({ ":x": three }), "3456789"),
        ("pk = :a AND sk BETWEEN :x AND :y", json!({ ":x": three, ":y": five }), "345"),
        ("pk = :a AND begins_with(sk, :x)", json!({ ":x": three }), "3"),
        ("pk = :x", json!({ ":x": three, ":a": three }), ""),
    ] {
        let mut values = values;
        if condition == "pk = :x" {
            values.as_object_mut().unwrap().remove(":a");
        }
        let mut request = by_key(condition, &values);
        if condition == "pk = :x" {
            request["ExpressionAttributeValues"].as_object_mut().unwrap().remove(":a");
        }
        let mut database = with(&items());
        assert_eq!(sort_keys(&call(&mut database, "Query", request.clone()).unwrap()), found, "{condition}");
        request["ScanIndexForward"] = json!(false);
        let reversed: String = found.chars().rev().collect();
        assert_eq!(sort_keys(&call(&mut database, "Query", request).unwrap()), reversed, "{condition}");
    }
}

#[test]
fn a_malformed_key_condition_is_refused() {
    let (text, number) = (json!({ ":x": { "S": "3" } }), json!({ ":x": { "N": "3" } }));
    for (condition, values) in [
        ("pk <> :a", json!({})),
        ("pk > :a", json!({})),
        ("pk = :a OR sk = :x", text.clone()),
        ("pk = :a AND sk <> :x", text.clone()),
        ("pk = :a AND n = :x", number.clone()),
        ("pk = :a AND sk = :x", number),
        ("sk = :a", json!({})),
        ("pk = :a AND contains(sk, :x)", text),
        ("pk = :a", json!({ ":a": { "S": "" } })),
    ] {
        let refused = call(&mut with(&items()), "Query", by_key(condition, &values)).unwrap_err();
        assert_eq!(exception(&refused), "ValidationException", "{condition}");
    }
}

#[test]
fn a_limit_counts_items_before_the_filter() {
    let mut database = with(&items());
    let limited = |limit: u32| merged(&[by_key("pk = :a", &json!({})), json!({ "Limit": limit })]);
    assert_eq!(pages(&mut database, limited(4)), ["1234", "5678", "9"]);
    assert_eq!(pages(&mut database, limited(3)), ["123", "456", "789", ""]);
    let filtered = json!({
        "KeyConditionExpression": "pk = :a",
        "FilterExpression": "n > :four",
        "ExpressionAttributeValues": { ":a": { "S": "A" }, ":four": { "N": "4" } },
        "Limit": 4,
    });
    assert_eq!(pages(&mut database, filtered.clone()), ["", "5678", "9"]);
    let counted = merged(&[filtered, json!({ "Select": "COUNT", "Limit": 6 })]);
    let answer = call(&mut database, "Query", counted).unwrap();
    assert_eq!((&answer["Count"], &answer["ScannedCount"]), (&json!(2), &json!(6)));
    assert_eq!(answer.get("Items"), None);
    let by_key_filter = json!({
        "KeyConditionExpression": "pk = :a",
        "FilterExpression": "sk > :a",
        "ExpressionAttributeValues": { ":a": { "S": "A" } },
    });
    assert_eq!(call(&mut database, "Query", by_key_filter).unwrap_err().exception(), "ValidationException");
}

fn board() -> Value {
    json!({
        "IndexName": "board_newest",
        "KeyConditionExpression": "board = :open",
        "ExpressionAttributeValues": { ":open": { "S": "open" } },
    })
}

#[test]
fn an_index_has_the_items_with_its_keys_and_what_it_projects() {
    let mut database = with(&items());
    assert_eq!(pages(&mut database, merged(&[board(), json!({ "Limit": 2 })])), ["97", "53", "1"]);
    let answer = call(&mut database, "Query", merged(&[board(), json!({ "Limit": 1 })])).unwrap();
    let entry = json!({
        "pk": { "S": "A" },
        "sk": { "S": "9" },
        "board": { "S": "open" },
        "newest": { "S": "t0" },
        "price_cents": { "N": "5" },
    });
    assert_eq!(answer["Items"][0], entry);
    let mut last = entry;
    last.as_object_mut().unwrap().remove("price_cents");
    assert_eq!(answer["LastEvaluatedKey"], last);
    for extra in [
        json!({ "ConsistentRead": true }),
        json!({ "IndexName": "x" }),
        json!({ "ProjectionExpression": "n" }),
    ] {
        let refused = call(&mut database, "Query", merged(&[board(), extra])).unwrap_err();
        assert_eq!(exception(&refused), "ValidationException");
    }
}

#[test]
fn a_lagging_index_shows_the_version_before() {
    for (lagging, found) in [(false, "751"), (true, "97531")] {
        let mut database = with(&items());
        let update = json!({
            "Key": { "pk": { "S": "A" }, "sk": { "S": "3" } },
            "UpdateExpression": "REMOVE board",
        });
        call(&mut database, "UpdateItem", update).unwrap();
        call(&mut database, "DeleteItem", json!({ "Key": { "pk": { "S": "A" }, "sk": { "S": "9" } } }))
            .unwrap();
        let late = json!({ "Item": { "pk": { "S": "A" }, "sk": { "S": "x" }, "board": { "S": "open" }, "newest": { "S": "u" } } });
        call(&mut database, "PutItem", late).unwrap();
        database.set_index_lag(Box::new(move |_, _, age| lagging && age < 3));
        let expected = if lagging { found.to_owned() } else { format!("{found}x") };
        assert_eq!(sort_keys(&call(&mut database, "Query", board()).unwrap()), expected);
        database.clear_lag();
        assert_eq!(sort_keys(&call(&mut database, "Query", board()).unwrap()), "751x");
    }
}

#[test]
fn a_lagging_read_of_the_table_shows_the_version_before() {
    let mut database = with(&[]);
    call(&mut database, "PutItem", json!({ "Item": key() })).unwrap();
    database.set_read_lag(Box::new(|pk, sk, age| (pk, sk, age) == ("A", "B", 0)));
    for (consistent, seen) in [(true, true), (false, false)] {
        let get = json!({ "Key": key(), "ConsistentRead": consistent });
        assert_eq!(call(&mut database, "GetItem", get).unwrap().get("Item").is_some(), seen);
        let batch = json!({ "RequestItems": { "t": { "Keys": [key()], "ConsistentRead": consistent } } });
        let answer = database.call("BatchGetItem", &batch, 0).unwrap();
        assert_eq!(answer["Responses"]["t"].as_array().unwrap().len(), usize::from(seen));
    }
}

#[test]
fn a_batch_finds_what_exists_and_takes_no_key_twice() {
    let mut database = with(&items());
    let batch = |keys: &[Value]| json!({ "RequestItems": { "t": { "Keys": keys } } });
    let key = |sk: &str| json!({ "pk": { "S": "A" }, "sk": { "S": sk } });
    let answer = database.call("BatchGetItem", &batch(&[key("1"), key("none")]), 0).unwrap();
    assert_eq!(answer["Responses"]["t"], json!([all(&database)[0]]));
    assert_eq!(answer["UnprocessedKeys"], json!({}));
    let many: Vec<Value> = (0..101).map(|n| key(&n.to_string())).collect();
    for keys in [vec![key("1"), key("1")], vec![], many] {
        let refused = database.call("BatchGetItem", &batch(&keys), 0).unwrap_err();
        assert_eq!(exception(&refused), "ValidationException");
    }
}

#[test]
fn a_projection_cuts_items_to_its_paths() {
    let item = crate::item(&json!({
        "n": { "N": "1" },
        "line": { "L": [{ "S": "a" }, { "S": "b" }, { "S": "c" }] },
        "tree": { "M": { "x": { "N": "1" }, "y": { "N": "2" } } },
    }));
    for (projection, expected) in [
        ("n", json!({ "n": { "N": "1" } })),
        ("n, lost", json!({ "n": { "N": "1" } })),
        ("line[2], line[0]", json!({ "line": { "L": [{ "S": "a" }, { "S": "c" }] } })),
        ("tree.y, tree.z", json!({ "tree": { "M": { "y": { "N": "2" } } } })),
        ("tree.z, line[7]", json!({})),
    ] {
        let get = json!({ "Key": key(), "ProjectionExpression": projection });
        let answer = call(&mut with(std::slice::from_ref(&item)), "GetItem", get).unwrap();
        assert_eq!(answer["Item"], expected, "{projection}");
    }
    for projection in ["n, n", "tree, tree.x", "tree.x, tree[0]", ""] {
        let get = json!({ "Key": key(), "ProjectionExpression": projection });
        let refused = call(&mut with(&[]), "GetItem", get).unwrap_err();
        assert_eq!(exception(&refused), "ValidationException", "{projection}");
    }
}

#[test]
fn a_scan_reads_the_table_in_pages() {
    let mut database = with(&items());
    let first = call(&mut database, "Scan", json!({ "Limit": 5 })).unwrap();
    let rest = json!({ "ExclusiveStartKey": first["LastEvaluatedKey"] });
    let rest = call(&mut database, "Scan", rest).unwrap();
    assert_eq!((sort_keys(&first).as_str(), sort_keys(&rest).as_str()), ("12345", "6789"));
    assert_eq!(rest.get("LastEvaluatedKey"), None);
}

#[test]
fn a_page_ends_at_a_megabyte() {
    let text = "x".repeat(300_000);
    let large = |n: u32| json!({ "pk": { "S": "A" }, "sk": { "S": n.to_string() }, "x": { "S": text } });
    let items: Vec<Value> = (1..=6).map(large).collect();
    assert_eq!(pages(&mut with(&items), by_key("pk = :a", &json!({}))), ["1234", "56"]);
}
