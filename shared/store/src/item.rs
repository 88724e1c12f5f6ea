//! Items and their attributes, between DynamoDB's form and ours.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use clorp_domain::Error;
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::primary_key::Key;

/// An item as DynamoDB has it.
pub(crate) type Item = HashMap<String, AttributeValue>;

pub(crate) fn s(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

pub(crate) fn n(number: impl Into<i64>) -> AttributeValue {
    AttributeValue::N(number.into().to_string())
}

pub(crate) fn flag(value: bool) -> AttributeValue {
    AttributeValue::Bool(value)
}

pub(crate) fn at(instant: Timestamp) -> AttributeValue {
    n(instant.as_millisecond())
}

/// The attributes of `value`, without the primary key.
pub(crate) fn encode(value: &impl Serialize) -> Result<Item, Error> {
    serde_dynamo::to_item(value).map_err(|e| Error::internal(format!("item cannot be written: {e}")))
}

/// The item of `value` under `key`.
pub(crate) fn keyed(key: &Key, value: &impl Serialize) -> Result<Item, Error> {
    let mut item = encode(value)?;
    item.extend(key.clone().into_attributes());
    Ok(item)
}

pub(crate) fn decode<T: DeserializeOwned>(item: Item) -> Result<T, Error> {
    serde_dynamo::from_item(item).map_err(|e| Error::internal(format!("item cannot be read: {e}")))
}

/// A stored text that must parse, because we wrote it.
pub(crate) fn parse<T: std::str::FromStr>(attribute: &str, text: &str) -> Result<T, Error> {
    text.parse().map_err(|_| Error::internal(format!("stored {attribute} {text:?} cannot be read")))
}

/// A stored instant, in milliseconds since the epoch.
pub(crate) fn instant(attribute: &str, millis: i64) -> Result<Timestamp, Error> {
    clorp_domain::time::from_unix_millis(millis)
        .ok_or_else(|| Error::internal(format!("stored {attribute} {millis} is no instant")))
}
