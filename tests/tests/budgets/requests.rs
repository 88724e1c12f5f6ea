//! The cost of every request.

use std::collections::BTreeSet;

use clorp_domain::ConnectStatus;
use clorp_tests::client::announcement;
use clorp_tests::permissions::{grant_for, grants};
use clorp_tests::{Answer, Client, World};
use reqwest::Method;
use serde_json::{Value, json};

use super::cost::{Cost, kilobyte, metered, read_meter};
use super::docs::{assert_cost_rows, assert_rows};
use super::money;
use super::prices::Dollars;

/// HTTP methods of operations in the OpenAPI document.
const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// Limit of a request's successive round trips, authentication included.
const BUDGET: usize = 3;

/// Requests that exceed the budget. Most of them call Stripe, and write their intent before and the outcome
/// after. The deletion of an agent queries its work only after reading the agent, so that no new work goes
/// unnoticed.
const OVER_BUDGET: [(&str, &str); 19] = [
    ("DELETE /api/agents/{id}", "204 deleted"),
    ("DELETE /api/agents/{id}", "409 it has active work"),
    ("POST /api/jobs/run", "201 the saved card is charged for it"),
    ("POST /api/jobs/run", "201 the saved card is charged afterwards"),
    ("POST /api/jobs/run", "402 not enough money"),
    ("POST /api/jobs/run", "402 the saved card is declined"),
    ("POST /api/jobs/run", "402 Stripe does not answer"),
    ("POST /api/jobs/{id}/claim", "201 a free slot, for verified workers"),
    ("POST /api/jobs/{id}/claim", "201 three leases have ended"),
    ("POST /api/jobs/{id}/pay", "200 the saved card is charged for it"),
    ("POST /api/stripe/webhook", "200 a top-up is paid, and its parked event is processed"),
    ("POST /api/wallet/setup-payment-method", "200 the first of a user"),
    ("POST /api/wallet/topup", "200 the first of a user"),
    ("POST /api/wallet/topup", "200 "),
    ("POST /api/wallet/withdraw", "201 sent"),
    ("POST /api/wallet/withdraw", "409 refused by Stripe"),
    ("reconciler: a sweep", "finds a charge"),
    ("reconciler: a sweep", "follows a dispute"),
    ("reconciler: a sweep", "ends a dispute that was won"),
];

/// Public requests and scheduled work, which look up no API key.
const WITHOUT_KEY: [&str; 10] = [
    "GET /api/agents/directory",
    "GET /api/board",
    "GET /api/board/stats",
    "GET /api/feed",
    "GET /api/openapi.json",
    "GET /llms.txt",
    "POST /api/cli/login",
    "POST /api/cli/token",
    "POST /api/stripe/webhook",
    "reconciler: a sweep",
];

/// Requests that require a session instead of an API key.
const WITH_SESSION: [&str; 3] =
    ["GET /api/cli/login", "POST /api/cli/login/approve", "POST /api/cli/login/deny"];

/// The table of costs, as the tests fill it: route, case and cost of each entry.
pub(crate) struct Table {
    pub(crate) world: World,
    pub(crate) entries: Vec<(String, String, Cost)>,
}

impl Table {
    /// Enters the cost of a request. `route` is written as in the OpenAPI document.
    #[track_caller]
    pub(crate) fn enter(&mut self, route: &str, case: &str, answer: &Answer, status: u16) -> Value {
        let body = answer.expect(status);
        let cost = read_meter(&self.world);
        self.entries.push((route.to_owned(), format!("{status} {case}"), cost));
        body
    }

    pub(crate) async fn get(&mut self, route: &str, path: &str, caller: &Client, case: &str) {
        let answer = caller.get(path).await;
        self.enter(route, case, &answer, 200);
    }
}

pub(crate) fn order(price_cents: i64, confirmed: bool) -> Value {
    json!({ "prompt": "Give me three roast-style taglines for this README", "pack": "roast",
            "price_cents": price_cents, "confirmed": confirmed })
}

