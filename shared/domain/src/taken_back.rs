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
    /// Time of the failure, in whole seconds.
    pub at: Timestamp,
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

    /// The state after a report at `at` that the charge's refunds sum to `refunded`; `None` if a later report
    /// is known. Of two reports in one second the larger counts, because refunds add up.
    pub fn with_refunds(&self, refunded: Cents, at: Timestamp) -> Option<Self> {
        if (Some(at), refunded) <= (self.refunded_at, self.refunded) {
            return None;
        }
        Some(Self { refunded, refunded_at: Some(at), ..self.next() })
    }

    /// The state after a refund failed; `None` if the failure is known.
    pub fn with_failed_refund(&self, refund: FailedRefund) -> Option<Self> {
        if self.failed.iter().any(|known| known.id == refund.id) {
            return None;
        }
        let mut next = self.next();
        next.failed.push(refund);
        Some(next)
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

    fn failed(id: &str, cents: i64, at: i64) -> FailedRefund {
        FailedRefund { id: id.to_owned(), amount: Cents::new(cents), at: second(at) }
    }

    fn owed(state: &TakenBack) -> i64 {
        state.of(PAID).unwrap().get()
    }

    #[test]
    fn refunds_and_disputes_together_take_back_at_most_the_payment() {
        let refunded = TakenBack::default().with_refunds(Cents::new(300), second(1)).unwrap();
        let disputed = refunded.with_disputed(Cents::ZERO, PAID).unwrap();
        assert_eq!((owed(&refunded), owed(&disputed)), (300, 1000));
        assert_eq!(owed(&disputed.with_disputed(PAID, Cents::ZERO).unwrap()), 300);
    }

    #[test]
    fn an_earlier_or_repeated_report_of_refunds_changes_nothing() {
        let state = TakenBack::default().with_refunds(Cents::new(500), second(5)).unwrap();
        assert_eq!(state.with_refunds(Cents::new(900), second(4)), None);
        assert_eq!(state.with_refunds(Cents::new(500), second(5)), None);
        assert_eq!(state.with_refunds(Cents::new(300), second(5)), None);
        assert_eq!(owed(&state.with_refunds(Cents::new(600), second(5)).unwrap()), 600);
    }

    #[test]
    fn a_failed_refund_is_owed_no_longer_in_any_order_of_the_reports() {
        // Refunds of 300 and 200; the first fails; a third of 100 follows.
        type Report = fn(&TakenBack) -> Option<TakenBack>;
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
                    state = reports[*report](&state).unwrap_or(state);
                }
                assert_eq!(owed(&state), expect, "{order:?}");
            }
        }
    }

    #[test]
    fn a_failure_reported_before_its_refund_never_credits_more_than_was_taken() {
        let state = TakenBack::default().with_failed_refund(failed("re_1", 300, 3)).unwrap();
        assert_eq!(owed(&state), 0);
        assert_eq!(owed(&state.with_refunds(Cents::new(300), second(1)).unwrap()), 0);
    }
}
