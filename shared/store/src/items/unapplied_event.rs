//! A webhook event that was not applied.

use clorp_domain::Error;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::items::keys::{STRIPE, UNAPPLIED_EVENT};
use crate::table::item::{decode, key_of, keyed};
use crate::table::{Item, Key};

/// The attribute that an event carries once it was applied, or a person has looked at it.
pub(crate) const SETTLED_AT: &str = "settled_at";

/// A webhook event that was not applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnappliedEvent {
    /// Stripe's object that the event is about, or the event's own id where that is not known.
    pub object: String,
    /// Stripe's id of the event.
    pub id: String,
    /// The reason why it was not applied.
    pub why: String,
    /// The whole event, as it was signed.
    pub body: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct UnappliedItem {
    why: String,
    body: String,
    kept_at: i64,
}

pub(crate) fn write_unapplied(key: &Key, event: &UnappliedEvent, now: Timestamp) -> Result<Item, Error> {
    let (why, body) = (event.why.clone(), event.body.clone());
    keyed(key, &UnappliedItem { why, body, kept_at: now.as_millisecond() })
}

/// The event of an item.
pub(crate) fn read_unapplied(item: Item) -> Result<UnappliedEvent, Error> {
    let key = key_of(&item)?;
    let item: UnappliedItem = decode(item)?;
    Ok(UnappliedEvent {
        object: key.pk.strip_prefix(STRIPE).unwrap_or_default().to_owned(),
        id: key.sk.strip_prefix(UNAPPLIED_EVENT).unwrap_or_default().to_owned(),
        why: item.why,
        body: item.body,
    })
}
