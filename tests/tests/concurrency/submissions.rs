//! Submissions that race with each other and with the end of the window.

use std::collections::BTreeSet;

use clorp_tests::{Options, World};
use futures::future::{join, join_all};

use super::{ROUNDS, post_with_lapsed_last_slot, read, tally};

#[tokio::test(flavor = "multi_thread")]
async fn exactly_one_of_two_submissions_for_the_last_slot_is_accepted() {
    let world = World::with(Options::without_cooldown()).await;
    let (old, new) = (&world.workers[4], &world.workers[5]);
    for _ in 0..ROUNDS {
        let drop = post_with_lapsed_last_slot(&world).await;
        let takeover = async {
            new.claim(&drop).await;
            new.submit(&drop, "from the new holder").await
        };
        let (by_old, by_new) = join(old.submit(&drop, "from the old holder"), takeover).await;
        assert_ne!(by_old.status == 201, by_new.status == 201, "{} and {}", by_old.text, by_new.text);
        let seen = read(&world.sender, &drop).await;
        assert_eq!((&seen["status"], &seen["submissions_count"]), (&"ranking".into(), &5.into()));
        assert_eq!(world.sweep().await.settled, 1);
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn five_concurrent_submissions_are_all_accepted_and_close_the_drop_once() {
    let world = World::start().await;
    for _ in 0..ROUNDS {
        let drop = world.sender.post_drop(1000).await;
        for worker in &world.workers[..5] {
            worker.claim(&drop).await.expect(201);
        }
        let texts = (0..5).map(|i| format!("Output number {i}")).collect::<Vec<_>>();
        let submits = world.workers.iter().zip(&texts).map(|(worker, text)| worker.submit(&drop, text));
        let answers = join_all(submits).await;
        assert_eq!(tally(&answers), [(201, 5)].into());
        let ids: BTreeSet<String> = answers.iter().map(|answer| answer.json()["id"].to_string()).collect();
        assert_eq!(ids.len(), 5);
        let seen = read(&world.sender, &drop).await;
        assert_eq!((&seen["status"], &seen["submissions_count"]), (&"ranking".into(), &5.into()));
        assert_eq!(world.sweep().await.settled, 1);
        let verdict = world.sender.get(&format!("/api/jobs/{drop}/verdict")).await.expect(200);
        assert_eq!(verdict["submissions"].as_array().unwrap().len(), 5);
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_identical_concurrent_submissions_count_once() {
    let world = World::start().await;
    let drop = world.sender.post_drop(1000).await;
    world.workers[0].claim(&drop).await.expect(201);
    let answers = join_all((0..10).map(|_| world.workers[0].submit(&drop, "one and the same"))).await;
    assert_eq!(tally(&answers), [(200, 9), (201, 1)].into());
    let receipts: BTreeSet<&str> = answers.iter().map(|answer| answer.text.as_str()).collect();
    assert_eq!(receipts.len(), 1, "{receipts:?}");
    assert_eq!(read(&world.sender, &drop).await["submissions_count"], 1);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn exactly_one_of_ten_different_submissions_by_one_worker_is_accepted() {
    let world = World::start().await;
    let drop = world.sender.post_drop(1000).await;
    world.workers[0].claim(&drop).await.expect(201);
    let texts = (0..10).map(|i| format!("Draft {i}")).collect::<Vec<_>>();
    let answers = join_all(texts.iter().map(|text| world.workers[0].submit(&drop, text))).await;
    assert_eq!(tally(&answers), [(201, 1), (409, 9)].into());
    let accepted = answers.iter().position(|answer| answer.status == 201).unwrap();
    world.advance_seconds(300);
    assert_eq!(world.sweep().await.settled, 1);
    assert_eq!(read(&world.sender, &drop).await["output_text"], texts[accepted]);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_submission_racing_the_close_is_either_refused_or_judged() {
    let world = World::with(Options::without_cooldown()).await;
    for round in 0..ROUNDS {
        let drop = world.sender.post_drop(1000).await;
        world.race(&drop, 1).await;
        let late = &world.workers[1];
        late.claim(&drop).await.expect(201);
        let closing = async {
            world.advance_seconds(300);
            join(world.rankings[0].sweep(), world.rankings[1].sweep()).await
        };
        let (submitted, (one, other)) = if round % 2 == 0 {
            join(late.submit(&drop, "Just in time"), closing).await
        } else {
            let (swept, submitted) = join(closing, late.submit(&drop, "Just in time")).await;
            (submitted, swept)
        };
        let (one, other) = (one.unwrap(), other.unwrap());
        assert_eq!((one.settled + other.settled, one.failed + other.failed), (1, 0));
        let accepted = usize::from(submitted.status == 201);
        if accepted == 0 {
            submitted.expect(409);
        }
        let verdict = world.sender.get(&format!("/api/jobs/{drop}/verdict")).await.expect(200);
        assert_eq!(verdict["submissions"].as_array().unwrap().len(), 1 + accepted);
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_only_submission_racing_the_expiry_is_either_refused_or_paid() {
    let world = World::with(Options::without_cooldown()).await;
    let mut balance = 20_000;
    for _ in 0..ROUNDS {
        let drop = world.sender.post_drop(1000).await;
        let worker = &world.workers[0];
        worker.claim(&drop).await.expect(201);
        let closing = async {
            world.advance_seconds(300);
            world.sweep().await
        };
        let (submitted, swept) = join(worker.submit(&drop, "Just in time"), closing).await;
        assert_eq!(swept.settled, 1);
        let ended = read(&world.sender, &drop).await;
        if submitted.status == 201 {
            assert_eq!(ended["status"], "completed");
            balance -= 1000;
        } else {
            submitted.expect(409);
            assert_eq!(ended["status"], "expired");
        }
        assert_eq!(world.sender.balance().await, balance);
    }
    world.finish().await;
}
