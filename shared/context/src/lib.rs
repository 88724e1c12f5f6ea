//! What every function sets up once, before its first request: configuration, log, clock, store.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use clorp_domain::rules::BadRule;
use clorp_domain::{ApiKey, DeviceCode, Error, Rules, User, UserCode, UserId};
use clorp_store::Store;
use jiff::{SignedDuration, Timestamp};
use rand::RngExt;
use tracing::Level;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use ulid::Ulid;

// Set in `.cargo/config.toml`. A build path that misses it would make functions whose first HTTPS call is slow, which
// nothing else would notice.
const _: () = assert!(
    option_env!("AWS_LC_SYS_NO_JITTER_ENTROPY").is_some(),
    "build inside the workspace, so that .cargo/config.toml applies"
);

/// The behaviour of the AWS SDK, pinned so that an update of the SDK does not change it unnoticed.
pub fn behavior_version() -> BehaviorVersion {
    BehaviorVersion::v2026_01_12()
}

/// What a request handler works with. Cheap to clone; holds nothing that a request leaves behind.
#[derive(Clone, Debug)]
pub struct Context {
    /// The table.
    pub store: Store,
    /// The marketplace's rules.
    pub rules: Arc<Rules>,
    /// The time.
    pub clock: Clock,
}

/// Why a function cannot start.
#[derive(Debug)]
pub enum BootError {
    /// A variable that must be set is not.
    Missing(&'static str),
    /// A variable has a value that cannot be used.
    Bad(BadRule),
    /// As [`BootError::Bad`], where the value must not be shown.
    Unusable(&'static str),
}

impl fmt::Display for BootError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(name) => write!(f, "{name} must be set"),
            Self::Bad(rule) => rule.fmt(f),
            Self::Unusable(name) => write!(f, "{name} has a value that cannot be used"),
        }
    }
}

impl std::error::Error for BootError {}

/// A variable's value, if it is set and not empty.
pub fn var(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

impl Context {
    /// The account of an authenticated caller.
    ///
    /// # Errors
    /// Faults only: a credential always has an owner.
    pub async fn account(&self, caller: &UserId) -> Result<User, Error> {
        let user = self.store.user(caller).await?;
        user.ok_or_else(|| Error::internal("a key's owner does not exist"))
    }

    /// Sets up from the environment: `CLORP_TABLE`, and the rules' variables.
    ///
    /// # Errors
    /// [`BootError`] names the variable that is missing or unusable.
    pub async fn from_env(aws: &SdkConfig) -> Result<Self, BootError> {
        let table = var("CLORP_TABLE").ok_or(BootError::Missing("CLORP_TABLE"))?;
        let rules = Rules::from_vars(var).map_err(BootError::Bad)?;
        let store = Store::new(aws_sdk_dynamodb::Client::new(aws), table);
        // Opens the connection while the sandbox is still in its free, full-speed start phase.
        if let Err(error) = store.warm_up().await {
            tracing::warn!(?error, "could not reach the table at start");
        }
        Ok(Self { store, rules: Arc::new(rules), clock: Clock::system() })
    }
}

/// The AWS configuration from the environment, with timeouts far below the gateway's 30 seconds.
///
/// # Errors
/// [`BootError`] if `AWS_REGION` is not set: without it the SDK would ask the instance metadata service, which a
/// Lambda does not have, and wait a second for no answer.
pub async fn aws_config() -> Result<SdkConfig, BootError> {
    let region = var("AWS_REGION").ok_or(BootError::Missing("AWS_REGION"))?;
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(1))
        .operation_attempt_timeout(Duration::from_secs(2))
        .operation_timeout(Duration::from_secs(6))
        .build();
    let retries =
        RetryConfig::standard().with_max_attempts(3).with_initial_backoff(Duration::from_millis(50));
    let loader = aws_config::defaults(behavior_version()).region(Region::new(region));
    Ok(loader.timeout_config(timeouts).retry_config(retries).load().await)
}

/// Where the AWS SDK traces requests and answers.
const SENSITIVE_TARGETS: [&str; 2] = ["aws_sigv4", "aws_smithy_runtime::client::orchestrator"];

/// Starts the log: one JSON object a line on standard output, filtered by `RUST_LOG`.
pub fn start_log() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    // A second start, as when two functions share a test process, keeps the first.
    let _ = log_to(std::io::stdout, filter).try_init();
}

/// The log as [`start_log`] starts it, to another place or of another detail. Whatever the filter lets through, what
/// the AWS SDK signs, sends and receives stays out: prompts, outputs, files' names and what users gave to workers alone
/// are in it.
pub fn log_to<W>(writer: W, filter: EnvFilter) -> impl SubscriberInitExt
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let log = tracing_subscriber::fmt().json().flatten_event(true).with_env_filter(filter);
    log.with_writer(writer).finish().with(filter_fn(|event| {
        *event.level() != Level::TRACE
            || !SENSITIVE_TARGETS.iter().any(|target| event.target().starts_with(target))
    }))
}

/// Where the time comes from.
#[derive(Clone, Debug)]
pub struct Clock {
    shift_millis: Arc<AtomicI64>,
}

impl Clock {
    /// The system's clock.
    pub fn system() -> Self {
        Self::shifted(Arc::new(AtomicI64::new(0)))
    }

    /// The system's clock plus a number of milliseconds that may change while it runs, for simulations.
    pub const fn shifted(shift_millis: Arc<AtomicI64>) -> Self {
        Self { shift_millis }
    }

    /// The time, in whole milliseconds.
    pub fn now(&self) -> Timestamp {
        let shift = SignedDuration::from_millis(self.shift_millis.load(Ordering::Relaxed));
        clorp_domain::time::to_millis(Timestamp::now().saturating_add(shift).unwrap_or(Timestamp::MAX))
    }
}

/// A fresh API key.
pub fn new_api_key() -> ApiKey {
    let mut rng = rand::rng();
    ApiKey::from_random(std::array::from_fn(|_| rng.random_range(0..62)))
}

/// A fresh device code.
pub fn new_device_code() -> DeviceCode {
    let mut rng = rand::rng();
    DeviceCode::from_random(std::array::from_fn(|_| rng.random_range(0..62)))
}

/// A fresh user code.
pub fn new_user_code() -> UserCode {
    let mut rng = rand::rng();
    UserCode::from_random(std::array::from_fn(|_| rng.random_range(0..20)))
}

/// A fresh identifier made at `now`.
pub fn new_ulid(now: Timestamp) -> Ulid {
    ulid_at(now, rand::random())
}

/// The identifier made at `at` whose random part has these bits, of which it takes 80.
pub fn ulid_at(at: Timestamp, bits: u128) -> Ulid {
    Ulid::from_parts(u64::try_from(at.as_millisecond()).unwrap_or(0), bits)
}
