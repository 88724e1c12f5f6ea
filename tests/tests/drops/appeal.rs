//! `POST /api/jobs/{id}/appeal`.

use clorp_tests::{Client, World};
use futures::future::join_all;
use serde_json::{Value, json};

async fn judged(world: &World) -> (String, Client, Client) {
    let drop = world.sender.post_drop(1000).await;
    world.race(&drop, 5).await;
    assert_eq!(world.sweep().await.settled, 1);
    let verdict = verdict(&world.sender, &drop).await;
    let of = |rank: usize| {
        let worker = verdict["submissions"][rank]["worker"].as_str().unwrap();
        world.workers.iter().find(|client| client.id == worker).unwrap().clone()
    };
    (drop, of(0), of(4))
}

async fn verdict(client: &Client, drop: &str) -> Value {
    client.get(&format!("/api/jobs/{drop}/verdict")).await.expect(200)
}

fn path(drop: &str) -> String {
    format!("/api/jobs/{drop}/appeal")
}

#[tokio::test(flavor = "multi_thread")]
async fn each_side_gets_one_second_opinion_and_money_stays_as_settled() {
    let world = World::start().await;
    let (drop, winner, loser) = judged(&world).await;
    assert_eq!(verdict(&world.sender, &drop).await["appeals"], json!([]));
    let balances = async || join_all(world.workers.iter().map(Client::balance)).await;
    let before = balances().await;

    let asked = world.sender.post_empty(&path(&drop)).await.expect(202);
    assert_eq!((&asked["side"], &asked["status"]), (&json!("sender"), &json!("pending")));
    assert_eq!((&asked["opinion"], &asked["changes_winner"]), (&Value::Null, &Value::Null));
    assert_eq!(world.sender.post_empty(&path(&drop)).await.expect(200), asked);
    let asked = loser.post_empty(&path(&drop)).await.expect(202);
    assert_eq!(asked["side"], "workers");
    // The workers are one side.
    let other = world.workers[..5].iter().find(|w| w.id != winner.id && w.id != loser.id).unwrap();
    assert_eq!(other.post_empty(&path(&drop)).await.expect(200), asked);

    let swept = world.sweep().await;
    assert_eq!((swept.settled, swept.heard, swept.failed), (0, 2, 0));
    let judged = verdict(&winner, &drop).await;
    let appeals = judged["appeals"].as_array().unwrap();
    assert_eq!(appeals.len(), 2);
    for appeal in appeals {
        assert_eq!((&appeal["status"], &appeal["changes_winner"]), (&json!("decided"), &json!(false)));
        assert_eq!(appeal["opinion"]["judge"], judged["judge"]);
        assert_eq!(appeal["opinion"]["submissions"], judged["submissions"]);
    }
    assert_eq!(world.sender.post_empty(&path(&drop)).await.expect(200)["status"], "decided");
    assert_eq!(balances().await, before);
    assert_eq!(world.sweep().await.heard, 0);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_side_that_could_gain_may_appeal() {
    let world = World::start().await;
    let open = world.sender.post_drop(1000).await;
    world.workers[6].claim(&open).await.expect(201);
    world.sender.post_empty(&path(&open)).await.expect_error(409, "verdict_not_ready");
    world.stranger.post_empty(&path(&open)).await.expect_error(404, "not_found");

    let (drop, winner, loser) = judged(&world).await;
    winner.post_empty(&path(&drop)).await.expect_error(403, "appeal_not_allowed");
    world.stranger.post_empty(&path(&drop)).await.expect_error(404, "not_found");
    world.anon.post_empty(&path(&drop)).await.expect_error(401, "authentication_required");
    world.sender.post_empty(&path("01ARZ3NDEKTSV4RRFFQ69G5FAV")).await.expect_error(404, "not_found");
    world.advance_seconds(601);
    loser.post_empty(&path(&drop)).await.expect_error(409, "appeal_window_closed");
    assert_eq!(verdict(&loser, &drop).await["appeals"], json!([]));

    // The claimant of the open drop never submitted.
    assert_eq!(world.sweep().await.settled, 1);
    world.sender.post_empty(&path(&open)).await.expect_error(404, "not_found");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_appeals_of_one_side_are_one_appeal() {
    let world = World::start().await;
    let (drop, winner, _) = judged(&world).await;
    let losers: Vec<&Client> = world.workers[..5].iter().filter(|w| w.id != winner.id).collect();
    let appealed = path(&drop);
    let answers = join_all(losers.iter().map(|loser| loser.post_empty(&appealed))).await;
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status.as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 200, 202]);
    let sweeps = join_all(world.rankings.iter().map(|ranking| ranking.sweep())).await;
    assert_eq!(sweeps.into_iter().map(|swept| swept.unwrap().heard).sum::<usize>(), 1);
    assert_eq!(verdict(&winner, &drop).await["appeals"].as_array().unwrap().len(), 1);
    world.finish().await;
}
