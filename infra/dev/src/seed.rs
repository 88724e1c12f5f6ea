//! The seeded users of the local stack, each with an API key and money.
//!
//! Identities are written to a file before anything reaches the database, and every step is idempotent. The
//! next start therefore completes an interrupted one.

use std::path::Path;

use anyhow::{Context, Result, anyhow};
use clorp_context::new_api_key;
use clorp_domain::idempotency::derived_bits;
use clorp_domain::ledger::Unbalanced;
use clorp_domain::{
    Account, ApiKey, Cents, EntryId, Error, KeyId, Posting, Reason, Rights, StoredKey, User, UserId,
};
use clorp_store::Store;
use jiff::Timestamp;
use rand::RngExt;
use serde::{Deserialize, Serialize};
use ulid::Ulid;

use crate::dev_file::DevUser;
use clorp_stand_in::files;

const SENDER_CENTS: i64 = 20_000;
const WORKER_CENTS: i64 = 1000;

/// A seeded user in the identities' file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// `sender` or `worker-<n>`.
    pub name: String,
    id: String,
    api_key: String,
    created_at_millis: i64,
    /// The id of the posting that funds the user. It is chosen in advance, so a repeated posting is
    /// recognised.
    funding_id: String,
    funding_cents: i64,
}

impl Identity {
    fn new(name: String, cents: i64, now: Timestamp) -> Self {
        let mut rng = rand::rng();
        let millis = u64::try_from(now.as_millisecond()).unwrap_or_default();
        let mut ulid = || Ulid::from_parts(millis, rng.random()).to_string();
        let (id, funding_id) = (ulid(), ulid());
        let key = new_api_key();
        Self {
            name,
            id,
            api_key: key.expose().to_owned(),
            created_at_millis: now.as_millisecond(),
            funding_id,
            funding_cents: cents,
        }
    }

    fn user(&self) -> Result<User> {
        let created_at = Timestamp::from_millisecond(self.created_at_millis)?;
        Ok(User::new(self.id.parse()?, self.name.clone(), None, created_at))
    }

    /// The stored form of the API key. Its id is derived from the key, so a repeated creation is recognised.
    fn key(&self, key: &ApiKey, user: &User) -> StoredKey {
        let millis = u64::try_from(self.created_at_millis).unwrap_or_default();
        let id = Ulid::from_parts(millis, derived_bits(&[key.hash().as_str().as_bytes()]));
        StoredKey::new(KeyId::new(id), key, user.id.clone(), user.created_at)
    }

    fn funding(&self, user: &User) -> Result<Posting> {
        let id: EntryId = self.funding_id.parse()?;
        let reason = Reason::Topup(format!("dev_seed_{}", user.id));
        let to = Account::User(user.id.clone());
        let cents = Cents::new(self.funding_cents);
        Posting::transfer(id, reason, user.created_at, Account::External, to, cents)
            .map_err(|unbalanced: Unbalanced| anyhow!("funding of {}: {unbalanced:?}", self.name))
    }
}

/// The sender and at least `workers` workers. Reads the identities in the file at `path`, and adds missing
/// ones to it.
///
/// # Errors
/// Fails if the file cannot be read, parsed or written.
pub fn roster(path: &Path, workers: usize, now: Timestamp) -> Result<Vec<Identity>> {
    let mut roster = read_roster(path)?;
    let wanted = std::iter::once(("sender".to_owned(), SENDER_CENTS))
        .chain((1..=workers).map(|n| (format!("worker-{n}"), WORKER_CENTS)));
    let before = roster.len();
    for (name, cents) in wanted {
        if !roster.iter().any(|identity| identity.name == name) {
            roster.push(Identity::new(name, cents, now));
        }
    }
    if roster.len() > before {
        files::write_json(path, &roster)?;
    }
    Ok(roster)
}

fn read_roster(path: &Path) -> Result<Vec<Identity>> {
    match std::fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).with_context(|| {
            format!("{} is damaged: `cargo dev --fresh` makes new users", files::display(path))
        }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error).with_context(|| format!("reading {}", files::display(path))),
    }
}

/// Ensures that every identity in `roster` has a user and an API key, and was funded exactly once. Later
/// earnings and payments stay untouched. Returns the users with their balances.
///
/// # Errors
/// Fails if the database rejects a write or does not answer.
pub async fn seed(store: &Store, roster: &[Identity]) -> Result<Vec<DevUser>> {
    let mut users = Vec::with_capacity(roster.len());
    for identity in roster {
        let balance =
            seed_one(store, identity).await.with_context(|| format!("seeding {}", identity.name))?;
        users.push(DevUser {
            id: identity.id.clone(),
            name: identity.name.clone(),
            api_key: identity.api_key.clone(),
            balance_cents: balance.get(),
            cookie: None,
        });
    }
    Ok(users)
}

async fn seed_one(store: &Store, identity: &Identity) -> Result<Cents> {
    let user = identity.user()?;
    let key: ApiKey = identity.api_key.parse().map_err(|_| anyhow!("malformed API key"))?;
    let _ = store.users().create(&user).await.map_err(store_error)?;
    let stored = StoredKey { name: "seed".to_owned(), rights: Rights::ALL, ..identity.key(&key, &user) };
    let _ = store.api_keys().create(&stored, u32::MAX).await.map_err(store_error)?;
    store.ledger().post(&identity.funding(&user)?).await.map_err(store_error)?;
    balance(store, &user.id).await
}

async fn balance(store: &Store, id: &UserId) -> Result<Cents> {
    let user = store.users().get(id).await.map_err(store_error)?;
    Ok(user.context("the user is missing directly after its creation")?.balance)
}

fn store_error(error: Error) -> anyhow::Error {
    anyhow!("{error:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        Timestamp::from_millisecond(1_795_512_600_007).unwrap()
    }

    #[test]
    fn a_roster_keeps_its_identities_and_can_grow() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("users.json");
        let first = roster(&path, 2, now()).unwrap();
        let names: Vec<&str> = first.iter().map(|identity| identity.name.as_str()).collect();
        assert_eq!(names, ["sender", "worker-1", "worker-2"]);
        assert_eq!(roster(&path, 1, now()).unwrap(), first);
        let more = roster(&path, 3, now()).unwrap();
        assert_eq!((&more[..3], more[3].name.as_str()), (&first[..], "worker-3"));
    }

    #[test]
    fn every_identity_has_a_valid_key_and_a_distinct_funding() {
        let directory = tempfile::tempdir().unwrap();
        let people = roster(&directory.path().join("users.json"), 7, now()).unwrap();
        let mut fundings = std::collections::BTreeSet::new();
        for identity in &people {
            let user = identity.user().unwrap();
            assert!(identity.api_key.parse::<ApiKey>().is_ok());
            assert!(fundings.insert(identity.funding(&user).unwrap().id()));
        }
        assert_eq!((people[0].funding_cents, people[1].funding_cents), (20_000, 1000));
    }

    #[test]
    fn a_damaged_file_is_named_with_a_hint_at_fresh() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("users.json");
        std::fs::write(&path, "[{").unwrap();
        let message = format!("{:#}", roster(&path, 1, now()).unwrap_err());
        assert!(message.contains("users.json") && message.contains("--fresh"), "{message}");
    }
}
