//! Valid tokens are accepted, and forged ones are refused.

use clorp_issuer::Person;
use clorp_sessions::Config;
use serde_json::{Value, json};

use super::forge::{Key, claims, claims_with, claims_without, header};
use super::keys::KeyServer;
use super::support::{World, ada, assert_refused, authenticate, is_ada};

#[tokio::test]
async fn a_valid_token_identifies_its_owner() {
    let world = World::start().await;
    let (key, header) = (Key::of(&world), header(&world).to_string());
    assert!(world.accepts(world.ada(3600).text("access_token")).await);
    for (what, claims) in [
        ("the issuer's own claims", claims(&world).to_string()),
        ("several audiences", claims_with(&world, "aud", json!(["other", "authenticated"]))),
        ("no time of issue", claims_without(&world, "iat")),
        ("a time with a fraction", claims_with(&world, "exp", json!(world.now() as f64 + 60.5))),
        ("a clock that is 29 seconds behind", claims_with(&world, "iat", json!(world.now() + 29))),
        ("valid in 29 seconds by our clock", claims_with(&world, "nbf", json!(world.now() + 29))),
        ("explicitly not anonymous", claims_with(&world, "is_anonymous", json!(false))),
        ("a clock that is a little ahead", claims_with(&world, "exp", json!(world.now() - 3))),
        ("a distant expiry", claims_with(&world, "exp", json!(i64::MAX))),
        ("a malformed email", claims_with(&world, "email", json!(["a"]))),
    ] {
        assert!(world.accepts(&key.token(&header, &claims)).await, "{what}");
    }
    world.finish().await;
}

#[tokio::test]
async fn a_token_with_a_false_or_malformed_claim_is_refused() {
    let world = World::start().await;
    let (key, header) = (Key::of(&world), header(&world).to_string());
    let now = world.now();
    let mut bad = vec![
        ("not valid yet", claims_with(&world, "nbf", json!(now + 60))),
        ("issued in the future", claims_with(&world, "iat", json!(now + 60))),
        ("only foreign audiences", claims_with(&world, "aud", json!(["other", "authenticated2"]))),
        (
            "a duplicate claim",
            claims(&world).to_string().replace("{\"aud\"", "{\"aud\":\"authenticated\",\"aud\""),
        ),
        ("not an object", "[]".to_owned()),
        ("no JSON", "{".to_owned()),
    ];
    for claim in ["iss", "aud", "sub", "exp"] {
        bad.push(("a missing claim", claims_without(&world, claim)));
        bad.push(("a claim of another type", claims_with(&world, claim, json!({ "a": 1 }))));
        bad.push(("a null claim", claims_with(&world, claim, Value::Null)));
    }
    for end in [
        json!(now - 6),
        json!(0),
        json!(-1),
        json!("tomorrow"),
        json!(1e300),
        json!((now + 3600).to_string()),
    ] {
        bad.push(("an expiry that is past or malformed", claims_with(&world, "exp", end)));
    }
    for issuer in
        ["", "https://evil.example/auth/v1", &world.issuer.url, &format!("{}/", world.issuer.issuer())]
    {
        bad.push(("another issuer", claims_with(&world, "iss", json!(issuer))));
    }
    for audience in ["", "anon", "service_role", "Authenticated"] {
        bad.push(("another audience", claims_with(&world, "aud", json!(audience))));
    }
    for subject in ["", "a#b", "USER#x", "a b", "é", &"x".repeat(65)] {
        bad.push(("an invalid subject", claims_with(&world, "sub", json!(subject))));
    }
    for (what, claims) in bad {
        assert!(!world.accepts(&key.token(&header, &claims)).await, "{what}: {claims}");
    }
    world.finish().await;
}

