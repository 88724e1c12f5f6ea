//! `/api/agents` and `/api/agents/{id}`.

use std::collections::BTreeSet;

use clorp_domain::Rules;
use clorp_tests::{Client, Options, World};
use serde_json::{Value, json};

use super::support::{fields, ids, rest};

const ALL: &str = "/api/agents";

fn path(id: &str) -> String {
    format!("{ALL}/{id}")
}

async fn list(owner: &Client) -> Vec<Value> {
    owner.get(ALL).await.expect(200).as_array().unwrap().clone()
}

/// The id of a user's default agent.
async fn default_of(owner: &Client) -> String {
    let agents = list(owner).await;
    let mut defaults = agents.iter().filter(|agent| agent["is_default"] == true);
    let (one, None) = (defaults.next().unwrap(), defaults.next()) else { panic!("{agents:?}") };
    one["id"].as_str().unwrap().to_owned()
}

/// A request body with this name.
fn named(name: &str) -> Value {
    json!({ "name": name })
}

#[tokio::test(flavor = "multi_thread")]
async fn every_user_has_a_default_agent_with_the_users_name() {
    let world = World::start().await;
    let user = world.sender.get(&format!("/api/users/{}", world.sender.id)).await.expect(200);
    let agents = list(&world.sender).await;
    let zero = json!({ "S": 0, "A": 0, "B": 0, "C": 0, "D": 0, "F": 0 });
    let names = [
        "id",
        "name",
        "description",
        "is_default",
        "created_at",
        "updated_at",
        "races",
        "wins",
        "earnings_cents",
        "grades",
    ];
    assert_eq!(agents.len(), 1);
    assert_eq!(fields(&agents[0]), BTreeSet::from(names));
    let want = json!({
        "id": agents[0]["id"], "name": "sender", "description": null, "is_default": true,
        "created_at": user["created_at"], "updated_at": user["created_at"],
        "races": 0, "wins": 0, "earnings_cents": 0, "grades": zero,
    });
    assert_eq!(agents[0], want);
    assert_eq!(world.sender.get(&path(&default_of(&world.sender).await)).await.expect(200), want);
    assert_ne!(default_of(&world.stranger).await, default_of(&world.sender).await);
    assert_eq!(list(&world.sender).await, agents, "repeated reads agree");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_is_created_updated_and_deleted() {
    let world = World::start().await;
    let owner = &world.workers[0];
    let created =
        owner.post(ALL, json!({ "name": "  Ada ", "description": "Roasts\nREADMEs " })).await.expect(201);
    assert_eq!((&created["name"], &created["description"]), (&json!("Ada"), &json!("Roasts\nREADMEs")));
    assert_eq!((&created["is_default"], &created["created_at"]), (&json!(false), &created["updated_at"]));
    let id = created["id"].as_str().unwrap();
    assert_eq!(id.len(), 26);
    assert_eq!(owner.get(&path(id)).await.expect(200), created);

    world.advance_seconds(1);
    let renamed = owner.patch(&path(id), named("Adele")).await.expect(200);
    assert_eq!((&renamed["name"], &renamed["description"]), (&json!("Adele"), &created["description"]));
    assert_eq!(renamed["created_at"], created["created_at"]);
    assert!(renamed["updated_at"].as_str() > created["updated_at"].as_str());
    let updated = owner.patch(&path(id), json!({ "description": null })).await.expect(200);
    assert_eq!((&updated["name"], &updated["description"]), (&json!("Adele"), &Value::Null));
    for unchanged in [json!({}), named("Adele"), json!({ "description": " " })] {
        assert_eq!(owner.patch(&path(id), unchanged).await.expect(200), updated, "nothing changes");
    }
    assert_eq!(owner.get(&path(id)).await.expect(200), updated);

    assert_eq!(owner.delete(&path(id)).await.expect(204), Value::Null);
    owner.get(&path(id)).await.expect_error(404, "not_found");
    owner.patch(&path(id), named("Back")).await.expect_error(404, "not_found");
    owner.delete(&path(id)).await.expect_error(404, "not_found");
    assert_eq!(list(owner).await.len(), 1);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_field_is_refused_by_name_and_changes_nothing() {
    let world = World::start().await;
    let owner = &world.workers[0];
    let id = owner.make_agent("Ada").await;
    let before = list(owner).await;
    let long = "x".repeat(51);
    let long_description = "x".repeat(501);
    for (body, code, field) in [
        (named(""), "name_required", "/name"),
        (named(" \t"), "name_required", "/name"),
        (json!({ "name": null }), "name_required", "/name"),
        (named(&long), "name_too_long", "/name"),
        (named("a\u{0}b"), "invalid_name", "/name"),
        (named("a\u{202e}gnp.exe"), "invalid_name", "/name"),
        (named("two\nlines"), "invalid_name", "/name"),
        (json!({ "name": 7 }), "invalid_type", "/name"),
        (json!({ "name": "Bob", "description": long_description }), "description_too_long", "/description"),
        (json!({ "name": "Bob", "description": "\u{1b}[31m" }), "invalid_description", "/description"),
        (json!({ "name": "Bob", "description": ["x"] }), "invalid_type", "/description"),
        (json!({ "name": "Bob", "id": "x" }), "unknown_field", "/id"),
        (json!({ "name": "Bob", "is_default": true }), "unknown_field", "/is_default"),
        (json!({ "name": "Bob", "races": 1 }), "unknown_field", "/races"),
        (json!({ "name": "Bob", "wins": 1 }), "unknown_field", "/wins"),
        (json!({ "name": "Bob", "earnings_cents": 1 }), "unknown_field", "/earnings_cents"),
        (json!({ "name": "Bob", "grades": {} }), "unknown_field", "/grades"),
        (json!({ "name": "Bob", "claims": 0 }), "unknown_field", "/claims"),
        (json!({ "name": "Bob", "owner": "x" }), "unknown_field", "/owner"),
    ] {
        owner.post(ALL, body.clone()).await.expect_field(400, code, field);
        owner.patch(&path(&id), body).await.expect_field(400, code, field);
    }
    owner.post(ALL, json!({})).await.expect_field(400, "name_required", "/name");
    assert_eq!(list(owner).await, before);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn agent_names_are_unique_per_user_in_any_case_and_reusable_after_a_change() {
    let world = World::start().await;
    let (owner, other) = (&world.workers[0], &world.workers[1]);
    let ada = owner.make_agent("Ada").await;
    for taken in ["Ada", "aDA", " ADA ", "WORKER-1"] {
        owner.post(ALL, named(taken)).await.expect_error(409, "agent_name_taken");
    }
    other.make_agent("Ada").await;
    let grace = owner.make_agent("Grace").await;
    owner.patch(&path(&grace), named("ada")).await.expect_error(409, "agent_name_taken");
    assert_eq!(owner.get(&path(&grace)).await.expect(200)["name"], "Grace");
    assert_eq!(owner.patch(&path(&ada), named("ADA")).await.expect(200)["name"], "ADA", "its own name");
    owner.post(ALL, named("Ada")).await.expect_error(409, "agent_name_taken");

    owner.patch(&path(&ada), named("Adele")).await.expect(200);
    owner.patch(&path(&grace), named("Ada")).await.expect(200);
    owner.delete(&path(&ada)).await.expect(204);
    owner.make_agent("ADELE").await;
    let names: Vec<Value> = list(owner).await.iter().map(|agent| agent["name"].clone()).collect();
    assert_eq!(names, ["ADELE", "Ada", "worker-1"]);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_default_agent_can_be_renamed_but_not_deleted() {
    let world = World::start().await;
    // The names of users with and without another agent are stored differently.
    for (owner, has_another) in [(&world.workers[0], false), (&world.workers[1], true)] {
        if has_another {
            owner.make_agent("Ada").await;
        }
        let default = default_of(owner).await;
        let old = owner.get(&path(&default)).await.expect(200)["name"].as_str().unwrap().to_owned();
        owner.delete(&path(&default)).await.expect_error(409, "default_agent");
        let described = owner.patch(&path(&default), json!({ "description": "First" })).await.expect(200);
        assert_eq!((&described["name"], &described["is_default"]), (&json!(old), &json!(true)));
        let renamed = owner.patch(&path(&default), named("Prime")).await.expect(200);
        assert_eq!((&renamed["id"], &renamed["name"]), (&json!(default), &json!("Prime")));
        owner.delete(&path(&default)).await.expect_error(409, "default_agent");
        owner.post(ALL, named("prime")).await.expect_error(409, "agent_name_taken");
        owner.make_agent(&old).await;
        owner.patch(&path(&default), named(&old)).await.expect_error(409, "agent_name_taken");
        assert_eq!(default_of(owner).await, default);
        let user = owner.get(&format!("/api/users/{}", owner.id)).await.expect(200);
        assert_eq!(user["name"], old, "the account keeps its own name");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_list_agents_newest_first_with_the_default_agent_last() {
    let world = World::start().await;
    let owner = &world.workers[0];
    let mut expected = vec![default_of(owner).await];
    // The rename at the end of the first round stores the default agent in the table.
    for round in 0..2 {
        for i in 0..4 {
            world.advance_seconds(1);
            expected.insert(0, owner.make_agent(&format!("Agent {round} {i}")).await);
            for limit in [1, 2, 3, 4, 5, 9, 100] {
                let path = format!("{ALL}?limit={limit}");
                let shown = rest(owner, &path, None, "").await;
                assert_eq!(ids(&Value::Array(shown)), expected, "{path}");
            }
        }
        owner.patch(&path(expected.last().unwrap()), named("Prime")).await.expect(200);
    }
    assert_eq!(list(&world.workers[1]).await.len(), 1);
    for limit in [1, 2] {
        assert_eq!(rest(&world.workers[1], &format!("{ALL}?limit={limit}"), None, "").await.len(), 1);
    }
    for (query, field) in
        [("limit=0", "limit"), ("limit=101", "limit"), ("cursor=x", "cursor"), ("sort=wins", "sort")]
    {
        assert_eq!(owner.get(&format!("{ALL}?{query}")).await.expect(400)["field"], field, "{query}");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_users_agent_is_not_found() {
    let world = World::start().await;
    let (owner, other) = (&world.workers[0], &world.workers[1]);
    for id in [owner.make_agent("Ada").await, default_of(owner).await] {
        let before = owner.get(&path(&id)).await.expect(200);
        other.get(&path(&id)).await.expect_error(404, "not_found");
        other.patch(&path(&id), named("Mine")).await.expect_error(404, "not_found");
        other.delete(&path(&id)).await.expect_error(404, "not_found");
        assert_eq!(owner.get(&path(&id)).await.expect(200), before);
    }
    for id in ["01ARZ3NDEKTSV4RRFFQ69G5FAV", "no-id", "me"] {
        owner.get(&path(id)).await.expect_error(404, "not_found");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_cannot_exceed_the_agent_limit() {
    for (most, others) in [(4, 3), (1, 0)] {
        let rules = Rules { max_agents: most, ..Rules::default() };
        let world = World::with(Options { rules, ..Options::default() }).await;
        let owner = &world.workers[0];
        let mut created = Vec::new();
        for i in 0..others {
            created.push(owner.make_agent(&format!("Agent {i}")).await);
        }
        owner.post(ALL, named("One more")).await.expect_error(409, "too_many_agents");
        assert_eq!(list(owner).await.len(), others + 1);
        if let Some(one) = created.first() {
            owner.delete(&path(one)).await.expect(204);
            owner.make_agent("One more").await;
            owner.post(ALL, named("Another")).await.expect_error(409, "too_many_agents");
        }
        world.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_name_is_stored_as_plain_text() {
    let world = World::start().await;
    let owner = &world.workers[0];
    for name in [
        "<script>alert(1)</script>",
        "\"}], \"is_default\": true",
        "'; DROP TABLE agents; --",
        "{{7*7}} ${7*7} %00 %s",
        "../../USER#1",
        "name:#n0 :v0",
        "\u{1f469}\u{200d}\u{1f4bb} ロボット",
    ] {
        let answer = owner.post(ALL, named(name)).await;
        let agent = answer.expect(201);
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!((&agent["name"], &agent["is_default"]), (&json!(name), &json!(false)));
        let read = owner.get(&path(agent["id"].as_str().unwrap())).await;
        assert_eq!(read.expect(200), agent);
        assert_eq!(read.header("x-content-type-options"), Some("nosniff"));
        owner.post(ALL, named(name)).await.expect_error(409, "agent_name_taken");
    }
    world.finish().await;
}
