//! Objects that vanish: deleted customers, deleted and rejected accounts, detached payment methods.

use serde_json::json;

use super::support::{World, id};

#[tokio::test]
async fn a_deleted_customer_is_shown_as_deleted_and_can_pay_nothing_more() {
    let world = World::start().await;
    let saved = world.stripe.saved_card("ok").await;
    let path = format!("customers/{}", saved.0);
    let deleted = world.stripe.delete(&path).await.ok();
    assert_eq!(deleted, json!({"id": saved.0, "object": "customer", "deleted": true}));
    assert_eq!(world.stripe.get(&path).await.ok(), deleted);
    assert_eq!(world.stripe.get("customers").await.ok()["data"], json!([]));
    let message = |answer: &super::support::Answer| answer.body["error"]["message"].clone();
    for answer in [
        world.stripe.charge(&saved, 500).await,
        world.stripe.post("setup_intents", &[("customer", &saved.0)]).await,
    ] {
        assert_eq!(answer.error(), (400, "resource_missing"));
        assert_eq!(answer.body["error"]["param"], "customer");
        assert_eq!(message(&answer), format!("No such customer: '{}'", saved.0));
    }
    let update = world.stripe.post(&path, &[("name", "n")]).await;
    assert_eq!(update.error(), (404, "resource_missing"));
    assert_eq!(world.stripe.delete(&path).await.error(), (404, "resource_missing"));
    let method = world.stripe.get(&format!("payment_methods/{}", saved.1)).await.ok();
    assert_eq!(method["customer"], json!(null), "its payment methods are detached");
    let types = world.event_types();
    assert_eq!(types[types.len() - 2..], ["payment_method.detached", "customer.deleted"]);
    world.finish().await;
}

#[tokio::test]
async fn a_customer_can_be_deleted_by_a_control_call() {
    let world = World::start().await;
    let customer = world.stripe.customer().await;
    world.stripe.control(&format!("customers/{customer}/delete"), json!({})).await.ok();
    assert_eq!(world.stripe.get(&format!("customers/{customer}")).await.ok()["deleted"], true);
    world.finish().await;
}

#[tokio::test]
async fn a_detached_payment_method_cannot_be_charged() {
    for by_api in [true, false] {
        let world = World::start().await;
        let saved = world.stripe.saved_card("ok").await;
        let path = format!("payment_methods/{}/detach", saved.1);
        let detached = match by_api {
            true => world.stripe.post(&path, &[]).await.ok(),
            false => world.stripe.control(&path, json!({})).await.ok(),
        };
        assert_eq!((detached["id"].as_str(), &detached["customer"]), (Some(&*saved.1), &json!(null)));
        assert_eq!(world.event_types().last().unwrap(), "payment_method.detached");
        let refused = world.stripe.charge(&saved, 500).await;
        assert_eq!(refused.error(), (400, "resource_missing"));
        assert_eq!(refused.body["error"]["param"], "payment_method");
        let again = world.stripe.post(&path, &[]).await;
        assert_eq!(again.error(), (400, "payment_method_unexpected_state"));
        assert_eq!(world.stripe.available().await, 0);
        world.finish().await;
    }
}

#[tokio::test]
async fn a_deleted_account_is_out_of_reach() {
    for by_api in [true, false] {
        let world = World::start().await;
        let account = world.stripe.payee().await;
        world.stripe.paid_session(1_000).await;
        let path = format!("accounts/{account}");
        let deleted = match by_api {
            true => world.stripe.delete(&path).await.ok(),
            false => world.stripe.control(&format!("{path}/delete"), json!({})).await.ok(),
        };
        assert_eq!(deleted, json!({"id": account, "object": "account", "deleted": true}));
        assert_eq!(world.stripe.get(&path).await.error(), (403, "account_invalid"));
        let transfer = world.stripe.transfer(100, &account).await;
        assert_eq!(transfer.error(), (400, "resource_missing"));
        assert_eq!(world.stripe.available().await, 1_000);
        world.finish().await;
    }
}

#[tokio::test]
async fn a_rejected_account_can_never_receive_transfers() {
    for by_api in [true, false] {
        let world = World::start().await;
        let account = world.stripe.payee().await;
        world.stripe.paid_session(1_000).await;
        let path = format!("accounts/{account}/reject");
        let rejected = match by_api {
            true => world.stripe.post(&path, &[("reason", "fraud")]).await.ok(),
            false => world.stripe.control(&path, json!({})).await.ok(),
        };
        assert_eq!((id(&rejected), &rejected["payouts_enabled"]), (account.clone(), &json!(false)));
        assert_eq!(rejected["capabilities"]["transfers"], "inactive");
        assert_eq!(rejected["requirements"]["disabled_reason"], "rejected.fraud");
        assert_eq!(world.event_types().last().unwrap(), "account.updated");
        let transfer = world.stripe.transfer(100, &account).await;
        assert_eq!(transfer.error(), (400, "insufficient_capabilities_for_transfer"));
        world.finish().await;
    }
}
