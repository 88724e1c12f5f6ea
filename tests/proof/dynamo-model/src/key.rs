//! Primary keys and the places of index entries, in the order of the service.

use std::sync::Arc;

use serde_json::Value;

use crate::number::Number;
use crate::shape::{IndexShape, KeyAttribute, KeyShape, TableShape};
use crate::value::{Kind, bytes, typed};
use crate::{Failure, Item};

/// The value of a key's attribute. Texts are ordered by their UTF-8 bytes, numbers as numbers, and bytes as
/// unsigned ones.
///
/// Source: Developer Guide, "Core components of Amazon DynamoDB", section "Primary key".
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum KeyValue {
    S(String),
    N(Number),
    B(Vec<u8>),
    /// Behind every value of every type.
    Last,
}

impl KeyValue {
    pub(crate) fn begins_with(&self, prefix: &Self) -> bool {
        match (self, prefix) {
            (Self::S(text), Self::S(prefix)) => text.starts_with(prefix),
            (Self::B(bytes), Self::B(prefix)) => bytes.starts_with(prefix),
            _ => false,
        }
    }

    /// A value behind all those that begin with this one.
    pub(crate) fn behind_prefix(&self) -> Self {
        match self {
            // One of the last characters that UTF-8 has follows everything that begins with the text.
            Self::S(text) => {
                let mut text = text.clone();
                while let Some(last) = text.pop() {
                    let above = (last as u32 + 1..=char::MAX as u32).find_map(char::from_u32);
                    if let Some(above) = above {
                        text.push(above);
                        return Self::S(text);
                    }
                }
                Self::Last
            }
            Self::B(bytes) => {
                let mut bytes = bytes.clone();
                while let Some(last) = bytes.pop() {
                    if let Some(above) = last.checked_add(1) {
                        bytes.push(above);
                        return Self::B(bytes);
                    }
                }
                Self::Last
            }
            _ => Self::Last,
        }
    }

    /// The value in words, for a caller that decides by key.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::S(text) => text.clone(),
            Self::N(number) => number.to_string(),
            Self::B(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            Self::Last => String::new(),
        }
    }
}

/// The key of an item, in the table or in an index. Copies share its values.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key(Arc<KeyValues>);

/// The values of a key.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct KeyValues {
    pub(crate) hash: KeyValue,
    pub(crate) range: Option<KeyValue>,
}

impl Key {
    pub(crate) fn new(hash: KeyValue, range: Option<KeyValue>) -> Self {
        Self(Arc::new(KeyValues { hash, range }))
    }
}

impl std::ops::Deref for Key {
    type Target = KeyValues;

    fn deref(&self) -> &KeyValues {
        &self.0
    }
}

/// The place of an item in an index. Entries with equal index keys are in the order of the items' own keys.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) key: Key,
    pub(crate) primary: Key,
}

/// The value as a key of this type; `None` for one of another type.
pub(crate) fn key_value(value: &Value, kind: Kind) -> Option<KeyValue> {
    match typed(value)? {
        (actual, _) if actual != kind => None,
        (Kind::S, Value::String(text)) => Some(KeyValue::S(text.clone())),
        (Kind::N, Value::String(text)) => Number::parse(text).map(KeyValue::N),
        (Kind::B, Value::String(text)) => Some(KeyValue::B(bytes(text))),
        _ => None,
    }
}

impl KeyShape {
    /// The key of an item; `None` if it lacks one of the attributes.
    pub(crate) fn key_of(&self, item: &Item) -> Option<Key> {
        let value = |attribute: &KeyAttribute| key_value(item.get(&attribute.name)?, attribute.kind);
        let range = match &self.range {
            Some(attribute) => Some(value(attribute)?),
            None => None,
        };
        Some(Key::new(value(&self.hash)?, range))
    }
}

impl KeyShape {
    /// Tells whether an item has this key.
    pub(crate) fn is_key_of(&self, key: &Key, item: &Item) -> bool {
        let is = |attribute: &KeyAttribute, value: &KeyValue| {
            let Some(actual) = item.get(&attribute.name) else { return false };
            match (value, typed(actual)) {
                (KeyValue::S(text), Some((Kind::S, Value::String(actual)))) => text == actual,
                _ => key_value(actual, attribute.kind).as_ref() == Some(value),
            }
        };
        let range = self.range.as_ref().zip(key.range.as_ref());
        is(&self.hash, &key.hash) && range.is_none_or(|(attribute, value)| is(attribute, value))
    }
}

