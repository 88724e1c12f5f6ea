//! One account's entry of a posting.

use clorp_domain::{Cents, EntryId, Error, Posting};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::items::keys::LEDGER;
use crate::table::item::{decode, instant, key_of, keyed, parse};
use crate::table::{Item, Key};

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct EntryItem {
    delta_cents: i64,
    reason: String,
    created_at: i64,
}

/// One line of a wallet's ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerLine {
    /// The posting that the line belongs to.
    pub id: EntryId,
    /// Positive into the wallet, negative out of it.
    pub delta: Cents,
    /// The reason, as [`clorp_domain::Reason`] writes it.
    pub reason: String,
    /// The time of the posting.
    pub created_at: Timestamp,
}

pub(crate) fn write_entry(key: &Key, delta: Cents, posting: &Posting) -> Result<Item, Error> {
    let item = EntryItem {
        delta_cents: delta.get(),
        reason: posting.reason().to_string(),
        created_at: posting.at().as_millisecond(),
    };
    keyed(key, &item)
}

pub(crate) fn read_entry(item: Item) -> Result<LedgerLine, Error> {
    let key = key_of(&item)?;
    let item: EntryItem = decode(item)?;
    Ok(LedgerLine {
        id: parse("ledger id", key.sk.strip_prefix(LEDGER).unwrap_or_default())?,
        delta: Cents::new(item.delta_cents),
        reason: item.reason,
        created_at: instant("created_at", item.created_at)?,
    })
}
