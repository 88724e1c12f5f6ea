//! Stripe's own `stripe-mock` knows every request that the functions make.

use clorp_ledger_audit::audit;
use clorp_stripe_sandbox as sandbox;
use clorp_tests::{Options, StripeMock, World};
use serde_json::json;

use super::people::{begin_onboarding, cardholder, enable, inject_fault, options, resume_all, run, withdraw};
use super::support::{checkout, complete};

/// Every endpoint that `clorp-stripe-api` uses.
const USED: [&str; 14] = [
    "GET /v1/accounts/{id}",
    "GET /v1/checkout/sessions",
    "GET /v1/checkout/sessions/{id}",
    "GET /v1/disputes",
    "GET /v1/payment_intents",
    "GET /v1/refunds",
    "GET /v1/transfers",
    "POST /v1/account_links",
    "POST /v1/accounts",
    "POST /v1/checkout/sessions",
    "POST /v1/customers",
    "POST /v1/payment_intents",
    "POST /v1/setup_intents",
    "POST /v1/transfers",
];

#[tokio::test(flavor = "multi_thread")]
async fn stripe_mock_accepts_every_request_of_the_functions() {
    let skipped = "the requests of the functions are not checked against Stripe's description of its API";
    let Some(mock) = StripeMock::start(skipped) else { return };
    let mirrored = sandbox::Options { mirror: Some(mock.url.clone()), ..options().sandbox };
    let world = World::with(Options { sandbox: mirrored, stripe_tries: 1, ..options() }).await;

    let (user, _) = cardholder(&world, 1000).await;
    for amount in [1000, 2000] {
        let session = checkout(&user, amount).await;
        complete(&world, &session, "paid").await;
    }
    enable(&user, 1000, 0).await;
    run(&user, 5000).await.expect(201);
    let session = checkout(&user, 2000).await;
    complete(&world, &session, "paid").await;
    let account = begin_onboarding(&user).await;
    let status = user.get("/api/stripe/connect/status").await.expect(200);
    assert_eq!(status["status"], "pending");
    world.control(&format!("accounts/{account}/onboard"), json!({})).await;
    world.wait_for_webhooks().await;
    withdraw(&user, 500).await.expect(201);

    // A sweep looks the pending requests up before it repeats them.
    inject_fault(&world, "/v1", "500", 2).await;
    run(&user, 2500).await.expect_error(402, "auto_topup_pending");
    withdraw(&user, 500).await.expect(202);
    resume_all(&world).await;
    assert_eq!(user.balance().await, 2000);

    // An hour later, it asks about a session that nobody has paid.
    checkout(&user, 1000).await;
    world.advance_seconds(3601);
    world.reconcile().await;

    let audited = audit(&world.store, Some(&world.payments[0].stripe)).await.unwrap();
    assert_eq!(audited.discrepancies, Vec::<String>::new());
    let calls = world.sandbox.calls();
    assert_eq!(calls.keys().collect::<Vec<_>>(), USED);
    assert_eq!(world.sandbox.mirror_refusals(), Vec::<String>::new());
    assert_eq!(world.sandbox.mirrored() + 2, calls.values().sum::<usize>(), "all but the two faults");
    world.finish().await;
}
