//! The shared core of the issuer: its state, its options and its counters.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Result, anyhow};
use clorp_sessions::{Config, cookie};
use clorp_stand_in::files;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::refresh_token::TokenKind;
use crate::state::{Person, State};

/// Number of sessions that an address may ask for at once, by a refresh or a password.
const GRANT_BURST: i64 = 30;
/// Time in which an address may make one more, in milliseconds: 150 in five minutes.
const GRANT_MILLIS: i64 = 2000;
/// Default lifetime of an access token, in seconds.
pub const TOKEN_SECONDS: i64 = 3600;

/// Configuration of an issuer.
#[derive(Clone, Debug)]
pub struct Options {
    /// The port to listen on; `None` for any free port.
    pub port: Option<u16>,
    /// The file that keeps the keys and sessions over a restart; `None` to keep them in memory only.
    pub state_path: Option<PathBuf>,
    /// The anonymous API key that callers must send.
    pub anon_key: String,
    /// Offset of the sandbox's clock from the system's, in milliseconds. May change while the sandbox runs.
    pub clock_shift_millis: Arc<AtomicI64>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            port: None,
            state_path: None,
            anon_key: "local-anon-key".to_owned(),
            clock_shift_millis: Arc::default(),
        }
    }
}

/// A new session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SignedIn {
    /// The session in the format of Supabase's clients: `access_token`, `refresh_token`, `expires_at`, `user`
    /// and so on.
    pub session: Value,
    /// The `Cookie` header of a browser with this session.
    pub cookie: String,
}

impl SignedIn {
    /// The text in a field of the session; empty if there is none.
    pub fn text(&self, field: &str) -> &str {
        self.session[field].as_str().unwrap_or_default()
    }
}

/// An endpoint into which faults can be injected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Endpoint {
    /// The published keys, as a JSON Web Key Set.
    Jwks,
    /// Sessions for a refresh token or a password.
    Token,
}

/// An injected fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The connection is dropped, and the request is not executed.
    Down,
    /// The request is executed, and then the connection is dropped.
    LostAnswer,
    /// The request is executed, and answered after a delay.
    Delay(Duration),
    /// The request is not executed, and answered with an error.
    Error {
        /// The HTTP status.
        status: u16,
        /// Supabase's error code.
        code: String,
    },
}

/// Number of calls of each endpoint, including calls with faults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Calls {
    /// The published keys, as a JSON Web Key Set.
    pub jwks: usize,
    /// Sessions for a refresh token or a password.
    pub token: usize,
}

/// Injected faults and call counts. They are not saved.
#[derive(Debug, Default)]
pub struct Conduct {
    jwks: Option<Fault>,
    token: Option<Fault>,
    /// Number of calls of each endpoint.
    pub calls: Calls,
    /// The addresses for which sessions were refreshed, in order; `None` for calls that named none.
    pub addresses: Vec<Option<IpAddr>>,
    /// The time in milliseconds at which each address may again use its whole burst.
    grants_full_at: BTreeMap<Option<IpAddr>, i64>,
}

impl Conduct {
    /// Counts a request for a session, which may be a refresh, for an address. False if it is one too many,
    /// by the limits of Supabase.
    pub fn admit(&mut self, address: Option<IpAddr>, refresh: bool, now: Timestamp) -> bool {
        if refresh {
            self.addresses.push(address);
        }
        let now = now.as_millisecond();
        let full_at = self.grants_full_at.entry(address).or_insert(now);
        let next = now.max(*full_at) + GRANT_MILLIS;
        let admitted = next - now <= GRANT_BURST * GRANT_MILLIS;
        if admitted {
            *full_at = next;
        }
        admitted
    }
}

/// Everything that the parts of the issuer share.
#[derive(Debug)]
pub struct Core {
    url: String,
    cookie_name: String,
    /// The configuration of the issuer.
    pub options: Options,
    state: Mutex<State>,
    conduct: Mutex<Conduct>,
}

impl Core {
    /// Creates the core with the state from its file, or with a new state and key.
    pub fn open(url: String, options: Options) -> Result<Self> {
        let there = match &options.state_path {
            Some(path) => files::read_json(path)?,
            None => None,
        };
        let known = there.is_some();
        let core = Self {
            cookie_name: config(&url, &options.anon_key)?.cookie_name().to_owned(),
            url,
            state: Mutex::new(there.unwrap_or_default()),
            conduct: Mutex::default(),
            options,
        };
        if !known {
            core.change(|state| state.roll_key(true))?;
        }
        Ok(core)
    }

    /// The configuration with which the functions use this issuer.
    pub fn config(&self) -> Result<Config> {
        config(&self.url, &self.options.anon_key)
    }

    /// The `iss` claim of the tokens.
    pub fn issuer(&self) -> String {
        format!("{}/auth/v1", self.url)
    }

    /// The current time: the system's clock plus the configured shift.
    pub fn now(&self) -> Timestamp {
        let shift = SignedDuration::from_millis(self.options.clock_shift_millis.load(Ordering::Relaxed));
        Timestamp::now().saturating_add(shift).unwrap_or(Timestamp::MAX)
    }

    /// Reads the state.
    pub fn look<T>(&self, read: impl FnOnce(&State) -> T) -> T {
        read(&self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the state and saves it, before the lock is released.
    pub fn change<T>(&self, act: impl FnOnce(&mut State) -> Result<T>) -> Result<T> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let outcome = act(&mut state)?;
        if let Some(path) = &self.options.state_path {
            files::write_json(path, &*state)?;
        }
        Ok(outcome)
    }

    /// Signs somebody in, with an access token for `expires_in` seconds.
    pub fn sign_in(&self, person: &Person, expires_in: i64) -> Result<SignedIn> {
        let (issuer, now) = (self.issuer(), self.now());
        let session = self.change(|state| state.sign_in(person, &issuer, expires_in, now))?;
        let pairs = cookie::encode(&self.cookie_name, &session.to_string());
        let pairs: Vec<String> = pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        Ok(SignedIn { session, cookie: pairs.join("; ") })
    }

    /// Lets a person sign in with a password.
    pub fn set_password(&self, person: &Person, password: &str) -> Result<()> {
        self.change(|state| state.set_password(person, password))
    }

    /// Chooses the kind of the refresh tokens of new sessions.
    pub fn set_token_kind(&self, kind: TokenKind) -> Result<()> {
        self.change(|state| {
            state.set_token_kind(kind);
            Ok(())
        })
    }

    /// Reads or changes how the endpoints behave.
    pub fn conduct<T>(&self, act: impl FnOnce(&mut Conduct) -> T) -> T {
        act(&mut self.conduct.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Injects a fault into an endpoint, or removes it.
    pub fn behave(&self, endpoint: Endpoint, fault: Option<Fault>) {
        self.conduct(|conduct| match endpoint {
            Endpoint::Jwks => conduct.jwks = fault,
            Endpoint::Token => conduct.token = fault,
        });
    }

    /// Counts a call of an endpoint, and says how it is to fail.
    pub fn count_call(&self, endpoint: Endpoint) -> Option<Fault> {
        self.conduct(|conduct| match endpoint {
            Endpoint::Jwks => {
                conduct.calls.jwks += 1;
                conduct.jwks.clone()
            }
            Endpoint::Token => {
                conduct.calls.token += 1;
                conduct.token.clone()
            }
        })
    }
}

fn config(url: &str, anon_key: &str) -> Result<Config> {
    Config::new(url, anon_key).ok_or_else(|| anyhow!("{url} is no usable address"))
}
