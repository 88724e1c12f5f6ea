//! What may be withdrawn: winnings that have matured, and no money from cards.

use clorp_domain::Rules;
use clorp_tests::{Client, Options, World, unlimited};
use futures::future::{join, join_all};
use serde_json::{Value, json};

use super::people::{AFTER_SETTLE_GRACE, clear_faults, inject_fault, options, statuses, transfers, withdraw};
use super::support::{checkout, complete};

const DAY: i64 = 24 * 3600;

/// A platform with a balance to transfer, whose payouts are held for seven days.
pub(crate) fn with_hold() -> Options {
    let rules = Rules { payout_hold_seconds: Rules::default().payout_hold_seconds, ..unlimited() };
    Options { rules, ..options() }
}

/// A user without money who can withdraw.
pub(crate) async fn onboarded(world: &World, name: &str) -> Client {
    let user = world.user(name, 0).await;
    world.onboard(&user).await;
    user
}

/// Lets a worker win a drop of this price that `sender` posts. Returns the drop.
pub(crate) async fn win(world: &World, sender: &Client, worker: &Client, price_cents: i64) -> String {
    let drop = sender.post_drop(price_cents).await;
    worker.claim(&drop).await.expect(201);
    worker.submit(&drop, "Your README explains everything except what this is").await.expect(201);
    world.advance_seconds(301);
    assert_eq!(world.sweep().await.settled, 1);
    drop
}

/// Pays into a wallet by card.
pub(crate) async fn pay_by_card(world: &World, user: &Client, amount_cents: i64) -> String {
    let session = checkout(user, amount_cents).await;
    complete(world, &session, "paid").await;
    session
}

pub(crate) async fn wallet(user: &Client) -> Value {
    user.get("/api/wallet/balance").await.expect(200)
}

