//! Sessions whose token is about to expire or has expired.

use std::time::Duration;

use clorp_domain::{Error, RateLimit};
use clorp_issuer::{Endpoint, Fault, Person, TokenKind};
use clorp_sessions::{Browser, Session, Sessions};
use clorp_tests::Fault as TableFault;
use futures::future::join_all;
use serde_json::Value;

use super::forge::{Key, claims_with, header};
use super::support::{
    BROWSER, World, ada, apply_cookies, assert_refused, assert_unavailable, authenticate, cookie,
};

const UPDATE: &str = "UpdateItem";
/// Enough faults to exhaust the SDK's attempts.
const TRIES: usize = 3;

fn ends_refresh(request: &Value) -> bool {
    request["Key"]["pk"]["S"].as_str().unwrap_or_default().starts_with("REFRESH#")
        && !request["UpdateExpression"].as_str().unwrap_or_default().contains("REMOVE")
}

/// Authenticates a browser on the first instance, and runs `then` with the second one during the refresh.
async fn during_refresh<T>(
    world: &World,
    first: &str,
    then: impl AsyncFnOnce(Sessions) -> T,
) -> (Result<Session, Error>, T) {
    world.issuer.behave(Endpoint::Token, Some(Fault::Delay(Duration::from_secs(2))));
    let before = world.issuer.calls().token;
    let [one, two] = world.instances.clone();
    let winner = authenticate(&one, first);
    let other = async {
        while world.issuer.calls().token == before {
            tokio::task::yield_now().await;
        }
        then(two).await
    };
    tokio::join!(winner, other)
}

#[tokio::test]
async fn a_session_with_a_fresh_token_needs_no_refresh() {
    let world = World::start().await;
    let signed_in = world.ada(95);
    for sessions in &world.instances {
        let session = authenticate(sessions, &signed_in.cookie).await.unwrap();
        assert_eq!(
            (session.identity.id.as_str(), session.identity.name.as_str()),
            (ada().id.as_str(), "Ada")
        );
        assert_eq!(session.set_cookies, []);
    }
    assert_eq!(world.issuer.calls().token, 0);
    assert!(world.proxy.take_calls().is_empty(), "the table was read");
    world.finish().await;
}

#[tokio::test]
async fn missing_or_malformed_cookies_are_no_session() {
    let world = World::start().await;
    for header in [
        "",
        "theme=dark",
        "sb-127-auth-token=",
        "sb-127-auth-token=base64-x",
        "sb-other-auth-token=base64-e30",
    ] {
        assert_eq!(world.instances[0].by_cookies([header], BROWSER).await.unwrap(), None, "{header}");
    }
    assert_eq!(world.instances[0].by_cookies([], BROWSER).await.unwrap(), None);
    world.finish().await;
}

