//! What a key costs.

use clorp_tests::{Answer, World};

use super::{calls_about_records, proxied, proxy, run};

/// Write units and requests to the table that a request's record took.
#[track_caller]
fn record_cost(world: &World, answer: &Answer, status: u16) -> (usize, usize) {
    answer.expect(status);
    let calls = calls_about_records(world);
    let charges = calls.iter().flat_map(|call| &call.charges);
    let units = charges.inspect(|charge| assert_eq!(charge.item, "IDEMP")).map(|charge| charge.units).sum();
    (units, calls.len())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_takes_a_write_before_and_one_after_and_a_replay_one_in_all() {
    let world = proxied().await;
    let keyed = world.sender.keyed("k");
    proxy(&world).meter(true);
    let first = run(&keyed, 1000).await;
    assert_eq!(record_cost(&world, &first, 201), (2, 2), "before and after, each less than 1 KB");
    let replay = run(&keyed, 1000).await;
    assert_eq!(record_cost(&world, &replay, 201), (1, 1));
    run(&keyed, 1000).await.expect(201);
    let replay = proxy(&world).take_calls();
    assert_eq!(replay.len(), 3, "the credential, the rate and the record: {replay:?}");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_key_there_is_no_record() {
    let world = proxied().await;
    let drop = world.sender.post_drop(1000).await;
    world.workers[0].claim(&drop).await.expect(201);
    world.workers[0].submit(&drop, "An output").await.expect(201);
    world.sender.post_empty("/api/whoami").await.expect(200);
    let calls = calls_about_records(&world);
    assert!(calls.is_empty(), "{calls:?}");
    world.finish().await;
}
