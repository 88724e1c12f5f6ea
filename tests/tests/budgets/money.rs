//! What it costs to move money in and out. Stripe's answers take their time too, but what is counted here is what is
//! asked of the table.

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
const SWEEP: &str = "payments: a sweep";

/// Plays every way in and out. Stripe's reports are held back, and delivered one by one.
pub(crate) async fn play(table: &mut Table) {
    table.world.control("webhooks", json!({ "paused": true })).await;
    let (payer, payee) = (table.world.user("payer", 0).await, table.world.user("payee", 5000).await);
    pay_in(table, &payer).await;
    let card = save_a_card(table, &payer).await;
    charge_the_card(table, &payer, &card).await;
    take_back(table, &payer).await;
    connect(table, &payee).await;
    pay_out(table, &payee).await;
    sweep(table, &payer, &payee).await;
}

/// The value at a member of an answer's body.
fn text(body: &Value, member: &str) -> String {
    body[member].as_str().unwrap_or_else(|| panic!("no {member} in {body}")).to_owned()
}

/// The last event of a type.
fn event(table: &Table, kind: &str) -> Value {
    let events = table.world.sandbox.events();
    let found = events.into_iter().rev().find(|event| event["type"] == kind);
    found.unwrap_or_else(|| panic!("Stripe has reported no {kind}"))
}

/// Enters what it costs to hear of the last event of a type.
async fn hear(table: &mut Table, kind: &str, case: &str) {
    let event = event(table, kind);
    read_meter(&table.world);
    let answer = table.world.anon.report(&event).await;
    table.enter(WEBHOOK, case, &answer, 200);
}

async fn topup(client: &Client) -> Answer {
    client.post("/api/wallet/topup", json!({ "amount_cents": 1000 })).await
}

/// Asks for a top-up and pays it; the session.
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
    hear(table, "checkout.session.completed", "a top-up is paid").await;
    hear(table, "checkout.session.completed", "the same again").await;
    hear(table, "charge.succeeded", "none of our business").await;
}

async fn set_up(payer: &Client) -> Answer {
    payer.post_empty("/api/wallet/setup-payment-method").await
}

/// The payment method that was saved.
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
    hear(table, "setup_intent.succeeded", "a card is saved").await;
    table.enter(AUTO_TOPUP, "set", &payer.post("/api/wallet/auto-topup", enable).await, 200);
    let asked = payer.post("/api/wallet/auto-topup", json!({})).await;
    table.enter(AUTO_TOPUP, "asked for", &asked, 200);
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

/// By 1,000 cents each time. Where a drop is paid, more is left than its price: otherwise it would depend on whether the
/// wallet was read before or after the debit if a top-up is tried, and refused by the wallet, afterwards.
async fn charge_the_card(table: &mut Table, payer: &Client, card: &str) {
    spend_down_to(table, payer, 500).await;
    table.enter(RUN, "the saved card is charged for it", &run(payer, 600).await, 201);
    hear(table, "payment_intent.succeeded", "a charge of a saved card is known already").await;
    set_threshold(table, payer, 500).await;
    table.enter(RUN, "the saved card is charged afterwards", &run(payer, 500).await, 201);
    set_threshold(table, payer, 0).await;

    let behave = async |table: &Table, how: &str| {
        table.world.control(&format!("payment_methods/{card}"), json!({ "card": how })).await;
    };
    behave(table, "declined").await;
    spend_down_to(table, payer, 500).await;
    let refused = table.enter(RUN, "the saved card is declined", &run(payer, 600).await, 402);
    assert_eq!(refused["code"], "auto_topup_declined");
    behave(table, "ok").await;
    let path = format!("/api/jobs/{}/pay", text(&refused, "id"));
    table.enter(PAY, "the saved card is charged for it", &payer.post_empty(&path).await, 200);
    assert_eq!(payer.balance().await, 900);
    read_meter(&table.world);
}

