//! The log of the functions has every request and no secret. The test takes over the log of its process, so
//! it has a process of its own.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Write;
use std::sync::{Arc, Mutex};

use clorp_context::log_to;
use clorp_stripe_sandbox as sandbox;
use clorp_tests::moto::StoredSecret;
use clorp_tests::world::STRIPE_KEY;
use clorp_tests::{Client, Fault, Options, World};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::Sha256;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt;

/// Everything that the functions and their libraries can log, while production starts at `info`. The local
/// DynamoDB and S3 are not part of the functions.
const DETAIL: &str = "trace,dynoxide=off,s3s=off,s3s_fs=off";
/// The namespace of the metrics.
const NAMESPACE: &str = "clorp-of-a-test";
const WEBHOOK_SECRET: &str = "whsec_that_nobody_may_read";
const PROMPT: &str = "Taglines about a lighthouse keeper";
const ENV_VALUE: &str = "hunter2-of-the-environment";
const FILENAME: &str = "keeper-of-the-light.txt";
const CRITERIA: &str = "Says how long the lamp has been burning";
const OUTPUT: &str = "Still shining since 1911";
const REASON: &str = "The lamp went out and so did I";
/// Enough faults to exhaust the SDK's attempts.
const TRIES: usize = 3;

/// Everything logged so far.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// The line of each request that was logged.
fn requests(log: &str) -> Vec<Value> {
    let lines = log.lines().map(|line| serde_json::from_str::<Value>(line).expect("each line is JSON"));
    lines.filter(|line| line["millis"].is_u64() && line["span"]["request_id"].is_string()).collect()
}

/// Checks that the log has the metrics of a race and of a withdrawal, as CloudWatch reads them.
fn assert_metrics(log: &str) {
    let lines = log.lines().map(|line| serde_json::from_str::<Value>(line).expect("each line is JSON"));
    let metrics: Vec<Value> = lines.filter(|line| line["_aws"].is_object()).collect();
    for (name, unit, least) in [
        ("DropsOpened", "Count", 1),
        ("Claims", "Count", 1),
        ("SettleDelay", "Milliseconds", 0),
        ("PayoutCents", "None", 1),
        ("WithdrawalCents", "None", 1),
    ] {
        let of_name: Vec<&Value> = metrics.iter().filter(|line| line[name].is_i64()).collect();
        assert!(!of_name.is_empty(), "no {name}");
        for line in of_name {
            let directive = &line["_aws"]["CloudWatchMetrics"][0];
            assert_eq!(directive["Metrics"], json!([{ "Name": name, "Unit": unit }]));
            assert_eq!(
                (&directive["Namespace"], &directive["Dimensions"]),
                (&json!(NAMESPACE), &json!([[]]))
            );
            assert!(line["_aws"]["Timestamp"].is_i64() && line[name].as_i64().unwrap() >= least, "{line}");
            assert_eq!(line.as_object().unwrap().len(), 2, "a metric says nothing of a user: {line}");
        }
    }
}

