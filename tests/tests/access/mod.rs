//! Authentication and authorisation: credentials, API keys and their spend policies, rate limits, CORS, and
//! logins of programs.

mod cli;
mod keys;
mod pages;
mod rate_limits;
mod spend;
mod table;

use clorp_tests::{Answer, Client};
use serde_json::{Value, json};

/// Creates a key through the API and returns its id and a client that uses it.
async fn create_key(owner: &Client, mut request: Value) -> (String, Client) {
    request["name"] = json!("created");
    let key = owner.post("/api/keys", request).await.expect(201);
    let secret = key["secret"].as_str().unwrap();
    (key["id"].as_str().unwrap().to_owned(), owner.with_authorization(&format!("Bearer {secret}")))
}

/// Posts a drop at this price.
async fn run(caller: &Client, price_cents: i64) -> Answer {
    let order = json!({ "prompt": "Roast this", "price_cents": price_cents, "confirmed": true });
    caller.post("/api/jobs/run", order).await
}
