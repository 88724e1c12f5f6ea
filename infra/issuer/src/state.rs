//! The issuer's keys and sessions, with Supabase's rules for refresh tokens.

use std::collections::BTreeMap;

use anyhow::{Context, Result, anyhow};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine};
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::password::Password;
use crate::refresh_token::{NOT_FOUND, Parsed, Refused, TokenKind, Tokens, Used};

/// Age at which unused sessions are deleted, in seconds.
const SESSION_LIFETIME: i64 = 60 * 24 * 60 * 60;

/// A person with an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// The account's id.
    pub id: String,
    /// The person's full name.
    #[serde(default)]
    pub name: Option<String>,
    /// The person's email address.
    #[serde(default)]
    pub email: Option<String>,
    /// The URL of the person's picture.
    #[serde(default)]
    pub avatar_url: Option<String>,
    /// True for a visitor whom Supabase signs in without an account.
    #[serde(default)]
    pub is_anonymous: bool,
}

impl Person {
    /// A person with an id and a name only.
    pub fn new(id: impl Into<String>, name: impl Into<String>) -> Self {
        Self { id: id.into(), name: Some(name.into()), email: None, avatar_url: None, is_anonymous: false }
    }
}

/// The sessions that a person ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All of the person's sessions.
    Global,
    /// The session at hand.
    Local,
    /// All but the session at hand.
    Others,
}

impl Scope {
    /// The scope of this name. Without a name it is everything.
    pub fn of(name: Option<&str>) -> Option<Self> {
        match name.unwrap_or_default() {
            "" | "global" => Some(Self::Global),
            "local" => Some(Self::Local),
            "others" => Some(Self::Others),
            _ => None,
        }
    }
}

/// The key that signs access tokens, for tools that sign their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningKey {
    /// The key's identifier.
    pub kid: String,
    /// The private key, as PKCS #8 in PEM.
    pub private_key_pem: String,
}

/// Everything that survives a restart.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct State {
    /// The signing keys, oldest first. The last one signs; all are published.
    keys: Vec<StoredKey>,
    sessions: BTreeMap<String, StoredSession>,
    /// The people who have a password, by their email address in lower case.
    #[serde(default)]
    passwords: BTreeMap<String, StoredPassword>,
    /// The kind of the refresh tokens of new sessions.
    #[serde(default)]
    token_kind: TokenKind,
}

#[derive(Debug, Serialize, Deserialize)]
struct StoredKey {
    kid: String,
    /// The private key, as PKCS #8 in base64.
    private: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct StoredSession {
    person: Person,
    used_at: i64,
    tokens: Tokens,
}

#[derive(Debug, Serialize, Deserialize)]
struct StoredPassword {
    person: Person,
    password: Password,
}

impl StoredKey {
    fn new() -> Result<Self> {
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
        let pkcs8 = pkcs8.map_err(|_| anyhow!("cannot generate a key"))?;
        Ok(Self { kid: random(), private: BASE64_STANDARD.encode(pkcs8.as_ref()) })
    }

    fn der(&self) -> Result<Vec<u8>> {
        BASE64_STANDARD.decode(&self.private).context("the issuer's key is damaged")
    }

    fn public(&self) -> Result<Value> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &self.der()?);
        let pair = pair.map_err(|_| anyhow!("the issuer's key is damaged"))?;
        // The first byte marks an uncompressed point; the two coordinates follow.
        let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
        let coordinate = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        Ok(json!({
            "kty": "EC", "crv": "P-256", "x": coordinate(x), "y": coordinate(y),
            "kid": self.kid, "alg": "ES256", "use": "sig", "key_ops": ["verify"], "ext": true,
        }))
    }

    fn pem(&self) -> String {
        let lines: Vec<&str> = (0..self.private.len())
            .step_by(64)
            .map(|start| &self.private[start..self.private.len().min(start + 64)])
            .collect();
        format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"))
    }

    fn sign(&self, claims: &Value) -> Result<String> {
        let header = Header { kid: Some(self.kid.clone()), ..Header::new(Algorithm::ES256) };
        Ok(encode(&header, claims, &EncodingKey::from_ec_der(&self.der()?))?)
    }
}

