//! Conditions.

use serde_json::{Map, Value, json};

use crate::{all, call, exception, item, key, with};

/// The attributes of the item that conditions are asked of.
fn attributes() -> Value {
    json!({
        "n": { "N": "5" },
        "m": { "N": "7.0" },
        "s": { "S": "grüße" },
        "b": { "B": "AQL/" },
        "flag": { "BOOL": true },
        "nothing": { "NULL": true },
        "words": { "SS": ["a", "b"] },
        "numbers": { "NS": ["1", "2"] },
        "line": { "L": [{ "S": "a" }, { "N": "1" }, { "M": { "deep": { "S": "x" } } }] },
        "tree": { "M": { "leaf": { "M": { "n": { "N": "3" } } }, "tally": { "N": "2" } } },
        "status": { "S": "open" },
    })
}

/// The values for the placeholders that a condition uses.
fn values(condition: &str) -> Map<String, Value> {
    let all = json!({
        ":zero": { "N": "0" }, ":two": { "N": "2" }, ":five": { "N": "5.00" }, ":nine": { "N": "9" },
        ":a": { "S": "a" }, ":gr": { "S": "gr" }, ":open": { "S": "open" }, ":number": { "S": "N" },
        ":true": { "BOOL": true }, ":null": { "NULL": true }, ":byte": { "B": "AQ==" }, ":high": { "B": "/w==" },
        ":words": { "SS": ["b", "a"] }, ":x": { "S": "x" }, ":empty": { "S": "" }, ":odd": { "S": "Q" },
    });
    let mut all = all.as_object().unwrap().clone();
    let used: Vec<&str> = condition.split(|c: char| !(c.is_alphanumeric() || c == ':')).collect();
    all.retain(|name, _| used.contains(&name.as_str()));
    all
}

fn check(condition: &str, exists: bool) -> Result<bool, String> {
    let items = if exists { vec![item(&attributes())] } else { Vec::new() };
    let mut database = with(&items);
    let mut request = json!({ "Key": key(), "ConditionExpression": condition });
    if condition.contains("#s") {
        request["ExpressionAttributeNames"] = json!({ "#s": "status" });
    }
    let values = values(condition);
    if !values.is_empty() {
        request["ExpressionAttributeValues"] = json!(values);
    }
    let before = all(&database);
    match call(&mut database, "DeleteItem", request) {
        Ok(_) => Ok(true),
        Err(failure) => {
            assert_eq!(all(&database), before, "{condition}");
            match exception(&failure).as_str() {
                "ConditionalCheckFailedException" => Ok(false),
                other => Err(other.to_owned()),
            }
        }
    }
}

#[test]
fn a_condition_holds_as_the_guide_says() {
    for (condition, holds) in [
        ("n = :five", true),
        ("n <> :five", false),
        ("n < m", true),
        ("m <= n", false),
        ("n >= :five AND n > :two", true),
        ("n = :a", false),
        ("n <> :a", true),
        ("n < :a", false),
        ("s > :a", true),
        ("b < :high", true),
        ("flag = :true", true),
        ("nothing = :null", true),
        ("words = :words", true),
        ("lost = :a", false),
        ("lost <> :a", true),
        ("lost < :a", false),
        ("NOT lost < :a", true),
        ("lost = another", false),
        ("lost <> another", true),
        ("n BETWEEN :two AND :nine", true),
        ("n BETWEEN :two AND :two", false),
        (":five BETWEEN n AND m", true),
        ("n IN (:two, :a, :five)", true),
        ("n IN (:two, :a)", false),
        ("lost IN (:two)", false),
        ("attribute_exists(tree.leaf.n)", true),
        ("attribute_exists(tree.leaf.x)", false),
        ("attribute_exists(n.leaf)", false),
        ("attribute_exists(line[2].deep)", true),
        ("attribute_not_exists(line[3])", true),
        ("attribute_type(n, :number)", true),
        ("attribute_type(s, :number)", false),
        ("attribute_type(lost, :number)", false),
        ("begins_with(s, :gr)", true),
        ("begins_with(s, :a)", false),
        ("begins_with(b, :byte)", true),
        ("begins_with(n, :a)", false),
        ("begins_with(lost, :empty)", false),
        ("contains(s, :gr)", true),
        ("contains(words, :a)", true),
        ("contains(words, :gr)", false),
        ("contains(numbers, :two)", true),
        ("contains(numbers, :a)", false),
        ("contains(line, :a)", true),
        ("contains(line, :x)", false),
        ("contains(b, :high)", true),
        ("contains(n, :two)", false),
        ("size(s) = :five", true),
        ("size(words) = :two", true),
        ("size(tree) = :two", true),
        ("size(line) > :two", true),
        ("size(n) = :two", false),
        ("size(lost) < :two", false),
        ("line[1] < :two", true),
        ("tree.tally = :two", true),
        ("#s = :open", true),
        ("n = :two OR n = :five AND flag = :true", true),
        ("(n = :two OR n = :five) AND n = :two", false),
        ("NOT n = :two AND NOT (n = :nine OR n = :zero)", true),
        ("n = :five or not n = :five", true),
    ] {
        assert_eq!(check(condition, true), Ok(holds), "{condition}");
    }
}

