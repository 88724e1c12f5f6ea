//! JSON of requests: parsed so that every client means what the server reads.
//!
//! JSON leaves open what a repeated name means, and most parsers keep one of the values. Here it is refused.
//! Numbers are compared and typed by value, as JSON Schema does: `1000.0` and `1e3` are the integer 1000.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;

use axum::http::StatusCode;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Serialize, Serializer};
use serde_json::error::Category;
use serde_json::{Map, Number, Value};
use serde_path_to_error::Segment;

use crate::problem::Problem;

/// Largest magnitude up to which every integer is a distinct floating-point number, 2^53.
const MAX_EXACT: f64 = 9_007_199_254_740_992.0;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Parses a body: one JSON value in UTF-8, in which no object repeats a name.
pub(crate) fn parse(bytes: &[u8]) -> Result<Value, Problem> {
    if bytes.starts_with(BYTE_ORDER_MARK) {
        let message = "The body starts with a byte order mark: send JSON without it";
        return Err(Problem::invalid("", "invalid_json", message));
    }
    if std::str::from_utf8(bytes).is_err() {
        return Err(Problem::new(StatusCode::BAD_REQUEST, "invalid_json", "The body is not valid UTF-8"));
    }
    let place = Place::default();
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let parsed = Reader(&place).deserialize(&mut deserializer);
    let parsed = parsed.and_then(|value| deserializer.end().map(|()| value));
    parsed.map_err(|error| place.refuse(&error))
}

/// Parses a body that must be a JSON object, as a request of type `T`.
pub(crate) fn parse_object<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    read_object(parse(bytes)?)
}

/// Parses the body of a request that may go without one; `T::default()` for an empty body and for `null`.
pub(crate) fn parse_optional<T: DeserializeOwned + Default>(bytes: &[u8]) -> Result<T, Problem> {
    if bytes.is_empty() {
        return Ok(T::default());
    }
    match parse(bytes)? {
        Value::Null => Ok(T::default()),
        value => read_object(value),
    }
}

/// A text that two bodies share if they are the same JSON value. `None` for a body that is not valid.
pub(crate) fn canonical(bytes: &[u8]) -> Option<String> {
    match parse(bytes).ok()? {
        // A body that may be left out may also be `null`.
        Value::Null => Some(String::new()),
        value => serde_json::to_string(&Canonical(&value)).ok(),
    }
}

fn read_object<T: DeserializeOwned>(value: Value) -> Result<T, Problem> {
    if !value.is_object() {
        return Err(Problem::invalid("", "invalid_type", "The body must be a JSON object"));
    }
    serde_path_to_error::deserialize(value)
        .map_err(|error| refuse_type(pointer(error.path()), &error.into_inner().to_string()))
}

/// The location that a parser has come to.
#[derive(Debug, Default)]
struct Place {
    /// The names and indices that lead to the current value. They stay where an error has occurred.
    path: RefCell<Vec<String>>,
    /// Set if the error is a repeated name.
    is_repeated: Cell<bool>,
}

impl Place {
    fn enter(&self, step: String) {
        self.path.borrow_mut().push(step);
    }

    fn leave(&self) {
        self.path.borrow_mut().pop();
    }

    /// The problem for a body that cannot be parsed.
    fn refuse(&self, error: &serde_json::Error) -> Problem {
        let pointer: String = self.path.borrow().iter().map(|step| format!("/{}", escape(step))).collect();
        let subject = subject(&pointer);
        if self.is_repeated.get() {
            let message = format!("{subject} is given more than once");
            return Problem::invalid(pointer, "duplicate_field", message);
        }
        // The parser tells its errors apart in words only.
        let text = error.to_string();
        let is = |words: &str| text.starts_with(words);
        if is("lone leading surrogate") || is("unexpected end of hex escape") {
            let message = format!("{subject} has one half of a surrogate pair, which is no character");
            return Problem::invalid(pointer, "invalid_json", message);
        }
        if is("number out of range") {
            let message = format!("{subject} is a number that is out of range");
            return Problem::invalid(pointer, "invalid_type", message);
        }
        let message = if is("recursion limit") {
            "The body is nested too deeply".to_owned()
        } else if error.classify() == Category::Eof {
            "The body is not valid JSON: it ends too early".to_owned()
        } else {
            format!("The body is not valid JSON: see line {}, column {}", error.line(), error.column())
        };
        Problem::new(StatusCode::BAD_REQUEST, "invalid_json", message)
    }
}

/// Reads one value of any type.
struct Reader<'a>(&'a Place);

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(number(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let Self(place) = self;
        let mut array = Vec::new();
        place.enter("0".to_owned());
        while let Some(item) = items.next_element_seed(Reader(place))? {
            array.push(item);
            place.leave();
            place.enter(array.len().to_string());
        }
        place.leave();
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let Self(place) = self;
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            place.enter(name.clone());
            if object.contains_key(&name) {
                place.is_repeated.set(true);
                return Err(A::Error::custom("repeated name"));
            }
            object.insert(name, members.next_value_seed(Reader(place))?);
            place.leave();
        }
        Ok(Value::Object(object))
    }
}

