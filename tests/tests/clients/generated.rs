//! Typed clients, generated from the served document and driven through a whole drop.

use std::fs;
use std::path::Path;

use clorp_tests::gateway::Exchange;
use clorp_tests::{Gateway, World};
use futures::future::join;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::process::Command;

use super::program::{Workshop, output, run};

/// The steps of a program, each with the operation and the status that belong to it.
const STEPS: [(&str, &str, u16); 12] = [
    ("estimate", "POST /api/jobs/run", 200),
    ("post", "POST /api/jobs/run", 201),
    ("post again", "POST /api/jobs/run", 201),
    ("board", "GET /api/board", 200),
    ("claim", "POST /api/jobs/{id}/claim", 201),
    ("early verdict", "GET /api/jobs/{id}/verdict", 409),
    ("submit", "POST /api/jobs/{id}/submit", 201),
    ("verdict", "GET /api/jobs/{id}/verdict", 200),
    ("read", "GET /api/jobs/{id}", 200),
    ("wallet", "GET /api/wallet/balance", 200),
    ("wallet", "GET /api/wallet/balance", 200),
    ("refused", "POST /api/jobs/run", 400),
];
const TIMELINE: &str = "GET /api/jobs/{id}/logs";

/// Writes the document that a function serves.
async fn write_document(world: &World, folder: &Path) {
    let document = world.anon.get("/api/openapi.json").await;
    assert_eq!(document.status, 200);
    fs::write(folder.join("openapi.json"), document.text).unwrap();
}

/// Runs a program that plays a drop, and checks what it saw against what was served and what is stored.
async fn play(command: Command) {
    let world = World::start().await;
    let gateway = Gateway::start(&world.anon).await;
    let (sender, worker) = (&world.sender, &world.workers[0]);
    let (mut steps, mut timeline) = (Vec::new(), None);
    run(command, async |said| {
        if said["ask"] == "world" {
            let (sender, worker) = (sender.authorization(), worker.authorization());
            return json!({ "url": gateway.url, "sender": sender, "worker": worker });
        }
        if said["ask"] == "settle" {
            world.advance_seconds(301);
            assert_eq!(world.sweep().await.settled, 1);
            // The stream that a program may read breaks off once.
            gateway.cut_next_stream();
        } else if said["timeline"].is_array() {
            timeline = Some(said["timeline"].clone());
        } else {
            steps.push(said);
        }
        Value::Null
    })
    .await;
    let drop = assert_steps(&steps, &gateway);
    if let Some(seen) = timeline {
        assert_timeline(&world, &gateway, &drop, &seen).await;
    }
    let ended = sender.get(&format!("/api/jobs/{drop}")).await.expect(200);
    let payout = ended["payout_cents"].as_i64().unwrap();
    assert!(payout > 0, "{ended}");
    assert_eq!((sender.balance().await, worker.balance().await), (20_000 - 500, 1_000 + payout));
    assert_eq!(sender.get("/api/jobs").await.expect(200).as_array().unwrap().len(), 1);
    gateway.assert_documented();
    world.finish().await;
}

/// Checks the steps of a program against the exchanges, and returns the drop's id.
fn assert_steps(steps: &[Value], gateway: &Gateway) -> String {
    let mut exchanges = gateway.exchanges();
    exchanges.retain(|exchange| exchange.operation != TIMELINE);
    let served: Vec<_> = exchanges.iter().map(|e| (e.operation.as_str(), e.answer.status.as_u16())).collect();
    assert_eq!(served, STEPS.map(|(_, operation, status)| (operation, status)));
    assert_eq!(steps.len(), STEPS.len());
    for ((step, exchange), (name, _, status)) in steps.iter().zip(&exchanges).zip(STEPS) {
        assert_eq!((&step["step"], &step["status"]), (&json!(name), &json!(status)));
        let served = exchange.answer.json();
        assert!(is_same(&step["body"], &served), "{name}: {} is not {served}", step["body"]);
    }
    let key = |at: usize| exchanges[at].requested("idempotency-key");
    assert_eq!((key(0), key(1), key(2)), (None, Some("a-drop"), Some("a-drop")));
    let entries: Vec<_> =
        exchanges[9..11].iter().map(|page: &Exchange| page.answer.json()["ledger"].clone()).collect();
    assert!(entries.iter().all(|page| page.as_array().is_some_and(|page| page.len() == 1)), "{entries:?}");
    assert_ne!(entries[0], entries[1]);
    exchanges[1].answer.json()["id"].as_str().unwrap().to_owned()
}

