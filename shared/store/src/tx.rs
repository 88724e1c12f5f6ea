//! Writes: conditional updates, and transactions of them that are retried on conflict.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{
    AttributeValue, CancellationReason, ConditionCheck, Delete, Put, ReturnValue,
    ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update as SdkUpdate,
};
use clorp_domain::Error;
use clorp_write_gate::admitted;

use crate::Store;
use crate::fault::fault;
use crate::item::{Item, flag, n};
use crate::primary_key::{Key, PK};

/// How often a transaction that met another one is tried, in all.
const ATTEMPTS: u32 = 10;
/// First pause after a conflict; doubles up to [`MAX_PAUSE`], and the actual pause is random below it.
const FIRST_PAUSE: Duration = Duration::from_millis(8);
const MAX_PAUSE: Duration = Duration::from_millis(400);

/// A conditional change to one item. Attribute paths are dotted: `claims.<user>.submitted_at`.
#[derive(Debug, Default)]
pub(crate) struct Update {
    sets: Vec<String>,
    adds: Vec<String>,
    removes: Vec<String>,
    conditions: Vec<String>,
    names: HashMap<String, String>,
    values: HashMap<String, AttributeValue>,
}

impl Update {
    pub(crate) fn set(&mut self, path: &str, value: AttributeValue) -> &mut Self {
        let clause = format!("{} = {}", self.path(path), self.value(value));
        self.sets.push(clause);
        self
    }

    pub(crate) fn set_all(&mut self, attributes: Item) -> &mut Self {
        for (name, value) in attributes {
            self.set(&name, value);
        }
        self
    }

    pub(crate) fn add(&mut self, path: &str, delta: i64) -> &mut Self {
        self.add_number(path, n(delta))
    }

    /// As [`Update::add`], for numbers of any size that DynamoDB holds.
    pub(crate) fn add_number(&mut self, path: &str, delta: AttributeValue) -> &mut Self {
        let clause = format!("{} {}", self.path(path), self.value(delta));
        self.adds.push(clause);
        self
    }

    pub(crate) fn remove(&mut self, path: &str) -> &mut Self {
        let path = self.path(path);
        self.removes.push(path);
        self
    }

    pub(crate) fn require_new(&mut self) -> &mut Self {
        self.require_absent(PK)
    }

    pub(crate) fn require_existing(&mut self) -> &mut Self {
        self.require_present(PK)
    }

    pub(crate) fn require_absent(&mut self, path: &str) -> &mut Self {
        let condition = format!("attribute_not_exists({})", self.path(path));
        self.conditions.push(condition);
        self
    }

    pub(crate) fn require_present(&mut self, path: &str) -> &mut Self {
        let condition = format!("attribute_exists({})", self.path(path));
        self.conditions.push(condition);
        self
    }

    /// Requires `path operator value`, with one of DynamoDB's comparators.
    pub(crate) fn require(&mut self, path: &str, operator: &str, value: AttributeValue) -> &mut Self {
        let condition = format!("{} {operator} {}", self.path(path), self.value(value));
        self.conditions.push(condition);
        self
    }

    /// Requires that there be no attribute at `path`, or that `path operator value` hold.
    pub(crate) fn require_absent_or(
        &mut self,
        path: &str,
        operator: &str,
        value: AttributeValue,
    ) -> &mut Self {
        let (path, value) = (self.path(path), self.value(value));
        self.conditions.push(format!("(attribute_not_exists({path}) OR {path} {operator} {value})"));
        self
    }

    /// Requires that the number at `path` be this; no attribute stands for zero.
    pub(crate) fn require_number(&mut self, path: &str, number: impl Into<i64>) -> &mut Self {
        match number.into() {
            0 => self.require_absent_or(path, "=", n(0)),
            number => self.require(path, "=", n(number)),
        }
    }

