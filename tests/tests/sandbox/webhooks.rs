//! Delivery of events to webhook endpoints.

use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::Sha256;

use super::support::{Endpoint, Stripe, WEBHOOK_SECRET, World};

async fn world_with(endpoint: &Endpoint) -> World {
    let world = World::start().await;
    world.sandbox.set_webhook_urls(vec![endpoint.url.clone()]);
    world
}

async fn create_customers(stripe: &Stripe, count: usize) -> Vec<String> {
    let mut customers = Vec::new();
    for _ in 0..count {
        customers.push(stripe.customer().await);
    }
    customers
}

fn delivered_customers(endpoint: &Endpoint) -> Vec<String> {
    let id = |delivery: &super::support::Delivery| super::support::id(&delivery.event["data"]["object"]);
    endpoint.deliveries().iter().map(id).collect()
}

#[tokio::test]
async fn events_arrive_in_order_and_name_their_request() {
    let endpoint = Endpoint::start().await;
    let world = world_with(&endpoint).await;
    let customers = create_customers(&world.stripe, 8).await;
    let keyed = world.stripe.post_with_key("customers", &[("email", "b@example.com")], "key_1").await;
    world.sandbox.settled().await;
    let deliveries = endpoint.deliveries();
    assert_eq!(delivered_customers(&endpoint)[..8], customers);
    let last = &deliveries[8].event;
    assert_eq!(
        last["request"],
        json!({"id": keyed.header("request-id").unwrap(), "idempotency_key": "key_1"})
    );
    assert_eq!(last["data"]["object"], keyed.body);
    assert_eq!(world.sandbox.events(), deliveries.iter().map(|d| d.event.clone()).collect::<Vec<_>>());
    world.finish().await;
}

/// Checks a signature with a second implementation of the scheme.
fn is_signed(delivery: &super::support::Delivery, secret: &str) -> bool {
    let parts: Vec<_> = delivery.signature.split(',').map(|part| part.split_once('=').unwrap()).collect();
    let time = parts.iter().find(|(name, _)| *name == "t").unwrap().1;
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("{time}.{}", delivery.body).as_bytes());
    let expected: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    parts.iter().any(|(name, value)| *name == "v1" && *value == expected)
}

#[tokio::test]
async fn every_event_is_signed_and_a_new_secret_signs_beside_the_old_one() {
    let endpoint = Endpoint::start().await;
    let world = world_with(&endpoint).await;
    let signed = async |secrets: &[&str]| {
        world.stripe.customer().await;
        world.sandbox.settled().await;
        let last = endpoint.deliveries().pop().unwrap();
        secrets.iter().map(|secret| is_signed(&last, secret)).collect::<Vec<_>>()
    };
    assert_eq!(signed(&[WEBHOOK_SECRET, "whsec_other"]).await, [true, false]);
    let rolled = world.stripe.control("webhook_secret/roll", json!({})).await.ok();
    let new = rolled["secret"].as_str().unwrap();
    assert_ne!(new, WEBHOOK_SECRET);
    assert_eq!(signed(&[WEBHOOK_SECRET, new]).await, [true, true]);
    let dropped = world.stripe.control("webhook_secret/roll", json!({"drop_old": true})).await.ok();
    assert_eq!(dropped["secret"], new);
    assert_eq!(signed(&[WEBHOOK_SECRET, new]).await, [false, true]);
    world.finish().await;
}

#[tokio::test]
async fn a_failed_delivery_is_retried_and_does_not_delay_the_next_event() {
    let endpoint = Endpoint::failing_at_first(&[500, 404, 302]).await;
    let world = world_with(&endpoint).await;
    let customers = create_customers(&world.stripe, 2).await;
    world.sandbox.settled().await;
    let mut seen = delivered_customers(&endpoint);
    assert_eq!(seen.len(), 5, "three failures, two successes");
    seen.sort();
    seen.dedup();
    assert_eq!(seen, customers);
    let deliveries = endpoint.deliveries();
    let bodies: std::collections::BTreeSet<_> = deliveries.iter().map(|delivery| &delivery.body).collect();
    assert_eq!(bodies.len(), 2, "a redelivery is the same event, to the byte");
    world.finish().await;
}

