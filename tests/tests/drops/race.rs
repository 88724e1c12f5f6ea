//! A complete drop, from post to payout.

use clorp_tests::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_full_drop_is_judged_and_paid_without_waiting_for_its_window() {
    let world = World::start().await;
    let drop = world.sender.post_drop(1000).await;
    world.race(&drop, 5).await;
    assert_eq!(world.sweep().await.settled, 1);
    let seen = world.sender.get(&format!("/api/jobs/{drop}")).await.expect(200);
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
