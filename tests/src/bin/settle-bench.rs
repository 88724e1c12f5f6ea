//! `cargo settle-bench`: many windows that close in the same second, judged by a stand-in for a model.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use clorp_judge::model::{Api, Model, ModelConfig};
use clorp_model_stand_in::{Behaviour, ModelStandIn, Reader};
use clorp_ranking::event::{Event, handle};
use clorp_ranking::{Judges, Limits, Ranking};
use clorp_store::JudgingCost;
use clorp_tests::{Client, Options, World};
use futures::stream::{self, StreamExt};
use serde_json::{Value, json};

/// Messages of one batch from the queue, as in `template.yaml`.
const BATCH: usize = 5;
/// Submissions to each drop.
const SUBMISSIONS: usize = 3;
/// Requests at once with which drops are posted.
const POSTERS: usize = 16;

/// Closes many windows in the same second, and measures how the ranking copes: the function's real handler,
/// bounded like the queue's event source, an embedded DynamoDB, and a model that takes a while.
#[derive(Parser)]
#[command(name = "cargo settle-bench")]
struct Args {
    /// Number of drops.
    #[arg(long, default_value_t = 1000)]
    drops: usize,
    /// Functions at once: `JudgeConcurrency` of the template.
    #[arg(long, default_value_t = 20)]
    functions: usize,
    /// Time that the model takes for a call, in milliseconds.
    #[arg(long, default_value_t = 1500)]
    model_millis: u64,
    /// Points by which the model prefers the submission that it reads first. Some make it read all orders.
    #[arg(long, default_value_t = 0)]
    first_bonus: u32,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

#[tokio::main]
async fn main() -> Result<()> {
    let args = Args::parse();
    let model = ModelStandIn::start().await?;
    let reader = Reader { first_bonus: args.first_bonus, ..Reader::default() };
    model.otherwise(Behaviour::Slow(Duration::from_millis(args.model_millis), reader));
    let unlimited = JudgingCost { tokens: u64::MAX >> 1, micro_cents: u64::MAX >> 1 };
    let config = ModelConfig::new(&model.chat_url(), Api::ChatCompletions, "stand-in").context("address")?;
    let first = Model::new(config, None)?;
    let judges = Judges { first, second: None, limits: Limits { drop: unlimited, day: unlimited } };
    let options = Options { judges: Some(Arc::new(judges)), ..Options::without_cooldown() };
    let (read_units, write_units) = units(&options).await?;
    let calls_before = model.calls();
    let world = World::with(options).await;
    let drops = post(&world, args.drops).await?;
    world.advance_seconds(301);
    let began = Instant::now();
    let settled = settle(&world.rankings[0], &drops, args.functions).await?;
    let seconds = began.elapsed().as_secs_f64();
    let (calls, mut by_model) = (model.calls() - calls_before, 0);
    for (sender, drop) in &drops {
        let verdict = sender.get(&format!("/api/jobs/{drop}/verdict")).await.json();
        by_model += usize::from(verdict["judge"] == "clorp-model");
    }
    let figures = json!({
        "drops": drops.len(), "settled": settled, "by_model": by_model, "seconds": seconds,
        "settles_by_seconds": 120, "drops_per_second": drops.len() as f64 / seconds,
        "calls": calls, "calls_per_drop": calls as f64 / drops.len() as f64,
        "read_units_per_drop": read_units, "write_units_per_drop": write_units,
        "most_calls_at_once": args.functions * BATCH * if args.first_bonus == 0 { 3 } else { 4 },
    });
    world.finish().await;
    print(&figures, args.json);
    ensure!(settled == drops.len(), "only {settled} of {} drops were settled", drops.len());
    Ok(())
}

/// Posts drops with three submissions each, by senders of their own.
async fn post(world: &World, count: usize) -> Result<Vec<(Client, String)>> {
    let each = count.div_ceil(POSTERS);
    let mut senders = Vec::new();
    for n in 0..POSTERS {
        senders.push(world.user(&format!("bench-{n}"), 1000 * i64::try_from(each)?).await);
    }
    let posted = stream::iter(0..count).map(|n| {
        let sender = senders[n % POSTERS].clone();
        async move {
            let drop = sender.post_drop(1000).await;
            for (at, worker) in world.workers[..SUBMISSIONS].iter().enumerate() {
                worker.claim(&drop).await.expect(201);
                let output = format!("Tagline {at} of drop {n} about lighthouses, quality: {}", 50 + 12 * at);
                worker.submit(&drop, &output).await.expect(201);
            }
            (sender, drop)
        }
    });
    Ok(posted.buffer_unordered(POSTERS).collect().await)
}

/// The read and write units that judging and settling one drop take, its closing included.
async fn units(options: &Options) -> Result<(f64, usize)> {
    let world = World::with(Options { proxied: true, ..options.clone() }).await;
    let drops = post(&world, 1).await?;
    world.advance_seconds(301);
    let proxy = world.proxy.as_ref().context("the world has a proxy")?;
    proxy.meter(true);
    proxy.take_calls();
    settle(&world.rankings[0], &drops, 1).await?;
    let calls = proxy.take_calls();
    world.finish().await;
    let written = calls.iter().flat_map(|call| &call.charges).map(|charge| charge.units).sum();
    Ok((calls.iter().map(|call| call.read_units).sum(), written))
}

/// Delivers one message for each drop, as the queue does. Returns the number of drops that a batch did not
/// give back.
async fn settle(ranking: &Ranking, drops: &[(Client, String)], functions: usize) -> Result<usize> {
    let batches: Vec<Value> = drops
        .chunks(BATCH)
        .map(|batch| {
            let records: Vec<Value> =
                batch.iter().map(|(_, drop)| json!({ "messageId": drop, "body": drop })).collect();
            json!({ "Records": records })
        })
        .collect();
    let results = stream::iter(batches).map(|batch| async move {
        let sent = batch["Records"].as_array().map_or(0, Vec::len);
        let event: Event = serde_json::from_value(batch)?;
        let answer = handle(ranking, event).await.map_err(|error| anyhow::anyhow!("{error}"))?;
        Ok::<_, anyhow::Error>(sent - answer["batchItemFailures"].as_array().map_or(0, Vec::len))
    });
    let results: Vec<Result<usize>> = results.buffer_unordered(functions).collect().await;
    results.into_iter().sum()
}

fn print(figures: &Value, as_json: bool) {
    if as_json {
        println!("{figures}");
    } else if let Some(figures) = figures.as_object() {
        for (name, value) in figures {
            println!("{name:20} {value}");
        }
    }
}
