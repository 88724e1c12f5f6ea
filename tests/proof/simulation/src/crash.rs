//! Crash points, exhaustively: every call that leaves a process fails once in every way that it can fail, the
//! request is repeated, and the sweeps run. The effect must be that of a run without a fault.
//!
//! The list of points is made by a run that writes them down.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use serde_json::{Value, json};

use crate::faults::{Fault, Point, Weather};
use crate::plan::{Action, BankMove, Payer, Plan, Step};
use crate::run::{Ground, Outcome};
use crate::s3::{FILE, FILE_SHA256};

/// Kinds of items that tell nothing about an effect: records of requests and limits, which expire, a model's
/// answers, of which a crash may lose one, and contested winnings, which go when a dispute has ended for long
/// enough.
const PASSING: [&str; 4] = ["IDEMP", "LIMIT", "JUDGING", "WON"];

/// The death of a process, before and after a call.
pub const DEATHS: [Fault; 2] = [Fault::DeathBefore, Fault::DeathAfter];

/// The scenarios whose effect a fault changes, although no rule is broken: with a refusal, with an answer of
/// Stripe's that lasts for a day, with another judge, or with news that comes too late for a later step. In
/// every other scenario the same fault must change nothing.
pub const DECIDED: [(&str, Fault); 14] = [
    // The card is declined, or the outcome of its charge is known after the drop's post has been answered.
    ("automatic top-up", Fault::StripeDecline),
    ("automatic top-up", Fault::StripeErrorAfter),
    ("automatic top-up", Fault::StripeKeptError),
    // The money arrives after the payment of the drop was refused.
    ("drop that is paid later", Fault::WebhookDelayed),
    ("drop that is paid later", Fault::WebhookLost),
    // Reports of one second arrive in the other order, so a person decides.
    ("dispute of money that was paid to a winner", Fault::WebhookLost),
    ("refund that fails, and dispute that is won", Fault::WebhookDelayed),
    ("refund that fails, and dispute that is won", Fault::WebhookLost),
    // The model is asked too late, so the embedded judge decides.
    ("race, judged by a model", Fault::MessageDelayed),
    ("race, judged by a model", Fault::MessageLost),
    // The transfer is refused, or made after the time of the reversals.
    ("withdrawal that is reversed", Fault::StripeDecline),
    ("withdrawal that is reversed", Fault::StripeKeptError),
    // Two reversals are reported as one.
    ("withdrawal that is reversed", Fault::WebhookDelayed),
    ("withdrawal that is reversed", Fault::WebhookLost),
];

/// The seed of every scenario: one that is audited at its end.
const SEED: u64 = 4;

/// A course of requests.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// The name.
    pub name: &'static str,
    /// The steps.
    pub plan: Plan,
}

/// A point, with the faults that may strike there.
pub type Listed = (Point, Vec<Fault>);

/// The effect of a run: the balances of all users, and the number of items of each kind in each status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    balances: BTreeMap<String, i64>,
    items: BTreeMap<String, usize>,
    objects: usize,
}

/// A failure at one point.
#[derive(Clone, Debug)]
pub struct Crash {
    /// The scenario.
    pub scenario: &'static str,
    /// The point.
    pub at: Point,
    /// The fault.
    pub fault: Fault,
    /// What went wrong, one line each.
    pub lines: Vec<String>,
}

/// The points of a scenario, each with the faults that may strike there, and the effect without a fault.
///
/// # Errors
/// Fails if the run cannot begin, or breaks a rule without a fault.
pub fn points(ground: &Ground, scenario: &Scenario) -> Result<(Vec<Listed>, Effect)> {
    let outcome = ground.run_listing(&scenario.plan)?;
    anyhow::ensure!(outcome.violations.is_empty(), "{}: {:?}", scenario.name, outcome.violations);
    let effect = Effect::of(&outcome);
    Ok((outcome.points, effect))
}

/// Runs a scenario with one fault. `None` if its effect is that of the run without one.
///
/// # Errors
/// Fails if the run cannot begin.
pub fn strike(
    ground: &Ground,
    scenario: &Scenario,
    expected: &Effect,
    at: Point,
    fault: Fault,
) -> Result<Option<Crash>> {
    let outcome = run(ground, scenario, at, fault)?;
    let mut lines = outcome.violations.clone();
    if !outcome.struck.contains(&(at, fault)) {
        lines.push("the fault did not strike".to_owned());
    }
    let effect = Effect::of(&outcome);
    if lines.is_empty() && effect != *expected && !DECIDED.contains(&(scenario.name, fault)) {
        lines.extend(expected.difference(&effect));
    }
    Ok((!lines.is_empty()).then_some(Crash { scenario: scenario.name, at, fault, lines }))
}

/// Tells whether a fault at this point changes the effect of a scenario.
///
/// # Errors
/// Fails if the run cannot begin.
pub fn decides(
    ground: &Ground,
    scenario: &Scenario,
    expected: &Effect,
    at: Point,
    fault: Fault,
) -> Result<bool> {
    Ok(Effect::of(&run(ground, scenario, at, fault)?) != *expected)
}

