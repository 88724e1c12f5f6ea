//! Requests whose calls to Stripe are slow. They answer before their function ends, and lose no money.

use std::time::Duration;

use axum::http::Method;
use clorp_tests::world::ENDS_IN_MILLIS;
use clorp_tests::{Answer, Client, Fault, World};
use serde_json::{Value, json};

use super::people::{
    AFTER_SETTLE_GRACE, ALWAYS, cardholder, charges, clear_faults, drop_statuses, enable, id, options, pay,
    payee, proxied_world, proxy, transfers, withdraw,
};

/// Sends a request to a function that Lambda ends after `ends_in`. Fails without an answer within `bound`,
/// which lies between that end and the time that the calls to Stripe would take without a deadline.
async fn answer_within(user: &Client, ends_in: Duration, bound: Duration, path: &str, body: Value) -> Answer {
    let millis = ends_in.as_millis().to_string();
    let headers = [("content-type", "application/json"), (ENDS_IN_MILLIS, millis.as_str())];
    let answer = user.send(Method::POST, path, Some(body.to_string().into_bytes()), &headers);
    tokio::time::timeout(bound, answer).await.expect("the function ended without an answer")
}

/// Delays the next `times` POST requests to this path of Stripe's API.
async fn slow_down(world: &World, path: &str, delay: Duration, times: usize) {
    let fault = json!({
        "path": path, "method": "POST", "fault": "delay", "delay_ms": delay.as_millis(), "times": times,
    });
    world.control("next", fault).await;
}

/// Reconciles until nothing is pending. Stripe rejects a request while a delayed one with the same
/// idempotency key is still running.
async fn settle(world: &World) {
    world.advance_seconds(AFTER_SETTLE_GRACE);
    for _ in 0..200 {
        world.reconcile().await;
        if world.store.pending().unsettled().await.unwrap().is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        world.advance_seconds(AFTER_SETTLE_GRACE);
    }
    panic!("the payments stay pending");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_with_two_slow_charges_answers_before_its_function_ends_and_its_debit_stands() {
    let world = World::with(options()).await;
    let (user, _) = cardholder(&world, 300).await;
    // The wallet is short before the debit and low after it, so the run begins two charges.
    enable(&user, 1000, 600).await;
    let body = json!({
        "prompt": "Three taglines, please", "pack": "roast", "price_cents": 1000, "confirmed": true,
    });
    // Without a deadline the charges would take four and seven seconds.
    slow_down(&world, "/v1/payment_intents", Duration::from_secs(4), 1).await;
    slow_down(&world, "/v1/payment_intents", Duration::from_secs(8), ALWAYS).await;
    let (ends_in, bound) = (Duration::from_secs(7), Duration::from_secs(10));
    let answer = answer_within(&user, ends_in, bound, "/api/jobs/run", body).await;
    // A slow machine may have left no time for the first charge.
    let paid = answer.status == 201;
    if !paid {
        answer.expect_error(402, "auto_topup_pending");
    }
    clear_faults(&world, "/v1/payment_intents").await;
    settle(&world).await;
    world.wait_for_webhooks().await;
    if !paid {
        let drop = user.get("/api/jobs").await.expect(200)[0].clone();
        pay(&user, &id(&drop)).await.expect(200);
    }
    assert_eq!(drop_statuses(&user).await, ["open"]);
    assert_eq!((charges(&world, &user).await.len(), user.balance().await), (2, 1300));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawal_with_a_slow_transfer_is_answered_as_pending_and_transferred_later() {
    let world = World::with(options()).await;
    let user = payee(&world, 5000).await;
    slow_down(&world, "/v1/transfers", Duration::from_secs(7), ALWAYS).await;
    let body = json!({ "amount_cents": 1000 });
    // Without a deadline the transfer would take seven seconds.
    let (ends_in, bound) = (Duration::from_secs(3), Duration::from_millis(6_500));
    let answer = answer_within(&user, ends_in, bound, "/api/wallet/withdraw", body).await;
    assert_eq!(answer.expect(202)["status"], "pending");
    assert_eq!(user.balance().await, 4000, "the amount is debited");
    clear_faults(&world, "/v1/transfers").await;
    settle(&world).await;
    assert_eq!((transfers(&world, &user).await.len(), user.balance().await), (1, 4000));
    world.finish().await;
}

/// True for a request to the table that records the transfer of a withdrawal.
fn records_transfer(request: &Value) -> bool {
    request["TransactItems"].to_string().contains("transfer_id")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawal_whose_outcome_cannot_be_recorded_is_answered_as_pending_because_its_debit_stands() {
    for fault in [Fault::Refused, Fault::FalseRefusal] {
        let world = proxied_world().await;
        let user = payee(&world, 5000).await;
        proxy(&world).fail_if("TransactWriteItems", records_transfer, fault, 1);
        let keyed = user.keyed("k");
        assert_eq!(withdraw(&keyed, 1000).await.expect(202)["status"], "pending");
        assert_eq!((proxy(&world).faults_left(), user.balance().await), (0, 4000));
        assert_eq!(withdraw(&keyed, 1000).await.expect(202)["status"], "pending");
        settle(&world).await;
        assert_eq!((transfers(&world, &user).await.len(), user.balance().await), (1, 4000), "{fault:?}");
        world.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_top_up_with_a_slow_stripe_answers_before_its_function_ends() {
    let world = World::with(options()).await;
    let user = world.user("payer", 0).await;
    // Without a deadline the two calls would take twelve seconds.
    slow_down(&world, "/v1/customers", Duration::from_secs(6), ALWAYS).await;
    slow_down(&world, "/v1/checkout/sessions", Duration::from_secs(6), ALWAYS).await;
    let (ends_in, bound) = (Duration::from_secs(4), Duration::from_secs(9));
    let body = json!({ "amount_cents": 1000 });
    let answer = answer_within(&user, ends_in, bound, "/api/wallet/topup", body).await;
    answer.expect_error(503, "unavailable");
    assert_eq!(user.balance().await, 0);
    world.finish().await;
}
