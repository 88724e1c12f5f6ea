//! Disputed payments: what the wallet owes, the freeze of the account, and the winnings that wait.

use clorp_tests::{Client, World};
use serde_json::{Value, json};

use super::people::{options, pay, run, withdraw};
use super::setup::save_card;
use super::signed::{deliver, event, latest_event, unapplied};
use super::support::ledger;
use super::winnings::{onboarded, pay_by_card, wallet, win, with_hold, withdrawable};

const DAY: i64 = 24 * 3600;

/// Lets the payer dispute this amount of a payment. Returns the dispute.
async fn dispute(world: &World, payment: &str, amount: i64) -> String {
    let dispute = world.control(&format!("charges/{payment}/dispute"), json!({ "amount": amount })).await;
    world.wait_for_webhooks().await;
    dispute["id"].as_str().unwrap().to_owned()
}

async fn close(world: &World, dispute: &str, status: &str) {
    // The times of Stripe's events are in whole seconds.
    world.advance_seconds(1);
    world.control(&format!("disputes/{dispute}/close"), json!({ "status": status })).await;
    world.wait_for_webhooks().await;
}

/// An event about a dispute that only the test knows.
fn report(world: &World, intent: &Value, kind: &str, amount: i64, status: &str) -> Value {
    let object = json!({ "id": "du_own", "payment_intent": intent, "amount": amount, "status": status });
    event(world, &format!("charge.dispute.{kind}"), object)
}

/// Runs the reconciler once. Returns the number of disputes that need not be followed for now.
async fn follow(world: &World) -> usize {
    let resumed = world.payments[0].resume().await.unwrap();
    assert_eq!(resumed.failed, 0, "a dispute could not be followed");
    resumed.reported
}

