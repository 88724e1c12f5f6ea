//! The ledger: the only code that changes a balance.

use clorp_domain::{Account, Cents, EntryId, Error, Posting, UserId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Store;
use crate::item::{Item, decode, instant, keyed, n};
use crate::page::{List, Page};
use crate::primary_key::{Key, LEDGER, user_pk};
use crate::tx::{Tx, TxError};

const LIST: &str = "ledger";

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct EntryItem {
    pub delta_cents: i64,
    pub reason: String,
    pub created_at: i64,
}

/// One line of a wallet's ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerLine {
    /// The posting it belongs to.
    pub id: EntryId,
    /// Positive into the wallet, negative out of it.
    pub delta: Cents,
    /// Why, as [`clorp_domain::Reason`] writes it.
    pub reason: String,
    /// When.
    pub created_at: Timestamp,
}

/// Adds a posting to `tx`: an entry for each account, and the change of each balance that is kept.
///
/// A debit requires that the account holds the amount; that is what keeps a wallet from going below zero, except where
/// the money is gone already ([`clorp_domain::Reason::may_overdraw`]). The fees
/// and the outside world have no balance item, which everybody's transaction would contend for: theirs is the sum
/// of their entries.
pub(crate) fn post(tx: &mut Tx, posting: &Posting) -> Result<(), Error> {
    for entry in posting.entries() {
        let delta = entry.delta.get();
        let (balance_key, balance) = match &entry.account {
            Account::User(id) => (Some(Key::user(id)), "balance_cents"),
            Account::Escrow(id) => (Some(Key::drop(*id)), "escrow_cents"),
            Account::Platform | Account::External => (None, ""),
        };
        if let Some(key) = balance_key {
            let update = tx.update(key);
            update.add(balance, delta);
            if delta < 0 && !posting.reason().may_overdraw() {
                update.require(balance, ">=", n(-delta));
            }
            if matches!(entry.account, Account::User(_)) {
                update.require_existing();
            }
        }
        let key = Key::entry(&entry.account, posting.id());
        let item = EntryItem {
            delta_cents: delta,
            reason: posting.reason().to_string(),
            created_at: posting.at().as_millisecond(),
        };
        let item = keyed(&key, &item)?;
        tx.create(key, item);
    }
    Ok(())
}

/// What a wallet holds, by its item.
pub(crate) fn balance_of(item: &Item) -> Cents {
    let number = item.get("balance_cents").and_then(|value| value.as_n().ok());
    Cents::new(number.and_then(|text| text.parse().ok()).unwrap_or(0))
}

impl Store {
    /// Makes a posting that stands by itself. Repeating one that was made is recognised and changes nothing.
    /// Two write units for each entry and each balance.
    ///
    /// # Errors
    /// [`Error::NotFound`] if an account does not exist or does not hold what is taken from it; faults.
    pub async fn post(&self, posting: &Posting) -> Result<(), Error> {
        let mut tx = Tx::default();
        post(&mut tx, posting)?;
        let refused = match self.transact(tx).await {
            Ok(()) => return Ok(()),
            Err(TxError::Fault(error)) => return Err(error),
            Err(TxError::Refused(refused)) => refused,
        };
        for (key, old) in refused {
            if !key.sk.starts_with(LEDGER) {
                continue;
            }
            let Some(old) = old else {
                return Err(Error::internal("ledger entry refused but absent"));
            };
            let made: EntryItem = decode(old)?;
            let same = made.reason == posting.reason().to_string()
                && posting.entries().iter().any(|e| e.delta.get() == made.delta_cents);
            return if same { Ok(()) } else { Err(Error::internal("ledger entry id used twice")) };
        }
        Err(Error::NotFound)
    }

    /// Whether a posting has been made that has this side. One round trip, 1 read unit.
    ///
    /// # Errors
    /// Faults only.
    pub async fn has_entry(&self, account: &Account, posting: EntryId) -> Result<bool, Error> {
        Ok(self.get(Key::entry(account, posting)).await?.is_some())
    }

    /// A wallet's ledger, newest first. One round trip; 1 read unit per 4 KB of entries (about forty).
    ///
    /// # Errors
    /// [`Error::Invalid`] for a cursor that is not of this list; faults.
    pub async fn ledger(
        &self,
        user: &UserId,
        limit: i32,
        after: Option<&str>,
    ) -> Result<Page<LedgerLine>, Error> {
        let list = List { name: LIST, pk: user_pk(user), prefix: LEDGER };
        self.newest(list, limit, after).await?.try_map(line)
    }
}

fn line(item: Item) -> Result<LedgerLine, Error> {
    let key = Key::of_item(&item).ok_or_else(|| Error::internal("ledger entry without a key"))?;
    let id = key.sk.strip_prefix(LEDGER).unwrap_or_default();
    let id = crate::item::parse("ledger id", id)?;
    let entry: EntryItem = decode(item)?;
    Ok(LedgerLine {
        id,
        delta: Cents::new(entry.delta_cents),
        reason: entry.reason,
        created_at: instant("created_at", entry.created_at)?,
    })
}
