//! The conditions that the store sends, on databases that do not know each other: the model of DynamoDB's
//! documentation, the embedded database, and moto.

use clorp_dynamo_programs::rig::{Other, Rig, items};
use clorp_dynamo_programs::shapes::Recording;
use clorp_tests::world::TABLE;
use clorp_tests::{Options, World};

use crate::statuses::specific;

/// Programs on the embedded database, and on moto.
const PROGRAMS: [(Other, usize); 2] = [(Other::Embedded, 600), (Other::Moto, 150)];

/// Shapes of requests that the recorded run is known to have. Fewer would mean that it has lost its reach.
const SHAPES: usize = 60;

/// Records the requests of a run with every documented status, one race and both sweeps.
async fn record() -> Recording {
    let world = World::with(Options { proxied: true, ..Options::funded() }).await;
    specific::rows(&world).await;
    world.sweep().await;
    world.reconcile().await;
    let calls = world.proxy.as_ref().unwrap().take_calls();
    let items = items(world.table_url(), TABLE).await.unwrap();
    world.finish().await;
    Recording::new(calls.into_iter().map(|call| (call.operation, call.request)), &items).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stores_requests_mean_the_same_on_every_database() {
    let recording = record().await;
    let shapes: Vec<&str> = recording.shapes().collect();
    assert!(shapes.len() >= SHAPES, "{} shapes: {shapes:#?}", shapes.len());
    let first = u64::from(rand::random::<u32>());
    for (other, count) in PROGRAMS {
        let mut rig = Rig::start(&[other]).await.unwrap();
        for number in 0..count {
            let seed = first + number as u64;
            let program = recording.program(number, seed);
            for finding in rig.run(&program).await.unwrap() {
                assert!(
                    finding.known.is_some(),
                    "{} at step {}:\n{}",
                    other.name(),
                    finding.step,
                    finding.report
                );
            }
        }
    }
}
