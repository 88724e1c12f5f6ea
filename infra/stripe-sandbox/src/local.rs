//! A sandbox without a server, for simulations: calls reach it in the same process, and its events wait until
//! they are taken.

use std::sync::Arc;

use anyhow::Result;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{Method, Request};
use serde_json::Value;
use tower::ServiceExt;

use crate::core::Core;
use crate::state::{Fault, FaultKind, Kind, State};
use crate::{Options, control, v1, webhooks};

/// Largest body of a response to a control call, in bytes.
const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;

/// A sandbox in the same process. Cheap to clone.
#[derive(Clone, Debug)]
pub struct LocalSandbox {
    core: Arc<Core>,
    control: Router,
}

impl LocalSandbox {
    /// Creates a sandbox. It delivers no events by itself.
    ///
    /// # Errors
    /// Fails if the state file cannot be read.
    pub fn new(options: Options) -> Result<Self> {
        let core = Core::open("https://stripe.example".to_owned(), options)?;
        let control = control::router().with_state(Arc::clone(&core));
        Ok(Self { core, control })
    }

    /// Answers a request to `/v1/…` by a caller with the secret key, with a fault if one is given. Returns
    /// status and body; `None` if the connection is dropped.
    pub async fn call(
        &self,
        method: Method,
        path: &str,
        body: String,
        idempotency_key: Option<String>,
        fault: Option<FaultKind>,
    ) -> Option<(u16, Bytes)> {
        let planned =
            fault.map(|fault| Fault { path: String::new(), method: None, fault, times: 1, delay_ms: 0 });
        // A fault that a stored response has spared must not strike a later request.
        self.core.touch(|state| state.faults = planned.into_iter().collect());
        v1::answer(&self.core, method, path.parse().ok()?, body.into(), idempotency_key).await
    }

    /// A copy with the same objects and stored responses, which goes its own way from here on.
    ///
    /// # Errors
    /// Fails if the state file cannot be read.
    pub fn fork(&self, options: Options) -> Result<Self> {
        let fork = Self::new(options)?;
        let state = self.core.look(State::clone);
        fork.core.touch(|own| *own = state);
        Ok(fork)
    }

    /// Makes a control call, by its path below `/_sandbox/`.
    ///
    /// # Errors
    /// The body of the refusal.
    pub async fn control(&self, path: &str, body: &Value) -> Result<Value, Value> {
        let request = Request::post(format!("/_sandbox/{path}")).body(Body::from(body.to_string()));
        let request = request.map_err(|error| Value::String(error.to_string()))?;
        let Ok(response) = self.control.clone().oneshot(request).await;
        let status = response.status();
        let body = axum::body::to_bytes(response.into_body(), MAX_BODY_BYTES).await.unwrap_or_default();
        let body = serde_json::from_slice(&body).unwrap_or_default();
        if status.is_success() { Ok(body) } else { Err(body) }
    }

    /// The objects of a kind, oldest first.
    pub fn objects(&self, kind: Kind) -> Vec<Value> {
        self.core.look(|state| state.all(kind).cloned().collect())
    }

    /// The platform's available balance, in cents.
    pub fn available_cents(&self) -> i64 {
        self.core.look(|state| state.available_cents)
    }

    /// The events after the first `known` ones, oldest first.
    pub fn events_after(&self, known: usize) -> Vec<Value> {
        self.core.look(|state| state.all(Kind::Event).skip(known).cloned().collect())
    }

    /// The body of an event's delivery, and its `Stripe-Signature` at the sandbox's time.
    pub fn delivery(&self, event: &Value) -> (String, String) {
        self.delivery_at(event, self.core.now().as_second())
    }

    /// The body of an event's delivery, and its `Stripe-Signature` at this time, in seconds of the epoch.
    pub fn delivery_at(&self, event: &Value, seconds: i64) -> (String, String) {
        let body = event.to_string();
        let secrets = self.core.look(|state| state.secrets.clone());
        let signature = webhooks::signature(seconds, &body, &secrets);
        (body, signature)
    }
}
