//! Deliveries of webhook events: late, repeated, concurrent, reordered, and to a function that fails.

use clorp_tests::{Answer, Client, Fault, Options, Proxy, World};
use futures::future::join_all;
use serde_json::{Value, json};

use super::signed::{id, latest_event, ledger_audit, send, signature};
use super::support::{checkout, complete, complete_without_waiting, ledger};

/// Enough faults to exhaust the SDK's attempts.
const TRIES: usize = 3;

async fn proxied_world() -> World {
    World::with(Options { proxied: true, ..Options::default() }).await
}

fn proxy(world: &World) -> &Proxy {
    world.proxy.as_ref().unwrap()
}

async fn assert_credited_once(user: &Client, session: &str) {
    assert_eq!(ledger(user).await, [(format!("topup:{session}"), 1000)]);
    assert_eq!(user.balance().await, 1000);
}

async fn pause(world: &World, paused: bool) {
    world.control("webhooks", json!({ "paused": paused })).await;
}

/// The state of the sandbox.
async fn sandbox_state(world: &World) -> Value {
    let url = format!("{}/_sandbox/state", world.sandbox.url);
    reqwest::get(url).await.unwrap().json().await.unwrap()
}

/// Waits until `find` finds something in the state of the sandbox.
async fn wait_for<T>(world: &World, find: impl Fn(&Value) -> Option<T>) -> T {
    loop {
        if let Some(found) = find(&sandbox_state(world).await) {
            return found;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_is_delivered_repeatedly_credits_once() {
    let world = World::start().await;
    let user = &world.stranger;
    world.control("webhooks", json!({ "duplicates": 4 })).await;
    let session = checkout(user, 1000).await;
    complete(&world, &session, "paid").await;
    assert_credited_once(user, &session).await;
    let event = latest_event(&world, "checkout.session.completed");
    for _ in 0..3 {
        world.control(&format!("events/{}/resend", id(&event)), json!({})).await;
    }
    world.wait_for_webhooks().await;
    world.advance_seconds(3 * 24 * 3600);
    world.control(&format!("events/{}/resend", id(&event)), json!({})).await;
    world.wait_for_webhooks().await;
    assert_credited_once(user, &session).await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_to_every_instance_in_a_random_order_credit_each_payment_once() {
    let world = World::start().await;
    let users = [&world.stranger, &world.workers[0], &world.workers[1]];
    world.send_webhooks_to_every_instance();
    world.control("webhooks", json!({ "paused": true, "duplicates": 2, "shuffle": true })).await;
    let mut expect = Vec::new();
    for user in users {
        let mut before = ledger(user).await;
        for outcome in ["paid", "async_paid"] {
            let session = checkout(user, 1000).await;
            complete_without_waiting(&world, &session, outcome).await;
            before.push((format!("topup:{session}"), 1000));
        }
        before.sort();
        expect.push(before);
    }
    // The bank debits succeed while all events are held back, so their two events may swap places.
    world.wait_for_webhooks().await;
    pause(&world, false).await;
    world.wait_for_webhooks().await;
    for (user, expect) in users.iter().zip(expect) {
        let mut after = ledger(user).await;
        after.sort();
        assert_eq!(after, expect);
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bank_debit_is_credited_by_its_success_in_either_order_of_events() {
    for success_first in [false, true] {
        let world = World::start().await;
        let user = &world.stranger;
        pause(&world, true).await;
        let session = checkout(user, 1000).await;
        let body = json!({ "outcome": "async_paid", "delay_ms": 0 });
        world.control(&format!("checkout/sessions/{session}/complete"), body).await;
        world.wait_for_webhooks().await;
        let completed = latest_event(&world, "checkout.session.completed");
        assert_eq!(completed["data"]["object"]["payment_status"], "unpaid");
        let mut events = [completed, latest_event(&world, "checkout.session.async_payment_succeeded")];
        let mut balances = [0, 1000];
        if success_first {
            events.reverse();
            balances = [1000, 1000];
        }
        for (event, balance) in events.iter().zip(balances) {
            super::signed::deliver(&world, event).await;
            assert_eq!(user.balance().await, balance, "{}", event["type"]);
        }
        pause(&world, false).await;
        world.wait_for_webhooks().await;
        assert_credited_once(user, &session).await;
        world.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_concurrent_deliveries_of_an_event_credit_once() {
    let world = World::start().await;
    let user = &world.stranger;
    pause(&world, true).await;
    let session = checkout(user, 1000).await;
    complete_without_waiting(&world, &session, "paid").await;
    let body = latest_event(&world, "checkout.session.completed").to_string().into_bytes();
    let header = signature(&world, &body);
    let answers = join_all((0..20).map(|_| send(&world, &body, Some(&header)))).await;
    answers.iter().for_each(|answer| drop(answer.expect(200)));
    assert_credited_once(user, &session).await;
    pause(&world, false).await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_whose_event_arrives_before_its_session_is_recorded_is_credited_once() {
    let world = World::start().await;
    let user = world.stranger.keyed("slow-checkout");
    let path = "/v1/checkout/sessions";
    // Stripe creates the session, and its response is lost.
    let fault = json!({ "path": path, "method": "POST", "fault": "timeout_after", "times": 1000 });
    world.control("next", fault).await;
    let request = || user.post("/api/wallet/topup", json!({ "amount_cents": 1000 }));
    let pay = async {
        let session = wait_for(&world, |state| {
            let sessions = state["objects"]["checkout_session"].as_object()?;
            sessions.keys().next().cloned()
        })
        .await;
        complete(&world, &session, "paid").await;
        let topups = ledger_audit(&world).await.topups;
        assert_credited_once(&world.stranger, &session).await;
        world.control("next", json!({ "path": path, "fault": "500", "times": 0 })).await;
        assert_eq!(topups.len(), 1);
        session
    };
    let (first, session) = tokio::join!(request(), pay);
    let mut answer: Answer = first;
    while answer.status != 200 {
        // The request gave up waiting for Stripe. A retry finds its top-up.
        answer.expect_error(503, "unavailable");
        answer = request().await;
    }
    let url = answer.json()["url"].as_str().unwrap().to_owned();
    assert!(url.ends_with(&session), "{url} is not the page of {session}");
    let sessions = sandbox_state(&world).await["objects"]["checkout_session"].as_object().unwrap().len();
    assert_eq!((sessions, ledger_audit(&world).await.topups.len()), (1, 1));
    assert_credited_once(&world.stranger, &session).await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_table_fails_the_webhook_answers_503_and_stripes_retry_is_credited() {
    let world = proxied_world().await;
    let user = &world.stranger;
    let session = checkout(user, 1000).await;
    proxy(&world).break_down(Fault::ServerError);
    complete_without_waiting(&world, &session, "paid").await;
    let body = latest_event(&world, "checkout.session.completed").to_string().into_bytes();
    let answer = send(&world, &body, Some(&signature(&world, &body))).await;
    answer.expect_error(503, "unavailable");
    assert!(answer.header("retry-after").is_some());
    let refused = |state: &Value| {
        let deliveries = state["deliveries"].as_array()?;
        deliveries.iter().find(|delivery| delivery["last_status"] == 503).map(drop)
    };
    wait_for(&world, refused).await;
    assert_eq!(ledger_audit(&world).await.reasons.len(), 8, "only the initial postings of the world");
    proxy(&world).heal();
    world.wait_for_webhooks().await;
    assert_credited_once(user, &session).await;
    assert_eq!(ledger_audit(&world).await.unapplied, vec![]);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credit_with_a_lost_response_or_a_conflict_is_made_once() {
    let world = proxied_world().await;
    let user = &world.stranger;
    for (n, fault) in [(1, Fault::LostAnswer), (TRIES, Fault::LostAnswer), (5, Fault::Conflict)] {
        pause(&world, true).await;
        let before = user.balance().await;
        let session = checkout(user, 1000).await;
        complete_without_waiting(&world, &session, "paid").await;
        proxy(&world).fail("TransactWriteItems", fault, n);
        pause(&world, false).await;
        world.wait_for_webhooks().await;
        assert_eq!(proxy(&world).faults_left(), 0);
        assert_eq!(user.balance().await, before + 1000, "{fault:?}");
        assert_eq!(ledger(user).await[0], (format!("topup:{session}"), 1000));
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_dies_between_a_credit_and_its_parked_claims_is_completed_by_the_next_delivery() {
    let world = proxied_world().await;
    let user = &world.stranger;
    pause(&world, true).await;
    let session = checkout(user, 1000).await;
    complete_without_waiting(&world, &session, "paid").await;
    world.control(&format!("charges/{session}/refund"), json!({ "amount": 300 })).await;
    super::signed::deliver(&world, &latest_event(&world, "charge.refunded")).await;
    assert_eq!(ledger_audit(&world).await.unapplied.len(), 1, "a refund before its credit is parked");
    let body = latest_event(&world, "checkout.session.completed").to_string().into_bytes();
    // The credit is made. Then the parked event cannot be read.
    proxy(&world).fail("Query", Fault::ServerError, TRIES);
    let answer = send(&world, &body, Some(&signature(&world, &body))).await;
    answer.expect_error(503, "unavailable");
    assert_eq!(proxy(&world).faults_left(), 0);
    assert_eq!((user.balance().await, ledger_audit(&world).await.unapplied.len()), (1000, 1));
    // The parked event is applied. Then it cannot be marked as applied.
    proxy(&world).fail("UpdateItem", Fault::ServerError, TRIES);
    let answer = send(&world, &body, Some(&signature(&world, &body))).await;
    answer.expect_error(503, "unavailable");
    assert_eq!(proxy(&world).faults_left(), 0);
    assert_eq!((user.balance().await, ledger_audit(&world).await.unapplied.len()), (700, 1));
    pause(&world, false).await;
    world.wait_for_webhooks().await;
    assert_eq!((user.balance().await, ledger_audit(&world).await.unapplied.len()), (700, 0));
    world.finish().await;
}
