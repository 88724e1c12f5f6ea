//! Payments that go back to the payer: the refunds and disputes of one top-up.

use jiff::Timestamp;

use crate::Cents;
use crate::money::Overflow;

/// A refund that failed after it had been made. Its amount came back to the platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedRefund {
    /// Stripe's id of the refund.
    pub id: String,
    /// Amount of the refund.
    pub amount: Cents,
    /// Time at which the refund was made, in whole seconds.
    pub made_at: Timestamp,
    /// Time of the failure, in whole seconds.
    pub at: Timestamp,
}

impl FailedRefund {
    /// True if nothing tells whether a report of this second still counts the refund.
    fn is_unclear_in(&self, report_at: Timestamp) -> bool {
        self.at == report_at && self.made_at < report_at
    }
}

/// The change of a payment's refunds by a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefundChange {
    /// The report brings nothing new.
    Nothing,
    /// A refund failed in the second in which another one was made. Both reports have that second as their
    /// time, so nothing tells whether the sum of the refunds still has the one that failed. A person decides.
    Contradiction,
    /// The new state.
    Change(TakenBack),
}

/// The parts of one payment that went back to the payer, as Stripe has reported them.
///
/// Reports come late, twice and in any order. The result depends on the set of reports alone, because the
/// reports carry sums and times, and the latest counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TakenBack {
    /// Sum of the charge's refunds, by the latest report.
    pub refunded: Cents,
    /// Time of that report, in whole seconds; `None` before the first.
    pub refunded_at: Option<Timestamp>,
    /// Every refund that failed.
    pub failed: Vec<FailedRefund>,
    /// Sum that banks hold in disputes about the payment.
    pub disputed: Cents,
    /// Number of changes. A write requires that the number is the one that was read.
    pub revision: u32,
}

impl TakenBack {
    /// The amount that the wallet owes for a payment of `paid`: refunds and disputes together, but never more
    /// than the payment.
    ///
    /// # Errors
    /// [`Overflow`], which Stripe's amounts exclude.
    pub fn of(&self, paid: Cents) -> Result<Cents, Overflow> {
        Ok(self.refunds()?.plus(self.disputed)?.clamp(Cents::ZERO, paid))
    }

    /// The refunds that did not fail. A report later than a failure already leaves the failed refund out.
    fn refunds(&self) -> Result<Cents, Overflow> {
        let later = self.failed.iter().filter(|failed| Some(failed.at) >= self.refunded_at);
        let sum = later.map(|failed| failed.amount).try_fold(Cents::ZERO, Cents::plus)?;
        Ok(self.refunded.minus(sum)?.max(Cents::ZERO))
    }

    /// The change by a report at `at` that the charge's refunds sum to `refunded`. Of two reports in one
    /// second the larger counts, because refunds add up.
    pub fn with_refunds(&self, refunded: Cents, at: Timestamp) -> RefundChange {
        if (Some(at), refunded) <= (self.refunded_at, self.refunded) {
            return RefundChange::Nothing;
        }
        if self.failed.iter().any(|failed| failed.is_unclear_in(at)) {
            return RefundChange::Contradiction;
        }
        RefundChange::Change(Self { refunded, refunded_at: Some(at), ..self.next() })
    }

    /// The change by a report that a refund failed.
    pub fn with_failed_refund(&self, refund: FailedRefund) -> RefundChange {
        if self.failed.iter().any(|known| known.id == refund.id) {
            return RefundChange::Nothing;
        }
        if self.refunded_at.is_some_and(|at| refund.is_unclear_in(at)) {
            return RefundChange::Contradiction;
        }
        let mut next = self.next();
        next.failed.push(refund);
        RefundChange::Change(next)
    }

    /// The state after a dispute about the payment changed from holding `before` to holding `after`.
    ///
    /// # Errors
    /// [`Overflow`], which Stripe's amounts exclude.
    pub fn with_disputed(&self, before: Cents, after: Cents) -> Result<Self, Overflow> {
        Ok(Self { disputed: self.disputed.minus(before)?.plus(after)?, ..self.next() })
    }

