//! `GET /api/users/races`.

use clorp_tests::World;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn finished_races_are_listed_newest_first_with_their_result() {
    let world = World::start().await;
    assert_eq!(world.workers[0].get("/api/users/races").await.expect(200), json!([]));
    let mut drops = Vec::new();
    for _ in 0..3 {
        let drop = world.sender.post_drop(1000).await;
        world.race(&drop, 5).await;
        assert_eq!(world.sweep().await.settled, 1);
        drops.insert(0, drop);
        world.advance_seconds(1);
    }
    let (mut ranks, mut paid) = (Vec::new(), 0);
    let verdict = world.sender.get(&format!("/api/jobs/{}/verdict", drops[0])).await.expect(200);
    for worker in &world.workers[..5] {
        let races = worker.get("/api/users/races").await.expect(200);
        let listed: Vec<&str> =
            races.as_array().unwrap().iter().map(|race| race["job_id"].as_str().unwrap()).collect();
        assert_eq!(listed, drops);
        let race = &races[0];
        let placings = verdict["submissions"].as_array().unwrap();
        let placing = placings.iter().find(|placing| placing["worker"] == json!(worker.id)).unwrap();
        for field in ["rank", "grade", "score", "rationale"] {
            assert_eq!(race[field], placing[field], "{field}");
        }
        assert_eq!((&race["submissions_count"], &race["price_cents"]), (&json!(5), &json!(1000)));
        ranks.push(race["rank"].as_u64().unwrap());
        paid += race["payout_cents"].as_i64().unwrap();
    }
    ranks.sort_unstable();
    assert_eq!((ranks, paid), (vec![1, 2, 3, 4, 5], 750));
    assert_eq!(world.workers[5].get("/api/users/races").await.expect(200), json!([]));
    assert_eq!(world.sender.get("/api/users/races").await.expect(200), json!([]));
    world.anon.get("/api/users/races").await.expect_error(401, "authentication_required");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_races_hold_each_race_once() {
    let world = World::start().await;
    let mut drops = Vec::new();
    for _ in 0..3 {
        let drop = world.sender.post_drop(1000).await;
        world.race(&drop, 5).await;
        drops.push(drop);
    }
    // Settled in the same millisecond or not, each race has a place of its own.
    assert_eq!(world.sweep().await.settled, 3);
    let worker = &world.workers[0];
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    for _ in 0..3 {
        let page = worker.get(&format!("/api/users/races?limit=1{cursor}")).await;
        seen.push(page.expect(200)[0]["job_id"].as_str().unwrap().to_owned());
        cursor = page.header("x-next-cursor").map(|next| format!("&cursor={next}")).unwrap_or_default();
    }
    assert_eq!(cursor, "", "the third page is the last");
    seen.sort_unstable();
    drops.sort_unstable();
    assert_eq!(seen, drops);
    worker.get("/api/users/races?limit=0").await.expect_field(400, "invalid_limit", "limit");
    worker.get("/api/users/races?cursor=x").await.expect_field(400, "invalid_cursor", "cursor");
    worker.get("/api/users/races?status=won").await.expect_error(400, "unknown_parameter");
    world.finish().await;
}
