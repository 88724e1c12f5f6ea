//! The ledger: double entry and append-only. Every posting sums to zero.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;

use crate::money::Overflow;
use crate::{Cents, DropId, EntryId, UserId, WithdrawalId};

/// An account that can hold money.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Account {
    /// A user's wallet.
    User(UserId),
    /// Money held by an open drop until it is paid out or refunded.
    Escrow(DropId),
    /// The platform's fees.
    Platform,
    /// The outside world: banks and cards. Its balance is the negative sum of all other accounts.
    External,
}

/// The reason for a posting. Its text is the `reason` that users see.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// A wallet was funded by its owner; names Stripe's Checkout session.
    Topup(String),
    /// A wallet was funded from the saved card; names Stripe's PaymentIntent.
    AutoTopup(String),
    /// A top-up was paid back to the card, in full or in part; names Stripe's charge.
    TopupRefund(String),
    /// A refund of a top-up failed, so its amount came back; names Stripe's refund.
    RefundFailed(String),
    /// The card's owner disputed a top-up; names Stripe's dispute.
    Dispute(String),
    /// The platform won a dispute; names Stripe's dispute.
    ChargebackWon(String),
    /// Money was sent to the user's bank.
    Withdraw(WithdrawalId),
    /// A withdrawal was refused, or came back.
    WithdrawReversed(WithdrawalId),
    /// A drop was opened.
    Drop(DropId),
    /// A drop was cancelled or expired.
    Refund(DropId),
    /// A drop was judged.
    Win(DropId),
}

impl Reason {
    /// True if the debit may overdraw the wallet. The bank has already taken that money, so the wallet owes
    /// it.
    pub const fn may_overdraw(&self) -> bool {
        match self {
            Self::TopupRefund(_) | Self::Dispute(_) => true,
            Self::Topup(_)
            | Self::AutoTopup(_)
            | Self::RefundFailed(_)
            | Self::ChargebackWon(_)
            | Self::Withdraw(_)
            | Self::WithdrawReversed(_)
            | Self::Drop(_)
            | Self::Refund(_)
            | Self::Win(_) => false,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Topup(session) => write!(f, "topup:{session}"),
            Self::AutoTopup(intent) => write!(f, "auto_topup:{intent}"),
            Self::TopupRefund(charge) => write!(f, "refund:{charge}"),
            Self::RefundFailed(refund) => write!(f, "refund_failed:{refund}"),
            Self::Dispute(dispute) => write!(f, "dispute:{dispute}"),
            Self::ChargebackWon(dispute) => write!(f, "chargeback_won:{dispute}"),
            Self::Withdraw(id) => write!(f, "withdraw:{id}"),
            Self::WithdrawReversed(id) => write!(f, "withdraw_reversed:{id}"),
            Self::Drop(id) => write!(f, "drop:{id}"),
            Self::Refund(id) => write!(f, "refund:{id}"),
            Self::Win(id) => write!(f, "win:{id}"),
        }
    }
}

/// The error for a text that is no ledger reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownReason;

impl FromStr for Reason {
    type Err = UnknownReason;

    fn from_str(text: &str) -> Result<Self, UnknownReason> {
        let (kind, what) = text.split_once(':').ok_or(UnknownReason)?;
        let drop = || what.parse().map_err(|_| UnknownReason);
        let withdrawal = || what.parse().map_err(|_| UnknownReason);
        match kind {
            "topup" => Ok(Self::Topup(what.to_owned())),
            "auto_topup" => Ok(Self::AutoTopup(what.to_owned())),
            "refund_failed" => Ok(Self::RefundFailed(what.to_owned())),
            "dispute" => Ok(Self::Dispute(what.to_owned())),
            "chargeback_won" => Ok(Self::ChargebackWon(what.to_owned())),
            "withdraw" => Ok(Self::Withdraw(withdrawal()?)),
            "withdraw_reversed" => Ok(Self::WithdrawReversed(withdrawal()?)),
            "drop" => Ok(Self::Drop(drop()?)),
            // A drop's id is a ULID and a Stripe id has an underscore, so the two kinds of refund cannot be
            // confused.
            "refund" => Ok(drop().map_or_else(|_| Self::TopupRefund(what.to_owned()), Self::Refund)),
            "win" => Ok(Self::Win(drop()?)),
            _ => Err(UnknownReason),
        }
    }
}

