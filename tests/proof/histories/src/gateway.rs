//! The HTTP API: turns requests into invocations of functions, as API Gateway does.

use std::sync::Arc;

use anyhow::{Context, Result};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::fleet::{Failed, Fleet};
use crate::history::{Action, Answer, NOBODY, Recorder, Step};

/// The path of Stripe's events, whose deliveries belong to the history.
pub const WEBHOOK: &str = "/api/stripe/webhook";
/// The largest body that the gateway accepts, in bytes.
const MAX_BODY_BYTES: usize = 1024 * 1024;

#[derive(Clone)]
struct Gateway {
    fleet: Arc<Fleet>,
    recorder: Arc<Recorder>,
}

/// Serves the API on `listener`.
pub fn serve(listener: TcpListener, fleet: Arc<Fleet>, recorder: Arc<Recorder>, tasks: &mut JoinSet<()>) {
    let router = Router::new().fallback(forward).with_state(Gateway { fleet, recorder });
    tasks.spawn(async move { drop(axum::serve(listener, router).await) });
}

async fn forward(State(gateway): State<Gateway>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, MAX_BODY_BYTES).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let path = parts.uri.path();
    let Some(function) = gateway.fleet.function_for(path) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let query = parts.uri.query().unwrap_or_default();
    let event = event(parts.method.as_str(), path, query, &parts.headers, &body);
    let op = (path == WEBHOOK).then(|| {
        let action = Action::Invoke { function: function.to_owned() };
        gateway.recorder.invoke(NOBODY, None, false, action)
    });
    let answered = gateway.fleet.invoke(function, event.to_string()).await;
    let response = match answered.as_ref().map_err(|failed| *failed).and_then(response) {
        Ok(response) => response,
        Err(Failed::TimedOut) => (StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable").into_response(),
        Err(Failed::Crashed | Failed::Refused) => {
            (StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error").into_response()
        }
    };
    if let Some(op) = op {
        let step = if response.status().is_server_error() {
            Step::Unknown { why: format!("{} to Stripe's event", response.status()) }
        } else {
            Step::Ok { answer: Answer::Done }
        };
        gateway.recorder.step(op, step);
    }
    response
}

/// The event of API Gateway's payload format 2.0.
fn event(method: &str, path: &str, query: &str, headers: &HeaderMap, body: &Bytes) -> Value {
    let mut named = Map::new();
    for (name, value) in headers {
        named.insert(name.as_str().to_owned(), json!(String::from_utf8_lossy(value.as_bytes())));
    }
    let now = Timestamp::now();
    json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "headers": named,
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "local",
            "domainName": "localhost",
            "domainPrefix": "localhost",
            "http": {
                "method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1",
                "userAgent": "clorp-histories",
            },
            "requestId": format!("local-{}", now.as_nanosecond()),
            "routeKey": "$default",
            "stage": "$default",
            "time": now.to_string(),
            "timeEpoch": now.as_millisecond(),
        },
        "body": String::from_utf8_lossy(body),
        "isBase64Encoded": false,
    })
}

/// The response that a function describes.
fn response(bytes: &Bytes) -> Result<Response, Failed> {
    read_response(bytes).map_err(|_| Failed::Refused)
}

fn read_response(bytes: &Bytes) -> Result<Response> {
    let described: Value = serde_json::from_slice(bytes)?;
    let status = described["statusCode"].as_u64().context("no status")?;
    let mut built = Response::builder().status(u16::try_from(status)?);
    for (name, value) in described["headers"].as_object().into_iter().flatten() {
        built = built.header(name, value.as_str().context("a header that is no text")?);
    }
    let text = described["body"].as_str().unwrap_or_default();
    let body = if described["isBase64Encoded"] == true { STANDARD.decode(text)? } else { text.into() };
    Ok(built.body(Body::from(body))?)
}
