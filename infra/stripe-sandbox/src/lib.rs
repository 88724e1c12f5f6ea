//! A local stand-in for Stripe: the part of Stripe's API that this project uses, the pages that Stripe hosts,
//! and signed webhooks. Control calls play the payer, the bank, the owner of an account, and failures of
//! Stripe.
//!
//! Requests to `/v1/…` need the secret key and are answered as Stripe answers them. The sandbox rejects
//! unknown parameters, including those that Stripe has but the sandbox does not simulate, currencies other
//! than `usd`, and requests on behalf of a connected account. An unknown object in a path is a 404
//! `resource_missing`; an unknown account is a 403 `account_invalid`, as with Stripe. Amounts are in US
//! cents. The platform's available balance is its starting balance and the net amounts of all balance
//! transactions. A dispute costs a fee of $15.00; nothing else does. Payments are available at once. Success
//! URLs may contain `{CHECKOUT_SESSION_ID}`, and every endpoint accepts `expand[]`.
//!
//! The sandbox stores the first response of an executed request for 24 hours under its idempotency key,
//! including errors such as a declined card. A request that is rejected before execution, for example because
//! a parameter is missing or the key is in use, leaves the key free.
//!
//! Each endpoint receives its events in order, one at a time. A failed event is retried with growing pauses
//! until the endpoint answers with a 2xx. It does not hold up later events.
//!
//! # Control calls
//! Control calls take and return JSON and need no key. An error has the form `{"error": {"message",
//! "code"}}`. A question mark marks an optional field. All paths begin with `POST /_sandbox/`:
//!
//! - `checkout/sessions/{id}/complete` with `outcome` (`paid`, `declined`, `async_paid`, `async_failed` or
//!   `async_pending`), `delay_ms`? and `fingerprint`? pays a session, or fails to. A bank debit (`async_…`)
//!   ends after the delay, or pends.
//! - `payment_intents/{id}/settle` with `outcome` (`paid` or `failed`) ends a bank debit that pends.
//! - `setup_intents/{id}/succeed` with `type`? (`card` or `us_bank_account`), `card`? (`ok`, `declined` or
//!   `authentication_required`) and `fingerprint`? saves a payment method. A card behaves as `card` says, and
//!   a bank debit pends.
//! - `payment_methods/{id}` with `card`? and `fingerprint`? changes how the saved card behaves, or its
//!   fingerprint. Without a control call each payment method and each payee's bank account has its own.
//! - `payment_methods/{id}/detach`, `customers/{id}/delete` and `accounts/{id}/delete` let objects vanish.
//! - `accounts/{id}/onboard` with `payouts_enabled`?, `transfers`? (`active`, `inactive` or `pending`) and
//!   `fingerprint`? completes an account, or restricts it. `accounts/{id}/reject` rejects it.
//! - `transfers/{id}/reverse` with `amount`? reverses a transfer.
//! - `charges/{id}/refund` with `amount`? and `pending`? refunds a payment. `{id}` may be the charge, its
//!   payment intent, or its Checkout session.
//! - `refunds/{id}/succeed` lets the bank accept a pending refund. `refunds/{id}/fail` with `reason`? lets it
//!   reject any refund: the charge's `amount_refunded` falls again.
//! - `charges/{id}/dispute` with `amount`?, `inquiry`? and `withdrawn`? opens a dispute by the payer. Without
//!   an amount it is about what was not refunded. The bank withdraws the amount at once, nothing for an
//!   inquiry, or what `withdrawn` says.
//! - `disputes/{id}/update` with `status`? and `amount`? changes what the bank reports, and moves no money.
//! - `disputes/{id}/escalate` with `amount`? turns an inquiry into a dispute, and withdraws the amount.
//! - `disputes/{id}/withdraw` and `disputes/{id}/reinstate` with `amount` move money, whatever the dispute's
//!   status and amount are.
//! - `disputes/{id}/close` with `status` (`won`, `lost` or `warning_closed`), `amount`?, `reinstated`? and
//!   `again`? lets the bank decide. The platform gets back everything if it won, and what exceeds the amount
//!   if it lost, or what `reinstated` says. `again` decides a decided dispute again.
//! - `events/{id}/resend` sends an event once more.
//! - `next` with `path`, `fault`, `times`?, `method`? and `delay_ms`? injects a fault into the next requests
//!   whose path begins with `path`. `"times": 0` removes the faults of that path.
//! - `webhooks` with `paused`?, `duplicates`?, `delay_ms`? and `shuffle`? sets how events are delivered. Held
//!   events go out when the pause ends.
//! - `webhook_secret/roll` with `drop_old`? adds a secret that signs as well. `{"drop_old": true}` removes
//!   the old ones.
//! - `secret_key/roll` replaces the secret API key. The old one is refused at once.
//!
//! `GET /_sandbox/events` lists every event, newest first, and `GET /_sandbox/state` returns the whole state.
//!
//! # Faults
//! `decline` answers with a card error for payment intents, and with an invalid request otherwise. The
//! response is stored under the idempotency key. `timeout_before` drops the connection without executing the
//! request. `timeout_after` executes it, stores the response under the key, and drops the connection. `500`
//! and `429` do not execute it, and are not stored, as if they had occurred before execution began. Stripe
//! stores a 500 that follows the beginning: `500_kept` executes nothing and stores the 500 under the key, and
//! `500_after` executes the request and stores a 500 all the same. `delay` executes the request after
//! `delay_ms`, and holds the key meanwhile.

