//! Concurrent changes of agents: creations, renames, deletions, claims and settlements.

use std::collections::BTreeMap;

use clorp_domain::agent::agent_not_found;
use clorp_domain::{Claim, Rules};
use clorp_store::Conditional;
use clorp_tests::{Answer, Client, Options, World};
use futures::future::{join, join_all};
use rand::RngExt;
use serde_json::{Value, json};

use super::{ROUNDS, read, tally};

async fn create(owner: &Client, name: &str) -> Answer {
    owner.post("/api/agents", json!({ "name": name })).await
}

async fn agents(owner: &Client) -> Vec<Value> {
    owner.get("/api/agents?limit=100").await.expect(200).as_array().unwrap().clone()
}

async fn delete(owner: &Client, id: &str) -> Answer {
    owner.delete(&format!("/api/agents/{id}")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_creations_with_one_name_yield_exactly_one_agent() {
    let world = World::start().await;
    for owner in &world.workers[..4] {
        let answers = join_all((0..12).map(|i| create(owner, if i % 2 == 0 { "Ada" } else { "ADA" }))).await;
        assert_eq!(tally(&answers), [(201, 1), (409, 11)].into());
        for refused in answers.iter().filter(|answer| answer.status == 409) {
            refused.expect_error(409, "agent_name_taken");
        }
        assert_eq!(agents(owner).await.len(), 2);
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_agent_and_a_renamed_default_agent_never_share_a_name() {
    let world = World::start().await;
    for owner in &world.workers {
        let default = agents(owner).await[0]["id"].as_str().unwrap().to_owned();
        let path = format!("/api/agents/{default}");
        let renamed = owner.patch(&path, json!({ "name": "Ada" }));
        let (created, renamed) = join(create(owner, "ada"), renamed).await;
        assert_ne!(created.status == 201, renamed.status == 200, "{} {}", created.text, renamed.text);
        let refused = if created.status == 201 { &renamed } else { &created };
        refused.expect_error(409, "agent_name_taken");
        let names: Vec<Value> = agents(owner).await.iter().map(|agent| agent["name"].clone()).collect();
        let count = names.iter().filter(|name| name.as_str().unwrap().to_lowercase() == "ada").count();
        assert_eq!(count, 1, "{names:?}");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_creations_never_exceed_the_agent_limit() {
    let rules = Rules { max_agents: 5, ..Rules::default() };
    let world = World::with(Options { rules, ..Options::default() }).await;
    for owner in &world.workers[..3] {
        let names: Vec<String> = (0..16).map(|i| format!("Agent {i}")).collect();
        let answers = join_all(names.iter().map(|name| create(owner, name))).await;
        assert_eq!(tally(&answers), [(201, 4), (409, 12)].into());
        for refused in answers.iter().filter(|answer| answer.status == 409) {
            refused.expect_error(409, "too_many_agents");
        }
        assert_eq!(agents(owner).await.len(), 5);
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_with_an_active_claim_is_never_deleted() {
    let world = World::start().await;
    for round in 0..3 * ROUNDS {
        let drop = world.sender.post_drop(100).await;
        let owner = &world.workers[round % 7];
        let id = owner.make_agent("Ada").await;
        let (claimed, deleted) = if round % 2 == 0 {
            join(owner.claim_for(&drop, &id), delete(owner, &id)).await
        } else {
            let (deleted, claimed) = join(delete(owner, &id), owner.claim_for(&drop, &id)).await;
            (claimed, deleted)
        };
        let agent = owner.get(&format!("/api/agents/{id}")).await;
        if deleted.status == 204 {
            agent.expect_error(404, "not_found");
            claimed.expect_field(400, "agent_not_found", "/agentId");
            assert_eq!(read(&world.sender, &drop).await["claims_count"], 0);
        } else {
            agent.expect(200);
            deleted.expect_error(409, "agent_has_active_work");
            assert_eq!(claimed.expect(201)["your_claim"]["agent_id"], json!(id));
            world.sender.post_empty(&format!("/api/jobs/{drop}/cancel")).await.expect(200);
            delete(owner, &id).await.expect(204);
        }
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_based_on_a_stale_agent_is_not_applied() {
    let world = World::start().await;
    let (store, owner) = (&world.store, &world.workers[0]);
    let (user, drop) = (owner.id.parse().unwrap(), world.sender.post_drop(100).await);
    let id = owner.make_agent("Ada").await;
    let before = store.agents().get(&user, id.parse().unwrap()).await.unwrap().unwrap();
    owner.claim_for(&drop, &id).await.expect(201);
    assert_eq!(
        store.agents().delete(&before).await.unwrap(),
        Conditional::Conflict(()),
        "a claim was made meanwhile"
    );
    world.sender.post_empty(&format!("/api/jobs/{drop}/cancel")).await.expect(200);
    assert_eq!(
        store.agents().delete(&before).await.unwrap(),
        Conditional::Conflict(()),
        "the claim has ended, but the agent still differs"
    );

    let open = world.sender.post_drop(100).await.parse().unwrap();
    let open = store.drops().get(open).await.unwrap().unwrap();
    let now = open.next_change_at(world.clock().now());
    let claim = Claim { claimed_at: now, lease_expires_at: now, submitted_at: None, agent: before.id };
    delete(owner, &id).await.expect(204);
    let refused = store.drops().claim(&open, (&user, &user), &claim, None).await;
    assert_eq!(refused, Err(agent_not_found().into()), "the agent is deleted");
    assert!(store.work().active(&user).await.unwrap().is_empty());
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_with_an_unsettled_submission_is_never_deleted() {
    let world = World::start().await;
    for round in 0..2 * ROUNDS {
        let drop = world.sender.post_drop(100).await;
        let worker = &world.workers[round % 7];
        let id = worker.make_agent("Ada").await;
        worker.claim(&drop).await.expect(201);
        let body = json!({ "output_text": "An output", "agentId": id });
        let (submitted, deleted) =
            join(worker.post(&format!("/api/jobs/{drop}/submit"), body), delete(worker, &id)).await;
        let claim = read(worker, &drop).await["your_claim"].clone();
        if deleted.status == 204 {
            submitted.expect_field(400, "agent_not_found", "/agentId");
            assert_eq!((&claim["submitted_at"], claim["agent_id"] == json!(id)), (&Value::Null, false));
        } else {
            deleted.expect_error(409, "agent_has_active_work");
            submitted.expect(201);
            assert_eq!(claim["agent_id"], json!(id));
        }
        world.advance_seconds(300);
        assert_eq!(world.sweep().await.settled, 1);
        if deleted.status != 204 {
            delete(worker, &id).await.expect(204);
        }
    }
    world.finish().await;
}

/// The expected record of an agent.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    races: i64,
    wins: i64,
    earnings_cents: i64,
    grades: BTreeMap<String, i64>,
}

/// Posts a drop at a random price, for which random workers race concurrently with random agents.
async fn random_race(world: &World, agents: &[Vec<String>]) -> String {
    let any = |most: usize| rand::rng().random_range(0..=most);
    let drop = world.sender.post_drop([100, 333, 500][any(2)]).await;
    let first = any(world.workers.len() - 1);
    let racers = (0..1 + any(4)).map(|n| (first + n) % world.workers.len());
    let runs = racers.map(async |i| {
        let (worker, own) = (&world.workers[i], &agents[i]);
        let agent = &own[any(own.len() - 1)];
        worker.claim_for(&drop, agent).await.expect(201);
        let mut body =
            json!({ "output_text": format!("Tagline {i} of {drop}: compiling since {}", 1990 + i) });
        if any(2) > 0 {
            body["agentId"] = json!(own[any(own.len() - 1)]);
        }
        worker.post(&format!("/api/jobs/{drop}/submit"), body).await.expect(201);
    });
    join_all(runs).await;
    drop
}

#[tokio::test(flavor = "multi_thread")]
async fn agent_records_match_the_verdicts_after_concurrent_settlements() {
    let world = World::start().await;
    let mut owned = Vec::new();
    for worker in &world.workers {
        let created = [worker.make_agent("Second").await, worker.make_agent("Third").await];
        let all = agents(worker).await;
        let default = all.iter().find(|agent| agent["is_default"] == true).unwrap();
        owned.push([created.to_vec(), vec![default["id"].as_str().unwrap().to_owned()]].concat());
    }
    let mut drops = Vec::new();
    for _ in 0..4 {
        drops.extend(join_all((0..4).map(|_| random_race(&world, &owned))).await);
        world.advance_seconds(300);
        let (one, other) = join(world.rankings[0].sweep(), world.rankings[1].sweep()).await;
        assert_eq!(one.unwrap().settled + other.unwrap().settled, 4);
    }
    let mut expected: BTreeMap<String, Tally> = BTreeMap::new();
    let mut paid = 0;
    for drop in &drops {
        let payout = read(&world.sender, drop).await["payout_cents"].as_i64().unwrap();
        paid += payout;
        let submissions = world.sender.get(&format!("/api/jobs/{drop}/submissions")).await.expect(200);
        for submission in submissions.as_array().unwrap() {
            let tally = expected.entry(submission["agent_id"].as_str().unwrap().to_owned()).or_default();
            tally.races += 1;
            *tally.grades.entry(submission["grade"].as_str().unwrap().to_owned()).or_default() += 1;
            if submission["rank"] == 1 {
                tally.wins += 1;
                tally.earnings_cents += payout;
            }
        }
    }
    let mut earned = 0;
    for agent in join_all(world.workers.iter().map(agents)).await.into_iter().flatten() {
        let number = |field: &str| agent[field].as_i64().unwrap();
        let grades = agent["grades"].as_object().unwrap().iter();
        let grades = grades.map(|(grade, count)| (grade.clone(), count.as_i64().unwrap()));
        let counted = Tally {
            races: number("races"),
            wins: number("wins"),
            earnings_cents: number("earnings_cents"),
            grades: grades.filter(|(_, count)| *count > 0).collect(),
        };
        earned += counted.earnings_cents;
        assert_eq!(counted, expected.remove(agent["id"].as_str().unwrap()).unwrap_or_default(), "{agent}");
    }
    assert_eq!(expected, BTreeMap::new(), "each racing agent has an owner");
    assert_eq!(earned, paid, "earnings equal payouts");
    let wins: i64 = world
        .anon
        .get("/api/agents/directory")
        .await
        .expect(200)
        .as_array()
        .unwrap()
        .iter()
        .map(|agent| agent["wins"].as_i64().unwrap())
        .sum();
    assert_eq!(wins, i64::try_from(drops.len()).unwrap());
    world.finish().await;
}
