//! The operations of a history by object: those on each wallet and on each drop, in the words of the models.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::history::{Action, Answer, Entry, History, NOBODY, Operation, Outcome};

/// Time in nanoseconds by which an entry's timestamp may differ from its invocation: timestamps are whole
/// milliseconds, and a drop's changes are at least one apart.
const SLACK_NANOS: u64 = 50_000_000;

/// A wallet or a drop, with every operation on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Object {
    /// The kind and the id.
    pub name: String,
    /// The model: `wallet` or `slots`.
    pub model: &'static str,
    /// The balance in cents, or the number of slots.
    pub initial: i64,
    /// The operations.
    pub operations: Vec<Interval>,
}

/// An operation on an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Interval {
    /// Number of the client.
    pub client: usize,
    /// Start in nanoseconds.
    pub call: u64,
    /// End in nanoseconds; `None` for an operation that takes effect at any later time.
    pub end: Option<u64>,
    /// The operation.
    pub step: Step,
}

/// An operation in the words of a model.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Step {
    /// The word.
    pub kind: &'static str,
    /// An amount or a balance, in cents.
    pub cents: i64,
    /// Number of the worker.
    pub worker: usize,
    /// Number of claims that were read.
    pub claims: i64,
    /// Number of submissions that were read.
    pub submissions: i64,
}

/// Every wallet and every drop of a history.
pub fn objects(history: &History) -> Vec<Object> {
    let operations = history.operations();
    let mut objects: Vec<Object> =
        history.start.users.keys().map(|user| wallet(history, &operations, user)).collect();
    let workers: BTreeMap<&str, usize> =
        history.start.users.keys().enumerate().map(|(number, user)| (user.as_str(), number)).collect();
    let mut drops: BTreeMap<&str, Vec<Interval>> = BTreeMap::new();
    for operation in &operations {
        let (Action::Claim { drop }
        | Action::Release { drop }
        | Action::Submit { drop }
        | Action::Cancel { drop }
        | Action::See { drop }) = &operation.action
        else {
            continue;
        };
        let of = drops.entry(drop).or_default();
        let user = operation.user.as_deref().unwrap_or_default();
        let worker = workers.get(user).copied().unwrap_or_default();
        let client = operation.client;
        // A repetition is decided by the drop's state, so each try is an operation of its own. The answer may
        // also be the stored one of an earlier try, so it holds at any time since the first.
        for call in &operation.unsure {
            if let Some(kind) = unsure_step(&operation.action) {
                let step = Step { kind, worker, ..Step::default() };
                of.push(Interval { client, call: *call, end: None, step });
            }
        }
        if let Some(step) = slot_step(operation) {
            let step = Step { worker, ..step };
            of.push(Interval { client, call: operation.call, end: operation.end, step });
        }
    }
    objects.extend(drops.into_iter().map(|(drop, operations)| Object {
        name: format!("drop/{drop}"),
        model: "slots",
        initial: history.start.max_claims,
        operations,
    }));
    objects
}

/// The step of a try without an outcome; `None` for a reading.
const fn unsure_step(action: &Action) -> Option<&'static str> {
    match action {
        Action::Claim { .. } => Some("maybe_claim"),
        Action::Release { .. } => Some("maybe_release"),
        Action::Submit { .. } => Some("maybe_submit"),
        Action::Cancel { .. } => Some("maybe_cancel"),
        _ => None,
    }
}

/// The step of an operation on a drop; `None` if its answer says nothing about the slots.
fn slot_step(operation: &Operation) -> Option<Step> {
    let word = |kind| Some(Step { kind, ..Step::default() });
    match (&operation.action, &operation.outcome) {
        (Action::Claim { .. }, Outcome::Ok(Answer::Claimed { new: true })) => word("claimed"),
        (Action::Claim { .. }, Outcome::Ok(_)) => word("claim_held"),
        (Action::Claim { .. }, Outcome::Fail { code, .. }) if code == "max_claims_reached" => word("full"),
        (Action::Release { .. }, Outcome::Ok(_)) => word("released"),
        (Action::Submit { .. }, Outcome::Ok(Answer::Submitted { new: true })) => word("submitted"),
        (Action::Submit { .. }, Outcome::Ok(_)) => word("submitted_before"),
        (Action::Release { .. } | Action::Submit { .. }, Outcome::Fail { code, .. }) => match code.as_str() {
            "not_a_claimant" => word("no_claimant"),
            "already_submitted" => word("delivered"),
            _ => None,
        },
        (Action::Cancel { .. }, Outcome::Fail { code, .. }) if code == "drop_has_submissions" => {
            word("has_submissions")
        }
        (Action::Cancel { .. }, Outcome::Ok(Answer::Drop { status, .. })) if status == "cancelled" => {
            word("cancelled")
        }
        (
            Action::Cancel { .. } | Action::See { .. },
            Outcome::Ok(Answer::Drop { status, claims, submissions }),
        ) => {
            let kind = match status.as_str() {
                "open" => "open",
                "pending_payment" => return None,
                _ => "over",
            };
            Some(Step { kind, claims: *claims, submissions: *submissions, ..Step::default() })
        }
        _ => None,
    }
}

