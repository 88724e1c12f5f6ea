//! A function that dies between the effect and the keeping of its answer, and the same request afterwards.

use clorp_tests::client::announcement;
use clorp_tests::{Answer, Fault, World};
use serde_json::json;

use super::{
    LEASE_OVER, TRANSACTION, TRIES, assert_in_flight, assert_replay, cancel, id, is_replay, keeps_an_answer,
    order, pay, pending, posted, proxied, proxy, read, run,
};

/// Sends a request whose answer cannot be kept, and sends it again before and after its lease has lapsed. Gives the
/// first answer, which a dead function would not have given, and the one after the lease.
pub(crate) async fn die_and_repeat(world: &World, request: impl AsyncFn() -> Answer) -> (Answer, Answer) {
    proxy(world).fail_if("UpdateItem", keeps_an_answer, Fault::ServerError, TRIES);
    let first = request().await;
    assert_eq!(proxy(world).faults_left(), 0, "{}", first.text);
    assert_in_flight(&request().await);
    world.advance_seconds(LEASE_OVER);
    let again = request().await;
    assert!(!is_replay(&again), "{}", again.text);
    assert_replay(&request().await, &again);
    (first, again)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_makes_the_same_drop_and_charges_it_once() {
    let world = proxied().await;
    let keyed = world.sender.keyed("k");
    let (first, again) = die_and_repeat(&world, async || run(&keyed, 1000).await).await;
    assert_eq!(first.expect(201), again.expect(201));
    assert_eq!((world.sender.balance().await, posted(&world.sender).await), (19_000, 1));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_drop_has_ended_meanwhile_makes_no_second_one() {
    let world = proxied().await;
    let keyed = world.sender.keyed("k");
    proxy(&world).fail_if("UpdateItem", keeps_an_answer, Fault::ServerError, TRIES);
    let drop = id(&run(&keyed, 1000).await.expect(201));
    cancel(&world.sender, &drop).await.expect(200);
    world.advance_seconds(LEASE_OVER);
    let again = run(&keyed, 1000).await.expect(201);
    assert_eq!((id(&again), &again["status"]), (drop, &"cancelled".into()));
    assert_eq!((world.sender.balance().await, posted(&world.sender).await), (20_000, 1));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_took_the_last_cent_does_not_ask_for_it_again() {
    let world = proxied().await;
    let sender = world.user("exact", 1000).await;
    let keyed = sender.keyed("k");
    let (first, again) = die_and_repeat(&world, async || run(&keyed, 1000).await).await;
    assert_eq!(first.expect(201), again.expect(201));
    assert_eq!((sender.balance().await, posted(&sender).await), (0, 1));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_could_not_be_paid_is_refused_with_the_same_pending_drop() {
    let world = proxied().await;
    let poor = world.user("poor", 500).await;
    let keyed = poor.keyed("k");
    let (first, again) = die_and_repeat(&world, async || run(&keyed, 600).await).await;
    let (first, again) = (first.expect_error(402, "insufficient_balance"), again.expect(402));
    for field in ["id", "required", "available", "payment_required", "code"] {
        assert_eq!(first[field], again[field], "{field}");
    }
    assert_eq!((poor.balance().await, posted(&poor).await), (500, 1));
    assert_eq!(read(&poor, &id(&first)).await["status"], "pending_payment");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pending_drop_is_not_paid_by_the_run_that_posted_it() {
    let world = proxied().await;
    let sender = world.user("later-rich", 600).await;
    let blocker = sender.post_drop(600).await;
    let keyed = sender.keyed("k");
    proxy(&world).fail_if("UpdateItem", keeps_an_answer, Fault::ServerError, TRIES);
    let pending = id(&run(&keyed, 600).await.expect(402));
    cancel(&sender, &blocker).await.expect(200);
    world.advance_seconds(LEASE_OVER);
    let again = run(&keyed, 600).await.expect_error(402, "insufficient_balance");
    assert_eq!((id(&again), &again["available"]), (pending.clone(), &600.into()));
    assert_eq!(sender.balance().await, 600);
    pay(&sender, &pending).await.expect(200);
    assert_eq!(sender.balance().await, 0);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_was_made_is_recognised_and_another_is_not() {
    let world = proxied().await;
    let (sender, drop) = pending(&world).await;
    let keyed = sender.keyed("k");
    let (first, again) = die_and_repeat(&world, async || pay(&keyed, &drop).await).await;
    assert_eq!(first.expect(200), again.expect(200));
    assert_eq!(again.json()["status"], "open");
    assert_eq!(sender.balance().await, 0);
    pay(&sender, &drop).await.expect_error(400, "drop_not_pending");
    pay(&sender.keyed("l"), &drop).await.expect_error(400, "drop_not_pending");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_refunds_once() {
    let world = proxied().await;
    let drop = world.sender.post_drop(1000).await;
    let keyed = world.sender.keyed("k");
    let (first, again) = die_and_repeat(&world, async || cancel(&keyed, &drop).await).await;
    assert_eq!(first.expect(200), again.expect(200));
    assert_eq!(again.json()["status"], "cancelled");
    assert_eq!(world.sender.balance().await, 20_000);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_takes_one_slot() {
    let world = proxied().await;
    let drop = world.sender.post_drop(1000).await;
    let worker = world.workers[0].keyed("k");
    let (first, again) = die_and_repeat(&world, async || worker.claim(&drop).await).await;
    // What a claim finds is the claim it made: held already.
    assert_eq!(first.expect(201), again.expect(200));
    assert!(!again.json()["your_claim"].is_null());
    assert_eq!(read(&world.sender, &drop).await["claims_count"], 1);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_gives_the_slot_up_once() {
    let world = proxied().await;
    let drop = world.sender.post_drop(1000).await;
    world.workers[0].claim(&drop).await.expect(201);
    let worker = world.workers[0].keyed("k");
    let (first, again) = die_and_repeat(&world, async || worker.release(&drop).await).await;
    assert_eq!(first.expect(200), again.expect(200));
    assert_eq!(read(&world.sender, &drop).await["claims_count"], 0);
    world.workers[0].claim(&drop).await.expect(201);
    // What the key stands for has been answered: the new claim is not given up by it.
    assert_eq!(worker.release(&drop).await.text, again.text);
    assert_eq!(read(&world.sender, &drop).await["claims_count"], 1);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_submission_is_delivered_once() {
    let world = proxied().await;
    let drop = world.sender.post_drop(1000).await;
    world.workers[0].claim(&drop).await.expect(201);
    let worker = world.workers[0].keyed("k");
    let (first, again) = die_and_repeat(&world, async || worker.submit(&drop, "An output").await).await;
    assert_eq!(first.expect(201), again.expect(200));
    assert_eq!(read(&world.sender, &drop).await["submissions_count"], 1);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_after_the_effect_is_mended_by_the_same_request_at_once() {
    let world = proxied().await;
    let keyed = world.sender.keyed("run");
    proxy(&world).fail(TRANSACTION, Fault::LostAnswer, TRIES);
    run(&keyed, 1000).await.expect_error(503, "unavailable");
    assert_eq!((proxy(&world).faults_left(), world.sender.balance().await), (0, 19_000), "it happened");
    let drop = run(&keyed, 1000).await;
    assert!(!is_replay(&drop));
    let drop = id(&drop.expect(201));
    assert_eq!((world.sender.balance().await, posted(&world.sender).await), (19_000, 1));

    let keyed = world.sender.keyed("cancel");
    proxy(&world).fail(TRANSACTION, Fault::LostAnswer, TRIES);
    cancel(&keyed, &drop).await.expect_error(503, "unavailable");
    assert_eq!(cancel(&keyed, &drop).await.expect(200)["status"], "cancelled");
    assert_eq!(world.sender.balance().await, 20_000);

    let (sender, drop) = pending(&world).await;
    let keyed = sender.keyed("pay");
    proxy(&world).fail(TRANSACTION, Fault::LostAnswer, TRIES);
    pay(&keyed, &drop).await.expect_error(503, "unavailable");
    assert_eq!(pay(&keyed, &drop).await.expect(200)["status"], "open");
    assert_eq!(sender.balance().await, 0);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_of_the_record_itself_changes_nothing() {
    let world = proxied().await;
    let keyed = world.sender.keyed("k");
    // The first write to the record, then the last one, and then both.
    proxy(&world).fail("UpdateItem", Fault::LostAnswer, 1);
    let first = run(&keyed, 1000).await;
    first.expect(201);
    assert_replay(&run(&keyed, 1000).await, &first);
    for (key, lost) in [("l", 1), ("m", TRIES)] {
        let keyed = world.sender.keyed(key);
        proxy(&world).fail_if("UpdateItem", keeps_an_answer, Fault::LostAnswer, lost);
        let first = run(&keyed, 1000).await;
        first.expect(201);
        assert_replay(&run(&keyed, 1000).await, &first);
    }
    assert_eq!(proxy(&world).faults_left(), 0);
    assert_eq!((world.sender.balance().await, posted(&world.sender).await), (17_000, 3));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_take_over_whose_answer_is_lost_is_recognised() {
    let world = proxied().await;
    let keyed = world.sender.keyed("k");
    proxy(&world).fail_if("UpdateItem", keeps_an_answer, Fault::ServerError, TRIES);
    let drop = id(&run(&keyed, 1000).await.expect(201));
    world.advance_seconds(LEASE_OVER);
    let takes_over =
        |request: &serde_json::Value| !request["UpdateExpression"].to_string().contains("REMOVE");
    proxy(&world).fail_if("UpdateItem", takes_over, Fault::LostAnswer, 1);
    assert_eq!(id(&run(&keyed, 1000).await.expect(201)), drop);
    assert_eq!(proxy(&world).faults_left(), 0);
    assert_eq!((world.sender.balance().await, posted(&world.sender).await), (19_000, 1));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_is_the_same_upload() {
    let world = proxied().await;
    let keyed = world.sender.keyed("k");
    let file = announcement("a.txt", "text/plain", b"a");
    let (first, again) =
        die_and_repeat(&world, async || keyed.post("/api/uploads", file.clone()).await).await;
    let (first, again) = (first.expect(201), again.expect(201));
    assert_eq!(first["id"], again["id"]);
    for signed in [&first["upload"], &again["upload"]] {
        assert!(keyed.put_signed(signed, b"a".to_vec()).await.status().is_success());
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_finds_its_drop_also_when_its_files_can_no_longer_be_attached() {
    let world = proxied().await;
    let keyed = world.sender.keyed("k");
    let upload = world.sender.upload("a.txt", "text/plain", b"a").await;
    let mut order = order(1000);
    order["attachments"] = json!([{ "id": upload["id"] }]);
    world.advance_seconds(3600);
    proxy(&world).fail_if("UpdateItem", keeps_an_answer, Fault::ServerError, TRIES);
    let first = keyed.post("/api/jobs/run", order.clone()).await.expect(201);
    world.advance_seconds(86_400 - 3600);
    world.sender.post("/api/jobs/run", order.clone()).await.expect_error(400, "attachment_not_found");
    let again = keyed.post("/api/jobs/run", order).await.expect(201);
    assert_eq!(first["id"], again["id"]);
    assert_eq!(again["attachments"][0]["filename"], "a.txt");
    assert_eq!((world.sender.balance().await, posted(&world.sender).await), (19_000, 1));
    world.sweep().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verification_is_made_once_also_when_its_files_can_no_longer_be_attached() {
    let world = proxied().await;
    let keyed = world.sender.keyed("k");
    let upload = world.sender.upload("a.txt", "text/plain", b"a").await;
    let body = json!({ "criteria": "Says a", "attachments": [{ "id": upload["id"] }] });
    let verify = async || keyed.post("/api/verify", body.clone()).await;
    proxy(&world).fail_if("UpdateItem", keeps_an_answer, Fault::ServerError, TRIES);
    world.advance_seconds(86_400 - 10);
    let first = verify().await.expect(201);
    world.advance_seconds(LEASE_OVER);
    assert_eq!(verify().await.expect(201), first);
    let path = format!("/api/verify/{}", id(&first));
    assert_eq!(world.sender.get(&path).await.expect(200), first);
    let other = world.sender.keyed("l").post("/api/verify", body.clone()).await;
    other.expect_field(400, "attachment_not_found", "/attachments/0/id");

    let text = json!({ "criteria": "Says a", "output_text": "a" });
    let keyed = world.sender.keyed("m");
    let (first, again) = die_and_repeat(&world, async || keyed.post("/api/verify", text.clone()).await).await;
    assert_eq!(first.expect(201), again.expect(201));
    world.finish().await;
}
