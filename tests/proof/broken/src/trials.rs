//! The trials of a build in which one condition of the store is left out.

use std::collections::VecDeque;
use std::process::{Command, ExitCode};
use std::sync::Mutex;
use std::time::Instant;

use anyhow::{Context, Result, anyhow};
use clorp_broken::conditions::{Condition, LEFT_OUT, REACHED, REDUNDANT, all};
use clorp_broken::tree::Tree;
use serde::Serialize;

/// The programs that may notice that a condition is absent, the fastest first, with their arguments.
const TRIALS: [(&str, &str, &[&str]); 3] = [
    ("simulation", "clorp-simulate", &["--stop", "--no-shrink", "--threads", "1", "--seeds", "3000"]),
    ("crash points", "clorp-crash-points", &["--deaths"]),
    ("API model", "clorp-simulate", &["--api-model", "1500"]),
];

/// The result of leaving out one condition.
#[derive(Debug, Serialize)]
struct Tried {
    /// The condition.
    condition: String,
    /// Its place.
    place: String,
    /// True if a program wrote with the condition.
    reached: bool,
    /// The program that failed, if one did.
    noticed_by: Option<&'static str>,
    /// The reason why nothing notices, if the list has one.
    redundant_because: Option<&'static str>,
    /// Duration, in seconds.
    seconds: f64,
}

impl Tried {
    const fn is_as_it_must_be(&self) -> bool {
        self.noticed_by.is_some() != self.redundant_because.is_some()
    }
}

/// Tries every condition whose name contains one of these texts, or all without a text.
pub fn run(tree: &Tree, only: &[String], as_json: bool) -> Result<ExitCode> {
    let conditions = all()?;
    let wanted = |one: &Condition| only.is_empty() || only.iter().any(|text| one.name().contains(text));
    let queue: Mutex<VecDeque<_>> = Mutex::new(conditions.into_iter().filter(wanted).collect());
    let results = Mutex::new(Vec::new());
    let work = || -> Result<()> {
        loop {
            let next = queue.lock().map_err(|_| anyhow!("a thread panicked"))?.pop_front();
            let Some(condition) = next else { return Ok(()) };
            let tried = try_without(tree, &condition)?;
            if !as_json {
                print(&tried);
            }
            results.lock().map_err(|_| anyhow!("a thread panicked"))?.push(tried);
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| worker.join().map_err(|_| anyhow!("a thread panicked"))?)
    })?;
    let results = results.into_inner().map_err(|_| anyhow!("a thread panicked"))?;
    let failed = results.iter().filter(|tried| !tried.is_as_it_must_be()).count();
    let noticed = results.iter().filter(|tried| tried.noticed_by.is_some()).count();
    if as_json {
        println!("{}", serde_json::json!({ "noticed": noticed, "failed": failed, "results": results }));
    } else {
        println!(
            "the absence of {noticed} of {} conditions is noticed, {failed} results are not as they must be",
            results.len()
        );
    }
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn try_without(tree: &Tree, condition: &Condition) -> Result<Tried> {
    let began = Instant::now();
    let (mut reached, mut noticed_by) = (false, None);
    for (name, program, arguments) in TRIALS {
        let mut command = Command::new(tree.program(program));
        let output = command.args(arguments).env(LEFT_OUT, condition.place()).output().context(program)?;
        reached |= String::from_utf8_lossy(&output.stderr).contains(REACHED);
        if !output.status.success() {
            noticed_by = Some(name);
            break;
        }
    }
    let name = condition.name();
    Ok(Tried {
        redundant_because: REDUNDANT.iter().find(|(one, _)| *one == name).map(|(_, reason)| *reason),
        condition: name,
        place: condition.place(),
        reached,
        noticed_by,
        seconds: began.elapsed().as_secs_f64(),
    })
}

fn print(tried: &Tried) {
    let verdict = match (tried.noticed_by, tried.redundant_because, tried.reached) {
        (Some(by), None, _) => format!("noticed by the {by}"),
        (Some(by), Some(_), _) => format!("NOTICED by the {by}, and listed as redundant"),
        (None, Some(reason), _) => format!("redundant: {reason}"),
        (None, None, true) => "NOTHING notices".to_owned(),
        (None, None, false) => "NOTHING writes with it".to_owned(),
    };
    println!("{:<100}{verdict}, {:.0} s", tried.condition, tried.seconds);
}
