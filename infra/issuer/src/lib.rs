//! A local stand-in for Supabase's identity service: its published keys and the refresh of sessions. Control
//! calls sign people in, roll the signing key, and inject faults.
//!
//! A refresh token works once. A second use returns the session's newest token if that came from this one,
//! because the first response may have been lost. Otherwise a second use within ten seconds is accepted. A
//! later one is refused, with consequences that depend on the kind of the token ([`TokenKind`]). An address,
//! which a server may name in `Sb-Forwarded-For`, may ask for 30 sessions at once, by refreshes or passwords,
//! and for 150 in five minutes. Web pages may call from any origin. People sign in with a password that a
//! control call gave them, read and change their account, and sign out. Nobody can sign up, and there are no
//! pages. A refusal has the form of the version that a client names in `X-Supabase-Api-Version`.
//!
//! # Control calls
//! Control calls take and return JSON and need no key. A question mark marks an optional field.
//!
//! - `POST /_issuer/sessions` with `id`, `name`?, `email`?, `avatar_url`?, `is_anonymous`? and `expires_in`?
//!   signs a person in and returns `{"session", "cookie"}`.
//! - `POST /_issuer/passwords` with `id`, `email`, `password`, `name`? and `avatar_url`? lets a person sign
//!   in with their email address and this password.
//! - `POST /_issuer/keys/roll` with `drop_old`? creates a new signing key. The old one stays published unless
//!   it is dropped.
//! - `POST /_issuer/refresh-tokens` with `kind` (`short` or `long`) chooses the refresh tokens of new
//!   sessions.
//! - `POST /_issuer/behaviour` with `endpoint` (`jwks` or `token`), `fault`? (`down`, `lost_answer`, `delay`
//!   or `error`), `delay_ms`?, `status`? and `code`? injects a fault into an endpoint. Without `fault` it
//!   removes the fault.
//! - `GET /_issuer/calls` returns the number of calls of each endpoint.
//!
//! `down` drops the connection without executing the request. `lost_answer` executes it and then drops the
//! connection. `delay` executes it and answers after the delay. `error` answers with a status and an error
//! code instead.

mod account;
mod api;
mod control;
mod core;
mod password;
mod refresh_token;
mod refusal;
mod state;

use std::net::IpAddr;
use std::sync::Arc;

use anyhow::{Context, Result};
use axum::Router;
use axum::middleware::from_fn;
use clorp_sessions::Config;
use clorp_stand_in::server;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tower_http::cors::CorsLayer;

pub use self::core::{Calls, Endpoint, Fault, Options, SignedIn, TOKEN_SECONDS};
pub use refresh_token::TokenKind;
pub use state::{Person, SigningKey};

use self::core::Core;
use state::State;

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
        // A page reads the form of a refusal from these headers.
        let cors = CorsLayer::very_permissive().expose_headers([refusal::API_VERSION, refusal::ERROR_CODE]);
        let router = Router::new().merge(api::router()).merge(account::router());
        let router = router.layer(from_fn(refusal::in_version)).layer(cors);
        let router = router.merge(control::router()).with_state(Arc::clone(&core));
        let server = tokio::spawn(server::serve(listener, router, stopped));
        Ok(Self { url, core, stop, server })
    }

    /// The configuration with which the functions use this issuer.
    ///
    /// # Errors
    /// Never fails, because a loopback URL is valid.
    pub fn config(&self) -> Result<Config> {
        self.core.config()
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

    /// Lets a person sign in with their email address and a password.
    ///
    /// # Errors
    /// Fails if the person has no email address, or if the state cannot be written.
    pub fn set_password(&self, person: &Person, password: &str) -> Result<()> {
        self.core.set_password(person, password)
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

    /// Chooses the kind of the refresh tokens of new sessions.
    ///
    /// # Errors
    /// Fails if the state cannot be written.
    pub fn set_token_kind(&self, kind: TokenKind) -> Result<()> {
        self.core.set_token_kind(kind)
    }

    /// Injects a fault into an endpoint, or removes it.
    pub fn behave(&self, endpoint: Endpoint, fault: Option<Fault>) {
        self.core.behave(endpoint, fault);
    }

    /// Number of calls of each endpoint since the issuer started.
    pub fn calls(&self) -> Calls {
        self.core.conduct(|conduct| conduct.calls)
    }

    /// The addresses for which sessions were refreshed, in order; `None` for calls that named none.
    pub fn refresh_addresses(&self) -> Vec<Option<IpAddr>> {
        self.core.conduct(|conduct| conduct.addresses.clone())
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
