//! Withdrawals: money that leaves a wallet for its owner's bank.
//!
//! The wallet is debited first, under the withdrawal's id; then Stripe is asked for a transfer, with that id as the
//! idempotency key. A refusal is undone by a new posting. While the outcome is unknown nothing is undone: the same
//! request is repeated until there is an answer.

use std::str::FromStr;

use jiff::Timestamp;

use crate::error::UnknownWord;
use crate::ledger::Unbalanced;
use crate::{Account, Cents, EntryId, Posting, Reason, UserId, WithdrawalId};

/// Where a withdrawal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WithdrawalStatus {
    /// The wallet is debited; whether Stripe made the transfer is not known.
    Pending,
    /// Stripe made the transfer.
    Paid,
    /// Stripe refused the transfer, and the wallet was credited back.
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

/// A withdrawal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withdrawal {
    /// Which.
    pub id: WithdrawalId,
    /// Whose.
    pub user: UserId,
    /// How much.
    pub amount: Cents,
    /// Where it is.
    pub status: WithdrawalStatus,
    /// The Stripe account it goes to.
    pub account: String,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// Stripe's transfer, once known.
    pub transfer: Option<String>,
    /// What of a transfer came back.
    pub reversed: Cents,
}

impl Withdrawal {
    /// The posting that takes the amount from the wallet.
    ///
    /// # Errors
    /// [`Unbalanced`], which the rules' bounds exclude.
    pub fn debit(&self, id: EntryId, now: Timestamp) -> Result<Posting, Unbalanced> {
        let reason = Reason::Withdraw(self.id);
        Posting::transfer(id, reason, now, self.wallet(), Account::External, self.amount)
    }

    /// The posting that returns the amount after a refusal.
    ///
    /// # Errors
    /// [`Unbalanced`], which the rules' bounds exclude.
    pub fn undo(&self, id: EntryId, now: Timestamp) -> Result<Posting, Unbalanced> {
        self.come_back(self.amount, id, now)
    }

    /// The posting that credits what has come back of the transfer beyond what was credited before; `None` if that
    /// is nothing. Stripe reports the sum of all reversals.
    ///
    /// # Errors
    /// [`Unbalanced`], which amounts of Stripe's exclude.
    pub fn reversal(
        &self,
        reversed: Cents,
        id: EntryId,
        now: Timestamp,
    ) -> Result<Option<Posting>, Unbalanced> {
        if reversed <= self.reversed {
            return Ok(None);
        }
        self.come_back(reversed.minus(self.reversed)?, id, now).map(Some)
    }

    fn come_back(&self, amount: Cents, id: EntryId, now: Timestamp) -> Result<Posting, Unbalanced> {
        let reason = Reason::WithdrawReversed(self.id);
        Posting::transfer(id, reason, now, Account::External, self.wallet(), amount)
    }

    fn wallet(&self) -> Account {
        Account::User(self.user.clone())
    }
}
