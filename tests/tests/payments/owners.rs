//! Accounts that pay with one card, or are paid to one bank account, and so have one owner.

use clorp_tests::{Client, World};
use serde_json::json;

use super::people::{begin_onboarding, options};
use super::signed::{deliver, latest_event, unapplied};
use super::support::checkout;

/// Pays by the card with this fingerprint.
async fn pay_by(world: &World, user: &Client, fingerprint: &str) {
    let session = checkout(user, 1000).await;
    let body = json!({ "outcome": "paid", "fingerprint": fingerprint });
    world.control(&format!("checkout/sessions/{session}/complete"), body).await;
    world.wait_for_webhooks().await;
}

/// Adds the bank account with this fingerprint.
async fn be_paid_to(world: &World, user: &Client, fingerprint: &str) {
    let account = begin_onboarding(user).await;
    world.control(&format!("accounts/{account}/onboard"), json!({ "fingerprint": fingerprint })).await;
    world.wait_for_webhooks().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_that_pay_with_one_card_cannot_work_on_each_others_drops() {
    let world = World::with(options()).await;
    let (sender, other) = (world.user("sender", 0).await, world.user("other", 0).await);
    pay_by(&world, &sender, "card-1").await;
    pay_by(&world, &other, "card-2").await;
    let before = sender.post_drop(500).await;
    other.claim(&before).await.expect(201);
    assert!(unapplied(&world).await.is_empty(), "each has paid with a card of its own");

    pay_by(&world, &other, "card-1").await;
    let drop = sender.post_drop(500).await;
    other.claim(&drop).await.expect_error(403, "own_drop");
    world.workers[0].claim(&drop).await.expect(201);
    let flagged = unapplied(&world).await;
    assert_eq!(flagged.values().collect::<Vec<_>>(), ["accounts turned out to have one owner"]);
    deliver(&world, &latest_event(&world, "charge.succeeded")).await;
    assert_eq!(unapplied(&world).await, flagged, "a repeated event flags nothing new");
    assert_eq!((sender.balance().await, other.balance().await), (0, 2000), "no money is touched");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_that_are_paid_to_one_bank_account_hold_one_slot_together() {
    let world = World::with(options()).await;
    let (one, other) = (world.user("one", 0).await, world.user("other", 0).await);
    be_paid_to(&world, &one, "bank-1").await;
    be_paid_to(&world, &other, "bank-1").await;
    let drop = world.sender.post_drop(500).await;
    one.claim(&drop).await.expect(201);
    other.claim(&drop).await.expect_error(409, "owner_holds_slot");
    assert_eq!(unapplied(&world).await.len(), 1, "an operator is told");
    world.finish().await;
}
