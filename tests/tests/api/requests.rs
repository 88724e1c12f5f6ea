//! Rules that every route shares: paths, methods, bodies, parameters, headers, faults.

use std::collections::BTreeSet;

use clorp_tests::document::routes;
use clorp_tests::{Fault, Options, World};
use reqwest::Method;
use serde_json::Value;

use super::support::{assert_without, post, with};

const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_path_is_a_json_404() {
    let world = World::start().await;
    let unknown =
        ["/api", "/api/", "/api/nope", "/api/jobs/x/y/z", "/api/board/", "/api/Board", "/", "/nope"];
    for path in unknown {
        for method in [Method::GET, Method::POST, Method::DELETE] {
            for client in [&world.anon, &world.sender] {
                let answer = client.send(method.clone(), path, None, &[]).await;
                assert_eq!(answer.status.as_u16(), 404, "{method} {path}: {}", answer.text);
                answer.expect_error(404, "not_found");
                assert_eq!(answer.header("content-type"), Some("application/json"));
            }
        }
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unsupported_method_is_a_405_that_lists_the_allowed_ones() {
    let world = World::start().await;
    let drop = post(&world.sender, "roast", 100).await;
    let routes = routes();
    for route in routes {
        let path = route.at(&drop, &world.sender.id);
        let supported: BTreeSet<&Method> =
            routes.iter().filter(|other| other.path == route.path).map(|other| &other.method).collect();
        for method in [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            if supported.contains(&method) {
                continue;
            }
            let answer = world.sender.send(method.clone(), &path, None, &[]).await;
            assert_eq!(answer.status.as_u16(), 405, "{method} {path}: {}", answer.text);
            answer.expect_error(405, "method_not_allowed");
            let allow = answer.header("allow").unwrap_or_else(|| panic!("{method} {path} has no Allow"));
            let allowed: BTreeSet<&str> =
                allow.split(',').map(str::trim).filter(|method| *method != "HEAD").collect();
            assert_eq!(allowed, supported.iter().map(|method| method.as_str()).collect(), "{path}");
        }
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_not_declared_as_json_is_a_415() {
    let world = World::start().await;
    let drop = post(&world.sender, "roast", 100).await;
    let routes = routes();
    let with_body: Vec<_> =
        routes.iter().filter(|route| !route.operation["responses"]["415"].is_null()).collect();
    assert!(with_body.len() >= 2, "{}", with_body.len());
    for route in with_body {
        let (path, sender) = (route.at(&drop, &world.sender.id), route.caller(&world, &world.sender));
        for declared in
            ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "json", ""]
        {
            let body = Some(b"{}".to_vec());
            let answer = sender.send(route.method.clone(), &path, body, &[("content-type", declared)]).await;
            answer.expect_error(415, "unsupported_media_type");
        }
    }
    for declared in ["application/json; charset=utf-8", "APPLICATION/JSON", "application/vnd.clorp+json"] {
        let body = Some(br#"{"prompt": "Roast"}"#.to_vec());
        world
            .sender
            .send(Method::POST, "/api/jobs/run", body, &[("content-type", declared)])
            .await
            .expect(200);
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_oversized_body_is_a_413() {
    let world = World::start().await;
    let drop = post(&world.sender, "roast", 100).await;
    let large = vec![b' '; clorp_http::extract::MAX_BODY_BYTES + 1];
    for route in routes().iter().filter(|route| route.method == Method::POST) {
        let (path, sender) = (route.at(&drop, &world.sender.id), route.caller(&world, &world.sender));
        let answer = sender.send(Method::POST, &path, Some(large.clone()), &JSON).await;
        assert_eq!(answer.status.as_u16(), 413, "{path}: {}", answer.text);
        answer.expect_error(413, "payload_too_large");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_body_is_a_400_on_every_post() {
    let world = World::start().await;
    let drop = post(&world.sender, "roast", 100).await;
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    let deep_field = format!("{{\"attachments\": {deep}}}");
    let bodies: Vec<Vec<u8>> = vec![
        b"\xff\xfe".to_vec(),
        b"{\"prompt\": \"\xc3\x28\", \"output_text\": \"x\"}".to_vec(),
        b"{".to_vec(),
        b"{\"prompt\": \"Roa".to_vec(),
        b"not json".to_vec(),
        b" ".to_vec(),
        b"\"text\"".to_vec(),
        b"1".to_vec(),
        b"null".to_vec(),
        b"true".to_vec(),
        b"[1, 2, 3, 4, 5, 6, 7, 8]".to_vec(),
        b"{} {}".to_vec(),
        b"{}x".to_vec(),
        deep.into_bytes(),
        deep_field.into_bytes(),
    ];
    for route in routes().iter().filter(|route| route.method == Method::POST) {
        let (path, sender) = (route.at(&drop, &world.sender.id), route.caller(&world, &world.sender));
        for body in &bodies {
            let shown: String = String::from_utf8_lossy(body).chars().take(60).collect();
            let answer = sender.send(Method::POST, &path, Some(body.clone()), &JSON).await;
            assert_eq!(answer.status.as_u16(), 400, "{path} {shown}: {}", answer.text);
            let error = answer.json();
            assert!(error["code"].is_string() && error["request_id"].is_string(), "{path} {shown}: {error}");
        }
    }
    assert_eq!(world.sender.balance().await, 19_900, "nothing was charged");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_duplicate_field_is_a_400() {
    let world = World::start().await;
    let drop = post(&world.sender, "roast", 100).await;
    for (path, body) in [
        ("/api/jobs/run".to_owned(), r#"{"prompt": "a", "prompt": "b"}"#),
        ("/api/jobs/run".to_owned(), r#"{"prompt": "a", "confirmed": false, "confirmed": true}"#),
        (format!("/api/jobs/{drop}/submit"), r#"{"output_text": "a", "output_text": "a"}"#),
        (format!("/api/jobs/{drop}/claim"), r#"{"agentId": null, "agentId": null}"#),
        ("/api/wallet/topup".to_owned(), r#"{"amount_cents": 500, "amount_cents": 500}"#),
        ("/api/wallet/auto-topup".to_owned(), r#"{"enabled": false, "enabled": true}"#),
        ("/api/wallet/withdraw".to_owned(), r#"{"amount_cents": 500, "amount_cents": 501}"#),
    ] {
        let answer = world.workers[0].send(Method::POST, &path, Some(body.as_bytes().to_vec()), &JSON).await;
        assert_eq!(answer.status.as_u16(), 400, "{path} {body}: {}", answer.text);
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_query_parameter_is_a_400_on_every_route() {
    let world = World::start().await;
    let drop = post(&world.sender, "roast", 100).await;
    for route in routes() {
        let path = with(&route.at(&drop, &world.sender.id), "nonsense=1");
        let answer = route.send(&route.caller(&world, &world.sender), &path, &[]).await;
        assert_eq!(answer.status.as_u16(), 400, "{} {path}: {}", route.method, answer.text);
        answer.expect_field(400, "unknown_parameter", "nonsense");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_body_field_is_a_400_on_every_authenticated_write() {
    let world = World::start().await;
    let drop = post(&world.sender, "roast", 100).await;
    // The webhook is exempt, because Stripe may add fields to its events.
    for route in routes().iter().filter(|route| route.method != Method::GET && route.requires_credential()) {
        let path = route.at(&drop, &world.sender.id);
        let body = br#"{"balance_cents": 1000000}"#.to_vec();
        let sender = route.caller(&world, &world.sender);
        let answer = sender.send(route.method.clone(), &path, Some(body), &JSON).await;
        assert_eq!(answer.status.as_u16(), 400, "{path}: {}", answer.text);
        answer.expect_field(400, "unknown_field", "/balance_cents");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn head_answers_as_get_does_without_the_body() {
    let world = World::start().await;
    let drop = post(&world.sender, "roast", 100).await;
    for route in routes().iter().filter(|route| route.method == Method::GET) {
        let path = route.at(&drop, &world.sender.id);
        let get = world.sender.get(&path).await;
        let head = world.sender.send(Method::HEAD, &path, None, &[]).await;
        assert_eq!((head.status, head.text.as_str()), (get.status, ""), "{path}");
        for name in ["content-type", "cache-control", "etag"] {
            assert_eq!(head.header(name), get.header(name), "{path} {name}");
        }
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_response_has_a_unique_request_id() {
    let world = World::start().await;
    let drop = post(&world.sender, "roast", 100).await;
    let mut ids = BTreeSet::new();
    let mut count = 0;
    let mut collect = |answer: &clorp_tests::Answer, request: &str| {
        let id = answer.header("x-request-id").unwrap_or_else(|| panic!("{request} has no request id"));
        assert!(!id.is_empty(), "{request}");
        if answer.status.as_u16() >= 400 {
            assert_eq!(answer.json()["request_id"], id, "{request}");
        }
        ids.insert(id.to_owned());
        count += 1;
    };
    for route in routes() {
        let path = route.at(&drop, &world.sender.id);
        for client in [&world.sender, &world.anon, &world.stranger] {
            collect(&route.send(client, &path, &[]).await, &path);
            collect(&client.send(Method::PUT, &path, None, &[]).await, &path);
            collect(&client.get(&format!("{path}/nope/nope")).await, &path);
        }
    }
    let tag = world.anon.get("/api/board").await.header("etag").unwrap().to_owned();
    let unchanged = world.anon.get_with("/api/board", &[("if-none-match", &tag)]).await;
    unchanged.expect(304);
    collect(&unchanged, "a 304");
    assert_eq!(ids.len(), count, "a request id was repeated");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn private_responses_forbid_caching() {
    let world = World::start().await;
    let drop = post(&world.sender, "roast", 100).await;
    for route in routes().iter().filter(|route| route.requires_credential()) {
        let path = route.at(&drop, &world.sender.id);
        for client in [&world.sender, &world.stranger, &world.anon] {
            let answer = route.send(client, &path, &[]).await;
            assert_eq!(answer.header("cache-control"), Some("no-store"), "{} {path}", answer.status);
            assert_eq!(answer.header("etag"), None, "{path}");
        }
    }
    world.anon.get("/api/board?limit=0").await.expect(400);
    assert_eq!(world.anon.get("/api/board?limit=0").await.header("cache-control"), Some("no-store"));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unavailable_table_is_a_503_with_retry_after() {
    let world = World::with(Options { proxied: true, ..Options::default() }).await;
    let drop = post(&world.sender, "roast", 100).await;
    let proxy = world.proxy.as_ref().unwrap();
    for path in [
        "/api/users/status".to_owned(),
        "/api/jobs".to_owned(),
        format!("/api/jobs/{drop}"),
        "/api/wallet/balance".to_owned(),
        "/api/stripe/connect/status".to_owned(),
    ] {
        proxy.fail("GetItem", Fault::ServerError, 12);
        let answer = world.sender.get(&path).await;
        assert_eq!(answer.status.as_u16(), 503, "{path}: {}", answer.text);
        let body: Value = answer.expect_error(503, "unavailable");
        assert!(body["field"].is_null(), "{body}");
        let seconds: u32 = answer.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=60).contains(&seconds));
        let lower = answer.text.to_lowercase();
        assert_without(
            &lower,
            ["aws", "dynamo", "amazon", "getitem", "internalservererror", "127.0.0.1", "clorp\""],
        );
        // Retry until the faults are used up; then the request succeeds.
        for _ in 0..12 {
            if proxy.faults_left() == 0 {
                break;
            }
            world.sender.get(&path).await;
        }
        assert_eq!(proxy.faults_left(), 0);
        world.sender.get(&path).await.expect(200);
    }
    world.finish().await;
}