#[tokio::test]
async fn a_token_of_an_anonymous_user_or_of_another_role_is_refused() {
    let world = World::start().await;
    let (key, header) = (Key::of(&world), header(&world).to_string());
    for anonymous in [json!(true), json!("true"), json!("false"), json!(1), json!({})] {
        let claims = claims_with(&world, "is_anonymous", anonymous);
        assert!(!world.accepts(&key.token(&header, &claims)).await, "{claims}");
    }
    for role in
        [json!("anon"), json!("service_role"), json!("Authenticated"), json!(["authenticated"]), Value::Null]
    {
        let claims = claims_with(&world, "role", role);
        assert!(!world.accepts(&key.token(&header, &claims)).await, "{claims}");
    }
    assert!(!world.accepts(&key.token(&header, &claims_without(&world, "role"))).await);
    let visitor = world.issuer.sign_in(&Person { is_anonymous: true, ..ada() }, -60).unwrap();
    assert_refused(authenticate(&world.instances[0], &visitor.cookie).await);
    assert_eq!(world.issuer.calls().token, 0, "not even refreshed");
    world.finish().await;
}

#[tokio::test]
async fn only_the_published_key_is_accepted_and_only_with_its_algorithm() {
    let world = World::start().await;
    let (published, claims, kid) =
        (Key::of(&world), claims(&world).to_string(), header(&world)["kid"].clone());
    let header = |fields: Value| {
        let mut header = json!({ "alg": "ES256", "typ": "JWT", "kid": kid });
        for (name, value) in fields.as_object().unwrap() {
            header[name] = value.clone();
        }
        header.to_string()
    };
    for alg in ["none", "None", "NONE", "nOnE", ""] {
        let token = Key::None.token(&header(json!({ "alg": alg })), &claims);
        assert!(!world.accepts(&token).await, "{alg}");
        assert!(
            !world.accepts(&published.token(&header(json!({ "alg": alg })), &claims)).await,
            "{alg}, signed"
        );
    }
    assert!(!world.accepts(&Key::None.token(&header(json!({})), &claims)).await, "not signed");
    for secret in published.public_as_secrets(kid.as_str().unwrap()) {
        for alg in ["HS256", "ES256", "HS384", "HS512"] {
            let printable = String::from_utf8_lossy(&secret).into_owned();
            let token = Key::Secret(secret.clone()).token(&header(json!({ "alg": alg })), &claims);
            assert!(!world.accepts(&token).await, "{alg} with {printable:?}");
        }
    }
    let (other, rsa) = (Key::new_ec(), Key::new_rsa());
    assert!(!world.accepts(&other.token(&header(json!({})), &claims)).await, "another key");
    assert!(
        !world.accepts(&rsa.token(&header(json!({ "alg": "RS256" })), &claims)).await,
        "another type of key"
    );
    for alg in ["RS256", "ES384", "PS256", "EdDSA", "es256", "HS256"] {
        assert!(!world.accepts(&published.token(&header(json!({ "alg": alg })), &claims)).await, "{alg}");
    }
    for (what, fields) in [
        ("a critical header", json!({ "crit": ["exp"], "exp": 1 })),
        ("no critical header", json!({ "crit": [] })),
        ("a malformed critical header", json!({ "crit": 1 })),
        ("no name", json!({ "kid": null })),
        ("another name", json!({ "kid": "other" })),
        ("a name of another type", json!({ "kid": 7 })),
        ("a list of algorithms", json!({ "alg": ["ES256"] })),
    ] {
        assert!(!world.accepts(&published.token(&header(fields), &claims)).await, "{what}");
    }
    // The key that a token embeds or links to is never trusted.
    let embedded =
        header(json!({ "jwk": other.jwk("x"), "jku": "http://127.0.0.1:1/", "x5u": "http://127.0.0.1:1/" }));
    assert!(!world.accepts(&other.token(&embedded, &claims)).await);
    let duplicate = header(json!({})).replace("{\"alg\"", "{\"alg\":\"none\",\"alg\"");
    assert!(!world.accepts(&published.token(&duplicate, &claims)).await, "two algorithms");
    assert!(
        world.accepts(&published.token(&header(json!({})), &claims)).await,
        "the same token is accepted unchanged"
    );
    world.finish().await;
}