/// The texts that must not be in the log, each with a description.
#[derive(Default)]
struct Secrets(Vec<(&'static str, String)>);

impl Secrets {
    fn add(&mut self, what: &'static str, secret: impl Into<String>) {
        let secret = secret.into();
        assert!(secret.len() >= 6, "{what} {secret:?} could be in any log");
        self.0.push((what, secret));
    }
}

async fn control(world: &World, path: &str, body: Value) -> Value {
    let url = format!("{}/_sandbox/{path}", world.sandbox.url);
    let response = reqwest::Client::new().post(url).json(&body).send().await.unwrap();
    assert!(response.status().is_success(), "{path}");
    response.json().await.unwrap()
}

/// A client with a new API key, which is one of the secrets, and the key's id.
async fn create_key(world: &World, secrets: &mut Secrets) -> (Client, String) {
    let wanted = json!({ "name": "logged", "rights": ["read", "work", "spend", "cards", "payouts"] });
    let created = world.stranger.post("/api/keys", wanted).await.expect(201);
    let key = created["secret"].as_str().unwrap();
    secrets.add("an API key", key);
    let id = created["id"].as_str().unwrap().to_owned();
    (world.stranger.with_authorization(&format!("Bearer {key}")), id)
}

/// Approves one device login and denies another, while the table fails at times.
async fn log_in(world: &World, secrets: &mut Secrets) {
    let browser = world.browser(&world.sender, 3600);
    secrets.add("a session", browser.cookie.clone().unwrap());
    let (path, proxy) = ("/api/cli/login", world.proxy.as_ref().unwrap());
    for (what, status) in [("approve", 201), ("deny", 400)] {
        let login = world.anon.post(path, json!({ "name": "logged" })).await.expect(201);
        let (device, code) = (login["device_code"].as_str().unwrap(), login["user_code"].as_str().unwrap());
        secrets.add("a device code", device);
        secrets.add("a user code", code);
        secrets.add("the letters of a user code", code.replace('-', ""));
        let poll = async || world.anon.post("/api/cli/token", json!({ "device_code": device })).await;
        poll().await.expect(400);
        browser.get(&format!("{path}?user_code={code}")).await.expect(200);
        let decide = async || browser.post(&format!("{path}/{what}"), json!({ "user_code": code })).await;
        for fault in [Fault::ServerError, Fault::Refused] {
            proxy.fail("UpdateItem", fault, 2 * TRIES);
            assert!(decide().await.status.is_server_error());
            proxy.heal();
        }
        decide().await.expect(204);
        world.advance_seconds(5);
        let polled = poll().await.expect(status);
        if let Some(key) = polled["api_key"].as_str() {
            secrets.add("an API key", key);
        }
    }
}

/// Top-ups that are paid, declined, invalid, and met by a fault at Stripe.
async fn top_up(world: &World, user: &Client, secrets: &mut Secrets) {
    for outcome in ["paid", "declined"] {
        let answer = user.post("/api/wallet/topup", json!({ "amount_cents": 5000 })).await.expect(200);
        let url = answer["url"].as_str().unwrap();
        secrets.add("a page to pay on", url);
        let session = url.rsplit('/').next().unwrap();
        control(world, &format!("checkout/sessions/{session}/complete"), json!({ "outcome": outcome })).await;
    }
    world.wait_for_webhooks().await;
    assert_eq!(user.balance().await, 5000);
    user.post("/api/wallet/topup", json!({ "amount_cents": PROMPT })).await.expect(400);
    let path = "/v1/checkout/sessions";
    for (fault, status) in [("decline", 409), ("timeout_before", 503), ("500", 503)] {
        control(world, "next", json!({ "path": path, "fault": fault, "times": 100 })).await;
        user.post("/api/wallet/topup", json!({ "amount_cents": 600 })).await.expect(status);
        control(world, "next", json!({ "path": path, "fault": fault, "times": 0 })).await;
    }
}

/// Saves a card and charges it twice. The second charge is declined.
async fn charge_a_card(world: &World, user: &Client, secrets: &mut Secrets) {
    let setup = user.post_empty("/api/wallet/setup-payment-method").await.expect(200);
    let secret = setup["client_secret"].as_str().unwrap();
    secrets.add("a client secret", secret);
    let (intent, rest) = secret.split_once("_secret_").unwrap();
    secrets.add("the secret part of a client secret", rest);
    let saved = control(world, &format!("setup_intents/{intent}/succeed"), json!({})).await;
    world.wait_for_webhooks().await;
    let settings = json!({ "enabled": true, "amount_cents": 6000 });
    user.post("/api/wallet/auto-topup", settings).await.expect(200);
    user.post("/api/jobs/run", order(9000)).await.expect(201);
    let card = saved["payment_method"].as_str().unwrap();
    secrets.add("a saved card", card);
    control(world, &format!("payment_methods/{card}"), json!({ "card": "declined" })).await;
    user.post("/api/jobs/run", order(6500)).await.expect_error(402, "auto_topup_declined");
}

fn order(price: i64) -> Value {
    json!({ "prompt": PROMPT, "envVars": { "PASSWORD": ENV_VALUE },
            "price_cents": price, "confirmed": true })
}

/// A drop from its posting to its verdict, and requests with refused bodies.
async fn race(world: &World, user: &Client) {
    let drop = user.post("/api/jobs/run", order(100)).await.expect(201)["id"].as_str().unwrap().to_owned();
    for (i, worker) in world.workers[..2].iter().enumerate() {
        worker.claim(&drop).await.expect(201);
        worker.submit(&drop, &format!("{OUTPUT}, keeper {i}")).await.expect(201);
    }
    let (path, reason) = (format!("/api/jobs/{drop}/fail"), json!({ "reason": REASON }));
    world.workers[2].claim(&drop).await.expect(201);
    world.workers[2].post(&path, reason.clone()).await.expect(200);
    world.stranger.post(&path, reason).await.expect(403);
    world.workers[2].post(&path, json!({ "reason": [REASON] })).await.expect(400);
    world.advance_seconds(301);
    world.sweep().await;
    for body in
        [json!({ "prompt": PROMPT, "envVars": ENV_VALUE }), json!({ "prompt": PROMPT, PROMPT: ENV_VALUE })]
    {
        user.post("/api/jobs/run", body).await.expect(400);
    }
    world.anon.with_authorization(&format!("Bearer {ENV_VALUE}")).get("/api/jobs").await.expect(401);
}

/// A valid verification, and an invalid one.
async fn verify(user: &Client) {
    let body = json!({ "criteria": CRITERIA, "output_text": OUTPUT });
    user.post("/api/verify", body).await.expect(201);
    user.post("/api/verify", json!({ "criteria": CRITERIA, CRITERIA: OUTPUT })).await.expect(400);
}

/// Posts a drop with a file, with S3 and without.
async fn attach(world: &World, user: &Client, secrets: &mut Secrets) {
    let upload = user.upload(FILENAME, "text/plain", b"A light").await;
    let mut order = order(100);
    order["attachments"] = json!([{ "id": upload["id"] }]);
    let drop = user.post("/api/jobs/run", order.clone()).await.expect(201);
    for signed in [&upload["upload"]["url"], &drop["attachments"][0]["url"]] {
        let (_, signature) = signed.as_str().unwrap().split_once("X-Amz-Signature=").unwrap();
        secrets.add("a signature", signature.split('&').next().unwrap());
    }
    world.bucket.stop().await;
    user.post("/api/jobs/run", order).await.expect(503);
    world.bucket.restart().await;
}

/// Connects an account, and makes withdrawals that succeed, are refused, and stay pending.
async fn withdraw(world: &World, user: &Client, secrets: &mut Secrets) {
    let ask = async |cents: i64| user.post("/api/wallet/withdraw", json!({ "amount_cents": cents })).await;
    ask(500).await.expect(409);
    let drop = world.sender.post_drop(3000).await;
    user.claim(&drop).await.expect(201);
    user.submit(&drop, OUTPUT).await.expect(201);
    world.advance_seconds(301);
    world.sweep().await;
    let page = user.post_empty("/api/stripe/connect").await.expect(200);
    secrets.add("an onboarding page", page["url"].as_str().unwrap());
    let own = user.get(&format!("/api/users/{}", user.id)).await.expect(200);
    let account = own["stripe_account_id"].as_str().unwrap();
    control(world, &format!("accounts/{account}/onboard"), json!({})).await;
    world.wait_for_webhooks().await;
    ask(500).await.expect(201);
    ask(90_000).await.expect(402);
    control(world, "next", json!({ "path": "/v1/transfers", "fault": "decline" })).await;
    ask(500).await.expect(409);
    control(world, "next", json!({ "path": "/v1/transfers", "fault": "timeout_after", "times": 100 })).await;
    ask(500).await.expect(202);
    control(world, "next", json!({ "path": "/v1/transfers", "fault": "500", "times": 0 })).await;
    world.advance_seconds(20);
    world.reconcile().await;
}

/// The `Stripe-Signature` of a body.
fn sign(world: &World, body: &str) -> String {
    let seconds = world.clock().now().as_second();
    let mut mac = Hmac::<Sha256>::new_from_slice(WEBHOOK_SECRET.as_bytes()).unwrap();
    mac.update(format!("{seconds}.{body}").as_bytes());
    let mac: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={seconds},v1={mac}")
}

/// Webhook events that are foreign or unreadable, each with a valid signature and with forged ones.
async fn deliver_events(world: &World, secrets: &mut Secrets) {
    let marker = "note-within-an-event";
    secrets.add("the content of a webhook event", marker);
    let foreign = json!({ "id": "evt_foreign", "type": "checkout.session.completed", "created": 1,
        "data": { "object": { "id": "cs_foreign", "payment_status": "paid", "metadata": { "note": marker } } } });
    let unreadable = json!({ "id": "evt_unreadable", "type": "checkout.session.completed", "created": 1,
        "data": { "object": { "note": marker } } });
    for body in [foreign.to_string(), unreadable.to_string(), format!("\"{marker}\"")] {
        let good = sign(world, &body);
        secrets.add("a signature", good.rsplit('=').next().unwrap());
        for (signature, status) in [(good.as_str(), 200), (&format!("t=1,v1={marker}"), 400), (marker, 400)] {
            let headers = [("stripe-signature", signature)];
            let path = "/api/stripe/webhook";
            world
                .anon
                .send(Method::POST, path, Some(body.clone().into_bytes()), &headers)
                .await
                .expect(status);
        }
    }
}

/// Breaks the table in every way.
async fn break_the_table(world: &World, user: &Client) {
    let proxy = world.proxy.as_ref().unwrap();
    for (fault, status) in [(Fault::ServerError, 503), (Fault::Refused, 500), (Fault::LostAnswer, 503)] {
        proxy.fail("TransactWriteItems", fault, TRIES);
        user.post("/api/jobs/run", order(100)).await.expect(status);
        proxy.heal();
        // The table has answered a read whose answer is lost.
        proxy.fail("GetItem", fault, TRIES);
        user.get("/api/jobs").await;
        proxy.heal();
    }
}

/// Requests of this test, by route and status.
const LOGGED: [(&str, u64); 22] = [
    ("/api/wallet/topup", 200),
    ("/api/wallet/topup", 400),
    ("/api/wallet/topup", 409),
    ("/api/wallet/topup", 503),
    ("/api/wallet/setup-payment-method", 200),
    ("/api/wallet/withdraw", 201),
    ("/api/wallet/withdraw", 202),
    ("/api/wallet/withdraw", 402),
    ("/api/wallet/withdraw", 409),
    ("/api/uploads", 201),
    ("/api/verify", 201),
    ("/api/verify", 400),
    ("/api/cli/login", 200),
    ("/api/cli/login/approve", 204),
    ("/api/cli/token", 201),
    ("/api/stripe/webhook", 200),
    ("/api/stripe/webhook", 400),
    ("/api/jobs/run", 201),
    ("/api/jobs/run", 402),
    ("/api/jobs/run", 500),
    ("/api/jobs/run", 503),
    ("/api/jobs", 401),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_request_is_logged_and_no_secret_is() {
    // An operator creates the secret, whose log is another one.
    let kept = json!({ "STRIPE_SECRET_KEY": STRIPE_KEY, "STRIPE_WEBHOOK_SECRETS": WEBHOOK_SECRET });
    let kept = Some(StoredSecret::create(&kept).await);
    let log = Log::default();
    let writer = log.clone();
    log_to(move || writer.clone(), EnvFilter::new(DETAIL), Some(NAMESPACE.to_owned())).init();
    let sandbox =
        sandbox::Options { webhook_secret: WEBHOOK_SECRET.to_owned(), ..sandbox::Options::default() };
    let options = Options { proxied: true, stripe_tries: 2, sandbox, secret: kept, ..Options::default() };
    let world = World::with(options).await;
    let mut secrets = Secrets::default();
    for (what, secret) in [
        ("the key to Stripe", STRIPE_KEY),
        ("the webhook's secret", WEBHOOK_SECRET),
        ("a prompt", PROMPT),
        ("a value of envVars", ENV_VALUE),
        ("an output", OUTPUT),
        ("criteria", CRITERIA),
        ("a reason to give up", REASON),
        ("a file's name", FILENAME),
        ("a signed address", "X-Amz-Signature"),
        ("the details of a card", "sandbox4242"),
        ("the details of a card", "display_brand"),
        ("the body of a request to Stripe or of a webhook event", "livemode"),
        ("the body of a request to Stripe or of a webhook event", "metadata"),
        ("a credential", "Bearer"),
    ] {
        secrets.add(what, secret);
    }
    let (user, key_id) = create_key(&world, &mut secrets).await;
    top_up(&world, &user, &mut secrets).await;
    race(&world, &user).await;
    verify(&user).await;
    attach(&world, &user, &mut secrets).await;
    withdraw(&world, &user, &mut secrets).await;
    charge_a_card(&world, &user, &mut secrets).await;
    deliver_events(&world, &mut secrets).await;
    log_in(&world, &mut secrets).await;
    break_the_table(&world, &user).await;
    world.finish().await;

    let text = log.text();
    let mut leaks = Vec::new();
    for (what, secret) in &secrets.0 {
        let line = text.lines().find(|line| line.contains(secret.as_str()));
        leaks.extend(line.map(|line| format!("{what} ({secret}) in {line:.2000}")));
    }
    assert!(leaks.is_empty(), "{}", leaks.join("\n"));
    let requests = requests(&text);
    for (route, status) in LOGGED {
        let is = |line: &Value| line["span"]["route"] == route && line["status"] == status;
        assert!(requests.iter().any(is), "no request of {route} that ended with {status} is in the log");
    }
    let of_key = |line: &&Value| line["span"]["key_id"] == key_id.as_str();
    assert!(requests.iter().filter(of_key).all(|line| line["span"]["user_id"] == user.id.as_str()));
    assert!(requests.iter().filter(of_key).count() > 10, "the requests of a key name it");
    let units = |line: &Value, name: &str| line[name].as_f64().expect("each line has the units");
    let reads = requests.iter().filter(|line| line["span"]["method"] == "GET" && line["status"] == 200);
    // A lookup of a login takes from a limit in the table.
    let reads: Vec<&Value> = reads.filter(|line| line["span"]["route"] != "/api/cli/login").collect();
    assert!(reads.iter().any(|line| units(line, "read_units") > 0.5), "what a read consumes is counted");
    assert!(reads.iter().all(|line| units(line, "write_units") == 0.0), "a read writes nothing");
    assert_metrics(&text);
    let cold: Vec<bool> = requests.iter().map(|line| line["cold"].as_bool().unwrap()).collect();
    assert_eq!(cold.iter().filter(|cold| **cold).count(), 1, "the process has one first request");
}
