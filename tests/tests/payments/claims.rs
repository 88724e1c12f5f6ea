//! Claims against payments: refunds, disputes, and the negative balances that they cause.

use clorp_tests::{Client, World};
use futures::future::join_all;
use serde_json::{Value, json};

use super::connect::connect_account;
use super::setup::save_card;
use super::signed::{deliver, event, latest_event, ledger_audit, unapplied};
use super::support::{checkout, complete, complete_without_waiting, ledger};

/// Tops up by this amount and waits for the credit. Returns the session.
async fn pay_topup(world: &World, user: &Client, amount: i64) -> String {
    let session = checkout(user, amount).await;
    complete(world, &session, "paid").await;
    session
}

/// Pays a top-up and holds its webhook event back. Returns the session and the event.
async fn pay_topup_with_events_paused(world: &World, user: &Client, amount: i64) -> (String, Value) {
    pause(world, true).await;
    let session = checkout(user, amount).await;
    complete_without_waiting(world, &session, "paid").await;
    (session, latest_event(world, "checkout.session.completed"))
}

async fn pause(world: &World, paused: bool) {
    world.control("webhooks", json!({ "paused": paused })).await;
}

/// Refunds this amount of a payment.
async fn refund(world: &World, payment: &str, amount: i64) {
    world.control(&format!("charges/{payment}/refund"), json!({ "amount": amount })).await;
}

/// Begins a refund that is pending, as one to a bank debit is. Returns its id.
async fn pending_refund(world: &World, payment: &str, amount: i64) -> String {
    let body = json!({ "amount": amount, "pending": true });
    let refund = world.control(&format!("charges/{payment}/refund"), body).await;
    refund["id"].as_str().unwrap().to_owned()
}

/// Lets the payer dispute a payment. Returns the dispute.
async fn dispute(world: &World, payment: &str) -> String {
    let dispute = world.control(&format!("charges/{payment}/dispute"), json!({})).await;
    dispute["id"].as_str().unwrap().to_owned()
}

async fn close_dispute(world: &World, dispute: &str, status: &str) {
    world.control(&format!("disputes/{dispute}/close"), json!({ "status": status })).await;
}

/// The deltas in a wallet's ledger, oldest first.
async fn deltas(user: &Client) -> Vec<i64> {
    let mut deltas: Vec<i64> = ledger(user).await.into_iter().map(|(_, delta)| delta).collect();
    deltas.reverse();
    deltas
}

