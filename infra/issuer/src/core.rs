//! What every part of the issuer shares: its state, and how it behaves.

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

use crate::state::{Person, State};

/// How long an access token is good unless told otherwise, in seconds.
pub const TOKEN_SECONDS: i64 = 3600;

/// How the issuer is set up.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where it listens; any free port if none is given.
    pub port: Option<u16>,
    /// The file that keeps its key and sessions over a restart; without one they are gone with the issuer.
    pub state_path: Option<PathBuf>,
    /// The key that callers have to show.
    pub anon_key: String,
    /// Milliseconds that its clock is ahead of the system's. May change while it runs.
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

/// A session of somebody who has just signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SignedIn {
    /// As Supabase's clients keep it: `access_token`, `refresh_token`, `expires_at`, `user` and so on.
    pub session: Value,
    /// What a browser with this session sends as its `Cookie`.
    pub cookie: String,
}

impl SignedIn {
    /// A text in the session.
    pub fn text(&self, field: &str) -> &str {
        self.session[field].as_str().unwrap_or_default()
    }
}

/// What can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Endpoint {
    /// The published keys.
    Jwks,
    /// The refreshing of sessions.
    Token,
}

/// How it fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The connection is dropped without acting.
    Down,
    /// The request is carried out, and then the connection is dropped.
    LostAnswer,
    /// The request is carried out, and answered after a while.
    Delay(Duration),
}

/// How often each endpoint was called, faults included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Calls {
    /// The published keys.
    pub jwks: usize,
    /// The refreshing of sessions.
    pub token: usize,
}

/// How the endpoints behave, and how often they were called. A restart forgets it.
#[derive(Debug, Default)]
pub struct Conduct {
    jwks: Option<Fault>,
    token: Option<Fault>,
    /// How often they were called.
    pub calls: Calls,
}

/// What every part of the issuer shares.
#[derive(Debug)]
pub struct Core {
    url: String,
    cookie_name: String,
    /// How the issuer was started.
    pub options: Options,
    state: Mutex<State>,
    conduct: Mutex<Conduct>,
}

impl Core {
    /// Takes the state from its file, if there is one, and otherwise makes one with a new key.
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

    /// The project as the functions are to know it.
    pub fn config(&self) -> Result<Config> {
        config(&self.url, &self.options.anon_key)
    }

    /// What tokens name as their issuer.
    pub fn issuer(&self) -> String {
        format!("{}/auth/v1", self.url)
    }

    /// The time: the system's, shifted as the options say.
    pub fn now(&self) -> Timestamp {
        let shift = SignedDuration::from_millis(self.options.clock_shift_millis.load(Ordering::Relaxed));
        Timestamp::now().saturating_add(shift).unwrap_or(Timestamp::MAX)
    }

    /// Reads the state.
    pub fn look<T>(&self, read: impl FnOnce(&State) -> T) -> T {
        read(&self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the state and keeps it on disk, before anyone hears of it.
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

    /// Reads or changes how the endpoints behave.
    pub fn conduct<T>(&self, act: impl FnOnce(&mut Conduct) -> T) -> T {
        act(&mut self.conduct.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Lets an endpoint behave like this from now on.
    pub fn behave(&self, endpoint: Endpoint, fault: Option<Fault>) {
        self.conduct(|conduct| match endpoint {
            Endpoint::Jwks => conduct.jwks = fault,
            Endpoint::Token => conduct.token = fault,
        });
    }

    /// Counts a call of an endpoint, and says how it is to fail.
    pub fn called(&self, endpoint: Endpoint) -> Option<Fault> {
        self.conduct(|conduct| match endpoint {
            Endpoint::Jwks => {
                conduct.calls.jwks += 1;
                conduct.jwks
            }
            Endpoint::Token => {
                conduct.calls.token += 1;
                conduct.token
            }
        })
    }
}

fn config(url: &str, anon_key: &str) -> Result<Config> {
    Config::new(url, anon_key).ok_or_else(|| anyhow!("{url} is no usable address"))
}
