//! The cost of an idempotency key.

use clorp_tests::{Answer, World};

use super::{proxy, run, start_proxied, take_record_calls};

/// Write units of a request's record, and the number of requests to the table about it.
#[track_caller]
fn record_cost(world: &World, answer: &Answer, status: u16) -> (usize, usize) {
    answer.expect(status);
    let calls = take_record_calls(world);
    let charges = calls.iter().flat_map(|call| &call.charges);
    let units = charges.inspect(|charge| assert_eq!(charge.item, "IDEMP")).map(|charge| charge.units).sum();
    (units, calls.len())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_costs_one_write_before_and_one_after_and_a_replay_one_in_total() {
    let world = start_proxied().await;
    let keyed = world.sender.keyed("k");
    proxy(&world).meter(true);
    let first = run(&keyed, 1000).await;
    assert_eq!(record_cost(&world, &first, 201), (3, 2), "before, and after with an answer above 1 KB");
    let replay = run(&keyed, 1000).await;
    assert_eq!(record_cost(&world, &replay, 201), (2, 1), "a refused write costs as much as the record");
    run(&keyed, 1000).await.expect(201);
    let replay = proxy(&world).take_calls();
    assert_eq!(replay.len(), 3, "the credential, the rate limit and the record: {replay:?}");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_without_a_key_writes_no_record() {
    let world = start_proxied().await;
    let drop = world.sender.post_drop(1000).await;
    world.workers[0].claim(&drop).await.expect(201);
    world.workers[0].submit(&drop, "An output").await.expect(201);
    world.sender.post_empty("/api/whoami").await.expect(200);
    let calls = take_record_calls(&world);
    assert!(calls.is_empty(), "{calls:?}");
    world.finish().await;
}
