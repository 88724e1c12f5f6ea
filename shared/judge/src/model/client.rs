//! The client that asks a model over HTTP.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use aws_credential_types::provider::SharedCredentialsProvider;
use clorp_outbound::{Https, Limits};
use clorp_secrets::Secret;
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use hyper::{Request, StatusCode};
use tokio::time::Instant;

use super::Question;
use super::answer::{Malformed, RawAnswer, Spent, parse};
use super::config::{Api, Auth, ConfigError, ModelConfig};
use super::envelope::Envelope;
use super::orders::Order;
use super::sign::Signer;

/// Timeout for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Largest response body, in bytes.
const MAX_RESPONSE_BYTES: usize = 1024 * 1024;
/// Most calls for one response, if the service is unavailable.
const MAX_ATTEMPTS: u32 = 4;
/// Pause before the second attempt. It doubles before each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(400);
/// Most answers for one question, if they are malformed.
const MAX_ANSWERS: u32 = 2;
/// Longest quoted part of an error's body, in characters.
const MAX_EXCERPT: usize = 200;
/// Version of Anthropic's API.
const ANTHROPIC_VERSION: HeaderValue = HeaderValue::from_static("2023-06-01");

/// A model that can be asked. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Model {
    config: ModelConfig,
    signer: Option<Signer>,
    https: Https,
}

/// The reason for a missing answer, and the cost of getting none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unanswered {
    /// The model's answers could not be used. Another order, or another model, may do better.
    Malformed {
        /// Fault of the last answer.
        reason: Malformed,
        /// Calls and tokens that were spent.
        spent: Spent,
    },
    /// The service refused the request, because of a wrong key or name for example. Every request will fail
    /// until the configuration is changed.
    Refused {
        /// HTTP status.
        status: u16,
        /// Start of the response's body, without the key, for the log.
        excerpt: String,
        /// Calls and tokens that were spent.
        spent: Spent,
    },
    /// The service did not respond in time. The call can be repeated later.
    Unavailable {
        /// Last fault, for the log.
        cause: String,
        /// Calls and tokens that were spent.
        spent: Spent,
    },
}

impl Unanswered {
    /// Calls and tokens that were spent.
    pub const fn spent(&self) -> Spent {
        match self {
            Self::Malformed { spent, .. } | Self::Refused { spent, .. } | Self::Unavailable { spent, .. } => {
                *spent
            }
        }
    }
}

impl fmt::Display for Unanswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed { reason, .. } => write!(f, "the model's answer cannot be used: {reason}"),
            Self::Refused { status, excerpt, .. } => {
                write!(f, "the model's service refused the request: status {status}: {excerpt}")
            }
            Self::Unavailable { cause, .. } => write!(f, "the model's service is unavailable: {cause}"),
        }
    }
}

impl Error for Unanswered {}

/// The end of a call without a usable response.
enum Fault {
    /// Not worth another attempt.
    Refused { status: u16, excerpt: String },
    /// Worth another attempt, after `wait` if the service names a time.
    Passing { cause: String, wait: Option<Duration> },
}

impl Model {
    /// A client for a configured model. `credentials` sign the requests to AWS, and are needed for nothing
    /// else.
    ///
    /// # Errors
    /// [`ConfigError::NoCredentials`] if requests are to be signed and `credentials` is `None`.
    pub fn new(
        config: ModelConfig,
        credentials: Option<SharedCredentialsProvider>,
    ) -> Result<Self, ConfigError> {
        let signer = match &config.auth {
            Auth::Aws { region } => {
                let credentials = credentials.ok_or(ConfigError::NoCredentials)?;
                Some(Signer { region: region.clone(), credentials })
            }
            Auth::Key(_) | Auth::None => None,
        };
        Ok(Self { config, signer, https: Https::new(CONNECT_TIMEOUT) })
    }

    /// The same model, reached by another client. For simulations.
    #[must_use]
    pub fn with_https(self, https: Https) -> Self {
        Self { https, ..self }
    }

    /// The configuration.
    pub const fn config(&self) -> &ModelConfig {
        &self.config
    }

    /// Lets the model read the question in one order. The answer passes [`parse`].
    ///
    /// Calls are repeated while the service is overloaded or unreachable, and end before `deadline`. A
    /// malformed answer gets one more try, which names the fault to the model.
    ///
    /// # Errors
    /// [`Unanswered`], with what was spent.
    pub async fn ask(
        &self,
        question: &Question,
        order: &Order,
        deadline: Instant,
    ) -> Result<RawAnswer, Unanswered> {
        let (began, mut spent, mut earlier) = (Instant::now(), Spent::default(), None);
        for _ in 0..MAX_ANSWERS {
            let body = self.config.body(question, order, earlier).to_string();
            let body = self.call(body.into(), deadline, &mut spent).await?;
            let Envelope { spent: more, answer } = Envelope::open(self.config.api, &body);
            spent.add(more);
            let checked = answer.and_then(|(model, body)| {
                let latency_millis = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
                let raw = RawAnswer { order: order.index(), body, model, spent, latency_millis };
                parse(order, &raw).map(|_| raw)
            });
            match checked {
                Ok(raw) => return Ok(raw),
                Err(reason) => earlier = Some(reason),
            }
        }
        Err(Unanswered::Malformed { reason: earlier.unwrap_or(Malformed::NoAnswer), spent })
    }

