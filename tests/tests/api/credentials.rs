//! Access control, over every route of the OpenAPI document.

use std::collections::BTreeSet;

use clorp_domain::api_key::ApiKey;
use clorp_tests::document::{Route, routes};
use clorp_tests::{Answer, World};

use super::support::{post, post_pending};

/// The routes that require no credential; every other one must refuse a request without one. The webhook
/// authenticates Stripe by its signature. A program that logs in has no credential yet.
const PUBLIC: [&str; 9] = [
    "GET /api/agents/directory",
    "GET /api/board",
    "GET /api/board/stats",
    "GET /api/feed",
    "GET /api/openapi.json",
    "GET /llms.txt",
    "POST /api/cli/login",
    "POST /api/cli/token",
    "POST /api/stripe/webhook",
];

fn is_public(route: &Route) -> bool {
    PUBLIC.contains(&route.name().as_str())
}

/// `Authorization` headers that identify no user.
fn bad_credentials() -> Vec<String> {
    let unknown = ApiKey::from_random(rand::random()).expose().to_owned();
    let last = if unknown.ends_with('0') { '1' } else { '0' };
    let broken = format!("{}{last}", &unknown[..unknown.len() - 1]);
    vec![
        "garbage".to_owned(),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        "Bearer garbage".to_owned(),
        "Basic dXNlcjpwYXNz".to_owned(),
        format!("Basic {unknown}"),
        format!("Bearer {broken}"),
        format!("Bearer {unknown}"),
        unknown,
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_public_route_needs_no_credential_and_ignores_a_bad_one() {
    let world = World::start().await;
    post(&world.sender, "roast", 100).await;
    for route in routes().iter().filter(|route| is_public(route)) {
        let path = &route.path;
        // Each login has new codes and each error a new request id, so only one field is compared.
        let (status, field) = match path.as_str() {
            "/api/cli/login" => (201, "expires_in"),
            "/api/cli/token" => (400, "code"),
            _ => (200, ""),
        };
        let content = |answer: &Answer| {
            assert_eq!(answer.status.as_u16(), status, "{path}: {}", answer.text);
            if field.is_empty() { answer.text.clone() } else { answer.json()[field].to_string() }
        };
        let plain = content(&route.send(&world.anon, path, &[]).await);
        for credential in bad_credentials() {
            let answer = route.send(&world.anon.with_authorization(&credential), path, &[]).await;
            assert_eq!(content(&answer), plain, "{path} with {credential}");
        }
        let two = route.send(&world.sender, path, &[("authorization", "Bearer garbage")]).await;
        assert_eq!(content(&two), plain, "{path}");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn different_authorization_headers_are_refused_and_equal_ones_are_one() {
    let world = World::start().await;
    let drop = post(&world.sender, "roast", 100).await;
    let own = world.sender.authorization().unwrap().to_owned();
    let others = world.workers[0].authorization().unwrap().to_owned();
    for route in routes().iter().filter(|route| !is_public(route)) {
        let path = route.at(&drop, &world.sender.id);
        for other in [others.as_str(), "Bearer garbage", "Basic dXNlcjpwYXNz", ""] {
            let answer = route.send(&world.sender, &path, &[("authorization", other)]).await;
            answer.expect_field(400, "ambiguous_authorization", "Authorization");
        }
        // A gateway joins repeated headers with commas.
        let joined = world.anon.with_authorization(&format!("{own}, {others}"));
        route.send(&joined, &path, &[]).await.expect_field(400, "ambiguous_authorization", "Authorization");
    }
    assert_eq!(world.sender.get(&format!("/api/jobs/{drop}")).await.expect(200)["status"], "open");
    world.sender.get_with("/api/wallet/balance", &[("authorization", &own)]).await.expect(200);
    let joined = world.anon.with_authorization(&format!("{own},{own}"));
    joined.get("/api/wallet/balance").await.expect(200);
    world.finish().await;
}

#[test]
fn the_document_says_which_routes_are_public() {
    let routes = routes();
    let public = routes.iter().filter(|route| !route.requires_credential());
    let public: BTreeSet<String> = public.map(Route::name).collect();
    assert_eq!(public, PUBLIC.map(str::to_owned).into());
}

#[tokio::test(flavor = "multi_thread")]
async fn resources_of_other_users_are_not_found() {
    let world = World::start().await;
    let (open, pending) = (post(&world.sender, "roast", 100).await, post_pending(&world.workers[0]).await);
    let missing = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
    let mut checked = 0;
    for route in routes().iter().filter(|route| route.path.contains("{id}")) {
        checked += 1;
        // An open drop is public, so these routes may reveal that it exists.
        let public_actions = ["claim", "reserve", "submit", "release", "fail"];
        let is_public_action =
            public_actions.iter().any(|action| route.path == format!("/api/jobs/{{id}}/{action}"));
        let drops = if is_public_action { vec![&pending] } else { vec![&open, &pending] };
        let unknown = route.send(&world.stranger, &route.at(missing, missing), &[]).await;
        let unknown = unknown.expect_error(404, "not_found");
        for drop in drops {
            let path = route.at(drop, &world.sender.id);
            let answer = route.send(&world.stranger, &path, &[]).await;
            assert_eq!(answer.status.as_u16(), 404, "{} {path}: {}", route.method, answer.text);
            let body = answer.expect_error(404, "not_found");
            assert_eq!(body["error"], unknown["error"], "{path} distinguishes hidden from missing");
        }
        let no_id = route.send(&world.stranger, &route.at("no-id", "no-id"), &[]).await;
        no_id.expect_error(404, "not_found");
    }
    assert!(checked >= 8, "{checked}");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_does_not_replace_stripes_signature() {
    let world = World::start().await;
    let event = serde_json::json!({
        "id": "evt_1", "type": "account.updated", "created": world.clock().now().as_second(),
        "data": { "object": {
            "id": "acct_1", "payouts_enabled": true, "capabilities": { "transfers": "active" },
            "metadata": { "user_id": world.sender.id },
        } },
    });
    for client in [&world.anon, &world.sender] {
        let answer = client.post("/api/stripe/webhook", event.clone()).await;
        answer.expect_field(400, "invalid_signature", "Stripe-Signature");
    }
    let status = async || world.sender.get("/api/stripe/connect/status").await.expect(200)["status"].clone();
    assert_eq!(status().await, "not_connected");
    world.anon.post_webhook(&event).await.expect(200);
    assert_eq!(status().await, "active", "a signed event takes effect");
    world.finish().await;
}
