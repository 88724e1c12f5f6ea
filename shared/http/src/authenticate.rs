//! Authentication of callers, and enforcement of their rate limits.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use clorp_context::{BootError, Context};
use clorp_domain::limits::Remaining;
use clorp_domain::{ApiKey, Error, RateClass, User};
use clorp_secrets::Secrets;
use clorp_sessions::{Browser, Identity, Session, Sessions, SetCookie};
use clorp_write_gate::run_behind;
use futures::future::join3;

use crate::auth::{Authorization, Caller, Credential};
use crate::limits::{RateLimiter, set_limit_headers};
use crate::origins::Origins;
use crate::policy::{Access, Policies, Policy};
use crate::problem::Problem;
use crate::source::SourceAddress;

/// Authenticates callers, by API key or by session.
#[derive(Clone, Debug)]
pub struct Authenticator {
    /// The store, the rules and the clock.
    pub context: Context,
    /// Validates sessions. `None` accepts API keys only.
    pub sessions: Option<Sessions>,
    /// Origins of the web pages that may use a session's cookies.
    pub origins: Origins,
    rate_limiter: RateLimiter,
}

/// A caller, and the cookies that the response has to set in their browser.
struct Authenticated {
    caller: Caller,
    set_cookies: Vec<SetCookie>,
    /// Identity of a session whose name or picture is newer than the recorded ones.
    renamed: Option<Identity>,
}

impl From<Caller> for Authenticated {
    fn from(caller: Caller) -> Self {
        Self { caller, set_cookies: Vec::new(), renamed: None }
    }
}

impl Authenticator {
    /// An authenticator for API keys and, with `sessions`, for sessions.
    pub fn new(context: Context, sessions: Option<Sessions>, origins: Origins) -> Self {
        Self { context, sessions, origins, rate_limiter: RateLimiter::default() }
    }

    /// Forgets what earlier requests have left in memory, so that the instance is as a new one. For
    /// simulations, whose runs share the instances.
    pub fn forget(&self) {
        self.rate_limiter.forget();
    }

    /// Reads the variables and credentials of [`Sessions::from_env`] and [`Origins::from_env`].
    ///
    /// # Errors
    /// [`BootError`] for the first of them that is missing or unusable.
    pub fn from_env(context: Context, secrets: &Secrets) -> Result<Self, BootError> {
        let sessions = Sessions::from_env(&context, secrets)?;
        Ok(Self::new(context, sessions, Origins::from_env()?))
    }

    /// The caller of a request. The `Authorization` header takes precedence over cookies.
    async fn authenticate(&self, parts: &Parts) -> Result<Authenticated, Error> {
        match (Authorization::of(&parts.headers)?, &self.sessions) {
            (Authorization::Key(key), _) => Ok(self.authenticate_key(key).await?.into()),
            (Authorization::Token(token), Some(sessions)) => {
                self.find_or_create_user(sessions.by_token(&token).await?).await
            }
            (Authorization::Absent, Some(sessions)) => self.authenticate_cookies(sessions, parts).await,
            (Authorization::Unusable | Authorization::Token(_) | Authorization::Absent, _) => {
                Err(Error::Unauthenticated)
            }
        }
    }

    /// The caller to whom a browser's cookies belong. A browser sends cookies with requests from any page, so
    /// an unsafe method also requires an allowed origin.
    async fn authenticate_cookies(&self, sessions: &Sessions, parts: &Parts) -> Result<Authenticated, Error> {
        let cookies = parts.headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let cookies: Vec<&str> = cookies.collect();
        if !parts.method.is_safe()
            && !self.origins.sent(&parts.headers)
            && sessions.is_shown(cookies.iter().copied())
        {
            return Err(Error::ForeignOrigin);
        }
        let SourceAddress(address) = SourceAddress::of(&parts.extensions);
        let browser = Browser { secure: self.origins.are_secure(), address };
        let session = sessions.by_cookies(cookies, browser).await?;
        let Session { identity, set_cookies } = session.ok_or(Error::Unauthenticated)?;
        Ok(Authenticated { set_cookies, ..self.find_or_create_user(identity).await? })
    }

    /// The user with this identity. Creates the account at the first request. Costs one round trip, and a
    /// second one to create.
    async fn find_or_create_user(&self, identity: Identity) -> Result<Authenticated, Error> {
        let caller = Caller::from_identity(&identity, self.context.rules.second_factor_for_money);
        let id = identity.id.clone();
        let renamed = match self.context.store.users().get(&id).await? {
            Some(user) => is_renamed(&user, &identity).then_some(identity),
            None => {
                let Identity { name, avatar_url, issued_at, .. } = identity;
                let user = User::new(id, name, avatar_url, self.context.clock.now());
                // Concurrent first requests create one account.
                let _ = self.context.store.users().create(&User { profile_at: issued_at, ..user }).await?;
                None
            }
        };
        Ok(Authenticated { renamed, ..caller.into() })
    }

