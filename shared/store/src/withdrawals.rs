//! Withdrawals: reserved by a debit, then made, refused or, later, reversed.

use clorp_domain::{
    Cents, ConnectStatus, Error, Posting, User, UserId, Withdrawal, WithdrawalId, WithdrawalStatus,
};
use jiff::Timestamp;

use crate::freezes::require_unfrozen;
use crate::items::keys;
use crate::items::pending_entry::{Queue, end_pending, enter};
use crate::items::user::read_user;
use crate::items::withdrawal::{read_withdrawal, write_withdrawal};
use crate::table::Tx;
use crate::table::item::{n, s};
use crate::{Conditional, Withdrawals, ledger};

/// The reason why a withdrawal was not reserved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReserveConflict {
    /// It was reserved before: the withdrawal as it is now.
    Exists(Box<Withdrawal>),
    /// Its user does not meet the conditions: the user as it is now.
    User(Box<User>),
}

impl Withdrawals<'_> {
    /// Debits a wallet for a withdrawal, if its owner's matured winnings cover it, the account is not frozen,
    /// and the Stripe account is this one and can pay out. `owner` is the user as read, whose due releases
    /// are recorded. From `due_at` on the withdrawal is among the [pending](crate::Store::pending) payments.
    /// Eight write units and an index entry.
    pub async fn reserve(
        self,
        withdrawal: &Withdrawal,
        owner: &User,
        debit: &Posting,
        due_at: Timestamp,
    ) -> Result<Conditional<ReserveConflict>, Error> {
        let (key, user_key) =
            (keys::withdrawal(&withdrawal.user, withdrawal.id), keys::user(&withdrawal.user));
        let mut item = write_withdrawal(&key, withdrawal)?;
        enter(&mut item, Queue::Unsettled, due_at);
        let mut tx = Tx::default();
        tx.create(key.clone(), item);
        ledger::post_withdrawal(&mut tx, debit, owner, withdrawal.created_at)?;
        require_unfrozen(tx.update(user_key.clone()))
            .require("stripe_account_id", "=", s(withdrawal.account.clone()))
            .require("stripe_account_status", "=", s(ConnectStatus::Active.as_str()));
        self.table.transact(tx).await?.or_conflict(|mut refusals| {
            match (refusals.take(&key), refusals.take(&user_key)) {
                (Some(old), _) => Ok(ReserveConflict::Exists(Box::new(read_withdrawal(old)?))),
                (None, Some(old)) => Ok(ReserveConflict::User(Box::new(read_user(old)?))),
                (None, None) => Err(refusals.unexpected("withdrawal")),
            }
        })
    }

    /// A withdrawal. One round trip, 1 read unit.
    pub async fn get(self, user: &UserId, id: WithdrawalId) -> Result<Option<Withdrawal>, Error> {
        self.table.get(keys::withdrawal(user, id)).await?.map(read_withdrawal).transpose()
    }

    /// Records the transfer that carries a pending withdrawal out. A conflict means that the withdrawal is
    /// not pending. Two write units and an index entry.
    pub async fn complete(self, withdrawal: &Withdrawal, transfer: &str) -> Result<Conditional<()>, Error> {
        let mut tx = Tx::default();
        let update = tx.update(keys::withdrawal(&withdrawal.user, withdrawal.id));
        update
            .require("status", "=", s(WithdrawalStatus::Pending.as_str()))
            .set("status", s(WithdrawalStatus::Paid.as_str()))
            .set("transfer_id", s(transfer));
        end_pending(update);
        Ok(self.table.transact(tx).await?.conditional())
    }

    /// Returns the amount of a pending withdrawal that Stripe refused. A conflict means that the withdrawal
    /// is not pending. Eight write units and an index entry.
    pub async fn refuse(self, withdrawal: &Withdrawal, undo: &Posting) -> Result<Conditional<()>, Error> {
        let mut tx = Tx::default();
        let update = tx.update(keys::withdrawal(&withdrawal.user, withdrawal.id));
        update
            .require("status", "=", s(WithdrawalStatus::Pending.as_str()))
            .require("reversed_cents", "=", n(0))
            .set("status", s(WithdrawalStatus::Refused.as_str()));
        end_pending(update);
        ledger::post(&mut tx, undo)?;
        Ok(self.table.transact(tx).await?.conditional())
    }

    /// Credits what came back of a withdrawal, as read: `reversed` in all. A conflict means that the
    /// withdrawal has changed since. Eight write units.
    pub async fn reverse(
        self,
        withdrawal: &Withdrawal,
        reversed: Cents,
        posting: &Posting,
    ) -> Result<Conditional<()>, Error> {
        let mut tx = Tx::default();
        tx.update(keys::withdrawal(&withdrawal.user, withdrawal.id))
            .require("status", "=", s(withdrawal.status.as_str()))
            .require("reversed_cents", "=", n(withdrawal.reversed.get()))
            .set("reversed_cents", n(reversed.get()));
        ledger::post(&mut tx, posting)?;
        Ok(self.table.transact(tx).await?.conditional())
    }
}
