//! `cargo judge-fit`: fits the weights of the embedded judge to a set of races.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Parser;
use clorp_judge_bench::fit::{fit, sample};
use clorp_judge_bench::set::read;

/// Fits the weights of the embedded judge, and writes them into its source.
#[derive(Parser)]
#[command(name = "cargo judge-fit")]
struct Args {
    /// Set of races, as JSON lines.
    #[arg(long, value_name = "FILE")]
    set: Option<PathBuf>,
    /// File to write; the judge's own if left out.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let set = args.set.unwrap_or_else(|| here.join("races/fit.jsonl"));
    let out = args.out.unwrap_or_else(|| here.join("../../shared/judge/src/weights.rs"));
    let (mut names, mut samples) = (Vec::new(), Vec::new());
    for race in read(&set)? {
        let (found, sample) = sample(&race).with_context(|| race.id.clone())?;
        if !found.is_empty() {
            names = found;
        }
        samples.push(sample);
    }
    let fitted = fit(names, &samples);
    std::fs::write(&out, fitted.source()).with_context(|| format!("cannot write {}", out.display()))?;
    println!("{} races fitted, weights written to {}", samples.len(), out.display());
    Ok(())
}
