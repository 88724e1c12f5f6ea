//! How a sandbox is set up.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

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
