//! The published keys: their cache, their rotation, and their outages.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use clorp_domain::Error;
use clorp_issuer::{Endpoint, Fault};
use clorp_sessions::Config;
use futures::future::join_all;
use serde_json::json;

use super::forge::{Key, claims, header};
use super::support::{World, assert_refused, assert_unavailable};

/// A server that publishes a body as the keys of its project.
pub struct KeyServer {
    pub url: String,
}

impl KeyServer {
    pub async fn start(body: String) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let body = Arc::new(body);
        let router =
            Router::new().route("/auth/v1/.well-known/jwks.json", get(async move || body.to_string()));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url }
    }
}

/// A token that names a key that is not published.
fn token_of_unknown_key(world: &World, kid: &str) -> String {
    let mut header = header(world);
    header["kid"] = json!(kid);
    Key::of(world).token(&header.to_string(), &claims(world).to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_requests_fetch_the_keys_once_in_ten_minutes() {
    let world = World::start().await;
    world.issuer.behave(Endpoint::Jwks, Some(Fault::Delay(Duration::from_millis(100))));
    let signed_in = world.ada(86_400);
    let token = signed_in.text("access_token");
    assert!(join_all((0..20).map(|_| world.accepts(token))).await.into_iter().all(|accepted| accepted));
    assert_eq!(world.issuer.calls().jwks, 1);
    world.advance_seconds(580);
    assert!(world.accepts(token).await);
    assert_eq!(world.issuer.calls().jwks, 1);
    world.advance_seconds(20);
    assert!(join_all((0..20).map(|_| world.accepts(token))).await.into_iter().all(|accepted| accepted));
    assert_eq!(world.issuer.calls().jwks, 2);
    world.finish().await;
}

#[tokio::test]
async fn a_new_key_is_found_at_once_even_if_the_keys_have_just_been_fetched() {
    let world = World::start().await;
    let old = world.ada(86_400);
    assert!(world.accepts(old.text("access_token")).await);
    for fetches in 2..=4 {
        world.issuer.roll_key(false).unwrap();
        assert!(world.accepts(world.ada(60).text("access_token")).await, "signed with the new key");
        assert_eq!(world.issuer.calls().jwks, fetches);
    }
    assert!(world.accepts(old.text("access_token")).await, "the old key is still published");
    assert_eq!(world.issuer.calls().jwks, 4);
    world.finish().await;
}

#[tokio::test]
async fn tokens_of_unknown_keys_cause_few_fetches_and_are_unavailable_beyond_them() {
    let world = World::start().await;
    let (old, sessions) = (world.ada(86_400), &world.instances[0]);
    assert!(world.accepts(old.text("access_token")).await);
    for i in 0..5 {
        assert_refused(sessions.by_token(&token_of_unknown_key(&world, &format!("unknown-{i}"))).await);
    }
    world.issuer.roll_key(false).unwrap();
    let new = world.ada(86_400);
    for i in 0..20 {
        assert_unavailable(sessions.by_token(&token_of_unknown_key(&world, &format!("more-{i}"))).await);
    }
    // The key may not be looked for now, so nothing is known about the token.
    assert_unavailable(sessions.by_token(new.text("access_token")).await);
    assert!(world.accepts(old.text("access_token")).await, "known keys need no fetch");
    assert_eq!(world.issuer.calls().jwks, 6);
    world.advance_seconds(30);
    assert!(world.accepts(new.text("access_token")).await);
    assert_unavailable(sessions.by_token(&token_of_unknown_key(&world, "another")).await);
    assert_eq!(world.issuer.calls().jwks, 7);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_tokens_of_unknown_keys_cause_few_fetches() {
    let world = World::start().await;
    assert!(world.accepts(world.ada(86_400).text("access_token")).await);
    let tokens: Vec<String> =
        (0..50).map(|i| token_of_unknown_key(&world, &format!("unknown-{i}"))).collect();
    for outcome in join_all(tokens.iter().map(|token| world.instances[0].by_token(token))).await {
        assert!(matches!(outcome, Err(Error::Unauthenticated | Error::Unavailable(_))), "{outcome:?}");
    }
    assert!(world.issuer.calls().jwks <= 6);
    world.finish().await;
}

#[tokio::test]
async fn a_withdrawn_key_is_accepted_for_ten_minutes_at_most() {
    let world = World::start().await;
    let token = world.ada(86_400).text("access_token").to_owned();
    assert!(world.accepts(&token).await);
    world.issuer.roll_key(true).unwrap();
    world.advance_seconds(600);
    assert!(!world.accepts(&token).await);
    world.finish().await;
}

#[tokio::test]
async fn without_keys_a_token_is_unavailable_and_a_malformed_one_is_refused() {
    let world = World::start().await;
    world.issuer.behave(Endpoint::Jwks, Some(Fault::Down));
    let token = world.ada(3600).text("access_token").to_owned();
    let sessions = &world.instances[0];
    for _ in 0..10 {
        assert_unavailable(sessions.by_token(&token).await);
    }
    assert_eq!(world.issuer.calls().jwks, 1, "the keys are not fetched for every request");
    for bad in [
        "",
        "a.b.c",
        &Key::None.token(r#"{"alg":"none"}"#, "{}"),
        &Key::None.token(r#"{"alg":"HS256"}"#, "{}"),
    ] {
        assert_refused(sessions.by_token(bad).await);
    }
    world.issuer.behave(Endpoint::Jwks, None);
    world.advance_seconds(5);
    assert!(world.accepts(&token).await);
    world.finish().await;
}

#[tokio::test]
async fn cached_keys_are_used_for_an_hour_while_no_fetch_succeeds() {
    let world = World::start().await;
    let token = world.ada(86_400).text("access_token").to_owned();
    assert!(world.accepts(&token).await);
    world.issuer.behave(Endpoint::Jwks, Some(Fault::Down));
    for later in [600, 1200, 1790] {
        world.advance_seconds(later);
        assert!(world.accepts(&token).await, "{later} s later");
    }
    assert_eq!(world.issuer.calls().jwks, 4, "every step tried a fetch");
    assert_unavailable(world.instances[0].by_token(&token_of_unknown_key(&world, "new")).await);
    world.advance_seconds(3600);
    assert_unavailable(world.instances[0].by_token(&token).await);
    world.issuer.behave(Endpoint::Jwks, None);
    world.advance_seconds(5);
    assert!(world.accepts(&token).await);
    world.finish().await;
}

#[tokio::test]
async fn a_malformed_or_missing_set_of_keys_is_unavailable() {
    let world = World::start().await;
    let token = world.ada(3600).text("access_token").to_owned();
    for body in
        ["<html>".to_owned(), "{}".to_owned(), format!("{{\"keys\":[],\"x\":\"{}\"}}", "x".repeat(100_000))]
    {
        let server = KeyServer::start(body).await;
        let sessions = world.instance(Config::new(&server.url, "k").unwrap());
        assert_unavailable(sessions.by_token(&token).await);
    }
    let nowhere = world.instance(Config::new("http://127.0.0.1:9", "k").unwrap());
    assert_unavailable(nowhere.by_token(&token).await);
    world.issuer.behave(Endpoint::Jwks, Some(Fault::Delay(Duration::from_secs(5))));
    assert_unavailable(world.instances[0].by_token(&token).await);
    world.finish().await;
}