    /// The owner of a key. Costs one round trip.
    async fn authenticate_key(&self, key: ApiKey) -> Result<Caller, Error> {
        let stored = self.context.store.api_keys().get(&key.hash()).await?;
        let stored = stored.filter(|key| key.is_valid(self.context.clock.now()));
        Ok(Caller::from_key(stored.ok_or(Error::Unauthenticated)?))
    }

    /// Records from time to time that a key is in use. A failure is logged, and does not affect the request.
    async fn note_use(&self, caller: &Caller) {
        let now = self.context.clock.now();
        if let Some(key) = caller.key().filter(|key| key.is_use_news(now))
            && let Err(error) = self.context.store.api_keys().note_use(key, now).await
        {
            tracing::warn!(?error, "could not record the use of a key");
        }
    }

    /// Records a user's new name and picture. A failure is logged, and does not affect the request.
    async fn note_name(&self, renamed: Option<Identity>) {
        if let Some(Identity { id, name, avatar_url, issued_at: Some(at), .. }) = renamed
            && let Err(error) =
                self.context.store.users().set_profile(&id, &name, avatar_url.as_deref(), at).await
        {
            tracing::warn!(?error, "could not record a user's name");
        }
    }

    /// The response to a request whose session may not be refreshed now.
    fn refuse_refresh(&self, error: Error) -> Response {
        let mut response = Problem::from(error).into_response();
        if let Some(limit) = self.sessions.as_ref().map(Sessions::refresh_rate) {
            let remaining = Remaining { requests: 0, reset_seconds: limit.window_seconds };
            set_limit_headers(response.headers_mut(), "refresh", limit, remaining);
        }
        response
    }

    async fn respond(
        &self,
        (class, access): (RateClass, Access),
        request: Request,
        next: Next,
    ) -> Result<Response, Error> {
        let (mut parts, body) = request.into_parts();
        let authenticated = match self.authenticate(&parts).await {
            // Before the caller is known, only refreshes of sessions are limited.
            Err(error @ Error::RateLimited { .. }) => return Ok(self.refuse_refresh(error)),
            authenticated => authenticated?,
        };
        let Authenticated { caller, set_cookies, renamed } = authenticated;
        let span = tracing::Span::current();
        span.record("user_id", caller.id.as_str());
        if let Credential::Key(key) = &caller.credential {
            span.record("key_id", tracing::field::display(&key.id));
        }
        // Before the rate limit, so that a request which may not be made takes nothing from it.
        if let Err(error) = caller.require_access(access) {
            let mut response = Problem::from(error).into_response();
            set_session(&mut response, &set_cookies);
            return Ok(response);
        }
        parts.extensions.insert(caller.clone());
        let limit = self.rate_limiter.for_caller(&caller, class, &self.context.rules);
        let admission = {
            let (context, limit) = (self.context.clone(), limit.clone());
            async move { limit.take(&context).await }
        };
        let handled = run_behind(admission, next.run(Request::from_parts(parts, body)));
        let (handled, (), ()) = join3(handled, self.note_use(&caller), self.note_name(renamed)).await;
        let mut response = handled.unwrap_or_else(|error| Problem::from(error).into_response());
        limit.label(response.headers_mut(), self.context.clock.now());
        set_session(&mut response, &set_cookies);
        Ok(response)
    }
}

/// True if a session's token names the user differently, and is newer than the name and the picture on
/// record. A token without a name changes nothing.
fn is_renamed(user: &User, identity: &Identity) -> bool {
    let is_newer = identity.issued_at.is_some_and(|at| user.profile_at.is_none_or(|known| known < at));
    let differs = (&identity.name, &identity.avatar_url) != (&user.name, &user.avatar_url);
    is_newer && differs && !identity.is_nameless()
}

/// Adds the cookies of a refreshed session to a response.
fn set_session(response: &mut Response, set_cookies: &[SetCookie]) {
    let headers = response.headers_mut();
    for cookie in set_cookies.iter().filter_map(|cookie| HeaderValue::from_str(cookie.as_str()).ok()) {
        headers.append(header::SET_COOKIE, cookie);
        // A shared cache would sign another user in with this response.
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    }
}

/// The layer that authenticates and limits callers, for the routes of one function.
#[derive(Clone, Debug)]
pub(crate) struct AuthLayer {
    authenticator: Authenticator,
    policies: Arc<Policies>,
}

impl AuthLayer {
    /// The layer for routes with these policies.
    pub(crate) fn new(authenticator: Authenticator, policies: Arc<Policies>) -> Self {
        Self { authenticator, policies }
    }
}

/// Passes a request on as its route's policy allows: a public route at once, any other with its caller.
pub(crate) async fn authenticate(State(layer): State<AuthLayer>, request: Request, next: Next) -> Response {
    match layer.policies.get(&request) {
        Policy::Public | Policy::Open => next.run(request).await,
        Policy::Caller(class, access) => {
            let response = layer.authenticator.respond((class, access), request, next).await;
            response.unwrap_or_else(|error| Problem::from(error).into_response())
        }
    }
}
