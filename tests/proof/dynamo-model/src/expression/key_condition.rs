//! Key conditions: the partition that a query reads, and the range of its sort keys.

use super::condition::{Comparator, Condition, Operand};
use super::path::Path;
use super::{Context, Parsed};
use crate::Failure;
use crate::key::{KeyValue, key_value};
use crate::shape::{KeyAttribute, KeyShape};

/// The part of a table or of an index that a query reads.
#[derive(Debug)]
pub(crate) struct KeyRange {
    pub(crate) hash: KeyValue,
    pub(crate) sort: Sort,
}

/// The sort keys that a query reads.
#[derive(Debug)]
pub(crate) enum Sort {
    All,
    Compare(Comparator, KeyValue),
    Between(KeyValue, KeyValue),
    BeginsWith(KeyValue),
}

impl Sort {
    pub(crate) fn accepts(&self, key: Option<&KeyValue>) -> bool {
        let Some(key) = key else { return matches!(self, Self::All) };
        match self {
            Self::All => true,
            Self::Compare(comparator, bound) => match comparator {
                Comparator::Equal => key == bound,
                Comparator::Less => key < bound,
                Comparator::LessOrEqual => key <= bound,
                Comparator::Greater => key > bound,
                Comparator::GreaterOrEqual => key >= bound,
                Comparator::NotEqual => false,
            },
            Self::Between(low, high) => low <= key && key <= high,
            Self::BeginsWith(prefix) => key.begins_with(prefix),
        }
    }

    /// A key before which there is none of the range.
    pub(crate) fn low(&self) -> Option<&KeyValue> {
        match self {
            Self::All | Self::Compare(Comparator::Less | Comparator::LessOrEqual, _) => None,
            Self::Compare(_, bound) => Some(bound),
            Self::Between(low, _) => Some(low),
            Self::BeginsWith(prefix) => Some(prefix),
        }
    }

    /// A key behind which there is none of the range.
    pub(crate) fn high(&self) -> KeyValue {
        match self {
            Self::All | Self::Compare(Comparator::Greater | Comparator::GreaterOrEqual, _) => KeyValue::Last,
            Self::Compare(_, bound) => bound.clone(),
            Self::Between(_, high) => high.clone(),
            Self::BeginsWith(prefix) => prefix.behind_prefix(),
        }
    }
}

/// The range that a key condition names: equality for the partition key, and at most one condition of the
/// sort key.
///
/// Source: Developer Guide, "Key condition expressions for the Query operation in DynamoDB".
pub(crate) fn range(
    parsed: &Parsed<Condition>,
    shape: &KeyShape,
    context: &Context,
) -> Result<KeyRange, Failure> {
    let unsupported = || Failure::validation("Query key condition not supported");
    let parts = match &parsed.syntax {
        Condition::And(a, b) => vec![&**a, &**b],
        one => vec![one],
    };
    let named = |attribute: &KeyAttribute| {
        parts
            .iter()
            .copied()
            .filter(|part| {
                path(part)
                    .is_some_and(|path| path.is_top_level() && path.root(context.names) == attribute.name)
            })
            .collect::<Vec<_>>()
    };
    let [hash] = named(&shape.hash)[..] else {
        let message = format!("Query condition missed key schema element: {}", shape.hash.name);
        return Err(Failure::validation(message));
    };
    let Condition::Compare(_, Comparator::Equal, bound) = hash else { return Err(unsupported()) };
    let hash = literal(bound, &shape.hash, context)?;
    let sort = match (&shape.range, parts.len()) {
        (_, 1) => Sort::All,
        (Some(attribute), _) => {
            let [part] = named(attribute)[..] else {
                let message = format!("Query condition missed key schema element: {}", attribute.name);
                return Err(Failure::validation(message));
            };
            sort(part, attribute, context)?
        }
        (None, _) => return Err(unsupported()),
    };
    Ok(KeyRange { hash, sort })
}

fn sort(part: &Condition, attribute: &KeyAttribute, context: &Context) -> Result<Sort, Failure> {
    let literal = |operand| literal(operand, attribute, context);
    match part {
        Condition::Compare(_, Comparator::NotEqual, _) => {
            Err(Failure::validation("Invalid operator used in KeyConditionExpression: <>"))
        }
        Condition::Compare(_, comparator, bound) => Ok(Sort::Compare(*comparator, literal(bound)?)),
        Condition::Between(_, low, high) => Ok(Sort::Between(literal(low)?, literal(high)?)),
        Condition::BeginsWith(_, prefix) => match literal(prefix)? {
            KeyValue::N(_) => Err(Failure::validation(
                "Invalid KeyConditionExpression: Incorrect operand type for begins_with",
            )),
            prefix => Ok(Sort::BeginsWith(prefix)),
        },
        _ => Err(Failure::validation("Query key condition not supported")),
    }
}

fn path(condition: &Condition) -> Option<&Path> {
    match condition {
        Condition::Compare(Operand::Path(path), ..)
        | Condition::Between(Operand::Path(path), ..)
        | Condition::BeginsWith(Operand::Path(path), _) => Some(path),
        _ => None,
    }
}

fn literal(operand: &Operand, attribute: &KeyAttribute, context: &Context) -> Result<KeyValue, Failure> {
    let Operand::Value(name) = operand else {
        return Err(Failure::validation("Invalid KeyConditionExpression: the operand must be a value"));
    };
    let value = context.value(name).and_then(|value| key_value(value, attribute.kind));
    let value = value.ok_or_else(|| {
        let message =
            "One or more parameter values were invalid: Condition parameter type does not match schema type";
        Failure::validation(message)
    })?;
    match value {
        KeyValue::S(text) if text.is_empty() => Err(Failure::validation(format!(
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an \
             empty string value. Key: {}",
            attribute.name
        ))),
        value => Ok(value),
    }
}
