//! Logins of programs without a browser: a program begins a login, its user decides on it, and the program
//! polls for its key.

use clorp_domain::{RateLimit, Rules};
use clorp_tests::world::{LOGIN_PAGE, SOURCE_ADDRESS, TABLE};
use clorp_tests::{Answer, Client, Fault, Options, World, unlimited};
use futures::future::{join, join_all};
use reqwest::Method;
use serde_json::{Value, json};

const LOGIN: &str = "/api/cli/login";
const UNKNOWN: &str = "BCDF-GHJK";

/// Begins a login of a program called `name`.
async fn begin(world: &World, name: &str) -> Value {
    world.anon.post(LOGIN, json!({ "name": name })).await.expect(201)
}

async fn begin_from(world: &World, address: &str) -> Answer {
    let headers = [("content-type", "application/json"), (SOURCE_ADDRESS, address)];
    world.anon.send(Method::POST, LOGIN, Some(b"{}".to_vec()), &headers).await
}

async fn poll(world: &World, login: &Value) -> Answer {
    world.anon.post("/api/cli/token", json!({ "device_code": login["device_code"] })).await
}

async fn show(caller: &Client, code: &str) -> Answer {
    caller.get(&format!("{LOGIN}?user_code={code}")).await
}

/// Decides on a login; `decision` is `approve` or `deny`.
async fn decide(caller: &Client, decision: &str, login: &Value) -> Answer {
    caller.post(&format!("{LOGIN}/{decision}"), json!({ "user_code": login["user_code"] })).await
}

async fn keys(owner: &Client) -> Value {
    owner.get("/api/keys").await.expect(200)
}

async fn count_keys(owner: &Client) -> usize {
    keys(owner).await.as_array().unwrap().len()
}

fn code(login: &Value) -> &str {
    login["user_code"].as_str().unwrap()
}

/// A client that uses the key in a token response.
fn client_with(world: &World, token: &Value) -> Client {
    world.anon.with_authorization(&format!("Bearer {}", token["api_key"].as_str().unwrap()))
}

