//! Supabase's client libraries, against the issuer and the API.

use clorp_issuer::{Calls, Person};
use clorp_tests::world::WEB_ORIGIN;
use clorp_tests::{Client, Gateway, World};
use serde_json::{Value, json};
use tokio::process::Command;

use super::program::{Workshop, run};

const PASSWORD: &str = "correct horse battery staple";

/// The name of an observation, and the value that a program has to observe.
type Observation = (String, Value);

/// A user of the API with an email address and a password.
fn person(world: &World, user: &Client, email: &str, name: &str) -> Person {
    let person = Person { email: Some(email.to_owned()), ..Person::new(user.id.clone(), name) };
    world.issuer.set_password(&person, PASSWORD).unwrap();
    person
}

/// Runs a program, and checks what it observes.
async fn observe(
    world: &World,
    command: Command,
    expected: Vec<Observation>,
    mut answer: impl FnMut(&Value) -> Value,
) {
    let mut expected = expected.into_iter();
    run(command, async |said| {
        if said["name"].is_null() {
            return match said["ask"].as_str() {
                Some("a minute") => advance(world, 60),
                Some("an hour") => advance(world, 3_700),
                _ => answer(&said),
            };
        }
        let (name, value) = expected.next().unwrap_or_else(|| panic!("nothing more is expected: {said}"));
        assert_eq!(said["name"], json!(name));
        assert_eq!(said["saw"], value, "{name}");
        Value::Null
    })
    .await;
    assert_eq!(expected.collect::<Vec<_>>(), [], "the program ended early");
}

fn advance(world: &World, seconds: i64) -> Value {
    world.advance_seconds(seconds);
    Value::Null
}

fn refused(status: u16, code: &str) -> Value {
    json!({ "class": "AuthApiError", "status": status, "code": code })
}

fn of_supabase_js(id: &str) -> Vec<Observation> {
    let missing = json!({ "class": "AuthSessionMissingError", "status": 400, "code": null });
    let not_found = || refused(400, "refresh_token_not_found");
    let observations = [
        ("a wrong password", refused(400, "invalid_credentials")),
        ("an unknown address", refused(400, "invalid_credentials")),
        ("a phone number", refused(422, "phone_provider_disabled")),
        (
            "a session by password",
            json!({ "id": id, "email": "ada@example.com", "token_type": "bearer", "expires_in": 3_600 }),
        ),
        ("the user", json!(id)),
        ("a forged token", refused(403, "bad_jwt")),
        ("the claims", json!({ "sub": id, "role": "authenticated", "aud": "authenticated", "aal": "aal1" })),
        ("the caller of the API", json!(id)),
        ("a session refreshed by itself", json!({ "other": true, "lasts": 3_600 })),
        ("a refreshed session", json!({ "other": true, "name": "Ada Lovelace" })),
        ("a token reused at once", json!({ "successor": true })),
        ("signing others out", json!(null)),
        ("the session of another device", not_found()),
        ("signing out here", json!(null)),
        ("the session here", json!({ "session": null, "last": "SIGNED_OUT" })),
        ("its refresh token", not_found()),
        ("signing out everywhere", json!(null)),
        ("the user of an ended session", missing),
        ("the refresh of an ended session", not_found()),
        ("its token at the API until it expires", json!(200)),
        ("a token reused late", refused(400, "refresh_token_already_used")),
        ("the session that it belonged to", refused(400, "refresh_token_already_used")),
    ];
    observations.map(|(name, value)| (name.to_owned(), value)).into()
}

