//! Concurrent requests with one key.

use std::collections::BTreeSet;

use clorp_tests::World;
use futures::future::join_all;

use super::{
    LEASE_LAPSED, TRANSACTION, TRIES, assert_in_flight, assert_replay, count_drops, id, is_replay, proxy,
    releases_a_record, run, start_proxied, stores_a_response,
};

#[tokio::test(flavor = "multi_thread")]
async fn twenty_concurrent_runs_with_one_key_post_and_charge_one_drop() {
    let world = World::start().await;
    for key in ["a", "b", "c"] {
        let keyed = world.sender.keyed(key);
        let before = world.sender.balance().await;
        let answers = join_all((0..20).map(|_| run(&keyed, 1000))).await;
        let created: Vec<_> =
            answers.iter().filter(|answer| answer.status == 201 && !is_replay(answer)).collect();
        assert_eq!(created.len(), 1, "{answers:?}");
        for answer in &answers {
            match answer.status.as_u16() {
                201 => assert_eq!(answer.text, created[0].text),
                _ => assert_in_flight(answer),
            }
        }
        assert_replay(&run(&keyed, 1000).await, created[0]);
        assert_eq!(world.sender.balance().await, before - 1000);
    }
    assert_eq!(count_drops(&world.sender).await, 3);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn exactly_one_of_many_different_requests_with_one_key_is_carried_out() {
    let world = World::start().await;
    let keyed = world.sender.keyed("k");
    let answers = join_all((0..10).map(|i| run(&keyed, 1000 + i))).await;
    let created: Vec<_> = answers.iter().filter(|answer| answer.status == 201).collect();
    assert_eq!(created.len(), 1, "{answers:?}");
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        answer.expect_error(409, "idempotency_key_reused");
    }
    let price = created[0].json()["price_cents"].as_i64().unwrap();
    assert_eq!((world.sender.balance().await, count_drops(&world.sender).await), (20_000 - price, 1));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crashed_request_is_in_flight_until_its_lease_lapses() {
    let world = start_proxied().await;
    let keyed = world.sender.keyed("k");
    // The function crashes before the effect, so it cannot end the lease either.
    proxy(&world).fail(TRANSACTION, clorp_tests::Fault::ServerError, TRIES);
    proxy(&world).fail_if("UpdateItem", releases_a_record, clorp_tests::Fault::ServerError, TRIES);
    run(&keyed, 1000).await.expect_error(503, "unavailable");
    assert_eq!(proxy(&world).faults_left(), 0);
    for _ in 0..2 {
        assert_in_flight(&run(&keyed, 1000).await);
        world.advance_seconds(10);
    }
    // A different request is refused even after the lease.
    world.advance_seconds(LEASE_LAPSED);
    run(&keyed, 1001).await.expect_error(409, "idempotency_key_reused");
    assert_eq!(count_drops(&world.sender).await, 0);
    let first = run(&keyed, 1000).await;
    first.expect(201);
    assert!(!is_replay(&first));
    assert_replay(&run(&keyed, 1000).await, &first);
    assert_eq!((world.sender.balance().await, count_drops(&world.sender).await), (19_000, 1));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn exactly_one_of_many_retries_takes_over_a_lapsed_request() {
    let world = start_proxied().await;
    let keyed = world.sender.keyed("k");
    proxy(&world).fail_if("UpdateItem", stores_a_response, clorp_tests::Fault::ServerError, TRIES);
    let drop = id(&run(&keyed, 1000).await.expect(201));
    world.advance_seconds(LEASE_LAPSED);
    let answers = join_all((0..20).map(|_| run(&keyed, 1000))).await;
    let created = answers.iter().filter(|answer| answer.status == 201 && !is_replay(answer)).count();
    assert_eq!(created, 1, "{answers:?}");
    let mut ids = BTreeSet::new();
    for answer in &answers {
        match answer.status.as_u16() {
            201 => insert_id(&mut ids, &answer.json()),
            _ => assert_in_flight(answer),
        }
    }
    assert_eq!(ids, BTreeSet::from([drop]));
    assert_eq!((world.sender.balance().await, count_drops(&world.sender).await), (19_000, 1));
    world.finish().await;
}

fn insert_id(ids: &mut BTreeSet<String>, drop: &serde_json::Value) {
    ids.insert(id(drop));
}
