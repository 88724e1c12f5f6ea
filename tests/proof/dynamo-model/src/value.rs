//! Attribute values in the protocol's JSON: `{"S": "text"}`.

use std::cmp::Ordering;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use crate::number::Number;
use crate::{Failure, Item};

/// Levels of lists and maps inside each other.
///
/// Source: Developer Guide, "Quotas in Amazon DynamoDB", section "Nested attribute depth".
const MAX_DEPTH: usize = 32;
/// Bytes of an item, its attributes' names included.
///
/// Source: Developer Guide, "Quotas in Amazon DynamoDB", section "Item size".
const MAX_ITEM_BYTES: usize = 400 * 1024;

/// The type of an attribute value.
///
/// Source: API Reference, "AttributeValue".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A text.
    S,
    /// A number.
    N,
    /// Bytes.
    B,
    /// True or false.
    Bool,
    /// The null value.
    Null,
    /// A map.
    M,
    /// A list.
    L,
    /// A set of texts.
    Ss,
    /// A set of numbers.
    Ns,
    /// A set of bytes.
    Bs,
}

impl Kind {
    /// The type with this tag in the protocol.
    pub fn from_tag(tag: &str) -> Option<Self> {
        Some(match tag {
            "S" => Self::S,
            "N" => Self::N,
            "B" => Self::B,
            "BOOL" => Self::Bool,
            "NULL" => Self::Null,
            "M" => Self::M,
            "L" => Self::L,
            "SS" => Self::Ss,
            "NS" => Self::Ns,
            "BS" => Self::Bs,
            _ => return None,
        })
    }

    /// The type's tag in the protocol.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::S => "S",
            Self::N => "N",
            Self::B => "B",
            Self::Bool => "BOOL",
            Self::Null => "NULL",
            Self::M => "M",
            Self::L => "L",
            Self::Ss => "SS",
            Self::Ns => "NS",
            Self::Bs => "BS",
        }
    }

    /// Tells whether values of the type are ordered.
    pub(crate) const fn is_ordered(self) -> bool {
        matches!(self, Self::S | Self::N | Self::B)
    }

    pub(crate) const fn is_set(self) -> bool {
        matches!(self, Self::Ss | Self::Ns | Self::Bs)
    }

    /// The type of a set's members.
    pub(crate) const fn member(self) -> Option<Self> {
        match self {
            Self::Ss => Some(Self::S),
            Self::Ns => Some(Self::N),
            Self::Bs => Some(Self::B),
            _ => None,
        }
    }
}

/// The type and the content of an attribute value; `None` for what is no attribute value.
pub(crate) fn typed(value: &Value) -> Option<(Kind, &Value)> {
    let map = value.as_object().filter(|map| map.len() == 1)?;
    let (tag, content) = map.iter().next()?;
    Some((Kind::from_tag(tag)?, content))
}

/// The type of an attribute value that was [checked](stored).
pub(crate) fn kind(value: &Value) -> Option<Kind> {
    typed(value).map(|(kind, _)| kind)
}

/// An attribute value with this type and content.
pub(crate) fn value_of(kind: Kind, content: impl Into<Value>) -> Value {
    let mut map = Map::new();
    map.insert(kind.tag().to_owned(), content.into());
    Value::Object(map)
}

pub(crate) fn number(value: &Value) -> Option<Number> {
    match typed(value)? {
        (Kind::N, Value::String(text)) => Number::parse(text),
        _ => None,
    }
}

/// The bytes of a base64 text; none for a text that was not checked.
pub(crate) fn bytes(text: &str) -> Vec<u8> {
    STANDARD.decode(text).unwrap_or_default()
}

/// The value as it is stored: numbers in plain notation, sets sorted.
///
/// # Errors
/// A `ValidationException` for a value that the service refuses: of no or several types, a malformed number,
/// an empty set, a set with a member twice, or too many levels.
///
/// Source: API Reference, "AttributeValue"; Developer Guide, "Supported data types and naming rules in Amazon
/// DynamoDB".
pub(crate) fn stored(value: &Value) -> Result<Value, Failure> {
    stored_at(value, 0)
}