    /// Requires that the flag at `path` be this; no attribute stands for `false`.
    pub(crate) fn require_flag(&mut self, path: &str, value: bool) -> &mut Self {
        if value {
            self.require(path, "=", flag(true))
        } else {
            self.require_absent_or(path, "=", flag(false))
        }
    }

    /// Requires that `left operator right` hold between two attributes.
    pub(crate) fn require_between(&mut self, left: &str, operator: &str, right: &str) -> &mut Self {
        let condition = format!("{} {operator} {}", self.path(left), self.path(right));
        self.conditions.push(condition);
        self
    }

    fn path(&mut self, path: &str) -> String {
        let parts: Vec<String> = path.split('.').map(|part| self.name(part)).collect();
        parts.join(".")
    }

    fn name(&mut self, name: &str) -> String {
        if let Some((placeholder, _)) = self.names.iter().find(|(_, known)| *known == name) {
            return placeholder.clone();
        }
        let placeholder = format!("#n{}", self.names.len());
        self.names.insert(placeholder.clone(), name.to_owned());
        placeholder
    }

    fn value(&mut self, value: AttributeValue) -> String {
        let placeholder = format!(":v{}", self.values.len());
        self.values.insert(placeholder.clone(), value);
        placeholder
    }

    fn expression(&self) -> String {
        let clauses = [("SET", &self.sets), ("ADD", &self.adds), ("REMOVE", &self.removes)];
        let filled = clauses.iter().filter(|(_, clauses)| !clauses.is_empty());
        filled.map(|(verb, clauses)| format!("{verb} {}", clauses.join(", "))).collect::<Vec<_>>().join(" ")
    }

    fn condition(&self) -> Option<String> {
        (!self.conditions.is_empty()).then(|| self.conditions.join(" AND "))
    }
}

/// Changes to several items, made together or not at all.
#[derive(Debug, Default)]
pub(crate) struct Tx {
    creates: BTreeMap<Key, Item>,
    updates: BTreeMap<Key, Update>,
    deletes: BTreeMap<Key, Update>,
    absences: BTreeSet<Key>,
}

/// Why a write did not happen.
#[derive(Debug)]
pub(crate) enum TxError {
    /// Conditions failed; for each, the item as it was (nothing where there was none).
    Refused(BTreeMap<Key, Option<Item>>),
    /// A fault.
    Fault(Error),
}

impl Tx {
    /// Writes an item that must not exist.
    pub(crate) fn create(&mut self, key: Key, item: Item) {
        self.creates.insert(key, item);
    }

    /// The change to the item at `key`: begun here or by an earlier call.
    pub(crate) fn update(&mut self, key: Key) -> &mut Update {
        self.updates.entry(key).or_default()
    }

    /// Deletes an item derived from another one in this transaction, whose condition guards both.
    pub(crate) fn delete(&mut self, key: Key) {
        self.delete_if(key);
    }

    /// Deletes the item at `key`, under the conditions that are put on the update this gives.
    pub(crate) fn delete_if(&mut self, key: Key) -> &mut Update {
        self.deletes.entry(key).or_default()
    }

    /// Requires that there be no item at `key`, and writes none.
    pub(crate) fn require_absent(&mut self, key: Key) {
        self.absences.insert(key);
    }

    /// The actions as DynamoDB takes them, and the keys in the same order: reasons for a cancellation are positional.
    fn into_actions(self, table: &str) -> Result<(Vec<Key>, Vec<TransactWriteItem>), Error> {
        let mut keys = Vec::new();
        let mut actions = Vec::new();
        for (key, item) in self.creates {
            keys.push(key);
            actions.push(TransactWriteItem::builder().put(put(table, item)?).build());
        }
        for (key, update) in self.updates {
            actions
                .push(TransactWriteItem::builder().update(sdk_update(table, key.clone(), update)?).build());
            keys.push(key);
        }
        for (key, conditions) in self.deletes {
            actions
                .push(TransactWriteItem::builder().delete(delete(table, key.clone(), conditions)?).build());
            keys.push(key);
        }
        for key in self.absences {
            actions.push(TransactWriteItem::builder().condition_check(absence(table, key.clone())?).build());
            keys.push(key);
        }
        Ok((keys, actions))
    }
}