impl TableShape {
    /// The key of an item that is written. The inner error is that of an attribute which is missing or of
    /// another type.
    ///
    /// # Errors
    /// A `ValidationException` for an attribute that is empty or too long.
    ///
    /// Source: Developer Guide, "Core components of Amazon DynamoDB", section "Primary key"; "Constraints in
    /// Amazon DynamoDB", sections "Partition keys and sort keys".
    pub(crate) fn item_key(&self, item: &Item) -> Result<Result<Key, Failure>, Failure> {
        let mismatch = |attribute: &KeyAttribute| {
            let message = match item.get(&attribute.name) {
                None => format!("Missing the key {} in the item", attribute.name),
                Some(_) => {
                    format!("Type mismatch for key {} expected: {}", attribute.name, attribute.kind.tag())
                }
            };
            Failure::validation(format!("One or more parameter values were invalid: {message}"))
        };
        self.read_key(item, mismatch)
    }

    /// The key that a request names, which has the key's attributes and no other ones. The errors are those
    /// of [`TableShape::item_key`].
    pub(crate) fn request_key(&self, key: &Item) -> Result<Result<Key, Failure>, Failure> {
        let mismatch = || Failure::validation("The provided key element does not match the schema");
        for value in key.values() {
            crate::value::stored(value)?;
        }
        let read = self.read_key(key, |_| mismatch())?;
        Ok(if key.len() == self.key.attributes().count() { read } else { Err(mismatch()) })
    }

    fn read_key(
        &self,
        item: &Item,
        mismatch: impl Fn(&KeyAttribute) -> Failure,
    ) -> Result<Result<Key, Failure>, Failure> {
        let mut values = Vec::with_capacity(2);
        for attribute in self.key.attributes() {
            let value = item.get(&attribute.name).and_then(|value| key_value(value, attribute.kind));
            if let Some(value) = &value {
                check_length(attribute, value, attribute.name == self.key.hash.name)?;
            }
            values.push(value.ok_or_else(|| mismatch(attribute)));
        }
        let mut values = values.into_iter();
        let (hash, range) = (values.next(), values.next().transpose());
        Ok(match (hash, range) {
            (Some(Ok(hash)), Ok(range)) => Ok(Key::new(hash, range)),
            (Some(Err(failure)), _) | (_, Err(failure)) => Err(failure),
            (None, _) => Err(Failure::validation("The table has no key")),
        })
    }

    /// Refuses an item with an index key of a wrong type, or with an empty one.
    ///
    /// Source: Developer Guide, "Using Global Secondary Indexes in DynamoDB", section "Data synchronization
    /// between tables and global secondary indexes".
    pub(crate) fn check_index_keys(&self, item: &Item) -> Result<(), Failure> {
        for index in &self.indexes {
            for attribute in index.key.attributes() {
                let Some(value) = item.get(&attribute.name) else { continue };
                match key_value(value, attribute.kind) {
                    None => {
                        let message = format!(
                            "One or more parameter values were invalid: Type mismatch for Index Key {} Expected: {} \
                             IndexName: {}",
                            attribute.name,
                            attribute.kind.tag(),
                            index.name
                        );
                        return Err(Failure::validation(message));
                    }
                    Some(value) => check_length(attribute, &value, attribute.name == index.key.hash.name)?,
                }
            }
        }
        Ok(())
    }

    /// The place of an item in an index; `None` if it lacks one of the index's attributes.
    pub(crate) fn place(&self, index: &IndexShape, item: &Item, primary: &Key) -> Option<Place> {
        Some(Place { key: index.key.key_of(item)?, primary: primary.clone() })
    }
}

/// Refuses an empty value and one of more than 2,048 bytes in a partition key, or 1,024 in a sort key.
fn check_length(attribute: &KeyAttribute, value: &KeyValue, is_hash: bool) -> Result<(), Failure> {
    let length = match value {
        KeyValue::S(text) => text.len(),
        KeyValue::B(bytes) => bytes.len(),
        _ => return Ok(()),
    };
    let most = if is_hash { 2048 } else { 1024 };
    if length == 0 {
        return Err(Failure::validation(format!(
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an \
             empty value. Key: {}",
            attribute.name
        )));
    }
    if length > most {
        return Err(Failure::validation(format!(
            "One or more parameter values were invalid: Size of key {} has exceeded the maximum size limit of {most} bytes",
            attribute.name
        )));
    }
    Ok(())
}
