//! `GET /api/board/stats`.

use clorp_tests::World;
use serde_json::{Value, json};

use super::support::{complete, post, post_for, post_pending};

async fn stats(world: &World) -> Value {
    world.anon.get("/api/board/stats").await.expect(200)
}

fn totals(open: i64, bounty: i64, completed: i64, submissions: i64, paid_out: i64) -> Value {
    json!({
        "open_drops": open, "open_bounty_cents": bounty, "completed_drops": completed,
        "submissions": submissions, "paid_out_cents": paid_out,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_totals_follow_drops_from_opening_to_every_end() {
    let world = World::start().await;
    assert_eq!(stats(&world).await, totals(0, 0, 0, 0, 0));
    post_pending(&world.stranger).await;
    assert_eq!(stats(&world).await, totals(0, 0, 0, 0, 0), "an unpaid drop counts for nothing");
    let cancelled = post(&world.sender, "roast", 300).await;
    post_for(&world.sender, "code", 500, 30).await;
    assert_eq!(stats(&world).await, totals(2, 800, 0, 0, 0));
    for _ in 0..2 {
        world.sender.post_empty(&format!("/api/jobs/{cancelled}/cancel")).await.expect(200);
        assert_eq!(stats(&world).await, totals(1, 500, 0, 0, 0), "cancelled");
    }
    world.advance_seconds(31);
    world.sweep().await;
    assert_eq!(stats(&world).await, totals(0, 0, 0, 0, 0), "expired");
    complete(&world, "roast", 1000, 2).await;
    assert_eq!(stats(&world).await, totals(0, 0, 1, 2, 750), "completed");
    complete(&world, "wild", 500, 1).await;
    world.sweep().await;
    assert_eq!(stats(&world).await, totals(0, 0, 2, 3, 1100), "a second drop completed");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_totals_are_cacheable_and_revalidate() {
    let world = World::start().await;
    let first = world.anon.get("/api/board/stats").await;
    first.expect(200);
    assert!(first.header("cache-control").unwrap().contains("public"));
    let tag = first.header("etag").unwrap().to_owned();
    let unchanged = world.anon.get_with("/api/board/stats", &[("if-none-match", &tag)]).await;
    unchanged.expect(304);
    assert_eq!(unchanged.text, "");
    post(&world.sender, "roast", 100).await;
    world.anon.get_with("/api/board/stats", &[("if-none-match", &tag)]).await.expect(200);
    world.finish().await;
}
