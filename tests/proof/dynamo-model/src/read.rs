//! Reads: `GetItem`, `BatchGetItem`, `Query` and `Scan`.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::expression::condition::{self, Condition};
use crate::expression::key_condition::{KeyRange, range};
use crate::expression::path::{Part, project};
use crate::expression::{Context, Parsed, projection};
use crate::key::{Key, KeyValue, Place};
use crate::request::Request;
use crate::shape::{IndexShape, KeyAttribute, TableShape};
use crate::storage::{Entry, Storage};
use crate::transaction::projected;
use crate::value::item_bytes;
use crate::{Failure, Item, Lag};

/// Items in one `BatchGetItem`.
const MAX_BATCH: usize = 100;
/// Bytes of the items that one `BatchGetItem` answers.
const BATCH_BYTES: usize = 16 * 1024 * 1024;
/// Bytes of the items that one page of a query or a scan looks at, before its filter.
///
/// Source: API Reference, "Query" and "Scan".
const PAGE_BYTES: usize = 1024 * 1024;

/// The version of an item that a read sees: the newest, or the one before it where `lag` says so.
fn seen<'s>(storage: &Storage, key: &Key, entry: &'s Entry, lag: &mut Option<Lag>) -> Option<&'s Arc<Item>> {
    let late = lag.as_mut().is_some_and(|lag| {
        let range = key.range.as_ref().map(KeyValue::text).unwrap_or_default();
        lag(&key.hash.text(), &range, storage.age(entry))
    });
    if late { entry.previous.as_ref() } else { entry.current.as_ref() }
}

/// Source: API Reference, "GetItem".
pub(crate) fn get(
    request: &Value,
    shape: &TableShape,
    storage: &Storage,
    lag: &mut Option<Lag>,
) -> Result<Value, Failure> {
    let known = [
        "TableName",
        "Key",
        "ConsistentRead",
        "ProjectionExpression",
        "ExpressionAttributeNames",
        "ReturnConsumedCapacity",
    ];
    let request = Request::new("GetItem", request, &known)?;
    request.check_table(&shape.name)?;
    let key = shape.request_key(request.map("Key")?)??;
    let consistent = request.flag("ConsistentRead")?.unwrap_or(false);
    let entry = storage.entry(&key);
    let item = match consistent {
        true => entry.and_then(|entry| entry.current.as_ref()),
        false => entry.and_then(|entry| seen(storage, &key, entry, lag)),
    };
    let mut answer = Map::new();
    if let Some(item) = projected(&request, item.map(|item| &**item))? {
        answer.insert("Item".to_owned(), Value::Object(item));
    }
    Ok(Value::Object(answer))
}

