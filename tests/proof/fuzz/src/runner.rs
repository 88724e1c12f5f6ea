//! Runs of a target.

use std::time::{Duration, Instant};

use proptest::test_runner::{
    Config, FailurePersistence, FileFailurePersistence, RngAlgorithm, TestCaseError, TestError, TestRng,
    TestRunner,
};

use crate::{Target, corpus, input};

/// Cases of one seed in a long run.
const BATCH: u32 = 200;
/// Failures after which a long run of a target ends, because more say little.
const MOST_FAILURES: usize = 3;

/// A fault that a run has found.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Seed of the cases; `None` for an input of the corpus.
    pub seed: Option<u64>,
    /// The property that does not hold, or the panic's message.
    pub reason: String,
    /// The input, as small as it could be made.
    pub input: Vec<u8>,
}

/// The outcome of a long run.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Number of inputs that were read.
    pub cases: u64,
    /// Duration of the run.
    pub elapsed: Duration,
    /// Faults that were found.
    pub failures: Vec<Failure>,
}

/// Reads the corpus of a target.
///
/// # Errors
/// The first fault.
pub fn replay(target: &Target) -> Result<usize, Failure> {
    let inputs = corpus::read(target);
    for (name, input) in &inputs {
        check(target, input).map_err(|reason| Failure {
            seed: None,
            reason: format!("{name}: {reason}"),
            input: input.clone(),
        })?;
    }
    Ok(inputs.len())
}

/// Checks one input. A panic is an error, too.
///
/// # Errors
/// The property that does not hold, or the panic's message.
pub fn check(target: &Target, input: &[u8]) -> Result<(), String> {
    let checked = std::panic::catch_unwind(|| (target.check)(input));
    checked.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        Err(format!("panic: {}", text.unwrap_or("without a message")))
    })
}

/// Reads so many inputs made from a seed. The same seed makes the same inputs, as long as the corpus is the
/// same.
///
/// # Errors
/// The first fault, with an input that was made as small as possible.
pub fn run_seed(target: &Target, seed: u64, cases: u32) -> Result<(), Failure> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let failed = run(target, TestRunner::new_with_rng(config(cases, None), rng));
    failed.map_err(|(reason, input)| Failure { seed: Some(seed), reason, input })
}

/// Reads inputs made from fresh seeds until the time is over.
pub fn run_for(target: &Target, time: Duration) -> Tally {
    let began = Instant::now();
    let mut tally = Tally::default();
    tally.failures.extend(replay(target).err());
    while began.elapsed() < time && tally.failures.len() < MOST_FAILURES {
        tally.failures.extend(run_seed(target, rand::random(), BATCH).err());
        tally.cases += u64::from(BATCH);
    }
    tally.elapsed = began.elapsed();
    tally
}

/// Reads the corpus, the seeds that failed before, and so many inputs of a fresh seed. `regressions` is the
/// file that keeps the seeds.
///
/// # Errors
/// The first fault, with an input that was made as small as possible.
pub fn test(target: &Target, cases: u32, regressions: &'static str) -> Result<(), Failure> {
    replay(target)?;
    let seeds = Box::new(FileFailurePersistence::Direct(regressions));
    let failed = run(target, TestRunner::new(config(cases, Some(seeds))));
    failed.map_err(|(reason, input)| Failure { seed: None, reason, input })
}

fn config(cases: u32, failure_persistence: Option<Box<dyn FailurePersistence>>) -> Config {
    let source_file = Some(file!());
    Config {
        cases,
        failure_persistence,
        source_file,
        max_shrink_iters: 5_000,
        max_shrink_time: 20_000,
        ..Config::default()
    }
}

fn run(target: &Target, mut runner: TestRunner) -> Result<(), (String, Vec<u8>)> {
    let ran = runner.run(&input::inputs(target), |input| check(target, &input).map_err(TestCaseError::fail));
    ran.map_err(|error| match error {
        TestError::Fail(reason, input) => (reason.message().to_owned(), input),
        TestError::Abort(reason) => (reason.message().to_owned(), Vec::new()),
    })
}
