//! Users prepared for a test, their requests, and their objects at Stripe.

use clorp_stripe_sandbox as sandbox;
use clorp_tests::{Answer, Client, Options, Proxy, World};
use serde_json::{Value, json};

/// Seconds after which [`World::resume`] looks at the pending work of a request.
pub(crate) const AFTER_SETTLE_GRACE: i64 = 16;
/// Seconds after which the lease of an `Idempotency-Key` has ended.
pub(crate) const AFTER_LEASE: i64 = 31;
/// More faults than any request to Stripe has attempts.
pub(crate) const ALWAYS: usize = 1000;
/// Faults that leave the outcome of a request to Stripe unknown.
pub(crate) const UNKNOWN_OUTCOMES: [&str; 4] = ["timeout_before", "timeout_after", "500", "429"];

/// A platform with a balance to transfer, and few attempts at an unresponsive Stripe.
pub(crate) fn options() -> Options {
    let sandbox = sandbox::Options { starting_balance_cents: 10_000_000, ..sandbox::Options::default() };
    Options { sandbox, stripe_tries: 2, ..Options::default() }
}

/// A world with these options and a table that can fail.
pub(crate) async fn proxied_world() -> World {
    World::with(Options { proxied: true, ..options() }).await
}

pub(crate) fn proxy(world: &World) -> &Proxy {
    world.proxy.as_ref().unwrap()
}

/// A user with a finished onboarding and a balance to withdraw.
pub(crate) async fn payee(world: &World, balance_cents: i64) -> Client {
    let user = world.user("payee", balance_cents).await;
    let account = begin_onboarding(&user).await;
    world.control(&format!("accounts/{account}/onboard"), json!({})).await;
    world.wait_for_webhooks().await;
    user
}

/// Begins the onboarding. Returns the account.
pub(crate) async fn begin_onboarding(user: &Client) -> String {
    user.post_empty("/api/stripe/connect").await.expect(200);
    user_field(user, "stripe_account_id").await
}

/// A user with a saved card, and the card.
pub(crate) async fn cardholder(world: &World, balance_cents: i64) -> (Client, String) {
    let user = world.user("cardholder", balance_cents).await;
    let card = save_card(world, &user, "ok").await;
    (user, card)
}

/// Saves a card with this behaviour. Returns the card.
pub(crate) async fn save_card(world: &World, user: &Client, behaviour: &str) -> String {
    let setup = user.post_empty("/api/wallet/setup-payment-method").await.expect(200);
    let (setup, _) = setup["client_secret"].as_str().unwrap().split_once("_secret").unwrap();
    let path = format!("setup_intents/{setup}/succeed");
    let setup = world.control(&path, json!({ "card": behaviour })).await;
    world.wait_for_webhooks().await;
    setup["payment_method"].as_str().unwrap().to_owned()
}

/// Changes the behaviour of a card.
pub(crate) async fn set_card_behaviour(world: &World, card: &str, behaviour: &str) {
    world.control(&format!("payment_methods/{card}"), json!({ "card": behaviour })).await;
}

pub(crate) async fn change_settings(user: &Client, settings: Value) -> Answer {
    user.post("/api/wallet/auto-topup", settings).await
}

/// Enables automatic top-ups.
pub(crate) async fn enable(user: &Client, amount_cents: i64, threshold_cents: i64) {
    let settings =
        json!({ "enabled": true, "amount_cents": amount_cents, "threshold_cents": threshold_cents });
    change_settings(user, settings).await.expect(200);
}

/// The current settings.
pub(crate) async fn settings(user: &Client) -> Value {
    change_settings(user, json!({})).await.expect(200)
}

/// Posts a drop of this price, and pays it if the wallet can.
pub(crate) async fn run(user: &Client, price_cents: i64) -> Answer {
    let order = json!({
        "prompt": "Three taglines, please", "pack": "roast", "price_cents": price_cents, "confirmed": true,
    });
    user.post("/api/jobs/run", order).await
}

