//! Clients of the API, and the gateway between them and the functions.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, Response, StatusCode};
use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpRequestContext;
use lambda_http::request::RequestContext;
use serde_json::Value;
use tokio::time::{sleep, timeout};
use tower::ServiceExt;

use crate::faults::Fault;
use crate::fleet::Fleet;
use crate::site::INSTANCES;
use crate::task::Task;

/// Time after which the gateway gives up, in seconds.
const GATEWAY_SECONDS: u64 = 30;
const MAX_BODY_BYTES: usize = 8 * 1024 * 1024;

/// A caller of the API.
#[derive(Clone, Debug, Default)]
pub struct Caller {
    /// The user's id.
    pub id: String,
    /// The `Authorization` header.
    pub authorization: String,
}

/// A request.
#[derive(Clone, Debug)]
pub struct Call<'a> {
    /// The caller; `None` for a public request.
    pub caller: Option<&'a Caller>,
    /// The method.
    pub method: Method,
    /// Path and query.
    pub path: String,
    /// The body; empty without one.
    pub body: String,
    /// Further headers.
    pub headers: Vec<(&'static str, String)>,
}

/// A response.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body: JSON, or a string with another text.
    pub body: Value,
    /// The body as it was sent.
    pub text: String,
}

impl Answer {
    /// True for a status of success.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The code of an error; empty without one.
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }
}

impl<'a> Call<'a> {
    /// A GET request.
    pub fn get(caller: &'a Caller, path: impl Into<String>) -> Self {
        Self::new(Some(caller), Method::GET, path, String::new())
    }

    /// A POST request with a JSON body.
    pub fn post(caller: &'a Caller, path: impl Into<String>, body: &Value) -> Self {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        Self::new(Some(caller), Method::POST, path, body)
    }

    /// A request without further headers.
    pub fn new(caller: Option<&'a Caller>, method: Method, path: impl Into<String>, body: String) -> Self {
        Self { caller, method, path: path.into(), body, headers: Vec::new() }
    }

    /// The same request with an idempotency key.
    #[must_use]
    pub fn keyed(mut self, key: &str) -> Self {
        self.headers.push(("idempotency-key", key.to_owned()));
        self
    }

    fn request(&self) -> Option<Request<Body>> {
        let mut request = Request::builder().method(self.method.clone()).uri(&self.path);
        if let Some(caller) = self.caller {
            request = request.header("authorization", &caller.authorization);
        }
        if !self.body.is_empty() {
            request = request.header("content-type", "application/json");
        }
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        let mut request = request.body(Body::from(self.body.clone())).ok()?;
        let mut context = ApiGatewayV2httpRequestContext::default();
        context.request_id = Some("simulated".to_owned());
        request.extensions_mut().insert(RequestContext::ApiGatewayV2(context));
        Some(request)
    }
}

impl Fleet {
    /// Sends a request to an instance. `None` if the client learns nothing of the outcome.
    pub async fn send(&self, task: &Task, call: &Call<'_>) -> Option<Answer> {
        let at = task.next_point();
        let mut chance = self.site.with(|state| state.weather.chance(at));
        let path = call.path.split('?').next().unwrap_or_default();
        let function = self.template.function_for(path)?;
        let router = self.routers[chance.usize(..INSTANCES)].get(function)?.clone();
        let request = call.request()?;
        sleep(Duration::from_millis(chance.u64(1..40))).await;
        let work = timeout(Duration::from_secs(GATEWAY_SECONDS), router.oneshot(request));
        let answered = task.in_process(work).await;
        let answer = match answered {
            Some(Ok(Ok(response))) => read(response).await,
            _ => None,
        };
        self.site.with(|state| {
            let status = answer.as_ref().map(|answer| answer.status);
            state.watch.note(&(at, status));
            let now = state.now();
            state.watch.tell(|| {
                let text = answer.as_ref().map_or("no answer", |answer| answer.text.as_str());
                let text: String = text.chars().take(600).collect();
                let (method, path) = (&call.method, &call.path);
                format!("{now} task {}: {method} {path} {} -> {status:?} {text}", at.task, call.body)
            });
        });
        let answer = answer?;
        if self.site.strike(task, at, &[Fault::LostReply]).is_some() {
            return None;
        }
        Some(answer)
    }
}

async fn read(response: Response<Body>) -> Option<Answer> {
    let status: StatusCode = response.status();
    let body = to_bytes(response.into_body(), MAX_BODY_BYTES).await.ok()?;
    let text = String::from_utf8_lossy(&body).into_owned();
    let body = serde_json::from_str(&text).unwrap_or_else(|_| Value::String(text.clone()));
    Some(Answer { status: status.as_u16(), body, text })
}
