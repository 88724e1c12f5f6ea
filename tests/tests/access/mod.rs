//! Who may do what, and how often: credentials, API keys and their limits, rates, pages of other origins; and how programs get
//! in.

mod cli;
mod keys;
mod pages;
mod rate_limits;
mod spend;
mod table;

use clorp_tests::{Answer, Client};
use serde_json::{Value, json};

/// Makes a key by the API; its id, and its owner with it.
async fn make_key(owner: &Client, mut request: Value) -> (String, Client) {
    request["name"] = json!("made");
    let key = owner.post("/api/keys", request).await.expect(201);
    let secret = key["secret"].as_str().unwrap();
    (key["id"].as_str().unwrap().to_owned(), owner.with_authorization(&format!("Bearer {secret}")))
}

/// Posts a drop for this price.
async fn run(caller: &Client, price_cents: i64) -> Answer {
    let order = json!({ "prompt": "Roast this", "price_cents": price_cents, "confirmed": true });
    caller.post("/api/jobs/run", order).await
}
