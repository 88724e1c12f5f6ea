//! Refunds that the payer's bank accepts or rejects later.

use serde_json::{Value, json};

use super::support::{World, id};

/// A refund of 300 of 1,000 cents, and its charge's identifier.
async fn refunded(world: &World, body: Value) -> (Value, String) {
    let session = world.stripe.paid_session(1_000).await;
    let refund = world.stripe.control(&format!("charges/{}/refund", id(&session)), body).await.ok();
    let charge = refund["charge"].as_str().unwrap().to_owned();
    (refund, charge)
}

/// The types of the events about refunds so far, with the refund's status or the charge's refunded amount.
fn told(world: &World) -> Vec<(String, Value)> {
    let events = world.sandbox.events().into_iter();
    let ours = events.filter_map(|event| {
        let (kind, object) = (event["type"].as_str().unwrap().to_owned(), &event["data"]["object"]);
        match kind.as_str() {
            "charge.refunded" => Some((kind, object["amount_refunded"].clone())),
            _ if kind.contains("refund") => Some((kind, object["status"].clone())),
            _ => None,
        }
    });
    ours.collect()
}

#[tokio::test]
async fn a_pending_refund_that_fails_gives_the_charge_its_amount_back() {
    let world = World::start().await;
    let (refund, charge) = refunded(&world, json!({"amount": 300, "pending": true})).await;
    assert_eq!(refund["status"], "pending");
    assert_eq!(world.stripe.available().await, 700);
    let fail = format!("refunds/{}/fail", id(&refund));
    let failed = world.stripe.control(&fail, json!({"reason": "lost_or_stolen_card"})).await.ok();
    assert_eq!([&failed["status"], &failed["failure_reason"]], ["failed", "lost_or_stolen_card"]);
    assert_eq!(world.stripe.get(&format!("refunds/{}", id(&refund))).await.ok(), failed);
    let seen = world.stripe.get(&format!("charges/{charge}")).await.ok();
    assert_eq!((&seen["amount_refunded"], &seen["refunded"]), (&json!(0), &json!(false)));
    assert_eq!(world.stripe.available().await, 1_000);
    let told = told(&world);
    let event = |kind: &str, value: Value| (kind.to_owned(), value);
    assert_eq!(
        told,
        [
            event("charge.refunded", json!(300)),
            event("refund.created", json!("pending")),
            event("refund.updated", json!("failed")),
            event("refund.failed", json!("failed")),
            event("charge.refund.updated", json!("failed")),
        ]
    );
    assert_eq!(world.stripe.control(&fail, json!({})).await.status, 409);
    world.stripe.post("refunds", &[("charge", &charge)]).await.ok();
    assert_eq!(world.stripe.available().await, 0, "the whole charge can be refunded again");
    world.finish().await;
}

#[tokio::test]
async fn a_failed_refund_of_a_whole_charge_leaves_the_other_refunds() {
    let world = World::start().await;
    let (first, charge) = refunded(&world, json!({"amount": 300})).await;
    let second = world.stripe.post("refunds", &[("charge", &charge)]).await.ok();
    assert_eq!((&second["amount"], &second["status"]), (&json!(700), &json!("succeeded")));
    world.stripe.control(&format!("refunds/{}/fail", id(&second)), json!({})).await.ok();
    let seen = world.stripe.get(&format!("charges/{charge}")).await.ok();
    assert_eq!((&seen["amount_refunded"], &seen["refunded"]), (&json!(300), &json!(false)));
    let statuses = world.stripe.get(&format!("refunds?charge={charge}")).await.ok();
    let statuses: Vec<_> = statuses["data"].as_array().unwrap().iter().map(|one| &one["status"]).collect();
    assert_eq!(statuses, ["failed", "succeeded"]);
    assert_eq!(world.stripe.get(&format!("refunds/{}", id(&first))).await.ok()["status"], "succeeded");
    world.finish().await;
}

#[tokio::test]
async fn a_pending_refund_succeeds_once() {
    let world = World::start().await;
    let (refund, _) = refunded(&world, json!({"pending": true})).await;
    let succeed = format!("refunds/{}/succeed", id(&refund));
    assert_eq!(world.stripe.control(&succeed, json!({})).await.ok()["status"], "succeeded");
    assert_eq!(world.stripe.control(&succeed, json!({})).await.status, 409);
    let wrong = json!({"reason": "mood"});
    let wrong = world.stripe.control(&format!("refunds/{}/fail", id(&refund)), wrong).await;
    assert_eq!(wrong.error(), (400, "parameter_invalid"));
    assert_eq!(world.stripe.available().await, 0);
    world.finish().await;
}

#[tokio::test]
async fn a_refund_to_a_bank_account_is_pending_at_first() {
    let world = World::start().await;
    let session = world.stripe.session(1_000).await;
    let complete = json!({"outcome": "async_paid", "delay_ms": 0});
    world.stripe.control(&format!("checkout/sessions/{session}/complete"), complete).await.ok();
    world.sandbox.settled().await;
    let refund = world.stripe.control(&format!("charges/{session}/refund"), json!({})).await.ok();
    assert_eq!((&refund["status"], &refund["amount"]), (&json!("pending"), &json!(1_000)));
    world.finish().await;
}
