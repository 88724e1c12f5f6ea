//! The record of a run: one line of JSON for each thing that a client, the saboteur or the auditor saw.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::time::Instant;

use anyhow::{Context, Result};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The number in place of a client's, for schedules, Stripe and the last readings.
pub const NOBODY: usize = 1_000_000;

/// The code of a refusal while another request with the same key runs, or seems to.
pub const IN_FLIGHT: &str = "idempotency_in_flight";

/// A line of a history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "line", rename_all = "snake_case")]
pub enum Line {
    /// The first line.
    Start(Start),
    /// A step of an operation.
    Event(Event),
    /// A fault that the run caused.
    Fault(Fault),
    /// The table as it was on disk when its process was killed.
    Image(Image),
    /// The last line.
    Final(Box<Final>),
}

/// The state in which a run began.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Start {
    /// The seed of all choices.
    pub seed: u64,
    /// Time of nanosecond 0, in milliseconds since 1970.
    pub epoch_millis: i64,
    /// Number of slots of a drop.
    pub max_claims: i64,
    /// The users' balances in cents, by id.
    pub users: BTreeMap<String, i64>,
}

/// A step of an operation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Nanoseconds since the start.
    pub at_nanos: u64,
    /// The operation, numbered from 0.
    pub op: u64,
    /// The step.
    #[serde(flatten)]
    pub step: Step,
}

/// The way in which an operation begins, goes on or ends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Step {
    /// A client sends a request.
    Invoke {
        /// Number of the client.
        client: usize,
        /// Id of the client's user; `None` for a schedule or for Stripe.
        user: Option<String>,
        /// True if the request carries an `Idempotency-Key`.
        keyed: bool,
        /// The request.
        action: Action,
    },
    /// The client sends the same request with the same key, because it knows no outcome.
    Again,
    /// The request took effect.
    Ok {
        /// The answer.
        answer: Answer,
    },
    /// The request was refused.
    Fail {
        /// HTTP status.
        status: u16,
        /// The error's code.
        code: String,
        /// The unpaid drop that a refused payment leaves.
        drop: Option<String>,
    },
    /// The connection broke, or the answer was a server error.
    Unknown {
        /// The reason.
        why: String,
    },
}

/// A request. Prices and amounts are in cents, and no two requests of a run have the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the fields are named like those of the API")]
pub enum Action {
    /// Posts and pays a drop.
    Post { price_cents: i64 },
    /// Pays for a drop that was posted without enough money.
    Pay { drop: String, price_cents: i64 },
    /// Reads the balance and the newest page of the ledger.
    Read,
    /// Claims a slot.
    Claim { drop: String },
    /// Gives a slot back.
    Release { drop: String },
    /// Submits an output.
    Submit { drop: String },
    /// Cancels a drop.
    Cancel { drop: String },
    /// Reads a drop.
    See { drop: String },
    /// Withdraws winnings.
    Withdraw { amount_cents: i64 },
    /// Opens a page for a top-up.
    TopUp { amount_cents: i64 },
    /// Pays on that page, at Stripe.
    PayIn { session: String, amount_cents: i64 },
    /// Invokes a function by its schedule, or the webhook's function by an event.
    Invoke { function: String },
}

impl Action {
    /// The word for the action in figures.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Post { .. } => "post",
            Self::Pay { .. } => "pay",
            Self::Read => "read",
            Self::Claim { .. } => "claim",
            Self::Release { .. } => "release",
            Self::Submit { .. } => "submit",
            Self::Cancel { .. } => "cancel",
            Self::See { .. } => "see",
            Self::Withdraw { .. } => "withdraw",
            Self::TopUp { .. } => "top_up",
            Self::PayIn { .. } => "pay_in",
            Self::Invoke { .. } => "invoke",
        }
    }
}

/// The answer to a request that took effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the fields are named like those of the API")]
pub enum Answer {
    /// The drop is paid.
    Paid { drop: String },
    /// A wallet, with a page of its ledger. `complete` if the page is all of it.
    Wallet { balance_cents: i64, ledger: Vec<Entry>, complete: bool },
    /// The claim is held. `new` if this request took it.
    Claimed { new: bool },
    /// The slot is free.
    Released,
    /// The output is stored. `new` if this request stored it.
    Submitted { new: bool },
    /// A drop's state.
    Drop { status: String, claims: i64, submissions: i64 },
    /// The wallet is debited.
    Withdrawn { id: String },
    /// The page on which to pay.
    Session { id: String },
    /// Nothing that matters.
    Done,
}

