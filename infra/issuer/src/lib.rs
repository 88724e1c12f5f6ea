//! A local stand-in for Supabase's identity service: its published keys and the refresh of sessions. Control
//! calls sign people in, roll the signing key, and inject faults.
//!
//! A refresh token works once. A second use returns the session's newest tokens if those came from this
//! token, because the first response may have been lost. Otherwise a second use within ten seconds returns
//! new tokens. A later one ends the session with all its tokens. There are no passwords, no pages and no
//! sign-out.
//!
//! # Control calls
//! Control calls take and return JSON and need no key. A question mark marks an optional field.
//!
//! - `POST /_issuer/sessions` with `id`, `name`?, `email`?, `avatar_url`? and `expires_in`? signs a person in
//!   and returns `{"session", "cookie"}`.
//! - `POST /_issuer/keys/roll` with `drop_old`? creates a new signing key. The old one stays published unless
//!   it is dropped.
//! - `POST /_issuer/behaviour` with `endpoint` (`jwks` or `token`), `fault`? (`down`, `lost_answer` or
//!   `delay`) and `delay_ms`? injects a fault into an endpoint. Without `fault` it removes the fault.
//! - `GET /_issuer/calls` returns the number of calls of each endpoint.
//!
//! `down` drops the connection without executing the request. `lost_answer` executes it and then drops the
//! connection. `delay` executes it and answers after the delay.

mod api;
mod control;
mod state;

use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use axum::Router;
use clorp_sessions::{Config, cookie};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use clorp_stand_in::{files, server};
use state::State;

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
    /// Offset of the issuer's clock from the system's, in milliseconds. May change while the issuer runs.
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
}

impl Person {
    /// A person with an id and a name only.
    pub fn new(id: impl Into<String>, name: impl Into<String>) -> Self {
        Self { id: id.into(), name: Some(name.into()), email: None, avatar_url: None }
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

/// The key that signs access tokens, for tools that sign their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningKey {
    /// The key's identifier.
    pub kid: String,
    /// The private key, as PKCS #8 in PEM.
    pub private_key_pem: String,
}

/// An endpoint into which faults can be injected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Endpoint {
    /// The published keys.
    Jwks,
    /// The refresh of sessions.
    Token,
}

/// An injected fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The connection is dropped, and the request is not executed.
    Down,
    /// The request is executed, and then the connection is dropped.
    LostAnswer,
    /// The request is executed, and answered after a delay.
    Delay(Duration),
}

/// Number of calls of each endpoint, including calls with faults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Calls {
    /// The published keys.
    pub jwks: usize,
    /// The refresh of sessions.
    pub token: usize,
}

/// Injected faults and call counts. They are not saved.
#[derive(Debug, Default)]
struct Conduct {
    jwks: Option<Fault>,
    token: Option<Fault>,
    calls: Calls,
}

/// Everything that the parts of the issuer share.
#[derive(Debug)]
struct Core {
    url: String,
    cookie_name: String,
    options: Options,
    state: Mutex<State>,
    conduct: Mutex<Conduct>,
}

/// A running issuer. Dropping it stops it; [`Issuer::shutdown`] also waits until it has stopped.
#[derive(Debug)]
pub struct Issuer {
    /// The base URL, such as `http://127.0.0.1:9999`: the value for `SUPABASE_URL`.
    pub url: String,
    core: Arc<Core>,
    stop: oneshot::Sender<()>,
    server: JoinHandle<()>,
}

impl Issuer {
    /// Starts an issuer.
    ///
    /// # Errors
    /// Fails if the port is in use, or if the state file cannot be read or written.
    pub async fn start(options: Options) -> Result<Self> {
        let listener = server::listen(options.port.unwrap_or(0), "Supabase").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let core = Arc::new(Core::open(url.clone(), options)?);
        let (stop, stopped) = oneshot::channel();
        let router =
            Router::new().merge(api::router()).merge(control::router()).with_state(Arc::clone(&core));
        let server = tokio::spawn(server::serve(listener, router, stopped));
        Ok(Self { url, core, stop, server })
    }

    /// The configuration with which the functions use this issuer.
    ///
    /// # Errors
    /// Never fails, because a loopback URL is valid.
    pub fn config(&self) -> Result<Config> {
        config(&self.url, self.anon_key())
    }