/// A number with a fraction or an exponent. It is an integer if its value is one.
fn number(value: f64) -> Value {
    if value.fract() == 0.0 && value.abs() <= MAX_EXACT {
        // The check above makes the conversion exact.
        return Value::from(value as i64);
    }
    Number::from_f64(value).map_or(Value::Null, Value::Number)
}

/// Writes a value with the names of every object in order.
struct Canonical<'a>(&'a Value);

impl Serialize for Canonical<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Object(object) => {
                let sorted: BTreeMap<&String, Canonical<'_>> =
                    object.iter().map(|(name, value)| (name, Canonical(value))).collect();
                serializer.collect_map(sorted)
            }
            Value::Array(array) => serializer.collect_seq(array.iter().map(Canonical)),
            value => value.serialize(serializer),
        }
    }
}

/// The problem for a value of a type, or a field, that the request does not have. `text` is the parser's
/// message, of which no word reaches the client.
fn refuse_type(pointer: String, text: &str) -> Problem {
    let quoted = text.split('`').nth(1).unwrap_or_default();
    let member = |name: &str| match pointer.ends_with(&format!("/{}", escape(name))) {
        true => pointer.clone(),
        false => format!("{pointer}/{}", escape(name)),
    };
    if text.starts_with("unknown field") {
        return Problem::invalid(member(quoted), "unknown_field", format!("Unknown field {quoted}"));
    }
    if text.starts_with("duplicate field") {
        // Repeated names are refused before, so these are two spellings of one field.
        let message = format!("{quoted} is given in two spellings: send one of them");
        return Problem::invalid(member(quoted), "duplicate_field", message);
    }
    if text.starts_with("missing field") {
        return Problem::invalid(member(quoted), "field_required", format!("{quoted} is required"));
    }
    let subject = subject(&pointer);
    let is_whole = quoted.parse::<f64>().is_ok_and(|number| number.fract() == 0.0);
    let message = match expected_type(text) {
        Some("an integer") if is_whole => format!("{subject} is out of range"),
        Some(kind) => format!("{subject} must be {kind}"),
        None => format!("{subject} has a wrong type"),
    };
    Problem::invalid(pointer, "invalid_type", message)
}

/// The type that a field has, in words for people.
fn expected_type(text: &str) -> Option<&'static str> {
    let (_, expected) = text.rsplit_once("expected ")?;
    match expected {
        "a string" | "string" => Some("a string"),
        "a boolean" => Some("true or false"),
        "i8" | "i16" | "i32" | "i64" | "u8" | "u16" | "u32" | "u64" | "usize" => Some("an integer"),
        "a sequence" => Some("an array"),
        "a map" => Some("an object"),
        other if other.starts_with("struct ") => Some("an object"),
        _ => None,
    }
}

/// The place in words: the pointer without its first slash.
fn subject(pointer: &str) -> &str {
    pointer.strip_prefix('/').unwrap_or("The body")
}

/// Converts a path to a JSON pointer (RFC 6901), which is empty for the body as a whole.
fn pointer(path: &serde_path_to_error::Path) -> String {
    path.iter()
        .filter_map(|segment| match segment {
            Segment::Seq { index } => Some(format!("/{index}")),
            Segment::Map { key } => Some(format!("/{}", escape(key))),
            Segment::Enum { variant } => Some(format!("/{}", escape(variant))),
            Segment::Unknown => None,
        })
        .collect()
}

fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Default, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only parsed")]
    struct Item {
        size: Option<i64>,
    }

    #[derive(Debug, Default, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only parsed")]
    struct Body {
        count: Option<i64>,
        small: Option<i32>,
        sure: Option<bool>,
        text: Option<String>,
        #[serde(rename = "agentId", alias = "agent_id")]
        agent_id: Option<String>,
        vars: Option<BTreeMap<String, String>>,
        items: Option<Vec<Item>>,
    }

    fn check(body: impl AsRef<[u8]>, code: &str, field: Option<&str>, message: &str) {
        let body = body.as_ref();
        let problem = parse_object::<Body>(body).unwrap_err();
        let shown = String::from_utf8_lossy(body).chars().take(60).collect::<String>();
        let got = (problem.status, problem.code.as_ref(), problem.field.as_deref(), problem.message.as_str());
        assert_eq!(got, (StatusCode::BAD_REQUEST, code, field, message), "{shown}");
    }

    #[test]
    fn a_body_that_is_no_json_is_refused_in_plain_words() {
        let early = "The body is not valid JSON: it ends too early";
        check("", "invalid_json", None, early);
        check("{", "invalid_json", None, early);
        check(r#"{"text": "a"#, "invalid_json", None, early);
        check("{} {}", "invalid_json", None, "The body is not valid JSON: see line 1, column 4");
        check(
            "{\n \"count\": NaN}",
            "invalid_json",
            None,
            "The body is not valid JSON: see line 2, column 11",
        );
        check(b"\xff\xfe", "invalid_json", None, "The body is not valid UTF-8");
        let mark = "The body starts with a byte order mark: send JSON without it";
        check(b"\xef\xbb\xbf{}", "invalid_json", Some(""), mark);
        for half in [r"\ud83c b", r"\udf89 b", r"\ud83c\n", r"\ud83c\ud83c", r"\ud83c"] {
            let message = "text has one half of a surrogate pair, which is no character";
            check(format!(r#"{{"text": "a {half}"}}"#), "invalid_json", Some("/text"), message);
        }
        let deep = format!(r#"{{"vars": {}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
        check(deep, "invalid_json", None, "The body is nested too deeply");
    }

    #[test]
    fn a_body_must_be_an_object() {
        for body in ["[]", "[1, null]", "null", "1", "\"text\"", "true", " [] "] {
            check(body, "invalid_type", Some(""), "The body must be a JSON object");
        }
    }

    #[test]
    fn a_repeated_name_is_refused_at_every_depth() {
        for (body, field) in [
            (r#"{"text": "a", "text": "a"}"#, "/text"),
            (r#"{"nothing": 1, "nothing": 2}"#, "/nothing"),
            (r#"{"vars": {"a/b": "1", "a\u002fb": "2"}}"#, "/vars/a~1b"),
            (r#"{"items": [{}, {"size": 1, "size": 1}]}"#, "/items/1/size"),
        ] {
            check(body, "duplicate_field", Some(field), &format!("{} is given more than once", &field[1..]));
        }
        let both = r#"{"agentId": "a", "agent_id": "a"}"#;
        let message = "agentId is given in two spellings: send one of them";
        check(both, "duplicate_field", Some("/agentId"), message);
    }

    #[test]
    fn a_value_of_a_wrong_type_is_refused_in_plain_words() {
        for (body, field, message) in [
            (r#"{"count": "1"}"#, "/count", "count must be an integer"),
            (r#"{"count": 1000.5}"#, "/count", "count must be an integer"),
            (r#"{"count": 9223372036854775808}"#, "/count", "count is out of range"),
            (r#"{"count": 1e20}"#, "/count", "count is out of range"),
            (r#"{"count": 1e999}"#, "/count", "count is a number that is out of range"),
            (r#"{"small": 2147483648}"#, "/small", "small is out of range"),
            (r#"{"sure": "true"}"#, "/sure", "sure must be true or false"),
            (r#"{"text": 1}"#, "/text", "text must be a string"),
            (r#"{"vars": []}"#, "/vars", "vars must be an object"),
            (r#"{"vars": {"a/b": 1}}"#, "/vars/a~1b", "vars/a~1b must be a string"),
            (r#"{"items": {}}"#, "/items", "items must be an array"),
            (r#"{"items": [{"size": {}}]}"#, "/items/0/size", "items/0/size must be an integer"),
            (r#"{"items": [1]}"#, "/items/0", "items/0 must be an object"),
        ] {
            check(body, "invalid_type", Some(field), message);
        }
        check(r#"{"balance": 1}"#, "unknown_field", Some("/balance"), "Unknown field balance");
        check(r#"{"items": [{"x": 1}]}"#, "unknown_field", Some("/items/0/x"), "Unknown field x");
    }

    #[test]
    fn a_number_whose_value_is_an_integer_is_one() {
        for (text, count) in [
            ("1000", 1000),
            ("1000.0", 1000),
            ("1e3", 1000),
            ("10.5e1", 105),
            ("-0.0", 0),
            ("9007199254740992.0", 9_007_199_254_740_992),
            ("9223372036854775807", i64::MAX),
        ] {
            #[derive(Deserialize)]
            struct Count {
                count: i64,
            }
            let body = format!(r#"{{"count": {text}}}"#);
            assert_eq!(parse_object::<Count>(body.as_bytes()).unwrap().count, count, "{text}");
        }
    }

    #[test]
    fn no_body_and_null_are_the_default() {
        for body in ["", "null", " null "] {
            assert!(parse_optional::<Body>(body.as_bytes()).unwrap().text.is_none(), "{body:?}");
        }
        for body in [" ", "[]", "1"] {
            assert!(parse_optional::<Body>(body.as_bytes()).is_err(), "{body:?}");
        }
    }

    #[test]
    fn one_value_in_two_notations_has_one_canonical_text() {
        let one = |body: &str| canonical(body.as_bytes());
        let text = one(r#"{"b": [1000, {"d": "é", "c": null}], "a": true}"#);
        assert_eq!(text.as_deref(), Some(r#"{"a":true,"b":[1000,{"c":null,"d":"é"}]}"#));
        assert_eq!(text, one(r#" {"a":true,"b":[1e3,{"c":null,"d":"\u00e9"}]}"#));
        assert_ne!(text, one(r#"{"a": true, "b": [{"c": null, "d": "é"}, 1000]}"#));
        assert_ne!(one(r#"{"a": "1"}"#), one(r#"{"a": 1}"#));
        assert_ne!(one(r#"{"a": 9007199254740993}"#), one(r#"{"a": 9007199254740992.0}"#));
        assert_eq!(one("null").as_deref(), Some(""));
        assert_eq!(one("{"), None);
    }
}
