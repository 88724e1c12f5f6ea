//! Statuses with a specific meaning, from the life cycles of a few drops.

use clorp_tests::client::announcement;
use clorp_tests::document::public_reads;
use clorp_tests::{Answer, Client, World};
use reqwest::Method;
use serde_json::{Value, json};

use super::Row;

fn row(operation: &str, status: u16, answer: Answer) -> Row {
    (operation.to_owned(), status, answer)
}

fn order(confirmed: bool) -> Value {
    json!({ "prompt": "Roast this build", "price_cents": 100, "confirmed": confirmed })
}

pub(crate) async fn rows(world: &World) -> Vec<Row> {
    let mut rows = users(world).await;
    rows.extend(agents(world).await);
    rows.extend(pay(world).await);
    rows.extend(race(world).await);
    rows.extend(give_up(world).await);
    rows.extend(board(world).await);
    rows.extend(files(world).await);
    rows.extend(money_in(world).await);
    rows.extend(money_out(world).await);
    rows.extend(keys(world).await);
    rows.extend(logins(world).await);
    rows.extend(verifications(world).await);
    rows
}

async fn users(world: &World) -> Vec<Row> {
    let user = &world.stranger;
    vec![
        row("POST /api/whoami", 200, user.post_empty("/api/whoami").await),
        row("GET /api/users/{id}", 200, user.get(&format!("/api/users/{}", user.id)).await),
        row("GET /api/users/status", 200, user.get("/api/users/status").await),
        row("GET /api/wallet/balance", 200, user.get("/api/wallet/balance").await),
    ]
}

async fn agents(world: &World) -> Vec<Row> {
    let user = &world.stranger;
    let name = |name: &str| json!({ "name": name });
    let created = user.post("/api/agents", name("Ada")).await;
    let path = format!("/api/agents/{}", created.json()["id"].as_str().unwrap());
    let one = "/api/agents/{id}";
    let all = user.get("/api/agents").await;
    let default = format!("/api/agents/{}", all.json()[1]["id"].as_str().unwrap());
    vec![
        row("POST /api/agents", 201, created),
        row("GET /api/agents", 200, all),
        row(&format!("GET {one}"), 200, user.get(&path).await),
        row(&format!("PATCH {one}"), 200, user.patch(&path, name("Grace")).await),
        row(&format!("PATCH {one}"), 409, user.patch(&path, name("stranger")).await),
        row(&format!("DELETE {one}"), 409, user.delete(&default).await),
        row(&format!("DELETE {one}"), 204, user.delete(&path).await),
    ]
}

/// A sender with the money for one drop posts two, cancels the first and pays for the second.
async fn pay(world: &World) -> Vec<Row> {
    let sender = world.user("payer", 100).await;
    let run = async |confirmed| sender.post("/api/jobs/run", order(confirmed)).await;
    let (estimate, first, second) = (run(false).await, run(true).await, run(true).await);
    let [first_path, second_path] =
        [&first, &second].map(|posted| format!("/api/jobs/{}", posted.json()["id"].as_str().unwrap()));
    let pay = async || sender.post_empty(&format!("{second_path}/pay")).await;
    let unpaid = pay().await;
    let cancelled = sender.post_empty(&format!("{first_path}/cancel")).await;
    vec![
        row("POST /api/jobs/run", 200, estimate),
        row("POST /api/jobs/run", 201, first),
        row("POST /api/jobs/run", 402, second),
        row("POST /api/jobs/{id}/pay", 402, unpaid),
        row("POST /api/jobs/{id}/cancel", 200, cancelled),
        row("POST /api/jobs/{id}/pay", 200, pay().await),
        row("GET /api/jobs", 200, sender.get("/api/jobs").await),
    ]
}

