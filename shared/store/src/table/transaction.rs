//! Writes: conditional updates, and transactions of them that are retried on contention.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_dynamodb::error::{BuildError, SdkError};
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{
    CancellationReason, ConditionCheck, Delete, Put, ReturnValue, ReturnValuesOnConditionCheckFailure,
    TransactWriteItem, Update as SdkUpdate,
};
use clorp_domain::Error;
use clorp_write_gate::wait_for_admission;

use super::item::Item;
use super::{Conditional, Key, Table, Update, fault};

/// Tries of one transaction that meets contention, in all.
const ATTEMPTS: u32 = 10;
/// First pause after contention; doubles up to [`MAX_PAUSE`], and the actual pause is random below it.
const FIRST_PAUSE: Duration = Duration::from_millis(8);
const MAX_PAUSE: Duration = Duration::from_millis(400);
/// The codes of cancellation reasons that say nothing about a condition: the same transaction may succeed
/// when it is tried again.
const CONTENTION: [&str; 3] = ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"];

/// Changes to several items, made together or not at all.
#[derive(Debug, Default)]
pub(crate) struct Tx {
    creates: BTreeMap<Key, Item>,
    updates: BTreeMap<Key, Update>,
    deletes: BTreeMap<Key, Update>,
    checks: BTreeMap<Key, Update>,
}

/// The outcome of a conditional write.
#[derive(Debug)]
#[must_use = "a refusal means that nothing was written"]
pub(crate) enum Commit {
    /// The write was made.
    Applied,
    /// Conditions failed, and nothing was written.
    Refused(Refusals),
}

/// The items whose conditions failed, each in its unchanged state; `None` where there is no item.
#[derive(Debug)]
pub(crate) struct Refusals(BTreeMap<Key, Option<Item>>);

/// The outcome of [`Table::update_ungated`].
pub(crate) enum Updated {
    /// The change was made; the item after it.
    Applied(Item),
    /// A condition failed; the unchanged item, if there is one.
    Refused(Option<Item>),
}

impl Commit {
    /// The outcome for a caller, with what `conflict` makes of the refusals.
    pub(crate) fn or_conflict<T>(
        self,
        conflict: impl FnOnce(Refusals) -> Result<T, Error>,
    ) -> Result<Conditional<T>, Error> {
        match self {
            Self::Applied => Ok(Conditional::Applied),
            Self::Refused(refusals) => conflict(refusals).map(Conditional::Conflict),
        }
    }

    /// The outcome for a caller who need not know which condition failed.
    pub(crate) fn conditional(self) -> Conditional<()> {
        match self {
            Self::Applied => Conditional::Applied,
            Self::Refused(_) => Conditional::Conflict(()),
        }
    }
}

impl Refusals {
    /// Tells whether the item at `key` refused.
    pub(crate) fn contains(&self, key: &Key) -> bool {
        self.0.contains_key(key)
    }

    /// The item at `key`, if it refused and exists.
    pub(crate) fn item(&self, key: &Key) -> Option<&Item> {
        self.0.get(key).and_then(Option::as_ref)
    }

    /// Takes out the item at `key`, if it refused and exists.
    pub(crate) fn take(&mut self, key: &Key) -> Option<Item> {
        self.0.remove(key).flatten()
    }

    /// The keys of the items that refused.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &Key> {
        self.0.keys()
    }

    /// The fault of a write that was refused by items which nobody expects to refuse it.
    pub(crate) fn unexpected(&self, what: &str) -> Error {
        let keys: Vec<String> = self.0.keys().map(|key| format!("{} {}", key.pk, key.sk)).collect();
        Error::internal(format!("{what} refused by {}", keys.join(", ")))
    }
}

impl Tx {
    /// Writes an item that must not exist.
    pub(crate) fn create(&mut self, key: Key, item: Item) {
        self.creates.insert(key, item);
    }

    /// The change of the item at `key`: begun here or by an earlier call.
    pub(crate) fn update(&mut self, key: Key) -> &mut Update {
        self.updates.entry(key).or_default()
    }

    /// Deletes an item derived from another one in this transaction, whose condition guards both.
    pub(crate) fn delete(&mut self, key: Key) {
        self.delete_if(key);
    }

    /// Deletes the item at `key`, under the conditions that the caller puts on the returned update.
    pub(crate) fn delete_if(&mut self, key: Key) -> &mut Update {
        self.deletes.entry(key).or_default()
    }

    /// Leaves the item at `key` as it is, and requires of it what the caller puts on the returned update.
    pub(crate) fn check(&mut self, key: Key) -> &mut Update {
        self.checks.entry(key).or_default()
    }

    /// Requires that there be no item at `key`, and writes none.
    pub(crate) fn require_absent(&mut self, key: Key) {
        self.check(key).require_new();
    }

