//! An independent model of the money. It knows the contract and Stripe's objects, and nothing of the ledger.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use clorp_dynamo_model::Item;
use clorp_ledger_audit::audit;
use clorp_stripe_sandbox::Kind;
use jiff::Timestamp;
use serde_json::Value;

use crate::client::{Answer, Call};
use crate::faults::Fault;
use crate::fleet::HOLD_SECONDS;
use crate::play::{Operation, Stage};
use crate::poison;
use crate::setup::{STRIPE_CENTS, initial_cents};
use crate::task::Task;
use crate::watch::{number, text};

/// Number of the task that checks.
pub const CHECKING_TASK: u32 = 400_000;
/// The seeds of this multiple ask the API at the end.
const ASKING_SEEDS: u64 = 8;
/// The seeds of this multiple are audited by the program that audits production, too.
const AUDITED_SEEDS: u64 = 4;
/// Deviation of clocks that is allowed between two records, in seconds.
const TOLERANCE: Duration = Duration::from_secs(2);

/// The end of a drop, as its sender sees it.
#[derive(Debug)]
struct Ended {
    sender: usize,
    status: String,
    price: i64,
    /// The winner's number and the time of completion.
    won: Option<(usize, Timestamp)>,
}

/// The contract's fee: a fifth rounded down, plus 50 cents, at most the price.
fn fee(price: i64) -> i64 {
    (price / 5 + 50).min(price)
}

/// True if a drop should have been ranked by now.
pub fn has_overdue_drop(stage: &Stage) -> bool {
    stage.fleet.site.with(|state| {
        let now = state.now().as_millisecond();
        let closed = |item: &Item| number(item, "window_closes_at").is_none_or(|at| at <= now);
        let overdue = |item: &Item| match text(item, "status") {
            "open" => closed(item),
            "ranking" => true,
            _ => false,
        };
        state.table.scan_all().any(|item| text(item, "sk") == "DROP" && overdue(item))
    })
}

/// Time until a drop closes or the reconciler looks at something, in seconds; zero if nothing waits for a
/// time.
pub fn seconds_until_due(stage: &Stage) -> u64 {
    const MARGIN_MILLIS: i64 = 5_000;
    stage.fleet.site.with(|state| {
        let due_at = |item: &Item| match (text(item, "sk"), text(item, "status")) {
            _ if text(item, "pk") == poison::USER => None,
            ("DROP", "open") => number(item, "window_closes_at").map(|at| at + MARGIN_MILLIS),
            ("DROP", "ranking") => Some(0),
            _ => text(item, "pending_at").parse().ok(),
        };
        let due_at = state.table.scan_all().filter_map(due_at).min().unwrap_or(0);
        let millis = due_at.saturating_sub(state.now().as_millisecond());
        u64::try_from(millis).unwrap_or_default().div_ceil(1_000)
    })
}

/// True if the reconciler has something to look at, now or later.
pub fn has_pending_entry(stage: &Stage) -> bool {
    stage.fleet.site.with(|state| state.table.scan_all().any(|item| item.contains_key("pending")))
}

/// What has not ended.
pub fn unfinished(stage: &Stage) -> Vec<String> {
    records(stage, |pk, sk, status| {
        (sk == "DROP" && matches!(status, "open" | "ranking"))
            || (sk.starts_with("WITHDRAWAL#") && status == "pending")
            || (pk.starts_with("USER#") && sk.starts_with("TOPUP#") && status == "pending")
    })
}

/// What should have ended soon after the faults: drops, and withdrawals that Stripe does not keep open.
pub fn overdue(stage: &Stage) -> Vec<String> {
    let kept = stage.fleet.site.with(|state| {
        let kept = [Fault::StripeKeptError, Fault::StripeErrorAfter, Fault::StripeDecline];
        state.weather.struck().iter().filter(|(_, fault)| kept.contains(fault)).count()
    });
    let drops = records(stage, |_, sk, status| sk == "DROP" && matches!(status, "open" | "ranking"));
    let withdrawals = records(stage, |_, sk, status| sk.starts_with("WITHDRAWAL#") && status == "pending");
    let spared = withdrawals.len().min(kept);
    drops.into_iter().chain(withdrawals.into_iter().skip(spared)).collect()
}

fn records(stage: &Stage, wanted: impl Fn(&str, &str, &str) -> bool) -> Vec<String> {
    stage.fleet.site.with(|state| {
        let items = state.table.scan_all().filter_map(|item| {
            let (pk, sk, status) = (text(item, "pk"), text(item, "sk"), text(item, "status"));
            wanted(pk, sk, status).then(|| format!("{pk} {sk} {status}"))
        });
        items.collect()
    })
}

