//! A short run of the real local stack with killed processes is accepted. An edited record of it is not, nor
//! is a run with a lost update.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::PathBuf;

use clorp_histories::history::{Action, Answer, Event, Fault, History, Operation, Outcome, Step};
use clorp_histories::objects::objects;
use clorp_histories::{Checker, Judgement, Options, Report, judge, run};

fn options(name: &str) -> Options {
    Options {
        seed: 7,
        seconds: 9,
        operations: 800,
        clients: 15,
        kills: 4,
        repeat_seconds: 36,
        lost_update: false,
        program: PathBuf::from(env!("CARGO_BIN_EXE_clorp-histories")),
        folder: folder(name),
    }
}

fn folder(name: &str) -> PathBuf {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../target/histories");
    root.join(format!("test-{name}"))
}

/// The checker's program. Without Go the tests say so on standard error, past the harness.
fn checker() -> Checker {
    let checker = Checker::build().unwrap();
    if let Checker::Unavailable(why) = &checker {
        use std::io::Write;
        let _ = writeln!(std::io::stderr(), "\nSKIPPED: the linearisability of histories: {why}");
    }
    checker
}

fn judged(history: &History, name: &str) -> Judgement {
    let folder = folder(name);
    std::fs::create_dir_all(&folder).unwrap();
    judge(history, &checker(), &folder).unwrap()
}

/// Changes one step of an operation.
fn edit(history: &History, op: u64, change: impl Fn(&mut Step)) -> History {
    let mut edited = history.clone();
    let last = edited.events.iter_mut().rev().find(|event| event.op == op).unwrap();
    change(&mut last.step);
    edited
}

/// Tells whether Porcupine rejects the object. Without Go nothing is checked, and the test says so.
fn rejects(history: &History, name: &str, object: &str) -> bool {
    let judgement = judged(history, name);
    judgement.objects.is_empty()
        || judgement.rejected().any(|verdict| verdict.name == object && verdict.result == "Illegal")
}

/// A reading of a wallet that overlaps no other operation on it, after a paid drop of that price.
fn undisturbed_reading(history: &History) -> (Operation, i64) {
    let (operations, objects) = (history.operations(), objects(history));
    for reading in operations.iter().filter(|one| one.action == Action::Read) {
        let Outcome::Ok(_) = reading.outcome else { continue };
        let user = reading.user.as_deref().unwrap();
        let wallet = objects.iter().find(|object| object.name == format!("wallet/{user}")).unwrap();
        let overlaps = wallet.operations.iter().filter(|other| {
            other.call <= reading.end.unwrap() && other.end.unwrap_or(u64::MAX) >= reading.call
        });
        let earlier = operations.iter().find_map(|other| match (&other.action, &other.outcome) {
            (Action::Post { price_cents }, Outcome::Ok(_)) => {
                let mine = other.user == reading.user && other.end? < reading.call;
                mine.then_some(*price_cents)
            }
            _ => None,
        });
        // The reading itself is one of the wallet's operations.
        if let (Some(price), 1) = (earlier, overlaps.count()) {
            return (reading.clone(), price);
        }
    }
    panic!("no reading of a wallet is alone");
}

/// A refused claim of a drop whose slots have all been claimed, and of which none can have been released.
fn refused_claim(history: &History) -> (Operation, String) {
    let operations = history.operations();
    for claim in &operations {
        let (Action::Claim { drop }, Outcome::Fail { code, .. }) = (&claim.action, &claim.outcome) else {
            continue;
        };
        let released = operations.iter().any(|other| {
            other.action == Action::Release { drop: drop.clone() }
                && !(other.unsure.is_empty() && matches!(other.outcome, Outcome::Fail { .. }))
        });
        let taken = operations.iter().filter(|other| {
            other.action == claim.action && other.outcome == Outcome::Ok(Answer::Claimed { new: true })
        });
        let all = taken.count() as i64 == history.start.max_claims;
        if code == "max_claims_reached" && all && !released {
            return (claim.clone(), drop.clone());
        }
    }
    panic!("no sixth claim was refused");
}

