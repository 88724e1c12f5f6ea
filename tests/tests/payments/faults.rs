//! Whatever dies, wherever: the wallet and Stripe agree to the cent, and what was asked for once has happened once.
//!
//! Each flow is cut off at every request it makes, one after another: at each request to the table, which then fails
//! without or after having acted and lets no later one through, as if the function had died there; and at each
//! request to Stripe, whose answer is lost. Afterwards the same request is sent again, or one like it, or none; and
//! the sweep finds out what is pending.

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

/// Something that moves money through Stripe.
trait Flow {
    /// Somebody who can do it.
    async fn prepare(&self, world: &World) -> Client;
    /// Does it.
    async fn act(&self, user: &Client) -> Answer;
    /// How often it has been done, or will be without being asked for again.
    async fn done(&self, world: &World, user: &Client) -> usize;
    /// Holds the user's wallet to its having been done this often, and Stripe to the same. If it was not done in full,
    /// one of its times may lack a step, which nobody repeated.
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

    async fn done(&self, world: &World, user: &Client) -> usize {
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

    async fn done(&self, _: &World, user: &Client) -> usize {
        ledger(user).await.iter().filter(|(reason, _)| reason.starts_with("withdraw:")).count()
    }

    async fn check(&self, world: &World, user: &Client, times: usize, _: bool) {
        assert_eq!(transfers(world, user).await.len(), times);
        assert_eq!(user.balance().await, 5000 - 1000 * i64::try_from(times).unwrap());
        assert_eq!(ledger(user).await.len(), times + 1, "one entry each, and the first money");
    }
}

/// A run of 1000 that charges the card for 1000: before the debit, which would come short, or after it, because the
/// wallet is low then. In the end there is as much in it as in the beginning.
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

    async fn done(&self, _: &World, user: &Client) -> usize {
        drop_statuses(user).await.len()
    }

    async fn check(&self, world: &World, user: &Client, times: usize, in_full: bool) {
        assert_eq!(drop_statuses(user).await.len(), times);
        // One that was answered with 402 while the charge was under way can be paid now.
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

/// What follows a death.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    /// The same request again, with its key.
    Same,
    /// The same again without a key, while a sweep looks at what the first has left.
    Anew,
    /// Nothing but the sweep.
    Nothing,
}

/// A death.
#[derive(Clone, Debug)]
enum Death {
    /// At the request to the table after this many.
    Table(usize, Fault),
    /// Of the answers of an endpoint of Stripe's, such as `POST /v1/transfers`.
    Stripe(String, &'static str),
}

impl Death {
    async fn begin(&self, world: &World) {
        match self {
            Self::Table(before, fault) => proxy(world).die_after(*before, *fault),
            Self::Stripe(endpoint, fault) => {
                let (method, path) = endpoint.split_once(' ').unwrap();
                let body = json!({ "path": path, "method": method, "fault": fault, "times": ALWAYS });
                world.control("next", body).await;
            }
        }
    }