fn stored_at(value: &Value, depth: usize) -> Result<Value, Failure> {
    let untyped = || {
        Failure::validation(
            "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes",
        )
    };
    let (kind, content) = typed(value).ok_or_else(untyped)?;
    if depth > MAX_DEPTH {
        return Err(Failure::validation("Nesting Levels have exceeded supported limits"));
    }
    Ok(match (kind, content) {
        (Kind::S, Value::String(_)) | (Kind::Bool, Value::Bool(_)) | (Kind::Null, Value::Bool(true)) => {
            value.clone()
        }
        (Kind::N, Value::String(text)) => value_of(kind, parsed(text)?.to_string()),
        (Kind::B, Value::String(text)) => {
            decoded(text)?;
            value.clone()
        }
        (Kind::M, Value::Object(members)) => {
            let stored =
                |(name, member): (&String, &Value)| Ok((name.clone(), stored_at(member, depth + 1)?));
            value_of(kind, Value::Object(members.iter().map(stored).collect::<Result<_, Failure>>()?))
        }
        (Kind::L, Value::Array(members)) => {
            let stored = members.iter().map(|member| stored_at(member, depth + 1));
            value_of(kind, stored.collect::<Result<Vec<_>, _>>()?)
        }
        (Kind::Ss | Kind::Ns | Kind::Bs, Value::Array(members)) => value_of(kind, stored_set(kind, members)?),
        (Kind::Null, _) => {
            return Err(Failure::validation("Null attribute value types must have the value of true"));
        }
        _ => return Err(Failure::named(400, "SerializationException", "a value of the wrong JSON type")),
    })
}

fn stored_set(kind: Kind, members: &[Value]) -> Result<Vec<Value>, Failure> {
    if members.is_empty() {
        return Err(Failure::validation(
            "One or more parameter values were invalid: An set of strings, numbers or bytes may not be empty",
        ));
    }
    let mut stored = Vec::with_capacity(members.len());
    for member in members {
        let text = member.as_str().ok_or_else(|| Failure::validation("a member of a set that is no text"))?;
        stored.push(match kind {
            Kind::Ns => parsed(text)?.to_string(),
            Kind::Bs => {
                decoded(text)?;
                text.to_owned()
            }
            _ => text.to_owned(),
        });
    }
    stored.sort();
    if stored.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(Failure::validation(
            "One or more parameter values were invalid: Input collection contains duplicates",
        ));
    }
    Ok(stored.into_iter().map(Value::String).collect())
}

fn parsed(text: &str) -> Result<Number, Failure> {
    let refused =
        || Failure::validation(format!("The parameter cannot be converted to a numeric value: {text}"));
    Number::parse(text).ok_or_else(refused)
}

fn decoded(text: &str) -> Result<Vec<u8>, Failure> {
    STANDARD.decode(text).map_err(|_| Failure::named(400, "SerializationException", "Base64 expected"))
}

/// The item as it is stored. The errors are those of [`stored`].
pub(crate) fn stored_item(item: &Item) -> Result<Item, Failure> {
    item.iter().map(|(name, value)| Ok((name.clone(), stored(value)?))).collect()
}

/// Refuses an item of more than 400 KB.
pub(crate) fn check_size(item: &Item) -> Result<(), Failure> {
    if item_bytes(item) > MAX_ITEM_BYTES {
        return Err(Failure::validation("Item size has exceeded the maximum allowed size"));
    }
    Ok(())
}

/// The bytes of an item.
///
/// Source: Developer Guide, "DynamoDB item sizes and formats".
pub(crate) fn item_bytes(item: &Item) -> usize {
    item.iter().map(|(name, value)| name.len() + value_bytes(value)).sum()
}

fn value_bytes(value: &Value) -> usize {
    let Some((kind, content)) = typed(value) else { return 0 };
    match (kind, content) {
        (Kind::S, Value::String(text)) => text.len(),
        (Kind::N, Value::String(text)) => Number::parse(text).map_or(0, Number::bytes),
        (Kind::B, Value::String(text)) => bytes(text).len(),
        (Kind::Ss | Kind::Ns | Kind::Bs, Value::Array(members)) => {
            let member = |member: &Value| match (kind, member.as_str().unwrap_or_default()) {
                (Kind::Ns, text) => Number::parse(text).map_or(0, Number::bytes),
                (Kind::Bs, text) => bytes(text).len(),
                (_, text) => text.len(),
            };
            members.iter().map(member).sum()
        }
        (Kind::M, Value::Object(members)) => {
            3 + members.iter().map(|(name, member)| 1 + name.len() + value_bytes(member)).sum::<usize>()
        }
        (Kind::L, Value::Array(members)) => {
            3 + members.iter().map(|member| 1 + value_bytes(member)).sum::<usize>()
        }
        _ => 1,
    }
}

/// Tells whether two values are equal: of the same type, with numbers compared as numbers and sets as sets.
///
/// Source: Developer Guide, "Condition and filter expressions, operators, and functions in DynamoDB", section
/// "Making comparisons".
pub(crate) fn equal(a: &Value, b: &Value) -> bool {
    let (Some((kind, a)), Some((other, b))) = (typed(a), typed(b)) else { return false };
    if kind != other {
        return false;
    }
    match (kind, a, b) {
        (Kind::N, Value::String(a), Value::String(b)) => a == b || Number::parse(a) == Number::parse(b),
        (Kind::Ss | Kind::Ns | Kind::Bs, Value::Array(a), Value::Array(b)) => {
            let same = |a: &Value, b: &Value| member_equal(kind, a, b);
            a.len() == b.len() && a.iter().all(|a| b.iter().any(|b| same(a, b)))
        }
        (Kind::M, Value::Object(a), Value::Object(b)) => {
            let same =
                |(name, value): (&String, &Value)| b.get(name).is_some_and(|other| equal(value, other));
            a.len() == b.len() && a.iter().all(same)
        }
        (Kind::L, Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b))
        }
        _ => a == b,
    }
}