/// Checks everything that must hold at the end.
pub async fn check(stage: &Stage) {
    let task = Task::new(CHECKING_TASK);
    let found = task.scope(async {
        let mut found = Vec::new();
        let drops = ended_drops(stage, &task, &mut found).await;
        check_operations(stage, &mut found);
        check_submissions(stage, &task, &mut found).await;
        let doubtful = has_doubtful_refund(stage);
        if !doubtful {
            check_wallets(stage, &task, &drops, &mut found).await;
        }
        check_holds(stage, &drops, &mut found);
        check_judgements(stage, &mut found);
        check_freezes(stage, &mut found);
        if stage.seed.is_multiple_of(AUDITED_SEEDS) && !doubtful {
            let store = &stage.fleet.rankings[0].context.store;
            match audit(store, Some(&stage.fleet.stripe)).await {
                Ok(audit) => {
                    found.extend(audit.discrepancies.into_iter().map(|line| format!("audit: {line}")))
                }
                Err(error) => found.push(format!("the audit fails: {error:#}")),
            }
        }
        check_entries(stage, &mut found);
        found
    });
    for line in found.await {
        stage.fleet.site.with(|state| state.watch.violation(line));
    }
}

async fn get(stage: &Stage, task: &Task, user: usize, path: String) -> Option<Answer> {
    stage.send(task, &Call::get(&stage.users[user], path)).await.filter(Answer::is_success)
}

/// True if a person has to decide about a refund, so that nothing tells yet what a wallet holds.
fn has_doubtful_refund(stage: &Stage) -> bool {
    const WHY: &str = "a refund in the second in which an earlier one failed";
    stage.fleet.site.with(|state| state.table.scan_all().any(|item| text(item, "why") == WHY))
}

/// True if the API tells what became of drops and wallets. In the other seeds the table tells it, which
/// costs no request.
fn asks_the_api(stage: &Stage) -> bool {
    stage.seed.is_multiple_of(ASKING_SEEDS)
}

/// A drop as it ended, with the fee and the payout as far as they are told.
async fn ended_drop(
    stage: &Stage,
    task: &Task,
    sender: usize,
    id: &str,
) -> Option<(Ended, [Option<i64>; 2])> {
    if !asks_the_api(stage) {
        return stage.fleet.site.with(|state| {
            let item = state.table.item(&format!("DROP#{id}"), "DROP")?;
            let winner = stage.users.iter().position(|user| text(item, "winner_id") == user.id);
            let completed_at = number(item, "completed_at").map(Timestamp::from_millisecond);
            let won = winner.zip(completed_at.transpose().ok()?);
            let (status, price) = (text(item, "status").to_owned(), number(item, "price_cents")?);
            Some((Ended { sender, status, price, won }, [number(item, "fee_cents"), None]))
        });
    }
    let answer = get(stage, task, sender, format!("/api/jobs/{id}")).await?;
    let status = answer.body["status"].as_str()?.to_owned();
    let price = answer.body["price_cents"].as_i64()?;
    let mut won = None;
    if status == "completed" {
        let winner = winner(stage, task, sender, id).await;
        won = winner.zip(answer.body["updated_at"].as_str().and_then(|time| time.parse().ok()));
    }
    let terms = ["fee_cents", "payout_cents"].map(|term| answer.body[term].as_i64());
    Some((Ended { sender, status, price, won }, terms))
}

/// The drops of all steps.
async fn ended_drops(stage: &Stage, task: &Task, found: &mut Vec<String>) -> Vec<Ended> {
    let drops = stage.fleet.site.with(|state| state.watch.drops.clone());
    let posts = stage.records().posts.clone();
    let mut ended = Vec::new();
    for (step, id) in drops.iter().flat_map(|(step, ids)| ids.iter().map(move |id| (step, id))) {
        let Some(post) = posts.get(step) else { continue };
        let Some((drop, terms)) = ended_drop(stage, task, post.user, id).await else {
            found.push(format!("the drop {id} of step {step} cannot be read"));
            continue;
        };
        if drop.status == "completed" && drop.won.is_none() {
            found.push(format!("the completed drop {id} has no winner"));
        }
        let owed = [fee(drop.price), drop.price - fee(drop.price)];
        if terms.iter().zip(owed).any(|(told, owed)| told.is_some_and(|told| told != owed)) {
            found.push(format!("the drop {id} of {} has fee and payout {terms:?}", drop.price));
        }
        ended.push(drop);
    }
    ended
}

