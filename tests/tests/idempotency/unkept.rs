//! Responses that are not stored.

use clorp_domain::Rules;
use clorp_tests::{Fault, Options, World, unlimited};
use reqwest::Method;
use serde_json::json;

use super::{
    TRANSACTION, TRIES, assert_replay, cancel, count_drops, is_replay, order, proxy, run, start_proxied,
    stores_a_response, targets_a_record,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_is_not_stored_and_the_request_can_be_retried_immediately() {
    let world = start_proxied().await;
    let keyed = world.sender.keyed("k");
    for fault in [Fault::ServerError, Fault::Conflict] {
        let times = if fault == Fault::Conflict { 10 } else { TRIES };
        proxy(&world).fail(TRANSACTION, fault, times);
        let failed = run(&keyed, 1000).await;
        failed.expect_error(503, "unavailable");
        assert!(!is_replay(&failed));
        assert_eq!((proxy(&world).faults_left(), count_drops(&world.sender).await), (0, 0));
        // The key still belongs to the same request.
        run(&keyed, 1001).await.expect_error(409, "idempotency_key_reused");
    }
    let first = run(&keyed, 1000).await;
    assert!(!is_replay(&first));
    first.expect(201);
    assert_replay(&run(&keyed, 1000).await, &first);
    assert_eq!(world.sender.balance().await, 19_000);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_cannot_be_written_is_a_503_and_nothing_changes() {
    let world = start_proxied().await;
    let keyed = world.sender.keyed("k");
    proxy(&world).fail_if("UpdateItem", targets_a_record, Fault::ServerError, TRIES);
    let failed = run(&keyed, 1000).await;
    failed.expect_error(503, "unavailable");
    assert!(failed.header("retry-after").is_some());
    assert_eq!((proxy(&world).faults_left(), count_drops(&world.sender).await), (0, 0));
    run(&keyed, 1000).await.expect(201);
    assert_eq!(world.sender.balance().await, 19_000);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_before_the_idempotency_check_is_not_stored() {
    let world = start_proxied().await;
    let keyed = world.sender.keyed("k");
    keyed.with_authorization("Bearer nonsense").post("/api/jobs/run", order(1000)).await.expect(401);
    let body = Some(order(1000).to_string().into_bytes());
    let send =
        async |kind| keyed.send(Method::POST, "/api/jobs/run", body.clone(), &[("content-type", kind)]).await;
    send("text/plain").await.expect_error(415, "unsupported_media_type");
    let large = vec![b' '; clorp_http::extract::MAX_BODY_BYTES + 1];
    let large = keyed.send(Method::POST, "/api/jobs/run", Some(large), &[]).await;
    large.expect_error(413, "payload_too_large");
    let first = send("application/json").await;
    first.expect(201);
    assert_replay(&send("application/json").await, &first);
    assert_eq!(world.sender.balance().await, 19_000);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_response_too_large_for_an_item_is_computed_again_each_time() {
    let rules = Rules { max_output_bytes: 200 * 1024, ..unlimited() };
    let world = World::with(Options { proxied: true, rules, ..Options::funded() }).await;
    let drop = world.sender.post_drop(1000).await;
    world.workers[0].claim(&drop).await.expect(201);
    // JSON needs two bytes for each of these characters.
    let output = format!("Quotes:{}", "\"".repeat(200 * 1024 - 7));
    world.workers[0].submit(&drop, &output).await.expect(201);
    world.advance_seconds(301);
    assert_eq!(world.sweep().await.settled, 1);
    proxy(&world).take_calls();
    for _ in 0..2 {
        let answer = cancel(&world.sender.keyed("k"), &drop).await;
        assert!(!is_replay(&answer));
        assert_eq!(answer.expect(200)["output_text"], json!(output));
    }
    let stored = proxy(&world).take_calls().iter().filter(|call| stores_a_response(&call.request)).count();
    assert_eq!(stored, 0);
    world.finish().await;
}
