//! Withdrawals: money that moves from a wallet to its owner's bank.
//!
//! The wallet is debited first, under the withdrawal's id. Then Stripe is asked for a transfer, with that id
//! as the idempotency key. A new posting undoes the debit if Stripe refuses. While the outcome is unknown,
//! nothing is undone and the same request is repeated until Stripe answers.

use std::str::FromStr;

use jiff::Timestamp;

use crate::error::UnknownWord;
use crate::ledger::Unbalanced;
use crate::{Account, Cents, EntryId, Posting, Reason, UserId, WithdrawalId};

/// State of a withdrawal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WithdrawalStatus {
    /// The wallet is debited. It is not yet known whether Stripe made the transfer.
    Pending,
    /// Stripe made the transfer.
    Paid,
    /// Stripe refused the transfer, and the amount was credited back to the wallet.
    Refused,
}

impl WithdrawalStatus {
    /// The status's word, as stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Paid => "paid",
            Self::Refused => "refused",
        }
    }
}

impl FromStr for WithdrawalStatus {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        let all = [Self::Pending, Self::Paid, Self::Refused];
        all.into_iter().find(|status| status.as_str() == word).ok_or(UnknownWord)
    }
}

/// A transfer from a wallet to its owner's Stripe account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withdrawal {
    /// Id of the withdrawal, and Stripe's idempotency key.
    pub id: WithdrawalId,
    /// User whose wallet is debited.
    pub user: UserId,
    /// Amount of the transfer.
    pub amount: Cents,
    /// State of the withdrawal.
    pub status: WithdrawalStatus,
    /// Stripe account that receives the transfer.
    pub account: String,
    /// Time of the request.
    pub created_at: Timestamp,
    /// Id of Stripe's transfer, once known.
    pub transfer: Option<String>,
    /// Part of the transfer that Stripe has reversed.
    pub reversed: Cents,
}

impl Withdrawal {
    /// The posting that debits the wallet.
    ///
    /// # Errors
    /// [`Unbalanced`], which the rules' bounds exclude.
    pub fn debit(&self, id: EntryId, now: Timestamp) -> Result<Posting, Unbalanced> {
        let reason = Reason::Withdraw(self.id);
        Posting::transfer(id, reason, now, self.wallet(), Account::External, self.amount)
    }

    /// The posting that credits the whole amount back after a refusal.
    ///
    /// # Errors
    /// [`Unbalanced`], which the rules' bounds exclude.
    pub fn undo(&self, id: EntryId, now: Timestamp) -> Result<Posting, Unbalanced> {
        self.credit_back(self.amount, id, now)
    }

    /// The posting that credits what Stripe has newly reversed, or `None` if nothing is new. `reversed` is
    /// the sum of all reversals, as Stripe reports it.
    ///
    /// # Errors
    /// [`Unbalanced`], which Stripe's amounts exclude.
    pub fn reversal(
        &self,
        reversed: Cents,
        id: EntryId,
        now: Timestamp,
    ) -> Result<Option<Posting>, Unbalanced> {
        if reversed <= self.reversed {
            return Ok(None);
        }
        self.credit_back(reversed.minus(self.reversed)?, id, now).map(Some)
    }

    fn credit_back(&self, amount: Cents, id: EntryId, now: Timestamp) -> Result<Posting, Unbalanced> {
        let reason = Reason::WithdrawReversed(self.id);
        Posting::transfer(id, reason, now, Account::External, self.wallet(), amount)
    }

    fn wallet(&self) -> Account {
        Account::User(self.user.clone())
    }
}
