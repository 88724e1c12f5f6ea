//! `release` and `fail`, and `reserve`, the former name of `claim`.

use clorp_domain::DropId;
use clorp_tests::{Options, World};
use futures::future::{join, join_all};
use serde_json::{Value, json};

/// Repetitions of a race between two requests, either of which may win.
const ROUNDS: usize = 8;

#[tokio::test(flavor = "multi_thread")]
async fn a_released_slot_is_free_immediately_and_the_drop_is_hidden_from_the_worker() {
    let world = World::start().await;
    let body =
        json!({ "prompt": "Roast this build", "envVars": { "TOKEN": "for workers" }, "confirmed": true });
    let drop = world.sender.post("/api/jobs/run", body).await.expect(201)["id"].as_str().unwrap().to_owned();
    for worker in &world.workers[..5] {
        assert_eq!(worker.claim(&drop).await.expect(201)["env_vars"]["TOKEN"], "for workers");
    }
    world.workers[5].claim(&drop).await.expect_error(409, "max_claims_reached");
    let worker = &world.workers[0];
    let released = worker.release(&drop).await.expect(200);
    assert_eq!(
        (&released["id"], &released["claims_count"], &released["your_claim"], &released["env_vars"]),
        (&json!(drop), &json!(4), &Value::Null, &json!({}))
    );
    worker.get(&format!("/api/jobs/{drop}")).await.expect(404);
    worker.submit(&drop, "Without a slot").await.expect_error(403, "not_a_claimant");
    assert_eq!(worker.get("/api/users/status").await.expect(200), json!([]));
    world.workers[5].claim(&drop).await.expect(201);
    worker.claim(&drop).await.expect_error(409, "max_claims_reached");
    let seen = world.sender.get(&format!("/api/jobs/{drop}")).await.expect(200);
    assert_eq!((&seen["claims_count"], &seen["status"]), (&json!(5), &json!("open")));
    for (i, worker) in world.workers[1..6].iter().enumerate() {
        worker.submit(&drop, &format!("Tagline number {i}")).await.expect(201);
    }
    assert_eq!(world.sweep().await.settled, 1, "the drop is full without the worker who released");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_released_slot_can_be_claimed_again() {
    let world = World::start().await;
    let (drop, worker) = (world.sender.post_drop(100).await, &world.workers[0]);
    for _ in 0..2 {
        worker.claim(&drop).await.expect(201);
        worker.release(&drop).await.expect(200);
    }
    worker.claim(&drop).await.expect(201);
    worker.submit(&drop, "After all").await.expect(201);
    world.advance_seconds(301);
    world.sweep().await;
    assert_eq!(worker.balance().await, 1030);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_release_succeeds_without_revealing_what_only_claimants_see() {
    let world = World::start().await;
    let (drop, worker) = (world.sender.post_drop(1000).await, &world.workers[0]);
    worker.claim(&drop).await.expect(201);
    let first = worker.release(&drop).await.expect(200);
    assert_eq!(worker.release(&drop).await.expect(200), first);
    assert_eq!(worker.post_empty(&format!("/api/jobs/{drop}/fail")).await.expect(200), first);
    world.workers[1].claim(&drop).await.expect(201);
    world.workers[1].submit(&drop, "The winner's secret").await.expect(201);
    world.advance_seconds(301);
    assert_eq!(world.sweep().await.settled, 1);
    let later = worker.release(&drop).await;
    assert!(!later.text.contains("secret"), "{}", later.text);
    assert_eq!(
        (&later.expect(200)["status"], &later.json()["output_text"]),
        (&json!("completed"), &Value::Null)
    );
    // A user who never held a slot cannot release one.
    world.stranger.release(&drop).await.expect(404);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_claimant_without_a_submission_can_release_before_the_window_closes() {
    let world = World::start().await;
    let drop = world.sender.post_drop(1000).await;
    let (done, slow) = (&world.workers[0], &world.workers[1]);
    for action in ["release", "fail"] {
        let path = format!("/api/jobs/{drop}/{action}");
        world.sender.post_empty(&path).await.expect_error(403, "own_drop");
        world.stranger.post_empty(&path).await.expect_error(403, "not_a_claimant");
        world.anon.post_empty(&path).await.expect(401);
        done.post_empty(&format!("/api/jobs/01HZZZZZZZZZZZZZZZZZZZZZZZ/{action}")).await.expect(404);
        done.post(&path, json!({ "nonsense": 1 })).await.expect_field(400, "unknown_field", "/nonsense");
    }
    done.claim(&drop).await.expect(201);
    slow.claim(&drop).await.expect(201);
    done.submit(&drop, "An output").await.expect(201);
    done.release(&drop).await.expect_error(409, "already_submitted");
    world.advance_seconds(300);
    slow.release(&drop).await.expect_error(409, "window_closed");
    assert_eq!(world.sweep().await.settled, 1);
    slow.release(&drop).await.expect_error(409, "drop_not_open");
    world.stranger.release(&drop).await.expect(404);
    let seen = world.sender.get(&format!("/api/jobs/{drop}")).await.expect(200);
    assert_eq!((&seen["claims_count"], &seen["submissions_count"]), (&json!(2), &json!(1)));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_former_holder_cannot_release_a_slot_that_was_taken_over() {
    let world = World::start().await;
    let drop = world.sender.post_drop(1000).await;
    world.race(&drop, 4).await;
    world.workers[4].claim(&drop).await.expect(201);
    world.advance_seconds(121);
    world.workers[5].claim(&drop).await.expect(201);
    world.workers[4].release(&drop).await.expect_error(403, "not_a_claimant");
    world.workers[5].submit(&drop, "Taken over").await.expect(201);
    assert_eq!(world.sweep().await.settled, 1);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_who_fails_loses_the_slot_with_or_without_a_reason() {
    let world = World::start().await;
    let (drop, worker) = (world.sender.post_drop(100).await, &world.workers[0]);
    let fail = format!("/api/jobs/{drop}/fail");
    worker.claim(&drop).await.expect(201);
    let long = json!({ "reason": "é".repeat(1001) });
    worker.post(&fail, long).await.expect_field(400, "reason_too_long", "/reason");
    worker.post(&fail, json!({ "reason": 1 })).await.expect_field(400, "invalid_type", "/reason");
    worker.get(&format!("/api/jobs/{drop}")).await.expect(200);
    let failed = worker.post(&fail, json!({ "reason": "é".repeat(1000) })).await.expect(200);
    assert_eq!((&failed["claims_count"], &failed["status"]), (&json!(0), &json!("open")));
    worker.claim(&drop).await.expect(201);
    worker.post(&fail, json!({ "reason": null })).await.expect(200);
    assert_eq!(world.sender.get(&format!("/api/jobs/{drop}")).await.expect(200)["claims_count"], 0);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reserve_is_an_alias_of_claim() {
    let world = World::start().await;
    let (drop, worker) = (world.sender.post_drop(100).await, &world.workers[0]);
    let reserve = format!("/api/jobs/{drop}/reserve");
    let reserved = worker.post(&reserve, json!({})).await.expect(201);
    assert_eq!(worker.claim(&drop).await.expect(200), reserved);
    assert_eq!(worker.post_empty(&reserve).await.expect(200), reserved);
    worker.post(&reserve, json!({ "agent": "x" })).await.expect_field(400, "unknown_field", "/agent");
    world.sender.post_empty(&reserve).await.expect_error(403, "own_drop");
    for worker in &world.workers[1..5] {
        worker.claim(&drop).await.expect(201);
    }
    world.workers[5].post_empty(&reserve).await.expect_error(409, "max_claims_reached");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn exactly_one_of_a_concurrent_release_and_submission_wins() {
    let world = World::with(Options::without_cooldown()).await;
    let worker = &world.workers[0];
    for round in 0..ROUNDS {
        let drop = world.sender.post_drop(100).await;
        worker.claim(&drop).await.expect(201);
        let (released, submitted) = if round % 2 == 0 {
            join(worker.release(&drop), worker.submit(&drop, "An output")).await
        } else {
            let (submitted, released) = join(worker.submit(&drop, "An output"), worker.release(&drop)).await;
            (released, submitted)
        };
        let counts = if submitted.status == 201 {
            released.expect_error(409, "already_submitted");
            (json!(1), json!(1))
        } else {
            released.expect(200);
            submitted.expect_error(403, "not_a_claimant");
            (json!(0), json!(0))
        };
        let seen = world.sender.get(&format!("/api/jobs/{drop}")).await.expect(200);
        assert_eq!((seen["claims_count"].clone(), seen["submissions_count"].clone()), counts);
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_releases_claims_and_a_cancel_count_each_slot_once() {
    let world = World::with(Options::without_cooldown()).await;
    for round in 0..ROUNDS {
        let drop = world.sender.post_drop(1000).await;
        for worker in &world.workers[..5] {
            worker.claim(&drop).await.expect(201);
        }
        let releases = join_all(world.workers[..5].iter().map(|worker| worker.release(&drop)));
        let claims = join_all(world.workers[5..].iter().map(|worker| worker.claim(&drop)));
        let cancel = async {
            let path = format!("/api/jobs/{drop}/cancel");
            if round % 2 == 0 { Some(world.sender.post_empty(&path).await) } else { None }
        };
        let (releases, (claims, cancelled)) = join(releases, join(claims, cancel)).await;
        let released = releases.iter().filter(|answer| answer.status == 200).count();
        let claimed = claims.iter().filter(|answer| answer.status == 201).count();
        let seen = world.sender.get(&format!("/api/jobs/{drop}")).await.expect(200);
        assert_eq!(seen["claims_count"], 5 - released + claimed);
        match cancelled {
            Some(cancelled) => assert_eq!(
                (&cancelled.expect(200)["status"], &seen["status"]),
                (&json!("cancelled"), &json!("cancelled"))
            ),
            None => assert_eq!(released, 5, "every release succeeds without a cancel"),
        }
        let stored = world.store.drops().get(drop.parse::<DropId>().unwrap()).await.unwrap().unwrap();
        assert_eq!(stored.claims.len(), 5 - released + claimed, "the count equals the stored claims");
    }
    world.finish().await;
}
