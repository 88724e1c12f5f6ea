//! Authentication and authorisation: credentials, API keys with their rights and spend policies, sessions of
//! OAuth clients, second factors, rate limits, CORS, and logins of programs.

mod cli;
mod keys;
mod pages;
mod rate_limits;
mod rights;
mod sessions;
mod spend;
mod table;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD as URL, Engine};
use clorp_domain::{Right, Rights, StoredKey};
use clorp_tests::{Answer, Client, World};
use serde_json::{Value, json};

/// Creates a key through the API and returns its id and a client that uses it.
async fn create_key(owner: &Client, mut request: Value) -> (String, Client) {
    request["name"] = json!("created");
    let key = owner.post("/api/keys", request).await.expect(201);
    let secret = key["secret"].as_str().unwrap();
    (key["id"].as_str().unwrap().to_owned(), owner.with_authorization(&format!("Bearer {secret}")))
}

/// Posts a drop at this price.
async fn run(caller: &Client, price_cents: i64) -> Answer {
    let order = json!({ "prompt": "Roast this", "price_cents": price_cents, "confirmed": true });
    caller.post("/api/jobs/run", order).await
}

/// The user with a key that has exactly these rights.
async fn with_rights(world: &World, user: &Client, rights: &[Right]) -> Client {
    let rights = Rights::of(rights);
    world.with_key(user, |key| StoredKey { rights, ..key }).await
}

/// The user with an access token that the issuer signed, with these claims beside the usual ones.
fn with_claims(world: &World, user: &Client, claims: Value) -> Client {
    let key = world.issuer.signing_key().unwrap();
    let now = world.clock().now().as_second();
    let mut all = json!({
        "iss": world.issuer.issuer(), "sub": user.id, "aud": "authenticated", "role": "authenticated",
        "iat": now, "exp": now + 3600, "user_metadata": { "full_name": "Ada" }, "is_anonymous": false,
        "session_id": "5f0c2f6e-0d0b-4b53-8d5f-6a3a6a1f2d11", "aal": "aal1",
    });
    all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
    let header = json!({ "alg": "ES256", "typ": "JWT", "kid": key.kid });
    let message = format!("{}.{}", URL.encode(header.to_string()), URL.encode(all.to_string()));
    let pem: String = key.private_key_pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let der = BASE64_STANDARD.decode(pem).unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der).unwrap();
    let signature = URL.encode(pair.sign(&SystemRandom::new(), message.as_bytes()).unwrap());
    user.with_authorization(&format!("Bearer {message}.{signature}"))
}

/// The user with a token that was issued to an OAuth client.
fn with_client_token(world: &World, user: &Client) -> Client {
    with_claims(
        world,
        user,
        json!({ "client_id": "9a8b7c6d-0000-4000-8000-000000000001", "scope": "openid" }),
    )
}

/// Checks for the refusal of a credential without this right.
#[track_caller]
fn expect_lack(answer: &Answer, right: &str) {
    let body = answer.expect_error(403, "key_lacks_right");
    assert_eq!(body["right"], right, "{}", answer.text);
    assert!(body["error"].as_str().unwrap().contains(&format!("`{right}`")), "{}", answer.text);
}
