//! API keys, each under the hash of its text, and a user's list of them.

use clorp_domain::api_key::StoredKey;
use clorp_domain::spend::Day;
use clorp_domain::{Cents, Error, KeyHash, KeyId, UserId};
use jiff::Timestamp;

use crate::items::api_key::{read_key, read_listed, write_key, write_listed};
use crate::items::keys;
use crate::items::keys::{API_KEY, user_pk};
use crate::table::item::{at, n};
use crate::table::{Freshness, List, Refusals, Tx, Update};
use crate::{ApiKeys, Conditional, Page};

const LIST: &str = "keys";

/// The reason why an API key was not created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyConflict {
    /// An earlier try of the same request created a key with this id. Its secret is lost.
    Exists,
    /// Its owner has the most keys that a user may have.
    TooMany,
}

/// The use of an API key to pay for a drop. A key may be limited in what it spends.
#[derive(Clone, Copy, Debug)]
pub struct Spending<'a> {
    /// The key, as read.
    pub key: &'a StoredKey,
    /// Price of the drop.
    pub price: Cents,
    /// The time of the payment.
    pub now: Timestamp,
}

impl ApiKeys<'_> {
    /// Writes a key, unless its owner has `most` already. Eight write units.
    pub async fn create(self, key: &StoredKey, most: u32) -> Result<Conditional<KeyConflict>, Error> {
        let mut tx = Tx::default();
        create(&mut tx, key, most)?;
        self.table.transact(tx).await?.or_conflict(|refusals| conflict(&refusals, key))
    }

    /// The key with this hash, unless it was revoked. One round trip, 1 read unit; strongly consistent, so
    /// that a revoked key is refused at once.
    pub async fn get(self, hash: &KeyHash) -> Result<Option<StoredKey>, Error> {
        Ok(self.table.get(keys::api_key(hash)).await?.map(read_key).transpose()?.flatten())
    }

    /// One of a user's keys. Two round trips, 2 read units.
    pub async fn get_listed(self, owner: &UserId, id: KeyId) -> Result<Option<StoredKey>, Error> {
        match self.listed_hash(owner, id).await? {
            Some(hash) => self.get(&hash).await,
            None => Ok(None),
        }
    }

    async fn listed_hash(self, owner: &UserId, id: KeyId) -> Result<Option<KeyHash>, Error> {
        self.table.get(keys::listed_key(owner, id)).await?.map(read_listed).transpose()
    }

    /// A user's keys, newest first. Two round trips: the list, then the keys, 1 read unit each.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a cursor of another list; faults.
    pub async fn page(
        self,
        owner: &UserId,
        limit: i32,
        after: Option<&str>,
    ) -> Result<Page<StoredKey>, Error> {
        let list = List { name: LIST, pk: user_pk(owner), prefix: API_KEY };
        let Page { items, next } = self.table.newest(list, limit, after).await?.try_map(read_listed)?;
        let keys: Vec<_> = items.iter().map(keys::api_key).collect();
        let mut found = self.table.get_all(keys.clone(), Freshness::Strong).await?;
        let items = keys.iter().filter_map(|key| found.remove(key));
        let items = items.filter_map(|item| read_key(item).transpose()).collect::<Result<_, _>>()?;
        Ok(Page { items, next })
    }

    /// Records that a key was used at `now`, unless another use was recorded since the key was read. One
    /// write unit.
    pub async fn note_use(self, key: &StoredKey, now: Timestamp) -> Result<(), Error> {
        let mut update = Update::default();
        update.require_existing().set("last_used_at", at(now));
        match key.last_used_at {
            None => update.require_absent("last_used_at"),
            Some(noted) => update.require("last_used_at", "=", at(noted)),
        };
        self.table.update_if(keys::api_key(&key.hash), update).await.map(|_| ())
    }

    /// Revokes one of a user's keys, which is refused from the next request on. A conflict means that the
    /// user has no key with this id. Two round trips, six write units.
    pub async fn revoke(self, owner: &UserId, id: KeyId, now: Timestamp) -> Result<Conditional<()>, Error> {
        let Some(hash) = self.listed_hash(owner, id).await? else {
            return Ok(Conditional::Conflict(()));
        };
        let mut tx = Tx::default();
        tx.update(keys::api_key(&hash))
            .require_existing()
            .require_absent("revoked_at")
            .set("revoked_at", at(now));
        tx.delete(keys::listed_key(owner, id));
        tx.update(keys::user(owner)).require("keys_count", ">", n(0)).add("keys_count", -1);
        Ok(self.table.transact(tx).await?.conditional())
    }
}

/// Writes a key, on condition that its owner has fewer than `most`.
pub(crate) fn create(tx: &mut Tx, key: &StoredKey, most: u32) -> Result<(), Error> {
    let (stored, listed) = (keys::api_key(&key.hash), keys::listed_key(&key.owner, key.id));
    tx.create(stored.clone(), write_key(&stored, key)?);
    tx.create(listed.clone(), write_listed(&listed, key)?);
    tx.update(keys::user(&key.owner))
        .require_existing()
        .require_absent_or("keys_count", "<", n(most))
        .add("keys_count", 1);
    Ok(())
}

/// The reason why [`create`] was refused.
pub(crate) fn conflict(refusals: &Refusals, key: &StoredKey) -> Result<KeyConflict, Error> {
    if refusals.contains(&keys::listed_key(&key.owner, key.id)) {
        Ok(KeyConflict::Exists)
    } else if refusals.item(&keys::user(&key.owner)).is_some() {
        Ok(KeyConflict::TooMany)
    } else {
        Err(refusals.unexpected("key"))
    }
}

impl Spending<'_> {
    /// Adds the price to what a key with a daily limit has spent today, on condition that the limit allows
    /// it.
    pub(crate) fn count(&self, tx: &mut Tx) -> Result<(), Error> {
        let Some(limit) = self.key.policy.per_day else { return Ok(()) };
        let (today, price) = (Day::of(self.now), self.price.get());
        let update = tx.update(keys::api_key(&self.key.hash));
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

    /// The key as it is now, if it refused to pay; the inner `None` if it was revoked.
    pub(crate) fn refused(&self, refusals: &mut Refusals) -> Result<Option<Option<Box<StoredKey>>>, Error> {
        let key = keys::api_key(&self.key.hash);
        if !refusals.contains(&key) {
            return Ok(None);
        }
        Ok(Some(refusals.take(&key).map(read_key).transpose()?.flatten().map(Box::new)))
    }
}