async fn post_and_cancel(table: &mut Table, sender: &Client) {
    let poor = table.world.user("poor", 600).await;
    let answer = poor.post("/api/jobs/run", order(1000, true)).await;
    let unpaid = table.enter("POST /api/jobs/run", "not enough money", &answer, 402);
    let unpaid = unpaid["id"].as_str().unwrap();
    let pay = format!("/api/jobs/{unpaid}/pay");
    table.enter("POST /api/jobs/{id}/pay", "not enough money", &poor.post_empty(&pay).await, 402);
    let answer = poor.post_empty(&format!("/api/jobs/{unpaid}/cancel")).await;
    table.enter("POST /api/jobs/{id}/cancel", "unpaid", &answer, 200);

    // The second drop is unpaid until the refund of the first fills the wallet.
    let answer = sender.post("/api/jobs/run", order(20_000, true)).await;
    let first = table.enter("POST /api/jobs/run", "posted and paid", &answer, 201);
    let second = sender.post("/api/jobs/run", order(1000, true)).await.expect(402);
    read_meter(&table.world);
    let answer = sender.post_empty(&format!("/api/jobs/{}/cancel", first["id"].as_str().unwrap())).await;
    table.enter("POST /api/jobs/{id}/cancel", "refunded", &answer, 200);
    let answer = sender.post_empty(&format!("/api/jobs/{}/pay", second["id"].as_str().unwrap())).await;
    table.enter("POST /api/jobs/{id}/pay", "opened", &answer, 200);
}

async fn claim_and_submit(table: &mut Table, workers: &[Client], id: &str) {
    let (claim, submit) = ("POST /api/jobs/{id}/claim", "POST /api/jobs/{id}/submit");
    for (i, worker) in workers[..5].iter().enumerate() {
        let answer = worker.claim(id).await;
        if i == 0 {
            table.enter(claim, "a free slot", &answer, 201);
        }
        answer.expect(201);
    }
    read_meter(&table.world);
    table.enter(claim, "held already", &workers[0].claim(id).await, 200);
    table.enter(claim, "every slot is held", &workers[5].claim(id).await, 409);
    table.world.advance_seconds(121);
    table.enter(claim, "a lapsed claim is taken over", &workers[5].claim(id).await, 201);
    let holders: Vec<&Client> =
        workers[..6].iter().filter(|worker| worker.id != displaced_worker(table)).collect();
    assert_eq!(holders.len(), 5);
    for (i, worker) in holders.iter().enumerate() {
        let answer = worker.submit(id, &kilobyte(i)).await;
        match i {
            0 => drop(table.enter(submit, "1 KB", &answer, 201)),
            4 => drop(table.enter(submit, "1 KB, fills the drop", &answer, 201)),
            _ => drop(answer.expect(201)),
        }
        if i == 0 {
            table.enter(submit, "repeated", &worker.submit(id, &kilobyte(0)).await, 200);
            read(table, id, "open", worker).await;
        }
        if i == 3 {
            read_meter(&table.world);
        }
    }
}

/// Releases slots up to the cooldown, and claims after leases that have ended with the work done.
async fn release_slots(table: &mut Table, sender: &Client, workers: &[Client]) {
    let (claim, release) = ("POST /api/jobs/{id}/claim", "POST /api/jobs/{id}/release");
    let mut drops = Vec::new();
    for _ in 0..4 {
        drops.push(sender.post_drop(100).await);
    }
    let (worker, done) = (&workers[5], &workers[6]);
    let path = |action: &str| format!("/api/jobs/{}/{action}", drops[0]);
    read_meter(&table.world);
    table.enter(
        "POST /api/jobs/{id}/reserve",
        "a free slot",
        &worker.post_empty(&path("reserve")).await,
        201,
    );
    table.enter(release, "the slot is free", &worker.release(&drops[0]).await, 200);
    table.enter(release, "repeated", &worker.release(&drops[0]).await, 200);
    worker.claim(&drops[0]).await.expect(201);
    read_meter(&table.world);
    table.enter("POST /api/jobs/{id}/fail", "the slot is free", &worker.post_empty(&path("fail")).await, 200);
    worker.claim(&drops[0]).await.expect(201);
    worker.release(&drops[0]).await.expect(200);
    read_meter(&table.world);
    table.enter(claim, "three claims were given up", &worker.claim(&drops[0]).await, 429);
    for drop in &drops[..3] {
        done.claim(drop).await.expect(201);
        done.submit(drop, "In time").await.expect(201);
    }
    table.world.advance_seconds(121);
    read_meter(&table.world);
    table.enter(claim, "three leases have ended", &done.claim(&drops[3]).await, 201);
}

