//! A model of DynamoDB's documented semantics, on the level of its JSON protocol.
//!
//! The model is a pure function of its calls: it has no clock, no randomness, no sockets and no threads, and
//! it does everything in key order. Each rule names the page of the Amazon DynamoDB Developer Guide or of the
//! API Reference that states it. A request that the model does not know is refused as
//! [`Failure::unmodelled`], and never answered by a guess.
//!
//! Reads lag only where the caller says so: see [`Database::set_index_lag`] and [`Database::set_read_lag`].
//! Faults are the caller's: it may answer with [`Failure::throttled`], [`Failure::internal`] or
//! [`Failure::cancelled`] before or after it calls the model.

mod expression;
mod failure;
mod key;
mod number;
mod read;
mod request;
mod shape;
mod storage;
mod transaction;
mod value;
mod write;

use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};

pub use failure::{Failure, Reason};
pub use shape::{IndexShape, KeyAttribute, KeyShape, TableShape};
pub use value::Kind;

use key::{Key, KeyValue};
use storage::Storage;
use transaction::Tokens;
use write::Verb;

/// An item: attribute values in the protocol's JSON, by name.
pub type Item = Map<String, Value>;

/// A choice of items that a read sees late: by partition key, sort key, and the number of writes to the table
/// since the item's newest version. A key that is a number or bytes is given as text.
pub type Lag = Box<dyn FnMut(&str, &str, u64) -> bool + Send>;

/// A database with one table. A clone shares the items with its original until one of them writes, and has no
/// lag.
pub struct Database {
    shape: Arc<TableShape>,
    storage: Arc<Storage>,
    tokens: Arc<Tokens>,
    index_lag: Option<Lag>,
    read_lag: Option<Lag>,
}

impl Clone for Database {
    fn clone(&self) -> Self {
        Self {
            shape: Arc::clone(&self.shape),
            storage: Arc::clone(&self.storage),
            tokens: Arc::clone(&self.tokens),
            index_lag: None,
            read_lag: None,
        }
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database").field("table", &self.shape.name).finish_non_exhaustive()
    }
}

impl Database {
    /// A database with an empty table.
    pub fn new(table: TableShape) -> Self {
        let storage = Arc::new(Storage::new(table.indexes.len()));
        Self { shape: Arc::new(table), storage, tokens: Arc::default(), index_lag: None, read_lag: None }
    }

    /// Answers a request. `operation` is the part of `X-Amz-Target` behind the dot, `request` the body, and
    /// `now_millis` the time in milliseconds, by which tokens of transactions expire.
    ///
    /// # Errors
    /// The service's refusal, after which nothing has changed.
    pub fn call(&mut self, operation: &str, request: &Value, now_millis: i64) -> Result<Value, Failure> {
        let shape = &*self.shape;
        match operation {
            "GetItem" => read::get(request, shape, &self.storage, &mut self.read_lag),
            "BatchGetItem" => read::batch_get(request, shape, &self.storage, &mut self.read_lag),
            "Query" => read::query(request, shape, &self.storage, &mut self.index_lag, &mut self.read_lag),
            "Scan" => read::scan(request, shape, &self.storage, &mut self.read_lag),
            "PutItem" => write::single(Verb::Put, request, shape, Arc::make_mut(&mut self.storage)),
            "UpdateItem" => write::single(Verb::Update, request, shape, Arc::make_mut(&mut self.storage)),
            "DeleteItem" => write::single(Verb::Delete, request, shape, Arc::make_mut(&mut self.storage)),
            "TransactWriteItems" => {
                let storage = Arc::make_mut(&mut self.storage);
                transaction::write(request, shape, storage, Arc::make_mut(&mut self.tokens), now_millis)
            }
            "TransactGetItems" => transaction::read(request, shape, &self.storage),
            other => Err(Failure::unmodelled(format_args!("the operation {other}"))),
        }
    }

    /// The item with these texts as its key.
    pub fn item(&self, hash: &str, range: &str) -> Option<&Item> {
        let text = |text: &str| KeyValue::S(text.to_owned());
        self.storage.get(&Key::new(text(hash), Some(text(range)))).map(|item| &**item)
    }

    /// All items, by key.
    pub fn scan_all(&self) -> impl Iterator<Item = &Item> {
        self.storage.items()
    }

    /// Writes an item without a condition and without most checks, for seeds and tests. An item without a
    /// sound key is left out.
    pub fn put_raw(&mut self, item: Item) {
        if let (Ok(item), Ok(Ok(key))) = (value::stored_item(&item), self.shape.item_key(&item)) {
            Arc::make_mut(&mut self.storage).write(&self.shape, key, Some(Arc::new(item)));
        }
    }

    /// Lets queries of an index lag: where `lag` returns true, the query sees the index as it was before the
    /// item's newest write. So an entry may be missing, old, or still there. `lag` is asked once for each
    /// item of a page.
    ///
    /// Source: Developer Guide, "Using Global Secondary Indexes in DynamoDB", section "Data synchronization
    /// between tables and global secondary indexes".
    pub fn set_index_lag(&mut self, lag: Lag) {
        self.index_lag = Some(lag);
    }

    /// Lets reads of the table lag that are not `ConsistentRead`, in the same way.
    ///
    /// Source: Developer Guide, "DynamoDB read consistency".
    pub fn set_read_lag(&mut self, lag: Lag) {
        self.read_lag = Some(lag);
    }

    /// Ends the lag of all reads.
    pub fn clear_lag(&mut self) {
        self.index_lag = None;
        self.read_lag = None;
    }
}

/// An attribute value in the form in which the model stores it: numbers in plain notation, sets sorted.
/// `None` for what is no attribute value.
pub fn canonical(value: &Value) -> Option<Value> {
    value::stored(value).ok()
}

/// The order of two attribute values; `None` for values of different types, or of a type without order.
pub fn order(a: &Value, b: &Value) -> Option<std::cmp::Ordering> {
    value::compare(a, b)
}
