//! The place of a payment in the sparse index `pending`: attributes of its own item. A top-up or a withdrawal
//! has one while its outcome at Stripe is unknown, and a dispute while the winnings paid from it are to be
//! held or released.

use clorp_domain::{TopupId, UserId, WithdrawalId};
use jiff::Timestamp;

use crate::items::keys::{DISPUTE, TOPUP, WITHDRAWAL, stripe_object_of_pk, user_of_pk};
use crate::table::item::s;
use crate::table::{Item, Key, Update};

/// The attribute of the index's partition key.
pub(crate) const PENDING: &str = "pending";
/// The attribute of the index's sort key.
pub(crate) const PENDING_AT: &str = "pending_at";
/// The index's one partition. It stays small, because items leave it within seconds.
pub(crate) const PARTITION: &str = "PENDING";

/// A payment that the reconciler is to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pending {
    /// A charge of a saved card.
    Topup(UserId, TopupId),
    /// A transfer to a bank.
    Withdrawal(UserId, WithdrawalId),
    /// A dispute, by Stripe's id.
    Dispute(String),
}

/// Puts an item into the index, under the time from which on it is to be looked at.
pub(crate) fn pending_from(item: &mut Item, at: Timestamp) {
    item.insert(PENDING.to_owned(), s(PARTITION));
    item.insert(PENDING_AT.to_owned(), s(position(at)));
}

/// Puts an item into the index, or moves it there.
pub(crate) fn set_pending(update: &mut Update, at: Timestamp) {
    update.set(PENDING, s(PARTITION)).set(PENDING_AT, s(position(at)));
}

/// Takes an item out of the index.
pub(crate) fn end_pending(update: &mut Update) {
    update.remove(PENDING).remove(PENDING_AT);
}

pub(crate) fn position(at: Timestamp) -> String {
    format!("{:013}", at.as_millisecond())
}

pub(crate) fn read_pending(item: &Item) -> Option<Pending> {
    let key = Key::of_item(item)?;
    if key.sk == DISPUTE {
        return stripe_object_of_pk(&key.pk).map(Pending::Dispute);
    }
    let user = user_of_pk(&key.pk)?;
    if let Some(id) = key.sk.strip_prefix(TOPUP) {
        return Some(Pending::Topup(user, id.parse().ok()?));
    }
    Some(Pending::Withdrawal(user, key.sk.strip_prefix(WITHDRAWAL)?.parse().ok()?))
}