    /// Sends a request until the service responds with success. Counts the calls that do not. A refused key
    /// is no reason to stop if another one has taken its place.
    async fn call(&self, body: Bytes, deadline: Instant, spent: &mut Spent) -> Result<Bytes, Unanswered> {
        let mut last = "no time left".to_owned();
        for attempt in 0..MAX_ATTEMPTS {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let time = left.min(self.config.timeout);
            let key = self.key().await;
            let fault = match self.send(body.clone(), key.as_ref(), time).await {
                Ok(body) => return Ok(body),
                Err(fault) => fault,
            };
            spent.calls = spent.calls.saturating_add(1);
            let (cause, wait) = match fault {
                Fault::Refused { status: 401, excerpt } if self.is_rolled(key.as_ref()).await => {
                    tracing::warn!(excerpt, model = self.config.model, "the model's key was rolled");
                    last = excerpt;
                    continue;
                }
                Fault::Refused { status, excerpt } => {
                    return Err(Unanswered::Refused { status, excerpt, spent: *spent });
                }
                Fault::Passing { cause, wait } => (cause, wait),
            };
            tracing::warn!(cause, attempt, model = self.config.model, "a call of the model failed");
            last = cause;
            let pause = wait.unwrap_or_else(|| backoff(attempt));
            // A pause that reaches the deadline leaves no time for a call.
            if attempt + 1 == MAX_ATTEMPTS || Instant::now() + pause >= deadline {
                break;
            }
            tokio::time::sleep(pause).await;
        }
        Err(Unanswered::Unavailable { cause: last, spent: *spent })
    }

    /// The current key; `None` if the service takes none.
    async fn key(&self) -> Option<Secret> {
        match &self.config.auth {
            Auth::Key(key) => Some(key.current().await),
            Auth::None | Auth::Aws { .. } => None,
        }
    }

    async fn is_rolled(&self, refused: Option<&Secret>) -> bool {
        match (&self.config.auth, refused) {
            (Auth::Key(key), Some(refused)) => key.is_rolled(refused).await,
            _ => false,
        }
    }

    async fn send(&self, body: Bytes, key: Option<&Secret>, time: Duration) -> Result<Bytes, Fault> {
        let request = self.request(body, key).await.map_err(Fault::passing)?;
        let limits = Limits { time, bytes: MAX_RESPONSE_BYTES };
        let response = self.https.send(request, limits).await.map_err(Fault::passing)?;
        let (head, body) = response.into_parts();
        match head.status {
            status if status.is_success() => Ok(body),
            status if is_passing(status) => Err(Fault::Passing {
                cause: format!("status {}: {}", status.as_u16(), excerpt(&body, key)),
                wait: retry_after(&head.headers),
            }),
            status => Err(Fault::Refused { status: status.as_u16(), excerpt: excerpt(&body, key) }),
        }
    }

    async fn request(&self, body: Bytes, key: Option<&Secret>) -> Result<Request<Bytes>, String> {
        let mut request = Request::post(&self.config.url)
            .header(CONTENT_TYPE, "application/json")
            .body(body)
            .map_err(|error| error.to_string())?;
        let headers = request.headers_mut();
        if self.config.api == Api::Messages {
            headers.insert("anthropic-version", ANTHROPIC_VERSION);
        }
        if let Some(key) = key {
            let (name, value) = match self.config.api {
                Api::ChatCompletions => (AUTHORIZATION.as_str(), format!("Bearer {}", key.expose())),
                Api::Messages => ("x-api-key", key.expose().to_owned()),
            };
            let mut value = HeaderValue::try_from(value).map_err(|_| "the key cannot be sent".to_owned())?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        if let Some(signer) = &self.signer {
            signer.sign(&mut request).await?;
        }
        Ok(request)
    }
}

/// The start of an error's body. Services quote wrong keys, so the key is taken out.
fn excerpt(body: &[u8], key: Option<&Secret>) -> String {
    let text = String::from_utf8_lossy(body);
    let text = key.map_or_else(|| text.to_string(), |key| text.replace(key.expose(), "…"));
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_EXCERPT).collect()
}

impl Fault {
    fn passing(cause: impl Into<String>) -> Self {
        Self::Passing { cause: cause.into(), wait: None }
    }
}

fn is_passing(status: StatusCode) -> bool {
    status.is_server_error() || [StatusCode::TOO_MANY_REQUESTS, StatusCode::REQUEST_TIMEOUT].contains(&status)
}

/// The wait that the service asks for. A date is ignored: the services send seconds.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

/// The pause after this attempt, between a half and the whole of the doubled pause, so that concurrent calls
/// do not return at once.
fn backoff(attempt: u32) -> Duration {
    let pause = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(attempt));
    clorp_random::random_range(pause / 2..=pause)
}
