//! Every route with every kind of credential. The routes come from the OpenAPI document, so new ones are
//! included.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use clorp_domain::{ApiKey, Right, Rights, StoredKey};
use clorp_issuer::Person;
use clorp_tests::document::{Route, routes};
use clorp_tests::{Answer, Client, Options, World};
use reqwest::Method;
use serde_json::{Value, json};

/// The access that a credential gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    /// No access.
    Nothing,
    /// Reads only, because pages at foreign origins may not change anything.
    Reads,
    /// Everything that the user may do, in person.
    Everything,
    /// What these rights allow to a program.
    Rights(Rights),
}

/// A kind of credential.
struct Kind {
    name: &'static str,
    access: Access,
    client: Client,
    /// Further headers of each request.
    headers: Vec<(&'static str, &'static str)>,
}

fn kind(name: &'static str, access: Access, client: Client) -> Kind {
    Kind { name, access, client, headers: Vec::new() }
}

fn bearer(anon: &Client, text: &str) -> Client {
    anon.with_authorization(&format!("Bearer {text}"))
}

/// A well-formed key with its last character changed.
fn mistyped_key() -> String {
    let key = ApiKey::from_random(rand::random()).expose().to_owned();
    let last = if key.ends_with('0') { '1' } else { '0' };
    format!("{}{last}", &key[..key.len() - 1])
}

/// A token's claims with a forged header and signature.
fn forge(token: &str, alg: &str, signature: &str) -> String {
    let header = BASE64_URL_SAFE_NO_PAD.encode(json!({ "alg": alg, "typ": "JWT" }).to_string());
    format!("{header}.{}.{signature}", token.split('.').nth(1).unwrap())
}

/// Credentials that every route refuses.
async fn invalid_credentials(world: &World, user: &Client) -> Vec<Kind> {
    let anon = &world.anon;
    let unknown = ApiKey::from_random(rand::random()).expose().to_owned();
    let (id, revoked) = super::create_key(user, json!({})).await;
    user.delete(&format!("/api/keys/{id}")).await.expect(204);
    let past = world.clock().now();
    let expired = world.with_key(user, |key| StoredKey { expires_at: Some(past), ..key }).await;
    let signed_in = world.issuer.sign_in(&Person::new(user.id.clone(), "Ada"), 3600).unwrap();
    let token = signed_in.text("access_token");
    let invalid = |name, client| kind(name, Access::Nothing, client);
    let garbage_and_cookie = bearer(anon, "garbage").with_cookie(&signed_in.cookie);
    vec![
        invalid("none", anon.clone()),
        invalid("garbage", anon.with_authorization("garbage")),
        invalid("a scheme and nothing else", anon.with_authorization("Bearer")),
        invalid("another scheme", anon.with_authorization(&format!("Basic {unknown}"))),
        invalid("no scheme", anon.with_authorization(&unknown)),
        invalid("a bad checksum", bearer(anon, &mistyped_key())),
        invalid("an unknown key", bearer(anon, &unknown)),
        invalid("a revoked key", revoked),
        invalid("an expired key", expired),
        invalid("garbage beside a valid cookie", garbage_and_cookie),
        invalid("a truncated token", bearer(anon, &token[..token.len() - 1])),
        invalid("a token without a signature", bearer(anon, &forge(token, "none", ""))),
        invalid("a token by another algorithm", bearer(anon, &forge(token, "HS256", "AAAA"))),
        invalid("a token too long to be one", bearer(anon, &format!("{token}{}", "A".repeat(9_000)))),
        invalid("a token as a cookie's name", anon.with_cookie(format!("{token}=1"))),
        invalid("garbage in the cookie", anon.with_cookie("sb-127-auth-token=base64-garbage")),
        invalid("a session with a used refresh token", browser_with_used_token(world, user).await),
    ]
}

/// A browser with an expired session, whose refresh token was used long ago.
async fn browser_with_used_token(world: &World, user: &Client) -> Client {
    let browser = world.browser(user, 1);
    world.advance_seconds(60);
    let answer = browser.get("/api/wallet/balance").await;
    answer.expect(200);
    let successor = with_new_session(&browser, &answer);
    successor.get("/api/wallet/balance").await.expect(200);
    // The refresh of the successor makes the first refresh token invalid.
    world.advance_seconds(3600);
    successor.get("/api/wallet/balance").await.expect(200);
    world.advance_seconds(120);
    browser
}

