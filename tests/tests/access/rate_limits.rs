//! Rate limits of credentials, of users and of client addresses.

use clorp_domain::{RateLimit, Rules};
use clorp_tests::document::public_reads;
use clorp_tests::world::SOURCE_ADDRESS;
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
async fn each_key_has_its_own_rate_limit_per_class() {
    let world = limited_world(|rules, rate| {
        (rules.create_rate, rules.claim_rate, rules.submit_rate) = (rate, rate, rate);
    })
    .await;
    let drop = world.sender.post_drop(100).await;
    let worker = &world.workers[0];
    let second = world.with_key(worker, |key| key).await;
    for client in [worker, &second] {
        for _ in 0..5 {
            assert!(client.claim(&drop).await.status.is_success());
        }
        client.claim(&drop).await.expect_error(429, "rate_limited");
    }
    let submitted = worker.submit(&drop, "An output").await;
    submitted.expect(201);
    assert!(limit(&submitted).1.starts_with("\"submit\";r=4"), "{}", limit(&submitted).1);
    world.workers[1].claim(&drop).await.expect(201);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_keys_of_a_user_together_have_three_times_the_quota_of_one() {
    let world = limited_world(|rules, rate| rules.create_rate = rate).await;
    let keys = join_all((0..8).map(|_| world.with_key(&world.sender, |key| key))).await;
    let answers = join_all(keys.iter().flat_map(|key| (0..4).map(move |_| estimate(key)))).await;
    let granted = answers.iter().filter(|answer| answer.status.as_u16() == 200).count();
    assert_eq!(granted, 15);
    let refused = answers.iter().find(|answer| answer.status.as_u16() != 200).unwrap();
    refused.expect_error(429, "rate_limited");
    assert_eq!(
        limit(refused).0,
        "\"create-all-keys\";q=15;w=60",
        "the headers name the bucket that is empty"
    );
    assert!(limit(refused).1.starts_with("\"create-all-keys\";r=0;t="), "{}", limit(refused).1);
    estimate(&world.workers[0]).await.expect(200);
    // A refused request takes nothing: once the shared bucket has room, each key still has its own.
    world.advance_seconds(4);
    let again = estimate(&keys[0]).await;
    again.expect(200);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_by_keys_and_oauth_clients_leaves_a_session_room_to_revoke_them() {
    let world = limited_world(|rules, rate| rules.keys_rate = rate).await;
    let browser = world.browser(&world.sender, 3600);
    let (id, limited) = super::create_key(&browser, json!({ "spend_policy": { "per_day_cents": 0 } })).await;
    let client = super::with_client_token(&world, &world.sender);
    let makers = join_all((0..4).map(|_| world.with_key(&world.sender, |key| key))).await;
    let unknown = "/api/keys/01ARZ3NDEKTSV4RRFFQ69G5FAV";
    for _ in 0..10 {
        for caller in [&limited, &client] {
            super::expect_lack(&caller.post("/api/keys", json!({ "name": "k" })).await, "keys");
            assert!(caller.delete(unknown).await.status.is_client_error());
        }
        join_all(makers.iter().map(|maker| maker.delete(unknown))).await;
    }
    for caller in [&limited, &client, &makers[0]] {
        caller.delete(unknown).await.expect_error(429, "rate_limited");
    }
    let revoked = browser.delete(&format!("/api/keys/{id}")).await;
    revoked.expect(204);
    assert!(limit(&revoked).1.starts_with("\"keys\";r=3;t="), "only the session's own two requests count");
    limited.get("/api/jobs").await.expect_error(401, "authentication_required");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_refused_for_its_rights_takes_nothing_from_a_rate_limit() {
    let world = limited_world(|rules, rate| rules.create_rate = rate).await;
    let reader = super::with_rights(&world, &world.sender, &[clorp_domain::Right::Read]).await;
    let proxy = world.proxy.as_ref().unwrap();
    proxy.take_calls();
    for _ in 0..20 {
        super::expect_lack(&reader.post("/api/agents", json!({ "name": "A" })).await, "work");
    }
    let calls = proxy.take_calls();
    assert!(calls.iter().all(|call| call.operation == "GetItem"), "{calls:?}");
    let answer = estimate(&reader).await;
    answer.expect(200);
    assert!(limit(&answer).1.starts_with("\"create\";r=4;t="), "{}", limit(&answer).1);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn full_buckets_of_many_keys_do_not_pile_up() {
    let world = limited_world(|_, _| {}).await;
    let item = async || {
        let text = |text: String| aws_sdk_dynamodb::types::AttributeValue::S(text);
        let get = world.table().get_item().table_name(clorp_tests::world::TABLE);
        let get = get.key("pk", text(format!("USER#{}", world.sender.id)));
        let item =
            get.key("sk", text("LIMIT#create#programs".to_owned())).send().await.unwrap().item.unwrap();
        item.keys().filter(|name| name.starts_with("key_")).count()
    };
    let mut counted = Vec::new();
    for _ in 0..3 {
        let keys = join_all((0..20).map(|_| world.with_key(&world.sender, |key| key))).await;
        for answer in join_all(keys.iter().map(estimate)).await {
            answer.expect(200);
        }
        world.advance_seconds(3600);
        estimate(&keys[0]).await.expect(200);
        counted.push(item().await);
    }
    assert!(counted.iter().all(|count| *count <= 40), "{counted:?}");
    assert!(counted[2] < 40, "60 keys were used: {counted:?}");
    world.finish().await;
}

async fn board_from(world: &World, path: &str, address: &str) -> Answer {
    world.anon.get_with(path, &[(SOURCE_ADDRESS, address)]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn public_reads_are_limited_by_client_address_in_memory() {
    let world = limited_world(|rules, rate| rules.public_rate = rate).await;
    let proxy = world.proxy.as_ref().unwrap();
    proxy.take_calls();
    let requests = public_reads().cycle().take(30).map(|path| board_from(&world, path, "203.0.113.7"));
    let answers = join_all(requests).await;
    let (served, refused): (Vec<_>, Vec<_>) =
        answers.iter().partition(|answer| answer.status.as_u16() == 200);
    assert_eq!(served.len(), 15, "each of the three instances counts on its own");
    for answer in &refused {
        answer.expect_error(429, "rate_limited");
        assert_eq!(limit(answer).0, "\"public\";q=5;w=60");
        assert!(limit(answer).1.starts_with("\"public\";r=0;t="), "{}", limit(answer).1);
        assert!((1..=12).contains(&answer.header("retry-after").unwrap().parse::<u32>().unwrap()));
    }
    // Caches share these responses between clients.
    assert!(served.iter().all(|answer| answer.header("ratelimit").is_none()));
    let writes = ["PutItem", "UpdateItem", "TransactWriteItems"];
    assert!(proxy.take_calls().iter().all(|call| !writes.contains(&call.operation.as_str())));

    board_from(&world, "/api/board", "203.0.113.8").await.expect(200);
    for _ in 0..3 {
        for host in 1..=5 {
            board_from(&world, "/api/board", &format!("2001:db8::{host}")).await.expect(200);
        }
    }
    board_from(&world, "/api/board", "2001:db8::6").await.expect_error(429, "rate_limited");
    board_from(&world, "/api/board", "2001:db8:0:1::1").await.expect(200);
    for _ in 0..20 {
        world.anon.get("/api/board").await.expect(200);
        let forged = [("x-forwarded-for", "203.0.113.7"), ("forwarded", "for=203.0.113.7")];
        world.anon.get_with("/api/board", &forged).await.expect(200);
    }
    world.advance_seconds(12);
    board_from(&world, "/api/board", "203.0.113.7").await.expect(200);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stripe_and_polling_programs_are_not_limited_by_address() {
    let world = limited_world(|rules, rate| rules.public_rate = rate).await;
    let event = json!({ "id": "evt_1", "type": "nothing.happened", "created": 0, "data": { "object": {} } });
    for _ in 0..20 {
        let address = [(SOURCE_ADDRESS, "203.0.113.7")];
        let event = event.to_string().into_bytes();
        world.anon.post_webhook_to(clorp_tests::client::WEBHOOK, event, &address).await.expect(200);
        let headers = [("content-type", "application/json"), (SOURCE_ADDRESS, "203.0.113.7")];
        let poll = json!({ "device_code": "0".repeat(32) }).to_string().into_bytes();
        let answer = world.anon.send(reqwest::Method::POST, "/api/cli/token", Some(poll), &headers).await;
        answer.expect_error(400, "invalid_grant");
    }
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
    let is_rate_limit = |call: &clorp_tests::proxy::Call| {
        call.request["Key"]["sk"]["S"].as_str() == Some("LIMIT#create#programs")
    };
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