/// A reading of a wallet's ledger.
struct Reading<'a> {
    call: u64,
    end: u64,
    ledger: &'a [Entry],
}

impl Reading<'_> {
    fn shows(&self, entry: &Entry) -> bool {
        self.ledger.iter().any(|shown| shown.id == entry.id)
    }

    /// True if the page begins before the entry's place and does not show it. Ids sort by time.
    fn lacks(&self, entry: &Entry) -> bool {
        self.ledger.last().is_some_and(|oldest| oldest.id < entry.id) && !self.shows(entry)
    }
}

/// Narrows an interval by the readings of the ledger: the entry was made after every reading without it
/// began, and before every reading with it ended. Contradicting readings change nothing, because the bank
/// invariant names them.
fn narrow(interval: &mut Interval, entry: &Entry, readings: &[Reading]) {
    let lacking = readings.iter().filter(|reading| reading.lacks(entry)).map(|reading| reading.call);
    let showing = readings.iter().filter(|reading| reading.shows(entry)).map(|reading| reading.end);
    let call = lacking.max().map_or(interval.call, |after| after.max(interval.call));
    let end = showing.min().into_iter().chain(interval.end).min();
    if end.is_none_or(|end| call <= end) {
        (interval.call, interval.end) = (call, end);
    }
}

fn wallet(history: &History, operations: &[Operation], user: &str) -> Object {
    let mine = || operations.iter().filter(|operation| operation.user.as_deref() == Some(user));
    let ledger = history.end.wallets.get(user).map(|wallet| wallet.ledger.as_slice()).unwrap_or_default();
    let readings: Vec<Reading> = mine()
        .filter_map(|operation| match (&operation.outcome, operation.end) {
            (Outcome::Ok(Answer::Wallet { ledger, .. }), Some(end)) => {
                Some(Reading { call: operation.call, end, ledger })
            }
            _ => None,
        })
        .collect();
    let mut intervals: Vec<Interval> = Vec::new();
    for operation in mine() {
        let Some((kind, cents)) = wallet_step(operation, ledger) else { continue };
        let Operation { client, call, end, .. } = *operation;
        let step = Step { kind, cents, ..Step::default() };
        let mut interval = Interval { client, call, end, step };
        if let Some(entry) = debit_of(operation, ledger).filter(|_| kind == "debit") {
            narrow(&mut interval, entry, &readings);
        }
        intervals.push(interval);
    }
    // The oldest entry funded the wallet.
    let (_, later) = ledger.split_last().unzip();
    for entry in later.unwrap_or_default().iter().filter(|entry| entry.delta_cents > 0) {
        let (call, end) = credit_interval(history, operations, entry);
        let step = Step { kind: "credit", cents: entry.delta_cents, ..Step::default() };
        let mut interval = Interval { client: NOBODY, call, end, step };
        narrow(&mut interval, entry, &readings);
        intervals.push(interval);
    }
    let initial = history.start.users.get(user).copied().unwrap_or_default();
    Object { name: format!("wallet/{user}"), model: "wallet", initial, operations: intervals }
}

/// The entry of an operation's debit. No two debits of a run have the same kind and amount.
fn debit_of<'a>(operation: &Operation, ledger: &'a [Entry]) -> Option<&'a Entry> {
    let (kind, cents) = match operation.action {
        Action::Post { price_cents } | Action::Pay { price_cents, .. } => ("drop:", price_cents),
        Action::Withdraw { amount_cents } => ("withdraw:", amount_cents),
        _ => return None,
    };
    ledger.iter().find(|entry| entry.delta_cents == -cents && entry.reason.starts_with(kind))
}

/// The word and the amount of an operation on a wallet; `None` if it did nothing. The ledger at the end tells
/// whether an operation with an unknown outcome took effect; the readings must then agree.
fn wallet_step(operation: &Operation, ledger: &[Entry]) -> Option<(&'static str, i64)> {
    let debited = || debit_of(operation, ledger).is_some();
    match (&operation.action, &operation.outcome) {
        (Action::Read, Outcome::Ok(Answer::Wallet { balance_cents, .. })) => {
            Some(("balance", *balance_cents))
        }
        (Action::Post { price_cents } | Action::Pay { price_cents, .. }, outcome) => match outcome {
            Outcome::Ok(_) => Some(("debit", *price_cents)),
            Outcome::Fail { code, .. } if code == "insufficient_balance" => Some(("short", *price_cents)),
            Outcome::Unknown if debited() => Some(("debit", *price_cents)),
            Outcome::Fail { .. } | Outcome::Unknown => None,
        },
        (Action::Withdraw { amount_cents }, outcome) => match outcome {
            Outcome::Fail { code, .. } if code != "withdrawal_refused" => None,
            Outcome::Ok(_) | Outcome::Fail { .. } => Some(("debit", *amount_cents)),
            Outcome::Unknown if debited() => Some(("debit", *amount_cents)),
            Outcome::Unknown => None,
        },
        _ => None,
    }
}

