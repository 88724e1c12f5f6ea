//! Who is calling. A handler that needs a caller takes a [`Caller`], so it cannot forget to ask.

use axum::extract::{FromRef, FromRequestParts};
use axum::http::header;
use axum::http::request::Parts;
use clorp_domain::api_key::ApiKey;
use clorp_domain::{Error, UserId};
use clorp_service::Service;

use crate::Problem;

/// An authenticated user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Who.
    pub id: UserId,
}

impl<S> FromRequestParts<S> for Caller
where
    S: Send + Sync,
    Service: FromRef<S>,
{
    type Rejection = Problem;

    /// One round trip, and none for a key that cannot be one or a request that has been authenticated.
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        if let Some(known) = parts.extensions.get::<Self>() {
            return Ok(known.clone());
        }
        let key = bearer(parts).ok_or(Error::Unauthenticated)?;
        let owner = Service::from_ref(state).store.key_owner(&key.hash()).await?;
        let id = owner.ok_or(Error::Unauthenticated)?;
        tracing::Span::current().record("user_id", id.as_str());
        Ok(Self { id })
    }
}

/// The request's API key, if it has exactly one that is well formed.
fn bearer(parts: &Parts) -> Option<ApiKey> {
    let mut values = parts.headers.get_all(header::AUTHORIZATION).iter();
    let (value, None) = (values.next()?, values.next()) else {
        return None;
    };
    let (scheme, key) = value.to_str().ok()?.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") { key.trim().parse().ok() } else { None }
}
