//! Saving a card for charges off session.

use clorp_domain::Rules;
use clorp_tests::world::unlimited;
use clorp_tests::{Client, Options, World};
use serde_json::{Value, json};

use super::signed::{deliver, event, latest_event, ledger_audit, metadata, unapplied};

const SETUP: &str = "/api/wallet/setup-payment-method";

/// Begins to save a card. Returns the SetupIntent.
async fn begin_setup(user: &Client) -> String {
    let secret = user.post_empty(SETUP).await.expect(200)["client_secret"].as_str().unwrap().to_owned();
    let (intent, rest) = secret.split_once("_secret_").unwrap();
    assert!(intent.starts_with("seti_") && !rest.is_empty(), "{secret}");
    intent.to_owned()
}

/// Lets the owner enter a card, which Stripe saves. Returns the payment method.
async fn enter_card(world: &World, intent: &str) -> String {
    let saved = world.control(&format!("setup_intents/{intent}/succeed"), json!({})).await;
    saved["payment_method"].as_str().unwrap().to_owned()
}

/// Saves a card that pays. Returns the payment method.
pub(crate) async fn save_card(world: &World, user: &Client) -> String {
    let intent = begin_setup(user).await;
    let card = enter_card(world, &intent).await;
    world.wait_for_webhooks().await;
    assert_eq!(saved_card(world, user).await, Some(card.clone()));
    card
}

/// The card that an automatic top-up would charge.
async fn saved_card(world: &World, user: &Client) -> Option<String> {
    let user = world.store.users().get(&user.id.parse().unwrap()).await.unwrap().unwrap();
    user.stripe.payment_method
}

async fn change_settings(user: &Client, change: Value) -> clorp_tests::Answer {
    user.post("/api/wallet/auto-topup", change).await
}

