//! The account at Stripe that withdrawals go to.

use std::collections::BTreeSet;

use clorp_stripe_sandbox as sandbox;
use clorp_tests::{Client, Options, World};
use futures::future::join_all;
use serde_json::{Value, json};

use super::signed::{deliver, event, latest_event, unapplied};

const CONNECT: &str = "/api/stripe/connect";

/// The status and the id of a user's account, from the API.
async fn status_and_account(user: &Client) -> (String, Value) {
    let status = user.get("/api/stripe/connect/status").await.expect(200)["status"].clone();
    let own = user.get(&format!("/api/users/{}", user.id)).await.expect(200);
    assert_eq!(own["stripe_account_status"], status, "both endpoints agree");
    (status.as_str().unwrap().to_owned(), own["stripe_account_id"].clone())
}

/// The recorded status, without a request to Stripe.
async fn recorded_status(user: &Client) -> Value {
    user.get(&format!("/api/users/{}", user.id)).await.expect(200)["stripe_account_status"].clone()
}

/// Asks for an onboarding page. Returns its URL.
async fn onboarding_page(user: &Client) -> String {
    user.post_empty(CONNECT).await.expect(200)["url"].as_str().unwrap().to_owned()
}

/// The id of the user's account at Stripe.
async fn account_id(user: &Client) -> String {
    let own = user.get(&format!("/api/users/{}", user.id)).await.expect(200);
    own["stripe_account_id"].as_str().unwrap().to_owned()
}

/// Finishes the onboarding at Stripe. With `false`, Stripe disables payouts instead.
async fn onboard(world: &World, account: &str, payouts_enabled: bool) {
    let body = json!({ "payouts_enabled": payouts_enabled });
    world.control(&format!("accounts/{account}/onboard"), body).await;
}

/// Connects a user's account, to which withdrawals are possible afterwards. Returns its id.
pub(crate) async fn connect_account(world: &World, user: &Client) -> String {
    onboarding_page(user).await;
    let account = account_id(user).await;
    onboard(world, &account, true).await;
    world.wait_for_webhooks().await;
    assert_eq!(recorded_status(user).await, "active");
    account
}

/// A world in which the platform has a balance at Stripe.
async fn funded_world() -> World {
    let sandbox = sandbox::Options { starting_balance_cents: 10_000, ..sandbox::Options::default() };
    World::with(Options { sandbox, ..Options::default() }).await
}