impl State {
    /// Creates a new signing key.
    pub fn roll_key(&mut self, drop_old: bool) -> Result<()> {
        if drop_old {
            self.keys.clear();
        }
        self.keys.push(StoredKey::new()?);
        Ok(())
    }

    fn key(&self) -> Result<&StoredKey> {
        self.keys.last().context("the issuer has no key")
    }

    /// The key that signs tokens now.
    pub fn signing_key(&self) -> Result<SigningKey> {
        let key = self.key()?;
        Ok(SigningKey { kid: key.kid.clone(), private_key_pem: key.pem() })
    }

    /// The published keys, as a JSON Web Key Set.
    pub fn jwks(&self) -> Result<Value> {
        let keys: Result<Vec<Value>> = self.keys.iter().map(StoredKey::public).collect();
        Ok(json!({ "keys": keys? }))
    }

    /// Creates a session for a person.
    pub fn sign_in(
        &mut self,
        person: &Person,
        issuer: &str,
        expires_in: i64,
        now: Timestamp,
    ) -> Result<Value> {
        let now = now.as_second();
        self.sessions.retain(|_, session| now.saturating_sub(session.used_at) < SESSION_LIFETIME);
        let id = rand::random();
        let (tokens, token) = Tokens::new(self.token_kind, id);
        let id = session_id(id);
        self.sessions.insert(id.clone(), StoredSession { person: person.clone(), used_at: now, tokens });
        self.answer(person, &id, &token, issuer, expires_in, now)
    }

    /// The session of a valid access token, which may have ended.
    pub fn session_of(&self, token: &str, issuer: &str, now: Timestamp) -> Option<String> {
        let kid = decode_header(token).ok()?.kid?;
        let key = self.keys.iter().find(|key| key.kid == kid)?.public().ok()?;
        let key = DecodingKey::from_jwk(&serde_json::from_value(key).ok()?).ok()?;
        let mut validation = Validation::new(Algorithm::ES256);
        validation.set_issuer(&[issuer]);
        validation.set_audience(&["authenticated"]);
        // The time is checked against the issuer's clock instead.
        validation.validate_exp = false;
        let claims = decode::<Value>(token, &key, &validation).ok()?.claims;
        let session = claims["session_id"].as_str()?.to_owned();
        (claims["exp"].as_i64()? > now.as_second()).then_some(session)
    }

    /// True if a session has not ended.
    pub fn has_session(&self, id: &str) -> bool {
        self.sessions.contains_key(id)
    }

    /// The account of a session's person; `null` if the session has ended.
    pub fn user_of(&self, session: &str) -> Option<Value> {
        self.sessions.get(session).map(|session| user(&session.person))
    }

    /// Lets a person sign in with their email address and a password.
    pub fn set_password(&mut self, person: &Person, password: &str) -> Result<()> {
        let email = person.email.as_deref().context("a password needs an email address")?.to_lowercase();
        let stored = StoredPassword { person: person.clone(), password: Password::new(password) };
        self.passwords.insert(email, stored);
        Ok(())
    }

    /// The person with this email address and this password.
    pub fn with_password(&self, email: &str, password: &str) -> Option<Person> {
        let stored = self.passwords.get(&email.to_lowercase())?;
        stored.password.is(password).then(|| stored.person.clone())
    }

    /// Changes the name and the picture of a session's person, in all their sessions and later ones.
    pub fn rename(&mut self, session: &str, name: Option<String>, avatar_url: Option<String>) {
        let Some(id) = self.person_of(session) else { return };
        let sessions = self.sessions.values_mut().map(|session| &mut session.person);
        let people = sessions.chain(self.passwords.values_mut().map(|stored| &mut stored.person));
        for person in people.filter(|person| person.id == id) {
            person.name = name.clone().or_else(|| person.name.take());
            person.avatar_url = avatar_url.clone().or_else(|| person.avatar_url.take());
        }
    }

