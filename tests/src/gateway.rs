//! One address in front of all functions, for programs that know a single base URL. It keeps what passes
//! through, and compares each response with the OpenAPI document.

use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use futures::{StreamExt, stream};
use reqwest::header::{CONTENT_LENGTH, HeaderMap, TRANSFER_ENCODING};
use reqwest::{Method, StatusCode};

use crate::client::{Answer, Client};
use crate::document;

/// Time between the last bytes of a stream that is cut and the break.
const CUT_AFTER: Duration = Duration::from_millis(50);

/// A request with its response.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// Method and path of the operation in the document, such as `GET /api/jobs/{id}`. Without an operation,
    /// those of the request.
    pub operation: String,
    /// Path and query of the request.
    pub path: String,
    /// Headers of the request.
    pub request: HeaderMap,
    /// The response, with its body decompressed.
    pub answer: Answer,
    /// True if the connection was broken before the end of the response.
    pub cut: bool,
    /// The response's deviation from the document.
    pub violation: Option<String>,
}

impl Exchange {
    /// The text of a header of the request.
    pub fn requested(&self, name: &str) -> Option<&str> {
        self.request.get(name).and_then(|value| value.to_str().ok())
    }

    fn has_events(&self) -> bool {
        self.answer.header("content-type") == Some("text/event-stream") && !self.answer.events().is_empty()
    }
}

/// A running gateway. It ends with the runtime that started it.
#[derive(Debug)]
pub struct Gateway {
    /// The base URL, such as `http://127.0.0.1:9000`.
    pub url: String,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    client: Client,
    http: reqwest::Client,
    exchanges: Mutex<Vec<Exchange>>,
    cuts: AtomicBool,
}

impl Gateway {
    /// Starts a gateway to the functions that the client calls, on a free port.
    pub async fn start(client: &Client) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        let exchanges = Mutex::default();
        let shared = Shared { client: client.clone(), http, exchanges, cuts: AtomicBool::new(false) };
        let shared = Arc::new(shared);
        let routes = Router::new().fallback(forward).with_state(Arc::clone(&shared));
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { url, shared }
    }

    /// Everything that has passed through, in the order of the responses.
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.shared.exchanges.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The exchanges of an operation, such as `GET /api/jobs/{id}`.
    pub fn exchanges_of(&self, operation: &str) -> Vec<Exchange> {
        self.exchanges().into_iter().filter(|exchange| exchange.operation == operation).collect()
    }

    /// Breaks the connection of the next event stream that has events, within the last of them.
    pub fn cut_next_stream(&self) {
        self.shared.cuts.store(true, Ordering::Relaxed);
    }

    /// Fails if a response deviated from the document.
    #[track_caller]
    pub fn assert_documented(&self) {
        for Exchange { operation, answer, violation, .. } in self.exchanges() {
            let text = &answer.text;
            assert_eq!(violation, None, "{operation} answered {}: {text:.2000}", answer.status);
        }
    }
}

/// Forwards a request to the function that serves its path.
async fn forward(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let body = to_bytes(body, usize::MAX).await.expect("a whole body");
    let sent = shared.http.request(parts.method.clone(), shared.client.url(&path));
    let answer = sent.headers(parts.headers.clone()).body(body).send().await.expect("the instance answers");
    let (status, mut headers) = (answer.status(), answer.headers().clone());
    let bytes = answer.bytes().await.expect("a whole body");
    let exchange = exchange(&parts.method, path, parts.headers, status, &headers, &bytes);
    // The whole body is known here, so it is not sent in chunks.
    headers.remove(TRANSFER_ENCODING);
    let cuts = exchange.has_events() && shared.cuts.swap(false, Ordering::Relaxed);
    shared.keep(Exchange { cut: cuts, ..exchange });
    let body = if cuts {
        headers.remove(CONTENT_LENGTH);
        cut(&bytes)
    } else {
        Body::from(bytes)
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// A body that breaks off a few bytes before its end.
fn cut(bytes: &Bytes) -> Body {
    let sent = bytes.slice(..bytes.len().saturating_sub(8));
    let end = async {
        // The server sends what it has when the body makes it wait, and nothing if the body fails at once.
        tokio::time::sleep(CUT_AFTER).await;
        Err(io::Error::other("cut"))
    };
    Body::from_stream(stream::once(async { Ok(sent) }).chain(stream::once(end)))
}

impl Shared {
    fn keep(&self, exchange: Exchange) {
        self.exchanges.lock().unwrap_or_else(PoisonError::into_inner).push(exchange);
    }
}

fn exchange(
    method: &Method,
    path: String,
    request: HeaderMap,
    status: StatusCode,
    headers: &HeaderMap,
    bytes: &[u8],
) -> Exchange {
    let route = document::route(method, &path);
    let text = inflated(headers, bytes);
    let operation = route.map(document::Route::name);
    let answer = Answer { status, headers: headers.clone(), text, operation: operation.clone() };
    let violation = route.and_then(|route| route.violation(&answer));
    let operation = operation.unwrap_or_else(|| format!("{method} {path}"));
    Exchange { operation, path, request, answer, cut: false, violation }
}

/// The text of a body, which may be compressed.
fn inflated(headers: &HeaderMap, bytes: &[u8]) -> String {
    if headers.get("content-encoding").is_none_or(|encoding| encoding != "gzip") {
        return String::from_utf8_lossy(bytes).into_owned();
    }
    let mut text = String::new();
    flate2::read::GzDecoder::new(bytes).read_to_string(&mut text).expect("a compressed text");
    text
}