/// Refunds and disputes.
async fn take_back(table: &mut Table, payer: &Client) {
    let session = pay_by_checkout(table, payer, "").await;
    let refund = async |table: &Table, cents: i64| {
        table.world.control(&format!("charges/{session}/refund"), json!({ "amount": cents })).await;
    };
    refund(table, 100).await;
    hear(table, "charge.refunded", "kept until its payment is known").await;
    hear(table, "checkout.session.completed", "a top-up is paid, and a report kept about it acted on").await;
    refund(table, 100).await;
    hear(table, "charge.refunded", "a refund").await;

    let session = pay_by_checkout(table, payer, "").await;
    table.counted.pop();
    hear(table, "checkout.session.completed", "").await;
    table.counted.pop();
    let dispute = table.world.control(&format!("charges/{session}/dispute"), json!({})).await;
    hear(table, "charge.dispute.created", "a dispute").await;
    let path = format!("disputes/{}/close", text(&dispute, "id"));
    table.world.control(&path, json!({ "status": "won" })).await;
    hear(table, "charge.dispute.closed", "a dispute is won").await;
}

async fn connect(table: &mut Table, payee: &Client) {
    let status = "/api/stripe/connect/status";
    let withdraw = payee.post("/api/wallet/withdraw", json!({ "amount_cents": 500 })).await;
    table.enter(WITHDRAW, "no account", &withdraw, 409);
    table.get(STATUS, status, payee, "not connected").await;
    table.enter(CONNECT, "the first of a user", &payee.post_empty("/api/stripe/connect").await, 200);
    table.enter(CONNECT, "", &payee.post_empty("/api/stripe/connect").await, 200);
    table.get(STATUS, status, payee, "pending").await;
    let known = payee.get(&format!("/api/users/{}", payee.id)).await.expect(200);
    let path = format!("accounts/{}/onboard", text(&known, "stripe_account_id"));
    table.world.control(&path, json!({})).await;
    read_meter(&table.world);
    // Reports of the second in which we learnt of it ourselves may or may not be news.
    table.world.advance_seconds(2);
    table.get(STATUS, status, payee, "active, and news to us").await;
    hear(table, "account.updated", "what an account was before").await;
    table.get(STATUS, status, payee, "active").await;
    table.world.advance_seconds(2);
    table.world.control(&path, json!({ "payouts_enabled": false })).await;
    hear(table, "account.updated", "what an account is now").await;
    table.world.advance_seconds(2);
    table.world.control(&path, json!({})).await;
    let event = event(table, "account.updated");
    table.world.anon.report(&event).await.expect(200);
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
    hear(table, "transfer.reversed", "a withdrawal comes back").await;
    assert_eq!(payee.balance().await, 5000);
    read_meter(&table.world);
}

/// What became of a transfer and a charge whose answers were lost.
async fn sweep(table: &mut Table, payer: &Client, payee: &Client) {
    let lose = async |table: &Table, path: &str, times: u32| {
        let fault = json!({ "path": path, "method": "POST", "fault": "timeout_after", "times": times });
        table.world.control("next", fault).await;
    };
    let (transfers, charges) = ("/v1/transfers", "/v1/payment_intents");
    lose(table, transfers, 100).await;
    table.enter(WITHDRAW, "Stripe does not answer", &withdraw(payee, 1000).await, 202);
    lose(table, transfers, 0).await;
    look(table, "nothing is due", 0).await;
    table.world.advance_seconds(16);
    look(table, "finds a transfer", 1).await;

    lose(table, charges, 100).await;
    let unknown = table.enter(RUN, "Stripe does not answer", &run(payer, 3000).await, 402);
    assert_eq!(unknown["code"], "auto_topup_pending");
    lose(table, charges, 0).await;
    table.world.advance_seconds(16);
    look(table, "finds a charge", 1).await;
}

async fn look(table: &mut Table, case: &str, ended: u64) {
    read_meter(&table.world);
    assert_eq!(table.world.resume().await, ended, "{case}");
    let cost = read_meter(&table.world);
    table.counted.push((SWEEP.to_owned(), case.to_owned(), cost));
}
