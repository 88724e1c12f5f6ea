//! The agents to which claims, submissions and wins are credited.

use clorp_tests::{Answer, Client, World};
use serde_json::{Value, json};

/// The id of a user's default agent.
async fn default_of(owner: &Client) -> String {
    let agents = owner.get("/api/agents").await.expect(200);
    let default = agents.as_array().unwrap().iter().find(|agent| agent["is_default"] == true).unwrap();
    default["id"].as_str().unwrap().to_owned()
}

async fn agent(owner: &Client, id: &str) -> Value {
    owner.get(&format!("/api/agents/{id}")).await.expect(200)
}

async fn delete(owner: &Client, id: &str) -> Answer {
    owner.delete(&format!("/api/agents/{id}")).await
}

async fn submit_as(worker: &Client, drop: &str, output: &str, agent: &str) -> Answer {
    let body = json!({ "output_text": output, "agentId": agent });
    worker.post(&format!("/api/jobs/{drop}/submit"), body).await
}

/// The agent of a worker's claim.
async fn claiming_agent(worker: &Client, drop: &str) -> Value {
    worker.get(&format!("/api/jobs/{drop}")).await.expect(200)["your_claim"]["agent_id"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_is_credited_to_the_agent_it_names_or_to_the_default_one() {
    let world = World::start().await;
    let drop = world.sender.post_drop(1000).await;
    let (ada, bob, eve) = (&world.workers[0], &world.workers[1], &world.workers[2]);
    let second = ada.make_agent("Second").await;
    let claimed = ada.claim_for(&drop, &second).await.expect(201);
    assert_eq!(claimed["your_claim"]["agent_id"], json!(second));
    assert_eq!(bob.claim(&drop).await.expect(201)["your_claim"]["agent_id"], json!(default_of(bob).await));
    let eves_default = default_of(eve).await;
    assert_eq!(
        eve.claim_for(&drop, &eves_default).await.expect(201)["your_claim"]["agent_id"],
        json!(eves_default)
    );
    let unnamed = world.workers[3].post(&format!("/api/jobs/{drop}/claim"), json!({ "agentId": null })).await;
    assert_eq!(unnamed.expect(201)["your_claim"]["agent_id"], json!(default_of(&world.workers[3]).await));

    let repeated = ada.claim_for(&drop, &default_of(ada).await).await.expect(200);
    assert_eq!(repeated["your_claim"], claimed["your_claim"], "a held claim does not change");
    assert_eq!(ada.claim(&drop).await.expect(200)["your_claim"], claimed["your_claim"]);
    assert_eq!(claiming_agent(ada, &drop).await, json!(second));
    let seen = world.sender.get(&format!("/api/jobs/{drop}")).await;
    assert!(!seen.text.contains(&second) && seen.expect(200)["your_claim"].is_null(), "{}", seen.text);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_is_not_the_callers_is_refused_and_nothing_changes() {
    let world = World::start().await;
    let drop = world.sender.post_drop(1000).await;
    let (worker, other) = (&world.workers[0], &world.workers[1]);
    let deleted = worker.make_agent("Gone").await;
    delete(worker, &deleted).await.expect(204);
    let others = [other.make_agent("Theirs").await, default_of(other).await, deleted];
    let others = others.iter().map(String::as_str);
    let bad: Vec<&str> = others.chain(["01ARZ3NDEKTSV4RRFFQ69G5FAV", "", "no-id", "../USER"]).collect();
    for agent in &bad {
        worker.claim_for(&drop, agent).await.expect_field(400, "agent_not_found", "/agentId");
    }
    worker.get(&format!("/api/jobs/{drop}")).await.expect(404);
    worker.claim(&drop).await.expect(201);
    for agent in &bad {
        let refused = submit_as(worker, &drop, "An output", agent).await;
        refused.expect_field(400, "agent_not_found", "/agentId");
    }
    let seen = world.sender.get(&format!("/api/jobs/{drop}")).await.expect(200);
    assert_eq!((&seen["claims_count"], &seen["submissions_count"]), (&json!(1), &json!(0)));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_submission_for_another_agent_moves_the_work_to_that_agent() {
    let world = World::start().await;
    let worker = &world.workers[0];
    let (first, second) = (worker.make_agent("First").await, worker.make_agent("Second").await);
    let default = default_of(worker).await;
    for (from, to) in [(&first, &second), (&second, &default), (&default, &first), (&first, &first)] {
        let before = [agent(worker, from).await, agent(worker, to).await];
        let drop = world.sender.post_drop(1000).await;
        worker.claim_for(&drop, from).await.expect(201);
        submit_as(worker, &drop, "An output", to).await.expect(201);
        assert_eq!(claiming_agent(worker, &drop).await, json!(to));
        // A retry of the submission does not change the agent.
        submit_as(worker, &drop, "An output", from).await.expect(200);
        assert_eq!(claiming_agent(worker, &drop).await, json!(to));
        world.advance_seconds(300);
        assert_eq!(world.sweep().await.settled, 1);
        let races = |agent: &Value| agent["races"].as_i64().unwrap();
        assert_eq!(races(&agent(worker, to).await), races(&before[1]) + 1);
        if from != to {
            assert_eq!(agent(worker, from).await, before[0]);
        }
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_can_be_deleted_only_without_active_work() {
    let world = World::start().await;
    let (worker, sender) = (&world.workers[0], &world.sender);
    let (first, second) = (worker.make_agent("First").await, worker.make_agent("Second").await);

    // Deletion is possible once another agent has the work, or once the work is paid.
    let drop = sender.post_drop(1000).await;
    worker.claim_for(&drop, &first).await.expect(201);
    delete(worker, &first).await.expect_error(409, "agent_has_active_work");
    submit_as(worker, &drop, "An output", &second).await.expect(201);
    delete(worker, &first).await.expect(204);
    delete(worker, &second).await.expect_error(409, "agent_has_active_work");
    world.advance_seconds(300);
    delete(worker, &second).await.expect_error(409, "agent_has_active_work");
    assert_eq!(world.sweep().await.settled, 1);
    delete(worker, &second).await.expect(204);
    assert_eq!(worker.balance().await, 1750, "the winnings remain");

    // Deletion is possible once the drop is cancelled or has expired.
    let third = worker.make_agent("Third").await;
    let drop = sender.post_drop(1000).await;
    worker.claim_for(&drop, &third).await.expect(201);
    sender.post_empty(&format!("/api/jobs/{drop}/cancel")).await.expect(200);
    let drop = sender.post_drop(1000).await;
    worker.claim_for(&drop, &third).await.expect(201);
    delete(worker, &third).await.expect_error(409, "agent_has_active_work");
    world.advance_seconds(300);
    assert_eq!(world.sweep().await.settled, 1);
    delete(worker, &third).await.expect(204);

    // Deletion is possible once another worker has taken over the slot.
    let fourth = worker.make_agent("Fourth").await;
    let drop = sender.post_drop(1000).await;
    worker.claim_for(&drop, &fourth).await.expect(201);
    for other in &world.workers[1..5] {
        other.claim(&drop).await.expect(201);
        other.submit(&drop, &format!("By {}", other.id)).await.expect(201);
    }
    world.advance_seconds(121);
    delete(worker, &fourth).await.expect_error(409, "agent_has_active_work");
    world.workers[5].claim(&drop).await.expect(201);
    delete(worker, &fourth).await.expect(204);
    world.sweep().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_settlement_updates_the_agents_records_and_preserves_their_names() {
    let world = World::start().await;
    let drop = world.sender.post_drop(1000).await;
    let mut agents = Vec::new();
    for (i, worker) in world.workers[..3].iter().enumerate() {
        let id = if i == 0 { default_of(worker).await } else { worker.make_agent("Racer").await };
        worker.claim_for(&drop, &id).await.expect(201);
        worker.submit(&drop, &format!("Tagline {i}: compiling since {}", 1990 + i)).await.expect(201);
        agents.push(id);
    }
    // A worker who claims and does not submit has not raced.
    world.workers[3].claim(&drop).await.expect(201);
    let submissions = format!("/api/jobs/{drop}/submissions");
    for submission in world.sender.get(&submissions).await.expect(200).as_array().unwrap() {
        assert_eq!(
            (&submission["agent_id"], &submission["agent_name"]),
            (&Value::Null, &Value::Null),
            "sealed"
        );
    }
    world.advance_seconds(300);
    assert_eq!(world.sweep().await.settled, 1);
    let racer = format!("/api/agents/{}", agents[1]);
    world.workers[1].patch(&racer, json!({ "name": "Renamed" })).await.expect(200);
    let judged = world.sender.get(&submissions).await.expect(200);
    let judged = judged.as_array().unwrap();
    assert_eq!(judged.len(), 3);
    for submission in judged {
        let i = world.workers.iter().position(|worker| submission["worker"] == json!(worker.id)).unwrap();
        let name = if i == 0 { "worker-1" } else { "Racer" };
        assert_eq!((&submission["agent_id"], &submission["agent_name"]), (&json!(agents[i]), &json!(name)));
        let record = agent(&world.workers[i], &agents[i]).await;
        let won = submission["rank"] == 1;
        let want = (json!(1), json!(i32::from(won)), json!(if won { 750 } else { 0 }));
        assert_eq!(
            (&record["races"], &record["wins"], &record["earnings_cents"]),
            (&want.0, &want.1, &want.2)
        );
        for (grade, count) in record["grades"].as_object().unwrap() {
            assert_eq!(*count, json!(i32::from(submission["grade"] == json!(grade))), "{record}");
        }
    }
    let winner = judged.iter().find(|submission| submission["rank"] == 1).unwrap();
    let feed = world.anon.get("/api/feed").await.expect(200);
    assert_eq!(feed[0]["winner_agent_name"], winner["agent_name"]);
    let idle = agent(&world.workers[3], &default_of(&world.workers[3]).await).await;
    assert_eq!((&idle["races"], &idle["wins"]), (&json!(0), &json!(0)));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_claimant_among_the_agents_owners_can_read_the_drop() {
    let world = World::start().await;
    let drop = world.sender.post_drop(1000).await;
    let (worker, other) = (&world.workers[0], &world.workers[1]);
    let ada = worker.make_agent("Ada").await;
    other.make_agent("Ada").await;
    worker.claim_for(&drop, &ada).await.expect(201);
    worker.submit(&drop, "An output").await.expect(201);
    world.advance_seconds(300);
    for settled in [false, true] {
        if settled {
            assert_eq!(world.sweep().await.settled, 1);
        }
        worker.get(&format!("/api/jobs/{drop}")).await.expect(200);
        other.get(&format!("/api/jobs/{drop}")).await.expect_error(404, "not_found");
        other.get(&format!("/api/jobs/{drop}/verdict")).await.expect_error(404, "not_found");
    }
    // The claimant can read the drop even after the agent's deletion.
    delete(worker, &ada).await.expect(204);
    let seen = worker.get(&format!("/api/jobs/{drop}")).await.expect(200);
    assert_eq!(seen["your_claim"]["agent_id"], json!(ada));
    world.finish().await;
}
