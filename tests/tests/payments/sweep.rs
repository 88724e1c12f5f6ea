//! The sweep: payments whose outcome is unknown, and payments that no webhook event has reported.

use std::time::Duration;

use clorp_domain::TopupStatus;
use clorp_tests::{Client, Options, World};
use serde_json::json;
use tokio::time::Instant;

use super::people::{
    AFTER_SETTLE_GRACE, ALWAYS, cardholder, charges, clear_faults, configure_webhooks, enable, inject_fault,
    options, payee, resume_all, run, transfers, withdraw,
};
use super::signed::{ledger_audit, new_topup};
use super::support::{checkout, complete_without_waiting, ledger};

const HOUR: i64 = 3600;
const SESSIONS: &str = "GET /v1/checkout/sessions/{id}";

/// A world in which each call to Stripe is one attempt.
async fn impatient_world() -> World {
    World::with(Options { stripe_tries: 1, ..options() }).await
}

fn calls(world: &World, endpoint: &str) -> usize {
    world.sandbox.calls().get(endpoint).copied().unwrap_or_default()
}

/// Makes withdrawals of 500 each, whose outcome stays unknown.
async fn leave_withdrawals_pending(world: &World, user: &Client, times: usize) {
    inject_fault(world, "/v1/transfers", "timeout_before", ALWAYS).await;
    for _ in 0..times {
        withdraw(user, 500).await.expect(202);
    }
    clear_faults(world, "/v1/transfers").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn withdrawals_that_stripe_does_not_answer_do_not_hold_up_a_healthy_charge() {
    let world = impatient_world().await;
    let (payee, (payer, _)) = (payee(&world, 10_000).await, cardholder(&world, 300).await);
    leave_withdrawals_pending(&world, &payee, 20).await;
    world.advance_seconds(1);
    enable(&payer, 1000, 0).await;
    inject_fault(&world, "/v1/payment_intents", "timeout_before", 1).await;
    run(&payer, 1000).await.expect_error(402, "auto_topup_pending");
    world.advance_seconds(AFTER_SETTLE_GRACE);
    let silent = json!({ "path": "/v1/transfers", "fault": "delay", "delay_ms": 6000, "times": ALWAYS });
    world.control("next", silent).await;
    // One look at a silent withdrawal takes five seconds, and the deadline is too near for another round.
    let deadline = Instant::now() + Duration::from_secs(9);
    let swept = clorp_deadline::scope(deadline, world.payments[0].resume()).await.unwrap();
    assert_eq!((swept.settled, swept.pending, swept.failed), (1, 20, 0));
    assert_eq!((payer.balance().await, charges(&world, &payer).await.len()), (1300, 1));
    clear_faults(&world, "/v1/transfers").await;
    tokio::time::sleep(Duration::from_secs(6)).await;
    resume_all(&world).await;
    assert_eq!((payee.balance().await, transfers(&world, &payee).await.len()), (0, 20));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_stays_unsettled_is_looked_at_ever_more_rarely() {
    let world = impatient_world().await;
    let user = payee(&world, 1000).await;
    leave_withdrawals_pending(&world, &user, 1).await;
    inject_fault(&world, "/v1/transfers", "timeout_before", ALWAYS).await;
    let mut looks = Vec::new();
    for _ in 0..6 {
        let before = calls(&world, "GET /v1/transfers");
        for _ in 0..10 {
            world.advance_seconds(60);
            world.reconcile().await;
        }
        looks.push(calls(&world, "GET /v1/transfers") - before);
    }
    assert!(looks[0] >= 4 && looks[0] < 10, "{looks:?}");
    assert!(looks[1..].iter().all(|looks| (1..=2).contains(looks)), "{looks:?}");
    clear_faults(&world, "/v1/transfers").await;
    world.advance_seconds(600);
    resume_all(&world).await;
    assert_eq!((user.balance().await, transfers(&world, &user).await.len()), (500, 1));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paid_session_whose_event_never_came_is_credited_by_the_sweep_once() {
    let world = World::start().await;
    let user = &world.stranger;
    configure_webhooks(&world, json!({ "paused": true })).await;
    let session = checkout(user, 1000).await;
    complete_without_waiting(&world, &session, "paid").await;
    world.reconcile().await;
    assert_eq!((user.balance().await, calls(&world, SESSIONS)), (0, 0), "the event may be on its way");
    world.advance_seconds(HOUR + 1);
    for _ in 0..2 {
        world.reconcile().await;
        assert_eq!(ledger(user).await, [(format!("topup:{session}"), 1000)]);
    }
    assert_eq!(calls(&world, SESSIONS), 1);
    configure_webhooks(&world, json!({ "paused": false })).await;
    world.wait_for_webhooks().await;
    assert_eq!(user.balance().await, 1000, "the late event changes nothing");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paid_session_whose_id_was_not_recorded_is_found_and_credited_by_the_sweep() {
    let world = World::start().await;
    let user = &world.stranger;
    configure_webhooks(&world, json!({ "paused": true })).await;
    // Another session of the same customer, which nobody pays.
    let other = checkout(user, 700).await;
    let customer = super::people::user_field(user, "stripe_customer_id").await;
    let topup = new_topup(&world, user, 1000);
    world.store.topups().begin(&topup).await.unwrap();
    let url = "https://example.com/wallet";
    let session = world.payments[0].stripe.checkout(&topup, &customer, url, url).await.unwrap().id;
    complete_without_waiting(&world, &session, "paid").await;
    world.advance_seconds(HOUR + 1);
    world.reconcile().await;
    assert_eq!(ledger(user).await, [(format!("topup:{session}"), 1000)]);
    assert_ne!(session, other);
    configure_webhooks(&world, json!({ "paused": false })).await;
    world.wait_for_webhooks().await;
    assert_eq!(user.balance().await, 1000);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_nobody_pays_is_asked_about_twice_and_ends_its_top_up() {
    let world = World::start().await;
    let user = &world.stranger;
    let session = checkout(user, 1000).await;
    let status = async || {
        let topups = ledger_audit(&world).await.topups;
        topups.into_iter().find(|topup| topup.stripe_id.as_ref() == Some(&session)).unwrap().status
    };
    for hours in [1, 2, 10, 12] {
        world.advance_seconds(hours * HOUR - 1200);
        world.reconcile().await;
    }
    assert_eq!((calls(&world, SESSIONS), status().await), (1, TopupStatus::Pending));
    world.advance_seconds(2 * HOUR);
    world.reconcile().await;
    assert_eq!((calls(&world, SESSIONS), status().await), (2, TopupStatus::Failed));
    world.advance_seconds(30 * 24 * HOUR);
    world.reconcile().await;
    assert_eq!((calls(&world, SESSIONS), user.balance().await), (2, 0));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_top_up_without_a_session_ends_after_a_week_and_a_later_payment_is_still_credited() {
    let world = World::start().await;
    let user = &world.stranger;
    let topup = new_topup(&world, user, 1000);
    world.store.topups().begin(&topup).await.unwrap();
    for _ in 0..9 * 24 {
        world.advance_seconds(HOUR);
        world.reconcile().await;
    }
    let ended = world.store.topups().get(&topup.user, topup.id).await.unwrap().unwrap();
    assert_eq!(ended.status, TopupStatus::Failed);
    let (stripe, url) = (&world.payments[0].stripe, "https://example.com/wallet");
    let customer = stripe.customer(&topup.user).await.unwrap();
    let session = stripe.checkout(&topup, &customer, url, url).await.unwrap().id;
    super::support::complete(&world, &session, "paid").await;
    assert_eq!(ledger(user).await, [(format!("topup:{session}"), 1000)]);
    world.finish().await;
}
