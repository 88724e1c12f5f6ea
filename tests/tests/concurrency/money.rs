//! Payments that race with each other and with cancellations.

use clorp_tests::World;
use futures::future::{join, join_all};

use super::{ROUNDS, cancel, pay, post_pending, read, run, tally};

#[tokio::test(flavor = "multi_thread")]
async fn simultaneous_payments_debit_once_and_the_losers_get_400() {
    let world = World::start().await;
    for balance in [600, 5000] {
        let (sender, drop) = post_pending(&world, balance, 600).await;
        let answers = join_all((0..6).map(|_| pay(&sender, &drop))).await;
        assert_eq!(tally(&answers), [(200, 1), (400, 5)].into());
        for answer in answers.iter().filter(|answer| answer.status == 400) {
            answer.expect_error(400, "drop_not_pending");
        }
        assert_eq!(sender.balance().await, balance - 600);
        assert_eq!(read(&sender, &drop).await["status"], "open");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_racing_a_cancel_leaves_the_drop_cancelled_and_the_balance_unchanged() {
    let world = World::start().await;
    for round in 0..ROUNDS {
        let (sender, drop) = post_pending(&world, 600, 600).await;
        let (paid, cancelled) = if round % 2 == 0 {
            join(pay(&sender, &drop), cancel(&sender, &drop)).await
        } else {
            let (cancelled, paid) = join(cancel(&sender, &drop), pay(&sender, &drop)).await;
            (paid, cancelled)
        };
        assert_eq!(cancelled.expect(200)["status"], "cancelled");
        if paid.status != 200 {
            paid.expect_error(400, "drop_not_pending");
        }
        assert_eq!(read(&sender, &drop).await["status"], "cancelled");
        assert_eq!(sender.balance().await, 600);
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_concurrent_cancels_refund_once() {
    let world = World::start().await;
    let drop = world.sender.post_drop(1000).await;
    let answers = join_all((0..10).map(|_| cancel(&world.sender, &drop))).await;
    assert_eq!(tally(&answers), [(200, 10)].into());
    assert_eq!(world.sender.balance().await, 20_000);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_drops_of_300_on_1000_cents_open_three_and_never_overdraw() {
    let world = World::start().await;
    let sender = world.user("spender", 1000).await;
    let runs = join_all((0..20).map(|_| run(&sender, 300)));
    let balances = join_all((0..20).map(|_| sender.balance()));
    let (answers, balances) = join(runs, balances).await;
    assert_eq!(tally(&answers), [(201, 3), (402, 17)].into());
    assert!(balances.iter().all(|balance| [1000, 700, 400, 100].contains(balance)), "{balances:?}");
    for answer in answers.iter().filter(|answer| answer.status == 402) {
        let refused = answer.expect_error(402, "insufficient_balance");
        assert_eq!(refused["available"], 100);
    }
    assert_eq!(sender.balance().await, 100);
    let posted = sender.get("/api/jobs").await.expect(200);
    let posted = posted.as_array().unwrap();
    assert_eq!(posted.len(), 20);
    assert_eq!(posted.iter().filter(|drop| drop["status"] == "open").count(), 3);
    world.finish().await;
}