pub(crate) async fn pay(user: &Client, drop: &str) -> Answer {
    user.post_empty(&format!("/api/jobs/{drop}/pay")).await
}

/// The statuses of the drops a user has posted, newest first.
pub(crate) async fn drop_statuses(user: &Client) -> Vec<String> {
    let drops = user.get("/api/jobs").await.expect(200);
    drops.as_array().unwrap().iter().map(|drop| drop["status"].as_str().unwrap().to_owned()).collect()
}

pub(crate) async fn withdraw(user: &Client, amount_cents: i64) -> Answer {
    user.post("/api/wallet/withdraw", json!({ "amount_cents": amount_cents })).await
}

pub(crate) fn id(object: &Value) -> String {
    object["id"].as_str().unwrap().to_owned()
}

/// A text field of the user's own record, or an empty text.
pub(crate) async fn user_field(user: &Client, field: &str) -> String {
    let record = user.get(&format!("/api/users/{}", user.id)).await.expect(200);
    record[field].as_str().unwrap_or_default().to_owned()
}

/// The user's objects in one of Stripe's lists, newest first, found by their metadata.
pub(crate) async fn objects_at_stripe(world: &World, list: &str, user: &Client) -> Vec<Value> {
    let (mut found, mut query) = (Vec::new(), "limit=100".to_owned());
    loop {
        let url = format!("{}/v1/{list}?{query}", world.sandbox.url);
        let request = reqwest::Client::new().get(url).bearer_auth(clorp_tests::world::STRIPE_KEY);
        let text = request.send().await.unwrap().text().await.unwrap();
        let page: Value = serde_json::from_str(&text).unwrap();
        let objects = page["data"].as_array().unwrap_or_else(|| panic!("{list}: {text}"));
        found.extend(objects.iter().filter(|object| object["metadata"]["user_id"] == user.id).cloned());
        match objects.last().filter(|_| page["has_more"] == true) {
            Some(last) => query = format!("limit=100&starting_after={}", id(last)),
            None => return found,
        }
    }
}

/// The user's automatic top-ups at Stripe.
pub(crate) async fn charges(world: &World, user: &Client) -> Vec<Value> {
    let mut intents = objects_at_stripe(world, "payment_intents", user).await;
    intents.retain(|intent| intent["metadata"]["type"] == "auto_topup");
    intents
}

pub(crate) async fn transfers(world: &World, user: &Client) -> Vec<Value> {
    objects_at_stripe(world, "transfers", user).await
}

/// Lets the next `times` requests with this path prefix meet a fault.
pub(crate) async fn inject_fault(world: &World, path: &str, fault: &str, times: usize) {
    world.control("next", json!({ "path": path, "fault": fault, "times": times })).await;
}

/// Removes the faults with this path prefix.
pub(crate) async fn clear_faults(world: &World, path: &str) {
    inject_fault(world, path, "500", 0).await;
}

/// Configures the delivery of webhook events.
pub(crate) async fn configure_webhooks(world: &World, options: Value) {
    world.control("webhooks", options).await;
}

/// Settles everything that is pending.
pub(crate) async fn resume_all(world: &World) {
    world.advance_seconds(AFTER_SETTLE_GRACE);
    world.reconcile().await;
    let pending = world.store.pending().unsettled().await.unwrap();
    assert!(pending.is_empty(), "{pending:?}");
}

/// The status of each answer, sorted.
pub(crate) fn statuses(answers: &[Answer]) -> Vec<u16> {
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status.as_u16()).collect();
    statuses.sort_unstable();
    statuses
}

fn is_idempotency_record(request: &Value) -> bool {
    request["Key"]["pk"]["S"].as_str().is_some_and(|pk| pk.starts_with("IDEMP#"))
}

/// True for a request to the table that stores a response under its `Idempotency-Key`.
pub(crate) fn stores_response(request: &Value) -> bool {
    let values = request["ExpressionAttributeValues"].as_object();
    is_idempotency_record(request)
        && values.is_some_and(|values| values.values().any(|value| !value["M"].is_null()))
}
