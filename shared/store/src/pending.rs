//! What waits for Stripe: top-ups and withdrawals whose outcome is not known, in the sparse index `pending`.

use clorp_domain::{Error, TopupId, UserId, WithdrawalId};
use jiff::Timestamp;

use crate::Store;
use crate::fault::fault;
use crate::item::{Item, s};
use crate::primary_key::{Key, TOPUP, WITHDRAWAL, user_of_pk};
use crate::tx::Update;

const PENDING: &str = "pending";
const PENDING_AT: &str = "pending_at";
/// The index's one partition: whoever is in it leaves it within seconds, so it stays small.
const PARTITION: &str = "PENDING";
/// How many one sweep looks at.
const SWEPT: i32 = 100;

/// Something whose outcome is to be found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pending {
    /// A charge of a saved card.
    Topup(UserId, TopupId),
    /// A transfer to a bank.
    Withdrawal(UserId, WithdrawalId),
}

/// The attributes that put an item into the index from `at` on.
pub(crate) fn pending_from(item: &mut Item, at: Timestamp) {
    item.insert(PENDING.to_owned(), s(PARTITION));
    item.insert(PENDING_AT.to_owned(), s(position(at)));
}

/// Takes an item out of the index.
pub(crate) fn no_longer_pending(update: &mut Update) {
    update.remove(PENDING).remove(PENDING_AT);
}

fn position(at: Timestamp) -> String {
    format!("{:013}", at.as_millisecond())
}

impl Store {
    /// What is pending at `now`, the longest waiting first, at most a hundred. One round trip, half a read unit per
    /// 4 KB of keys.
    ///
    /// # Errors
    /// Faults only.
    pub async fn pending(&self, now: Timestamp) -> Result<Vec<Pending>, Error> {
        let answer = self
            .client
            .query()
            .table_name(&self.table)
            .index_name("pending")
            .key_condition_expression("#pending = :pending AND #at <= :now")
            .expression_attribute_names("#pending", PENDING)
            .expression_attribute_names("#at", PENDING_AT)
            .expression_attribute_values(":pending", s(PARTITION))
            .expression_attribute_values(":now", s(position(now)))
            .limit(SWEPT)
            .send()
            .await
            .map_err(|e| fault("query pending", e))?;
        Ok(answer.items().iter().filter_map(hit).collect())
    }
}

fn hit(item: &Item) -> Option<Pending> {
    let key = Key::of_item(item)?;
    let user = user_of_pk(&key.pk)?;
    if let Some(id) = key.sk.strip_prefix(TOPUP) {
        return Some(Pending::Topup(user, id.parse().ok()?));
    }
    Some(Pending::Withdrawal(user, key.sk.strip_prefix(WITHDRAWAL)?.parse().ok()?))
}
