//! An API key, and its entry on its owner's list.

use clorp_domain::api_key::StoredKey;
use clorp_domain::spend::Day;
use clorp_domain::{Cents, Error, KeyHash, Rights, SpendPolicy, Spent};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::items::keys::API_KEY;
use crate::items::rights::{read_rights, write_rights};
use crate::table::item::{decode, instant, instant_if_any, keyed, parse, text};
use crate::table::{Item, Key, PK};

#[derive(Debug, Serialize, Deserialize)]
struct ApiKeyItem {
    key_id: String,
    user_id: String,
    name: String,
    prefix: String,
    created_at: i64,
    // Not `expires_at`, by which the table removes items: an expired key stays on its owner's list.
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_until: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used_at: Option<i64>,
    // A key from before keys had rights has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    rights: Option<Vec<String>>,
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

#[derive(Debug, Serialize, Deserialize)]
struct ListedItem {
    hash: String,
}

/// The item of a new key, which has spent nothing.
pub(crate) fn write_key(at: &Key, key: &StoredKey) -> Result<Item, Error> {
    let millis = |at: Option<Timestamp>| at.map(Timestamp::as_millisecond);
    let item = ApiKeyItem {
        key_id: key.id.to_string(),
        user_id: key.owner.to_string(),
        name: key.name.clone(),
        prefix: key.prefix.clone(),
        created_at: key.created_at.as_millisecond(),
        valid_until: millis(key.expires_at),
        last_used_at: millis(key.last_used_at),
        rights: Some(write_rights(key.rights)),
        per_drop_cents: key.policy.per_drop.map(Cents::get),
        per_day_cents: key.policy.per_day.map(Cents::get),
        spent_day: None,
        spent_cents: None,
        revoked_at: None,
    };
    keyed(at, &item)
}

/// The key of an item; `None` if it was revoked.
pub(crate) fn read_key(item: Item) -> Result<Option<StoredKey>, Error> {
    let hash = text(&item, PK).and_then(|pk| pk.strip_prefix(API_KEY)?.parse().ok());
    let hash: KeyHash = hash.ok_or_else(|| Error::internal("key item without a key's hash"))?;
    let item: ApiKeyItem = decode(item)?;
    if item.revoked_at.is_some() {
        return Ok(None);
    }
    let policy = SpendPolicy {
        per_drop: item.per_drop_cents.map(Cents::new),
        per_day: item.per_day_cents.map(Cents::new),
    };
    Ok(Some(StoredKey {
        id: parse("key_id", &item.key_id)?,
        hash,
        owner: parse("user_id", &item.user_id)?,
        name: item.name,
        prefix: item.prefix,
        created_at: instant("created_at", item.created_at)?,
        expires_at: instant_if_any("valid_until", item.valid_until)?,
        last_used_at: instant_if_any("last_used_at", item.last_used_at)?,
        rights: item.rights.as_deref().map_or_else(|| Rights::default_for(&policy), read_rights),
        policy,
        spent: Spent {
            day: Day::new(item.spent_day.unwrap_or_default()),
            amount: Cents::new(item.spent_cents.unwrap_or_default()),
        },
    }))
}

/// The entry of a key on its owner's list.
pub(crate) fn write_listed(at: &Key, key: &StoredKey) -> Result<Item, Error> {
    keyed(at, &ListedItem { hash: key.hash.as_str().to_owned() })
}

/// The hash of the key that an entry stands for.
pub(crate) fn read_listed(item: Item) -> Result<KeyHash, Error> {
    parse("hash", &decode::<ListedItem>(item)?.hash)
}
