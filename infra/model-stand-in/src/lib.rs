//! A stand-in for the service of a language model that judges.
//!
//! It understands requests in the shapes of OpenAI's chat completions and Anthropic's Messages, reads the
//! submissions in them as a [`Reader`] does, and answers in the same shape. A script of [`Behaviour`]s makes
//! it fail. It keeps every request, so that tests can look at what a model would have seen.

mod answer;
mod content;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use clorp_stand_in::server::{Dropped, listen, serve};
use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::answer::{Outcome, Shape};
use crate::content::Content;

pub use crate::content::Passage;

/// The way in which the stand-in reads submissions.
///
/// It finds the quality of a submission in its text, written as `quality: 70`, and takes it for the score. A
/// submission without that has quality 50. Equal scores stay in the order of reading.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reader {
    /// Points that the submission gets which is read first.
    pub first_bonus: u32,
    /// True if it places the submissions as it reads them, regardless of their scores.
    pub keeps_order: bool,
    /// True if it obeys a line `obey: WORDS` outside the fences, and places the submission with these words
    /// first.
    pub obeys: bool,
    /// Largest number of points by which a score differs from one call to the next.
    pub wobble: u32,
}

/// A response of the stand-in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// A judgement.
    Judge(Reader),
    /// The same, after a time.
    Slow(Duration, Reader),
    /// An HTTP error, with the header `Retry-After` in seconds if there is one.
    Status(u16, Option<u32>),
    /// A status 401 that quotes the key of the request, as some services do.
    WrongKey,
    /// A closed connection instead of a response.
    Drop,
    /// A successful response without an answer.
    Empty,
    /// A refusal by the model.
    Refusal,
    /// A judgement that is cut off at the limit of its length.
    Truncated,
    /// This text instead of a judgement.
    Text(String),
    /// A judgement without the submission that was read last.
    MissingLabel,
    /// A judgement that gives the last two places to the same submission.
    RepeatedLabel,
    /// A judgement with a label that does not exist.
    InventedLabel,
    /// A judgement with a score of 101.
    ScoreOutOfRange,
}

/// A request that the stand-in received.
#[derive(Clone, Debug)]
pub struct Received {
    /// Path of the request.
    pub path: String,
    /// Headers of the request.
    pub headers: HeaderMap,
    /// Body of the request, as it was sent.
    pub bytes: Bytes,
    /// The same, parsed. `Null` if it is not JSON.
    pub body: Value,
}

impl Received {
    /// The submissions in the order of reading, as a careful reader finds them by the code of the fences.
    pub fn submissions(&self) -> Vec<Passage> {
        Content::of(&self.body).map(|content| content.submissions).unwrap_or_default()
    }

    /// The text that stands outside every fence, without the rules.
    pub fn outside(&self) -> String {
        Content::of(&self.body).map(|content| content.outside).unwrap_or_default()
    }
}

/// A running stand-in. It stops when it is dropped.
#[derive(Debug)]
pub struct ModelStandIn {
    url: String,
    script: Arc<Script>,
    _stop: oneshot::Sender<()>,
}

#[derive(Debug)]
struct Script {
    next: Mutex<VecDeque<Behaviour>>,
    otherwise: Mutex<Behaviour>,
    received: Mutex<Vec<Received>>,
}

impl ModelStandIn {
    /// Starts a stand-in at a free port of this machine, which judges without any preference.
    ///
    /// # Errors
    /// Fails if no port is free.
    pub async fn start() -> Result<Self> {
        let listener = listen(0, "the model").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let script = Arc::new(Script {
            next: Mutex::default(),
            otherwise: Mutex::new(Behaviour::Judge(Reader::default())),
            received: Mutex::default(),
        });
        let router = Router::new().fallback(respond).with_state(script.clone());
        let (stop, stopped) = oneshot::channel();
        tokio::spawn(serve(listener, router, stopped));
        Ok(Self { url, script, _stop: stop })
    }

    /// Base address for OpenAI's chat completions, which are below `/v1`.
    pub fn chat_url(&self) -> String {
        format!("{}/v1", self.url)
    }

    /// Base address for Anthropic's Messages.
    pub fn messages_url(&self) -> String {
        self.url.clone()
    }

    /// Behaves in these ways in the next requests, once each.
    pub fn next(&self, behaviours: impl IntoIterator<Item = Behaviour>) {
        lock(&self.script.next).extend(behaviours);
    }

    /// Behaves in this way whenever the script is at its end.
    pub fn otherwise(&self, behaviour: Behaviour) {
        *lock(&self.script.otherwise) = behaviour;
    }

    /// Every request so far.
    pub fn received(&self) -> Vec<Received> {
        lock(&self.script.received).clone()
    }

    /// Number of requests so far.
    pub fn calls(&self) -> usize {
        lock(&self.script.received).len()
    }
}

/// The judgement of a reader about a request's body, as JSON text. `None` if the body asks for no judgement.
pub fn read(body: &Value, reader: Reader) -> Option<String> {
    Content::of(body).map(|content| answer::judge(&content, reader, 0))
}

/// A thread that panicked under the lock has left nothing half done.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn respond(State(script): State<Arc<Script>>, uri: Uri, headers: HeaderMap, bytes: Bytes) -> Response {
    let body: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let call = {
        let mut received = lock(&script.received);
        received.push(Received {
            path: uri.path().to_owned(),
            headers: headers.clone(),
            bytes,
            body: body.clone(),
        });
        received.len()
    };
    let behaviour = lock(&script.next).pop_front();
    let behaviour = behaviour.unwrap_or_else(|| lock(&script.otherwise).clone());
    let shape = match uri.path() {
        "/v1/chat/completions" => Shape::ChatCompletions,
        "/v1/messages" => Shape::Messages,
        _ => return error(StatusCode::NOT_FOUND, "no such path"),
    };
    let Some(content) = Content::of(&body) else {
        return error(StatusCode::BAD_REQUEST, "not a request for a judgement");
    };
    let outcome = match behaviour {
        Behaviour::Status(status, retry_after) => return failure(status, retry_after),
        Behaviour::WrongKey => {
            return error(StatusCode::UNAUTHORIZED, &format!("wrong key: {}", key(&headers)));
        }
        Behaviour::Drop => {
            let mut response = StatusCode::OK.into_response();
            response.extensions_mut().insert(Dropped);
            return response;
        }
        Behaviour::Slow(time, reader) => {
            tokio::time::sleep(time).await;
            Outcome::Text(answer::judge(&content, reader, call))
        }
        Behaviour::Judge(reader) => Outcome::Text(answer::judge(&content, reader, call)),
        Behaviour::Text(text) => Outcome::Text(text),
        Behaviour::Empty => Outcome::Empty,
        Behaviour::Refusal => Outcome::Refusal,
        Behaviour::Truncated => Outcome::Truncated(answer::judge(&content, Reader::default(), call)),
        flaw => Outcome::Text(answer::flawed(&content, &flaw, call)),
    };
    axum::Json(shape.response(&content, outcome)).into_response()
}

fn error(status: StatusCode, message: &str) -> Response {
    (status, axum::Json(json!({ "error": { "message": message } }))).into_response()
}

fn failure(status: u16, retry_after: Option<u32>) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let response = error(status, "the script says so");
    match retry_after {
        Some(seconds) => ([("retry-after", seconds.to_string())], response).into_response(),
        None => response,
    }
}

/// The value of the header that carries the key.
fn key(headers: &HeaderMap) -> String {
    let key = headers.get("authorization").or_else(|| headers.get("x-api-key"));
    key.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).unwrap_or_default()
}
