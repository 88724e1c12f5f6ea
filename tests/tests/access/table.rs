//! Every route with every kind of credential. The routes are those of the document, so a new one is in the table without
//! anybody's thinking of it.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use clorp_domain::{ApiKey, StoredKey};
use clorp_issuer::Person;
use clorp_tests::document::{Route, routes};
use clorp_tests::{Answer, Client, Options, World};
use reqwest::Method;
use serde_json::json;

/// What a credential is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Good {
    /// Nothing.
    Nothing,
    /// Reading: what changes something is not for pages that are not ours.
    Reading,
    /// Everything that its user may do.
    Everything,
    /// Everything but what a key with limits may not do.
    Limited,
}

/// A kind of credential: its name, what it is good for, who shows it, and with which headers besides.
struct Kind {
    name: &'static str,
    good: Good,
    client: Client,
    headers: Vec<(&'static str, &'static str)>,
}

fn kind(name: &'static str, good: Good, client: Client) -> Kind {
    Kind { name, good, client, headers: Vec::new() }
}

fn bearer(anon: &Client, text: &str) -> Client {
    anon.with_authorization(&format!("Bearer {text}"))
}

/// A well-formed key with its last character changed.
fn mistyped() -> String {
    let key = ApiKey::from_random(rand::random()).expose().to_owned();
    let last = if key.ends_with('0') { '1' } else { '0' };
    format!("{}{last}", &key[..key.len() - 1])
}

/// What a token says, under a header and a signature of somebody else's.
fn resigned(token: &str, alg: &str, signature: &str) -> String {
    let header = BASE64_URL_SAFE_NO_PAD.encode(json!({ "alg": alg, "typ": "JWT" }).to_string());
    format!("{header}.{}.{signature}", token.split('.').nth(1).unwrap())
}

/// What nobody is let in with.
async fn useless(world: &World, user: &Client) -> Vec<Kind> {
    let anon = &world.anon;
    let unknown = ApiKey::from_random(rand::random()).expose().to_owned();
    let (id, revoked) = super::make_key(user, json!({})).await;
    user.delete(&format!("/api/keys/{id}")).await.expect(204);
    let past = world.clock().now();
    let expired = world.with_key(user, |key| StoredKey { expires_at: Some(past), ..key }).await;
    let signed_in = world.issuer.sign_in(&Person::new(user.id.clone(), "Ada"), 3600).unwrap();
    let token = signed_in.text("access_token");
    let nothing = |name, client| kind(name, Good::Nothing, client);
    let two =
        Kind { headers: vec![("authorization", "Bearer garbage")], ..nothing("two headers", user.clone()) };
    let beside = bearer(anon, "garbage").with_cookie(&signed_in.cookie);
    vec![
        nothing("none", anon.clone()),
        nothing("garbage", anon.with_authorization("garbage")),
        nothing("a scheme and nothing else", anon.with_authorization("Bearer")),
        nothing("another scheme", anon.with_authorization(&format!("Basic {unknown}"))),
        nothing("no scheme", anon.with_authorization(&unknown)),
        nothing("a bad checksum", bearer(anon, &mistyped())),
        nothing("an unknown key", bearer(anon, &unknown)),
        nothing("a revoked key", revoked),
        nothing("an expired key", expired),
        two,
        nothing("garbage beside a good cookie", beside),
        nothing("a truncated token", bearer(anon, &token[..token.len() - 1])),
        nothing("a token without a signature", bearer(anon, &resigned(token, "none", ""))),
        nothing("a token by another algorithm", bearer(anon, &resigned(token, "HS256", "AAAA"))),
        nothing("a token too long to be one", bearer(anon, &format!("{token}{}", "A".repeat(9_000)))),
        nothing("a token as a cookie's name", anon.with_cookie(format!("{token}=1"))),
        nothing("garbage in the cookie", anon.with_cookie("sb-127-auth-token=base64-garbage")),
        nothing("a session that was refreshed before", refreshed_before(world, user).await),
    ]
}

