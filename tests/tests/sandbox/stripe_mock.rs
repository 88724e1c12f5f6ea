//! Requests that the sandbox accepts are requests that Stripe knows. Each also goes to `stripe-mock`, which
//! checks it against Stripe's published description of its API.

use clorp_stripe_sandbox::Options;
use clorp_tests::StripeMock;
use serde_json::json;

use super::support::{Stripe, World, id, options};

const SKIPPED: &str = "the sandbox is not checked against Stripe's description of its API";

#[tokio::test]
async fn stripe_mock_accepts_every_request_that_the_sandbox_accepts() {
    let Some(mock) = StripeMock::start(SKIPPED) else { return };
    let world = World::with(Options { mirror: Some(mock.url.clone()), ..options() }).await;
    call_every_endpoint(&world.stripe).await;
    assert_eq!(world.sandbox.mirror_refusals(), Vec::<String>::new());
    assert!(world.sandbox.mirrored() >= 55, "{}", world.sandbox.mirrored());

    let before = world.sandbox.mirrored();
    assert_eq!(world.stripe.get("customers?colour=red").await.error(), (400, "parameter_unknown"));
    assert_eq!(world.sandbox.mirrored(), before, "a refused request is not mirrored");
    world.finish().await;
}

#[tokio::test]
async fn a_request_that_stripe_does_not_know_is_recorded_as_refused() {
    let Some(mock) = StripeMock::start(SKIPPED) else { return };
    // Stripe has no endpoint under this base path.
    let wrong = format!("{}/v1/nowhere", mock.url);
    let world = World::with(Options { mirror: Some(wrong), ..options() }).await;
    world.stripe.get("customers").await.ok();
    let refusals = world.sandbox.mirror_refusals();
    assert_eq!(refusals.len(), 1);
    assert!(refusals[0].starts_with("GET /v1/customers") && refusals[0].contains("404"), "{refusals:?}");
    world.finish().await;
}

/// Calls every endpoint with every parameter.
async fn call_every_endpoint(stripe: &Stripe) {
    let card = payers(stripe).await;
    let intent = payments(stripe, &card).await;
    payouts(stripe).await;
    let refund =
        [("payment_intent", intent.as_str()), ("amount", "100"), ("reason", "requested_by_customer")];
    let refund = id(&stripe.post("refunds", &refund).await.ok());
    let charge = stripe.get(&format!("refunds/{refund}")).await.ok()["charge"].as_str().unwrap().to_owned();
    stripe.post("refunds", &[("charge", &charge), ("amount", "100"), ("metadata[a]", "b")]).await.ok();
    let dispute = stripe.control(&format!("charges/{charge}/dispute"), json!({})).await.ok();
    for path in [
        format!("refunds?payment_intent={intent}&limit=5"),
        format!("charges/{charge}"),
        format!("charges?payment_intent={intent}&created[gte]=1"),
        format!("disputes/{}", id(&dispute)),
        format!("disputes?charge={charge}&payment_intent={intent}"),
        "events?type=charge.succeeded&created[lt]=99999999999".to_owned(),
        "events?types[]=charge.succeeded&types[]=charge.refunded".to_owned(),
        "balance".to_owned(),
        format!("balance_transactions?source={charge}&type=charge&created[gte]=1"),
    ] {
        stripe.get(&path).await.ok();
    }
    let transactions = stripe.get("balance_transactions?limit=1").await.ok();
    stripe.get(&format!("balance_transactions/{}", id(&transactions["data"][0]))).await.ok();
    let event = stripe.get("events?limit=1").await.ok()["data"][0].clone();
    stripe.get(&format!("events/{}", id(&event))).await.ok();
}

async fn payers(stripe: &Stripe) -> (String, String) {
    let customer = [
        ("email", "a@example.com"),
        ("name", "A"),
        ("phone", "+15550100"),
        ("description", "d"),
        ("metadata[user_id]", "u"),
    ];
    let customer = id(&stripe.post("customers", &customer).await.ok());
    let setup = [
        ("customer", customer.as_str()),
        ("usage", "off_session"),
        ("description", "d"),
        ("metadata[type]", "setup"),
        ("payment_method_types[]", "card"),
    ];
    let setup = id(&stripe.post("setup_intents", &setup).await.ok());
    let automatic = [
        ("customer", customer.as_str()),
        ("automatic_payment_methods[enabled]", "true"),
        ("automatic_payment_methods[allow_redirects]", "never"),
    ];
    stripe.post("setup_intents", &automatic).await.ok();
    let succeeded = stripe.control(&format!("setup_intents/{setup}/succeed"), json!({})).await.ok();
    let card = succeeded["payment_method"].as_str().unwrap().to_owned();
    for path in [
        format!("customers/{customer}"),
        "customers?email=a%40example.com&limit=3&created[gte]=1".to_owned(),
        format!("setup_intents/{setup}?expand[]=customer"),
        format!("setup_intents?customer={customer}"),
        format!("payment_methods/{card}"),
        format!("payment_methods?customer={customer}&type=card"),
    ] {
        stripe.get(&path).await.ok();
    }
    stripe.get(&format!("customers/{customer}/payment_methods?type=card&limit=3")).await.ok();
    stripe.get(&format!("customers/{customer}/payment_methods/{card}")).await.ok();
    vanishing(stripe, &customer).await;
    (customer, card)
}

