//! Accounts, their onboarding links, and transfers to them.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use super::support::{Stripe, World, id, options};

#[tokio::test]
async fn an_account_can_do_nothing_until_it_is_onboarded_and_can_be_restricted_again() {
    let world = World::start().await;
    let account = world.stripe.account().await;
    let path = format!("accounts/{account}");
    let abilities = |account: &Value| {
        let names = ["details_submitted", "charges_enabled", "payouts_enabled"];
        (names.map(|name| account[name].as_bool().unwrap()), account["capabilities"]["transfers"].clone())
    };
    assert_eq!(abilities(&world.stripe.get(&path).await.ok()), ([false; 3], json!("inactive")));
    assert!(world.event_types().is_empty());

    world.stripe.control(&format!("{path}/onboard"), json!({})).await.ok();
    assert_eq!(abilities(&world.stripe.get(&path).await.ok()), ([true; 3], json!("active")));
    world.stripe.control(&format!("{path}/onboard"), json!({"payouts_enabled": false})).await.ok();
    let restricted = world.stripe.get(&path).await.ok();
    assert_eq!(abilities(&restricted), ([true, true, false], json!("active")));
    assert_ne!(restricted["requirements"]["currently_due"], json!([]));

    let events = world.sandbox.events();
    assert_eq!(world.event_types(), ["account.updated", "account.updated"]);
    assert!(events.iter().all(|event| event["account"] == json!(account)));
    assert_eq!(events[1]["data"]["previous_attributes"]["payouts_enabled"], true);
    world.finish().await;
}

async fn link(stripe: &Stripe, account: &str) -> String {
    let form = [
        ("account", account),
        ("type", "account_onboarding"),
        ("return_url", "https://example.com/return"),
        ("refresh_url", "https://example.com/refresh"),
    ];
    stripe.post("account_links", &form).await.ok()["url"].as_str().unwrap().to_owned()
}

/// The status, and the location that a redirect leads to.
async fn visit(stripe: &Stripe, url: &str) -> (u16, String) {
    let answer = stripe.client.get(url).send().await.unwrap();
    (answer.status().as_u16(), location(&answer))
}

async fn press(stripe: &Stripe, url: &str, action: &str) -> (u16, String) {
    let answer = stripe.client.post(url).form(&[("action", action)]).send().await.unwrap();
    (answer.status().as_u16(), location(&answer))
}

fn location(answer: &reqwest::Response) -> String {
    answer.headers().get("location").map(|to| to.to_str().unwrap().to_owned()).unwrap_or_default()
}

#[tokio::test]
async fn a_link_opens_once_and_a_second_press_changes_nothing() {
    let world = World::start().await;
    let account = world.stripe.account().await;
    let url = link(&world.stripe, &account).await;
    assert_eq!(press(&world.stripe, &url, "complete").await.0, 404, "nobody has opened the link");
    assert_eq!(visit(&world.stripe, &url).await, (200, String::new()));
    let refresh = (303, "https://example.com/refresh".to_owned());
    assert_eq!(visit(&world.stripe, &url).await, refresh);
    let done = (303, "https://example.com/return".to_owned());
    assert_eq!(press(&world.stripe, &url, "complete").await, done);
    assert_eq!(press(&world.stripe, &url, "complete").await, done);
    assert_eq!(world.event_types(), ["account.updated"]);
    assert_eq!(visit(&world.stripe, &url).await, refresh);
    world.finish().await;
}

#[tokio::test]
async fn a_link_left_for_later_completes_nothing_and_an_expired_link_does_not_open() {
    let options = options();
    let shift = options.clock_shift_millis.clone();
    let world = World::with(options).await;
    let account = world.stripe.account().await;
    let url = link(&world.stripe, &account).await;
    assert_eq!(visit(&world.stripe, &url).await.0, 200);
    assert_eq!(press(&world.stripe, &url, "later").await.1, "https://example.com/return");
    let url = link(&world.stripe, &account).await;
    shift.fetch_add(301_000, Ordering::Relaxed);
    assert_eq!(visit(&world.stripe, &url).await.1, "https://example.com/refresh");
    assert!(world.event_types().is_empty());
    world.finish().await;
}

#[tokio::test]
async fn a_transfer_reduces_the_balance_and_a_reversal_restores_it() {
    let world = World::start().await;
    world.stripe.paid_session(1_000).await;
    let account = world.stripe.payee().await;
    let transfer = world.stripe.transfer(800, &account).await.ok();
    assert_eq!(world.stripe.available().await, 200);
    let path = format!("transfers/{}", id(&transfer));

    let part = world.stripe.post(&format!("{path}/reversals"), &[("amount", "300")]).await.ok();
    assert_eq!((&part["amount"], &part["transfer"]), (&json!(300), &transfer["id"]));
    let seen = world.stripe.get(&path).await.ok();
    assert_eq!((&seen["amount_reversed"], &seen["reversed"]), (&json!(300), &json!(false)));
    let too_much = world.stripe.post(&format!("{path}/reversals"), &[("amount", "501")]).await;
    assert_eq!(too_much.status, 400);
    world.stripe.control(&format!("{path}/reverse"), json!({})).await.ok();
    let seen = world.stripe.get(&path).await.ok();
    assert_eq!((&seen["amount_reversed"], &seen["reversed"]), (&json!(800), &json!(true)));
    assert_eq!(seen["reversals"]["data"].as_array().unwrap().len(), 2);
    assert_eq!(world.stripe.post(&format!("{path}/reversals"), &[]).await.status, 400, "nothing is left");
    assert_eq!(world.stripe.available().await, 1_000);

    let types: Vec<_> =
        world.event_types().into_iter().filter(|kind| kind.starts_with("transfer.")).collect();
    assert_eq!(types, ["transfer.created", "transfer.reversed", "transfer.reversed"]);
    let last = world.sandbox.events().pop().unwrap();
    assert_eq!(last["data"]["object"], seen);
    world.finish().await;
}

#[tokio::test]
async fn transfers_are_refused_with_stripes_codes() {
    let world = World::start().await;
    let new = world.stripe.account().await;
    let payee = world.stripe.payee().await;
    let form = [("type", "express")];
    let without_capability = id(&world.stripe.post("accounts", &form).await.ok());
    world.stripe.control(&format!("accounts/{without_capability}/onboard"), json!({})).await.ok();
    world.stripe.paid_session(500).await;
    let events = world.sandbox.events().len();
    for (cents, destination, code) in [
        (100, "acct_nobody", "resource_missing"),
        (100, &new, "insufficient_capabilities_for_transfer"),
        (100, &without_capability, "insufficient_capabilities_for_transfer"),
        (501, &payee, "balance_insufficient"),
        (0, &payee, "parameter_invalid"),
    ] {
        let answer = world.stripe.transfer(cents, destination).await;
        assert_eq!(answer.error(), (400, code), "{}", answer.body);
        assert_eq!(answer.body["error"]["type"], "invalid_request_error");
    }
    assert_eq!(world.stripe.available().await, 500);
    assert_eq!(world.sandbox.events().len(), events);
    world.finish().await;
}
