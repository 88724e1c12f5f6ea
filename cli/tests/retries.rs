//! Retries: one idempotency key, the server's pauses, and streams that resume.

use serde_json::json;

use crate::bench::{Answer, Bench, Cli, Scripted};

fn claimed() -> Answer {
    let time = "2099-01-01T00:00:00.000Z";
    Answer::json(
        201,
        &json!({
            "id": "01A", "status": "open", "title": "t", "prompt": "p", "pack": "wild", "price_cents": 100,
            "payout_cents": null, "window_closes_at": time, "time_limit_seconds": 300, "created_at": time,
            "claims_count": 1, "max_claims": 5, "submissions_count": 0, "env_vars": {}, "attachments": [],
            "grade": null, "output_text": null, "output_attachments": null, "winning_submission_id": null,
            "your_claim": null,
        }),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn retries_carry_the_key_of_the_first_attempt() {
    let home = tempfile::tempdir().unwrap();
    let server = Scripted::start([
        Answer::Hangs,
        Answer::error(503, "unavailable").header("retry-after", "0"),
        Answer::error(500, "internal"),
        Answer::error(409, "idempotency_in_flight"),
        claimed(),
    ])
    .await;
    Cli::at(&server.url, home.path()).run(&["claim", "01A"]).await.expect(0);
    let seen = server.seen();
    assert_eq!(seen.len(), 5);
    let key = seen[0].header("idempotency-key").expect("a key");
    assert!(key.len() > 20, "{key}");
    for request in &seen {
        assert_eq!(request.line, "POST /api/jobs/01A/claim");
        assert_eq!((request.header("idempotency-key"), request.body.as_str()), (Some(key), "{}"));
        assert_eq!(request.header("authorization"), Some("Bearer clorp_any"));
    }
    let again = Scripted::start([claimed()]).await;
    Cli::at(&again.url, home.path()).run(&["claim", "01A"]).await.expect(0);
    assert_ne!(again.seen()[0].header("idempotency-key"), Some(key), "a new command has a key of its own");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_of_the_environment_is_asked_for_a_tunnel() {
    let home = tempfile::tempdir().unwrap();
    let proxy = Scripted::start([Answer::Says(502, Vec::new(), String::new())]).await;
    let cli = Cli::at("https://api.example.com", home.path());
    let proxied = cli.variable("HTTPS_PROXY", &proxy.url.replace("http://", "http://ada:secret@"));
    proxied.run(&["board", "--retry-for", "0"]).await.fails(7);
    let seen = proxy.seen();
    assert_eq!(seen[0].line, "CONNECT api.example.com:443");
    assert!(seen[0].header("proxy-authorization").is_some_and(|value| value.starts_with("Basic ")));
    assert_eq!(seen[0].header("authorization"), None, "a proxy does not get the key");
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_not_repeated() {
    let home = tempfile::tempdir().unwrap();
    for (status, code, exit) in [
        (400, "invalid_pack", 2),
        (401, "authentication_required", 3),
        (402, "insufficient_balance", 4),
        (403, "own_drop", 5),
        (404, "not_found", 1),
        (409, "max_claims_reached", 5),
        (429, "claim_cooldown", 6),
    ] {
        let server = Scripted::start([Answer::error(status, code).header("retry-after", "1")]).await;
        Cli::at(&server.url, home.path()).run(&["claim", "01A"]).await.fails(exit);
        assert_eq!(server.seen().len(), 1, "{code}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_beyond_the_callers_patience_is_an_error_at_once() {
    let home = tempfile::tempdir().unwrap();
    let server = Scripted::start([Answer::error(429, "rate_limited").header("retry-after", "3600")]).await;
    let error = Cli::at(&server.url, home.path()).run(&["claim", "01A"]).await.fails(6);
    assert_eq!((&error["retry_after_seconds"], server.seen().len()), (&json!(3600), 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_limit_is_waited_for() {
    let home = tempfile::tempdir().unwrap();
    let limited = Answer::error(429, "rate_limited").header("retry-after", "1");
    let server = Scripted::start([limited.clone(), limited, claimed()]).await;
    Cli::at(&server.url, home.path()).run(&["claim", "01A"]).await.expect(0);
    assert_eq!(server.seen().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_whose_answer_was_lost_has_succeeded() {
    let home = tempfile::tempdir().unwrap();
    let cli = |server: &Scripted| Cli::at(&server.url, home.path());
    let server = Scripted::start([Answer::Hangs, Answer::error(404, "not_found")]).await;
    cli(&server).run(&["keys", "revoke", "01K"]).await.expect(0);
    let server = Scripted::start([Answer::error(404, "not_found")]).await;
    cli(&server).run(&["keys", "revoke", "01K"]).await.fails(1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_breaks_resumes_behind_its_last_event() {
    let bench = Bench::start().await;
    let id = bench.world.sender.post_drop(500).await;
    bench.world.race(&id, 2).await;
    bench.settle().await;
    bench.gateway.cut_next_stream();
    let events = bench.sender().run(&["wait", &id]).await.lines(0);
    let kinds: Vec<&str> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    let expected =
        ["created", "opened", "claimed", "submitted", "claimed", "submitted", "ranking", "completed", "done"];
    assert_eq!(kinds, expected);
    let streams = bench.gateway.exchanges_of("GET /api/jobs/{id}/logs");
    assert!(streams.len() > 1 && streams[0].cut, "{} streams", streams.len());
    bench.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_asks_only_for_later_events() {
    let bench = Bench::start().await;
    let id = bench.world.sender.post_drop(500).await;
    let waiting = bench.sender().start(&["wait"]);
    let asked_again = async || {
        let asked = bench.gateway.exchanges_of("GET /api/jobs/{id}/logs");
        asked.iter().any(|exchange| exchange.requested("last-event-id").is_some()).then_some(())
    };
    crate::bench::eventually("a request that resumes", asked_again).await;
    bench.world.race(&id, 1).await;
    bench.settle().await;
    let output = waiting.wait_with_output().await.unwrap();
    assert_eq!(output.status.code(), Some(0));
    let lines: Vec<serde_json::Value> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let mut ids: Vec<&str> = lines.iter().map(|event| event["id"].as_str().unwrap()).collect();
    let count = ids.len();
    ids.dedup();
    assert_eq!((ids.len(), lines[count - 1]["event"].as_str()), (count, Some("done")));
    bench.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_followed_feed_prints_each_drop_once() {
    let bench = Bench::start().await;
    let finish_one = async || {
        let id = bench.world.sender.post_drop(500).await;
        bench.world.race(&id, 1).await;
        bench.settle().await;
        id
    };
    let first = finish_one().await;
    let mut following = bench.sender().start(&["feed", "--follow"]);
    let stdout = following.stdout.take().unwrap();
    let mut lines = tokio::io::AsyncBufReadExt::lines(tokio::io::BufReader::new(stdout));
    let next = async |lines: &mut tokio::io::Lines<_>| -> serde_json::Value {
        let line: String = lines.next_line().await.unwrap().unwrap();
        serde_json::from_str(&line).unwrap()
    };
    assert_eq!(next(&mut lines).await["id"], first.as_str());
    let second = finish_one().await;
    assert_eq!(next(&mut lines).await["id"], second.as_str());
    following.kill().await.unwrap();
    bench.finish().await;
}
