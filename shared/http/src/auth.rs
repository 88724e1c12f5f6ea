//! Who is calling. A handler that needs a caller takes a [`Caller`], so it cannot forget to ask.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use clorp_domain::{ApiKey, Error, StoredKey, UserId};

use crate::Problem;

/// An authenticated user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Who.
    pub id: UserId,
    /// What proves it.
    pub credential: Credential,
}

/// What proves who is calling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// An API key, which may be limited in what it spends.
    Key(Box<StoredKey>),
    /// A session, by its access token or a browser's cookies.
    Session,
}

impl Caller {
    /// The owner of a key that is in order.
    pub(crate) fn by_key(key: StoredKey) -> Self {
        Self { id: key.owner.clone(), credential: Credential::Key(Box::new(key)) }
    }

    /// The key, if it is a key that proves who is calling.
    pub fn key(&self) -> Option<&StoredKey> {
        match &self.credential {
            Credential::Key(key) => Some(key),
            Credential::Session => None,
        }
    }

    /// Lets everybody through but who has a key that may not spend everything: what such a key must not do is move
    /// money otherwise than by drops, or get itself another key.
    ///
    /// # Errors
    /// [`Error::KeyIsLimited`].
    pub fn require_unlimited(&self) -> Result<(), Error> {
        match self.key() {
            Some(key) if key.policy.is_limited() => Err(Error::KeyIsLimited),
            _ => Ok(()),
        }
    }

    /// Lets people through who have signed in, and no key.
    ///
    /// # Errors
    /// [`Error::SessionRequired`].
    pub fn require_session(&self) -> Result<(), Error> {
        match &self.credential {
            Credential::Session => Ok(()),
            Credential::Key(_) => Err(Error::SessionRequired),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    /// Who the request was admitted as.
    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let caller = parts.extensions.get::<Self>().cloned();
        Ok(caller.ok_or_else(|| Error::internal("a route with a caller that does not say so"))?)
    }
}

/// What the `Authorization` headers of a request come to.
#[derive(Debug)]
pub(crate) enum Authorization {
    /// There are none.
    Absent,
    /// An API key that is well formed.
    Key(ApiKey),
    /// What may be a session's access token.
    Token(String),
    /// Nothing that could be a credential; or several, of which nobody can tell which one is meant.
    Unusable,
}

impl Authorization {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let mut values = headers.get_all(header::AUTHORIZATION).iter();
        let value = match (values.next(), values.next()) {
            (None, _) => return Self::Absent,
            (Some(value), None) => value.to_str().unwrap_or_default(),
            (Some(_), Some(_)) => return Self::Unusable,
        };
        let (scheme, text) = value.split_once(' ').unwrap_or_default();
        let text = text.trim();
        if !scheme.eq_ignore_ascii_case("bearer") {
            Self::Unusable
        } else if let Ok(key) = text.parse() {
            Self::Key(key)
        } else if text.matches('.').count() == 2 {
            Self::Token(text.to_owned())
        } else {
            Self::Unusable
        }
    }
}