/// A drop from its claims to its verdict.
async fn race(world: &World) -> Vec<Row> {
    let (sender, worker, late) = (&world.sender, &world.workers[0], &world.workers[1]);
    let idle = &world.workers[3];
    let drop = sender.post_drop(1000).await;
    idle.claim(&drop).await.expect(201);
    let path = format!("/api/jobs/{drop}");
    let [pay, cancel, submissions, verdict] =
        ["pay", "cancel", "submissions", "verdict"].map(|action| format!("{path}/{action}"));
    let (appeal, appealed) = ("POST /api/jobs/{id}/appeal", format!("{path}/appeal"));
    let claim = "POST /api/jobs/{id}/claim";
    let submit = "POST /api/jobs/{id}/submit";
    let mut rows = vec![
        row(claim, 403, sender.claim(&drop).await),
        row(claim, 201, worker.claim(&drop).await),
        row(claim, 200, worker.claim(&drop).await),
        row("POST /api/jobs/{id}/pay", 403, worker.post_empty(&pay).await),
        row("POST /api/jobs/{id}/cancel", 403, worker.post_empty(&cancel).await),
        row(submit, 403, late.submit(&drop, "Without a claim").await),
        row(submit, 201, worker.submit(&drop, "A tagline").await),
        row(submit, 200, worker.submit(&drop, "A tagline").await),
        row(submit, 409, worker.submit(&drop, "Another tagline").await),
        row("POST /api/jobs/{id}/cancel", 409, sender.post_empty(&cancel).await),
        row("GET /api/jobs/{id}", 200, worker.get(&path).await),
        row("GET /api/jobs/{id}/submissions", 200, sender.get(&submissions).await),
        row("GET /api/jobs/{id}/submissions", 403, worker.get(&submissions).await),
        row("GET /api/jobs/{id}/verdict", 409, worker.get(&verdict).await),
        row(appeal, 409, sender.post_empty(&appealed).await),
        row("GET /api/users/status", 200, worker.get("/api/users/status").await),
    ];
    world.advance_seconds(300);
    rows.push(row(claim, 409, late.claim(&drop).await));
    world.sweep().await;
    rows.extend([
        row("GET /api/jobs/{id}", 200, worker.get(&path).await),
        row("GET /api/jobs/{id}/submissions", 200, sender.get(&submissions).await),
        row("GET /api/jobs/{id}/verdict", 200, worker.get(&verdict).await),
        row("GET /api/users/races", 200, worker.get("/api/users/races").await),
        row("GET /api/jobs/{id}/verdict", 403, idle.get(&verdict).await),
        row(appeal, 403, worker.post_empty(&appealed).await),
        row(appeal, 202, sender.post_empty(&appealed).await),
        row(appeal, 200, sender.post_empty(&appealed).await),
    ]);
    let timeline = sender.logs(&drop, None).await;
    let last = timeline.events().last().unwrap()["id"].as_str().unwrap().to_owned();
    let logs = "GET /api/jobs/{id}/logs";
    rows.extend([row(logs, 200, timeline), row(logs, 204, sender.logs(&drop, Some(&last)).await)]);
    rows
}

/// A client of the old routes that claims and gives up until it is in cooldown.
async fn give_up(world: &World) -> Vec<Row> {
    let (sender, worker) = (&world.sender, &world.workers[2]);
    let drop = sender.post_drop(100).await;
    let [reserve, release, fail] =
        ["reserve", "release", "fail"].map(|action| format!("/api/jobs/{drop}/{action}"));
    let mut rows = Vec::new();
    for (path, status) in
        [(&reserve, 201), (&reserve, 200), (&release, 200), (&reserve, 201), (&fail, 200), (&reserve, 201)]
    {
        let (_, action) = path.rsplit_once('/').unwrap();
        rows.push(row(&format!("POST /api/jobs/{{id}}/{action}"), status, worker.post_empty(path).await));
    }
    worker.post_empty(&release).await.expect(200);
    rows.push(row("POST /api/jobs/{id}/reserve", 429, worker.post_empty(&reserve).await));
    rows.push(row("POST /api/jobs/{id}/claim", 429, worker.claim(&drop).await));
    for (path, action) in [(reserve, "reserve"), (release, "release"), (fail, "fail")] {
        rows.push(row(&format!("POST /api/jobs/{{id}}/{action}"), 403, sender.post_empty(&path).await));
    }
    rows
}

/// Public reads. They have content, because [`race`] has completed a drop.
async fn board(world: &World) -> Vec<Row> {
    world.sender.post_drop(100).await;
    let mut rows = Vec::new();
    for path in public_reads() {
        rows.push(row(&format!("GET {path}"), 200, world.anon.get(path).await));
    }
    rows
}

