//! Rights of API keys.

use clorp_domain::{ApiKey, Right};
use clorp_tests::world::TABLE;
use clorp_tests::{Client, Options, World};
use serde_json::{Value, json};

use super::{create_key, expect_lack, run, with_rights};

const DEFAULT: [&str; 4] = ["read", "work", "spend", "cards"];

/// Creates a key, and returns the rights that the response shows.
async fn created_rights(creator: &Client, mut request: Value) -> Value {
    request["name"] = json!("k");
    creator.post("/api/keys", request).await.expect(201)["rights"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_has_the_rights_that_its_creator_names_and_shows_them() {
    let world = World::start().await;
    let browser = world.browser(&world.sender, 3600);
    for creator in [&browser, &world.sender] {
        assert_eq!(created_rights(creator, json!({})).await, json!(DEFAULT));
        assert_eq!(created_rights(creator, json!({ "rights": null })).await, json!(DEFAULT));
        let all = json!(["payouts", "keys", "cards", "spend", "work", "read"]);
        let shown = json!(["read", "work", "spend", "cards", "keys", "payouts"]);
        assert_eq!(created_rights(creator, json!({ "rights": all })).await, shown, "in one order");
        let (_, reader) = create_key(creator, json!({ "rights": ["read", "read"] })).await;
        assert_eq!(reader.get("/api/keys").await.expect(200)[0]["rights"], json!(["read"]));
        expect_lack(&run(&reader, 100).await, "spend");
        expect_lack(&reader.post("/api/agents", json!({ "name": "A" })).await, "work");
    }
    assert_eq!(world.sender.balance().await, 20_000);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leaked_key_with_default_rights_takes_no_money_out_and_makes_no_keys() {
    let world = World::with(Options::funded()).await;
    let (_, leaked) = create_key(&world.browser(&world.sender, 3600), json!({})).await;
    expect_lack(&leaked.post_empty("/api/stripe/connect").await, "payouts");
    assert_eq!(leaked.get("/api/stripe/connect/status").await.expect(200)["status"], "not_connected");
    world.onboard(&world.sender).await;
    let amount = json!({ "amount_cents": 500 });
    expect_lack(&leaked.post("/api/wallet/withdraw", amount.clone()).await, "payouts");
    expect_lack(&leaked.post("/api/keys", json!({ "name": "k", "rights": ["payouts"] })).await, "keys");
    assert_eq!(world.sender.balance().await, 20_000, "nothing was debited");
    assert_eq!(world.count_events("transfer.created"), 0);
    let (_, trusted) =
        create_key(&world.browser(&world.sender, 3600), json!({ "rights": ["payouts"] })).await;
    trusted.post("/api/wallet/withdraw", amount).await.expect(201);
    assert_eq!(world.sender.balance().await, 19_500);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_cannot_give_rights_that_it_does_not_have() {
    let world = World::start().await;
    let maker = with_rights(&world, &world.sender, &[Right::Read, Right::Keys]).await;
    assert_eq!(created_rights(&maker, json!({})).await, json!(["read"]), "the default, as far as it has it");
    assert_eq!(created_rights(&maker, json!({ "rights": ["keys"] })).await, json!(["keys"]));
    for (rights, missing) in [(json!(["read", "payouts"]), "payouts"), (json!(["spend", "cards"]), "spend")] {
        expect_lack(&maker.post("/api/keys", json!({ "name": "k", "rights": rights })).await, missing);
    }
    let only_keys = with_rights(&world, &world.sender, &[Right::Keys]).await;
    expect_lack(&only_keys.post("/api/keys", json!({ "name": "k" })).await, "read");
    let listed = world.sender.get("/api/keys").await.expect(200);
    assert_eq!(listed.as_array().unwrap().len(), 5, "the refused keys were not created: {listed}");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unusable_rights_name_their_field_and_create_no_key() {
    let world = World::start().await;
    let limited = json!({ "per_drop_cents": 100 });
    for (body, code, field) in [
        (json!({ "rights": [] }), "invalid_rights", "/rights"),
        (json!({ "rights": ["read", "admin"] }), "invalid_rights", "/rights/1"),
        (json!({ "rights": ["Read"] }), "invalid_rights", "/rights/0"),
        (json!({ "rights": "read" }), "invalid_type", "/rights"),
        (json!({ "rights": [1] }), "invalid_type", "/rights/0"),
        (json!({ "rights": ["read", "keys"], "spend_policy": limited }), "invalid_rights", "/rights"),
    ] {
        let mut body = body;
        body["name"] = json!("k");
        world.sender.post("/api/keys", body).await.expect_field(400, code, field);
    }
    assert_eq!(world.sender.get("/api/keys").await.expect(200).as_array().unwrap().len(), 1);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_with_limits_reaches_no_card_and_no_bank_unless_its_creator_names_that() {
    let world = World::start().await;
    let policy = json!({ "per_day_cents": 0 });
    let plain = json!({ "spend_policy": policy });
    assert_eq!(created_rights(&world.sender, plain).await, json!(["read", "work", "spend"]));
    let named = json!({ "spend_policy": policy, "rights": ["cards", "payouts"] });
    assert_eq!(created_rights(&world.sender, named).await, json!(["cards", "payouts"]));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_from_before_rights_acts_like_one_with_default_rights() {
    let world = World::start().await;
    let without_rights = async |request: Value| {
        let key = world.sender.post("/api/keys", request).await.expect(201);
        let secret = key["secret"].as_str().unwrap();
        let hash = secret.parse::<ApiKey>().unwrap().hash();
        let text = |text: String| aws_sdk_dynamodb::types::AttributeValue::S(text);
        let update = world.table().update_item().table_name(TABLE).update_expression("REMOVE rights");
        let update =
            update.key("pk", text(format!("KEY#{}", hash.as_str()))).key("sk", text("KEY".to_owned()));
        update.send().await.unwrap();
        world.sender.with_authorization(&format!("Bearer {secret}"))
    };
    let old = without_rights(json!({ "name": "old", "rights": ["read"] })).await;
    assert_eq!(old.get("/api/keys").await.expect(200)[0]["rights"], json!(DEFAULT));
    old.post_empty("/api/wallet/setup-payment-method").await.expect(200);
    expect_lack(&old.post_empty("/api/stripe/connect").await, "payouts");
    let limited = json!({ "name": "old and limited", "spend_policy": { "per_day_cents": 0 } });
    let limited = without_rights(limited).await;
    assert_eq!(limited.get("/api/keys").await.expect(200)[0]["rights"], json!(["read", "work", "spend"]));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_revokes_itself_whatever_its_rights_and_others_only_with_the_right_to() {
    let world = World::start().await;
    let (own, worker) = create_key(&world.sender, json!({ "rights": ["work"] })).await;
    let (_, keeper) = create_key(&world.sender, json!({ "rights": ["keys"] })).await;
    let (other, reader) = create_key(&world.sender, json!({ "rights": ["read"] })).await;
    let revoke = async |client: &Client, id: &str| client.delete(&format!("/api/keys/{id}")).await;
    expect_lack(&revoke(&worker, &other).await, "keys");
    reader.get("/api/jobs").await.expect(200);
    revoke(&worker, &own).await.expect(204);
    revoke(&keeper, &other).await.expect(204);
    reader.get("/api/jobs").await.expect_error(401, "authentication_required");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_estimate_and_the_settings_of_topups_can_be_read_with_the_right_to_read() {
    let world = World::start().await;
    let reader = with_rights(&world, &world.sender, &[Right::Read]).await;
    let spender = with_rights(&world, &world.sender, &[Right::Spend, Right::Cards]).await;
    for body in [json!({ "prompt": "Roast this" }), json!({ "prompt": "Roast this", "confirmed": false })] {
        reader.post("/api/jobs/run", body.clone()).await.expect(200);
        expect_lack(&spender.post("/api/jobs/run", body).await, "read");
    }
    expect_lack(&run(&reader, 100).await, "spend");
    run(&spender, 100).await.expect(201);
    let settings = "/api/wallet/auto-topup";
    assert_eq!(reader.post(settings, json!({})).await.expect(200)["enabled"], false);
    expect_lack(&spender.post(settings, json!({})).await, "read");
    for change in
        [json!({ "enabled": false }), json!({ "amount_cents": 500 }), json!({ "threshold_cents": 0 })]
    {
        expect_lack(&reader.post(settings, change.clone()).await, "cards");
        spender.post(settings, change).await.expect(200);
    }
    assert_eq!(world.sender.balance().await, 19_900);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_can_be_uploaded_to_work_or_to_spend() {
    let world = World::start().await;
    let file = clorp_tests::client::announcement("notes.txt", "text/plain", b"Notes");
    for right in [Right::Work, Right::Spend] {
        let client = with_rights(&world, &world.sender, &[right]).await;
        client.post("/api/uploads", file.clone()).await.expect(201);
    }
    let reader = with_rights(&world, &world.sender, &[Right::Read, Right::Cards]).await;
    expect_lack(&reader.post("/api/uploads", file).await, "work");
    world.finish().await;
}
