//! HTTP clients of the API, each with one identity.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use clorp_context::Clock;
use clorp_sam::Template;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::header::{HeaderMap, HeaderName};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::document;
use crate::world::WEB_ORIGIN;

/// The path of Stripe's webhook.
pub const WEBHOOK: &str = "/api/stripe/webhook";

/// The addresses of the functions' instances, and the secret that signs webhook events.
#[derive(Debug)]
pub struct Fleet {
    pub(crate) template: Template,
    pub(crate) instances: std::collections::BTreeMap<String, Vec<String>>,
    pub(crate) turn: AtomicUsize,
    pub(crate) clock: Clock,
    pub(crate) webhook_secret: String,
}

impl Fleet {
    /// The URL of a path at the next instance of the function that serves it, according to the template.
    pub(crate) fn url(&self, path: &str) -> String {
        let bare = path.split('?').next().unwrap_or(path);
        let function =
            self.template.function_for(bare).unwrap_or_else(|| panic!("no function serves {bare}"));
        let instances = &self.instances[function];
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        format!("{}{path}", instances[turn % instances.len()])
    }

    /// The `Stripe-Signature` of a body at the current time.
    fn signature(&self, body: &[u8]) -> String {
        let time = self.clock.now().as_second().to_string();
        let mut mac = Hmac::<Sha256>::new_from_slice(self.webhook_secret.as_bytes()).expect("any key");
        for part in [time.as_bytes(), b".", body] {
            mac.update(part);
        }
        let hex: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        format!("t={time},v1={hex}")
    }
}

/// A caller, with or without a credential.
#[derive(Clone, Debug)]
pub struct Client {
    pub(crate) fleet: Arc<Fleet>,
    pub(crate) http: reqwest::Client,
    pub(crate) authorization: Option<String>,
    /// The `Cookie` header of a browser, which also sends the origin of its pages.
    pub cookie: Option<String>,
    pub(crate) idempotency_key: Option<String>,
    /// The caller's user id; empty without a credential.
    pub id: String,
}

/// A response.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// Body as text.
    pub text: String,
    /// Method and path of the operation in the document, if it has one.
    pub operation: Option<String>,
}

impl Answer {
    /// The body as JSON: the events of a stream, or the text of a plain text.
    pub fn json(&self) -> Value {
        if self.header("content-type") == Some("text/event-stream") {
            return Value::Array(self.events());
        }
        if self.header("content-type").is_some_and(|media_type| media_type.starts_with("text/plain")) {
            return Value::String(self.text.clone());
        }
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e} in {} {:?}", self.status, self.text))
    }

    /// The events of a stream.
    #[track_caller]
    pub fn events(&self) -> Vec<Value> {
        assert_eq!(self.status, 200, "{}", self.text);
        crate::event_stream::events(&self.text).unwrap_or_else(|fault| panic!("{fault}: {}", self.text))
    }

    /// A header's text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("ASCII header"))
    }

    /// The body, if the status is the one expected.
    #[track_caller]
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        if self.text.is_empty() { Value::Null } else { self.json() }
    }

    /// The body, if it is a well-formed error with this status and code.
    #[track_caller]
    pub fn expect_error(&self, status: u16, code: &str) -> Value {
        let body = self.expect(status);
        assert_eq!(body["code"], code, "{}", self.text);
        assert!(body["error"].as_str().is_some_and(|text| !text.is_empty()), "{}", self.text);
        assert_eq!(body["request_id"].as_str(), self.header("x-request-id"), "{}", self.text);
        body
    }

    /// Checks for an error with this status and code about this field.
    #[track_caller]
    pub fn expect_field(&self, status: u16, code: &str, field: &str) {
        let body = self.expect_error(status, code);
        assert_eq!(body["field"], field, "{}", self.text);
    }
}

impl Client {
    /// A client without a credential.
    pub(crate) fn anonymous(fleet: Arc<Fleet>, http: reqwest::Client) -> Self {
        Self { fleet, http, authorization: None, cookie: None, idempotency_key: None, id: String::new() }
    }

    /// The same caller with another `Authorization` header.
    pub fn with_authorization(&self, value: &str) -> Self {
        Self { authorization: Some(value.to_owned()), ..self.clone() }
    }

    /// The same caller as a page at [`WEB_ORIGIN`] with these cookies.
    pub fn with_cookie(&self, cookie: impl Into<String>) -> Self {
        Self { cookie: Some(cookie.into()), ..self.clone() }
    }

    /// The same caller with this `Idempotency-Key` in every request.
    pub fn keyed(&self, key: &str) -> Self {
        Self { idempotency_key: Some(key.to_owned()), ..self.clone() }
    }

    /// The URL of a path at the next instance.
    pub fn url(&self, path: &str) -> String {
        self.fleet.url(path)
    }

    /// The `Authorization` header.
    pub fn authorization(&self) -> Option<&str> {
        self.authorization.as_deref()
    }

