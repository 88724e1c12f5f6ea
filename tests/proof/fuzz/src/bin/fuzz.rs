//! `cargo fuzz-inputs` reads generated inputs for minutes, and `cargo fuzz-growth` measures the time that
//! larger inputs take.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::{Args, Parser};
use clorp_fuzz::growth::{Growth, measure};
use clorp_fuzz::runner::{Failure, Tally, run_for, run_seed};
use clorp_fuzz::{TARGETS, Target, corpus, target};
use serde_json::{Value, json};

#[derive(Parser)]
#[command(name = "clorp-fuzz")]
enum Command {
    /// Read inputs made from fresh seeds, and keep those that fail in the corpus.
    ///
    /// A target is a parser, or a group of them. Each run prints the number of inputs of each target, and for
    /// each fault its seed and the smallest input that was found. Ends with status 1 if there was a fault.
    #[command(name = "inputs", bin_name = "cargo fuzz-inputs")]
    Inputs(Inputs),
    /// Measure how the time of each target grows with the size of hostile inputs.
    ///
    /// Ends with status 1 if a time grows faster than the size to the power of 1.6, or if an input fails.
    #[command(name = "growth", bin_name = "cargo fuzz-growth")]
    Growing(Growing),
}

#[derive(Args)]
struct Inputs {
    /// Minutes in all, of which each target has the same share.
    #[arg(long, value_name = "N", default_value_t = 5.0)]
    minutes: f64,
    /// Target to run; may be repeated. Default: all.
    #[arg(long = "target", value_name = "T")]
    targets: Vec<String>,
    /// Seed to run again, once for each target, instead of fresh ones.
    #[arg(long, value_name = "SEED")]
    seed: Option<u64>,
    /// Print the figures as one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct Growing {
    /// Target to measure; may be repeated. Default: all.
    #[arg(long = "target", value_name = "T")]
    targets: Vec<String>,
    /// Print the figures as one JSON object.
    #[arg(long)]
    json: bool,
}

fn main() -> Result<ExitCode> {
    // Panics are results here. Their messages are part of the report.
    std::panic::set_hook(Box::new(|_| {}));
    let passed = match Command::parse() {
        Command::Inputs(args) => inputs(&args)?,
        Command::Growing(args) => growth(&args)?,
    };
    Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The targets with these names; all without one.
fn chosen(names: &[String]) -> Result<Vec<&'static Target>> {
    if names.is_empty() {
        return Ok(TARGETS.iter().collect());
    }
    let known = || TARGETS.iter().map(|target| target.name).collect::<Vec<_>>().join(", ");
    names.iter().map(|name| target(name).with_context(|| format!("no target {name}: {}", known()))).collect()
}

fn inputs(args: &Inputs) -> Result<bool> {
    let targets = chosen(&args.targets)?;
    if !(args.minutes.is_finite() && args.minutes > 0.0) {
        bail!("--minutes takes a number above zero");
    }
    let share = Duration::from_secs_f64(args.minutes * 60.0 / targets.len() as f64);
    let (mut reports, mut cases, mut failures) = (Vec::new(), 0, 0);
    for target in targets {
        let tally = match args.seed {
            Some(seed) => Tally {
                failures: run_seed(target, seed, 200).err().into_iter().collect(),
                cases: 200,
                ..Tally::default()
            },
            None => run_for(target, share),
        };
        let found =
            tally.failures.iter().map(|failure| report(target, failure)).collect::<Result<Vec<_>>>()?;
        if !args.json {
            println!(
                "{:<12} {:>9} inputs in {:>6.1} s, {} faults",
                target.name,
                tally.cases,
                tally.elapsed.as_secs_f64(),
                found.len()
            );
            for one in &found {
                println!(
                    "  seed {}, input {}: {}",
                    one["seed"],
                    one["file"],
                    one["reason"].as_str().unwrap_or_default()
                );
            }
        }
        cases += tally.cases;
        failures += found.len();
        reports.push(json!({
            "target": target.name, "cases": tally.cases, "seconds": tally.elapsed.as_secs_f64(), "failures": found,
        }));
    }
    if args.json {
        println!("{}", json!({ "cases": cases, "failures": failures, "targets": reports }));
    } else {
        println!("{cases} inputs, {failures} faults");
    }
    Ok(failures == 0)
}

/// Keeps the input of a fault, and describes it.
fn report(target: &Target, failure: &Failure) -> Result<Value> {
    let file = corpus::keep(target, &failure.input)?;
    let reason: String = failure.reason.chars().take(500).collect();
    Ok(json!({ "seed": failure.seed, "reason": reason, "bytes": failure.input.len(), "file": file }))
}

fn growth(args: &Growing) -> Result<bool> {
    let (mut reports, mut bad) = (Vec::new(), 0);
    for target in chosen(&args.targets)? {
        for shape in target.shapes {
            let growth = measure(target, shape);
            bad += usize::from(growth.is_bad());
            if !args.json {
                print_growth(&growth);
            }
            reports.push(json!({
                "target": growth.target, "shape": growth.shape, "bytes": growth.bytes,
                "millis": growth.time.as_secs_f64() * 1000.0, "exponent": growth.exponent(), "fault": growth.fault,
                "bad": growth.is_bad(),
            }));
        }
    }
    if args.json {
        println!("{}", json!({ "shapes": reports.len(), "bad": bad, "growth": reports }));
    } else {
        println!("{} shapes, {bad} of them bad", reports.len());
    }
    Ok(bad == 0)
}

fn print_growth(growth: &Growth) {
    let exponent = growth.exponent().map_or_else(|| "-".to_owned(), |exponent| format!("{exponent:.2}"));
    let millis = growth.time.as_secs_f64() * 1000.0;
    let mark = if growth.is_bad() { "BAD" } else { "" };
    let fault: String = growth.fault.iter().flat_map(|fault| fault.chars().take(200)).collect();
    println!(
        "{:<12} {:<30} {:>8} bytes {millis:>10.2} ms {exponent:>6} {mark} {fault}",
        growth.target, growth.shape, growth.bytes
    );
}
