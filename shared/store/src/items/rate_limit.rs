//! A token bucket: the time at which it is full again.

use clorp_domain::Error;
use jiff::Timestamp;

use crate::table::Item;
use crate::table::item::{instant, number};

/// The attribute of the time at which the bucket is full again.
pub(crate) const FULL_AT: &str = "full_at";

pub(crate) fn read_full_at(item: &Item) -> Result<Timestamp, Error> {
    let millis = number(item, FULL_AT);
    instant(FULL_AT, millis.ok_or_else(|| Error::internal("a bucket without its instant"))?)
}
