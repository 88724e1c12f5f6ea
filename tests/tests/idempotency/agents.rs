//! Making agents under a key.

use clorp_tests::{Answer, Client};
use serde_json::json;

use super::crash::die_and_repeat;
use super::{assert_replay, is_replay, proxied};

async fn make(owner: &Client) -> Answer {
    owner.post("/api/agents", json!({ "name": "Ada", "description": "Roasts" })).await
}

async fn count(owner: &Client) -> usize {
    owner.get("/api/agents").await.expect(200).as_array().unwrap().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_is_made_once_and_found_again() {
    let world = proxied().await;
    // For the first agent of a user, and for another one.
    for others in 0..2 {
        let owner = &world.workers[others];
        for i in 0..others {
            owner.make_agent(&format!("Other {i}")).await;
        }
        let keyed = owner.keyed("k");
        let (first, again) = die_and_repeat(&world, async || make(&keyed).await).await;
        assert_eq!(first.expect(201), again.expect(201));
        assert_eq!(count(owner).await, others + 2);
        make(owner).await.expect_error(409, "agent_name_taken");
        make(&owner.keyed("l")).await.expect_error(409, "agent_name_taken");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repetition_finds_the_agent_as_it_has_become() {
    let world = proxied().await;
    let owner = &world.workers[0];
    let keyed = owner.keyed("k");
    let first = make(&keyed).await;
    let path = format!("/api/agents/{}", first.expect(201)["id"].as_str().unwrap());
    let renamed = owner.patch(&path, json!({ "name": "Adele" })).await.expect(200);
    assert_replay(&make(&keyed).await, &first);

    let keyed = owner.keyed("l");
    let (_, again) = die_and_repeat(&world, async || {
        let made = make(&keyed).await;
        let path = format!("/api/agents/{}", made.json()["id"].as_str().unwrap_or("none"));
        owner.patch(&path, json!({ "description": null })).await;
        made
    })
    .await;
    assert!(again.expect(201)["description"].is_null() && !is_replay(&again));
    assert_eq!(count(owner).await, 3);
    assert_eq!(owner.get(&path).await.expect(200), renamed);
    world.finish().await;
}
