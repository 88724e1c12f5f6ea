//! `/api/keys`.

use clorp_tests::{Options, World};
use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use super::create_key;

async fn revoke(caller: &clorp_tests::Client, id: &str) -> clorp_tests::Answer {
    caller.send(Method::DELETE, &format!("/api/keys/{id}"), None, &[]).await
}

/// The ids in the caller's list of keys.
async fn listed(caller: &clorp_tests::Client, query: &str) -> Vec<String> {
    let keys = caller.get(&format!("/api/keys{query}")).await.expect(200);
    keys.as_array().unwrap().iter().map(|key| key["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_key_works_and_shows_its_secret_once() {
    let world = World::start().await;
    let key = world.sender.post("/api/keys", json!({ "name": " my agent " })).await.expect(201);
    let secret = key["secret"].as_str().unwrap();
    assert!(secret.starts_with(key["prefix"].as_str().unwrap()) && secret.len() == 42, "{key}");
    assert_eq!(key["name"], "my agent");
    assert_eq!((&key["last_used_at"], &key["expires_at"]), (&Value::Null, &Value::Null));
    let client = world.anon.with_authorization(&format!("Bearer {secret}"));
    assert_eq!(client.post_empty("/api/whoami").await.expect(200)["user"]["id"], world.sender.id.as_str());

    let list = world.sender.get("/api/keys").await;
    assert!(!list.text.contains(&secret[12..]), "the list shows a secret");
    let listed = list.json();
    assert_eq!(listed.as_array().unwrap().len(), 2, "the new key and the one that created it");
    assert_eq!(listed[0]["id"], key["id"], "newest first");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_does_not_store_a_keys_secret() {
    let world = World::start().await;
    let key = world.sender.keyed("once").post("/api/keys", json!({ "name": "k" })).await.expect(201);
    let secret = key["secret"].as_str().unwrap();
    let stored = world.table().scan().table_name(clorp_tests::world::TABLE).send().await.unwrap();
    let stored = format!("{:?}", stored.items());
    assert!(stored.contains(key["id"].as_str().unwrap()), "the table was read");
    assert!(!stored.contains(secret) && !stored.contains(&secret[12..]), "the secret is in the table");
    let replay = world.sender.keyed("once").post("/api/keys", json!({ "name": "k" })).await;
    let mut expected = key.clone();
    expected["secret"] = Value::Null;
    assert_eq!(replay.expect(201), expected, "the replay shows the same key without its secret");
    assert_eq!(listed(&world.sender, "").await.len(), 2);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_key_is_refused_by_every_instance_from_the_next_request_on() {
    let world = World::start().await;
    let (id, client) = create_key(&world.sender, json!({})).await;
    for _ in 0..3 {
        client.post_empty("/api/whoami").await.expect(200);
    }
    revoke(&world.stranger, &id).await.expect_error(404, "not_found");
    client.post_empty("/api/whoami").await.expect(200);
    assert_eq!(revoke(&world.sender, &id).await.expect(204), Value::Null);
    for _ in 0..6 {
        client.post_empty("/api/whoami").await.expect_error(401, "authentication_required");
    }
    revoke(&world.sender, &id).await.expect_error(404, "not_found");
    assert!(!listed(&world.sender, "").await.contains(&id));
    world.sender.post_empty("/api/whoami").await.expect(200);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_can_revoke_itself() {
    let world = World::start().await;
    let (id, client) = create_key(&world.sender, json!({})).await;
    revoke(&client, &id).await.expect(204);
    revoke(&client, &id).await.expect_error(401, "authentication_required");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_key_is_refused() {
    let world = World::start().await;
    let in_an_hour = world.clock().now().as_second() + 3600;
    let expires_at = jiff::Timestamp::from_second(in_an_hour).unwrap().to_string();
    let (id, client) = create_key(&world.sender, json!({ "expires_at": expires_at })).await;
    client.post_empty("/api/whoami").await.expect(200);
    world.advance_seconds(3601);
    client.post_empty("/api/whoami").await.expect_error(401, "authentication_required");
    assert!(listed(&world.sender, "").await.contains(&id), "its owner still sees it");
    for bad in ["yesterday", "2020-01-01T00:00:00Z", ""] {
        let answer = world.sender.post("/api/keys", json!({ "name": "k", "expires_at": bad })).await;
        answer.expect_field(400, "invalid_expiry", "/expires_at");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_request_names_its_field_and_creates_no_key() {
    let world = World::start().await;
    for (body, code, field) in [
        (json!({}), "name_required", "/name"),
        (json!({ "name": "  " }), "name_required", "/name"),
        (json!({ "name": "x".repeat(101) }), "name_too_long", "/name"),
        (json!({ "name": "a\u{0}b" }), "invalid_name", "/name"),
        (json!({ "name": "k", "prefix": "clorp_" }), "unknown_field", "/prefix"),
        (
            json!({ "name": "k", "spend_policy": { "per_week_cents": 1 } }),
            "unknown_field",
            "/spend_policy/per_week_cents",
        ),
        (
            json!({ "name": "k", "spend_policy": { "per_day_cents": -1 } }),
            "invalid_limit",
            "/spend_policy/per_day_cents",
        ),
        (
            json!({ "name": "k", "spend_policy": { "per_drop_cents": "5" } }),
            "invalid_type",
            "/spend_policy/per_drop_cents",
        ),
    ] {
        world.sender.post("/api/keys", body).await.expect_field(400, code, field);
    }
    assert_eq!(listed(&world.sender, "").await.len(), 1);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_list_every_key_exactly_once() {
    let world = World::start().await;
    for _ in 0..6 {
        create_key(&world.sender, json!({})).await;
    }
    let all = listed(&world.sender, "").await;
    assert_eq!(all.len(), 7);
    let (mut paged, mut cursor) = (Vec::new(), String::new());
    for _ in 0..4 {
        let page = world.sender.get(&format!("/api/keys?limit=2{cursor}")).await;
        let ids = page.expect(200);
        paged.extend(ids.as_array().unwrap().iter().map(|key| key["id"].as_str().unwrap().to_owned()));
        match page.header("x-next-cursor") {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(paged, all);
    world.sender.get("/api/keys?cursor=x").await.expect_field(400, "invalid_cursor", "cursor");
    assert_eq!(listed(&world.stranger, "").await.len(), 1, "each user sees only their own keys");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_creations_never_exceed_the_key_limit() {
    let rules = clorp_domain::Rules { max_keys: 5, ..clorp_tests::unlimited() };
    let world = World::with(Options { rules, ..Options::default() }).await;
    let requests = (0..12).map(|_| world.sender.post("/api/keys", json!({ "name": "one of many" })));
    let answers = join_all(requests).await;
    let created: Vec<_> = answers.iter().filter(|answer| answer.status.as_u16() == 201).collect();
    assert_eq!(created.len(), 4, "beside the key of the requests");
    for answer in answers.iter().filter(|answer| answer.status.as_u16() != 201) {
        answer.expect_error(409, "too_many_keys");
    }
    let one = created[0].json()["id"].as_str().unwrap().to_owned();
    let revoked = join_all((0..4).map(|_| revoke(&world.sender, &one))).await;
    assert_eq!(revoked.iter().filter(|answer| answer.status.as_u16() == 204).count(), 1);
    create_key(&world.sender, json!({})).await;
    world.sender.post("/api/keys", json!({ "name": "k" })).await.expect_error(409, "too_many_keys");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_use_of_a_key_is_recorded_at_most_once_an_hour() {
    let world = World::with(Options { proxied: true, ..Options::default() }).await;
    let proxy = world.proxy.as_ref().unwrap();
    let (_, client) = create_key(&world.sender, json!({})).await;
    let writes = async |n: usize| {
        proxy.take_calls();
        for _ in 0..n {
            client.get("/api/wallet/balance").await.expect(200);
        }
        proxy.take_calls().iter().filter(|call| call.operation == "UpdateItem").count()
    };
    assert_eq!(writes(5).await, 1);
    assert_eq!(writes(5).await, 0);
    let recorded = client.get("/api/keys").await.expect(200)[0]["last_used_at"].clone();
    assert!(recorded.is_string(), "{recorded}");
    world.advance_seconds(3600);
    assert_eq!(writes(5).await, 1);
    assert_ne!(client.get("/api/keys").await.expect(200)[0]["last_used_at"], recorded);
    world.finish().await;
}
