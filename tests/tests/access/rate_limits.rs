//! Rate limits of users.

use clorp_domain::{RateLimit, Rules};
use clorp_tests::{Answer, Client, Options, World, unlimited};
use futures::future::join_all;
use serde_json::json;

use super::run;

/// Starts a world whose rate limits `change` can set to five requests a minute.
async fn limited_world(change: impl FnOnce(&mut Rules, RateLimit)) -> World {
    let mut rules = unlimited();
    change(&mut rules, RateLimit { quota: 5, window_seconds: 60 });
    World::with(Options { rules, proxied: true, ..Options::default() }).await
}

async fn estimate(caller: &Client) -> Answer {
    caller.post("/api/jobs/run", json!({ "prompt": "Roast this" })).await
}

fn limit(answer: &Answer) -> (&str, &str) {
    (answer.header("ratelimit-policy").unwrap(), answer.header("ratelimit").unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_limit_counts_down_refuses_at_zero_and_refills_over_time() {
    let world = limited_world(|rules, rate| rules.create_rate = rate).await;
    for left in (0..5).rev() {
        let answer = estimate(&world.sender).await;
        answer.expect(200);
        let (policy, remaining) = limit(&answer);
        assert_eq!(policy, "\"create\";q=5;w=60");
        assert!(remaining.starts_with(&format!("\"create\";r={left};t=")), "{remaining}");
    }
    let refused = estimate(&world.sender).await;
    refused.expect_error(429, "rate_limited");
    let seconds: i64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=12).contains(&seconds), "{seconds}");
    assert!(limit(&refused).1.starts_with("\"create\";r=0;t="), "{}", limit(&refused).1);
    world.advance_seconds(seconds);
    estimate(&world.sender).await.expect(200);
    estimate(&world.sender).await.expect_error(429, "rate_limited");
    run(&world.workers[0], 100).await.expect(201);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_limited_request_changes_nothing() {
    let world = limited_world(|rules, rate| rules.create_rate = rate).await;
    for _ in 0..5 {
        estimate(&world.sender).await.expect(200);
    }
    run(&world.sender, 100).await.expect_error(429, "rate_limited");
    let key = world.sender.keyed("k");
    run(&key, 100).await.expect_error(429, "rate_limited");
    assert_eq!(world.sender.get("/api/jobs").await.expect(200), json!([]));
    assert_eq!(world.sender.balance().await, 20_000);
    world.advance_seconds(12);
    run(&key, 100).await.expect(201);
    assert_eq!(world.sender.balance().await, 19_900, "the same idempotency key works after the refill");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_user_has_one_rate_limit_per_class_shared_by_all_keys() {
    let world = limited_world(|rules, rate| {
        (rules.create_rate, rules.claim_rate, rules.submit_rate) = (rate, rate, rate);
    })
    .await;
    let drop = world.sender.post_drop(100).await;
    let worker = &world.workers[0];
    let second = world.with_key(worker, |key| key).await;
    for client in [worker, &second, worker, &second, worker] {
        assert!(client.claim(&drop).await.status.is_success());
    }
    for client in [worker, &second] {
        client.claim(&drop).await.expect_error(429, "rate_limited");
    }
    let submitted = worker.submit(&drop, "An output").await;
    submitted.expect(201);
    assert!(limit(&submitted).1.starts_with("\"submit\";r=4"), "{}", limit(&submitted).1);
    world.workers[1].claim(&drop).await.expect(201);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_over_all_instances_stays_within_the_quota() {
    let world = limited_world(|rules, rate| rules.create_rate = rate).await;
    let answers = join_all((0..30).map(|_| run(&world.sender, 100))).await;
    let posted = answers.iter().filter(|answer| answer.status.as_u16() == 201).count();
    assert_eq!(posted, 5);
    assert_eq!(world.sender.balance().await, 20_000 - 500);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_are_limited_without_a_write() {
    let world = limited_world(|rules, rate| rules.read_rate = rate).await;
    let proxy = world.proxy.as_ref().unwrap();
    proxy.take_calls();
    // Each of the three instances counts reads on its own.
    let answers = join_all((0..30).map(|_| world.sender.get("/api/jobs"))).await;
    let served = answers.iter().filter(|answer| answer.status.as_u16() == 200).count();
    assert_eq!(served, 15);
    let refused = answers.iter().find(|answer| answer.status.as_u16() != 200).unwrap();
    refused.expect_error(429, "rate_limited");
    assert_eq!(limit(refused).0, "\"read\";q=5;w=60");
    let writes = ["PutItem", "UpdateItem", "TransactWriteItems"];
    assert!(proxy.take_calls().iter().all(|call| !writes.contains(&call.operation.as_str())));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_request_writes_its_rate_limit_once_even_in_a_burst() {
    let world = limited_world(|_, _| {}).await;
    let proxy = world.proxy.as_ref().unwrap();
    let is_rate_limit =
        |call: &clorp_tests::proxy::Call| call.request["Key"]["sk"]["S"].as_str() == Some("LIMIT#create");
    // The first requests make each instance read the current state of the limit.
    join_all((0..6).map(|_| estimate(&world.sender))).await;
    proxy.take_calls();
    for _ in 0..30 {
        estimate(&world.sender).await.expect(200);
    }
    assert_eq!(proxy.take_calls().iter().filter(|call| is_rate_limit(call)).count(), 30);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unauthenticated_requests_get_no_ratelimit_headers_and_use_no_quota() {
    let world = limited_world(|rules, rate| rules.create_rate = rate).await;
    let (id, client) = super::create_key(&world.sender, json!({})).await;
    world.sender.send(reqwest::Method::DELETE, &format!("/api/keys/{id}"), None, &[]).await.expect(204);
    for caller in [&client, &world.anon, &world.anon.with_authorization("Bearer garbage")] {
        for _ in 0..10 {
            let answer = estimate(caller).await;
            answer.expect_error(401, "authentication_required");
            assert_eq!((answer.header("ratelimit"), answer.header("ratelimit-policy")), (None, None));
        }
    }
    let public = world.sender.get("/api/board").await;
    assert_eq!(public.header("ratelimit"), None, "public routes count against no user's rate limit");
    for _ in 0..5 {
        estimate(&world.sender).await.expect(200);
    }
    world.finish().await;
}
