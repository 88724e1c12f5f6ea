//! A function that crashes between the effect of a request and the storing of its response, and the client's
//! retries.

use clorp_tests::client::announcement;
use clorp_tests::{Answer, Fault, World};
use serde_json::json;

use super::{
    LEASE_LAPSED, TRANSACTION, TRIES, assert_in_flight, assert_replay, cancel, count_drops, id, is_replay,
    order, pay, post_pending, proxy, read, run, start_proxied, stores_a_response,
};

/// Sends a request whose response cannot be stored, and retries it before and after its lease has lapsed.
/// Returns the first response, which a crashed function would not send, and the response after the lease.
pub(crate) async fn crash_and_retry(world: &World, request: impl AsyncFn() -> Answer) -> (Answer, Answer) {
    proxy(world).fail_if("UpdateItem", stores_a_response, Fault::ServerError, TRIES);
    let first = request().await;
    assert_eq!(proxy(world).faults_left(), 0, "{}", first.text);
    assert_in_flight(&request().await);
    world.advance_seconds(LEASE_LAPSED);
    let retry = request().await;
    assert!(!is_replay(&retry), "{}", retry.text);
    assert_replay(&request().await, &retry);
    (first, retry)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retried_run_returns_the_same_drop_and_charges_it_once() {
    let world = start_proxied().await;
    let keyed = world.sender.keyed("k");
    let (first, retry) = crash_and_retry(&world, async || run(&keyed, 1000).await).await;
    assert_eq!(first.expect(201), retry.expect(201));
    assert_eq!((world.sender.balance().await, count_drops(&world.sender).await), (19_000, 1));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retried_run_whose_drop_has_ended_posts_no_second_drop() {
    let world = start_proxied().await;
    let keyed = world.sender.keyed("k");
    proxy(&world).fail_if("UpdateItem", stores_a_response, Fault::ServerError, TRIES);
    let drop = id(&run(&keyed, 1000).await.expect(201));
    cancel(&world.sender, &drop).await.expect(200);
    world.advance_seconds(LEASE_LAPSED);
    let retry = run(&keyed, 1000).await.expect(201);
    assert_eq!((id(&retry), &retry["status"]), (drop, &"cancelled".into()));
    assert_eq!((world.sender.balance().await, count_drops(&world.sender).await), (20_000, 1));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retried_run_that_emptied_the_wallet_is_not_refused() {
    let world = start_proxied().await;
    let sender = world.user("exact", 1000).await;
    let keyed = sender.keyed("k");
    let (first, retry) = crash_and_retry(&world, async || run(&keyed, 1000).await).await;
    assert_eq!(first.expect(201), retry.expect(201));
    assert_eq!((sender.balance().await, count_drops(&sender).await), (0, 1));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retried_run_without_funds_is_refused_with_the_same_pending_drop() {
    let world = start_proxied().await;
    let poor = world.user("poor", 500).await;
    let keyed = poor.keyed("k");
    let (first, retry) = crash_and_retry(&world, async || run(&keyed, 600).await).await;
    let (first, retry) = (first.expect_error(402, "insufficient_balance"), retry.expect(402));
    for field in ["id", "required", "available", "payment_required", "code"] {
        assert_eq!(first[field], retry[field], "{field}");
    }
    assert_eq!((poor.balance().await, count_drops(&poor).await), (500, 1));
    assert_eq!(read(&poor, &id(&first)).await["status"], "pending_payment");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retried_run_does_not_pay_its_pending_drop() {
    let world = start_proxied().await;
    let sender = world.user("later-rich", 600).await;
    let blocker = sender.post_drop(600).await;
    let keyed = sender.keyed("k");
    proxy(&world).fail_if("UpdateItem", stores_a_response, Fault::ServerError, TRIES);
    let pending = id(&run(&keyed, 600).await.expect(402));
    cancel(&sender, &blocker).await.expect(200);
    world.advance_seconds(LEASE_LAPSED);
    let retry = run(&keyed, 600).await.expect_error(402, "insufficient_balance");
    assert_eq!((id(&retry), &retry["available"]), (pending.clone(), &600.into()));
    assert_eq!(sender.balance().await, 600);
    pay(&sender, &pending).await.expect(200);
    assert_eq!(sender.balance().await, 0);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retried_payment_succeeds_and_a_second_payment_is_refused() {
    let world = start_proxied().await;
    let (sender, drop) = post_pending(&world).await;
    let keyed = sender.keyed("k");
    let (first, retry) = crash_and_retry(&world, async || pay(&keyed, &drop).await).await;
    assert_eq!(first.expect(200), retry.expect(200));
    assert_eq!(retry.json()["status"], "open");
    assert_eq!(sender.balance().await, 0);
    pay(&sender, &drop).await.expect_error(400, "drop_not_pending");
    pay(&sender.keyed("l"), &drop).await.expect_error(400, "drop_not_pending");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retried_cancel_refunds_once() {
    let world = start_proxied().await;
    let drop = world.sender.post_drop(1000).await;
    let keyed = world.sender.keyed("k");
    let (first, retry) = crash_and_retry(&world, async || cancel(&keyed, &drop).await).await;
    assert_eq!(first.expect(200), retry.expect(200));
    assert_eq!(retry.json()["status"], "cancelled");
    assert_eq!(world.sender.balance().await, 20_000);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retried_claim_takes_one_slot() {
    let world = start_proxied().await;
    let drop = world.sender.post_drop(1000).await;
    let worker = world.workers[0].keyed("k");
    let (first, retry) = crash_and_retry(&world, async || worker.claim(&drop).await).await;
    // The retry finds the claim that the first request made.
    assert_eq!(first.expect(201), retry.expect(200));
    assert!(!retry.json()["your_claim"].is_null());
    assert_eq!(read(&world.sender, &drop).await["claims_count"], 1);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retried_release_frees_the_slot_once() {
    let world = start_proxied().await;
    let drop = world.sender.post_drop(1000).await;
    world.workers[0].claim(&drop).await.expect(201);
    let worker = world.workers[0].keyed("k");
    let (first, retry) = crash_and_retry(&world, async || worker.release(&drop).await).await;
    assert_eq!(first.expect(200), retry.expect(200));
    assert_eq!(read(&world.sender, &drop).await["claims_count"], 0);
    world.workers[0].claim(&drop).await.expect(201);
    // A replay of the release does not release the new claim.
    assert_eq!(worker.release(&drop).await.text, retry.text);
    assert_eq!(read(&world.sender, &drop).await["claims_count"], 1);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retried_submission_is_accepted_once() {
    let world = start_proxied().await;
    let drop = world.sender.post_drop(1000).await;
    world.workers[0].claim(&drop).await.expect(201);
    let worker = world.workers[0].keyed("k");
    let (first, retry) = crash_and_retry(&world, async || worker.submit(&drop, "An output").await).await;
    assert_eq!(first.expect(201), retry.expect(200));
    assert_eq!(read(&world.sender, &drop).await["submissions_count"], 1);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_immediate_retry_after_a_lost_response_completes_the_request() {
    let world = start_proxied().await;
    let keyed = world.sender.keyed("run");
    proxy(&world).fail(TRANSACTION, Fault::LostAnswer, TRIES);
    run(&keyed, 1000).await.expect_error(503, "unavailable");
    assert_eq!(
        (proxy(&world).faults_left(), world.sender.balance().await),
        (0, 19_000),
        "the request took effect"
    );
    let drop = run(&keyed, 1000).await;
    assert!(!is_replay(&drop));
    let drop = id(&drop.expect(201));
    assert_eq!((world.sender.balance().await, count_drops(&world.sender).await), (19_000, 1));

    let keyed = world.sender.keyed("cancel");
    proxy(&world).fail(TRANSACTION, Fault::LostAnswer, TRIES);
    cancel(&keyed, &drop).await.expect_error(503, "unavailable");
    assert_eq!(cancel(&keyed, &drop).await.expect(200)["status"], "cancelled");
    assert_eq!(world.sender.balance().await, 20_000);

    let (sender, drop) = post_pending(&world).await;
    let keyed = sender.keyed("pay");
    proxy(&world).fail(TRANSACTION, Fault::LostAnswer, TRIES);
    pay(&keyed, &drop).await.expect_error(503, "unavailable");
    assert_eq!(pay(&keyed, &drop).await.expect(200)["status"], "open");
    assert_eq!(sender.balance().await, 0);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_response_to_a_write_of_the_record_changes_nothing() {
    let world = start_proxied().await;
    let keyed = world.sender.keyed("k");
    // The first attempt to begin the record, one attempt to store the response, and all attempts to store it.
    proxy(&world).fail("UpdateItem", Fault::LostAnswer, 1);
    let first = run(&keyed, 1000).await;
    first.expect(201);
    assert_replay(&run(&keyed, 1000).await, &first);
    for (key, lost) in [("l", 1), ("m", TRIES)] {
        let keyed = world.sender.keyed(key);
        proxy(&world).fail_if("UpdateItem", stores_a_response, Fault::LostAnswer, lost);
        let first = run(&keyed, 1000).await;
        first.expect(201);
        assert_replay(&run(&keyed, 1000).await, &first);
    }
    assert_eq!(proxy(&world).faults_left(), 0);
    assert_eq!((world.sender.balance().await, count_drops(&world.sender).await), (17_000, 3));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_takeover_whose_response_is_lost_is_recognised() {
    let world = start_proxied().await;
    let keyed = world.sender.keyed("k");
    proxy(&world).fail_if("UpdateItem", stores_a_response, Fault::ServerError, TRIES);
    let drop = id(&run(&keyed, 1000).await.expect(201));
    world.advance_seconds(LEASE_LAPSED);
    let takes_over =
        |request: &serde_json::Value| !request["UpdateExpression"].to_string().contains("REMOVE");
    proxy(&world).fail_if("UpdateItem", takes_over, Fault::LostAnswer, 1);
    assert_eq!(id(&run(&keyed, 1000).await.expect(201)), drop);
    assert_eq!(proxy(&world).faults_left(), 0);
    assert_eq!((world.sender.balance().await, count_drops(&world.sender).await), (19_000, 1));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retried_upload_returns_the_same_upload() {
    let world = start_proxied().await;
    let keyed = world.sender.keyed("k");
    let file = announcement("a.txt", "text/plain", b"a");
    let (first, retry) =
        crash_and_retry(&world, async || keyed.post("/api/uploads", file.clone()).await).await;
    let (first, retry) = (first.expect(201), retry.expect(201));
    assert_eq!(first["id"], retry["id"]);
    for signed in [&first["upload"], &retry["upload"]] {
        assert!(keyed.put_signed(signed, b"a".to_vec()).await.status().is_success());
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retried_run_finds_its_drop_even_after_its_files_have_expired() {
    let world = start_proxied().await;
    let keyed = world.sender.keyed("k");
    let upload = world.sender.upload("a.txt", "text/plain", b"a").await;
    let mut order = order(1000);
    order["attachments"] = json!([{ "id": upload["id"] }]);
    world.advance_seconds(3600);
    proxy(&world).fail_if("UpdateItem", stores_a_response, Fault::ServerError, TRIES);
    let first = keyed.post("/api/jobs/run", order.clone()).await.expect(201);
    world.advance_seconds(86_400 - 3600);
    world.sender.post("/api/jobs/run", order.clone()).await.expect_error(400, "attachment_not_found");
    let retry = keyed.post("/api/jobs/run", order).await.expect(201);
    assert_eq!(first["id"], retry["id"]);
    assert_eq!(retry["attachments"][0]["filename"], "a.txt");
    assert_eq!((world.sender.balance().await, count_drops(&world.sender).await), (19_000, 1));
    world.sweep().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retried_verification_is_made_once_even_after_its_files_have_expired() {
    let world = start_proxied().await;
    let keyed = world.sender.keyed("k");
    let upload = world.sender.upload("a.txt", "text/plain", b"a").await;
    let body = json!({ "criteria": "Says a", "attachments": [{ "id": upload["id"] }] });
    let verify = async || keyed.post("/api/verify", body.clone()).await;
    proxy(&world).fail_if("UpdateItem", stores_a_response, Fault::ServerError, TRIES);
    world.advance_seconds(86_400 - 10);
    let first = verify().await.expect(201);
    world.advance_seconds(LEASE_LAPSED);
    assert_eq!(verify().await.expect(201), first);
    let path = format!("/api/verify/{}", id(&first));
    assert_eq!(world.sender.get(&path).await.expect(200), first);
    let other = world.sender.keyed("l").post("/api/verify", body.clone()).await;
    other.expect_field(400, "attachment_not_found", "/attachments/0/id");

    let text = json!({ "criteria": "Says a", "output_text": "a" });
    let keyed = world.sender.keyed("m");
    let (first, retry) =
        crash_and_retry(&world, async || keyed.post("/api/verify", text.clone()).await).await;
    assert_eq!(first.expect(201), retry.expect(201));
    world.finish().await;
}
