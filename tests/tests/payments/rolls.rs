//! A roll of Stripe's key and of the webhook's secret, which functions notice without a deployment. They are
//! in moto's Secrets Manager.

use clorp_secrets::PAUSE_SECONDS;
use clorp_tests::moto::StoredSecret;
use clorp_tests::world::STRIPE_KEY;
use clorp_tests::{Options, World};
use serde_json::{Value, json};

use super::people::{AFTER_SETTLE_GRACE, inject_fault, options, payee, withdraw};
use super::signed::{event, ledger_audit, secret, send, v1};
use super::support::{checkout, complete, ledger, topup};

const TRANSFER: &str = "POST /v1/transfers";

fn fields(stripe_key: &str, webhook_secrets: &str) -> Value {
    json!({ "STRIPE_SECRET_KEY": stripe_key, "STRIPE_WEBHOOK_SECRETS": webhook_secrets })
}

/// A world whose functions share one secret, and the secret.
async fn start() -> (World, StoredSecret) {
    let options = options();
    let kept = StoredSecret::create(&fields(STRIPE_KEY, &options.sandbox.webhook_secret)).await;
    let world = World::with(Options { secret: Some(kept.clone()), ..options }).await;
    (world, kept)
}

/// Rolls the key at Stripe, which refuses the old one at once. Returns the new one.
async fn roll_key(world: &World) -> String {
    let rolled = world.control("secret_key/roll", json!({})).await;
    rolled["secret_key"].as_str().unwrap().to_owned()
}

/// Rolls the webhook's secret at Stripe, which no longer signs with the old one. Returns the new one.
async fn roll_webhook_secret(world: &World) -> String {
    world.control("webhook_secret/roll", json!({})).await;
    world.control("webhook_secret/roll", json!({ "drop_old": true })).await;
    secret(world)
}

fn calls(world: &World, endpoint: &str) -> usize {
    world.sandbox.calls().get(endpoint).copied().unwrap_or_default()
}

