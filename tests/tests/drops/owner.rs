//! Slots belong to users, not to keys: one for each worker, and none for the sender.

use clorp_tests::World;
use futures::future::join;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn two_keys_of_one_user_share_one_slot_and_one_submission() {
    let world = World::start().await;
    let drop = world.sender.post_drop(1000).await;
    let one = &world.workers[0];
    let other = world.with_key(one, |key| key).await;
    let claimed = one.claim(&drop).await.expect(201);
    assert_eq!(other.claim(&drop).await.expect(200), claimed);
    let receipt = other.submit(&drop, "By the other key").await.expect(201);
    assert_eq!(one.submit(&drop, "By the other key").await.expect(200), receipt);
    one.submit(&drop, "Another output").await.expect_error(409, "already_submitted");
    let seen = world.sender.get(&format!("/api/jobs/{drop}")).await.expect(200);
    assert_eq!((&seen["claims_count"], &seen["submissions_count"]), (&json!(1), &json!(1)));

    let second = world.sender.post_drop(1000).await;
    let (a, b) = join(one.claim(&second), other.claim(&second)).await;
    let mut statuses = [a.status.as_u16(), b.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 201]);
    assert_eq!(world.sender.get(&format!("/api/jobs/{second}")).await.expect(200)["claims_count"], 1);
    // Either key can release the slot.
    other.release(&second).await.expect(200);
    one.submit(&second, "Too late").await.expect_error(403, "not_a_claimant");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_cannot_work_on_their_own_drop_with_another_key() {
    let world = World::start().await;
    let drop = world.sender.post_drop(1000).await;
    let other = world.with_key(&world.sender, |key| key).await;
    assert_eq!(other.id, world.sender.id);
    other.claim(&drop).await.expect_error(403, "own_drop");
    other.post_empty(&format!("/api/jobs/{drop}/reserve")).await.expect_error(403, "own_drop");
    other.submit(&drop, "By myself").await.expect_error(403, "own_drop");
    other.release(&drop).await.expect_error(403, "own_drop");
    assert_eq!(world.sender.get(&format!("/api/jobs/{drop}")).await.expect(200)["claims_count"], 0);
    // Either key can cancel the drop.
    other.post_empty(&format!("/api/jobs/{drop}/cancel")).await.expect(200);
    assert_eq!(world.sender.balance().await, 20_000);
    world.finish().await;
}
