//! Updates, puts and deletions.

use serde_json::{Map, Value, json};

use crate::{all, call, exception, item, key, with};

fn attributes() -> Value {
    json!({
        "n": { "N": "5" },
        "s": { "S": "text" },
        "words": { "SS": ["a", "b"] },
        "numbers": { "NS": ["1"] },
        "line": { "L": [{ "S": "a" }, { "S": "b" }, { "S": "c" }] },
        "tree": { "M": { "leaf": { "M": { "n": { "N": "3" } } } } },
    })
}

fn values(expression: &str) -> Map<String, Value> {
    let all = json!({
        ":one": { "N": "1" }, ":two": { "N": "2" }, ":x": { "S": "x" }, ":y": { "S": "y" }, ":huge": { "N": "9.9E125" },
        ":list": { "L": [{ "S": "z" }] }, ":a": { "SS": ["a"] }, ":ab": { "SS": ["a", "b"] }, ":c": { "SS": ["c", "a"] },
        ":ones": { "NS": ["1.0", "3"] }, ":map": { "M": {} }, ":nan": { "N": "NaN" }, ":none": { "SS": [] },
    });
    let mut all = all.as_object().unwrap().clone();
    let used: Vec<&str> = expression.split(|c: char| !(c.is_alphanumeric() || c == ':')).collect();
    all.retain(|name, _| used.contains(&name.as_str()));
    all
}

fn update(stored: &[Value], expression: &str) -> Result<Value, String> {
    let mut database = with(stored);
    let mut request = json!({ "Key": key(), "UpdateExpression": expression, "ReturnValues": "ALL_NEW" });
    let values = values(expression);
    if !values.is_empty() {
        request["ExpressionAttributeValues"] = json!(values);
    }
    match call(&mut database, "UpdateItem", request) {
        Ok(answer) => {
            assert_eq!(all(&database), [answer["Attributes"].clone()], "{expression}");
            Ok(answer["Attributes"].clone())
        }
        Err(failure) => {
            assert_eq!(all(&database), stored, "{expression}");
            Err(exception(&failure))
        }
    }
}

#[test]
fn an_update_changes_the_paths_it_names() {
    for (expression, attribute, expected) in [
        ("SET n = :one", "n", json!({ "N": "1" })),
        ("SET n = n + :one", "n", json!({ "N": "6" })),
        ("SET n = :one - n", "n", json!({ "N": "-4" })),
        ("SET x = n", "x", json!({ "N": "5" })),
        ("SET x = if_not_exists(x, :one)", "x", json!({ "N": "1" })),
        ("SET n = if_not_exists(n, :one) + :one", "n", json!({ "N": "6" })),
        ("SET x = n, n = :one", "x", json!({ "N": "5" })),
        ("SET x = :map", "x", json!({ "M": {} })),
        (
            "SET tree.leaf.x = :x",
            "tree",
            json!({ "M": { "leaf": { "M": { "n": { "N": "3" }, "x": { "S": "x" } } } } }),
        ),
        ("SET line[1] = :x", "line", json!({ "L": [{ "S": "a" }, { "S": "x" }, { "S": "c" }] })),
        (
            "SET line[9] = :y, line[7] = :x",
            "line",
            json!({ "L": [{ "S": "a" }, { "S": "b" }, { "S": "c" }, { "S": "x" }, { "S": "y" }] }),
        ),
        (
            "SET line = list_append(:list, line)",
            "line",
            json!({ "L": [{ "S": "z" }, { "S": "a" }, { "S": "b" }, { "S": "c" }] }),
        ),
        (
            "SET x = list_append(if_not_exists(x, :list), :list)",
            "x",
            json!({ "L": [{ "S": "z" }, { "S": "z" }] }),
        ),
        ("REMOVE line[0], line[2]", "line", json!({ "L": [{ "S": "b" }] })),
        ("REMOVE line[0] SET line[1] = :x", "line", json!({ "L": [{ "S": "x" }, { "S": "c" }] })),
        ("REMOVE line[9]", "line", json!({ "L": [{ "S": "a" }, { "S": "b" }, { "S": "c" }] })),
        ("REMOVE n, lost", "n", Value::Null),
        ("REMOVE tree.leaf.n", "tree", json!({ "M": { "leaf": { "M": {} } } })),
        ("ADD n :two", "n", json!({ "N": "7" })),
        ("ADD x :two", "x", json!({ "N": "2" })),
        ("ADD words :c", "words", json!({ "SS": ["a", "b", "c"] })),
        ("ADD numbers :ones", "numbers", json!({ "NS": ["1", "3"] })),
        ("ADD x :c", "x", json!({ "SS": ["a", "c"] })),
        ("DELETE words :a", "words", json!({ "SS": ["b"] })),
        ("DELETE words :ab", "words", Value::Null),
        ("DELETE words :c", "words", json!({ "SS": ["b"] })),
        ("DELETE x :a", "x", Value::Null),
        ("set n = :one remove s add x :two delete words :a", "x", json!({ "N": "2" })),
    ] {
        let after =
            update(&[item(&attributes())], expression).unwrap_or_else(|e| panic!("{expression}: {e}"));
        assert_eq!(after[attribute], expected, "{expression}");
    }
}

