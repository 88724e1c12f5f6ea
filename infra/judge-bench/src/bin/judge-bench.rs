//! `cargo judge-bench`: measures a judge on a set of races with a known winner.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::{Parser, ValueEnum};
use clorp_judge_bench::answers::Answers;
use clorp_judge_bench::figures::{Figures, Measured};
use clorp_judge_bench::injections::Injection;
use clorp_judge_bench::model::{Bench, Taken};
use clorp_judge_bench::set::Race;
use clorp_judge_bench::task::Seats;
use clorp_judge_bench::{embedded, injections, set};

/// Injected submissions that the embedded judge is given unless told otherwise.
const ATTEMPTS: usize = 2000;

/// Measure a judge on a set of races with a known winner.
///
/// A language model is configured by the variables of the ranking function: CLORP_JUDGE_MODEL_URL,
/// CLORP_JUDGE_MODEL, CLORP_JUDGE_MODEL_KEY and the others. Its answers are kept in a file, and a run that
/// was interrupted continues from there.
#[derive(Parser)]
#[command(name = "cargo judge-bench")]
struct Args {
    /// Set of races, as JSON lines. Default: the races that no weight was fitted to.
    #[arg(long, value_name = "FILE")]
    set: Option<PathBuf>,
    /// Judge to measure.
    #[arg(long, value_enum, default_value_t = Judge::Embedded)]
    judge: Judge,
    /// Judge only the first races of the set.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Number of losing submissions that get an injected text and are judged again. Default: 2000 for the
    /// embedded judge, and none for a model, because each costs three calls or more.
    #[arg(long, value_name = "N")]
    injections: Option<usize>,
    /// Print the figures as one JSON object.
    #[arg(long)]
    json: bool,
    /// Seed of the orders in which a model reads the submissions.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Limit of the time of each call, in seconds. A small model on this machine may need minutes.
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<u64>,
    /// Number of calls of a model at once.
    #[arg(long, value_name = "N", default_value_t = 4)]
    concurrency: usize,
    /// File of the model's answers. Default: target/judge-bench/<set>-<model>.jsonl.
    #[arg(long, value_name = "FILE")]
    answers: Option<PathBuf>,
    /// Write the calls that are needed next to this file, as lines of a batch, and make no call.
    #[arg(long, value_name = "FILE")]
    batch_out: Option<PathBuf>,
    /// Read the results of a batch, and make no call. A race that needs more answers counts as undecided.
    #[arg(long, value_name = "FILE")]
    batch_in: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Judge {
    /// The embedded judge, which needs only the texts.
    Embedded,
    /// A language model.
    Model,
}

#[tokio::main]
async fn main() -> Result<()> {
    let args = Args::parse();
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let set = args.set.clone().unwrap_or_else(|| here.join("races/test.jsonl"));
    let mut races = set::read(&set)?;
    races.truncate(args.limit.unwrap_or(usize::MAX));
    let injections = injections::read(&here.join("races/injections.jsonl"))?;
    let measured = match args.judge {
        Judge::Embedded => {
            let batch = args.batch_in.as_ref().or(args.batch_out.as_ref());
            ensure!(batch.is_none(), "a batch needs --judge model");
            Some(embedded::measure(&races, &injections, args.injections.unwrap_or(ATTEMPTS))?)
        }
        Judge::Model => by_model(&args, &set, &races, &injections).await?,
    };
    let Some(measured) = measured else { return Ok(()) };
    let figures = Figures::new(&races, &measured);
    if args.json {
        println!("{}", serde_json::to_string_pretty(&figures)?);
    } else {
        print!("{figures}");
    }
    Ok(())
}

/// The results of a model. `None` if only a batch was to be written.
async fn by_model(
    args: &Args,
    set: &Path,
    races: &[Race],
    injections: &[Injection],
) -> Result<Option<Measured>> {
    let mut seats = Seats::from_vars(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))?;
    if let Some(timeout) = args.timeout.map(Duration::from_secs) {
        seats.first = seats.first.with_timeout(timeout);
        seats.second = seats.second.map(|second| second.with_timeout(timeout));
    }
    let path = args.answers.clone().unwrap_or_else(|| default_answers(set, seats.first.model()));
    let mut answers = Answers::open(&path)?;
    let bench = Bench::new(races, injections, args.injections.unwrap_or(0), seats, args.seed)?;
    if let Some(batch) = &args.batch_in {
        let results = std::fs::read_to_string(batch);
        let results = results.with_context(|| format!("cannot read {}", batch.display()))?;
        let taken = bench.take_batch(&results, &mut answers);
        let Taken { kept, unused } = taken.with_context(|| batch.display().to_string())?;
        eprintln!("{kept} results kept in {}, {unused} not used", path.display());
    }
    if let Some(batch) = &args.batch_out {
        let lines = bench.batch(&answers);
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        std::fs::write(batch, text).with_context(|| format!("cannot write {}", batch.display()))?;
        println!("{} calls written to {}", lines.len(), batch.display());
        return Ok(None);
    }
    if args.batch_in.is_none() {
        let open = bench.ask(&mut answers, args.concurrency).await;
        match open.with_context(|| format!("the answers so far are kept in {}", path.display()))? {
            0 => {}
            open => eprintln!("{open} judgements had no response; run the command again to continue them"),
        }
    }
    Ok(Some(bench.measure(&answers)?))
}

/// The usual file for the answers of a model about a set.
fn default_answers(set: &Path, model: &str) -> PathBuf {
    let set = set.file_stem().unwrap_or_default().to_string_lossy();
    let name: String = format!("{set}-{model}")
        .chars()
        .map(|c| if c.is_alphanumeric() || matches!(c, '-' | '.' | '_') { c } else { '-' })
        .collect();
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/judge-bench").join(format!("{name}.jsonl"))
}