#[tokio::test]
async fn an_expiring_session_is_refreshed_and_its_successor_is_accepted() {
    let world = World::start().await;
    for expires_in in [85, 1, -4, -3600] {
        let signed_in = world.ada(expires_in);
        let session = authenticate(&world.instances[0], &signed_in.cookie).await.unwrap();
        assert_eq!(session.identity.id.as_str(), ada().id, "{expires_in}");
        assert_eq!(session.set_cookies.len(), 1);
        let attributes = session.set_cookies[0].as_str().split_once("; ").unwrap().1;
        assert_eq!(attributes, "Max-Age=34560000; Path=/; SameSite=Lax");
        let calls = world.issuer.calls().token;
        let next = apply_cookies(&signed_in.cookie, &session);
        assert_ne!(next, signed_in.cookie);
        let successor = authenticate(&world.instances[1], &next).await.unwrap();
        assert_eq!((successor.identity, successor.set_cookies), (session.identity, vec![]));
        // The successor expires as well.
        world.advance_seconds(3550);
        let later = authenticate(&world.instances[1], &next).await.unwrap();
        assert_eq!((later.set_cookies.len(), world.issuer.calls().token), (1, calls + 1));
    }
    let browser = Browser { secure: true, ..BROWSER };
    let secure = world.instances[0].by_cookies([world.ada(5).cookie.as_str()], browser).await;
    let secure = secure.unwrap().unwrap();
    assert!(secure.set_cookies[0].as_str().ends_with("; Path=/; Secure; SameSite=Lax"));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_requests_on_two_instances_refresh_once_and_get_the_same_session() {
    let world = World::start().await;
    world.issuer.behave(Endpoint::Token, Some(Fault::Delay(Duration::from_millis(200))));
    for round in 1..=4 {
        let signed_in = world.ada(-60);
        let requests =
            world.instances.iter().cycle().take(12).map(|sessions| authenticate(sessions, &signed_in.cookie));
        let sessions: Vec<Session> = join_all(requests).await.into_iter().map(Result::unwrap).collect();
        assert_eq!(world.issuer.calls().token, round, "one refresh for all");
        assert_eq!(sessions[0].set_cookies.len(), 1);
        assert!(sessions.iter().all(|session| *session == sessions[0]));
        // A request that was in flight still has the old cookie.
        world.advance_seconds(50);
        assert_eq!(authenticate(&world.instances[1], &signed_in.cookie).await.unwrap(), sessions[0]);
        assert_eq!(world.issuer.calls().token, round);
    }
    world.finish().await;
}

#[tokio::test]
async fn a_request_with_a_valid_token_does_not_wait_for_a_concurrent_refresh() {
    let world = World::start().await;
    let signed_in = world.ada(60);
    let (first, second) =
        during_refresh(&world, &signed_in.cookie, async |two| authenticate(&two, &signed_in.cookie).await)
            .await;
    let (first, second) = (first.unwrap(), second.unwrap());
    assert_eq!((first.set_cookies.len(), second.set_cookies.len()), (1, 0));
    assert_eq!(first.identity.id, second.identity.id);
    assert_eq!(world.issuer.calls().token, 1);
    world.finish().await;
}

#[tokio::test]
async fn a_hanging_server_does_not_hold_up_a_request_whose_token_lasts() {
    let world = World::start().await;
    let signed_in = world.ada(60);
    let sessions = world.instance(world.issuer.config().unwrap());
    world.issuer.behave(Endpoint::Token, Some(Fault::Delay(Duration::from_secs(10))));
    assert_eq!(authenticate(&sessions, &signed_in.cookie).await.unwrap().set_cookies, []);
    assert_eq!(world.issuer.calls().token, 1);
    assert!(!world.has_outcome("failed").await, "the request waited until the call failed");
    // For three seconds no request calls Supabase for this session.
    assert_eq!(authenticate(&sessions, &signed_in.cookie).await.unwrap().set_cookies, []);
    assert_eq!(world.issuer.calls().token, 1);
    // The server has executed the abandoned call, and accepts the refresh token once more.
    world.issuer.behave(Endpoint::Token, None);
    world.advance_seconds(3);
    let session = authenticate(&world.instances[1], &signed_in.cookie).await.unwrap();
    assert_eq!((session.set_cookies.len(), world.issuer.calls().token), (1, 2));
    let next = apply_cookies(&signed_in.cookie, &session);
    world.advance_seconds(3600);
    assert_eq!(authenticate(&sessions, &next).await.unwrap().set_cookies.len(), 1);
    world.finish().await;
}

#[tokio::test]
async fn a_passing_error_of_supabase_is_unavailable_and_asked_again_soon() {
    let world = World::start().await;
    for (calls, (status, code)) in (1..).step_by(2).zip([
        (400, "hook_payload_invalid_content_type"),
        (422, "hook_timeout"),
        (400, "bad_json"),
        (400, "something_new"),
        (409, "conflict"),
        (429, "over_request_rate_limit"),
        (500, "unexpected_failure"),
    ]) {
        let signed_in = world.ada(-60);
        let fault = Fault::Error { status, code: code.to_owned() };
        world.issuer.behave(Endpoint::Token, Some(fault));
        for sessions in &world.instances {
            assert_unavailable(authenticate(sessions, &signed_in.cookie).await);
        }
        assert_eq!(world.issuer.calls().token, calls, "{code}: once for both instances");
        world.issuer.behave(Endpoint::Token, None);
        world.advance_seconds(3);
        let session = authenticate(&world.instances[1], &signed_in.cookie).await.unwrap();
        assert_eq!(session.set_cookies.len(), 1, "{code}");
    }
    world.finish().await;
}

#[tokio::test]
async fn a_final_error_of_supabase_ends_the_session() {
    let world = World::start().await;
    for (calls, code) in (1..).zip([
        "refresh_token_not_found",
        "refresh_token_already_used",
        "session_not_found",
        "session_expired",
        "user_banned",
        "user_not_found",
        "validation_failed",
    ]) {
        let signed_in = world.ada(-60);
        let fault = Fault::Error { status: 400, code: code.to_owned() };
        world.issuer.behave(Endpoint::Token, Some(fault));
        for sessions in &world.instances {
            assert_refused(authenticate(sessions, &signed_in.cookie).await);
            world.advance_seconds(20);
        }
        assert_eq!(world.issuer.calls().token, calls, "{code}");
    }
    world.finish().await;
}

#[tokio::test]
async fn refreshes_of_one_user_are_limited_and_those_of_others_are_not() {
    let world = World::start().await;
    let rate = RateLimit { quota: 2, window_seconds: 3600 };
    let sessions = world.instance(world.issuer.config().unwrap().with_refresh_rate(rate));
    for _ in 0..2 {
        assert_eq!(authenticate(&sessions, &world.ada(-60).cookie).await.unwrap().set_cookies.len(), 1);
    }
    let third = world.ada(-60);
    let refused = authenticate(&sessions, &third.cookie).await;
    assert!(matches!(refused, Err(Error::RateLimited { .. })), "{refused:?}");
    assert_eq!(authenticate(&sessions, &world.ada(60).cookie).await.unwrap().set_cookies, []);
    assert_eq!(world.issuer.calls().token, 2);
    let bob = world.issuer.sign_in(&Person::new("bob", "Bob"), -60).unwrap();
    assert_eq!(authenticate(&sessions, &bob.cookie).await.unwrap().set_cookies.len(), 1);
    world.advance_seconds(1800);
    assert_eq!(authenticate(&sessions, &third.cookie).await.unwrap().set_cookies.len(), 1);
    world.finish().await;
}

#[tokio::test]
async fn a_token_that_expired_before_the_refresh_tokens_lifetime_is_refused_without_a_call() {
    let world = World::start().await;
    let day = 24 * 60 * 60;
    let old = world.ada(-30 * day - 60);
    assert_refused(authenticate(&world.instances[0], &old.cookie).await);
    assert_eq!(world.issuer.calls().token, 0);
    assert_eq!(world.items().await, "[]", "the table was written");
    let session = authenticate(&world.instances[0], &world.ada(-30 * day + 60).cookie).await.unwrap();
    assert_eq!(session.set_cookies.len(), 1);
    world.finish().await;
}

#[tokio::test]
async fn a_refused_refresh_is_cached_and_a_valid_token_stays_accepted() {
    let world = World::start().await;
    let token = world.ada(60).text("access_token").to_owned();
    let cookie = cookie(&token, Some("never-issued"));
    for sessions in world.instances.iter().cycle().take(5) {
        assert_eq!(authenticate(sessions, &cookie).await.unwrap().set_cookies, []);
    }
    // Both the token and the cached refusal have expired.
    world.advance_seconds(66);
    for sessions in world.instances.iter().cycle().take(5) {
        assert_refused(authenticate(sessions, &cookie).await);
    }
    assert_eq!(world.issuer.calls().token, 2);
    world.finish().await;
}

#[tokio::test]
async fn a_session_without_a_refresh_token_lasts_as_long_as_its_token() {
    let world = World::start().await;
    let cookie = cookie(world.ada(60).text("access_token"), None);
    assert_eq!(authenticate(&world.instances[0], &cookie).await.unwrap().set_cookies, []);
    world.advance_seconds(65);
    assert_refused(authenticate(&world.instances[0], &cookie).await);
    assert_eq!(world.issuer.calls().token, 0);
    world.finish().await;
}

#[tokio::test]
async fn while_supabase_is_down_a_valid_token_is_accepted_and_an_expired_one_is_unavailable() {
    let world = World::start().await;
    let (valid, expired) = (world.ada(60), world.ada(-60));
    world.issuer.behave(Endpoint::Token, Some(Fault::Down));
    for sessions in world.instances.iter().cycle().take(4) {
        assert_eq!(authenticate(sessions, &valid.cookie).await.unwrap().set_cookies, []);
        assert_unavailable(authenticate(sessions, &expired.cookie).await);
    }
    assert_eq!(world.issuer.calls().token, 2, "once for each session");
    world.issuer.behave(Endpoint::Token, None);
    world.advance_seconds(3);
    for cookie in [&valid.cookie, &expired.cookie] {
        assert_eq!(authenticate(&world.instances[0], cookie).await.unwrap().set_cookies.len(), 1);
    }
    world.finish().await;
}

#[tokio::test]
async fn a_wrong_api_key_for_supabase_ends_no_session() {
    let world = World::start().await;
    let config = clorp_sessions::Config::new(&world.issuer.url, "wrong-key").unwrap();
    let sessions = world.instance(config);
    assert_unavailable(authenticate(&sessions, &world.ada(-60).cookie).await);
    assert_eq!(authenticate(&sessions, &world.ada(60).cookie).await.unwrap().set_cookies, []);
    world.finish().await;
}

#[tokio::test]
async fn a_refresh_whose_response_is_lost_is_retried() {
    let world = World::start().await;
    let signed_in = world.ada(-60);
    world.issuer.behave(Endpoint::Token, Some(Fault::LostAnswer));
    assert_unavailable(authenticate(&world.instances[0], &signed_in.cookie).await);
    world.issuer.behave(Endpoint::Token, None);
    world.advance_seconds(3600);
    let session = authenticate(&world.instances[1], &signed_in.cookie).await.unwrap();
    let next = apply_cookies(&signed_in.cookie, &session);
    assert_eq!(authenticate(&world.instances[0], &next).await.unwrap().set_cookies, []);
    world.finish().await;
}

#[tokio::test]
async fn a_refresh_whose_holder_died_is_taken_over() {
    let world = World::start().await;
    let signed_in = world.ada(-60);
    world.issuer.behave(Endpoint::Token, Some(Fault::Delay(Duration::from_secs(1))));
    let sessions = world.instances[0].clone();
    let cookie = signed_in.cookie.clone();
    let holder = tokio::spawn(async move { authenticate(&sessions, &cookie).await });
    while world.issuer.calls().token == 0 {
        tokio::task::yield_now().await;
    }
    holder.abort();
    assert!(holder.await.unwrap_err().is_cancelled());
    world.issuer.behave(Endpoint::Token, None);
    let waiting = authenticate(&world.instances[1], &signed_in.cookie);
    let lapse = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        world.advance_seconds(6);
    };
    let (session, ()) = tokio::join!(waiting, lapse);
    assert_eq!(session.unwrap().set_cookies.len(), 1);
    assert_eq!(world.issuer.calls().token, 2);
    world.finish().await;
}

