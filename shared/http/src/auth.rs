//! The caller of a request, and the credentials that prove it. A handler that needs a caller takes a
//! [`Caller`] as an argument, so it cannot skip authentication.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use clorp_domain::{ApiKey, Error, StoredKey, UserId};

use crate::problem::Problem;

/// An authenticated user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The user on whose behalf the request is made.
    pub id: UserId,
    /// The credential that the request carries.
    pub credential: Credential,
}

/// A valid credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// An API key, which may have a spend policy.
    Key(Box<StoredKey>),
    /// A session, from its access token or from a browser's cookies.
    Session,
}

impl Caller {
    /// The owner of a valid key.
    pub(crate) fn from_key(key: StoredKey) -> Self {
        Self { id: key.owner.clone(), credential: Credential::Key(Box::new(key)) }
    }

    /// The API key that authenticates the caller; `None` for a session.
    pub fn key(&self) -> Option<&StoredKey> {
        match &self.credential {
            Credential::Key(key) => Some(key),
            Credential::Session => None,
        }
    }

    /// Rejects API keys with a spend policy. Such a key may pay for drops, but may neither move money any
    /// other way nor create keys.
    ///
    /// # Errors
    /// [`Error::KeyIsLimited`].
    pub fn require_unlimited(&self) -> Result<(), Error> {
        match self.key() {
            Some(key) if key.policy.is_limited() => Err(Error::KeyIsLimited),
            _ => Ok(()),
        }
    }

    /// Rejects API keys: only a person who has signed in may do this.
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

    /// The caller that the authentication layer found. A route without that layer has none, which is a fault.
    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let caller = parts.extensions.get::<Self>().cloned();
        Ok(caller.ok_or_else(|| Error::internal("the route is not registered with a caller"))?)
    }
}

/// The credential in a request's `Authorization` header.
#[derive(Debug)]
pub(crate) enum Authorization {
    /// The request has no such header.
    Absent,
    /// A well-formed API key.
    Key(ApiKey),
    /// Text that has the form of a session's access token.
    Token(String),
    /// No credential, or more than one header, which is ambiguous.
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
