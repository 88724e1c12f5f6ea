//! `cargo judge-bench`: measures a judge on a set of races with a known winner.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Parser;
use clorp_judge_bench::figures::Figures;
use clorp_judge_bench::{embedded, injections, set};

/// Injected submissions that the embedded judge is given unless told otherwise.
const ATTEMPTS: usize = 2000;

/// Measure a judge on a set of races with a known winner.
#[derive(Parser)]
#[command(name = "cargo judge-bench")]
struct Args {
    /// Set of races, as JSON lines. Default: the races that no weight was fitted to.
    #[arg(long, value_name = "FILE")]
    set: Option<PathBuf>,
    /// Judge only the first races of the set.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Number of injected submissions that the judge is given, spread over all losing submissions.
    #[arg(long, value_name = "N")]
    injections: Option<usize>,
    /// Print the figures as one JSON object.
    #[arg(long)]
    json: bool,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let set = args.set.unwrap_or_else(|| here.join("races/test.jsonl"));
    let mut races = set::read(&set)?;
    races.truncate(args.limit.unwrap_or(usize::MAX));
    let injections = injections::read(&here.join("races/injections.jsonl"))?;
    let measured = embedded::measure(&races, &injections, args.injections.unwrap_or(ATTEMPTS))?;
    let figures = Figures::new(&races, &measured);
    if args.json {
        println!("{}", serde_json::to_string_pretty(&figures)?);
    } else {
        print!("{figures}");
    }
    Ok(())
}
