//! The effects, responses and refusals of each endpoint along the life of a drop.

use clorp_tests::{Client, World};
use serde_json::{Value, json};

/// Every drop that a list shows, page by page, and the number of pages.
async fn list_all(client: &Client, path: &str) -> (Vec<String>, usize) {
    let (mut seen, mut pages, mut next) = (Vec::new(), 0, Some(path.to_owned()));
    while let Some(path_of_page) = next {
        let answer = client.get(&path_of_page).await;
        next = answer.header("x-next-cursor").map(|cursor| format!("{path}&cursor={cursor}"));
        let page = answer.expect(200);
        seen.extend(page.as_array().unwrap().iter().map(|drop| drop["id"].as_str().unwrap().to_owned()));
        pages += 1;
    }
    (seen, pages)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_opens_an_unpaid_drop_once() {
    let world = World::start().await;
    let owner = &world.workers[0];
    let first = owner.post_drop(800).await;
    let body = json!({ "prompt": "Name a cat", "price_cents": 500, "confirmed": true });
    let refused = owner.post("/api/jobs/run", body).await.expect(402);
    let drop = refused["id"].as_str().unwrap();
    let pay = format!("/api/jobs/{drop}/pay");
    world.workers[1].claim(drop).await.expect(404);
    owner.post_empty(&format!("/api/jobs/{first}/cancel")).await.expect(200);
    let opened = owner.post_empty(&pay).await.expect(200);
    assert_eq!(opened["status"], "open");
    assert!(opened["window_closes_at"].is_string());
    assert_eq!(owner.balance().await, 500);
    owner.post_empty(&pay).await.expect(400);
    assert_eq!(owner.balance().await, 500);
    world.workers[1].claim(drop).await.expect(201);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_estimate_charges_nothing_and_stores_nothing() {
    let world = World::start().await;
    let body = json!({ "prompt": "\nName a cat\nGrey, old", "pack": "cook", "price_cents": 1, "time_limit_seconds": 5 });
    let estimate = world.sender.post("/api/jobs/run", body).await.expect(200);
    let want = json!({
        "needs_confirmation": true, "prompt": "\nName a cat\nGrey, old", "title": "Name a cat", "pack": "cook",
        "estimated_price_cents": 100, "fee_cents": 70, "payout_cents": 30, "estimated_time_limit_seconds": 30,
        "worker_requirements": { "verified_payouts": false, "min_races": 0, "min_win_rate_percent": 0 },
    });
    assert_eq!(estimate, want);
    assert_eq!(world.sender.get("/api/jobs").await.expect(200), json!([]));
    assert_eq!(world.sender.balance().await, 20_000);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_list_the_callers_drops_newest_first() {
    let world = World::start().await;
    let mut posted = Vec::new();
    for _ in 0..5 {
        posted.push(world.sender.post_drop(100).await);
        world.advance_seconds(1);
    }
    posted.reverse();
    assert_eq!(list_all(&world.sender, "/api/jobs?limit=2").await, (posted, 3));
    assert_eq!(world.workers[0].get("/api/jobs").await.expect(200), json!([]));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_selects_the_callers_drops_and_an_unknown_one_is_refused() {
    let world = World::start().await;
    let (sender, worker) = (&world.sender, &world.workers[0]);
    let mut open = Vec::new();
    let completed = sender.post_drop(100).await;
    worker.claim(&completed).await.expect(201);
    worker.submit(&completed, "A tagline that is as thin as this README").await.expect(201);
    let expired = sender.post_drop(100).await;
    world.advance_seconds(301);
    world.sweep().await;
    for _ in 0..3 {
        open.push(sender.post_drop(100).await);
        world.advance_seconds(1);
    }
    let cancelled = sender.post_drop(100).await;
    sender.post_empty(&format!("/api/jobs/{cancelled}/cancel")).await.expect(200);
    open.reverse();
    let of = async |status: &str, limit: u32| {
        list_all(sender, &format!("/api/jobs?status={status}&limit={limit}")).await.0
    };
    for limit in [1, 2, 50] {
        assert_eq!(of("open", limit).await, open, "{limit}");
        assert_eq!(of("completed", limit).await, std::slice::from_ref(&completed), "{limit}");
        assert_eq!(of("expired", limit).await, std::slice::from_ref(&expired), "{limit}");
        assert_eq!(of("cancelled", limit).await, std::slice::from_ref(&cancelled), "{limit}");
        assert_eq!(of("ranking", limit).await, [""; 0], "{limit}");
    }
    assert_eq!(list_all(worker, "/api/jobs?status=open").await.0, [""; 0], "drops of another sender");
    for unknown in ["", "Open", "closed", "open,ranking"] {
        let answer = sender.get(&format!("/api/jobs?status={unknown}")).await;
        answer.expect_field(400, "invalid_status", "status");
    }
    for open in open {
        sender.post_empty(&format!("/api/jobs/{open}/cancel")).await.expect(200);
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_with_a_status_looks_at_a_bounded_number_of_drops() {
    let world = World::start().await;
    let open = world.sender.post_drop(100).await;
    for _ in 0..200 {
        let drop = world.sender.post_drop(100).await;
        world.sender.post_empty(&format!("/api/jobs/{drop}/cancel")).await.expect(200);
    }
    let first = world.sender.get("/api/jobs?status=completed").await;
    assert!(first.header("x-next-cursor").is_some(), "one drop is left to look at");
    assert_eq!(first.expect(200), json!([]));
    assert_eq!(list_all(&world.sender, "/api/jobs?status=completed").await, (Vec::new(), 2));
    assert_eq!(list_all(&world.sender, "/api/jobs?status=open&limit=100").await, (vec![open], 3));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_holds_at_most_one_claim_and_the_sender_none() {
    let world = World::start().await;
    let drop = world.sender.post_drop(100).await;
    world.sender.claim(&drop).await.expect(403);
    let claimed = world.workers[0].claim(&drop).await.expect(201);
    let repeated = world.workers[0].claim(&drop).await.expect(200);
    assert_eq!((&claimed["your_claim"], &claimed["claims_count"]), (&repeated["your_claim"], &json!(1)));
    assert_eq!(repeated["claims_count"], 1);
    world.workers[0].claim("01HZZZZZZZZZZZZZZZZZZZZZZZ").await.expect(404);
    world.advance_seconds(300);
    world.workers[1].claim(&drop).await.expect(409);
    world.sweep().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lapsed_claim_stays_valid_until_another_worker_takes_the_slot_over() {
    let world = World::start().await;
    let drop = world.sender.post_drop(1000).await;
    for worker in &world.workers[..5] {
        worker.claim(&drop).await.expect(201);
    }
    world.workers[5].claim(&drop).await.expect(409);
    world.advance_seconds(121);
    world.workers[5].claim(&drop).await.expect(201);
    let mut submitted = 0;
    for (i, worker) in world.workers[..6].iter().enumerate() {
        submitted +=
            usize::from(worker.submit(&drop, &format!("Tagline number {i}")).await.status.as_u16() == 201);
    }
    assert_eq!(submitted, 5, "exactly one of the first five has lost the slot");
    assert_eq!(world.sender.get(&format!("/api/jobs/{drop}")).await.expect(200)["claims_count"], 5);
    world.sweep().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_submission_is_accepted_once_in_time_and_only_from_claimants() {
    let world = World::start().await;
    let drop = world.sender.post_drop(100).await;
    let worker = &world.workers[0];
    worker.submit(&drop, "Early bird").await.expect(403);
    worker.claim(&drop).await.expect(201);
    worker.submit(&drop, " \n").await.expect(400);
    worker.submit(&drop, &"x".repeat(100 * 1024 + 1)).await.expect(400);
    let receipt = worker.submit(&drop, "A tagline").await.expect(201);
    assert_eq!(worker.submit(&drop, "A tagline").await.expect(200), receipt);
    worker.submit(&drop, "Another tagline").await.expect(409);
    world.workers[1].claim(&drop).await.expect(201);
    world.advance_seconds(300);
    world.workers[1].submit(&drop, "Too late").await.expect(409);
    world.sweep().await;
    let submissions = world.sender.get(&format!("/api/jobs/{drop}/submissions")).await.expect(200);
    let submissions = submissions.as_array().unwrap();
    assert_eq!(
        (submissions.len(), &submissions[0]["id"], &submissions[0]["output_text"]),
        (1, &receipt["id"], &json!("A tagline"))
    );
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn submissions_are_sealed_until_the_drop_is_completed() {
    let world = World::start().await;
    let drop = world.sender.post_drop(1000).await;
    world.race(&drop, 2).await;
    let submissions = format!("/api/jobs/{drop}/submissions");
    let verdict = format!("/api/jobs/{drop}/verdict");
    let sealed = world.sender.get(&submissions).await.expect(200);
    let sealed = sealed.as_array().unwrap();
    assert_eq!(sealed.len(), 2);
    for one in sealed {
        for hidden in ["rank", "grade", "score", "rationale", "output_text", "output_attachments", "sha256"] {
            assert_eq!(one.get(hidden), Some(&Value::Null), "{hidden}");
        }
    }
    assert_eq!(world.sender.get(&format!("/api/jobs/{drop}")).await.expect(200)["output_text"], Value::Null);
    world.workers[0].get(&submissions).await.expect(403);
    world.sender.get(&verdict).await.expect_error(409, "verdict_not_ready");
    for path in [&submissions, &verdict, &format!("/api/jobs/{drop}")] {
        world.stranger.get(path).await.expect(404);
    }
    world.advance_seconds(300);
    world.sweep().await;
    let open = world.sender.get(&submissions).await.expect(200);
    let open = open.as_array().unwrap();
    assert_eq!((open[0]["rank"].clone(), open[1]["rank"].clone()), (json!(1), json!(2)));
    assert!(open.iter().all(|one| one["output_text"].is_string() && one["rationale"].is_string()));
    let judged = world.workers[1].get(&verdict).await.expect(200);
    assert_eq!(judged["submissions"][0]["id"], open[0]["id"]);
    assert_eq!(judged["submissions"].as_array().unwrap().len(), 2);
    let done = world.workers[1].get(&format!("/api/jobs/{drop}")).await.expect(200);
    assert_eq!(
        (&done["output_text"], &done["winning_submission_id"]),
        (&open[0]["output_text"], &open[0]["id"])
    );
    world.stranger.get(&verdict).await.expect(404);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_sender_can_pay_or_cancel_a_drop() {
    let world = World::start().await;
    let drop = world.sender.post_drop(1000).await;
    world.workers[0].claim(&drop).await.expect(201);
    for action in ["pay", "cancel"] {
        let path = format!("/api/jobs/{drop}/{action}");
        world.workers[0].post_empty(&path).await.expect(403);
        world.stranger.post_empty(&path).await.expect(404);
        world.anon.post_empty(&path).await.expect(401);
    }
    let seen = world.sender.get(&format!("/api/jobs/{drop}")).await.expect(200);
    assert_eq!(seen["status"], "open");
    assert_eq!(world.sender.balance().await, 19_000);
    world.finish().await;
}
