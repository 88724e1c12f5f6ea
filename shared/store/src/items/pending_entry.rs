//! The place of an item in the sparse index `pending`, while Stripe is to be asked about it or a dispute is
//! to be followed: attributes of the item itself.

use clorp_domain::{TopupId, UserId, WithdrawalId};
use jiff::Timestamp;

use crate::items::keys::{DISPUTE, TOPUP, USER, WITHDRAWAL, stripe_object_of_pk, user_of_pk};
use crate::table::item::{s, text};
use crate::table::{Item, Key, Update};

/// The attribute of the index's partition key.
pub(crate) const PENDING: &str = "pending";
/// The attribute of the index's sort key.
pub(crate) const PENDING_AT: &str = "pending_at";

/// A partition of the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Queue {
    /// Money whose outcome at Stripe is unknown. It stays small, because items leave it within seconds.
    Unsettled,
    /// Objects at Stripe whose state no webhook event has reported, or none reliably, and disputes to be
    /// followed. No money waits for them.
    Unreported,
}

impl Queue {
    /// The queue's partition key.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Unsettled => "PENDING",
            Self::Unreported => "UNREPORTED",
        }
    }
}

/// A subject that the reconciler is to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pending {
    /// A top-up: a charge of a saved card, or a payment by Checkout.
    Topup(UserId, TopupId),
    /// A transfer to a bank.
    Withdrawal(UserId, WithdrawalId),
    /// A dispute, by Stripe's id. The winnings that the disputed payment has paid for are held or released.
    Dispute(String),
    /// The account that receives a user's withdrawals.
    Account(UserId),
}

/// An entry of the index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingEntry {
    /// The subject of the entry.
    pub pending: Pending,
    /// The time from which on Stripe is to be asked.
    pub due_at: Timestamp,
    /// The item that has the entry.
    pub(crate) key: Key,
}

impl Pending {
    /// The time at which the movement of money began; `None` for an account and for a
    /// dispute.
    pub fn begun_at(&self) -> Option<Timestamp> {
        let millis = match self {
            Self::Topup(_, id) => id.ulid().timestamp_ms(),
            Self::Withdrawal(_, id) => id.ulid().timestamp_ms(),
            Self::Account(_) | Self::Dispute(_) => return None,
        };
        Timestamp::from_millisecond(i64::try_from(millis).ok()?).ok()
    }
}

/// Puts an item into a queue, under the time from which on it is to be looked at.
pub(crate) fn enter(item: &mut Item, queue: Queue, at: Timestamp) {
    item.insert(PENDING.to_owned(), s(queue.as_str()));
    item.insert(PENDING_AT.to_owned(), s(position(at)));
}

/// Puts an item into a queue by a change of it, or moves it there.
pub(crate) fn set_pending(update: &mut Update, queue: Queue, at: Timestamp) {
    update.set(PENDING, s(queue.as_str())).set(PENDING_AT, s(position(at)));
}

/// Takes an item out of the index.
pub(crate) fn end_pending(update: &mut Update) {
    update.remove(PENDING).remove(PENDING_AT);
}

pub(crate) fn position(at: Timestamp) -> String {
    format!("{:013}", at.as_millisecond())
}

pub(crate) fn read_pending(item: &Item) -> Option<PendingEntry> {
    let key = Key::of_item(item)?;
    let due_at = Timestamp::from_millisecond(text(item, PENDING_AT)?.parse().ok()?).ok()?;
    if key.sk == DISPUTE {
        let pending = Pending::Dispute(stripe_object_of_pk(&key.pk)?);
        return Some(PendingEntry { pending, due_at, key });
    }
    let user = user_of_pk(&key.pk)?;
    let pending = if let Some(id) = key.sk.strip_prefix(TOPUP) {
        Pending::Topup(user, id.parse().ok()?)
    } else if let Some(id) = key.sk.strip_prefix(WITHDRAWAL) {
        Pending::Withdrawal(user, id.parse().ok()?)
    } else if key.sk == USER {
        Pending::Account(user)
    } else {
        return None;
    };
    Some(PendingEntry { pending, due_at, key })
}