async fn winner(stage: &Stage, task: &Task, sender: usize, drop: &str) -> Option<usize> {
    let verdict = get(stage, task, sender, format!("/api/jobs/{drop}/verdict")).await?;
    let first = verdict.body["submissions"].as_array()?.iter().find(|one| one["rank"] == 1)?;
    stage.users.iter().position(|user| first["worker"] == user.id.as_str())
}

/// Checks that operations took effect as often as their clients were told.
fn check_operations(stage: &Stage, found: &mut Vec<String>) {
    let (drops, reserved) =
        stage.fleet.site.with(|state| (state.watch.drops.clone(), state.watch.reserved.clone()));
    let records = stage.records();
    for (step, post) in &records.posts {
        let made = drops.get(step).map(Vec::as_slice).unwrap_or_default();
        if post.keyed && made.len() > 1 {
            found.push(format!("step {step} posted {made:?} under one key"));
        }
        if let Some(id) = &post.acknowledged
            && !made.contains(id)
        {
            found.push(format!("step {step} was told of the drop {id}, and posted {made:?}"));
        }
    }
    let ids: BTreeSet<&str> = reserved.iter().map(|one| one.id.as_str()).collect();
    let mut allowed: BTreeMap<(usize, i64), usize> = BTreeMap::new();
    for (step, withdrawal) in &records.withdrawals {
        let Operation { user, cents, keyed, requests, .. } = withdrawal;
        *allowed.entry((*user, *cents)).or_default() +=
            if *keyed { 1 } else { usize::try_from(*requests).unwrap_or_default() };
        if let Some(id) = withdrawal.acknowledged.as_deref().filter(|id| !ids.contains(id)) {
            found.push(format!("step {step} was told of the withdrawal {id}, which is not there"));
        }
    }
    for ((user, cents), most) in allowed {
        let id = stage.users[user].id.as_str();
        let made = reserved.iter().filter(|one| one.user == id && one.cents == cents).count();
        if made > most {
            found.push(format!("user {user} withdrew {cents} {made} times, at most {most} are explained"));
        }
    }
}

/// Checks that every acknowledged submission was judged, or is in a drop that expired.
async fn check_submissions(stage: &Stage, task: &Task, found: &mut Vec<String>) {
    let submissions = stage.records().submissions.clone();
    for (drop, worker) in submissions {
        let kept = if asks_the_api(stage) {
            let answer = get(stage, task, worker, format!("/api/jobs/{drop}")).await;
            answer.is_some_and(|answer| !answer.body["your_claim"]["submitted_at"].is_null())
        } else {
            stage.fleet.site.with(|state| {
                let item = state.table.item(&format!("DROP#{drop}"), "DROP");
                let claims = item.and_then(|item| item.get("claims")?["M"].as_object());
                let claim = claims.and_then(|claims| claims.get(&stage.users[worker].id));
                claim.is_some_and(|claim| !claim["M"]["submitted_at"].is_null())
            })
        };
        if !kept {
            found.push(format!("the submission of worker {worker} to {drop} is lost"));
        }
    }
}

/// What Stripe says about the money of users.
#[derive(Debug, Default)]
struct Statement {
    paid: BTreeMap<String, i64>,
    back: BTreeMap<String, i64>,
    sent: BTreeMap<String, i64>,
    dispute_fees: i64,
    /// What banks took beyond the payments, less what they gave beyond what they had taken. The platform
    /// bears it, because a wallet owes at most its payment.
    surplus: i64,
}