/// Keys, and the requests that a key with a spend policy may not make.
async fn keys(world: &World) -> Vec<Row> {
    let user = world.user("keeper", 1000).await;
    let policy = json!({ "name": "limited", "spend_policy": { "per_drop_cents": 0 } });
    let (key, plain) = (user.post("/api/keys", policy).await, json!({ "name": "plain" }));
    let body = key.json();
    let limited = user.with_authorization(&format!("Bearer {}", body["secret"].as_str().unwrap()));
    let path = format!("/api/keys/{}", body["id"].as_str().unwrap());
    let revoke = async |client: &Client, path: &str| client.send(Method::DELETE, path, None, &[]).await;
    let post = async |path, body| limited.post(path, body).await;
    let mut rows = vec![
        row("POST /api/keys", 201, key),
        row("GET /api/keys", 200, user.get("/api/keys").await),
        row("POST /api/keys", 403, post("/api/keys", plain.clone()).await),
        row("DELETE /api/keys/{id}", 403, revoke(&limited, "/api/keys/01HZZZZZZZZZZZZZZZZZZZZZZZ").await),
        row("POST /api/jobs/run", 403, post("/api/jobs/run", order(true)).await),
    ];
    rows.push(row("DELETE /api/keys/{id}", 204, revoke(&user, &path).await));
    let mut last = user.post("/api/keys", plain.clone()).await;
    while last.status.is_success() {
        last = user.post("/api/keys", plain.clone()).await;
    }
    rows.push(row("POST /api/keys", 409, last));
    rows
}

/// Device logins that are approved and denied.
async fn logins(world: &World) -> Vec<Row> {
    let user = world.user("owner", 0).await;
    let browser = world.browser(&user, 3600);
    let (show, begin) = ("GET /api/cli/login", "POST /api/cli/login");
    let path = "/api/cli/login";
    let begin_login = async || world.anon.post(path, json!({ "name": "laptop" })).await;
    let decide = async |client: &Client, what: &str, code: &Value| {
        client.post(&format!("{path}/{what}"), json!({ "user_code": code })).await
    };
    let poll = async |login: &Value| {
        world.anon.post("/api/cli/token", json!({ "device_code": login["device_code"] })).await
    };
    let unknown = json!("BCDF-GHJK");
    let by_code = async |client: &Client, code: &Value| {
        client.get(&format!("{path}?user_code={}", code.as_str().unwrap())).await
    };
    let answer = begin_login().await;
    let (login, other) = (answer.json(), begin_login().await.json());
    let code = &login["user_code"];
    let mut rows = vec![
        row(begin, 201, answer),
        row("POST /api/cli/token", 400, poll(&login).await),
        row(show, 200, by_code(&browser, code).await),
        row(show, 403, by_code(&user, code).await),
        row(show, 404, by_code(&browser, &unknown).await),
    ];
    for (what, login) in [("approve", &login), ("deny", &other)] {
        let (operation, code) = (format!("POST {path}/{what}"), &login["user_code"]);
        let opposite = if what == "approve" { "deny" } else { "approve" };
        rows.extend([
            row(&operation, 403, decide(&user, what, code).await),
            row(&operation, 404, decide(&browser, what, &unknown).await),
            row(&operation, 204, decide(&browser, what, code).await),
            row(&format!("POST {path}/{opposite}"), 409, decide(&browser, opposite, code).await),
        ]);
    }
    world.advance_seconds(10);
    rows.push(row("POST /api/cli/token", 201, poll(&login).await));
    while user.post("/api/keys", json!({ "name": "plain" })).await.status.is_success() {}
    let late = begin_login().await.json();
    decide(&browser, "approve", &late["user_code"]).await.expect(204);
    rows.push(row("POST /api/cli/token", 409, poll(&late).await));
    rows
}

/// An announced upload.
async fn files(world: &World) -> Vec<Row> {
    let file = announcement("notes.txt", "text/plain", b"Notes");
    vec![row("POST /api/uploads", 201, world.sender.post("/api/uploads", file).await)]
}

