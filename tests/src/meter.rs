//! The write units of each item, computed by DynamoDB's published rules.
//!
//! The embedded DynamoDB reports the consumption of reads, but not of transactions, and no DynamoDB splits
//! the consumption of a transaction by item.

use clorp_sam::{IndexSpec, Projection, TableSpec};
use serde_json::{Map, Value};

const KB: usize = 1024;

/// Write units consumed by one item, or by its entry in an index.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Charge {
    /// Kind of the item: the part of its sort key before the first `#`.
    pub item: String,
    /// The index, if the charge is for an index entry.
    pub index: Option<String>,
    /// Write units.
    pub units: usize,
    /// Size of the item or entry in bytes, before or after the write, whichever is larger.
    pub bytes: usize,
}

/// An item in DynamoDB's JSON.
pub type Item = Map<String, Value>;

/// Charges for changing an item from `before` to `after`. A transaction doubles the item's units, but not
/// those of its index entries.
pub fn charges(
    table: &TableSpec,
    transaction: bool,
    before: Option<&Item>,
    after: Option<&Item>,
) -> Vec<Charge> {
    let item = kind(after.or(before));
    let bytes = larger(before, after);
    let units = units(bytes) * if transaction { 2 } else { 1 };
    let mut charges = vec![Charge { item: item.clone(), index: None, units, bytes }];
    for index in &table.indexes {
        let (old, new) = (entry(table, index, before), entry(table, index, after));
        let units = entry_units(index, old.as_ref(), new.as_ref());
        if units > 0 {
            let bytes = larger(old.as_ref(), new.as_ref());
            charges.push(Charge { item: item.clone(), index: Some(index.name.clone()), units, bytes });
        }
    }
    charges
}

fn kind(item: Option<&Item>) -> String {
    let sort_key = item.and_then(|item| item["sk"]["S"].as_str()).unwrap_or("(absent)");
    sort_key.split('#').next().unwrap_or(sort_key).to_owned()
}

fn entry_units(index: &IndexSpec, old: Option<&Item>, new: Option<&Item>) -> usize {
    match (old, new) {
        (None, None) => 0,
        (Some(one), None) | (None, Some(one)) => units(size(one)),
        (Some(old), Some(new)) if old == new => 0,
        (Some(old), Some(new)) => {
            let key = |item: &Item| (item.get(&index.key.hash).cloned(), range(index, item));
            // An entry whose key changes is deleted and written again.
            if key(old) == key(new) {
                units(larger(Some(old), Some(new)))
            } else {
                units(size(old)) + units(size(new))
            }
        }
    }
}

fn range(index: &IndexSpec, item: &Item) -> Option<Value> {
    index.key.range.as_ref().and_then(|name| item.get(name).cloned())
}

/// The item's entry in an index, if the item has the index's keys.
fn entry(table: &TableSpec, index: &IndexSpec, item: Option<&Item>) -> Option<Item> {
    let item = item?;
    let keys =
        [Some(&index.key.hash), index.key.range.as_ref(), Some(&table.key.hash), table.key.range.as_ref()];
    let keys: Vec<&String> = keys.into_iter().flatten().collect();
    if !keys.iter().all(|name| item.contains_key(*name)) {
        return None;
    }
    let projected = |name: &String| match &index.projection {
        Projection::All => true,
        Projection::KeysOnly => keys.contains(&name),
        Projection::Include(names) => keys.contains(&name) || names.contains(name),
    };
    Some(item.iter().filter(|(name, _)| projected(name)).map(|(n, v)| (n.clone(), v.clone())).collect())
}

fn units(bytes: usize) -> usize {
    bytes.div_ceil(KB).max(1)
}

fn larger(before: Option<&Item>, after: Option<&Item>) -> usize {
    before.map_or(0, size).max(after.map_or(0, size))
}

/// Size of an item in bytes, names and values together.
pub fn size(item: &Item) -> usize {
    item.iter().map(|(name, value)| name.len() + value_size(value)).sum()
}

fn value_size(value: &Value) -> usize {
    let Some((kind, value)) = value.as_object().and_then(|value| value.iter().next()) else {
        panic!("not an attribute: {value}");
    };
    match (kind.as_str(), value) {
        ("S", Value::String(text)) => text.len(),
        ("N", Value::String(digits)) => digits.len().div_ceil(2) + 1,
        ("B", Value::String(base64)) => base64.trim_end_matches('=').len() * 3 / 4,
        ("BOOL" | "NULL", _) => 1,
        ("SS", Value::Array(words)) => words.iter().filter_map(Value::as_str).map(str::len).sum(),
        ("L", Value::Array(items)) => 3 + items.iter().map(|item| 1 + value_size(item)).sum::<usize>(),
        ("M", Value::Object(map)) => 3 + map.len() + size(map),
        _ => panic!("unknown size of a {kind}"),
    }
}
