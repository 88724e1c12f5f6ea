//! Fingerprints of cards and bank accounts, and the capabilities of accounts.

use serde_json::{Value, json};

use super::support::{World, id};

/// The `charge.succeeded` events so far.
fn charges(world: &World) -> Vec<Value> {
    let events = world.sandbox.events().into_iter();
    let charges = events.filter(|event| event["type"] == "charge.succeeded");
    charges.map(|event| event["data"]["object"].clone()).collect()
}

fn fingerprint(charge: &Value) -> String {
    charge["payment_method_details"]["card"]["fingerprint"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_charge_carries_its_cards_fingerprint_its_customer_and_its_metadata() {
    let world = World::start().await;
    let saved = world.stripe.saved_card("ok").await;
    world.stripe.charge(&saved, 500).await.ok();
    let method = format!("payment_methods/{}", saved.1);
    world.stripe.control(&method, json!({"fingerprint": "card-of-two"})).await.ok();
    world.stripe.charge(&saved, 600).await.ok();
    let session = world.stripe.session(700).await;
    let body = json!({"outcome": "paid", "fingerprint": "card-of-two"});
    world.stripe.control(&format!("checkout/sessions/{session}/complete"), body).await.ok();

    let [own, set, checkout] = charges(&world).try_into().unwrap();
    assert_ne!(fingerprint(&own), "card-of-two");
    assert_eq!([fingerprint(&set), fingerprint(&checkout)], ["card-of-two", "card-of-two"]);
    assert_eq!((&own["customer"], &own["metadata"]), (&json!(saved.0), &json!({"type": "auto_topup"})));
    assert_eq!(checkout["metadata"], json!({"type": "wallet_topup"}));
    world.finish().await;
}

#[tokio::test]
async fn each_card_has_a_fingerprint_of_its_own_unless_told_otherwise() {
    let world = World::start().await;
    for _ in 0..2 {
        let saved = world.stripe.saved_card("ok").await;
        world.stripe.charge(&saved, 500).await.ok();
    }
    let [first, second] = charges(&world).try_into().unwrap();
    assert_ne!(fingerprint(&first), fingerprint(&second));
    let setup = id(&world.stripe.post("setup_intents", &[]).await.ok());
    let body = json!({"card": "declined", "fingerprint": "known"});
    let setup = world.stripe.control(&format!("setup_intents/{setup}/succeed"), body).await.ok();
    let method = format!("payment_methods/{}", setup["payment_method"].as_str().unwrap());
    world.stripe.control(&method, json!({"card": "ok"})).await.ok();
    let card = world.stripe.get(&method).await.ok()["card"].clone();
    assert_eq!([&card["fingerprint"], &card["last4"]], ["known", "4242"]);
    world.finish().await;
}

#[tokio::test]
async fn an_onboarded_account_has_a_bank_account_with_a_fingerprint() {
    let world = World::start().await;
    let bank = |account: &Value| account["external_accounts"]["data"][0].clone();
    let (first, second) = (world.stripe.account().await, world.stripe.account().await);
    let before = world.stripe.get(&format!("accounts/{first}")).await.ok();
    assert_eq!(before["external_accounts"]["data"], json!([]));
    let onboard = async |account: &str, body| {
        bank(&world.stripe.control(&format!("accounts/{account}/onboard"), body).await.ok())
    };
    let (one, other) = (onboard(&first, json!({})).await, onboard(&second, json!({})).await);
    assert_ne!(one["fingerprint"], other["fingerprint"]);
    let same = onboard(&second, json!({"fingerprint": one["fingerprint"]})).await;
    assert_eq!((&same["fingerprint"], &same["id"]), (&one["fingerprint"], &other["id"]));
    assert_eq!(onboard(&first, json!({})).await, one, "a second onboarding keeps the bank account");
    world.finish().await;
}

#[tokio::test]
async fn payouts_can_be_enabled_while_transfers_are_not() {
    for state in ["inactive", "pending"] {
        let world = World::start().await;
        let account = world.stripe.account().await;
        world.stripe.paid_session(1_000).await;
        let onboard = format!("accounts/{account}/onboard");
        let restricted = world.stripe.control(&onboard, json!({"transfers": state})).await.ok();
        assert_eq!(
            (&restricted["payouts_enabled"], &restricted["capabilities"]["transfers"]),
            (&json!(true), &json!(state))
        );
        let event = world.sandbox.events().pop().unwrap();
        assert_eq!((&event["type"], &event["data"]["object"]), (&json!("account.updated"), &restricted));
        let transfer = world.stripe.transfer(100, &account).await;
        assert_eq!(transfer.error(), (400, "insufficient_capabilities_for_transfer"));
        world.stripe.control(&onboard, json!({})).await.ok();
        world.stripe.transfer(100, &account).await.ok();
        world.finish().await;
    }
}
