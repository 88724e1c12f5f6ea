//! `GET /api/users/status`.

use clorp_tests::{Client, World};
use serde_json::{Value, json};

use super::support::{ids, post};

async fn work(client: &Client) -> Value {
    client.get("/api/users/status").await.expect(200)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claimed_drop_is_listed_until_it_is_completed() {
    let world = World::start().await;
    let drop = post(&world.sender, "roast", 500).await;
    assert_eq!(work(&world.workers[0]).await, json!([]));
    world.workers[0].claim(&drop).await.expect(201);
    world.workers[0].claim(&drop).await.expect(200);
    let posted = world.sender.get(&format!("/api/jobs/{drop}")).await.expect(200);
    let listed = |status: &str| json!([{ "id": drop, "status": status, "title": "A roast drop", "created_at": posted["created_at"] }]);
    assert_eq!(work(&world.workers[0]).await, listed("open"));
    assert_eq!(work(&world.sender).await, json!([]), "posting is not working");
    assert_eq!(work(&world.stranger).await, json!([]));
    world.race_rest(&drop).await;
    for worker in &world.workers[..5] {
        assert_eq!(work(worker).await, listed("ranking"));
    }
    assert_eq!(world.sweep().await.settled, 1);
    for worker in &world.workers[..5] {
        assert_eq!(work(worker).await, json!([]));
    }
    world.finish().await;
}

/// Fills a drop on which the first worker already holds a claim.
trait RaceRest {
    async fn race_rest(&self, drop: &str);
}

impl RaceRest for World {
    async fn race_rest(&self, drop: &str) {
        for (i, worker) in self.workers[..5].iter().enumerate() {
            worker.claim(drop).await.expect(if i == 0 { 200 } else { 201 });
            worker.submit(drop, &format!("Still compiling since {}", 1990 + i)).await.expect(201);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_or_expired_drop_is_not_listed() {
    let world = World::start().await;
    let worker = &world.workers[0];
    let (cancelled, expired) =
        (post(&world.sender, "roast", 100).await, post(&world.sender, "roast", 100).await);
    worker.claim(&cancelled).await.expect(201);
    world.advance_seconds(1);
    worker.claim(&expired).await.expect(201);
    let mut both = ids(&work(worker).await);
    both.sort_unstable();
    let mut expected = vec![cancelled.clone(), expired.clone()];
    expected.sort_unstable();
    assert_eq!(both, expected);
    world.sender.post_empty(&format!("/api/jobs/{cancelled}/cancel")).await.expect(200);
    assert_eq!(ids(&work(worker).await), [expired]);
    world.advance_seconds(301);
    world.sweep().await;
    assert_eq!(work(worker).await, json!([]));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_whose_lapsed_claim_is_taken_over_loses_the_drop_from_the_list() {
    let world = World::start().await;
    let drop = post(&world.sender, "roast", 100).await;
    for worker in &world.workers[..5] {
        worker.claim(&drop).await.expect(201);
    }
    world.workers[5].claim(&drop).await.expect_error(409, "max_claims_reached");
    assert_eq!(work(&world.workers[5]).await, json!([]));
    world.advance_seconds(121);
    // The claims have lapsed, but no worker has taken one over, so all workers keep theirs.
    for worker in &world.workers[..5] {
        assert_eq!(ids(&work(worker).await), [drop.as_str()]);
    }
    world.workers[5].claim(&drop).await.expect(201);
    let mut listed = Vec::new();
    for worker in &world.workers[..6] {
        listed.push(ids(&work(worker).await).len());
    }
    assert_eq!(listed.iter().sum::<usize>(), 5, "{listed:?}");
    assert_eq!(listed[5], 1, "{listed:?}");
    world.finish().await;
}
