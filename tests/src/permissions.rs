//! The list of the functions' permissions on the table. Tests compare it with the grants in `template.yaml`
//! and with the permissions that the functions use.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::proxy::Call;

/// Function, resource in the template's notation with the partition keys it is limited to, and actions.
const GRANTED: &[(&str, &str, &str)] = &[
    ("board", "Table.Arn DROP#* AGENTS#* STATS#*", "BatchGetItem"),
    ("board", "Table.Arn/index/board_*", "Query"),
    ("board", "Table.Arn/index/directory_*", "Query"),
    ("drops", "Table.Arn", "GetItem BatchGetItem Query PutItem UpdateItem DeleteItem ConditionCheckItem"),
    ("drops", "Table.Arn/index/by_sender", "Query"),
    ("reconciler", "Table.Arn", "GetItem BatchGetItem Query PutItem UpdateItem"),
    ("reconciler", "Table.Arn/index/pending", "Query"),
    ("reconciler", "Table.Arn/index/by_sender", "Query"),
    ("ranking", "Table.Arn", "BatchGetItem Query PutItem UpdateItem DeleteItem"),
    ("ranking", "Table.Arn/index/board_closing", "Query"),
    ("connect", "Table.Arn USER#* KEY#* IDEMP#* REFRESH#*", "GetItem UpdateItem"),
    ("connect", "Table.Arn STATS#*", "BatchGetItem"),
    ("stripe-webhook", "Table.Arn USER#* STRIPE#* OWNER#*", "GetItem UpdateItem ConditionCheckItem"),
    ("stripe-webhook", "Table.Arn STRIPE#*", "Query"),
    ("stripe-webhook", "Table.Arn STATS#*", "BatchGetItem"),
    ("stripe-webhook", "Table.Arn USER#* STRIPE#*", "PutItem"),
    ("uploads", "Table.Arn USER#* KEY#* IDEMP#* REFRESH#*", "GetItem UpdateItem"),
    ("uploads", "Table.Arn STATS#*", "BatchGetItem"),
    ("users", "Table.Arn", "GetItem BatchGetItem Query"),
    (
        "users",
        "Table.Arn USER#* AGENTS#* KEY#* IDEMP#* REFRESH#* LOGIN#* LOGINCODE#* ADDRESS#*",
        "PutItem UpdateItem DeleteItem",
    ),
    ("verify", "Table.Arn USER#* KEY#* IDEMP#* REFRESH#*", "GetItem UpdateItem"),
    ("verify", "Table.Arn USER#* STATS#*", "BatchGetItem"),
    ("wallet", "Table.Arn USER#* KEY#* IDEMP#* REFRESH#*", "GetItem UpdateItem"),
    ("wallet", "Table.Arn USER#*", "Query"),
    ("wallet", "Table.Arn STATS#*", "BatchGetItem"),
    ("wallet", "Table.Arn USER#*", "PutItem"),
];

/// One action of a function on the table or an index, granted or used.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Permission {
    /// The function's router.
    pub function: String,
    /// IAM action, such as `dynamodb:GetItem`.
    pub action: String,
    /// Resource in the template's notation, such as `Table.Arn/index/by_sender`.
    pub resource: String,
    /// Patterns of the partition keys that a grant is limited to, or the prefix of the key that was used.
    pub keys: Option<String>,
}

/// Every permission that the template must grant.
pub fn grants() -> BTreeSet<Permission> {
    let mut granted = BTreeSet::new();
    for (function, resource, actions) in GRANTED.iter().copied() {
        let (resource, keys) = resource.split_once(' ').map_or((resource, None), |(r, k)| (r, Some(k)));
        granted.extend(actions.split(' ').map(|action| Permission {
            function: function.to_owned(),
            action: format!("dynamodb:{action}"),
            resource: resource.to_owned(),
            keys: keys.map(str::to_owned),
        }));
    }
    granted
}

/// The permissions that a call requires. A transaction requires those of each of its actions.
pub fn required_permissions(call: &Call) -> Vec<Permission> {
    let request = &call.request;
    let need = |action: &str, key: &Value| {
        let index = request["IndexName"].as_str();
        let key = key["pk"]["S"].as_str().and_then(|pk| pk.split_inclusive('#').next());
        Permission {
            function: call.function.clone(),
            action: format!("dynamodb:{action}"),
            resource: index.map_or("Table.Arn".to_owned(), |index| format!("Table.Arn/index/{index}")),
            keys: key.map(str::to_owned),
        }
    };
    if call.operation == "BatchGetItem" {
        let tables = request["RequestItems"].as_object().expect("tables").values();
        let keys = tables.flat_map(|table| table["Keys"].as_array().expect("keys"));
        return keys.map(|key| need("BatchGetItem", key)).collect();
    }
    if call.operation == "Query" && request["IndexName"].is_null() {
        let partition = &request["ExpressionAttributeValues"][":pk"];
        return vec![need("Query", &json!({ "pk": partition }))];
    }
    if call.operation != "TransactWriteItems" {
        return vec![need(&call.operation, &request["Key"])];
    }
    let actions = request["TransactItems"].as_array().expect("actions").iter();
    let actions = actions.flat_map(|action| action.as_object().expect("an action"));
    let needs = actions.map(|(action, body)| match action.as_str() {
        "Put" => need("PutItem", &body["Item"]),
        "ConditionCheck" => need("ConditionCheckItem", &body["Key"]),
        action => need(&format!("{action}Item"), &body["Key"]),
    });
    needs.collect()
}

/// The grant that covers a required permission, if there is one.
pub fn grant_for(need: &Permission) -> Option<Permission> {
    grants().into_iter().find(|grant| grant.permits(need))
}

impl Permission {
    fn permits(&self, need: &Self) -> bool {
        let keys = need.keys.as_deref().unwrap_or_default();
        (&self.function, &self.action) == (&need.function, &need.action)
            && fits(&self.resource, &need.resource)
            && self
                .keys
                .as_ref()
                .is_none_or(|patterns| patterns.split(' ').any(|pattern| fits(pattern, keys)))
    }
}

fn fits(pattern: &str, text: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == text, |start| text.starts_with(start))
}