/// The interval of the invocations that may have made a credit: those of its kind that ran at the entry's
/// time. One that died may have left a request at the database, so its end is open.
fn credit_interval(history: &History, operations: &[Operation], entry: &Entry) -> (u64, Option<u64>) {
    let (kind, object) = entry.reason.split_once(':').unwrap_or_default();
    let at = history.nanos_of(entry.at_millis);
    let may_credit = |action: &Action| match (kind, action) {
        ("refund", Action::Cancel { drop }) => drop == object,
        ("refund" | "win", Action::Invoke { function }) => function == "ranking",
        ("topup", Action::Invoke { function }) => function == "stripe-webhook" || function == "reconciler",
        ("withdraw_reversed", Action::Withdraw { .. }) => true,
        ("withdraw_reversed", Action::Invoke { function }) => function == "reconciler",
        _ => false,
    };
    let runs = |operation: &&Operation| {
        let ends = operation.end.unwrap_or(u64::MAX);
        operation.call <= at.saturating_add(SLACK_NANOS) && at <= ends.saturating_add(SLACK_NANOS)
    };
    let sources: Vec<&Operation> =
        operations.iter().filter(|operation| may_credit(&operation.action)).filter(runs).collect();
    let call = sources.iter().map(|source| source.call).min().unwrap_or(0);
    let end = sources.iter().map(|source| source.end).collect::<Option<Vec<u64>>>();
    (call, end.and_then(|ends| ends.into_iter().max()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Checker;
    use crate::history::{Event, Final, IN_FLIGHT, Start, Step as Seen, Sums};

    /// A history of one user and one drop with one slot. Each step belongs to the operation of its number.
    fn history(steps: Vec<(u64, Seen)>) -> History {
        let at = |(at, (op, step))| Event { at_nanos: at as u64, op, step };
        let (wallets, drops) = (BTreeMap::new(), BTreeMap::new());
        let users = BTreeMap::from([("ada".to_owned(), 0), ("bob".to_owned(), 0)]);
        History {
            start: Start { seed: 1, epoch_millis: 0, max_claims: 1, users },
            events: steps.into_iter().enumerate().map(at).collect(),
            faults: Vec::new(),
            images: Vec::new(),
            end: Final { wallets, drops, sums: Sums::default(), discrepancies: Vec::new() },
        }
    }

    fn claim(user: &str) -> Seen {
        let action = Action::Claim { drop: "d".to_owned() };
        Seen::Invoke { client: 0, user: Some(user.to_owned()), keyed: true, action }
    }

    fn unknown(why: &str) -> Seen {
        Seen::Unknown { why: why.to_owned() }
    }

    /// The words of the operations on the drop, and whether Porcupine accepts them, if there is Go.
    fn checked(steps: Vec<(u64, Seen)>) -> (Vec<&'static str>, bool) {
        let drop: Vec<Object> =
            objects(&history(steps)).into_iter().filter(|object| object.model == "slots").collect();
        let verdicts = Checker::build().unwrap().check(&drop, std::path::Path::new("")).unwrap();
        let words = drop[0].operations.iter().map(|interval| interval.step.kind).collect();
        (words, verdicts.iter().all(|verdict| verdict.result == "Ok"))
    }

    #[test]
    fn each_try_of_a_claim_is_an_operation_of_its_own() {
        let held = || Seen::Ok { answer: Answer::Claimed { new: false } };
        let tries = vec![
            (0, claim("ada")),
            (0, unknown("the connection broke")),
            (0, Seen::Again),
            (0, unknown(IN_FLIGHT)),
            (0, Seen::Again),
            (0, held()),
        ];
        assert_eq!(checked(tries), (vec!["maybe_claim", "claim_held"], true));
        // A slot that nobody can have taken is held.
        let (words, accepted) = checked(vec![(0, claim("ada")), (0, held())]);
        assert_eq!(words, ["claim_held"]);
        assert!(!accepted || !has_go());
    }

    #[test]
    fn a_claim_beyond_the_last_slot_is_rejected() {
        let taken = || Seen::Ok { answer: Answer::Claimed { new: true } };
        let both = vec![(0, claim("ada")), (1, claim("bob")), (0, taken()), (1, taken())];
        assert!(!checked(both).1 || !has_go());
        let full = Seen::Fail { status: 409, code: "max_claims_reached".to_owned(), drop: None };
        assert!(checked(vec![(0, claim("ada")), (1, claim("bob")), (0, taken()), (1, full)]).1);
    }

    /// Without Go nothing is rejected.
    fn has_go() -> bool {
        matches!(Checker::build().unwrap(), Checker::At(_))
    }

    #[test]
    fn a_refusal_without_a_fact_says_nothing() {
        let refused = |code: &str| Seen::Fail { status: 409, code: code.to_owned(), drop: None };
        assert_eq!(checked(vec![(0, claim("ada")), (0, refused("window_closed"))]).0, Vec::<&str>::new());
        let (words, accepted) = checked(vec![(0, claim("ada")), (0, refused("max_claims_reached"))]);
        assert_eq!(words, ["full"]);
        assert!(!accepted || !has_go());
    }
}
