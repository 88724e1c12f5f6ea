//! Sessions of OAuth clients, and second factors.

use clorp_domain::{Right, Rules};
use clorp_tests::{Client, Options, World, unlimited};
use serde_json::json;

use super::{create_key, expect_lack, run, with_claims, with_client_token, with_rights};

#[tokio::test(flavor = "multi_thread")]
async fn an_oauth_client_reads_works_and_spends_and_nothing_else() {
    let world = World::with(Options::funded()).await;
    world.onboard(&world.sender).await;
    for client in [
        with_client_token(&world, &world.sender),
        // A malformed claim does not make the token the user's own.
        with_claims(&world, &world.sender, json!({ "client_id": 7, "aal": "aal2" })),
        with_claims(&world, &world.sender, json!({ "client_id": "" })),
    ] {
        client.post_empty("/api/whoami").await.expect(200);
        let drop = run(&client, 100).await.expect(201);
        client.post_empty(&format!("/api/jobs/{}/cancel", drop["id"].as_str().unwrap())).await.expect(200);
        client.post("/api/agents", json!({ "name": "A" })).await;
        expect_lack(&client.post("/api/keys", json!({ "name": "k" })).await, "keys");
        expect_lack(&client.delete("/api/keys/01ARZ3NDEKTSV4RRFFQ69G5FAV").await, "keys");
        expect_lack(&client.post("/api/wallet/withdraw", json!({ "amount_cents": 500 })).await, "payouts");
        expect_lack(&client.post_empty("/api/stripe/connect").await, "payouts");
        expect_lack(&client.post_empty("/api/wallet/setup-payment-method").await, "cards");
        expect_lack(&client.post("/api/wallet/auto-topup", json!({ "enabled": false })).await, "cards");
        let login = world.anon.post("/api/cli/login", json!({})).await.expect(201);
        let code = json!({ "user_code": login["user_code"] });
        for decision in ["approve", "deny"] {
            let answer = client.post(&format!("/api/cli/login/{decision}"), code.clone()).await;
            answer.expect_error(403, "session_required");
        }
        let device = json!({ "device_code": login["device_code"] });
        world.anon.post("/api/cli/token", device).await.expect_error(400, "authorization_pending");
    }
    assert_eq!(world.sender.get("/api/keys").await.expect(200).as_array().unwrap().len(), 1);
    assert_eq!(world.sender.balance().await, 20_000);
    world.finish().await;
}

/// A world that requires a second factor for money.
async fn strict_world() -> World {
    let rules = Rules { second_factor_for_money: true, ..unlimited() };
    World::with(Options { rules, ..Options::funded() }).await
}

fn at_level(world: &World, user: &Client, level: &str) -> Client {
    with_claims(world, user, json!({ "aal": level }))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_without_a_second_factor_reaches_no_card_and_no_bank_if_one_is_required() {
    let world = strict_world().await;
    let factorless = [
        at_level(&world, &world.sender, "aal1"),
        with_claims(&world, &world.sender, json!({ "aal": null })),
        with_claims(&world, &world.sender, json!({ "aal": ["aal2"] })),
        world.browser(&world.sender, 3600),
    ];
    let amount = json!({ "amount_cents": 500 });
    for session in &factorless {
        for (path, body) in [
            ("/api/stripe/connect", json!({})),
            ("/api/wallet/withdraw", amount.clone()),
            ("/api/wallet/setup-payment-method", json!({})),
            ("/api/wallet/auto-topup", json!({ "threshold_cents": 0 })),
        ] {
            let answer = if path.ends_with("connect") || path.ends_with("method") {
                session.post_empty(path).await
            } else {
                session.post(path, body).await
            };
            answer.expect_error(403, "second_factor_required");
        }
        session.post("/api/wallet/auto-topup", json!({})).await.expect(200);
        run(session, 100).await.expect(201);
        session.post("/api/wallet/topup", amount.clone()).await.expect(200);
    }
    let strong = at_level(&world, &world.sender, "aal2");
    strong.post_empty("/api/stripe/connect").await.expect(200);
    strong.post_empty("/api/wallet/setup-payment-method").await.expect(200);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_without_a_second_factor_cannot_give_a_key_what_it_lacks() {
    let world = strict_world().await;
    let (weak, strong) = (at_level(&world, &world.sender, "aal1"), at_level(&world, &world.sender, "aal2"));
    for right in ["cards", "payouts"] {
        let request = json!({ "name": "k", "rights": ["read", right] });
        weak.post("/api/keys", request.clone()).await.expect_error(403, "second_factor_required");
        strong.post("/api/keys", request).await.expect(201);
        let login = world.anon.post("/api/cli/login", json!({ "rights": ["read", right] })).await.expect(201);
        let approval = json!({ "user_code": login["user_code"], "rights": ["read", right] });
        let approve = "/api/cli/login/approve";
        weak.post(approve, approval.clone()).await.expect_error(403, "second_factor_required");
        strong.post(approve, approval).await.expect(204);
    }
    let (_, key) = create_key(&weak, json!({})).await;
    assert_eq!(key.get("/api/keys").await.expect(200)[0]["rights"], json!(["read", "work", "spend"]));
    // A key has what it was given, because it cannot pass a second factor.
    let keyed = with_rights(&world, &world.sender, &[Right::Payouts]).await;
    keyed.post_empty("/api/stripe/connect").await.expect(200);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_second_factor_is_required_unless_the_configuration_says_so() {
    let world = World::start().await;
    let session = at_level(&world, &world.sender, "aal1");
    session.post_empty("/api/stripe/connect").await.expect(200);
    session.post("/api/keys", json!({ "name": "k", "rights": ["payouts"] })).await.expect(201);
    world.finish().await;
}
