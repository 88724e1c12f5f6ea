//! Rankings that race with each other and with the sender.

use clorp_tests::World;
use futures::future::{join, join_all, join3};

use super::{ROUNDS, cancel, read, total_balance};

#[tokio::test(flavor = "multi_thread")]
async fn two_concurrent_sweeps_pay_every_winner_once() {
    let world = World::start().await;
    for round in 1..=4 {
        let drop = world.sender.post_drop(1000).await;
        world.race(&drop, 5).await;
        let (one, other) = join(world.rankings[0].sweep(), world.rankings[1].sweep()).await;
        let (one, other) = (one.unwrap(), other.unwrap());
        assert_eq!((one.settled + other.settled, one.failed + other.failed), (1, 0));
        assert_eq!(read(&world.sender, &drop).await["status"], "completed");
        assert_eq!(world.sender.balance().await, 20_000 - 1000 * round);
        assert_eq!(total_balance(&world.workers).await, 7000 + 750 * round);
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_concurrent_wake_up_calls_pay_the_winner_once() {
    let world = World::start().await;
    let drop = world.sender.post_drop(1000).await;
    world.race(&drop, 3).await;
    world.advance_seconds(300);
    let calls = (0..10).map(|i| world.rankings[i % 2].settle(drop.parse().unwrap()));
    let settled = join_all(calls).await.into_iter().map(Result::unwrap);
    let settled = settled.filter(|progress| matches!(progress, clorp_ranking::Progress::Settled(_))).count();
    assert_eq!(settled, 1);
    assert_eq!(total_balance(&world.workers).await, 7750);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_racing_the_expiry_refunds_once() {
    let world = World::start().await;
    for round in 0..ROUNDS {
        let drop = world.sender.post_drop(1000).await;
        if round % 2 == 1 {
            world.workers[0].claim(&drop).await.expect(201);
        }
        world.advance_seconds(300);
        let sweeps = (world.rankings[0].sweep(), world.rankings[1].sweep());
        let (cancelled, one, other) = join3(cancel(&world.sender, &drop), sweeps.0, sweeps.1).await;
        let (one, other) = (one.unwrap(), other.unwrap());
        assert_eq!(one.failed + other.failed, 0);
        let answered = cancelled.expect(200)["status"].clone();
        let ended = read(&world.sender, &drop).await["status"].clone();
        assert_eq!(answered, ended);
        let by_sweep = one.settled + other.settled;
        assert_eq!(ended, if by_sweep == 1 { "expired" } else { "cancelled" }, "{by_sweep} settled it");
        assert_eq!(world.sender.balance().await, 20_000);
    }
    world.finish().await;
}
