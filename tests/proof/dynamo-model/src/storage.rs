//! Items, their versions, and the indexes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::Item;
use crate::key::{Key, Place};
use crate::shape::TableShape;

/// The state of a table.
#[derive(Clone, Debug, Default)]
pub(crate) struct Storage {
    entries: BTreeMap<Key, Entry>,
    /// The places of both versions of every item, by index.
    places: Vec<BTreeSet<Place>>,
    /// The number of writes so far.
    writes: u64,
}

/// An item's newest version, and the one before it. `None` stands for no item.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) current: Option<Arc<Item>>,
    pub(crate) previous: Option<Arc<Item>>,
    written: u64,
}

impl Storage {
    pub(crate) fn new(indexes: usize) -> Self {
        Self { places: vec![BTreeSet::new(); indexes], ..Self::default() }
    }

    /// The newest version of the item at `key`.
    pub(crate) fn get(&self, key: &Key) -> Option<&Arc<Item>> {
        self.entries.get(key)?.current.as_ref()
    }

    pub(crate) fn entry(&self, key: &Key) -> Option<&Entry> {
        self.entries.get(key)
    }

    /// The number of writes to the table since the item's newest version was written.
    pub(crate) fn age(&self, entry: &Entry) -> u64 {
        self.writes - entry.written
    }

    /// The newest versions of all items, by key.
    pub(crate) fn items(&self) -> impl Iterator<Item = &Item> {
        self.entries.values().filter_map(|entry| entry.current.as_deref())
    }

    /// The keys between two, both included, that have or had an item.
    pub(crate) fn keys<'s>(
        &'s self,
        low: &Key,
        high: &Key,
    ) -> Box<dyn DoubleEndedIterator<Item = &'s Key> + 's> {
        if low > high {
            return Box::new(std::iter::empty());
        }
        Box::new(self.entries.range(low..=high).map(|(key, _)| key))
    }

    pub(crate) fn all_keys(&self) -> impl Iterator<Item = &Key> {
        self.entries.keys()
    }

    /// The places of an index whose keys lie between two, both included.
    pub(crate) fn places<'s>(
        &'s self,
        index: usize,
        low: &Place,
        high: &Place,
    ) -> Box<dyn DoubleEndedIterator<Item = &'s Place> + 's> {
        match self.places.get(index) {
            Some(places) if low <= high => Box::new(places.range(low..=high)),
            _ => Box::new(std::iter::empty()),
        }
    }

    /// Writes the item at `key`; `None` deletes it. A deletion of nothing leaves no trace.
    pub(crate) fn write(&mut self, shape: &TableShape, key: Key, item: Option<Arc<Item>>) {
        let old = self.entries.get(&key);
        if item.is_none() && old.is_none_or(|old| old.current.is_none()) {
            return;
        }
        self.writes += 1;
        let previous = old.and_then(|old| old.current.clone());
        let forgotten = old.and_then(|old| old.previous.clone());
        for (index, places) in shape.indexes.iter().zip(&mut self.places) {
            let place = |version: &Option<Arc<Item>>| shape.place(index, version.as_deref()?, &key);
            if let Some(place) = place(&forgotten) {
                places.remove(&place);
            }
            places.extend(place(&previous).into_iter().chain(place(&item)));
        }
        self.entries.insert(key, Entry { current: item, previous, written: self.writes });
    }
}