    /// Ends it; whether anything met it.
    async fn end(&self, world: &World) -> bool {
        match self {
            Self::Table(..) => {
                let died = proxy(world).died();
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

/// Lets one request die and one thing follow. `false` if it did not die, because it was over before.
async fn die(world: &World, flow: &impl Flow, death: &Death, then: Then) -> bool {
    let user = flow.prepare(world).await;
    let keyed = user.keyed("k");
    configure_webhooks(world, json!({ "paused": true })).await;
    death.begin(world).await;
    let first = flow.act(&keyed).await;
    let died = death.end(world).await;
    if !died {
        assert!(first.status.is_success(), "{}", first.text);
    }
    let done = flow.done(world, &user).await;
    // What Stripe has to report arrives before what follows, or after it.
    if matches!(death, Death::Table(_, Fault::FalseRefusal) | Death::Stripe(_, "timeout_after")) {
        configure_webhooks(world, json!({ "paused": false })).await;
        world.reported().await;
    }
    let times = match then {
        Then::Same => {
            world.advance_seconds(AFTER_LEASE);
            let again = flow.act(&keyed).await;
            // Where Stripe's answer was lost, what the first was told is final, and may be that it is not known yet.
            let pending = matches!(death, Death::Stripe(..)) && again.text.contains("auto_topup_pending");
            assert!(again.status.is_success() || pending, "{death:?}: {}", again.text);
            1
        }
        Then::Anew => {
            world.advance_seconds(AFTER_SETTLE_GRACE);
            let (again, _) = join(flow.act(&user), world.resume()).await;
            assert!(again.status.is_success(), "{death:?}: {}", again.text);
            done + 1
        }
        Then::Nothing => done,
    };
    configure_webhooks(world, json!({ "paused": false })).await;
    world.reported().await;
    settle(world).await;
    // Shown where the check fails.
    println!("{death:?}, then {then:?}: {} {}", first.status, first.text);
    flow.check(world, &user, times, then != Then::Nothing).await;
    died
}

/// Sweeps, after which nothing may be pending.
async fn settle(world: &World) {
    resume_all(world).await;
    world.reported().await;
}

/// The endpoints of Stripe's that a flow calls.
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
async fn die_at_every_step(flow: impl Flow, then: Then, calls: &[&str]) {
    let world = proxied_world().await;
    for fault in [Fault::Refused, Fault::FalseRefusal] {
        let mut steps = 0;
        while die(&world, &flow, &Death::Table(steps, fault), then).await {
            steps += 1;
        }
        assert!(steps >= 4, "{steps}: reading, recording, and the idempotency record before and after");
    }
    let endpoints = endpoints(&world, &flow).await;
    assert_eq!(endpoints, calls);
    for endpoint in endpoints {
        for fault in UNKNOWN_OUTCOMES {
            let death = Death::Stripe(endpoint.clone(), fault);
            assert!(die(&world, &flow, &death, then).await, "{death:?}");
        }
    }
    world.finish().await;
}

/// Lets the sweep die at every step, of what a flow has left pending.
async fn die_while_sweeping(flow: impl Flow, pending: &str, calls: &[&str]) {
    let world = proxied_world().await;
    for left_by in ["timeout_before", "timeout_after"] {
        let mut endpoints = Vec::new();
        let mut deaths = Vec::from([Death::Table(0, Fault::Refused), Death::Table(0, Fault::FalseRefusal)]);
        while let Some(death) = deaths.pop() {
            let user = flow.prepare(&world).await;
            configure_webhooks(&world, json!({ "paused": true })).await;
            let unknown = Death::Stripe(pending.to_owned(), left_by);
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
                        let faults =
                            endpoints.iter().flat_map(|one| UNKNOWN_OUTCOMES.map(|how| (one.clone(), how)));
                        deaths.extend(faults.map(|(endpoint, how)| Death::Stripe(endpoint, how)));
                    }
                }
                Death::Stripe(..) => assert!(died && swept.unwrap().settled == 0, "{death:?}"),
            }
            configure_webhooks(&world, json!({ "paused": false })).await;
            world.reported().await;
            settle(&world).await;
            flow.check(&world, &user, 1, true).await;
        }
        let expected = if left_by == "timeout_before" { calls } else { &calls[..1] };
        assert_eq!(endpoints, expected, "{left_by}");
    }
    world.finish().await;
}

const TOPUP: [&str; 2] = ["POST /v1/checkout/sessions", "POST /v1/customers"];
const CHARGE: [&str; 1] = ["POST /v1/payment_intents"];
const TRANSFER: [&str; 1] = ["POST /v1/transfers"];

#[tokio::test(flavor = "multi_thread")]
async fn a_top_up_that_died_and_is_sent_again() {
    die_at_every_step(Topup, Then::Same, &TOPUP).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_top_up_that_died_and_is_begun_anew() {
    die_at_every_step(Topup, Then::Anew, &TOPUP).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_top_up_that_died() {
    die_at_every_step(Topup, Then::Nothing, &TOPUP).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawal_that_died_and_is_sent_again() {
    die_at_every_step(Withdraw, Then::Same, &TRANSFER).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawal_that_died_and_is_begun_anew() {
    die_at_every_step(Withdraw, Then::Anew, &TRANSFER).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawal_that_died() {
    die_at_every_step(Withdraw, Then::Nothing, &TRANSFER).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_with_a_charge_before_it_that_died_and_is_sent_again() {
    die_at_every_step(SHORT, Then::Same, &CHARGE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_with_a_charge_before_it_that_died_and_is_begun_anew() {
    die_at_every_step(SHORT, Then::Anew, &CHARGE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_with_a_charge_before_it_that_died() {
    die_at_every_step(SHORT, Then::Nothing, &CHARGE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_with_a_charge_after_it_that_died_and_is_sent_again() {
    die_at_every_step(LOW, Then::Same, &CHARGE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_with_a_charge_after_it_that_died_and_is_begun_anew() {
    die_at_every_step(LOW, Then::Anew, &CHARGE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_with_a_charge_after_it_that_died() {
    die_at_every_step(LOW, Then::Nothing, &CHARGE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_over_a_withdrawal_that_died() {
    die_while_sweeping(Withdraw, TRANSFER[0], &["GET /v1/transfers", TRANSFER[0]]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_over_a_charge_before_a_run_that_died() {
    die_while_sweeping(SHORT, CHARGE[0], &["GET /v1/payment_intents", CHARGE[0]]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_over_a_charge_after_a_run_that_died() {
    die_while_sweeping(LOW, CHARGE[0], &["GET /v1/payment_intents", CHARGE[0]]).await;
}
