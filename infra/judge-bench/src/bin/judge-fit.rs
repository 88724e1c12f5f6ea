//! `cargo judge-fit`: fits the weights of the embedded judge to a set of races.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Parser;
use clorp_judge_bench::fit::{Unseen, evaluate, fit, sample};
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
    /// Write nothing, and judge the races of each writer by weights that were fitted to those of the others.
    #[arg(long)]
    evaluate: bool,
    /// Print the figures as one JSON object.
    #[arg(long, requires = "evaluate")]
    json: bool,
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
    if args.evaluate {
        return print(&evaluate(&samples), args.json);
    }
    let fitted = fit(names, &samples);
    std::fs::write(&out, fitted.source()).with_context(|| format!("cannot write {}", out.display()))?;
    println!("{} races fitted, weights written to {}", samples.len(), out.display());
    Ok(())
}

/// Prints the right first places by pack.
fn print(unseen: &BTreeMap<&str, Unseen>, json: bool) -> Result<()> {
    let all = unseen.values().fold(Unseen::default(), |all, pack| Unseen {
        races: all.races + pack.races,
        right: all.right + pack.right,
    });
    if json {
        println!("{}", serde_json::json!({ "all": all, "by_pack": unseen }));
        return Ok(());
    }
    for (pack, of_pack) in unseen.iter().map(|(pack, unseen)| (*pack, unseen)).chain([("all", &all)]) {
        println!(
            "{pack:<6} {:>4} of {:>4} races of writers that the fit has not seen",
            of_pack.right, of_pack.races
        );
    }
    Ok(())
}
