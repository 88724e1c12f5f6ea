//! Disputes: a card's owner takes the money of a top-up back through their bank.

use std::str::FromStr;

use jiff::Timestamp;

use crate::error::UnknownWord;
use crate::ledger::Unbalanced;
use crate::{Account, Cents, EntryId, Posting, Reason, UserId};

/// What Stripe says of a dispute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DisputeStatus {
    /// The bank asks; no money has moved.
    Inquiry,
    /// The bank has taken the money; the case is open.
    Open,
    /// The money came back.
    Won,
    /// The money stays with the bank.
    Lost,
}

impl DisputeStatus {
    /// The status's word, as stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Inquiry => "inquiry",
            Self::Open => "open",
            Self::Won => "won",
            Self::Lost => "lost",
        }
    }
}

impl FromStr for DisputeStatus {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        let all = [Self::Inquiry, Self::Open, Self::Won, Self::Lost];
        all.into_iter().find(|status| status.as_str() == word).ok_or(UnknownWord)
    }
}

/// A dispute about a top-up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dispute {
    /// Stripe's id for it.
    pub id: String,
    /// Whose top-up it is about.
    pub user: UserId,
    /// How much the bank has taken.
    pub amount: Cents,
    /// Where it is.
    pub status: DisputeStatus,
}

/// What a report on a dispute changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DisputeChange {
    /// Nothing that was not known.
    Nothing,
    /// The status, but no money: the debit stands, or never was.
    Note,
    /// The wallet is debited.
    Debit,
    /// The wallet gets back what it was debited.
    GiveBack,
}

impl Dispute {
    /// What this report changes, given the status recorded before. Reports come in any order and more than once: a
    /// decided dispute stays decided, and one that is won before we heard of it moves no money at all.
    pub const fn change(&self, recorded: Option<DisputeStatus>) -> DisputeChange {
        use DisputeStatus as S;
        match (recorded, self.status) {
            (_, S::Inquiry) | (Some(S::Won | S::Lost), _) | (Some(S::Open), S::Open) => {
                DisputeChange::Nothing
            }
            (None | Some(S::Inquiry), S::Open | S::Lost) => DisputeChange::Debit,
            (None | Some(S::Inquiry), S::Won) | (Some(S::Open), S::Lost) => DisputeChange::Note,
            (Some(S::Open), S::Won) => DisputeChange::GiveBack,
        }
    }

    /// The posting of a debit or of giving it back; `None` for what moves no money.
    ///
    /// # Errors
    /// [`Unbalanced`], which amounts of Stripe's exclude.
    pub fn posting(
        &self,
        change: DisputeChange,
        id: EntryId,
        now: Timestamp,
    ) -> Result<Option<Posting>, Unbalanced> {
        let wallet = Account::User(self.user.clone());
        let (reason, from, to) = match change {
            DisputeChange::Nothing | DisputeChange::Note => return Ok(None),
            DisputeChange::Debit => (Reason::Dispute(self.id.clone()), wallet, Account::External),
            DisputeChange::GiveBack => (Reason::ChargebackWon(self.id.clone()), Account::External, wallet),
        };
        Posting::transfer(id, reason, now, from, to, self.amount).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_order_of_reports_leaves_the_wallet_with_what_the_bank_left_it() {
        use DisputeStatus as S;
        let reports: [(&[S], i64); 9] = [
            (&[S::Open], -1),
            (&[S::Open, S::Open], -1),
            (&[S::Open, S::Won], 0),
            (&[S::Won, S::Open], 0),
            (&[S::Open, S::Lost, S::Lost], -1),
            (&[S::Lost, S::Open], -1),
            (&[S::Inquiry], 0),
            (&[S::Inquiry, S::Open, S::Won, S::Open, S::Won], 0),
            (&[S::Won, S::Won, S::Open], 0),
        ];
        for (statuses, expect) in reports {
            let (mut recorded, mut wallet) = (None, 0);
            for status in statuses {
                let dispute = Dispute {
                    id: "dp_1".to_owned(),
                    user: "ada".parse().unwrap(),
                    amount: Cents::new(1),
                    status: *status,
                };
                match dispute.change(recorded) {
                    DisputeChange::Nothing => continue,
                    DisputeChange::Note => {}
                    DisputeChange::Debit => wallet -= 1,
                    DisputeChange::GiveBack => wallet += 1,
                }
                recorded = Some(*status);
            }
            assert_eq!(wallet, expect, "{statuses:?}");
        }
    }
}
