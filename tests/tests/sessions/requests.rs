//! Sessions in whole requests: the caller's address, their name, and the answers beyond a limit.

use clorp_issuer::{Person, SignedIn, TOKEN_SECONDS};
use clorp_tests::world::SOURCE_ADDRESS;
use clorp_tests::{Answer, Client, World};
use reqwest::Method;
use serde_json::json;

const BALANCE: &str = "/api/wallet/balance";
const ID: &str = "5f0c2f6e-0d0b-4b53-8d5f-6a3a6a1f2d11";

fn client(world: &World, signed_in: &SignedIn) -> Client {
    world.anon.with_cookie(signed_in.cookie.clone())
}

/// Signs a person in under a name, with a token that is newer than all before.
fn sign_in(world: &World, person: &Person) -> Client {
    world.advance_seconds(1);
    client(world, &world.issuer.sign_in(person, TOKEN_SECONDS).unwrap())
}

/// Signs in a user whose session has to be refreshed.
fn expired(world: &World, id: &str) -> Client {
    client(world, &world.issuer.sign_in(&Person::new(id, "Ada"), -60).unwrap())
}

async fn get_from(client: &Client, address: &str) -> Answer {
    client.get_with(BALANCE, &[(SOURCE_ADDRESS, address)]).await
}

/// The name and the picture on the account of [`ID`].
async fn profile(client: &Client) -> (String, Option<String>) {
    let account = client.get(&format!("/api/users/{ID}")).await.expect(200);
    (account["name"].as_str().unwrap().to_owned(), account["avatar_url"].as_str().map(str::to_owned))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_names_the_address_that_the_gateway_reports_and_never_one_from_a_header() {
    let world = World::start().await;
    let forged = [
        ("sb-forwarded-for", "203.0.113.66"),
        ("x-forwarded-for", "203.0.113.66"),
        ("forwarded", "for=203.0.113.66"),
        ("x-real-ip", "203.0.113.66"),
    ];
    expired(&world, "ada").get_with(BALANCE, &forged).await.expect(200);
    for address in ["198.51.100.7", "2001:db8::7", "::ffff:198.51.100.8"] {
        let headers = [&forged[..], &[(SOURCE_ADDRESS, address)]].concat();
        expired(&world, "ada").get_with(BALANCE, &headers).await.expect(200);
    }
    let named: Vec<Option<String>> =
        world.issuer.refresh_addresses().iter().map(|address| address.map(|ip| ip.to_string())).collect();
    let expected = [None, Some("198.51.100.7"), Some("2001:db8::7"), Some("198.51.100.8")];
    assert_eq!(named, expected.map(|address| address.map(str::to_owned)));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_users_refresh_at_once_because_each_address_has_a_limit_of_its_own() {
    let world = World::start().await;
    for i in 0..40 {
        let user = expired(&world, &format!("user-{i}"));
        get_from(&user, &format!("198.51.100.{i}")).await.expect(200);
    }
    let mut refused = None;
    for i in 0..1000 {
        let answer = get_from(&expired(&world, &format!("neighbour-{i}")), "203.0.113.1").await;
        if answer.status != 200 {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.expect("one address is limited");
    refused.expect_error(503, "unavailable");
    assert!(refused.header("retry-after").is_some());
    get_from(&expired(&world, "elsewhere"), "203.0.113.2").await.expect(200);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_and_a_picture_follow_the_newest_token() {
    let world = World::start().await;
    let picture = "https://a.example/ada.png";
    let nameless = Person { name: None, ..Person::new(ID, "") };
    let first = sign_in(&world, &nameless);
    first.get(BALANCE).await.expect(200);
    assert_eq!(profile(&first).await, ("Anonymous".to_owned(), None));

    let named = sign_in(&world, &Person { avatar_url: Some(picture.to_owned()), ..Person::new(ID, "Ada") });
    named.get(BALANCE).await.expect(200);
    let ada = ("Ada".to_owned(), Some(picture.to_owned()));
    assert_eq!(profile(&named).await, ada);

    // An older token and one without a name change nothing.
    first.get(BALANCE).await.expect(200);
    let unnamed = sign_in(&world, &nameless);
    unnamed.get(BALANCE).await.expect(200);
    assert_eq!(profile(&unnamed).await, ada);

    let renamed = sign_in(&world, &Person::new(ID, "Ada Lovelace"));
    renamed.get(BALANCE).await.expect(200);
    named.get(BALANCE).await.expect(200);
    assert_eq!(profile(&named).await, ("Ada Lovelace".to_owned(), None));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_anonymous_sign_in_gets_no_account_until_it_is_upgraded() {
    let world = World::start().await;
    let visitor = Person { name: None, is_anonymous: true, ..Person::new(ID, "") };
    let session = world.issuer.sign_in(&visitor, TOKEN_SECONDS).unwrap();
    for client in [
        client(&world, &session),
        world.anon.with_authorization(&format!("Bearer {}", session.text("access_token"))),
    ] {
        client.get(BALANCE).await.expect_error(401, "authentication_required");
        client.post("/api/keys", json!({ "name": "k" })).await.expect_error(401, "authentication_required");
    }
    assert_eq!(world.store.users().get(&ID.parse().unwrap()).await.unwrap(), None);
    let upgraded = sign_in(&world, &Person::new(ID, "Ada"));
    upgraded.get(BALANCE).await.expect(200);
    assert_eq!(profile(&upgraded).await, ("Ada".to_owned(), None));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_whose_sessions_are_refreshed_too_often_gets_a_429_with_retry_after() {
    let world = World::start().await;
    let mut refused = None;
    for _ in 0..1000 {
        // Each refresh comes from a new session, as an attacker with many old tokens would send them.
        let user = expired(&world, ID);
        let answer = get_from(&user, &format!("2001:db8::{:x}", rand::random::<u16>())).await;
        if answer.status != 200 {
            refused = Some((user, answer));
            break;
        }
    }
    let (user, answer) = refused.expect("a user is limited");
    answer.expect_error(429, "rate_limited");
    assert_eq!(answer.header("ratelimit-policy"), Some("\"refresh\";q=120;w=3600"));
    assert!(answer.header("retry-after").is_some());
    let calls = world.issuer.calls().token;
    assert!(calls >= 120, "{calls}");
    expired(&world, "another").get(BALANCE).await.expect(200);
    sign_in(&world, &Person::new(ID, "Ada")).get(BALANCE).await.expect(200);
    world.advance_seconds(60);
    user.get(BALANCE).await.expect(200);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_whose_key_may_not_be_looked_for_gets_a_503_with_retry_after() {
    let world = World::start().await;
    let signed_in = world.issuer.sign_in(&Person::new(ID, "Ada"), TOKEN_SECONDS).unwrap();
    let (_, rest) = signed_in.text("access_token").split_once('.').unwrap();
    let forged = |kid: usize| {
        let header = json!({ "alg": "ES256", "typ": "JWT", "kid": format!("unknown-{kid}") }).to_string();
        let header = base64::Engine::encode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, header);
        world.anon.with_authorization(&format!("Bearer {header}.{rest}"))
    };
    let mut unavailable = None;
    for kid in 0..1000 {
        let answer = forged(kid).send(Method::GET, BALANCE, None, &[]).await;
        if answer.status == 503 {
            unavailable = Some(answer);
            break;
        }
        answer.expect_error(401, "authentication_required");
    }
    let answer = unavailable.expect("the fetches are limited");
    answer.expect_error(503, "unavailable");
    assert!(answer.header("retry-after").is_some());
    client(&world, &signed_in).get(BALANCE).await.expect(200);
    world.finish().await;
}
