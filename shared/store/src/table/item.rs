//! Items and their attributes, between DynamoDB's form and Rust's.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use clorp_domain::Error;
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Key;

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

/// The primary key of an item that the table gave.
pub(crate) fn key_of(item: &Item) -> Result<Key, Error> {
    Key::of_item(item).ok_or_else(|| Error::internal("item without a key"))
}

/// The text of an attribute; `None` where there is no such attribute, or no text in it.
pub(crate) fn text<'a>(item: &'a Item, attribute: &str) -> Option<&'a str> {
    item.get(attribute)?.as_s().ok().map(String::as_str)
}

/// The number of an attribute; `None` where there is no such attribute, or no number in it.
pub(crate) fn number<T: std::str::FromStr>(item: &Item, attribute: &str) -> Option<T> {
    item.get(attribute)?.as_n().ok()?.parse().ok()
}

/// A stored text that must parse, because this crate wrote it.
pub(crate) fn parse<T: std::str::FromStr>(attribute: &str, text: &str) -> Result<T, Error> {
    text.parse().map_err(|_| Error::internal(format!("stored {attribute} {text:?} cannot be read")))
}

/// A stored instant, in milliseconds since the epoch.
pub(crate) fn instant(attribute: &str, millis: i64) -> Result<Timestamp, Error> {
    clorp_domain::time::from_unix_millis(millis)
        .ok_or_else(|| Error::internal(format!("stored {attribute} {millis} is no instant")))
}

/// A stored instant whose attribute may be absent.
pub(crate) fn instant_if_any(attribute: &str, millis: Option<i64>) -> Result<Option<Timestamp>, Error> {
    millis.map(|millis| instant(attribute, millis)).transpose()
}
