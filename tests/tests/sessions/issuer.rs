//! The issuer, over HTTP as a client of Supabase sees it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use clorp_issuer::{Issuer, Options, Person, TOKEN_SECONDS, TokenKind};
use reqwest::Client;
use serde_json::{Value, json};

struct World {
    issuer: Issuer,
    shift_millis: Arc<AtomicI64>,
    client: Client,
}

impl World {
    async fn start() -> Self {
        Self::with(Options::default()).await
    }

    async fn with(options: Options) -> Self {
        let shift_millis = options.clock_shift_millis.clone();
        let issuer = Issuer::start(options).await.unwrap();
        Self { issuer, shift_millis, client: Client::builder().no_proxy().build().unwrap() }
    }

    fn advance_seconds(&self, seconds: i64) {
        self.shift_millis.fetch_add(seconds * 1000, Ordering::Relaxed);
    }

    fn sign_in(&self) -> String {
        let signed_in = self.issuer.sign_in(&Person::new("ada", "Ada"), TOKEN_SECONDS).unwrap();
        signed_in.text("refresh_token").to_owned()
    }

    async fn request_token(&self, grant: &str, key: Option<&str>, body: &str) -> (u16, Value) {
        let url = format!("{}/auth/v1/token?grant_type={grant}", self.issuer.url);
        let request = self.client.post(url).header("content-type", "application/json").body(body.to_owned());
        let request = key.map_or(request.try_clone().unwrap(), |key| request.header("apikey", key));
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    /// The response to a refresh: its status and body.
    async fn refresh_raw(&self, token: &str) -> (u16, Value) {
        let body = json!({ "refresh_token": token }).to_string();
        self.request_token("refresh_token", Some(self.issuer.anon_key()), &body).await
    }

    /// The next refresh token, or the error code.
    async fn refresh(&self, token: &str) -> Result<String, String> {
        let (status, body) = self.refresh_raw(token).await;
        if status == 200 {
            return Ok(body["refresh_token"].as_str().unwrap().to_owned());
        }
        assert_eq!((status, &body["code"]), (400, &json!(400)));
        Err(body["error_code"].as_str().unwrap().to_owned())
    }

    async fn control(&self, path: &str, body: Value) -> Value {
        let url = format!("{}/_issuer/{path}", self.issuer.url);
        let response = self.client.post(url).json(&body).send().await.unwrap();
        assert!(response.status().is_success(), "{path}");
        response.json().await.unwrap()
    }

    async fn jwks(&self) -> Option<Value> {
        let url = format!("{}/auth/v1/.well-known/jwks.json", self.issuer.url);
        self.client.get(url).send().await.ok()?.json().await.ok()
    }

    async fn finish(self) {
        self.issuer.shutdown().await.unwrap();
    }
}

fn already_used<T>() -> Result<T, String> {
    Err("refresh_token_already_used".to_owned())
}

fn not_found<T>() -> Result<T, String> {
    Err("refresh_token_not_found".to_owned())
}

#[tokio::test]
async fn a_reused_refresh_token_returns_its_unused_successor() {
    let world = World::start().await;
    let first = world.sign_in();
    let second = world.refresh(&first).await.unwrap();
    world.advance_seconds(3600);
    assert_eq!(world.refresh(&first).await.as_ref(), Ok(&second), "the second token is unused");
    let third = world.refresh(&second).await.unwrap();
    assert_ne!(third, second);
    world.finish().await;
}

#[tokio::test]
async fn late_reuse_of_a_short_token_revokes_its_family_but_the_newest_works_for_ten_seconds() {
    let world = World::start().await;
    let (first, bystander) = (world.sign_in(), world.sign_in());
    assert_eq!(first.len(), 12);
    let second = world.refresh(&first).await.unwrap();
    let third = world.refresh(&second).await.unwrap();
    let fourth = world.refresh(&first).await.unwrap();
    assert!(fourth != second && fourth != third, "within ten seconds, each use returns a new token");
    world.advance_seconds(60);
    assert_eq!(world.refresh(&second).await, already_used());
    assert_eq!(world.refresh(&second).await, already_used());
    let fifth = world.refresh(&fourth).await.unwrap();
    world.advance_seconds(11);
    assert_eq!(world.refresh(&third).await, already_used());
    // The newest token was revoked again just now.
    assert!(world.refresh(&fifth).await.is_ok());
    world.advance_seconds(60);
    for token in [&first, &second, &third, &fourth] {
        assert_eq!(world.refresh(token).await, already_used());
    }
    assert!(world.refresh(&bystander).await.is_ok());
    world.finish().await;
}

#[tokio::test]
async fn a_revoked_family_ends_if_its_newest_token_is_not_used_at_once() {
    let world = World::start().await;
    let first = world.sign_in();
    let second = world.refresh(&first).await.unwrap();
    let third = world.refresh(&second).await.unwrap();
    world.advance_seconds(60);
    assert_eq!(world.refresh(&first).await, already_used());
    world.advance_seconds(11);
    for token in [&first, &second, &third] {
        assert_eq!(world.refresh(token).await, already_used());
    }
    world.finish().await;
}

#[tokio::test]
async fn late_reuse_of_a_long_token_deletes_its_session() {
    let world = World::start().await;
    world.control("refresh-tokens", json!({ "kind": "long" })).await;
    let (first, bystander) = (world.sign_in(), world.sign_in());
    assert_eq!(first.len(), 51);
    let second = world.refresh(&first).await.unwrap();
    assert_eq!(world.refresh(&first).await.as_ref(), Ok(&second), "the response may have been lost");
    let third = world.refresh(&second).await.unwrap();
    assert_eq!(world.refresh(&first).await.as_ref(), Ok(&third), "within ten seconds");
    world.advance_seconds(11);
    assert_eq!(world.refresh(&second).await.as_ref(), Ok(&third), "its successor may have been lost");
    world.advance_seconds(11);
    assert_eq!(world.refresh(&first).await, already_used());
    for token in [&first, &second, &third] {
        assert_eq!(world.refresh(token).await, not_found(), "the session is gone");
    }
    assert!(world.refresh(&bystander).await.is_ok());
    world.finish().await;
}

#[tokio::test]
async fn a_malformed_or_altered_refresh_token_is_refused() {
    let world = World::start().await;
    world.issuer.set_token_kind(TokenKind::Long).unwrap();
    let good = world.sign_in();
    let altered = format!("{}{}", &good[..50], if good.ends_with('A') { 'B' } else { 'A' });
    for bad in ["", "short", "UPPERCASE123", "a".repeat(40).as_str(), &altered, &good[1..]] {
        assert_eq!(world.refresh(bad).await, Err("validation_failed".to_owned()), "{bad}");
    }
    assert_eq!(world.refresh("abcdefghijkl").await, not_found());
    assert!(world.refresh(&good).await.is_ok());
    world.finish().await;
}

#[tokio::test]
async fn an_address_may_refresh_thirty_times_at_once() {
    let world = World::start().await;
    let (mut token, mut refreshes) = (world.sign_in(), 0);
    let refused = loop {
        match world.refresh_raw(&token).await {
            (200, session) => token = session["refresh_token"].as_str().unwrap().to_owned(),
            refused => break refused,
        }
        refreshes += 1;
        assert!(refreshes < 1000, "there is no limit");
    };
    assert_eq!((refused.0, &refused.1["error_code"]), (429, &json!("over_request_rate_limit")));
    assert!(refreshes >= 30, "{refreshes}");
    world.advance_seconds(60);
    assert!(world.refresh(&token).await.is_ok());
    world.finish().await;
}

#[tokio::test]
async fn refusals_use_the_error_codes_of_supabase() {
    let world = World::start().await;
    let good = json!({ "refresh_token": world.sign_in() }).to_string();
    let key = Some(world.issuer.anon_key().to_owned());
    let key = key.as_deref();
    let (status, body) =
        world.request_token("refresh_token", key, r#"{"refresh_token":"neverissued1"}"#).await;
    let expected = json!({ "code": 400, "error_code": "refresh_token_not_found", "msg": "Invalid Refresh Token: Refresh Token Not Found" });
    assert_eq!((status, body), (400, expected));
    for (what, grant, key, body, status) in [
        ("no key", "refresh_token", None, good.as_str(), 401),
        ("another key", "refresh_token", Some("x"), &good, 401),
        ("another grant", "password", key, &good, 400),
        ("no token", "refresh_token", key, "{}", 400),
        ("no JSON", "refresh_token", key, "refresh_token=x", 400),
    ] {
        assert_eq!(world.request_token(grant, key, body).await.0, status, "{what}");
    }
    let (status, session) = world.request_token("refresh_token", key, &good).await;
    assert_eq!(
        (status, &session["token_type"], &session["expires_in"]),
        (200, &json!("bearer"), &json!(3600))
    );
    assert_eq!(session["user"]["user_metadata"], json!({ "full_name": "Ada" }));
    world.finish().await;
}

#[tokio::test]
async fn a_person_reads_and_changes_their_account_and_signs_out() {
    let world = World::start().await;
    let [one, two, three] =
        [(); 3].map(|()| world.issuer.sign_in(&Person::new("ada", "Ada"), TOKEN_SECONDS).unwrap());
    let bob = world.issuer.sign_in(&Person::new("bob", "Bob"), TOKEN_SECONDS).unwrap();
    let call = async |method: &str, path: &str, token: &str, body: Value| {
        let url = format!("{}/auth/v1/{path}", world.issuer.url);
        let request = world.client.request(method.parse().unwrap(), url).bearer_auth(token).json(&body);
        let response = request.header("apikey", world.issuer.anon_key()).send().await.unwrap();
        (response.status().as_u16(), response.json::<Value>().await.unwrap_or_default())
    };
    let token = one.text("access_token");
    let (status, user) = call("GET", "user", token, json!({})).await;
    assert_eq!((status, &user), (200, &one.session["user"]));
    let data = json!({ "data": { "full_name": "Ada Lovelace" } });
    assert_eq!(call("PUT", "user", token, data).await.1["user_metadata"]["full_name"], "Ada Lovelace");
    let (_, renewed) = world.refresh_raw(two.text("refresh_token")).await;
    assert_eq!(renewed["user"]["user_metadata"]["full_name"], "Ada Lovelace");

    assert_eq!(call("POST", "logout?scope=others", token, json!({})).await.0, 204);
    assert_eq!(world.refresh(three.text("refresh_token")).await, not_found());
    let (status, error) = call("GET", "user", three.text("access_token"), json!({})).await;
    assert_eq!((status, &error["error_code"]), (403, &json!("session_not_found")));
    assert_eq!(call("POST", "logout", token, json!({})).await.0, 204);
    assert_eq!(world.refresh(one.text("refresh_token")).await, not_found());
    assert_eq!(call("GET", "user", "x.y.z", json!({})).await.1["error_code"], "bad_jwt");
    assert!(world.refresh(bob.text("refresh_token")).await.is_ok());
    world.finish().await;
}

#[tokio::test]
async fn a_person_signs_in_with_a_password() {
    let world = World::start().await;
    let ada = json!({ "id": "ada", "email": "Ada@example.com", "password": "secret", "name": "Ada" });
    world.control("passwords", ada).await;
    let key = Some(world.issuer.anon_key().to_owned());
    let sign_in = async |body: Value| {
        let (status, body) = world.request_token("password", key.as_deref(), &body.to_string()).await;
        if status == 200 { Ok(body) } else { Err((status, body["error_code"].as_str().unwrap().to_owned())) }
    };
    let session = sign_in(json!({ "email": "ada@EXAMPLE.com", "password": "secret" })).await.unwrap();
    assert_eq!((&session["user"]["id"], &session["expires_in"]), (&json!("ada"), &json!(3600)));
    assert!(world.refresh(session["refresh_token"].as_str().unwrap()).await.is_ok());
    let error = |status: u16, code: &str| Err((status, code.to_owned()));
    for (body, refused) in [
        (json!({ "email": "ada@example.com", "password": "Secret" }), error(400, "invalid_credentials")),
        (json!({ "email": "ada@example.com" }), error(400, "invalid_credentials")),
        (json!({ "email": "bob@example.com", "password": "secret" }), error(400, "invalid_credentials")),
        (json!({ "password": "secret" }), error(400, "validation_failed")),
        (json!({ "phone": "1", "password": "secret" }), error(422, "phone_provider_disabled")),
    ] {
        assert_eq!(sign_in(body.clone()).await, refused, "{body}");
    }
    let limited = async || sign_in(json!({ "email": "ada@example.com", "password": "guess" })).await;
    let mut guesses = 0;
    while limited().await == error(400, "invalid_credentials") {
        guesses += 1;
        assert!(guesses < 1000, "there is no limit");
    }
    assert_eq!(limited().await, error(429, "over_request_rate_limit"));
    world.finish().await;
}

#[tokio::test]
async fn a_refusal_has_the_form_of_the_version_that_the_client_names() {
    let world = World::start().await;
    let ask = async |version: Option<&str>| {
        let url = format!("{}/auth/v1/logout?scope=none", world.issuer.url);
        let ada = world.issuer.sign_in(&Person::new("ada", "Ada"), TOKEN_SECONDS).unwrap();
        let request = world.client.post(url).bearer_auth(ada.text("access_token"));
        let request = request.header("apikey", world.issuer.anon_key()).header("origin", "http://a.example");
        let request = match version {
            Some(version) => request.header("x-supabase-api-version", version),
            None => request,
        };
        let response = request.send().await.unwrap();
        assert_eq!(
            (response.status().as_u16(), response.headers()["x-sb-error-code"].to_str().unwrap()),
            (400, "validation_failed")
        );
        let exposed = &response.headers()["access-control-expose-headers"];
        assert!(exposed.to_str().unwrap().contains("x-supabase-api-version"), "{exposed:?}");
        let known = response.headers().get("x-supabase-api-version").cloned();
        (known.map(|version| version.to_str().unwrap().to_owned()), response.json::<Value>().await.unwrap())
    };
    let message = "Unsupported logout scope \"none\"";
    let first = json!({ "code": 400, "error_code": "validation_failed", "msg": message });
    let second = json!({ "code": "validation_failed", "message": message });
    for (version, known, body) in [
        (None, None, &first),
        (Some("2023-12-31"), None, &first),
        (Some("yesterday"), None, &first),
        (Some("2024-01-01"), Some("2024-01-01"), &second),
        (Some("2030-06-01"), Some("2024-01-01"), &second),
    ] {
        assert_eq!(ask(version).await, (known.map(str::to_owned), body.clone()), "{version:?}");
    }
    world.finish().await;
}

#[tokio::test]
async fn a_web_page_of_any_origin_may_call_the_identity_service() {
    let world = World::start().await;
    let url = format!("{}/auth/v1/token?grant_type=refresh_token", world.issuer.url);
    let request =
        world.client.request(reqwest::Method::OPTIONS, url).header("origin", "http://localhost:3000");
    let request = request.header("access-control-request-method", "POST");
    let response =
        request.header("access-control-request-headers", "apikey,content-type").send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["access-control-allow-origin"], "http://localhost:3000");
    world.finish().await;
}

#[tokio::test]
async fn keys_and_sessions_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let options = || Options { state_path: Some(folder.path().join("issuer.json")), ..Options::default() };
    let world = World::with(options()).await;
    let (token, keys) = (world.sign_in(), world.jwks().await.unwrap());
    let next = world.refresh(&token).await.unwrap();
    world.finish().await;
    let world = World::with(options()).await;
    assert_eq!(world.jwks().await.unwrap(), keys);
    assert_eq!(world.refresh(&token).await, Ok(next));
    world.finish().await;
    std::fs::write(folder.path().join("issuer.json"), "[1").unwrap();
    let error = format!("{:#}", Issuer::start(options()).await.unwrap_err());
    assert!(error.contains("issuer.json"), "{error}");
}

