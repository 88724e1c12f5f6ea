//! A complete drop, from post to payout, and the minimum length of its race.

use clorp_domain::Rules;
use clorp_tests::{Options, World, unlimited};
use serde_json::{Value, json};

/// A world in which a race lasts as long as in production.
async fn world_with_minimum() -> World {
    let rules = Rules { min_race_seconds: Rules::default().min_race_seconds, ..unlimited() };
    assert_eq!(rules.min_race_seconds, 10);
    World::with(Options { rules, ..Options::default() }).await
}

async fn drop_of(world: &World, drop: &str) -> Value {
    world.sender.get(&format!("/api/jobs/{drop}")).await.expect(200)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_drop_is_judged_and_paid_without_waiting_for_its_window() {
    let world = World::start().await;
    let drop = world.sender.post_drop(1000).await;
    world.race(&drop, 5).await;
    assert_eq!(world.sweep().await.settled, 1);
    let seen = drop_of(&world, &drop).await;
    assert_eq!(seen["status"], "completed");
    assert_eq!((&seen["fee_cents"], &seen["payout_cents"]), (&250.into(), &750.into()));
    assert!(seen["output_text"].as_str().unwrap().contains("Tagline"));
    assert_eq!(world.sender.balance().await, 19_000);
    let mut balances = Vec::new();
    for worker in &world.workers {
        balances.push(worker.balance().await);
    }
    balances.sort_unstable();
    assert_eq!(balances, [1000, 1000, 1000, 1000, 1000, 1000, 1750]);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn five_answers_within_two_seconds_do_not_end_a_race_before_its_minimum() {
    let world = world_with_minimum().await;
    let drop = world.sender.post_drop(1000).await;
    for (worker, output) in world.workers.iter().zip(["ok", "yes", ".", "sure", "done"]) {
        worker.claim(&drop).await.expect(201);
        worker.submit(&drop, output).await.expect(201);
    }
    assert_eq!(world.sweep().await.settled, 0);
    for ranking in &world.rankings {
        ranking.settle(drop.parse().unwrap()).await.unwrap();
    }
    let seen = drop_of(&world, &drop).await;
    assert_eq!((&seen["status"], &seen["submissions_count"]), (&json!("open"), &json!(5)));
    // The slots are taken for good, and delivered work is not undone.
    world.workers[5].claim(&drop).await.expect_error(409, "max_claims_reached");
    world.workers[0].release(&drop).await.expect_error(409, "already_submitted");
    let cancel = format!("/api/jobs/{drop}/cancel");
    world.sender.post_empty(&cancel).await.expect_error(409, "drop_has_submissions");
    for worker in &world.workers[..5] {
        assert_eq!(worker.balance().await, 1000);
    }

    world.advance_seconds(10);
    assert_eq!(world.sweep().await.settled, 1, "the sweep finds the drop without a message");
    let seen = drop_of(&world, &drop).await;
    assert_eq!(seen["status"], "completed");
    let verdict = world.sender.get(&format!("/api/jobs/{drop}/verdict")).await.expect(200);
    let refused: Vec<&Value> =
        verdict["submissions"].as_array().unwrap().iter().filter(|one| one["refused"] == true).collect();
    assert!(refused.iter().all(|one| one["id"] != seen["winning_submission_id"]), "{verdict}");
    assert_eq!(world.workers[2].balance().await, 1000, "an answer without a word never wins");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_drop_older_than_the_minimum_is_ranked_with_its_last_submission() {
    let world = world_with_minimum().await;
    let drop = world.sender.post_drop(1000).await;
    world.race(&drop, 4).await;
    world.advance_seconds(10);
    let last = &world.workers[4];
    last.claim(&drop).await.expect(201);
    last.submit(&drop, "We break the build so that you need not").await.expect(201);
    assert_eq!(drop_of(&world, &drop).await["status"], "ranking");
    assert_eq!(world.sweep().await.settled, 1);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_minimum_never_outlasts_the_window() {
    let rules = Rules { min_race_seconds: 60, ..unlimited() };
    let world = World::with(Options { rules, ..Options::default() }).await;
    let body =
        json!({ "prompt": "Roast it", "price_cents": 500, "time_limit_seconds": 30, "confirmed": true });
    let posted = world.sender.post("/api/jobs/run", body).await.expect(201);
    let drop = posted["id"].as_str().unwrap();
    let opened = world.sender.logs(drop, None).await.events();
    assert_eq!(opened[1]["data"]["earliest_ranking_at"], posted["window_closes_at"]);
    world.race(drop, 5).await;
    assert_eq!(world.sweep().await.settled, 0);
    world.advance_seconds(30);
    assert_eq!(world.sweep().await.settled, 1);
    assert_eq!(drop_of(&world, drop).await["status"], "completed");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_young_drop_keeps_its_window_and_its_promise() {
    let world = world_with_minimum().await;
    let drop = world.sender.post_drop(1000).await;
    let before = drop_of(&world, &drop).await;
    world.race(&drop, 5).await;
    let after = drop_of(&world, &drop).await;
    for member in ["window_closes_at", "settles_by"] {
        assert_eq!(before[member], after[member], "{member}");
    }
    let events = world.sender.logs(&drop, None).await.events();
    assert!(events.iter().all(|event| event["event"] != "ranking"), "{events:?}");
    assert_eq!(world.anon.get("/api/board").await.expect(200)[0]["id"], drop.as_str());
    world.advance_seconds(10);
    assert_eq!(world.sweep().await.settled, 1);
    let events = world.sender.logs(&drop, None).await.events();
    let at = |kind: &str| events.iter().find(|event| event["event"] == kind).unwrap()["data"]["at"].clone();
    let earliest = events[1]["data"]["earliest_ranking_at"].as_str().unwrap();
    assert!(at("ranking").as_str().unwrap() >= earliest);
    assert!(earliest < after["window_closes_at"].as_str().unwrap());
    world.finish().await;
}
