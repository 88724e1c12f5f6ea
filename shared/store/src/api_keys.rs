//! API keys: what is known of each, under the hash of its text, and a user's list of them.

use std::collections::BTreeMap;

use clorp_domain::api_key::StoredKey;
use clorp_domain::spend::Day;
use clorp_domain::{Cents, Error, KeyHash, KeyId, SpendPolicy, Spent, UserId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Store;
use crate::batch::Freshness;
use crate::item::{Item, at, decode, instant, keyed, n, parse};
use crate::page::{List, Page};
use crate::primary_key::{API_KEY, Key, PK, user_pk};
use crate::tx::{Tx, TxError, Update};

const LIST: &str = "keys";

#[derive(Debug, Serialize, Deserialize)]
struct ApiKeyItem {
    key_id: String,
    user_id: String,
    name: String,
    prefix: String,
    created_at: i64,
    // Not `expires_at`, by which the table removes items: a key that has expired stays on its owner's list.
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_until: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used_at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    per_drop_cents: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    per_day_cents: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    spent_day: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    spent_cents: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_at: Option<i64>,
}

/// An entry on a user's list of keys: where the key is.
#[derive(Debug, Serialize, Deserialize)]
struct ListedItem {
    hash: String,
}

impl From<&StoredKey> for ApiKeyItem {
    fn from(key: &StoredKey) -> Self {
        let millis = |at: Option<Timestamp>| at.map(Timestamp::as_millisecond);
        Self {
            key_id: key.id.to_string(),
            user_id: key.owner.to_string(),
            name: key.name.clone(),
            prefix: key.prefix.clone(),
            created_at: key.created_at.as_millisecond(),
            valid_until: millis(key.expires_at),
            last_used_at: millis(key.last_used_at),
            per_drop_cents: key.policy.per_drop.map(Cents::get),
            per_day_cents: key.policy.per_day.map(Cents::get),
            spent_day: None,
            spent_cents: None,
            revoked_at: None,
        }
    }
}

/// The key an item holds; `None` for one that was revoked.
fn read_key(item: Item) -> Result<Option<StoredKey>, Error> {
    let hash = item.get(PK).and_then(|pk| pk.as_s().ok()?.strip_prefix(API_KEY));
    let hash = hash.and_then(|hash| hash.parse().ok());
    let hash: KeyHash = hash.ok_or_else(|| Error::internal("key item without a key's hash"))?;
    let item: ApiKeyItem = decode(item)?;
    if item.revoked_at.is_some() {
        return Ok(None);
    }
    let moment = |name, millis: Option<i64>| millis.map(|millis| instant(name, millis)).transpose();
    Ok(Some(StoredKey {
        id: parse("key_id", &item.key_id)?,
        hash,
        owner: parse("user_id", &item.user_id)?,
        name: item.name,
        prefix: item.prefix,
        created_at: instant("created_at", item.created_at)?,
        expires_at: moment("valid_until", item.valid_until)?,
        last_used_at: moment("last_used_at", item.last_used_at)?,
        policy: SpendPolicy {
            per_drop: item.per_drop_cents.map(Cents::new),
            per_day: item.per_day_cents.map(Cents::new),
        },
        spent: Spent {
            day: Day::new(item.spent_day.unwrap_or_default()),
            amount: Cents::new(item.spent_cents.unwrap_or_default()),
        },
    }))
}

/// How the making of a key ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyCreated {
    /// It is there.
    Done,
    /// One with this id was there: an earlier try of the same request made it, and nobody knows its secret any more.
    Already,
    /// It is not: its owner has as many as they may.
    TooMany,
}

/// Adds to a transaction the making of a key, on condition that its owner has fewer than `most`.
pub(crate) fn put_key(tx: &mut Tx, key: &StoredKey, most: u32) -> Result<(), Error> {
    let (stored, listed) = (Key::api_key(&key.hash), Key::listed_key(&key.owner, key.id));
    tx.create(stored.clone(), keyed(&stored, &ApiKeyItem::from(key))?);
    tx.create(listed.clone(), keyed(&listed, &ListedItem { hash: key.hash.as_str().to_owned() })?);
    tx.update(Key::user(&key.owner))
        .require_existing()
        .require_absent_or("keys_count", "<", n(most))
        .add("keys_count", 1);
    Ok(())
}

/// Why a key was not made by a transaction that was refused.
pub(crate) fn key_refused(
    key: &StoredKey,
    refused: &BTreeMap<Key, Option<Item>>,
) -> Result<KeyCreated, Error> {
    if refused.contains_key(&Key::listed_key(&key.owner, key.id)) {
        return Ok(KeyCreated::Already);
    }
    match refused.get(&Key::user(&key.owner)) {
        Some(Some(_)) => Ok(KeyCreated::TooMany),
        _ => Err(Error::internal("a key was refused by something else than its owner's list")),
    }
}

impl Store {
    /// Records a key, unless its owner has `most` already. Eight write units.
    ///
    /// # Errors
    /// Faults only.
    pub async fn create_key(&self, key: &StoredKey, most: u32) -> Result<KeyCreated, Error> {
        let mut tx = Tx::default();
        put_key(&mut tx, key, most)?;
        match self.transact(tx).await {
            Ok(()) => Ok(KeyCreated::Done),
            Err(TxError::Fault(error)) => Err(error),
            Err(TxError::Refused(refused)) => key_refused(key, &refused),
        }
    }

