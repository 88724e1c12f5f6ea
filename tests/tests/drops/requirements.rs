//! `worker_requirements` of a drop, decided in the claim.

use clorp_domain::ConnectStatus;
use clorp_tests::{Client, World};
use serde_json::{Value, json};

/// The requirements of a drop that every worker may claim.
fn nothing() -> Value {
    json!({ "verified_payouts": false, "min_races": 0, "min_win_rate_percent": 0 })
}

fn order(requirements: &Value) -> Value {
    json!({ "prompt": "Roast a build system that never finishes", "pack": "roast", "price_cents": 500,
            "worker_requirements": requirements, "confirmed": true })
}

async fn post(sender: &Client, requirements: Value) -> String {
    let posted = sender.post("/api/jobs/run", order(&requirements)).await.expect(201);
    posted["id"].as_str().unwrap().to_owned()
}

/// Asserts that a claim is refused because of exactly these requirements, and takes no slot.
async fn assert_unmet(world: &World, worker: &Client, drop: &str, unmet: &[&str]) {
    let before = claims(world, drop).await;
    let refused = worker.claim(drop).await.expect_error(403, "requirements_not_met");
    assert_eq!(refused["unmet_requirements"], json!(unmet), "{refused}");
    assert_eq!(claims(world, drop).await, before);
}

async fn claims(world: &World, drop: &str) -> Value {
    world.sender.get(&format!("/api/jobs/{drop}")).await.expect(200)["claims_count"].clone()
}