    /// The anonymous API key that callers must send.
    pub fn anon_key(&self) -> &str {
        &self.core.options.anon_key
    }

    /// The `iss` claim of the tokens.
    pub fn issuer(&self) -> String {
        self.core.issuer()
    }

    /// Signs a person in, with an access token for `expires_in` seconds. A negative number gives an expired
    /// token.
    ///
    /// # Errors
    /// Fails if the token cannot be signed, or if the state cannot be written.
    pub fn sign_in(&self, person: &Person, expires_in: i64) -> Result<SignedIn> {
        self.core.sign_in(person, expires_in)
    }

    /// The key that signs tokens now.
    ///
    /// # Errors
    /// Fails if the issuer has no key, which cannot happen.
    pub fn signing_key(&self) -> Result<SigningKey> {
        self.core.look(State::signing_key)
    }

    /// Creates a new signing key. The old one stays published unless `drop_old` is set.
    ///
    /// # Errors
    /// Fails if the state cannot be written.
    pub fn roll_key(&self, drop_old: bool) -> Result<()> {
        self.core.change(|state| state.roll_key(drop_old))
    }

    /// Injects a fault into an endpoint, or removes it.
    pub fn behave(&self, endpoint: Endpoint, fault: Option<Fault>) {
        self.core.behave(endpoint, fault);
    }

    /// Number of calls of each endpoint since the issuer started.
    pub fn calls(&self) -> Calls {
        self.core.conduct(|conduct| conduct.calls)
    }

    /// Stops the server after its running requests are answered.
    ///
    /// # Errors
    /// Fails if the server has failed before.
    pub async fn shutdown(self) -> Result<()> {
        // Sending fails only if the server has already failed. Its own error says why.
        let _ = self.stop.send(());
        self.server.await.context("the issuer failed")
    }
}

fn config(url: &str, anon_key: &str) -> Result<Config> {
    Config::new(url, anon_key).ok_or_else(|| anyhow!("{url} is not a usable URL"))
}

impl Core {
    /// Creates the core with the state from its file, or with a new state and key.
    fn open(url: String, options: Options) -> Result<Self> {
        let stored = match &options.state_path {
            Some(path) => files::read_json(path)?,
            None => None,
        };
        let loaded = stored.is_some();
        let core = Self {
            cookie_name: config(&url, &options.anon_key)?.cookie_name().to_owned(),
            url,
            state: Mutex::new(stored.unwrap_or_default()),
            conduct: Mutex::default(),
            options,
        };
        if !loaded {
            core.change(|state| state.roll_key(true))?;
        }
        Ok(core)
    }

    fn issuer(&self) -> String {
        format!("{}/auth/v1", self.url)
    }

    /// The current time: the system's clock plus the configured shift.
    fn now(&self) -> Timestamp {
        let shift = SignedDuration::from_millis(self.options.clock_shift_millis.load(Ordering::Relaxed));
        Timestamp::now().saturating_add(shift).unwrap_or(Timestamp::MAX)
    }

    fn look<T>(&self, read: impl FnOnce(&State) -> T) -> T {
        read(&self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the state and saves it, before the lock is released.
    fn change<T>(&self, act: impl FnOnce(&mut State) -> Result<T>) -> Result<T> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let outcome = act(&mut state)?;
        if let Some(path) = &self.options.state_path {
            files::write_json(path, &*state)?;
        }
        Ok(outcome)
    }

    fn sign_in(&self, person: &Person, expires_in: i64) -> Result<SignedIn> {
        let (issuer, now) = (self.issuer(), self.now());
        let session = self.change(|state| state.sign_in(person, &issuer, expires_in, now))?;
        let pairs = cookie::encode(&self.cookie_name, &session.to_string());
        let pairs: Vec<String> = pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        Ok(SignedIn { session, cookie: pairs.join("; ") })
    }

    fn conduct<T>(&self, act: impl FnOnce(&mut Conduct) -> T) -> T {
        act(&mut self.conduct.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn behave(&self, endpoint: Endpoint, fault: Option<Fault>) {
        self.conduct(|conduct| match endpoint {
            Endpoint::Jwks => conduct.jwks = fault,
            Endpoint::Token => conduct.token = fault,
        });
    }

    /// Counts a call of an endpoint, and returns the fault to simulate.
    fn count_call(&self, endpoint: Endpoint) -> Option<Fault> {
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