fn statement(stage: &Stage, found: &mut Vec<String>) -> Statement {
    let objects = |kind| stage.fleet.site.with(|state| state.stripe.objects(kind));
    let text = |object: &Value, field: &str| object[field].as_str().unwrap_or_default().to_owned();
    let cents = |object: &Value, field: &str| object[field].as_i64().unwrap_or_default();
    let mut statement = Statement::default();
    let mut owners = BTreeMap::new();
    for intent in objects(Kind::PaymentIntent) {
        let user = text(&intent["metadata"], "user_id");
        owners.insert(text(&intent, "id"), user.clone());
        if intent["status"] == "succeeded" {
            *statement.paid.entry(user).or_default() += cents(&intent, "amount");
        }
    }
    // By charge: what its payer has back, and how the platform's balance at Stripe changed.
    let mut taken: BTreeMap<String, i64> = BTreeMap::new();
    let mut moves: BTreeMap<String, i64> = BTreeMap::new();
    for refund in objects(Kind::Refund) {
        if !matches!(refund["status"].as_str(), Some("failed" | "canceled")) {
            *taken.entry(text(&refund, "charge")).or_default() += cents(&refund, "amount");
            *moves.entry(text(&refund, "charge")).or_default() -= cents(&refund, "amount");
        }
    }
    for dispute in objects(Kind::Dispute) {
        let movements = dispute["balance_transactions"].as_array().cloned().unwrap_or_default();
        let moved: i64 = movements.iter().map(|one| cents(one, "amount")).sum();
        *taken.entry(text(&dispute, "charge")).or_default() -= moved.min(0);
        *moves.entry(text(&dispute, "charge")).or_default() += moved;
        statement.dispute_fees += movements.iter().map(|one| cents(one, "fee")).sum::<i64>();
    }
    for charge in objects(Kind::Charge) {
        let of = |map: &BTreeMap<String, i64>| map.get(&text(&charge, "id")).copied().unwrap_or_default();
        let back = of(&taken).min(cents(&charge, "amount"));
        statement.surplus += of(&moves) + back;
        let user = owners.get(&text(&charge, "payment_intent")).cloned().unwrap_or_default();
        *statement.back.entry(user).or_default() += back;
    }
    let mut records = BTreeSet::new();
    for transfer in objects(Kind::Transfer) {
        let user = text(&transfer["metadata"], "user_id");
        *statement.sent.entry(user).or_default() +=
            cents(&transfer, "amount") - cents(&transfer, "amount_reversed");
        let record = text(&transfer["metadata"], "record_id");
        if !records.insert(record.clone()) {
            found.push(format!("the withdrawal {record} was transferred twice"));
        }
    }
    statement
}

/// Checks that all entries sum to zero, and that the balances are the sums of their entries.
fn check_entries(stage: &Stage, found: &mut Vec<String>) {
    stage.fleet.site.with(|state| {
        let mut sums: BTreeMap<String, i64> = BTreeMap::new();
        for item in state.table.scan_all().filter(|item| text(item, "sk").starts_with("LEDGER#")) {
            let cents = |name: &str| number(item, name).unwrap_or_default();
            let sides = ["delta_cents", "escrow_cents", "platform_cents", "external_cents"].map(cents);
            if sides.iter().sum::<i64>() != 0 {
                found.push(format!("{} of {} is {sides:?}", text(item, "sk"), text(item, "pk")));
            }
            *sums.entry(text(item, "pk").to_owned()).or_default() += sides[0];
            *sums.entry(format!("DROP#{}", text(item, "drop_id"))).or_default() += sides[1];
        }
        for item in state.table.scan_all() {
            let name = match text(item, "sk") {
                "USER" => "balance_cents",
                "DROP" => "escrow_cents",
                _ => continue,
            };
            let (held, sum) = (number(item, name).unwrap_or(0), sums.get(text(item, "pk")).copied());
            if held != sum.unwrap_or(0) {
                found.push(format!("{} has {held}, and entries of {sum:?}", text(item, "pk")));
            }
        }
    });
}

/// A user's balance and the sum of the entries: as the API says for those who act in some seeds, and
/// otherwise as the table says.
async fn wallet(stage: &Stage, task: &Task, who: usize) -> Option<(i64, i64)> {
    if !asks_the_api(stage) || !stage.acting.contains(&who) {
        let pk = format!("USER#{}", stage.users[who].id);
        return stage.fleet.site.with(|state| {
            // The entries are compared with the balance below.
            let balance = number(state.table.item(&pk, "USER")?, "balance_cents")?;
            Some((balance, balance))
        });
    }
    let answer = get(stage, task, who, "/api/wallet/balance?limit=100".to_owned()).await?;
    let entries = answer.body["ledger"].as_array()?;
    let sum = entries.iter().filter_map(|entry| entry["delta"].as_i64()).sum();
    Some((answer.body["balance_cents"].as_i64()?, sum))
}

