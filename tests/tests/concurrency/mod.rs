//! Concurrent callers, and a table that is contended or fails.

mod agents;
mod claims;
mod faults;
mod money;
mod settlement;
mod submissions;

use std::collections::BTreeMap;

use clorp_tests::{Answer, Client, World};
use futures::future::join_all;
use serde_json::{Value, json};

/// Repetitions of a race between two requests, either of which may win.
const ROUNDS: usize = 8;

/// The number of responses by status.
fn tally(answers: &[Answer]) -> BTreeMap<u16, usize> {
    answers.iter().fold(BTreeMap::new(), |mut tally, answer| {
        *tally.entry(answer.status.as_u16()).or_default() += 1;
        tally
    })
}

/// Creates `n` users with empty wallets.
async fn crowd(world: &World, n: usize) -> Vec<Client> {
    join_all((0..n).map(async |i| world.user(&format!("user-{i}"), 0).await)).await
}

/// Reads a drop.
async fn read(reader: &Client, drop: &str) -> Value {
    reader.get(&format!("/api/jobs/{drop}")).await.expect(200)
}

async fn cancel(caller: &Client, drop: &str) -> Answer {
    caller.post_empty(&format!("/api/jobs/{drop}/cancel")).await
}

async fn pay(caller: &Client, drop: &str) -> Answer {
    caller.post_empty(&format!("/api/jobs/{drop}/pay")).await
}

async fn run(caller: &Client, price_cents: i64) -> Answer {
    let body = json!({
        "prompt": "Three taglines, please", "pack": "roast", "price_cents": price_cents,
        "time_limit_seconds": 300, "confirmed": true,
    });
    caller.post("/api/jobs/run", body).await
}

/// Creates a sender with this balance and a pending drop of this price.
async fn post_pending(world: &World, balance: i64, price: i64) -> (Client, String) {
    let sender = world.user("pending-sender", balance).await;
    let blocker = sender.post_drop(balance).await;
    let refused = run(&sender, price).await.expect_error(402, "insufficient_balance");
    cancel(&sender, &blocker).await.expect(200);
    assert_eq!(sender.balance().await, balance);
    (sender, refused["id"].as_str().unwrap().to_owned())
}

/// Posts a drop whose last slot `world.workers[4]` holds with a lapsed lease; the four workers before have
/// submitted.
async fn post_with_lapsed_last_slot(world: &World) -> String {
    let drop = world.sender.post_drop(1000).await;
    world.race(&drop, 4).await;
    world.workers[4].claim(&drop).await.expect(201);
    world.advance_seconds(121);
    drop
}

/// The sum of the workers' balances, in cents.
async fn total_balance(workers: &[Client]) -> i64 {
    join_all(workers.iter().map(Client::balance)).await.into_iter().sum()
}