    /// A key, by what its text hashes to. One round trip, 1 read unit; strong, so that a key withdrawn is refused at
    /// once.
    ///
    /// # Errors
    /// Faults only.
    pub async fn key(&self, hash: &KeyHash) -> Result<Option<StoredKey>, Error> {
        Ok(self.get(Key::api_key(hash)).await?.map(read_key).transpose()?.flatten())
    }

    /// One of a user's keys. Two round trips, 2 read units.
    ///
    /// # Errors
    /// Faults only.
    pub async fn listed_key(&self, owner: &UserId, id: KeyId) -> Result<Option<StoredKey>, Error> {
        match self.listed_hash(owner, id).await? {
            Some(hash) => self.key(&hash).await,
            None => Ok(None),
        }
    }

    async fn listed_hash(&self, owner: &UserId, id: KeyId) -> Result<Option<KeyHash>, Error> {
        let item = self.get(Key::listed_key(owner, id)).await?;
        item.map(|item| parse("hash", &decode::<ListedItem>(item)?.hash)).transpose()
    }

    /// Notes that a key was used at `now`, unless somebody else has noted a use since it was read. One write unit.
    ///
    /// # Errors
    /// Faults only.
    pub async fn note_use(&self, key: &StoredKey, now: Timestamp) -> Result<(), Error> {
        let mut update = Update::default();
        update.require_existing().set("last_used_at", at(now));
        match key.last_used_at {
            None => update.require_absent("last_used_at"),
            Some(noted) => update.require("last_used_at", "=", at(noted)),
        };
        match self.update_if(Key::api_key(&key.hash), update).await {
            Ok(()) | Err(TxError::Refused(_)) => Ok(()),
            Err(TxError::Fault(error)) => Err(error),
        }
    }

    /// A user's keys, newest first. Two round trips: the list, then the keys, 1 read unit each.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a cursor that is not of this list; faults.
    pub async fn keys(
        &self,
        owner: &UserId,
        limit: i32,
        after: Option<&str>,
    ) -> Result<Page<StoredKey>, Error> {
        let list = List { name: LIST, pk: user_pk(owner), prefix: API_KEY };
        let Page { items, next } = self.newest(list, limit, after).await?;
        let listed = items.into_iter().map(|item| parse("hash", &decode::<ListedItem>(item)?.hash));
        let hashes = listed.collect::<Result<Vec<KeyHash>, Error>>()?;
        let mut found = self.get_all(hashes.iter().map(Key::api_key).collect(), Freshness::Strong).await?;
        let items = hashes.iter().filter_map(|hash| found.remove(&Key::api_key(hash)));
        let items: Vec<StoredKey> =
            items.filter_map(|item| read_key(item).transpose()).collect::<Result<_, _>>()?;
        Ok(Page { items, next })
    }

    /// Revokes one of a user's keys; `false` if they have none with this id. From the next request on it is refused.
    /// Two round trips, six write units.
    ///
    /// # Errors
    /// Faults only.
    pub async fn revoke_key(&self, owner: &UserId, id: KeyId, now: Timestamp) -> Result<bool, Error> {
        let Some(hash) = self.listed_hash(owner, id).await? else {
            return Ok(false);
        };
        let mut tx = Tx::default();
        tx.update(Key::api_key(&hash))
            .require_existing()
            .require_absent("revoked_at")
            .set("revoked_at", at(now));
        tx.delete(Key::listed_key(owner, id));
        tx.update(Key::user(owner)).require("keys_count", ">", n(0)).add("keys_count", -1);
        match self.transact(tx).await {
            Ok(()) => Ok(true),
            Err(TxError::Refused(_)) => Ok(false),
            Err(TxError::Fault(error)) => Err(error),
        }
    }
}

/// What a drop is paid with: a credential that may be limited in what it spends.
#[derive(Clone, Copy, Debug)]
pub struct Spending<'a> {
    /// The key, as it was read.
    pub key: &'a StoredKey,
    /// The price.
    pub price: Cents,
    /// When.
    pub now: Timestamp,
}

impl Spending<'_> {
    /// Where the key is limited by the day, adds to what it has spent today, on condition that its limit admits it.
    pub(crate) fn count(&self, tx: &mut Tx) -> Result<(), Error> {
        let Some(limit) = self.key.policy.per_day else { return Ok(()) };
        let (today, price) = (Day::of(self.now), self.price.get());
        let update = tx.update(Key::api_key(&self.key.hash));
        update.require_existing().require_absent("revoked_at");
        if self.key.spent.day == today {
            update
                .require("spent_day", "=", n(today.get()))
                .require("spent_cents", "<=", n(limit.minus(self.price)?.get()))
                .add("spent_cents", price);
        } else {
            update
                .require_absent_or("spent_day", "<", n(today.get()))
                .set("spent_day", n(today.get()))
                .set("spent_cents", n(price));
        }
        Ok(())
    }

    /// If it was the key that refused: what has become of it, and `None` if it was revoked.
    pub(crate) fn refused(
        &self,
        refused: &mut BTreeMap<Key, Option<Item>>,
    ) -> Result<Option<Option<Box<StoredKey>>>, Error> {
        match refused.remove(&Key::api_key(&self.key.hash)) {
            None => Ok(None),
            Some(item) => Ok(Some(item.map(read_key).transpose()?.flatten().map(Box::new))),
        }
    }
}
