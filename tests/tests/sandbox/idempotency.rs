//! Idempotency keys, by Stripe's rules.

use std::sync::atomic::Ordering;

use serde_json::json;

use super::support::{World, options};

const A: [(&str, &str); 1] = [("email", "a@example.com")];
const B: [(&str, &str); 1] = [("email", "b@example.com")];

#[tokio::test]
async fn a_retry_gets_the_first_response_and_has_no_effect() {
    let world = World::start().await;
    let first = world.stripe.post_with_key("customers", &A, "key").await;
    assert_eq!(first.header("idempotent-replayed"), None);
    let replay = world.stripe.post_with_key("customers", &A, "key").await;
    assert_eq!(replay.header("idempotent-replayed"), Some("true"));
    assert_eq!(replay.header("original-request"), first.header("request-id"));
    assert_ne!(replay.header("request-id"), first.header("request-id"));
    assert_eq!(replay.body, first.body);
    let other = world.stripe.post_with_key("customers", &A, "other").await.ok();
    assert_ne!(other["id"], first.body["id"]);
    assert_eq!(world.stripe.get("customers").await.ok()["data"].as_array().unwrap().len(), 2);
    world.finish().await;
}

#[tokio::test]
async fn a_key_belongs_to_one_path_and_one_set_of_parameters() {
    let world = World::start().await;
    world.stripe.post_with_key("customers", &A, "key").await.ok();
    for (path, form) in [("customers", &B[..]), ("customers", &[][..]), ("setup_intents", &A[..])] {
        let answer = world.stripe.post_with_key(path, form, "key").await;
        assert_eq!(
            (answer.status, &answer.body["error"]["type"]),
            (400, &json!("idempotency_error")),
            "{path}"
        );
    }
    assert_eq!(world.stripe.get("customers").await.ok()["data"].as_array().unwrap().len(), 1);
    let order = [("name", "n"), ("email", "e")];
    world.stripe.post_with_key("customers", &order, "two").await.ok();
    let other_order = [("email", "e"), ("name", "n")];
    let replay = world.stripe.post_with_key("customers", &other_order, "two").await;
    assert_eq!((replay.status, replay.header("idempotent-replayed")), (200, Some("true")));
    world.finish().await;
}

#[tokio::test]
async fn a_decline_and_an_empty_balance_are_stored_but_a_bad_parameter_is_not() {
    let world = World::start().await;
    let (customer, card) = world.stripe.saved_card("declined").await;
    let charge = [
        ("amount", "500"),
        ("currency", "usd"),
        ("customer", &customer),
        ("payment_method", &card),
        ("confirm", "true"),
        ("off_session", "true"),
    ];
    let declined = world.stripe.post_with_key("payment_intents", &charge, "charge").await;
    assert_eq!(declined.error(), (402, "card_declined"));
    world.stripe.control(&format!("payment_methods/{card}"), json!({"card": "ok"})).await.ok();
    let replay = world.stripe.post_with_key("payment_intents", &charge, "charge").await;
    assert_eq!((replay.status, &replay.body), (402, &declined.body));
    assert_eq!(world.stripe.get("payment_intents").await.ok()["data"].as_array().unwrap().len(), 1);

    let payee = world.stripe.payee().await;
    let transfer = [("amount", "500"), ("currency", "usd"), ("destination", payee.as_str())];
    let empty = world.stripe.post_with_key("transfers", &transfer, "transfer").await;
    assert_eq!(empty.error(), (400, "balance_insufficient"));
    world.stripe.paid_session(500).await;
    let replay = world.stripe.post_with_key("transfers", &transfer, "transfer").await;
    assert_eq!(replay.error(), (400, "balance_insufficient"));
    world.stripe.post_with_key("transfers", &transfer, "transfer 2").await.ok();

    let missing = world.stripe.post_with_key("transfers", &[("currency", "usd")], "free").await;
    assert_eq!(missing.error(), (400, "parameter_missing"));
    world.stripe.post_with_key("customers", &A, "free").await.ok();
    world.finish().await;
}

#[tokio::test]
async fn a_key_with_a_running_request_is_in_use() {
    let world = World::start().await;
    let slow = json!({"path": "/v1/customers", "fault": "delay", "delay_ms": 2_000});
    world.stripe.control("next", slow).await.ok();
    let first = tokio::spawn({
        let stripe = world.stripe.clone();
        async move { stripe.post_with_key("customers", &A, "key").await }
    });
    while world.stripe.state().await["faults"] != json!([]) {
        tokio::task::yield_now().await;
    }
    let busy = world.stripe.post_with_key("customers", &A, "key").await;
    assert_eq!(busy.error(), (409, "idempotency_key_in_use"));
    assert_eq!(busy.header("stripe-should-retry"), Some("true"));
    let first = first.await.unwrap().ok();
    let replay = world.stripe.post_with_key("customers", &A, "key").await;
    assert_eq!((replay.header("idempotent-replayed"), &replay.body), (Some("true"), &first));
    assert_eq!(world.stripe.get("customers").await.ok()["data"].as_array().unwrap().len(), 1);
    world.finish().await;
}

#[tokio::test]
async fn keys_expire_after_a_day() {
    let options = options();
    let shift = options.clock_shift_millis.clone();
    let world = World::with(options).await;
    let first = world.stripe.post_with_key("customers", &A, "key").await.ok();
    shift.fetch_add(23 * 3_600_000, Ordering::Relaxed);
    assert_eq!(world.stripe.post_with_key("customers", &A, "key").await.ok(), first);
    shift.fetch_add(2 * 3_600_000, Ordering::Relaxed);
    let later = world.stripe.post_with_key("customers", &B, "key").await.ok();
    assert_ne!(later["id"], first["id"]);
    world.finish().await;
}

#[tokio::test]
async fn concurrent_requests_with_one_key_act_once() {
    let world = World::start().await;
    let requests = (0..16).map(|_| world.stripe.post_with_key("customers", &A, "key"));
    let answers = futures::future::join_all(requests).await;
    assert!(answers.iter().all(|answer| [200, 409].contains(&answer.status)));
    assert_eq!(
        answers.iter().filter(|a| a.status == 200 && a.header("idempotent-replayed").is_none()).count(),
        1
    );
    assert_eq!(world.stripe.get("customers").await.ok()["data"].as_array().unwrap().len(), 1);
    world.finish().await;
}

#[tokio::test]
async fn a_key_has_at_most_255_characters() {
    let world = World::start().await;
    let answer = world.stripe.post_with_key("customers", &A, &"k".repeat(256)).await;
    assert_eq!(answer.status, 400);
    world.stripe.post_with_key("customers", &A, &"k".repeat(255)).await.ok();
    world.finish().await;
}