/// Has these workers finish a race, which the first one wins.
async fn finish_race(world: &World, winner: &Client, losers: &[&Client]) {
    let drop = world.sender.post_drop(500).await;
    for (worker, output) in std::iter::once(&winner).chain(losers).zip([
        "1. Still compiling since 1999\n2. Works on no machine\n3. Coffee is ready, the build is not",
        "no",
    ]) {
        worker.claim(&drop).await.expect(201);
        worker.submit(&drop, output).await.expect(201);
    }
    world.advance_seconds(301);
    world.sweep().await;
    let races = winner.get("/api/users/races").await.expect(200);
    assert_eq!(races[0]["rank"], 1, "{races}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drop_for_verified_workers_admits_those_who_could_withdraw_and_nobody_else() {
    let world = World::start().await;
    let requirements = json!({ "verified_payouts": true });
    let drop = post(&world.sender, requirements).await;
    let [bots, verified] = [&world.workers[..5], &world.workers[5..6]];
    for bot in bots {
        assert_unmet(&world, bot, &drop, &["verified_payouts"]).await;
        bot.submit(&drop, "ok").await.expect_error(403, "not_a_claimant");
    }
    // An account that Stripe has not verified yet is none.
    bots[0].post_empty("/api/stripe/connect").await.expect(200);
    assert_unmet(&world, &bots[0], &drop, &["verified_payouts"]).await;
    bots[0].post_empty(&format!("/api/jobs/{drop}/reserve")).await.expect_error(403, "requirements_not_met");

    world.onboard(&verified[0]).await;
    let claimed = verified[0].claim(&drop).await.expect(201);
    let shown = json!({ "verified_payouts": true, "min_races": 0, "min_win_rate_percent": 0 });
    assert_eq!(claimed["worker_requirements"], shown);
    verified[0].submit(&drop, "An honest roast of a build").await.expect(201);
    world.advance_seconds(301);
    assert_eq!(world.sweep().await.settled, 1);
    assert_eq!(verified[0].balance().await, 1350);
    for bot in bots {
        assert_eq!(bot.balance().await, 1000);
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verification_that_ends_before_the_write_refuses_the_claim() {
    let world = World::start().await;
    let worker = &world.workers[0];
    world.onboard(worker).await;
    let drop = post(&world.sender, json!({ "verified_payouts": true })).await;
    let id = worker.id.parse().unwrap();
    let drops = world.store.drops();
    let read = drops.get(drop.parse().unwrap()).await.unwrap().unwrap();
    let account = world.store.users().get(&id).await.unwrap().unwrap().stripe.account.unwrap();
    let now = world.clock().now();
    let later = now.saturating_add(jiff::SignedDuration::from_secs(60)).unwrap();
    let ended = world.store.users().set_account(&id, &account, ConnectStatus::Pending, later).await.unwrap();
    assert!(ended.is_applied());
    let rules = clorp_tests::unlimited();
    let decided = read.claim(&id, &id, read.next_change_at(now), &rules).unwrap();
    let clorp_domain::drops::ClaimDecision::Take(claim) = decided else { panic!("{decided:?}") };
    let refused = drops.claim(&read, (&id, &id), &claim, None).await.unwrap_err();
    assert!(matches!(refused, clorp_domain::Error::RequirementsNotMet { .. }), "{refused:?}");
    assert_eq!(claims(&world, &drop).await, 0);
    assert_unmet(&world, worker, &drop, &["verified_payouts"]).await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn races_and_wins_of_all_agents_count_and_deleting_one_improves_nothing() {
    let world = World::start().await;
    let [winner, loser] = [&world.workers[0], &world.workers[1]];
    let veterans = post(&world.sender, json!({ "min_races": 2 })).await;
    let winners = post(&world.sender, json!({ "min_races": 1, "min_win_rate_percent": 50 })).await;
    for drop in [&veterans, &winners] {
        world.sender.get(&format!("/api/jobs/{drop}")).await.expect(200);
    }
    assert_unmet(&world, winner, &winners, &["min_races", "min_win_rate_percent"]).await;
    let agent = loser.make_agent("Unlucky").await;
    let drop = world.sender.post_drop(500).await;
    for (worker, agent, output) in [
        (
            winner,
            None,
            "1. Still compiling since 1999\n2. Works on no machine\n3. Coffee is ready, it is not",
        ),
        (loser, Some(&agent), "no"),
    ] {
        match agent {
            Some(agent) => worker.claim_for(&drop, agent).await.expect(201),
            None => worker.claim(&drop).await.expect(201),
        };
        worker.submit(&drop, output).await.expect(201);
    }
    world.advance_seconds(301);
    world.sweep().await;
    let open = async |requirements| post(&world.sender, requirements).await;
    let winners = open(json!({ "min_races": 1, "min_win_rate_percent": 50 })).await;
    winner.claim(&winners).await.expect(201);
    assert_unmet(&world, loser, &winners, &["min_win_rate_percent"]).await;

    // The lost race outlives its agent.
    loser.delete(&format!("/api/agents/{agent}")).await.expect(204);
    let raced = open(json!({ "min_races": 1 })).await;
    loser.claim(&raced).await.expect(201);
    assert_unmet(&world, loser, &winners, &["min_win_rate_percent"]).await;
    finish_race(&world, loser, &[&world.workers[2]]).await;
    let even = open(json!({ "min_races": 2, "min_win_rate_percent": 50 })).await;
    loser.claim(&even).await.expect(201);
    let most = open(json!({ "min_win_rate_percent": 51 })).await;
    assert_unmet(&world, loser, &most, &["min_win_rate_percent"]).await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_claim_stays_good_and_a_full_drop_is_full_for_everybody() {
    let world = World::start().await;
    let drop = post(&world.sender, json!({ "verified_payouts": true })).await;
    for worker in &world.workers[..5] {
        world.onboard(worker).await;
        worker.claim(&drop).await.expect(201);
    }
    world.workers[6].claim(&drop).await.expect_error(409, "max_claims_reached");
    let worker = &world.workers[0];
    let id = worker.id.parse().unwrap();
    let account = world.store.users().get(&id).await.unwrap().unwrap().stripe.account.unwrap();
    let later = world.clock().now().saturating_add(jiff::SignedDuration::from_secs(60)).unwrap();
    let ended = world.store.users().set_account(&id, &account, ConnectStatus::Pending, later).await.unwrap();
    assert!(ended.is_applied());
    worker.claim(&drop).await.expect(200);
    worker.submit(&drop, "Claimed in time, roasted in time").await.expect(201);
    // A lapsed slot passes only to a worker who meets the requirements.
    world.advance_seconds(121);
    world.workers[6].claim(&drop).await.expect_error(403, "requirements_not_met");
    world.onboard(&world.workers[5]).await;
    world.workers[5].claim(&drop).await.expect(201);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requirements_are_optional_bounded_and_stored_with_the_drop() {
    let world = World::start().await;
    let sender = &world.sender;
    for (bad, field) in [
        (json!({ "min_races": -1 }), "/worker_requirements/min_races"),
        (json!({ "min_races": 1001 }), "/worker_requirements/min_races"),
        (json!({ "min_win_rate_percent": 101 }), "/worker_requirements/min_win_rate_percent"),
    ] {
        let refused = sender.post("/api/jobs/run", order(&bad)).await;
        refused.expect_field(400, "invalid_worker_requirements", field);
    }
    for bad in [json!({ "verified": true }), json!({ "min_races": "many" }), json!([]), json!(true)] {
        sender.post("/api/jobs/run", order(&bad)).await.expect(400);
    }
    assert_eq!(sender.get("/api/jobs").await.expect(200), json!([]));
    assert_eq!(sender.balance().await, 20_000);

    let all = json!({ "verified_payouts": true, "min_races": 1000, "min_win_rate_percent": 100 });
    let mut estimate = order(&all);
    estimate["confirmed"] = json!(false);
    assert_eq!(sender.post("/api/jobs/run", estimate).await.expect(200)["worker_requirements"], all);
    let drop = post(sender, all.clone()).await;
    let read = sender.get(&format!("/api/jobs/{drop}")).await.expect(200);
    assert_eq!(read["worker_requirements"], all);
    for none in [json!({}), Value::Null, json!({ "verified_payouts": false, "min_races": 0 })] {
        let drop = post(sender, none).await;
        let read = sender.get(&format!("/api/jobs/{drop}")).await.expect(200);
        assert_eq!(read["worker_requirements"], nothing());
        world.workers[0].claim(&drop).await.expect(201);
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unpaid_drop_keeps_its_requirements_when_it_is_paid() {
    let world = World::start().await;
    let payer = world.user("payer", 0).await;
    let refused = payer.post("/api/jobs/run", order(&json!({ "min_races": 1 }))).await.expect(402);
    let drop = refused["id"].as_str().unwrap();
    let won = world.sender.post_drop(1000).await;
    payer.claim(&won).await.expect(201);
    payer.submit(&won, "A tagline that pays for a drop").await.expect(201);
    world.advance_seconds(301);
    world.sweep().await;
    payer.post_empty(&format!("/api/jobs/{drop}/pay")).await.expect(200);
    let refused = world.workers[0].claim(drop).await.expect_error(403, "requirements_not_met");
    assert_eq!(refused["unmet_requirements"], json!(["min_races"]));
    world.finish().await;
}
