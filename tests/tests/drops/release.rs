//! Giving a slot up, and what old clients call claiming.

use clorp_domain::DropId;
use clorp_tests::{Options, World};
use futures::future::{join, join_all};
use serde_json::{Value, json};

/// How often a race of two is run: each time either may win.
const ROUNDS: usize = 8;

#[tokio::test(flavor = "multi_thread")]
async fn a_slot_that_was_given_up_is_free_at_once_and_the_drop_no_longer_the_workers() {
    let world = World::start().await;
    let body =
        json!({ "prompt": "Roast this build", "envVars": { "TOKEN": "for workers" }, "confirmed": true });
    let drop = world.sender.post("/api/jobs/run", body).await.expect(201)["id"].as_str().unwrap().to_owned();
    for worker in &world.workers[..5] {
        assert_eq!(worker.claim(&drop).await.expect(201)["env_vars"]["TOKEN"], "for workers");
    }
    world.workers[5].claim(&drop).await.expect_error(409, "max_claims_reached");
    let left = &world.workers[0];
    let released = left.release(&drop).await.expect(200);
    assert_eq!(
        (&released["id"], &released["claims_count"], &released["your_claim"], &released["env_vars"]),
        (&json!(drop), &json!(4), &Value::Null, &json!({}))
    );
    left.get(&format!("/api/jobs/{drop}")).await.expect(404);
    left.submit(&drop, "Without a slot").await.expect_error(403, "not_a_claimant");
    assert_eq!(left.get("/api/users/status").await.expect(200), json!([]));
    world.workers[5].claim(&drop).await.expect(201);
    left.claim(&drop).await.expect_error(409, "max_claims_reached");
    let seen = world.sender.get(&format!("/api/jobs/{drop}")).await.expect(200);
    assert_eq!((&seen["claims_count"], &seen["status"]), (&json!(5), &json!("open")));
    for (i, worker) in world.workers[1..6].iter().enumerate() {
        worker.submit(&drop, &format!("Tagline number {i}")).await.expect(201);
    }
    assert_eq!(world.sweep().await.settled, 1, "the drop is full without the one who left");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slot_can_be_claimed_given_up_and_claimed_again() {
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
async fn a_release_is_answered_again_and_again_without_showing_what_is_for_claimants() {
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
    // Somebody who never held a slot has given none up.
    world.stranger.release(&drop).await.expect(404);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_holds_a_slot_and_has_not_submitted_gives_it_up_and_only_in_time() {
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
async fn a_slot_that_was_taken_over_is_not_given_up() {
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
async fn whoever_cannot_do_the_work_says_why_or_not_and_loses_the_slot() {
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
async fn reserving_is_claiming() {
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
async fn of_a_release_and_a_submission_exactly_one_wins() {
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
async fn releases_claims_and_a_cancel_at_once_leave_no_slot_counted_twice() {
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
            None => assert_eq!(released, 5, "nothing stood in the way of a release"),
        }
        let stored = world.store.drop(drop.parse::<DropId>().unwrap()).await.unwrap().unwrap();
        assert_eq!(stored.claims.len(), 5 - released + claimed, "the count is of the claims that are there");
    }
    world.finish().await;
}