/// A browser whose session has ended, and whose refresh token was used long ago.
async fn refreshed_before(world: &World, user: &Client) -> Client {
    let browser = world.browser(user, 1);
    world.advance_seconds(60);
    let answer = browser.get("/api/wallet/balance").await;
    answer.expect(200);
    let successor = renewed(&browser, &answer);
    successor.get("/api/wallet/balance").await.expect(200);
    // The successor is used in its turn, after which the first one ends the session.
    world.advance_seconds(3600);
    successor.get("/api/wallet/balance").await.expect(200);
    world.advance_seconds(120);
    browser
}

/// The browser with the session that an answer gave it.
fn renewed(browser: &Client, answer: &Answer) -> Client {
    let set: Vec<&str> =
        answer.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect();
    let kept = set.iter().filter(|cookie| !cookie.contains("Max-Age=0"));
    let cookies: Vec<&str> = kept.map(|cookie| cookie.split(';').next().unwrap()).collect();
    assert!(!cookies.is_empty(), "the session was not refreshed");
    assert!(set.iter().all(|cookie| cookie.contains("Path=/; Secure; SameSite=Lax")), "{set:?}");
    assert_eq!(answer.header("cache-control"), Some("private, no-store"));
    browser.with_cookie(cookies.join("; "))
}

/// What somebody is let in with.
async fn useful(world: &World, user: &Client) -> Vec<Kind> {
    let signed_in = world.issuer.sign_in(&Person::new(user.id.clone(), "Ada"), 3600).unwrap();
    let limited = |key| StoredKey {
        policy: clorp_domain::SpendPolicy { per_drop: None, per_day: Some(clorp_domain::Cents::ZERO) },
        ..key
    };
    let cookie = world.browser(user, 3600);
    let foreign = kind("a cookie with a foreign origin", Good::Reading, cookie.clone());
    let opaque = kind("a cookie with an opaque origin", Good::Reading, cookie.clone());
    let site = kind("a cookie from another site", Good::Reading, cookie.clone());
    vec![
        kind("the user", Good::Everything, user.clone()),
        kind("another key", Good::Everything, world.with_key(user, |key| key).await),
        kind("a key with a policy", Good::Limited, world.with_key(user, limited).await),
        kind("a token", Good::Everything, bearer(&world.anon, signed_in.text("access_token"))),
        kind("a cookie", Good::Everything, cookie),
        Kind { headers: vec![("origin", "https://evil.example")], ..foreign },
        Kind { headers: vec![("origin", "null")], ..opaque },
        Kind { headers: vec![("origin", "https://evil.example"), ("sec-fetch-site", "same-origin")], ..site },
    ]
}

