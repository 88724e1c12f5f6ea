//! A key reused with another request, by another caller, or on a route without idempotency.

use clorp_tests::World;
use clorp_tests::document::routes;
use reqwest::Method;
use serde_json::json;

use super::{
    assert_replay, cancel, count_drops, id, is_replay, order, read, run, start_proxied, take_record_calls,
};

const REUSED: &str = "idempotency_key_reused";

#[tokio::test(flavor = "multi_thread")]
async fn reusing_a_key_with_another_body_is_refused_and_changes_nothing() {
    let world = World::start().await;
    let keyed = world.sender.keyed("k");
    let first = run(&keyed, 1000).await;
    first.expect(201);
    run(&keyed, 1001).await.expect_error(409, REUSED);
    keyed.post_empty("/api/jobs/run").await.expect_error(409, REUSED);
    assert_eq!((world.sender.balance().await, count_drops(&world.sender).await), (19_000, 1));
    assert_replay(&run(&keyed, 1000).await, &first);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_in_another_notation_is_the_same_request() {
    let world = World::start().await;
    let keyed = world.sender.keyed("k");
    let send = async |body: &str| {
        let body = Some(body.as_bytes().to_vec());
        keyed.send(Method::POST, "/api/jobs/run", body, &[]).await
    };
    let first =
        send(r#"{"prompt": "é", "envVars": {"A": "1", "B": "2"}, "price_cents": 1000, "confirmed": true}"#)
            .await;
    first.expect(201);
    for same in [
        r#"{"prompt":"é","envVars":{"A":"1","B":"2"},"price_cents":1000,"confirmed":true}"#,
        r#" {"confirmed": true, "envVars": {"B": "2", "A": "1"}, "price_cents": 1000, "prompt": "é"}
        "#,
        r#"{"prompt": "\u00e9", "envVars": {"A": "1", "B": "2"}, "price_cents": 1000.0, "confirmed": true}"#,
        r#"{"prompt": "é", "envVars": {"A": "1", "B": "2"}, "price_cents": 1e3, "confirmed": true}"#,
    ] {
        assert_replay(&send(same).await, &first);
    }
    for other in [
        r#"{"prompt": "é", "envVars": {"A": "2", "B": "1"}, "price_cents": 1000, "confirmed": true}"#,
        r#"{"prompt": "e", "envVars": {"A": "1", "B": "2"}, "price_cents": 1000, "confirmed": true}"#,
        r#"{"prompt": "é", "envVars": {"A": "1", "B": "2"}, "price_cents": "1000", "confirmed": true}"#,
    ] {
        send(other).await.expect_error(409, REUSED);
    }
    assert_eq!((world.sender.balance().await, count_drops(&world.sender).await), (19_000, 1));
    let drop = id(&first.json());
    let claimed = world.workers[0].keyed("c");
    let first = claimed.claim(&drop).await;
    first.expect(201);
    let null = claimed.post(&format!("/api/jobs/{drop}/claim"), json!(null)).await;
    assert_replay(&null, &first);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reusing_a_key_on_another_route_is_refused_and_changes_nothing() {
    let world = World::start().await;
    let (one, other) = (world.sender.post_drop(100).await, world.sender.post_drop(100).await);
    let (keyed, worker) = (world.sender.keyed("k"), world.workers[0].keyed("k"));
    worker.claim(&one).await.expect(201);
    worker.claim(&other).await.expect_error(409, REUSED);
    worker.submit(&one, "An output").await.expect_error(409, REUSED);
    assert_eq!(read(&world.sender, &other).await["claims_count"], 0);
    assert_eq!(read(&world.sender, &one).await["submissions_count"], 0);
    cancel(&keyed, &one).await.expect(200);
    cancel(&keyed, &other).await.expect_error(409, REUSED);
    keyed.post_empty("/api/whoami").await.expect_error(409, REUSED);
    keyed.post_empty(&format!("/api/jobs/{one}/cancel?x=1")).await.expect_error(409, REUSED);
    assert_eq!(read(&world.sender, &other).await["status"], "open");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_belongs_to_its_caller() {
    let world = World::start().await;
    let (one, other) = (world.sender.keyed("k"), world.workers[0].keyed("k"));
    let first = run(&one, 500).await;
    let second = run(&other, 500).await;
    assert!(!is_replay(&second));
    assert_ne!(id(&first.expect(201)), id(&second.expect(201)));
    assert_eq!(second.json()["sender"], other.id);
    run(&world.workers[1].keyed("k"), 600).await.expect(201);
    assert_eq!((world.sender.balance().await, other.balance().await), (19_500, 500));
    assert_replay(&run(&one, 500).await, &first);
    assert_replay(&run(&other, 500).await, &second);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_key_is_a_400_on_every_authenticated_post() {
    let world = World::start().await;
    let drop = world.sender.post_drop(100).await;
    let (longest, too_long) = ("k".repeat(255), "k".repeat(256));
    for route in routes().iter().filter(|route| route.method == Method::POST && route.requires_credential()) {
        let (path, sender) = (route.at(&drop, &world.sender.id), route.caller(&world, &world.sender));
        for bad in ["", " ", "two words", "ké", &too_long] {
            let answer = route.send(&sender.keyed(bad), &path, &[]).await;
            answer.expect_field(400, "invalid_idempotency_key", "Idempotency-Key");
        }
        let two = [("idempotency-key", "k"), ("idempotency-key", "k")];
        let answer = route.send(&sender, &path, &two).await;
        answer.expect_field(400, "invalid_idempotency_key", "Idempotency-Key");
        // A request without a credential learns nothing about its key.
        route.send(&world.anon.keyed(""), &path, &[]).await.expect_error(401, "authentication_required");
    }
    assert_eq!(read(&world.sender, &drop).await["status"], "open", "the requests changed nothing");
    let first = run(&world.sender.keyed(&longest), 100).await;
    first.expect(201);
    assert_replay(&run(&world.sender.keyed(&longest), 100).await, &first);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn routes_without_idempotency_ignore_a_key_and_write_no_record() {
    let world = start_proxied().await;
    let drop = world.sender.post_drop(100).await;
    for key in ["k", "no key"] {
        let keyed = world.sender.keyed(key);
        for route in routes().iter().filter(|route| route.method == Method::GET) {
            let path = route.at(&drop, &world.sender.id);
            let answer = route.send(&keyed, &path, &[]).await;
            assert_eq!(answer.status, route.send(&world.sender, &path, &[]).await.status, "{path}");
            assert!(!is_replay(&answer), "{path}");
        }
        let get_only = routes().iter().filter(|route| {
            route.method == Method::GET
                && !routes().iter().any(|other| other.method == Method::POST && other.path == route.path)
        });
        for route in get_only {
            let answer = keyed.post(&route.at(&drop, &world.sender.id), json!({})).await;
            answer.expect_error(405, "method_not_allowed");
            assert!(answer.header("allow").is_some());
        }
        keyed.post("/api/nope", json!({})).await.expect_error(404, "not_found");
    }
    world
        .anon
        .keyed("k")
        .post("/api/jobs/run", order(100))
        .await
        .expect_error(401, "authentication_required");
    let calls = take_record_calls(&world);
    assert!(calls.is_empty(), "{calls:?}");
    assert_eq!(world.sender.balance().await, 19_900);
    world.finish().await;
}
