//! Replays of stored responses.

use std::collections::BTreeSet;

use clorp_tests::document::routes;
use clorp_tests::{Answer, Options, World};
use reqwest::Method;
use serde_json::{Value, json};

use super::{assert_replay, cancel, count_drops, id, is_replay, order, pay, read, run};

#[tokio::test(flavor = "multi_thread")]
async fn every_authenticated_post_is_replayed_whatever_its_status() {
    let world = World::with(Options::funded()).await;
    // A withdrawal needs a connected account.
    world.onboard(&world.sender).await;
    let (mut count, mut statuses) = (0, BTreeSet::new());
    for route in routes().iter().filter(|route| route.method == Method::POST && route.requires_credential()) {
        count += 1;
        let drop = world.sender.post_drop(100).await;
        let path = route.at(&drop, &world.sender.id);
        let mut succeeded = false;
        // Without a claim, a submission would be refused.
        world.workers[0].claim(&drop).await.expect(201);
        for client in [&world.workers[0], &world.workers[1], &world.sender, &world.stranger] {
            let keyed = route.caller(&world, client).keyed(&route.path);
            let first = route.send(&keyed, &path, &[]).await;
            assert!(!is_replay(&first), "{path}");
            for _ in 0..2 {
                assert_replay(&route.send(&keyed, &path, &[]).await, &without_secret(&first));
            }
            succeeded |= first.status.is_success();
            statuses.insert(first.status.as_u16());
        }
        // The drop is already paid and not yet judged, and the code belongs to no login.
        let excused = ["/pay", "/appeal"].iter().any(|end| path.ends_with(end));
        let excused = excused || path.starts_with("/api/cli/");
        assert!(succeeded || excused, "{path} never succeeded");
    }
    assert!(count >= 11, "{count}");
    assert!(statuses.is_superset(&[200, 201, 400, 402, 403, 404, 409].into()), "{statuses:?}");
    assert_eq!(world.count_events("transfer.created"), 1, "one withdrawal was sent once");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_charged_once_and_its_replay_shows_the_original_drop() {
    let world = World::start().await;
    let keyed = world.sender.keyed("k");
    let first = run(&keyed, 1000).await;
    let drop = id(&first.expect(201));
    world.race(&drop, 5).await;
    assert_eq!(world.sweep().await.settled, 1);
    assert_eq!(read(&world.sender, &drop).await["status"], "completed");
    let replay = run(&keyed, 1000).await;
    assert_replay(&replay, &first);
    assert_eq!(replay.json()["status"], "open");
    assert_eq!((world.sender.balance().await, count_drops(&world.sender).await), (19_000, 1));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_replayed_under_its_key_and_not_under_another() {
    let world = World::start().await;
    let poor = world.user("poor", 500).await;
    let first = run(&poor.keyed("k"), 600).await;
    let refused = first.expect_error(402, "insufficient_balance");
    assert_eq!((&refused["required"], &refused["available"]), (&json!(600), &json!(500)));
    let replay = run(&poor.keyed("k"), 600).await;
    assert_replay(&replay, &first);
    replay.expect_error(402, "insufficient_balance");
    assert_eq!(count_drops(&poor).await, 1, "the pending drop was posted once");

    let missing = poor.keyed("missing").post_empty("/api/jobs/01ARZ3NDEKTSV4RRFFQ69G5FAV/pay").await;
    missing.expect_error(404, "not_found");
    let invalid = poor.keyed("invalid").post("/api/jobs/run", json!({ "prompt": " " })).await;
    let field = invalid.expect(400)["field"].clone();
    let replay = poor.keyed("invalid").post("/api/jobs/run", json!({ "prompt": " " })).await;
    assert_replay(&replay, &invalid);
    assert_eq!(replay.expect(400)["field"], field);

    let drop = world.sender.post_drop(100).await;
    let own = world.sender.keyed("own").claim(&drop).await;
    own.expect_error(403, "own_drop");
    cancel(&world.sender, &drop).await.expect(200);
    let closed = world.workers[0].keyed("a").claim(&drop).await;
    closed.expect_error(409, "drop_not_open");
    assert_replay(&world.workers[0].keyed("a").claim(&drop).await, &closed);
    assert!(!is_replay(&world.workers[0].keyed("b").claim(&drop).await));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replayed_payment_and_a_replayed_cancel_move_the_money_once() {
    let world = World::start().await;
    let (sender, drop) = super::post_pending(&world).await;
    let paid = pay(&sender.keyed("pay"), &drop).await;
    assert_eq!(paid.expect(200)["status"], "open");
    let cancelled = cancel(&sender.keyed("cancel"), &drop).await;
    assert_eq!(cancelled.expect(200)["status"], "cancelled");
    assert_replay(&pay(&sender.keyed("pay"), &drop).await, &paid);
    assert_replay(&cancel(&sender.keyed("cancel"), &drop).await, &cancelled);
    assert_eq!(sender.balance().await, 600);
    assert_eq!(read(&sender, &drop).await["status"], "cancelled");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_expires_after_24_hours() {
    let world = World::start().await;
    let keyed = world.sender.keyed("k");
    let first = run(&keyed, 1000).await;
    first.expect(201);
    world.advance_seconds(24 * 60 * 60 - 600);
    assert_replay(&run(&keyed, 1000).await, &first);
    assert_eq!(world.sender.balance().await, 19_000);
    world.advance_seconds(600);
    let second = run(&keyed, 1000).await;
    assert!(!is_replay(&second));
    assert_ne!(id(&second.expect(201)), id(&first.json()));
    assert_eq!((world.sender.balance().await, count_drops(&world.sender).await), (18_000, 2));
    assert_replay(&run(&keyed, 1000).await, &second);
    world.advance_seconds(24 * 60 * 60);
    // An expired key accepts another body.
    let other = run(&keyed, 500).await;
    assert!(!is_replay(&other));
    assert_ne!(id(&other.expect(201)), id(&second.json()));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_response_of_a_hundred_kilobytes_is_stored() {
    let world = World::start().await;
    let drop = world.sender.post_drop(1000).await;
    world.workers[0].claim(&drop).await.expect(201);
    let output = "Taglines that go on and on. ".repeat(100 * 1024 / 28);
    world.workers[0].submit(&drop, &output).await.expect(201);
    world.advance_seconds(301);
    assert_eq!(world.sweep().await.settled, 1);
    let first = cancel(&world.sender.keyed("k"), &drop).await;
    assert_eq!(first.expect(200)["output_text"], output);
    assert_replay(&cancel(&world.sender.keyed("k"), &drop).await, &first);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn identical_requests_without_a_key_are_carried_out_separately() {
    let world = World::start().await;
    let (first, second) = (run(&world.sender, 1000).await, run(&world.sender, 1000).await);
    assert!(!is_replay(&first) && !is_replay(&second));
    assert_ne!(id(&first.expect(201)), id(&second.expect(201)));
    assert_eq!(world.sender.balance().await, 18_000);
    let (ada, bob) = (world.sender.keyed("a"), world.sender.keyed("b"));
    assert_ne!(id(&run(&ada, 1000).await.expect(201)), id(&run(&bob, 1000).await.expect(201)));
    assert_eq!(world.sender.post("/api/jobs/run", order(1000)).await.expect(201)["status"], "open");
    assert_eq!(world.sender.balance().await, 15_000);
    world.finish().await;
}

/// The response without the secret of a new API key, which replays do not show.
fn without_secret(answer: &Answer) -> Answer {
    let mut answer = answer.clone();
    let secret = serde_json::from_str::<Value>(&answer.text).ok();
    if let Some(secret) = secret.as_ref().and_then(|body| body["secret"].as_str()) {
        answer.text = answer.text.replace(&format!("\"{secret}\""), "null");
        answer.headers.insert("content-length", answer.text.len().into());
    }
    answer
}