/// The observations about a person whose session takes these cookies.
fn of_a_person(label: &str, names: &[&str]) -> Vec<Observation> {
    let observations = [
        ("the cookies of a new session", json!(names)),
        ("the caller of the API", json!({ "same": true, "set": 0 })),
        ("a change from a foreign page", json!({ "status": 403, "code": "foreign_origin" })),
        ("what the server reads", json!(true)),
        ("an expired session at the API", json!({ "status": 200, "renewed": true, "names": names })),
        ("the server reads what the API renewed", json!({ "same": true, "lasts": true })),
        ("the server renews what the API renewed", json!(null)),
        ("the API accepts that", json!(200)),
        ("an expired session at the server", json!(null)),
        ("the API accepts what the server renewed", json!({ "status": 200, "set": 0 })),
        ("both renew one session at once", json!({ "api": 200, "server": null })),
        ("both sessions work", json!([200, 200])),
    ];
    observations.map(|(name, value)| (format!("{label}: {name}"), value)).into()
}

fn of_supabase_ssr() -> Vec<Observation> {
    let whole = ["sb-127-auth-token"];
    let parts = ["sb-127-auth-token.0", "sb-127-auth-token.1"];
    let rest = [
        ("raw cookies", json!({ "status": 200, "names": whole })),
        ("tokens without a user", json!({ "status": 200, "names": whole })),
        ("signing out", json!(null)),
        ("the cookies after it", json!([])),
        ("a copy of the cookies while the token lasts", json!(200)),
        ("a copy of the cookies later", json!(401)),
    ];
    let rest = rest.map(|(name, value)| (name.to_owned(), value)).to_vec();
    [of_a_person("a short name", &whole), of_a_person("a long name", &parts), rest].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn supabase_js_signs_in_refreshes_and_signs_out() {
    let workshop = Workshop::for_node().await;
    let world = World::start().await;
    let gateway = Gateway::start(&world.anon).await;
    let ada = person(&world, &world.workers[0], "ada@example.com", "Ada");
    let answer = |said: &Value| match said["expires_in"].as_i64() {
        Some(seconds) => json!(world.issuer.sign_in(&ada, seconds).unwrap()),
        None => json!({ "issuer": world.issuer.url, "anonKey": world.issuer.anon_key(), "api": gateway.url,
                        "email": "Ada@example.com", "password": PASSWORD }),
    };
    observe(&world, workshop.program("supabase-js.mjs"), of_supabase_js(&ada.id), answer).await;
    // The library and the instances of the function fetch the keys once each.
    let Calls { jwks, .. } = world.issuer.calls();
    assert!((1..=4).contains(&jwks), "{jwks}");
    let stored = world.workers[0].get(&format!("/api/users/{}", ada.id)).await.expect(200);
    assert_eq!(stored["name"], "Ada Lovelace");
    gateway.assert_documented();
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn supabase_ssr_and_the_api_share_sessions_in_cookies() {
    let workshop = Workshop::for_node().await;
    let world = World::start().await;
    let gateway = Gateway::start(&world.anon).await;
    // A cookie holds about 3,000 bytes. The name is in the token and beside it.
    let long = "ünïcødé ".repeat(90);
    let (bob, eve) = ("bob@example.com", "eve@example.com");
    let people = [
        ("a short name", person(&world, &world.workers[1], bob, "Bob")),
        ("a long name", person(&world, &world.workers[2], eve, &long)),
    ];
    let listed = people.iter().map(|(label, person)| {
        json!({ "label": label, "email": person.email, "password": PASSWORD, "id": person.id })
    });
    let listed: Vec<_> = listed.collect();
    let answer = |said: &Value| match said["expires_in"].as_i64() {
        Some(seconds) => {
            let (_, person) = people.iter().find(|(_, person)| json!(person.email) == said["email"]).unwrap();
            json!(world.issuer.sign_in(person, seconds).unwrap())
        }
        None => json!({ "issuer": world.issuer.url, "anonKey": world.issuer.anon_key(), "api": gateway.url,
                        "origin": WEB_ORIGIN, "people": listed }),
    };
    observe(&world, workshop.program("supabase-ssr.mjs"), of_supabase_ssr(), answer).await;
    // The API reads the whole session from cookies, and no caller by any other credential.
    let exchanges = gateway.exchanges();
    assert!(exchanges.iter().all(|exchange| exchange.requested("authorization").is_none()));
    gateway.assert_documented();
    world.finish().await;
}
