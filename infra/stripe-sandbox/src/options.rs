//! Configuration of a sandbox.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use clorp_clock::Clock;

/// Configuration of a sandbox.
#[derive(Clone, Debug)]
pub struct Options {
    /// The port to listen on; `None` for any free port.
    pub port: Option<u16>,
    /// The file that keeps the state over a restart; `None` to keep it in memory only.
    pub state_path: Option<PathBuf>,
    /// The secret API key that callers must send, until a new one is rolled.
    pub secret_key: String,
    /// The secret that signs events, until a new one is rolled.
    pub webhook_secret: String,
    /// The endpoints that receive events.
    pub webhook_urls: Vec<String>,
    /// The clock.
    pub clock: Clock,
    /// Offset from that clock, in milliseconds. May change while the sandbox runs.
    pub clock_shift_millis: Arc<AtomicI64>,
    /// Pauses before a failed event is retried: the first one, which doubles each time, and the longest one.
    pub redelivery_pauses: (Duration, Duration),
    /// Time that an endpoint has to answer an event.
    pub webhook_timeout: Duration,
    /// The platform's available balance before any payment, in cents.
    pub starting_balance_cents: i64,
    /// The URL of Stripe's own `stripe-mock`, if it shall check every request that the sandbox accepts.
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
            clock: Clock::system(),
            clock_shift_millis: Arc::default(),
            redelivery_pauses: (Duration::from_millis(200), Duration::from_secs(30)),
            webhook_timeout: Duration::from_secs(20),
            starting_balance_cents: 0,
            mirror: None,
        }
    }
}
