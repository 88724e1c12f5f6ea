//! `cargo test-on-moto`: the integration tests on moto in place of the embedded servers.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use clorp_tests::database::AWS_VARIABLE;
use clorp_tests::moto::{COVERED, Difference, EXCLUDED, covered, excluded};
use serde_json::json;

/// Runs integration tests on moto's DynamoDB, S3 and SQS, in place of the embedded servers. Tests that moto
/// cannot pass because it differs from AWS are excluded, each for a named difference.
#[derive(Parser)]
#[command(name = "cargo test-on-moto", after_help = modules())]
struct Args {
    /// Run the tests whose path contains this text, in whatever module; by default the tests of the modules
    /// below.
    filter: Option<String>,
    /// Run the excluded tests instead, and fail if one of them passes. Tests that are excluded because moto
    /// is slow are left out.
    #[arg(long)]
    check_exclusions: bool,
    /// Number of tests at once; by default the number of cores.
    #[arg(long)]
    threads: Option<usize>,
    /// Print one JSON object, after the output of the tests on standard error.
    #[arg(long)]
    json: bool,
}

/// The outcomes of a run.
#[derive(Debug, Default)]
struct Outcomes {
    passed: BTreeSet<String>,
    failed: BTreeSet<String>,
}

/// The modules that run by default.
fn modules() -> String {
    format!("Modules that run without a filter: {}", COVERED.join(" "))
}

fn main() -> Result<()> {
    let args = Args::parse();
    let chosen = |test: &String| match &args.filter {
        Some(filter) => test.contains(filter),
        None => covered(test),
    };
    let all: Vec<String> = list()?.into_iter().filter(chosen).collect();
    let (left_out, fit): (Vec<String>, Vec<String>) =
        all.into_iter().partition(|test| excluded(test).is_some());
    let steady: Vec<String> =
        left_out.iter().filter(|test| excluded(test) != Some(Difference::RealTime)).cloned().collect();
    let tests = if args.check_exclusions { &steady } else { &fit };
    ensure!(!tests.is_empty(), "no test matches, or all that do are left out");
    let began = Instant::now();
    let outcomes = run(tests, args.threads)?;
    let seconds = began.elapsed().as_secs_f64();
    let lost = tests.len() - outcomes.passed.len() - outcomes.failed.len();
    let reasons = reasons(&left_out);
    if args.json {
        let figures = json!({
            "passed": outcomes.passed.len(), "failed": outcomes.failed, "without_result": lost,
            "excluded": if args.check_exclusions { BTreeMap::new() } else { reasons }, "seconds": seconds,
        });
        println!("{figures}");
    } else {
        println!("{} passed, {} failed, in {seconds:.0} s", outcomes.passed.len(), outcomes.failed.len());
        for (reason, count) in reasons.iter().filter(|_| !args.check_exclusions) {
            println!("{count:>4} excluded: {reason}");
        }
    }
    ensure!(lost == 0, "{lost} tests have no result, because their process ended before");
    if args.check_exclusions {
        let needless = Vec::from_iter(&outcomes.passed);
        ensure!(needless.is_empty(), "these tests pass on moto, so they need no exclusion: {needless:#?}");
    } else {
        ensure!(outcomes.failed.is_empty(), "these tests fail on moto: {:#?}", outcomes.failed);
    }
    Ok(())
}

/// The number of excluded tests by difference.
fn reasons(tests: &[String]) -> BTreeMap<String, usize> {
    let mut reasons = BTreeMap::new();
    for (difference, of) in EXCLUDED {
        let count = tests.iter().filter(|test| of.contains(&test.as_str())).count();
        if count > 0 {
            reasons.insert(format!("{difference:?}"), count);
        }
    }
    reasons
}

/// The driver, with arguments for its test harness.
fn driver(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
    command.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("..")).env(AWS_VARIABLE, "moto");
    command.args(["test", "--quiet", "--test", "main", "--"]).args(arguments);
    command
}

/// The paths of all tests.
fn list() -> Result<Vec<String>> {
    let output = driver(&["--list", "--format", "terse"]).stderr(Stdio::inherit()).output()?;
    ensure!(output.status.success(), "the tests do not build");
    let text = String::from_utf8(output.stdout)?;
    Ok(text.lines().filter_map(|line| line.strip_suffix(": test")).map(str::to_owned).collect())
}

/// Runs these tests, and repeats their output on standard error.
fn run(tests: &[String], threads: Option<usize>) -> Result<Outcomes> {
    let mut arguments = vec!["--exact", "--format", "pretty"];
    let threads = threads.map(|threads| threads.to_string());
    if let Some(threads) = &threads {
        arguments.extend(["--test-threads", threads]);
    }
    arguments.extend(tests.iter().map(String::as_str));
    let mut process = driver(&arguments).stdout(Stdio::piped()).spawn()?;
    let output = process.stdout.take().context("the output of the tests")?;
    let mut outcomes = Outcomes::default();
    for line in BufReader::new(output).lines() {
        let line = line?;
        match line.strip_prefix("test ").and_then(|line| line.split_once(" ... ")) {
            Some((test, "ok")) => drop(outcomes.passed.insert(test.to_owned())),
            Some((test, "FAILED")) => drop(outcomes.failed.insert(test.to_owned())),
            _ => {}
        }
        eprintln!("{line}");
    }
    // The outcomes tell more than the status, which is a failure if one test fails.
    process.wait()?;
    Ok(outcomes)
}
