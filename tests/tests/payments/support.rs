//! Shared helpers, which play the payer, the bank and Stripe.

use clorp_tests::{Answer, Client, World};
use serde_json::json;

/// Asks for a top-up.
pub(crate) async fn topup(client: &Client, amount_cents: i64) -> Answer {
    client.post("/api/wallet/topup", json!({ "amount_cents": amount_cents })).await
}

/// Asks for a top-up. Returns the id of its Checkout session.
pub(crate) async fn checkout(client: &Client, amount_cents: i64) -> String {
    let page = topup(client, amount_cents).await.expect(200);
    let url = page["url"].as_str().unwrap();
    url.rsplit('/').next().unwrap().to_owned()
}

/// Lets the payer act on the Checkout page, and waits until all webhook events have arrived.
pub(crate) async fn complete(world: &World, session: &str, outcome: &str) {
    complete_without_waiting(world, session, outcome).await;
    world.wait_for_webhooks().await;
}

/// Lets the payer act on the Checkout page, without waiting for the webhook events.
pub(crate) async fn complete_without_waiting(world: &World, session: &str, outcome: &str) {
    let body = json!({ "outcome": outcome });
    world.control(&format!("checkout/sessions/{session}/complete"), body).await;
}

/// The reasons in a wallet's ledger, newest first, each with its delta.
pub(crate) async fn ledger(client: &Client) -> Vec<(String, i64)> {
    let wallet = client.get("/api/wallet/balance").await.expect(200);
    let lines = wallet["ledger"].as_array().unwrap().iter();
    lines.map(|line| (line["reason"].as_str().unwrap().to_owned(), line["delta"].as_i64().unwrap())).collect()
}
