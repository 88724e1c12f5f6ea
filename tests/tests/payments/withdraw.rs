//! Withdrawals.

use clorp_domain::ConnectStatus;
use clorp_stripe_sandbox as sandbox;
use clorp_tests::{Client, Fault, Options, World};
use futures::future::{join, join_all};
use serde_json::json;

use super::people::{
    AFTER_LEASE, AFTER_SETTLE_GRACE, ALWAYS, UNKNOWN_OUTCOMES, begin_onboarding, clear_faults,
    configure_webhooks, id, inject_fault, options, payee, proxied_world, proxy, resume_all, statuses,
    stores_response, transfers, user_field, withdraw,
};
use super::support::ledger;

const PATH: &str = "/v1/transfers";
const DAY_AND_HOUR: i64 = 25 * 3600;

/// A withdrawal's entries in the wallet's ledger, newest first: its debits, and its reversals.
async fn movements(user: &Client, withdrawal: &str) -> (Vec<i64>, Vec<i64>) {
    let ledger = ledger(user).await;
    let deltas = |reason: &str| {
        let reason = format!("{reason}:{withdrawal}");
        ledger.iter().filter(|(found, _)| *found == reason).map(|(_, delta)| *delta).collect()
    };
    (deltas("withdraw"), deltas("withdraw_reversed"))
}

