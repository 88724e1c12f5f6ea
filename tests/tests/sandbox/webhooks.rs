//! Events on their way.

use serde_json::json;

use super::support::{Endpoint, Stripe, World};

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
