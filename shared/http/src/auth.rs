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
}

impl Caller {
    /// The owner of a key that is in order.
    pub(crate) fn by_key(key: StoredKey) -> Self {
        Self { id: key.owner.clone(), credential: Credential::Key(Box::new(key)) }
    }

    /// The key, if it is a key that proves who is calling.
    pub fn key(&self) -> Option<&StoredKey> {
        let Credential::Key(key) = &self.credential;
        Some(key)
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
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    /// Who the request was admitted as.
    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let caller = parts.extensions.get::<Self>().cloned();
        Ok(caller.ok_or_else(|| Error::internal("a route with a caller that does not say so"))?)
    }
}

/// The request's API key, if it has exactly one that is well formed.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<ApiKey> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (value, None) = (values.next()?, values.next()) else {
        return None;
    };
    let (scheme, key) = value.to_str().ok()?.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") { key.trim().parse().ok() } else { None }
}