#[test]
fn an_absent_item_has_no_attributes() {
    for (condition, holds) in [
        ("attribute_not_exists(pk)", true),
        ("attribute_exists(pk)", false),
        ("n <> :five", true),
        ("n = :five", false),
        ("NOT n = :five", true),
        ("size(s) <> :five", true),
    ] {
        assert_eq!(check(condition, false), Ok(holds), "{condition}");
    }
}

#[test]
fn a_malformed_condition_is_refused() {
    for condition in [
        "",
        "n",
        "n = ",
        "n = :undefined",
        "#undefined = :two",
        "n == :five",
        "n = :five AND",
        "((n = :five))",
        "n BETWEEN :nine AND :two",
        "n BETWEEN :two AND :a",
        "n < :true",
        "n < :null",
        "n = n",
        "attribute_exists(:a)",
        "attribute_type(n, :odd)",
        "attribute_type(n, :two)",
        "begins_with(s, :two)",
        "size(:two) = :two",
        "size(s)",
        "Size(s) = :two",
        "unknown(n, :two)",
        "if_not_exists(n, :two)",
        "n IN ()",
        "n[x] = :two",
        "n = :five)",
        "n & :five",
    ] {
        assert_eq!(check(condition, true), Err("ValidationException".to_owned()), "{condition}");
    }
}

#[test]
fn a_reserved_word_needs_a_placeholder() {
    for word in ["status", "Status", "map", "count"] {
        let request = json!({ "Key": key(), "ConditionExpression": format!("attribute_exists({word})") });
        let refused = call(&mut with(&[]), "DeleteItem", request).unwrap_err();
        assert!(refused.message().contains("reserved keyword"), "{word}: {}", refused.message());
    }
}

#[test]
fn an_unused_placeholder_is_refused() {
    for extra in [
        json!({ "ExpressionAttributeNames": { "#unused": "n" } }),
        json!({ "ExpressionAttributeValues": { ":unused": { "N": "1" } } }),
        json!({ "ExpressionAttributeValues": {} }),
        json!({ "ExpressionAttributeNames": { "n": "n" }, "ConditionExpression": "n = n" }),
    ] {
        let request = crate::merged(&[json!({ "Key": key() }), extra.clone()]);
        let refused = call(&mut with(&[]), "DeleteItem", request).unwrap_err();
        assert_eq!(refused.exception(), "ValidationException", "{extra}");
    }
}

#[test]
fn a_failed_condition_shows_the_item_where_it_is_wanted_and_exists() {
    for (exists, wanted, shown) in [(true, "ALL_OLD", true), (true, "NONE", false), (false, "ALL_OLD", false)]
    {
        let stored = item(&json!({ "n": { "N": "1" } }));
        let mut database = with(if exists { std::slice::from_ref(&stored) } else { &[] });
        let request = json!({
            "Key": key(),
            "ConditionExpression": "attribute_exists(x)",
            "ReturnValuesOnConditionCheckFailure": wanted,
        });
        let refused = call(&mut database, "UpdateItem", request).unwrap_err();
        assert_eq!(refused.body.get("Item"), shown.then_some(&stored), "{exists} {wanted}");
        assert_eq!(all(&database).len(), usize::from(exists));
    }
}
