//! Session refresh, done once even if concurrent requests on several instances find it due. The request that
//! first records the use of a refresh token calls Supabase, and the others wait for the recorded outcome.

use std::net::IpAddr;
use std::time::Duration;

use clorp_context::Clock;
use clorp_deadline::wait_until;
use clorp_domain::{BucketKey, Error, RateLimit, UserId};
use clorp_outbound::Https;
use clorp_secrets::{Credential, Secret};
use clorp_store::{Conditional, Draw, RefreshBegin, RefreshLease, RefreshOutcome, Store};
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Request, Response, StatusCode};
use serde_json::{Map, Value, json};
use tokio::time::{Instant, sleep, timeout};

use crate::LIMITS;
use crate::config::Config;
use crate::seal::Seal;

/// Lease of the request that calls Supabase, in seconds. It covers the longest call and the work around it.
const LEASE: u32 = 6;
/// Lease of a request that waits only briefly, in seconds. If it gives up, no request calls Supabase again
/// before the lease lapses.
const BRIEF_LEASE: u32 = KEPT_FAILURE;
/// Time for which an outcome is kept for requests with the same refresh token, in seconds. A page's requests
/// arrive together, and those sent with old cookies within a few seconds.
const KEPT: u32 = 60;
/// Time for which a failure is kept, in seconds. No request calls Supabase again before that.
const KEPT_FAILURE: u32 = 3;
/// Longest wait for another request's outcome.
const WAIT_TIMEOUT: Duration = Duration::from_secs(4);
/// First pause between polls; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const MAX_PAUSE: Duration = Duration::from_millis(400);
/// Supabase's header for the address of the user on whose behalf a server calls. Supabase counts the calls of
/// each address.
const FORWARDED_FOR: &str = "sb-forwarded-for";
/// Error codes by which Supabase says that a session has ended, or that its refresh token is invalid. Any
/// other error may pass.
const FINAL_CODES: [&str; 7] = [
    "refresh_token_not_found",
    "refresh_token_already_used",
    "session_not_found",
    "session_expired",
    "user_banned",
    "user_not_found",
    "validation_failed",
];

/// Refreshes sessions.
#[derive(Debug)]
pub(crate) struct Refreshes {
    url: String,
    anon_key: Credential,
    rate: RateLimit,
    https: Https,
    store: Store,
    clock: Clock,
}

/// A session to be refreshed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expiring<'a> {
    /// The session's refresh token.
    pub refresh_token: &'a Secret,
    /// User whom the session's access token proves. Their refreshes are limited.
    pub user: &'a UserId,
    /// Address of the browser, if it is known.
    pub address: Option<IpAddr>,
    /// True if the access token has expired, so that the request waits as long as it takes.
    pub expired: bool,
}

/// A new session: the JSON for the cookie, and the access token in it.
#[derive(Debug)]
pub(crate) struct NewSession {
    pub json: Secret,
    pub access_token: Secret,
}

/// The result of an attempt to refresh a session.
#[derive(Debug)]
pub(crate) enum Refreshed {
    Renewed(NewSession),
    /// Supabase refused the refresh token.
    Refused,
    /// Another request holds the lease.
    InFlight,
}

impl Refreshes {
    pub(crate) fn new(config: &Config, https: Https, store: Store, clock: Clock) -> Self {
        let url = format!("{}/token?grant_type=refresh_token", config.auth_url);
        let (anon_key, rate) = (config.anon_key.clone(), config.refresh_rate);
        Self { url, anon_key, rate, https, store, clock }
    }