fn absence(table: &str, key: Key) -> Result<ConditionCheck, Error> {
    ConditionCheck::builder()
        .table_name(table)
        .set_key(Some(key.into_attributes()))
        .condition_expression("attribute_not_exists(pk)")
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
        .build()
        .map_err(unbuildable)
}

fn put(table: &str, item: Item) -> Result<Put, Error> {
    Put::builder()
        .table_name(table)
        .set_item(Some(item))
        .condition_expression("attribute_not_exists(pk)")
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
        .build()
        .map_err(unbuildable)
}

fn sdk_update(table: &str, key: Key, update: Update) -> Result<SdkUpdate, Error> {
    SdkUpdate::builder()
        .table_name(table)
        .set_key(Some(key.into_attributes()))
        .update_expression(update.expression())
        .set_condition_expression(update.condition())
        .set_expression_attribute_values((!update.values.is_empty()).then_some(update.values))
        .set_expression_attribute_names(Some(update.names))
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
        .build()
        .map_err(unbuildable)
}

fn delete(table: &str, key: Key, conditions: Update) -> Result<Delete, Error> {
    Delete::builder()
        .table_name(table)
        .set_key(Some(key.into_attributes()))
        .set_condition_expression(conditions.condition())
        .set_expression_attribute_values((!conditions.values.is_empty()).then_some(conditions.values))
        .set_expression_attribute_names((!conditions.names.is_empty()).then_some(conditions.names))
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
        .build()
        .map_err(unbuildable)
}

fn unbuildable(error: aws_sdk_dynamodb::error::BuildError) -> Error {
    Error::internal(format!("request cannot be built: {error}"))
}

impl Store {
    /// Runs a transaction. A conflict with another one is retried after a random pause; when that does not help,
    /// the answer is "unavailable", never a wrong one.
    ///
    /// All tries carry one token, so a try that did commit while its answer was lost is recognised by the next.
    pub(crate) async fn transact(&self, tx: Tx) -> Result<(), TxError> {
        admitted().await.map_err(TxError::Fault)?;
        let (keys, actions) = tx.into_actions(&self.table).map_err(TxError::Fault)?;
        let token = format!("{:032x}", rand::random::<u128>());
        for attempt in 1.. {
            let call = self.client.transact_write_items().client_request_token(&token);
            let Err(error) = call.set_transact_items(Some(actions.clone())).send().await else {
                return Ok(());
            };
            match sort(error, &keys) {
                Verdict::Final(error) => return Err(error),
                Verdict::Contended(description) if attempt >= ATTEMPTS => {
                    return Err(TxError::Fault(Error::unavailable(description)));
                }
                Verdict::Contended(_) => tokio::time::sleep(pause(attempt)).await,
            }
        }
        Err(TxError::Fault(Error::internal("ran out of attempts")))
    }

    /// Makes one conditional change outside a transaction, at half its price.
    pub(crate) async fn update_if(&self, key: Key, update: Update) -> Result<(), TxError> {
        admitted().await.map_err(TxError::Fault)?;
        let call = self
            .update_call(key.clone(), update)
            .return_values(ReturnValue::None)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match call.send().await {
            Ok(_) => Ok(()),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                    Err(TxError::Refused(BTreeMap::from([(key, failed.item().cloned())])))
                }
                _ => Err(TxError::Fault(fault("update", error))),
            },
        }
    }

    /// The request that makes one conditional change.
    pub(crate) fn update_call(&self, key: Key, update: Update) -> UpdateItemFluentBuilder {
        self.client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key.into_attributes()))
            .update_expression(update.expression())
            .set_condition_expression(update.condition())
            .set_expression_attribute_names(Some(update.names))
            .set_expression_attribute_values((!update.values.is_empty()).then_some(update.values))
    }
}