/// True for equal values. Clients may write an instant in another notation than the API does.
fn is_same(seen: &Value, served: &Value) -> bool {
    match (seen, served) {
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(key, one)| other.get(key).is_some_and(|other| is_same(one, other)))
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| is_same(one, other))
        }
        (Value::String(one), Value::String(other)) => {
            let instant = |text: &str| text.parse::<Timestamp>().ok();
            one == other || instant(one).is_some_and(|one| Some(one) == instant(other))
        }
        _ => seen == served,
    }
}

/// Checks the events that a program saw, over a stream that broke off.
async fn assert_timeline(world: &World, gateway: &Gateway, drop: &str, seen: &Value) {
    let events = world.sender.logs(drop, None).await.events();
    assert_eq!(seen.as_array().unwrap(), &events);
    let reads = gateway.exchanges_of(TIMELINE);
    let last: Vec<_> = reads.iter().map(|read| read.requested("last-event-id")).collect();
    let before_done = events[events.len() - 2]["id"].as_str();
    assert_eq!(last, [None, before_done]);
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_in_typescript_compile_reject_misspelt_words_and_play_a_drop() {
    let workshop = Workshop::for_node().await;
    let world = World::start().await;
    write_document(&world, workshop.path()).await;
    let mut types = workshop.tool("openapi-typescript");
    types.args(["openapi.json", "--output", "schema.ts"]);
    let (_, made) = join(output(types), output(workshop.tool("openapi-ts"))).await;
    assert!(!made.to_lowercase().contains("warning"), "{made}");
    let mut compile = workshop.tool("tsc");
    compile.args(["--noEmit", "--strict", "--skipLibCheck", "--allowImportingTsExtensions"]);
    compile.args(["--module", "nodenext", "misspelt.ts", "openapi-fetch.mts", "hey-api.mts"]);
    output(compile).await;
    join(play(workshop.program("openapi-fetch.mts")), play(workshop.program("hey-api.mts"))).await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_in_python_is_generated_in_full_and_plays_a_drop() {
    let workshop = Workshop::for_python().await;
    let world = World::start().await;
    write_document(&world, workshop.path()).await;
    // The generated code is not read by anybody, so it is not formatted.
    fs::write(workshop.path().join("config.yml"), "post_hooks: []\n").unwrap();
    let mut generate = workshop.tool("openapi-python-client");
    generate.args(["generate", "--path", "openapi.json", "--meta", "none", "--output-path", "client"]);
    generate.args(["--config", "config.yml"]);
    let said = output(generate).await;
    assert!(!said.to_lowercase().contains("warning"), "{said}");
    let event = fs::read_to_string(workshop.path().join("client/models/created_event.py")).unwrap();
    assert!(event.contains("data: CreatedData"), "{event}");
    play(workshop.program("openapi-python-client.py")).await;
    world.finish().await;
}

#[test]
fn a_value_that_a_client_lost_or_changed_is_found() {
    let served = json!({ "id": "a", "at": "2026-01-02T03:04:05.678Z", "list": [{ "grade": null }] });
    let rewritten = json!({ "id": "a", "at": "2026-01-02T03:04:05.678+00:00", "list": [{ "grade": null }] });
    assert!(is_same(&rewritten, &served));
    for (pointer, value) in [
        ("/id", json!("b")),
        ("/at", json!("2026-01-02T03:04:05.679Z")),
        ("/list/0/grade", json!("S")),
        ("/list/0", json!({})),
        ("/list", json!([])),
    ] {
        let mut seen = rewritten.clone();
        *seen.pointer_mut(pointer).unwrap() = value;
        assert!(!is_same(&seen, &served), "{pointer}");
    }
}
