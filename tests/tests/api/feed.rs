//! `GET /api/feed`.

use std::collections::BTreeSet;

use clorp_tests::World;
use serde_json::{Value, json};

use super::support::{assert_without, complete, fields, ids, post, post_for, rest};

#[tokio::test(flavor = "multi_thread")]
async fn a_completed_drop_has_exactly_the_documented_fields() {
    let world = World::start().await;
    let drop = complete(&world, "code", 500, 3).await;
    let judged = world.sender.get(&format!("/api/jobs/{drop}")).await.expect(200);
    let feed = world.anon.get("/api/feed").await.expect(200);
    assert_eq!(feed.as_array().unwrap().len(), 1);
    let shown = &feed[0];
    let names = [
        "id",
        "title",
        "pack",
        "price_cents",
        "grade",
        "submissions_count",
        "completed_at",
        "winner_agent_name",
        "winning_excerpt",
    ];
    assert_eq!(fields(shown), BTreeSet::from(names));
    assert_eq!((&shown["id"], &shown["title"]), (&json!(drop), &json!("A code drop")));
    assert_eq!((&shown["pack"], &shown["price_cents"]), (&json!("code"), &json!(500)));
    assert_eq!((&shown["grade"], &shown["submissions_count"]), (&judged["grade"], &json!(3)));
    assert_eq!(shown["winning_excerpt"], judged["output_text"], "a short output is its own excerpt");
    assert!(shown["completed_at"].as_str().is_some_and(|at| at.len() == 24 && at.ends_with('Z')), "{shown}");
    assert!(shown["winner_agent_name"].as_str().is_some_and(|name| !name.is_empty()), "{shown}");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_completed_drops_are_in_the_feed() {
    let world = World::start().await;
    let cancelled = post(&world.sender, "roast", 100).await;
    world.sender.post_empty(&format!("/api/jobs/{cancelled}/cancel")).await.expect(200);
    post_for(&world.sender, "roast", 100, 30).await;
    world.advance_seconds(31);
    world.sweep().await;
    let full = post(&world.sender, "roast", 100).await;
    world.race(&full, 5).await;
    post(&world.sender, "roast", 100).await;
    assert_eq!(world.anon.get("/api/feed").await.expect(200), json!([]));
    world.sweep().await;
    assert_eq!(ids(&world.anon.get("/api/feed").await.expect(200)), [full]);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_feed_is_newest_first_filtered_by_pack_and_paged() {
    let world = World::start().await;
    let mut newest_first = Vec::new();
    for i in 0..9_usize {
        let pack = ["roast", "code", "wild"][i % 3];
        newest_first.insert(0, (complete(&world, pack, 100, 1).await, pack));
    }
    for limit in [1, 2, 4, 9, 50] {
        for only in [None, Some("roast"), Some("code"), Some("cook")] {
            let filter = only.map(|pack| format!("&pack={pack}")).unwrap_or_default();
            let path = format!("/api/feed?limit={limit}{filter}");
            let shown = rest(&world.anon, &path, None, "").await;
            let expected = newest_first.iter().filter(|(_, pack)| only.is_none_or(|only| only == *pack));
            let expected: Vec<String> = expected.map(|(id, _)| id.clone()).collect();
            assert_eq!(ids(&Value::Array(shown)), expected, "{path}");
        }
    }
    // A drop that completes meanwhile precedes the page and does not shift it.
    let first = world.anon.get("/api/feed?limit=4").await;
    let cursor = first.header("x-next-cursor").unwrap().to_owned();
    complete(&world, "roast", 100, 1).await;
    let later = rest(&world.anon, "/api/feed?limit=4", Some(cursor), "").await;
    let expected: Vec<String> = newest_first[4..].iter().map(|(id, _)| id.clone()).collect();
    assert_eq!(ids(&Value::Array(later)), expected);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_excerpt_has_at_most_280_characters_of_the_winning_output() {
    let world = World::start().await;
    let outputs = ["a word ".repeat(400), "x".repeat(5000), "\u{1f525}\u{e9}".repeat(700)];
    for output in &outputs {
        let drop = post(&world.sender, "roast", 100).await;
        world.workers[0].claim(&drop).await.expect(201);
        world.workers[0].submit(&drop, output).await.expect(201);
        world.advance_seconds(301);
        assert_eq!(world.sweep().await.settled, 1);
        let feed = world.anon.get("/api/feed?limit=1").await.expect(200);
        assert_eq!(feed[0]["id"], json!(drop));
        let excerpt = feed[0]["winning_excerpt"].as_str().unwrap();
        assert!((1..=280).contains(&excerpt.chars().count()), "{excerpt}");
        let beginning = excerpt.trim_end_matches(['\u{2026}', '.', ' ']);
        assert!(output.starts_with(beginning), "{excerpt}");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_feed_reveals_nothing_private() {
    let world = World::start().await;
    let body = json!({
        "prompt": "A public title\nand a body", "pack": "roast", "price_cents": 100, "confirmed": true,
        "envVars": { "SECRET_NAME": "secret-value" },
    });
    let drop = world.sender.post("/api/jobs/run", body).await.expect(201);
    let drop = drop["id"].as_str().unwrap();
    world.race(drop, 5).await;
    world.sweep().await;
    let submissions = world.sender.get(&format!("/api/jobs/{drop}/submissions")).await.expect(200);
    let losers = submissions.as_array().unwrap().iter().filter(|submission| submission["rank"] != 1);
    let losing: Vec<&str> = losers.map(|loser| loser["output_text"].as_str().unwrap()).collect();
    assert_eq!(losing.len(), 4);
    for client in [&world.anon, &world.sender] {
        let answer = client.get("/api/feed").await;
        assert_eq!(ids(&answer.expect(200)), [drop]);
        assert_without(&answer.text, ["SECRET_NAME", "secret-value", &world.sender.id]);
        assert_without(&answer.text, world.workers.iter().map(|worker| worker.id.as_str()));
        assert_without(&answer.text, losing.iter().copied());
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_feed_is_cacheable_and_refuses_bad_parameters() {
    let world = World::start().await;
    complete(&world, "roast", 100, 1).await;
    let first = world.anon.get("/api/feed").await;
    first.expect(200);
    assert!(first.header("cache-control").unwrap().contains("public"));
    let tag = first.header("etag").unwrap().to_owned();
    world.anon.get_with("/api/feed", &[("if-none-match", &tag)]).await.expect(304);
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("pack=grill", "pack"),
        ("cursor=x", "cursor"),
        ("sort=price", "sort"),
    ] {
        let body = world.anon.get(&format!("/api/feed?{query}")).await.expect(400);
        assert_eq!(body["field"], field, "{query}");
    }
    world.finish().await;
}
