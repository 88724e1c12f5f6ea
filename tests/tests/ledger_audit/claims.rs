//! The comparison with Stripe's lists of refunds, disputes and transfers. A wrong cent is found even if the
//! table agrees with itself.

use aws_sdk_dynamodb::types::AttributeValue;
use clorp_tests::world::TABLE;
use clorp_tests::{Client, World};
use serde_json::{Value, json};

use super::{Item, audit, checkout, discrepancies, withdraw};

/// Pays a top-up. Returns its Checkout session.
async fn pay(world: &World, client: &Client, amount_cents: i64) -> String {
    let session = checkout(client, amount_cents).await;
    world.control(&format!("checkout/sessions/{session}/complete"), json!({ "outcome": "paid" })).await;
    world.wait_for_webhooks().await;
    session
}

/// Plays the payer or the bank, and waits until its events are delivered.
async fn play(world: &World, path: &str, body: Value) -> Value {
    let object = world.control(path, body).await;
    world.wait_for_webhooks().await;
    object
}

async fn items(world: &World, matches: impl Fn(&Item) -> bool) -> Vec<Item> {
    let mut pages = world.table().scan().table_name(TABLE).into_paginator().items().send();
    let mut found = Vec::new();
    while let Some(item) = pages.next().await {
        found.extend(Some(item.unwrap()).filter(&matches));
    }
    found
}

fn text(item: &Item, name: &str) -> String {
    item.get(name).and_then(|value| value.as_s().ok()).cloned().unwrap_or_default()
}

async fn add(world: &World, item: &Item, attribute: &str, cents: i64) {
    let update = world.table().update_item().table_name(TABLE).key("pk", item["pk"].clone());
    let update = update.key("sk", item["sk"].clone()).update_expression("ADD #a :cents");
    let update = update.expression_attribute_names("#a", attribute);
    let cents = AttributeValue::N(cents.to_string());
    update.expression_attribute_values(":cents", cents).send().await.unwrap();
}

