//! The account that withdrawals go to.

use std::collections::BTreeSet;

use clorp_stripe_sandbox as sandbox;
use clorp_tests::{Client, Options, World};
use futures::future::join_all;
use serde_json::{Value, json};

use super::signed::{deliver, event, latest_event, unapplied};

const CONNECT: &str = "/api/stripe/connect";

/// What the API says of a caller's account: the status, and the account's id.
async fn status_and_account(user: &Client) -> (String, Value) {
    let status = user.get("/api/stripe/connect/status").await.expect(200)["status"].clone();
    let own = user.get(&format!("/api/users/{}", user.id)).await.expect(200);
    assert_eq!(own["stripe_account_status"], status, "the two agree");
    (status.as_str().unwrap().to_owned(), own["stripe_account_id"].clone())
}

/// The status as it was last recorded, without asking Stripe.
async fn recorded_status(user: &Client) -> Value {
    user.get(&format!("/api/users/{}", user.id)).await.expect(200)["stripe_account_status"].clone()
}

/// Asks for an onboarding page; its URL.
async fn onboarding_page(user: &Client) -> String {
    user.post_empty(CONNECT).await.expect(200)["url"].as_str().unwrap().to_owned()
}

/// The caller's account at Stripe.
async fn account_id(user: &Client) -> String {
    let own = user.get(&format!("/api/users/{}", user.id)).await.expect(200);
    own["stripe_account_id"].as_str().unwrap().to_owned()
}

/// Stripe has what it wants to know, or (`false`) finds something missing.
async fn onboard(world: &World, account: &str, payouts_enabled: bool) {
    let body = json!({ "payouts_enabled": payouts_enabled });
    world.control(&format!("accounts/{account}/onboard"), body).await;
}

/// Connects a caller's account, which can be paid out to from then on.
pub(crate) async fn connect_account(world: &World, user: &Client) -> String {
    onboarding_page(user).await;
    let account = account_id(user).await;
    onboard(world, &account, true).await;
    world.reported().await;
    assert_eq!(recorded_status(user).await, "active");
    account
}

/// A world in which the platform has money to send, whoever has paid.
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
    assert_ne!(account_id(&world.workers[0]).await, id, "each has their own");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_at_once_make_one_account() {
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
async fn an_account_becomes_active_by_report_and_pending_again() {
    let world = funded_world().await;
    let user = &world.workers[0];
    let withdraw = async || user.post("/api/wallet/withdraw", json!({ "amount_cents": 500 })).await;
    withdraw().await.expect_error(409, "onboarding_required");
    onboarding_page(user).await;
    let id = account_id(user).await;
    assert_eq!(recorded_status(user).await, "pending");
    withdraw().await.expect_error(409, "onboarding_required");
    onboard(&world, &id, true).await;
    world.reported().await;
    assert_eq!(recorded_status(user).await, "active");
    assert_eq!(status_and_account(user).await, ("active".to_owned(), json!(id)));
    world.advance_seconds(1);
    onboard(&world, &id, false).await;
    world.reported().await;
    assert_eq!(recorded_status(user).await, "pending");
    assert_eq!(status_and_account(user).await, ("pending".to_owned(), json!(id)));
    withdraw().await.expect_error(409, "onboarding_required");
    assert_eq!(user.balance().await, 1000, "nothing was debited");
    world.advance_seconds(1);
    onboard(&world, &id, true).await;
    world.reported().await;
    withdraw().await.expect(201);
    assert_eq!(user.balance().await, 500);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_comes_after_a_later_one_changes_nothing() {
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
    for (report, status) in
        [(&active, "active"), (&restricted, "pending"), (&active, "pending"), (&restricted, "pending")]
    {
        super::signed::deliver(&world, report).await;
        assert_eq!(recorded_status(user).await, status);
    }
    pause(&world, false).await;
    world.reported().await;
    assert_eq!(recorded_status(user).await, "pending");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_reports_of_one_second_the_order_does_not_matter() {
    for active_first in [true, false] {
        let world = World::start().await;
        let user = &world.stranger;
        onboarding_page(user).await;
        let id = account_id(user).await;
        let object = |payouts_enabled: bool| json!({ "id": id, "payouts_enabled": payouts_enabled, "metadata": { "user_id": user.id } });
        world.advance_seconds(10);
        let mut active = event(&world, "account.updated", object(true));
        let mut restricted = event(&world, "account.updated", object(false));
        let second = world.clock().now().as_second();
        for event in [&mut active, &mut restricted] {
            event["created"] = json!(second);
        }
        let mut reports = [active, restricted];
        if !active_first {
            reports.reverse();
        }
        for each in &reports {
            deliver(&world, each).await;
        }
        assert_eq!(recorded_status(user).await, "active");
        world.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_asks_learns_it_from_stripe_while_its_report_is_on_its_way() {
    let world = funded_world().await;
    let user = &world.workers[0];
    onboarding_page(user).await;
    let id = account_id(user).await;
    pause(&world, true).await;
    onboard(&world, &id, true).await;
    assert_eq!(recorded_status(user).await, "pending");
    let status = user.get("/api/stripe/connect/status").await.expect(200);
    assert_eq!(status, json!({ "status": "active" }));
    assert_eq!(recorded_status(user).await, "active", "and it is recorded");
    user.post("/api/wallet/withdraw", json!({ "amount_cents": 500 })).await.expect(201);
    pause(&world, false).await;
    world.reported().await;
    assert_eq!(status_and_account(user).await, ("active".to_owned(), json!(id)));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_may_come_before_the_answer_that_made_the_account() {
    let world = World::start().await;
    let user = &world.stranger;
    // The account is made, and we do not live to record it.
    let owner = user.id.parse().unwrap();
    let (id, _) = world.payments[0].stripe.create_account(&owner).await.unwrap();
    onboard(&world, &id, true).await;
    world.reported().await;
    assert_eq!(recorded_status(user).await, "active");
    onboarding_page(user).await;
    assert_eq!(status_and_account(user).await, ("active".to_owned(), json!(id)));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_account_does_not_take_the_place_of_the_users_own() {
    let world = World::start().await;
    let user = &world.stranger;
    onboarding_page(user).await;
    let id = account_id(user).await;
    let other = json!({ "id": "acct_other", "payouts_enabled": true, "metadata": { "user_id": user.id } });
    world.advance_seconds(10);
    deliver(&world, &event(&world, "account.updated", other)).await;
    assert_eq!((recorded_status(user).await, account_id(user).await), (json!("pending"), id));
    assert_eq!(
        unapplied(&world).await.into_values().collect::<Vec<_>>(),
        ["another account than the user's own"]
    );
    world.finish().await;
}
