//! Readers of server-sent events, on the timeline of a drop.

use clorp_tests::{Gateway, World};
use serde_json::{Value, json};
use tokio::process::Command;

use super::program::{Workshop, run};

const TIMELINE: &str = "GET /api/jobs/{id}/logs";
const KINDS: [&str; 7] = ["created", "opened", "claimed", "submitted", "ranking", "completed", "done"];

/// One drop that a program follows.
struct Race {
    drop: String,
    seen: Vec<Value>,
    /// Number of the program's reads before this drop was posted.
    earlier_reads: usize,
}

/// Answers a program. Each part of a drop's course happens after the program has seen the part before.
async fn play(world: &World, gateway: &Gateway, races: &mut Vec<Race>, said: Value) -> Value {
    if said["ask"] == "world" {
        let drop = world.sender.post_drop(500).await;
        let earlier_reads = gateway.exchanges_of(TIMELINE).len();
        let reader = world.sender.authorization();
        let answer = json!({ "url": gateway.url, "drop": drop, "reader": reader });
        races.push(Race { drop, seen: Vec::new(), earlier_reads });
        return answer;
    }
    let race = races.last_mut().unwrap();
    if said["event"].is_null() {
        assert_eq!(said, json!({ "closed": 204 }));
        assert_race(world, gateway, race).await;
        return Value::Null;
    }
    race.seen.push(said["event"].clone());
    let worker = &world.workers[0];
    match said["event"]["event"].as_str() {
        Some("opened") => {
            worker.claim(&race.drop).await.expect(201);
        }
        Some("claimed") => {
            gateway.cut_next_stream();
            worker.submit(&race.drop, "A stream that goes home every two seconds").await.expect(201);
            world.advance_seconds(301);
            assert_eq!(world.sweep().await.settled, 1);
        }
        _ => {}
    }
    Value::Null
}

/// Checks that the program saw every event once and in order, and asked for each only once.
async fn assert_race(world: &World, gateway: &Gateway, race: &Race) {
    let events = world.sender.logs(&race.drop, None).await.events();
    assert_eq!(race.seen, events);
    let kinds: Vec<_> = race.seen.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(kinds, KINDS);
    let reads = gateway.exchanges_of(TIMELINE).split_off(race.earlier_reads);
    let mut last = Value::Null;
    for read in &reads {
        assert_eq!(json!(read.requested("last-event-id")), last);
        let mut whole = if read.answer.status == 200 { read.answer.events() } else { Vec::new() };
        if read.cut {
            whole.pop();
        }
        last = whole.last().map_or(last, |event| event["id"].clone());
    }
    assert_eq!(reads.iter().filter(|read| read.cut).count(), 1);
    let statuses: Vec<_> = reads.iter().map(|read| read.answer.status.as_u16()).collect();
    let (last, others) = statuses.split_last().unwrap();
    assert!(*last == 204 && others.iter().all(|status| *status == 200), "{statuses:?}");
}

/// Runs a program that follows this many drops.
async fn follow(command: Command, drops: usize) {
    let world = World::start().await;
    let gateway = Gateway::start(&world.anon).await;
    let mut races = Vec::new();
    run(command, async |said| play(&world, &gateway, &mut races, said).await).await;
    assert_eq!(races.len(), drops);
    gateway.assert_documented();
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_source_sees_every_event_once_and_stops_after_the_last() {
    let workshop = Workshop::for_node().await;
    follow(workshop.program("eventsource.mjs"), 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_in_python_see_every_event_once_and_stop_after_the_last() {
    let workshop = Workshop::for_python().await;
    follow(workshop.program("event-streams.py"), 2).await;
}