/// Withdraws 1000, and leaves the outcome unknown. Returns the withdrawal.
async fn leave_withdrawal_pending(world: &World, user: &Client, fault: &str) -> String {
    inject_fault(world, PATH, fault, ALWAYS).await;
    let withdrawal = withdraw(user, 1000).await.expect(202);
    clear_faults(world, PATH).await;
    assert_eq!(withdrawal["status"], "pending", "{fault}");
    id(&withdrawal)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawal_is_debited_recorded_and_transferred() {
    let world = World::with(options()).await;
    let user = payee(&world, 5000).await;
    let withdrawal = withdraw(&user, 1500).await.expect(201);
    assert_eq!((&withdrawal["status"], &withdrawal["amount_cents"]), (&json!("paid"), &json!(1500)));
    assert_eq!(user.balance().await, 3500);
    assert_eq!(ledger(&user).await[0], (format!("withdraw:{}", id(&withdrawal)), -1500));
    let transfers = transfers(&world, &user).await;
    assert_eq!(transfers.len(), 1);
    let account = user_field(&user, "stripe_account_id").await;
    assert_eq!((&transfers[0]["amount"], &transfers[0]["destination"]), (&json!(1500), &json!(account)));
    assert_eq!(transfers[0]["metadata"]["type"], "withdrawal");
    withdraw(&user, 3500).await.expect(201);
    assert_eq!(user.balance().await, 0, "to the last cent");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_amount_out_of_bounds_of_another_type_or_above_the_balance_is_refused_and_moves_no_money() {
    let world = World::with(options()).await;
    let user = payee(&world, 1200).await;
    for (amount, code) in [
        (json!(499), "amount_too_small"),
        (json!(0), "amount_too_small"),
        (json!(-1000), "amount_too_small"),
        (json!(100_000_000), "amount_too_large"),
        (json!(i64::MAX), "amount_too_large"),
        (json!(1000.5), "invalid_type"),
        (json!("1000"), "invalid_type"),
        (json!(null), "amount_required"),
    ] {
        let answer = user.post("/api/wallet/withdraw", json!({ "amount_cents": amount })).await;
        answer.expect_field(400, code, "/amount_cents");
    }
    user.post("/api/wallet/withdraw", json!({})).await.expect_field(400, "amount_required", "/amount_cents");
    withdraw(&user, 1201).await.expect_error(402, "insufficient_balance");
    assert_eq!((user.balance().await, ledger(&user).await.len()), (1200, 1));
    assert!(!world.sandbox.calls().contains_key("POST /v1/transfers"), "Stripe received no request");
    withdraw(&user, 500).await.expect(201);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawal_without_a_finished_onboarding_is_refused_with_advice() {
    let world = World::with(options()).await;
    let user = world.user("newcomer", 5000).await;
    let assert_refused = async || {
        let error = withdraw(&user, 1000).await.expect_error(409, "onboarding_required");
        assert!(error["error"].as_str().unwrap().contains("POST /api/stripe/connect"), "{error}");
    };
    assert_refused().await;
    let account = begin_onboarding(&user).await;
    assert_refused().await;
    world.control(&format!("accounts/{account}/onboard"), json!({})).await;
    world.wait_for_webhooks().await;
    withdraw(&user, 1000).await.expect(201);
    // The times of Stripe's events are in whole seconds.
    world.advance_seconds(1);
    world.control(&format!("accounts/{account}/onboard"), json!({ "payouts_enabled": false })).await;
    world.wait_for_webhooks().await;
    assert_refused().await;
    assert_eq!((user.balance().await, transfers(&world, &user).await.len()), (4000, 1));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_that_stripe_refuses_is_reversed_by_a_new_entry() {
    let sandbox = sandbox::Options { starting_balance_cents: 1400, ..sandbox::Options::default() };
    let world = World::with(Options { sandbox, ..options() }).await;
    let declined = payee(&world, 5000).await;
    let too_much = payee(&world, 5000).await;
    // Stripe has restricted the account, and its webhook event has not arrived.
    let restricted = world.user("restricted", 5000).await;
    let account = begin_onboarding(&restricted).await;
    let (user, now) = (restricted.id.parse().unwrap(), world.clock().now());
    let recorded =
        world.store.users().set_account(&user, &account, ConnectStatus::Active, now).await.unwrap();
    assert!(recorded.is_applied());
    inject_fault(&world, PATH, "decline", 1).await;
    for (user, amount) in [(declined, 1000), (too_much, 1500), (restricted, 1000)] {
        let error = withdraw(&user, amount).await.expect_error(409, "withdrawal_refused");
        assert!(error["error"].as_str().unwrap().contains("back in your wallet"), "{error}");
        let ledger = ledger(&user).await;
        let withdrawal = ledger[1].0.strip_prefix("withdraw:").unwrap();
        let reversal = format!("withdraw_reversed:{withdrawal}");
        assert_eq!(ledger[..2], [(reversal, amount), (format!("withdraw:{withdrawal}"), -amount)]);
        assert_eq!((user.balance().await, ledger.len()), (5000, 3));
        resume_all(&world).await;
        assert_eq!(transfers(&world, &user).await.len(), 0, "no transfer is made later");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_outcome_is_202_and_is_settled_later_with_one_transfer() {
    let world = World::with(options()).await;
    for fault in UNKNOWN_OUTCOMES {
        let user = payee(&world, 5000).await;
        let withdrawal = leave_withdrawal_pending(&world, &user, fault).await;
        assert_eq!(user.balance().await, 4000, "{fault}: the debit stays while the outcome is unknown");
        let count = transfers(&world, &user).await.len();
        assert_eq!(count, usize::from(fault == "timeout_after"), "{fault}");
        assert_eq!(world.reconcile().await, 0, "its own request may still run");
        world.advance_seconds(AFTER_SETTLE_GRACE);
        assert_eq!(world.reconcile().await, 1, "{fault}");
        assert_eq!(transfers(&world, &user).await.len(), 1, "{fault}");
        assert_eq!(movements(&user, &withdrawal).await, (vec![-1000], vec![]), "{fault}");
        world.advance_seconds(AFTER_SETTLE_GRACE);
        assert_eq!(world.reconcile().await, 0, "{fault}: nothing is pending");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_that_a_sweep_finds_is_reversed() {
    let world = World::with(options()).await;
    let user = payee(&world, 5000).await;
    let withdrawal = leave_withdrawal_pending(&world, &user, "timeout_before").await;
    world.control("next", json!({ "path": PATH, "method": "POST", "fault": "decline" })).await;
    resume_all(&world).await;
    assert_eq!(movements(&user, &withdrawal).await, (vec![-1000], vec![1000]));
    assert_eq!((user.balance().await, transfers(&world, &user).await.len()), (5000, 0));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_lookup_of_a_transfer_is_not_a_refused_transfer() {
    let world = World::with(options()).await;
    let user = payee(&world, 5000).await;
    leave_withdrawal_pending(&world, &user, "timeout_after").await;
    world.control("next", json!({ "path": PATH, "method": "GET", "fault": "decline" })).await;
    world.advance_seconds(AFTER_SETTLE_GRACE);
    assert_eq!((world.reconcile().await, user.balance().await), (0, 4000));
    resume_all(&world).await;
    assert_eq!((user.balance().await, transfers(&world, &user).await.len()), (4000, 1));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_concurrent_sweeps_make_one_transfer() {
    let world = World::with(options()).await;
    for fault in ["timeout_before", "timeout_after"] {
        let users = join_all((0..4).map(|_| payee(&world, 5000))).await;
        for user in &users {
            leave_withdrawal_pending(&world, user, fault).await;
        }
        world.advance_seconds(AFTER_SETTLE_GRACE);
        let (one, other) = join(world.payments[0].resume(), world.payments[1].resume()).await;
        assert_eq!((one.unwrap().failed, other.unwrap().failed), (0, 0), "{fault}");
        resume_all(&world).await;
        for user in &users {
            assert_eq!((user.balance().await, transfers(&world, user).await.len()), (4000, 1), "{fault}");
        }
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_during_the_request_makes_no_second_transfer() {
    let world = World::with(options()).await;
    let user = payee(&world, 5000).await;
    let slow = json!({ "path": PATH, "method": "POST", "fault": "delay", "delay_ms": 1000 });
    world.control("next", slow).await;
    let request = withdraw(&user, 1000);
    let sweeps = async {
        while !world.sandbox.calls().contains_key("POST /v1/transfers") {
            tokio::task::yield_now().await;
        }
        world.advance_seconds(AFTER_SETTLE_GRACE);
        let (one, other) = join(world.payments[0].resume(), world.payments[1].resume()).await;
        assert_eq!((one.unwrap().failed, other.unwrap().failed), (0, 0));
    };
    let (answer, ()) = join(request, sweeps).await;
    let withdrawal = id(&answer.expect(201));
    resume_all(&world).await;
    assert_eq!(movements(&user, &withdrawal).await, (vec![-1000], vec![]));
    assert_eq!(transfers(&world, &user).await.len(), 1);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reversals_of_a_transfer_are_credited_once_in_any_order_of_events() {
    let world = World::with(options()).await;
    configure_webhooks(&world, json!({ "duplicates": 2 })).await;
    let user = payee(&world, 5000).await;
    let withdrawal = id(&withdraw(&user, 1000).await.expect(201));
    let transfer = id(&transfers(&world, &user).await[0]);
    let reverse = async |body| world.control(&format!("transfers/{transfer}/reverse"), body).await;
    reverse(json!({ "amount": 300 })).await;
    world.wait_for_webhooks().await;
    assert_eq!(movements(&user, &withdrawal).await, (vec![-1000], vec![300]));
    configure_webhooks(&world, json!({ "paused": true, "shuffle": true })).await;
    reverse(json!({ "amount": 50 })).await;
    reverse(json!({ "amount": 150 })).await;
    reverse(json!({})).await;
    assert_eq!(user.balance().await, 4300);
    configure_webhooks(&world, json!({ "paused": false })).await;
    world.wait_for_webhooks().await;
    assert_eq!(user.balance().await, 5000);
    for event in world.sandbox.events().iter().filter(|event| event["type"] == "transfer.reversed") {
        world.control(&format!("events/{}/resend", id(event)), json!({})).await;
    }
    world.wait_for_webhooks().await;
    assert_eq!(movements(&user, &withdrawal).await.1.iter().sum::<i64>(), 1000);
    assert_eq!(user.balance().await, 5000);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reversal_before_the_transfer_is_known_is_credited_and_the_withdrawal_is_still_paid() {
    let world = World::with(options()).await;
    for amount in [400, 1000] {
        let user = payee(&world, 5000).await;
        let withdrawal = leave_withdrawal_pending(&world, &user, "timeout_after").await;
        let transfer = id(&transfers(&world, &user).await[0]);
        world.control(&format!("transfers/{transfer}/reverse"), json!({ "amount": amount })).await;
        world.wait_for_webhooks().await;
        assert_eq!(movements(&user, &withdrawal).await, (vec![-1000], vec![amount]));
        resume_all(&world).await;
        assert_eq!(movements(&user, &withdrawal).await, (vec![-1000], vec![amount]));
        assert_eq!(transfers(&world, &user).await.len(), 1);
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_concurrent_withdrawals_succeed_as_far_as_the_balance_covers() {
    let world = World::with(Options { stripe_tries: usize::MAX, ..options() }).await;
    for (balance, covered) in [(1000, 1), (3700, 3)] {
        let user = payee(&world, balance).await;
        let answers = join_all((0..50).map(|_| withdraw(&user, 1000)));
        let balances = join_all((0..20).map(|_| user.balance()));
        let (answers, balances) = join(answers, balances).await;
        assert_eq!(statuses(&answers), [vec![201; covered], vec![402; 50 - covered]].concat());
        for answer in answers.iter().filter(|answer| answer.status == 402) {
            answer.expect_error(402, "insufficient_balance");
        }
        assert!(balances.iter().all(|balance| *balance >= 0), "{balances:?}");
        assert_eq!(user.balance().await, balance % 1000);
        assert_eq!(transfers(&world, &user).await.len(), covered);
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_with_the_same_key_is_the_same_withdrawal() {
    let world = proxied_world().await;
    let user = payee(&world, 5000).await;
    let keyed = user.keyed("sent");
    let first = withdraw(&keyed, 1000).await.expect(201);
    assert_eq!(withdraw(&keyed, 1000).await.expect(201), first);
    withdraw(&keyed, 1001).await.expect_error(409, "idempotency_key_reused");

    // The function dies before it stores its response. The retry finds the withdrawal of the first request.
    for (key, fault, status) in [("paid", None, 201), ("unknown", Some("timeout_after"), 202)] {
        let keyed = user.keyed(key);
        if let Some(fault) = fault {
            inject_fault(&world, PATH, fault, ALWAYS).await;
        }
        proxy(&world).fail_if("UpdateItem", stores_response, Fault::Refused, 1);
        let first = withdraw(&keyed, 1000).await.expect(status);
        assert_eq!(proxy(&world).faults_left(), 0);
        clear_faults(&world, PATH).await;
        withdraw(&keyed, 1000).await.expect_error(409, "idempotency_in_flight");
        world.advance_seconds(AFTER_LEASE);
        assert_eq!(id(&withdraw(&keyed, 1000).await.expect(201)), id(&first));
    }
    let declined = user.keyed("declined");
    inject_fault(&world, PATH, "decline", 1).await;
    proxy(&world).fail_if("UpdateItem", stores_response, Fault::Refused, 1);
    withdraw(&declined, 1000).await.expect_error(409, "withdrawal_refused");
    world.advance_seconds(AFTER_LEASE);
    withdraw(&declined, 1000).await.expect_error(409, "withdrawal_refused");
    assert_eq!((user.balance().await, transfers(&world, &user).await.len()), (2000, 3));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_looks_the_transfer_up_after_stripe_has_forgotten_the_key() {
    let world = World::with(options()).await;
    for fault in UNKNOWN_OUTCOMES {
        let user = payee(&world, 5000).await;
        leave_withdrawal_pending(&world, &user, fault).await;
        world.advance_seconds(DAY_AND_HOUR);
        let (one, other) = join(world.payments[0].resume(), world.payments[1].resume()).await;
        assert_eq!((one.unwrap().failed, other.unwrap().failed), (0, 0), "{fault}");
        resume_all(&world).await;
        assert_eq!((user.balance().await, transfers(&world, &user).await.len()), (4000, 1), "{fault}");
    }
    world.finish().await;
}
