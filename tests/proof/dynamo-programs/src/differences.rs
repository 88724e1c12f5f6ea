//! Known differences of the databases from the documentation.

use std::collections::BTreeMap;

use clorp_dynamo_model::Item;
use serde_json::{Value, json};

use crate::Call;
use crate::outcome::Outcome;
use crate::rig::Other;

/// A difference between a database and the documentation.
#[derive(Debug)]
pub struct Difference {
    /// A short claim, by which reports name it.
    pub name: &'static str,
    /// The database that differs.
    pub other: Other,
    /// The documentation's statement, and the page with it.
    pub reason: &'static str,
    /// A program that shows the difference, as a JSON list of operations and requests.
    pub example: &'static str,
    /// The part of a step that the difference accounts for.
    pub covers: Covers,
    /// Tells whether a step shows this difference.
    pub explains: fn(&Seen) -> bool,
}

/// The part of a step that a difference accounts for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Covers {
    /// The answers.
    Answers,
    /// The tables after the step.
    Tables,
    /// The answers, and the tables that follow from them.
    Both,
}

/// The names of the differences that explain a step; `None` if a part of it is unexplained.
pub fn explain(other: Other, seen: &Seen) -> Option<Vec<&'static str>> {
    let name = |parts: [Covers; 2]| {
        let suits = |difference: &&Difference| {
            difference.other == other && parts.contains(&difference.covers) && (difference.explains)(seen)
        };
        DIFFERENCES.iter().find(suits).map(|difference| difference.name)
    };
    let mut names = Vec::new();
    if seen.expected != seen.actual {
        names.push(name([Covers::Answers, Covers::Both])?);
    }
    if seen.wanted != seen.found {
        names.push(name([Covers::Tables, Covers::Both])?);
    }
    names.dedup();
    Some(names)
}

/// A step on the model and on another database.
#[derive(Debug)]
pub struct Seen<'a> {
    /// The call.
    pub call: &'a Call,
    /// The table before the call.
    pub before: &'a BTreeMap<String, Item>,
    /// The model's answers; several for a query in pages.
    pub expected: &'a [Outcome],
    /// The other database's answers.
    pub actual: &'a [Outcome],
    /// The model's table after the call.
    pub wanted: &'a BTreeMap<String, Item>,
    /// The other database's table after the call.
    pub found: &'a BTreeMap<String, Item>,
}