fn run(ground: &Ground, scenario: &Scenario, at: Point, fault: Fault) -> Result<Outcome> {
    let weather = Weather::planned(scenario.plan.seed, BTreeMap::from([(at, fault)]));
    ground.run(&scenario.plan, weather, false)
}

impl Effect {
    fn of(outcome: &Outcome) -> Self {
        let text = |value: Option<&Value>| {
            value.and_then(|value| value["S"].as_str()).unwrap_or_default().to_owned()
        };
        let (mut balances, mut items) = (BTreeMap::new(), BTreeMap::new());
        for item in &outcome.items {
            let (pk, sk) = (text(item.get("pk")), text(item.get("sk")));
            let kind = |key: &str| key.split(['#', '!']).next().unwrap_or_default().to_owned();
            let (owner, kind) = (kind(&pk), kind(&sk));
            // The lists of claims only lead to the drops. Lapses, which have another mark, are counted.
            let listed = sk.starts_with("WORK#");
            if listed || PASSING.contains(&owner.as_str()) || PASSING.contains(&kind.as_str()) {
                continue;
            }
            if sk == "USER" {
                let balance = item.get("balance_cents").and_then(|value| value["N"].as_str()?.parse().ok());
                balances.insert(pk, balance.unwrap_or_default());
            }
            *items.entry(format!("{owner} {kind} {}", text(item.get("status")))).or_default() += 1;
        }
        Self { balances, items, objects: outcome.objects }
    }

    fn difference(&self, other: &Self) -> Vec<String> {
        let mut lines = Vec::new();
        let users: BTreeSet<&String> = self.balances.keys().chain(other.balances.keys()).collect();
        for user in users {
            let (one, two) = (self.balances.get(user), other.balances.get(user));
            if one != two {
                lines.push(format!("{user} has {two:?} and not {one:?}"));
            }
        }
        let kinds: BTreeSet<&String> = self.items.keys().chain(other.items.keys()).collect();
        for kind in kinds {
            let (one, two) = (self.items.get(kind), other.items.get(kind));
            if one != two {
                lines.push(format!("{two:?} items {kind} and not {one:?}"));
            }
        }
        if self.objects != other.objects {
            lines.push(format!("{} attached files and not {}", other.objects, self.objects));
        }
        lines
    }
}

fn scenario(name: &'static str, modelled: bool, actions: Vec<(u64, usize, Action)>) -> Scenario {
    let steps = actions.into_iter().zip(1..).map(|((seconds, user, action), number)| Step {
        number,
        at_millis: seconds * 1_000,
        user,
        action,
    });
    let plan = Plan { seed: SEED, steps: steps.collect(), modelled, muted: BTreeSet::new() };
    Scenario { name, plan }
}

fn post(price_cents: i64) -> Action {
    Action::Post { price_cents, seconds: 300, keyed: true }
}

fn call(method: &'static str, path: &'static str, body: Value) -> Action {
    Action::Call { method, path, body }
}

/// The scenarios, which make every change that the API offers. The steps are far enough apart that a retry
/// ends before the next one.
pub fn scenarios() -> Vec<Scenario> {
    let mut all = races();
    all.extend(money());
    all.extend(records());
    all
}

fn races() -> Vec<Scenario> {
    let claim = Action::Claim { drop: 1 };
    let submit = |quality| Action::Submit { drop: 1, quality };
    let race = |modelled| {
        scenario(
            if modelled { "race, judged by a model" } else { "race" },
            modelled,
            vec![
                (0, 0, post(1_000)),
                (50, 2, claim.clone()),
                (100, 3, claim.clone()),
                (150, 2, submit(8)),
                (200, 3, submit(4)),
                (250, 3, submit(4)),
                (700, 2, Action::Appeal { drop: 1 }),
            ],
        )
    };
    vec![
        race(false),
        race(true),
        scenario(
            "drop that fills",
            false,
            vec![
                (0, 0, post(500)),
                (50, 2, claim.clone()),
                (55, 3, claim.clone()),
                (100, 4, claim.clone()),
                (150, 2, submit(8)),
                (200, 3, submit(4)),
                (250, 4, submit(6)),
            ],
        ),
        scenario("drop that nobody serves", false, vec![(0, 0, post(500))]),
        scenario(
            "drop whose only submission is refused",
            false,
            vec![(0, 0, post(500)), (50, 2, claim.clone()), (100, 2, submit(0))],
        ),
        scenario(
            "cancelled drop",
            false,
            vec![(0, 0, post(500)), (50, 2, claim.clone()), (100, 0, Action::Cancel { drop: 1 })],
        ),
        scenario(
            "released and failed claims",
            false,
            vec![
                (0, 0, post(500)),
                (50, 2, claim.clone()),
                (100, 2, Action::Release { drop: 1, as_failed: false }),
                (150, 3, call("POST", "/api/jobs/{drop:1}/reserve", json!({}))),
                (200, 3, Action::Release { drop: 1, as_failed: true }),
            ],
        ),
        scenario(
            "drop that is paid later",
            false,
            vec![
                (0, 5, Action::Post { price_cents: 5_000, seconds: 300, keyed: true }),
                (50, 5, Action::TopUp { cents: 2_500, payer: Payer::Pays, keyed: true }),
                (150, 5, Action::Pay { drop: 1 }),
            ],
        ),
    ]
}