#[tokio::test]
async fn an_endpoint_that_starts_late_receives_every_event() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let world = World::start().await;
    world.sandbox.set_webhook_urls(vec![format!("http://{address}/hook")]);
    let customers = create_customers(&world.stripe, 3).await;
    while world.stripe.state().await["deliveries"][0]["attempts"].as_u64().unwrap() < 2 {
        tokio::task::yield_now().await;
    }
    let endpoint = Endpoint::on(tokio::net::TcpListener::bind(address).await.unwrap(), &[]);
    world.sandbox.settled().await;
    let mut seen = delivered_customers(&endpoint);
    seen.sort();
    assert_eq!(seen, customers);
    world.finish().await;
}

#[tokio::test]
async fn a_pause_holds_events_back_until_it_ends() {
    let endpoint = Endpoint::start().await;
    let world = world_with(&endpoint).await;
    world.stripe.control("webhooks", json!({"paused": true})).await.ok();
    let customers = create_customers(&world.stripe, 5).await;
    world.sandbox.settled().await;
    assert!(endpoint.deliveries().is_empty());
    world.stripe.control("webhooks", json!({"paused": false})).await.ok();
    world.sandbox.settled().await;
    assert_eq!(delivered_customers(&endpoint), customers);
    world.finish().await;
}

#[tokio::test]
async fn shuffled_events_all_arrive_in_another_order() {
    let endpoint = Endpoint::start().await;
    let world = world_with(&endpoint).await;
    world.stripe.control("webhooks", json!({"paused": true, "shuffle": true})).await.ok();
    // One shuffle of 16 events in 2 * 10^13 keeps their order.
    let customers = create_customers(&world.stripe, 16).await;
    world.stripe.control("webhooks", json!({"paused": false})).await.ok();
    world.sandbox.settled().await;
    let mut seen = delivered_customers(&endpoint);
    assert_ne!(seen, customers);
    seen.sort();
    assert_eq!(seen, customers);
    world.finish().await;
}

#[tokio::test]
async fn duplicates_and_resends_are_the_same_event() {
    let endpoint = Endpoint::start().await;
    let world = world_with(&endpoint).await;
    world.stripe.control("webhooks", json!({"duplicates": 2, "delay_ms": 10})).await.ok();
    world.stripe.customer().await;
    world.sandbox.settled().await;
    let bodies = |endpoint: &Endpoint| endpoint.deliveries().into_iter().map(|d| d.body).collect::<Vec<_>>();
    assert_eq!(bodies(&endpoint).len(), 3);
    let event = super::support::id(&world.sandbox.events()[0]);
    world.stripe.control(&format!("events/{event}/resend"), json!({})).await.ok();
    world.sandbox.settled().await;
    let bodies = bodies(&endpoint);
    assert_eq!(bodies.len(), 4);
    assert!(bodies.iter().all(|body| *body == bodies[0]));
    assert_eq!(world.sandbox.events().len(), 1);
    world.finish().await;
}

#[tokio::test]
async fn every_endpoint_receives_every_event_and_the_list_of_events_needs_no_key() {
    let (one, other) = (Endpoint::start().await, Endpoint::start().await);
    let world = World::start().await;
    world.stripe.customer().await;
    world.sandbox.set_webhook_urls(vec![one.url.clone(), other.url.clone()]);
    let customers = create_customers(&world.stripe, 3).await;
    world.sandbox.settled().await;
    assert_eq!(delivered_customers(&one), customers, "an event from before the endpoint is not sent");
    assert_eq!(delivered_customers(&other), customers);
    let list =
        world.stripe.client.get(format!("{}/_sandbox/events", world.sandbox.url)).send().await.unwrap();
    let list: serde_json::Value = list.json().await.unwrap();
    let mut events = world.sandbox.events();
    events.reverse();
    assert_eq!(list["data"], json!(events));
    world.finish().await;
}
