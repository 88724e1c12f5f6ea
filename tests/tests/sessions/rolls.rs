//! A roll of Supabase's secrets, which functions notice without a deployment. They are in moto's Secrets
//! Manager.

use clorp_secrets::{Credential, PAUSE_SECONDS};
use clorp_sessions::Config;
use clorp_tests::moto::StoredSecret;
use serde_json::json;

use super::forge::{Key, claims};
use super::support::{World, assert_refused, assert_unavailable, authenticate, is_ada};

const JWT_SECRET: &str = "SUPABASE_JWT_SECRET";
const ANON_KEY: &str = "SUPABASE_ANON_KEY";

/// A field of the secret, as a function holds it.
async fn credential(world: &World, kept: &StoredSecret, name: &'static str) -> Credential {
    kept.read(world.clock()).await.unwrap().credential(name).unwrap()
}

/// A valid token of Ada's, signed with this secret.
fn token(world: &World, secret: &str) -> String {
    Key::Secret(secret.into()).token(r#"{"alg":"HS256","typ":"JWT"}"#, &claims(world).to_string())
}

#[tokio::test]
async fn a_token_under_a_new_shared_secret_is_accepted_after_one_reading() {
    let world = World::start().await;
    let kept = StoredSecret::create(&json!({ JWT_SECRET: "the old secret" })).await;
    let secret = credential(&world, &kept, JWT_SECRET).await;
    let sessions = world.instance(world.issuer.config().unwrap().with_jwt_secret(secret));
    let (old, new) = (token(&world, "the old secret"), token(&world, "the new secret"));
    assert!(is_ada(&sessions.by_token(&old).await));
    assert_eq!(kept.readings(), 1);
    kept.put(&json!({ JWT_SECRET: "the new secret" })).await;
    assert!(is_ada(&sessions.by_token(&new).await));
    assert_refused(sessions.by_token(&old).await);
    assert_eq!(kept.readings(), 2, "the pause is not over");
    world.finish().await;
}

#[tokio::test]
async fn only_a_wrong_signature_is_a_reason_to_read() {
    let world = World::start().await;
    let kept = StoredSecret::create(&json!({ JWT_SECRET: "the secret" })).await;
    let secret = credential(&world, &kept, JWT_SECRET).await;
    let sessions = world.instance(world.issuer.config().unwrap().with_jwt_secret(secret));
    let expired = { token(&world, "the secret") };
    world.advance_seconds(4000);
    assert_refused(sessions.by_token(&expired).await);
    for refused in ["", "x", "x.y.z", &Key::None.token(r#"{"alg":"HS384"}"#, "{}")] {
        assert_refused(sessions.by_token(refused).await);
    }
    let foreign = Key::Secret(b"the secret".to_vec()).token(r#"{"alg":"HS256"}"#, r#"{"sub":"a"}"#);
    assert_refused(sessions.by_token(&foreign).await);
    assert_eq!(kept.readings(), 2, "once at the start, once for the age");
    world.advance_seconds(PAUSE_SECONDS);
    assert_refused(sessions.by_token(&token(&world, "forged")).await);
    assert_eq!(kept.readings(), 3);
    world.finish().await;
}

#[tokio::test]
async fn a_session_is_refreshed_with_the_new_key_of_supabase_and_its_token_is_used_once() {
    let world = World::start().await;
    let kept = StoredSecret::create(&json!({ ANON_KEY: "the old key" })).await;
    let key = credential(&world, &kept, ANON_KEY).await;
    let sessions = world.instance(Config::new(&world.issuer.url, key).unwrap());
    assert_unavailable(authenticate(&sessions, &world.ada(-60).cookie).await);
    assert_eq!(kept.readings(), 2);
    kept.put(&json!({ ANON_KEY: world.issuer.anon_key() })).await;
    world.advance_seconds(PAUSE_SECONDS);
    let calls = world.issuer.calls().token;
    let session = authenticate(&sessions, &world.ada(-60).cookie).await.unwrap();
    assert_eq!((session.set_cookies.len(), kept.readings()), (1, 3));
    assert_eq!(world.issuer.calls().token, calls + 2, "one call is refused before the token is used");
    world.finish().await;
}
