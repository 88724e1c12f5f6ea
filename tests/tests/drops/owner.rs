//! Slots belong to owners, not to keys or accounts: one for each owner, and none for the sender's.

use clorp_domain::owner::{Link, OwnerMark};
use clorp_tests::{Client, World};
use futures::future::{join, join_all};
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

async fn link(world: &World, user: &Client, mark: &OwnerMark) -> Link {
    world.store.owners().link(&user.id.parse().unwrap(), mark, world.clock().now()).await.unwrap()
}

fn joined(user: &Client) -> Link {
    Link::Joined(user.id.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_with_one_card_share_one_slot_and_have_none_on_their_own_drops() {
    let world = World::start().await;
    let card = OwnerMark::card("fingerprint");
    let [first, second, third, other] = [0, 1, 2, 3].map(|n| &world.workers[n]);
    assert_eq!(link(&world, first, &card).await, Link::Known);
    for user in [second, third] {
        assert_eq!(link(&world, user, &card).await, joined(first));
        assert_eq!(link(&world, user, &card).await, Link::Known, "a link is made once");
    }
    let drop = world.sender.post_drop(1000).await;
    second.claim(&drop).await.expect(201);
    for user in [first, third] {
        user.claim(&drop).await.expect_error(409, "owner_holds_slot");
    }
    second.claim(&drop).await.expect(200);
    other.claim(&drop).await.expect(201);
    // A released slot frees its owner, and the account that stands for all of them is bound as well.
    second.release(&drop).await.expect(200);
    first.claim(&drop).await.expect(201);
    for user in [second, third] {
        user.claim(&drop).await.expect_error(409, "owner_holds_slot");
    }
    assert_eq!(world.sender.get(&format!("/api/jobs/{drop}")).await.expect(200)["claims_count"], 2);

    for poster in [first, second] {
        let own = poster.post_drop(100).await;
        for user in [first, second, third] {
            user.claim(&own).await.expect_error(403, "own_drop");
        }
        other.claim(&own).await.expect(201);
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_linked_through_others_are_one_owner_in_any_order() {
    let world = World::start().await;
    let [a, b, c, d] = [0, 1, 2, 3].map(|n| &world.workers[n]);
    let (card, bank) = (OwnerMark::card("x"), OwnerMark::bank_account("x"));
    link(&world, a, &card).await;
    assert_eq!(link(&world, b, &card).await, joined(a));
    link(&world, c, &bank).await;
    assert_eq!(link(&world, d, &bank).await, joined(c));
    let before = world.sender.post_drop(500).await;
    a.claim(&before).await.expect(201);
    d.claim(&before).await.expect(201);
    // The two groups turn out to be one. What was known at the time of a claim stays.
    assert_eq!(link(&world, b, &bank).await, joined(c));
    assert_eq!(link(&world, d, &card).await, Link::Known);
    let after = world.sender.post_drop(500).await;
    b.claim(&after).await.expect(201);
    for user in [a, c, d] {
        user.claim(&after).await.expect_error(409, "owner_holds_slot");
    }
    for worker in [a, d] {
        worker.submit(&before, &format!("A tagline by {}", worker.id)).await.expect(201);
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_claims_of_one_owner_take_one_slot_and_concurrent_links_make_one_owner() {
    let world = World::start().await;
    let card = OwnerMark::card("shared");
    let users = &world.workers[..5];
    join_all(users.iter().map(|user| link(&world, user, &card))).await;
    let banks = ["1", "2", "3"].map(OwnerMark::bank_account);
    let links = users.iter().zip(banks.iter().cycle()).map(|(user, bank)| link(&world, user, bank));
    join_all(links).await;
    let drop = world.sender.post_drop(1000).await;
    let answers = join_all(users.iter().map(|user| user.claim(&drop))).await;
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status.as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409, 409, 409]);
    assert_eq!(world.sender.get(&format!("/api/jobs/{drop}")).await.expect(200)["claims_count"], 1);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slot_that_another_worker_takes_over_frees_its_owner() {
    let world = World::start().await;
    let card = OwnerMark::card("fingerprint");
    let [first, second] = [0, 1].map(|n| &world.workers[n]);
    link(&world, first, &card).await;
    link(&world, second, &card).await;
    let drop = world.sender.post_drop(1000).await;
    second.claim(&drop).await.expect(201);
    for worker in &world.workers[2..6] {
        worker.claim(&drop).await.expect(201);
        worker.submit(&drop, &format!("A tagline by {}", worker.id)).await.expect(201);
    }
    world.advance_seconds(121);
    first.claim(&drop).await.expect_error(409, "owner_holds_slot");
    world.workers[6].claim(&drop).await.expect(201);
    world.workers[6].release(&drop).await.expect(200);
    first.claim(&drop).await.expect(201);
    world.finish().await;
}