#[tokio::test]
async fn a_truncated_changed_or_oversized_token_is_refused() {
    let world = World::start().await;
    let token = world.ada(3600).text("access_token").to_owned();
    for end in (0..token.len()).step_by(7) {
        assert!(!world.accepts(&token[..end]).await, "truncated at {end}");
    }
    for at in (0..token.len()).step_by(11) {
        let mut changed = token.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        assert!(!world.accepts(&String::from_utf8(changed).unwrap()).await, "changed at {at}");
    }
    for bad in
        ["", ".", "..", "a.b.c", &format!("{token}."), &format!("{token}.x"), &format!(" {token}"), "é.é.é"]
    {
        assert!(!world.accepts(bad).await, "{bad}");
    }
    let padded = |length: usize| {
        let claims = claims_with(&world, "padding", json!("x".repeat(length)));
        Key::of(&world).token(&header(&world).to_string(), &claims)
    };
    assert!(padded(5_500).len() < 8 * 1024 && world.accepts(&padded(5_500)).await);
    assert!(padded(6_200).len() > 8 * 1024 && !world.accepts(&padded(6_200)).await);
    assert!(!world.accepts(&"x".repeat(1_000_000)).await);
    world.finish().await;
}

#[tokio::test]
async fn a_shared_secret_is_accepted_only_where_one_is_configured() {
    let world = World::start().await;
    let (secret, claims) = ("super-secret-jwt-token-with-at-least-32-characters", claims(&world).to_string());
    let token = Key::Secret(secret.into()).token(r#"{"alg":"HS256","typ":"JWT"}"#, &claims);
    assert!(!world.accepts(&token).await);
    let legacy = world.instance(world.issuer.config().unwrap().with_jwt_secret(secret));
    assert!(is_ada(&legacy.by_token(&token).await));
    assert!(
        is_ada(&legacy.by_token(world.ada(60).text("access_token")).await),
        "the signing key is still accepted"
    );
    for (key, alg) in [
        (Key::Secret(b"other".to_vec()), "HS256"),
        (Key::Secret(secret.into()), "HS512"),
        (Key::None, "HS256"),
    ] {
        let forged = key.token(&json!({ "alg": alg }).to_string(), &claims);
        assert_refused(legacy.by_token(&forged).await);
    }
    for public in Key::of(&world).public_as_secrets("x") {
        let forged = Key::Secret(public).token(r#"{"alg":"HS256"}"#, &claims);
        assert_refused(legacy.by_token(&forged).await);
    }
    assert!(!format!("{legacy:?}").contains(secret));
    world.finish().await;
}

#[tokio::test]
async fn each_published_key_signs_only_for_itself() {
    let world = World::start().await;
    let (rsa, ec) = (Key::new_rsa(), Key::new_ec());
    let weak = json!({ "kty": "oct", "k": "c2VjcmV0", "kid": "oct", "alg": "HS256" });
    let server = KeyServer::start(json!({ "keys": [rsa.jwk("rsa"), ec.jwk("ec"), weak] }).to_string()).await;
    let sessions = world.instance(Config::new(&server.url, "k").unwrap());
    let claims = claims_with(&world, "iss", json!(format!("{}/auth/v1", server.url)));
    let header = |alg: &str, kid: &str| json!({ "alg": alg, "kid": kid }).to_string();
    assert!(is_ada(&sessions.by_token(&rsa.token(&header("RS256", "rsa"), &claims)).await));
    assert!(is_ada(&sessions.by_token(&ec.token(&header("ES256", "ec"), &claims)).await));
    for (key, alg, kid) in [
        (&rsa, "RS256", "ec"),
        (&ec, "ES256", "rsa"),
        (&rsa, "ES256", "rsa"),
        (&rsa, "ES256", "ec"),
        (&ec, "RS256", "ec"),
        (&rsa, "PS256", "rsa"),
        (&rsa, "RS512", "rsa"),
        (&Key::Secret(b"secret".to_vec()), "HS256", "oct"),
    ] {
        assert_refused(sessions.by_token(&key.token(&header(alg, kid), &claims)).await);
    }
    world.finish().await;
}

#[tokio::test]
async fn the_debug_output_of_a_session_shows_no_secret() {
    let world = World::start().await;
    let signed_in = world.ada(30);
    let session = authenticate(&world.instances[0], &signed_in.cookie).await.unwrap();
    assert_eq!(session.identity.id.as_str(), ada().id);
    assert!(!session.set_cookies.is_empty());
    let output = format!("{session:?} {:?}", world.instances);
    for secret in [signed_in.text("refresh_token"), "eyJ", "base64-", "local-anon-key"] {
        assert!(!output.contains(secret), "{secret} in {output}");
    }
    world.finish().await;
}