    /// Ends sessions of a session's person.
    pub fn sign_out(&mut self, session: &str, scope: Scope) {
        let Some(id) = self.person_of(session) else { return };
        self.sessions.retain(|key, stored| {
            let stays = match scope {
                Scope::Global => false,
                Scope::Local => key != session,
                Scope::Others => key == session,
            };
            stored.person.id != id || stays
        });
    }

    fn person_of(&self, session: &str) -> Option<String> {
        self.sessions.get(session).map(|session| session.person.id.clone())
    }

    /// Chooses the kind of the refresh tokens of new sessions.
    pub fn set_token_kind(&mut self, kind: TokenKind) {
        self.token_kind = kind;
    }

    /// Exchanges a refresh token for new tokens of the same session.
    pub fn refresh(
        &mut self,
        token: &str,
        issuer: &str,
        expires_in: i64,
        now: Timestamp,
    ) -> Result<Result<Value, Refused>> {
        let now = now.as_second();
        let token = match Parsed::of(token) {
            Ok(token) => token,
            Err(refused) => return Ok(Err(refused)),
        };
        let number = |id: &str| u128::from_str_radix(id, 16).unwrap_or_default();
        let mut sessions = self.sessions.iter_mut();
        let found = sessions.find(|(id, session)| session.tokens.contains(number(id), &token));
        let Some((id, session)) = found else { return Ok(Err(NOT_FOUND)) };
        let id = id.clone();
        match session.tokens.exchange(number(&id), &token, session.used_at, now) {
            Used::Exchanged(next) => {
                session.used_at = now;
                let person = session.person.clone();
                self.answer(&person, &id, &next, issuer, expires_in, now).map(Ok)
            }
            Used::Refused(refused) => Ok(Err(refused)),
            Used::Ended(refused) => {
                self.sessions.remove(&id);
                Ok(Err(refused))
            }
        }
    }

    fn answer(
        &self,
        person: &Person,
        session_id: &str,
        refresh_token: &str,
        issuer: &str,
        expires_in: i64,
        now: i64,
    ) -> Result<Value> {
        let expires_at = now + expires_in;
        // An expired token was issued no later than its expiry.
        let made_at = now.min(expires_at);
        let email = person.email.as_deref().unwrap_or_default();
        let claims = json!({
            "iss": issuer, "sub": person.id, "aud": "authenticated", "exp": expires_at, "iat": made_at,
            "email": email, "phone": "", "app_metadata": app_metadata(), "user_metadata": metadata(person),
            "role": "authenticated", "aal": "aal1", "amr": [{ "method": "password", "timestamp": made_at }],
            "session_id": session_id, "is_anonymous": person.is_anonymous,
        });
        Ok(json!({
            "access_token": self.key()?.sign(&claims)?, "token_type": "bearer", "expires_in": expires_in,
            "expires_at": expires_at, "refresh_token": refresh_token,
            "user": user(person),
        }))
    }
}

/// The account of a person, as clients see it.
fn user(person: &Person) -> Value {
    json!({
        "id": person.id, "aud": "authenticated", "role": "authenticated",
        "email": person.email.as_deref().unwrap_or_default(), "phone": "", "app_metadata": app_metadata(),
        "user_metadata": metadata(person), "is_anonymous": person.is_anonymous,
    })
}

fn app_metadata() -> Value {
    json!({ "provider": "email", "providers": ["email"] })
}

fn metadata(person: &Person) -> Value {
    let known = [("full_name", &person.name), ("avatar_url", &person.avatar_url)];
    known.into_iter().filter_map(|(key, value)| Some((key, value.as_deref()?))).collect()
}

fn random() -> String {
    session_id(rand::random())
}

fn session_id(number: u128) -> String {
    format!("{number:032x}")
}
