//! The cost of moving money in and out. Only requests to the table are counted, not those to Stripe.

use clorp_tests::{Answer, Client};
use serde_json::{Value, json};

use super::cost::read_meter;
use super::requests::{Table, order};

const TOPUP: &str = "POST /api/wallet/topup";
const SETUP: &str = "POST /api/wallet/setup-payment-method";
const AUTO_TOPUP: &str = "POST /api/wallet/auto-topup";
const WITHDRAW: &str = "POST /api/wallet/withdraw";
const CONNECT: &str = "POST /api/stripe/connect";
const STATUS: &str = "GET /api/stripe/connect/status";
const WEBHOOK: &str = "POST /api/stripe/webhook";
const RUN: &str = "POST /api/jobs/run";
const PAY: &str = "POST /api/jobs/{id}/pay";
const SWEEP: &str = "reconciler: a sweep";

/// Plays every way in and out. Webhook events are held back and delivered one by one.
pub(crate) async fn play(table: &mut Table) {
    table.world.control("webhooks", json!({ "paused": true })).await;
    let (payer, payee) = (table.world.user("payer", 0).await, table.world.user("payee", 5000).await);
    pay_in(table, &payer).await;
    let card = save_a_card(table, &payer).await;
    charge_the_card(table, &payer, &card).await;
    refund_and_dispute(table, &payer).await;
    connect(table, &payee).await;
    pay_out(table, &payee).await;
    sweep(table, &payer, &payee).await;
}

/// The text of a field of a response.
fn text(body: &Value, field: &str) -> String {
    body[field].as_str().unwrap_or_else(|| panic!("no {field} in {body}")).to_owned()
}

/// The last event of a type.
fn event(table: &Table, kind: &str) -> Value {
    let events = table.world.sandbox.events();
    let found = events.into_iter().rev().find(|event| event["type"] == kind);
    found.unwrap_or_else(|| panic!("Stripe has sent no {kind}"))
}

/// Delivers the last event of a type and enters the cost.
async fn deliver(table: &mut Table, kind: &str, case: &str) {
    let event = event(table, kind);
    read_meter(&table.world);
    let answer = table.world.anon.post_webhook(&event).await;
    table.enter(WEBHOOK, case, &answer, 200);
}

async fn topup(client: &Client) -> Answer {
    client.post("/api/wallet/topup", json!({ "amount_cents": 1000 })).await
}

/// Starts a top-up, pays it, and returns its checkout session.
async fn pay_by_checkout(table: &mut Table, payer: &Client, case: &str) -> String {
    let answer = topup(payer).await;
    let url = text(&table.enter(TOPUP, case, &answer, 200), "url");
    let session = url.rsplit('/').next().unwrap().to_owned();
    let path = format!("checkout/sessions/{session}/complete");
    table.world.control(&path, json!({ "outcome": "paid" })).await;
    session
}

async fn pay_in(table: &mut Table, payer: &Client) {
    pay_by_checkout(table, payer, "the first of a user").await;
    deliver(table, "checkout.session.completed", "a top-up is paid").await;
    deliver(table, "checkout.session.completed", "repeated").await;
    deliver(table, "charge.succeeded", "ignored").await;
}

async fn set_up(payer: &Client) -> Answer {
    payer.post_empty("/api/wallet/setup-payment-method").await
}

/// Saves a card and returns its payment method.
async fn save_a_card(table: &mut Table, payer: &Client) -> String {
    let fresh = table.world.user("fresh", 100).await;
    table.enter(SETUP, "the first of a user", &set_up(&fresh).await, 200);
    let enable = json!({ "enabled": true, "amount_cents": 1000, "threshold_cents": 0 });
    let refused = fresh.post("/api/wallet/auto-topup", enable.clone()).await;
    table.enter(AUTO_TOPUP, "no saved card", &refused, 409);

    let answer = set_up(payer).await;
    let secret = text(&table.enter(SETUP, "", &answer, 200), "client_secret");
    let (setup, _) = secret.split_once("_secret_").unwrap();
    let path = format!("setup_intents/{setup}/succeed");
    let saved = table.world.control(&path, json!({ "card": "ok" })).await;
    deliver(table, "setup_intent.succeeded", "a card is saved").await;
    table.enter(AUTO_TOPUP, "set", &payer.post("/api/wallet/auto-topup", enable).await, 200);
    let settings = payer.post("/api/wallet/auto-topup", json!({})).await;
    table.enter(AUTO_TOPUP, "read", &settings, 200);
    text(&saved, "payment_method")
}

