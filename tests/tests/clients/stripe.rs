//! Stripe's own client libraries for Node.js and Python, with the same scenarios in both.

use serde_json::{Value, json};
use tokio::process::Command;

use super::program::{Workshop, run};
use crate::sandbox::support::{Endpoint, SECRET_KEY, WEBHOOK_SECRET, World, options};

/// A scenario: its name, the control call before it, and what the library has to see. In the path of the
/// call, a word in braces stands for an id that an earlier scenario has made.
type Scenario = (&'static str, Option<(&'static str, Value)>, Value);

fn about_customers_and_sessions() -> Vec<Scenario> {
    vec![
        (
            "a customer is created and updated",
            None,
            json!({ "email": "a@example.com", "name": "A", "metadata": { "a": "1", "b": "2" } }),
        ),
        (
            "a session is created",
            None,
            json!({ "mode": "payment", "status": "open", "payment_status": "unpaid", "amount_total": 900, "page": 200 }),
        ),
        (
            "a session is expanded",
            None,
            json!({ "description": "Top-up", "amount_total": 900, "listed": 1, "email": "a@example.com" }),
        ),
        (
            "sessions are listed and one expires",
            None,
            json!({ "newest": true, "has_more": true, "status": "expired", "again": "InvalidRequestError", "expired": 1 }),
        ),
        (
            "a paid session names its payment",
            Some(("checkout/sessions/{session}/complete", json!({ "outcome": "paid" }))),
            json!({ "status": "complete", "payment_status": "paid", "intent": "succeeded", "paid": 900 }),
        ),
    ]
}

fn about_charges() -> Vec<Scenario> {
    vec![
        ("a card is saved", None, json!({ "status": "succeeded", "listed": ["card"] })),
        ("a saved card is charged", None, json!({ "status": "succeeded", "amount": 700, "net": 700 })),
        ("a charge is repeated under its key", None, json!({ "same": true, "replayed": "true" })),
        ("another charge under the same key", None, error("IdempotencyError", 400, None, None)),
        (
            "a declined card",
            Some(("payment_methods/{card}", json!({ "card": "declined" }))),
            declined("card_declined", "generic_decline"),
        ),
        (
            "a card that needs its owner",
            Some(("payment_methods/{card}", json!({ "card": "authentication_required" }))),
            declined("authentication_required", "authentication_required"),
        ),
    ]
}

fn about_errors() -> Vec<Scenario> {
    let fault = |fault: &str, times: u8| json!({ "path": "/v1/customers", "fault": fault, "times": times });
    let next = |kind: &str| Some(("next", fault(kind, 1)));
    vec![
        (
            "a missing parameter",
            None,
            error("InvalidRequestError", 400, Some("parameter_missing"), Some("currency")),
        ),
        (
            "an unknown customer",
            None,
            error("InvalidRequestError", 404, Some("resource_missing"), Some("id")),
        ),
        ("a foreign account", None, error("PermissionError", 403, Some("account_invalid"), None)),
        ("a wrong key", None, error("AuthenticationError", 401, None, None)),
        ("too many requests", next("429"), error("RateLimitError", 429, Some("rate_limit"), None)),
        ("a server error", next("500"), error("APIError", 500, None, None)),
        (
            "a lost request",
            // The library for Node.js sends a request once more if the connection was closed.
            Some(("next", fault("timeout_before", 2))),
            json!({ "class": "ConnectionError", "code": null, "param": null, "decline": null, "status": null }),
        ),
        ("a lost answer is asked for again", next("timeout_after"), json!({ "email": "lost@example.com" })),
    ]
}

fn about_money_out() -> Vec<Scenario> {
    let over = error("InvalidRequestError", 400, Some("charge_already_refunded"), None);
    let early = error("InvalidRequestError", 400, Some("insufficient_capabilities_for_transfer"), None);
    vec![
        (
            "a charge is refunded in parts",
            None,
            json!({ "amounts": [200, 500], "status": "succeeded", "listed": 2, "more": over }),
        ),
        (
            "a payment is disputed",
            Some(("charges/{payment}/dispute", json!({}))),
            json!({ "listed": 1, "amount": 900, "status": "needs_response", "disputed": true }),
        ),
        (
            "an account is not ready for transfers",
            None,
            json!({ "payouts_enabled": false, "page": 200, "early": early, "login": "InvalidRequestError" }),
        ),
        (
            "a transfer is reversed in parts",
            Some(("accounts/{account}/onboard", json!({}))),
            json!({ "payouts_enabled": true, "amounts": [100, 200], "listed": 2, "reversed": true,
                    "amount_reversed": 300, "more": "InvalidRequestError" }),
        ),
    ]
}

fn about_lists_and_events() -> Vec<Scenario> {
    // Of 700 paid and refunded and 900 disputed, the fee of the dispute remains.
    let balance = json!({ "sum": -1_500, "available": STARTING_BALANCE - 1_500 });
    let refused = "SignatureVerificationError";
    vec![
        ("all pages of a list are read", None, json!({ "forwards": "54321", "backwards": "2345" })),
        ("the balance is the sum of its transactions", None, balance),
        ("events are listed by type", None, json!({ "amounts": [700, 900], "about": true })),
        (
            "a signed event is accepted and an altered one refused",
            None,
            json!({ "type": "payment_intent.succeeded", "amount": 700,
                    "altered": refused, "foreign": refused, "unsigned": refused }),
        ),
        ("objects are deleted", None, json!({ "account": true, "customer": true, "deleted": true })),
        ("what the sandbox lacks is refused", None, json!({ "payout": 404, "account": 400 })),
    ]
}

/// The platform's balance before the scenarios, in cents.
const STARTING_BALANCE: i64 = 10_000;