#[tokio::test]
async fn a_request_that_waits_too_long_for_a_refresh_is_unavailable() {
    let world = World::start().await;
    let signed_in = world.ada(-60);
    world.issuer.behave(Endpoint::Token, Some(Fault::Delay(Duration::from_millis(200))));
    let sessions = world.instances[0].clone();
    let cookie = signed_in.cookie.clone();
    let holder = tokio::spawn(async move { authenticate(&sessions, &cookie).await });
    while world.issuer.calls().token == 0 {
        tokio::task::yield_now().await;
    }
    holder.abort();
    assert!(holder.await.is_err());
    assert_unavailable(authenticate(&world.instances[1], &signed_in.cookie).await);
    assert_eq!(world.issuer.calls().token, 1, "the first refresh may still be running");
    world.finish().await;
}

#[tokio::test]
async fn a_session_whose_refresh_token_was_used_long_ago_ends() {
    let world = World::start().await;
    let stolen = world.ada(-60);
    let session = authenticate(&world.instances[0], &stolen.cookie).await.unwrap();
    let next = apply_cookies(&stolen.cookie, &session);
    world.advance_seconds(3600);
    let newest = apply_cookies(&next, &authenticate(&world.instances[0], &next).await.unwrap());
    world.advance_seconds(120);
    assert_refused(authenticate(&world.instances[1], &stolen.cookie).await);
    // The family of tokens is revoked. An issued access token stays valid until it expires.
    assert!(authenticate(&world.instances[1], &newest).await.is_ok());
    world.advance_seconds(3600);
    assert_refused(authenticate(&world.instances[1], &newest).await);
    world.finish().await;
}