async fn pause(world: &World, paused: bool) {
    world.control("webhooks", json!({ "paused": paused })).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_call_leads_to_a_new_page_of_the_same_account() {
    let world = World::start().await;
    let user = &world.stranger;
    assert_eq!(status_and_account(user).await, ("not_connected".to_owned(), Value::Null));
    let first = onboarding_page(user).await;
    let id = account_id(user).await;
    assert!(id.starts_with("acct_"), "{id}");
    let second = onboarding_page(user).await;
    assert_ne!(first, second, "a page can be opened once");
    assert_eq!(status_and_account(user).await, ("pending".to_owned(), json!(id)));
    onboarding_page(&world.workers[0]).await;
    assert_ne!(account_id(&world.workers[0]).await, id, "each user has an account");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_calls_create_one_account() {
    let world = World::start().await;
    let user = &world.stranger;
    let pages = join_all((0..8).map(|_| onboarding_page(user))).await;
    assert_eq!(pages.iter().collect::<BTreeSet<_>>().len(), 8);
    let url = format!("{}/_sandbox/state", world.sandbox.url);
    let state: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
    let accounts: Vec<&String> = state["objects"]["account"].as_object().unwrap().keys().collect();
    assert_eq!(accounts, [&account_id(user).await]);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn webhook_events_make_an_account_active_and_pending_again() {
    let world = funded_world().await;
    let user = &world.workers[0];
    let withdraw = async || user.post("/api/wallet/withdraw", json!({ "amount_cents": 500 })).await;
    withdraw().await.expect_error(409, "onboarding_required");
    onboarding_page(user).await;
    let id = account_id(user).await;
    assert_eq!(recorded_status(user).await, "pending");
    withdraw().await.expect_error(409, "onboarding_required");
    onboard(&world, &id, true).await;
    world.wait_for_webhooks().await;
    assert_eq!(recorded_status(user).await, "active");
    assert_eq!(status_and_account(user).await, ("active".to_owned(), json!(id)));
    world.advance_seconds(1);
    onboard(&world, &id, false).await;
    world.wait_for_webhooks().await;
    assert_eq!(recorded_status(user).await, "pending");
    assert_eq!(status_and_account(user).await, ("pending".to_owned(), json!(id)));
    withdraw().await.expect_error(409, "onboarding_required");
    assert_eq!(user.balance().await, 1000, "nothing was debited");
    world.advance_seconds(1);
    onboard(&world, &id, true).await;
    world.wait_for_webhooks().await;
    withdraw().await.expect(201);
    assert_eq!(user.balance().await, 500);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_arrives_after_a_later_one_changes_nothing() {
    let world = World::start().await;
    let user = &world.stranger;
    onboarding_page(user).await;
    let id = account_id(user).await;
    pause(&world, true).await;
    world.advance_seconds(10);
    onboard(&world, &id, true).await;
    let active = latest_event(&world, "account.updated");
    world.advance_seconds(10);
    onboard(&world, &id, false).await;
    let restricted = latest_event(&world, "account.updated");
    for (event, status) in
        [(&active, "active"), (&restricted, "pending"), (&active, "pending"), (&restricted, "pending")]
    {
        super::signed::deliver(&world, event).await;
        assert_eq!(recorded_status(user).await, status);
    }
    pause(&world, false).await;
    world.wait_for_webhooks().await;
    assert_eq!(recorded_status(user).await, "pending");
    world.finish().await;
}

/// An account as an event shows it.
fn account(user: &Client, id: &str, payouts_enabled: bool, transfers: &str) -> Value {
    json!({ "id": id, "payouts_enabled": payouts_enabled, "capabilities": { "transfers": transfers },
            "metadata": { "user_id": user.id } })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_may_receive_no_transfers_is_pending_however_stripe_says_so() {
    let world = funded_world().await;
    let user = &world.workers[0];
    let id = connect_account(&world, user).await;
    let withdraw = async || user.post("/api/wallet/withdraw", json!({ "amount_cents": 500 })).await;
    for transfers in ["inactive", "pending"] {
        world.advance_seconds(10);
        let body = json!({ "payouts_enabled": true, "transfers": transfers });
        world.control(&format!("accounts/{id}/onboard"), body).await;
        world.wait_for_webhooks().await;
        assert_eq!(recorded_status(user).await, "pending", "the event says so");
        assert_eq!(status_and_account(user).await.0, "pending", "the answer says so");
        withdraw().await.expect_error(409, "onboarding_required");
        world.advance_seconds(10);
        onboard(&world, &id, true).await;
        world.wait_for_webhooks().await;
        assert_eq!(recorded_status(user).await, "active");
    }
    // A capability that ends without an event: the first refusal of a transfer tells.
    pause(&world, true).await;
    let body = json!({ "payouts_enabled": true, "transfers": "inactive" });
    world.control(&format!("accounts/{id}/onboard"), body).await;
    withdraw().await.expect_error(409, "withdrawal_refused");
    withdraw().await.expect_error(409, "onboarding_required");
    assert_eq!(user.balance().await, 1000);
    pause(&world, false).await;
    world.wait_for_webhooks().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_contradicting_events_of_one_second_are_decided_by_asking_stripe() {
    for (is_active, active_first, asks) in
        [(true, true, false), (true, false, true), (false, true, true), (false, false, false)]
    {
        let world = World::start().await;
        let user = &world.stranger;
        onboarding_page(user).await;
        let id = account_id(user).await;
        pause(&world, true).await;
        onboard(&world, &id, is_active).await;
        world.advance_seconds(10);
        let state = |transfers| event(&world, "account.updated", account(user, &id, true, transfers));
        let (mut active, mut restricted) = (state("active"), state("inactive"));
        let second = world.clock().now().as_second();
        for event in [&mut active, &mut restricted] {
            event["created"] = json!(second);
        }
        let events = if active_first { [&active, &restricted] } else { [&restricted, &active] };
        for event in events.into_iter().chain(events) {
            deliver(&world, event).await;
        }
        assert_eq!(recorded_status(user).await, "pending", "while the state is not known");
        let state = if is_active { "active" } else { "pending" };
        if asks {
            assert_eq!(status_and_account(user).await.0, state);
        }
        world.reconcile().await;
        assert_eq!(recorded_status(user).await, state);
        assert!(world.store.pending().unreported(world.clock().now()).await.unwrap().is_empty());
        // A later event is in order again.
        world.advance_seconds(10);
        let object = account(user, &id, true, if is_active { "inactive" } else { "active" });
        deliver(&world, &event(&world, "account.updated", object)).await;
        assert_eq!(recorded_status(user).await, if is_active { "pending" } else { "active" });
        pause(&world, false).await;
        world.wait_for_webhooks().await;
        world.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_of_the_second_in_which_stripe_was_asked_is_decided_by_asking_again() {
    let world = World::start().await;
    let user = &world.stranger;
    onboarding_page(user).await;
    let id = account_id(user).await;
    pause(&world, true).await;
    onboard(&world, &id, true).await;
    assert_eq!(status_and_account(user).await.0, "active");
    let restricted = account(user, &id, false, "active");
    deliver(&world, &event(&world, "account.updated", restricted)).await;
    assert_eq!(recorded_status(user).await, "pending", "the event may be older or newer than the answer");
    world.reconcile().await;
    assert_eq!(recorded_status(user).await, "active");
    pause(&world, false).await;
    world.wait_for_webhooks().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_status_endpoint_asks_stripe_while_the_event_is_on_its_way() {
    let world = funded_world().await;
    let user = &world.workers[0];
    onboarding_page(user).await;
    let id = account_id(user).await;
    pause(&world, true).await;
    onboard(&world, &id, true).await;
    assert_eq!(recorded_status(user).await, "pending");
    let status = user.get("/api/stripe/connect/status").await.expect(200);
    assert_eq!(status, json!({ "status": "active" }));
    assert_eq!(recorded_status(user).await, "active", "the answer is recorded");
    user.post("/api/wallet/withdraw", json!({ "amount_cents": 500 })).await.expect(201);
    pause(&world, false).await;
    world.wait_for_webhooks().await;
    assert_eq!(status_and_account(user).await, ("active".to_owned(), json!(id)));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_may_arrive_before_the_response_that_created_its_account() {
    let world = World::start().await;
    let user = &world.stranger;
    // The account is created, and the function dies before it records it.
    let owner = user.id.parse().unwrap();
    let (id, _) = world.payments[0].stripe.create_account(&owner).await.unwrap();
    onboard(&world, &id, true).await;
    world.wait_for_webhooks().await;
    assert_eq!(recorded_status(user).await, "active");
    onboarding_page(user).await;
    assert_eq!(status_and_account(user).await, ("active".to_owned(), json!(id)));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_account_does_not_replace_the_users_own() {
    let world = World::start().await;
    let user = &world.stranger;
    onboarding_page(user).await;
    let id = account_id(user).await;
    let other = account(user, "acct_other", true, "active");
    world.advance_seconds(10);
    deliver(&world, &event(&world, "account.updated", other)).await;
    assert_eq!((recorded_status(user).await, account_id(user).await), (json!("pending"), id));
    assert_eq!(
        unapplied(&world).await.into_values().collect::<Vec<_>>(),
        ["another account than the user's own"]
    );
    world.finish().await;
}
