//! `GET /api/users/{id}`.

use std::collections::BTreeSet;

use clorp_tests::World;
use serde_json::Value;

use super::support::fields;

#[tokio::test(flavor = "multi_thread")]
async fn a_users_own_account_has_exactly_the_documented_fields() {
    let world = World::start().await;
    let user = world.sender.get(&format!("/api/users/{}", world.sender.id)).await.expect(200);
    let names = [
        "id",
        "balance_cents",
        "name",
        "avatar_url",
        "stripe_customer_id",
        "stripe_account_id",
        "stripe_account_status",
        "created_at",
    ];
    assert_eq!(fields(&user), BTreeSet::from(names));
    assert_eq!((&user["id"], &user["name"]), (&world.sender.id.clone().into(), &"sender".into()));
    assert_eq!((&user["balance_cents"], &user["avatar_url"]), (&20_000.into(), &Value::Null));
    assert_eq!(user["stripe_account_status"], "not_connected");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_users_account_is_not_found() {
    let world = World::start().await;
    let unknown = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
    for id in [world.workers[0].id.as_str(), &world.stranger.id, unknown, "me", "%20", "..%2Fstatus"] {
        let answer = world.sender.get(&format!("/api/users/{id}")).await;
        answer.expect_error(404, "not_found");
        assert!(!answer.text.contains("worker"), "{}", answer.text);
    }
    world.finish().await;
}