/// Every known difference. The first that explains a step names it, so the wider ones come last.
pub const DIFFERENCES: &[Difference] = &[
    Difference {
        name: "dynoxide: an update that creates an item shows the key as old",
        other: Other::Embedded,
        reason: "ALL_OLD gives the item as it was before the update, and there was none (API Reference, UpdateItem, \
                 ReturnValues)",
        example: r#"[["UpdateItem", {"Key": {"pk": {"S": "A"}, "sk": {"S": "1"}}, "UpdateExpression": "REMOVE n",
            "ReturnValues": "ALL_OLD"}]]"#,
        covers: Covers::Both,
        explains: |seen| {
            seen.tables_agree()
                && seen.call.request["ReturnValues"] == "ALL_OLD"
                && seen.call.operation == "UpdateItem"
                && seen.expected[0].body == json!({})
                && seen.actual[0].body == json!({ "Attributes": seen.call.request["Key"] })
        },
    },
    Difference {
        name: "dynoxide: values without an order may be compared",
        other: Other::Embedded,
        reason: "the operands of <, <=, >, >= and BETWEEN are texts, numbers or bytes (Developer Guide, Condition and \
                 filter expressions, operators, and functions in DynamoDB)",
        example: r#"[["DeleteItem", {"Key": {"pk": {"S": "A"}, "sk": {"S": "1"}}, "ConditionExpression": "n < :flag",
            "ExpressionAttributeValues": {":flag": {"BOOL": true}}}]]"#,
        covers: Covers::Both,
        explains: |seen| {
            seen.refused_by_model_only("Incorrect operand type for operator or function; operand type")
        },
    },
    Difference {
        name: "dynoxide: the bounds of BETWEEN are not checked everywhere",
        other: Other::Embedded,
        reason: "the bounds of BETWEEN have one type, and the upper is not below the lower (Developer Guide, Condition \
                 and filter expressions, operators, and functions in DynamoDB)",
        example: r#"[["TransactWriteItems", {"TransactItems": [{"Delete": {"TableName": "programs",
            "Key": {"pk": {"S": "A"}, "sk": {"S": "1"}}, "ConditionExpression": "n BETWEEN :b AND :a",
            "ExpressionAttributeValues": {":a": {"N": "1"}, ":b": {"N": "2"}}}}]}]]"#,
        covers: Covers::Both,
        explains: |seen| seen.refused_by_model_only("The BETWEEN operator requires"),
    },
    Difference {
        name: "dynoxide: ADD and DELETE reach below the top level",
        other: Other::Embedded,
        reason: "ADD and DELETE can only be used on top-level attributes (API Reference, UpdateItem, UpdateExpression)",
        example: NESTED_ADD,
        covers: Covers::Both,
        explains: |seen| seen.is_nested_add(),
    },
    Difference {
        name: "dynoxide: a path may be compared with itself",
        other: Other::Embedded,
        reason: "the service refuses it (\"The first operand must be distinct from the remaining operands\"), and the \
                 guide does not mention it",
        example: r#"[["DeleteItem", {"Key": {"pk": {"S": "A"}, "sk": {"S": "1"}}, "ConditionExpression": "n = n"}]]"#,
        covers: Covers::Both,
        explains: |seen| seen.refused_by_model_only("The first operand must be distinct"),
    },
    Difference {
        name: "dynoxide: a wrong operand of an update cancels a transaction",
        other: Other::Embedded,
        reason: "a malformed expression refuses the request, and is not in the list of reasons of a cancellation (API \
                 Reference, TransactWriteItems, Errors)",
        example: r#"[["TransactWriteItems", {"TransactItems": [{"Update": {"TableName": "programs",
            "Key": {"pk": {"S": "A"}, "sk": {"S": "1"}}, "UpdateExpression": "ADD n :s",
            "ExpressionAttributeValues": {":s": {"S": "x"}}}}]}]]"#,
        covers: Covers::Both,
        explains: |seen| {
            let wrong = "Invalid UpdateExpression: Incorrect operand type";
            seen.refused_by_model_only(wrong) && !seen.actual[0].codes().is_empty()
        },
    },
    Difference {
        name: "dynoxide: UPDATED values of an element are the whole list",
        other: Other::Embedded,
        reason: "UPDATED_OLD and UPDATED_NEW give only the updated attributes (API Reference, UpdateItem, ReturnValues)",
        example: r#"[["PutItem", {"Item": {"pk": {"S": "A"}, "sk": {"S": "1"}, "line": {"L": [{"S": "a"}, {"S": "b"}]}}}],
            ["UpdateItem", {"Key": {"pk": {"S": "A"}, "sk": {"S": "1"}}, "UpdateExpression": "SET line[0] = :s",
            "ExpressionAttributeValues": {":s": {"S": "x"}}, "ReturnValues": "UPDATED_NEW"}]]"#,
        covers: Covers::Both,
        explains: |seen| {
            let wanted = seen.call.request["ReturnValues"].as_str().unwrap_or_default();
            let update = seen.call.request["UpdateExpression"].as_str().unwrap_or_default();
            seen.tables_agree()
                && wanted.starts_with("UPDATED_")
                && update.contains('[')
                && seen.actual[0].is_success()
        },
    },
    Difference {
        name: "dynoxide: a put in a transaction may have unused names and values",
        other: Other::Embedded,
        reason: "each name and value that a request defines must be used (Developer Guide, Expression attribute names \
                 (aliases) in DynamoDB)",
        example: r##"[["TransactWriteItems", {"TransactItems": [{"Put": {"TableName": "programs",
            "Item": {"pk": {"S": "A"}, "sk": {"S": "1"}}, "ExpressionAttributeNames": {"#unused": "n"}}}]}]]"##,
        covers: Covers::Both,
        explains: |seen| seen.refused_by_model_only("unused in expressions"),
    },
    Difference {
        name: "dynoxide: a transaction may change an attribute of the key",
        other: Other::Embedded,
        reason: "attributes of the primary key cannot be updated (API Reference, UpdateItem)",
        example: r#"[["TransactWriteItems", {"TransactItems": [{"Update": {"TableName": "programs",
            "Key": {"pk": {"S": "A"}, "sk": {"S": "1"}}, "UpdateExpression": "SET pk = :s",
            "ExpressionAttributeValues": {":s": {"S": "C"}}}}]}]]"#,
        covers: Covers::Both,
        explains: |seen| {
            let reasons = seen.expected[0].body["reasons"].as_array().into_iter().flatten();
            let invalid = reasons.filter(|reason| reason["code"] == "ValidationError").count();
            let updates = seen.call.request.to_string().matches("\"SET pk = :key\"").count()
                + seen.call.request.to_string().matches("\"SET pk = :s\"").count();
            seen.call.operation == "TransactWriteItems" && updates > 0 && invalid >= 1
        },
    },
    Difference {
        name: "dynoxide: ADD in a transaction takes a list where there is nothing",
        other: Other::Embedded,
        reason: "ADD supports numbers and sets only (API Reference, UpdateItem, UpdateExpression)",
        example: r#"[["TransactWriteItems", {"TransactItems": [{"Update": {"TableName": "programs",
            "Key": {"pk": {"S": "A"}, "sk": {"S": "1"}}, "UpdateExpression": "ADD line :l",
            "ExpressionAttributeValues": {":l": {"L": [{"N": "1"}]}}}}]}]]"#,
        covers: Covers::Both,
        explains: |seen| {
            let wrong = "Incorrect operand type for operator or function; operator: ADD";
            seen.call.operation == "TransactWriteItems" && seen.refused_by_model_only(wrong)
        },
    },
    Difference {
        name: "dynoxide: an empty key of an index refuses a whole transaction",
        other: Other::Embedded,
        reason: "wrong values are the reason ValidationError of a cancellation (API Reference, TransactWriteItems, \
                 Errors)",
        example: r#"[["TransactWriteItems", {"TransactItems": [{"Put": {"TableName": "programs",
            "Item": {"pk": {"S": "A"}, "sk": {"S": "1"}, "pending": {"S": ""}}}}]}]]"#,
        covers: Covers::Answers,
        explains: |seen| {
            let codes = seen.expected[0].body["reasons"].to_string();
            seen.call.operation == "TransactWriteItems"
                && codes.contains("ValidationError")
                && seen.actual[0].exception() == "ValidationException"
                && seen.actual[0].message.contains("secondary index key")
        },
    },
    Difference {
        name: "dynoxide: a token's mismatch comes before a malformed request",
        other: Other::Embedded,
        reason: "both refuse the request, and the documentation gives no order (API Reference, TransactWriteItems)",
        example: r#"[["TransactWriteItems", {"ClientRequestToken": "t", "TransactItems": [
            {"Delete": {"TableName": "programs", "Key": {"pk": {"S": "A"}, "sk": {"S": "1"}}}}]}],
            ["TransactWriteItems", {"ClientRequestToken": "t", "TransactItems": [
            {"Delete": {"TableName": "programs", "Key": {"pk": {"S": "A"}, "sk": {"S": "1"}}}},
            {"Delete": {"TableName": "programs", "Key": {"pk": {"S": "A"}, "sk": {"S": "1"}}}}]}]]"#,
        covers: Covers::Both,
        explains: |seen| {
            seen.model_exception() == "ValidationException"
                && seen.actual[0].exception() == "IdempotentParameterMismatchException"
        },
    },
    Difference {
        name: "moto: ADD and DELETE reach below the top level",
        other: Other::Moto,
        reason: "ADD and DELETE can only be used on top-level attributes (API Reference, UpdateItem, UpdateExpression)",
        example: NESTED_ADD,
        covers: Covers::Both,
        explains: |seen| seen.is_nested_add(),
    },
    Difference {
        name: "moto: a refused update of an absent item leaves an empty item behind",
        other: Other::Moto,
        reason: "an update is made as a whole or not at all (API Reference, UpdateItem)",
        example: r#"[["UpdateItem", {"Key": {"pk": {"S": "A"}, "sk": {"S": "1"}}, "UpdateExpression": "ADD n :b",
            "ExpressionAttributeValues": {":b": {"B": "AQ=="}}}]]"#,
        covers: Covers::Tables,
        explains: |seen| {
            let is_empty = |(key, item): (&String, &Item)| item.len() == 2 && !seen.before.contains_key(key);
            let new: Vec<_> = seen.found.iter().filter(|(key, _)| !seen.wanted.contains_key(*key)).collect();
            let kept = seen.wanted.iter().all(|(key, item)| seen.found.get(key) == Some(item));
            kept && seen.call.operation == "UpdateItem"
                && !seen.expected[0].is_success()
                && new.into_iter().all(is_empty)
        },
    },
    Difference {
        name: "moto: UPDATED values include other attributes",
        other: Other::Moto,
        reason: "UPDATED_OLD and UPDATED_NEW give only the updated attributes (API Reference, UpdateItem, ReturnValues)",
        example: r#"[["UpdateItem", {"Key": {"pk": {"S": "A"}, "sk": {"S": "1"}}, "UpdateExpression": "SET n = :n",
            "ExpressionAttributeValues": {":n": {"N": "1"}}, "ReturnValues": "UPDATED_NEW"}]]"#,
        covers: Covers::Answers,
        explains: |seen| {
            let wanted = seen.call.request["ReturnValues"].as_str().unwrap_or_default();
            wanted.starts_with("UPDATED_") && seen.expected[0].is_success() && seen.actual[0].is_success()
        },
    },
    Difference {
        name: "moto: the size of a value without size is an error",
        other: Other::Moto,
        reason: "a condition with the size of an absent value, or of a number, does not hold (Developer Guide, Condition \
                 and filter expressions, operators, and functions in DynamoDB)",
        example: r#"[["DeleteItem", {"Key": {"pk": {"S": "A"}, "sk": {"S": "1"}}, "ConditionExpression": "size(n) > :n",
            "ExpressionAttributeValues": {":n": {"N": "1"}}}]]"#,
        covers: Covers::Both,
        explains: |seen| {
            let bad_filter = seen.actual[0].message.contains("Bad Filter Expression");
            (seen.fails_inside() || bad_filter) && seen.mentions("size(")
        },
    },
    Difference {
        name: "moto: a sum of if_not_exists, or of numbers that are no plain integers, is an error",
        other: Other::Moto,
        reason: "numbers are decimal, and if_not_exists gives its second operand for an absent attribute (Developer Guide, \
                 Using update expressions in DynamoDB)",
        example: r#"[["UpdateItem", {"Key": {"pk": {"S": "A"}, "sk": {"S": "1"}},
            "UpdateExpression": "SET n = if_not_exists(n, :n) + :n", "ExpressionAttributeValues": {":n": {"N": "1e1"}}}]]"#,
        covers: Covers::Both,
        explains: |seen| {
            seen.fails_inside() && (seen.mentions("ADD ") || seen.mentions(" + ") || seen.mentions(" - "))
        },
    },
    Difference {
        name: "moto: a refused update keeps the changes before the refused one",
        other: Other::Moto,
        reason: "an update is made as a whole or not at all (API Reference, UpdateItem)",
        example: r#"[["PutItem", {"Item": {"pk": {"S": "A"}, "sk": {"S": "1"}, "s": {"S": "x"}}}],
            ["UpdateItem", {"Key": {"pk": {"S": "A"}, "sk": {"S": "1"}}, "UpdateExpression": "ADD n :n, s :n",
            "ExpressionAttributeValues": {":n": {"N": "1"}}}]]"#,
        covers: Covers::Tables,
        explains: |seen| seen.call.operation == "UpdateItem" && !seen.actual[0].is_success(),
    },
    Difference {
        name: "moto: an empty condition counts as none",
        other: Other::Moto,
        reason: "an expression has at least one operand (API Reference, PutItem, ConditionExpression)",
        example: r#"[["PutItem", {"Item": {"pk": {"S": "A"}, "sk": {"S": "1"}}, "ConditionExpression": ""}]]"#,
        covers: Covers::Both,
        explains: |seen| seen.refused_by_model_only("The expression can not be empty"),
    },
    Difference {
        name: "moto: a filter may use the key",
        other: Other::Moto,
        reason: "a filter cannot contain attributes of the key (Developer Guide, Filter expressions for the Query operation \
                 in DynamoDB)",
        example: r#"[["Query", {"KeyConditionExpression": "pk = :a", "FilterExpression": "sk > :a",
            "ExpressionAttributeValues": {":a": {"S": "A"}}}]]"#,
        covers: Covers::Answers,
        explains: |seen| {
            seen.refused_by_model_only("Filter Expression can only contain non-primary key attributes")
        },
    },
    Difference {
        name: "moto: an action of a transaction may have unused values",
        other: Other::Moto,
        reason: "each name and value that a request defines must be used (Developer Guide, Expression attribute names \
                 (aliases) in DynamoDB)",
        example: r#"[["TransactWriteItems", {"TransactItems": [{"Put": {"TableName": "programs",
            "Item": {"pk": {"S": "A"}, "sk": {"S": "1"}}, "ExpressionAttributeValues": {":unused": {"N": "1"}}}}]}]]"#,
        covers: Covers::Both,
        explains: |seen| seen.refused_by_model_only("unused in expressions"),
    },
    Difference {
        name: "moto: list_append with an absent list is an error",
        other: Other::Moto,
        reason: "an operand that does not exist is a refusal (Developer Guide, Using update expressions in DynamoDB)",
        example: r#"[["UpdateItem", {"Key": {"pk": {"S": "A"}, "sk": {"S": "1"}},
            "UpdateExpression": "SET line = list_append(:l, line)", "ExpressionAttributeValues": {":l": {"L": []}}}]]"#,
        covers: Covers::Both,
        explains: |seen| seen.fails_inside() && seen.mentions("list_append("),
    },
    Difference {
        name: "moto: NOT before NOT is an error",
        other: Other::Moto,
        reason: "NOT takes any condition (Developer Guide, Condition and filter expressions, operators, and functions in \
                 DynamoDB)",
        example: r#"[["DeleteItem", {"Key": {"pk": {"S": "A"}, "sk": {"S": "1"}},
            "ConditionExpression": "NOT NOT attribute_exists(n)"}]]"#,
        covers: Covers::Both,
        explains: |seen| {
            let bad_filter = seen.actual[0].message.contains("Bad NOT expression");
            (seen.fails_inside() || bad_filter) && seen.mentions("NOT ")
        },
    },
    Difference {
        name: "moto: a malformed expression is an internal error",
        other: Other::Moto,
        reason: "it is refused with a ValidationException (Developer Guide, Using expression attribute values in DynamoDB)",
        example: r#"[["DeleteItem", {"Key": {"pk": {"S": "A"}, "sk": {"S": "1"}}, "ConditionExpression": "n = :undefined"}]]"#,
        covers: Covers::Both,
        explains: |seen| {
            let malformed = ["is not defined", "Syntax error", "redundant parentheses", "reserved keyword"];
            malformed.iter().any(|why| seen.refused_by_model_only(why))
        },
    },
    Difference {
        name: "moto: an update may lead through a value that is no map",
        other: Other::Moto,
        reason: "a path that does not fit the item refuses the update (Developer Guide, Using update expressions in \
                 DynamoDB)",
        example: r#"[["PutItem", {"Item": {"pk": {"S": "A"}, "sk": {"S": "1"}, "n": {"N": "1"}}}],
            ["UpdateItem", {"Key": {"pk": {"S": "A"}, "sk": {"S": "1"}}, "UpdateExpression": "SET n.a = :s",
            "ExpressionAttributeValues": {":s": {"S": "x"}}}]]"#,
        covers: Covers::Both,
        explains: |seen| seen.expected[0].message.contains("document path provided in the update expression"),
    },
    Difference {
        name: "moto: true equals one",
        other: Other::Moto,
        reason: "values of different types are not equal (Developer Guide, Condition and filter expressions, operators, \
                 and functions in DynamoDB)",
        example: r#"[["PutItem", {"Item": {"pk": {"S": "A"}, "sk": {"S": "1"}, "tree": {"BOOL": true}}}],
            ["DeleteItem", {"Key": {"pk": {"S": "A"}, "sk": {"S": "1"}}, "ConditionExpression": "tree IN (:one)",
            "ExpressionAttributeValues": {":one": {"N": "1"}}}]]"#,
        covers: Covers::Both,
        explains: |seen| {
            let texts = [format!("{:?}", seen.before), seen.call.request.to_string()];
            let numbers = ["{\"N\":\"1\"}", "{\"N\":\"0\"}"];
            seen.call.operation != "Query"
                && texts.iter().any(|text| text.contains("BOOL"))
                && numbers.iter().any(|number| texts[1].contains(number))
        },
    },
    Difference {
        name: "moto: a projection of an element does not count as a use of its name",
        other: Other::Moto,
        reason: "a path may lead to an element of a list (Developer Guide, Referring to item attributes when using \
                 expressions in DynamoDB)",
        example: r##"[["GetItem", {"Key": {"pk": {"S": "A"}, "sk": {"S": "1"}}, "ProjectionExpression": "#l[0]",
            "ExpressionAttributeNames": {"#l": "line"}}]]"##,
        covers: Covers::Answers,
        explains: |seen| {
            seen.actual[0].message.contains("unused in expressions") && seen.mentions("ProjectionExpression")
        },
    },
    Difference {
        name: "moto: an order of values of different types is an error",
        other: Other::Moto,
        reason: "such a comparison does not hold (Developer Guide, Condition and filter expressions, operators, and \
                 functions in DynamoDB)",
        example: r#"[["PutItem", {"Item": {"pk": {"S": "A"}, "sk": {"S": "1"}, "n": {"SS": ["a"]}}}],
            ["DeleteItem", {"Key": {"pk": {"S": "A"}, "sk": {"S": "1"}}, "ConditionExpression": "n < :n",
            "ExpressionAttributeValues": {":n": {"N": "1"}}}]]"#,
        covers: Covers::Both,
        explains: |seen| {
            let signs = [" < ", " <= ", " > ", " >= ", " BETWEEN "];
            seen.fails_inside() && signs.iter().any(|sign| seen.mentions(sign))
        },
    },
    Difference {
        name: "moto: an update may have an empty key",
        other: Other::Moto,
        reason: "a key is not empty (Developer Guide, Constraints in Amazon DynamoDB)",
        example: r#"[["UpdateItem", {"Key": {"pk": {"S": ""}, "sk": {"S": "1"}}, "UpdateExpression": "SET n = :n",
            "ExpressionAttributeValues": {":n": {"N": "1"}}}]]"#,
        covers: Covers::Both,
        explains: |seen| seen.refused_by_model_only("cannot contain an empty"),
    },
    Difference {
        name: "moto: begins_with takes a number",
        other: Other::Moto,
        reason: "begins_with is for texts and bytes (Developer Guide, Key condition expressions for the Query operation in \
                 DynamoDB)",
        example: r#"[["Query", {"IndexName": "directory_wins",
            "KeyConditionExpression": "directory = :d AND begins_with(by_wins, :n)",
            "ExpressionAttributeValues": {":d": {"S": "a"}, ":n": {"N": "1"}}}]]"#,
        covers: Covers::Answers,
        explains: |seen| seen.refused_by_model_only("begins_with"),
    },
    Difference {
        name: "moto: a set may have equal numbers",
        other: Other::Moto,
        reason: "the members of a set are unique, and 1 is 1.0 (Developer Guide, Supported data types and naming rules in \
                 Amazon DynamoDB)",
        example: r#"[["PutItem", {"Item": {"pk": {"S": "A"}, "sk": {"S": "1"}, "n": {"NS": ["1", "1.0"]}}}]]"#,
        covers: Covers::Both,
        explains: |seen| seen.refused_by_model_only("contains duplicates"),
    },
    Difference {
        name: "moto: a page that ends with the last item has no LastEvaluatedKey",
        other: Other::Moto,
        reason: "a query stops at its limit, and cannot know then that nothing follows (API Reference, Query, \
                 LastEvaluatedKey)",
        example: r#"[["PutItem", {"Item": {"pk": {"S": "A"}, "sk": {"S": "1"}}}],
            ["Query", {"KeyConditionExpression": "pk = :a", "ExpressionAttributeValues": {":a": {"S": "A"}}, "Limit": 1}]]"#,
        covers: Covers::Answers,
        explains: |seen| {
            let items = |pages: &[Outcome]| {
                let items = pages.iter().filter_map(|page| page.body["Items"].as_array()).flatten();
                items.cloned().collect::<Vec<_>>()
            };
            seen.call.operation == "Query"
                && seen.expected.len() == seen.actual.len() + 1
                && items(seen.expected) == items(seen.actual)
        },
    },
    Difference {
        name: "moto: a sum may have more than 38 digits",
        other: Other::Moto,
        reason: "a number has up to 38 digits of precision, and exceeding this is an error (Developer Guide, Supported data \
                 types and naming rules in Amazon DynamoDB)",
        example: r#"[["UpdateItem", {"Key": {"pk": {"S": "A"}, "sk": {"S": "1"}},
            "UpdateExpression": "SET n = if_not_exists(n, :a) + :b", "ExpressionAttributeValues": {
            ":a": {"N": "99999999999999999999999999999999999999"}, ":b": {"N": "3"}}}]]"#,
        covers: Covers::Both,
        explains: |seen| seen.expected[0].message.contains("Number overflow"),
    },
    Difference {
        name: "moto: an index's key may have another type",
        other: Other::Moto,
        reason: "a write with an index's key of another type is refused (Developer Guide, Using Global Secondary Indexes \
                 in DynamoDB)",
        example: r#"[["PutItem", {"Item": {"pk": {"S": "A"}, "sk": {"S": "1"}, "board": {"N": "1"}}}]]"#,
        covers: Covers::Both,
        explains: |seen| seen.expected[0].message.contains("Index Key"),
    },
    Difference {
        name: "moto: values without an order may be compared",
        other: Other::Moto,
        reason: "the operands of <, <=, >, >= and BETWEEN are texts, numbers or bytes (Developer Guide, Condition and \
                 filter expressions, operators, and functions in DynamoDB)",
        example: UNORDERED,
        covers: Covers::Both,
        explains: |seen| {
            seen.refused_by_model_only("Incorrect operand type for operator or function; operand type")
        },
    },
    Difference {
        name: "moto: the bounds of BETWEEN are not checked",
        other: Other::Moto,
        reason: "the bounds of BETWEEN have one type, and the upper is not below the lower (Developer Guide, Condition \
                 and filter expressions, operators, and functions in DynamoDB)",
        example: BOUNDS,
        covers: Covers::Both,
        explains: |seen| seen.refused_by_model_only("The BETWEEN operator requires"),
    },
    Difference {
        name: "moto: a path may be compared with itself",
        other: Other::Moto,
        reason: "the service refuses it (\"The first operand must be distinct from the remaining operands\"), and the \
                 guide does not mention it",
        example: ITSELF,
        covers: Covers::Both,
        explains: |seen| seen.refused_by_model_only("The first operand must be distinct"),
    },
    Difference {
        name: "moto: tokens are ignored",
        other: Other::Moto,
        reason: "a repeated token has no second effect, and one with other parameters is refused (API Reference, \
                 TransactWriteItems, ClientRequestToken)",
        example: r#"[["TransactWriteItems", {"ClientRequestToken": "t", "TransactItems": [{"Update": {
            "TableName": "programs", "Key": {"pk": {"S": "A"}, "sk": {"S": "1"}}, "UpdateExpression": "ADD n :n",
            "ExpressionAttributeValues": {":n": {"N": "1"}}}}]}],
            ["TransactWriteItems", {"ClientRequestToken": "t", "TransactItems": [{"Update": {
            "TableName": "programs", "Key": {"pk": {"S": "A"}, "sk": {"S": "1"}}, "UpdateExpression": "ADD n :n",
            "ExpressionAttributeValues": {":n": {"N": "1"}}}}]}]]"#,
        covers: Covers::Both,
        explains: |seen| {
            let is_repeated = seen.expected[0].is_success() && seen.wanted == seen.before;
            let has_token = seen.call.request.get("ClientRequestToken").is_some();
            has_token && (is_repeated || seen.model_exception() == "IdempotentParameterMismatchException")
        },
    },
    Difference {
        name: "moto: a key of another type is not noticed",
        other: Other::Moto,
        reason: "a request whose key does not fit the table is refused whatever the item is (API Reference, \
                 TransactWriteItems, Errors)",
        example: r#"[["DeleteItem", {"Key": {"pk": {"S": "A"}, "sk": {"N": "1"}}}]]"#,
        covers: Covers::Both,
        explains: |seen| seen.expected[0].message.contains("does not match the schema"),
    },
    Difference {
        name: "moto: an update that does not fit its item refuses a whole transaction",
        other: Other::Moto,
        reason: "it is the reason ValidationError of a cancellation (API Reference, TransactWriteItems, Errors)",
        example: r#"[["TransactWriteItems", {"TransactItems": [{"Update": {"TableName": "programs",
            "Key": {"pk": {"S": "A"}, "sk": {"S": "1"}}, "UpdateExpression": "SET n = m"}}]}]]"#,
        covers: Covers::Answers,
        explains: |seen| {
            seen.expected[0].codes().contains(&"ValidationError")
                && seen.actual[0].exception() == "ValidationException"
        },
    },
    Difference {
        name: "moto: a malformed request cancels a transaction",
        other: Other::Moto,
        reason: "a malformed request is refused as a whole, and no reason of a cancellation has the code \
                 ValidationException (API Reference, TransactWriteItems, Errors)",
        example: r#"[["TransactWriteItems", {"TransactItems": [{"Put": {"TableName": "programs",
            "Item": {"pk": {"S": "A"}, "sk": {"S": "1"}, "n": {"N": "x"}}}}]}]]"#,
        covers: Covers::Answers,
        explains: |seen| {
            let known = ["None", "ConditionalCheckFailed", "ValidationError", "ValidationException"];
            seen.model_exception() == "ValidationException"
                && seen.actual[0].exception() == "TransactionCanceledException"
                && seen.actual[0].codes().iter().all(|code| known.contains(code))
        },
    },
    Difference {
        name: "moto: absent values equal each other and NULL",
        other: Other::Moto,
        reason: "an absent value is equal to nothing (Developer Guide, Condition and filter expressions, operators, and \
                 functions in DynamoDB)",
        example: r#"[["DeleteItem", {"Key": {"pk": {"S": "A"}, "sk": {"S": "1"}}, "ConditionExpression": "n = m"}]]"#,
        covers: Covers::Both,
        explains: |seen| {
            let compares = seen.condition_texts().iter().any(|text| compares_paths(text));
            !seen.fails_inside() && (compares || seen.mentions("\"NULL\""))
        },
    },
    Difference {
        name: "moto: a failed condition comes before a malformed update",
        other: Other::Moto,
        reason: "a malformed request is refused whatever the item is (Developer Guide, Error handling with DynamoDB)",
        example: r#"[["UpdateItem", {"Key": {"pk": {"S": "A"}, "sk": {"S": "1"}}, "UpdateExpression": "ADD n :s",
            "ConditionExpression": "attribute_exists(pk)", "ExpressionAttributeValues": {":s": {"S": "x"}}}]]"#,
        covers: Covers::Answers,
        explains: |seen| {
            let failed = |code: &&str| ["None", "ConditionalCheckFailed"].contains(code);
            let codes = seen.actual[0].codes();
            seen.model_exception() == "ValidationException"
                && (seen.actual[0].exception() == "ConditionalCheckFailedException"
                    || !codes.is_empty() && codes.iter().all(failed))
        },
    },
];