    /// The only change of this transaction, if it is an update and there is no other.
    pub(crate) fn into_only_update(mut self) -> Result<(Key, Update), Self> {
        let others = self.creates.len() + self.deletes.len() + self.checks.len();
        match (others, self.updates.len(), self.updates.pop_first()) {
            (0, 1, Some(only)) => Ok(only),
            (_, _, Some((key, update))) => {
                self.updates.insert(key, update);
                Err(self)
            }
            (_, _, None) => Err(self),
        }
    }

    /// The actions as DynamoDB takes them, and the keys in the same order: cancellation reasons are
    /// positional.
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
        for (key, conditions) in self.checks {
            actions.push(
                TransactWriteItem::builder().condition_check(check(table, key.clone(), conditions)?).build(),
            );
            keys.push(key);
        }
        Ok((keys, actions))
    }
}

fn check(table: &str, key: Key, conditions: Update) -> Result<ConditionCheck, Error> {
    let expressions = conditions.into_expressions();
    ConditionCheck::builder()
        .table_name(table)
        .set_key(Some(key.into_attributes()))
        .set_condition_expression(expressions.condition)
        .set_expression_attribute_names(expressions.names)
        .set_expression_attribute_values(expressions.values)
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
    let expressions = update.into_expressions();
    SdkUpdate::builder()
        .table_name(table)
        .set_key(Some(key.into_attributes()))
        .update_expression(expressions.update)
        .set_condition_expression(expressions.condition)
        .set_expression_attribute_names(expressions.names)
        .set_expression_attribute_values(expressions.values)
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
        .build()
        .map_err(unbuildable)
}

fn delete(table: &str, key: Key, conditions: Update) -> Result<Delete, Error> {
    let expressions = conditions.into_expressions();
    Delete::builder()
        .table_name(table)
        .set_key(Some(key.into_attributes()))
        .set_condition_expression(expressions.condition)
        .set_expression_attribute_names(expressions.names)
        .set_expression_attribute_values(expressions.values)
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
        .build()
        .map_err(unbuildable)
}

fn unbuildable(error: BuildError) -> Error {
    Error::internal(format!("request cannot be built: {error}"))
}

impl Table {
    /// Runs a transaction. Contention is retried after a random pause, until the request's deadline; when
    /// that does not help, the fault is "unavailable", never a wrong answer.
    ///
    /// All tries carry one token, so a try that did commit while its answer was lost is recognised by the
    /// next.
    pub(crate) async fn transact(&self, tx: Tx) -> Result<Commit, Error> {
        wait_for_admission().await?;
        let (keys, actions) = tx.into_actions(&self.name)?;
        let token = format!("{:032x}", clorp_random::random::<u128>());
        for attempt in 1.. {
            let call = self.client.transact_write_items().client_request_token(&token);
            let Err(error) = call.set_transact_items(Some(actions.clone())).send().await else {
                return Ok(Commit::Applied);
            };
            match sort(error, &keys) {
                Failure::Refused(refusals) => return Ok(Commit::Refused(refusals)),
                Failure::Fault(error) => return Err(error),
                Failure::Contended(description) => {
                    if attempt >= ATTEMPTS || !clorp_deadline::sleep(pause(attempt)).await {
                        return Err(Error::unavailable(description));
                    }
                }
            }
        }
        Err(Error::internal("ran out of attempts"))
    }

    /// Makes one conditional change outside a transaction, at half its price.
    ///
    /// Nothing tells a try whose answer was lost from another one's, so a caller to whom that matters looks
    /// in a refusal for what it has written.
    pub(crate) async fn update_if(&self, key: Key, update: Update) -> Result<Commit, Error> {
        wait_for_admission().await?;
        Ok(match self.update(key.clone(), update, ReturnValue::None).await? {
            Updated::Applied(_) => Commit::Applied,
            Updated::Refused(item) => Commit::Refused(Refusals(BTreeMap::from([(key, item)]))),
        })
    }

    /// Makes one conditional change without waiting for admission. Only the write that asks the rate limit
    /// may do that.
    pub(crate) async fn update_ungated(&self, key: Key, update: Update) -> Result<Updated, Error> {
        self.update(key, update, ReturnValue::AllNew).await
    }

    /// Deletes the item at `key` if the `conditions` hold.
    pub(crate) async fn delete_if(&self, key: Key, conditions: Update) -> Result<Conditional<()>, Error> {
        wait_for_admission().await?;
        let expressions = conditions.into_expressions();
        let call = self
            .client
            .delete_item()
            .table_name(&self.name)
            .set_key(Some(key.into_attributes()))
            .set_condition_expression(expressions.condition)
            .set_expression_attribute_names(expressions.names)
            .set_expression_attribute_values(expressions.values);
        match call.send().await {
            Ok(_) => Ok(Conditional::Applied),
            Err(error) => match error.as_service_error() {
                Some(DeleteItemError::ConditionalCheckFailedException(_)) => Ok(Conditional::Conflict(())),
                _ => Err(fault("delete", error)),
            },
        }
    }

