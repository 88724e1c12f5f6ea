//! Signing in and out: the device flow, and the file with the key.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::bench::{Bench, Cli, eventually};

fn file(bench: &Bench) -> PathBuf {
    bench.home.path().join(".clorp/credentials.json")
}

fn stored(bench: &Bench) -> Value {
    serde_json::from_slice(&std::fs::read(file(bench)).unwrap()).unwrap()
}

/// Signs the sender in through the program, and returns the last line that it printed.
async fn login(bench: &Bench, arguments: &[&str]) -> Value {
    let mut child = bench.sender().without_key().start(&[&["login"], arguments].concat());
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let begun: Value = serde_json::from_str(&lines.next_line().await.unwrap().unwrap()).unwrap();
    assert!(begun.get("device_code").is_none(), "the program's secret is not shown");
    let browser = bench.world.browser(&bench.world.sender, 3600);
    let body = json!({ "user_code": begun["user_code"] });
    browser.post("/api/cli/login/approve", body).await.expect(204);
    // The world's clock moves on, so that the next poll is not too early.
    bench.world.advance_seconds(60);
    let done = lines.next_line().await.unwrap().expect("the end of the login");
    assert!(child.wait().await.unwrap().success());
    serde_json::from_str(&done).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_keeps_a_key_that_only_its_owner_may_read() {
    let bench = Bench::start().await;
    let done = login(&bench, &["--name", "my laptop", "--right", "read", "--right", "work"]).await;
    assert_eq!(done["user"]["id"], bench.world.sender.id.as_str());
    assert_eq!(done["rights"], json!(["read", "work"]));
    let mode = |path: PathBuf| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(file(&bench)), mode(bench.home.path().join(".clorp"))), (0o600, 0o700));
    let key = stored(&bench);
    assert_eq!((&key["api_url"], &key["key_id"]), (&json!(bench.gateway.url), &done["key_id"]));
    assert!(!done.to_string().contains(key["api_key"].as_str().unwrap()), "the secret is not printed");

    let cli = bench.sender().without_key();
    let known = cli.run(&["whoami"]).await.expect(0);
    assert_eq!(known["user"]["id"], bench.world.sender.id.as_str());
    let error = cli.run(&["drop", "Roast", "-y"]).await.fails(3);
    assert_eq!((&error["code"], &error["right"]), (&json!("key_lacks_right"), &json!("spend")));
    assert!(error["hint"].as_str().unwrap().contains("clorp login --right spend"), "{error}");

    assert_eq!(cli.run(&["logout"]).await.expect(0), json!({ "revoked": true }));
    assert!(!file(&bench).exists());
    let revoked = Cli { key: Some(key["api_key"].as_str().unwrap().to_owned()), ..cli.clone() };
    revoked.run(&["whoami"]).await.fails(3);
    cli.run(&["logout"]).await.fails(1);
    bench.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denied_login_keeps_no_key() {
    let bench = Bench::start().await;
    let cli = bench.sender().without_key();
    let terminal = cli.on_terminal(&["login"]);
    terminal.expect("Check that it shows this code").await;
    let code = eventually("a code on the screen", async || {
        let screen = terminal.screen();
        let at = screen.find("user_code=")? + "user_code=".len();
        Some(screen.get(at..at + 9)?.to_owned())
    })
    .await;
    let browser = bench.world.browser(&bench.world.sender, 3600);
    browser.post("/api/cli/login/deny", json!({ "user_code": code })).await.expect(204);
    bench.world.advance_seconds(60);
    let (exit, screen) = terminal.finish().await;
    assert_eq!(exit, 3, "{screen}");
    assert!(screen.contains("clorp login"), "{screen}");
    assert!(!file(&bench).exists());
    bench.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stored_key_is_sent_to_the_api_that_issued_it_only() {
    let bench = Bench::start().await;
    login(&bench, &[]).await;
    let other = crate::bench::Scripted::start([crate::bench::Answer::json(200, &json!([]))]).await;
    let elsewhere = Cli { url: other.url.clone(), ..bench.sender().without_key() };
    elsewhere.run(&["jobs"]).await.fails(3);
    elsewhere.run(&["board"]).await.expect(0);
    let seen = other.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].header("authorization"), None);
    // Without the variable, the stored address is used.
    let at_home = Cli { url: String::new(), ..bench.sender().without_key() };
    at_home.run(&["jobs"]).await.expect(0);
    // A key from the environment comes first, and logging out leaves it alone.
    let worker = bench.worker(0);
    let known = worker.run(&["whoami"]).await.expect(0);
    assert_eq!(known["user"]["id"], bench.world.workers[0].id.as_str());
    assert_eq!(worker.run(&["logout"]).await.expect(0), json!({ "revoked": true }));
    worker.run(&["whoami"]).await.expect(0);
    bench.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_file_of_credentials_is_named() {
    let bench = Bench::start().await;
    std::fs::create_dir(bench.home.path().join(".clorp")).unwrap();
    std::fs::write(file(&bench), "{").unwrap();
    let error = bench.sender().without_key().run(&["jobs"]).await.fails(2);
    assert!(error["error"].as_str().unwrap().contains("credentials.json"), "{error}");
    bench.finish().await;
}
