//! Disputes: the owner of a card reclaims a top-up through their bank.

use std::str::FromStr;

use jiff::Timestamp;

use crate::error::UnknownWord;
use crate::{Cents, Reason, TopupId, UserId};

/// State of a dispute, as Stripe reports it. Later states are greater.
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

    /// True if the bank has decided.
    pub const fn is_decided(self) -> bool {
        matches!(self, Self::Won | Self::Lost)
    }

    /// Position in the course of a dispute. Both decisions have the same.
    const fn rank(self) -> u8 {
        match self {
            Self::Inquiry => 0,
            Self::Open => 1,
            Self::Won | Self::Lost => 2,
        }
    }

    /// The part of `amount` that the bank holds in this state.
    const fn held(self, amount: Cents) -> Cents {
        match self {
            Self::Inquiry | Self::Won => Cents::ZERO,
            Self::Open | Self::Lost => amount,
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

/// A webhook event about a dispute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisputeReport {
    /// Stripe's id of the dispute.
    pub id: String,
    /// Disputed amount.
    pub amount: Cents,
    /// State of the dispute.
    pub status: DisputeStatus,
    /// The movements of Stripe's balance for this dispute so far, without fees: negative when the bank takes
    /// money. The list only grows. Empty if the event does not tell.
    pub movements: Vec<Cents>,
    /// Time of the event, in whole seconds.
    pub at: Timestamp,
}

/// A recorded dispute about a top-up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dispute {
    /// Stripe's id of the dispute.
    pub id: String,
    /// User whose top-up is disputed.
    pub user: UserId,
    /// Disputed top-up.
    pub topup: TopupId,
    /// State of the dispute, by the latest event.
    pub status: DisputeStatus,
    /// Amount that the bank holds.
    pub held: Cents,
    /// Number of movements of Stripe's balance that `held` reflects; 0 if it follows from the status.
    pub movements: usize,
    /// Time of the latest event, in whole seconds.
    pub at: Timestamp,
}

/// The effect of a report about a dispute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DisputeChange {
    /// A later report is recorded, or the same.
    Nothing,
    /// The dispute changes to this. A person must look if `surplus` is true: more came back than was taken.
    Change {
        /// The dispute as reported.
        after: Dispute,
        /// True if the bank returns more than it took. Nobody is credited the difference.
        surplus: bool,
    },
    /// The report decides the dispute differently within the same second as the recorded decision, so neither
    /// can be the later one. A person must decide.
    Contradiction,
}

impl DisputeReport {
    /// Decides the effect of this report, given the dispute as `recorded`.
    ///
    /// Reports arrive in any order and more than once; the latest by its time counts. The amount held follows
    /// the movements of Stripe's balance if a report has them, and the status otherwise.
    pub fn apply(&self, recorded: Option<&Dispute>, user: &UserId, topup: TopupId) -> DisputeChange {
        let sum = self.movements.iter().fold(0, |sum: i64, cents| sum.saturating_add(cents.get()));
        let (held, movements) = match self.movements.len() {
            0 => (self.status.held(self.amount), 0),
            count => (Cents::new(sum.saturating_neg().max(0)), count),
        };
        let reported = Dispute {
            id: self.id.clone(),
            user: user.clone(),
            topup,
            status: self.status,
            held,
            movements,
            at: self.at,
        };
        let Some(recorded) = recorded else {
            return DisputeChange::Change { after: reported, surplus: sum > 0 };
        };
        let order = (self.at, self.status.rank()).cmp(&(recorded.at, recorded.status.rank()));
        if order.is_eq() && self.status != recorded.status {
            return DisputeChange::Contradiction;
        }
        let mut after = if order.is_gt() {
            Dispute { status: self.status, at: self.at, ..recorded.clone() }
        } else {
            recorded.clone()
        };
        // A list is later than a shorter one. Without a list, the report's order tells.
        let listed = movements > recorded.movements && (recorded.movements > 0 || order.is_ge());
        if listed || (movements == 0 && order.is_gt()) {
            (after.held, after.movements) = (held, movements.max(recorded.movements));
        }
        if after == *recorded {
            return DisputeChange::Nothing;
        }
        let returned_by_status = movements == 0 && self.status == DisputeStatus::Won;
        let surplus = sum > 0 || (returned_by_status && self.amount > recorded.held);
        DisputeChange::Change { after, surplus }
    }
}