/// Source: API Reference, "BatchGetItem".
pub(crate) fn batch_get(
    request: &Value,
    shape: &TableShape,
    storage: &Storage,
    lag: &mut Option<Lag>,
) -> Result<Value, Failure> {
    let request = Request::new("BatchGetItem", request, &["RequestItems", "ReturnConsumedCapacity"])?;
    request.word("ReturnConsumedCapacity", &["NONE", "TOTAL", "INDEXES"])?;
    let tables = request.map("RequestItems")?;
    let (1, Some((name, wanted))) = (tables.len(), tables.iter().next()) else {
        return Err(Failure::validation("Value at 'requestItems' must have length of 1"));
    };
    if *name != shape.name {
        return Err(Failure::named(400, "ResourceNotFoundException", "Requested resource not found"));
    }
    let known = ["Keys", "ConsistentRead", "ProjectionExpression", "ExpressionAttributeNames"];
    let request = Request::new("BatchGetItem", wanted, &known)?;
    let keys = request.list("Keys")?;
    if keys.is_empty() || keys.len() > MAX_BATCH {
        return Err(Failure::validation("Too many items requested for the BatchGetItem call"));
    }
    let mut found: Vec<Value> = Vec::new();
    let mut unprocessed: Vec<&Value> = Vec::new();
    let mut known = BTreeSet::new();
    let mut bytes = 0;
    for wanted in keys {
        let key = wanted.as_object().ok_or_else(|| Failure::validation("a key that is no map"))?;
        let key = shape.request_key(key)??;
        let consistent = request.flag("ConsistentRead")?.unwrap_or(false);
        let item = storage.entry(&key).and_then(|entry| match consistent {
            true => entry.current.as_ref(),
            false => seen(storage, &key, entry, lag),
        });
        bytes += item.map_or(0, |item| item_bytes(item));
        let item = projected(&request, item.map(|item| &**item))?;
        match item {
            Some(_) if bytes > BATCH_BYTES => unprocessed.push(wanted),
            item => found.extend(item.map(Value::Object)),
        }
        if !known.insert(key) {
            return Err(Failure::validation("Provided list of item keys contains duplicates"));
        }
    }
    let mut rest = Map::new();
    if !unprocessed.is_empty() {
        let mut again = request.0.clone();
        again.insert("Keys".to_owned(), json!(unprocessed));
        rest.insert(shape.name.clone(), Value::Object(again));
    }
    Ok(json!({ "Responses": { &*shape.name: found }, "UnprocessedKeys": rest }))
}

/// The parts that queries and scans share.
struct Reader<'r> {
    context: Context<'r>,
    filter: Option<Rc<Parsed<Condition>>>,
    projection: Option<Rc<Parsed<Vec<crate::expression::path::Path>>>>,
    limit: Option<usize>,
    count_only: bool,
}

impl<'r> Reader<'r> {
    /// Reads the common members. `key_condition` is that of a query.
    fn new(request: &Request<'r>, key_condition: Option<&Parsed<Condition>>) -> Result<Self, Failure> {
        let context = request.context()?;
        let filter = request.condition("FilterExpression")?;
        let projection = request.text("ProjectionExpression")?.map(projection::parse).transpose()?;
        let mut used: Vec<_> = key_condition.iter().map(|condition| &condition.placeholders).collect();
        used.extend(filter.iter().map(|filter| &filter.placeholders));
        used.extend(projection.iter().map(|projection| &projection.placeholders));
        context.check_use(&used)?;
        if let Some(filter) = &filter {
            filter.syntax.check("FilterExpression", &context)?;
        }
        let words = ["ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES", "SPECIFIC_ATTRIBUTES", "COUNT"];
        let select = request.word("Select", &words)?;
        let wrong = match (select, &projection) {
            (Some("SPECIFIC_ATTRIBUTES"), None) => true,
            (Some("SPECIFIC_ATTRIBUTES") | None, _) => false,
            (Some(_), projection) => projection.is_some(),
        };
        if wrong {
            return Err(Failure::validation("Select does not fit ProjectionExpression"));
        }
        if select == Some("ALL_PROJECTED_ATTRIBUTES") && request.get("IndexName").is_none() {
            return Err(Failure::validation(
                "ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName",
            ));
        }
        Ok(Self { context, filter, projection, limit: request.limit()?, count_only: select == Some("COUNT") })
    }

