//! A whole race through `cargo dev`: the functions as Lambda runs them, under `cargo lambda watch`.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// Time limit to build and start the functions on a slow machine.
const START: Duration = Duration::from_secs(900);
/// Time limit of a settlement after the last submission.
const SETTLE: Duration = Duration::from_secs(60);

struct Stack {
    child: Child,
    base_url: String,
    users: Vec<Value>,
    http: reqwest::Client,
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn read_log(data: &Path) -> String {
    std::fs::read_to_string(data.join("dev.log")).unwrap_or_default()
}

impl Stack {
    async fn start(data: &Path) -> Self {
        let log = std::fs::File::create(data.join("dev.log")).unwrap();
        let port = free_port().to_string();
        let mut child = Command::new(env!("CARGO"))
            .args(["dev", "--fresh", "--concurrency", "2", "--port", &port])
            .arg("--data-dir")
            .arg(data)
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let started = Instant::now();
        let ready = data.join("dev.json");
        while !ready.exists() {
            let ended = child.try_wait().unwrap();
            assert!(
                ended.is_none() && started.elapsed() < START,
                "cargo dev did not start: {}",
                read_log(data)
            );
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        let dev: Value = serde_json::from_slice(&std::fs::read(ready).unwrap()).unwrap();
        let base_url = dev["base_url"].as_str().unwrap().to_owned();
        let users = dev["users"].as_array().unwrap().clone();
        Self { child, base_url, users, http: reqwest::Client::builder().no_proxy().build().unwrap() }
    }

    fn key(&self, name: &str) -> &str {
        let user = self.users.iter().find(|user| user["name"] == name).unwrap();
        user["api_key"].as_str().unwrap()
    }

    async fn call(&self, name: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let url = format!("{}{path}", self.base_url);
        let request = match body {
            Some(body) => self.http.post(url).json(&body),
            None => self.http.get(url),
        };
        let response = request.bearer_auth(self.key(name)).send().await.unwrap();
        let status = response.status().as_u16();
        assert!(response.headers().contains_key("x-request-id"), "{path} answers without a request id");
        (status, response.json().await.unwrap())
    }

    async fn balance(&self, name: &str) -> i64 {
        self.call(name, "/api/wallet/balance", None).await.1["balance_cents"].as_i64().unwrap()
    }

    /// Stops the stack as Ctrl-C does. Returns its exit code.
    fn stop(&mut self) -> Option<i32> {
        let interrupted = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status().unwrap();
        assert!(interrupted.success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.stop();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_race_is_won_and_paid_under_cargo_lambda_watch() {
    let data = tempfile::tempdir().unwrap();
    let mut stack = Stack::start(data.path()).await;
    let order = json!({ "prompt": "Give me three roast-style taglines for this README", "pack": "roast",
        "price_cents": 1000, "time_limit_seconds": 300, "confirmed": true });
    let (status, drop) = stack.call("sender", "/api/jobs/run", Some(order)).await;
    assert_eq!(status, 201, "{drop}");
    let drop = format!("/api/jobs/{}", drop["id"].as_str().unwrap());
    for i in 1..=5 {
        let worker = format!("worker-{i}");
        let (status, _) = stack.call(&worker, &format!("{drop}/claim"), Some(json!({}))).await;
        assert_eq!(status, 201);
        let output =
            json!({ "output_text": format!("Tagline {i}: README {i}.0, now with {i} promises kept") });
        let (status, _) = stack.call(&worker, &format!("{drop}/submit"), Some(output)).await;
        assert_eq!(status, 201);
    }
    let (status, body) = stack.call("worker-6", &format!("{drop}/claim"), Some(json!({}))).await;
    assert_eq!((status, &body["code"]), (409, &json!("max_claims_reached")));
    let started = Instant::now();
    let completed = loop {
        let (_, seen) = stack.call("sender", &drop, None).await;
        if seen["status"] == "completed" {
            break seen;
        }
        assert!(started.elapsed() < SETTLE, "not settled: {seen}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    assert_eq!((&completed["fee_cents"], &completed["payout_cents"]), (&json!(250), &json!(750)));
    assert_eq!(stack.balance("sender").await, 19_000);
    let mut won = 0;
    for i in 1..=5 {
        won += stack.balance(&format!("worker-{i}")).await - 1000;
    }
    assert_eq!(won, 750);
    let (status, body) = stack.call("sender", "/api/nothing", None).await;
    assert_eq!((status, &body["code"]), (404, &json!("not_found")));
    assert_eq!(stack.stop(), Some(0), "{}", read_log(data.path()));
}