impl Dispute {
    /// The reason of the posting that follows when the amount held changes from `before`.
    pub fn reason(&self, before: Cents) -> Reason {
        if self.held >= before {
            Reason::Dispute(self.id.clone())
        } else {
            Reason::ChargebackWon(self.id.clone())
        }
    }
}

#[cfg(test)]
mod tests {
    use DisputeStatus as S;
    use ulid::Ulid;

    use super::*;

    fn report(second: i64, status: S, amount: i64, movements: &[i64]) -> DisputeReport {
        DisputeReport {
            id: "dp_1".to_owned(),
            amount: Cents::new(amount),
            status,
            movements: movements.iter().copied().map(Cents::new).collect(),
            at: Timestamp::from_second(1_795_512_600 + second).unwrap(),
        }
    }

    fn apply(recorded: Option<&Dispute>, report: &DisputeReport) -> DisputeChange {
        report.apply(recorded, &"ada".parse().unwrap(), TopupId::new(Ulid::from_parts(1, 1)))
    }

    /// Applies reports in turn. Returns the amount that the bank holds, and whether a person must look.
    fn after(reports: &[DisputeReport]) -> (i64, bool) {
        let (mut recorded, mut person) = (None, false);
        for report in reports {
            match apply(recorded.as_ref(), report) {
                DisputeChange::Nothing => {}
                DisputeChange::Contradiction => person = true,
                DisputeChange::Change { after, surplus } => {
                    person |= surplus;
                    recorded = Some(after);
                }
            }
        }
        (recorded.map_or(0, |dispute| dispute.held.get()), person)
    }

    #[test]
    fn any_order_of_reports_ends_with_what_the_bank_holds() {
        let course = |statuses: &[S]| -> Vec<DisputeReport> {
            (0..).zip(statuses).map(|(second, status)| report(second, *status, 5, &[])).collect()
        };
        for (statuses, expect) in [
            (vec![S::Open], 5),
            (vec![S::Open, S::Won], 0),
            (vec![S::Open, S::Lost], 5),
            (vec![S::Inquiry], 0),
            (vec![S::Inquiry, S::Open, S::Won], 0),
            (vec![S::Open, S::Won, S::Lost], 5),
            (vec![S::Open, S::Lost, S::Won], 0),
        ] {
            let mut reports = course(&statuses);
            for _ in 0..reports.len() {
                reports.rotate_left(1);
                let twice = [reports.clone(), reports.clone()].concat();
                assert_eq!(after(&twice).0, expect, "{twice:?}");
            }
        }
    }

    #[test]
    fn the_movements_of_stripes_balance_count_more_than_the_status() {
        let opened = report(0, S::Open, 1000, &[-1000]);
        let partly_won = report(1, S::Won, 1000, &[-1000, 400]);
        assert_eq!(after(&[opened.clone(), partly_won.clone()]), (600, false));
        assert_eq!(after(&[partly_won, opened.clone()]), (600, false));
        assert_eq!(after(&[opened.clone(), report(0, S::Open, 1000, &[])]), (1000, false));
        assert_eq!(after(&[opened, report(1, S::Won, 1000, &[])]), (0, false));
    }

    #[test]
    fn more_than_was_taken_never_comes_back_and_a_person_looks() {
        let opened = report(0, S::Open, 1000, &[]);
        assert_eq!(after(&[opened.clone(), report(1, S::Won, 1500, &[])]), (0, true));
        assert_eq!(after(&[opened, report(1, S::Won, 1000, &[-1000, 1500])]), (0, true));
    }

    #[test]
    fn two_decisions_of_one_second_are_left_to_a_person() {
        let (won, lost) = (report(7, S::Won, 1000, &[]), report(7, S::Lost, 1000, &[]));
        assert_eq!(after(&[won.clone(), lost.clone()]), (0, true));
        assert_eq!(after(&[lost, won]), (1000, true));
    }
}