    fn paths(&self) -> Result<Option<Vec<Vec<Part<'_>>>>, Failure> {
        let Some(projection) = &self.projection else { return Ok(None) };
        projection::resolve("ProjectionExpression", &projection.syntax, &self.context).map(Some)
    }

    /// The page that begins with the first of `items`. The attributes `key` continue it.
    fn page<'s, 'k>(
        &self,
        items: impl Iterator<Item = Cow<'s, Item>>,
        key: impl Iterator<Item = &'k KeyAttribute>,
    ) -> Result<Value, Failure> {
        let mut key = Some(key);
        let paths = self.paths()?;
        let mut found = Vec::new();
        let (mut scanned, mut matched, mut bytes) = (0, 0, 0);
        let mut last = None;
        for item in items {
            scanned += 1;
            bytes += item_bytes(&item);
            let holds = |filter: &Rc<Parsed<Condition>>| filter.syntax.holds(&item, &self.context);
            let ends = self.limit == Some(scanned) || bytes > PAGE_BYTES;
            if ends {
                last = key.take().map(|key| key_attributes(&item, key));
            }
            if self.filter.as_ref().is_none_or(holds) {
                matched += 1;
                if !self.count_only {
                    found.push(Value::Object(match &paths {
                        Some(paths) => project(&item, paths),
                        None => item.into_owned(),
                    }));
                }
            }
            if ends {
                break;
            }
        }
        let mut answer = Map::new();
        if !self.count_only {
            answer.insert("Items".to_owned(), Value::Array(found));
        }
        answer.insert("Count".to_owned(), matched.into());
        answer.insert("ScannedCount".to_owned(), scanned.into());
        if let Some(last) = last {
            answer.insert("LastEvaluatedKey".to_owned(), Value::Object(last));
        }
        Ok(Value::Object(answer))
    }
}

/// The part of an item with the attributes of a key.
fn key_attributes<'a>(item: &Item, attributes: impl Iterator<Item = &'a KeyAttribute>) -> Item {
    attributes.filter_map(|a| Some((a.name.clone(), item.get(&a.name)?.clone()))).collect()
}

const QUERY: &[&str] = &[
    "TableName",
    "IndexName",
    "ConsistentRead",
    "KeyConditionExpression",
    "FilterExpression",
    "ProjectionExpression",
    "ExpressionAttributeNames",
    "ExpressionAttributeValues",
    "Limit",
    "ExclusiveStartKey",
    "ScanIndexForward",
    "Select",
    "ReturnConsumedCapacity",
];

/// Source: API Reference, "Query"; Developer Guide, "Querying tables in DynamoDB".
pub(crate) fn query(
    request: &Value,
    shape: &TableShape,
    storage: &Storage,
    index_lag: &mut Option<Lag>,
    read_lag: &mut Option<Lag>,
) -> Result<Value, Failure> {
    let request = Request::new("Query", request, QUERY)?;
    request.check_table(&shape.name)?;
    let missing = || {
        Failure::validation(
            "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.",
        )
    };
    let condition = request.text("KeyConditionExpression")?.ok_or_else(missing)?;
    let condition = condition::parse("KeyConditionExpression", condition)?;
    let reader = Reader::new(&request, Some(&condition))?;
    let index = find_index(&request, shape)?;
    let key = index.map_or(&shape.key, |(_, index)| &index.key);
    condition.syntax.check("KeyConditionExpression", &reader.context)?;
    let range = range(&condition, key, &reader.context)?;
    check_filter(&reader, key.attributes())?;
    let consistent = request.flag("ConsistentRead")?.unwrap_or(false);
    let forward = request.flag("ScanIndexForward")?.unwrap_or(true);
    let start = request.get("ExclusiveStartKey").map(|_| request.map("ExclusiveStartKey")).transpose()?;
    match index {
        None => {
            let start = start.map(|start| start_key(shape, start, &range)).transpose()?;
            let keys = table_keys(storage, &range, forward, start);
            let items = keys.filter_map(|key| {
                let entry = storage.entry(key)?;
                let item = match consistent {
                    true => entry.current.as_ref(),
                    false => seen(storage, key, entry, read_lag),
                }?;
                Some(Cow::Borrowed(&**item))
            });
            reader.page(items, shape.key.attributes())
        }
        Some((number, index)) => {
            check_index_read(&request, &reader, shape, index, consistent)?;
            let start = start.map(|start| start_place(shape, index, start, &range)).transpose()?;
            let places = index_places(storage, number, &range, forward, start);
            let mut views = BTreeMap::new();
            let items = places.filter_map(|place| {
                let entry = storage.entry(&place.primary)?;
                // Both places of an item show the same version within a page.
                let item = match &index_lag {
                    None => entry.current.as_ref(),
                    Some(_) => *views
                        .entry(&place.primary)
                        .or_insert_with(|| seen(storage, &place.primary, entry, index_lag)),
                }?;
                let is_there = index.key.is_key_of(&place.key, item);
                is_there.then(|| Cow::Owned(entry_of(shape, index, item)))
            });
            reader.page(items, shape.index_keys(index))
        }
    }
}

