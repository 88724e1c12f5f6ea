//! Properties of money that enters and leaves, for any order and number of Stripe's webhook events.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use clorp_domain::time::from_unix_millis;
use clorp_domain::{
    Account, AutoTopup, Cents, Dispute, DisputeChange, DisputeReport, DisputeStatus, EntryId, FailedRefund,
    Posting, Reason, RefundChange, Rules, Topup, TopupId, TopupKind, UserId, Withdrawal, WithdrawalId,
    WithdrawalStatus,
};
use jiff::Timestamp;
use proptest::prelude::*;
use ulid::Ulid;

fn now() -> Timestamp {
    from_unix_millis(1_795_512_600_000).expect("a date")
}

fn ada() -> UserId {
    "ada".parse().expect("a user id")
}

fn entry() -> EntryId {
    EntryId::new(Ulid::from_parts(1, 1))
}

/// The posting's effect on the wallet. The outside world has the opposite one.
fn to_wallet(posting: &Posting) -> i64 {
    let of = |account: &Account| {
        posting
            .entries()
            .iter()
            .filter(|entry| entry.account == *account)
            .map(|entry| entry.delta.get())
            .sum::<i64>()
    };
    let (wallet, outside) = (of(&Account::User(ada())), of(&Account::External));
    assert_eq!((posting.entries().len(), wallet + outside), (2, 0));
    wallet
}

fn withdrawal(amount: i64) -> Withdrawal {
    Withdrawal {
        id: WithdrawalId::new(Ulid::from_parts(1, 1)),
        user: ada(),
        amount: Cents::new(amount),
        status: WithdrawalStatus::Paid,
        account: "acct_1".to_owned(),
        created_at: now(),
        transfer: Some("tr_1".to_owned()),
        reversed: Cents::ZERO,
    }
}

/// A webhook event about money that goes back to the payer.
#[derive(Clone, Copy, Debug)]
enum Report {
    Refunded(i64),
    Failed(i64),
    Disputed(DisputeStatus),
}

fn report() -> impl Strategy<Value = Report> {
    use DisputeStatus as S;
    prop_oneof![
        (0..=100_000_i64).prop_map(Report::Refunded),
        (1..=1000_i64).prop_map(Report::Failed),
        prop_oneof![Just(S::Inquiry), Just(S::Open), Just(S::Won), Just(S::Lost)].prop_map(Report::Disputed),
    ]
}

/// Applies the reports of these seconds in turn, and returns the wallet, which never holds less than nothing
/// or more than the payment.
fn wallet_after(amount: i64, reports: &[(i64, Report)]) -> Result<i64, TestCaseError> {
    let id = TopupId::new(Ulid::from_parts(1, 1));
    let mut topup = Topup::begun(id, ada(), TopupKind::Checkout, Cents::new(amount), now());
    let mut wallet = to_wallet(&topup.credit("cs_1", entry(), now()).unwrap());
    prop_assert_eq!(wallet, amount);
    let mut dispute: Option<Dispute> = None;
    for (second, report) in reports {
        let at = now() + jiff::SignedDuration::from_secs(*second);
        let refunds = |change| match change {
            RefundChange::Nothing => None,
            RefundChange::Contradiction => panic!("two reports of one second"),
            RefundChange::Change(after) => Some(after),
        };
        let after = match report {
            Report::Refunded(cents) => refunds(topup.taken_back.with_refunds(Cents::new(*cents), at)),
            Report::Failed(cents) => {
                let (id, amount) = (second.to_string(), Cents::new(*cents));
                let refund = FailedRefund { id, amount, made_at: now(), at };
                refunds(topup.taken_back.with_failed_refund(refund))
            }
            Report::Disputed(status) => {
                let (dispute_id, movements) = ("dp_1".to_owned(), Vec::new());
                let report = DisputeReport {
                    id: dispute_id,
                    amount: Cents::new(amount),
                    status: *status,
                    movements,
                    at,
                };
                match report.apply(dispute.as_ref(), &ada(), id) {
                    DisputeChange::Nothing => None,
                    DisputeChange::Contradiction => panic!("two decisions of one second"),
                    DisputeChange::Change { after, .. } => {
                        let before = dispute.as_ref().map(|dispute| dispute.held).unwrap_or_default();
                        let held = after.held;
                        dispute = Some(after);
                        Some(topup.taken_back.with_disputed(before, held).unwrap())
                    }
                }
            }
        };
        let Some(after) = after else { continue };
        let reason = Reason::TopupRefund("ch_1".to_owned());
        let posting = topup.take_back(&after, reason, entry(), now()).unwrap();
        wallet += posting.as_ref().map_or(0, to_wallet);
        topup.taken_back = after;
        prop_assert!((0..=amount).contains(&wallet), "{}", wallet);
    }
    Ok(wallet)
}