/// The number of unapplied events.
async fn count_unapplied(world: &World) -> usize {
    ledger_audit(world).await.unapplied.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_refund_debits_only_its_own_amount() {
    let world = World::start().await;
    let user = &world.stranger;
    let session = pay_topup(&world, user, 1000).await;
    for (amount, balance) in [(300, 700), (200, 500), (500, 0)] {
        refund(&world, &session, amount).await;
        world.wait_for_webhooks().await;
        assert_eq!(user.balance().await, balance);
    }
    let lines = ledger(user).await;
    assert_eq!(deltas(user).await, [1000, -300, -200, -500]);
    let charge = latest_event(&world, "charge.refunded")["data"]["object"]["id"].as_str().unwrap().to_owned();
    assert!(lines[..3].iter().all(|(reason, _)| *reason == format!("refund:{charge}")), "{lines:?}");
    for event in world.sandbox.events().iter().filter(|event| event["type"] == "charge.refunded") {
        deliver(&world, event).await;
    }
    assert_eq!(ledger(user).await, lines, "a repeated event changes nothing");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refunds_in_any_order_or_at_once_debit_their_sum() {
    for concurrently in [false, true] {
        let world = World::start().await;
        let user = &world.stranger;
        let session = pay_topup(&world, user, 1000).await;
        pause(&world, true).await;
        for amount in [100, 200, 300] {
            refund(&world, &session, amount).await;
        }
        let mut refunds = world.sandbox.events();
        refunds.retain(|event| event["type"] == "charge.refunded");
        refunds.reverse();
        if concurrently {
            join_all(refunds.iter().chain(&refunds).map(|event| deliver(&world, event))).await;
        } else {
            for event in &refunds {
                deliver(&world, event).await;
            }
            assert_eq!(deltas(user).await, [1000, -600], "the last event contains all refunds");
        }
        assert_eq!(user.balance().await, 400);
        pause(&world, false).await;
        world.wait_for_webhooks().await;
        assert_eq!(user.balance().await, 400);
        world.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_that_fails_later_is_credited_back_once() {
    let world = World::start().await;
    let user = &world.stranger;
    let session = pay_topup(&world, user, 1000).await;
    let id = pending_refund(&world, &session, 300).await;
    world.wait_for_webhooks().await;
    assert_eq!(user.balance().await, 700);
    world.advance_seconds(3 * 24 * 3600);
    world.control(&format!("refunds/{id}/fail"), json!({})).await;
    world.wait_for_webhooks().await;
    let lines = ledger(user).await;
    assert_eq!((user.balance().await, &lines[0]), (1000, &(format!("refund_failed:{id}"), 300)));
    for event in
        world.sandbox.events().iter().filter(|event| event["type"].as_str().unwrap().contains("refund"))
    {
        deliver(&world, event).await;
    }
    assert_eq!(ledger(user).await, lines, "a repeated event changes nothing");
    // Stripe's next sum of refunds leaves the failed one out.
    world.advance_seconds(1);
    refund(&world, &session, 200).await;
    world.wait_for_webhooks().await;
    assert_eq!((user.balance().await, count_unapplied(&world).await), (800, 0));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_in_the_second_of_an_earlier_ones_failure_waits_for_a_person() {
    for (failure_first, balance) in [(false, 800), (true, 1000)] {
        let world = World::start().await;
        let user = &world.stranger;
        let session = pay_topup(&world, user, 1000).await;
        let pending = pending_refund(&world, &session, 300).await;
        world.wait_for_webhooks().await;
        world.advance_seconds(60);
        pause(&world, true).await;
        world.control(&format!("refunds/{pending}/fail"), json!({})).await;
        refund(&world, &session, 200).await;
        let failure = latest_event(&world, "refund.failed");
        let mut refunded = latest_event(&world, "charge.refunded");
        refunded["created"] = failure["created"].clone();
        let events = if failure_first { [&failure, &refunded] } else { [&refunded, &failure] };
        for event in events.into_iter().chain(events) {
            deliver(&world, event).await;
        }
        assert_eq!(user.balance().await, balance);
        let waiting = unapplied(&world).await;
        let why = "a refund in the second in which an earlier one failed";
        assert_eq!(waiting.values().collect::<Vec<_>>(), [why]);
        // The next report has a sum that is clear again.
        world.advance_seconds(60);
        refund(&world, &session, 100).await;
        deliver(&world, &latest_event(&world, "charge.refunded")).await;
        assert_eq!(user.balance().await, 700);
        world.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dispute_whose_amount_changes_takes_what_the_bank_takes() {
    let world = World::start().await;
    let user = &world.stranger;
    let session = pay_topup(&world, user, 1000).await;
    let body = json!({ "amount": 1000 });
    let id =
        world.control(&format!("charges/{session}/dispute"), body).await["id"].as_str().unwrap().to_owned();
    world.wait_for_webhooks().await;
    assert_eq!(user.balance().await, 0);
    world.advance_seconds(1);
    let lost = json!({ "status": "lost", "amount": 400 });
    world.control(&format!("disputes/{id}/close"), lost).await;
    world.wait_for_webhooks().await;
    assert_eq!(user.balance().await, 600, "the bank keeps 400 and returns the rest");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dispute_debits_and_only_a_won_one_is_credited_back() {
    for (verdict, balance) in [("won", 1000), ("lost", 0)] {
        let world = World::start().await;
        let user = &world.stranger;
        let session = pay_topup(&world, user, 1000).await;
        let id = dispute(&world, &session).await;
        world.wait_for_webhooks().await;
        assert_eq!(ledger(user).await[0], (format!("dispute:{id}"), -1000));
        close_dispute(&world, &id, verdict).await;
        world.wait_for_webhooks().await;
        assert_eq!(user.balance().await, balance, "{verdict}");
        let lines = ledger(user).await;
        if verdict == "won" {
            assert_eq!(lines[0], (format!("chargeback_won:{id}"), 1000));
        }
        for event in world
            .sandbox
            .events()
            .iter()
            .filter(|event| event["type"].as_str().unwrap().starts_with("charge.dispute."))
        {
            deliver(&world, event).await;
            deliver(&world, event).await;
        }
        assert_eq!(ledger(user).await, lines, "a repeated event changes nothing, {verdict} or open");
        world.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_dispute_decides_in_any_order_of_events() {
    for (verdict, created_follows, expect) in [
        ("lost", false, vec![1000, -1000]),
        ("lost", true, vec![1000, -1000]),
        ("won", false, vec![1000]),
        ("won", true, vec![1000]),
    ] {
        let world = World::start().await;
        let user = &world.stranger;
        let session = pay_topup(&world, user, 1000).await;
        pause(&world, true).await;
        let id = dispute(&world, &session).await;
        close_dispute(&world, &id, verdict).await;
        deliver(&world, &latest_event(&world, "charge.dispute.closed")).await;
        assert_eq!(deltas(user).await, expect, "{verdict}");
        if created_follows {
            deliver(&world, &latest_event(&world, "charge.dispute.created")).await;
            assert_eq!(deltas(user).await, expect, "{verdict}, then created");
        }
        pause(&world, false).await;
        world.wait_for_webhooks().await;
        assert_eq!(deltas(user).await, expect);
        world.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_inquiry_moves_no_money_until_it_becomes_a_dispute() {
    let world = World::start().await;
    let user = &world.stranger;
    pay_topup(&world, user, 1000).await;
    let intent =
        latest_event(&world, "checkout.session.completed")["data"]["object"]["payment_intent"].clone();
    let dispute_event = |kind: &str, status: &str| {
        let object = json!({ "id": "du_own", "payment_intent": intent, "amount": 1000, "status": status });
        event(&world, kind, object)
    };
    for (kind, status, expect) in [
        ("charge.dispute.created", "warning_needs_response", vec![1000]),
        ("charge.dispute.updated", "warning_under_review", vec![1000]),
        ("charge.dispute.closed", "warning_closed", vec![1000]),
        ("charge.dispute.updated", "needs_response", vec![1000, -1000]),
        ("charge.dispute.updated", "under_review", vec![1000, -1000]),
        ("charge.dispute.created", "warning_needs_response", vec![1000, -1000]),
        ("charge.dispute.closed", "won", vec![1000, -1000, 1000]),
        ("charge.dispute.updated", "under_review", vec![1000, -1000, 1000]),
    ] {
        deliver(&world, &dispute_event(kind, status)).await;
        assert_eq!(deltas(user).await, expect, "{status}");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn claims_that_arrive_before_the_credit_wait_for_it() {
    let world = World::start().await;
    let user = &world.stranger;
    let (session, completed) = pay_topup_with_events_paused(&world, user, 1000).await;
    refund(&world, &session, 100).await;
    refund(&world, &session, 200).await;
    let id = dispute(&world, &session).await;
    let mut claims = world.sandbox.events();
    claims.retain(|event| {
        ["charge.refunded", "charge.dispute.created"].contains(&event["type"].as_str().unwrap())
    });
    claims.reverse();
    for claim in claims.iter().chain(&claims) {
        deliver(&world, claim).await;
    }
    assert_eq!((count_unapplied(&world).await, deltas(user).await), (3, vec![]));
    deliver(&world, &completed).await;
    assert_eq!((count_unapplied(&world).await, user.balance().await), (0, 0));
    let mut lines = ledger(user).await;
    lines.sort();
    let charge = latest_event(&world, "charge.refunded")["data"]["object"]["id"].as_str().unwrap().to_owned();
    let refunded: i64 =
        lines.iter().filter(|(why, _)| *why == format!("refund:{charge}")).map(|(_, cents)| cents).sum();
    assert_eq!(refunded, -300);
    assert!(
        lines.contains(&(format!("dispute:{id}"), -700))
            && lines.contains(&(format!("topup:{session}"), 1000))
    );
    pause(&world, false).await;
    world.wait_for_webhooks().await;
    let mut after = ledger(user).await;
    after.sort();
    assert_eq!(after, lines);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_may_race_with_the_credit_that_it_is_about() {
    let world = World::start().await;
    let user = &world.stranger;
    for round in 0..8 {
        let (session, completed) = pay_topup_with_events_paused(&world, user, 1000).await;
        refund(&world, &session, 300).await;
        let refunded = latest_event(&world, "charge.refunded");
        dispute(&world, &session).await;
        let disputed = latest_event(&world, "charge.dispute.created");
        let mut events = vec![&completed, &refunded, &disputed, &completed, &refunded, &disputed];
        events.rotate_left(round % 3);
        join_all(events.into_iter().map(|event| deliver(&world, event))).await;
        assert_eq!((user.balance().await, count_unapplied(&world).await), (0, 0), "round {round}");
        pause(&world, false).await;
        world.wait_for_webhooks().await;
        assert_eq!((user.balance().await, count_unapplied(&world).await), (0, 0), "round {round}");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wallet_with_a_negative_balance_can_spend_nothing_until_it_is_covered() {
    let world = World::start().await;
    let user = &world.stranger;
    connect_account(&world, user).await;
    let session = pay_topup(&world, user, 1000).await;
    let unpaid = post_unpaid_drop(user, 1200).await;
    user.post_drop(800).await;
    refund(&world, &session, 700).await;
    world.wait_for_webhooks().await;
    assert_eq!(user.balance().await, -500);
    let ledger_before = ledger_audit(&world).await;
    let refused = run(user, 100).await.expect_error(402, "insufficient_balance");
    assert_eq!((&refused["required"], &refused["available"]), (&json!(100), &json!(-500)));
    let pay = format!("/api/jobs/{unpaid}/pay");
    user.post_empty(&pay).await.expect_error(402, "insufficient_balance");
    let withdrawal = json!({ "amount_cents": 500 });
    user.post("/api/wallet/withdraw", withdrawal.clone()).await.expect_error(402, "insufficient_balance");
    assert_eq!(ledger_audit(&world).await.postings, ledger_before.postings, "no money was moved");
    assert_eq!(
        ledger_audit(&world).await.discrepancies(),
        Vec::<String>::new(),
        "a negative balance is no discrepancy"
    );
    pay_topup(&world, user, 600).await;
    assert_eq!(user.balance().await, 100);
    user.post("/api/wallet/withdraw", withdrawal.clone()).await.expect_error(402, "insufficient_balance");
    pay_topup(&world, user, 1600).await;
    user.post_empty(&pay).await.expect(200);
    assert_eq!(user.balance().await, 500);
    user.post("/api/wallet/withdraw", withdrawal).await.expect_error(402, "not_withdrawable");
    assert_eq!(user.balance().await, 500);
    world.finish().await;
}

/// Posts a drop that the wallet cannot pay. Returns the drop.
async fn post_unpaid_drop(user: &Client, price: i64) -> String {
    let refused = run(user, price).await.expect_error(402, "insufficient_balance");
    refused["id"].as_str().unwrap().to_owned()
}

async fn run(user: &Client, price: i64) -> clorp_tests::Answer {
    let body =
        json!({ "prompt": "Three taglines", "pack": "roast", "price_cents": price, "confirmed": true });
    user.post("/api/jobs/run", body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_negative_balance_passes_the_audit() {
    let world = World::start().await;
    let user = &world.stranger;
    let session = pay_topup(&world, user, 1000).await;
    let drop = user.post_drop(1000).await;
    world.race(&drop, 2).await;
    world.advance_seconds(301);
    assert_eq!(world.sweep().await.settled, 1);
    dispute(&world, &session).await;
    world.wait_for_webhooks().await;
    assert_eq!(user.balance().await, -1000);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn charges_of_a_saved_card_can_be_refunded_and_disputed_as_well() {
    let world = World::start().await;
    let user = &world.stranger;
    save_card(&world, user).await;
    let settings = json!({ "enabled": true, "amount_cents": 1000, "threshold_cents": 0 });
    user.post("/api/wallet/auto-topup", settings).await.expect(200);
    let charge = async || {
        run(user, 1000).await.expect(201);
        world.wait_for_webhooks().await;
        let intent = latest_event(&world, "payment_intent.succeeded")["data"]["object"]["id"]
            .as_str()
            .unwrap()
            .to_owned();
        assert!(ledger(user).await.contains(&(format!("auto_topup:{intent}"), 1000)));
        assert_eq!(user.balance().await, 0);
        intent
    };
    let refunded = charge().await;
    refund(&world, &refunded, 400).await;
    world.wait_for_webhooks().await;
    assert_eq!(user.balance().await, -400);
    // No charge is made if the wallet would still be short after it.
    run(user, 1000).await.expect_error(402, "insufficient_balance");
    refund(&world, &refunded, 600).await;
    world.wait_for_webhooks().await;
    assert_eq!(user.balance().await, -1000);
    pay_topup(&world, user, 1000).await;
    let disputed = charge().await;
    let id = dispute(&world, &disputed).await;
    world.wait_for_webhooks().await;
    assert_eq!(ledger(user).await[0], (format!("dispute:{id}"), -1000));
    close_dispute(&world, &id, "won").await;
    world.wait_for_webhooks().await;
    assert_eq!(user.balance().await, 0);
    world.finish().await;
}