#[tokio::test]
async fn a_session_with_long_refresh_tokens_is_refreshed_and_ends_if_an_old_one_is_used() {
    let world = World::start().await;
    world.issuer.set_token_kind(TokenKind::Long).unwrap();
    let stolen = world.ada(-60);
    assert_eq!(stolen.text("refresh_token").len(), 51);
    let mut newest = stolen.cookie.clone();
    for _ in 0..2 {
        let session = authenticate(&world.instances[0], &newest).await.unwrap();
        newest = apply_cookies(&newest, &session);
        world.advance_seconds(3600);
    }
    assert_refused(authenticate(&world.instances[1], &stolen.cookie).await);
    world.advance_seconds(60);
    assert_refused(authenticate(&world.instances[1], &newest).await);
    world.finish().await;
}

#[tokio::test]
async fn the_table_holds_nothing_that_opens_a_session() {
    let world = World::start().await;
    let signed_in = world.ada(-60);
    let session = authenticate(&world.instances[0], &signed_in.cookie).await.unwrap();
    let items = world.items().await;
    assert!(items.contains("REFRESH#") && items.contains("renewed"), "{items}");
    let next = apply_cookies(&signed_in.cookie, &session);
    let json = String::from_utf8(
        base64::Engine::decode(
            &base64::prelude::BASE64_URL_SAFE_NO_PAD,
            next.split_once("base64-").unwrap().1,
        )
        .unwrap(),
    );
    let new: Value = serde_json::from_str(&json.unwrap()).unwrap();
    let fresh = [new["access_token"].as_str().unwrap(), new["refresh_token"].as_str().unwrap()];
    for secret in [
        signed_in.text("refresh_token"),
        signed_in.text("access_token"),
        fresh[0],
        fresh[1],
        "eyJ",
        "Ada",
        "base64-",
    ] {
        assert!(!items.contains(secret), "{secret} is in {items}");
    }
    world.finish().await;
}