    fn next(&self) -> Self {
        Self { revision: self.revision.saturating_add(1), ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAID: Cents = Cents::new(1000);

    fn second(second: i64) -> Timestamp {
        Timestamp::from_second(1_795_512_600 + second).unwrap()
    }

    /// A refund of the first second.
    fn failed(id: &str, cents: i64, at: i64) -> FailedRefund {
        FailedRefund { id: id.to_owned(), amount: Cents::new(cents), made_at: second(1), at: second(at) }
    }

    fn changed(change: RefundChange) -> TakenBack {
        match change {
            RefundChange::Change(state) => state,
            other => panic!("{other:?}"),
        }
    }

    fn owed(state: &TakenBack) -> i64 {
        state.of(PAID).unwrap().get()
    }

    #[test]
    fn refunds_and_disputes_together_take_back_at_most_the_payment() {
        let refunded = changed(TakenBack::default().with_refunds(Cents::new(300), second(1)));
        let disputed = refunded.with_disputed(Cents::ZERO, PAID).unwrap();
        assert_eq!((owed(&refunded), owed(&disputed)), (300, 1000));
        assert_eq!(owed(&disputed.with_disputed(PAID, Cents::ZERO).unwrap()), 300);
    }

    #[test]
    fn an_earlier_or_repeated_report_of_refunds_changes_nothing() {
        let state = changed(TakenBack::default().with_refunds(Cents::new(500), second(5)));
        for (cents, at) in [(900, 4), (500, 5), (300, 5)] {
            assert_eq!(state.with_refunds(Cents::new(cents), second(at)), RefundChange::Nothing);
        }
        assert_eq!(owed(&changed(state.with_refunds(Cents::new(600), second(5)))), 600);
    }

    #[test]
    fn a_failed_refund_is_owed_no_longer_in_any_order_of_the_reports() {
        // Refunds of 300 and 200; the first fails; a third of 100 follows.
        type Report = fn(&TakenBack) -> RefundChange;
        let reports: [Report; 4] = [
            |state| state.with_refunds(Cents::new(300), second(1)),
            |state| state.with_refunds(Cents::new(500), second(2)),
            |state| state.with_failed_refund(failed("re_1", 300, 3)),
            |state| state.with_refunds(Cents::new(300), second(4)),
        ];
        for (count, expect) in [(2, 500), (3, 200), (4, 300)] {
            for rotation in 0..count {
                let mut state = TakenBack::default();
                let mut order: Vec<usize> = (0..count).collect();
                order.rotate_left(rotation);
                for report in order.iter().chain(&order) {
                    match reports[*report](&state) {
                        RefundChange::Change(after) => state = after,
                        RefundChange::Nothing => {}
                        RefundChange::Contradiction => panic!("{order:?}"),
                    }
                }
                assert_eq!(owed(&state), expect, "{order:?}");
            }
        }
    }

    #[test]
    fn a_failure_reported_before_its_refund_never_credits_more_than_was_taken() {
        let state = changed(TakenBack::default().with_failed_refund(failed("re_1", 300, 3)));
        assert_eq!(owed(&state), 0);
        assert_eq!(owed(&changed(state.with_refunds(Cents::new(300), second(1)))), 0);
    }

    #[test]
    fn a_refund_in_the_second_of_an_earlier_ones_failure_is_decided_by_a_person() {
        let first = changed(TakenBack::default().with_refunds(Cents::new(300), second(1)));
        let (sum, failure) = (Cents::new(300), failed("re_1", 300, 5));
        let refunded = changed(first.with_refunds(sum, second(5)));
        assert_eq!(refunded.with_failed_refund(failure.clone()), RefundChange::Contradiction);
        let failed_first = changed(first.with_failed_refund(failure));
        assert_eq!(failed_first.with_refunds(sum, second(5)), RefundChange::Contradiction);
        assert_eq!(owed(&changed(failed_first.with_refunds(sum, second(6)))), 300);
        // A refund that fails in its own second is counted by the report of that second.
        assert_eq!(owed(&changed(first.with_failed_refund(failed("re_1", 300, 1)))), 0);
    }
}