/// The `Retry-After` of a response, in seconds.
fn retry_after(answer: &Answer) -> i64 {
    answer.header("retry-after").unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_gets_its_key_after_its_user_approves_in_the_browser() {
    let world = World::start().await;
    let browser = world.browser(&world.sender, 3600);
    let login = begin(&world, " ada's laptop ").await;
    assert_eq!((&login["expires_in"], &login["interval"]), (&json!(600), &json!(5)));
    assert_eq!(login["verification_uri"], LOGIN_PAGE);
    assert_eq!(login["verification_uri_complete"], format!("{LOGIN_PAGE}?user_code={}", code(&login)));
    poll(&world, &login).await.expect_error(400, "authorization_pending");

    // People type codes in lower case and with spaces.
    let shown = show(&browser, &code(&login).to_lowercase().replace('-', "%20")).await.expect(200);
    assert_eq!((&shown["user_code"], &shown["status"]), (&login["user_code"], &json!("pending")));
    assert_eq!(shown["name"], "ada's laptop");
    assert_eq!(decide(&browser, "approve", &login).await.expect(204), Value::Null);
    assert_eq!(show(&browser, code(&login)).await.expect(200)["status"], "approved");
    assert_eq!(count_keys(&world.sender).await, 1, "the key is created by the poll");

    world.advance_seconds(5);
    let token = poll(&world, &login).await.expect(201);
    assert_eq!((&token["name"], &token["user"]), (&json!("ada's laptop"), &json!({ "id": world.sender.id })));
    assert_eq!((&token["expires_at"], &token["spend_policy"]["per_day_cents"]), (&Value::Null, &Value::Null));
    let cli = client_with(&world, &token);
    assert_eq!(cli.post_empty("/api/whoami").await.expect(200)["user"]["id"], world.sender.id.as_str());
    let listed = keys(&world.sender).await;
    assert_eq!((&listed[0]["id"], listed.as_array().unwrap().len()), (&token["id"], 2));
    assert_eq!(show(&browser, code(&login)).await.expect(200)["status"], "redeemed");

    world.advance_seconds(5);
    poll(&world, &login).await.expect_error(400, "invalid_grant");
    assert_eq!(count_keys(&world.sender).await, 2, "a login yields one key");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_sets_the_keys_expiry_and_spend_policy() {
    let world = World::start().await;
    let browser = world.browser(&world.sender, 3600);
    let login = begin(&world, "agent").await;
    let in_an_hour = jiff::Timestamp::from_second(world.clock().now().as_second() + 3600).unwrap();
    let body = json!({
        "user_code": login["user_code"], "expires_at": in_an_hour.to_string(),
        "spend_policy": { "per_drop_cents": 100, "per_day_cents": 150 },
    });
    let approve = format!("{LOGIN}/approve");
    browser.post(&approve, body.clone()).await.expect(204);
    browser.post(&approve, body).await.expect(204);
    decide(&browser, "approve", &login).await.expect_error(409, "login_decided");
    let token = poll(&world, &login).await.expect(201);
    assert_eq!(token["spend_policy"], json!({ "per_drop_cents": 100, "per_day_cents": 150 }));
    let cli = client_with(&world, &token);
    super::run(&cli, 200).await.expect_error(403, "spend_limit_per_drop");
    super::run(&cli, 100).await.expect(201);
    super::run(&cli, 100).await.expect_error(403, "spend_limit_per_day");
    world.advance_seconds(3601);
    cli.post_empty("/api/whoami").await.expect_error(401, "authentication_required");
    assert_eq!(world.sender.balance().await, 19_900);
    world.finish().await;
}

/// Begins a login that asks for `asked`, approves it with `named`, and returns the rights that the user saw
/// and those of the key.
async fn granted(world: &World, asked: Value, named: Value) -> (Value, Value) {
    let browser = world.browser(&world.sender, 3600);
    let login = world.anon.post(LOGIN, json!({ "rights": asked })).await.expect(201);
    let shown = show(&browser, code(&login)).await.expect(200)["asked_rights"].clone();
    let approval = json!({ "user_code": login["user_code"], "rights": named });
    for _ in 0..2 {
        browser.post(&format!("{LOGIN}/approve"), approval.clone()).await.expect(204);
    }
    (shown, poll(world, &login).await.expect(201)["rights"].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_grants_what_the_program_asks_for_and_more_only_by_name() {
    let world = World::start().await;
    let default = json!(["read", "work", "spend"]);
    let check = async |asked: Value, named: Value, shown: &Value, given: &Value| {
        let rights = granted(&world, asked.clone(), named.clone()).await;
        assert_eq!((&rights.0, &rights.1), (shown, given), "{asked} approved with {named}");
    };
    let greedy = json!(["read", "cards", "keys", "payouts"]);
    check(Value::Null, Value::Null, &default, &default).await;
    check(json!(["work"]), Value::Null, &json!(["work"]), &json!(["work"])).await;
    check(greedy.clone(), Value::Null, &greedy, &json!(["read"])).await;
    check(greedy.clone(), greedy.clone(), &greedy, &greedy).await;
    check(Value::Null, json!(["read"]), &default, &json!(["read"])).await;
    check(json!(["read"]), json!(["payouts"]), &json!(["read"]), &json!(["payouts"])).await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_logins_key_acts_with_its_rights_and_another_approval_does_not_change_them() {
    let world = World::start().await;
    let browser = world.browser(&world.sender, 3600);
    let login = begin(&world, "cli").await;
    let approve = async |rights: Value| {
        let approval = json!({ "user_code": login["user_code"], "rights": rights });
        browser.post(&format!("{LOGIN}/approve"), approval).await
    };
    approve(json!(["read", "work"])).await.expect(204);
    approve(json!(["read", "work", "payouts"])).await.expect_error(409, "login_decided");
    approve(Value::Null).await.expect_error(409, "login_decided");
    let cli = client_with(&world, &poll(&world, &login).await.expect(201));
    super::expect_lack(&super::run(&cli, 100).await, "spend");
    super::expect_lack(&cli.post("/api/keys", json!({ "name": "k" })).await, "keys");
    cli.post("/api/agents", json!({ "name": "A" })).await.expect(201);
    assert_eq!(world.sender.balance().await, 20_000);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_polls_too_often_is_slowed_down_and_keeps_its_login() {
    let world = World::start().await;
    let login = begin(&world, "eager").await;
    assert_eq!(retry_after(&poll(&world, &login).await), 5);
    for slower in [10, 15, 20] {
        let answer = poll(&world, &login).await;
        answer.expect_error(400, "slow_down");
        assert_eq!(retry_after(&answer), slower);
    }
    world.advance_seconds(19);
    poll(&world, &login).await.expect_error(400, "slow_down");
    for _ in 0..20 {
        poll(&world, &login).await.expect_error(400, "slow_down");
    }
    assert_eq!(retry_after(&poll(&world, &login).await), 60, "the longest interval is 60 seconds");
    world.advance_seconds(41);
    let answer = poll(&world, &login).await;
    answer.expect_error(400, "authorization_pending");
    assert_eq!(retry_after(&answer), 60);
    decide(&world.browser(&world.sender, 3600), "approve", &login).await.expect(204);
    poll(&world, &login).await.expect_error(400, "slow_down");
    world.advance_seconds(60);
    poll(&world, &login).await.expect(201);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denied_expired_or_unknown_login_yields_no_key() {
    let world = World::start().await;
    let browser = world.browser(&world.sender, 36_000);
    let (denied, expired) = (begin(&world, "denied").await, begin(&world, "late").await);
    let approved = begin(&world, "approved and late").await;
    for _ in 0..2 {
        decide(&browser, "deny", &denied).await.expect(204);
    }
    decide(&browser, "approve", &denied).await.expect_error(409, "login_decided");
    assert_eq!(show(&browser, code(&denied)).await.expect(200)["status"], "denied");
    poll(&world, &denied).await.expect_error(400, "access_denied");
    for _ in 0..2 {
        decide(&browser, "approve", &approved).await.expect(204);
    }
    decide(&browser, "deny", &approved).await.expect_error(409, "login_decided");

    world.advance_seconds(600);
    for login in [&denied, &expired, &approved] {
        poll(&world, login).await.expect_error(400, "expired_token");
        show(&browser, code(login)).await.expect_error(404, "not_found");
        for decision in ["approve", "deny"] {
            decide(&browser, decision, login).await.expect_error(404, "not_found");
        }
    }
    for unknown in ["0".repeat(32), "0".repeat(31), "LOGIN#".to_owned(), String::new()] {
        poll(&world, &json!({ "device_code": unknown })).await.expect_error(400, "invalid_grant");
    }
    show(&browser, UNKNOWN).await.expect_error(404, "not_found");
    decide(&browser, "approve", &json!({ "user_code": UNKNOWN })).await.expect_error(404, "not_found");
    assert_eq!(count_keys(&world.sender).await, 1, "no key was created");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_request_names_its_field() {
    let world = World::start().await;
    let browser = world.browser(&world.sender, 3600);
    for (body, code, field) in [
        (json!({ "name": "" }), "name_required", "/name"),
        (json!({ "name": "x".repeat(101) }), "name_too_long", "/name"),
        (json!({ "name": "a\nb" }), "invalid_name", "/name"),
        (json!({ "client_id": "cli" }), "unknown_field", "/client_id"),
        (json!({ "rights": [] }), "invalid_rights", "/rights"),
        (json!({ "rights": ["payouts", "keys"] }), "invalid_rights", "/rights"),
        (json!({ "rights": ["read", "write"] }), "invalid_rights", "/rights/1"),
    ] {
        world.anon.post(LOGIN, body).await.expect_field(400, code, field);
    }
    let token = world.anon.post("/api/cli/token", json!({})).await;
    token.expect_field(400, "device_code_required", "/device_code");
    browser.get(LOGIN).await.expect_field(400, "invalid_user_code", "user_code");
    show(&browser, "WDJB-MJH1").await.expect_field(400, "invalid_user_code", "user_code");
    let approve = format!("{LOGIN}/approve");
    for (body, code, field) in [
        (json!({}), "invalid_user_code", "/user_code"),
        (json!({ "user_code": "WDJB" }), "invalid_user_code", "/user_code"),
        (
            json!({ "user_code": UNKNOWN, "expires_at": "2020-01-01T00:00:00Z" }),
            "invalid_expiry",
            "/expires_at",
        ),
        (
            json!({ "user_code": UNKNOWN, "spend_policy": { "per_day_cents": -1 } }),
            "invalid_limit",
            "/spend_policy/per_day_cents",
        ),
        (json!({ "user_code": UNKNOWN, "rights": [] }), "invalid_rights", "/rights"),
        (json!({ "user_code": UNKNOWN, "rights": ["write"] }), "invalid_rights", "/rights/0"),
        (
            json!({ "user_code": UNKNOWN, "rights": ["keys"], "spend_policy": { "per_day_cents": 1 } }),
            "invalid_rights",
            "/rights",
        ),
    ] {
        browser.post(&approve, body).await.expect_field(400, code, field);
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_requires_a_session_and_an_allowed_origin() {
    let world = World::start().await;
    let browser = world.browser(&world.sender, 3600);
    let login = begin(&world, "cli").await;
    for decision in ["approve", "deny"] {
        decide(&world.sender, decision, &login).await.expect_error(403, "session_required");
        decide(&world.anon, decision, &login).await.expect_error(401, "authentication_required");
        let body = json!({ "user_code": login["user_code"] }).to_string().into_bytes();
        let headers = [("content-type", "application/json"), ("origin", "https://evil.example")];
        let path = format!("{LOGIN}/{decision}");
        let foreign = browser.send(Method::POST, &path, Some(body), &headers).await;
        foreign.expect_error(403, "foreign_origin");
    }
    show(&world.sender, code(&login)).await.expect_error(403, "session_required");
    show(&world.anon, code(&login)).await.expect_error(401, "authentication_required");
    assert_eq!(show(&browser, code(&login)).await.expect(200)["status"], "pending");
    poll(&world, &login).await.expect_error(400, "authorization_pending");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_belongs_to_the_approver_and_other_users_cannot_find_the_login() {
    let world = World::start().await;
    let (one, other) = (world.browser(&world.sender, 3600), world.browser(&world.stranger, 3600));
    let login = begin(&world, "cli").await;
    show(&other, code(&login)).await.expect(200);
    decide(&one, "approve", &login).await.expect(204);
    show(&other, code(&login)).await.expect_error(404, "not_found");
    for decision in ["approve", "deny"] {
        decide(&other, decision, &login).await.expect_error(404, "not_found");
    }
    let token = poll(&world, &login).await.expect(201);
    assert_eq!(token["user"]["id"], world.sender.id.as_str());
    assert_eq!((count_keys(&world.sender).await, count_keys(&world.stranger).await), (2, 1));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_polls_yield_exactly_one_key() {
    let world = World::start().await;
    let login = begin(&world, "cli").await;
    decide(&world.browser(&world.sender, 3600), "approve", &login).await.expect(204);
    let answers = join_all((0..12).map(|_| poll(&world, &login))).await;
    let (granted, refused): (Vec<_>, Vec<_>) =
        answers.iter().partition(|answer| answer.status.as_u16() == 201);
    assert_eq!(granted.len(), 1);
    for answer in refused {
        answer.expect_error(400, "invalid_grant");
    }
    assert_eq!(count_keys(&world.sender).await, 2);
    client_with(&world, &granted[0].json()).post_empty("/api/whoami").await.expect(200);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn exactly_one_of_a_concurrent_approval_and_denial_wins() {
    let world = World::start().await;
    let (one, other) = (world.browser(&world.sender, 3600), world.browser(&world.stranger, 3600));
    let mut keys = 0;
    for (denier, refusal) in [(&one, 409), (&other, 404)].into_iter().cycle().take(8) {
        let login = begin(&world, "cli").await;
        let (approved, denied) = join(decide(&one, "approve", &login), decide(denier, "deny", &login)).await;
        let statuses = (approved.status.as_u16(), denied.status.as_u16());
        let token = poll(&world, &login).await;
        if approved.status.is_success() {
            assert_eq!(statuses, (204, refusal));
            token.expect(201);
            keys += 1;
        } else {
            assert_eq!(statuses, (refusal, 204));
            token.expect_error(400, "access_denied");
        }
    }
    assert_eq!(count_keys(&world.sender).await, 1 + keys);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_refused_by_the_key_limit_succeeds_after_a_key_is_revoked() {
    let rules = Rules { max_keys: 2, ..unlimited() };
    let world = World::with(Options { rules, ..Options::default() }).await;
    let (id, _) = super::create_key(&world.sender, json!({})).await;
    let login = begin(&world, "cli").await;
    decide(&world.browser(&world.sender, 3600), "approve", &login).await.expect(204);
    poll(&world, &login).await.expect_error(409, "too_many_keys");
    poll(&world, &login).await.expect_error(400, "slow_down");
    world.sender.send(Method::DELETE, &format!("/api/keys/{id}"), None, &[]).await.expect(204);
    world.advance_seconds(10);
    poll(&world, &login).await.expect(201);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_response_leaves_a_key_that_its_owner_can_revoke() {
    let world = World::with(Options { proxied: true, ..Options::default() }).await;
    let proxy = world.proxy.as_ref().unwrap();
    let browser = world.browser(&world.sender, 3600);
    let login = begin(&world, "cli").await;
    // The approval takes effect although the table's response is lost, and the retry finds it.
    proxy.fail("UpdateItem", Fault::LostAnswer, 1);
    decide(&browser, "approve", &login).await.expect(204);
    proxy.heal();
    proxy.fail("TransactWriteItems", Fault::LostAnswer, 10);
    poll(&world, &login).await.expect_error(503, "unavailable");
    proxy.heal();
    poll(&world, &login).await.expect_error(400, "invalid_grant");
    let listed = keys(&world.sender).await;
    assert_eq!((&listed[0]["name"], &listed[0]["last_used_at"]), (&json!("cli"), &Value::Null));
    let path = format!("/api/keys/{}", listed[0]["id"].as_str().unwrap());
    world.sender.send(Method::DELETE, &path, None, &[]).await.expect(204);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_under_an_idempotency_key_is_replayed_after_the_login_has_expired() {
    let world = World::start().await;
    let browser = world.browser(&world.sender, 3600);
    for (decision, status) in [("approve", 201), ("deny", 400)] {
        let login = begin(&world, "cli").await;
        let keyed = browser.keyed(decision);
        let first = decide(&keyed, decision, &login).await;
        first.expect(204);
        poll(&world, &login).await.expect(status);
        world.advance_seconds(601);
        let replay = decide(&keyed, decision, &login).await;
        replay.expect(204);
        assert_eq!(
            (first.header("idempotency-replayed"), replay.header("idempotency-replayed")),
            (None, Some("true"))
        );
        decide(&browser, decision, &login).await.expect_error(404, "not_found");
    }
    assert_eq!(count_keys(&world.sender).await, 2);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_stores_neither_the_device_code_nor_the_key() {
    let world = World::start().await;
    let stored = async || {
        let stored = world.table().scan().table_name(TABLE).send().await.unwrap();
        format!("{:?}", stored.items())
    };
    let login = begin(&world, "secretive").await;
    let device = login["device_code"].as_str().unwrap();
    let pending = stored().await;
    assert!(pending.contains("secretive") && !pending.contains(device));
    decide(&world.browser(&world.sender, 3600).keyed("k"), "approve", &login).await.expect(204);
    assert!(!stored().await.contains(device));
    let key = poll(&world, &login).await.expect(201)["api_key"].as_str().unwrap().to_owned();
    let redeemed = stored().await;
    assert!(redeemed.contains("redeemed") && !redeemed.contains(device) && !redeemed.contains(&key[12..]));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn logins_are_limited_by_address() {
    let rules = Rules { login_rate: RateLimit { quota: 3, window_seconds: 60 }, ..unlimited() };
    let world = World::with(Options { rules, ..Options::default() }).await;
    let answers = join_all((0..12).map(|_| begin_from(&world, "203.0.113.7"))).await;
    let accepted = answers.iter().filter(|answer| answer.status.as_u16() == 201).count();
    assert_eq!(accepted, 3, "over all instances");
    let refused = begin_from(&world, "203.0.113.7").await;
    refused.expect_error(429, "rate_limited");
    assert!((1..=20).contains(&retry_after(&refused)), "{}", retry_after(&refused));
    // All addresses of one IPv6 network share a limit, and so do all requests without a valid address.
    for (address, status) in [
        ("203.0.113.8", 201),
        ("2001:db8::1", 201),
        ("2001:db8::2", 201),
        ("2001:db8::3", 201),
        ("2001:db8::4", 429),
        ("2001:db8:0:1::1", 201),
        ("", 201),
        ("nonsense", 201),
        ("", 201),
        ("nonsense", 429),
    ] {
        begin_from(&world, address).await.expect(status);
    }
    world.advance_seconds(retry_after(&refused));
    let login = begin_from(&world, "203.0.113.7").await.expect(201);
    let shown = show(&world.browser(&world.sender, 3600), code(&login)).await.expect(200);
    assert_eq!(shown["asked_from"], "203.0.113.7");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_of_user_codes_are_rate_limited() {
    let rules = Rules { keys_rate: RateLimit { quota: 5, window_seconds: 60 }, ..unlimited() };
    let world = World::with(Options { rules, ..Options::default() }).await;
    let browser = world.browser(&world.sender, 3600);
    let guesses = join_all((0..12).map(|_| show(&browser, UNKNOWN))).await;
    let answered = guesses.iter().filter(|answer| answer.status.as_u16() == 404).count();
    assert_eq!(answered, 5);
    let login = begin(&world, "cli").await;
    decide(&browser, "approve", &login).await.expect_error(429, "rate_limited");
    poll(&world, &login).await.expect_error(400, "authorization_pending");
    world.finish().await;
}