/// Tells whether two members of a set of type `set` are equal.
pub(crate) fn member_equal(set: Kind, a: &Value, b: &Value) -> bool {
    match (a.as_str(), b.as_str()) {
        (Some(a), Some(b)) if set == Kind::Ns => a == b || Number::parse(a) == Number::parse(b),
        (a, b) => a == b,
    }
}

/// The order of two values; `None` for values of different types, or of a type without order. Texts compare
/// by their UTF-8 bytes, bytes as unsigned numbers.
///
/// Source: Developer Guide, "Supported data types and naming rules in Amazon DynamoDB".
pub(crate) fn compare(a: &Value, b: &Value) -> Option<Ordering> {
    match (typed(a)?, typed(b)?) {
        ((Kind::S, Value::String(a)), (Kind::S, Value::String(b))) => Some(a.cmp(b)),
        ((Kind::N, Value::String(a)), (Kind::N, Value::String(b))) => {
            Some(Number::parse(a)?.cmp(&Number::parse(b)?))
        }
        ((Kind::B, Value::String(a)), (Kind::B, Value::String(b))) => Some(bytes(a).cmp(&bytes(b))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_equal_only_within_a_type() {
        for (a, b, expected) in [
            (json!({"N": "1"}), json!({"N": "1.0"}), true),
            (json!({"N": "1"}), json!({"S": "1"}), false),
            (json!({"SS": ["a", "b"]}), json!({"SS": ["b", "a"]}), true),
            (json!({"NS": ["1", "2"]}), json!({"NS": ["2.0", "1e0"]}), true),
            (json!({"SS": ["a"]}), json!({"SS": ["a", "b"]}), false),
            (json!({"L": [{"N": "1"}]}), json!({"L": [{"N": "1.0"}]}), true),
            (json!({"L": [{"N": "1"}, {"N": "2"}]}), json!({"L": [{"N": "2"}, {"N": "1"}]}), false),
            (json!({"M": {"a": {"N": "1"}}}), json!({"M": {"a": {"N": "1.0"}}}), true),
            (json!({"M": {"a": {"N": "1"}}}), json!({"M": {"b": {"N": "1"}}}), false),
            (json!({"BOOL": true}), json!({"BOOL": true}), true),
            (json!({"NULL": true}), json!({"NULL": true}), true),
        ] {
            assert_eq!(equal(&a, &b), expected, "{a} {b}");
            assert_eq!(equal(&b, &a), expected, "{b} {a}");
        }
    }

    #[test]
    fn values_are_stored_in_one_form() {
        for (given, expected) in [
            (json!({"N": "1.50"}), json!({"N": "1.5"})),
            (json!({"NS": ["2", "1e1"]}), json!({"NS": ["10", "2"]})),
            (json!({"L": [{"M": {"a": {"N": "010"}}}]}), json!({"L": [{"M": {"a": {"N": "10"}}}]})),
            (json!({"S": ""}), json!({"S": ""})),
        ] {
            assert_eq!(stored(&given).unwrap(), expected);
        }
    }

    #[test]
    fn a_value_of_no_known_type_is_refused() {
        let mut deep = json!({"S": "x"});
        for _ in 0..40 {
            deep = json!({"L": [deep]});
        }
        for value in [
            json!({}),
            json!("x"),
            json!({"S": "a", "N": "1"}),
            json!({"X": "a"}),
            json!({"N": "one"}),
            json!({"N": 1}),
            json!({"B": "%"}),
            json!({"NULL": false}),
            json!({"SS": []}),
            json!({"SS": ["a", "a"]}),
            json!({"NS": ["1", "1.0"]}),
            json!({"L": [{"SS": []}]}),
            deep,
        ] {
            assert!(stored(&value).is_err(), "{value}");
        }
    }

    #[test]
    fn an_items_size_counts_names_and_values() {
        let item = json!({"pk": {"S": "abc"}, "n": {"N": "12345"}, "l": {"L": [{"BOOL": true}]}, "b": {"B": "AAEC"}});
        assert_eq!(item_bytes(item.as_object().unwrap()), 2 + 3 + 1 + 4 + 1 + 3 + 2 + 1 + 3);
    }
}
