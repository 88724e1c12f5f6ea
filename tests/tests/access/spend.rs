//! Spend policies of API keys.

use clorp_tests::World;
use futures::future::join_all;
use serde_json::{Value, json};

use super::{create_key, expect_lack, run};

/// A client of the sender with a key that has these limits.
async fn limited(
    world: &World,
    per_drop: impl Into<Value>,
    per_day: impl Into<Value>,
) -> clorp_tests::Client {
    let policy = json!({ "per_drop_cents": per_drop.into(), "per_day_cents": per_day.into() });
    create_key(&world.sender, json!({ "spend_policy": policy })).await.1
}

/// The number of drops that the sender has posted.
async fn count_drops(world: &World) -> usize {
    world.sender.get("/api/jobs").await.expect(200).as_array().unwrap().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drop_above_the_keys_limit_is_refused_and_not_stored() {
    let world = World::start().await;
    let client = limited(&world, 500, Value::Null).await;
    run(&client, 501).await.expect_error(403, "spend_limit_per_drop");
    assert_eq!((count_drops(&world).await, world.sender.balance().await), (0, 20_000));
    run(&client, 500).await.expect(201);
    run(&client, 500).await.expect(201);
    run(&world.sender, 501).await.expect(201);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_daily_limit_bounds_the_sum_and_resets_at_midnight() {
    let world = World::start().await;
    // Start one hour after midnight, so that the day does not end during the test.
    let day = 86_400;
    world.advance_seconds(day + 3600 - world.clock().now().as_second().rem_euclid(day));
    let client = limited(&world, Value::Null, 1000).await;
    let drop = run(&client, 600).await.expect(201);
    run(&client, 401).await.expect_error(403, "spend_limit_per_day");
    run(&client, 300).await.expect(201);
    client.post_empty(&format!("/api/jobs/{}/cancel", drop["id"].as_str().unwrap())).await.expect(200);
    let refused = run(&client, 101).await.expect_error(403, "spend_limit_per_day");
    assert!(
        refused["error"].as_str().unwrap().contains("900"),
        "a refund does not restore the limit: {refused}"
    );
    assert_eq!(client.get("/api/keys").await.expect(200)[0]["spent_today_cents"], 900);
    world.advance_seconds(day);
    assert_eq!(client.get("/api/keys").await.expect(200)[0]["spent_today_cents"], 0);
    run(&client, 1001).await.expect_error(403, "spend_limit_per_day");
    run(&client, 1000).await.expect(201);
    world.sweep().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_posts_stay_within_the_daily_limit() {
    let world = World::start().await;
    let client = limited(&world, Value::Null, 1000).await;
    let answers = join_all((0..20).map(|_| run(&client, 150))).await;
    let posted = answers.iter().filter(|answer| answer.status.as_u16() == 201).count();
    assert_eq!(posted, 6);
    for answer in answers.iter().filter(|answer| answer.status.as_u16() != 201) {
        answer.expect_error(403, "spend_limit_per_day");
    }
    assert_eq!(world.sender.balance().await, 20_000 - 6 * 150);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn paying_a_pending_drop_counts_as_spending() {
    let world = World::start().await;
    let (blocker, mut pending) = (run(&world.sender, 20_000).await.expect(201), Vec::new());
    for price in [700, 400] {
        pending.push(run(&world.sender, price).await.expect_error(402, "insufficient_balance")["id"].clone());
    }
    let client = limited(&world, Value::Null, 1000).await;
    run(&client, 600).await.expect_error(402, "insufficient_balance");
    assert_eq!(client.get("/api/keys").await.expect(200)[0]["spent_today_cents"], 0, "nothing was spent");
    let blocker = blocker["id"].as_str().unwrap();
    world.sender.post_empty(&format!("/api/jobs/{blocker}/cancel")).await.expect(200);
    let pay =
        async |drop: &Value| client.post_empty(&format!("/api/jobs/{}/pay", drop.as_str().unwrap())).await;
    pay(&pending[0]).await.expect(200);
    pay(&pending[1]).await.expect_error(403, "spend_limit_per_day");
    assert_eq!(world.sender.balance().await, 20_000 - 700);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_under_an_idempotency_key_is_not_refused_for_its_own_spending() {
    let world = World::with(clorp_tests::Options { proxied: true, ..clorp_tests::Options::default() }).await;
    let client = limited(&world, Value::Null, 500).await.keyed("once");
    let proxy = world.proxy.as_ref().unwrap();
    // The response cannot be stored, as if the function had crashed before.
    let stores_a_response = |request: &Value| {
        let values = request["ExpressionAttributeValues"].as_object();
        values.is_some_and(|values| values.values().any(|value| !value["M"].is_null()))
    };
    proxy.fail_if("UpdateItem", stores_a_response, clorp_tests::Fault::ServerError, 3);
    let first = run(&client, 500).await.expect(201);
    world.advance_seconds(31);
    let retry = run(&client, 500).await.expect(201);
    assert_eq!(retry["id"], first["id"]);
    assert_eq!(client.get("/api/keys").await.expect(200)[0]["spent_today_cents"], 500);
    run(&client.keyed("twice"), 100).await.expect_error(403, "spend_limit_per_day");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limited_key_cannot_bypass_its_limits() {
    let world = World::start().await;
    let client = limited(&world, Value::Null, 0).await;
    for (path, body, right) in [
        ("/api/keys", json!({ "name": "unlimited" }), "keys"),
        ("/api/wallet/withdraw", json!({ "amount_cents": 500 }), "payouts"),
        ("/api/wallet/auto-topup", json!({ "enabled": false }), "cards"),
        ("/api/wallet/setup-payment-method", json!({}), "cards"),
        ("/api/stripe/connect", json!({}), "payouts"),
    ] {
        expect_lack(&client.post(path, body).await, right);
    }
    let keys = client.get("/api/keys").await.expect(200);
    let (own, other) = (keys[0]["id"].as_str().unwrap(), keys[1]["id"].as_str().unwrap());
    let revoke = async |id| client.send(reqwest::Method::DELETE, &format!("/api/keys/{id}"), None, &[]).await;
    expect_lack(&revoke(other).await, "keys");
    world.sender.post_empty("/api/whoami").await.expect(200);
    run(&client, 100).await.expect_error(403, "spend_limit_per_day");
    client.post("/api/wallet/topup", json!({ "amount_cents": 500 })).await.expect(200);
    revoke(own).await.expect(204);
    assert_eq!(world.sender.balance().await, 20_000);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limited_key_is_not_limited_in_work_that_spends_nothing() {
    let world = World::start().await;
    let worker = &world.workers[0];
    let policy = json!({ "per_drop_cents": 0, "per_day_cents": 0 });
    let (_, client) = create_key(worker, json!({ "spend_policy": policy })).await;
    let drop = world.sender.post_drop(1000).await;
    client.claim(&drop).await.expect(201);
    client.submit(&drop, "An output worth its price").await.expect(201);
    world.advance_seconds(301);
    world.sweep().await;
    assert_eq!(worker.balance().await, 1000 + 750);
    world.finish().await;
}
