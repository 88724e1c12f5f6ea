//! Injected faults.

use serde_json::json;

use super::support::{World, id};

const FORM: [(&str, &str); 1] = [("email", "a@example.com")];

async fn inject(world: &World, fault: &str) {
    world.stripe.control("next", json!({"path": "/v1/customers", "fault": fault})).await.ok();
}

async fn count_customers(world: &World) -> usize {
    world.stripe.get("customers").await.ok()["data"].as_array().unwrap().len()
}

#[tokio::test]
async fn a_timeout_before_the_request_has_no_effect_and_leaves_the_key_unused() {
    let world = World::start().await;
    inject(&world, "timeout_before").await;
    world.stripe.try_post("customers", &FORM, Some("key")).await.unwrap_err();
    assert_eq!(count_customers(&world).await, 0);
    let second = world.stripe.post_with_key("customers", &FORM, "key").await;
    assert_eq!((second.status, second.header("idempotent-replayed")), (200, None));
    world.finish().await;
}

#[tokio::test]
async fn a_timeout_after_the_request_has_an_effect_and_stores_the_response() {
    let world = World::start().await;
    inject(&world, "timeout_after").await;
    world.stripe.try_post("customers", &FORM, Some("key")).await.unwrap_err();
    let replay = world.stripe.post_with_key("customers", &FORM, "key").await;
    assert_eq!((replay.status, replay.header("idempotent-replayed")), (200, Some("true")));
    let list = world.stripe.get("customers").await.ok();
    assert_eq!(id(&list["data"][0]), id(&replay.body));
    assert_eq!(count_customers(&world).await, 1);
    world.finish().await;
}

#[tokio::test]
async fn a_500_and_a_429_have_no_effect_and_are_not_stored() {
    let world = World::start().await;
    for (fault, status, kind) in [("500", 500, "api_error"), ("429", 429, "invalid_request_error")] {
        inject(&world, fault).await;
        let answer = world.stripe.post_with_key("customers", &FORM, fault).await;
        assert_eq!((answer.status, &answer.body["error"]["type"]), (status, &json!(kind)));
    }
    assert_eq!(count_customers(&world).await, 0);
    for key in ["500", "429"] {
        world.stripe.post_with_key("customers", &FORM, key).await.ok();
    }
    assert_eq!(count_customers(&world).await, 2);
    world.finish().await;
}

#[tokio::test]
async fn a_kept_500_is_replayed_under_its_key_and_nothing_is_executed() {
    let world = World::start().await;
    inject(&world, "500_kept").await;
    let first = world.stripe.post_with_key("customers", &FORM, "key").await;
    assert_eq!((first.status, first.header("idempotent-replayed")), (500, None));
    let second = world.stripe.post_with_key("customers", &FORM, "key").await;
    assert_eq!((second.status, second.header("idempotent-replayed")), (500, Some("true")));
    assert_eq!(second.body, first.body);
    assert_eq!(count_customers(&world).await, 0);
    world.stripe.post_with_key("customers", &FORM, "a fresh key").await.ok();
    assert_eq!(count_customers(&world).await, 1);
    world.finish().await;
}

#[tokio::test]
async fn a_500_after_the_execution_is_kept_although_the_object_exists() {
    let world = World::start().await;
    inject(&world, "500_after").await;
    for replayed in [None, Some("true")] {
        let answer = world.stripe.post_with_key("customers", &FORM, "key").await;
        assert_eq!((answer.status, answer.header("idempotent-replayed")), (500, replayed));
    }
    assert_eq!(count_customers(&world).await, 1);
    world.finish().await;
}

#[tokio::test]
async fn a_retry_under_a_kept_500_does_not_use_up_the_next_fault() {
    let world = World::start().await;
    let fault = json!({"path": "/v1/customers", "fault": "500_kept", "times": 2});
    world.stripe.control("next", fault).await.ok();
    for key in ["one", "one", "two"] {
        assert_eq!(world.stripe.post_with_key("customers", &FORM, key).await.status, 500);
    }
    world.stripe.post_with_key("customers", &FORM, "three").await.ok();
    world.finish().await;
}

#[tokio::test]
async fn a_decline_is_a_card_error_for_payments_and_is_stored() {
    let world = World::start().await;
    let saved = world.stripe.saved_card("ok").await;
    for path in ["/v1/payment_intents", "/v1/transfers"] {
        world.stripe.control("next", json!({"path": path, "fault": "decline"})).await.ok();
    }
    assert_eq!(world.stripe.charge(&saved, 500).await.error(), (402, "card_declined"));
    let payee = world.stripe.payee().await;
    let form = [("amount", "1"), ("currency", "usd"), ("destination", payee.as_str())];
    for _ in 0..2 {
        let answer = world.stripe.post_with_key("transfers", &form, "key").await;
        assert_eq!((answer.status, &answer.body["error"]["type"]), (400, &json!("invalid_request_error")));
        assert_eq!(answer.error().1, "request_declined");
    }
    assert_eq!(world.stripe.get("payment_intents").await.ok()["data"], json!([]));
    world.stripe.charge(&saved, 500).await.ok();
    world.finish().await;
}

#[tokio::test]
async fn a_fault_applies_to_matching_requests_the_given_number_of_times() {
    let world = World::start().await;
    let fault = json!({"path": "/v1/customers", "fault": "500", "times": 2, "method": "POST"});
    world.stripe.control("next", fault).await.ok();
    assert_eq!(count_customers(&world).await, 0, "the fault does not apply to a GET");
    world.stripe.post("setup_intents", &[]).await.ok();
    for status in [500, 500, 200] {
        assert_eq!(world.stripe.post("customers", &FORM).await.status, status);
    }
    inject(&world, "500").await;
    world.stripe.control("next", json!({"path": "/v1/customers", "fault": "500", "times": 0})).await.ok();
    world.stripe.post("customers", &FORM).await.ok();
    world.finish().await;
}

#[tokio::test]
async fn a_client_that_disconnects_does_not_stop_a_slow_request() {
    let world = World::start().await;
    let slow = json!({"path": "/v1/customers", "fault": "delay", "delay_ms": 100, "method": "POST"});
    world.stripe.control("next", slow).await.ok();
    let stripe = world.stripe.clone();
    let caller = tokio::spawn(async move { stripe.post("customers", &FORM).await });
    // The fault is used up when its request begins.
    while world.stripe.state().await["faults"] != json!([]) {
        tokio::task::yield_now().await;
    }
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());
    assert_eq!(count_customers(&world).await, 0);
    while count_customers(&world).await == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(count_customers(&world).await, 1);
    world.finish().await;
}
