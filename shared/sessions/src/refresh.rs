//! Session refresh, done once even if concurrent requests on several instances find it due. The request that
//! first records the use of a refresh token calls Supabase, and the others wait for the recorded outcome.

use std::time::Duration;

use clorp_context::Clock;
use clorp_deadline::wait_until;
use clorp_domain::Error;
use clorp_outbound::Https;
use clorp_store::{Conditional, RefreshBegin, RefreshLease, RefreshOutcome, Store};
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Request, StatusCode};
use serde_json::{Map, Value, json};
use tokio::time::{Instant, sleep};

use crate::LIMITS;
use crate::config::Config;
use crate::seal::Seal;
use crate::secret::Secret;

/// Lease of the request that calls Supabase, in seconds. It covers the longest call and the work around it.
const LEASE: u32 = 6;
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

/// Refreshes sessions.
#[derive(Debug)]
pub(crate) struct Refreshes {
    url: String,
    anon_key: Secret,
    https: Https,
    store: Store,
    clock: Clock,
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
        Self { url, anon_key: config.anon_key.clone(), https, store, clock }
    }

    /// Refreshes the session of this refresh token, unless another request has done so or is about to. If
    /// `patient`, waits for the outcome of that request. Costs one round trip if the outcome is known,
    /// otherwise two and a call to Supabase.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if Supabase or the table does not respond, or another request takes too long.
    pub(crate) async fn refresh(&self, token: &Secret, patient: bool) -> Result<Refreshed, Error> {
        let seal = Seal::of(token)?;
        let end = wait_until(WAIT_TIMEOUT);
        let mut pause = FIRST_PAUSE;
        let mut begun = self.store.session_refreshes().begin(&seal.id, LEASE, self.clock.now()).await?;
        loop {
            match begun {
                RefreshBegin::Leased(lease) => return self.carry_out(&lease, &seal, token).await,
                RefreshBegin::Ended(outcome) => return self.found(outcome, &seal),
                RefreshBegin::InFlight if !patient => return Ok(Refreshed::InFlight),
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
                None => self.store.session_refreshes().begin(&seal.id, LEASE, now).await?,
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
    async fn carry_out(&self, lease: &RefreshLease, seal: &Seal, token: &Secret) -> Result<Refreshed, Error> {
        let answer = self.call(token).await;
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

    async fn call(&self, token: &Secret) -> Result<Refreshed, Error> {
        let fault = |why: String| Error::unavailable(format!("refreshing a session: {why}"));
        let response = self.https.send(self.request(token)?, LIMITS).await.map_err(fault)?;
        let (status, body) = (response.status(), response.body());
        if status == StatusCode::OK {
            let now = self.clock.now().as_second();
            let session = NewSession::parse(body, Some(now));
            return session
                .map(Refreshed::Renewed)
                .ok_or_else(|| fault("no session in the response".to_owned()));
        }
        match refusal(status, body) {
            Some(code) => {
                tracing::info!(code, "Supabase refused to refresh a session");
                Ok(Refreshed::Refused)
            }
            None => Err(fault(format!("status {status}"))),
        }
    }

    fn request(&self, token: &Secret) -> Result<Request<Bytes>, Error> {
        let unbuildable =
            |error: hyper::http::Error| Error::internal(format!("request cannot be built: {error}"));
        let mut key = HeaderValue::from_str(self.anon_key.expose()).map_err(|e| unbuildable(e.into()))?;
        key.set_sensitive(true);
        let body = json!({ "refresh_token": token.expose() }).to_string();
        let request = Request::post(&self.url).header("apikey", key).header(CONTENT_TYPE, "application/json");
        request.body(Bytes::from(body)).map_err(unbuildable)
    }
}

/// Supabase's error code, if the refusal concerns the token. Other errors, such as a wrong API key or too
/// many requests, prove nothing about the session.
fn refusal(status: StatusCode, body: &[u8]) -> Option<String> {
    let about_the_token = [
        StatusCode::BAD_REQUEST,
        StatusCode::FORBIDDEN,
        StatusCode::NOT_FOUND,
        StatusCode::UNPROCESSABLE_ENTITY,
    ];
    if !about_the_token.contains(&status) {
        return None;
    }
    let body: Value = serde_json::from_slice(body).ok()?;
    // Older versions of Supabase use the second name.
    let code = ["error_code", "error"].into_iter().find_map(|key| body[key].as_str())?;
    Some(code.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(40).collect())
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
    fn only_errors_about_the_token_count_as_refusals() {
        let told = r#"{"code":400,"error_code":"refresh_token_not_found","msg":"Invalid Refresh Token"}"#;
        let old = r#"{"error":"invalid_grant","error_description":"Invalid Refresh Token"}"#;
        let key = r#"{"message":"Invalid API key","hint":"Double check"}"#;
        for (status, body, expect) in [
            (400, told, Some("refresh_token_not_found")),
            (400, old, Some("invalid_grant")),
            (403, r#"{"error_code":"user_banned"}"#, Some("user_banned")),
            (400, "<html>", None),
            (400, key, None),
            (401, key, None),
            (401, told, None),
            (409, told, None),
            (429, told, None),
            (500, told, None),
            (302, told, None),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(refusal(status, body.as_bytes()).as_deref(), expect, "{status} {body}");
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
