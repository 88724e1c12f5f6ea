//! The record of an operator's freeze of an account, or of its end.

use clorp_domain::Error;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::items::keys::FREEZE;
use crate::table::item::{decode, instant, key_of, keyed, parse};
use crate::table::{Item, Key};

/// An operator's freeze of an account, or its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FreezeRecord {
    /// True for a freeze, false for its end.
    pub frozen: bool,
    /// The operator's reason.
    pub reason: String,
    /// Time of the decision.
    pub at: Timestamp,
}

#[derive(Debug, Serialize, Deserialize)]
struct FreezeItem {
    frozen: bool,
    reason: String,
}

pub(crate) fn write_freeze(key: &Key, record: &FreezeRecord) -> Result<Item, Error> {
    keyed(key, &FreezeItem { frozen: record.frozen, reason: record.reason.clone() })
}

pub(crate) fn read_freeze(item: Item) -> Result<FreezeRecord, Error> {
    let key = key_of(&item)?;
    let millis = parse("freeze time", key.sk.strip_prefix(FREEZE).unwrap_or_default())?;
    let item: FreezeItem = decode(item)?;
    Ok(FreezeRecord { frozen: item.frozen, reason: item.reason, at: instant("freeze time", millis)? })
}
