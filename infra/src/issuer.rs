//! A stand-in for Supabase's identity service on this machine: its published keys, the refreshing of sessions as it
//! does it, and control calls that sign people in, roll the key, and play its bad days.
//!
//! A refresh token is good for one use. Used again, it gives the session's newest tokens if it is the one they were got
//! with (an answer may have been lost) and new ones within ten seconds; after that it ends the session with all its tokens.
//! There are no passwords, no pages and no sign-out.
//!
//! # Control calls
//! They take and return JSON, and need no key.
//!
//! | call | body | what |
//! |---|---|---|
//! | `POST /_issuer/sessions` | `id`, `name`?, `email`?, `avatar_url`?, `expires_in`? | signs somebody in: `{"session", "cookie"}` |
//! | `POST /_issuer/keys/roll` | `drop_old`? | signs with a new key; the old one stays published unless dropped |
//! | `POST /_issuer/behaviour` | `endpoint`: `jwks`, `token`; `fault`?: `down`, `lost_answer`, `delay`; `delay_ms`? | how an endpoint behaves from now on; well, without a fault |
//! | `GET /_issuer/calls` | | how often each endpoint was called |
//!
//! `down` drops the connection without acting, `lost_answer` after it, and `delay` acts, and answers after a while.

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

use crate::{files, server};
use state::State;

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

/// Somebody with an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// The account's id.
    pub id: String,
    /// What they call themselves.
    #[serde(default)]
    pub name: Option<String>,
    /// Where they get mail.
    #[serde(default)]
    pub email: Option<String>,
    /// What they look like.
    #[serde(default)]
    pub avatar_url: Option<String>,
}

impl Person {
    /// Somebody with a name.
    pub fn new(id: impl Into<String>, name: impl Into<String>) -> Self {
        Self { id: id.into(), name: Some(name.into()), email: None, avatar_url: None }
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

/// The key that tokens are signed with, for tools that make their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningKey {
    /// Its name.
    pub kid: String,
    /// PKCS #8, in PEM.
    pub private_key_pem: String,
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
struct Conduct {
    jwks: Option<Fault>,
    token: Option<Fault>,
    calls: Calls,
}

/// What every part of the issuer shares.
#[derive(Debug)]
struct Core {
    url: String,
    cookie_name: String,
    options: Options,
    state: Mutex<State>,
    conduct: Mutex<Conduct>,
}

/// A running issuer. It stops when dropped; [`Issuer::shutdown`] also waits for it.
#[derive(Debug)]
pub struct Issuer {
    /// Where it answers, such as `http://127.0.0.1:9999`: what `SUPABASE_URL` is to be.
    pub url: String,
    core: Arc<Core>,
    stop: oneshot::Sender<()>,
    server: JoinHandle<()>,
}

impl Issuer {
    /// Starts an issuer.
    ///
    /// # Errors
    /// If the port is taken, or the state's file cannot be read or written.
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

    /// The project as the functions are to know it.
    ///
    /// # Errors
    /// Never: an address of this machine is a usable one.
    pub fn config(&self) -> Result<Config> {
        config(&self.url, self.anon_key())
    }

    /// The key that callers have to show.
    pub fn anon_key(&self) -> &str {
        &self.core.options.anon_key
    }

    /// What tokens name as their issuer.
    pub fn issuer(&self) -> String {
        self.core.issuer()
    }

    /// Signs somebody in, with an access token for `expires_in` seconds; less than none makes one that has ended.
    ///
    /// # Errors
    /// If the token cannot be signed or the state not be written.
    pub fn sign_in(&self, person: &Person, expires_in: i64) -> Result<SignedIn> {
        self.core.sign_in(person, expires_in)
    }

    /// The key that tokens are signed with now.
    ///
    /// # Errors
    /// If there is none, which cannot be.
    pub fn signing_key(&self) -> Result<SigningKey> {
        self.core.look(State::signing_key)
    }

    /// Signs with a new key from now on. The old one stays published, unless it is dropped.
    ///
    /// # Errors
    /// If the state cannot be written.
    pub fn roll_key(&self, drop_old: bool) -> Result<()> {
        self.core.change(|state| state.roll_key(drop_old))
    }

    /// Lets an endpoint behave like this from now on.
    pub fn behave(&self, endpoint: Endpoint, fault: Option<Fault>) {
        self.core.behave(endpoint, fault);
    }

    /// How often each endpoint was called since the issuer was started.
    pub fn calls(&self) -> Calls {
        self.core.conduct(|conduct| conduct.calls)
    }

    /// Stops answering as soon as running requests are answered.
    ///
    /// # Errors
    /// If the server failed before.
    pub async fn shutdown(self) -> Result<()> {
        // The receiver is gone if the server has already failed; its own error says why.
        let _ = self.stop.send(());
        self.server.await.context("the issuer failed")
    }
}

fn config(url: &str, anon_key: &str) -> Result<Config> {
    Config::new(url, anon_key).ok_or_else(|| anyhow!("{url} is no usable address"))
}

impl Core {
    /// Takes the state from its file, if there is one, and otherwise makes one with a new key.
    fn open(url: String, options: Options) -> Result<Self> {
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

    fn issuer(&self) -> String {
        format!("{}/auth/v1", self.url)
    }

    /// The time: the system's, shifted as the options say.
    fn now(&self) -> Timestamp {
        let shift = SignedDuration::from_millis(self.options.clock_shift_millis.load(Ordering::Relaxed));
        Timestamp::now().saturating_add(shift).unwrap_or(Timestamp::MAX)
    }

    fn look<T>(&self, read: impl FnOnce(&State) -> T) -> T {
        read(&self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the state and keeps it on disk, before anyone hears of it.
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

    /// Counts a call of an endpoint, and says how it is to fail.
    fn called(&self, endpoint: Endpoint) -> Option<Fault> {
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
