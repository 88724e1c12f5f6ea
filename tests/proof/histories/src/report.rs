//! The figures of a run.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::Judgement;
use crate::history::{Fault, History, Outcome};

/// Counts of the outcomes of one kind of operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Outcomes {
    /// Operations that took effect.
    pub ok: usize,
    /// Refused operations.
    pub fail: usize,
    /// Operations with an unknown outcome.
    pub unknown: usize,
}

/// The figures of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Report {
    /// The seed.
    pub seed: u64,
    /// True if every checker accepts the history.
    pub accepted: bool,
    /// True if the linearisability check ran, for which Go is needed.
    pub linearisability_checked: bool,
    /// Operations of all kinds, without those of schedules and of Stripe.
    pub operations: usize,
    /// Outcomes by kind of operation.
    pub outcomes: BTreeMap<&'static str, Outcomes>,
    /// Requests that were sent again with the same key.
    pub repetitions: usize,
    /// Operations whose outcome became known by a repetition.
    pub resolved: usize,
    /// Kills of instances by function.
    pub kills: BTreeMap<String, usize>,
    /// Kills of instances that were answering a request.
    pub kills_while_busy: usize,
    /// Kills and restarts of the database.
    pub database_restarts: usize,
    /// Audits of the table on disk after a kill.
    pub images: usize,
    /// Lost updates that were planted.
    pub planted: usize,
    /// Instances that ended by themselves.
    pub deaths: usize,
    /// Wallets and drops.
    pub objects: usize,
    /// Operations on them.
    pub steps: usize,
    /// Time that the checkers took, in seconds.
    pub checker_seconds: f64,
    /// Violations of the bank invariant.
    pub bank: Vec<String>,
    /// Objects that are not linearisable, or not within the time limit.
    pub rejected: Vec<String>,
}

impl Report {
    /// The figures of a history and its verdict.
    pub fn new(history: &History, judgement: &Judgement) -> Self {
        let mut report = Self {
            seed: history.start.seed,
            accepted: judgement.accepts(),
            linearisability_checked: !judgement.objects.is_empty(),
            images: history.images.len(),
            checker_seconds: judgement.seconds,
            bank: judgement.bank.clone(),
            rejected: judgement.rejected().map(describe).collect(),
            ..Self::default()
        };
        for operation in history.operations().iter().filter(|operation| operation.user.is_some()) {
            report.operations += 1;
            let outcomes = report.outcomes.entry(operation.action.kind()).or_default();
            match operation.outcome {
                Outcome::Ok(_) => outcomes.ok += 1,
                Outcome::Fail { .. } => outcomes.fail += 1,
                Outcome::Unknown => outcomes.unknown += 1,
            }
        }
        report.count_repetitions(history);
        for fault in &history.faults {
            match fault {
                Fault::Instance { function, busy, .. } => {
                    *report.kills.entry(function.clone()).or_default() += 1;
                    report.kills_while_busy += usize::from(*busy);
                }
                Fault::Database { .. } => report.database_restarts += 1,
                Fault::LostUpdate { .. } => report.planted += 1,
                Fault::Death { .. } => report.deaths += 1,
            }
        }
        let objects = crate::objects::objects(history);
        report.objects = objects.len();
        report.steps = objects.iter().map(|object| object.operations.len()).sum();
        report
    }

    fn count_repetitions(&mut self, history: &History) {
        use crate::history::Step;
        let mut repeated = std::collections::BTreeSet::new();
        for event in &history.events {
            if event.step == Step::Again {
                self.repetitions += 1;
                repeated.insert(event.op);
            }
        }
        let known = |op: &u64| {
            let of = history.events.iter().rev().find(|event| event.op == *op);
            of.is_some_and(|event| matches!(event.step, Step::Ok { .. } | Step::Fail { .. }))
        };
        self.resolved = repeated.iter().filter(|op| known(op)).count();
    }
}

fn describe(verdict: &crate::porcupine::Verdict) -> String {
    let drawing =
        verdict.drawing.as_ref().map(|path| format!(", see {}", path.display())).unwrap_or_default();
    format!("{} is {}{drawing}", verdict.name, verdict.result)
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.accepted { "accepted" } else { "REJECTED" };
        writeln!(f, "seed {}: {verdict}", self.seed)?;
        writeln!(f, "  {:<10} {:>6} {:>6} {:>8}", "operation", "ok", "fail", "unknown")?;
        for (kind, Outcomes { ok, fail, unknown }) in &self.outcomes {
            writeln!(f, "  {kind:<10} {ok:>6} {fail:>6} {unknown:>8}")?;
        }
        let Self { operations, repetitions, resolved, .. } = self;
        writeln!(
            f,
            "  {operations} operations, {repetitions} repetitions, {resolved} outcomes found by them"
        )?;
        let kills: usize = self.kills.values().sum();
        let Self { kills_while_busy, database_restarts, images, deaths, .. } = self;
        writeln!(f, "  {kills} instances killed ({kills_while_busy} while busy): {:?}", self.kills)?;
        writeln!(
            f,
            "  {database_restarts} database restarts, {images} audits of the table on disk, {deaths} deaths"
        )?;
        let Self { objects, steps, checker_seconds, planted, .. } = self;
        let porcupine = if self.linearisability_checked { "" } else { " (not checked: Go is missing)" };
        writeln!(
            f,
            "  {steps} operations on {objects} wallets and drops{porcupine}, {checker_seconds:.2} s"
        )?;
        if *planted > 0 {
            writeln!(f, "  {planted} lost update planted")?;
        }
        self.bank.iter().chain(&self.rejected).try_for_each(|line| writeln!(f, "  - {line}"))
    }
}