/// Adds a cent to the wallet in an entry with this reason. The posting still sums to zero, and the balance
/// still equals its entries.
async fn move_a_cent(world: &World, reason: &str, cents: i64) {
    let entry = items(world, |item| text(item, "reason").starts_with(reason));
    let entry = entry.await.into_iter().next().unwrap_or_else(|| panic!("no entry {reason}"));
    let pk = text(&entry, "pk");
    add(world, &entry, "delta_cents", cents).await;
    add(world, &entry, "external_cents", -cents).await;
    let wallet = items(world, |item| text(item, "pk") == pk && text(item, "sk") == "USER").await;
    add(world, &wallet[0], "balance_cents", cents).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cent_too_many_or_too_few_is_found_in_every_claim() {
    let world = World::start().await;
    let user = &world.stranger;
    let refunded = pay(&world, user, 1000).await;
    play(&world, &format!("charges/{refunded}/refund"), json!({ "amount": 300 })).await;
    let lost = pay(&world, user, 2000).await;
    let dispute = play(&world, &format!("charges/{lost}/dispute"), json!({ "amount": 800 })).await;
    let close = |dispute: &Value| format!("disputes/{}/close", dispute["id"].as_str().unwrap());
    play(&world, &close(&dispute), json!({ "status": "lost" })).await;
    let won = pay(&world, user, 4000).await;
    let dispute = play(&world, &format!("charges/{won}/dispute"), json!({})).await;
    play(&world, &close(&dispute), json!({ "status": "won" })).await;
    assert_eq!(discrepancies(&world).await, Vec::<String>::new());
    for (reason, payment, returned) in [
        ("refund:ch_".to_owned(), &refunded, 300),
        ("dispute:".to_owned() + &first_dispute(&world).await, &lost, 800),
        ("chargeback_won:".to_owned(), &won, 0),
    ] {
        for cents in [1, -1] {
            move_a_cent(&world, &reason, cents).await;
            let found = discrepancies(&world).await;
            let expected = format!("returned {returned} to the payer, and {} was taken", returned - cents);
            let is_named = |line: &String| line.contains(payment.as_str()) && line.contains(&expected);
            assert_eq!(found.iter().filter(|line| is_named(line)).count(), 1, "{reason}: {found:?}");
            move_a_cent(&world, &reason, -cents).await;
        }
    }
    world.finish().await;
}

/// The id of the dispute that was opened first.
async fn first_dispute(world: &World) -> String {
    let events = world.sandbox.events();
    let opened = events.iter().find(|event| event["type"] == "charge.dispute.created").unwrap();
    opened["data"]["object"]["id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawal_of_one_cent_more_than_its_transfer_is_found() {
    let world = World::start().await;
    let worker = &world.workers[0];
    // The balance at Stripe pays the transfer.
    pay(&world, &world.stranger, 1000).await;
    let drop = world.sender.post_drop(1000).await;
    world.race(&drop, 2).await;
    world.advance_seconds(300);
    world.sweep().await;
    world.onboard(worker).await;
    let id = withdraw(worker, 500).await;
    assert_eq!(discrepancies(&world).await, Vec::<String>::new());
    let record = items(&world, |item| text(item, "sk") == format!("WITHDRAWAL#{id}")).await;
    move_a_cent(&world, &format!("withdraw:{id}"), -1).await;
    add(&world, &record[0], "amount_cents", 1).await;
    let found = discrepancies(&world).await;
    assert!(found.iter().any(|line| line.contains(&id) && line.contains("501")), "{found:?}");
    move_a_cent(&world, &format!("withdraw:{id}"), 1).await;
    add(&world, &record[0], "amount_cents", -1).await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_at_stripe_that_no_wallet_knows_is_found_until_it_is_applied() {
    for (path, returned) in [("refund", 300), ("dispute", 300)] {
        let world = World::start().await;
        let session = pay(&world, &world.stranger, 1000).await;
        world.control("webhooks", json!({ "paused": true })).await;
        world.control(&format!("charges/{session}/{path}"), json!({ "amount": 300 })).await;
        let found = discrepancies(&world).await;
        let expected = format!("payment {session} of 1000 returned {returned} to the payer, and 0 was taken");
        assert!(found.len() == 1 && found[0].starts_with(&expected), "{found:?}");
        world.control("webhooks", json!({ "paused": false })).await;
        world.wait_for_webhooks().await;
        assert_eq!(world.stranger.balance().await, 700);
        world.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_refund_that_is_not_credited_back_is_found() {
    let world = World::start().await;
    let session = pay(&world, &world.stranger, 1000).await;
    let refund = play(&world, &format!("charges/{session}/refund"), json!({ "amount": 300 })).await;
    world.control("webhooks", json!({ "paused": true })).await;
    world.control(&format!("refunds/{}/fail", refund["id"].as_str().unwrap()), json!({})).await;
    let found = discrepancies(&world).await;
    let expected = format!("payment {session} of 1000 returned 0 to the payer, and 300 was taken");
    assert!(found.len() == 1 && found[0].starts_with(&expected), "{found:?}");
}

/// A signed event about a dispute of a payment.
fn dispute_event(dispute: &str, intent: &Value, status: &str) -> Value {
    let object = json!({ "id": dispute, "payment_intent": intent, "amount": 1000, "status": status });
    json!({
        "id": "evt_own", "type": "charge.dispute.created", "created": 1_795_512_600, "data": { "object": object },
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn money_taken_for_a_dispute_that_stripe_does_not_have_is_found() {
    let world = World::start().await;
    pay(&world, &world.stranger, 1000).await;
    let intent = paid_intent(&world);
    world.anon.post_webhook(&dispute_event("du_foreign", &intent, "needs_response")).await.expect(200);
    assert_eq!(world.stranger.balance().await, 0);
    let found = discrepancies(&world).await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("1000 was taken from a wallet for du_foreign"), "{found:?}");
}

/// The intent of the latest payment.
fn paid_intent(world: &World) -> Value {
    let events = world.sandbox.events();
    let paid = events.iter().rfind(|event| event["type"] == "checkout.session.completed").unwrap();
    paid["data"]["object"]["payment_intent"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_whose_event_waits_for_a_person_is_listed_and_is_no_discrepancy() {
    let world = World::start().await;
    let session = pay(&world, &world.stranger, 1000).await;
    world.control("webhooks", json!({ "paused": true })).await;
    let dispute = world.control(&format!("charges/{session}/dispute"), json!({})).await;
    assert_eq!(discrepancies(&world).await.len(), 1);
    let event = dispute_event(dispute["id"].as_str().unwrap(), &paid_intent(&world), "a_word_of_tomorrow");
    world.anon.post_webhook(&event).await.expect(200);
    let audited = audit(&world.store, Some(&world.payments[0].stripe)).await.unwrap();
    assert_eq!(audited.discrepancies, Vec::<String>::new());
    assert_eq!(audited.unapplied.len(), 1, "{:?}", audited.unapplied);
    assert_eq!(world.stranger.balance().await, 1000);
}