async fn verifications(world: &World) -> Vec<Row> {
    let body = json!({ "criteria": "A tagline for a bakery", "output_text": "You knead us." });
    let created = world.stranger.post("/api/verify", body).await;
    let path = format!("/api/verify/{}", created.json()["id"].as_str().unwrap());
    vec![
        row("POST /api/verify", 201, created),
        row("GET /api/verify/{id}", 200, world.stranger.get(&path).await),
    ]
}

/// Payments on a Checkout page and from a saved card.
async fn money_in(world: &World) -> Vec<Row> {
    let user = world.user("payer", 100).await;
    let auto_topup = async || user.post("/api/wallet/auto-topup", json!({ "enabled": true })).await;
    let without_card = auto_topup().await;
    let setup = user.post_empty("/api/wallet/setup-payment-method").await;
    world.save_card(&user, json!({})).await;
    let topup = user.post("/api/wallet/topup", json!({ "amount_cents": 500 })).await;
    let refuse = async |path: &str| {
        world.control("next", json!({ "path": path, "fault": "decline", "times": 2 })).await;
    };
    refuse("/v1/checkout/sessions").await;
    let refused = user.post("/api/wallet/topup", json!({ "amount_cents": 500 })).await;
    refused.expect_error(409, "refused_by_stripe");
    refuse("/v1/setup_intents").await;
    let refused_setup = user.post_empty("/api/wallet/setup-payment-method").await;
    let event = world.sandbox.events().pop().unwrap();
    let unsigned = user.post("/api/stripe/webhook", event.clone()).await;
    unsigned.expect_field(400, "invalid_signature", "Stripe-Signature");
    vec![
        row("POST /api/wallet/auto-topup", 409, without_card),
        row("POST /api/wallet/setup-payment-method", 200, setup),
        row("POST /api/wallet/auto-topup", 200, auto_topup().await),
        row("POST /api/wallet/topup", 200, topup),
        row("POST /api/wallet/topup", 409, refused),
        row("POST /api/wallet/setup-payment-method", 409, refused_setup),
        row("POST /api/stripe/webhook", 400, unsigned),
        row("POST /api/stripe/webhook", 200, world.anon.post_webhook(&event).await),
    ]
}

/// Withdrawals to an account at Stripe.
async fn money_out(world: &World) -> Vec<Row> {
    let user = world.user("payee", 5000).await;
    let withdraw =
        async |cents: i64| user.post("/api/wallet/withdraw", json!({ "amount_cents": cents })).await;
    let (connect, status) = ("POST /api/stripe/connect", "GET /api/stripe/connect/status");
    let operation = "POST /api/wallet/withdraw";
    world.control("next", json!({ "path": "/v1/accounts", "fault": "decline", "times": 2 })).await;
    let mut rows = vec![
        row(operation, 409, withdraw(500).await),
        row(connect, 409, user.post_empty("/api/stripe/connect").await),
        row(status, 200, user.get("/api/stripe/connect/status").await),
        row(connect, 200, user.post_empty("/api/stripe/connect").await),
        row(status, 200, user.get("/api/stripe/connect/status").await),
    ];
    let record = user.get(&format!("/api/users/{}", user.id)).await.expect(200);
    let account = record["stripe_account_id"].as_str().unwrap().to_owned();
    world.control(&format!("accounts/{account}/onboard"), json!({})).await;
    world.wait_for_webhooks().await;
    rows.push(row(status, 200, user.get("/api/stripe/connect/status").await));
    rows.push(row(operation, 402, withdraw(5001).await));
    rows.push(row(operation, 201, withdraw(500).await));
    let fault = |fault: &str, times: u32| json!({ "path": "/v1/transfers", "fault": fault, "times": times });
    world.control("next", fault("decline", 1)).await;
    let refused = withdraw(500).await;
    refused.expect_error(409, "withdrawal_refused");
    rows.push(row(operation, 409, refused));
    world.control("next", fault("timeout_before", 1000)).await;
    rows.push(row(operation, 202, withdraw(500).await));
    world.control("next", fault("timeout_before", 0)).await;
    world.advance_seconds(16);
    assert_eq!(world.reconcile().await, 1, "the pending withdrawal is settled");
    assert_eq!(user.balance().await, 4000);
    rows
}