    async fn update(&self, key: Key, update: Update, give: ReturnValue) -> Result<Updated, Error> {
        let expressions = update.into_expressions();
        let call = self
            .client
            .update_item()
            .table_name(&self.name)
            .set_key(Some(key.into_attributes()))
            .update_expression(expressions.update)
            .set_condition_expression(expressions.condition)
            .set_expression_attribute_names(expressions.names)
            .set_expression_attribute_values(expressions.values)
            .return_values(give)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        for attempt in 1.. {
            let error = match call.clone().send().await {
                Ok(answer) => return Ok(Updated::Applied(answer.attributes.unwrap_or_default())),
                Err(error) => error,
            };
            match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                    return Ok(Updated::Refused(failed.item().cloned()));
                }
                // The item is part of a transaction in progress.
                Some(UpdateItemError::TransactionConflictException(_))
                    if attempt < ATTEMPTS && clorp_deadline::sleep(pause(attempt)).await => {}
                _ => return Err(fault("update", error)),
            }
        }
        Err(Error::internal("ran out of attempts"))
    }
}

/// The meaning of a failed try.
enum Failure {
    Refused(Refusals),
    Fault(Error),
    Contended(String),
}

fn sort(error: SdkError<TransactWriteItemsError>, keys: &[Key]) -> Failure {
    match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
            sort_reasons(cancelled.cancellation_reasons(), keys)
        }
        Some(TransactWriteItemsError::TransactionInProgressException(_)) => {
            Failure::Contended("transaction still in progress".to_owned())
        }
        _ => Failure::Fault(fault("transaction", error)),
    }
}

/// Sorts a cancellation. A condition that failed beside contention decides nothing yet: the write that is in
/// progress may change its outcome, and may be an earlier try of this same transaction.
fn sort_reasons(reasons: &[CancellationReason], keys: &[Key]) -> Failure {
    let codes = reasons.iter().filter_map(CancellationReason::code).filter(|code| *code != "None");
    let codes: Vec<&str> = codes.collect();
    let description = format!("transaction cancelled: {}", codes.join(", "));
    if codes.iter().any(|code| CONTENTION.contains(code)) {
        return Failure::Contended(description);
    }
    let refused: BTreeMap<Key, Option<Item>> = keys
        .iter()
        .zip(reasons)
        .filter(|(_, reason)| reason.code() == Some("ConditionalCheckFailed"))
        .map(|(key, reason)| (key.clone(), reason.item.clone()))
        .collect();
    if refused.is_empty() {
        Failure::Fault(Error::internal(description))
    } else {
        Failure::Refused(Refusals(refused))
    }
}

/// A random pause before the next try: "full jitter" keeps contenders from meeting again.
fn pause(attempt: u32) -> Duration {
    let most = FIRST_PAUSE.saturating_mul(1 << attempt.min(16)).min(MAX_PAUSE);
    Duration::from_micros(clorp_random::random_range(0..=most.as_micros() as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAILED: &str = "ConditionalCheckFailed";
    const CONFLICT: &str = "TransactionConflict";

    fn keys() -> Vec<Key> {
        ["A", "B"].map(|pk| Key::new(pk, "X")).into()
    }

    fn sorted(codes: [&str; 2]) -> Failure {
        sort_reasons(&codes.map(|code| CancellationReason::builder().code(code).build()), &keys())
    }

    #[test]
    fn one_conflict_or_throttling_among_the_reasons_is_contention() {
        for other in ["None", FAILED, "ValidationError", CONFLICT] {
            for contention in CONTENTION {
                assert!(matches!(sorted([other, contention]), Failure::Contended(_)), "{other} {contention}");
                assert!(matches!(sorted([contention, other]), Failure::Contended(_)), "{contention} {other}");
            }
        }
    }

    #[test]
    fn a_refusal_without_contention_names_the_items_that_refused() {
        for other in ["None", "ValidationError"] {
            let Failure::Refused(refusals) = sorted([other, FAILED]) else { panic!("{other}") };
            assert_eq!(refusals.keys().collect::<Vec<_>>(), [&keys()[1]]);
        }
    }

    #[test]
    fn a_transaction_of_one_update_is_told_from_one_with_more() {
        let [a, b] = <[Key; 2]>::try_from(keys()).unwrap();
        let mut tx = Tx::default();
        tx.update(a.clone()).require_existing();
        let mut more = Tx::default();
        more.update(a.clone()).require_existing();
        more.check(b).require_existing();
        assert!(tx.into_only_update().is_ok_and(|(key, _)| key == a));
        let more = more.into_only_update().unwrap_err();
        assert_eq!((more.updates.len(), more.checks.len()), (1, 1));
        assert!(Tx::default().into_only_update().is_err());
    }

    #[test]
    fn reasons_that_are_neither_are_a_fault() {
        for codes in [["None", "None"], ["None", "ValidationError"]] {
            assert!(matches!(sorted(codes), Failure::Fault(Error::Internal(_))), "{codes:?}");
        }
    }
}
