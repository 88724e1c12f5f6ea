//! Context of every function, set up once before the first request: configuration, log, clock, store.

pub mod metrics;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
pub use clorp_clock::Clock;
use clorp_domain::rules::BadRule;
use clorp_domain::{ApiKey, DeviceCode, Error, Rules, User, UserCode, UserId};
use clorp_random::{random, random_range};
use clorp_store::Store;
use jiff::Timestamp;
use tracing::Level;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format;
use tracing_subscriber::fmt::format::JsonFields;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use ulid::Ulid;

use crate::metrics::Lines;

// Set in `.cargo/config.toml`. Without it the first HTTPS call of a function is slow, and no test would
// notice.
const _: () = assert!(
    option_env!("AWS_LC_SYS_NO_JITTER_ENTROPY").is_some(),
    "build inside the workspace, so that .cargo/config.toml applies"
);

/// Behavior version of the AWS SDK, pinned so that an SDK update cannot change it silently.
pub fn behavior_version() -> BehaviorVersion {
    BehaviorVersion::v2026_01_12()
}

/// Dependencies of a request handler. Cheap to clone; holds no state of requests.
#[derive(Clone, Debug)]
pub struct Context {
    /// Access to the table.
    pub store: Store,
    /// Rules of the marketplace.
    pub rules: Arc<Rules>,
    /// Source of the time.
    pub clock: Clock,
}

/// Configuration error that prevents the start of a function.
#[derive(Debug)]
pub enum BootError {
    /// A required variable is not set.
    Missing(&'static str),
    /// A variable has an invalid value.
    Bad(BadRule),
    /// A variable has an invalid value, which is a secret and must not be shown.
    Unusable(&'static str),
    /// The secret that `CLORP_SECRET_ARN` names cannot be used, for this reason. It names no value.
    Secret(String),
}

impl fmt::Display for BootError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(name) => write!(f, "{name} must be set"),
            Self::Bad(rule) => rule.fmt(f),
            Self::Unusable(name) => write!(f, "{name} has an invalid value"),
            Self::Secret(why) => write!(f, "the secret of CLORP_SECRET_ARN cannot be used: {why}"),
        }
    }
}

impl std::error::Error for BootError {}

/// Value of an environment variable; `None` if it is unset or empty.
pub fn var(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

impl Context {
    /// Account of an authenticated caller.
    ///
    /// # Errors
    /// Faults only. A credential whose owner does not exist is a fault.
    pub async fn account(&self, caller: &UserId) -> Result<User, Error> {
        let user = self.store.users().get(caller).await?;
        user.ok_or_else(|| Error::internal("a key's owner does not exist"))
    }

    /// Reads the environment: `CLORP_TABLE`, and the variables of the rules.
    ///
    /// # Errors
    /// [`BootError`] for the first variable that is missing or unusable.
    pub async fn from_env(aws: &SdkConfig) -> Result<Self, BootError> {
        let table = var("CLORP_TABLE").ok_or(BootError::Missing("CLORP_TABLE"))?;
        let rules = Rules::from_vars(var).map_err(BootError::Bad)?;
        let store = Store::new(aws_sdk_dynamodb::Client::new(aws), table);
        // Connects during the sandbox's init phase, which runs at full speed and is free.
        if let Err(error) = store.warm_up().await {
            tracing::warn!(?error, "could not reach the table at start");
        }
        Ok(Self { store, rules: Arc::new(rules), clock: Clock::system() })
    }
}

/// AWS configuration from the environment, with timeouts far below the gateway's 30 seconds.
///
/// # Errors
/// [`BootError`] if `AWS_REGION` is not set. The SDK would otherwise spend a second on the instance metadata
/// service, which a Lambda does not have.
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

/// Log targets under which the AWS SDK traces the contents of requests and responses.
const SENSITIVE_TARGETS: [&str; 2] = ["aws_sigv4", "aws_smithy_runtime::client::orchestrator"];

/// Starts the log: JSON objects, one per line, on standard output, filtered by `RUST_LOG`. Metrics go to the
/// namespace in `CLORP_METRICS_NAMESPACE`.
pub fn start_log() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    // A second start, as in a test process with two functions, keeps the first log.
    let _ = log_to(std::io::stdout, filter, var("CLORP_METRICS_NAMESPACE")).try_init();
}

/// The log of [`start_log`], with another writer, filter and namespace of metrics. Regardless of the filter,
/// it includes metrics, and excludes the contents that the AWS SDK signs, sends and receives: those include
/// prompts, outputs, file names and the private context for workers.
pub fn log_to<W>(writer: W, filter: EnvFilter, namespace: Option<String>) -> impl SubscriberInitExt
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = match format!("{}=info", metrics::TARGET).parse() {
        Ok(metrics) => filter.add_directive(metrics),
        Err(_) => filter,
    };
    let lines = Lines { json: format().json().flatten_event(true), namespace };
    let log = tracing_subscriber::fmt().fmt_fields(JsonFields::new()).event_format(lines);
    log.with_env_filter(filter).with_writer(writer).finish().with(filter_fn(|event| {
        *event.level() != Level::TRACE
            || !SENSITIVE_TARGETS.iter().any(|target| event.target().starts_with(target))
    }))
}

/// A new random API key.
pub fn new_api_key() -> ApiKey {
    ApiKey::from_random(std::array::from_fn(|_| random_range(0..62)))
}

/// A new random device code.
pub fn new_device_code() -> DeviceCode {
    DeviceCode::from_random(std::array::from_fn(|_| random_range(0..62)))
}

/// A new random user code.
pub fn new_user_code() -> UserCode {
    UserCode::from_random(std::array::from_fn(|_| random_range(0..20)))
}

/// A new random identifier with the time `now`.
pub fn new_ulid(now: Timestamp) -> Ulid {
    ulid_at(now, random())
}

/// The identifier with the time `at`, whose random part is the lower 80 of these bits.
pub fn ulid_at(at: Timestamp, bits: u128) -> Ulid {
    Ulid::from_parts(u64::try_from(at.as_millisecond()).unwrap_or(0), bits)
}