/// One account's side of a posting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Account whose balance changes.
    pub account: Account,
    /// Change of the balance: positive into the account, negative out of it, never zero.
    pub delta: Cents,
}

/// One movement of money: entries that sum to zero and are written atomically.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posting {
    id: EntryId,
    reason: Reason,
    at: Timestamp,
    entries: Vec<Entry>,
    matures_at: Option<Timestamp>,
}

/// The reason why entries form no posting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unbalanced {
    /// The entries do not sum to zero.
    Sum(Cents),
    /// The sum of the entries is out of range.
    Range,
    /// An account appears twice.
    Repeated,
    /// No entry moves anything.
    Empty,
}

impl From<Overflow> for Unbalanced {
    fn from(Overflow: Overflow) -> Self {
        Self::Range
    }
}

impl Posting {
    /// Builds a posting from `entries`. Entries of zero cents are dropped.
    ///
    /// # Errors
    /// [`Unbalanced`] unless the entries sum to zero, name each account once and move something.
    pub fn new(
        id: EntryId,
        reason: Reason,
        at: Timestamp,
        entries: impl IntoIterator<Item = (Account, Cents)>,
    ) -> Result<Self, Unbalanced> {
        let mut kept: Vec<Entry> = Vec::new();
        let mut sum = Cents::ZERO;
        for (account, delta) in entries.into_iter().filter(|(_, delta)| *delta != Cents::ZERO) {
            sum = sum.plus(delta)?;
            if kept.iter().any(|entry| entry.account == account) {
                return Err(Unbalanced::Repeated);
            }
            kept.push(Entry { account, delta });
        }
        match (kept.is_empty(), sum) {
            (true, _) => Err(Unbalanced::Empty),
            (false, Cents::ZERO) => Ok(Self { id, reason, at, entries: kept, matures_at: None }),
            (false, sum) => Err(Unbalanced::Sum(sum)),
        }
    }

    /// Builds a posting that moves `amount` from one account to another.
    ///
    /// # Errors
    /// See [`Posting::new`].
    pub fn transfer(
        id: EntryId,
        reason: Reason,
        at: Timestamp,
        from: Account,
        to: Account,
        amount: Cents,
    ) -> Result<Self, Unbalanced> {
        Self::new(id, reason, at, [(from, amount.negated()?), (to, amount)])
    }

    /// The same posting, with a payout that its winner may withdraw from `at` on; `None` for at once.
    #[must_use]
    pub fn maturing(self, at: Option<Timestamp>) -> Self {
        Self { matures_at: at, ..self }
    }

    /// The time from which on the payout of this posting may be withdrawn; `None` for at once.
    pub const fn matures_at(&self) -> Option<Timestamp> {
        self.matures_at
    }

    /// The posting's id, shared by its entries.
    pub const fn id(&self) -> EntryId {
        self.id
    }

    /// The reason for the posting.
    pub const fn reason(&self) -> &Reason {
        &self.reason
    }

    /// Time of the posting.
    pub const fn at(&self) -> Timestamp {
        self.at
    }

    /// The posting's entries: at least two, summing to zero.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_parses_back_from_its_text() {
        for text in [
            "topup:cs_test_1",
            "auto_topup:pi_1",
            "refund:ch_1",
            "refund:01JD4B6Q4N0000000000000000",
            "refund_failed:re_1",
            "dispute:dp_1",
            "chargeback_won:dp_1",
            "withdraw:01JD4B6Q4N0000000000000000",
            "withdraw_reversed:01JD4B6Q4N0000000000000000",
            "drop:01JD4B6Q4N0000000000000000",
            "win:01JD4B6Q4N0000000000000000",
        ] {
            assert_eq!(text.parse::<Reason>().unwrap().to_string(), text);
        }
        for bad in ["", "drop", "drop:x", "withdraw:x", "gift:x"] {
            assert_eq!(bad.parse::<Reason>(), Err(UnknownReason), "{bad}");
        }
    }

    #[test]
    fn only_refunds_and_disputes_may_overdraw_a_wallet() {
        for (text, overdraws) in [
            ("refund:ch_1", true),
            ("dispute:dp_1", true),
            ("refund:01JD4B6Q4N0000000000000000", false),
            ("refund_failed:re_1", false),
            ("withdraw:01JD4B6Q4N0000000000000000", false),
            ("drop:01JD4B6Q4N0000000000000000", false),
        ] {
            assert_eq!(text.parse::<Reason>().unwrap().may_overdraw(), overdraws, "{text}");
        }
    }
}