mod accounts;
mod balance;
mod change;
mod checkout;
mod control;
mod core;
mod customers;
mod disputes;
mod ids;
mod line_items;
mod lists;
mod local;
mod methods;
mod mirror;
mod options;
mod pages;
mod params;
mod payments;
mod refunds;
mod refusal;
mod setup_intents;
mod state;
mod sync;
mod transfers;
mod v1;
mod webhooks;

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context, Result};
use axum::Router;
use axum::routing::any;
use clorp_stand_in::server;
use serde_json::Value;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub use local::LocalSandbox;
pub use options::Options;
pub use state::{FaultKind, Kind};

use self::core::Core;

/// A running sandbox. Dropping it stops it; [`Sandbox::shutdown`] also waits until it has stopped.
#[derive(Debug)]
pub struct Sandbox {
    /// The base URL, such as `http://127.0.0.1:12111`.
    pub url: String,
    core: Arc<Core>,
    stop: oneshot::Sender<()>,
    server: JoinHandle<()>,
}

impl Sandbox {
    /// Starts a sandbox.
    ///
    /// # Errors
    /// Fails if the port is in use, or if the state file cannot be read.
    pub async fn start(options: Options) -> Result<Self> {
        let listener = server::listen(options.port.unwrap_or(0), "Stripe").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let urls = options.webhook_urls.clone();
        let core = Core::open(url.clone(), options)?;
        webhooks::send_to(&core, urls);
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

    /// Replaces the endpoints that receive events, including events that still wait.
    pub fn set_webhook_urls(&self, urls: Vec<String>) {
        webhooks::send_to(&self.core, urls);
    }

    /// The secrets that sign events, newest first.
    pub fn webhook_secrets(&self) -> Vec<String> {
        self.core.look(|state| state.secrets.clone())
    }

    /// Waits until no event is undelivered and no bank debit is open. Events held by a pause do not count.
    pub async fn settled(&self) {
        self.core.settled().await;
    }

    /// All events, oldest first.
    pub fn events(&self) -> Vec<Value> {
        self.core.look(|state| state.all(state::Kind::Event).cloned().collect())
    }

    /// The platform's available balance, in cents.
    pub fn available_cents(&self) -> i64 {
        self.core.look(|state| state.available_cents)
    }

    /// Number of calls of each API endpoint since the sandbox started, such as `GET /v1/accounts/{id}`.
    /// Rejected and failed requests count too.
    pub fn calls(&self) -> BTreeMap<String, usize> {
        sync::locked(&self.core.calls).clone()
    }

    /// The accepted requests that `stripe-mock` rejected, with its reasons.
    pub fn mirror_refusals(&self) -> Vec<String> {
        self.core.mirror.as_ref().map(mirror::Mirror::refusals).unwrap_or_default()
    }

    /// Number of requests that were sent to `stripe-mock`.
    pub fn mirrored(&self) -> usize {
        self.core.mirror.as_ref().map(mirror::Mirror::requests).unwrap_or_default()
    }

    /// Stops the server after its running requests are answered, then stops sending events.
    ///
    /// # Errors
    /// Fails if the server has failed before.
    pub async fn shutdown(self) -> Result<()> {
        // Sending fails only if the server has already failed. Its own error says why.
        let _ = self.stop.send(());
        self.server.await.context("the Stripe sandbox failed")
    }
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
