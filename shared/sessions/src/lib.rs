//! Browser sessions. This is the only crate that knows Supabase.
//!
//! A browser sends its session in a cookie ([`cookie`]). Other clients may send only the session's access
//! token. The token is a JWT, signed with a key that the project publishes, so most requests need no call to
//! Supabase. A session whose token is about to expire is refreshed once during a request, and the response
//! sets the new cookies.
//!
//! | token of the session | refresh | request |
//! |---|---|---|
//! | valid | not due | authenticated |
//! | about to expire | succeeds | authenticated, with new cookies |
//! | about to expire | refused, failed, slow, or in flight elsewhere | authenticated until the token expires |
//! | expired | succeeds, here or in another request | authenticated, with new cookies |
//! | expired | refused | not authenticated |
//! | expired | failed | unavailable, can be retried |
//! | expired | too many of this user | rate limited |
//! | expired long ago | not tried | not authenticated |
//! | not genuine | | not authenticated |
//!
//! A refused session stays in the browser, because the client notices the refusal by itself. A late response
//! must not remove a session that the browser has obtained in the meantime.

mod config;
pub mod cookie;
mod identity;
mod keys;
mod refresh;
mod seal;
mod token;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use clorp_context::{BootError, Clock, Context, var};
use clorp_domain::{Error, RateLimit};
use clorp_outbound::{Https, Limits};
use clorp_secrets::Secrets;
use clorp_store::Store;
use jiff::Timestamp;
use tokio::time::timeout;

pub use config::Config;
pub use cookie::SetCookie;
pub use identity::Identity;

use cookie::{Scope, SentSession};
use keys::Keys;
use refresh::{Expiring, NewSession, Refreshed, Refreshes};
use token::{Proven, Tokens};

/// Remaining lifetime of a token below which its session is refreshed, in seconds.
const REFRESH_BELOW: i64 = 90;

/// Time for a connection to Supabase.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// Limits of a call to Supabase.
const LIMITS: Limits = Limits { time: Duration::from_secs(3), bytes: 64 * 1024 };

/// Authenticates sessions. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Sessions(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    config: Config,
    clock: Clock,
    tokens: Tokens,
    refreshes: Refreshes,
}

/// The browser that sends a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Browser {
    /// True if it uses HTTPS, so that cookies can be restricted to it.
    pub secure: bool,
    /// Its address, from a trusted source. `None` if it is unknown.
    pub address: Option<IpAddr>,
}

/// An authenticated session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// User of the session.
    pub identity: Identity,
    /// Cookies that the response must set, if the session was refreshed. Such a response must not be cached.
    pub set_cookies: Vec<SetCookie>,
}

impl Sessions {
    /// Creates the authenticator of a project's sessions. Instances that share `store` refresh each session
    /// once.
    pub fn new(config: Config, store: Store, clock: Clock) -> Self {
        let https = Https::new(CONNECT_TIMEOUT);
        let keys = Keys::new(&config.auth_url, https.clone(), clock.clone());
        let tokens = Tokens::new(&config, keys);
        let refreshes = Refreshes::new(&config, https, store, clock.clone());
        Self(Arc::new(Inner { config, clock, tokens, refreshes }))
    }

    /// Sets up from the environment and `secrets` ([`Config::from_vars`]); `None` if sessions are off.
    ///
    /// # Errors
    /// [`BootError`] for the first variable or credential that is missing or unusable.
    pub fn from_env(context: &Context, secrets: &Secrets) -> Result<Option<Self>, BootError> {
        let config = Config::from_vars(var, |name| secrets.credential(name))?;
        Ok(config.map(|config| Self::new(config, context.store.clone(), context.clock.clone())))
    }

    /// Authenticates an access token, without refreshing it. Makes no call, unless the project's keys are
    /// due.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] if the token is not genuine or has expired; [`Error::Unavailable`] if the
    /// keys cannot be fetched.
    pub async fn by_token(&self, token: &str) -> Result<Identity, Error> {
        let now = self.0.clock.now();
        let proven = self.0.tokens.prove(token, now).await?;
        if proven.is_valid(now) { Ok(proven.identity) } else { Err(Error::Unauthenticated) }
    }

