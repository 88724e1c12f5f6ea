//! Events on their way.

use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::Sha256;

use super::support::{Endpoint, Stripe, WEBHOOK_SECRET, World};

async fn world_with(endpoint: &Endpoint) -> World {
    let world = World::start().await;
    world.sandbox.set_webhook_urls(vec![endpoint.url.clone()]);
    world
}

async fn customers(stripe: &Stripe, count: usize) -> Vec<String> {
    let mut made = Vec::new();
    for _ in 0..count {
        made.push(stripe.customer().await);
    }
    made
}

fn customers_of(endpoint: &Endpoint) -> Vec<String> {
    let id = |received: &super::support::Received| super::support::id(&received.event["data"]["object"]);
    endpoint.received().iter().map(id).collect()
}

#[tokio::test]
async fn events_arrive_in_order_with_what_caused_them() {
    let endpoint = Endpoint::start().await;
    let world = world_with(&endpoint).await;
    let made = customers(&world.stripe, 8).await;
    let keyed = world.stripe.post_with_key("customers", &[("email", "b@example.com")], "key_1").await;
    world.sandbox.settled().await;
    let received = endpoint.received();
    assert_eq!(customers_of(&endpoint)[..8], made);
    let last = &received[8].event;
    assert_eq!(
        last["request"],
        json!({"id": keyed.header("request-id").unwrap(), "idempotency_key": "key_1"})
    );
    assert_eq!(last["data"]["object"], keyed.body);
    assert_eq!(world.sandbox.events(), received.iter().map(|r| r.event.clone()).collect::<Vec<_>>());
    world.finish().await;
}

/// Computes the signature of a body again, with another implementation of the rule.
fn is_signed(received: &super::support::Received, secret: &str) -> bool {
    let parts: Vec<_> = received.signature.split(',').map(|part| part.split_once('=').unwrap()).collect();
    let time = parts.iter().find(|(name, _)| *name == "t").unwrap().1;
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("{time}.{}", received.body).as_bytes());
    let expected: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    parts.iter().any(|(name, value)| *name == "v1" && *value == expected)
}

#[tokio::test]
async fn every_event_is_signed_and_a_rolled_secret_signs_beside_the_old_one() {
    let endpoint = Endpoint::start().await;
    let world = world_with(&endpoint).await;
    let signed = async |secrets: &[&str]| {
        world.stripe.customer().await;
        world.sandbox.settled().await;
        let last = endpoint.received().pop().unwrap();
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
async fn an_event_that_fails_comes_again_and_does_not_hold_up_the_next() {
    let endpoint = Endpoint::failing_at_first(&[500, 404, 302]).await;
    let world = world_with(&endpoint).await;
    let made = customers(&world.stripe, 2).await;
    world.sandbox.settled().await;
    let mut seen = customers_of(&endpoint);
    assert_eq!(seen.len(), 5, "three failures, two successes");
    seen.sort();
    seen.dedup();
    assert_eq!(seen, made);
    let received = endpoint.received();
    let ids: std::collections::BTreeSet<_> = received.iter().map(|received| &received.body).collect();
    assert_eq!(ids.len(), 2, "a redelivery is the same event, to the byte");
    world.finish().await;
}

#[tokio::test]
async fn an_endpoint_that_is_not_there_yet_gets_everything_later() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let world = World::start().await;
    world.sandbox.set_webhook_urls(vec![format!("http://{address}/hook")]);
    let made = customers(&world.stripe, 3).await;
    while world.stripe.state().await["deliveries"][0]["attempts"].as_u64().unwrap() < 2 {
        tokio::task::yield_now().await;
    }
    let endpoint = Endpoint::on(tokio::net::TcpListener::bind(address).await.unwrap(), &[]);
    world.sandbox.settled().await;
    let mut seen = customers_of(&endpoint);
    seen.sort();
    assert_eq!(seen, made);
    world.finish().await;
}

#[tokio::test]
async fn a_pause_holds_events_until_it_ends() {
    let endpoint = Endpoint::start().await;
    let world = world_with(&endpoint).await;
    world.stripe.control("webhooks", json!({"paused": true})).await.ok();
    let made = customers(&world.stripe, 5).await;
    world.sandbox.settled().await;
    assert!(endpoint.received().is_empty());
    world.stripe.control("webhooks", json!({"paused": false})).await.ok();
    world.sandbox.settled().await;
    assert_eq!(customers_of(&endpoint), made);
    world.finish().await;
}

#[tokio::test]
async fn shuffled_events_all_arrive_in_another_order() {
    let endpoint = Endpoint::start().await;
    let world = world_with(&endpoint).await;
    world.stripe.control("webhooks", json!({"paused": true, "shuffle": true})).await.ok();
    // By chance they come in order once in thirty million million.
    let made = customers(&world.stripe, 16).await;
    world.stripe.control("webhooks", json!({"paused": false})).await.ok();
    world.sandbox.settled().await;
    let mut seen = customers_of(&endpoint);
    assert_ne!(seen, made);
    seen.sort();
    assert_eq!(seen, made);
    world.finish().await;
}

#[tokio::test]
async fn duplicates_and_a_resent_event_are_the_same_event_again() {
    let endpoint = Endpoint::start().await;
    let world = world_with(&endpoint).await;
    world.stripe.control("webhooks", json!({"duplicates": 2, "delay_ms": 10})).await.ok();
    world.stripe.customer().await;
    world.sandbox.settled().await;
    let bodies = |endpoint: &Endpoint| endpoint.received().into_iter().map(|r| r.body).collect::<Vec<_>>();
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
async fn every_endpoint_gets_every_event_and_the_list_shows_them_without_a_key() {
    let (one, other) = (Endpoint::start().await, Endpoint::start().await);
    let world = World::start().await;
    world.stripe.customer().await;
    world.sandbox.set_webhook_urls(vec![one.url.clone(), other.url.clone()]);
    let made = customers(&world.stripe, 3).await;
    world.sandbox.settled().await;
    assert_eq!(customers_of(&one), made, "what happened before there was an endpoint is not sent");
    assert_eq!(customers_of(&other), made);
    let list =
        world.stripe.client.get(format!("{}/_sandbox/events", world.sandbox.url)).send().await.unwrap();
    let list: serde_json::Value = list.json().await.unwrap();
    let mut events = world.sandbox.events();
    events.reverse();
    assert_eq!(list["data"], json!(events));
    world.finish().await;
}
