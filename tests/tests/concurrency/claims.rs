//! Claims that race with each other, with the end of the window and with the sender.

use clorp_domain::{DropId, Rules};
use clorp_tests::{Options, World};
use futures::future::{join, join_all};

use super::{ROUNDS, cancel, crowd, post_with_lapsed_last_slot, read, tally};

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_simultaneous_claims_give_exactly_five_and_refuse_the_rest_with_409() {
    let world = World::start().await;
    let drop = world.sender.post_drop(1000).await;
    let crowd = crowd(&world, 200).await;
    let answers = join_all(crowd.iter().map(|user| user.claim(&drop))).await;
    assert_eq!(tally(&answers), [(201, 5), (409, 195)].into());
    for answer in answers.iter().filter(|answer| answer.status == 409) {
        answer.expect_error(409, "max_claims_reached");
    }
    assert_eq!(read(&world.sender, &drop).await["claims_count"], 5);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_claims_of_one_worker_take_one_slot() {
    let world = World::start().await;
    let drop = world.sender.post_drop(1000).await;
    let answers = join_all((0..10).map(|_| world.workers[0].claim(&drop))).await;
    assert_eq!(tally(&answers), [(200, 9), (201, 1)].into());
    assert_eq!(read(&world.sender, &drop).await["claims_count"], 1);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_claim_succeeds_at_or_after_the_end_of_the_window() {
    let rules = Rules { max_claims: 20, ..Options::without_cooldown().rules };
    let world = World::with(Options { rules, ..Options::default() }).await;
    let crowd = crowd(&world, 16).await;
    for end_after in [0, 1, 4, 8, 15] {
        let drop = world.sender.post_drop(1000).await;
        let claim = async |(i, user): (usize, &clorp_tests::Client)| {
            if i == end_after {
                world.advance_seconds(300);
            }
            user.claim(&drop).await
        };
        let answers = join_all(crowd.iter().enumerate().map(claim)).await;
        for answer in answers.iter().filter(|answer| answer.status != 201) {
            answer.expect_error(409, "window_closed");
        }
        let claimed = answers.iter().filter(|answer| answer.status == 201).count();
        let stored = world.store.drops().get(drop.parse::<DropId>().unwrap()).await.unwrap().unwrap();
        let closes_at = stored.window.unwrap().closes_at;
        assert_eq!(stored.claims.len(), claimed);
        assert!(stored.claims.values().all(|claim| claim.claimed_at < closes_at));
        world.workers[0].claim(&drop).await.expect_error(409, "window_closed");
        assert_eq!(world.sweep().await.settled, 1);
        assert_eq!(world.sender.balance().await, 20_000);
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn claims_racing_a_cancel_leave_the_drop_cancelled_and_refunded_once() {
    let world = World::start().await;
    for _ in 0..ROUNDS {
        let drop = world.sender.post_drop(1000).await;
        let claims = join_all(world.workers.iter().map(|worker| worker.claim(&drop)));
        let (claims, cancelled) = join(claims, cancel(&world.sender, &drop)).await;
        let cancelled = cancelled.expect(200);
        assert_eq!(cancelled["status"], "cancelled");
        for claim in claims.iter().filter(|claim| claim.status != 201) {
            let code = claim.expect(409)["code"].clone();
            assert!(code == "drop_not_open" || code == "max_claims_reached", "{code}");
        }
        let claimed = claims.iter().filter(|claim| claim.status == 201).count();
        let seen = read(&world.sender, &drop).await;
        assert_eq!((&seen["status"], &seen["claims_count"]), (&"cancelled".into(), &claimed.into()));
        assert_eq!(world.sender.balance().await, 20_000);
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn exactly_one_of_many_claims_takes_over_a_lapsed_lease() {
    let world = World::start().await;
    let crowd = crowd(&world, 20).await;
    let drop = post_with_lapsed_last_slot(&world).await;
    let answers = join_all(crowd.iter().map(|user| user.claim(&drop))).await;
    assert_eq!(tally(&answers), [(201, 1), (409, 19)].into());
    world.workers[4].submit(&drop, "too late").await.expect_error(403, "not_a_claimant");
    let taker = answers.iter().position(|answer| answer.status == 201).unwrap();
    crowd[taker].submit(&drop, "in time").await.expect(201);
    let seen = read(&world.sender, &drop).await;
    assert_eq!((&seen["status"], &seen["claims_count"]), (&"ranking".into(), &5.into()));
    assert_eq!(world.sweep().await.settled, 1);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn exactly_one_of_a_late_submission_and_a_takeover_of_its_slot_wins() {
    let world = World::with(Options::without_cooldown()).await;
    let (old, new) = (&world.workers[4], &world.workers[5]);
    for round in 0..ROUNDS {
        let drop = post_with_lapsed_last_slot(&world).await;
        let (submitted, claimed) = if round % 2 == 0 {
            join(old.submit(&drop, "late but good"), new.claim(&drop)).await
        } else {
            let (claimed, submitted) = join(new.claim(&drop), old.submit(&drop, "late but good")).await;
            (submitted, claimed)
        };
        if submitted.status == 201 {
            claimed.expect_error(409, "window_closed");
        } else {
            submitted.expect_error(403, "not_a_claimant");
            claimed.expect(201);
            new.submit(&drop, "taken over").await.expect(201);
        }
        let seen = read(&world.sender, &drop).await;
        assert_eq!((&seen["status"], &seen["submissions_count"]), (&"ranking".into(), &5.into()));
        assert_eq!(world.sweep().await.settled, 1);
    }
    world.finish().await;
}