/// The browser with the session that a response has set.
fn with_new_session(browser: &Client, answer: &Answer) -> Client {
    let set_cookies: Vec<&str> =
        answer.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect();
    let kept = set_cookies.iter().filter(|cookie| !cookie.contains("Max-Age=0"));
    let cookies: Vec<&str> = kept.map(|cookie| cookie.split(';').next().unwrap()).collect();
    assert!(!cookies.is_empty(), "the session was not refreshed");
    assert!(
        set_cookies.iter().all(|cookie| cookie.contains("Path=/; Secure; SameSite=Lax")),
        "{set_cookies:?}"
    );
    assert_eq!(answer.header("cache-control"), Some("private, no-store"));
    browser.with_cookie(cookies.join("; "))
}

/// Credentials that every route accepts, at least for reads.
async fn valid_credentials(world: &World, user: &Client) -> Vec<Kind> {
    let signed_in = world.issuer.sign_in(&Person::new(user.id.clone(), "Ada"), 3600).unwrap();
    let cookie = world.browser(user, 3600);
    let foreign = kind("a cookie with a foreign origin", Access::Reads, cookie.clone());
    let opaque = kind("a cookie with an opaque origin", Access::Reads, cookie.clone());
    let site = kind("a cookie from another site", Access::Reads, cookie.clone());
    let mut kinds = vec![
        kind("a key with all rights", Access::Rights(Rights::ALL), user.clone()),
        kind(
            "a key without rights",
            Access::Rights(Rights::default()),
            super::with_rights(world, user, &[]).await,
        ),
        kind("a client's token", Access::Rights(Rights::OF_A_PROGRAM), super::with_client_token(world, user)),
        kind("a token", Access::Everything, bearer(&world.anon, signed_in.text("access_token"))),
        kind("a cookie", Access::Everything, cookie),
        Kind { headers: vec![("origin", "https://evil.example")], ..foreign },
        Kind { headers: vec![("origin", "null")], ..opaque },
        Kind { headers: vec![("origin", "https://evil.example"), ("sec-fetch-site", "same-origin")], ..site },
    ];
    for right in Right::ALL {
        let (one, but_one) = (Rights::of(&[right]), Rights::ALL.without(Rights::of(&[right])));
        for (kind_of_key, rights) in [("only", one), ("all but", but_one)] {
            let client = world.with_key(user, |key| StoredKey { rights, ..key }).await;
            let name = format!("a key with {kind_of_key} {right}").leak();
            kinds.push(kind(name, Access::Rights(rights), client));
        }
    }
    kinds
}

/// The refusal that a credential gets from a route: its code, and the right that is missing.
fn expected_refusal(access: Access, route: &Route) -> Option<(&'static str, Option<Right>)> {
    let rights = route.rights();
    match access {
        Access::Nothing => Some(("authentication_required", None)),
        Access::Reads => (route.method != Method::GET).then_some(("foreign_origin", None)),
        Access::Everything => None,
        Access::Rights(_) if rights.is_empty() => Some(("session_required", None)),
        Access::Rights(held) if rights.iter().any(|right| held.contains(*right)) => None,
        Access::Rights(_) => Some(("key_lacks_right", Some(rights[0]))),
    }
}