/// An entry of a wallet's ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The entry's id.
    pub id: String,
    /// The change of the balance, in cents.
    pub delta_cents: i64,
    /// The reason with its reference, such as `drop:<id>`.
    pub reason: String,
    /// Time in milliseconds since 1970.
    pub at_millis: i64,
}

/// A fault that the run caused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fault", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the words say it")]
pub enum Fault {
    /// SIGKILL to an instance of a function. `busy` if it was answering a request.
    Instance { at_nanos: u64, function: String, pid: u32, busy: bool },
    /// SIGKILL to the database's process, and its restart after `down_millis`.
    Database { at_nanos: u64, pid: u32, down_millis: u64 },
    /// One update of a wallet was replaced by a blind write of a stale balance.
    LostUpdate { at_nanos: u64, user: String, lost_cents: i64 },
    /// An instance ended by itself, which no fault explains.
    Death { at_nanos: u64, function: String, status: String },
}

/// Sums of all accounts, in cents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sums {
    /// The balances of all wallets.
    pub wallets: i64,
    /// The money in escrow.
    pub escrow: i64,
    /// The platform's fees.
    pub platform: i64,
    /// The entries of the outside world, negative if more money came in than went out.
    pub external: i64,
}

/// The audit of the table as it was on disk when its process was killed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// Nanoseconds since the start.
    pub at_nanos: u64,
    /// The sums of all accounts.
    pub sums: Sums,
    /// The audit's discrepancies.
    pub discrepancies: Vec<String>,
}

/// A wallet at the end of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wallet {
    /// The balance in cents.
    pub balance_cents: i64,
    /// The whole ledger, newest entry first.
    pub ledger: Vec<Entry>,
}

/// A drop at the end of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DropEnd {
    /// The drop's status.
    pub status: String,
    /// Number of claims.
    pub claims: i64,
    /// Number of submissions.
    pub submissions: i64,
    /// The winner's share in cents, if there is a winner.
    pub payout_cents: Option<i64>,
}

/// The end of a run, after all faults are healed and everything is settled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Final {
    /// Every wallet, by user.
    pub wallets: BTreeMap<String, Wallet>,
    /// Every drop that a client knows, by id.
    pub drops: BTreeMap<String, DropEnd>,
    /// The sums of all accounts.
    pub sums: Sums,
    /// The discrepancies of the audit, at Stripe too.
    pub discrepancies: Vec<String>,
}

/// A complete history.
#[derive(Clone, Debug, PartialEq)]
pub struct History {
    /// The state in which the run began.
    pub start: Start,
    /// Every step of every operation, by time.
    pub events: Vec<Event>,
    /// The faults.
    pub faults: Vec<Fault>,
    /// The audits of the table on disk.
    pub images: Vec<Image>,
    /// The end.
    pub end: Final,
}

/// The outcome of an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of the steps")]
pub enum Outcome {
    /// The operation took effect between its call and its end.
    Ok(Answer),
    /// The operation had no effect.
    Fail { status: u16, code: String, drop: Option<String> },
    /// The operation takes effect once at any time after its call, or never.
    Unknown,
}

/// An operation: a request with all its repetitions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// Number of the operation.
    pub op: u64,
    /// Number of the client.
    pub client: usize,
    /// The client's user.
    pub user: Option<String>,
    /// The request.
    pub action: Action,
    /// Start of the first try, in nanoseconds.
    pub call: u64,
    /// Start of the last try.
    pub last_call: u64,
    /// Starts of the tries without an outcome. Each may have taken effect.
    pub unsure: Vec<u64>,
    /// End of the try whose outcome is known; `None` if none is.
    pub end: Option<u64>,
    /// The outcome.
    pub outcome: Outcome,
}

impl History {
    /// Every operation, in the order of their calls.
    pub fn operations(&self) -> Vec<Operation> {
        let mut operations: BTreeMap<u64, Operation> = BTreeMap::new();
        for Event { at_nanos, op, step } in &self.events {
            if let Step::Invoke { client, user, action, .. } = step {
                let operation = Operation {
                    op: *op,
                    client: *client,
                    user: user.clone(),
                    action: action.clone(),
                    call: *at_nanos,
                    last_call: *at_nanos,
                    unsure: Vec::new(),
                    end: None,
                    outcome: Outcome::Unknown,
                };
                operations.insert(*op, operation);
                continue;
            }
            let Some(operation) = operations.get_mut(op) else { continue };
            match step {
                Step::Ok { answer } => {
                    (operation.end, operation.outcome) = (Some(*at_nanos), Outcome::Ok(answer.clone()));
                }
                Step::Fail { status, code, drop } => {
                    let (status, code, drop) = (*status, code.clone(), drop.clone());
                    operation.end = Some(*at_nanos);
                    operation.outcome = Outcome::Fail { status, code, drop };
                }
                Step::Again => operation.last_call = *at_nanos,
                // A refused try had no effect.
                Step::Unknown { why } if why == IN_FLIGHT => {}
                Step::Unknown { .. } => operation.unsure.push(operation.last_call),
                Step::Invoke { .. } => {}
            }
        }
        operations.into_values().collect()
    }