/// Holds an answer to what the credential that came with the request is good for.
fn check(kind: &Kind, route: &Route, answer: &Answer) {
    let what = format!("{} with {}: {} {:.300}", route.name(), kind.name, answer.status, answer.text);
    let code = |expected: &str| {
        serde_json::from_str::<serde_json::Value>(&answer.text).is_ok_and(|body| body["code"] == expected)
    };
    let told = (answer.header("ratelimit").is_some(), answer.header("ratelimit-policy").is_some());
    if kind.good == Good::Nothing {
        assert_eq!(answer.status.as_u16(), 401, "{what}");
        let body = answer.expect_error(401, "authentication_required");
        assert_eq!(body["error"], "Authentication required", "{what}");
        assert!(answer.header("www-authenticate").is_some_and(|value| value.starts_with("Bearer")), "{what}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{what}");
        assert_eq!(told, (false, false), "{what}");
        return;
    }
    let refused = kind.good == Good::Reading && route.method != Method::GET;
    assert_eq!((answer.status.as_u16() == 403) && code("foreign_origin"), refused, "{what}");
    assert_ne!(answer.status.as_u16(), 401, "{what}");
    assert!(kind.good == Good::Limited || !code("key_is_limited"), "{what}");
    assert_eq!(told, (!refused, !refused), "{what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_with_a_caller_lets_in_who_it_should_and_nobody_else() {
    let world = World::with(Options::funded()).await;
    let user = world.user("somebody", 0).await;
    let drop = world.sender.post_drop(100).await;
    let private: Vec<&Route> = routes().iter().filter(|route| route.has_caller()).collect();
    assert!(private.len() >= 32, "{}", private.len());
    for kind in useless(&world, &user).await {
        for route in &private {
            let answer = route.send(&kind.client, &route.at(&drop, &user.id), &kind.headers).await;
            check(&kind, route, &answer);
        }
    }
    assert_eq!(user.get("/api/jobs").await.expect(200), json!([]), "nothing happened");
    for kind in useful(&world, &user).await {
        for route in &private {
            let answer = route.send(&kind.client, &route.at(&drop, &user.id), &kind.headers).await;
            check(&kind, route, &answer);
        }
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_with_a_caller_refreshes_a_session_whose_time_is_over() {
    let world = World::start().await;
    let user = world.user("somebody", 0).await;
    for route in routes().iter().filter(|route| route.has_caller()) {
        let browser = world.browser(&user, 1);
        world.advance_seconds(60);
        let answer = route.send(&browser, &route.at(UNKNOWN, &user.id), &[]).await;
        assert_ne!(answer.status.as_u16(), 401, "{} {}", route.name(), answer.text);
        let successor = renewed(&browser, &answer);
        assert_ne!(successor.cookie, browser.cookie);
        successor.get("/api/wallet/balance").await.expect(200);
        assert_eq!(successor.get("/api/wallet/balance").await.header("set-cookie"), None);
    }
    world.finish().await;
}

/// The id of nothing.
const UNKNOWN: &str = "01HZZZZZZZZZZZZZZZZZZZZZZZ";

#[tokio::test(flavor = "multi_thread")]
async fn of_many_requests_with_a_session_that_is_over_one_refreshes_it() {
    let world = World::start().await;
    let browser = world.browser(&world.sender, 1);
    world.advance_seconds(60);
    let before = world.issuer.calls();
    let asked = (0..12).map(|_| browser.get("/api/wallet/balance"));
    let answers = futures::future::join_all(asked).await;
    for answer in &answers {
        answer.expect(200);
    }
    let cookies: std::collections::BTreeSet<String> =
        answers.iter().map(|answer| renewed(&browser, answer).cookie.unwrap()).collect();
    assert_eq!(cookies.len(), 1, "everybody gets the same session");
    assert_eq!(world.issuer.calls().token - before.token, 1);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_made_when_somebody_is_seen_for_the_first_time() {
    let world = World::start().await;
    let id = "5f0c2f6e-0d0b-4b53-8d5f-6a3a6a1f2d11";
    let person =
        Person { avatar_url: Some("https://a.example/ada.png".to_owned()), ..Person::new(id, "Ada") };
    let ada = world.anon.with_cookie(world.issuer.sign_in(&person, 3600).unwrap().cookie);
    assert_eq!(world.store.user(&id.parse().unwrap()).await.unwrap(), None);
    let asked = (0..6).map(|_| ada.get("/api/wallet/balance"));
    for answer in futures::future::join_all(asked).await {
        assert_eq!(answer.expect(200)["balance_cents"], 0);
    }
    let known = ada.get(&format!("/api/users/{id}")).await.expect(200);
    assert_eq!((&known["name"], &known["avatar_url"]), (&json!("Ada"), &json!("https://a.example/ada.png")));

    // What a token says later changes nothing, and an account is never made anew.
    let other = Person::new(id, "Somebody else");
    let again = ada.with_cookie(world.issuer.sign_in(&other, 3600).unwrap().cookie);
    assert_eq!(again.get(&format!("/api/users/{id}")).await.expect(200)["name"], "Ada");
    let drop = world.sender.post_drop(1000).await;
    ada.claim(&drop).await.expect(201);
    ada.submit(&drop, "An output by somebody who has just come").await.expect(201);
    world.advance_seconds(301);
    world.sweep().await;
    assert_eq!(again.get("/api/wallet/balance").await.expect(200)["balance_cents"], 750);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_nobody_can_tell_who_it_is_the_answer_is_to_come_again() {
    let world = World::start().await;
    let browser = world.browser(&world.sender, 3600);
    world.issuer.behave(clorp_issuer::Endpoint::Jwks, Some(clorp_issuer::Fault::Down));
    let answer = browser.get("/api/wallet/balance").await;
    answer.expect_error(503, "unavailable");
    assert!(answer.header("retry-after").is_some());
    world.sender.get("/api/wallet/balance").await.expect(200);
    world.issuer.behave(clorp_issuer::Endpoint::Jwks, None);
    world.advance_seconds(60);
    browser.get("/api/wallet/balance").await.expect(200);
    world.finish().await;
}
