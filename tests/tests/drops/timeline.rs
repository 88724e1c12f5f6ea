//! `GET /api/jobs/{id}/logs`.

use std::sync::atomic::{AtomicBool, Ordering};

use clorp_tests::browser::Browser;
use clorp_tests::{Client, Options, World};
use futures::future::{join, join_all};
use serde_json::{Value, json};

fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["event"].as_str().unwrap()).collect()
}

fn id(event: &Value) -> &str {
    event["id"].as_str().unwrap()
}

/// The complete timeline of a drop.
async fn timeline(reader: &Client, drop: &str) -> Vec<Value> {
    reader.logs(drop, None).await.events()
}

async fn cancel(world: &World, drop: &str) {
    world.sender.post_empty(&format!("/api/jobs/{drop}/cancel")).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timeline_shows_workers_only_to_the_sender_and_texts_to_nobody() {
    let world = World::start().await;
    let body = json!({ "prompt": "A prompt of secrets", "envVars": { "KEY": "a value of secrets" }, "confirmed": true });
    let posted = world.sender.post("/api/jobs/run", body).await.expect(201);
    let drop = posted["id"].as_str().unwrap();
    let (first, second) = (&world.workers[0], &world.workers[1]);
    first.claim(drop).await.expect(201);
    let held = second.claim(drop).await.expect(201);
    second.submit(drop, "An output of secrets").await.expect(201);
    world.advance_seconds(301);
    assert_eq!(world.sweep().await.settled, 1);
    let events = timeline(second, drop).await;
    assert_eq!(
        kinds(&events),
        ["created", "opened", "claimed", "claimed", "submitted", "ranking", "completed", "done"]
    );
    let drop_now = second.get(&format!("/api/jobs/{drop}")).await.expect(200);
    let data = |n: usize| &events[n]["data"];
    assert_eq!(data(0), &json!({ "at": posted["created_at"], "price_cents": 200 }));
    let opened = json!({ "at": data(1)["at"], "earliest_ranking_at": data(1)["at"], "max_claims": 5, "window_closes_at": posted["window_closes_at"] });
    assert_eq!(data(1), &opened);
    let claim = &held["your_claim"];
    let claimed = json!({ "at": claim["claimed_at"], "claims_count": 2, "lease_expires_at": claim["lease_expires_at"],
                          "worker": null, "yours": true });
    assert_eq!(data(3), &claimed);
    assert_eq!((&data(2)["claims_count"], &data(2)["yours"]), (&json!(1), &json!(false)));
    let submitted = json!({ "at": drop_now["your_claim"]["submitted_at"], "submissions_count": 1, "worker": null,
                            "yours": true });
    assert_eq!(data(4), &submitted);
    assert_eq!(data(5)["submissions_count"], 1);
    let completed = json!({ "at": drop_now["updated_at"], "grade": drop_now["grade"],
                            "winning_submission_id": drop_now["winning_submission_id"] });
    assert_eq!(data(6), &completed);
    assert_eq!(data(7), &json!({ "at": drop_now["updated_at"], "status": "completed" }));
    // A claimant sees no worker's id, the sender sees all of them, and neither sees any text.
    let (claimants, senders) = (second.logs(drop, None).await, world.sender.logs(drop, None).await);
    assert!(
        !claimants.text.contains(&first.id) && !claimants.text.contains(&second.id),
        "{}",
        claimants.text
    );
    let seen = senders.events();
    let workers: Vec<&Value> =
        seen.iter().map(|event| &event["data"]["worker"]).filter(|w| !w.is_null()).collect();
    assert_eq!(workers, [&json!(first.id), &json!(second.id), &json!(second.id)]);
    assert!(!claimants.text.contains("secrets") && !senders.text.contains("secrets"));
    assert!(
        seen.iter().zip(&events).all(|(a, b)| id(a) == id(b)),
        "an event has the same id for all readers"
    );
    for (name, value) in [
        ("content-type", "text/event-stream"),
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(senders.header(name), Some(value));
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_resumes_after_the_last_event_id_and_ends_with_done() {
    let world = World::start().await;
    let drop = world.sender.post_drop(100).await;
    let sender = &world.sender;
    let first = timeline(sender, &drop).await;
    assert_eq!(kinds(&first), ["created", "opened"]);
    assert_eq!(sender.logs(&drop, Some(id(&first[0]))).await.events(), first[1..]);
    assert_eq!(sender.logs(&drop, Some("")).await.events(), first);
    // Without a new event the stream only tells the browser when to reconnect.
    let nothing = sender.logs(&drop, Some(id(&first[1]))).await;
    assert_eq!((nothing.events().len(), nothing.text.as_str()), (0, "retry: 2000\n"));
    world.workers[0].claim(&drop).await.expect(201);
    let second = sender.logs(&drop, Some(id(&first[1]))).await.events();
    assert_eq!(kinds(&second), ["claimed"]);
    cancel(&world, &drop).await;
    let last = sender.logs(&drop, Some(id(&second[0]))).await.events();
    assert_eq!(kinds(&last), ["cancelled", "done"]);
    assert_eq!(kinds(&sender.logs(&drop, Some(id(&last[0]))).await.events()), ["done"]);
    let over = sender.logs(&drop, Some(id(&last[1]))).await;
    assert_eq!((over.status.as_u16(), over.text.as_str()), (204, ""));
    assert_eq!(over.header("content-type"), None);
    // A read from the beginning returns all events.
    assert_eq!(timeline(sender, &drop).await, [first, second, last].concat());
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_block_of_a_stream_is_without_an_event() {
    let world = World::start().await;
    let drop = world.sender.post_drop(100).await;
    let first = world.sender.logs(&drop, None).await;
    let blocks: Vec<&str> = first.text.split_terminator("\n\n").collect();
    assert!(blocks[0].starts_with("retry: 2000\nid: "), "{}", first.text);
    assert!(blocks.iter().all(|block| block.contains("\nevent: ")), "{}", first.text);
    // A client reports a block at its blank line, so a stream without events has none.
    let events = first.events();
    let nothing = world.sender.logs(&drop, Some(id(events.last().unwrap()))).await;
    assert!(!nothing.text.contains("\n\n"), "{:?}", nothing.text);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_last_event_id_is_refused_by_name() {
    let world = World::start().await;
    let drop = world.sender.post_drop(100).await;
    for bad in ["1", "x-0", "1795512600000-00", "1795512600000-0-0", "'"] {
        let answer = world.sender.logs(&drop, Some(bad)).await;
        answer.expect_field(400, "invalid_last_event_id", "Last-Event-ID");
    }
    let twice = [("last-event-id", "1795512600000-0"), ("last-event-id", "1795512600000-0")];
    let answer = world.sender.get_with(&format!("/api/jobs/{drop}/logs"), &twice).await;
    answer.expect_field(400, "invalid_last_event_id", "Last-Event-ID");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_without_access_to_a_drop_cannot_read_its_timeline() {
    let world = World::start().await;
    let drop = world.sender.post_drop(100).await;
    let worker = &world.workers[0];
    worker.logs(&drop, None).await.expect(404);
    worker.claim(&drop).await.expect(201);
    assert_eq!(kinds(&timeline(worker, &drop).await), ["created", "opened", "claimed"]);
    worker.release(&drop).await.expect(200);
    worker.logs(&drop, None).await.expect(404);
    world.anon.logs(&drop, None).await.expect(401);
    world.sender.logs("01HZZZZZZZZZZZZZZZZZZZZZZZ", None).await.expect(404);
    // The timeline does not contain the released claim, and is well-formed.
    assert_eq!(kinds(&timeline(&world.sender, &drop).await), ["created", "opened"]);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_outcome_of_a_drop_has_its_events() {
    let world = World::start().await;
    let poor = world.user("poor", 100).await;
    let body = json!({ "prompt": "Name a cat", "price_cents": 500, "confirmed": true });
    let unpaid = poor.post("/api/jobs/run", body).await.expect(402)["id"].as_str().unwrap().to_owned();
    assert_eq!(kinds(&timeline(&poor, &unpaid).await), ["created"]);
    poor.post_empty(&format!("/api/jobs/{unpaid}/cancel")).await.expect(200);
    assert_eq!(kinds(&timeline(&poor, &unpaid).await), ["created", "cancelled", "done"]);

    let expired = world.sender.post_drop(100).await;
    let full = world.sender.post_drop(1000).await;
    world.race(&full, 5).await;
    let kinds_of =
        |times: usize| [vec!["created", "opened"], ["claimed", "submitted"].repeat(times), vec!["ranking"]];
    assert_eq!(kinds(&timeline(&world.sender, &full).await), kinds_of(5).concat());
    world.advance_seconds(301);
    assert_eq!(world.sweep().await.settled, 2);
    assert_eq!(
        kinds(&timeline(&world.sender, &full).await),
        [kinds_of(5).concat(), vec!["completed", "done"]].concat()
    );
    assert_eq!(kinds(&timeline(&world.sender, &expired).await), ["created", "opened", "expired", "done"]);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_polling_during_concurrent_changes_receives_every_event_once_in_order() {
    let world = World::with(Options::without_cooldown()).await;
    for _ in 0..3 {
        let drop = world.sender.post_drop(1000).await;
        let over = AtomicBool::new(false);
        let changes = async {
            join_all(world.workers.iter().enumerate().map(async |(i, worker)| {
                if worker.claim(&drop).await.status != 201 {
                    return;
                }
                if i % 3 == 0 {
                    worker.release(&drop).await.expect(200);
                    worker.claim(&drop).await;
                }
                if i % 2 == 0 {
                    worker.submit(&drop, &format!("Output number {i}")).await;
                }
            }))
            .await;
            world.advance_seconds(121);
            join_all(world.workers.iter().map(|worker| worker.claim(&drop))).await;
            world.advance_seconds(180);
            world.sweep().await;
            over.store(true, Ordering::SeqCst);
        };
        let polling = async {
            let mut received: Vec<Value> = Vec::new();
            loop {
                let last = over.load(Ordering::SeqCst);
                let answer = world.sender.logs(&drop, received.last().map(id)).await;
                if answer.status == 204 {
                    return received;
                }
                received.extend(answer.events());
                assert!(!last || received.last().is_some_and(|event| event["event"] == "done"));
            }
        };
        let ((), received) = join(changes, polling).await;
        assert!(received.is_sorted_by(|a, b| id(a) < id(b)), "{received:?}");
        let fresh = timeline(&world.sender, &drop).await;
        for event in &fresh {
            let same = received
                .iter()
                .find(|one| id(one) == id(event))
                .unwrap_or_else(|| panic!("{event} was missed"));
            assert_eq!((&same["event"], &same["data"]["at"]), (&event["event"], &event["data"]["at"]));
        }
        // The only events missing from a later read are claims that were released or taken over.
        let removed = received.iter().filter(|event| !fresh.iter().any(|one| id(one) == id(event)));
        assert!(removed.map(|event| &event["event"]).all(|kind| kind == "claimed"));
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_receives_every_event_once_across_reconnections_and_stops_after_the_last() {
    let untested = "no real EventSource has followed a drop";
    let Some(mut browser) = Browser::start(untested).await else { return };
    let world = World::start().await;
    let drop = world.sender.post_drop(1000).await;
    let stream = format!("/api/jobs/{drop}/logs");
    let url = world.sender.url(&stream);
    let authorization = world.sender.authorization().unwrap();
    browser.send_headers(json!({ "Authorization": authorization })).await;
    // Any page of the same origin works; this one is a 404 in JSON.
    let origin = url.strip_suffix(stream.as_str()).unwrap();
    browser.open(&format!("{origin}/api/openapi.json")).await;
    let script = format!(
        "(() => {{ window.received = []; window.opened = 0; const source = window.source = new EventSource({stream:?}); \
         source.onopen = () => window.opened++; \
         for (const kind of ['created', 'opened', 'claimed', 'submitted', 'ranking', 'completed', 'cancelled', 'expired', 'done', 'message']) \
         source.addEventListener(kind, e => window.received.push({{ id: e.lastEventId, event: e.type, data: JSON.parse(e.data) }})); \
         return true; }})()"
    );
    browser.value(&script).await;
    browser.until("received.length === 2").await;
    world.workers[0].claim(&drop).await.expect(201);
    browser.until("received.length === 3").await;
    // The browser has received this claim, and later reads do not contain it.
    world.workers[0].release(&drop).await.expect(200);
    world.race(&drop, 5).await;
    browser.until("received.length === 14").await;
    assert_eq!(world.sweep().await.settled, 1);
    browser.until("source.readyState === EventSource.CLOSED").await;
    let received = browser.value("received").await;
    let received = received.as_array().unwrap();
    let fresh = timeline(&world.sender, &drop).await;
    assert_eq!(kinds(received)[2], "claimed");
    assert_eq!([&received[..2], &received[3..]].concat(), fresh);
    assert!(received.is_sorted_by(|a, b| id(a) < id(b)), "{received:?}");
    assert!(browser.value("opened").await.as_u64().unwrap() >= 4, "it has reconnected");
    world.finish().await;
}
