//! Refused requests and their errors.

use serde_json::json;

use super::support::{SECRET_KEY, World};

#[tokio::test]
async fn only_the_secret_key_gives_access_to_the_api() {
    let world = World::start().await;
    let url = format!("{}/v1/customers", world.sandbox.url);
    for request in [
        world.stripe.client.post(&url),
        world.stripe.client.post(&url).bearer_auth("sk_test_other"),
        world.stripe.client.post(&url).header("Authorization", SECRET_KEY),
    ] {
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 401);
        assert!(answer.headers().contains_key("request-id"));
        let body: serde_json::Value = answer.json().await.unwrap();
        assert_eq!(body["error"]["type"], "invalid_request_error");
    }
    assert_eq!(world.stripe.get("customers").await.ok()["data"], json!([]));
    world.finish().await;
}

#[tokio::test]
async fn a_rolled_key_takes_the_place_of_the_old_one() {
    let world = World::start().await;
    let url = &world.sandbox.url;
    let client = &world.stripe.client;
    let rolled = client.post(format!("{url}/_sandbox/secret_key/roll")).send().await.unwrap();
    let rolled: serde_json::Value = rolled.json().await.unwrap();
    let status = async |key: &str| {
        client.get(format!("{url}/v1/customers")).bearer_auth(key).send().await.unwrap().status()
    };
    assert_eq!(status(rolled["secret_key"].as_str().unwrap()).await, 200);
    assert_eq!(status(SECRET_KEY).await, 401);
    world.finish().await;
}

#[tokio::test]
async fn a_refused_parameter_is_named_and_nothing_is_created() {
    let world = World::start().await;
    let session = [("mode", "payment"), ("success_url", "https://example.com")];
    for (path, form, code, param) in [
        ("customers", vec![("colour", "red")], "parameter_unknown", "colour"),
        ("customers", vec![("metadata[a][b]", "c")], "parameter_invalid", "metadata[a]"),
        ("transfers", vec![("currency", "usd")], "parameter_missing", "amount"),
        ("transfers", vec![("amount", "1"), ("currency", "usd")], "parameter_missing", "destination"),
        ("transfers", vec![("amount", "1.5")], "parameter_invalid_integer", "amount"),
        ("payment_intents", vec![("amount", "49"), ("currency", "usd")], "amount_too_small", "amount"),
        ("payment_intents", vec![("amount", "500"), ("currency", "eur")], "parameter_invalid", "currency"),
        ("checkout/sessions", vec![("mode", "subscription")], "parameter_invalid", "mode"),
        ("checkout/sessions", session.to_vec(), "parameter_missing", "line_items"),
        (
            "checkout/sessions",
            vec![("mode", "payment"), ("success_url", "javascript:alert(1)")],
            "url_invalid",
            "success_url",
        ),
        ("accounts", vec![("country", "US")], "parameter_missing", "type"),
        ("setup_intents", vec![("customer", "cus_none")], "resource_missing", "customer"),
    ] {
        let answer = world.stripe.post(path, &form).await;
        assert_eq!(answer.error(), (400, code), "{path} {form:?}: {}", answer.body);
        assert_eq!(answer.body["error"]["param"], param, "{path} {form:?}");
    }
    let objects = world.stripe.state().await["objects"].clone();
    assert_eq!(objects, json!({}));
    world.finish().await;
}

#[tokio::test]
async fn unknown_objects_and_paths_are_404_but_an_unknown_account_is_403_as_with_stripe() {
    let world = World::start().await;
    for path in [
        "customers/cus_none",
        "checkout/sessions/cs_none",
        "transfers/tr_none",
        "transfers/tr_none/reversals",
    ] {
        assert_eq!(world.stripe.get(path).await.error(), (404, "resource_missing"), "{path}");
    }
    assert_eq!(world.stripe.get("accounts/acct_none").await.error(), (403, "account_invalid"));
    assert_eq!(world.stripe.get("nothing/here").await.status, 404);
    assert_eq!(world.stripe.post("balance", &[]).await.status, 404);
    world.finish().await;
}

#[tokio::test]
async fn a_request_for_a_connected_account_is_refused_and_does_not_act_on_the_platform() {
    let world = World::start().await;
    let request =
        world.stripe.client.post(format!("{}/v1/customers", world.sandbox.url)).bearer_auth(SECRET_KEY);
    let answer = request.header("Stripe-Account", "acct_1").send().await.unwrap();
    assert_eq!(answer.status(), 400);
    assert_eq!(world.stripe.get("customers").await.ok()["data"], json!([]));
    world.finish().await;
}

#[tokio::test]
async fn refused_control_calls_are_answered_in_json() {
    let world = World::start().await;
    for (path, body, status) in [
        ("checkout/sessions/cs_none/complete", json!({"outcome": "paid"}), 404),
        ("checkout/sessions/cs_none/complete", json!({"outcome": "stolen"}), 400),
        ("setup_intents/seti_none/succeed", json!({}), 404),
        ("accounts/acct_none/onboard", json!({}), 404),
        ("transfers/tr_none/reverse", json!({}), 404),
        ("charges/ch_none/refund", json!({}), 404),
        ("refunds/re_none/fail", json!({}), 404),
        ("refunds/re_none/succeed", json!({}), 404),
        ("disputes/du_none/update", json!({}), 404),
        ("disputes/du_none/escalate", json!({}), 404),
        ("disputes/du_none/withdraw", json!({"amount": 1}), 404),
        ("disputes/du_none/reinstate", json!({"amount": 0}), 400),
        ("disputes/du_none/close", json!({"status": "won"}), 404),
        ("disputes/du_none/close", json!({"status": "open"}), 400),
        ("payment_intents/pi_none/settle", json!({"outcome": "paid"}), 404),
        ("payment_methods/pm_none", json!({"fingerprint": "f"}), 404),
        ("payment_methods/pm_none/detach", json!({}), 404),
        ("customers/cus_none/delete", json!({}), 404),
        ("accounts/acct_none/onboard", json!({"transfers": "maybe"}), 400),
        ("accounts/acct_none/reject", json!({}), 403),
        ("accounts/acct_none/delete", json!({}), 403),
        ("events/evt_none/resend", json!({}), 404),
        ("next", json!({"path": "/v1/", "fault": "earthquake"}), 400),
        ("webhooks", json!({"sorted": true}), 400),
        ("nothing", json!({}), 404),
    ] {
        let answer = world.stripe.control(path, body).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.body);
        assert!(answer.body["error"]["message"].is_string(), "{path}: {}", answer.body);
    }
    world.finish().await;
}