    /// Refreshes a session, unless another request has done so or is about to. If the session has expired,
    /// waits for the outcome of that request. Costs one round trip if the outcome is known, otherwise three
    /// and a call to Supabase.
    ///
    /// # Errors
    /// [`Error::RateLimited`] if the user's sessions are refreshed too often; [`Error::Unavailable`] if
    /// Supabase or the table does not respond, or another request takes too long.
    pub(crate) async fn refresh(&self, session: Expiring<'_>) -> Result<Refreshed, Error> {
        let seal = Seal::of(session.refresh_token)?;
        let lease_seconds = if session.expired { LEASE } else { BRIEF_LEASE };
        let end = wait_until(WAIT_TIMEOUT);
        let mut pause = FIRST_PAUSE;
        let mut begun =
            self.store.session_refreshes().begin(&seal.id, lease_seconds, self.clock.now()).await?;
        loop {
            match begun {
                RefreshBegin::Leased(lease) => return self.carry_out(&lease, &seal, session).await,
                RefreshBegin::Ended(outcome) => return self.found(outcome, &seal),
                RefreshBegin::InFlight if !session.expired => return Ok(Refreshed::InFlight),
                RefreshBegin::InFlight if Instant::now() >= end => {
                    return Err(Error::unavailable(
                        "another request's refresh of the session takes too long",
                    ));
                }
                RefreshBegin::InFlight => {}
            }
            sleep(pause).await;
            pause = pause.saturating_mul(2).min(MAX_PAUSE);
            let now = self.clock.now();
            begun = match self.store.session_refreshes().get(&seal.id, now).await? {
                Some(begun) => begun,
                // The lease's holder is gone.
                None => self.store.session_refreshes().begin(&seal.id, lease_seconds, now).await?,
            };
        }
    }

    fn found(&self, outcome: RefreshOutcome, seal: &Seal) -> Result<Refreshed, Error> {
        match outcome {
            RefreshOutcome::Renewed(sealed) => {
                let session = seal.open(&sealed).and_then(|json| NewSession::parse(json.as_bytes(), None));
                session
                    .map(Refreshed::Renewed)
                    .ok_or_else(|| Error::internal("a sealed session cannot be opened"))
            }
            RefreshOutcome::Refused => Ok(Refreshed::Refused),
            RefreshOutcome::Failed => {
                Err(Error::unavailable("Supabase did not refresh a session a moment ago"))
            }
        }
    }

    /// Uses the refresh token and records the outcome for other requests.
    async fn carry_out(
        &self,
        lease: &RefreshLease,
        seal: &Seal,
        session: Expiring<'_>,
    ) -> Result<Refreshed, Error> {
        let answer = match self.count(session.user).await {
            Ok(()) => {
                let called = timeout(LIMITS.time, self.call(session)).await;
                called.unwrap_or_else(|_| Err(fault("no response in time")))
            }
            Err(error) => Err(error),
        };
        let (outcome, kept) = match &answer {
            Ok(Refreshed::Renewed(session)) => {
                (RefreshOutcome::Renewed(seal.close(session.json.expose())?), KEPT)
            }
            Ok(_) => (RefreshOutcome::Refused, KEPT),
            Err(_) => (RefreshOutcome::Failed, KEPT_FAILURE),
        };
        match self.store.session_refreshes().end(lease, &outcome, kept, self.clock.now()).await {
            Ok(Conditional::Applied) => {}
            Ok(Conditional::Conflict(())) => tracing::warn!("the refresh was taken over while it ran"),
            // This request still has its result. Other requests will call Supabase again, which is harmless.
            Err(error) => tracing::warn!(?error, "the outcome of the refresh could not be recorded"),
        }
        answer
    }

    /// Counts a refresh of one of the user's sessions.
    async fn count(&self, user: &UserId) -> Result<(), Error> {
        let draw = Draw { bucket: BucketKey::Refresh(user.clone()), limit: self.rate, expected: None };
        match self.store.rate_limits().take(&[draw], self.clock.now()).await?.retry_after_seconds {
            None => Ok(()),
            Some(retry_after_seconds) => Err(Error::RateLimited { retry_after_seconds }),
        }
    }

    async fn call(&self, session: Expiring<'_>) -> Result<Refreshed, Error> {
        let key = self.anon_key.current().await;
        let mut response = self.send(session, &key).await?;
        // Supabase refuses a wrong key before it looks at the refresh token, which is therefore not used.
        if response.status() == StatusCode::UNAUTHORIZED
            && let Some(key) = self.anon_key.after_refusal(&key).await
        {
            response = self.send(session, &key).await?;
        }
        let (status, body) = (response.status(), response.body());
        if status == StatusCode::OK {
            let now = self.clock.now().as_second();
            let session = NewSession::parse(body, Some(now));
            return session.map(Refreshed::Renewed).ok_or_else(|| fault("no session in the response"));
        }
        match refusal(status, body) {
            Some(code) => {
                tracing::info!(code, "Supabase refused to refresh a session");
                Ok(Refreshed::Refused)
            }
            None => Err(fault(&format!("status {status}"))),
        }
    }

