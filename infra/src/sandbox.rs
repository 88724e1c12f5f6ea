//! A stand-in for Stripe on this machine: what this project uses of Stripe's API, the pages that Stripe hosts, signed
//! webhooks, and control calls that play the payer, the bank, the owner of an account, and Stripe's bad days.
//!
//! It answers `/v1/…` as Stripe does, to a caller with the secret key. An unknown parameter is refused, also one that
//! Stripe has and the sandbox does not act out; so is any currency but `usd`, and acting for a connected account. An
//! unknown object in a path is a 404 `resource_missing`, but an unknown account, as with Stripe, a 403
//! `account_invalid`. Money is in US cents. What the platform can transfer is what it
//! started with, plus what was paid, less refunds, transfers and disputed amounts, plus reversals and won disputes;
//! there are no fees and no waiting. `{CHECKOUT_SESSION_ID}` works in success URLs, `expand[]` everywhere.
//!
//! Idempotency keys are kept for 24 hours with the first answer that the execution of a request gave, errors such as
//! a declined card included. What is refused before, such as a missing parameter or a busy key, leaves the key free.
//!
//! Events are sent in order, one at a time for each endpoint, and again with growing pauses until they are answered
//! with a 2xx. An event that fails does not hold up those behind it.
//!
//! # Control calls
//! They take and return JSON, need no key, and answer an error as `{"error": {"message", "code"}}`.
//!
//! | `POST /_sandbox/…` | body | what |
//! |---|---|---|
//! | `checkout/sessions/{id}/complete` | `outcome`: `paid`, `declined`, `async_paid`, `async_failed`; `delay_ms`? | someone pays, or tries to. A bank debit (`async_…`) ends after the delay |
//! | `setup_intents/{id}/succeed` | `card`?: `ok`, `declined`, `authentication_required` | a card is saved, and will behave like this |
//! | `payment_methods/{id}` | `card` | the saved card behaves differently from now on |
//! | `accounts/{id}/onboard` | `payouts_enabled`? | the account is complete, or (`false`) restricted |
//! | `transfers/{id}/reverse` | `amount`? | a transfer is taken back |
//! | `charges/{id}/refund` | `amount`? | a payment is given back; `{id}` may be that of the charge, its payment intent or its session |
//! | `charges/{id}/dispute` | `amount`? | the payer objects |
//! | `disputes/{id}/close` | `status`: `won`, `lost` | the bank decides |
//! | `events/{id}/resend` | | an event is sent once more |
//! | `next` | `path`, `fault`, `times`?, `method`?, `delay_ms`? | the next requests whose path begins with `path` meet a fault; `"times": 0` takes back what was asked for this path |
//! | `webhooks` | `paused`?, `duplicates`?, `delay_ms`?, `shuffle`? | how events are sent. What was held goes out when the pause ends |
//! | `webhook_secret/roll` | `drop_old`? | a new secret signs as well; `{"drop_old": true}` ends the old ones |
//!
//! `GET /_sandbox/events` lists every event, newest first, and `GET /_sandbox/state` shows everything.
//!
//! Faults: `decline` answers a card error for payment intents and an invalid request for anything else, and is kept
//! under the idempotency key. `timeout_before` drops the connection without acting; `timeout_after` acts, keeps the
//! answer under the key, and drops the connection. `500` and `429` do not act, and, unlike a 500 of Stripe's that came
//! after it had begun, are not kept under the key. `delay` acts after `delay_ms`, with the key in use meanwhile.

mod checkout;
mod connect;
mod control;
mod core;
mod customers;
mod ids;
mod lists;
mod mirror;
mod pages;
mod params;
mod payments;
mod refunds;
mod refusal;
pub(crate) mod server;
mod state;
mod v1;
mod webhooks;

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use axum::Router;
use axum::routing::any;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use self::core::Core;

