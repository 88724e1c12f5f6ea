//! Members of requests.

use std::rc::Rc;

use serde_json::{Map, Value};

use crate::Failure;
use crate::expression::condition::{self, Condition};
use crate::expression::{Context, Parsed};

/// The members of a request, or of an action in one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request<'r>(pub(crate) &'r Map<String, Value>);

impl<'r> Request<'r> {
    /// The members of `value`. Fails if there is one that is not `known`.
    pub(crate) fn new(what: &str, value: &'r Value, known: &[&str]) -> Result<Self, Failure> {
        let Value::Object(map) = value else {
            return Err(Failure::named(400, "SerializationException", "Start of structure or map expected"));
        };
        match map.keys().find(|name| !known.contains(&name.as_str())) {
            Some(name) => Err(Failure::unmodelled(format_args!("{name} of {what}"))),
            None => Ok(Self(map)),
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&'r Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    pub(crate) fn text(&self, name: &str) -> Result<Option<&'r str>, Failure> {
        self.typed(name, Value::as_str)
    }

    pub(crate) fn flag(&self, name: &str) -> Result<Option<bool>, Failure> {
        self.typed(name, Value::as_bool)
    }

    pub(crate) fn map(&self, name: &str) -> Result<&'r Map<String, Value>, Failure> {
        let missing = || {
            Failure::validation(format!(
                "1 validation error detected: Value null at '{name}' must not be null"
            ))
        };
        self.typed(name, Value::as_object)?.ok_or_else(missing)
    }

    pub(crate) fn list(&self, name: &str) -> Result<&'r [Value], Failure> {
        let missing = || {
            Failure::validation(format!(
                "1 validation error detected: Value null at '{name}' must not be null"
            ))
        };
        self.typed(name, Value::as_array)?.map(Vec::as_slice).ok_or_else(missing)
    }

    /// The page size that the request asks for.
    pub(crate) fn limit(&self) -> Result<Option<usize>, Failure> {
        match self.typed("Limit", Value::as_i64)? {
            Some(limit) if limit < 1 => Err(Failure::validation("Limit must be greater than or equal to 1")),
            Some(limit) => Ok(usize::try_from(limit).ok()),
            None => Ok(None),
        }
    }

    /// The word of a closed set.
    pub(crate) fn word(&self, name: &str, known: &[&'static str]) -> Result<Option<&'static str>, Failure> {
        let Some(word) = self.text(name)? else { return Ok(None) };
        let refused =
            || Failure::validation(format!("Value '{word}' at '{name}' failed to satisfy constraint"));
        known.iter().find(|known| **known == word).copied().map(Some).ok_or_else(refused)
    }

    fn typed<T>(&self, name: &str, read: impl Fn(&'r Value) -> Option<T>) -> Result<Option<T>, Failure> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let wrong = || Failure::named(400, "SerializationException", &format!("{name} has the wrong type"));
        read(value).map(Some).ok_or_else(wrong)
    }

    /// Refuses another table, and consumption words that are none. Consumption itself is not modelled: an
    /// answer has no `ConsumedCapacity`.
    pub(crate) fn check_table(&self, table: &str) -> Result<(), Failure> {
        self.word("ReturnConsumedCapacity", &["NONE", "TOTAL", "INDEXES"])?;
        match self.text("TableName")? {
            None => Err(Failure::validation("Value null at 'tableName' failed to satisfy constraint")),
            Some(name) if name == table => Ok(()),
            // An ARN names a table too, which no caller here uses.
            Some(_) => Err(Failure::named(400, "ResourceNotFoundException", "Requested resource not found")),
        }
    }

    /// The condition in the member `name`, if there is one.
    pub(crate) fn condition(&self, name: &str) -> Result<Option<Rc<Parsed<Condition>>>, Failure> {
        self.text(name)?.map(|text| condition::parse(name, text)).transpose()
    }

    pub(crate) fn context(&self) -> Result<Context<'r>, Failure> {
        Context::of(self.0)
    }
}