/// Pays by card. Returns the PaymentIntent.
async fn paid_intent(world: &World, user: &Client) -> Value {
    pay_by_card(world, user, 1000).await;
    latest_event(world, "checkout.session.completed")["data"]["object"]["payment_intent"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn refunds_and_disputes_of_one_payment_take_back_no_more_than_the_payment() {
    let world = World::start().await;
    let user = world.user("payer", 500).await;
    let session = pay_by_card(&world, &user, 1000).await;
    world.control(&format!("charges/{session}/refund"), json!({ "amount": 300 })).await;
    world.wait_for_webhooks().await;
    let id = dispute(&world, &session, 1000).await;
    close(&world, &id, "lost").await;
    assert_eq!(user.balance().await, 500, "the wallet's other money stays");
    assert_eq!(ledger(&user).await[0], (format!("dispute:{id}"), -700));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_won_dispute_gives_back_what_was_debited_and_a_surplus_waits_for_a_person() {
    let world = World::start().await;
    let user = &world.stranger;
    let intent = paid_intent(&world, user).await;
    deliver(&world, &report(&world, &intent, "created", 1000, "needs_response")).await;
    assert_eq!(user.balance().await, 0);
    world.advance_seconds(60);
    let won = report(&world, &intent, "closed", 1500, "won");
    deliver(&world, &won).await;
    deliver(&world, &won).await;
    assert_eq!(user.balance().await, 1000, "no more than the bank had taken");
    let waiting = unapplied(&world).await;
    assert_eq!(waiting.values().collect::<Vec<_>>(), ["a bank returned more than it took"]);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_later_decision_replaces_an_earlier_one_in_any_order_of_events() {
    for (decisions, balance) in [(["lost", "won"], 1000), (["won", "lost"], 0)] {
        for reverse in [false, true] {
            let world = World::start().await;
            let user = &world.stranger;
            let intent = paid_intent(&world, user).await;
            let mut events = vec![report(&world, &intent, "created", 1000, "needs_response")];
            for decision in decisions {
                world.advance_seconds(60);
                events.push(report(&world, &intent, "closed", 1000, decision));
            }
            if reverse {
                events.reverse();
            }
            for event in events.iter().chain(&events) {
                deliver(&world, event).await;
            }
            assert_eq!(user.balance().await, balance, "{decisions:?}");
            assert!(unapplied(&world).await.is_empty(), "time tells which decision is the later one");
            if balance == 0 {
                // Stripe's lists have no such dispute, so the money must be back before the audit.
                world.advance_seconds(60);
                deliver(&world, &report(&world, &intent, "closed", 1000, "won")).await;
            }
            world.finish().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_decisions_of_one_second_are_quarantined() {
    let world = World::start().await;
    let user = &world.stranger;
    let intent = paid_intent(&world, user).await;
    deliver(&world, &report(&world, &intent, "created", 1000, "needs_response")).await;
    world.advance_seconds(60);
    let mut lost = report(&world, &intent, "closed", 1000, "lost");
    let won = report(&world, &intent, "closed", 1000, "won");
    lost["created"] = won["created"].clone();
    deliver(&world, &won).await;
    deliver(&world, &lost).await;
    assert_eq!(user.balance().await, 1000);
    let waiting = unapplied(&world).await;
    assert_eq!(waiting.values().collect::<Vec<_>>(), ["a dispute decided twice in one second"]);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wallet_follows_the_movements_of_stripes_balance() {
    let world = World::start().await;
    let user = &world.stranger;
    let intent = paid_intent(&world, user).await;
    for (kind, status, movements, balance) in [
        ("funds_withdrawn", "needs_response", json!([-1000]), 0),
        ("closed", "won", json!([-1000, 600]), 600),
        ("funds_reinstated", "won", json!([-1000, 600]), 600),
        ("funds_reinstated", "won", json!([-1000, 600, 400]), 1000),
        ("funds_withdrawn", "needs_response", json!([-1000]), 1000),
    ] {
        world.advance_seconds(1);
        let mut event = report(&world, &intent, kind, 1000, status);
        if kind == "funds_withdrawn" && balance == 1000 {
            event["created"] = json!(event["created"].as_i64().unwrap() - 4);
        }
        let amounts = movements.as_array().unwrap().iter();
        event["data"]["object"]["balance_transactions"] =
            amounts.map(|amount| json!({ "amount": amount, "fee": 1500 })).collect();
        deliver(&world, &event).await;
        assert_eq!(user.balance().await, balance, "{kind} {movements}");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_with_a_disputed_payment_can_neither_withdraw_nor_post_until_the_dispute_is_won() {
    let world = World::with(options()).await;
    let user = onboarded(&world, "payer").await;
    win(&world, &world.sender, &user, 1000).await;
    let session = pay_by_card(&world, &user, 1000).await;
    let unpaid = run(&user, 5000).await.expect_error(402, "insufficient_balance");
    save_card(&world, &user).await;
    let settings = json!({ "enabled": true, "amount_cents": 5000, "threshold_cents": 500 });
    user.post("/api/wallet/auto-topup", settings).await.expect(200);
    let id = dispute(&world, &session, 1000).await;
    let postings = ledger(&user).await;
    withdraw(&user, 500).await.expect_error(403, "account_frozen");
    run(&user, 100).await.expect_error(403, "account_frozen");
    run(&user, 4000).await.expect_error(403, "account_frozen");
    pay(&user, unpaid["id"].as_str().unwrap()).await.expect_error(403, "account_frozen");
    assert_eq!(ledger(&user).await, postings, "no money moved, and no card was charged");
    assert_eq!((user.balance().await, withdrawable(&user).await), (750, 0));
    assert_eq!(world.count_events("payment_intent.succeeded"), 1);
    // The account can still work, and keeps what it wins.
    let estimate = json!({ "prompt": "Three taglines", "pack": "roast" });
    user.post("/api/jobs/run", estimate).await.expect(200);
    win(&world, &world.sender, &user, 1000).await;
    assert_eq!((user.balance().await, withdrawable(&user).await), (1500, 0));
    close(&world, &id, "won").await;
    assert_eq!((user.balance().await, withdrawable(&user).await), (2500, 1500));
    withdraw(&user, 1500).await.expect(201);
    run(&user, 100).await.expect(201);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_dispute_keeps_the_account_frozen_until_an_operator_lifts_it() {
    let world = World::with(options()).await;
    let user = onboarded(&world, "payer").await;
    win(&world, &world.sender, &user, 1000).await;
    let session = pay_by_card(&world, &user, 1000).await;
    let id = dispute(&world, &session, 1000).await;
    close(&world, &id, "lost").await;
    withdraw(&user, 500).await.expect_error(403, "account_frozen");
    decide(&world, &user, false, "The payer has proved that the card is theirs").await;
    for event in ["charge.dispute.created", "charge.dispute.closed"] {
        deliver(&world, &latest_event(&world, event)).await;
    }
    withdraw(&user, 750).await.expect(201);
    world.finish().await;
}

/// Records an operator's decision to freeze an account, or to end its freeze.
async fn decide(world: &World, user: &Client, frozen: bool, reason: &str) {
    let at = world.clock().now();
    let record = clorp_store::FreezeRecord { frozen, reason: reason.to_owned(), at };
    let recorded = world.store.freezes().record(&user.id.parse().unwrap(), &record).await.unwrap();
    assert!(recorded.is_applied());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_freezes_an_account_and_each_decision_keeps_its_reason() {
    let world = World::with(options()).await;
    let user = onboarded(&world, "worker").await;
    win(&world, &world.sender, &user, 1000).await;
    decide(&world, &user, true, "Five accounts of one person").await;
    withdraw(&user, 500).await.expect_error(403, "account_frozen");
    run(&user, 100).await.expect_error(403, "account_frozen");
    assert_eq!(user.balance().await, 750, "the winnings stay");
    world.advance_seconds(1);
    decide(&world, &user, false, "They were five persons").await;
    withdraw(&user, 500).await.expect(201);
    let records = world.store.freezes().of(&user.id.parse().unwrap()).await.unwrap();
    let told: Vec<_> = records.iter().map(|record| (record.frozen, record.reason.as_str())).collect();
    assert_eq!(told, [(false, "They were five persons"), (true, "Five accounts of one person")]);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn winnings_from_a_disputed_payment_wait_for_its_end() {
    for (verdict, more_days) in [("won", 0), ("lost", 8)] {
        let world = World::with(with_hold()).await;
        let thief = world.user("thief", 0).await;
        let accomplice = onboarded(&world, "accomplice").await;
        win(&world, &world.sender, &accomplice, 2000).await;
        let session = pay_by_card(&world, &thief, 5000).await;
        win(&world, &thief, &accomplice, 1000).await;
        let id = dispute(&world, &session, 5000).await;
        assert_eq!(follow(&world).await, 1);
        let held = wallet(&accomplice).await;
        assert_eq!((&held["contested_cents"], &held["balance_cents"]), (&json!(750), &json!(2300)));
        world.advance_seconds(8 * DAY);
        assert_eq!(withdrawable(&accomplice).await, 1550, "the other winnings have matured");
        withdraw(&accomplice, 1600).await.expect_error(402, "not_withdrawable");
        close(&world, &id, verdict).await;
        assert_eq!(follow(&world).await, 1);
        assert_eq!(wallet(&accomplice).await["contested_cents"], 0, "{verdict}");
        if more_days > 0 {
            assert_eq!(withdrawable(&accomplice).await, 1550, "an operator has time to look");
            assert_eq!(wallet(&accomplice).await["next_release"]["amount_cents"], 750);
            world.advance_seconds(more_days * DAY);
        }
        assert_eq!(withdrawable(&accomplice).await, 2300, "{verdict}");
        withdraw(&accomplice, 2300).await.expect(201);
        assert_eq!(follow(&world).await, 0, "nothing is left to follow");
        world.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn winnings_of_a_drop_that_still_runs_at_the_dispute_are_held_after_it() {
    let world = World::with(with_hold()).await;
    let thief = world.user("thief", 0).await;
    let worker = onboarded(&world, "worker").await;
    let session = pay_by_card(&world, &thief, 1000).await;
    let drop = thief.post_drop(1000).await;
    worker.claim(&drop).await.expect(201);
    worker.submit(&drop, "Your README explains everything except what this is").await.expect(201);
    dispute(&world, &session, 1000).await;
    assert_eq!(follow(&world).await, 0, "the drop is still running");
    world.advance_seconds(301);
    assert_eq!(world.sweep().await.settled, 1);
    assert_eq!(wallet(&worker).await["contested_cents"], 0);
    world.advance_seconds(20 * 60);
    assert_eq!(follow(&world).await, 1);
    assert_eq!(wallet(&worker).await["contested_cents"], 750);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn winnings_wait_even_if_the_first_event_about_a_dispute_is_its_loss() {
    let world = World::with(with_hold()).await;
    let thief = world.user("thief", 0).await;
    let worker = onboarded(&world, "worker").await;
    let session = pay_by_card(&world, &thief, 1000).await;
    win(&world, &thief, &worker, 1000).await;
    world.advance_seconds(6 * DAY);
    let id = dispute(&world, &session, 1000).await;
    close(&world, &id, "lost").await;
    assert_eq!(follow(&world).await, 1);
    world.advance_seconds(2 * DAY);
    assert_eq!(
        (withdrawable(&worker).await, wallet(&worker).await["contested_cents"].clone()),
        (0, json!(0))
    );
    world.advance_seconds(6 * DAY);
    assert_eq!(withdrawable(&worker).await, 750, "after another whole hold");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_drops_that_the_disputed_amount_has_paid_for_are_followed() {
    let world = World::with(with_hold()).await;
    let sender = world.user("sender", 3000).await;
    let worker = onboarded(&world, "worker").await;
    win(&world, &sender, &worker, 1000).await;
    let session = pay_by_card(&world, &sender, 1000).await;
    win(&world, &sender, &worker, 1000).await;
    win(&world, &sender, &worker, 1000).await;
    dispute(&world, &session, 1000).await;
    assert_eq!(follow(&world).await, 1);
    assert_eq!(wallet(&worker).await["contested_cents"], 750, "one of three payouts");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn winnings_that_have_matured_are_not_taken_back() {
    let world = World::with(with_hold()).await;
    let sender = world.user("sender", 0).await;
    let worker = onboarded(&world, "worker").await;
    let session = pay_by_card(&world, &sender, 1000).await;
    win(&world, &sender, &worker, 1000).await;
    world.advance_seconds(8 * DAY);
    dispute(&world, &session, 1000).await;
    assert_eq!(follow(&world).await, 1);
    assert_eq!(
        (wallet(&worker).await["contested_cents"].clone(), withdrawable(&worker).await),
        (json!(0), 750)
    );
    withdraw(&worker, 750).await.expect(201);
    assert_eq!(sender.balance().await, -1000, "the platform is owed the money by the disputed user");
    world.finish().await;
}
