//! Checkout sessions, without their pages.

use serde_json::json;

use super::support::{Endpoint, World, id, options};

#[tokio::test]
async fn a_session_is_open_and_has_no_payment_until_someone_pays() {
    let world = World::start().await;
    let id = world.stripe.session(500).await;
    assert!(id.starts_with("cs_test_"));
    let session = world.stripe.get(&format!("checkout/sessions/{id}")).await.ok();
    assert_eq!(session["url"], format!("{}/c/pay/{id}", world.sandbox.url));
    assert_eq!(session["amount_total"], 500);
    assert_eq!((&session["status"], &session["payment_status"]), (&json!("open"), &json!("unpaid")));
    assert_eq!(session["payment_intent"], json!(null));
    assert_eq!(session["client_reference_id"], "ref_1");
    assert!(world.sandbox.events().is_empty());
    assert_eq!(world.stripe.available().await, 0);
    world.finish().await;
}

#[tokio::test]
async fn paying_charges_once_and_emits_its_events() {
    let world = World::start().await;
    let session = world.stripe.paid_session(500).await;
    assert_eq!((&session["status"], &session["payment_status"]), (&json!("complete"), &json!("paid")));
    let intent = session["payment_intent"].as_str().unwrap();
    let intent = world.stripe.get(&format!("payment_intents/{intent}?expand[]=latest_charge")).await.ok();
    assert_eq!((&intent["status"], &intent["amount_received"]), (&json!("succeeded"), &json!(500)));
    assert_eq!(intent["metadata"], json!({"type": "wallet_topup"}));
    let charge = &intent["latest_charge"];
    assert_eq!((&charge["paid"], &charge["metadata"]), (&json!(true), &intent["metadata"]));
    assert_eq!(world.stripe.available().await, 500);
    let expected = ["charge.succeeded", "payment_intent.succeeded", "checkout.session.completed"];
    assert_eq!(world.event_types(), expected);

    let path = format!("checkout/sessions/{}/complete", id(&session));
    let second = world.stripe.control(&path, json!({"outcome": "paid"})).await;
    assert_eq!(second.status, 409, "{}", second.body);
    assert_eq!(world.event_types(), expected);
    assert_eq!(world.stripe.available().await, 500);
    world.finish().await;
}

#[tokio::test]
async fn a_declined_card_leaves_the_session_open_for_another_try() {
    let world = World::start().await;
    let session = world.stripe.session(500).await;
    let path = format!("checkout/sessions/{session}/complete");
    let declined = world.stripe.control(&path, json!({"outcome": "declined"})).await.ok();
    assert_eq!((&declined["status"], &declined["payment_intent"]), (&json!("open"), &json!(null)));
    assert_eq!(world.event_types(), ["charge.failed", "payment_intent.payment_failed"]);
    assert_eq!(world.stripe.available().await, 0);

    let paid = world.stripe.control(&path, json!({"outcome": "paid"})).await.ok();
    assert_eq!(paid["payment_status"], "paid");
    let intents = world.stripe.get("payment_intents").await.ok();
    assert_eq!(intents["data"].as_array().unwrap().len(), 1, "both attempts belong to one payment");
    let path = format!("charges?payment_intent={}", paid["payment_intent"].as_str().unwrap());
    let charges = world.stripe.get(&path).await.ok();
    let statuses: Vec<_> =
        charges["data"].as_array().unwrap().iter().map(|charge| &charge["status"]).collect();
    assert_eq!(statuses, ["succeeded", "failed"]);
    assert_eq!(world.stripe.available().await, 500);
    world.finish().await;
}

#[tokio::test]
async fn a_bank_debit_completes_the_session_first_and_pays_or_fails_later() {
    for (outcome, event, status, cents) in [
        ("async_paid", "checkout.session.async_payment_succeeded", "paid", 500),
        ("async_failed", "checkout.session.async_payment_failed", "unpaid", 0),
    ] {
        let world = World::start().await;
        let session = world.stripe.session(500).await;
        let path = format!("checkout/sessions/{session}/complete");
        let completed = world.stripe.control(&path, json!({"outcome": outcome, "delay_ms": 50})).await.ok();
        assert_eq!(
            (&completed["status"], &completed["payment_status"]),
            (&json!("complete"), &json!("unpaid"))
        );
        assert_eq!(world.stripe.available().await, 0);
        world.sandbox.settled().await;
        let types = world.event_types();
        let first = types.iter().position(|kind| kind == "checkout.session.completed").unwrap();
        assert_eq!(types.last().unwrap(), event);
        assert!(first < types.len() - 1, "{types:?}");
        let session = world.stripe.get(&format!("checkout/sessions/{session}")).await.ok();
        assert_eq!(session["payment_status"], status);
        assert_eq!(world.stripe.available().await, cents);
        world.finish().await;
    }
}

#[tokio::test]
async fn an_unpaid_session_expires_after_a_day() {
    let options = options();
    let shift = options.clock_shift_millis.clone();
    let endpoint = Endpoint::start().await;
    let world = World::with(options).await;
    world.sandbox.set_webhook_urls(vec![endpoint.url.clone()]);
    let session = world.stripe.session(500).await;
    shift.fetch_add(25 * 3600 * 1000, std::sync::atomic::Ordering::Relaxed);
    let expired = world.stripe.get(&format!("checkout/sessions/{session}")).await.ok();
    assert_eq!((&expired["status"], &expired["url"]), (&json!("expired"), &json!(null)));
    world.sandbox.settled().await;
    assert_eq!(endpoint.kinds(), ["checkout.session.expired"]);
    let path = format!("checkout/sessions/{session}/complete");
    assert_eq!(world.stripe.control(&path, json!({"outcome": "paid"})).await.status, 409);
    assert_eq!(world.stripe.available().await, 0);
    world.finish().await;
}

#[tokio::test]
async fn a_form_submitted_many_times_pays_once() {
    let world = World::start().await;
    let session = world.stripe.session(500).await;
    let page = format!("{}/c/pay/{session}", world.sandbox.url);
    let press = || world.stripe.client.post(&page).form(&[("action", "pay")]).send();
    let answers = futures::future::join_all((0..8).map(|_| press())).await;
    for answer in answers {
        let answer = answer.unwrap();
        let to = answer.headers()["location"].to_str().unwrap();
        assert_eq!(
            (answer.status().as_u16(), to),
            (303, &*format!("https://example.com/done?session={session}"))
        );
    }
    assert_eq!(world.stripe.available().await, 500);
    assert_eq!(
        world.event_types(),
        ["charge.succeeded", "payment_intent.succeeded", "checkout.session.completed"]
    );
    world.finish().await;
}

#[tokio::test]
async fn the_caller_can_expire_a_session() {
    let world = World::start().await;
    let session = world.stripe.session(500).await;
    let expired = world.stripe.post(&format!("checkout/sessions/{session}/expire"), &[]).await.ok();
    assert_eq!(expired["status"], "expired");
    let again = world.stripe.post(&format!("checkout/sessions/{session}/expire"), &[]).await;
    assert_eq!((again.status, &again.body["error"]["type"]), (400, &json!("invalid_request_error")));
    assert_eq!(world.event_types(), ["checkout.session.expired"]);
    world.finish().await;
}