/// Creates agents, changes one, has it work on a drop and deletes it.
async fn agents(table: &mut Table, owner: &Client, sender: &Client) {
    let (all, one) = ("/api/agents", "/api/agents/{id}");
    table.get("GET /api/agents", all, owner, "only the default agent").await;
    let name = |name: &str| json!({ "name": name });
    let answer = owner.post(all, name("Ada")).await;
    let agent = table.enter("POST /api/agents", "the first of a user", &answer, 201);
    let path = format!("{all}/{}", agent["id"].as_str().unwrap());
    table.enter("POST /api/agents", "another", &owner.post(all, name("Grace")).await, 201);
    table.enter("POST /api/agents", "the name is taken", &owner.post(all, name("ADA")).await, 409);
    table.get("GET /api/agents", all, owner, "3 agents").await;
    table.get(&format!("GET {one}"), &path, owner, "").await;
    table.enter(&format!("PATCH {one}"), "renamed", &owner.patch(&path, name("Adele")).await, 200);
    let described = owner.patch(&path, json!({ "description": "Roasts" })).await;
    table.enter(&format!("PATCH {one}"), "described", &described, 200);

    let (claim, submit) = ("POST /api/jobs/{id}/claim", "POST /api/jobs/{id}/submit");
    let drop = sender.post_drop(100).await;
    read_meter(&table.world);
    let answer = owner.claim_for(&drop, agent["id"].as_str().unwrap()).await;
    table.enter(claim, "a free slot, for an agent other than the default one", &answer, 201);
    table.enter(&format!("DELETE {one}"), "it has active work", &owner.delete(&path).await, 409);
    let output = json!({ "output_text": kilobyte(0), "agentId": default_agent(owner).await });
    read_meter(&table.world);
    let answer = owner.post(&format!("/api/jobs/{drop}/submit"), output).await;
    table.enter(submit, "1 KB, for another agent than the claim", &answer, 201);
    table.enter(&format!("DELETE {one}"), "deleted", &owner.delete(&path).await, 204);
}

/// Claims a drop that requires verified payouts.
async fn claim_as_verified(table: &mut Table, sender: &Client) {
    let worker = table.world.user("verified", 0).await;
    let (users, id, now) = (table.world.store.users(), worker.id.parse().unwrap(), table.world.clock().now());
    let verified = users.set_account(&id, "acct_verified", ConnectStatus::Active, now).await.unwrap();
    assert!(verified.is_applied());
    let requirements = json!({ "verified_payouts": true });
    let body = json!({ "prompt": "Roast it", "worker_requirements": requirements, "price_cents": 100, "confirmed": true });
    let posted = sender.post("/api/jobs/run", body).await.expect(201);
    read_meter(&table.world);
    let answer = worker.claim(posted["id"].as_str().unwrap()).await;
    table.enter("POST /api/jobs/{id}/claim", "a free slot, for verified workers", &answer, 201);
}

async fn default_agent(owner: &Client) -> String {
    let agents = owner.get("/api/agents").await.expect(200);
    let default = agents.as_array().unwrap().iter().find(|agent| agent["is_default"] == true);
    default.unwrap()["id"].as_str().unwrap().to_owned()
}

/// The worker whose claim the last takeover removed.
fn displaced_worker(table: &Table) -> String {
    let (_, _, cost) = table.entries.last().unwrap();
    let actions = cost.calls.last().unwrap().request["TransactItems"].as_array().unwrap();
    let deleted = actions.iter().find_map(|action| action["Delete"]["Key"]["pk"]["S"].as_str());
    deleted.unwrap().trim_start_matches("USER#").to_owned()
}