proptest! {
    #[test]
    fn any_order_of_refunds_failures_and_disputes_takes_the_same_and_never_more_than_the_payment(
        amount in 500..=100_000_i64,
        course in prop::collection::vec(report(), 0..10),
        shuffled in any::<prop::sample::Index>(),
    ) {
        let course: Vec<(i64, Report)> = (0..).zip(course).collect();
        let in_order = wallet_after(amount, &course)?;
        let mut other = [course.clone(), course].concat();
        let len = other.len().max(1);
        other.rotate_left(shuffled.index(len));
        other.reverse();
        prop_assert_eq!(wallet_after(amount, &other)?, in_order);
    }

    #[test]
    fn reversal_events_credit_their_maximum_in_total(
        amount in 500..=100_000_i64,
        reports in prop::collection::vec(0..=100_000_i64, 0..12),
    ) {
        let mut withdrawal = withdrawal(amount);
        let mut wallet = to_wallet(&withdrawal.debit(entry(), now()).unwrap());
        prop_assert_eq!(wallet, -amount);
        let reports: Vec<i64> = reports.into_iter().map(|report| report.min(amount)).collect();
        for report in &reports {
            if let Some(posting) = withdrawal.reversal(Cents::new(*report), entry(), now()).unwrap() {
                prop_assert!(!posting.reason().may_overdraw());
                wallet += to_wallet(&posting);
                withdrawal.reversed = Cents::new(*report);
            }
        }
        prop_assert_eq!(wallet, reports.iter().max().copied().unwrap_or(0) - amount);
    }

    #[test]
    fn a_refused_withdrawal_leaves_the_balance_unchanged(amount in 1..=99_999_999_i64) {
        let withdrawal = withdrawal(amount);
        let (debit, undo) = (withdrawal.debit(entry(), now()).unwrap(), withdrawal.undo(entry(), now()).unwrap());
        prop_assert_eq!(to_wallet(&debit) + to_wallet(&undo), 0);
    }

    #[test]
    fn a_card_is_charged_exactly_if_the_charge_suffices(
        balance in -100_000..=100_000_i64,
        amount in 500..=100_000_i64,
        price in 100..=100_000_i64,
        enabled in any::<bool>(),
    ) {
        let settings = AutoTopup { enabled, amount: Cents::new(amount), ..AutoTopup::default() };
        let covers = settings.would_cover(Cents::new(balance), Cents::new(price));
        prop_assert_eq!(covers, enabled && balance + amount >= price);
    }

    #[test]
    fn refusals_in_a_row_switch_automatic_top_ups_off_and_never_on(refusals in 0..10_u32, enabled in any::<bool>()) {
        let rules = Rules::default();
        let mut settings = AutoTopup { enabled, ..AutoTopup::default() };
        for _ in 0..refusals {
            settings = settings.refused("card_declined", &rules);
        }
        prop_assert_eq!(settings.enabled, enabled && refusals < rules.max_auto_topup_failures);
        prop_assert_eq!(settings.failures, refusals);
        prop_assert_eq!(settings.in_flight, None);
    }
}
