//! State that outlives its sandbox.

use std::path::Path;

use clorp_stripe_sandbox::Options;
use serde_json::json;

use super::support::{Endpoint, World, id, options};

async fn start_at(path: &Path) -> World {
    World::with(Options { state_path: Some(path.to_owned()), ..options() }).await
}

#[tokio::test]
async fn all_state_survives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/stripe.json");
    let world = start_at(&path).await;
    let paid = world.stripe.paid_session(500).await;
    let open = world.stripe.session(700).await;
    let form = [("email", "a@example.com")];
    let customer = world.stripe.post_with_key("customers", &form, "key").await.ok();
    let rolled = world.stripe.control("webhook_secret/roll", json!({})).await.ok();
    let before = world.stripe.state().await;
    world.finish().await;

    let world = start_at(&path).await;
    assert_eq!(world.stripe.state().await, before);
    assert_eq!(world.stripe.available().await, 500);
    assert_eq!(world.stripe.get(&format!("checkout/sessions/{}", id(&paid))).await.ok(), paid);
    let replay = world.stripe.post_with_key("customers", &form, "key").await;
    assert_eq!((replay.header("idempotent-replayed"), &replay.body), (Some("true"), &customer));
    assert_eq!(json!(world.sandbox.webhook_secrets()[0]), rolled["secret"]);
    let complete = format!("checkout/sessions/{open}/complete");
    world.stripe.control(&complete, json!({"outcome": "paid"})).await.ok();
    assert_eq!(world.stripe.available().await, 1_200);
    let newest = world.stripe.customer().await;
    assert!(newest > id(&customer), "new identifiers sort after old ones");
    world.finish().await;
}

#[tokio::test]
async fn pending_payments_and_deliveries_continue_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stripe.json");
    let world = start_at(&path).await;
    // Nothing listens on this port.
    world.sandbox.set_webhook_urls(vec!["http://127.0.0.1:9/hook".to_owned()]);
    let session = world.stripe.session(500).await;
    let complete = format!("checkout/sessions/{session}/complete");
    world.stripe.control(&complete, json!({"outcome": "async_paid", "delay_ms": 3_600_000})).await.ok();
    world.finish().await;

    let endpoint = Endpoint::start().await;
    let urls = vec![endpoint.url.clone()];
    let world = World::with(Options { state_path: Some(path), webhook_urls: urls, ..options() }).await;
    world.sandbox.settled().await;
    let kinds = endpoint.kinds();
    for kind in ["checkout.session.completed", "checkout.session.async_payment_succeeded"] {
        assert_eq!(kinds.iter().filter(|seen| *seen == kind).count(), 1, "{kinds:?}");
    }
    assert_eq!(world.stripe.available().await, 500);
    world.finish().await;
}

#[tokio::test]
async fn events_survive_a_restart_until_an_endpoint_is_registered() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stripe.json");
    let world = start_at(&path).await;
    world.sandbox.set_webhook_urls(vec!["http://127.0.0.1:9/hook".to_owned()]);
    let customer = world.stripe.customer().await;
    world.finish().await;

    let world = start_at(&path).await;
    world.sandbox.settled().await;
    let endpoint = Endpoint::start().await;
    world.sandbox.set_webhook_urls(vec![endpoint.url.clone()]);
    world.sandbox.settled().await;
    let deliveries = endpoint.deliveries();
    assert_eq!(deliveries.len(), 1);
    assert_eq!(id(&deliveries[0].event["data"]["object"]), customer);
    world.finish().await;
}

#[tokio::test]
async fn a_dropped_sandbox_stops_answering() {
    let World { sandbox, stripe } = World::start().await;
    stripe.customer().await;
    drop(sandbox);
    while stripe.try_post("customers", &[], None).await.is_ok() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn another_configured_secret_replaces_the_old_ones() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stripe.json");
    let world = start_at(&path).await;
    world.stripe.control("webhook_secret/roll", json!({})).await.ok();
    world.finish().await;
    let webhook_secret = "whsec_new".to_owned();
    let world = World::with(Options { state_path: Some(path), webhook_secret, ..options() }).await;
    assert_eq!(world.sandbox.webhook_secrets(), ["whsec_new"]);
    world.finish().await;
}

#[tokio::test]
async fn a_state_file_of_another_format_is_refused_and_left_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stripe.json");
    std::fs::write(&path, "[1]").unwrap();
    let options = Options { state_path: Some(path.clone()), ..options() };
    let error = clorp_stripe_sandbox::Sandbox::start(options).await.unwrap_err();
    assert!(format!("{error:#}").contains("stripe.json"), "{error:#}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "[1]");
}

#[tokio::test]
async fn a_taken_port_is_named_in_the_error_and_a_stopped_sandbox_frees_its_port() {
    let world = World::start().await;
    let port: u16 = world.sandbox.url.rsplit(':').next().unwrap().parse().unwrap();
    let start = || clorp_stripe_sandbox::Sandbox::start(Options { port: Some(port), ..options() });
    let error = start().await.unwrap_err().to_string();
    assert!(error.contains(&port.to_string()) && error.contains("taken"), "{error}");
    world.finish().await;
    start().await.unwrap().shutdown().await.unwrap();
}
