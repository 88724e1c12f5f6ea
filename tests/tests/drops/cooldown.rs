//! The claim cooldown.

use std::time::Instant;

use clorp_tests::{Answer, Client, World};

/// The seconds that a refused claim is told to wait.
#[track_caller]
fn wait(answer: &Answer) -> i64 {
    answer.expect_error(429, "claim_cooldown");
    answer.header("retry-after").unwrap().parse().unwrap()
}

/// Holds a wait to what it would be if the test took no time.
#[track_caller]
fn assert_wait(seconds: i64, expected: i64, began: Instant) {
    let least = expected - i64::try_from(began.elapsed().as_secs()).unwrap() - 1;
    assert!((least..=expected).contains(&seconds), "{seconds} is not {expected}");
}

async fn claim_and_release(world: &World, worker: &Client) {
    let drop = world.sender.post_drop(100).await;
    worker.claim(&drop).await.expect(201);
    worker.release(&drop).await.expect(200);
}

/// Fills a drop's slots: `worker`, and four who submit.
async fn fill(world: &World, worker: &Client) -> String {
    let drop = world.sender.post_drop(100).await;
    worker.claim(&drop).await.expect(201);
    world.race(&drop, 4).await;
    drop
}

#[tokio::test(flavor = "multi_thread")]
async fn after_three_releases_a_new_claim_waits_and_everything_else_goes_on() {
    let world = World::start().await;
    let began = Instant::now();
    let worker = &world.workers[0];
    let held = world.sender.post_drop(100).await;
    worker.claim(&held).await.expect(201);
    claim_and_release(&world, worker).await;
    world.advance_seconds(100);
    claim_and_release(&world, worker).await;
    claim_and_release(&world, worker).await;
    let next = world.sender.post_drop(100).await;
    assert_wait(wait(&worker.claim(&next).await), 500, began);
    wait(&worker.post_empty(&format!("/api/jobs/{next}/reserve")).await);
    wait(&world.with_key(worker, |key| key).await.claim(&next).await);
    assert_eq!(world.sender.get(&format!("/api/jobs/{next}")).await.expect(200)["claims_count"], 0);
    // What is held stays held, and others are not concerned.
    worker.claim(&held).await.expect(200);
    worker.get(&format!("/api/jobs/{held}")).await.expect(200);
    worker.submit(&held, "In time").await.expect(201);
    world.workers[1].claim(&next).await.expect(201);
    // The drop itself has the first word.
    for other in &world.workers[2..6] {
        other.claim(&next).await.expect(201);
    }
    worker.claim(&next).await.expect_error(409, "max_claims_reached");
    world.sender.claim(&next).await.expect_error(403, "own_drop");
    let last = world.sender.post_drop(100).await;
    let seconds = wait(&worker.claim(&last).await);
    world.advance_seconds(seconds - 60);
    assert_wait(wait(&worker.claim(&world.sender.post_drop(100).await).await), 60, began);
    world.advance_seconds(60);
    worker.claim(&world.sender.post_drop(100).await).await.expect(201);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_slot_given_up_three_times_counts_three_times() {
    let world = World::start().await;
    let (worker, drop) = (&world.workers[0], world.sender.post_drop(100).await);
    for _ in 0..3 {
        worker.claim(&drop).await.expect(201);
        worker.release(&drop).await.expect(200);
        worker.release(&drop).await.expect(200);
    }
    wait(&worker.claim(&drop).await);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lapse_counts_whether_the_slot_is_held_still_was_taken_over_or_the_window_has_closed() {
    let world = World::start().await;
    let began = Instant::now();
    let slow = &world.workers[6];
    let closed = world.sender.post_drop(100).await;
    slow.claim(&closed).await.expect(201);
    world.advance_seconds(200);
    let (held, taken) = (world.sender.post_drop(100).await, fill(&world, slow).await);
    slow.claim(&held).await.expect(201);
    world.advance_seconds(120);
    let next = world.sender.post_drop(100).await;
    world.workers[5].claim(&taken).await.expect(201);
    assert_eq!(world.sweep().await.settled, 1, "a window is over");
    // The first of the three lapsed 200 seconds ago.
    assert_wait(wait(&slow.claim(&next).await), 400, began);
    // Late, but nobody has taken the slot: no lapse after all.
    slow.submit(&held, "Better late").await.expect(201);
    slow.claim(&next).await.expect(201);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_submitted_or_called_off_in_time_is_no_lapse() {
    let world = World::start().await;
    let worker = &world.workers[0];
    let mut drops = Vec::new();
    for _ in 0..4 {
        drops.push(world.sender.post_drop(100).await);
        worker.claim(drops.last().unwrap()).await.expect(201);
    }
    for drop in &drops[..2] {
        worker.submit(drop, "In time").await.expect(201);
    }
    // Called off while the lease runs: not the worker's doing.
    world.sender.post_empty(&format!("/api/jobs/{}/cancel", drops[2])).await.expect(200);
    world.advance_seconds(121);
    // Called off after it has lapsed.
    world.sender.post_empty(&format!("/api/jobs/{}/cancel", drops[3])).await.expect(200);
    let next = world.sender.post_drop(100).await;
    worker.claim(&next).await.expect(201);
    worker.release(&next).await.expect(200);
    worker.claim(&next).await.expect(201);
    worker.release(&next).await.expect(200);
    wait(&worker.claim(&next).await);
    assert_eq!(worker.get("/api/users/status").await.expect(200).as_array().unwrap().len(), 2);
    world.finish().await;
}