/// Checks that a response fits the access that the request's credential gives.
fn check(kind: &Kind, route: &Route, answer: &Answer) {
    let request = format!("{} with {}: {} {:.300}", route.name(), kind.name, answer.status, answer.text);
    let ratelimit_headers =
        (answer.header("ratelimit").is_some(), answer.header("ratelimit-policy").is_some());
    if kind.access == Access::Nothing {
        assert_eq!(answer.status.as_u16(), 401, "{request}");
        let body = answer.expect_error(401, "authentication_required");
        assert_eq!(body["error"], "Authentication required", "{request}");
        assert!(
            answer.header("www-authenticate").is_some_and(|value| value.starts_with("Bearer")),
            "{request}"
        );
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{request}");
        assert_eq!(ratelimit_headers, (false, false), "{request}");
        return;
    }
    assert_ne!(answer.status.as_u16(), 401, "{request}");
    let body: Value = serde_json::from_str(&answer.text).unwrap_or_default();
    let refusals = ["foreign_origin", "session_required", "key_lacks_right", "second_factor_required"];
    let code = body["code"].as_str().filter(|code| refusals.contains(code));
    let expected = expected_refusal(kind.access, route);
    assert_eq!(code, expected.map(|(code, _)| code), "{request}");
    let right = expected.and_then(|(_, right)| right).map(Right::as_str);
    assert_eq!(body["right"].as_str(), right, "{request}");
    assert!(expected.is_none() || answer.status.as_u16() == 403, "{request}");
    assert!(expected.is_some() || ratelimit_headers == (true, true), "{request}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_authenticated_route_accepts_valid_credentials_and_refuses_all_others() {
    let world = World::with(Options::funded()).await;
    let user = world.user("somebody", 0).await;
    let drop = world.sender.post_drop(100).await;
    let private: Vec<&Route> = routes().iter().filter(|route| route.requires_credential()).collect();
    assert!(private.len() >= 32, "{}", private.len());
    for kind in invalid_credentials(&world, &user).await {
        for route in &private {
            let answer = route.send(&kind.client, &route.at(&drop, &user.id), &kind.headers).await;
            check(&kind, route, &answer);
        }
    }
    assert_eq!(user.get("/api/jobs").await.expect(200), json!([]), "nothing was posted");
    for kind in valid_credentials(&world, &user).await {
        for route in &private {
            let answer = route.send(&kind.client, &route.at(&drop, &user.id), &kind.headers).await;
            check(&kind, route, &answer);
        }
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_authenticated_route_refreshes_an_expired_session() {
    let world = World::start().await;
    let user = world.user("somebody", 0).await;
    for route in routes().iter().filter(|route| route.requires_credential()) {
        let browser = world.browser(&user, 1);
        world.advance_seconds(60);
        let answer = route.send(&browser, &route.at(UNKNOWN, &user.id), &[]).await;
        assert_ne!(answer.status.as_u16(), 401, "{} {}", route.name(), answer.text);
        let successor = with_new_session(&browser, &answer);
        assert_ne!(successor.cookie, browser.cookie);
        successor.get("/api/wallet/balance").await.expect(200);
        assert_eq!(successor.get("/api/wallet/balance").await.header("set-cookie"), None);
    }
    world.finish().await;
}

/// A well-formed id that does not exist.
const UNKNOWN: &str = "01HZZZZZZZZZZZZZZZZZZZZZZZ";

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_requests_with_an_expired_session_refresh_it_once() {
    let world = World::start().await;
    let browser = world.browser(&world.sender, 1);
    world.advance_seconds(60);
    let before = world.issuer.calls();
    let requests = (0..12).map(|_| browser.get("/api/wallet/balance"));
    let answers = futures::future::join_all(requests).await;
    for answer in &answers {
        answer.expect(200);
    }
    let cookies: std::collections::BTreeSet<String> =
        answers.iter().map(|answer| with_new_session(&browser, answer).cookie.unwrap()).collect();
    assert_eq!(cookies.len(), 1, "all requests get the same session");
    assert_eq!(world.issuer.calls().token - before.token, 1);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_request_with_a_session_creates_the_account() {
    let world = World::start().await;
    let id = "5f0c2f6e-0d0b-4b53-8d5f-6a3a6a1f2d11";
    let person =
        Person { avatar_url: Some("https://a.example/ada.png".to_owned()), ..Person::new(id, "Ada") };
    let ada = world.anon.with_cookie(world.issuer.sign_in(&person, 3600).unwrap().cookie);
    assert_eq!(world.store.users().get(&id.parse().unwrap()).await.unwrap(), None);
    let requests = (0..6).map(|_| ada.get("/api/wallet/balance"));
    for answer in futures::future::join_all(requests).await {
        assert_eq!(answer.expect(200)["balance_cents"], 0);
    }
    let account = ada.get(&format!("/api/users/{id}")).await.expect(200);
    assert_eq!(
        (&account["name"], &account["avatar_url"]),
        (&json!("Ada"), &json!("https://a.example/ada.png"))
    );

    // Later tokens create no other account.
    let again = ada.with_cookie(world.issuer.sign_in(&person, 3600).unwrap().cookie);
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
async fn a_session_that_cannot_be_verified_gets_a_503_with_retry_after() {
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