    /// Sends a GET request.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None, &[]).await
    }

    /// Sends a GET request with these headers.
    pub async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.send(Method::GET, path, None, headers).await
    }

    /// Posts JSON.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        let json = [("content-type", "application/json")];
        self.send(Method::POST, path, Some(body.to_string().into_bytes()), &json).await
    }

    /// Posts without a body.
    pub async fn post_empty(&self, path: &str) -> Answer {
        self.send(Method::POST, path, None, &[]).await
    }

    /// Uploads a file and returns the body of the announcement's response.
    pub async fn upload(&self, filename: &str, content_type: &str, bytes: &[u8]) -> Value {
        let upload = self.post("/api/uploads", announcement(filename, content_type, bytes)).await.expect(201);
        let put = self.put_signed(&upload["upload"], bytes.to_vec()).await;
        assert!(put.status().is_success(), "{:?}", put.text().await);
        upload
    }

    /// Sends the signed request of an upload with its headers.
    pub async fn put_signed(&self, signed: &Value, bytes: Vec<u8>) -> reqwest::Response {
        assert_eq!(signed["method"], "PUT");
        let mut request = self.http.put(signed["url"].as_str().expect("a URL")).body(bytes);
        for (name, value) in signed["headers"].as_object().expect("headers") {
            request = request.header(name, value.as_str().expect("text"));
        }
        request.send().await.expect("the local S3 answers")
    }

    /// Downloads a file from its signed URL, without a credential.
    pub async fn download(&self, file: &Value) -> reqwest::Response {
        let url = file["url"].as_str().expect("a URL");
        self.http.get(url).send().await.expect("the local S3 answers")
    }

    /// Patches with JSON.
    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        let json = [("content-type", "application/json")];
        self.send(Method::PATCH, path, Some(body.to_string().into_bytes()), &json).await
    }

    /// Sends a DELETE request.
    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, None, &[]).await
    }

    /// Posts a webhook event with Stripe's signature. `path` is the webhook's, possibly with a query.
    pub async fn post_webhook_to(&self, path: &str, event: Vec<u8>, headers: &[(&str, &str)]) -> Answer {
        let signature = self.fleet.signature(&event);
        let mut all = vec![("content-type", "application/json"), ("stripe-signature", signature.as_str())];
        all.extend(headers);
        self.send(Method::POST, path, Some(event), &all).await
    }

    /// Posts a webhook event with Stripe's signature.
    pub async fn post_webhook(&self, event: &Value) -> Answer {
        self.post_webhook_to(WEBHOOK, event.to_string().into_bytes(), &[]).await
    }

    /// Sends any request. Panics if the response does not match the OpenAPI document.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<Vec<u8>>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut request = self.http.request(method.clone(), self.fleet.url(path));
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", cookie);
            if !headers.iter().any(|(name, _)| *name == "origin") {
                request = request.header("origin", WEB_ORIGIN);
            }
        }
        if let Some(key) = &self.idempotency_key {
            request = request.header("idempotency-key", key);
        }
        for (name, value) in headers {
            request = request.header(HeaderName::from_bytes(name.as_bytes()).expect("header name"), *value);
        }
        if let Some(body) = body {
            request = request.body(body);
        }
        let response = request.send().await.expect("the instance answers");
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.expect("a text body");
        let route = document::route(&method, path);
        let answer = Answer { status, headers, text, operation: route.map(document::Route::name) };
        if let Some((route, violation)) = route.and_then(|route| Some((route, route.violation(&answer)?))) {
            panic!("{} answered {}: {violation}: {:.2000}", route.name(), answer.status, answer.text);
        }
        answer
    }

    /// The balance of the caller's wallet, in cents.
    pub async fn balance(&self) -> i64 {
        self.get("/api/wallet/balance?limit=1").await.expect(200)["balance_cents"].as_i64().expect("a number")
    }

    /// Posts and pays a drop, and returns its id.
    pub async fn post_drop(&self, price_cents: i64) -> String {
        let body = serde_json::json!({
            "prompt": "Give me three roast-style taglines for a build system that never finishes",
            "pack": "roast", "price_cents": price_cents, "time_limit_seconds": 300, "confirmed": true,
        });
        let drop = self.post("/api/jobs/run", body).await.expect(201);
        drop["id"].as_str().expect("an id").to_owned()
    }

    /// Releases the caller's slot.
    pub async fn release(&self, drop: &str) -> Answer {
        self.post_empty(&format!("/api/jobs/{drop}/release")).await
    }

    /// Reads a drop's timeline after the event `last_id`, or from the beginning.
    pub async fn logs(&self, drop: &str, last_id: Option<&str>) -> Answer {
        let header = last_id.map(|id| ("last-event-id", id));
        self.get_with(&format!("/api/jobs/{drop}/logs"), header.as_slice()).await
    }

    /// Claims a drop.
    pub async fn claim(&self, drop: &str) -> Answer {
        self.post_empty(&format!("/api/jobs/{drop}/claim")).await
    }

    /// Creates an agent and returns its id.
    pub async fn make_agent(&self, name: &str) -> String {
        let agent = self.post("/api/agents", serde_json::json!({ "name": name })).await.expect(201);
        agent["id"].as_str().expect("an id").to_owned()
    }

    /// Claims a drop for an agent.
    pub async fn claim_for(&self, drop: &str, agent: &str) -> Answer {
        self.post(&format!("/api/jobs/{drop}/claim"), serde_json::json!({ "agentId": agent })).await
    }

    /// Submits an output to a drop.
    pub async fn submit(&self, drop: &str, output: &str) -> Answer {
        self.post(&format!("/api/jobs/{drop}/submit"), serde_json::json!({ "output_text": output })).await
    }

    /// Submits a text with uploaded files.
    pub async fn submit_with_files(&self, drop: &str, output: &str, files: &[&Value]) -> Answer {
        let files: Vec<Value> = files.iter().map(|file| json!({ "id": file["id"] })).collect();
        let body = json!({ "output_text": output, "output_attachments": files });
        self.post(&format!("/api/jobs/{drop}/submit"), body).await
    }
}

/// The body of a request that announces a file.
pub fn announcement(filename: &str, content_type: &str, bytes: &[u8]) -> Value {
    let sha256: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    json!({ "filename": filename, "content_type": content_type, "size_bytes": bytes.len(), "sha256": sha256 })
}
