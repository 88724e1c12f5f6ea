//! Judging by a language model, played by a stand-in with a script: see `clorp_model_stand_in`.

mod crashes;
mod fallback;
mod verdicts;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use clorp_deadline::scope;
use clorp_domain::DropId;
use clorp_judge::model::{Api, Model, ModelConfig};
use clorp_model_stand_in::{Behaviour, ModelStandIn, Reader};
use clorp_ranking::{Judges, Limits, Swept};
use clorp_tests::{Options, World};
use serde_json::{Value, json};
use tokio::time::Instant;

/// The name by which the requests ask for the model.
const MODEL: &str = "scripted-1";
/// The name that the stand-in gives itself in its answers.
const ANSWERED_BY: &str = "scripted-1-stand-in";

fn client(url: &str, name: &str) -> Model {
    let config = ModelConfig::new(url, Api::ChatCompletions, name).expect("an address of this machine");
    let config = config.with_timeout(Duration::from_secs(5));
    Model::new(config, None).expect("a model without a signature")
}

/// A world whose drops this model judges.
async fn judged_by(model: &ModelStandIn, limits: Limits) -> World {
    judged_by_two(model, None, limits, false).await
}

async fn judged_by_two(
    first: &ModelStandIn,
    second: Option<&ModelStandIn>,
    limits: Limits,
    proxied: bool,
) -> World {
    let second = second.map(|second| client(&second.chat_url(), "scripted-2"));
    let judges = Judges { first: client(&first.chat_url(), MODEL), second, limits };
    World::with(Options { judges: Some(Arc::new(judges)), proxied, ..Options::default() }).await
}

/// An output that the stand-in finds to be of this quality.
fn output(quality: u32, detail: &str) -> String {
    format!("A tagline of its own kind about {detail}, with quality: {quality}")
}

/// Posts a drop that gets one submission for each output, and closes its window.
async fn closed_drop(world: &World, outputs: &[String]) -> String {
    let drop = world.sender.post_drop(1000).await;
    for (worker, output) in world.workers.iter().zip(outputs) {
        worker.claim(&drop).await.expect(201);
        worker.submit(&drop, output).await.expect(201);
    }
    world.advance_seconds(301);
    drop
}

fn three() -> Vec<String> {
    vec![output(40, "toasters"), output(90, "lighthouses"), output(60, "penguins")]
}

async fn verdict(world: &World, drop: &str) -> Value {
    world.sender.get(&format!("/api/jobs/{drop}/verdict")).await.expect(200)
}

async fn status(world: &World, drop: &str) -> Value {
    world.sender.get(&format!("/api/jobs/{drop}")).await.expect(200)["status"].clone()
}

/// The workers of a verdict, best first, by their index in the world.
fn order(world: &World, verdict: &Value) -> Vec<usize> {
    let placings = verdict["submissions"].as_array().unwrap();
    let index =
        |placing: &Value| world.workers.iter().position(|w| placing["worker"] == json!(w.id)).unwrap();
    placings.iter().map(index).collect()
}

/// A sweep with this much time.
async fn sweep_within(world: &World, seconds: u64) -> Swept {
    let deadline = Instant::now() + Duration::from_secs(seconds);
    scope(deadline, world.rankings[0].sweep()).await.expect("the due tasks are read")
}

fn id(drop: &str) -> DropId {
    drop.parse().unwrap()
}

/// Asserts that the model was asked so many times, and about each order once.
#[track_caller]
fn assert_asked(model: &ModelStandIn, calls: usize) {
    let received = model.received();
    let distinct: BTreeSet<_> = received.iter().map(|request| request.bytes.clone()).collect();
    assert_eq!((received.len(), distinct.len()), (calls, calls));
}

fn biased(first_bonus: u32) -> Behaviour {
    Behaviour::Judge(Reader { first_bonus, ..Reader::default() })
}
