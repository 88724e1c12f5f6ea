//! The setup of a payment method.

use clorp_domain::Error;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::table::Item;
use crate::table::item::encode;

pub(crate) const BEGUN: &str = "begun";
pub(crate) const DONE: &str = "done";

#[derive(Debug, Serialize, Deserialize)]
struct SetupItem {
    status: String,
    created_at: i64,
}

/// The attributes of a setup that begins.
pub(crate) fn write_setup(now: Timestamp) -> Result<Item, Error> {
    encode(&SetupItem { status: BEGUN.to_owned(), created_at: now.as_millisecond() })
}
