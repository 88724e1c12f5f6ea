//! Verification of access tokens: JWTs signed by the project.

use clorp_domain::{Error, UserId};
use clorp_secrets::{Credential, Secret};
use jiff::Timestamp;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::{Deserialize, Deserializer};
use serde_json::{Number, Value};

use crate::config::Config;
use crate::identity::Identity;
use crate::keys::{Key, Keys};

/// Longest token that is parsed, in bytes. A request's headers have at most 10 KB in total.
const MAX_LEN: usize = 8 * 1024;
/// Time for which a token is accepted after its expiry, in seconds.
const EXPIRY_LEEWAY_SECONDS: i64 = 5;
/// Tolerated lead of the project's clock over the local one, in seconds.
const CLOCK_LEAD_SECONDS: i64 = 30;
/// Audience and role of tokens for signed-in users.
const AUTHENTICATED: &str = "authenticated";

/// Verifies access tokens.
#[derive(Debug)]
pub(crate) struct Tokens {
    issuer: String,
    secret: Option<Credential>,
    keys: Keys,
}

/// The verified claims of a genuine token, which may have expired.
#[derive(Debug)]
pub(crate) struct Proven {
    /// User of the token.
    pub identity: Identity,
    /// Time of expiry, in seconds since the epoch.
    expires_at: i64,
}

impl Proven {
    /// Seconds until the token expires; negative afterwards.
    pub(crate) fn seconds_left(&self, now: Timestamp) -> i64 {
        self.expires_at.saturating_sub(now.as_second())
    }

    /// True if the token has not expired, within the tolerance for clocks.
    pub(crate) fn is_valid(&self, now: Timestamp) -> bool {
        self.seconds_left(now) > -EXPIRY_LEEWAY_SECONDS
    }
}

/// A JWT's date: seconds since the epoch, possibly with a fraction.
#[derive(Clone, Copy)]
struct NumericDate(i64);

impl<'de> Deserialize<'de> for NumericDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = Number::deserialize(deserializer)?;
        // The cast saturates at the ends of the range.
        let whole = number.as_i64().or_else(|| number.as_f64().map(|seconds| seconds.floor() as i64));
        whole.map(Self).ok_or_else(|| serde::de::Error::custom("not a date"))
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
    #[serde(default)]
    role: Value,
    #[serde(default)]
    is_anonymous: Value,
    // These two are for display only, so malformed values do not invalidate the token.
    #[serde(default)]
    email: Value,
    #[serde(default)]
    user_metadata: Value,
    #[serde(default)]
    client_id: Value,
    #[serde(default)]
    aal: Value,
}

impl Claims {
    /// True for a user who has signed in. Supabase also issues tokens for visitors without an account, which
    /// it calls anonymous users, and for roles of the database.
    fn is_of_a_person(&self) -> bool {
        self.role == AUTHENTICATED && matches!(self.is_anonymous, Value::Null | Value::Bool(false))
    }
}

impl Tokens {
    pub(crate) fn new(config: &Config, keys: Keys) -> Self {
        Self { issuer: config.auth_url.clone(), secret: config.jwt_secret.clone(), keys }
    }

    /// Verifies that the project issued a token for one of its users. The token may have expired.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] if the token is not genuine; [`Error::Unavailable`] if the keys cannot be
    /// fetched.
    pub(crate) async fn prove(&self, token: &str, now: Timestamp) -> Result<Proven, Error> {
        if token.len() > MAX_LEN {
            return Err(Error::Unauthenticated);
        }
        let header = decode_header(token).map_err(|_| Error::Unauthenticated)?;
        // Critical extensions must be understood, and none is supported.
        if header.crit.is_some() {
            return Err(Error::Unauthenticated);
        }
        let claims = match (header.alg, header.kid) {
            (Algorithm::HS256, _) => self.verify_shared(token).await,
            (Algorithm::ES256 | Algorithm::RS256, Some(id)) => {
                self.keys.get(&id).await?.and_then(|key| self.verify(token, &key).ok())
            }
            _ => None,
        };
        let claims = claims.filter(Claims::is_of_a_person).ok_or(Error::Unauthenticated)?;
        check_dates(claims, now).ok_or(Error::Unauthenticated)
    }

    /// Verifies a signature by the shared secret. One that does not fit may be by a new secret.
    async fn verify_shared(&self, token: &str) -> Option<Claims> {
        let credential = self.secret.as_ref()?;
        let secret = credential.current().await;
        match self.verify(token, &shared(&secret)) {
            Err(error) if matches!(error.kind(), ErrorKind::InvalidSignature) => {
                let secret = credential.after_refusal(&secret).await?;
                self.verify(token, &shared(&secret)).ok()
            }
            verified => verified.ok(),
        }
    }

    /// Verifies a signature by `key` and its only algorithm, for a user of this project. Returns the claims.
    fn verify(&self, token: &str, key: &Key) -> jsonwebtoken::errors::Result<Claims> {
        let mut validation = Validation::new(key.algorithm);
        validation.set_issuer(&[&self.issuer]);
        validation.set_audience(&[AUTHENTICATED]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // The times are checked against the injected clock instead.
        validation.validate_exp = false;
        Ok(decode::<Claims>(token, &key.decoding, &validation)?.claims)
    }
}

/// The key of tokens that are signed with a shared secret.
fn shared(secret: &Secret) -> Key {
    Key { algorithm: Algorithm::HS256, decoding: DecodingKey::from_secret(secret.expose().as_bytes()) }
}

/// Converts the claims, unless they are not valid yet.
fn check_dates(claims: Claims, now: Timestamp) -> Option<Proven> {
    let is_future = |date: Option<NumericDate>| {
        date.is_some_and(|date| date.0 > now.as_second().saturating_add(CLOCK_LEAD_SECONDS))
    };
    if is_future(claims.nbf) || is_future(claims.iat) {
        return None;
    }
    let id: UserId = claims.sub.parse().ok()?;
    let issued_at = claims.iat.and_then(|date| Timestamp::from_second(date.0).ok());
    let identity = Identity {
        client_id: client_id(&claims.client_id),
        aal: claims.aal.as_str().map(str::to_owned),
        ..Identity::new(id, claims.email.as_str(), &claims.user_metadata, issued_at)
    };
    Some(Proven { identity, expires_at: claims.exp.0 })
}

/// The OAuth client of a token. A claim that is no text still marks the token as a client's, because that
/// gives it fewer rights.
fn client_id(claim: &Value) -> Option<String> {
    match claim {
        Value::Null => None,
        Value::String(id) => Some(id.clone()),
        other => Some(other.to_string()),
    }
}
