//! Properties of money that enters and leaves, for any order and number of Stripe's webhook events.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use clorp_domain::dispute::DisputeChange;
use clorp_domain::time::from_unix_millis;
use clorp_domain::{
    Account, AutoTopup, Cents, Dispute, DisputeStatus, EntryId, Posting, Rules, Topup, TopupId, TopupKind,
    UserId, Withdrawal, WithdrawalId, WithdrawalStatus,
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

fn status() -> impl Strategy<Value = DisputeStatus> {
    use DisputeStatus as S;
    prop_oneof![Just(S::Inquiry), Just(S::Open), Just(S::Won), Just(S::Lost)]
}

proptest! {
    #[test]
    fn refund_events_debit_their_maximum_in_total(
        amount in 500..=100_000_i64,
        reports in prop::collection::vec(0..=100_000_i64, 0..12),
    ) {
        let id = TopupId::new(Ulid::from_parts(1, 1));
        let mut topup = Topup::begun(id, ada(), TopupKind::Checkout, Cents::new(amount), now());
        let mut wallet = to_wallet(&topup.credit("cs_1", entry(), now()).unwrap());
        prop_assert_eq!(wallet, amount);
        let reports: Vec<i64> = reports.into_iter().map(|report| report.min(amount)).collect();
        for report in &reports {
            if let Some(posting) = topup.refund("ch_1", Cents::new(*report), entry(), now()).unwrap() {
                prop_assert!(posting.reason().may_overdraw());
                wallet += to_wallet(&posting);
                topup.refunded = Cents::new(*report);
            }
        }
        prop_assert_eq!(wallet, amount - reports.iter().max().copied().unwrap_or(0));
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
    fn a_dispute_debits_once_credits_back_once_and_stays_decided(
        amount in 1..=100_000_i64,
        reports in prop::collection::vec(status(), 0..10),
    ) {
        let (mut recorded, mut wallet) = (None, 0);
        for report in &reports {
            let dispute =
                Dispute { id: "dp_1".to_owned(), user: ada(), amount: Cents::new(amount), status: *report };
            let change = dispute.change(recorded);
            let posting = dispute.posting(change, entry(), now()).unwrap();
            wallet += posting.as_ref().map_or(0, to_wallet);
            prop_assert!(wallet == 0 || wallet == -amount, "{wallet}");
            if change != DisputeChange::Nothing {
                recorded = Some(*report);
            }
        }
        let decided = reports.iter().find(|one| matches!(one, DisputeStatus::Won | DisputeStatus::Lost));
        let taken = match decided {
            Some(DisputeStatus::Won) => 0,
            Some(_) => -amount,
            None if reports.contains(&DisputeStatus::Open) => -amount,
            None => 0,
        };
        prop_assert_eq!(wallet, taken);
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
