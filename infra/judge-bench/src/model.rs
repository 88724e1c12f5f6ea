//! A language model as the judge of a set of races.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Error, Result};
use clorp_judge::model::{
    BatchResult, Decided, Malformed, Model, RawAnswer, Seat, Spent, Tokens, Unanswered, parse,
};
use futures::future::join_all;
use futures::stream::{self, StreamExt};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::answers::{Answers, Kept};
use crate::embedded;
use crate::figures::{Bill, Judged, Measured};
use crate::injections::{Injection, Side, sample};
use crate::set::Race;
use crate::task::{Call, Made, Seats, State, Task};

/// Limit of the time for one answer with all its retries. The limit of each call ends it far sooner.
const LONGEST_ANSWER: Duration = Duration::from_secs(6 * 3600);

/// Races that models judge, after the plain checks of the embedded judge.
#[derive(Debug)]
pub struct Bench {
    seats: Seats,
    cases: Vec<Case>,
    attacks: Vec<Attack>,
}

/// A race.
#[derive(Debug)]
struct Case {
    id: String,
    /// Verdict of the embedded judge.
    embedded: Judged,
    /// Judgement of the submissions that no plain check refused; `None` if there are fewer than two.
    task: Option<Task>,
}

/// A race in which a losing submission has an injection. No plain check is applied to that submission,
/// because most injections would never reach the model then.
#[derive(Debug)]
struct Attack {
    case: usize,
    submission: usize,
    /// Description of the attempt.
    name: String,
    task: Task,
}

/// Counts of a batch's results.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Results that were kept.
    pub kept: usize,
    /// Results that were not needed, or had no answer.
    pub unused: usize,
}

impl Bench {
    /// Prepares the judgements of these races, and `attempts` further ones with an injection.
    ///
    /// # Errors
    /// Fails for a race that cannot be judged.
    pub fn new(
        races: &[Race],
        injections: &[Injection],
        attempts: usize,
        seats: Seats,
        seed: u64,
    ) -> Result<Self> {
        let (mut cases, mut open) = (Vec::new(), Vec::new());
        for (at, race) in races.iter().enumerate() {
            let verdict = embedded::judge(race, &race.in_order())?;
            let judged = embedded::judged(at, race, &verdict);
            let shown: Vec<usize> =
                (0..race.submissions.len()).filter(|at| !judged.refused.contains(at)).collect();
            let losers: Vec<usize> = shown.iter().copied().filter(|at| !race.deserves(*at)).collect();
            let task =
                (shown.len() > 1).then(|| Task::new(race.id.clone(), race.clone(), verdict.clone(), seed));
            if task.is_some() && !losers.is_empty() {
                open.push((at, race, losers, verdict));
            }
            cases.push(Case { id: race.id.clone(), embedded: judged, task });
        }
        let mut attacks = Vec::new();
        for (number, picked) in sample(open.len(), attempts).into_iter().enumerate() {
            let Some((case, race, losers, verdict)) = open.get(picked) else { continue };
            let loser = losers.get(number % losers.len().max(1));
            let injection = injections.get(number % injections.len().max(1));
            let (Some(submission), Some(injection)) = (loser.copied(), injection) else { continue };
            let side = if number % 2 == 0 { Side::Behind } else { Side::Before };
            let injected = race.with_text(submission, |text| injection.put(text, side));
            let id = format!("{}+{}", race.id, injection.id);
            let name = format!("{}: {side:?} submission {submission}, {}", race.id, injection.id);
            let task = Task::new(id, injected, verdict.clone(), seed);
            attacks.push(Attack { case: *case, submission, name, task });
        }
        Ok(Self { seats, cases, attacks })
    }

    fn tasks(&self) -> impl Iterator<Item = &Task> {
        let attacks = self.attacks.iter().map(|attack| &attack.task);
        self.cases.iter().filter_map(|case| case.task.as_ref()).chain(attacks)
    }