    /// The nanosecond of a time in milliseconds since 1970; 0 for a time before the start.
    pub fn nanos_of(&self, millis: i64) -> u64 {
        u64::try_from(millis - self.start.epoch_millis).unwrap_or(0).saturating_mul(1_000_000)
    }

    /// Writes the history, one line of JSON for each line.
    ///
    /// # Errors
    /// Fails if the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        let mut lines = vec![Line::Start(self.start.clone())];
        lines.extend(self.events.iter().cloned().map(Line::Event));
        lines.extend(self.faults.iter().cloned().map(Line::Fault));
        lines.extend(self.images.iter().cloned().map(Line::Image));
        lines.push(Line::Final(Box::new(self.end.clone())));
        let mut text = String::new();
        for line in lines {
            text.push_str(&serde_json::to_string(&line)?);
            text.push('\n');
        }
        std::fs::write(path, text).with_context(|| format!("writing {}", path.display()))
    }

    /// Reads a history that [`History::write`] wrote.
    ///
    /// # Errors
    /// Fails if the file cannot be read, or is not complete.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
        let (mut start, mut end) = (None, None);
        let (mut events, mut faults, mut images) = (Vec::new(), Vec::new(), Vec::new());
        for line in text.lines() {
            match serde_json::from_str(line).with_context(|| format!("in {line:.200}"))? {
                Line::Start(line) => start = Some(line),
                Line::Event(line) => events.push(line),
                Line::Fault(line) => faults.push(line),
                Line::Image(line) => images.push(line),
                Line::Final(line) => end = Some(*line),
            }
        }
        let start = start.context("a history without a start")?;
        Ok(Self { start, events, faults, images, end: end.context("a history without an end")? })
    }
}

/// The recorder of a run, shared by everything that happens in it.
#[derive(Debug)]
pub struct Recorder {
    began: Instant,
    /// Time of nanosecond 0, in milliseconds since 1970.
    pub epoch_millis: i64,
    record: Mutex<Record>,
}

#[derive(Debug, Default)]
struct Record {
    events: Vec<Event>,
    faults: Vec<Fault>,
    images: Vec<Image>,
    next: u64,
}

impl Default for Recorder {
    fn default() -> Self {
        let epoch_millis = Timestamp::now().as_millisecond();
        Self { began: Instant::now(), epoch_millis, record: Mutex::default() }
    }
}

impl Recorder {
    /// Nanoseconds since the start.
    pub fn nanos(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    fn change<T>(&self, change: impl FnOnce(&mut Record) -> T) -> T {
        change(&mut self.record.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    /// Records the call of a new operation, and returns its number.
    pub fn invoke(&self, client: usize, user: Option<&str>, keyed: bool, action: Action) -> u64 {
        self.change(|record| {
            let op = record.next;
            record.next += 1;
            let step = Step::Invoke { client, user: user.map(str::to_owned), keyed, action };
            record.events.push(Event { at_nanos: self.nanos(), op, step });
            op
        })
    }

    /// Records a later step of an operation.
    pub fn step(&self, op: u64, step: Step) {
        self.change(|record| record.events.push(Event { at_nanos: self.nanos(), op, step }));
    }

    /// Records a fault.
    pub fn fault(&self, fault: Fault) {
        self.change(|record| record.faults.push(fault));
    }

    /// Records an audit of the table on disk.
    pub fn image(&self, image: Image) {
        self.change(|record| record.images.push(image));
    }

    /// Number of operations that clients have begun.
    pub fn operations(&self) -> u64 {
        self.change(|record| record.next)
    }

    /// True if a lost update was planted.
    pub fn has_planted(&self) -> bool {
        self.change(|record| record.faults.iter().any(|fault| matches!(fault, Fault::LostUpdate { .. })))
    }

    /// The history so far, with its end.
    pub fn finish(&self, start: Start, end: Final) -> History {
        self.change(|record| History {
            start,
            events: std::mem::take(&mut record.events),
            faults: std::mem::take(&mut record.faults),
            images: std::mem::take(&mut record.images),
            end,
        })
    }
}
