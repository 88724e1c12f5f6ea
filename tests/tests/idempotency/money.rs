//! Requests that call Stripe.

use clorp_tests::{Answer, Client, Fault};
use serde_json::{Value, json};

use super::crash::crash_and_retry;
use super::{
    LEASE_LAPSED, TRIES, assert_replay, count_drops, is_replay, proxy, run, start_proxied, stores_a_response,
};
use crate::payments::people::{inject_fault, objects_at_stripe};
use crate::payments::support::complete;

async fn topup(client: &Client) -> Answer {
    client.post("/api/wallet/topup", json!({ "amount_cents": 1000 })).await
}

async fn set_up(client: &Client) -> Answer {
    client.post_empty("/api/wallet/setup-payment-method").await
}

async fn withdraw(client: &Client) -> Answer {
    client.post("/api/wallet/withdraw", json!({ "amount_cents": 1000 })).await
}

/// The ledger lines whose reason starts with `kind`.
async fn ledger(client: &Client, kind: &str) -> Vec<Value> {
    let wallet = client.get("/api/wallet/balance").await.expect(200);
    let lines = wallet["ledger"].as_array().unwrap().iter();
    lines.filter(|line| line["reason"].as_str().unwrap().starts_with(kind)).cloned().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retried_topup_leads_to_the_same_page_and_another_key_to_another() {
    let world = start_proxied().await;
    let keyed = world.stranger.keyed("k");
    let (first, retry) = crash_and_retry(&world, async || topup(&keyed).await).await;
    assert_eq!(first.expect(200), retry.expect(200));
    let other = topup(&world.stranger.keyed("l")).await;
    assert!(!is_replay(&other));
    assert_ne!(other.expect(200), first.json());
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topup_that_was_paid_before_the_retry_is_not_started_again() {
    let world = start_proxied().await;
    let keyed = world.stranger.keyed("k");
    let first = topup(&keyed).await;
    let url = first.expect(200)["url"].as_str().unwrap().to_owned();
    let session = url.rsplit('/').next().unwrap();
    world.control(&format!("checkout/sessions/{session}/complete"), json!({ "outcome": "paid" })).await;
    world.wait_for_webhooks().await;
    assert_replay(&topup(&keyed).await, &first);
    assert_eq!(world.stranger.balance().await, 1000);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retried_topup_leads_to_the_page_that_is_credited_although_stripe_kept_an_error() {
    let world = start_proxied().await;
    let keyed = world.stranger.keyed("k");
    inject_fault(&world, "/v1/checkout/sessions", "500_kept", 1).await;
    let (first, retry) = crash_and_retry(&world, async || topup(&keyed).await).await;
    assert_eq!(first.expect(200), retry.expect(200));
    let url = retry.json()["url"].as_str().unwrap().to_owned();
    complete(&world, url.rsplit('/').next().unwrap(), "paid").await;
    assert_eq!(world.stranger.balance().await, 1000);
    // The retry has made a page too, which nobody has seen.
    assert_eq!(objects_at_stripe(&world, "checkout/sessions", &world.stranger).await.len(), 2);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retried_topup_whose_page_has_ended_is_refused() {
    let world = start_proxied().await;
    let keyed = world.stranger.keyed("k");
    inject_fault(&world, "/v1/checkout/sessions", "500_kept", 1).await;
    proxy(&world).fail_if("UpdateItem", stores_a_response, Fault::ServerError, TRIES);
    let url = topup(&keyed).await.expect(200)["url"].as_str().unwrap().to_owned();
    complete(&world, url.rsplit('/').next().unwrap(), "paid").await;
    world.advance_seconds(LEASE_LAPSED);
    let refused = topup(&keyed).await.expect_error(409, "refused_by_stripe");
    assert!(refused["error"].as_str().unwrap().contains("`checkout_session_not_open`"), "{refused}");
    assert_eq!(world.stranger.balance().await, 1000);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retried_setup_returns_the_same_secret() {
    let world = start_proxied().await;
    let keyed = world.stranger.keyed("k");
    let (first, retry) = crash_and_retry(&world, async || set_up(&keyed).await).await;
    assert_eq!(first.expect(200), retry.expect(200));
    assert_ne!(set_up(&world.stranger).await.expect(200), first.json());
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retried_withdrawal_is_sent_once() {
    let world = start_proxied().await;
    world.onboard(&world.sender).await;
    let keyed = world.sender.keyed("k");
    let (first, retry) = crash_and_retry(&world, async || withdraw(&keyed).await).await;
    assert_eq!(first.expect(201)["id"], retry.expect(201)["id"]);
    assert_eq!((world.sender.balance().await, world.count_events("transfer.created")), (19_000, 1));
    assert_eq!(ledger(&world.sender, "withdraw").await.len(), 1);
    withdraw(&world.sender.keyed("l")).await.expect(201);
    assert_eq!((world.sender.balance().await, world.count_events("transfer.created")), (18_000, 2));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_returns_the_same_onboarding_page_although_it_opens_only_once() {
    let world = start_proxied().await;
    let keyed = world.stranger.keyed("k");
    let connect = async |client: &Client| client.post_empty("/api/stripe/connect").await;
    let first = connect(&keyed).await;
    first.expect(200);
    assert_replay(&connect(&keyed).await, &first);
    assert_ne!(connect(&world.stranger).await.expect(200), first.json());
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retried_run_charges_the_saved_card_once() {
    let world = start_proxied().await;
    let sender = world.user("card-holder", 100).await;
    let settings = json!({ "enabled": true, "amount_cents": 1000, "threshold_cents": 500 });
    world.save_card(&sender, settings).await;
    let keyed = sender.keyed("k");
    let (first, retry) = crash_and_retry(&world, async || run(&keyed, 1000).await).await;
    assert_eq!(first.expect(201), retry.expect(201));
    world.wait_for_webhooks().await;
    // One charge pays for the drop, and one follows because the balance is below the threshold.
    assert_eq!(world.count_events("payment_intent.succeeded"), 2);
    assert_eq!(ledger(&sender, "auto_topup:").await.len(), 2);
    assert_eq!((sender.balance().await, count_drops(&sender).await), (1100, 1));
    world.finish().await;
}