#[tokio::test]
async fn while_the_table_is_down_a_valid_token_is_accepted_and_no_refresh_token_is_used() {
    let world = World::start().await;
    let (valid, expired) = (world.ada(60), world.ada(-60));
    world.proxy.break_down(TableFault::ServerError);
    assert_eq!(authenticate(&world.instances[0], &valid.cookie).await.unwrap().set_cookies, []);
    assert_unavailable(authenticate(&world.instances[0], &expired.cookie).await);
    assert_eq!(world.issuer.calls().token, 0);
    world.proxy.heal();
    assert_eq!(authenticate(&world.instances[0], &expired.cookie).await.unwrap().set_cookies.len(), 1);
    world.finish().await;
}

#[tokio::test]
async fn a_refresh_lease_whose_response_is_lost_still_belongs_to_its_request() {
    let world = World::start().await;
    world.proxy.fail(UPDATE, TableFault::LostAnswer, 1);
    assert_eq!(authenticate(&world.instances[0], &world.ada(-60).cookie).await.unwrap().set_cookies.len(), 1);
    assert_eq!((world.proxy.faults_left(), world.issuer.calls().token), (0, 1));
    world.finish().await;
}

#[tokio::test]
async fn a_refresh_succeeds_even_if_its_session_cannot_be_stored_for_others() {
    let world = World::start().await;
    let signed_in = world.ada(-60);
    world.proxy.fail_if(UPDATE, ends_refresh, TableFault::ServerError, TRIES);
    let session = authenticate(&world.instances[0], &signed_in.cookie).await.unwrap();
    assert_eq!((session.set_cookies.len(), world.proxy.faults_left()), (1, 0));
    // A request with the old cookie refreshes again, which Supabase allows.
    world.advance_seconds(6);
    assert!(authenticate(&world.instances[1], &signed_in.cookie).await.is_ok());
    assert_eq!(world.issuer.calls().token, 2);
    world.finish().await;
}

#[tokio::test]
async fn a_forged_token_causes_no_request_to_supabase() {
    let world = World::start().await;
    let (real, refresh) = (world.ada(-60), world.ada(60));
    let expired = claims_with(&world, "exp", (world.now() - 60).into());
    let forged = Key::new_ec().token(&header(&world).to_string(), &expired);
    let unsigned = Key::None.token(&header(&world).to_string(), &expired);
    for token in [forged.as_str(), &unsigned, "x", &real.text("access_token")[1..]] {
        assert_refused(
            authenticate(&world.instances[0], &cookie(token, Some(refresh.text("refresh_token")))).await,
        );
    }
    assert_eq!(world.issuer.calls().token, 0);
    world.finish().await;
}

#[tokio::test]
async fn a_cookie_that_mixes_the_sessions_of_two_users_is_refused() {
    let world = World::start().await;
    let bob = world.issuer.sign_in(&Person::new("bob", "Bob"), 3600).unwrap();
    let mixed = cookie(world.ada(-60).text("access_token"), Some(bob.text("refresh_token")));
    for sessions in &world.instances {
        assert_refused(authenticate(sessions, &mixed).await);
    }
    world.finish().await;
}

#[tokio::test]
async fn refreshing_a_session_in_several_cookies_replaces_all_of_them() {
    let world = World::start().await;
    let wordy = Person::new("wordy", "x".repeat(2000));
    let signed_in = world.issuer.sign_in(&wordy, -60).unwrap();
    assert_eq!(signed_in.cookie.matches("sb-127-auth-token.").count(), 3);
    let crowded = format!("sb-127-auth-token.7=stale; {}; theme=dark", signed_in.cookie);
    let session = authenticate(&world.instances[0], &crowded).await.unwrap();
    assert_eq!(session.identity.name, "x".repeat(50));
    let next = apply_cookies(&crowded, &session);
    assert_eq!(next.matches("sb-127-auth-token.").count(), 3, "{next}");
    assert!(!next.contains("stale") && next.contains("theme=dark"));
    assert_eq!(authenticate(&world.instances[1], &next).await.unwrap().identity, session.identity);
    world.finish().await;
}