/// What a failed try means.
enum Verdict {
    Final(TxError),
    Contended(String),
}

fn sort(error: SdkError<TransactWriteItemsError>, keys: &[Key]) -> Verdict {
    match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
            sort_reasons(cancelled.cancellation_reasons(), keys)
        }
        Some(TransactWriteItemsError::TransactionInProgressException(_)) => {
            Verdict::Contended("transaction still in progress".to_owned())
        }
        _ => Verdict::Final(TxError::Fault(fault("transaction", error))),
    }
}

fn sort_reasons(reasons: &[CancellationReason], keys: &[Key]) -> Verdict {
    let code = |reason: &CancellationReason| reason.code().unwrap_or("None").to_owned();
    let refused: BTreeMap<Key, Option<Item>> = keys
        .iter()
        .zip(reasons)
        .filter(|(_, reason)| reason.code() == Some("ConditionalCheckFailed"))
        .map(|(key, reason)| (key.clone(), reason.item.clone()))
        .collect();
    if !refused.is_empty() {
        return Verdict::Final(TxError::Refused(refused));
    }
    let codes: Vec<String> = reasons.iter().map(code).filter(|code| code != "None").collect();
    let description = format!("transaction cancelled: {}", codes.join(", "));
    let contention = ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"];
    if !codes.is_empty() && codes.iter().all(|code| contention.contains(&code.as_str())) {
        Verdict::Contended(description)
    } else {
        Verdict::Final(TxError::Fault(Error::internal(description)))
    }
}

/// A random pause before the next try: "full jitter" keeps contenders from meeting again.
fn pause(attempt: u32) -> Duration {
    let most = FIRST_PAUSE.saturating_mul(1 << attempt.min(16)).min(MAX_PAUSE);
    Duration::from_micros(rand::random_range(0..=most.as_micros() as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(code: &str) -> CancellationReason {
        CancellationReason::builder().code(code).build()
    }

    #[test]
    fn only_pure_contention_is_tried_again() {
        let keys: Vec<Key> =
            ["A", "B"].map(|pk| Key { pk: pk.to_owned(), sk: "X".to_owned() }).into_iter().collect();
        let contended =
            |codes: [&str; 2]| matches!(sort_reasons(&codes.map(reason), &keys), Verdict::Contended(_));
        assert!(contended(["None", "TransactionConflict"]));
        assert!(contended(["ThrottlingError", "TransactionConflict"]));
        assert!(!contended(["ConditionalCheckFailed", "TransactionConflict"]));
        assert!(!contended(["ValidationError", "TransactionConflict"]));
        assert!(!contended(["None", "None"]));
    }

    #[test]
    fn a_refusal_names_the_items_that_refused() {
        let keys: Vec<Key> =
            ["A", "B"].map(|pk| Key { pk: pk.to_owned(), sk: "X".to_owned() }).into_iter().collect();
        let reasons = [reason("None"), reason("ConditionalCheckFailed")];
        let Verdict::Final(TxError::Refused(refused)) = sort_reasons(&reasons, &keys) else {
            panic!("not a refusal");
        };
        assert_eq!(refused.into_keys().collect::<Vec<_>>(), [keys[1].clone()]);
    }

    #[test]
    fn the_same_name_gets_one_placeholder() {
        let mut update = Update::default();
        update
            .set("claims.ada.submitted_at", n(1))
            .require_absent("claims.ada.submitted_at")
            .require_existing();
        assert_eq!(update.expression(), "SET #n0.#n1.#n2 = :v0");
        assert_eq!(
            update.condition().unwrap(),
            "attribute_not_exists(#n0.#n1.#n2) AND attribute_exists(#n3)"
        );
    }
}