#[test]
fn an_update_that_does_not_fit_is_refused_and_changes_nothing() {
    for expression in [
        "",
        "SET",
        "SET n",
        "SET n = :undefined",
        "SET n = :one, n = :two",
        "SET tree = :x, tree.leaf = :y",
        "SET line[0] = :x, line.a = :y",
        "SET n = :one SET x = :two",
        "SET pk = :x",
        "SET sk = :x",
        "REMOVE pk",
        "SET n = :one REMOVE n",
        "SET x = lost",
        "SET x = lost + :one",
        "SET x = s + :one",
        "SET x = n + :x",
        "SET x = n + :huge + :one",
        "SET x = list_append(line, :one)",
        "SET x = list_append(n, :list)",
        "SET lost.x = :x",
        "SET s.x = :x",
        "SET line.x = :x",
        "SET tree[0] = :x",
        "SET n[0] = :x",
        "REMOVE lost.x",
        "ADD s :one",
        "ADD words :one",
        "ADD n :a",
        "ADD x :x",
        "ADD words :ones",
        "ADD n :huge",
        "DELETE words :x",
        "DELETE words :ones",
        "DELETE n :a",
        "SET x = :nan",
        "SET x = :none",
        "SET sender_id = :one",
        "PUT n = :one",
    ] {
        let refused = update(&[item(&attributes())], expression);
        assert_eq!(refused, Err("ValidationException".to_owned()), "{expression}");
    }
}

#[test]
fn adding_below_the_top_level_is_not_modelled() {
    assert_eq!(update(&[item(&attributes())], "ADD tree.n :one"), Err("NotModelled".to_owned()));
}

#[test]
fn an_update_creates_an_absent_item() {
    assert_eq!(update(&[], "SET n = :one"), Ok(item(&json!({ "n": { "N": "1" } }))));
    assert_eq!(update(&[], "ADD n :one"), Ok(item(&json!({ "n": { "N": "1" } }))));
    assert_eq!(update(&[], "SET x = n"), Err("ValidationException".to_owned()));
}

#[test]
fn the_answer_has_the_values_that_were_wanted() {
    let (old, new) = (json!({ "N": "5" }), json!({ "N": "6" }));
    for (wanted, expected) in [
        ("NONE", Value::Null),
        ("ALL_OLD", item(&json!({ "n": old, "m": { "N": "1" } }))),
        ("ALL_NEW", item(&json!({ "n": new, "m": { "N": "1" } }))),
        ("UPDATED_OLD", json!({ "n": old })),
        ("UPDATED_NEW", json!({ "n": new })),
    ] {
        let mut database = with(&[item(&json!({ "n": old, "m": { "N": "1" } }))]);
        let request = json!({
            "Key": key(),
            "UpdateExpression": "ADD n :one",
            "ExpressionAttributeValues": { ":one": { "N": "1" } },
            "ReturnValues": wanted,
        });
        assert_eq!(call(&mut database, "UpdateItem", request).unwrap()["Attributes"], expected, "{wanted}");
    }
}

#[test]
fn a_put_replaces_the_whole_item_and_a_deletion_may_repeat() {
    let mut database = with(&[item(&attributes())]);
    let put = json!({ "Item": item(&json!({ "x": { "N": "1.0" } })), "ReturnValues": "ALL_OLD" });
    assert_eq!(call(&mut database, "PutItem", put).unwrap()["Attributes"], item(&attributes()));
    assert_eq!(all(&database), [item(&json!({ "x": { "N": "1" } }))]);
    for _ in 0..2 {
        assert_eq!(call(&mut database, "DeleteItem", json!({ "Key": key() })).unwrap(), json!({}));
        assert!(all(&database).is_empty());
    }
}

#[test]
fn an_item_that_the_table_cannot_hold_is_refused() {
    let large = "x".repeat(400 * 1024);
    for item in [
        json!({ "pk": { "S": "A" } }),
        json!({ "pk": { "S": "" }, "sk": { "S": "B" } }),
        json!({ "pk": { "N": "1" }, "sk": { "S": "B" } }),
        item(&json!({ "x": { "SS": [] } })),
        item(&json!({ "x": { "S": large } })),
        item(&json!({ "board": { "N": "1" } })),
        item(&json!({ "by_wins": { "S": "1" } })),
        item(&json!({ "sender_id": { "S": "" } })),
        item(&json!({ "x": { "S": "a", "N": "1" } })),
    ] {
        let mut database = with(&[]);
        let refused = call(&mut database, "PutItem", json!({ "Item": item })).unwrap_err();
        assert_eq!(refused.exception(), "ValidationException");
        assert!(all(&database).is_empty());
    }
}

#[test]
fn a_key_must_be_the_tables() {
    for key in [
        json!({ "pk": { "S": "A" } }),
        json!({ "pk": { "S": "A" }, "sk": { "S": "B" }, "x": { "S": "C" } }),
        json!({ "pk": { "S": "A" }, "sk": { "N": "1" } }),
        json!({ "pk": { "S": "A" }, "sk": { "S": "" } }),
    ] {
        for operation in ["GetItem", "DeleteItem", "UpdateItem"] {
            let refused = call(&mut with(&[]), operation, json!({ "Key": key })).unwrap_err();
            assert_eq!(refused.exception(), "ValidationException", "{operation} {key}");
        }
    }
}
