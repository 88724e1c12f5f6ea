//! Withdrawals: reserved by a debit, then made, refused or, later, reversed.

use clorp_domain::{
    Cents, ConnectStatus, Error, Posting, User, UserId, Withdrawal, WithdrawalId, WithdrawalStatus,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::item::{Item, decode, instant, keyed, n, parse, s};
use crate::pending::{no_longer_pending, pending_from};
use crate::primary_key::{Key, WITHDRAWAL, user_of_pk};
use crate::topups::{Moved, moved};
use crate::tx::{Tx, TxError};
use crate::users::read_user;
use crate::{Store, ledger};

#[derive(Debug, Serialize, Deserialize)]
struct WithdrawalItem {
    status: String,
    amount_cents: i64,
    reversed_cents: i64,
    account_id: String,
    created_at: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    transfer_id: Option<String>,
}

/// How the reservation of a withdrawal ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reserved {
    /// The wallet is debited.
    Done,
    /// It was reserved before, and is this now.
    Already(Box<Withdrawal>),
    /// It is not: this is what the user has become.
    Refused(Box<User>),
}

/// The withdrawal an item holds.
pub(crate) fn read_withdrawal(item: Item) -> Result<Withdrawal, Error> {
    let key = Key::of_item(&item).ok_or_else(|| Error::internal("withdrawal without a key"))?;
    let user = user_of_pk(&key.pk).ok_or_else(|| Error::internal("withdrawal without a user"))?;
    let item: WithdrawalItem = decode(item)?;
    Ok(Withdrawal {
        id: parse("withdrawal id", key.sk.strip_prefix(WITHDRAWAL).unwrap_or_default())?,
        user,
        amount: Cents::new(item.amount_cents),
        status: item.status.parse().map_err(|_| Error::internal("stored withdrawal cannot be read"))?,
        account: item.account_id,
        created_at: instant("created_at", item.created_at)?,
        transfer: item.transfer_id,
        reversed: Cents::new(item.reversed_cents),
    })
}

impl Store {
    /// Debits a wallet for a withdrawal, if its owner's Stripe account is this one and can pay out. From `due_at` on it
    /// is found by [`Store::pending`]. Eight write units and an index entry.
    ///
    /// # Errors
    /// Faults only.
    pub async fn reserve_withdrawal(
        &self,
        withdrawal: &Withdrawal,
        debit: &Posting,
        due_at: Timestamp,
    ) -> Result<Reserved, Error> {
        let (key, user_key) = (Key::withdrawal(&withdrawal.user, withdrawal.id), Key::user(&withdrawal.user));
        let item = WithdrawalItem {
            status: withdrawal.status.as_str().to_owned(),
            amount_cents: withdrawal.amount.get(),
            reversed_cents: withdrawal.reversed.get(),
            account_id: withdrawal.account.clone(),
            created_at: withdrawal.created_at.as_millisecond(),
            transfer_id: withdrawal.transfer.clone(),
        };
        let mut item = keyed(&key, &item)?;
        pending_from(&mut item, due_at);
        let mut tx = Tx::default();
        tx.create(key.clone(), item);
        ledger::post(&mut tx, debit)?;
        tx.update(user_key.clone()).require("stripe_account_id", "=", s(withdrawal.account.clone())).require(
            "stripe_account_status",
            "=",
            s(ConnectStatus::Active.as_str()),
        );
        match self.transact(tx).await {
            Ok(()) => Ok(Reserved::Done),
            Err(TxError::Fault(error)) => Err(error),
            Err(TxError::Refused(mut refused)) => match (refused.remove(&key), refused.remove(&user_key)) {
                (Some(Some(old)), _) => Ok(Reserved::Already(Box::new(read_withdrawal(old)?))),
                (_, Some(Some(old))) => Ok(Reserved::Refused(Box::new(read_user(old)?))),
                _ => Err(Error::internal("a withdrawal was refused for no reason we know")),
            },
        }
    }

    /// A withdrawal. One round trip, 1 read unit.
    ///
    /// # Errors
    /// Faults only.
    pub async fn withdrawal(&self, user: &UserId, id: WithdrawalId) -> Result<Option<Withdrawal>, Error> {
        self.get(Key::withdrawal(user, id)).await?.map(read_withdrawal).transpose()
    }

    /// Records the transfer that carries a pending withdrawal out. Two write units and an index entry.
    ///
    /// # Errors
    /// Faults only.
    pub async fn complete_withdrawal(&self, withdrawal: &Withdrawal, transfer: &str) -> Result<Moved, Error> {
        let mut tx = Tx::default();
        let update = tx.update(Key::withdrawal(&withdrawal.user, withdrawal.id));
        update
            .require("status", "=", s(WithdrawalStatus::Pending.as_str()))
            .set("status", s(WithdrawalStatus::Paid.as_str()))
            .set("transfer_id", s(transfer));
        no_longer_pending(update);
        moved(self.transact(tx).await)
    }

    /// Returns the amount of a pending withdrawal that Stripe refused. Eight write units and an index entry.
    ///
    /// # Errors
    /// Faults only.
    pub async fn refuse_withdrawal(&self, withdrawal: &Withdrawal, undo: &Posting) -> Result<Moved, Error> {
        let mut tx = Tx::default();
        let update = tx.update(Key::withdrawal(&withdrawal.user, withdrawal.id));
        update
            .require("status", "=", s(WithdrawalStatus::Pending.as_str()))
            .require("reversed_cents", "=", n(0))
            .set("status", s(WithdrawalStatus::Refused.as_str()));
        no_longer_pending(update);
        ledger::post(&mut tx, undo)?;
        moved(self.transact(tx).await)
    }

    /// Credits what came back of a withdrawal, as read: `reversed` in all. Eight write units.
    ///
    /// # Errors
    /// Faults only.
    pub async fn reverse_withdrawal(
        &self,
        withdrawal: &Withdrawal,
        reversed: Cents,
        posting: &Posting,
    ) -> Result<Moved, Error> {
        let mut tx = Tx::default();
        tx.update(Key::withdrawal(&withdrawal.user, withdrawal.id))
            .require("status", "=", s(withdrawal.status.as_str()))
            .require("reversed_cents", "=", n(withdrawal.reversed.get()))
            .set("reversed_cents", n(reversed.get()));
        ledger::post(&mut tx, posting)?;
        moved(self.transact(tx).await)
    }
}
