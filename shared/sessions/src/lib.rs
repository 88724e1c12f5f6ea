//! Browser sessions: the only crate that knows Supabase.
//!
//! A browser sends its session in a cookie ([`cookie`]); other clients may send the session's access token alone.
//! The token is a JWT that the project signs with a key it publishes, so most requests ask nobody. A session whose
//! token is about to end is refreshed on the way, once, and the browser gets the new one with the answer.
//!
//! | the session's token is | and its refresh | the request is |
//! |---|---|---|
//! | good | is not due | authenticated |
//! | about to end | succeeds | authenticated, with new cookies |
//! | about to end | is refused, fails, or is somebody else's | authenticated, as long as it lasts |
//! | past its time | succeeds, here or with somebody else | authenticated, with new cookies |
//! | past its time | is refused | not authenticated |
//! | past its time | fails | to be sent again |
//! | not genuine | | not authenticated |
//!
//! A session that is refused stays in the browser: its own client finds out by itself, and an answer of ours that comes
//! late must not remove a session that the browser has got in the meantime.

mod config;
pub mod cookie;
mod http;
mod identity;
mod keys;
mod refresh;
mod seal;
mod secret;
mod token;

use std::sync::Arc;

use clorp_context::{BootError, Clock, Context, var};
use clorp_domain::Error;
use clorp_store::Store;

pub use config::Config;
pub use cookie::SetCookie;
pub use identity::Identity;

use cookie::{Scope, SentSession};
use http::Http;
use keys::Keys;
use refresh::{NewSession, Refreshed, Refreshes};
use token::{Proven, Tokens};

/// A session whose token ends within this many seconds is refreshed.
const REFRESH_BELOW: i64 = 90;

/// Finds out who a session belongs to. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Sessions(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    config: Config,
    clock: Clock,
    tokens: Tokens,
    refreshes: Refreshes,
}

/// An authenticated session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Who it belongs to.
    pub identity: Identity,
    /// What the answer has to carry so that the browser has the refreshed session; mostly nothing. Where there is
    /// something, the answer must not be kept by any cache.
    pub set_cookies: Vec<SetCookie>,
}

impl Sessions {
    /// The sessions of a project. Instances that share `store` refresh a session once.
    pub fn new(config: Config, store: Store, clock: Clock) -> Self {
        let http = Http::new();
        let keys = Keys::new(&config.auth_url, http.clone(), clock.clone());
        let tokens = Tokens::new(&config, keys);
        let refreshes = Refreshes::new(&config, http, store, clock.clone());
        Self(Arc::new(Inner { config, clock, tokens, refreshes }))
    }

    /// As the variables say ([`Config::from_vars`]); `None` if there are no sessions.
    ///
    /// # Errors
    /// [`BootError`] names the variable that is missing or unusable.
    pub fn from_env(context: &Context) -> Result<Option<Self>, BootError> {
        let config = Config::from_vars(var)?;
        Ok(config.map(|config| Self::new(config, context.store.clone(), context.clock.clone())))
    }

    /// Who an access token belongs to. It is not refreshed. Asks nobody, unless the project's keys are due.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] if it is not genuine or past its time, [`Error::Unavailable`] if nobody can tell now.
    pub async fn by_token(&self, token: &str) -> Result<Identity, Error> {
        let now = self.0.clock.now();
        let proven = self.0.tokens.prove(token, now).await?;
        if proven.is_good(now) { Ok(proven.identity) } else { Err(Error::Unauthenticated) }
    }

    /// Whether there is a session in the values of a request's `Cookie` headers, be it genuine or not.
    pub fn is_shown<'a>(&self, headers: impl IntoIterator<Item = &'a str>) -> bool {
        cookie::read(headers, &self.0.config.cookie_name).is_some()
    }

    /// The session in the values of a request's `Cookie` headers, refreshed if that is due; `None` if there is none that
    /// can be read. `secure` says whether the browser reaches the site by HTTPS. No round trips, unless the session is
    /// refreshed.
    ///
    /// # Errors
    /// As in [`Sessions::by_token`]; a token past its time is refused only if its session cannot be refreshed.
    pub async fn by_cookies<'a>(
        &self,
        headers: impl IntoIterator<Item = &'a str>,
        secure: bool,
    ) -> Result<Option<Session>, Error> {
        let Some(sent) = cookie::read(headers, &self.0.config.cookie_name) else { return Ok(None) };
        let now = self.0.clock.now();
        // Also one that only names the refresh token must be genuine: who makes one up does not make us ask Supabase.
        let proven = self.0.tokens.prove(sent.access_token.expose(), now).await?;
        if proven.seconds_left(now) >= REFRESH_BELOW {
            return Ok(Some(Session { identity: proven.identity, set_cookies: Vec::new() }));
        }
        let good = proven.is_good(now);
        match self.refreshed(&sent, &proven, good, secure).await {
            Ok(session) => Ok(Some(session)),
            Err(error) if good => {
                tracing::info!(?error, "a session goes on unrefreshed");
                Ok(Some(Session { identity: proven.identity, set_cookies: Vec::new() }))
            }
            Err(error) => Err(error),
        }
    }

    /// The session that follows the one that was sent.
    async fn refreshed(
        &self,
        sent: &SentSession,
        proven: &Proven,
        good: bool,
        secure: bool,
    ) -> Result<Session, Error> {
        let token = sent.refresh_token.as_ref().ok_or(Error::Unauthenticated)?;
        match self.0.refreshes.refresh(token, !good).await? {
            Refreshed::Renewed(new) => self.accepted(sent, proven, &new, secure).await,
            Refreshed::Refused => Err(Error::Unauthenticated),
            Refreshed::InFlight => Err(Error::unavailable("another request refreshes the session")),
        }
    }

    /// A new session, if it belongs to the same user. A cookie put together from two sessions is nobody's.
    async fn accepted(
        &self,
        sent: &SentSession,
        proven: &Proven,
        new: &NewSession,
        secure: bool,
    ) -> Result<Session, Error> {
        let identity = self.by_token(new.access_token.expose()).await.map_err(|error| match error {
            // Supabase has just made it: then it is we who do not know its key yet.
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
