//! Who may call what, over every route of the document.

use std::collections::BTreeSet;

use clorp_domain::api_key::ApiKey;
use clorp_tests::document::{Route, routes};
use clorp_tests::{Answer, World};

use super::support::{post, post_pending};

/// Everything that needs no credential. Whatever is not here must refuse. The webhook has no caller to name: its reports
/// are Stripe's by their signature. A program that logs in is nobody yet.
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

/// Authorization headers that name nobody.
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
        // A login has codes of its own each time, and an error its request id.
        let (status, told) = match path.as_str() {
            "/api/cli/login" => (201, "expires_in"),
            "/api/cli/token" => (400, "code"),
            _ => (200, ""),
        };
        let told = |answer: &Answer| {
            assert_eq!(answer.status.as_u16(), status, "{path}: {}", answer.text);
            if told.is_empty() { answer.text.clone() } else { answer.json()[told].to_string() }
        };
        let plain = told(&route.send(&world.anon, path, &[]).await);
        for credential in bad_credentials() {
            let answer = route.send(&world.anon.with_authorization(&credential), path, &[]).await;
            assert_eq!(told(&answer), plain, "{path} with {credential}");
        }
        let two = route.send(&world.sender, path, &[("authorization", "Bearer garbage")]).await;
        assert_eq!(told(&two), plain, "{path}");
    }
    world.finish().await;
}

#[test]
fn the_document_says_which_routes_are_public() {
    let routes = routes();
    let public = routes
        .iter()
        .filter(|route| route.operation["security"].as_array().is_none_or(|security| security.is_empty()));
    let public: BTreeSet<String> = public.map(Route::name).collect();
    assert_eq!(public, PUBLIC.map(str::to_owned).into());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_belongs_to_others_does_not_exist_for_a_stranger() {
    let world = World::start().await;
    let (open, pending) = (post(&world.sender, "roast", 100).await, post_pending(&world.workers[0]).await);
    let missing = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
    let mut seen = 0;
    for route in routes().iter().filter(|route| route.path.contains("{id}")) {
        seen += 1;
        // An open drop is on the board, so anybody may claim it and be told that they have not.
        let for_anybody = ["claim", "reserve", "submit", "release", "fail"];
        let for_anybody = for_anybody.iter().any(|action| route.path == format!("/api/jobs/{{id}}/{action}"));
        let drops = if for_anybody { vec![&pending] } else { vec![&open, &pending] };
        let unknown = route.send(&world.stranger, &route.at(missing, missing), &[]).await;
        let unknown = unknown.expect_error(404, "not_found");
        for drop in drops {
            let path = route.at(drop, &world.sender.id);
            let answer = route.send(&world.stranger, &path, &[]).await;
            assert_eq!(answer.status.as_u16(), 404, "{} {path}: {}", route.method, answer.text);
            let body = answer.expect_error(404, "not_found");
            assert_eq!(body["error"], unknown["error"], "{path} tells hidden from missing");
        }
        let no_id = route.send(&world.stranger, &route.at("no-id", "no-id"), &[]).await;
        no_id.expect_error(404, "not_found");
    }
    assert!(seen >= 8, "{seen}");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_does_not_stand_in_for_stripes_signature() {
    let world = World::start().await;
    let report = serde_json::json!({
        "id": "evt_1", "type": "account.updated", "created": world.clock().now().as_second(),
        "data": { "object": {
            "id": "acct_1", "payouts_enabled": true, "metadata": { "user_id": world.sender.id },
        } },
    });
    for client in [&world.anon, &world.sender] {
        let answer = client.post("/api/stripe/webhook", report.clone()).await;
        answer.expect_field(400, "invalid_signature", "Stripe-Signature");
    }
    let status = async || world.sender.get("/api/stripe/connect/status").await.expect(200)["status"].clone();
    assert_eq!(status().await, "not_connected");
    world.anon.report(&report).await.expect(200);
    assert_eq!(status().await, "active", "signed, it is believed");
    world.finish().await;
}