fn check_edits(history: &History) {
    // A balance that ignores a debit.
    let (reading, price) = undisturbed_reading(history);
    let edited = edit(history, reading.op, |step| {
        let Step::Ok { answer: Answer::Wallet { balance_cents, .. } } = step else { panic!("{step:?}") };
        *balance_cents += price;
    });
    assert!(rejects(&edited, "edit-balance", &format!("wallet/{}", reading.user.unwrap())));

    // A sixth claim.
    let (claim, drop) = refused_claim(history);
    let edited = edit(history, claim.op, |step| *step = Step::Ok { answer: Answer::Claimed { new: true } });
    assert!(rejects(&edited, "edit-claim", &format!("drop/{drop}")));

    // A credit that was made twice.
    let mut edited = history.clone();
    let credited = |ledger: &[clorp_histories::history::Entry]| {
        ledger.iter().find(|entry| entry.reason.starts_with("refund:")).cloned()
    };
    let wallet = edited.end.wallets.values_mut().find(|wallet| credited(&wallet.ledger).is_some()).unwrap();
    let mut again = credited(&wallet.ledger).unwrap();
    again.id.push('x');
    wallet.balance_cents += again.delta_cents;
    wallet.ledger.insert(0, again.clone());
    let bank = judged(&edited, "edit-credit").bank;
    assert!(bank.iter().any(|line| line.contains(&format!("{} twice", again.reason))), "{bank:#?}");

    // An acknowledged debit that is gone at the end.
    let mut edited = history.clone();
    let wallet = edited.end.wallets.values_mut().find(|wallet| credited(&wallet.ledger).is_some()).unwrap();
    let place = wallet.ledger.iter().position(|entry| entry.reason.starts_with("drop:")).unwrap();
    let gone = wallet.ledger.remove(place);
    wallet.balance_cents -= gone.delta_cents;
    let bank = judged(&edited, "edit-debit").bank;
    assert!(bank.iter().any(|line| line.contains(&format!("no entry {}", gone.reason))), "{bank:#?}");

    // A cent that is nowhere in the table on disk.
    let mut edited = history.clone();
    edited.images[0].sums.wallets -= 1;
    assert!(judged(&edited, "edit-image").bank.iter().any(|line| line.contains("sum to -1 on disk")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_with_killed_processes_is_accepted_and_its_edited_record_is_not() {
    let options = options("killed");
    let history = run(&options).await.unwrap();
    assert_eq!(History::read(&options.folder.join("history.jsonl")).unwrap(), history);
    let judgement = judged(&history, "killed");
    let report = Report::new(&history, &judgement);
    println!("{report}");
    assert!(judgement.accepts(), "{report}");
    let restarts = history.faults.iter().filter(|fault| matches!(fault, Fault::Database { .. })).count();
    let kills: usize = report.kills.values().sum();
    assert!(kills >= 2 && restarts == 1 && history.images.len() == 1, "{report}");
    let unknown = |event: &&Event| matches!(event.step, Step::Unknown { .. });
    assert!(history.events.iter().filter(unknown).count() > 0, "no client noticed a fault: {report}");
    check_edits(&history);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_with_a_lost_update_is_rejected() {
    let options =
        Options { seconds: 5, operations: 250, clients: 9, kills: 0, lost_update: true, ..options("lost") };
    let history = run(&options).await.unwrap();
    let judgement = judged(&history, "lost");
    let planted: Vec<(&String, i64)> = history
        .faults
        .iter()
        .filter_map(|fault| match fault {
            Fault::LostUpdate { user, lost_cents, .. } => Some((user, *lost_cents)),
            _ => None,
        })
        .collect();
    let [(user, lost)] = planted.as_slice() else { panic!("planted {planted:?}") };
    assert!(*lost != 0 && !judgement.bank.is_empty());
    // Both checkers find it, each by itself.
    assert!(judgement.bank.iter().any(|line| line.contains(user.as_str())), "{:#?}", judgement.bank);
    let wallet = format!("wallet/{user}");
    let found = judgement.rejected().any(|verdict| verdict.name == wallet && verdict.result == "Illegal");
    assert!(found || judgement.objects.is_empty(), "{:#?}", judgement.objects);
}
