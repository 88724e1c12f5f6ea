//! The life of a drop and of the money around it, with moto's DynamoDB, S3 and SQS.

use clorp_tests::client::announcement;
use clorp_tests::{Answer, Aws, Client, Options, World};
use futures::future::{join, join_all};
use serde_json::{Value, json};

use crate::queue::{Queue, invoke};

fn options() -> Options {
    Options { aws: Aws::Moto, ..Options::funded() }
}

/// Pays 2000 cents into a wallet on the Checkout page.
async fn fund(world: &World, user: &Client) {
    let page = user.post("/api/wallet/topup", json!({ "amount_cents": 2000 })).await.expect(200);
    let session = page["url"].as_str().unwrap().rsplit('/').next().unwrap();
    let path = format!("checkout/sessions/{session}/complete");
    world.control(&path, json!({ "outcome": "paid" })).await;
    world.wait_for_webhooks().await;
}

fn order(price_cents: i64, files: &Value) -> Value {
    json!({
        "prompt": "Three taglines, please", "pack": "roast", "price_cents": price_cents,
        "time_limit_seconds": 300, "confirmed": true, "attachments": files,
    })
}

fn count(answers: &[Answer], status: u16) -> usize {
    answers.iter().filter(|answer| answer.status == status).count()
}

async fn read(reader: &Client, drop: &str) -> Value {
    reader.get(&format!("/api/jobs/{drop}")).await.expect(200)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drop_with_a_file_is_paid_judged_and_settled_and_its_winner_withdraws() {
    let queue = Queue::create("life").await;
    let world = World::with(Options { queue: Some(queue.client()), ..options() }).await;
    let sender = &world.stranger;
    fund(&world, sender).await;
    let upload = sender.upload("a.txt", "text/plain", b"The README").await;
    let drop = sender.post("/api/jobs/run", order(1000, &json!([{ "id": upload["id"] }]))).await.expect(201);
    let id = drop["id"].as_str().unwrap();
    assert_eq!(sender.balance().await, 1000);
    world.race(id, 5).await;
    let attached = &read(&world.workers[0], id).await["attachments"][0];
    assert_eq!(world.anon.download(attached).await.bytes().await.unwrap(), "The README");

    let messages = queue.receive().await;
    assert_eq!(messages.len(), 1, "the last submission wakes the ranking");
    assert_eq!(invoke(&world.rankings[0], &messages).await, Vec::<String>::new());
    let settled = read(sender, id).await;
    assert_eq!(settled["status"], "completed");
    let payout = settled["payout_cents"].as_i64().unwrap();
    let balances = join_all(world.workers.iter().map(Client::balance)).await;
    let winner = balances.iter().position(|balance| *balance == 1000 + payout).unwrap();
    assert_eq!(balances.iter().sum::<i64>(), 7000 + payout, "one worker is paid");
    // A message may come twice, and to another instance.
    assert_eq!(invoke(&world.rankings[1], &messages).await, Vec::<String>::new());
    let again = join_all(world.workers.iter().map(Client::balance)).await;
    assert_eq!((again, sender.balance().await), (balances, 1000));

    let winner = &world.workers[winner];
    world.onboard(winner).await;
    winner.post("/api/wallet/withdraw", json!({ "amount_cents": 1000 + payout })).await.expect(201);
    assert_eq!(winner.balance().await, 0);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drop_without_submissions_returns_its_price_and_a_missing_file_takes_none() {
    let world = World::with(options()).await;
    let announced = world.sender.post("/api/uploads", announcement("a.txt", "text/plain", b"text")).await;
    let missing = json!([{ "id": announced.expect(201)["id"] }]);
    let refused = world.sender.post("/api/jobs/run", order(1000, &missing)).await;
    refused.expect_error(400, "attachment_not_uploaded");
    let expired = world.sender.post_drop(1000).await;
    let cancelled = world.sender.post_drop(2000).await;
    world.workers[0].claim(&expired).await.expect(201);
    world.sender.post_empty(&format!("/api/jobs/{cancelled}/cancel")).await.expect(200);
    assert_eq!(world.sender.balance().await, 19_000);
    world.advance_seconds(301);
    assert_eq!(world.sweep().await.settled, 1);
    assert_eq!(read(&world.sender, &expired).await["status"], "expired");
    assert_eq!(world.sender.balance().await, 20_000);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn simultaneous_claims_give_exactly_five_and_one_worker_takes_one_slot() {
    let world = World::with(options()).await;
    let drop = world.sender.post_drop(1000).await;
    let crowd = join_all((0..30).map(async |i| world.user(&format!("user-{i}"), 0).await)).await;
    // Each worker claims twice at once.
    let answers = join_all(crowd.iter().chain(&crowd).map(|user| user.claim(&drop))).await;
    assert_eq!(count(&answers, 201), 5);
    assert!(count(&answers, 200) <= 5, "only holders of a slot are told that they hold it");
    for answer in answers.iter().filter(|answer| answer.status.as_u16() >= 300) {
        answer.expect_error(409, "max_claims_reached");
    }
    assert_eq!(read(&world.sender, &drop).await["claims_count"], 5);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn claims_and_a_cancel_at_once_return_the_price_once() {
    let world = World::with(options()).await;
    for _ in 0..3 {
        let drop = world.sender.post_drop(1000).await;
        let path = format!("/api/jobs/{drop}/cancel");
        let claims = join_all(world.workers.iter().map(|worker| worker.claim(&drop)));
        let (claims, cancelled) = join(claims, world.sender.post_empty(&path)).await;
        cancelled.expect(200);
        let seen = read(&world.sender, &drop).await;
        assert_eq!(
            (&seen["status"], &seen["claims_count"]),
            (&json!("cancelled"), &json!(count(&claims, 201)))
        );
        assert_eq!(world.sender.balance().await, 20_000);
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wallet_pays_for_no_more_drops_at_once_than_it_holds() {
    let world = World::with(options()).await;
    let sender = world.user("sender", 2500).await;
    let answers = join_all((0..6).map(|_| sender.post("/api/jobs/run", order(1000, &json!([]))))).await;
    assert_eq!((count(&answers, 201), count(&answers, 402)), (2, 4));
    assert_eq!(sender.balance().await, 500);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_under_one_key_has_one_effect() {
    let world = World::with(options()).await;
    let sender = world.sender.keyed("drop");
    let send = || sender.post("/api/jobs/run", order(1000, &json!([])));
    let first = send().await;
    let again = send().await;
    assert_eq!((first.expect(201), again.header("idempotency-replayed")), (again.expect(201), Some("true")));
    sender.post("/api/jobs/run", order(2000, &json!([]))).await.expect_error(409, "idempotency_key_reused");
    assert_eq!(world.sender.balance().await, 19_000);

    world.onboard(&world.workers[0]).await;
    let worker = world.workers[0].keyed("withdrawal");
    let answers =
        join_all((0..5).map(|_| worker.post("/api/wallet/withdraw", json!({ "amount_cents": 500 })))).await;
    assert!(count(&answers, 201) >= 1, "{answers:?}");
    assert_eq!(count(&answers, 201) + count(&answers, 409), 5, "{answers:?}");
    assert_eq!(worker.balance().await, 500);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_with_an_unknown_outcome_is_settled_once() {
    let world = World::with(Options { stripe_tries: 2, ..options() }).await;
    let worker = &world.workers[0];
    world.onboard(worker).await;
    for fault in ["timeout_before", "timeout_after"] {
        let fault = json!({ "path": "/v1/transfers", "fault": fault, "times": 2 });
        world.control("next", fault).await;
        worker.post("/api/wallet/withdraw", json!({ "amount_cents": 500 })).await.expect(202);
        world.advance_seconds(16);
        assert_eq!(world.reconcile().await, 1);
    }
    assert_eq!((worker.balance().await, world.reconcile().await), (0, 0));
    world.finish().await;
}
