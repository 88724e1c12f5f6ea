//! Users.

use clorp_domain::{Cents, DropId, Error, User, UserId};
use serde::{Deserialize, Serialize};

use crate::Store;
use crate::fault::fault;
use crate::item::{decode, encode, instant, s};
use crate::key::{Key, PK, SK, WORK, user_pk};
use crate::tx::{TxError, Update};

#[derive(Debug, Serialize, Deserialize)]
struct UserItem {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    avatar_url: Option<String>,
    balance_cents: i64,
    created_at: i64,
}

impl Store {
    /// Makes an account with an empty wallet; `false` if there is one with this id already. One write unit.
    ///
    /// # Errors
    /// Faults only.
    pub async fn create_user(&self, user: &User) -> Result<bool, Error> {
        let item = UserItem {
            name: user.name.clone(),
            avatar_url: user.avatar_url.clone(),
            balance_cents: 0,
            created_at: user.created_at.as_millisecond(),
        };
        let mut update = Update::default();
        update.set_all(encode(&item)?).require_new();
        match self.update_if(Key::user(&user.id), update).await {
            Ok(()) => Ok(true),
            Err(TxError::Refused(_)) => Ok(false),
            Err(TxError::Fault(error)) => Err(error),
        }
    }

    /// A user. One round trip, 1 read unit.
    ///
    /// # Errors
    /// Faults only.
    pub async fn user(&self, id: &UserId) -> Result<Option<User>, Error> {
        let Some(item) = self.get(Key::user(id)).await? else {
            return Ok(None);
        };
        let item: UserItem = decode(item)?;
        Ok(Some(User {
            id: id.clone(),
            name: item.name,
            avatar_url: item.avatar_url,
            balance: Cents::new(item.balance_cents),
            created_at: instant("created_at", item.created_at)?,
        }))
    }

    /// The drops a user holds active claims on, newest first, at most 100. One round trip, 1 read unit per 4 KB of
    /// the small items that a claim writes and the end of its drop deletes.
    ///
    /// # Errors
    /// Faults only.
    pub async fn work(&self, worker: &UserId) -> Result<Vec<DropId>, Error> {
        let answer = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression(format!("{PK} = :pk AND begins_with({SK}, :work)"))
            .expression_attribute_values(":pk", s(user_pk(worker)))
            .expression_attribute_values(":work", s(WORK))
            .scan_index_forward(false)
            .limit(100)
            .consistent_read(true)
            .send()
            .await
            .map_err(|e| fault("query work", e))?;
        let drops =
            answer.items().iter().filter_map(|item| Key::of_item(item)?.sk.strip_prefix(WORK)?.parse().ok());
        Ok(drops.collect())
    }
}
