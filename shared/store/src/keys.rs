//! API keys, by the hash of their text.

use clorp_domain::api_key::KeyHash;
use clorp_domain::{Error, UserId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Store;
use crate::item::{decode, encode, parse};
use crate::key::Key;
use crate::tx::{TxError, Update};

#[derive(Debug, Serialize, Deserialize)]
struct ApiKeyItem {
    user_id: String,
    created_at: i64,
}

impl Store {
    /// Records a key; `false` if it is there already. One write unit.
    ///
    /// # Errors
    /// Faults only.
    pub async fn create_key(&self, hash: &KeyHash, owner: &UserId, now: Timestamp) -> Result<bool, Error> {
        let item = ApiKeyItem { user_id: owner.to_string(), created_at: now.as_millisecond() };
        let mut update = Update::default();
        update.set_all(encode(&item)?).require_new();
        match self.update_if(Key::api_key(hash), update).await {
            Ok(()) => Ok(true),
            Err(TxError::Refused(_)) => Ok(false),
            Err(TxError::Fault(error)) => Err(error),
        }
    }

    /// The owner of a key. One round trip, 1 read unit; strong, so that a key withdrawn is refused at once.
    ///
    /// # Errors
    /// Faults only.
    pub async fn key_owner(&self, hash: &KeyHash) -> Result<Option<UserId>, Error> {
        match self.get(Key::api_key(hash)).await? {
            None => Ok(None),
            Some(item) => parse("user_id", &decode::<ApiKeyItem>(item)?.user_id).map(Some),
        }
    }
}
