//! Exit codes: agents branch on them.

use std::process::Stdio;

use serde_json::json;

use crate::bench::{Answer, Bench, Cli, Scripted};

#[tokio::test(flavor = "multi_thread")]
async fn every_exit_code_is_reached_through_the_api() {
    let bench = Bench::start().await;
    let (sender, worker) = (bench.sender(), bench.worker(0));
    let id = bench.world.sender.post_drop(500).await;
    assert_eq!(sender.run(&["view", &id]).await.code, 0);
    assert_eq!(sender.run(&["view", "nothing"]).await.fails(1)["code"], "not_found");
    assert_eq!(sender.run(&["board", "--pack", "tofu"]).await.fails(2)["code"], "invalid_pack");
    let stranger = Cli { key: Some("clorp_nobody".to_owned()), ..sender.clone() };
    assert_eq!(stranger.run(&["jobs"]).await.fails(3)["code"], "authentication_required");
    let price = ["drop", "Roast", "--price", "90000", "-y"];
    assert_eq!(sender.run(&price).await.fails(4)["code"], "insufficient_balance");
    assert_eq!(sender.run(&["claim", &id]).await.fails(5)["code"], "own_drop");
    assert_eq!(sender.run(&["verdict", &id]).await.fails(5)["code"], "verdict_not_ready");
    for _ in 0..3 {
        let id = bench.world.sender.post_drop(100).await;
        worker.run(&["claim", &id]).await.expect(0);
        worker.run(&["release", &id]).await.expect(0);
    }
    let cooldown = worker.run(&["claim", &id]).await.fails(6);
    assert_eq!(cooldown["code"], "claim_cooldown");
    assert!(cooldown["retry_after_seconds"].as_u64().is_some_and(|seconds| seconds > 60), "{cooldown}");
    bench.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_away_or_broken_is_unavailable() {
    let home = tempfile::tempdir().unwrap();
    let gone = Cli::at("http://127.0.0.1:9", home.path());
    let error = gone.run(&["board"]).await.fails(7);
    assert!(error["error"].as_str().unwrap().contains("cannot be reached"), "{error}");
    for answer in [
        Answer::error(503, "unavailable").header("retry-after", "5"),
        Answer::Says(502, Vec::new(), "<html>Bad gateway</html>".to_owned()),
        Answer::Says(200, Vec::new(), "<html>A hotel's network</html>".to_owned()),
        Answer::json(200, &json!({ "id": 7 })),
        Answer::Says(302, vec![("location", "http://127.0.0.1:9/".to_owned())], String::new()),
        Answer::Hangs,
    ] {
        let server = Scripted::start([answer.clone()]).await;
        let ran = Cli::at(&server.url, home.path()).run(&["board", "--retry-for", "0"]).await;
        ran.fails(7);
        assert_eq!(server.seen().len(), 1, "{answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_in_the_command_line_exit_with_2() {
    let bench = Bench::start().await;
    let cli = bench.sender();
    for line in [
        vec!["frobnicate"],
        vec!["submit", "01A"],
        vec!["drop"],
        vec!["wallet", "topup", "ten"],
        vec!["work", "--exec", "cat", "--until", "soon"],
        vec!["work", "--exec", "cat", "--concurrency", "0"],
        vec!["drop", "Roast", "no-such-file.txt", "-y"],
        vec!["submit", "01A", "-f", "no-such-file.txt"],
    ] {
        let ran = cli.run(&line).await;
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{line:?}: {ran:?}");
        ran.fails(2);
    }
    let twice = ["work", "--exec", "cat", "--idempotency-key", "a"];
    cli.run(&twice).await.fails(2);
    let (exit, screen) = cli.read_by_people(&["frobnicate"]).await;
    assert!(exit == 2 && screen.contains("Usage: clorp"), "{screen}");
    assert_eq!(bench.gateway.exchanges().len(), 0, "a mistake sends nothing");
    let without_key = bench.sender().without_key();
    let error = without_key.run(&["jobs"]).await.fails(3);
    assert!(error["hint"].as_str().unwrap().contains("clorp login"), "{error}");
    without_key.run(&["board"]).await.expect(0);
    for url in ["", "ftp://example.com", "http://example.com", "https://user@example.com"] {
        Cli { url: url.to_owned(), ..bench.sender() }.run(&["board"]).await.fails(2);
    }
    bench.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_charged_without_a_terminal_or_a_yes() {
    let bench = Bench::start().await;
    let error = bench.sender().run(&["drop", "Roast this", "--price", "500"]).await.fails(2);
    assert!(error["hint"].as_str().unwrap().contains("-y"), "{error}");
    let withdraw = bench.sender().run(&["wallet", "withdraw", "500"]).await.fails(2);
    assert!(withdraw["hint"].as_str().unwrap().contains("-y"), "{withdraw}");
    assert_eq!(bench.gateway.exchanges().len(), 0);
    bench.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_goes_away_ends_the_command_quietly() {
    let bench = Bench::start().await;
    bench.world.sender.post_drop(500).await;
    let line = format!("'{}' board; echo $? >&2", env!("CARGO_BIN_EXE_clorp"));
    let shell = format!("({line}) | true");
    let mut command = tokio::process::Command::new("sh");
    let output = command.arg("-c").arg(shell).stdin(Stdio::null());
    let output = output.env("CLORP_API_URL", &bench.gateway.url).env("HOME", bench.home.path()).output();
    let stderr = String::from_utf8(output.await.unwrap().stderr).unwrap();
    assert_eq!(stderr.trim(), "0", "{stderr}");
    bench.finish().await;
}
