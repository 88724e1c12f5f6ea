//! Names and values that programs use: few of each, so that programs meet them again.

use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use serde_json::{Value, json};

/// The keys of items.
pub(crate) const KEYS: [(&str, &str); 4] = [("A", "1"), ("A", "2"), ("A", "10"), ("B", "1")];

/// Attributes with the type that they usually have.
const ATTRIBUTES: [(&str, &str); 23] = [
    ("n", "N"),
    ("m", "N"),
    ("price_cents", "N"),
    ("n", "N"),
    ("s", "S"),
    ("status", "S"),
    ("winner_id", "S"),
    ("flag", "BOOL"),
    ("words", "SS"),
    ("nums", "NS"),
    ("line", "L"),
    ("tree", "M"),
    ("tree", "M"),
    ("blob", "B"),
    ("nothing", "NULL"),
    ("sender_id", "S"),
    ("board", "S"),
    ("newest", "S"),
    ("closing", "S"),
    ("directory", "S"),
    ("by_wins", "N"),
    ("pending", "S"),
    ("pending_at", "S"),
];

/// Paths below an attribute, with the usual type of the value there.
const NESTED: [(&str, &str); 12] = [
    ("tree.x", "N"),
    ("tree.y", "S"),
    ("tree.leaf.z", "N"),
    ("tree.leaf", "M"),
    ("tree.gone", "N"),
    ("tree.line[0]", "S"),
    ("line[0]", "S"),
    ("line[1]", "N"),
    ("line[7]", "S"),
    ("line[2].x", "N"),
    ("lost.x", "N"),
    ("s.x", "S"),
];

/// Types of attribute values.
const TYPES: [&str; 10] = ["S", "N", "N", "BOOL", "NULL", "SS", "NS", "L", "M", "B"];

const NUMBERS: [&str; 16] = [
    "0",
    "1",
    "2",
    "-1",
    "3",
    "5",
    "1.5",
    "1.50",
    "10",
    "1e1",
    "-0.25",
    "100",
    "123456789012345678",
    "99999999999999999999999999999999999999",
    "1E-30",
    "1E100",
];
const TEXTS: [&str; 12] = ["", "a", "b", "ab", "abc", "b~", "é", "Z", "open", "1", "10", "t2"];
const BYTES: [&str; 4] = ["", "AQ==", "AQL/", "/w=="];

/// An element of a list that is not empty.
pub(crate) fn pick<T: Copy>(rng: &mut StdRng, all: &[T]) -> T {
    all.choose(rng).copied().unwrap_or(all[0])
}

/// True once in `times`.
pub(crate) fn once_in(rng: &mut StdRng, times: u32) -> bool {
    rng.random_range(0..times) == 0
}

/// An attribute, and a value that usually has its type.
pub(crate) fn attribute(rng: &mut StdRng) -> (String, Value) {
    let (name, kind) = pick(rng, &ATTRIBUTES);
    (name.to_owned(), value(rng, name, kind))
}

/// A path, and a value that usually has the type of the one there.
pub(crate) fn path(rng: &mut StdRng) -> (String, Value) {
    if once_in(rng, 3) {
        let (path, kind) = pick(rng, &NESTED);
        return (path.to_owned(), value(rng, path, kind));
    }
    if once_in(rng, 8) {
        return ("lost".to_owned(), any(rng));
    }
    attribute(rng)
}

/// The usual type of the value at a path.
pub(crate) fn usual(path: &str) -> &'static str {
    let known = ATTRIBUTES.iter().chain(&NESTED).find(|(name, _)| *name == path);
    known.map_or("S", |(_, kind)| kind)
}

fn value(rng: &mut StdRng, path: &str, kind: &str) -> Value {
    let of_index =
        ["sender_id", "board", "newest", "closing", "directory", "by_wins", "pending", "pending_at"];
    if of_index.contains(&path) {
        // A wrong type or an empty text is refused for an index's key, so few programs use one.
        if once_in(rng, 25) {
            return any(rng);
        }
        return match kind {
            "N" => json!({ "N": pick(rng, &["1", "2", "10", "2.5"]) }),
            _ => json!({ "S": pick(rng, &["a", "b", "t1", "t10", "t2"]) }),
        };
    }
    let kind = if once_in(rng, 12) { pick(rng, &TYPES) } else { kind };
    of_type(rng, kind, 2)
}

/// A value of any type.
pub(crate) fn any(rng: &mut StdRng) -> Value {
    let kind = pick(rng, &TYPES);
    of_type(rng, kind, 2)
}

/// A value of this type, with at most `depth` levels below it.
pub(crate) fn of_type(rng: &mut StdRng, kind: &str, depth: u32) -> Value {
    match kind {
        "S" => json!({ "S": pick(rng, &TEXTS) }),
        "N" => json!({ "N": pick(rng, &NUMBERS) }),
        "B" => json!({ "B": pick(rng, &BYTES) }),
        "BOOL" => json!({ "BOOL": once_in(rng, 2) }),
        "NULL" => json!({ "NULL": true }),
        "SS" => json!({ "SS": some(rng, &["a", "b", "ab", "open"]) }),
        "NS" => json!({ "NS": some(rng, &["1", "2", "10", "1.5"]) }),
        "L" => {
            let length = if depth == 0 { 0 } else { rng.random_range(0..4) };
            let kinds: Vec<&str> = (0..length).map(|_| pick(rng, &["S", "N", "M", "S", "L"])).collect();
            let members: Vec<Value> = kinds.into_iter().map(|kind| of_type(rng, kind, depth - 1)).collect();
            json!({ "L": members })
        }
        _ => {
            let mut members = serde_json::Map::new();
            for (name, kind) in [("x", "N"), ("y", "S"), ("leaf", "M"), ("z", "N"), ("line", "L")] {
                if depth > 0 && once_in(rng, 2) {
                    members.insert(name.to_owned(), of_type(rng, kind, depth - 1));
                }
            }
            json!({ "M": members })
        }
    }
}

/// Some of these, at least one.
fn some(rng: &mut StdRng, all: &[&str]) -> Vec<String> {
    let mut some: Vec<String> =
        all.iter().filter(|_| once_in(rng, 2)).map(|text| (*text).to_owned()).collect();
    if some.is_empty() {
        some.push(pick(rng, all).to_owned());
    }
    some
}