/// Creates a key, spends with it, lists it and revokes it.
async fn keys(table: &mut Table) {
    let user = table.world.user("keeper", 5000).await;
    read_meter(&table.world);
    let policy = json!({ "name": "agent", "spend_policy": { "per_day_cents": 1500 } });
    let answer = user.post("/api/keys", policy).await;
    let key = table.enter("POST /api/keys", "", &answer, 201);
    let limited = user.with_authorization(&format!("Bearer {}", key["secret"].as_str().unwrap()));
    let answer = limited.post("/api/jobs/run", order(1000, true)).await;
    table.enter(
        "POST /api/jobs/run",
        "posted with a key that is limited by the day, and used for the first time",
        &answer,
        201,
    );
    let answer = limited.post("/api/jobs/run", order(1000, true)).await;
    table.enter("POST /api/jobs/run", "above the key's limit", &answer, 403);
    table.get("GET /api/keys", "/api/keys", &user, "2 keys").await;
    let path = format!("/api/keys/{}", key["id"].as_str().unwrap());
    let answer = user.send(Method::DELETE, &path, None, &[]).await;
    table.enter("DELETE /api/keys/{id}", "", &answer, 204);
}

/// Approves and denies logins of programs.
async fn logins(table: &mut Table) {
    let user = table.world.user("owner", 0).await;
    let browser = table.world.browser(&user, 3600);
    let anon = table.world.anon.clone();
    let (login, token) = ("/api/cli/login", "/api/cli/token");
    // Fetching the issuer's keys for the first session is not a round trip to the table.
    read_meter(&table.world);
    let answer = anon.post(login, json!({ "name": "laptop" })).await;
    let pending = table.enter("POST /api/cli/login", "", &answer, 201);
    let other = anon.post(login, json!({})).await.expect(201);
    let (code, device) = (json!({ "user_code": pending["user_code"] }), pending["device_code"].clone());
    let device = json!({ "device_code": device });
    read_meter(&table.world);
    let answer = anon.post(token, device.clone()).await;
    table.enter("POST /api/cli/token", "not decided yet", &answer, 400);
    let answer = anon.post(token, device.clone()).await;
    table.enter("POST /api/cli/token", "too often", &answer, 400);
    let path = format!("{login}?user_code={}", pending["user_code"].as_str().unwrap());
    table.get("GET /api/cli/login", &path, &browser, "by a session").await;
    let answer = browser.post(&format!("{login}/approve"), code).await;
    table.enter("POST /api/cli/login/approve", "by a session", &answer, 204);
    let denial = json!({ "user_code": other["user_code"] });
    let answer = browser.post(&format!("{login}/deny"), denial).await;
    table.enter("POST /api/cli/login/deny", "by a session", &answer, 204);
    table.world.advance_seconds(10);
    let answer = anon.post(token, device.clone()).await;
    table.enter("POST /api/cli/token", "the key is created", &answer, 201);
    let answer = anon.post(token, device).await;
    table.enter("POST /api/cli/token", "used", &answer, 400);
}

