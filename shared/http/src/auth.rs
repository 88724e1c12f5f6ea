//! The caller of a request, and the credentials that prove it. A handler that needs a caller takes a
//! [`Caller`] as an argument, so it cannot skip authentication.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use clorp_domain::{ApiKey, Error, FieldError, Fingerprint, Program, Right, Rights, StoredKey, UserId};
use clorp_sessions::Identity;

use crate::policy::Access;
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
    /// An API key, with its rights and perhaps a spend policy.
    Key(Box<StoredKey>),
    /// A session of the user's own, from its access token or from a browser's cookies. It has all rights.
    Session {
        /// True if the session lacks a second factor that [`Rights::OVER_MONEY`] require.
        needs_second_factor: bool,
    },
    /// A session that the user has given to an OAuth client, which is another party's program. It has the
    /// rights [`Rights::OF_A_PROGRAM`].
    Client {
        /// Fingerprint of the client's id.
        id: Fingerprint,
    },
}

impl Caller {
    /// The owner of a valid key.
    pub(crate) fn from_key(key: StoredKey) -> Self {
        Self { id: key.owner.clone(), credential: Credential::Key(Box::new(key)) }
    }

    /// The user of a genuine session. Rights over money may need a second factor, as the rules say.
    pub(crate) fn from_identity(identity: &Identity, second_factor_for_money: bool) -> Self {
        let credential = match &identity.client_id {
            Some(client) => Credential::Client { id: Fingerprint::of(&[b"client", client.as_bytes()]) },
            None => Credential::Session {
                needs_second_factor: second_factor_for_money && !identity.has_second_factor(),
            },
        };
        Self { id: identity.id.clone(), credential }
    }

    /// The API key that authenticates the caller; `None` for a session.
    pub fn key(&self) -> Option<&StoredKey> {
        match &self.credential {
            Credential::Key(key) => Some(key),
            Credential::Session { .. } | Credential::Client { .. } => None,
        }
    }

    /// The program that acts for the user; `None` for a session of the user's own.
    pub(crate) fn program(&self) -> Option<Program> {
        match &self.credential {
            Credential::Key(key) => Some(Program::Key(key.id)),
            Credential::Client { id } => Some(Program::Client(id.clone())),
            Credential::Session { .. } => None,
        }
    }

    /// Rights of the credential, the only ones that it can give to a key.
    pub fn rights(&self) -> Rights {
        match &self.credential {
            Credential::Key(key) => key.rights,
            Credential::Client { .. } => Rights::OF_A_PROGRAM,
            Credential::Session { needs_second_factor: true } => Rights::ALL.without(Rights::OVER_MONEY),
            Credential::Session { needs_second_factor: false } => Rights::ALL,
        }
    }

    /// Rejects a credential without this right. A route whose need depends on the request calls this itself;
    /// any other is registered with its right.
    ///
    /// # Errors
    /// [`Error::KeyLacksRight`], [`Error::SecondFactorRequired`].
    pub fn require(&self, right: Right) -> Result<(), Error> {
        match &self.credential {
            _ if self.rights().contains(right) => Ok(()),
            Credential::Session { .. } => Err(Error::SecondFactorRequired),
            Credential::Key(_) | Credential::Client { .. } => Err(Error::KeyLacksRight { right }),
        }
    }

    /// Rejects a credential that may not use a route.
    ///
    /// # Errors
    /// As [`Caller::require`]; [`Error::SessionRequired`].
    pub(crate) fn require_access(&self, access: Access) -> Result<(), Error> {
        match access {
            Access::Right(right) => self.require(right),
            Access::Either(one, other) => self.require(other).or_else(|_| self.require(one)),
            Access::ByRequest(_) => Ok(()),
            Access::Session => match &self.credential {
                Credential::Session { .. } => Ok(()),
                Credential::Key(_) | Credential::Client { .. } => Err(Error::SessionRequired),
            },
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
    /// No credential.
    Unusable,
}

impl Authorization {
    /// Reads the header. It may be repeated with one value: a gateway joins repeated headers with commas, and
    /// no credential has one.
    ///
    /// # Errors
    /// [`FieldError`] for different values, because a proxy and this server might each choose another.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, FieldError> {
        let values = headers.get_all(header::AUTHORIZATION).iter();
        let values = values.flat_map(|value| value.to_str().unwrap_or_default().split(','));
        let mut values = values.map(str::trim);
        let Some(value) = values.next() else { return Ok(Self::Absent) };
        if values.any(|other| other != value) {
            let message = "Send one Authorization header: this request has several that differ";
            return Err(FieldError::new("Authorization", "ambiguous_authorization", message));
        }
        let (scheme, text) = value.split_once(' ').unwrap_or_default();
        let text = text.trim();
        Ok(if !scheme.eq_ignore_ascii_case("bearer") {
            Self::Unusable
        } else if let Ok(key) = text.parse() {
            Self::Key(key)
        } else if text.matches('.').count() == 2 {
            Self::Token(text.to_owned())
        } else {
            Self::Unusable
        })
    }
}