/// Sends an event of no importance, signed with this secret. Returns the status.
async fn deliver_under(world: &World, secret: &str) -> u16 {
    let body = event(world, "invoice.paid", json!({ "id": "in_1" })).to_string().into_bytes();
    let now = world.clock().now().as_second();
    send(world, &body, Some(&format!("t={now},v1={}", v1(secret, now, &body)))).await.status.as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_request_after_a_roll_takes_the_new_key_and_moves_the_money_once() {
    let (world, kept) = start().await;
    let user = payee(&world, 2000).await;
    withdraw(&user, 500).await.expect(201);
    assert_eq!((kept.readings(), calls(&world, TRANSFER)), (1, 1), "the start reads the secret");
    let (available, secret) = (world.sandbox.available_cents(), secret(&world));
    kept.put(&fields(&roll_key(&world).await, &secret)).await;

    withdraw(&user, 500).await.expect(201);
    assert_eq!((kept.readings(), calls(&world, TRANSFER)), (2, 2));
    assert_eq!((user.balance().await, world.sandbox.available_cents()), (1000, available - 500));
    // Every instance has the new key.
    for _ in 0..4 {
        topup(&user, 1000).await.expect(200);
    }
    assert_eq!((kept.readings(), ledger(&user).await.len()), (2, 3));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawal_that_a_roll_interrupts_is_transferred_once() {
    let (world, kept) = start().await;
    let user = payee(&world, 2000).await;
    for fault in ["timeout_before", "timeout_after"] {
        let (available, readings) = (world.sandbox.available_cents(), kept.readings());
        inject_fault(&world, "/v1/transfers", fault, 2).await;
        withdraw(&user, 500).await.expect(202);
        let secret = secret(&world);
        kept.put(&fields(&roll_key(&world).await, &secret)).await;
        world.advance_seconds(AFTER_SETTLE_GRACE);
        // The reconciler asks with the old key first. It repeats the transfer under the same idempotency key.
        assert_eq!(world.reconcile().await, 1, "{fault}");
        assert_eq!(world.sandbox.available_cents(), available - 500, "{fault}");
        assert_eq!(kept.readings(), readings + 1, "{fault}");
    }
    assert_eq!((user.balance().await, world.reconcile().await), (1000, 0));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_ends_without_a_successor_has_no_effect_and_is_not_read_for_each_request() {
    let (world, kept) = start().await;
    let user = payee(&world, 2000).await;
    let (readings, asked, began) = (kept.readings(), world.sandbox.calls(), world.clock().now());
    let key = roll_key(&world).await;
    for _ in 0..3 {
        topup(&user, 1000).await.expect(503);
    }
    let pauses = (world.clock().now().duration_since(began).as_secs() / PAUSE_SECONDS) as usize;
    assert!((1..=1 + pauses).contains(&(kept.readings() - readings)), "{} readings", kept.readings());
    assert_eq!(world.sandbox.calls(), asked, "Stripe accepts no request");

    let secret = secret(&world);
    kept.put(&fields(&key, &secret)).await;
    world.advance_seconds(PAUSE_SECONDS);
    let session = checkout(&user, 1000).await;
    complete(&world, &session, "paid").await;
    assert_eq!(user.balance().await, 3000);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_under_a_new_secret_is_accepted_after_one_reading_and_one_under_the_old_is_refused() {
    let (world, kept) = start().await;
    let (user, old) = (&world.stranger, secret(&world));
    let session = checkout(user, 1000).await;
    let rolled = roll_webhook_secret(&world).await;
    kept.put(&fields(STRIPE_KEY, &rolled)).await;
    assert_eq!((deliver_under(&world, &old).await, kept.readings()), (200, 1), "nobody has asked yet");

    complete(&world, &session, "paid").await;
    assert_eq!((kept.readings(), ledger(user).await), (2, vec![(format!("topup:{session}"), 1000)]));
    let before = ledger_audit(&world).await;
    assert_eq!(deliver_under(&world, &old).await, 400);
    assert_eq!(ledger_audit(&world).await, before);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_secret_is_refused_once_its_lifetime_is_over() {
    let (world, kept) = start().await;
    let old = secret(&world);
    let rolled = roll_webhook_secret(&world).await;
    kept.put(&fields(STRIPE_KEY, &rolled)).await;
    assert_eq!(deliver_under(&world, &old).await, 200);
    world.advance_seconds(clorp_secrets::LIFETIME_MINUTES * 60);
    assert_eq!(deliver_under(&world, &old).await, 400);
    assert_eq!(deliver_under(&world, &rolled).await, 200);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_signatures_cause_one_reading_in_the_pause() {
    let (world, kept) = start().await;
    let (before, began) = (ledger_audit(&world).await, world.clock().now());
    for n in 0..30 {
        assert_eq!(deliver_under(&world, &format!("whsec_forged_{n}")).await, 400);
    }
    let pauses = (world.clock().now().duration_since(began).as_secs() / PAUSE_SECONDS) as usize;
    assert!((2..=2 + pauses).contains(&kept.readings()), "{} readings", kept.readings());
    let readings = kept.readings();
    // A header that is no recent signature is no reason to read.
    world.advance_seconds(PAUSE_SECONDS);
    for header in [None, Some(""), Some("t=1,v1=00"), Some("whsec")] {
        send(&world, b"{}", header).await.expect(400);
    }
    assert_eq!(kept.readings(), readings);
    assert_eq!(deliver_under(&world, "whsec_forged").await, 400);
    assert_eq!((kept.readings(), ledger_audit(&world).await), (readings + 1, before));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_cannot_be_read_again_leaves_the_functions_running() {
    let (world, kept) = start().await;
    let user = &world.stranger;
    kept.delete().await;
    for paid in 1..=3 {
        // The last values are old now, and a forged signature asks for others too.
        world.advance_seconds(clorp_secrets::LIFETIME_MINUTES * 60);
        assert_eq!(deliver_under(&world, "whsec_forged").await, 400);
        let session = checkout(user, 1000).await;
        complete(&world, &session, "paid").await;
        assert_eq!(user.balance().await, 1000 * paid);
    }
    assert!(kept.readings() >= 4, "{} readings", kept.readings());
    let refused = kept.read(world.clock()).await.unwrap_err().to_string();
    assert!(refused.contains("CLORP_SECRET_ARN") && refused.contains("ResourceNotFound"), "{refused}");
    assert!(!refused.contains(STRIPE_KEY), "{refused}");
    world.finish().await;
}
