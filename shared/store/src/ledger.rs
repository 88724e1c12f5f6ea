//! The ledger: the only code that changes a balance.

use clorp_domain::{Account, EntryId, Error, Posting, Reason, User, UserId};
use jiff::Timestamp;

use crate::items::keys;
use crate::items::keys::{LEDGER, user_pk};
use crate::items::posting::{LedgerLine, read_line, read_posting, wallet_of, write_posting};
use crate::items::user::{BALANCE, RELEASED, held_until};
use crate::table::item::n;
use crate::table::{Commit, List, Tx, Update};
use crate::{Ledger, Page};

const LIST: &str = "ledger";

/// Adds a posting to `tx`: its item, and the change of each balance that is kept.
///
/// A debit requires that the account holds the amount; that keeps a wallet from going below zero, except
/// where the money is gone already ([`clorp_domain::Reason::may_overdraw`]). The platform and the outside
/// world have no balance item, which every transaction would contend for: their balances are the sums of
/// their entries.
pub(crate) fn post(tx: &mut Tx, posting: &Posting) -> Result<(), Error> {
    for entry in posting.entries() {
        let delta = entry.delta.get();
        let (balance_key, balance) = match &entry.account {
            Account::User(id) => (Some(keys::user(id)), BALANCE),
            Account::Escrow(id) => (Some(keys::drop(*id)), "escrow_cents"),
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
                count_winnings(update, posting, delta);
            }
        }
    }
    let (key, item) = write_posting(posting)?;
    tx.create(key, item);
    Ok(())
}

/// Follows a credit with what its user may withdraw: a payout, and a withdrawal that came back.
fn count_winnings(update: &mut Update, posting: &Posting, delta: i64) {
    match (posting.reason(), posting.matures_at()) {
        (Reason::Win(_), Some(at)) => update.add(&held_until(at), delta),
        (Reason::Win(_), None) | (Reason::WithdrawReversed(_), _) => update.add(RELEASED, delta),
        _ => update,
    };
}

/// Adds the posting of a withdrawal to `tx`, if its owner, as read, may withdraw the amount at `now`.
///
/// The releases that are due are recorded by the same write, each under the condition that it is unchanged.
/// What remains must be covered by releases that are recorded already.
pub(crate) fn post_withdrawal(
    tx: &mut Tx,
    posting: &Posting,
    owner: &User,
    now: Timestamp,
) -> Result<(), Error> {
    post(tx, posting)?;
    let wallet = Account::User(owner.id.clone());
    let entry = posting.entries().iter().find(|entry| entry.account == wallet);
    let mut change = entry.ok_or_else(|| Error::internal("a withdrawal from another wallet"))?.delta.get();
    let update = tx.update(keys::user(&owner.id));
    for due in owner.winnings.due(now) {
        let attribute = held_until(due.at);
        update.require(&attribute, "=", n(due.amount.get())).remove(&attribute);
        change = change.saturating_add(due.amount.get());
    }
    if change < 0 {
        update.require(RELEASED, ">=", n(-change));
    }
    if change != 0 {
        update.add(RELEASED, change);
    }
    Ok(())
}

impl Ledger<'_> {
    /// Makes a posting that stands by itself. Repeating a posting is recognised and changes nothing. Two
    /// write units for the posting and for each balance.
    ///
    /// # Errors
    /// [`Error::NotFound`] if an account does not exist or does not hold what is taken from it; faults.
    pub async fn post(self, posting: &Posting) -> Result<(), Error> {
        let mut tx = Tx::default();
        post(&mut tx, posting)?;
        let mut refusals = match self.table.transact(tx).await? {
            Commit::Applied => return Ok(()),
            Commit::Refused(refusals) => refusals,
        };
        let key = keys::posting(wallet_of(posting)?, posting.id());
        if !refusals.contains(&key) {
            return Err(Error::NotFound);
        }
        let Some(made) = refusals.take(&key) else {
            return Err(Error::internal("posting refused but absent"));
        };
        let (made, others) = read_posting(made)?;
        let (intended, intended_others) = read_posting(write_posting(posting)?.1)?;
        // The time may differ: each try has its own.
        let same = (made.delta, made.reason, others) == (intended.delta, intended.reason, intended_others);
        if same { Ok(()) } else { Err(Error::internal("posting id used twice")) }
    }

    /// Tells whether a posting into or out of this wallet has been made. One round trip, 1 read unit.
    pub async fn has_posting(self, wallet: &UserId, posting: EntryId) -> Result<bool, Error> {
        Ok(self.table.get(keys::posting(wallet, posting)).await?.is_some())
    }

    /// A wallet's ledger, newest first. One round trip; 1 read unit per 4 KB of entries (about forty).
    ///
    /// # Errors
    /// [`Error::Invalid`] for a cursor of another list; faults.
    pub async fn page(
        self,
        user: &UserId,
        limit: i32,
        after: Option<&str>,
    ) -> Result<Page<LedgerLine>, Error> {
        let list = List { name: LIST, pk: user_pk(user), prefix: LEDGER };
        self.table.newest(list, limit, after).await?.try_map(read_line)
    }
}
