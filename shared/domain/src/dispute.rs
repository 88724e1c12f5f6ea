//! Disputes: the owner of a card reclaims a top-up through their bank.

use std::str::FromStr;

use jiff::Timestamp;

use crate::error::UnknownWord;
use crate::ledger::Unbalanced;
use crate::{Account, Cents, EntryId, Posting, Reason, UserId};

/// State of a dispute, as Stripe reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DisputeStatus {
    /// The bank asks for information. No money has moved.
    Inquiry,
    /// The bank has taken the money, and the case is open.
    Open,
    /// The bank has returned the money.
    Won,
    /// The bank keeps the money.
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
    /// Stripe's id of the dispute.
    pub id: String,
    /// User whose top-up is disputed.
    pub user: UserId,
    /// Amount that the bank has taken.
    pub amount: Cents,
    /// State of the dispute.
    pub status: DisputeStatus,
}

/// The effect of one webhook event about a dispute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DisputeChange {
    /// Nothing changes.
    Nothing,
    /// Only the recorded status changes. The debit stands, or was never made.
    Note,
    /// The wallet is debited.
    Debit,
    /// The earlier debit is credited back to the wallet.
    GiveBack,
}

impl Dispute {
    /// Decides the effect of this event, given the status `recorded` before.
    ///
    /// Events arrive in any order and more than once. A decided dispute stays decided. A dispute that is won
    /// before its first event arrives moves no money at all.
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

    /// The posting for `change`, or `None` if it moves no money.
    ///
    /// # Errors
    /// [`Unbalanced`], which Stripe's amounts exclude.
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
    fn any_order_of_events_debits_the_wallet_by_what_the_bank_took() {
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
