//! The client of the API: retries, rate limits, idempotency keys, pages, event streams.

mod call;
pub mod calls;
#[cfg(test)]
mod contract;
mod events;
mod limits;
mod text;
mod transport;
pub mod types;

use std::collections::HashMap;
use std::fmt::Display;
use std::future::Future;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::{Method, Request as HttpRequest};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;

pub use call::{Call, Request};
pub use events::Stream;
pub use text::Text;
pub use transport::Response;

use crate::credentials::{KEY_VARIABLE, Settings, Source};
use crate::exit::Exit;
use crate::failure::{ErrorAnswer, Failure, Result};
use crate::output::Output;
use transport::Transport;

/// Time for one exchange with the API, whose gateway answers within 30 seconds.
const EXCHANGE: Duration = Duration::from_secs(40);
/// Time for the bytes of one file.
const FILE_EXCHANGE: Duration = Duration::from_secs(600);
/// Attempts of a request that gets no response at all.
const CONNECT_ATTEMPTS: u32 = 4;
/// Attempts of a request that gets a response.
const ATTEMPTS: u32 = 8;
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(8);
/// The most entries of a page.
const PAGE: usize = 100;

/// Options of a command that shape its requests.
#[derive(Clone, Debug)]
pub struct Options {
    /// True if requests that change something are shown and not sent.
    pub dry_run: bool,
    /// The longest time for which a request waits for a limit or a failing service.
    pub retry_for: Duration,
    /// The caller's name for the command, under which its repetition has no second effect.
    pub idempotency_key: Option<String>,
}

/// A response that the API documents.
#[derive(Debug)]
pub struct Reply<A> {
    /// The body, as far as the command line reads it.
    pub value: A,
    /// The whole body.
    pub json: String,
    /// HTTP status.
    pub status: u16,
}

/// An entry of a list.
#[derive(Debug)]
pub struct Item<T> {
    /// The entry, as far as the command line reads it.
    pub value: T,
    /// The whole entry.
    pub json: Box<RawValue>,
}

/// A client of the API.
#[derive(Debug)]
pub struct Api {
    settings: Settings,
    options: Options,
    output: Output,
    transport: Transport,
    /// The beginning of every idempotency key of this command.
    command_id: String,
    /// The number of requests that have taken a key.
    keys_taken: AtomicU64,
    /// The server's clock less this machine's, in seconds.
    clock_offset: AtomicI64,
    /// The end of the pause for each operation whose rate limit is used up.
    pauses: Mutex<HashMap<&'static str, Instant>>,
}

impl Api {
    /// A client with these settings, which tells `output` when it waits.
    pub fn new(settings: Settings, options: Options, output: Output) -> Self {
        let random = || format!("clorp-{:032x}", rand::random::<u128>());
        Self {
            command_id: options.idempotency_key.clone().unwrap_or_else(random),
            settings,
            options,
            output,
            transport: Transport::default(),
            keys_taken: AtomicU64::new(0),
            clock_offset: AtomicI64::new(0),
            pauses: Mutex::default(),
        }
    }

    /// A client with another key, at this address or at the same one.
    ///
    /// # Errors
    /// Fails if the address is not safe.
    pub fn with_key(&self, url: Option<&str>, key: &str) -> Result<Self> {
        let url = url.unwrap_or(&self.settings.api_url).to_owned();
        let settings = Settings::choose(Some(url), Some(key.to_owned()), None, None)?;
        Ok(Self::new(settings, self.options.clone(), self.output))
    }

