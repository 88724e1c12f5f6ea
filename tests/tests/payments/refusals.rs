//! Refusals by Stripe, errors that Stripe keeps under an idempotency key, and objects that Stripe has no
//! more.

use aws_sdk_dynamodb::types::AttributeValue;
use clorp_tests::world::TABLE;
use clorp_tests::{Answer, Client, Options, World};
use futures::future::join_all;
use serde_json::{Value, json};

use super::connect::connect_account;
use super::people::{
    cardholder, change_settings, enable, inject_fault, objects_at_stripe, options, run, settings, statuses,
    transfers, user_field, withdraw,
};
use super::support::{checkout, complete, topup};

/// Replaces the id of a Stripe object in a user's record by one that Stripe does not have.
async fn lose(world: &World, user: &Client, attribute: &str, gone: &str) {
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let update = world.table().update_item().table_name(TABLE).update_expression("SET #a = :gone");
    let update = update.key("pk", text(&format!("USER#{}", user.id))).key("sk", text("USER"));
    let update =
        update.expression_attribute_names("#a", attribute).expression_attribute_values(":gone", text(gone));
    update.send().await.unwrap();
}

async fn set_up(user: &Client) -> Answer {
    user.post_empty("/api/wallet/setup-payment-method").await
}

async fn connect(user: &Client) -> Answer {
    user.post_empty("/api/stripe/connect").await
}

/// Sends the request that creates an object in this list at Stripe.
async fn create(user: &Client, list: &str) -> Answer {
    match list {
        "accounts" => connect(user).await,
        "setup_intents" => set_up(user).await,
        _ => topup(user, 1000).await,
    }
}

const LISTS: [&str; 4] = ["customers", "checkout/sessions", "setup_intents", "accounts"];

#[tokio::test(flavor = "multi_thread")]
async fn an_error_that_stripe_keeps_under_the_key_does_not_keep_a_user_from_paying_or_being_paid() {
    let world = World::with(options()).await;
    for list in LISTS {
        let user = world.user("unlucky", 0).await;
        inject_fault(&world, &format!("/v1/{list}"), "500_kept", 1).await;
        create(&user, list).await.expect(200);
        assert_eq!(objects_at_stripe(&world, list, &user).await.len(), 1, "{list}");

        let user = world.user("unluckier", 0).await;
        inject_fault(&world, &format!("/v1/{list}"), "500_kept", 2).await;
        create(&user, list).await.expect_error(503, "unavailable");
        create(&user, list).await.expect(200);
        create(&user, list).await.expect(200);
        let most = if ["customers", "accounts"].contains(&list) { 1 } else { 2 };
        assert_eq!(objects_at_stripe(&world, list, &user).await.len(), most, "{list}");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_by_stripe_is_a_conflict_with_its_reason_and_the_next_request_is_a_new_one() {
    let world = World::with(options()).await;
    for list in LISTS.into_iter().chain(["account_links"]) {
        let user = world.user("refused", 0).await;
        inject_fault(&world, &format!("/v1/{list}"), "decline", 2).await;
        let create = async || match list {
            "account_links" => connect(&user).await,
            list => create(&user, list).await,
        };
        let refused = create().await.expect_error(409, "refused_by_stripe");
        assert!(refused["error"].as_str().unwrap().contains("request_declined"), "{refused}");
        if list == "account_links" {
            // A page is asked for once.
            create().await.expect_error(409, "refused_by_stripe");
        }
        create().await.expect(200);
        assert_eq!(user.balance().await, 0);
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_that_stripe_has_no_more_is_replaced_once_and_its_card_is_forgotten() {
    let world = World::with(Options { stripe_tries: usize::MAX, ..options() }).await;
    for (n, begin) in [("one", false), ("two", true)] {
        let (user, _) = cardholder(&world, 300).await;
        enable(&user, 1000, 0).await;
        let before = objects_at_stripe(&world, "customers", &user).await.len();
        lose(&world, &user, "stripe_customer_id", "cus_gone").await;
        let answers = match begin {
            false => join_all((0..5).map(|_| topup(&user, 1000))).await,
            true => join_all((0..5).map(|_| set_up(&user))).await,
        };
        assert_eq!(statuses(&answers), [200; 5], "{n}");
        let customers = objects_at_stripe(&world, "customers", &user).await;
        assert_eq!(customers.len(), before + 1, "{n}");
        assert_eq!(json!(user_field(&user, "stripe_customer_id").await), customers[0]["id"]);
        let after = settings(&user).await;
        assert_eq!(json!([after["enabled"], after["payment_method_saved"]]), json!([false, false]), "{n}");
        let enabled = change_settings(&user, json!({ "enabled": true })).await;
        enabled.expect_error(409, "payment_method_required");
        run(&user, 1000).await.expect_error(402, "insufficient_balance");

        let session = checkout(&user, 1000).await;
        complete(&world, &session, "paid").await;
        super::people::save_card(&world, &user, "ok").await;
        change_settings(&user, json!({ "enabled": true })).await.expect(200);
        run(&user, 2000).await.expect(201);
        assert_eq!(user.balance().await, 300);
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_stripe_has_no_more_is_replaced_and_no_money_is_lost_to_it() {
    let world = World::with(Options { stripe_tries: usize::MAX, ..options() }).await;
    let user = world.user("payee", 5000).await;
    let old = connect_account(&world, &user).await;
    lose(&world, &user, "stripe_account_id", "acct_gone").await;
    withdraw(&user, 1000).await.expect_error(409, "withdrawal_refused");
    assert_eq!(user.balance().await, 5000);
    withdraw(&user, 1000).await.expect_error(409, "onboarding_required");
    let status = async || user.get("/api/stripe/connect/status").await.expect(200)["status"].clone();
    assert_eq!(status().await, "pending");
    world.reconcile().await;
    assert_eq!(status().await, "pending");

    let pages = join_all((0..5).map(|_| connect(&user))).await;
    assert_eq!(statuses(&pages), [200; 5]);
    let account = user_field(&user, "stripe_account_id").await;
    assert!(account != old && account != "acct_gone", "{account}");
    assert_eq!(objects_at_stripe(&world, "accounts", &user).await.len(), 2, "the lost one and the new one");
    world.control(&format!("accounts/{account}/onboard"), json!({})).await;
    world.wait_for_webhooks().await;
    withdraw(&user, 1000).await.expect(201);
    let sent: Vec<Value> =
        transfers(&world, &user).await.iter().map(|one| one["destination"].clone()).collect();
    assert_eq!((sent, user.balance().await), (vec![json!(account)], 4000));
    world.finish().await;
}
