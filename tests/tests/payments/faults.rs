//! A function may die at any request. The wallet and Stripe still agree to the cent, and every operation
//! happens once.
//!
//! Each flow is cut off at every request that it makes, one after another. A request to the table fails
//! before or after it takes effect, and no later one gets through, as if the function had died there. A
//! request to Stripe loses its response. Afterwards the client retries the request, makes a new one, or makes
//! none, and the sweep settles everything that is pending.

use std::collections::BTreeMap;

use clorp_tests::{Answer, Client, Fault, World};
use futures::future::join;
use serde_json::json;

use super::people::{
    AFTER_LEASE, AFTER_SETTLE_GRACE, ALWAYS, UNKNOWN_OUTCOMES, cardholder, charges, clear_faults,
    configure_webhooks, drop_statuses, enable, id, objects_at_stripe, pay, payee, proxied_world, proxy,
    resume_all, run, transfers, withdraw,
};
use super::support::{complete, ledger, topup};

/// An operation that moves money through Stripe.
trait Flow {
    /// Creates a user who can do the operation.
    async fn prepare(&self, world: &World) -> Client;
    /// Makes the request.
    async fn act(&self, user: &Client) -> Answer;
    /// The number of operations that have happened, or will happen without another request.
    async fn count(&self, world: &World, user: &Client) -> usize;
    /// Asserts that the user's wallet and Stripe have this many operations. Unless `in_full`, one of them may
    /// lack a step, because nobody retried it.
    async fn check(&self, world: &World, user: &Client, times: usize, in_full: bool);
}

/// A payment by Checkout of 1000.
struct Topup;

impl Flow for Topup {
    async fn prepare(&self, world: &World) -> Client {
        world.user("payer", 0).await
    }

    async fn act(&self, user: &Client) -> Answer {
        topup(user, 1000).await
    }

    async fn count(&self, world: &World, user: &Client) -> usize {
        objects_at_stripe(world, "checkout/sessions", user).await.len()
    }

    async fn check(&self, world: &World, user: &Client, times: usize, _: bool) {
        let sessions = objects_at_stripe(world, "checkout/sessions", user).await;
        assert_eq!((sessions.len(), user.balance().await), (times, 0));
        for session in &sessions {
            complete(world, &id(session), "paid").await;
        }
        assert_eq!(user.balance().await, 1000 * i64::try_from(times).unwrap());
        assert!(objects_at_stripe(world, "customers", user).await.len() <= 1);
    }
}

/// A withdrawal of 1000 from 5000.
struct Withdraw;

impl Flow for Withdraw {
    async fn prepare(&self, world: &World) -> Client {
        payee(world, 5000).await
    }

    async fn act(&self, user: &Client) -> Answer {
        withdraw(user, 1000).await
    }

    async fn count(&self, _: &World, user: &Client) -> usize {
        ledger(user).await.iter().filter(|(reason, _)| reason.starts_with("withdraw:")).count()
    }

    async fn check(&self, world: &World, user: &Client, times: usize, _: bool) {
        assert_eq!(transfers(world, user).await.len(), times);
        assert_eq!(user.balance().await, 5000 - 1000 * i64::try_from(times).unwrap());
        assert_eq!(ledger(user).await.len(), times + 1, "one entry each, and the initial balance");
    }
}

/// A run of 1000 that charges the card for 1000: before the debit, because the balance is too low for it, or
/// after it, because the balance is below the threshold then. The balance is the same in the end as in the
/// beginning.
struct Run {
    balance_cents: i64,
    threshold_cents: i64,
}

const SHORT: Run = Run { balance_cents: 300, threshold_cents: 0 };
const LOW: Run = Run { balance_cents: 1500, threshold_cents: 600 };

impl Flow for Run {
    async fn prepare(&self, world: &World) -> Client {
        let (user, _) = cardholder(world, self.balance_cents).await;
        enable(&user, 1000, self.threshold_cents).await;
        user
    }

    async fn act(&self, user: &Client) -> Answer {
        run(user, 1000).await
    }

    async fn count(&self, _: &World, user: &Client) -> usize {
        drop_statuses(user).await.len()
    }

    async fn check(&self, world: &World, user: &Client, times: usize, in_full: bool) {
        assert_eq!(drop_statuses(user).await.len(), times);
        // A drop that was answered with 402 while its charge was pending can be paid now.
        for drop in user.get("/api/jobs").await.expect(200).as_array().unwrap() {
            if drop["status"] == "pending_payment" {
                pay(user, &id(drop)).await.expect(200);
            }
        }
        assert_eq!(drop_statuses(user).await, vec!["open"; times]);
        let (charges, debits) = (charges(world, user).await.len(), times);
        assert!(charges == debits || !in_full && charges + debits == 1, "{charges} {debits}");
        let (charged, debited) =
            (i64::try_from(charges).unwrap() * 1000, i64::try_from(debits).unwrap() * 1000);
        assert_eq!(user.balance().await, self.balance_cents + charged - debited);
    }
}