fn error(class: &str, status: u16, code: Option<&str>, param: Option<&str>) -> Value {
    json!({ "class": class, "code": code, "param": param, "decline": null, "status": status })
}

fn declined(code: &str, decline: &str) -> Value {
    json!({ "class": "CardError", "code": code, "param": null, "decline": decline, "status": 402 })
}

/// The scenarios in their order, and what their programs have made.
struct Course<'a> {
    world: &'a World,
    endpoint: &'a Endpoint,
    scenarios: std::vec::IntoIter<Scenario>,
    current: Option<Scenario>,
    ids: Value,
}

impl Course<'_> {
    /// Checks what the program saw in the current scenario, and begins the next one.
    async fn answer(&mut self, said: Value) -> Value {
        if said["ask"] == "world" {
            return json!({ "url": self.world.sandbox.url, "key": SECRET_KEY });
        }
        // A fault that the scenario has not met must not meet anything else.
        let none = json!({ "path": "/v1/customers", "fault": "500", "times": 0 });
        self.world.stripe.control("next", none).await.ok();
        if let Some((name, _, expected)) = self.current.take() {
            assert_eq!(said["saw"], expected, "{name}");
            for (name, id) in said["ids"].as_object().into_iter().flatten() {
                self.ids[name] = id.clone();
            }
            assert_server(self.world, name, &self.ids).await;
        }
        let Some(next) = self.scenarios.next() else { return json!({ "name": null }) };
        if let Some((path, body)) = &next.1 {
            let ids = self.ids.as_object().unwrap().iter();
            let path =
                ids.fold((*path).to_owned(), |path, (name, id)| fill(&path, name, id.as_str().unwrap()));
            self.world.stripe.control(&path, body.clone()).await.ok();
        }
        if next.0.starts_with("a signed event") {
            self.ids = self.signed_event().await;
        }
        let answer = json!({ "name": next.0, "ids": self.ids });
        self.current = Some(next);
        answer
    }

    /// The ids, with an event as an endpoint received it.
    async fn signed_event(&self) -> Value {
        self.world.sandbox.settled().await;
        let deliveries = self.endpoint.deliveries().into_iter();
        let mut paid = deliveries.filter(|delivery| delivery.kind() == "payment_intent.succeeded");
        let delivery = paid.next_back().unwrap();
        let mut ids = self.ids.clone();
        ids["body"] = json!(delivery.body);
        ids["signature"] = json!(delivery.signature);
        ids["secret"] = json!(WEBHOOK_SECRET);
        ids
    }
}

fn fill(path: &str, name: &str, id: &str) -> String {
    path.replace(&format!("{{{name}}}"), id)
}

/// Checks the effect of a scenario on the sandbox's state.
async fn assert_server(world: &World, name: &str, ids: &Value) {
    let stripe = &world.stripe;
    let count = async |path: &str| stripe.get(path).await.ok()["data"].as_array().unwrap().len();
    let id = |name: &str| ids[name].as_str().unwrap();
    match name {
        "a charge is repeated under its key" | "another charge under the same key" => {
            let intents = stripe.get("payment_intents?limit=100").await.ok();
            let intents = intents["data"].as_array().unwrap().iter().map(|intent| intent["amount"].clone());
            assert_eq!(intents.collect::<Vec<_>>(), [json!(700), json!(900)]);
        }
        "a declined card" => {
            let intent = stripe.get("payment_intents?limit=1").await.ok()["data"][0].clone();
            assert_eq!(intent["last_payment_error"]["decline_code"], "generic_decline");
            assert_eq!(intent["status"], "requires_payment_method");
        }
        "a lost request" => assert_eq!(count("customers?email=never@example.com").await, 0),
        "a lost answer is asked for again" => {
            assert_eq!(count("customers?email=lost@example.com").await, 1);
        }
        "a charge is refunded in parts" => {
            let charges = stripe.get(&format!("charges?payment_intent={}", id("intent"))).await.ok();
            assert_eq!(
                (&charges["data"][0]["amount_refunded"], &charges["data"][0]["refunded"]),
                (&json!(700), &json!(true))
            );
        }
        "a transfer is reversed in parts" => {
            let path = format!("transfers?destination={}", id("account"));
            assert_eq!(stripe.get(&path).await.ok()["data"][0]["amount_reversed"], 300);
        }
        "objects are deleted" => {
            assert_eq!(stripe.get(&format!("customers/{}", id("customer"))).await.ok()["deleted"], true);
            assert_eq!(stripe.get(&format!("accounts/{}", id("account"))).await.status, 403);
        }
        _ => {}
    }
}

/// Lets a program play all scenarios.
async fn play(command: Command) {
    let world =
        World::with(clorp_stripe_sandbox::Options { starting_balance_cents: STARTING_BALANCE, ..options() })
            .await;
    let endpoint = Endpoint::start().await;
    world.sandbox.set_webhook_urls(vec![endpoint.url.clone()]);
    let scenarios = [
        about_customers_and_sessions(),
        about_charges(),
        about_errors(),
        about_money_out(),
        about_lists_and_events(),
    ];
    let scenarios = scenarios.concat().into_iter();
    let mut course = Course { world: &world, endpoint: &endpoint, scenarios, current: None, ids: json!({}) };
    run(command, async |said| course.answer(said).await).await;
    assert!(course.current.is_none() && course.scenarios.len() == 0, "the program ended early");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stripes_library_for_node_works_against_the_sandbox() {
    let workshop = Workshop::for_node().await;
    play(workshop.program("stripe-node.mjs")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stripes_library_for_python_works_against_the_sandbox() {
    let workshop = Workshop::for_python().await;
    play(workshop.program("stripe-python.py")).await;
}
