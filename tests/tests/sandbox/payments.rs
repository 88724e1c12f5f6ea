//! Saved cards, and charges off session.

use serde_json::json;

use super::support::{World, id};

#[tokio::test]
async fn a_saved_card_is_attached_to_its_customer_and_pays() {
    let world = World::start().await;
    let saved = world.stripe.saved_card("ok").await;
    let card = world.stripe.get(&format!("payment_methods/{}", saved.1)).await.ok();
    assert_eq!((&card["customer"], &card["type"]), (&json!(saved.0), &json!("card")));
    assert_eq!(world.event_types(), ["setup_intent.succeeded"]);

    let intent = world.stripe.charge(&saved, 1_000).await.ok();
    assert_eq!((&intent["status"], &intent["amount_received"]), (&json!("succeeded"), &json!(1_000)));
    let charge =
        world.stripe.get(&format!("charges/{}", intent["latest_charge"].as_str().unwrap())).await.ok();
    assert_eq!(charge["metadata"], json!({"type": "auto_topup"}));
    assert_eq!(charge["payment_intent"], intent["id"]);
    assert_eq!(world.stripe.available().await, 1_000);
    world.finish().await;
}

#[tokio::test]
async fn a_refused_card_is_a_402_with_the_intent_and_moves_no_money() {
    for (behaviour, code, decline_code) in [
        ("declined", "card_declined", "generic_decline"),
        ("authentication_required", "authentication_required", "authentication_required"),
    ] {
        let world = World::start().await;
        let saved = world.stripe.saved_card(behaviour).await;
        let answer = world.stripe.charge(&saved, 1_000).await;
        assert_eq!(answer.error(), (402, code));
        let error = &answer.body["error"];
        assert_eq!((&error["type"], &error["decline_code"]), (&json!("card_error"), &json!(decline_code)));
        assert_eq!(error["payment_intent"]["status"], "requires_payment_method");
        assert_eq!(error["payment_intent"]["last_payment_error"]["code"], code);
        let stored =
            world.stripe.get(&format!("payment_intents/{}", id(&error["payment_intent"]))).await.ok();
        assert_eq!(stored, error["payment_intent"]);
        assert_eq!(
            world.event_types(),
            ["setup_intent.succeeded", "charge.failed", "payment_intent.payment_failed"]
        );
        assert_eq!(world.stripe.available().await, 0);
        world.finish().await;
    }
}

#[tokio::test]
async fn the_behaviour_of_a_card_can_change() {
    let world = World::start().await;
    let saved = world.stripe.saved_card("ok").await;
    let path = format!("payment_methods/{}", saved.1);
    world.stripe.control(&path, json!({"card": "declined"})).await.ok();
    assert_eq!(world.stripe.charge(&saved, 1_000).await.status, 402);
    world.stripe.control(&path, json!({"card": "ok"})).await.ok();
    world.stripe.charge(&saved, 1_000).await.ok();
    assert_eq!(world.stripe.available().await, 1_000);
    world.finish().await;
}

#[tokio::test]
async fn a_charge_on_session_may_require_authentication() {
    let world = World::start().await;
    let (customer, card) = world.stripe.saved_card("authentication_required").await;
    let form = [
        ("amount", "1000"),
        ("currency", "usd"),
        ("customer", &customer),
        ("payment_method", &card),
        ("confirm", "true"),
    ];
    let intent = world.stripe.post("payment_intents", &form).await.ok();
    assert_eq!(intent["status"], "requires_action");
    assert_eq!(world.stripe.available().await, 0);
    world.finish().await;
}

#[tokio::test]
async fn a_card_pays_only_for_its_customer() {
    let world = World::start().await;
    let (owner, card) = world.stripe.saved_card("ok").await;
    let other = world.stripe.customer().await;
    let answer = world.stripe.charge(&(other, card.clone()), 1_000).await;
    assert_eq!((answer.status, &answer.body["error"]["param"]), (400, &json!("payment_method")));
    let unknown = world.stripe.charge(&(owner, "pm_none".to_owned()), 1_000).await;
    assert_eq!(unknown.error(), (400, "resource_missing"));
    assert_eq!(world.stripe.get("payment_intents").await.ok()["data"], json!([]));
    assert_eq!(world.stripe.available().await, 0);
    world.finish().await;
}

#[tokio::test]
async fn a_setup_intent_succeeds_once() {
    let world = World::start().await;
    let customer = world.stripe.customer().await;
    let intent = world.stripe.post("setup_intents", &[("customer", &customer)]).await.ok();
    assert!(intent["client_secret"].as_str().unwrap().starts_with(intent["id"].as_str().unwrap()));
    let path = format!("setup_intents/{}/succeed", id(&intent));
    world.stripe.control(&path, json!({})).await.ok();
    assert_eq!(world.stripe.control(&path, json!({})).await.status, 409);
    let cards = world.stripe.get(&format!("payment_methods?customer={customer}")).await.ok();
    assert_eq!(cards["data"].as_array().unwrap().len(), 1);
    world.finish().await;
}
