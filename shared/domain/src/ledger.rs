//! The ledger: double entry, append-only, every posting summing to zero.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;

use crate::money::Overflow;
use crate::{Cents, DropId, EntryId, UserId};

/// Where money can be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Account {
    /// A user's wallet.
    User(UserId),
    /// Money held by an open drop until it is paid out or refunded.
    Escrow(DropId),
    /// The platform's fees.
    Platform,
    /// The world outside: banks and cards. Its balance is minus all that is inside.
    External,
}

/// Why money moved. Its text is the `reason` that users see.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// A wallet was funded; names the payment.
    Topup(String),
    /// A drop was opened.
    Drop(DropId),
    /// A drop was cancelled or expired.
    Refund(DropId),
    /// A drop was judged.
    Win(DropId),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Topup(payment) => write!(f, "topup:{payment}"),
            Self::Drop(id) => write!(f, "drop:{id}"),
            Self::Refund(id) => write!(f, "refund:{id}"),
            Self::Win(id) => write!(f, "win:{id}"),
        }
    }
}

/// A text that is no ledger reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownReason;

impl FromStr for Reason {
    type Err = UnknownReason;

    fn from_str(text: &str) -> Result<Self, UnknownReason> {
        let (kind, what) = text.split_once(':').ok_or(UnknownReason)?;
        let drop = || what.parse().map_err(|_| UnknownReason);
        match kind {
            "topup" => Ok(Self::Topup(what.to_owned())),
            "drop" => Ok(Self::Drop(drop()?)),
            "refund" => Ok(Self::Refund(drop()?)),
            "win" => Ok(Self::Win(drop()?)),
            _ => Err(UnknownReason),
        }
    }
}

/// One account's side of a posting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Whose.
    pub account: Account,
    /// Positive into the account, negative out of it; never zero.
    pub delta: Cents,
}

/// One movement of money: entries that sum to zero, written together or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posting {
    id: EntryId,
    reason: Reason,
    at: Timestamp,
    entries: Vec<Entry>,
}

/// Why entries do not form a posting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unbalanced {
    /// They do not sum to zero.
    Sum(Cents),
    /// Their sum is out of range.
    Range,
    /// An account appears twice.
    Repeated,
    /// There are none.
    Empty,
}

impl From<Overflow> for Unbalanced {
    fn from(Overflow: Overflow) -> Self {
        Self::Range
    }
}

impl Posting {
    /// The posting of `entries`; those of zero cents are left out.
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
            (false, Cents::ZERO) => Ok(Self { id, reason, at, entries: kept }),
            (false, sum) => Err(Unbalanced::Sum(sum)),
        }
    }

    /// `amount` from one account to another.
    ///
    /// # Errors
    /// As [`Posting::new`].
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

    /// The posting's id, shared by its entries.
    pub const fn id(&self) -> EntryId {
        self.id
    }

    /// Why.
    pub const fn reason(&self) -> &Reason {
        &self.reason
    }

    /// When.
    pub const fn at(&self) -> Timestamp {
        self.at
    }

    /// The accounts' sides: at least two, summing to zero.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }
}
