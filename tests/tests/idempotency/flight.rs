//! Many at once with one key.

use std::collections::BTreeSet;

use clorp_tests::World;
use futures::future::join_all;

use super::{
    LEASE_OVER, TRANSACTION, TRIES, assert_in_flight, assert_replay, id, is_replay, keeps_an_answer, lets_go,
    posted, proxied, proxy, run,
};

#[tokio::test(flavor = "multi_thread")]
async fn twenty_runs_at_once_with_one_key_post_one_drop_and_charge_it_once() {
    let world = World::start().await;
    for key in ["a", "b", "c"] {
        let keyed = world.sender.keyed(key);
        let before = world.sender.balance().await;
        let answers = join_all((0..20).map(|_| run(&keyed, 1000))).await;
        let made: Vec<_> =
            answers.iter().filter(|answer| answer.status == 201 && !is_replay(answer)).collect();
        assert_eq!(made.len(), 1, "{answers:?}");
        for answer in &answers {
            match answer.status.as_u16() {
                201 => assert_eq!(answer.text, made[0].text),
                _ => assert_in_flight(answer),
            }
        }
        assert_replay(&run(&keyed, 1000).await, made[0]);
        assert_eq!(world.sender.balance().await, before - 1000);
    }
    assert_eq!(posted(&world.sender).await, 3);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_different_requests_at_once_with_one_key_one_is_carried_out() {
    let world = World::start().await;
    let keyed = world.sender.keyed("k");
    let answers = join_all((0..10).map(|i| run(&keyed, 1000 + i))).await;
    let made: Vec<_> = answers.iter().filter(|answer| answer.status == 201).collect();
    assert_eq!(made.len(), 1, "{answers:?}");
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        answer.expect_error(409, "idempotency_key_reused");
    }
    let price = made[0].json()["price_cents"].as_i64().unwrap();
    assert_eq!((world.sender.balance().await, posted(&world.sender).await), (20_000 - price, 1));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_whose_function_died_is_in_flight_until_its_lease_lapses() {
    let world = proxied().await;
    let keyed = world.sender.keyed("k");
    // It dies before the effect, and so cannot say that it failed either.
    proxy(&world).fail(TRANSACTION, clorp_tests::Fault::ServerError, TRIES);
    proxy(&world).fail_if("UpdateItem", lets_go, clorp_tests::Fault::ServerError, TRIES);
    run(&keyed, 1000).await.expect_error(503, "unavailable");
    assert_eq!(proxy(&world).faults_left(), 0);
    for _ in 0..2 {
        assert_in_flight(&run(&keyed, 1000).await);
        world.advance_seconds(10);
    }
    // Another request does not get the key by waiting.
    world.advance_seconds(LEASE_OVER);
    run(&keyed, 1001).await.expect_error(409, "idempotency_key_reused");
    assert_eq!(posted(&world.sender).await, 0);
    let first = run(&keyed, 1000).await;
    first.expect(201);
    assert!(!is_replay(&first));
    assert_replay(&run(&keyed, 1000).await, &first);
    assert_eq!((world.sender.balance().await, posted(&world.sender).await), (19_000, 1));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lapsed_request_is_taken_over_by_one_of_many() {
    let world = proxied().await;
    let keyed = world.sender.keyed("k");
    proxy(&world).fail_if("UpdateItem", keeps_an_answer, clorp_tests::Fault::ServerError, TRIES);
    let drop = id(&run(&keyed, 1000).await.expect(201));
    world.advance_seconds(LEASE_OVER);
    let answers = join_all((0..20).map(|_| run(&keyed, 1000))).await;
    let made = answers.iter().filter(|answer| answer.status == 201 && !is_replay(answer)).count();
    assert_eq!(made, 1, "{answers:?}");
    let mut ids = BTreeSet::new();
    for answer in &answers {
        match answer.status.as_u16() {
            201 => drop_id(&mut ids, &answer.json()),
            _ => assert_in_flight(answer),
        }
    }
    assert_eq!(ids, BTreeSet::from([drop]));
    assert_eq!((world.sender.balance().await, posted(&world.sender).await), (19_000, 1));
    world.finish().await;
}

fn drop_id(ids: &mut BTreeSet<String>, drop: &serde_json::Value) {
    ids.insert(id(drop));
}