async fn run(payer: &Client, price_cents: i64) -> Answer {
    payer.post("/api/jobs/run", order(price_cents, true)).await
}

async fn set_threshold(table: &Table, payer: &Client, cents: i64) {
    payer.post("/api/wallet/auto-topup", json!({ "threshold_cents": cents })).await.expect(200);
    read_meter(&table.world);
}

/// Spends until the wallet holds `cents`.
async fn spend_down_to(table: &Table, payer: &Client, cents: i64) {
    let price = payer.balance().await - cents;
    run(payer, price).await.expect(201);
    read_meter(&table.world);
}

/// Charges the saved card in each possible way, 1,000 cents each time. The wallet always holds more than the
/// price of the drop, so the cost does not depend on the order of the debit and the read that decides about
/// another top-up.
async fn charge_the_card(table: &mut Table, payer: &Client, card: &str) {
    spend_down_to(table, payer, 500).await;
    table.enter(RUN, "the saved card is charged for it", &run(payer, 600).await, 201);
    deliver(table, "payment_intent.succeeded", "a charge of a saved card is known already").await;
    set_threshold(table, payer, 500).await;
    table.enter(RUN, "the saved card is charged afterwards", &run(payer, 500).await, 201);
    set_threshold(table, payer, 0).await;

    let set_card = async |table: &Table, behaviour: &str| {
        table.world.control(&format!("payment_methods/{card}"), json!({ "card": behaviour })).await;
    };
    set_card(table, "declined").await;
    spend_down_to(table, payer, 500).await;
    let refused = table.enter(RUN, "the saved card is declined", &run(payer, 600).await, 402);
    assert_eq!(refused["code"], "auto_topup_declined");
    set_card(table, "ok").await;
    let path = format!("/api/jobs/{}/pay", text(&refused, "id"));
    table.enter(PAY, "the saved card is charged for it", &payer.post_empty(&path).await, 200);
    assert_eq!(payer.balance().await, 900);
    read_meter(&table.world);
}

/// Refunds and disputes payments.
async fn refund_and_dispute(table: &mut Table, payer: &Client) {
    let session = pay_by_checkout(table, payer, "").await;
    let refund = async |table: &Table, cents: i64| {
        table.world.control(&format!("charges/{session}/refund"), json!({ "amount": cents })).await;
    };
    refund(table, 100).await;
    deliver(table, "charge.refunded", "parked until its payment is known").await;
    deliver(table, "checkout.session.completed", "a top-up is paid, and its parked event is processed").await;
    refund(table, 100).await;
    deliver(table, "charge.refunded", "a refund").await;

    let session = pay_by_checkout(table, payer, "").await;
    table.entries.pop();
    deliver(table, "checkout.session.completed", "").await;
    table.entries.pop();
    let dispute = table.world.control(&format!("charges/{session}/dispute"), json!({})).await;
    deliver(table, "charge.dispute.created", "a dispute").await;
    reconcile(table, "follows a dispute", 0).await;
    let path = format!("disputes/{}/close", text(&dispute, "id"));
    table.world.control(&path, json!({ "status": "won" })).await;
    deliver(table, "charge.dispute.closed", "a dispute is won").await;
}