/// The client's reaction to a death.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reaction {
    /// The same request with the same key.
    Retry,
    /// A new request without a key, during a sweep.
    NewRequest,
    /// No request. Only the sweep runs.
    Nothing,
}

/// The point at which a request dies.
#[derive(Clone, Debug)]
enum Death {
    /// The request to the table after this many, with its fault.
    Table(usize, Fault),
    /// The responses of an endpoint of Stripe, such as `POST /v1/transfers`, with their fault.
    Stripe(String, &'static str),
}

impl Death {
    async fn begin(&self, world: &World) {
        match self {
            Self::Table(before, fault) => proxy(world).crash_after(*before, *fault),
            Self::Stripe(endpoint, fault) => {
                let (method, path) = endpoint.split_once(' ').unwrap();
                let body = json!({ "path": path, "method": method, "fault": fault, "times": ALWAYS });
                world.control("next", body).await;
            }
        }
    }

    /// Ends the faults. True if a request met one.
    async fn end(&self, world: &World) -> bool {
        match self {
            Self::Table(..) => {
                let died = proxy(world).has_crashed();
                proxy(world).heal();
                died
            }
            Self::Stripe(endpoint, _) => {
                let (_, path) = endpoint.split_once(' ').unwrap();
                let ended = world.control("next", json!({ "path": "/nowhere", "fault": "500" })).await;
                let left = ended["faults"][0]["times"].as_u64().unwrap();
                for path in [path, "/nowhere"] {
                    clear_faults(world, path).await;
                }
                left < ALWAYS as u64
            }
        }
    }
}

/// Lets one request die, and the client react. False if the request ended before the fault.
async fn die(world: &World, flow: &impl Flow, death: &Death, reaction: Reaction) -> bool {
    let user = flow.prepare(world).await;
    let keyed = user.keyed("k");
    configure_webhooks(world, json!({ "paused": true })).await;
    death.begin(world).await;
    let first = flow.act(&keyed).await;
    let died = death.end(world).await;
    if !died {
        assert!(first.status.is_success(), "{}", first.text);
    }
    let count = flow.count(world, &user).await;
    // The webhook events arrive before the reaction, or after it.
    if matches!(death, Death::Table(_, Fault::FalseRefusal) | Death::Stripe(_, "timeout_after")) {
        configure_webhooks(world, json!({ "paused": false })).await;
        world.wait_for_webhooks().await;
    }
    let times = match reaction {
        Reaction::Retry => {
            world.advance_seconds(AFTER_LEASE);
            let retry = flow.act(&keyed).await;
            // If Stripe's response was lost, the first response is stored. It may say that the charge is
            // pending.
            let pending = matches!(death, Death::Stripe(..)) && retry.text.contains("auto_topup_pending");
            assert!(retry.status.is_success() || pending, "{death:?}: {}", retry.text);
            1
        }
        Reaction::NewRequest => {
            world.advance_seconds(AFTER_SETTLE_GRACE);
            let (second, _) = join(flow.act(&user), world.reconcile()).await;
            assert!(second.status.is_success(), "{death:?}: {}", second.text);
            count + 1
        }
        Reaction::Nothing => count,
    };
    configure_webhooks(world, json!({ "paused": false })).await;
    world.wait_for_webhooks().await;
    settle(world).await;
    // The test prints this if the check fails.
    println!("{death:?}, then {reaction:?}: {} {}", first.status, first.text);
    flow.check(world, &user, times, reaction != Reaction::Nothing).await;
    died
}

/// Sweeps until nothing is pending.
async fn settle(world: &World) {
    resume_all(world).await;
    world.wait_for_webhooks().await;
}

/// The endpoints of Stripe that a flow calls.
async fn endpoints(world: &World, flow: &impl Flow) -> Vec<String> {
    let user = flow.prepare(world).await;
    let before = world.sandbox.calls();
    assert!(flow.act(&user).await.status.is_success());
    called_since(world, &before)
}

fn called_since(world: &World, before: &BTreeMap<String, usize>) -> Vec<String> {
    let calls = world.sandbox.calls().into_iter();
    calls
        .filter(|(endpoint, times)| before.get(endpoint) != Some(times))
        .map(|(endpoint, _)| endpoint)
        .collect()
}

/// Lets a flow die at every step.
async fn die_at_every_step(flow: impl Flow, reaction: Reaction, calls: &[&str]) {
    let world = proxied_world().await;
    for fault in [Fault::Refused, Fault::FalseRefusal] {
        let mut steps = 0;
        while die(&world, &flow, &Death::Table(steps, fault), reaction).await {
            steps += 1;
        }
        assert!(steps >= 4, "{steps}: reading, recording, and the idempotency record before and after");
    }
    let endpoints = endpoints(&world, &flow).await;
    assert_eq!(endpoints, calls);
    for endpoint in endpoints {
        for fault in UNKNOWN_OUTCOMES {
            let death = Death::Stripe(endpoint.clone(), fault);
            assert!(die(&world, &flow, &death, reaction).await, "{death:?}");
        }
    }
    world.finish().await;
}

/// Lets the sweep of a pending flow die at every step.
async fn die_while_sweeping(flow: impl Flow, pending: &str, calls: &[&str]) {
    let world = proxied_world().await;
    for pending_fault in ["timeout_before", "timeout_after"] {
        let mut endpoints = Vec::new();
        let mut deaths = Vec::from([Death::Table(0, Fault::Refused), Death::Table(0, Fault::FalseRefusal)]);
        while let Some(death) = deaths.pop() {
            let user = flow.prepare(&world).await;
            configure_webhooks(&world, json!({ "paused": true })).await;
            let unknown = Death::Stripe(pending.to_owned(), pending_fault);
            unknown.begin(&world).await;
            flow.act(&user).await;
            assert!(unknown.end(&world).await);
            world.advance_seconds(AFTER_SETTLE_GRACE);
            let before = world.sandbox.calls();
            death.begin(&world).await;
            let swept = world.payments[0].resume().await;
            let died = death.end(&world).await;
            match &death {
                Death::Table(before, fault) if died => deaths.push(Death::Table(before + 1, *fault)),
                Death::Table(..) => {
                    assert_eq!(swept.unwrap().settled, 1);
                    if endpoints.is_empty() {
                        endpoints = called_since(&world, &before);
                        let faults = endpoints
                            .iter()
                            .flat_map(|one| UNKNOWN_OUTCOMES.map(|fault| (one.clone(), fault)));
                        deaths.extend(faults.map(|(endpoint, fault)| Death::Stripe(endpoint, fault)));
                    }
                }
                Death::Stripe(..) => assert!(died && swept.unwrap().settled == 0, "{death:?}"),
            }
            configure_webhooks(&world, json!({ "paused": false })).await;
            world.wait_for_webhooks().await;
            settle(&world).await;
            flow.check(&world, &user, 1, true).await;
        }
        let expected = if pending_fault == "timeout_before" { calls } else { &calls[..1] };
        assert_eq!(endpoints, expected, "{pending_fault}");
    }
    world.finish().await;
}

const TOPUP: [&str; 2] = ["POST /v1/checkout/sessions", "POST /v1/customers"];
const CHARGE: [&str; 1] = ["POST /v1/payment_intents"];
const TRANSFER: [&str; 1] = ["POST /v1/transfers"];

#[tokio::test(flavor = "multi_thread")]
async fn a_top_up_that_died_happens_once_if_it_is_retried() {
    die_at_every_step(Topup, Reaction::Retry, &TOPUP).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_top_up_that_died_does_not_disturb_a_new_one() {
    die_at_every_step(Topup, Reaction::NewRequest, &TOPUP).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_top_up_that_died_is_settled_without_a_retry() {
    die_at_every_step(Topup, Reaction::Nothing, &TOPUP).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawal_that_died_happens_once_if_it_is_retried() {
    die_at_every_step(Withdraw, Reaction::Retry, &TRANSFER).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawal_that_died_does_not_disturb_a_new_one() {
    die_at_every_step(Withdraw, Reaction::NewRequest, &TRANSFER).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawal_that_died_is_settled_without_a_retry() {
    die_at_every_step(Withdraw, Reaction::Nothing, &TRANSFER).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_died_with_a_charge_before_its_debit_happens_once_if_it_is_retried() {
    die_at_every_step(SHORT, Reaction::Retry, &CHARGE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_died_with_a_charge_before_its_debit_does_not_disturb_a_new_one() {
    die_at_every_step(SHORT, Reaction::NewRequest, &CHARGE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_died_with_a_charge_before_its_debit_is_settled_without_a_retry() {
    die_at_every_step(SHORT, Reaction::Nothing, &CHARGE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_died_with_a_charge_after_its_debit_happens_once_if_it_is_retried() {
    die_at_every_step(LOW, Reaction::Retry, &CHARGE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_died_with_a_charge_after_its_debit_does_not_disturb_a_new_one() {
    die_at_every_step(LOW, Reaction::NewRequest, &CHARGE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_died_with_a_charge_after_its_debit_is_settled_without_a_retry() {
    die_at_every_step(LOW, Reaction::Nothing, &CHARGE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_that_dies_over_a_withdrawal_is_completed_by_the_next_sweep() {
    die_while_sweeping(Withdraw, TRANSFER[0], &["GET /v1/transfers", TRANSFER[0]]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_that_dies_over_a_charge_before_a_debit_is_completed_by_the_next_sweep() {
    die_while_sweeping(SHORT, CHARGE[0], &["GET /v1/payment_intents", CHARGE[0]]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_that_dies_over_a_charge_after_a_debit_is_completed_by_the_next_sweep() {
    die_while_sweeping(LOW, CHARGE[0], &["GET /v1/payment_intents", CHARGE[0]]).await;
}
