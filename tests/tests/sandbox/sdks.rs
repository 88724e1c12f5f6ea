//! Endpoints that Stripe's own client libraries offer beyond those that the functions call.

use serde_json::{Value, json};

use super::support::{World, id};

#[tokio::test]
async fn an_updated_customer_keeps_what_is_not_named() {
    let world = World::start().await;
    let form = [("email", "a@example.com"), ("name", "A"), ("metadata[a]", "1"), ("metadata[b]", "2")];
    let customer = id(&world.stripe.post("customers", &form).await.ok());
    let path = format!("customers/{customer}");
    let form = [("name", ""), ("description", "d"), ("metadata[b]", ""), ("metadata[c]", "3")];
    let updated = world.stripe.post(&path, &form).await.ok();
    assert_eq!((&updated["email"], &updated["name"]), (&json!("a@example.com"), &json!(null)));
    assert_eq!((&updated["description"], &updated["metadata"]), (&json!("d"), &json!({"a": "1", "c": "3"})));
    assert_eq!(world.stripe.get(&path).await.ok(), updated);
    let event = world.sandbox.events().pop().unwrap();
    assert_eq!(event["type"], "customer.updated");
    assert_eq!(event["data"]["previous_attributes"]["name"], "A");
    world.finish().await;
}

#[tokio::test]
async fn the_line_items_of_a_session_are_listed_and_expanded() {
    let world = World::start().await;
    let session = world.stripe.session(900).await;
    let list = world.stripe.get(&format!("checkout/sessions/{session}/line_items?limit=5")).await.ok();
    let item = &list["data"][0];
    assert_eq!((&item["amount_total"], &item["quantity"]), (&json!(900), &json!(1)));
    assert_eq!((&item["description"], &item["price"]["unit_amount"]), (&json!("Wallet top-up"), &json!(900)));
    let path = format!("checkout/sessions/{session}");
    assert_eq!(world.stripe.get(&path).await.ok()["line_items"], json!(null));
    let expanded = world.stripe.get(&format!("{path}?expand[]=line_items")).await.ok();
    assert_eq!(expanded["line_items"], list);
    let unknown = world.stripe.get("checkout/sessions/cs_none/line_items").await;
    assert_eq!(unknown.error(), (404, "resource_missing"));
    world.finish().await;
}

#[tokio::test]
async fn a_setup_is_confirmed_with_one_of_stripes_test_payment_methods() {
    let world = World::start().await;
    let customer = world.stripe.customer().await;
    let setup = id(&world.stripe.post("setup_intents", &[("customer", &customer)]).await.ok());
    let confirm = format!("setup_intents/{setup}/confirm");
    let without = world.stripe.post(&confirm, &[]).await;
    assert_eq!(without.error(), (400, "setup_intent_unexpected_state"));
    let unknown = world.stripe.post(&confirm, &[("payment_method", "pm_none")]).await;
    assert_eq!(unknown.error(), (400, "resource_missing"));
    let confirmed = world.stripe.post(&confirm, &[("payment_method", "pm_card_visa")]).await.ok();
    assert_eq!(confirmed["status"], "succeeded");
    let method = confirmed["payment_method"].as_str().unwrap().to_owned();
    world.stripe.charge(&(customer, method), 500).await.ok();
    let again = world.stripe.post(&confirm, &[("payment_method", "pm_card_visa")]).await;
    assert_eq!(again.error(), (400, "setup_intent_unexpected_state"));
    world.finish().await;
}

#[tokio::test]
async fn a_customers_payment_methods_are_only_its_own() {
    let world = World::start().await;
    let (first, second) = (world.stripe.saved_card("ok").await, world.stripe.saved_card("ok").await);
    let path = format!("customers/{}/payment_methods", first.0);
    let list = world.stripe.get(&format!("{path}?type=card")).await.ok();
    let ids: Vec<String> = list["data"].as_array().unwrap().iter().map(id).collect();
    assert_eq!(ids, std::slice::from_ref(&first.1));
    assert_eq!(id(&world.stripe.get(&format!("{path}/{}", first.1)).await.ok()), first.1);
    let foreign = world.stripe.get(&format!("{path}/{}", second.1)).await;
    assert_eq!(foreign.error(), (404, "resource_missing"));
    world.finish().await;
}

#[tokio::test]
async fn a_login_link_needs_an_onboarded_account() {
    let world = World::start().await;
    let account = world.stripe.account().await;
    let path = format!("accounts/{account}/login_links");
    assert_eq!(world.stripe.post(&path, &[]).await.status, 400);
    world.stripe.control(&format!("accounts/{account}/onboard"), json!({})).await.ok();
    let link = world.stripe.post(&path, &[]).await.ok();
    assert_eq!(link["object"], "login_link");
    let page = world.stripe.client.get(link["url"].as_str().unwrap()).send().await.unwrap();
    assert_eq!(page.status(), 200);
    world.finish().await;
}

#[tokio::test]
async fn the_balance_transactions_add_up_to_the_balance() {
    let world = World::start().await;
    let payee = world.stripe.payee().await;
    let session = id(&world.stripe.paid_session(10_000).await);
    world.stripe.control(&format!("charges/{session}/refund"), json!({"amount": 1_000})).await.ok();
    let transfer = world.stripe.transfer(300, &payee).await.ok();
    world.stripe.control(&format!("transfers/{}/reverse", id(&transfer)), json!({"amount": 100})).await.ok();
    world.stripe.control(&format!("charges/{session}/dispute"), json!({})).await.ok();
    let list = world.stripe.get("balance_transactions?limit=100").await.ok();
    let all = list["data"].as_array().unwrap();
    let kinds: Vec<_> = all.iter().map(|one| one["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["adjustment", "transfer_refund", "transfer", "refund", "charge"]);
    let net = all.iter().map(|one| one["net"].as_i64().unwrap()).sum::<i64>();
    assert_eq!((net, world.stripe.available().await), (-1_700, -1_700));

    let charge = world.stripe.get("charges?expand[]=data.balance_transaction").await.ok();
    let transaction: &Value = &charge["data"][0]["balance_transaction"];
    assert_eq!((&transaction["amount"], &transaction["source"]), (&json!(10_000), &charge["data"][0]["id"]));
    let path = format!("balance_transactions/{}", id(transaction));
    assert_eq!(world.stripe.get(&path).await.ok(), *transaction);
    world.finish().await;
}

#[tokio::test]
async fn parts_of_stripe_that_are_not_acted_out_are_refused_in_plain_words() {
    let world = World::start().await;
    let controller = [("controller[stripe_dashboard][type]", "express")];
    for (answer, status) in [
        (world.stripe.post("payouts", &[("amount", "100"), ("currency", "usd")]).await, 404),
        (world.stripe.get("payouts").await, 404),
        (world.stripe.delete("payment_methods/pm_1").await, 404),
        (world.stripe.post("accounts", &controller).await, 400),
    ] {
        assert_eq!((answer.status, &answer.body["error"]["type"]), (status, &json!("invalid_request_error")));
        let message = answer.body["error"]["message"].as_str().unwrap();
        assert!(message.contains("The sandbox does not act out"), "{message}");
    }
    assert_eq!(world.stripe.state().await["objects"], json!({}));
    world.finish().await;
}