fn find_index<'s>(
    request: &Request,
    shape: &'s TableShape,
) -> Result<Option<(usize, &'s IndexShape)>, Failure> {
    let Some(name) = request.text("IndexName")? else { return Ok(None) };
    let index = shape.indexes.iter().enumerate().find(|(_, index)| index.name == name);
    let missing = || Failure::validation(format!("The table does not have the specified index: {name}"));
    index.map(Some).ok_or_else(missing)
}

/// The attributes of an item that its entry in an index has.
///
/// Source: Developer Guide, "Using Global Secondary Indexes in DynamoDB", section "Attribute projections".
fn entry_of(shape: &TableShape, index: &IndexShape, item: &Item) -> Item {
    let Some(included) = &index.included else { return item.clone() };
    let mut entry = key_attributes(item, shape.index_keys(index));
    entry.extend(included.iter().filter_map(|name| Some((name.clone(), item.get(name)?.clone()))));
    entry
}

/// Refuses reads that an index cannot serve.
fn check_index_read(
    request: &Request,
    reader: &Reader,
    shape: &TableShape,
    index: &IndexShape,
    consistent: bool,
) -> Result<(), Failure> {
    if consistent {
        return Err(Failure::validation("Consistent reads are not supported on global secondary indexes"));
    }
    let Some(included) = &index.included else { return Ok(()) };
    if request.text("Select")? == Some("ALL_ATTRIBUTES") {
        let message = "Select type ALL_ATTRIBUTES is not supported for a global secondary index whose projection is not ALL";
        return Err(Failure::validation(message));
    }
    for path in reader.projection.iter().flat_map(|projection| &projection.syntax) {
        let root = path.root(reader.context.names);
        if !included.iter().any(|name| name == root) && !shape.index_keys(index).any(|key| key.name == root) {
            let message = format!("Global secondary index {} does not project {root}", index.name);
            return Err(Failure::validation(format!("One or more parameter values were invalid: {message}")));
        }
    }
    Ok(())
}

/// Refuses a filter on an attribute of the key that is read by.
///
/// Source: Developer Guide, "Filter expressions for the Query operation in DynamoDB".
fn check_filter<'a>(reader: &Reader, mut key: impl Iterator<Item = &'a KeyAttribute>) -> Result<(), Failure> {
    let Some(filter) = &reader.filter else { return Ok(()) };
    let roots = filter.syntax.roots(&reader.context);
    match key.find(|key| roots.contains(&key.name.as_str())) {
        Some(key) => Err(Failure::validation(format!(
            "Filter Expression can only contain non-primary key attributes: Primary key attribute: {}",
            key.name
        ))),
        None => Ok(()),
    }
}

fn invalid_start() -> Failure {
    Failure::validation("The provided starting key is invalid")
}

fn start_key(shape: &TableShape, start: &Item, range: &KeyRange) -> Result<Key, Failure> {
    let key = shape.request_key(start).flatten().map_err(|_| invalid_start())?;
    check_start(&key, range)?;
    Ok(key)
}

fn start_place(
    shape: &TableShape,
    index: &IndexShape,
    start: &Item,
    range: &KeyRange,
) -> Result<Place, Failure> {
    let names: BTreeSet<_> = shape.index_keys(index).map(|key| &key.name).collect();
    if !start.keys().eq(names) {
        return Err(invalid_start());
    }
    let primary = shape.key.key_of(start).ok_or_else(invalid_start)?;
    let place = shape.place(index, start, &primary).ok_or_else(invalid_start)?;
    check_start(&place.key, range)?;
    Ok(place)
}

