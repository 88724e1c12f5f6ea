//! Histories: a concurrent run against the real local stack, with functions and a database that are killed
//! while they work, and checkers of what its clients saw.

pub mod bank;
mod client;
mod database;
mod faults;
mod fleet;
mod functions;
mod gateway;
pub mod history;
pub mod objects;
pub mod porcupine;
mod report;
mod run;
mod saboteur;
mod stack;
mod workload;

use std::path::PathBuf;

use anyhow::Result;

pub use database::serve as serve_database;
pub use porcupine::Checker;
pub use report::Report;

use crate::history::History;
use crate::porcupine::Verdict;

/// The settings of a run.
#[derive(Clone, Debug)]
pub struct Options {
    /// The seed of all choices.
    pub seed: u64,
    /// Time for which clients send requests, in seconds.
    pub seconds: u64,
    /// Most operations. A run has a fifth of them at least, and goes on longer for it on a busy machine.
    pub operations: u64,
    /// Number of clients.
    pub clients: usize,
    /// Number of processes to kill. Every fourth one is the database's, and there is at least one if there
    /// are three.
    pub kills: usize,
    /// Time from the start of the load until which requests with an unknown outcome are repeated, in
    /// seconds. The lease of a first try that died lasts 30 seconds.
    pub repeat_seconds: u64,
    /// True to plant one lost update between the functions and the database.
    pub lost_update: bool,
    /// This package's program, which serves the database.
    pub program: PathBuf,
    /// Folder for the history and everything that belongs to it.
    pub folder: PathBuf,
}

/// The verdict about a history.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// Violations of the bank invariant, one line each.
    pub bank: Vec<String>,
    /// The verdict about each object; empty without Go.
    pub objects: Vec<Verdict>,
    /// Time that the checkers took, in seconds.
    pub seconds: f64,
}

impl Judgement {
    /// The objects that Porcupine did not accept.
    pub fn rejected(&self) -> impl Iterator<Item = &Verdict> {
        self.objects.iter().filter(|verdict| verdict.result != "Ok")
    }

    /// True if every checker accepts the history.
    pub fn accepts(&self) -> bool {
        self.bank.is_empty() && self.rejected().next().is_none()
    }
}

/// Checks a history. Pictures of rejected objects go into the folder.
///
/// # Errors
/// Fails if the checker's program fails.
pub fn judge(history: &History, checker: &Checker, folder: &std::path::Path) -> Result<Judgement> {
    let began = std::time::Instant::now();
    let bank = bank::check(history);
    let objects = checker.check(&objects::objects(history), folder)?;
    Ok(Judgement { bank, objects, seconds: began.elapsed().as_secs_f64() })
}

/// Runs the stack and the load, and returns the history. It is also written to `history.jsonl` in the
/// folder.
///
/// # Errors
/// Fails if a part of the stack does not start, or if the run cannot be brought to its end.
pub async fn run(options: &Options) -> Result<History> {
    run::run(options).await
}