async fn vanishing(stripe: &Stripe, customer: &str) {
    let setup = id(&stripe.post("setup_intents", &[("customer", customer)]).await.ok());
    let confirm = [("payment_method", "pm_card_visa"), ("return_url", "https://example.com/r")];
    let setup = stripe.post(&format!("setup_intents/{setup}/confirm"), &confirm).await.ok();
    let card = setup["payment_method"].as_str().unwrap();
    stripe.post(&format!("payment_methods/{card}/detach"), &[]).await.ok();
    let other = stripe.customer().await;
    let update =
        [("email", "b@example.com"), ("name", ""), ("phone", "1"), ("metadata[a]", ""), ("description", "d")];
    stripe.post(&format!("customers/{other}"), &update).await.ok();
    stripe.delete(&format!("customers/{other}")).await.ok();
    for (action, form) in [("reject", vec![("reason", "fraud")]), ("login_links", vec![])] {
        let account = stripe.payee().await;
        stripe.post(&format!("accounts/{account}/{action}"), &form).await.ok();
        stripe.delete(&format!("accounts/{account}")).await.ok();
    }
}

async fn payments(stripe: &Stripe, (customer, card): &(String, String)) -> String {
    let session = [
        ("mode", "payment"),
        ("ui_mode", "hosted_page"),
        ("customer", customer),
        ("client_reference_id", "r"),
        ("success_url", "https://example.com/s?id={CHECKOUT_SESSION_ID}"),
        ("cancel_url", "https://example.com/c"),
        ("locale", "en"),
        ("submit_type", "pay"),
        ("metadata[type]", "wallet_topup"),
        ("payment_method_types[]", "card"),
        ("payment_intent_data[metadata][type]", "wallet_topup"),
        ("payment_intent_data[description]", "d"),
        ("payment_intent_data[transfer_group]", "g"),
        ("payment_intent_data[setup_future_usage]", "off_session"),
        ("line_items[0][quantity]", "2"),
        ("line_items[0][price_data][currency]", "usd"),
        ("line_items[0][price_data][unit_amount]", "500"),
        ("line_items[0][price_data][product_data][name]", "n"),
        ("line_items[0][price_data][product_data][description]", "d"),
    ];
    let paid = id(&stripe.post("checkout/sessions", &session).await.ok());
    let other = stripe.session(500).await;
    stripe.post(&format!("checkout/sessions/{other}/expire"), &[]).await.ok();
    stripe.control(&format!("checkout/sessions/{paid}/complete"), json!({"outcome": "paid"})).await.ok();
    let intent = [
        ("amount", "5000"),
        ("currency", "usd"),
        ("customer", customer),
        ("payment_method", card),
        ("confirm", "true"),
        ("off_session", "true"),
        ("description", "d"),
        ("transfer_group", "g"),
        ("metadata[type]", "auto_topup"),
        ("payment_method_types[]", "card"),
        ("expand[]", "latest_charge"),
    ];
    let intent = id(&stripe.post("payment_intents", &intent).await.ok());
    let open = [
        ("amount", "5000"),
        ("currency", "usd"),
        ("automatic_payment_methods[enabled]", "true"),
        ("automatic_payment_methods[allow_redirects]", "never"),
    ];
    stripe.post("payment_intents", &open).await.ok();
    for path in [
        format!("checkout/sessions/{paid}?expand[]=payment_intent.latest_charge"),
        format!("checkout/sessions/{paid}/line_items?limit=5"),
        format!("checkout/sessions?customer={customer}&status=complete&created[gte]=1"),
        format!("payment_intents/{intent}"),
        format!("payment_intents?customer={customer}&created[gte]=1&limit=10&starting_after={intent}"),
    ] {
        stripe.get(&path).await.ok();
    }
    intent
}

async fn payouts(stripe: &Stripe) {
    let account = [
        ("type", "express"),
        ("country", "US"),
        ("email", "w@example.com"),
        ("business_type", "individual"),
        ("capabilities[transfers][requested]", "true"),
        ("metadata[user_id]", "u"),
    ];
    let account = id(&stripe.post("accounts", &account).await.ok());
    let link = [
        ("account", account.as_str()),
        ("type", "account_onboarding"),
        ("return_url", "https://example.com/r"),
        ("refresh_url", "https://example.com/f"),
        ("collection_options[fields]", "eventually_due"),
        ("collection_options[future_requirements]", "include"),
    ];
    stripe.post("account_links", &link).await.ok();
    stripe.control(&format!("accounts/{account}/onboard"), json!({})).await.ok();
    let transfer = [
        ("amount", "300"),
        ("currency", "usd"),
        ("destination", account.as_str()),
        ("transfer_group", "withdraw_1"),
        ("description", "d"),
        ("metadata[id]", "1"),
    ];
    let transfer = id(&stripe.post("transfers", &transfer).await.ok());
    let path = format!("transfers/{transfer}/reversals");
    let reversal =
        id(&stripe.post(&path, &[("amount", "100"), ("metadata[a]", "b"), ("description", "d")]).await.ok());
    for path in [
        format!("accounts/{account}"),
        "accounts?limit=2&created[gte]=1".to_owned(),
        format!("transfers/{transfer}?expand[]=destination"),
        format!("transfers?transfer_group=withdraw_1&destination={account}&created[gte]=1"),
        format!("transfers/{transfer}/reversals"),
        format!("transfers/{transfer}/reversals/{reversal}"),
    ] {
        stripe.get(&path).await.ok();
    }
}
