//! `cargo histories`: runs the local stack with faults, and checks the histories of its clients.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, ensure};
use clap::{Args, Parser, Subcommand, ValueEnum};
use clorp_histories::history::History;
use clorp_histories::{Checker, Options, Report, judge, run, serve_database};
use clorp_stand_in::files::workspace_root;

/// Run the local stack, kill its processes, and check what its clients saw.
///
/// Clients post drops, claim, submit, cancel, top up and withdraw through real HTTP. Instances of functions
/// and the database's process are killed while they work. The record of all requests must satisfy the bank
/// invariant, and each wallet and each drop must be linearisable, which Porcupine checks if Go is installed.
/// The record is kept in `target/histories/<seed>`.
#[derive(Parser)]
#[command(bin_name = "cargo histories", disable_help_subcommand = true)]
struct Command {
    #[command(flatten)]
    args: Settings,
    #[command(subcommand)]
    part: Option<Part>,
}

#[derive(Args)]
struct Settings {
    /// Seed of all choices. The interleaving differs from run to run.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Number of runs, with this seed and the following ones.
    #[arg(long, value_name = "N", default_value_t = 1)]
    runs: u64,
    /// Time for which clients send requests, in seconds.
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600))]
    seconds: u64,
    /// Most operations of a run.
    #[arg(long, value_name = "N", default_value_t = 3000, value_parser = clap::value_parser!(u64).range(1..))]
    operations: u64,
    /// Number of concurrent clients.
    #[arg(long, value_name = "N", default_value_t = 18)]
    clients: usize,
    /// Number of processes to kill; every fourth one is the database's.
    #[arg(long, value_name = "N", default_value_t = 12)]
    kills: usize,
    /// Fault to plant between the functions and the database. The run must then be rejected.
    #[arg(long)]
    plant: Option<Plant>,
    /// Check this history instead of running.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["plant", "runs"])]
    check: Option<PathBuf>,
    /// Print the figures as JSON, one object for each run.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Plant {
    /// Replaces one conditional debit by a blind write of a stale balance.
    LostUpdate,
}

#[derive(Subcommand)]
enum Part {
    /// Serve the database of a run until standard input ends.
    #[command(hide = true)]
    Database {
        /// Folder of the database's files.
        folder: PathBuf,
        /// Port to listen on.
        port: u16,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    let Command { args, part } = Command::parse();
    let done = match part {
        Some(Part::Database { folder, port }) => {
            serve_database(&folder, port).await.map(|()| ExitCode::SUCCESS)
        }
        None => histories(&args).await,
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

/// Succeeds if every run is accepted, or with a planted fault if every run is rejected.
async fn histories(args: &Settings) -> Result<ExitCode> {
    let checker = Checker::build()?;
    if let Checker::Unavailable(why) = &checker {
        eprintln!("{why}; only the bank invariant is checked");
    }
    let mut as_expected = true;
    for seed in args.seed..args.seed.saturating_add(args.runs) {
        let (history, folder) = match &args.check {
            Some(file) => (History::read(file)?, file.with_extension("checked")),
            None => {
                let options = options(args, seed)?;
                (run(&options).await?, options.folder)
            }
        };
        std::fs::create_dir_all(&folder)?;
        let report = Report::new(&history, &judge(&history, &checker, &folder)?);
        std::fs::write(folder.join("report.json"), serde_json::to_string_pretty(&report)?)?;
        if args.json {
            println!("{}", serde_json::to_string(&report)?);
        } else {
            print!("{report}");
            println!("  kept in {}", folder.display());
        }
        ensure!(args.plant.is_none() || report.planted == 1, "no lost update could be planted");
        as_expected &= report.accepted == args.plant.is_none();
    }
    Ok(if as_expected { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn options(args: &Settings, seed: u64) -> Result<Options> {
    let lost_update = args.plant == Some(Plant::LostUpdate);
    Ok(Options {
        seed,
        seconds: args.seconds,
        operations: args.operations,
        clients: args.clients,
        kills: args.kills,
        repeat_seconds: args.seconds + 40,
        lost_update,
        program: std::env::current_exe()?,
        folder: workspace_root().join("target/histories").join(seed.to_string()),
    })
}
