//! Whose agent a claim, a submission and a win are credited to.

use clorp_tests::{Answer, Client, World};
use serde_json::{Value, json};

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

/// The agent that a claimant's claim is for.
async fn claimed_for(worker: &Client, drop: &str) -> Value {
    worker.get(&format!("/api/jobs/{drop}")).await.expect(200)["your_claim"]["agent_id"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_is_for_the_agent_it_names_or_else_for_the_default_one() {
    let world = World::start().await;
    let drop = world.sender.post_drop(1000).await;
    let (ada, bob, eve) = (&world.workers[0], &world.workers[1], &world.workers[2]);
    let second = ada.make_agent("Second").await;
    let claimed = ada.claim_for(&drop, &second).await.expect(201);
    assert_eq!(claimed["your_claim"]["agent_id"], json!(second));
    assert_eq!(bob.claim(&drop).await.expect(201)["your_claim"]["agent_id"], json!(default_of(bob).await));
    let eves = default_of(eve).await;
    assert_eq!(eve.claim_for(&drop, &eves).await.expect(201)["your_claim"]["agent_id"], json!(eves));
    let nobody = world.workers[3].post(&format!("/api/jobs/{drop}/claim"), json!({ "agentId": null })).await;
    assert_eq!(nobody.expect(201)["your_claim"]["agent_id"], json!(default_of(&world.workers[3]).await));

    let again = ada.claim_for(&drop, &default_of(ada).await).await.expect(200);
    assert_eq!(again["your_claim"], claimed["your_claim"], "a claim that is held stays as it is");
    assert_eq!(ada.claim(&drop).await.expect(200)["your_claim"], claimed["your_claim"]);
    assert_eq!(claimed_for(ada, &drop).await, json!(second));
    let seen = world.sender.get(&format!("/api/jobs/{drop}")).await;
    assert!(!seen.text.contains(&second) && seen.expect(200)["your_claim"].is_null(), "{}", seen.text);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_is_not_the_callers_is_refused_and_nothing_happens() {
    let world = World::start().await;
    let drop = world.sender.post_drop(1000).await;
    let (worker, other) = (&world.workers[0], &world.workers[1]);
    let gone = worker.make_agent("Gone").await;
    delete(worker, &gone).await.expect(204);
    let others = [other.make_agent("Theirs").await, default_of(other).await, gone];
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
async fn a_submission_for_another_agent_takes_the_work_from_the_one_that_claimed() {
    let world = World::start().await;
    let worker = &world.workers[0];
    let (first, second) = (worker.make_agent("First").await, worker.make_agent("Second").await);
    let default = default_of(worker).await;
    for (from, to) in [(&first, &second), (&second, &default), (&default, &first), (&first, &first)] {
        let before = [agent(worker, from).await, agent(worker, to).await];
        let drop = world.sender.post_drop(1000).await;
        worker.claim_for(&drop, from).await.expect(201);
        submit_as(worker, &drop, "An output", to).await.expect(201);
        assert_eq!(claimed_for(worker, &drop).await, json!(to));
        // The very same again changes nothing any more.
        submit_as(worker, &drop, "An output", from).await.expect(200);
        assert_eq!(claimed_for(worker, &drop).await, json!(to));
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
async fn an_agent_cannot_be_deleted_while_it_has_work_and_can_afterwards() {
    let world = World::start().await;
    let (worker, sender) = (&world.workers[0], &world.sender);
    let (first, second) = (worker.make_agent("First").await, worker.make_agent("Second").await);

    // Until the work is another agent's, and that is paid.
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
    assert_eq!(worker.balance().await, 1750, "what was won stays");

    // Until the drop is cancelled, or has expired.
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

    // Until somebody else has taken the slot.
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
async fn a_settlement_counts_on_the_agents_and_shows_how_they_were_called() {
    let world = World::start().await;
    let drop = world.sender.post_drop(1000).await;
    let mut agents = Vec::new();
    for (i, worker) in world.workers[..3].iter().enumerate() {
        let id = if i == 0 { default_of(worker).await } else { worker.make_agent("Racer").await };
        worker.claim_for(&drop, &id).await.expect(201);
        worker.submit(&drop, &format!("Tagline {i}: compiling since {}", 1990 + i)).await.expect(201);
        agents.push(id);
    }
    // One who claims and does not submit has not raced.
    world.workers[3].claim(&drop).await.expect(201);
    let submissions = format!("/api/jobs/{drop}/submissions");
    for made in world.sender.get(&submissions).await.expect(200).as_array().unwrap() {
        assert_eq!((&made["agent_id"], &made["agent_name"]), (&Value::Null, &Value::Null), "sealed");
    }
    world.advance_seconds(300);
    assert_eq!(world.sweep().await.settled, 1);
    let racer = format!("/api/agents/{}", agents[1]);
    world.workers[1].patch(&racer, json!({ "name": "Renamed" })).await.expect(200);
    let judged = world.sender.get(&submissions).await.expect(200);
    let judged = judged.as_array().unwrap();
    assert_eq!(judged.len(), 3);
    for made in judged {
        let i = world.workers.iter().position(|worker| made["worker"] == json!(worker.id)).unwrap();
        let name = if i == 0 { "worker-1" } else { "Racer" };
        assert_eq!((&made["agent_id"], &made["agent_name"]), (&json!(agents[i]), &json!(name)));
        let counted = agent(&world.workers[i], &agents[i]).await;
        let won = made["rank"] == 1;
        let want = (json!(1), json!(i32::from(won)), json!(if won { 750 } else { 0 }));
        assert_eq!(
            (&counted["races"], &counted["wins"], &counted["earnings_cents"]),
            (&want.0, &want.1, &want.2)
        );
        for (grade, count) in counted["grades"].as_object().unwrap() {
            assert_eq!(*count, json!(i32::from(made["grade"] == json!(grade))), "{counted}");
        }
    }
    let winner = judged.iter().find(|made| made["rank"] == 1).unwrap();
    let feed = world.anon.get("/api/feed").await.expect(200);
    assert_eq!(feed[0]["winner_agent_name"], winner["agent_name"]);
    let idle = agent(&world.workers[3], &default_of(&world.workers[3]).await).await;
    assert_eq!((&idle["races"], &idle["wins"]), (&json!(0), &json!(0)));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_those_with_agents_only_the_claimant_reads_the_drop() {
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
    // Also when the agent is no more.
    delete(worker, &ada).await.expect(204);
    let seen = worker.get(&format!("/api/jobs/{drop}")).await.expect(200);
    assert_eq!(seen["your_claim"]["agent_id"], json!(ada));
    world.finish().await;
}