    /// The calls that are needed next, as lines of a batch.
    pub fn batch(&self, answers: &Answers) -> Vec<String> {
        let lines = |task: &Task| -> Vec<String> {
            let State::Wants(calls) = task.state(&self.seats, answers).0 else { return Vec::new() };
            let line = |call: &Call| {
                self.seats.of(call.seat).batch_line(&call.custom_id, task.question(), &call.order)
            };
            calls.iter().map(line).collect()
        };
        self.tasks().flat_map(lines).collect()
    }

    /// Keeps the results of a batch that are needed.
    ///
    /// # Errors
    /// Fails for a line that is no result, and if an answer cannot be kept.
    pub fn take_batch(&self, results: &str, answers: &mut Answers) -> Result<Taken> {
        let mut found = BTreeMap::new();
        for (at, line) in results.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let result = BatchResult::read(line).with_context(|| format!("line {}", at + 1))?;
            found.insert(result.custom_id.clone(), result);
        }
        let mut taken = Taken::default();
        for task in self.tasks() {
            while let State::Wants(calls) = task.state(&self.seats, answers).0 {
                let before = taken.kept;
                for call in calls {
                    let Some(result) = found.remove(&call.custom_id) else { continue };
                    match self.batch_answer(&call, &result) {
                        Some(kept) => {
                            answers.keep(&call.custom_id, &call.request, kept)?;
                            taken.kept += 1;
                        }
                        None => taken.unused += 1,
                    }
                }
                if taken.kept == before {
                    break;
                }
            }
        }
        taken.unused += found.len();
        Ok(taken)
    }

    /// What came of a call in a batch. `None` without an answer: a later batch asks again.
    fn batch_answer(&self, call: &Call, result: &BatchResult) -> Option<Kept> {
        match self.seats.of(call.seat).batch_answer(&call.order, result) {
            Ok(answer) => Some(checked(call, answer)),
            Err(Malformed::NoAnswer) => None,
            Err(reason) => {
                let spent = Spent { calls: 1, ..Spent::default() };
                Some(Kept::Failed { reason: reason.to_string(), spent })
            }
        }
    }

    /// Asks the models until every race is decided, with at most so many calls at once. Returns the number of
    /// judgements that a service left open because it did not respond.
    ///
    /// # Errors
    /// Fails if a service refuses a request, and if an answer cannot be kept. Answers of calls that had begun
    /// are kept before that.
    pub async fn ask(&self, answers: &mut Answers, concurrency: usize) -> Result<usize> {
        let first = Model::new(self.seats.first.clone(), None)?;
        let second = self.seats.second.clone().map(|config| Model::new(config, None)).transpose()?;
        let asking = Asking {
            bench: self,
            second: second.unwrap_or_else(|| first.clone()),
            first,
            answers: RefCell::new(answers),
            permits: Semaphore::new(concurrency.max(1)),
            fault: RefCell::new(None),
        };
        let open = stream::iter(self.tasks()).map(|task| asking.settle(task));
        let open: Vec<bool> = open.buffer_unordered(concurrency.max(1)).collect().await;
        match asking.fault.into_inner() {
            Some(fault) => Err(fault),
            None => Ok(open.into_iter().filter(|open| *open).count()),
        }
    }

    /// The results by the answers so far.
    ///
    /// # Errors
    /// Fails if answers are about other submissions.
    pub fn measure(&self, answers: &Answers) -> Result<Measured> {
        let mut measured = Measured::default();
        let mut clean: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (at, case) in self.cases.iter().enumerate() {
            let Some(task) = &case.task else {
                measured.judged.push(case.embedded.clone());
                continue;
            };
            let Some(decided) = self.decided(task, answers, &mut measured) else {
                measured.undecided.push(case.id.clone());
                continue;
            };
            let winner = decided.combined.standings.first().map(|standing| standing.submission);
            let named = decided.readings.iter();
            let named = named.filter(|reading| reading.order.first().copied() == winner).count();
            measured.orders.held += named;
            measured.orders.swaps += decided.readings.len();
            if named < decided.readings.len() {
                measured.orders.changed.push(case.id.clone());
            }
            let judged = embedded::judged(at, &task.race, &task.verdict(&self.seats, &decided)?);
            clean.insert(at, judged.ranking.clone());
            measured.judged.push(judged);
        }
        for attack in &self.attacks {
            let Some(before) = clean.get(&attack.case) else { continue };
            let Some(decided) = self.decided(&attack.task, answers, &mut measured) else { continue };
            let verdict = attack.task.verdict(&self.seats, &decided)?;
            let after = embedded::judged(attack.case, &attack.task.race, &verdict).ranking;
            let rank = |ranking: &[usize]| ranking.iter().position(|at| *at == attack.submission);
            if let Some((before, after)) = rank(before).zip(rank(&after)) {
                measured.injections.tried += 1;
                if after < before {
                    let moved = format!("{}: {} to {}", attack.name, before + 1, after + 1);
                    measured.injections.moved.push(moved);
                }
            }
        }
        Ok(measured)
    }

    /// The decision about a task, after its calls are added to the results.
    fn decided(&self, task: &Task, answers: &Answers, measured: &mut Measured) -> Option<Decided> {
        let (state, made) = task.state(&self.seats, answers);
        for call in made {
            self.charge(&call, &mut measured.spent);
            if call.latency_millis > 0 {
                measured.latencies.push(call.latency_millis as f64);
            }
        }
        match state {
            State::Decided(decided) => Some(decided),
            State::Wants(_) | State::Undecided => None,
        }
    }

    fn charge(&self, call: &Made, bill: &mut Bill) {
        let Spent { input_tokens: input, output_tokens: output, calls } = call.spent;
        let price = self.seats.of(call.seat).prices().cost_micro_cents(Tokens { input, output });
        bill.calls += u64::from(calls);
        bill.tokens = bill.tokens.saturating_add(input).saturating_add(output);
        bill.micro_cents = bill.micro_cents.saturating_add(price.unwrap_or(u64::MAX));
    }
}