pub(crate) async fn withdrawable(user: &Client) -> i64 {
    wallet(user).await["withdrawable_cents"].as_i64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn money_from_a_card_is_spent_and_only_winnings_are_withdrawn() {
    let world = World::with(options()).await;
    let user = onboarded(&world, "worker").await;
    pay_by_card(&world, &user, 2000).await;
    assert_eq!((user.balance().await, withdrawable(&user).await), (2000, 0));
    let refused = withdraw(&user, 500).await.expect_error(402, "not_withdrawable");
    assert!(refused["error"].as_str().unwrap().contains("0 may be withdrawn"), "{refused}");
    win(&world, &world.sender, &user, 1000).await;
    assert_eq!((user.balance().await, withdrawable(&user).await), (2750, 750));
    withdraw(&user, 751).await.expect_error(402, "not_withdrawable");
    assert_eq!(transfers(&world, &user).await.len(), 0);
    withdraw(&user, 750).await.expect(201);
    assert_eq!((user.balance().await, withdrawable(&user).await), (2000, 0));
    withdraw(&user, 500).await.expect_error(402, "not_withdrawable");
    assert_eq!(transfers(&world, &user).await.len(), 1);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_refund_of_a_drop_paid_by_card_is_not_withdrawn() {
    let world = World::with(options()).await;
    let user = onboarded(&world, "sender").await;
    pay_by_card(&world, &user, 2000).await;
    let drop = user.post_drop(1000).await;
    user.post_empty(&format!("/api/jobs/{drop}/cancel")).await.expect(200);
    let unanswered = user.post_drop(1000).await;
    world.advance_seconds(301);
    assert_eq!(world.sweep().await.settled, 1, "{unanswered} expires");
    assert_eq!((user.balance().await, withdrawable(&user).await), (2000, 0));
    withdraw(&user, 1000).await.expect_error(402, "not_withdrawable");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn spent_winnings_are_not_withdrawn_from_an_empty_wallet() {
    let world = World::with(options()).await;
    let user = onboarded(&world, "worker").await;
    win(&world, &world.sender, &user, 1000).await;
    user.post_drop(500).await;
    assert_eq!((user.balance().await, withdrawable(&user).await), (250, 250));
    withdraw(&user, 500).await.expect_error(402, "insufficient_balance");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payout_may_be_withdrawn_once_it_has_matured() {
    let world = World::with(with_hold()).await;
    let user = onboarded(&world, "worker").await;
    win(&world, &world.sender, &user, 1000).await;
    let held = wallet(&user).await;
    assert_eq!((&held["balance_cents"], &held["withdrawable_cents"]), (&json!(750), &json!(0)));
    assert_eq!(held["next_release"]["amount_cents"], 750);
    let at = held["next_release"]["at"].as_str().unwrap();
    assert!(at.ends_with("T00:00:00.000Z"), "{at}");
    let refused = withdraw(&user, 750).await.expect_error(402, "not_withdrawable");
    assert!(refused["error"].as_str().unwrap().contains(&format!("750 more from {at}")), "{refused}");
    let amounts = (&refused["withdrawable_cents"], &refused["next_release"]);
    assert_eq!(amounts, (&json!(0), &held["next_release"]));
    let matures: jiff::Timestamp = at.parse().unwrap();
    let wait = matures.duration_since(world.clock().now()).as_secs();
    assert!((7 * DAY..=8 * DAY).contains(&wait), "{wait}");
    world.advance_seconds(wait - 1);
    withdraw(&user, 750).await.expect_error(402, "not_withdrawable");
    world.advance_seconds(2);
    let released = wallet(&user).await;
    assert_eq!((&released["withdrawable_cents"], &released["next_release"]), (&json!(750), &json!(null)));
    withdraw(&user, 750).await.expect(201);
    assert_eq!((user.balance().await, transfers(&world, &user).await.len()), (0, 1));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn payouts_of_several_days_are_each_released_once_by_concurrent_withdrawals() {
    let world = World::with(with_hold()).await;
    let user = onboarded(&world, "worker").await;
    pay_by_card(&world, &user, 10_000).await;
    for _ in 0..3 {
        win(&world, &world.sender, &user, 1000).await;
        world.advance_seconds(DAY);
    }
    // The first two payouts have matured, and the third has not.
    world.advance_seconds(6 * DAY);
    assert_eq!(withdrawable(&user).await, 1500);
    let answers = join_all((0..10).map(|_| withdraw(&user, 500))).await;
    assert_eq!(statuses(&answers), [vec![201; 3], vec![402; 7]].concat());
    assert_eq!(transfers(&world, &user).await.len(), 3);
    assert_eq!((user.balance().await, withdrawable(&user).await), (10_750, 0));
    world.advance_seconds(2 * DAY);
    let (one, other) = join(withdraw(&user, 750), withdraw(&user, 750)).await;
    assert_eq!(statuses(&[one, other]), [201, 402]);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_or_returned_withdrawal_may_be_withdrawn_again() {
    let world = World::with(options()).await;
    let user = onboarded(&world, "worker").await;
    win(&world, &world.sender, &user, 1000).await;
    inject_fault(&world, "/v1/transfers", "decline", 1).await;
    withdraw(&user, 750).await.expect_error(409, "withdrawal_refused");
    assert_eq!(withdrawable(&user).await, 750);
    inject_fault(&world, "/v1/transfers", "timeout_after", 1000).await;
    withdraw(&user, 750).await.expect(202);
    assert_eq!(withdrawable(&user).await, 0, "the debit stays while the outcome is unknown");
    clear_faults(&world, "/v1/transfers").await;
    world.advance_seconds(AFTER_SETTLE_GRACE);
    assert_eq!(world.reconcile().await, 1);
    let transfer = transfers(&world, &user).await[0]["id"].as_str().unwrap().to_owned();
    world.control(&format!("transfers/{transfer}/reverse"), json!({})).await;
    world.wait_for_webhooks().await;
    assert_eq!((user.balance().await, withdrawable(&user).await), (750, 750));
    withdraw(&user, 750).await.expect(201);
    world.finish().await;
}