/// Sends every read about a drop, and some others.
async fn read(table: &mut Table, id: &str, state: &str, worker: &Client) {
    let (sender, anon) = (table.world.sender.clone(), table.world.anon.clone());
    let job = format!("/api/jobs/{id}");
    table.get("GET /api/jobs", "/api/jobs", &sender, state).await;
    table.get("GET /api/jobs/{id}", &job, &sender, state).await;
    table.get("GET /api/jobs/{id}/submissions", &format!("{job}/submissions"), &sender, state).await;
    table.get("GET /api/jobs/{id}/logs", &format!("{job}/logs"), &sender, state).await;
    if state == "completed" {
        table.get("GET /api/jobs", "/api/jobs?status=open", &sender, "by status").await;
        table.get("GET /api/jobs/{id}/verdict", &format!("{job}/verdict"), worker, state).await;
        table.get("GET /api/users/races", "/api/users/races", worker, "1 race").await;
        let appeal = sender.post_empty(&format!("{job}/appeal")).await;
        table.enter("POST /api/jobs/{id}/appeal", "", &appeal, 202);
        table.get("GET /api/feed", "/api/feed", &anon, "1 drop").await;
        let directory = "/api/agents/directory";
        table.get("GET /api/agents/directory", directory, &anon, "1 agent").await;
        table.get("GET /api/wallet/balance", "/api/wallet/balance", worker, "").await;
        table.get("GET /api/users/{id}", &format!("/api/users/{}", worker.id), worker, "").await;
        table.get("GET /api/openapi.json", "/api/openapi.json", &anon, "").await;
        table.get("GET /llms.txt", "/llms.txt", &anon, "").await;
        let answer = worker.post_empty("/api/whoami").await;
        table.enter("POST /api/whoami", "", &answer, 200);
    } else {
        table.get("GET /api/board", "/api/board", &anon, "2 drops").await;
        table.get("GET /api/board/stats", "/api/board/stats", &anon, "").await;
        table.get("GET /api/users/status", "/api/users/status", worker, "1 drop").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_stays_within_its_budget_and_costs_what_is_documented() {
    let mut table = Table { world: metered().await, entries: Vec::new() };
    let (sender, workers) = (table.world.sender.clone(), table.world.workers.clone());
    let estimate = sender.post("/api/jobs/run", order(1000, false)).await;
    table.enter("POST /api/jobs/run", "estimate", &estimate, 200);
    post_and_cancel(&mut table, &sender).await;
    let id =
        sender.post("/api/jobs/run", order(1000, true)).await.expect(201)["id"].as_str().unwrap().to_owned();
    read_meter(&table.world);
    claim_and_submit(&mut table, &workers, &id).await;
    assert_eq!(table.world.sweep().await.settled, 1);
    let settled = read_meter(&table.world);
    read(&mut table, &id, "completed", &workers[5]).await;

    let claim = "POST /api/jobs/{id}/claim";
    let refused = workers[6].claim(&id).await;
    table.enter(claim, "the drop is not open", &refused, 409);
    release_slots(&mut table, &sender, &workers).await;
    agents(&mut table, &workers[3], &sender).await;
    claim_as_verified(&mut table, &sender).await;
    files(&mut table).await;
    verifications(&mut table).await;
    money::play(&mut table).await;
    keys(&mut table).await;
    logins(&mut table).await;
    // The record of an idempotency key needs permissions too.
    sender.keyed("k").post_empty("/api/whoami").await.expect(200);
    let all: BTreeSet<String> = operations(&table.world).await;
    let counted = table.entries.iter().map(|(route, _, _)| route.clone());
    let counted: BTreeSet<String> = counted.filter(|route| !route.contains(':')).collect();
    assert_eq!(counted, all, "every route is counted");
    check(&table);
    table.entries.push(("ranking: a sweep".to_owned(), "settles a full drop".to_owned(), settled));
    let path = |route: &str| route.split_once(' ').map(|(_, path)| path.to_owned());
    table.entries.sort_by_key(|(route, _, _)| (!route.contains('/'), path(route)));
    let mut rows = vec![
        "| request | case | round trips | read units | write units |".to_owned(),
        "|---|---|---|---|---|".to_owned(),
    ];
    rows.extend(table.entries.iter().map(|(route, case, cost)| {
        let (reads, writes) = (cost.read_units(), cost.write_units());
        format!("| `{route}` | {} | {} | {reads} | {writes} |", case.trim(), cost.round_trips())
    }));
    assert_rows("requests", &rows);
    assert_cost_rows("requests", &priced(&table));
    table.world.finish().await;
}

/// The price of each entry. A sweep has no request to the gateway.
fn priced(table: &Table) -> Vec<String> {
    let mut rows = vec![
        "| request | case | table | function | gateway | in all |".to_owned(),
        "|---|---|---|---|---|---|".to_owned(),
    ];
    rows.extend(table.entries.iter().map(|(route, case, cost)| {
        let price = Dollars::new(cost, 1, usize::from(route.contains('/')), 0);
        let Dollars { table, functions, gateway, .. } = price;
        let all = price.total();
        format!("| `{route}` | {} | {table:.2} | {functions:.2} | {gateway:.2} | {all:.2} |", case.trim())
    }));
    rows
}

/// Posts a drop with two files, and a submission with two files.
async fn files(table: &mut Table) {
    let (sender, worker) = (table.world.user("sender", 1000).await, table.world.workers[0].clone());
    let announced = announcement("notes.txt", "text/plain", b"Notes");
    read_meter(&table.world);
    let answer = sender.post("/api/uploads", announced).await;
    table.enter("POST /api/uploads", "", &answer, 201);
    let two = async |owner: &Client| {
        let uploads =
            [owner.upload("1", "text/plain", b"1").await, owner.upload("2", "text/plain", b"2").await];
        json!(uploads.map(|upload| json!({ "id": upload["id"] })))
    };
    let (briefing, work) = (two(&sender).await, two(&worker).await);
    let mut order = order(1000, true);
    order["attachments"] = briefing;
    read_meter(&table.world);
    let answer = sender.post("/api/jobs/run", order).await;
    let drop = table.enter("POST /api/jobs/run", "posted and paid, 2 files", &answer, 201);
    let path = format!("/api/jobs/{}", drop["id"].as_str().unwrap());
    worker.post_empty(&format!("{path}/claim")).await.expect(201);
    read_meter(&table.world);
    let answer = worker.post(&format!("{path}/submit"), json!({ "output_attachments": work })).await;
    table.enter("POST /api/jobs/{id}/submit", "2 files", &answer, 201);
}

/// Verifies an output of 1 KB and one with two files, and reads the first verification.
async fn verifications(table: &mut Table) {
    let user = table.world.user("careful", 0).await;
    let (route, criteria) = ("POST /api/verify", "Three taglines for a bakery");
    read_meter(&table.world);
    let answer = user.post("/api/verify", json!({ "criteria": criteria, "output_text": kilobyte(0) })).await;
    let verification = table.enter(route, "1 KB", &answer, 201);
    let path = format!("/api/verify/{}", verification["id"].as_str().unwrap());
    table.get("GET /api/verify/{id}", &path, &user, "").await;
    let files = [user.upload("1", "text/plain", b"1").await, user.upload("2", "text/plain", b"2").await];
    let files = files.map(|upload| json!({ "id": upload["id"] }));
    read_meter(&table.world);
    let answer = user.post("/api/verify", json!({ "criteria": criteria, "attachments": files })).await;
    table.enter(route, "2 files", &answer, 201);
}

/// Checks the budget, the authentication and the writes of each entry, and the use of every permission.
fn check(table: &Table) {
    let (mut reads, mut short_reads, mut listed, mut over) = (0, 0, BTreeSet::new(), Vec::new());
    for (route, case, cost) in &table.entries {
        let entry = format!("{route}, {case}");
        if OVER_BUDGET.contains(&(route.as_str(), case.as_str())) {
            assert!(cost.round_trips() > BUDGET, "{entry} keeps the budget: remove it from the list");
            listed.insert((route, case));
        } else {
            over.extend((cost.round_trips() > BUDGET).then(|| (entry.clone(), cost.round_trips())));
        }
        let keyless = WITHOUT_KEY.iter().chain(&WITH_SESSION).any(|keyless| keyless == route);
        assert_eq!(cost.looks_up_a_key(), !keyless, "{entry}: authentication");
        let refused = (case.starts_with("409") || case.starts_with("429")) && case != "409 refused by Stripe";
        let recorded = case.ends_with("recorded");
        if (route.starts_with("GET") && !recorded) || route.ends_with("whoami") || refused {
            let written = cost.charges().filter(|charge| charge.item != "LIMIT");
            assert_eq!(written.count(), 0, "{entry}: writes more than the caller's rate limit");
            // Guesses of user codes are counted by all instances together, in the table.
            let limit_writes = usize::from(route == "GET /api/cli/login");
            assert!(!route.starts_with("GET") || cost.write_units() == limit_writes, "{entry}");
            reads += 1;
            short_reads += usize::from(cost.round_trips() <= 2);
        }
    }
    assert_eq!(over, [], "round trips");
    assert_eq!(listed.len(), OVER_BUDGET.len(), "{listed:?}");
    assert!(short_reads * 2 > reads, "{short_reads} of {reads} reads make at most two round trips");
    // These requests use every granted permission. `World::finish` checks that they use no other.
    let used = table.world.proxy.as_ref().unwrap().used_permissions();
    let used: BTreeSet<_> = used.iter().filter_map(grant_for).collect();
    let idle: Vec<_> = grants().difference(&used).cloned().collect();
    assert!(idle.is_empty(), "granted and never used: {idle:?}");
}

/// Every operation of the OpenAPI document.
async fn operations(world: &World) -> BTreeSet<String> {
    let document = world.anon.get("/api/openapi.json").await.expect(200);
    let paths = document["paths"].as_object().unwrap();
    let operations = paths.iter().flat_map(|(path, item)| {
        let methods = item.as_object().unwrap().keys().filter(|key| METHODS.contains(&key.as_str()));
        methods.map(move |method| format!("{} {path}", method.to_uppercase()))
    });
    operations.collect()
}
