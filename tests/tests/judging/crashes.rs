//! Crashes of the ranking between any two of its steps: one verdict, no order paid for twice, one settlement.

use clorp_domain::RankingTask;
use clorp_tests::proxy::Fault;
use futures::future::join_all;

use super::*;

/// Most requests to the table that judging and settling take.
const MOST_REQUESTS: usize = 40;

/// Crashes one instance at its request with this number, and lets another take over. Returns false if the
/// first one ended before it.
async fn crash_at(requests: usize, fault: Fault) -> bool {
    let model = ModelStandIn::start().await.unwrap();
    let world = judged_by_two(&model, None, Limits::default(), true).await;
    let proxy = world.proxy.as_ref().unwrap();
    let drop = closed_drop(&world, &three()).await;
    let task = RankingTask::Settle(id(&drop));
    proxy.crash_after(requests, fault);
    let deadline = Instant::now() + Duration::from_secs(12);
    let result = scope(deadline, world.rankings[0].perform(task)).await;
    let crashed = proxy.has_crashed();
    assert!(crashed || result.is_ok(), "{requests} {fault:?}: {result:?}");
    proxy.heal();
    // The lease lapses with the function that held it.
    world.advance_seconds(65);
    for _ in 0..2 {
        world.rankings[1].perform(task).await.unwrap();
    }
    assert_eq!(status(&world, &drop).await, "completed", "{requests} {fault:?}");
    let paid = join_all(world.workers.iter().map(clorp_tests::Client::balance)).await;
    assert_eq!(paid.iter().sum::<i64>(), 7750, "{requests} {fault:?}");
    // At most the three orders that were lost, and four in their place.
    let asked = model.received();
    let distinct: BTreeSet<_> = asked.iter().map(|request| request.bytes.clone()).collect();
    assert_eq!(asked.len(), distinct.len(), "{requests} {fault:?}: an order was paid for twice");
    assert!(asked.len() <= 7, "{requests} {fault:?}: {}", asked.len());
    assert_eq!(verdict(&world, &drop).await["judge"], "clorp-model", "{requests} {fault:?}");
    world.finish().await;
    crashed
}

async fn crash_everywhere(fault: Fault) {
    for first in (0..MOST_REQUESTS).step_by(4) {
        let crashed = join_all((first..first + 4).map(|requests| crash_at(requests, fault))).await;
        if crashed.contains(&false) {
            return;
        }
    }
    panic!("the ranking takes more than {MOST_REQUESTS} requests");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ranking_that_crashes_before_any_request_buys_and_pays_once() {
    crash_everywhere(Fault::ServerError).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ranking_that_crashes_after_any_request_buys_and_pays_once() {
    crash_everywhere(Fault::LostAnswer).await;
}
