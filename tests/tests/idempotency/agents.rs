//! Creations of agents under a key.

use clorp_tests::{Answer, Client};
use serde_json::json;

use super::crash::crash_and_retry;
use super::{assert_replay, is_replay, start_proxied};

async fn create(owner: &Client) -> Answer {
    owner.post("/api/agents", json!({ "name": "Ada", "description": "Roasts" })).await
}

async fn count_agents(owner: &Client) -> usize {
    owner.get("/api/agents").await.expect(200).as_array().unwrap().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retried_creation_makes_one_agent() {
    let world = start_proxied().await;
    // A user's first agent is created differently from later ones.
    for others in 0..2 {
        let owner = &world.workers[others];
        for i in 0..others {
            owner.make_agent(&format!("Other {i}")).await;
        }
        let keyed = owner.keyed("k");
        let (first, retry) = crash_and_retry(&world, async || create(&keyed).await).await;
        assert_eq!(first.expect(201), retry.expect(201));
        assert_eq!(count_agents(owner).await, others + 2);
        create(owner).await.expect_error(409, "agent_name_taken");
        create(&owner.keyed("l")).await.expect_error(409, "agent_name_taken");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_after_a_crash_returns_the_agents_current_state() {
    let world = start_proxied().await;
    let owner = &world.workers[0];
    let keyed = owner.keyed("k");
    let first = create(&keyed).await;
    let path = format!("/api/agents/{}", first.expect(201)["id"].as_str().unwrap());
    let renamed = owner.patch(&path, json!({ "name": "Adele" })).await.expect(200);
    assert_replay(&create(&keyed).await, &first);

    let keyed = owner.keyed("l");
    let (_, retry) = crash_and_retry(&world, async || {
        let answer = create(&keyed).await;
        let path = format!("/api/agents/{}", answer.json()["id"].as_str().unwrap_or("none"));
        owner.patch(&path, json!({ "description": null })).await;
        answer
    })
    .await;
    assert!(retry.expect(201)["description"].is_null() && !is_replay(&retry));
    assert_eq!(count_agents(owner).await, 3);
    assert_eq!(owner.get(&path).await.expect(200), renamed);
    world.finish().await;
}