    /// The API's address.
    pub fn url(&self) -> &str {
        &self.settings.api_url
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// True if requests that change something are shown and not sent.
    pub fn is_dry_run(&self) -> bool {
        self.options.dry_run
    }

    /// The time on the server's clock, in whole milliseconds as the API's times.
    pub fn now(&self) -> Timestamp {
        let offset = self.clock_offset.load(Ordering::Relaxed).saturating_mul(1000);
        let now = Timestamp::now();
        Timestamp::from_millisecond(now.as_millisecond().saturating_add(offset)).unwrap_or(now)
    }

    /// Sends a request until it has an answer, and reads the answer.
    pub async fn send<A: DeserializeOwned>(&self, request: Request<A>) -> Result<Reply<A>> {
        let response = self.exchange(&request).await?;
        let text = if response.body.is_empty() { "null".to_owned() } else { text(&response)? };
        let value = serde_json::from_str(&text).map_err(|error| unreadable(&request, &error))?;
        Ok(Reply { value, json: text, status: response.status })
    }

    /// Reads a list of at most this many entries, page by page.
    pub async fn list<T: DeserializeOwned>(
        &self,
        request: Request<Vec<T>>,
        limit: usize,
    ) -> Result<Vec<Item<T>>> {
        let mut items = Vec::new();
        let mut cursor: Option<String> = None;
        while items.len() < limit {
            let page = request.clone().query("limit", Some(PAGE.min(limit - items.len())));
            let response = self.exchange(&page.query("cursor", cursor.as_ref())).await?;
            let raw: Vec<Box<RawValue>> =
                serde_json::from_str(&text(&response)?).map_err(|error| unreadable(&request, &error))?;
            for json in raw {
                let value = serde_json::from_str(json.get()).map_err(|error| unreadable(&request, &error))?;
                items.push(Item { value, json });
            }
            cursor = response.header("x-next-cursor").map(str::to_owned);
            if cursor.is_none() {
                break;
            }
        }
        Ok(items)
    }

    /// Reads the events of a stream; `None` if it is complete.
    pub async fn events<T: DeserializeOwned>(&self, request: Request<T>) -> Result<Option<Stream<T>>> {
        let response = self.exchange(&request).await?;
        if response.status == 204 {
            return Ok(None);
        }
        let stream = Stream::parse(&text(&response)?).map_err(|error| unreadable(&request, &error))?;
        Ok(Some(stream))
    }

    /// Uploads the bytes of a file to the signed address that the API gave.
    pub async fn upload(&self, put: &types::SignedPut, bytes: &[u8]) -> Result<()> {
        let send = async || {
            let mut request = HttpRequest::builder().method(put.method.raw()).uri(put.url.raw());
            for (name, value) in &put.headers {
                request = request.header(name.as_str(), value.raw());
            }
            let request = request.body(Full::new(Bytes::copy_from_slice(bytes)));
            self.transport.send(request.map_err(|error| error.to_string())?, FILE_EXCHANGE).await
        };
        self.storage(send, "the upload").await.map(|_| ())
    }

    /// Downloads a file from its signed address.
    pub async fn download(&self, url: &Text) -> Result<Bytes> {
        let send = async || {
            let request = HttpRequest::builder().uri(url.raw()).body(Full::default());
            self.transport.send(request.map_err(|error| error.to_string())?, FILE_EXCHANGE).await
        };
        self.storage(send, "the download").await.map(|response| response.body)
    }

    /// An exchange with the storage of files, which takes no key.
    async fn storage<F>(&self, send: impl Fn() -> F, what: &str) -> Result<Response>
    where
        F: Future<Output = std::result::Result<Response, String>>,
    {
        let mut attempt = 1;
        loop {
            let problem = match send().await {
                Ok(response) if (200..300).contains(&response.status) => return Ok(response),
                Ok(response) if response.status < 500 => {
                    let message = format!("the storage of files refused {what} ({})", response.status);
                    return Err(Failure::new(Exit::Failure, message));
                }
                Ok(response) => format!("status {}", response.status),
                Err(reason) => reason,
            };
            if attempt >= CONNECT_ATTEMPTS {
                let message = format!("the storage of files does not answer: {problem}");
                return Err(Failure::new(Exit::Unavailable, message));
            }
            tokio::time::sleep(backoff(attempt)).await;
            attempt += 1;
        }
    }

    /// Sends a request, and repeats it while it makes sense. All attempts carry the same idempotency key, so
    /// an attempt that did succeed while its answer was lost is recognised by the next.
    async fn exchange<A>(&self, request: &Request<A>) -> Result<Response> {
        if self.options.dry_run && request.changes {
            return Err(self.preview(request));
        }
        let key = request.keyed.then(|| self.next_key());
        let deadline = Instant::now() + self.options.retry_for;
        let mut attempt = 1;
        loop {
            self.keep_to_limit(request.operation, deadline).await;
            let (failure, pause) = match self.attempt(request, key.as_deref()).await? {
                Ok(response) if request.statuses.contains(&response.status) => return Ok(response),
                Ok(response) if response.status < 400 => {
                    return Err(unreadable(request, &format!("status {}", response.status)));
                }
                // The answer to an earlier attempt was lost: that one deleted the resource.
                Ok(response) if response.status == 404 && request.method == Method::DELETE && attempt > 1 => {
                    return Ok(Response { status: 204, headers: response.headers, body: Bytes::new() });
                }
                Ok(response) => self.refused(&response, attempt),
                Err(reason) => self.unreachable(&reason, attempt),
            };
            match pause {
                Some(pause) if Instant::now() + pause <= deadline => {
                    if pause >= Duration::from_secs(1) {
                        let sentence = failure.sentence();
                        self.output.note(&format!("{sentence}; waiting {} s", pause.as_secs()));
                    }
                    tokio::time::sleep(pause).await;
                    attempt += 1;
                }
                _ => return Err(failure),
            }
        }
    }

    /// Sends a request once. The inner error is the reason for a missing response.
    async fn attempt<A>(
        &self,
        request: &Request<A>,
        key: Option<&str>,
    ) -> Result<std::result::Result<Response, String>> {
        let url = format!("{}{}{}", self.settings.api_url, request.path, request.query);
        let mut http = HttpRequest::builder()
            .method(request.method.clone())
            .uri(&url)
            .header("user-agent", concat!("clorp-cli/", env!("CARGO_PKG_VERSION")))
            .header("accept", "application/json, text/event-stream");
        if request.private {
            let (api_key, _) = self.settings.key.as_ref().ok_or_else(no_key)?;
            http = http.header("authorization", format!("Bearer {api_key}"));
        }
        if let Some(key) = key {
            http = http.header("idempotency-key", key);
        }
        if let Some(id) = &request.last_event_id {
            http = http.header("last-event-id", id);
        }
        if request.body.is_some() {
            http = http.header("content-type", "application/json");
        }
        let body = Full::new(Bytes::from(request.body.clone().unwrap_or_default()));
        let http = http
            .body(body)
            .map_err(|error| Failure::usage(format!("the request cannot be sent: {error}")))?;
        let response = self.transport.send(http, EXCHANGE).await;
        if let Ok(response) = &response {
            self.learn(request.operation, response);
        }
        Ok(response)
    }

    /// The failure by an error response, and the pause after which the request may be repeated.
    fn refused(&self, response: &Response, attempt: u32) -> (Failure, Option<Duration>) {
        let answer = error_answer(response);
        let retry_after = answer.retry_after.map(Duration::from_secs);
        let again = match answer.status {
            // A cooldown lasts for minutes, and repeating the claim does not shorten it.
            429 => answer.code != "claim_cooldown",
            409 => answer.code == "idempotency_in_flight",
            status => status >= 500,
        };
        let pause = (again && attempt < ATTEMPTS).then(|| retry_after.unwrap_or_else(|| backoff(attempt)));
        let unknown = answer.code == "authentication_required";
        let failure = Failure::answer(answer);
        let by_variable = matches!(self.settings.key, Some((_, Source::Variable)));
        if unknown && by_variable {
            return (
                failure.with_hint(format!("check {KEY_VARIABLE}, or unset it and run `clorp login`")),
                pause,
            );
        }
        (failure, pause)
    }

    /// The failure by a missing response, and the pause after which the request may be repeated.
    fn unreachable(&self, reason: &str, attempt: u32) -> (Failure, Option<Duration>) {
        let message = format!("{} cannot be reached: {reason}", self.settings.api_url);
        let failure = Failure::new(Exit::Unavailable, message);
        (failure, (attempt < CONNECT_ATTEMPTS).then(|| backoff(attempt)))
    }

    /// Remembers what a response says about the server's clock and about the rate limit.
    fn learn(&self, operation: &'static str, response: &Response) {
        if let Some(offset) = response.header("date").and_then(limits::clock_offset) {
            self.clock_offset.store(offset, Ordering::Relaxed);
        }
        let pause = limits::pause(response.header("ratelimit"), response.header("ratelimit-policy"));
        if let (Some(pause), Ok(mut pauses)) = (pause, self.pauses.lock()) {
            pauses.insert(operation, Instant::now() + pause);
        }
    }

    /// Waits until the rate limit of an operation has room, as far as its last response tells.
    async fn keep_to_limit(&self, operation: &'static str, deadline: Instant) {
        let until = self.pauses.lock().ok().and_then(|mut pauses| pauses.remove(operation));
        if let Some(until) = until.filter(|until| *until <= deadline) {
            tokio::time::sleep_until(until.into()).await;
        }
    }

    /// The idempotency key of the next request. Keys follow from the command's name and the number of the
    /// request, so a command that is repeated under the same name sends the same keys.
    fn next_key(&self) -> String {
        let number = self.keys_taken.fetch_add(1, Ordering::Relaxed);
        if number == 0 { self.command_id.clone() } else { format!("{}.{number}", self.command_id) }
    }

    /// Shows a request instead of sending it, and ends the command.
    fn preview<A>(&self, request: &Request<A>) -> Failure {
        let body = request.body.as_deref().and_then(|body| serde_json::from_str::<Value>(body).ok());
        let path = format!("{}{}", request.path, request.query);
        let preview = serde_json::json!({
            "dry_run": true, "method": request.method.as_str(), "path": path, "body": body,
        });
        let shown = self.output.show(&preview.to_string(), |style| {
            let body = body
                .as_ref()
                .map_or_else(String::new, |body| format!("\n{}", crate::clean::clean(&format!("{body:#}"))));
            format!("{} {} {path}{body}", style.dim("would send:"), request.method)
        });
        shown.err().unwrap_or_else(|| Failure::silent(Exit::Success))
    }
}

/// A pause that doubles with each attempt, and that is random so that clients do not return together.
fn backoff(attempt: u32) -> Duration {
    let longest = FIRST_PAUSE.saturating_mul(1 << attempt.saturating_sub(1).min(10)).min(LONGEST_PAUSE);
    longest.mul_f64(rand::random_range(0.5..=1.0))
}

fn no_key() -> Failure {
    let hint = "run `clorp login`, or set CLORP_API_KEY";
    Failure::new(Exit::Auth, "there is no API key for this address").with_hint(hint)
}

fn text(response: &Response) -> Result<String> {
    let text = String::from_utf8(response.body.to_vec());
    text.map_err(|_| Failure::new(Exit::Unavailable, "the response is not UTF-8 text"))
}

/// The failure by a response that is not the documented one.
fn unreadable<A>(request: &Request<A>, problem: &dyn Display) -> Failure {
    let message =
        format!("{} {} answered something unexpected ({problem})", request.method, request.operation);
    Failure::new(Exit::Unavailable, message)
        .with_hint("is CLORP_API_URL the address of the API, and this version recent?")
}

fn error_answer(response: &Response) -> ErrorAnswer {
    let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    let code = body["code"].as_str().unwrap_or_default().to_owned();
    let retry_after = response.header("retry-after").and_then(|seconds| seconds.trim().parse().ok());
    ErrorAnswer { status: response.status, code, retry_after, body }
}
