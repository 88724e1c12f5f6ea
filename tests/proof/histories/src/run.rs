//! A run: load with faults, then healing until everything is settled, then the last readings.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use clorp_domain::WithdrawalStatus;
use clorp_ledger_audit::audit;
use clorp_stand_in::files;
use futures::future::try_join_all;
use jiff::Timestamp;
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::client::{number, see, text, whole_wallet};
use crate::database::sums;
use crate::functions::Programs;
use crate::history::{Action, Answer, DropEnd, Final, History, NOBODY, Recorder, Start, Step, Wallet};
use crate::stack::{MAX_CLAIMS, Person, Stack, functions};
use crate::workload::{BALANCES, Extent, Load, SENDERS};
use crate::{Options, faults};

/// Pauses between two sweeps of the ranking and of the reconciler.
const SWEEPS: [(&str, Duration); 2] =
    [("ranking", Duration::from_millis(700)), ("reconciler", Duration::from_secs(2))];
/// Time from the end of the load by which everything must be settled.
const HEALING: Duration = Duration::from_secs(300);
/// Time by which the load is prolonged if a busy machine has sent too few requests.
const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) async fn run(options: &Options) -> Result<History> {
    files::remove_folder(&options.folder)?;
    std::fs::create_dir_all(&options.folder)?;
    let programs = Programs::build(&functions()).await?;
    let recorder = Arc::new(Recorder::default());
    let plant = options.lost_update;
    let stack =
        Stack::start(&options.program, &programs, &options.folder, &BALANCES, plant, &recorder).await?;
    let stack = Arc::new(stack);
    try_join_all(stack.people[SENDERS..].iter().map(|worker| stack.onboard(worker))).await?;
    stack.sandbox.settled().await;
    // Stripe sends events at least once, and in any order.
    stack.control("webhooks", json!({ "duplicates": 1, "shuffle": true })).await?;

    let load = Arc::new(Load::new(Arc::clone(&stack), Arc::clone(&recorder), options.seed));
    let mut helpers = JoinSet::new();
    for (function, pause) in SWEEPS {
        helpers.spawn(sweep(Arc::clone(&stack), Arc::clone(&recorder), function, pause));
    }
    helpers.spawn(Arc::clone(&load).repeat());
    let began = Instant::now();
    let mut clients = JoinSet::new();
    let extent = extent(options, began)?;
    for client in 0..options.clients {
        clients.spawn(Arc::clone(&load).client(client, extent));
    }
    clients.spawn(Arc::clone(&load).rushes(options.clients, extent));
    faults::inject(options, Arc::clone(&stack), Arc::clone(&recorder), began).await?;
    while let Some(ended) = clients.join_next().await {
        ended.context("a client has failed")?;
    }
    heal(options, &stack, &load, began).await?;
    helpers.shutdown().await;
    let end = last_readings(&stack, &load, &recorder).await?;
    drop(load);
    let users = stack.people.iter().map(|person| (person.id.clone(), person.balance_cents)).collect();
    let (seed, epoch_millis) = (options.seed, recorder.epoch_millis);
    let history = recorder.finish(Start { seed, epoch_millis, max_claims: MAX_CLAIMS, users }, end);
    history.write(&options.folder.join("history.jsonl"))?;
    let stack = Arc::try_unwrap(stack).map_err(|_| anyhow!("the stack is still in use"))?;
    stack.stop().await?;
    Ok(history)
}

fn extent(options: &Options, began: Instant) -> Result<Extent> {
    // Each client aims at its share of the operations.
    let pause = Duration::from_secs(options.seconds) * u32::try_from(options.clients)?
        / u32::try_from(options.operations.max(1))?;
    let until = began + Duration::from_secs(options.seconds);
    Ok(Extent {
        until,
        at_last: until + PATIENCE,
        least: options.operations / 5,
        most: options.operations,
        awaits_plant: options.lost_update,
        pause,
    })
}

/// Invokes a scheduled function again and again.
async fn sweep(stack: Arc<Stack>, recorder: Arc<Recorder>, function: &'static str, pause: Duration) {
    loop {
        let op = recorder.invoke(NOBODY, None, false, Action::Invoke { function: function.to_owned() });
        let now = Timestamp::now();
        let event = json!({
            "version": "0", "id": format!("local-{}", now.as_millisecond()), "detail-type": "Scheduled Event",
            "source": "aws.events", "account": "000000000000", "time": format!("{now:.0}"),
            "region": "us-east-1", "resources": [], "detail": {},
        });
        let step = match stack.fleet.invoke(function, event.to_string()).await {
            Ok(_) => Step::Ok { answer: Answer::Done },
            Err(failed) => Step::Unknown { why: format!("{failed:?}") },
        };
        recorder.step(op, step);
        sleep(pause).await;
    }
}

/// Waits until repetitions have known outcomes or are given up, every drop has ended, every withdrawal is
/// settled, and Stripe's events are delivered.
async fn heal(options: &Options, stack: &Stack, load: &Load, began: Instant) -> Result<()> {
    let until = Instant::now() + HEALING;
    let repeats_until = began + Duration::from_secs(options.repeat_seconds.max(options.seconds));
    loop {
        if Instant::now() >= repeats_until {
            load.give_up();
        }
        if load.doubts() == 0 && unsettled(stack).await? == 0 {
            break;
        }
        let (doubts, open) = (load.doubts(), unsettled(stack).await?);
        ensure!(Instant::now() < until, "not settled: {doubts} repetitions, {open} drops and withdrawals");
        sleep(Duration::from_millis(200)).await;
    }
    tokio::time::timeout(HEALING, stack.sandbox.settled()).await.context("Stripe's events are not delivered")
}

/// Number of drops that hold money, and of withdrawals that are pending.
async fn unsettled(stack: &Stack) -> Result<usize> {
    let ledger = stack.store.ledger().audit().await.map_err(|error| anyhow!("{error:?}"))?;
    let pending = ledger.withdrawals.iter().filter(|one| one.status == WithdrawalStatus::Pending);
    Ok(ledger.open_prices.len() + pending.count())
}

/// Reads every wallet and every drop through the API, and audits the table and Stripe.
async fn last_readings(stack: &Stack, load: &Load, recorder: &Recorder) -> Result<Final> {
    let mut wallets = BTreeMap::new();
    for person in &stack.people {
        // The reading is also one of the history, so that the balance is part of the wallet's order.
        let op = recorder.invoke(NOBODY, Some(&person.id), false, Action::Read);
        let (balance_cents, ledger) = whole_wallet(stack, person).await?;
        let answer = Answer::Wallet { balance_cents, ledger: ledger.clone(), complete: true };
        recorder.step(op, Step::Ok { answer });
        wallets.insert(person.id.clone(), Wallet { balance_cents, ledger });
    }
    let mut drops = BTreeMap::new();
    for (drop, sender) in load.drops() {
        drops.insert(drop.clone(), last_of(stack, &sender, &drop).await?);
    }
    let audited = audit(&stack.store, Some(&stack.stripe)).await?;
    let mut discrepancies = audited.discrepancies.clone();
    discrepancies.extend(audited.unapplied.iter().map(|event| format!("not applied: {event}")));
    Ok(Final { wallets, drops, sums: sums(&audited), discrepancies })
}

async fn last_of(stack: &Stack, sender: &Person, drop: &str) -> Result<DropEnd> {
    let body = see(stack, sender, drop).await?;
    Ok(DropEnd {
        status: text(&body, "status")?,
        claims: number(&body, "claims_count")?,
        submissions: number(&body, "submissions_count")?,
        payout_cents: body["payout_cents"].as_i64(),
    })
}
