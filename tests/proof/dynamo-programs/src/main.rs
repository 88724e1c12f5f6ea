//! `cargo dynamo-programs`: random programs on the model, the embedded database and moto.

use std::collections::BTreeMap;
use std::time::Instant;

use anyhow::{Result, ensure};
use clap::Parser;
use clorp_dynamo_programs::program::Program;
use clorp_dynamo_programs::recorded::Recorder;
use clorp_dynamo_programs::rig::{Other, Rig};
use serde_json::json;
use tokio::task::block_in_place;

/// Runs random programs of DynamoDB calls on the model of the documentation and on the embedded database, and
/// compares each answer and each table. Fails at a difference that has no name.
#[derive(Parser)]
#[command(name = "cargo dynamo-programs")]
struct Args {
    /// Number of programs.
    #[arg(long, default_value_t = 1000)]
    count: u64,
    /// Run what the backend itself asks of its table in this many simulated seeds, in place of random
    /// programs.
    #[arg(long, value_name = "SEEDS")]
    recorded: Option<u64>,
    /// Compare moto's database too.
    #[arg(long)]
    moto: bool,
    /// Compare moto's database only.
    #[arg(long)]
    only_moto: bool,
    /// Seed of the first program; the next ones have the seeds behind it. Random by default.
    #[arg(long)]
    seed: Option<u64>,
    /// Go on behind an unknown difference, and print at most this many.
    #[arg(long, default_value_t = 1)]
    failures: usize,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

#[tokio::main]
async fn main() -> Result<()> {
    let args = Args::parse();
    let first = args.seed.unwrap_or_else(|| u64::from(rand::random::<u32>()));
    let others: &[Other] = match (args.moto, args.only_moto) {
        (_, true) => &[Other::Moto],
        (true, false) => &[Other::Embedded, Other::Moto],
        (false, false) => &[Other::Embedded],
    };
    let mut rig = Rig::start(others).await?;
    let recorder = args.recorded.map(|_| block_in_place(Recorder::new)).transpose()?;
    let count = args.recorded.unwrap_or(args.count);
    let start = Instant::now();
    let (mut steps, mut programs) = (0, 0);
    let mut known: BTreeMap<&str, u64> = BTreeMap::new();
    let mut failures = Vec::new();
    for seed in first..first.saturating_add(count) {
        let program = Program::random(seed);
        let calls = match &recorder {
            Some(recorder) => block_in_place(|| recorder.calls(seed))?,
            None => program.calls(),
        };
        programs += 1;
        steps += calls.len();
        let findings = rig.run(&calls).await?;
        for name in findings.iter().filter_map(|finding| finding.known.as_deref()).flatten() {
            *known.entry(name).or_default() += 1;
        }
        let Some(finding) = findings.iter().find(|finding| finding.known.is_none()) else { continue };
        let name = finding.other.name();
        if recorder.is_some() {
            eprintln!("seed {seed}, step {}, {name}:\n{}", finding.step, finding.report);
        } else {
            let (program, finding) = rig.shrink(program, finding.clone()).await?;
            eprintln!("seed {seed}, {name}:\n{}\n", finding.report);
            for call in program.calls() {
                eprintln!("    {} {}", call.operation, call.request);
            }
        }
        failures.push(seed);
        if failures.len() >= args.failures {
            break;
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    if args.json {
        let figures = json!({
            "programs": programs,
            "calls": steps,
            "first_seed": first,
            "seconds": seconds,
            "known_differences": known,
            "failures": failures,
        });
        println!("{figures}");
    } else {
        println!("{programs} programs of {steps} calls from seed {first} in {seconds:.1} s");
        for (name, times) in &known {
            println!("{times:>7} × {name}");
        }
    }
    ensure!(failures.is_empty(), "{} programs differ without a name", failures.len());
    Ok(())
}