async fn pause(world: &World, paused: bool) {
    world.control("webhooks", json!({ "paused": paused })).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_is_saved_by_stripes_event_and_can_be_charged_afterwards() {
    let world = World::start().await;
    let user = &world.stranger;
    let enable = json!({ "enabled": true });
    change_settings(user, enable.clone()).await.expect_error(409, "payment_method_required");
    let intent = begin_setup(user).await;
    change_settings(user, enable.clone()).await.expect_error(409, "payment_method_required");
    pause(&world, true).await;
    let card = enter_card(&world, &intent).await;
    assert_eq!(change_settings(user, json!({})).await.expect(200)["payment_method_saved"], false);
    change_settings(user, enable.clone()).await.expect_error(409, "payment_method_required");
    pause(&world, false).await;
    world.wait_for_webhooks().await;
    assert_eq!(saved_card(&world, user).await, Some(card));
    let saved = change_settings(user, enable).await.expect(200);
    assert_eq!((&saved["enabled"], &saved["payment_method_saved"]), (&json!(true), &json!(true)));
    assert_eq!(user.balance().await, 0, "saving a card is free");
    assert_eq!(saved_card(&world, &world.workers[0]).await, None);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_later_of_two_setups_wins_in_any_order_of_events() {
    for later_first in [false, true] {
        let world = World::start().await;
        let user = &world.stranger;
        let earlier = begin_setup(user).await;
        world.advance_seconds(1);
        let later = begin_setup(user).await;
        pause(&world, true).await;
        let mut events = Vec::new();
        let mut cards = Vec::new();
        for intent in [earlier, later] {
            cards.push(enter_card(&world, &intent).await);
            events.push(latest_event(&world, "setup_intent.succeeded"));
        }
        if later_first {
            events.reverse();
        }
        for event in events.iter().chain(&events) {
            deliver(&world, event).await;
        }
        assert_eq!(saved_card(&world, user).await.as_ref(), Some(&cards[1]));
        pause(&world, false).await;
        world.wait_for_webhooks().await;
        assert_eq!(saved_card(&world, user).await.as_ref(), Some(&cards[1]));
        assert_eq!(ledger_audit(&world).await.unapplied, vec![]);
        world.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_setup_event_neither_restores_an_old_card_nor_changes_the_settings() {
    let world = World::start().await;
    let user = &world.stranger;
    save_card(&world, user).await;
    let old = latest_event(&world, "setup_intent.succeeded");
    world.advance_seconds(1);
    let new = save_card(&world, user).await;
    let change = json!({ "enabled": true, "amount_cents": 700, "threshold_cents": 300 });
    let before = change_settings(user, change).await.expect(200);
    for event in [old, latest_event(&world, "setup_intent.succeeded")] {
        deliver(&world, &event).await;
    }
    assert_eq!(saved_card(&world, user).await, Some(new));
    assert_eq!(change_settings(user, json!({})).await.expect(200), before);
    assert_eq!(ledger_audit(&world).await.unapplied, vec![]);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_of_another_customer_is_quarantined_and_not_saved() {
    let world = World::start().await;
    let user = &world.stranger;
    let intent = begin_setup(user).await;
    pause(&world, true).await;
    enter_card(&world, &intent).await;
    let own = latest_event(&world, "setup_intent.succeeded");
    let record = own["data"]["object"]["metadata"]["record_id"].as_str().unwrap().to_owned();
    let object = json!({ "id": intent, "customer": "cus_other", "payment_method": "pm_other",
                         "metadata": metadata("setup", &user.id, &record) });
    deliver(&world, &event(&world, "setup_intent.succeeded", object)).await;
    assert_eq!(saved_card(&world, user).await, None);
    assert_eq!(unapplied(&world).await.into_values().collect::<Vec<_>>(), ["the card of another customer"]);
    pause(&world, false).await;
    world.wait_for_webhooks().await;
    assert!(saved_card(&world, user).await.is_some());
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_card_can_be_saved_because_other_methods_may_take_days_to_pay() {
    let world = World::start().await;
    let user = &world.stranger;
    let intent = begin_setup(user).await;
    let url = format!("{}/v1/setup_intents/{intent}", world.sandbox.url);
    let asked = reqwest::Client::new().get(url).bearer_auth(clorp_tests::world::STRIPE_KEY);
    let setup: Value = asked.send().await.unwrap().json().await.unwrap();
    assert_eq!(setup["payment_method_types"], json!(["card"]));
    pause(&world, true).await;
    enter_card(&world, &intent).await;
    let mut bank = latest_event(&world, "setup_intent.succeeded");
    bank["id"] = json!("evt_bank");
    bank["data"]["object"]["payment_method"] = json!("pm_bank");
    for types in [json!(["us_bank_account"]), json!(["card", "us_bank_account"])] {
        bank["data"]["object"]["payment_method_types"] = types;
        deliver(&world, &bank).await;
        assert_eq!(saved_card(&world, user).await, None);
    }
    let why = "a payment method that may be no card";
    assert_eq!(unapplied(&world).await.into_values().collect::<Vec<_>>(), [why]);
    pause(&world, false).await;
    world.wait_for_webhooks().await;
    assert!(saved_card(&world, user).await.is_some());
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sixth_set_up_within_an_hour_is_refused_so_that_stolen_cards_are_not_tested_here() {
    let setup_rate = Rules::default().setup_rate;
    let rules = Rules { setup_rate, ..unlimited() };
    let world = World::with(Options { rules, ..Options::default() }).await;
    let user = &world.stranger;
    for _ in 0..5 {
        begin_setup(user).await;
    }
    let refused = user.post_empty(SETUP).await;
    refused.expect_error(429, "rate_limited");
    let wait: u32 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((600..=720).contains(&wait), "{wait}");
    let url = format!("{}/_sandbox/state", world.sandbox.url);
    let state: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
    assert_eq!(state["objects"]["setup_intent"].as_object().unwrap().len(), 5, "Stripe was not asked");
    change_settings(user, json!({ "amount_cents": 700 })).await.expect(200);
    user.post("/api/wallet/topup", json!({ "amount_cents": 700 })).await.expect(200);
    begin_setup(&world.workers[0]).await;
    world.advance_seconds(wait.into());
    begin_setup(user).await;
    user.post_empty(SETUP).await.expect_error(429, "rate_limited");
    world.finish().await;
}
