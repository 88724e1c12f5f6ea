//! Bank debits, which pend until the bank decides.

use serde_json::{Value, json};

use super::support::{World, id};

/// A customer and a saved bank account.
async fn saved_bank_account(world: &World) -> (String, String) {
    let customer = world.stripe.customer().await;
    let form = [("customer", customer.as_str()), ("payment_method_types[]", "us_bank_account")];
    let setup = id(&world.stripe.post("setup_intents", &form).await.ok());
    let body = json!({"type": "us_bank_account"});
    let setup = world.stripe.control(&format!("setup_intents/{setup}/succeed"), body).await.ok();
    (customer, setup["payment_method"].as_str().unwrap().to_owned())
}

/// Debits a saved bank account off session.
async fn debit(world: &World, (customer, method): &(String, String)) -> Value {
    let form = [
        ("amount", "900"),
        ("currency", "usd"),
        ("customer", customer),
        ("payment_method", method),
        ("payment_method_types[]", "us_bank_account"),
        ("confirm", "true"),
        ("off_session", "true"),
    ];
    world.stripe.post("payment_intents", &form).await.ok()
}

#[tokio::test]
async fn a_debit_of_a_saved_bank_account_pends_until_the_bank_decides() {
    for (outcome, status, event, cents) in [
        ("paid", "succeeded", "payment_intent.succeeded", 900),
        ("failed", "requires_payment_method", "payment_intent.payment_failed", 0),
    ] {
        let world = World::start().await;
        let saved = saved_bank_account(&world).await;
        let method = world.stripe.get(&format!("payment_methods/{}", saved.1)).await.ok();
        assert_eq!(method["type"], "us_bank_account");
        let intent = debit(&world, &saved).await;
        assert_eq!(intent["status"], "processing");
        assert_eq!(world.event_types().last().unwrap(), "payment_intent.processing");
        assert_eq!(world.stripe.available().await, 0);
        world.sandbox.settled().await;
        let settle = format!("payment_intents/{}/settle", id(&intent));
        let settled = world.stripe.control(&settle, json!({ "outcome": outcome })).await.ok();
        assert_eq!(settled["status"], status);
        assert_eq!(world.event_types().last().unwrap(), event);
        assert_eq!(world.stripe.available().await, cents);
        assert_eq!(world.stripe.control(&settle, json!({"outcome": "paid"})).await.status, 409);
        assert_eq!(world.stripe.available().await, cents);
        world.finish().await;
    }
}

#[tokio::test]
async fn a_payment_by_card_refuses_a_bank_account() {
    let world = World::start().await;
    let saved = saved_bank_account(&world).await;
    let refused = world.stripe.charge(&saved, 900).await;
    assert_eq!(refused.error(), (400, "payment_intent_incompatible_payment_method"));
    assert_eq!(world.stripe.get("payment_intents").await.ok()["data"], json!([]));

    let setup = id(&world.stripe.post("setup_intents", &[]).await.ok());
    let body = json!({"type": "us_bank_account"});
    let setup = world.stripe.control(&format!("setup_intents/{setup}/succeed"), body).await;
    assert_eq!(setup.status, 409, "a setup of cards takes no bank account");
    world.finish().await;
}

#[tokio::test]
async fn a_pending_debit_of_a_checkout_session_ends_by_a_control_call() {
    for (outcome, status, event) in [
        ("paid", "paid", "checkout.session.async_payment_succeeded"),
        ("failed", "unpaid", "checkout.session.async_payment_failed"),
    ] {
        let world = World::start().await;
        let session = world.stripe.session(500).await;
        let path = format!("checkout/sessions/{session}");
        let pending = json!({"outcome": "async_pending"});
        let complete = world.stripe.control(&format!("{path}/complete"), pending).await.ok();
        assert_eq!([&complete["status"], &complete["payment_status"]], ["complete", "unpaid"]);
        let intent = complete["payment_intent"].as_str().unwrap();
        let settle = format!("payment_intents/{intent}/settle");
        world.stripe.control(&settle, json!({ "outcome": outcome })).await.ok();
        assert_eq!(world.stripe.get(&path).await.ok()["payment_status"], status);
        assert_eq!(world.event_types().last().unwrap(), event);
        world.finish().await;
    }
}
