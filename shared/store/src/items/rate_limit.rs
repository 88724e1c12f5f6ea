//! Token buckets: for each, the time at which it is full again. An item holds the bucket of a user's
//! sessions, of an address, or those of all programs of a user.

use clorp_domain::{BucketKey, Error, Program};
use jiff::Timestamp;

use crate::table::Item;
use crate::table::item::{instant_if_any, number};

/// The attribute of the only bucket of an item, or of that of all programs together.
const FULL_AT: &str = "full_at";
/// Prefixes of the attributes of one program's bucket.
const KEY: &str = "key_";
const CLIENT: &str = "client_";

/// The attribute of a bucket in its item.
pub(crate) fn attribute(bucket: &BucketKey) -> String {
    match bucket {
        BucketKey::Program(_, _, Program::Key(id)) => format!("{KEY}{id}"),
        BucketKey::Program(_, _, Program::Client(id)) => format!("{CLIENT}{}", id.as_str()),
        BucketKey::Sessions(..)
        | BucketKey::Programs(..)
        | BucketKey::Unpaid(_)
        | BucketKey::Refresh(_)
        | BucketKey::Login(_)
        | BucketKey::Public(_) => FULL_AT.to_owned(),
    }
}

/// The time at which the bucket in an attribute is full again; `None` if it has never been used.
pub(crate) fn read_full_at(item: &Item, attribute: &str) -> Result<Option<Timestamp>, Error> {
    instant_if_any(attribute, number(item, attribute))
}

/// The buckets of single programs in an item, each with the milliseconds of the time at which it is full
/// again.
pub(crate) fn programs(item: &Item) -> Vec<(&str, i64)> {
    let names = item.keys().map(String::as_str);
    let names = names.filter(|name| name.starts_with(KEY) || name.starts_with(CLIENT));
    names.filter_map(|name| Some((name, number(item, name)?))).collect()
}
