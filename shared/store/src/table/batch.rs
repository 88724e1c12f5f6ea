//! Reads by key, of many items in one round trip.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::KeysAndAttributes;
use clorp_domain::Error;
use futures::future::try_join_all;

use super::{Item, Key, Table, fault};

/// Keys in one `BatchGetItem` request.
const BATCH: usize = 100;
/// Requests for one batch in all, where answers leave keys unprocessed.
const ROUNDS: usize = 5;

/// The freshness of a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// The read sees every write that was answered before it; one read unit per 4 KB.
    Strong,
    /// The read may lag a moment; half the price.
    Eventual,
}

/// The items that exist among those asked for.
pub(crate) type Found = HashMap<Key, Item>;

impl Table {
    /// The item at `key`. One round trip, 1 read unit per 4 KB.
    pub(crate) async fn get(&self, key: Key) -> Result<Option<Item>, Error> {
        let call = self.client.get_item().table_name(&self.name).consistent_read(true);
        let answer = call.set_key(Some(key.into_attributes())).send().await;
        Ok(answer.map_err(|e| fault("get", e))?.item)
    }

    /// The items at `keys`, all requests at once: one round trip.
    pub(crate) async fn get_all(&self, keys: Vec<Key>, freshness: Freshness) -> Result<Found, Error> {
        let batches = keys.chunks(BATCH).map(|batch| self.get_batch(batch.to_vec(), freshness));
        Ok(try_join_all(batches).await?.into_iter().flatten().collect())
    }

    /// The items of one batch. Repeats the request for keys that an answer leaves out, which happens above 16
    /// MB and under throttling.
    async fn get_batch(&self, keys: Vec<Key>, freshness: Freshness) -> Result<Found, Error> {
        let mut found = Found::new();
        let attributes: Vec<_> = keys.into_iter().map(Key::into_attributes).collect();
        let mut wanted = KeysAndAttributes::builder()
            .set_keys(Some(attributes))
            .consistent_read(freshness == Freshness::Strong)
            .build()
            .map_err(|e| Error::internal(format!("request cannot be built: {e}")))?;
        for _ in 0..ROUNDS {
            let call = self.client.batch_get_item().request_items(&self.name, wanted);
            let mut answer = call.send().await.map_err(|e| fault("batch get", e))?;
            let items = answer.responses.take().and_then(|mut tables| tables.remove(&self.name));
            for item in items.into_iter().flatten() {
                if let Some(key) = Key::of_item(&item) {
                    found.insert(key, item);
                }
            }
            match answer.unprocessed_keys.take().and_then(|mut tables| tables.remove(&self.name)) {
                Some(rest) => wanted = rest,
                None => return Ok(found),
            }
        }
        Err(Error::unavailable("batch get: keys left unprocessed"))
    }
}
