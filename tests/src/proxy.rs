//! A proxy before the table: counts what the functions ask of it, and fails on demand as DynamoDB does.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::{Value, json};

/// How a request fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Another transaction was at one of the items: nothing was written.
    Conflict,
    /// The request was carried out, but its answer is lost.
    LostAnswer,
    /// 500, and nothing was written.
    ServerError,
}

/// One request to the table.
#[derive(Clone, Debug)]
pub struct Call {
    /// Operation, such as `GetItem`.
    pub operation: String,
    /// Request.
    pub request: Value,
}

#[derive(Debug, Default)]
struct Script {
    calls: Vec<Call>,
    faults: Vec<(String, Fault)>,
}

#[derive(Clone)]
struct Shared {
    target: String,
    http: reqwest::Client,
    script: Arc<Mutex<Script>>,
}

/// The proxy.
pub struct Proxy {
    /// Where it listens.
    pub url: String,
    script: Arc<Mutex<Script>>,
}

impl Proxy {
    /// Starts before `target`.
    pub async fn start(target: &str) -> Self {
        let script = Arc::<Mutex<Script>>::default();
        let shared =
            Shared { target: target.to_owned(), http: reqwest::Client::new(), script: script.clone() };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let router = Router::new().fallback(forward).with_state(shared);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, script }
    }

    /// Fails the next `times` requests of this operation.
    pub fn fail(&self, operation: &str, fault: Fault, times: usize) {
        let faults = std::iter::repeat_n((operation.to_owned(), fault), times);
        self.script.lock().unwrap().faults.extend(faults);
    }

    /// Forgets the ordered faults that have not happened yet.
    pub fn heal(&self) {
        self.script.lock().unwrap().faults.clear();
    }

    /// How many ordered faults have not happened yet.
    pub fn faults_left(&self) -> usize {
        self.script.lock().unwrap().faults.len()
    }

    /// What was asked since the last time this was asked.
    pub fn take_calls(&self) -> Vec<Call> {
        std::mem::take(&mut self.script.lock().unwrap().calls)
    }
}

async fn forward(State(shared): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers.get("x-amz-target").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let operation = target.split('.').next_back().unwrap_or_default().to_owned();
    let request = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let fault = {
        let mut script = shared.script.lock().unwrap();
        script.calls.push(Call { operation: operation.clone(), request: request.clone() });
        let position = script.faults.iter().position(|(of, _)| *of == operation);
        position.map(|position| script.faults.remove(position).1)
    };
    match fault {
        Some(Fault::Conflict) => return conflict(&request),
        Some(Fault::ServerError) => return answer(500, &json!({ "__type": "InternalServerError" })),
        Some(Fault::LostAnswer) | None => {}
    }
    let mut forwarded = shared.http.post(&shared.target).body(body);
    for (name, value) in headers.iter().filter(|(name, _)| *name != "host" && *name != "content-length") {
        forwarded = forwarded.header(name, value);
    }
    let response = forwarded.send().await.expect("the table answers");
    let status = response.status();
    let bytes = response.bytes().await.expect("a body");
    if fault == Some(Fault::LostAnswer) {
        return answer(500, &json!({ "__type": "InternalServerError" }));
    }
    let mut built = Response::new(Body::from(bytes));
    *built.status_mut() = status;
    built
}

fn conflict(request: &Value) -> Response {
    let actions = request["TransactItems"].as_array().map_or(1, Vec::len);
    let mut reasons = vec![json!({ "Code": "None" }); actions];
    reasons[0] = json!({ "Code": "TransactionConflict", "Message": "Transaction is ongoing for the item" });
    let body = json!({
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "Message": "Transaction cancelled, please refer cancellation reasons for specific reasons",
        "CancellationReasons": reasons,
    });
    answer(400, &body)
}

fn answer(status: u16, body: &Value) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = StatusCode::from_u16(status).expect("a status");
    response.headers_mut().insert("content-type", "application/x-amz-json-1.0".parse().expect("a header"));
    response
}