/// How the sandbox is set up.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where it listens; any free port if none is given.
    pub port: Option<u16>,
    /// The file that keeps its state over a restart; without one the state is gone with the sandbox.
    pub state_path: Option<PathBuf>,
    /// The key that callers of the API have to show.
    pub secret_key: String,
    /// What signs events, until a new one is rolled.
    pub webhook_secret: String,
    /// Where events are sent.
    pub webhook_urls: Vec<String>,
    /// Milliseconds that its clock is ahead of the system's. May change while it runs.
    pub clock_shift_millis: Arc<AtomicI64>,
    /// How long an event that did not arrive waits: the first time, doubling, and at most.
    pub redelivery_pauses: (Duration, Duration),
    /// How long an endpoint may take to answer.
    pub webhook_timeout: Duration,
    /// What the platform can transfer before anyone has paid, in cents.
    pub starting_balance_cents: i64,
    /// Where Stripe's own `stripe-mock` answers, if every accepted request shall be shown to it.
    pub mirror: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            port: None,
            state_path: None,
            secret_key: "sk_test_sandbox".to_owned(),
            webhook_secret: "whsec_sandbox".to_owned(),
            webhook_urls: Vec::new(),
            clock_shift_millis: Arc::default(),
            redelivery_pauses: (Duration::from_millis(200), Duration::from_secs(30)),
            webhook_timeout: Duration::from_secs(20),
            starting_balance_cents: 0,
            mirror: None,
        }
    }
}

/// A running sandbox. It stops when dropped; [`Sandbox::shutdown`] also waits for it.
#[derive(Debug)]
pub struct Sandbox {
    /// Where it answers, such as `http://127.0.0.1:12111`.
    pub url: String,
    core: Arc<Core>,
    stop: oneshot::Sender<()>,
    server: JoinHandle<()>,
}

impl Sandbox {
    /// Starts a sandbox.
    ///
    /// # Errors
    /// If the port is taken, or the state's file cannot be read.
    pub async fn start(options: Options) -> Result<Self> {
        let listener = listen(options.port.unwrap_or(0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let core = Core::open(url.clone(), options)?;
        core.start();
        let (stop, stopped) = oneshot::channel();
        let server = tokio::spawn({
            let core = Arc::clone(&core);
            async move {
                server::serve(listener, router(Arc::clone(&core)), stopped).await;
                core.stop().await;
            }
        });
        Ok(Self { url, core, stop, server })
    }

    /// Sends events to these addresses from now on, also those that are still waiting.
    pub fn set_webhook_urls(&self, urls: Vec<String>) {
        self.core.set_endpoints(urls);
    }

    /// The secrets that sign events, newest first.
    pub fn webhook_secrets(&self) -> Vec<String> {
        self.core.look(|state| state.secrets.clone())
    }

    /// Waits until no event is on its way and no bank debit is open. Events that a pause holds do not count.
    pub async fn settled(&self) {
        self.core.settled().await;
    }

    /// Every event so far, oldest first.
    pub fn events(&self) -> Vec<Value> {
        self.core.look(|state| state.all(state::Kind::Event).cloned().collect())
    }

    /// What the platform can transfer, in cents.
    pub fn available_cents(&self) -> i64 {
        self.core.look(|state| state.available_cents)
    }

    /// How often each endpoint of the API was called since the sandbox started, refusals and faults included, as in
    /// `GET /v1/accounts/{id}`.
    pub fn calls(&self) -> BTreeMap<String, usize> {
        core::locked(&self.core.calls).clone()
    }

    /// What `stripe-mock` refused of the requests that the sandbox accepted, and why.
    pub fn mirror_refusals(&self) -> Vec<String> {
        self.core.mirror.as_ref().map(mirror::Mirror::refusals).unwrap_or_default()
    }

    /// How many requests were shown to `stripe-mock`.
    pub fn mirrored(&self) -> usize {
        self.core.mirror.as_ref().map(mirror::Mirror::requests).unwrap_or_default()
    }

    /// Stops answering as soon as running requests are answered, and then sending events.
    ///
    /// # Errors
    /// If the server failed before.
    pub async fn shutdown(self) -> Result<()> {
        // The receiver is gone if the server has already failed; its own error says why.
        let _ = self.stop.send(());
        self.server.await.context("the Stripe sandbox failed")
    }
}

async fn listen(port: u16) -> Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(|error| match error.kind() {
        ErrorKind::AddrInUse => {
            anyhow!("port {port}, meant for Stripe, is taken: stop what listens there, or use another port")
        }
        _ => anyhow!(error).context(format!("listening on port {port} for Stripe")),
    })
}

fn router(core: Arc<Core>) -> Router {
    Router::new()
        .route("/v1/{*path}", any(v1::handle))
        .merge(control::router())
        .merge(pages::router())
        .fallback(control::not_found)
        .method_not_allowed_fallback(control::wrong_method)
        .with_state(core)
}