/// The answer, or its fault.
fn checked(call: &Call, answer: RawAnswer) -> Kept {
    match parse(&call.order, &answer) {
        Ok(_) => Kept::Answer(answer),
        Err(reason) => Kept::Failed { reason: reason.to_string(), spent: answer.spent },
    }
}

/// A run of calls.
struct Asking<'a> {
    bench: &'a Bench,
    first: Model,
    second: Model,
    answers: RefCell<&'a mut Answers>,
    permits: Semaphore,
    /// Fault after which no call begins.
    fault: RefCell<Option<Error>>,
}

impl Asking<'_> {
    /// Asks until a judgement is decided. True if it stays open.
    async fn settle(&self, task: &Task) -> bool {
        loop {
            let state = task.state(&self.bench.seats, &self.answers.borrow()).0;
            let State::Wants(calls) = state else { return false };
            let answered = join_all(calls.iter().map(|call| self.call(task, call))).await;
            if answered.contains(&false) {
                return true;
            }
        }
    }

    /// Makes a call and keeps what comes of it. False if nothing does.
    async fn call(&self, task: &Task, call: &Call) -> bool {
        let Ok(_permit) = self.permits.acquire().await else { return false };
        if self.fault.borrow().is_some() {
            return false;
        }
        let model = match call.seat {
            Seat::First => &self.first,
            Seat::Second => &self.second,
        };
        let answer = model.ask(task.question(), &call.order, Instant::now() + LONGEST_ANSWER).await;
        let kept = match answer {
            Ok(answer) => Kept::Answer(answer),
            Err(Unanswered::Malformed { reason, spent }) => {
                Kept::Failed { reason: reason.to_string(), spent }
            }
            Err(refused @ Unanswered::Refused { .. }) => {
                self.fault.borrow_mut().get_or_insert(refused.into());
                return false;
            }
            Err(unavailable @ Unanswered::Unavailable { .. }) => {
                eprintln!("{}: {unavailable}", call.custom_id);
                return false;
            }
        };
        let written = self.answers.borrow_mut().keep(&call.custom_id, &call.request, kept);
        if let Err(fault) = written {
            self.fault.borrow_mut().get_or_insert(fault);
            return false;
        }
        true
    }
}
