//! Access tokens: JWTs that the project signs.

use std::sync::Arc;

use clorp_domain::{Error, UserId};
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::{Deserialize, Deserializer};
use serde_json::{Number, Value};

use crate::config::Config;
use crate::identity::Identity;
use crate::keys::{Key, Keys};

/// The longest token that is looked into, in bytes. A request's headers have 10 KB in all.
const MAX_LEN: usize = 8 * 1024;
/// By how much our clock and the project's may differ, in seconds.
const LEEWAY: i64 = 5;
/// Whom the tokens of people are for.
const AUDIENCE: &str = "authenticated";

/// Checks access tokens.
#[derive(Debug)]
pub(crate) struct Tokens {
    issuer: String,
    secret: Option<Arc<Key>>,
    keys: Keys,
}

/// What a token says that is genuine, and good or past its time.
#[derive(Debug)]
pub(crate) struct Proven {
    /// Who it is.
    pub identity: Identity,
    /// When it ends, in seconds since the epoch.
    expires_at: i64,
}

impl Proven {
    /// Seconds until it ends; negative once it has.
    pub(crate) fn seconds_left(&self, now: Timestamp) -> i64 {
        self.expires_at.saturating_sub(now.as_second())
    }

    /// Whether it still counts.
    pub(crate) fn is_good(&self, now: Timestamp) -> bool {
        self.seconds_left(now) > -LEEWAY
    }
}

/// A JWT's time: seconds since the epoch, which may have a fraction.
#[derive(Clone, Copy)]
struct NumericDate(i64);

impl<'de> Deserialize<'de> for NumericDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = Number::deserialize(deserializer)?;
        // The cast stops at the ends of the range.
        let whole = number.as_i64().or_else(|| number.as_f64().map(|seconds| seconds.floor() as i64));
        whole.map(Self).ok_or_else(|| serde::de::Error::custom("no time"))
    }
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    exp: NumericDate,
    #[serde(default)]
    nbf: Option<NumericDate>,
    #[serde(default)]
    iat: Option<NumericDate>,
    // These two are for show; whatever they hold, the token is none the worse.
    #[serde(default)]
    email: Value,
    #[serde(default)]
    user_metadata: Value,
}

impl Tokens {
    pub(crate) fn new(config: &Config, keys: Keys) -> Self {
        let secret = config.jwt_secret.as_ref().map(|secret| {
            let decoding = DecodingKey::from_secret(secret.expose().as_bytes());
            Arc::new(Key { algorithm: Algorithm::HS256, decoding })
        });
        Self { issuer: config.auth_url.clone(), secret, keys }
    }

    /// What a token says, if the project made it for one of its users; it may be past its time.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] if it did not, [`Error::Unavailable`] if nobody can tell now.
    pub(crate) async fn prove(&self, token: &str, now: Timestamp) -> Result<Proven, Error> {
        if token.len() > MAX_LEN {
            return Err(Error::Unauthenticated);
        }
        let header = decode_header(token).map_err(|_| Error::Unauthenticated)?;
        // What it says must be understood we do not understand.
        if header.crit.is_some() {
            return Err(Error::Unauthenticated);
        }
        let key = match (header.alg, header.kid) {
            (Algorithm::HS256, _) => self.secret.clone(),
            (Algorithm::ES256 | Algorithm::RS256, Some(id)) => self.keys.get(&id).await?,
            _ => None,
        };
        let key = key.ok_or(Error::Unauthenticated)?;
        let claims = self.verified(token, &key).ok_or(Error::Unauthenticated)?;
        proven(claims, now).ok_or(Error::Unauthenticated)
    }

    /// The claims of a token that was signed with `key`, by the one algorithm this is for, for a user of this project.
    fn verified(&self, token: &str, key: &Key) -> Option<Claims> {
        let mut validation = Validation::new(key.algorithm);
        validation.set_issuer(&[&self.issuer]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // Times are for our own clock.
        validation.validate_exp = false;
        Some(decode::<Claims>(token, &key.decoding, &validation).ok()?.claims)
    }
}

/// What is claimed, unless it is not so yet.
fn proven(claims: Claims, now: Timestamp) -> Option<Proven> {
    let future =
        |date: Option<NumericDate>| date.is_some_and(|date| date.0 > now.as_second().saturating_add(LEEWAY));
    if future(claims.nbf) || future(claims.iat) {
        return None;
    }
    let id: UserId = claims.sub.parse().ok()?;
    let identity = Identity::new(id, claims.email.as_str(), &claims.user_metadata);
    Some(Proven { identity, expires_at: claims.exp.0 })
}
