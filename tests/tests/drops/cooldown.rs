//! The claim cooldown.

use std::time::Instant;

use clorp_tests::{Answer, Client, World};

/// The `Retry-After` of a claim refused for the cooldown, in seconds.
#[track_caller]
fn retry_after(answer: &Answer) -> i64 {
    answer.expect_error(429, "claim_cooldown");
    answer.header("retry-after").unwrap().parse().unwrap()
}

/// Checks a wait, allowing for the time that the test has taken since `began`.
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

/// Posts a drop whose slots are held by `worker` and by four workers that have submitted.
async fn fill(world: &World, worker: &Client) -> String {
    let drop = world.sender.post_drop(100).await;
    worker.claim(&drop).await.expect(201);
    world.race(&drop, 4).await;
    drop
}

#[tokio::test(flavor = "multi_thread")]
async fn three_releases_delay_new_claims_and_nothing_else() {
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
    assert_wait(retry_after(&worker.claim(&next).await), 500, began);
    retry_after(&worker.post_empty(&format!("/api/jobs/{next}/reserve")).await);
    retry_after(&world.with_key(worker, |key| key).await.claim(&next).await);
    assert_eq!(world.sender.get(&format!("/api/jobs/{next}")).await.expect(200)["claims_count"], 0);
    // The worker keeps the held slot, and other workers are not affected.
    worker.claim(&held).await.expect(200);
    worker.get(&format!("/api/jobs/{held}")).await.expect(200);
    worker.submit(&held, "In time").await.expect(201);
    world.workers[1].claim(&next).await.expect(201);
    // Refusals because of the drop take precedence over the cooldown.
    for other in &world.workers[2..6] {
        other.claim(&next).await.expect(201);
    }
    worker.claim(&next).await.expect_error(409, "max_claims_reached");
    world.sender.claim(&next).await.expect_error(403, "own_drop");
    let last = world.sender.post_drop(100).await;
    let seconds = retry_after(&worker.claim(&last).await);
    world.advance_seconds(seconds - 60);
    assert_wait(retry_after(&worker.claim(&world.sender.post_drop(100).await).await), 60, began);
    world.advance_seconds(60);
    worker.claim(&world.sender.post_drop(100).await).await.expect(201);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn three_releases_of_one_slot_count_three_times() {
    let world = World::start().await;
    let (worker, drop) = (&world.workers[0], world.sender.post_drop(100).await);
    for _ in 0..3 {
        worker.claim(&drop).await.expect(201);
        worker.release(&drop).await.expect(200);
        worker.release(&drop).await.expect(200);
    }
    retry_after(&worker.claim(&drop).await);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lapse_counts_for_a_held_slot_a_lost_slot_and_a_closed_window() {
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
    assert_eq!(world.sweep().await.settled, 1, "one window has closed");
    // The first of the three lapsed 200 seconds ago.
    assert_wait(retry_after(&slow.claim(&next).await), 400, began);
    // A late submission to a slot that no other worker has taken over removes the lapse.
    slow.submit(&held, "Better late").await.expect(201);
    slow.claim(&next).await.expect(201);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_submitted_or_cancelled_claim_is_no_lapse() {
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
    // The sender cancels one drop during the lease.
    world.sender.post_empty(&format!("/api/jobs/{}/cancel", drops[2])).await.expect(200);
    world.advance_seconds(121);
    // The sender cancels another one after the lease has lapsed.
    world.sender.post_empty(&format!("/api/jobs/{}/cancel", drops[3])).await.expect(200);
    let next = world.sender.post_drop(100).await;
    worker.claim(&next).await.expect(201);
    worker.release(&next).await.expect(200);
    worker.claim(&next).await.expect(201);
    worker.release(&next).await.expect(200);
    retry_after(&worker.claim(&next).await);
    assert_eq!(worker.get("/api/users/status").await.expect(200).as_array().unwrap().len(), 2);
    world.finish().await;
}