#[tokio::test]
async fn the_control_api_signs_in_rolls_keys_and_injects_faults() {
    let world = World::start().await;
    let person = json!({ "id": "bob", "name": "Bob", "email": "bob@example.com", "expires_in": 60 });
    let signed_in = world.control("sessions", person).await;
    assert!(signed_in["cookie"].as_str().unwrap().starts_with("sb-127-auth-token=base64-"));
    assert_eq!(signed_in["session"]["user"]["email"], "bob@example.com");
    let token = signed_in["session"]["refresh_token"].as_str().unwrap();
    let rolled = world.control("keys/roll", json!({})).await;
    let names = |keys: Value| {
        keys["keys"].as_array().unwrap().iter().map(|key| key["kid"].clone()).collect::<Vec<_>>()
    };
    let published = names(world.jwks().await.unwrap());
    assert_eq!((published.len(), &published[1]), (2, &rolled["kid"]));
    let rolled = world.control("keys/roll", json!({ "drop_old": true })).await;
    assert_eq!(names(world.jwks().await.unwrap()), [rolled["kid"].clone()]);
    world.control("behaviour", json!({ "endpoint": "jwks", "fault": "down" })).await;
    assert!(world.jwks().await.is_none());
    world.control("behaviour", json!({ "endpoint": "jwks" })).await;
    let error = json!({ "endpoint": "token", "fault": "error", "status": 400, "code": "user_banned" });
    world.control("behaviour", error).await;
    assert_eq!(world.refresh(token).await, Err("user_banned".to_owned()));
    world.control("behaviour", json!({ "endpoint": "token" })).await;
    assert!(world.jwks().await.is_some());
    assert!(world.refresh(token).await.is_ok());
    let calls: Value = world
        .client
        .get(format!("{}/_issuer/calls", world.issuer.url))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(calls, json!({ "jwks": 4, "token": 2 }));
    world.finish().await;
}
