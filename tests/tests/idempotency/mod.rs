//! `Idempotency-Key`: a retry gets the same response and has no further effect, whatever happened in between.

mod agents;
mod cost;
mod crash;
mod flight;
mod money;
mod replay;
mod reuse;
mod unkept;

use clorp_tests::proxy::Call;
use clorp_tests::{Answer, Client, Options, Proxy, World};
use serde_json::{Value, json};

const TRANSACTION: &str = "TransactWriteItems";
/// The SDK's attempts of one request.
const TRIES: usize = 3;
/// Seconds after which the lease of a request has lapsed.
const LEASE_LAPSED: i64 = 31;

async fn start_proxied() -> World {
    World::with(Options { proxied: true, ..Options::funded() }).await
}

fn proxy(world: &World) -> &Proxy {
    world.proxy.as_ref().unwrap()
}

fn order(price_cents: i64) -> Value {
    json!({ "prompt": "Three taglines, please", "pack": "roast", "price_cents": price_cents, "confirmed": true })
}

async fn run(caller: &Client, price_cents: i64) -> Answer {
    caller.post("/api/jobs/run", order(price_cents)).await
}

async fn pay(caller: &Client, drop: &str) -> Answer {
    caller.post_empty(&format!("/api/jobs/{drop}/pay")).await
}

async fn cancel(caller: &Client, drop: &str) -> Answer {
    caller.post_empty(&format!("/api/jobs/{drop}/cancel")).await
}

/// Reads a drop.
async fn read(reader: &Client, drop: &str) -> Value {
    reader.get(&format!("/api/jobs/{drop}")).await.expect(200)
}

/// The number of drops that a user has posted.
async fn count_drops(sender: &Client) -> usize {
    sender.get("/api/jobs").await.expect(200).as_array().unwrap().len()
}

fn id(drop: &Value) -> String {
    drop["id"].as_str().unwrap().to_owned()
}

/// Creates a sender with 600 cents and a pending drop of that price.
async fn post_pending(world: &World) -> (Client, String) {
    let sender = world.user("pending-sender", 600).await;
    let blocker = sender.post_drop(600).await;
    let refused = run(&sender, 600).await.expect_error(402, "insufficient_balance");
    cancel(&sender, &blocker).await.expect(200);
    (sender, id(&refused))
}

fn is_replay(answer: &Answer) -> bool {
    match answer.header("idempotency-replayed") {
        None => false,
        Some(value) => {
            assert_eq!(value, "true");
            true
        }
    }
}

/// Checks that `answer` is a replay of `first` with a request id of its own.
#[track_caller]
fn assert_replay(answer: &Answer, first: &Answer) {
    assert!(is_replay(answer), "{} {}", answer.status, answer.text);
    assert_eq!(answer.status, first.status, "{}", answer.text);
    let (id, first_id) = (answer.header("x-request-id").unwrap(), first.header("x-request-id").unwrap());
    assert_ne!(id, first_id);
    assert_eq!(answer.text, first.text.replace(first_id, id));
    for name in ["content-type", "cache-control", "x-content-type-options", "content-length"] {
        assert_eq!(answer.header(name), first.header(name), "{name}");
    }
}

#[track_caller]
fn assert_in_flight(answer: &Answer) {
    answer.expect_error(409, "idempotency_in_flight");
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert!(!is_replay(answer));
}

fn targets_a_record(request: &Value) -> bool {
    request["Key"]["pk"]["S"].as_str().is_some_and(|pk| pk.starts_with("IDEMP#"))
}

fn values(request: &Value) -> impl Iterator<Item = &Value> {
    request["ExpressionAttributeValues"].as_object().into_iter().flat_map(|values| values.values())
}

/// Tells if a request to the table stores a response.
fn stores_a_response(request: &Value) -> bool {
    targets_a_record(request) && values(request).any(|value| !value["M"].is_null())
}

/// Tells if a request to the table ends the lease of a record.
fn releases_a_record(request: &Value) -> bool {
    targets_a_record(request) && values(request).any(|value| value["N"] == "0")
}

/// Returns and removes the recorded calls about idempotency records.
fn take_record_calls(world: &World) -> Vec<Call> {
    let mut calls = proxy(world).take_calls();
    calls.retain(|call| call.request.to_string().contains("IDEMP"));
    calls
}