/// Checks every wallet, and the platform, against the contract and Stripe's statement.
async fn check_wallets(stage: &Stage, task: &Task, drops: &[Ended], found: &mut Vec<String>) {
    let statement = statement(stage, found);
    let of = |map: &BTreeMap<String, i64>, user: &str| map.get(user).copied().unwrap_or_default();
    let (mut gains, mut fees) = (0, 0);
    for drop in drops.iter().filter(|drop| drop.status == "completed") {
        fees += fee(drop.price);
    }
    for (number, user) in stage.users.iter().enumerate() {
        let spent: i64 = drops
            .iter()
            .filter(|drop| drop.sender == number)
            .filter(|drop| matches!(drop.status.as_str(), "open" | "ranking" | "completed"))
            .map(|drop| drop.price)
            .sum();
        let won: i64 = drops
            .iter()
            .filter(|drop| drop.won.is_some_and(|(winner, _)| winner == number))
            .map(|drop| drop.price - fee(drop.price))
            .sum();
        let (paid, back, sent) =
            (of(&statement.paid, &user.id), of(&statement.back, &user.id), of(&statement.sent, &user.id));
        let owed = initial_cents(number) + paid - back - spent + won - sent;
        let Some((balance, entries)) = wallet(stage, task, number).await else {
            found.push(format!("user {number} cannot read the balance"));
            continue;
        };
        if balance != owed {
            found.push(format!(
                "user {number} has {balance}, and the contract owes {owed}: paid {paid}, back {back}, spent {spent}, \
                 won {won}, sent {sent}"
            ));
        }
        if entries != balance {
            found.push(format!("user {number} has {balance}, and the entries sum to {entries}"));
        }
        gains += balance - initial_cents(number);
    }
    let held = stage.fleet.site.with(|state| state.stripe.available_cents());
    let kept = held - STRIPE_CENTS + statement.dispute_fees - statement.surplus;
    if kept != gains + fees {
        found.push(format!("Stripe holds {kept} more for users with {gains} more and fees of {fees}"));
    }
}

/// Checks that no withdrawal took more than what was won and had matured.
fn check_holds(stage: &Stage, drops: &[Ended], found: &mut Vec<String>) {
    let reserved = stage.fleet.site.with(|state| state.watch.reserved.clone());
    let transfers = stage.fleet.site.with(|state| state.stripe.objects(Kind::Transfer));
    let sent = |id: &str| {
        let made = transfers.iter().find(|one| one["metadata"]["record_id"] == id);
        made.map_or(0, |one| {
            one["amount"].as_i64().unwrap_or_default() - one["amount_reversed"].as_i64().unwrap_or_default()
        })
    };
    let hold = Duration::from_secs(u64::from(HOLD_SECONDS));
    for (number, user) in stage.users.iter().enumerate() {
        let mut before = 0;
        for one in reserved.iter().filter(|one| one.user == user.id) {
            let matured: i64 = drops
                .iter()
                .filter(|drop| {
                    drop.won.is_some_and(|(winner, at)| winner == number && at + hold <= one.at + TOLERANCE)
                })
                .map(|drop| drop.price - fee(drop.price))
                .sum();
            if before + one.cents > initial_cents(number) + matured {
                found.push(format!(
                    "user {number} withdrew {} after {before}, where {} had matured",
                    one.cents,
                    initial_cents(number) + matured
                ));
            }
            before += sent(&one.id);
        }
    }
}

/// Checks that no judgement was bought twice, whatever failed. Each appeal buys its own.
fn check_judgements(stage: &Stage, found: &mut Vec<String>) {
    let appeals = records(stage, |_, sk, _| sk.starts_with("APPEAL#")).len();
    stage.fleet.site.with(|state| {
        let most = state.watch.judgements.values().copied().max().unwrap_or_default();
        if usize::try_from(most).is_ok_and(|most| most > 1 + appeals) {
            found.push(format!("a judgement was bought {most} times"));
        }
    });
}

/// Checks that a user is frozen by exactly the disputes in which the bank holds money.
fn check_freezes(stage: &Stage, found: &mut Vec<String>) {
    let intents = stage.fleet.site.with(|state| state.stripe.objects(Kind::PaymentIntent));
    for dispute in stage.fleet.site.with(|state| state.stripe.objects(Kind::Dispute)) {
        let text = |field: &str| dispute[field].as_str().unwrap_or_default();
        let (id, status, intent) = (text("id"), text("status"), text("payment_intent"));
        // Two decisions within one second have no order, so a person decides.
        let kept = records(stage, |pk, sk, _| pk.ends_with(intent) && sk.starts_with("KEPT#"));
        let payment = intents.iter().find(|one| one["id"] == intent);
        let user = payment.and_then(|one| one["metadata"]["user_id"].as_str()).unwrap_or_default();
        let frozen = stage.fleet.site.with(|state| {
            let user = state.table.item(&format!("USER#{user}"), "USER");
            let by = user.and_then(|user| user.get("frozen_by_disputes")?["SS"].as_array());
            by.is_some_and(|by| by.iter().any(|one| one == id))
        });
        let holds = !matches!(status, "won" | "prevented") && !status.starts_with("warning_");
        if frozen != holds && kept.is_empty() {
            found.push(format!("the dispute {id} is {status}, and the freeze of {user} by it is {frozen}"));
        }
    }
}