async fn connect(table: &mut Table, payee: &Client) {
    let status = "/api/stripe/connect/status";
    let withdraw = payee.post("/api/wallet/withdraw", json!({ "amount_cents": 500 })).await;
    table.enter(WITHDRAW, "no account", &withdraw, 409);
    table.get(STATUS, status, payee, "not connected").await;
    table.enter(CONNECT, "the first of a user", &payee.post_empty("/api/stripe/connect").await, 200);
    table.enter(CONNECT, "", &payee.post_empty("/api/stripe/connect").await, 200);
    table.get(STATUS, status, payee, "pending").await;
    let account = payee.get(&format!("/api/users/{}", payee.id)).await.expect(200);
    let path = format!("accounts/{}/onboard", text(&account, "stripe_account_id"));
    table.world.control(&path, json!({})).await;
    read_meter(&table.world);
    // The order of an event and an answer of the same seconds is not known.
    table.world.advance_seconds(10);
    table.get(STATUS, status, payee, "active, and recorded").await;
    deliver(table, "account.updated", "an outdated account status").await;
    table.get(STATUS, status, payee, "active").await;
    table.world.advance_seconds(10);
    table.world.control(&path, json!({ "payouts_enabled": false })).await;
    deliver(table, "account.updated", "a new account status").await;
    table.world.advance_seconds(10);
    table.world.control(&path, json!({})).await;
    let event = event(table, "account.updated");
    table.world.anon.post_webhook(&event).await.expect(200);
    read_meter(&table.world);
}

async fn withdraw(payee: &Client, cents: i64) -> Answer {
    payee.post("/api/wallet/withdraw", json!({ "amount_cents": cents })).await
}

async fn pay_out(table: &mut Table, payee: &Client) {
    table.enter(WITHDRAW, "not enough money", &withdraw(payee, 100_000).await, 402);
    table.enter(WITHDRAW, "sent", &withdraw(payee, 1000).await, 201);
    table.world.control("next", json!({ "path": "/v1/transfers", "fault": "decline" })).await;
    table.enter(WITHDRAW, "refused by Stripe", &withdraw(payee, 1000).await, 409);
    let sent =
        table.world.sandbox.events().into_iter().rev().find(|event| event["type"] == "transfer.created");
    let path = format!("transfers/{}/reverse", sent.unwrap()["data"]["object"]["id"].as_str().unwrap());
    table.world.control(&path, json!({})).await;
    deliver(table, "transfer.reversed", "a withdrawal comes back").await;
    assert_eq!(payee.balance().await, 5000);
    read_meter(&table.world);
}

/// Sweeps up a transfer and a charge whose responses were lost.
async fn sweep(table: &mut Table, payer: &Client, payee: &Client) {
    let lose = async |table: &Table, path: &str, times: u32| {
        let fault = json!({ "path": path, "method": "POST", "fault": "timeout_after", "times": times });
        table.world.control("next", fault).await;
    };
    let (transfers, charges) = ("/v1/transfers", "/v1/payment_intents");
    lose(table, transfers, 100).await;
    table.enter(WITHDRAW, "Stripe does not answer", &withdraw(payee, 1000).await, 202);
    lose(table, transfers, 0).await;
    reconcile(table, "ends a dispute that was won", 0).await;
    reconcile(table, "nothing is due", 0).await;
    table.world.advance_seconds(16);
    reconcile(table, "finds a transfer", 1).await;

    lose(table, charges, 100).await;
    let pending = table.enter(RUN, "Stripe does not answer", &run(payer, 3000).await, 402);
    assert_eq!(pending["code"], "auto_topup_pending");
    lose(table, charges, 0).await;
    table.world.advance_seconds(16);
    reconcile(table, "finds a charge", 1).await;
}

/// Runs the reconciler, which must settle `settled` payments, and enters the cost.
async fn reconcile(table: &mut Table, case: &str, settled: u64) {
    read_meter(&table.world);
    assert_eq!(table.world.reconcile().await, settled, "{case}");
    let cost = read_meter(&table.world);
    table.entries.push((SWEEP.to_owned(), case.to_owned(), cost));
}
