//! Refunds and disputes of charges.

use serde_json::json;

use super::support::{World, id};

/// The fee of a dispute, in cents.
const FEE: i64 = 1_500;

#[tokio::test]
async fn refunds_add_up_to_the_paid_amount_at_most() {
    let world = World::start().await;
    let session = world.stripe.paid_session(1_000).await;
    let intent = session["payment_intent"].as_str().unwrap();
    let refund = world.stripe.post("refunds", &[("payment_intent", intent), ("amount", "300")]).await.ok();
    assert_eq!((&refund["amount"], &refund["status"]), (&json!(300), &json!("succeeded")));
    let charge = refund["charge"].as_str().unwrap();
    let seen = world.stripe.get(&format!("charges/{charge}")).await.ok();
    assert_eq!((&seen["amount_refunded"], &seen["refunded"]), (&json!(300), &json!(false)));

    let too_much = world.stripe.post("refunds", &[("charge", charge), ("amount", "701")]).await;
    assert_eq!(too_much.error(), (400, "amount_too_large"));
    // The control API also takes the id of the session.
    world.stripe.control(&format!("charges/{}/refund", id(&session)), json!({})).await.ok();
    let late = world.stripe.post("refunds", &[("charge", charge)]).await;
    assert_eq!(late.error(), (400, "charge_already_refunded"));
    assert_eq!(world.stripe.available().await, 0);

    let events = world.sandbox.events();
    let refunded: Vec<_> = events.iter().filter(|event| event["type"] == "charge.refunded").collect();
    let amounts: Vec<_> = refunded.iter().map(|event| &event["data"]["object"]["amount_refunded"]).collect();
    assert_eq!(amounts, [300, 1_000]);
    assert_eq!(refunded[1]["data"]["object"]["refunded"], true);
    assert_eq!(refunded[1]["data"]["object"]["metadata"], json!({"type": "wallet_topup"}));
    world.finish().await;
}

#[tokio::test]
async fn a_dispute_takes_the_money_and_returns_it_only_if_won() {
    for (status, cents) in [("won", 1_000), ("lost", 0)] {
        let world = World::start().await;
        let session = world.stripe.paid_session(1_000).await;
        let intent = session["payment_intent"].as_str().unwrap();
        let dispute = world.stripe.control(&format!("charges/{intent}/dispute"), json!({})).await.ok();
        assert_eq!((&dispute["amount"], &dispute["status"]), (&json!(1_000), &json!("needs_response")));
        assert_eq!(world.stripe.available().await, -FEE);
        let charge = dispute["charge"].as_str().unwrap();
        assert_eq!(world.stripe.get(&format!("charges/{charge}")).await.ok()["disputed"], true);
        assert_eq!(
            world.stripe.post("refunds", &[("charge", charge)]).await.error(),
            (400, "charge_disputed")
        );
        let second = world.stripe.control(&format!("charges/{charge}/dispute"), json!({})).await;
        assert_eq!(second.status, 409);

        let close = format!("disputes/{}/close", id(&dispute));
        let closed = world.stripe.control(&close, json!({"status": status})).await.ok();
        assert_eq!(closed["status"], status);
        assert_eq!(world.stripe.control(&close, json!({"status": "won"})).await.status, 409);
        assert_eq!(world.stripe.available().await, cents - FEE);
        let types = world.event_types();
        assert_eq!(types.iter().filter(|kind| *kind == "charge.dispute.created").count(), 1);
        assert_eq!(types.iter().filter(|kind| *kind == "charge.dispute.closed").count(), 1);
        world.finish().await;
    }
}

#[tokio::test]
async fn part_of_a_charge_can_be_disputed() {
    let world = World::start().await;
    let session = world.stripe.paid_session(1_000).await;
    let path = format!("charges/{}/dispute", id(&session));
    assert_eq!(world.stripe.control(&path, json!({"amount": 1_001})).await.status, 400);
    let dispute = world.stripe.control(&path, json!({"amount": 400})).await.ok();
    assert_eq!(dispute["amount"], 400);
    assert_eq!(world.stripe.available().await, 600 - FEE);
    world.finish().await;
}

#[tokio::test]
async fn an_unpaid_charge_can_be_neither_refunded_nor_disputed() {
    let world = World::start().await;
    let session = world.stripe.session(1_000).await;
    let complete = format!("checkout/sessions/{session}/complete");
    world.stripe.control(&complete, json!({"outcome": "declined"})).await.ok();
    assert_eq!(world.stripe.control(&format!("charges/{session}/refund"), json!({})).await.status, 409);
    let charge = id(&world.stripe.get("charges").await.ok()["data"][0]);
    let refund = world.stripe.post("refunds", &[("charge", &charge)]).await;
    assert_eq!(refund.error(), (400, "charge_not_refundable"));
    assert_eq!(world.stripe.control(&format!("charges/{charge}/dispute"), json!({})).await.status, 409);
    assert_eq!(world.stripe.available().await, 0);
    world.finish().await;
}
