//! Prices, refunds and payouts of drops.

use clorp_tests::World;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn the_winner_gets_the_price_less_the_fee() {
    let world = World::start().await;
    for (price, fee) in [(100, 70), (500, 150), (1000, 250), (5000, 1050)] {
        let drop = world.sender.post_drop(price).await;
        let (sender, worker) = (world.sender.balance().await, world.workers[0].balance().await);
        world.race(&drop, 1).await;
        world.advance_seconds(300);
        assert_eq!(world.sweep().await.settled, 1);
        let seen = world.sender.get(&format!("/api/jobs/{drop}")).await.expect(200);
        assert_eq!(
            (&seen["status"], &seen["fee_cents"], &seen["payout_cents"]),
            (&json!("completed"), &json!(fee), &json!(price - fee))
        );
        assert_eq!(world.workers[0].balance().await, worker + price - fee);
        assert_eq!(world.sender.balance().await, sender, "a judged drop is not refunded");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drop_without_submissions_expires_and_returns_the_full_price() {
    let world = World::start().await;
    let drop = world.sender.post_drop(1000).await;
    world.workers[0].claim(&drop).await.expect(201);
    assert_eq!(world.sender.balance().await, 19_000);
    world.advance_seconds(300);
    assert_eq!(world.sweep().await.settled, 1);
    let seen = world.sender.get(&format!("/api/jobs/{drop}")).await.expect(200);
    assert_eq!((&seen["status"], &seen["grade"]), (&json!("expired"), &json!(null)));
    assert_eq!(world.sender.balance().await, 20_000);
    assert_eq!(world.workers[0].balance().await, 1000);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_refunds_an_open_drop_once() {
    let world = World::start().await;
    let drop = world.sender.post_drop(1000).await;
    let cancel = format!("/api/jobs/{drop}/cancel");
    world.stranger.post_empty(&cancel).await.expect(404);
    assert_eq!(world.sender.balance().await, 19_000);
    for _ in 0..2 {
        assert_eq!(world.sender.post_empty(&cancel).await.expect(200)["status"], "cancelled");
        assert_eq!(world.sender.balance().await, 20_000);
    }
    world.workers[0].claim(&drop).await.expect_error(409, "drop_not_open");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drop_with_a_submission_cannot_be_cancelled() {
    let world = World::start().await;
    let drop = world.sender.post_drop(1000).await;
    world.race(&drop, 1).await;
    world.sender.post_empty(&format!("/api/jobs/{drop}/cancel")).await.expect(409);
    assert_eq!(world.sender.balance().await, 19_000);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drop_above_the_balance_waits_for_its_payment() {
    let world = World::start().await;
    let poor = &world.workers[0];
    let body = json!({ "prompt": "Name a cat", "price_cents": 1500, "confirmed": true });
    let refused = poor.post("/api/jobs/run", body).await.expect(402);
    assert_eq!(
        (&refused["payment_required"], &refused["required"], &refused["available"]),
        (&json!(true), &json!(1500), &json!(1000))
    );
    let drop = refused["id"].as_str().unwrap();
    let pay = format!("/api/jobs/{drop}/pay");
    poor.post_empty(&pay).await.expect(402);
    world.sender.post_empty(&pay).await.expect(404);
    assert_eq!(poor.balance().await, 1000);
    let cancelled = poor.post_empty(&format!("/api/jobs/{drop}/cancel")).await.expect(200);
    assert_eq!(cancelled["status"], "cancelled");
    poor.post_empty(&pay).await.expect(400);
    assert_eq!(poor.balance().await, 1000);
    world.finish().await;
}