fn check_start(key: &Key, range: &KeyRange) -> Result<(), Failure> {
    if key.hash == range.hash && range.sort.accepts(key.range.as_ref()) {
        return Ok(());
    }
    let message = "The provided starting key is outside query boundaries based on provided conditions";
    Err(Failure::validation(message))
}

fn bounds(range: &KeyRange) -> (Key, Key) {
    let low = Key::new(range.hash.clone(), range.sort.low().cloned());
    let high = Key::new(range.hash.clone(), Some(range.sort.high()));
    (low, high)
}

fn table_keys<'s>(
    storage: &'s Storage,
    range: &'s KeyRange,
    forward: bool,
    start: Option<Key>,
) -> impl Iterator<Item = &'s Key> {
    let (low, high) = bounds(range);
    let (from, to) = match (&start, forward) {
        (Some(start), true) => (start.clone(), high),
        (Some(start), false) => (low, start.clone()),
        (None, _) => (low, high),
    };
    let keys = storage.keys(&from, &to);
    let keys: Box<dyn Iterator<Item = &Key>> = if forward { Box::new(keys) } else { Box::new(keys.rev()) };
    keys.filter(move |key| start.as_ref() != Some(key) && range.sort.accepts(key.range.as_ref()))
}

fn index_places<'s>(
    storage: &'s Storage,
    index: usize,
    range: &'s KeyRange,
    forward: bool,
    start: Option<Place>,
) -> impl Iterator<Item = &'s Place> {
    let (low, high) = bounds(range);
    let least = Key::new(KeyValue::S(String::new()), None);
    let most = Key::new(KeyValue::Last, None);
    let (low, high) = (Place { key: low, primary: least }, Place { key: high, primary: most });
    let (from, to) = match (&start, forward) {
        (Some(start), true) => (start.clone(), high),
        (Some(start), false) => (low, start.clone()),
        (None, _) => (low, high),
    };
    let places = storage.places(index, &from, &to);
    let places: Box<dyn Iterator<Item = &Place>> =
        if forward { Box::new(places) } else { Box::new(places.rev()) };
    places.filter(move |place| start.as_ref() != Some(place) && range.sort.accepts(place.key.range.as_ref()))
}

const SCAN: &[&str] = &[
    "TableName",
    "ConsistentRead",
    "FilterExpression",
    "ProjectionExpression",
    "ExpressionAttributeNames",
    "ExpressionAttributeValues",
    "Limit",
    "ExclusiveStartKey",
    "Select",
    "ReturnConsumedCapacity",
];

/// A scan of the table. The service's order is that of hashed partition keys, which it does not promise; this
/// model's order is that of the keys.
///
/// Source: API Reference, "Scan".
pub(crate) fn scan(
    request: &Value,
    shape: &TableShape,
    storage: &Storage,
    lag: &mut Option<Lag>,
) -> Result<Value, Failure> {
    let request = Request::new("Scan", request, SCAN)?;
    request.check_table(&shape.name)?;
    let reader = Reader::new(&request, None)?;
    let consistent = request.flag("ConsistentRead")?.unwrap_or(false);
    let start = match request.get("ExclusiveStartKey") {
        Some(_) => Some(
            shape.request_key(request.map("ExclusiveStartKey")?).flatten().map_err(|_| invalid_start())?,
        ),
        None => None,
    };
    let keys = storage.all_keys().filter(|key| start.as_ref().is_none_or(|start| *key > start));
    let items = keys.filter_map(|key| {
        let entry = storage.entry(key)?;
        let item = if consistent { entry.current.as_ref() } else { seen(storage, key, entry, lag) }?;
        Some(Cow::Borrowed(&**item))
    });
    reader.page(items, shape.key.attributes())
}
