//! `cargo simulate`: runs seeds, counts what happened, and shrinks what fails.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use anyhow::Result;
use clap::Parser;
use clorp_simulation::api_model::compare_sequences;
use clorp_simulation::faults::{Fault, Weather};
use clorp_simulation::plan::Plan;
use clorp_simulation::run::{Ground, Outcome};
use clorp_simulation::shrink::shrink;
use serde_json::{Value, json};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Simulates the whole backend under faults. Each seed is one run, and the same seed always runs alike.
#[derive(Debug, Parser)]
#[command(name = "cargo simulate")]
struct Arguments {
    /// Number of seeds.
    #[arg(long, default_value_t = 1_000)]
    seeds: u64,
    /// First seed.
    #[arg(long, default_value_t = 1)]
    from: u64,
    /// Runs this seed alone and tells what happens.
    #[arg(long)]
    seed: Option<u64>,
    /// Compares this many random sequences of requests with a reference model, in place of seeds.
    #[arg(long, value_name = "SEQUENCES")]
    api_model: Option<u32>,
    /// Runs without shrinking a failure.
    #[arg(long)]
    no_shrink: bool,
    /// Ends at the first failing seed.
    #[arg(long)]
    stop: bool,
    /// Number of threads; by default one for each core.
    #[arg(long)]
    threads: Option<usize>,
    /// Prints the figures as JSON.
    #[arg(long)]
    json: bool,
}

/// What all runs counted.
#[derive(Debug, Default)]
struct Totals {
    faults: BTreeMap<&'static str, u64>,
    transitions: BTreeMap<String, u64>,
    seeds: u64,
    calls: u64,
    failures: Vec<Failure>,
}

#[derive(Debug)]
struct Failure {
    seed: u64,
    violations: Vec<String>,
    plan: Plan,
    faults: Vec<String>,
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    if let Some(seed) = arguments.seed {
        return tell(seed);
    }
    if let Some(sequences) = arguments.api_model {
        return compare(sequences, arguments.json);
    }
    let threads = arguments.threads.or_else(|| std::thread::available_parallelism().ok().map(usize::from));
    let threads = threads.unwrap_or(1).max(1);
    let totals = Mutex::new(Totals::default());
    let next = AtomicU64::new(arguments.from);
    let end = arguments.from + arguments.seeds;
    let began = Instant::now();
    let outcomes: Vec<Result<()>> = std::thread::scope(|scope| {
        let work = || work(&arguments, &next, end, &totals);
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let ended = |_| anyhow::anyhow!("a thread panicked");
        workers.into_iter().map(|worker| worker.join().map_err(ended)?).collect()
    });
    outcomes.into_iter().collect::<Result<()>>()?;
    let seconds = began.elapsed().as_secs_f64();
    let mut totals = totals.into_inner().unwrap_or_default();
    totals.failures.sort_by_key(|failure| failure.seed);
    if arguments.json {
        println!("{}", figures(&totals, seconds));
    } else {
        print(&totals, seconds);
    }
    Ok(if totals.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Compares sequences of requests with the reference model.
fn compare(sequences: u32, as_json: bool) -> Result<ExitCode> {
    let began = Instant::now();
    let compared = compare_sequences(sequences, None);
    let seconds = began.elapsed().as_secs_f64();
    if as_json {
        println!(
            "{}",
            json!({ "sequences": sequences, "seconds": seconds, "failure": compared.as_ref().err() })
        );
    } else {
        println!("{sequences} sequences in {seconds:.1} s: {compared:?}");
    }
    Ok(if compared.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs seeds until none is left.
fn work(arguments: &Arguments, next: &AtomicU64, end: u64, totals: &Mutex<Totals>) -> Result<()> {
    let ground = Ground::new()?;
    loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= end {
            return Ok(());
        }
        let plan = Plan::of_seed(seed);
        let outcome = ground.run(&plan, Weather::of_seed(seed, plan.muted.clone()), false)?;
        let failed = !outcome.violations.is_empty();
        count(totals, &outcome);
        if failed {
            if arguments.stop {
                next.store(end, Ordering::Relaxed);
            }
            let (plan, outcome) =
                if arguments.no_shrink { (plan, outcome) } else { shrink(&ground, plan, outcome)? };
            let faults = outcome.struck.iter().map(|(at, fault)| format!("{} at {at:?}", fault.name()));
            let failure = Failure { seed, faults: faults.collect(), violations: outcome.violations, plan };
            if let Ok(mut totals) = totals.lock() {
                totals.failures.push(failure);
            }
        }
    }
}

fn count(totals: &Mutex<Totals>, outcome: &Outcome) {
    let Ok(mut totals) = totals.lock() else { return };
    totals.seeds += 1;
    totals.calls += outcome.watch.calls;
    for (_, fault) in &outcome.struck {
        *totals.faults.entry(fault.name()).or_default() += 1;
    }
    for ((kind, from, to), times) in &outcome.watch.transitions {
        let from = if from.is_empty() { "(none)" } else { from };
        *totals.transitions.entry(format!("{kind}: {from} -> {to}")).or_default() += times;
    }
}

fn figures(totals: &Totals, seconds: f64) -> Value {
    let failures: Vec<Value> = totals
        .failures
        .iter()
        .map(|failure| {
            let Failure { seed, violations, plan, faults } = failure;
            json!({ "seed": seed, "violations": violations, "faults": faults, "plan": plan })
        })
        .collect();
    json!({
        "seeds": totals.seeds,
        "seconds": seconds,
        "seeds_per_second": totals.seeds as f64 / seconds,
        "table_calls": totals.calls,
        "faults": totals.faults,
        "transitions": totals.transitions,
        "failures": failures,
    })
}

fn print(totals: &Totals, seconds: f64) {
    for failure in &totals.failures {
        println!("seed {} fails:", failure.seed);
        failure.violations.iter().for_each(|line| println!("    {line}"));
        println!("  after");
        let mut steps = failure.plan.steps.clone();
        steps.sort_by_key(|step| step.at_millis);
        for step in steps {
            println!("    {}", serde_json::to_string(&step).unwrap_or_default());
        }
        failure.faults.iter().for_each(|line| println!("    {line}"));
        println!("  `cargo simulate --seed {}` tells everything.", failure.seed);
    }
    let seeds = totals.seeds;
    println!("{seeds} seeds in {seconds:.1} s, {:.0} a second", seeds as f64 / seconds);
    println!("{} calls of the table", totals.calls);
    println!("faults:");
    for fault in Fault::ALL {
        println!(
            "  {:<28}{:>12}",
            fault.name(),
            totals.faults.get(fault.name()).copied().unwrap_or_default()
        );
    }
    println!("transitions:");
    totals.transitions.iter().for_each(|(what, times)| println!("  {what:<40}{times:>12}"));
    println!("{} failures", totals.failures.len());
}

/// Runs one seed and tells what happens.
fn tell(seed: u64) -> Result<ExitCode> {
    let ground = Ground::new()?;
    let plan = Plan::of_seed(seed);
    let outcome = ground.run(&plan, Weather::of_seed(seed, plan.muted.clone()), true)?;
    outcome.watch.story.iter().flatten().for_each(|line| println!("{line}"));
    println!("{}", serde_json::to_string(&plan)?);
    for (at, fault) in &outcome.struck {
        println!("{} at {at:?}", fault.name());
    }
    println!("digest {:016x}", outcome.digest);
    outcome.violations.iter().for_each(|line| println!("VIOLATION {line}"));
    Ok(if outcome.violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