fn money() -> Vec<Scenario> {
    let top_up = |payer| Action::TopUp { cents: 2_000, payer, keyed: true };
    let bank = |after_millis, call, body| BankMove { after_millis, call, body };
    let dispute = |status: &str| Action::Dispute {
        payment: 0,
        cents: Some(1_500),
        inquiry: false,
        course: vec![bank(60_000, "close", json!({ "status": status }))],
    };
    vec![
        scenario("top-up", false, vec![(0, 5, top_up(Payer::Pays))]),
        scenario("top-up by a bank debit", false, vec![(0, 5, top_up(Payer::PaysLater))]),
        scenario("top-up whose bank debit fails", false, vec![(0, 5, top_up(Payer::FailsLater))]),
        scenario(
            "refund that fails, and dispute that is won",
            false,
            vec![
                (0, 5, top_up(Payer::Pays)),
                (60, 0, Action::Refund { payment: 0, cents: Some(800), fails_after_millis: Some(60_000) }),
                (200, 0, dispute("won")),
            ],
        ),
        scenario(
            "dispute of money that was paid to a winner",
            false,
            vec![
                (0, 0, top_up(Payer::Pays)),
                (60, 0, post(1_500)),
                (120, 2, Action::Claim { drop: 2 }),
                (180, 2, Action::Submit { drop: 2, quality: 5 }),
                (600, 0, dispute("lost")),
            ],
        ),
        scenario(
            "withdrawal that is reversed",
            false,
            vec![
                (0, 2, Action::Withdraw { cents: 1_200, keyed: true }),
                (120, 0, Action::ReverseTransfer { transfer: 0, cents: Some(300) }),
                (180, 0, Action::ReverseTransfer { transfer: 0, cents: Some(900) }),
            ],
        ),
        scenario(
            "automatic top-up",
            false,
            vec![
                (0, 0, Action::AutoTopUps { enabled: true, cents: 5_000, threshold_cents: 500 }),
                (60, 0, post(21_000)),
            ],
        ),
        scenario(
            "automatic top-up that is declined",
            false,
            vec![
                (0, 0, Action::AutoTopUps { enabled: true, cents: 5_000, threshold_cents: 500 }),
                (50, 0, Action::SetCard { card: "declined" }),
                (60, 0, post(21_000)),
            ],
        ),
    ]
}

fn records() -> Vec<Scenario> {
    let announced = json!({
        "filename": "fog.txt", "content_type": "text/plain", "size_bytes": FILE.len(), "sha256": FILE_SHA256,
    });
    let run = json!({
        "prompt": "Step 3: a tagline", "price_cents": 500, "time_limit_seconds": 300, "confirmed": true,
        "attachments": [{ "id": "{id:1}" }],
    });
    vec![
        scenario(
            "agents",
            false,
            vec![
                (0, 2, call("POST", "/api/agents", json!({ "name": "Fog horn" }))),
                (50, 2, call("PATCH", "/api/agents/{id:1}", json!({ "name": "Foghorn" }))),
                (100, 2, call("POST", "/api/agents", json!({ "name": "Second" }))),
                (150, 2, call("DELETE", "/api/agents/{id:3}", Value::Null)),
            ],
        ),
        scenario(
            "keys",
            false,
            vec![
                (0, 2, call("POST", "/api/keys", json!({ "name": "laptop" }))),
                (50, 2, call("POST", "/api/keys", json!({ "name": "server" }))),
                (100, 2, call("DELETE", "/api/keys/{id:1}", Value::Null)),
            ],
        ),
        scenario(
            "verification",
            false,
            vec![(
                0,
                2,
                call(
                    "POST",
                    "/api/verify",
                    json!({ "criteria": "Three words", "output_text": "One two three" }),
                ),
            )],
        ),
        scenario(
            "account and card",
            false,
            vec![
                (0, 5, call("POST", "/api/stripe/connect", Value::Null)),
                (60, 5, call("GET", "/api/stripe/connect/status", Value::Null)),
                (100, 5, call("POST", "/api/wallet/setup-payment-method", Value::Null)),
                (160, 5, call("POST", "/api/whoami", Value::Null)),
            ],
        ),
        scenario(
            "files",
            false,
            vec![
                (0, 0, call("POST", "/api/uploads", announced)),
                (50, 0, Action::Upload { announced: 1 }),
                (60, 0, call("POST", "/api/jobs/run", run)),
            ],
        ),
    ]
}
