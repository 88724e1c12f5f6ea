//! A table that is contended, that fails, or that loses its responses.

use clorp_ranking::Swept;
use clorp_tests::{Answer, Fault, Options, Proxy, World};
use serde_json::{Value, json};

use super::{cancel, pay, post_pending, read, run, total_balance};

const TRANSACTION: &str = "TransactWriteItems";
/// The SDK's attempts of one request.
const TRIES: usize = 3;
/// Upper bound of a sweep's concurrent queries.
const MAX_QUERIES: usize = 100;

/// A request to the table: its operation, and a predicate that distinguishes it from others of that
/// operation.
type Step = (&'static str, fn(&Value) -> bool);

/// Tells whether an update changes a drop.
fn changes_a_drop(request: &Value) -> bool {
    request["Key"]["sk"]["S"] == "DROP"
}

/// Tells whether an update puts a drop on a worker's list.
fn lists_a_claim(request: &Value) -> bool {
    request["Key"]["sk"]["S"].as_str().is_some_and(|sk| sk.starts_with("WORK#"))
}

/// The ranking's successive requests to the table.
const STEPS: [Step; 6] = [
    ("BatchGetItem", |request| request.to_string().contains("\"BODY\"")),
    ("UpdateItem", |_| true),
    ("Query", |_| true),
    ("BatchGetItem", |request| request.to_string().contains("\"AGENT#")),
    ("BatchGetItem", |request| request.to_string().contains("\"USER\"")),
    (TRANSACTION, |_| true),
];

async fn proxied() -> World {
    World::with(Options { proxied: true, ..Options::default() }).await
}

fn proxy(world: &World) -> &Proxy {
    world.proxy.as_ref().unwrap()
}

#[track_caller]
fn assert_unavailable(answer: &Answer) {
    answer.expect_error(503, "unavailable");
    assert!(answer.header("retry-after").is_some_and(|seconds| seconds.parse::<u32>().is_ok()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_few_conflicts_are_retried_with_success() {
    let world = proxied().await;
    let drop = world.sender.post_drop(1000).await;
    for (i, worker) in world.workers[..5].iter().enumerate() {
        proxy(&world).fail_if("UpdateItem", changes_a_drop, Fault::Conflict, 3);
        worker.claim(&drop).await.expect(201);
        proxy(&world).fail(TRANSACTION, Fault::Conflict, 3);
        worker.submit(&drop, &format!("Output {i}")).await.expect(201);
    }
    proxy(&world).fail(TRANSACTION, Fault::Conflict, 3);
    assert_eq!(world.sweep().await.settled, 1);
    assert_eq!(proxy(&world).faults_left(), 0);
    assert_eq!(total_balance(&world.workers).await, 7750);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_conflicts_are_a_503_with_retry_after_and_nothing_is_written() {
    let world = proxied().await;
    let drop = world.sender.post_drop(1000).await;
    world.workers[0].claim(&drop).await.expect(201);
    let before = read(&world.sender, &drop).await;
    let postings = world.store.ledger().audit().await.unwrap().postings.len();
    proxy(&world).fail(TRANSACTION, Fault::Conflict, 60);
    assert_unavailable(&run(&world.sender, 500).await);
    proxy(&world).fail_if("UpdateItem", changes_a_drop, Fault::Conflict, 20);
    assert_unavailable(&world.workers[1].claim(&drop).await);
    assert_unavailable(&world.workers[0].submit(&drop, "in vain").await);
    assert_unavailable(&cancel(&world.sender, &drop).await);
    assert!(proxy(&world).faults_left() > 0, "a request went through");
    assert_eq!(world.store.ledger().audit().await.unwrap().postings.len(), postings);
    assert_eq!(read(&world.sender, &drop).await, before);
    assert_eq!(world.sender.get("/api/jobs").await.expect(200).as_array().unwrap().len(), 1);
    assert_eq!(world.sender.balance().await, 19_000);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_whose_response_is_lost_is_charged_once() {
    let world = proxied().await;
    proxy(&world).fail(TRANSACTION, Fault::LostAnswer, 1);
    let drop = world.sender.post_drop(1000).await;
    assert_eq!(proxy(&world).faults_left(), 0);
    assert_eq!(read(&world.sender, &drop).await["status"], "open");
    assert_eq!(world.sender.get("/api/jobs").await.expect(200).as_array().unwrap().len(), 1);
    assert_eq!(world.sender.balance().await, 19_000);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_and_a_submission_whose_responses_are_lost_count_once() {
    let world = proxied().await;
    let drop = world.sender.post_drop(1000).await;
    proxy(&world).fail_if("UpdateItem", changes_a_drop, Fault::LostAnswer, 1);
    world.workers[0].claim(&drop).await.expect(201);
    assert_eq!(proxy(&world).faults_left(), 0);
    proxy(&world).fail(TRANSACTION, Fault::LostAnswer, 1);
    world.workers[0].submit(&drop, "once").await.expect(201);
    assert_eq!(proxy(&world).faults_left(), 0);
    let seen = read(&world.sender, &drop).await;
    assert_eq!((&seen["claims_count"], &seen["submissions_count"]), (&1.into(), &1.into()));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_that_is_not_on_its_workers_list_yet_is_put_there_by_a_repetition() {
    let world = proxied().await;
    let (worker, drop) = (&world.workers[0], world.sender.post_drop(1000).await);
    let status = async || worker.get("/api/users/status").await.expect(200);
    proxy(&world).fail_if("UpdateItem", lists_a_claim, Fault::ServerError, TRIES);
    assert_unavailable(&worker.claim(&drop).await);
    assert_eq!(proxy(&world).faults_left(), 0);
    assert_eq!(status().await, json!([]), "the claim was not acknowledged");
    worker.claim(&drop).await.expect(200);
    assert_eq!(status().await[0]["id"], json!(drop));
    assert_eq!(read(&world.sender, &drop).await["claims_count"], 1);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_names_a_drop_without_a_claim_or_one_that_has_ended_shows_nothing() {
    let world = proxied().await;
    let (worker, drop) = (&world.workers[0], world.sender.post_drop(1000).await);
    let status = async || worker.get("/api/users/status").await.expect(200);
    proxy(&world).fail_if("UpdateItem", changes_a_drop, Fault::ServerError, TRIES);
    assert_unavailable(&worker.claim(&drop).await);
    assert_eq!(status().await, json!([]), "the list has the drop, and the drop has no claim");
    world.race(&drop, 1).await;
    proxy(&world).fail("DeleteItem", Fault::ServerError, TRIES);
    world.advance_seconds(300);
    assert_eq!(world.sweep().await.settled, 1, "the settlement stands without the list");
    assert_eq!(proxy(&world).faults_left(), 0);
    assert_eq!(status().await, json!([]), "the drop has ended");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_and_a_cancel_whose_responses_are_lost_move_the_money_once() {
    let world = proxied().await;
    let (sender, drop) = post_pending(&world, 600, 600).await;
    proxy(&world).fail(TRANSACTION, Fault::LostAnswer, 1);
    assert_eq!(pay(&sender, &drop).await.expect(200)["status"], "open");
    assert_eq!((proxy(&world).faults_left(), sender.balance().await), (0, 0));
    proxy(&world).fail(TRANSACTION, Fault::LostAnswer, 1);
    assert_eq!(cancel(&sender, &drop).await.expect(200)["status"], "cancelled");
    assert_eq!((proxy(&world).faults_left(), sender.balance().await), (0, 600));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_settlement_whose_responses_are_lost_pays_once() {
    let world = proxied().await;
    let drop = world.sender.post_drop(1000).await;
    world.race(&drop, 3).await;
    world.advance_seconds(300);
    proxy(&world).fail("UpdateItem", Fault::LostAnswer, 1);
    proxy(&world).fail(TRANSACTION, Fault::LostAnswer, 1);
    assert_eq!(world.sweep().await.settled, 1);
    assert_eq!(proxy(&world).faults_left(), 0);
    assert_eq!(world.sweep().await, Swept::default());
    assert_eq!(total_balance(&world.workers).await, 7750);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expiry_whose_response_is_lost_refunds_once() {
    let world = proxied().await;
    world.sender.post_drop(1000).await;
    world.advance_seconds(300);
    proxy(&world).fail(TRANSACTION, Fault::LostAnswer, 1);
    assert_eq!(world.sweep().await.settled, 1);
    assert_eq!(proxy(&world).faults_left(), 0);
    assert_eq!(world.sender.balance().await, 20_000);
    world.finish().await;
}

/// Crashes the ranking of a drop before or after a request takes effect, and lets another instance resume.
async fn crash_and_resume((operation, is_step): Step, fault: Fault) {
    let world = proxied().await;
    let drop = world.sender.post_drop(1000).await;
    world.race(&drop, 3).await;
    world.advance_seconds(300);
    proxy(&world).fail_if(operation, is_step, fault, TRIES);
    // A wake-up call names the drop, so the only query is that of its submissions.
    let crashed = world.rankings[0].settle(drop.parse().unwrap()).await;
    assert!(crashed.is_err(), "{operation} {fault:?}: {crashed:?}");
    assert_eq!(proxy(&world).faults_left(), 0, "{operation} {fault:?}");
    let swept = world.rankings[1].sweep().await.unwrap();
    let settled_before = operation == TRANSACTION && fault == Fault::LostAnswer;
    assert_eq!(
        swept,
        Swept { settled: usize::from(!settled_before), heard: 0, failed: 0 },
        "{operation} {fault:?}"
    );
    assert_eq!(world.sweep().await, Swept::default());
    assert_eq!(read(&world.sender, &drop).await["status"], "completed");
    assert_eq!(world.sender.balance().await, 19_000);
    assert_eq!(total_balance(&world.workers).await, 7750, "{operation} {fault:?}");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ranking_that_crashes_before_any_of_its_steps_still_pays_once() {
    futures::future::join_all(STEPS.map(|step| crash_and_resume(step, Fault::ServerError))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ranking_that_crashes_after_its_transaction_still_pays_once() {
    crash_and_resume((TRANSACTION, |_| true), Fault::LostAnswer).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ranking_that_crashes_at_each_of_its_steps_in_turn_pays_once() {
    let world = proxied().await;
    let drop = world.sender.post_drop(1000).await;
    world.race(&drop, 3).await;
    world.advance_seconds(300);
    proxy(&world).fail("Query", Fault::ServerError, TRIES * MAX_QUERIES);
    assert!(world.rankings[0].sweep().await.is_err(), "the query of due drops fails");
    proxy(&world).heal();
    // In a sweep, a failing query would be the one for due drops.
    for (n, (operation, is_step)) in STEPS.into_iter().enumerate().filter(|(_, step)| step.0 != "Query") {
        proxy(&world).fail_if(operation, is_step, Fault::ServerError, TRIES);
        let swept = world.rankings[0].sweep().await.unwrap();
        assert_eq!(swept, Swept { settled: 0, heard: 0, failed: 1 }, "step {n}");
        assert_eq!(proxy(&world).faults_left(), 0, "step {n}");
        assert_eq!(total_balance(&world.workers).await, 7000, "step {n}");
    }
    assert_eq!(read(&world.sender, &drop).await["status"], "ranking");
    assert_eq!(world.sweep().await.settled, 1);
    assert_eq!(total_balance(&world.workers).await, 7750);
    world.finish().await;
}
