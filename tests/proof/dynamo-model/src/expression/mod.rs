//! Expressions: their syntax, the placeholders that they use, and the checks that need no item.

pub(crate) mod condition;
pub(crate) mod key_condition;
mod parser;
pub(crate) mod path;
pub(crate) mod projection;
mod token;
pub(crate) mod update;

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::LazyLock;

use serde_json::{Map, Value};

use crate::Failure;
use crate::value::{Kind, kind, stored};

/// Expressions that are kept after parsing. A store has some hundreds, so the limit only bounds the memory of
/// generated ones.
const KEPT: usize = 20_000;
/// Bytes of an expression.
///
/// Source: Developer Guide, "Quotas in Amazon DynamoDB", section "Expression parameters".
const MAX_BYTES: usize = 4096;

/// An expression and the placeholders in it.
#[derive(Debug)]
pub(crate) struct Parsed<T> {
    pub(crate) syntax: T,
    pub(crate) placeholders: BTreeSet<String>,
}

/// Parsed expressions by their text. Parsing takes longer than evaluating, and a store's expressions repeat.
pub(crate) type Cache<T> = RefCell<HashMap<String, Rc<Parsed<T>>>>;

/// The expression of `text`, from the cache if it was parsed before.
pub(crate) fn cached<T>(
    cache: &'static std::thread::LocalKey<Cache<T>>,
    member: &str,
    text: &str,
    parse: fn(&mut parser::Parser<'_>) -> Result<T, String>,
) -> Result<Rc<Parsed<T>>, Failure> {
    if let Some(known) = cache.with_borrow(|cache| cache.get(text).cloned()) {
        return Ok(known);
    }
    let invalid = |why: String| Failure::validation(format!("Invalid {member}: {why}"));
    if text.trim().is_empty() {
        return Err(invalid("The expression can not be empty;".to_owned()));
    }
    if text.len() > MAX_BYTES {
        return Err(invalid("Expression size has exceeded the maximum allowed size;".to_owned()));
    }
    let mut parser = parser::Parser::new(text).map_err(invalid)?;
    let syntax = parse(&mut parser).map_err(invalid)?;
    let placeholders = parser.finish().map_err(invalid)?;
    let parsed = Rc::new(Parsed { syntax, placeholders });
    cache.with_borrow_mut(|cache| {
        if cache.len() >= KEPT {
            cache.clear();
        }
        cache.insert(text.to_owned(), Rc::clone(&parsed));
    });
    Ok(parsed)
}

/// The names and values that a request gives for placeholders.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Context<'r> {
    pub(crate) names: &'r Map<String, Value>,
    pub(crate) values: &'r Map<String, Value>,
}

static NOTHING: LazyLock<Map<String, Value>> = LazyLock::new(Map::new);

impl<'r> Context<'r> {
    /// The placeholders of a request.
    ///
    /// # Errors
    /// A `ValidationException` for an empty map, a malformed placeholder, or a value that is none.
    ///
    /// Source: Developer Guide, "Expression attribute names (aliases) in DynamoDB" and "Using expression
    /// attribute values in DynamoDB".
    pub(crate) fn of(request: &'r Map<String, Value>) -> Result<Self, Failure> {
        let names = placeholders(request, "ExpressionAttributeNames", '#')?;
        let values = placeholders(request, "ExpressionAttributeValues", ':')?;
        if names.values().any(|name| name.as_str().is_none_or(str::is_empty)) {
            return Err(Failure::validation("ExpressionAttributeNames contains invalid value"));
        }
        for value in values.values() {
            check_value(value)?;
        }
        Ok(Self { names, values })
    }

    /// Refuses placeholders that are used and not defined, or defined and used in none of the request's
    /// expressions.
    pub(crate) fn check_use(&self, used: &[&BTreeSet<String>]) -> Result<(), Failure> {
        for placeholder in used.iter().copied().flatten() {
            let (defined, what) = match placeholder.starts_with('#') {
                true => (self.names, "name"),
                false => (self.values, "value"),
            };
            if !defined.contains_key(placeholder) {
                let message = format!(
                    "Invalid expression: An expression attribute {what} used in the document path is not defined; \
                     attribute {what}: {placeholder}"
                );
                return Err(Failure::validation(message));
            }
        }
        for (defined, map) in
            [(self.names, "ExpressionAttributeNames"), (self.values, "ExpressionAttributeValues")]
        {
            if let Some(unused) = defined.keys().find(|name| !used.iter().any(|used| used.contains(*name))) {
                let message = format!("Value provided in {map} unused in expressions: keys: {{{unused}}}");
                return Err(Failure::validation(message));
            }
        }
        Ok(())
    }

    pub(crate) fn value(&self, placeholder: &str) -> Option<&'r Value> {
        self.values.get(placeholder)
    }

    pub(crate) fn kind(&self, placeholder: &str) -> Option<Kind> {
        self.value(placeholder).and_then(kind)
    }
}

/// Refuses what is no attribute value. Most values are short texts and numbers, which need no copy.
fn check_value(value: &Value) -> Result<(), Failure> {
    match crate::value::typed(value) {
        Some((Kind::S, Value::String(_)) | (Kind::Bool, Value::Bool(_))) => Ok(()),
        _ => stored(value).map(drop),
    }
}

fn placeholders<'r>(
    request: &'r Map<String, Value>,
    member: &str,
    sign: char,
) -> Result<&'r Map<String, Value>, Failure> {
    let map = match request.get(member) {
        None | Some(Value::Null) => return Ok(&NOTHING),
        Some(Value::Object(map)) => map,
        Some(_) => return Err(Failure::validation(format!("{member} is not a map"))),
    };
    if map.is_empty() {
        return Err(Failure::validation(format!("{member} must not be empty")));
    }
    let sound = |name: &String| {
        name.strip_prefix(sign).is_some_and(|rest| {
            !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        })
    };
    match map.keys().find(|name| !sound(name)) {
        Some(name) => {
            Err(Failure::validation(format!("{member} contains invalid key: Syntax error; key: \"{name}\"")))
        }
        None => Ok(map),
    }
}
