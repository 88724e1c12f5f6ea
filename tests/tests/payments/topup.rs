//! Top-ups by Checkout.

use clorp_tests::World;
use serde_json::json;

use super::people::objects_at_stripe;
use super::support::{checkout, complete, ledger, topup};

#[tokio::test(flavor = "multi_thread")]
async fn a_paid_session_credits_the_wallet_once_and_names_the_session() {
    let world = World::start().await;
    let user = &world.stranger;
    let session = checkout(user, 1000).await;
    assert!(session.starts_with("cs_"), "{session}");
    assert_eq!(user.balance().await, 0, "nothing is credited before it is paid");
    complete(&world, &session, "paid").await;
    assert_eq!(user.balance().await, 1000);
    assert_eq!(ledger(user).await, [(format!("topup:{session}"), 1000)]);
    let record = user.get(&format!("/api/users/{}", user.id)).await.expect(200);
    assert!(record["stripe_customer_id"].as_str().unwrap().starts_with("cus_"));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unpaid_session_is_not_credited() {
    let world = World::start().await;
    let user = &world.stranger;
    let declined = checkout(user, 1000).await;
    complete(&world, &declined, "declined").await;
    let failed = checkout(user, 1000).await;
    complete(&world, &failed, "async_failed").await;
    let abandoned = checkout(user, 1000).await;
    assert_ne!(abandoned, declined);
    assert_eq!((user.balance().await, ledger(user).await), (0, vec![]));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bank_debit_is_credited_when_it_succeeds_and_not_before() {
    let world = World::start().await;
    let user = &world.stranger;
    let session = checkout(user, 1000).await;
    let body = json!({ "outcome": "async_paid", "delay_ms": 300 });
    world.control(&format!("checkout/sessions/{session}/complete"), body).await;
    world.wait_for_webhooks().await;
    let kinds: Vec<String> =
        world.sandbox.events().iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect();
    let position = |kind: &str| kinds.iter().position(|one| one == kind);
    assert!(position("checkout.session.completed") < position("checkout.session.async_payment_succeeded"));
    assert_eq!(ledger(user).await, [(format!("topup:{session}"), 1000)]);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_amount_out_of_bounds_or_of_another_type_is_refused_and_starts_no_payment() {
    let world = World::start().await;
    let user = &world.stranger;
    for (amount, code) in [
        (json!(499), "amount_too_small"),
        (json!(0), "amount_too_small"),
        (json!(-1000), "amount_too_small"),
        (json!(100_001), "amount_too_large"),
        (json!(i64::MAX), "amount_too_large"),
        (json!(1000.5), "invalid_type"),
        (json!("1000"), "invalid_type"),
        (json!(null), "amount_required"),
    ] {
        let answer = user.post("/api/wallet/topup", json!({ "amount_cents": amount })).await;
        answer.expect_field(400, code, "/amount_cents");
    }
    user.post("/api/wallet/topup", json!({})).await.expect_field(400, "amount_required", "/amount_cents");
    assert_eq!(world.sandbox.events(), Vec::<serde_json::Value>::new());
    for amount in [500, 100_000] {
        topup(user, amount).await.expect(200);
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_asks_for_3d_secure_wherever_the_card_offers_it() {
    let world = World::start().await;
    checkout(&world.stranger, 1000).await;
    let sessions = objects_at_stripe(&world, "checkout/sessions", &world.stranger).await;
    let asked = &sessions[0]["payment_method_options"]["card"]["request_three_d_secure"];
    assert_eq!((sessions.len(), asked), (1, &json!("any")));
    world.finish().await;
}
