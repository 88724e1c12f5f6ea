//! `GET /api/agents/directory`.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clorp_tests::{Client, World};
use reqwest::Method;
use serde_json::{Value, json};

use super::support::{assert_without, fields, ids, post, rest};

const DIRECTORY: &str = "/api/agents/directory";

/// Posts a drop, has these workers submit for these agents, and has it judged.
async fn race(world: &World, price_cents: i64, racers: &[(&Client, Option<&str>)]) {
    let drop = post(&world.sender, "roast", price_cents).await;
    for (i, (worker, agent)) in racers.iter().enumerate() {
        match agent {
            Some(agent) => worker.claim_for(&drop, agent).await.expect(201),
            None => worker.claim(&drop).await.expect(201),
        };
        let output = format!("Tagline {i}: still compiling since {} - roast number {i}", 1990 + i);
        worker.submit(&drop, &output).await.expect(201);
    }
    world.advance_seconds(301);
    assert_eq!(world.sweep().await.settled, 1);
}

async fn directory(world: &World) -> Vec<Value> {
    world.anon.get(DIRECTORY).await.expect(200).as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_has_won_is_listed_with_exactly_the_documented_fields() {
    let world = World::start().await;
    let worker = &world.workers[0];
    let ada = worker.post("/api/agents", json!({ "name": "Ada", "description": "Roasts" })).await.expect(201);
    let ada = ada["id"].as_str().unwrap();
    assert_eq!(directory(&world).await, Vec::<Value>::new(), "no agent has won");
    race(&world, 1000, &[(worker, Some(ada))]).await;
    let listed = directory(&world).await;
    assert_eq!(listed.len(), 1);
    let names = ["id", "name", "description", "wins", "races", "earnings_cents", "grades", "created_at"];
    assert_eq!(fields(&listed[0]), BTreeSet::from(names));
    let own = worker.get(&format!("/api/agents/{ada}")).await.expect(200);
    for name in names {
        assert_eq!(listed[0][name], own[name], "{name}");
    }
    assert_eq!((&own["wins"], &own["races"], &own["earnings_cents"]), (&json!(1), &json!(1), &json!(750)));

    worker.patch(&format!("/api/agents/{ada}"), json!({ "name": "Adele" })).await.expect(200);
    assert_eq!(directory(&world).await[0]["name"], "Adele");
    worker.delete(&format!("/api/agents/{ada}")).await.expect(204);
    assert_eq!(directory(&world).await, Vec::<Value>::new(), "a deleted agent is not listed");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_has_raced_is_listed_from_its_first_win_on() {
    let world = World::start().await;
    let racers = [(&world.workers[0], None), (&world.workers[1], None)];
    race(&world, 1000, &racers).await;
    let listed = directory(&world).await;
    assert_eq!(listed.len(), 1, "the one that lost is not listed");
    let mut losers = Vec::new();
    for (worker, _) in racers {
        let agents = worker.get("/api/agents").await.expect(200);
        if agents[0]["id"] != listed[0]["id"] {
            losers.push((worker, agents[0].clone()));
        }
    }
    let [(loser, agent)] = losers.try_into().unwrap();
    assert_eq!((&agent["races"], &agent["wins"]), (&json!(1), &json!(0)));
    race(&world, 1000, &[(loser, None)]).await;
    let listed = directory(&world).await;
    let own =
        listed.iter().find(|listed| listed["id"] == agent["id"]).expect("the winner of the second race");
    assert_eq!((&own["races"], &own["wins"], &own["earnings_cents"]), (&json!(2), &json!(1), &json!(750)));
    assert_eq!(listed.len(), 2);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_order_lists_the_highest_first_and_its_pages_neither_skip_nor_repeat() {
    let world = World::start().await;
    let mut agents: Vec<(&Client, Option<String>)> = Vec::new();
    for worker in &world.workers {
        agents.push((worker, None));
        agents.push((worker, Some(worker.make_agent("Second").await)));
    }
    // Some agents race alone and win, some race against others, and several reach the same figures.
    for (i, (worker, agent)) in agents.iter().enumerate() {
        race(&world, [300, 1000, 300][i % 3], &[(worker, agent.as_deref())]).await;
        if i % 2 == 0 && i >= 4 {
            let racers: Vec<_> = agents[..5].iter().step_by(2).map(|(w, a)| (*w, a.as_deref())).collect();
            race(&world, 300, &racers).await;
        }
    }
    let all = directory(&world).await;
    assert_eq!(all.len(), agents.len());
    let everybody: BTreeSet<String> = ids(&json!(all)).into_iter().collect();
    for (sort, figure) in [("earnings", "earnings_cents"), ("wins", "wins")] {
        let mut orders = BTreeSet::new();
        for limit in [1, 2, 3, 5, 13, 14, 100] {
            let path = format!("{DIRECTORY}?sort={sort}&limit={limit}");
            let shown = rest(&world.anon, &path, None, "").await;
            let figures: Vec<i64> = shown.iter().map(|agent| agent[figure].as_i64().unwrap()).collect();
            assert!(figures.is_sorted_by(|a, b| a >= b), "{path}: {figures:?}");
            assert!(figures.iter().collect::<BTreeSet<_>>().len() < figures.len(), "no figures are equal");
            let order = ids(&Value::Array(shown));
            assert_eq!(order.iter().cloned().collect::<BTreeSet<_>>(), everybody, "{path}");
            assert_eq!(order.len(), everybody.len(), "{path} repeats");
            orders.insert(order);
        }
        assert_eq!(orders.len(), 1, "the order depends on the page size");
    }
    assert_eq!(rest(&world.anon, &format!("{DIRECTORY}?sort=earnings"), None, "").await, all);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_directory_is_cacheable_and_refuses_bad_parameters() {
    let world = World::start().await;
    race(&world, 1000, &[(&world.workers[0], None)]).await;
    let first = world.anon.get(DIRECTORY).await;
    first.expect(200);
    assert!(first.header("cache-control").unwrap().contains("public"));
    let tag = first.header("etag").unwrap().to_owned();
    world.anon.get_with(DIRECTORY, &[("if-none-match", &tag)]).await.expect(304);
    race(&world, 1000, &[(&world.workers[1], None)]).await;
    world.anon.get_with(DIRECTORY, &[("if-none-match", &tag)]).await.expect(200);

    let cursor = world.anon.get(&format!("{DIRECTORY}?limit=1")).await;
    let cursor = cursor.header("x-next-cursor").unwrap().to_owned();
    for (query, field) in [
        ("limit=0".to_owned(), "limit"),
        ("limit=101".to_owned(), "limit"),
        ("sort=name".to_owned(), "sort"),
        ("sort=".to_owned(), "sort"),
        ("cursor=x".to_owned(), "cursor"),
        (format!("sort=wins&cursor={cursor}"), "cursor"),
        // `directory.earnings` with an invalid position.
        ("cursor=ZGlyZWN0b3J5LmVhcm5pbmdzIHg".to_owned(), "cursor"),
        (
            "cursor=ZGlyZWN0b3J5LmVhcm5pbmdzIDk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5"
                .to_owned(),
            "cursor",
        ),
        ("owner=me".to_owned(), "owner"),
    ] {
        let body = world.anon.get(&format!("{DIRECTORY}?{query}")).await.expect(400);
        assert_eq!(body["field"], field, "{query}");
    }
    for method in [Method::POST, Method::PATCH, Method::DELETE] {
        let answer = world.sender.send(method, DIRECTORY, None, &[]).await;
        answer.expect_error(405, "method_not_allowed");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_directory_reveals_nothing_private() {
    let world = World::start().await;
    for worker in &world.workers[..3] {
        race(&world, 1000, &[(worker, None)]).await;
    }
    for client in [&world.anon, &world.workers[0]] {
        for sort in ["earnings", "wins"] {
            let answer = client.get(&format!("{DIRECTORY}?sort={sort}&limit=1")).await;
            assert_eq!(answer.expect(200).as_array().unwrap().len(), 1);
            let users = world.workers.iter().map(|worker| worker.id.as_str());
            assert_without(&answer.text, users.clone());
            let cursor = answer.header("x-next-cursor").unwrap();
            let decoded = URL_SAFE_NO_PAD.decode(cursor).unwrap();
            assert_without(&String::from_utf8(decoded).unwrap(), users);
        }
    }
    world.finish().await;
}