const UNORDERED: &str = r#"[["DeleteItem", {"Key": {"pk": {"S": "A"}, "sk": {"S": "1"}},
    "ConditionExpression": "n < :flag", "ExpressionAttributeValues": {":flag": {"BOOL": true}}}]]"#;
const BOUNDS: &str = r#"[["TransactWriteItems", {"TransactItems": [{"Delete": {"TableName": "programs",
    "Key": {"pk": {"S": "A"}, "sk": {"S": "1"}}, "ConditionExpression": "n BETWEEN :b AND :a",
    "ExpressionAttributeValues": {":a": {"N": "1"}, ":b": {"N": "2"}}}}]}]]"#;
const ITSELF: &str =
    r#"[["DeleteItem", {"Key": {"pk": {"S": "A"}, "sk": {"S": "1"}}, "ConditionExpression": "n = n"}]]"#;
const NESTED_ADD: &str = r#"[["UpdateItem", {"Key": {"pk": {"S": "A"}, "sk": {"S": "1"}},
    "UpdateExpression": "ADD tree.x :n", "ExpressionAttributeValues": {":n": {"N": "1"}}}]]"#;

impl Seen<'_> {
    /// Tells whether the model does not know a step because of ADD or DELETE below the top level.
    fn is_nested_add(&self) -> bool {
        let message = self.expected.first().map(|outcome| outcome.message.as_str()).unwrap_or_default();
        self.model_exception() == "NotModelled" && message.contains("below the top level")
    }

    fn tables_agree(&self) -> bool {
        self.wanted == self.found
    }

    /// Tells whether the other database shows an exception of its own language.
    fn fails_inside(&self) -> bool {
        let foreign = |code: &&str| code.ends_with("Error") && *code != "ValidationError";
        self.actual.iter().any(|answer| answer.status == 500 || answer.codes().iter().any(foreign))
    }

    fn mentions(&self, text: &str) -> bool {
        self.call.request.to_string().contains(text)
    }

    /// The conditions and filters of the request.
    fn condition_texts(&self) -> Vec<&str> {
        let mut texts = Vec::new();
        let mut open = vec![&self.call.request];
        while let Some(value) = open.pop() {
            match value {
                Value::Array(members) => open.extend(members),
                Value::Object(members) => {
                    open.extend(members.values());
                    let names = ["ConditionExpression", "FilterExpression"];
                    texts.extend(names.iter().filter_map(|name| members.get(*name)?.as_str()));
                }
                _ => {}
            }
        }
        texts
    }

    fn model_exception(&self) -> &str {
        self.expected[0].exception()
    }

    /// Tells whether the model refuses the request as malformed, with a message that has this part, and the
    /// other database does not.
    fn refused_by_model_only(&self, message: &str) -> bool {
        self.model_exception() == "ValidationException"
            && self.expected[0].message.contains(message)
            && self.actual[0].exception() != "ValidationException"
    }
}

/// Tells whether a condition compares two paths.
fn compares_paths(condition: &str) -> bool {
    let words: Vec<&str> = condition.split(' ').collect();
    let is_path = |word: &str| !word.trim_start_matches('(').starts_with(':') && !word.starts_with("size(");
    words.windows(3).any(|words| {
        ["=", "<>", "<", "<=", ">", ">="].contains(&words[1]) && is_path(words[0]) && is_path(words[2])
    })
}