    async fn send(&self, session: Expiring<'_>, key: &Secret) -> Result<Response<Bytes>, Error> {
        let request = self.request(session, key)?;
        self.https.send(request, LIMITS).await.map_err(|why| fault(&why))
    }

    fn request(&self, session: Expiring<'_>, key: &Secret) -> Result<Request<Bytes>, Error> {
        let unbuildable =
            |error: hyper::http::Error| Error::internal(format!("request cannot be built: {error}"));
        let mut key = HeaderValue::from_str(key.expose()).map_err(|e| unbuildable(e.into()))?;
        key.set_sensitive(true);
        let body = json!({ "refresh_token": session.refresh_token.expose() }).to_string();
        let mut request =
            Request::post(&self.url).header("apikey", key).header(CONTENT_TYPE, "application/json");
        if let Some(address) = session.address {
            request = request.header(FORWARDED_FOR, address.to_canonical().to_string());
        }
        request.body(Bytes::from(body)).map_err(unbuildable)
    }
}

fn fault(why: &str) -> Error {
    Error::unavailable(format!("refreshing a session: {why}"))
}

/// Supabase's error code, if the session has ended. Other errors, such as a wrong API key, too many requests
/// or a hook that fails, prove nothing about it.
fn refusal(status: StatusCode, body: &[u8]) -> Option<&'static str> {
    let about_the_session = [
        StatusCode::BAD_REQUEST,
        StatusCode::FORBIDDEN,
        StatusCode::NOT_FOUND,
        StatusCode::UNPROCESSABLE_ENTITY,
    ];
    if !about_the_session.contains(&status) {
        return None;
    }
    let body: Value = serde_json::from_slice(body).ok()?;
    let code = body["error_code"].as_str()?;
    FINAL_CODES.into_iter().find(|known| *known == code)
}

impl NewSession {
    /// Parses a session from Supabase's response. Clients store it unchanged, except that they compute a
    /// missing `expires_at`.
    fn parse(answer: &[u8], now: Option<i64>) -> Option<Self> {
        let mut session: Map<String, Value> = serde_json::from_slice(answer).ok()?;
        let access_token = Secret::new(session.get("access_token")?.as_str()?);
        session.get("refresh_token")?.as_str()?;
        if let (None, Some(now)) = (session.get("expires_at"), now) {
            let lasts = session.get("expires_in").and_then(Value::as_i64)?;
            session.insert("expires_at".to_owned(), now.saturating_add(lasts).into());
        }
        Some(Self { json: Secret::new(Value::Object(session).to_string()), access_token })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_final_codes_are_refusals() {
        let coded = |code: &str| format!(r#"{{"code":400,"error_code":"{code}","msg":"No"}}"#);
        let check = |status: u16, body: &str, expect: Option<&str>| {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(refusal(status, body.as_bytes()), expect, "{status} {body}");
        };
        for code in FINAL_CODES {
            check(400, &coded(code), Some(code));
            check(403, &coded(code), Some(code));
            for status in [302, 401, 409, 429, 500, 503] {
                check(status, &coded(code), None);
            }
        }
        for body in [
            coded("hook_payload_invalid_content_type"),
            coded("hook_timeout"),
            coded("bad_json"),
            coded("over_request_rate_limit"),
            coded("unexpected_failure"),
            coded("unheard_of"),
            r#"{"error":"invalid_grant","error_description":"Invalid Refresh Token"}"#.to_owned(),
            r#"{"message":"Invalid API key","hint":"Double check"}"#.to_owned(),
            "<html>".to_owned(),
        ] {
            check(400, &body, None);
        }
    }

    #[test]
    fn a_session_is_kept_whole_and_gets_a_missing_expiry() {
        let parse =
            |text: &str| NewSession::parse(text.as_bytes(), Some(1000)).map(|s| s.json.expose().to_owned());
        let full = r#"{"access_token":"a","expires_at":7,"refresh_token":"r","user":{"id":"u"}}"#;
        assert_eq!(parse(full).as_deref(), Some(full));
        let derived = r#"{"access_token":"a","expires_at":4600,"expires_in":3600,"refresh_token":"r"}"#;
        assert_eq!(
            parse(r#"{"access_token":"a","refresh_token":"r","expires_in":3600}"#).as_deref(),
            Some(derived)
        );
        for bad in ["", "[]", "{}", r#"{"access_token":"a"}"#, r#"{"access_token":1,"refresh_token":"r"}"#] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