    /// Limit of the refreshes of one user's sessions.
    pub fn refresh_rate(&self) -> RateLimit {
        self.0.config.refresh_rate
    }

    /// True if a request's `Cookie` headers contain a session, genuine or not.
    pub fn is_shown<'a>(&self, headers: impl IntoIterator<Item = &'a str>) -> bool {
        cookie::read(headers, &self.0.config.cookie_name).is_some()
    }

    /// Authenticates the session in a request's `Cookie` headers, and refreshes it if due. `None` if they
    /// contain no readable session. Makes no round trip, unless the session is refreshed. A request whose
    /// token still lasts is delayed by at most 300 ms.
    ///
    /// # Errors
    /// See [`Sessions::by_token`]. An expired token is rejected only if its session cannot be refreshed, or
    /// if it expired longer ago than a refresh token lasts. [`Error::RateLimited`] if it has expired and the
    /// user's sessions are refreshed too often.
    pub async fn by_cookies<'a>(
        &self,
        headers: impl IntoIterator<Item = &'a str>,
        browser: Browser,
    ) -> Result<Option<Session>, Error> {
        let Some(sent) = cookie::read(headers, &self.0.config.cookie_name) else { return Ok(None) };
        let now = self.0.clock.now();
        // The access token must be genuine even for a refresh, so that forged cookies cannot trigger calls to
        // Supabase.
        let proven = self.0.tokens.prove(sent.access_token.expose(), now).await?;
        if proven.seconds_left(now) >= REFRESH_BELOW {
            return Ok(Some(Session { identity: proven.identity, set_cookies: Vec::new() }));
        }
        if proven.seconds_left(now) < -self.0.config.refresh_token_seconds {
            return Err(Error::Unauthenticated);
        }
        let refresh = self.refresh(&sent, &proven, now, browser);
        if !proven.is_valid(now) {
            return refresh.await.map(Some);
        }
        let refreshed = timeout(self.0.config.max_delay, refresh).await;
        let session =
            match refreshed.unwrap_or_else(|_| Err(Error::unavailable("the refresh takes too long"))) {
                Ok(session) => session,
                Err(error) => {
                    tracing::info!(?error, "session refresh failed, the current token is still valid");
                    Session { identity: proven.identity, set_cookies: Vec::new() }
                }
            };
        Ok(Some(session))
    }

    /// Refreshes the session that was sent.
    async fn refresh(
        &self,
        sent: &SentSession,
        proven: &Proven,
        now: Timestamp,
        browser: Browser,
    ) -> Result<Session, Error> {
        let session = Expiring {
            refresh_token: sent.refresh_token.as_ref().ok_or(Error::Unauthenticated)?,
            user: &proven.identity.id,
            address: browser.address,
            expired: !proven.is_valid(now),
        };
        match self.0.refreshes.refresh(session).await? {
            Refreshed::Renewed(new) => self.accept(sent, proven, &new, browser.secure).await,
            Refreshed::Refused => Err(Error::Unauthenticated),
            Refreshed::InFlight => Err(Error::unavailable("another request refreshes the session")),
        }
    }

    /// Accepts a new session if it belongs to the same user. A cookie combined from two sessions is rejected.
    async fn accept(
        &self,
        sent: &SentSession,
        proven: &Proven,
        new: &NewSession,
        secure: bool,
    ) -> Result<Session, Error> {
        let identity = self.by_token(new.access_token.expose()).await.map_err(|error| match error {
            // Supabase has just issued the token, so the cause is a signing key that is not known here yet.
            Error::Unauthenticated => Error::unavailable("a refreshed session's token cannot be verified"),
            error => error,
        })?;
        if identity.id != proven.identity.id {
            return Err(Error::Unauthenticated);
        }
        let scope = Scope { domain: self.0.config.cookie_domain.as_deref(), secure };
        let set_cookies = cookie::replace(sent, &self.0.config.cookie_name, new.json.expose(), scope);
        Ok(Session { identity, set_cookies })
    }
}
