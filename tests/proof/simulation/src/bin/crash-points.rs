//! `cargo crash-points`: fails every call of every scenario once in every way.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::Result;
use clap::Parser;
use clorp_simulation::crash::{Crash, DEATHS, Effect, Scenario, points, scenarios, strike};
use clorp_simulation::faults::{Fault, Point};
use clorp_simulation::run::Ground;
use serde_json::json;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Fails every call that leaves a process once, repeats the request, and compares the effect with that of a
/// run without a fault.
#[derive(Debug, Parser)]
#[command(name = "cargo crash-points")]
struct Arguments {
    /// Lets processes die before and after each call, and leaves out all other kinds of faults.
    #[arg(long)]
    deaths: bool,
    /// Runs only the scenarios whose names contain this.
    #[arg(long, default_value = "")]
    only: String,
    /// Prints the figures as JSON.
    #[arg(long)]
    json: bool,
}

/// One run: a scenario with a fault at a point.
struct Job<'a> {
    scenario: &'a Scenario,
    effect: Effect,
    at: Point,
    fault: Fault,
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let began = Instant::now();
    let scenarios: Vec<Scenario> =
        scenarios().into_iter().filter(|scenario| scenario.name.contains(&arguments.only)).collect();
    let mut jobs = Vec::new();
    let (mut counted, ground) = (BTreeMap::new(), Ground::new()?);
    for scenario in &scenarios {
        let (points, effect) = points(&ground, scenario)?;
        counted.insert(scenario.name, points.len());
        for (at, possible) in points {
            let wanted = |fault: &Fault| !arguments.deaths || DEATHS.contains(fault);
            let faults = possible.into_iter().filter(wanted);
            jobs.extend(faults.map(|fault| Job { scenario, effect: effect.clone(), at, fault }));
        }
    }
    let crashes = run(&jobs)?;
    let seconds = began.elapsed().as_secs_f64();
    if arguments.json {
        let lines: Vec<_> = crashes.iter().map(|crash| format!("{crash:?}")).collect();
        let figures = json!({ "points": counted, "runs": jobs.len(), "seconds": seconds, "failures": lines });
        println!("{figures}");
    } else {
        counted.iter().for_each(|(name, points)| println!("{name:<50}{points:>6} points"));
        crashes.iter().for_each(|crash| println!("{crash:#?}"));
        println!("{} runs in {seconds:.1} s, {} failures", jobs.len(), crashes.len());
    }
    Ok(if crashes.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs all jobs, on every core.
fn run(jobs: &[Job<'_>]) -> Result<Vec<Crash>> {
    let (next, crashes) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || -> Result<()> {
        let ground = Ground::new()?;
        while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
            let crash = strike(&ground, job.scenario, &job.effect, job.at, job.fault)?;
            if let (Some(crash), Ok(mut crashes)) = (crash, crashes.lock()) {
                crashes.push(crash);
            }
        }
        Ok(())
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let ended = |_| anyhow::anyhow!("a thread panicked");
        workers.into_iter().try_for_each(|worker| worker.join().map_err(ended)?)
    })?;
    Ok(crashes.into_inner().unwrap_or_default())
}
