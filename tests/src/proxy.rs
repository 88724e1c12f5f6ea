//! A proxy before the table that records and meters the functions' requests and injects DynamoDB's faults.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::interceptors::BeforeSerializationInterceptorContextRef;
use aws_sdk_dynamodb::config::{ConfigBag, Intercept};
use aws_sdk_dynamodb::error::BoxError;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use clorp_local_aws::dynamo::client;
use clorp_sam::TableSpec;
use serde_json::{Value, json};

use crate::meter::{Charge, Item, charges};
use crate::permissions::{Permission, required_permissions};

/// Time without arrivals that ends a metered round trip. Requests of one round trip are all held until the
/// last has arrived, so none of them can depend on the response to another. Requests that a client has begun
/// are awaited however long they take; this time is for requests that a client is about to begin.
const QUIET_TIME: Duration = Duration::from_millis(60);
/// Number of [`QUIET_TIME`]s after which a request that has not arrived counts as abandoned.
const MAX_QUIET_TIMES: usize = 100;

/// The way in which a request fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A conflict with another transaction; nothing is written.
    Conflict,
    /// A conflict with another transaction over one item, and a failed condition of another; nothing is
    /// written. The condition may hold once the other transaction is over.
    ConflictBesideRefusal,
    /// The request takes effect, but its response is a 500.
    LostAnswer,
    /// A 500; nothing is written.
    ServerError,
    /// A 400 for an invalid request, which clients do not retry; nothing is written.
    Refused,
    /// The request takes effect, but its response is that of [`Fault::Refused`].
    FalseRefusal,
}

/// One request to the table.
#[derive(Clone, Debug)]
pub struct Call {
    /// The calling function.
    pub function: String,
    /// Operation, such as `GetItem`.
    pub operation: String,
    /// Request.
    pub request: Value,
    /// Number of the round trip, which concurrent calls share. Counted only while metering.
    pub round: usize,
    /// Read units consumed. Counted only while metering.
    pub read_units: f64,
    /// Charges of the items written. Counted only while metering.
    pub charges: Vec<Charge>,
}

/// A fault for the next matching request.
#[derive(Debug)]
struct PlannedFault {
    operation: String,
    matches: fn(&Value) -> bool,
    fault: Fault,
}

/// A crash of the table's caller.
#[derive(Debug)]
struct Crash {
    /// Number of requests that still succeed.
    after: usize,
    /// Fault of the request after them.
    fault: Fault,
    happened: bool,
}

#[derive(Debug, Default)]
struct Script {
    calls: Vec<Call>,
    used: BTreeSet<Permission>,
    faults: Vec<PlannedFault>,
    outage: Option<Fault>,
    crash: Option<Crash>,
    metering: bool,
    rounds: usize,
    arrivals: usize,
    /// Set while the current round trip accepts further requests.
    gathering: bool,
    /// Number of requests that clients have begun and that have not arrived.
    in_transit: usize,
}

/// Counts the requests that a client begins.
#[derive(Debug)]
struct Departures(Arc<Mutex<Script>>);

impl Intercept for Departures {
    fn name(&self) -> &'static str {
        "Departures"
    }

    fn read_before_execution(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.0.lock().unwrap().in_transit += 1;
        Ok(())
    }
}

impl Script {
    /// The fault of the next request because of an outage or a crash.
    fn lasting_fault(&mut self) -> Option<Fault> {
        let Some(crash) = &mut self.crash else { return self.outage };
        if crash.after > 0 {
            crash.after -= 1;
            return None;
        }
        // Clients do not retry after a refusal, so the test does not wait for them.
        let fault = if crash.happened { Fault::Refused } else { crash.fault };
        crash.happened = true;
        Some(fault)
    }
}

#[derive(Clone)]
struct Shared {
    target: String,
    table: Arc<TableSpec>,
    http: reqwest::Client,
    script: Arc<Mutex<Script>>,
}

/// A running proxy.
pub struct Proxy {
    url: String,
    script: Arc<Mutex<Script>>,
}

impl Proxy {
    /// Starts a proxy for the DynamoDB at `target` with this table.
    pub async fn start(target: &str, table: TableSpec) -> Self {
        let script = Arc::<Mutex<Script>>::default();
        let shared = Shared {
            target: target.to_owned(),
            table: Arc::new(table),
            http: reqwest::Client::new(),
            script: script.clone(),
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let router = Router::new().fallback(forward).with_state(shared);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, script }
    }

    /// The client with which a function reaches the table.
    pub fn client(&self, function: &str) -> Client {
        let client = client(&format!("{}/{function}", self.url));
        let config = client.config().to_builder().interceptor(Departures(self.script.clone()));
        Client::from_conf(config.build())
    }

    /// Fails the next `times` requests of this operation.
    pub fn fail(&self, operation: &str, fault: Fault, times: usize) {
        self.fail_if(operation, |_| true, fault, times);
    }

    /// Fails the next `times` requests of this operation that `matches` accepts.
    pub fn fail_if(&self, operation: &str, matches: fn(&Value) -> bool, fault: Fault, times: usize) {
        let planned = || PlannedFault { operation: operation.to_owned(), matches, fault };
        self.script.lock().unwrap().faults.extend((0..times).map(|_| planned()));
    }

    /// Fails every later request except the look-up of an API key, so that requests pass authentication.
    pub fn break_down(&self, fault: Fault) {
        self.script.lock().unwrap().outage = Some(fault);
    }

    /// Simulates a crash of the table's caller. The next `requests` succeed, the one after them has `fault`,
    /// and no later one reaches the table. The look-up of an API key does not count and never fails.
    pub fn crash_after(&self, requests: usize, fault: Fault) {
        self.script.lock().unwrap().crash = Some(Crash { after: requests, fault, happened: false });
    }

    /// Tells if the crash of [`Proxy::crash_after`] has happened.
    pub fn has_crashed(&self) -> bool {
        self.script.lock().unwrap().crash.as_ref().is_some_and(|crash| crash.happened)
    }

    /// Removes the remaining faults and ends an outage and a crash.
    pub fn heal(&self) {
        let mut script = self.script.lock().unwrap();
        script.faults.clear();
        script.outage = None;
        script.crash = None;
    }

    /// The number of planned faults that have not happened.
    pub fn faults_left(&self) -> usize {
        self.script.lock().unwrap().faults.len()
    }

    /// Starts or stops metering. While it runs, a test must send one API request at a time.
    pub fn meter(&self, metering: bool) {
        self.script.lock().unwrap().metering = metering;
    }

    /// The permissions that all calls so far have required, failed ones included.
    pub fn used_permissions(&self) -> BTreeSet<Permission> {
        self.script.lock().unwrap().used.clone()
    }

    /// Returns and removes the recorded calls.
    pub fn take_calls(&self) -> Vec<Call> {
        std::mem::take(&mut self.script.lock().unwrap().calls)
    }
}

async fn forward(State(shared): State<Shared>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let function = uri.path().trim_matches('/').to_owned();
    let target = headers.get("x-amz-target").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let operation = target.split('.').next_back().unwrap_or_default().to_owned();
    let request: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let (fault, metering) = {
        let mut script = shared.script.lock().unwrap();
        script.in_transit = script.in_transit.saturating_sub(1);
        let matches = |planned: &PlannedFault| planned.operation == operation && (planned.matches)(&request);
        let position = script.faults.iter().position(matches);
        let planned = position.map(|position| script.faults.remove(position).fault);
        let lasting = if is_key_lookup(&request) { None } else { script.lasting_fault() };
        (planned.or(lasting), script.metering)
    };
    let mut call = Call { function, operation, request, round: 0, read_units: 0.0, charges: Vec::new() };
    match fault {
        Some(
            fault @ (Fault::Conflict | Fault::ConflictBesideRefusal | Fault::ServerError | Fault::Refused),
        ) => {
            let failure = match fault {
                Fault::Conflict => conflict(&call.request, "None"),
                Fault::ConflictBesideRefusal => conflict(&call.request, "ConditionalCheckFailed"),
                Fault::Refused => refusal(),
                _ => answer(500, &json!({ "__type": "InternalServerError" })),
            };
            shared.record(call);
            return failure;
        }
        Some(Fault::LostAnswer | Fault::FalseRefusal) | None => {}
    }
    let (status, bytes) = if metering {
        call.round = shared.gather().await;
        shared.send_metered(&headers, &mut call).await
    } else {
        shared.send(&headers, body).await
    };
    shared.record(call);
    match fault {
        Some(Fault::LostAnswer) => return answer(500, &json!({ "__type": "InternalServerError" })),
        Some(Fault::FalseRefusal) => return refusal(),
        _ => {}
    }
    let mut built = Response::new(Body::from(bytes));
    *built.status_mut() = status;
    built
}

/// Tells if a request looks up an API key.
fn is_key_lookup(request: &Value) -> bool {
    request["Key"]["pk"]["S"].as_str().is_some_and(|pk| pk.starts_with("KEY#"))
}

impl Shared {
    fn record(&self, call: Call) {
        let mut script = self.script.lock().unwrap();
        script.used.extend(required_permissions(&call));
        script.calls.push(call);
    }

    async fn send(&self, headers: &HeaderMap, body: impl Into<reqwest::Body>) -> (StatusCode, Bytes) {
        let mut forwarded = self.http.post(&self.target).body(body);
        for (name, value) in headers.iter().filter(|(name, _)| *name != "host" && *name != "content-length") {
            forwarded = forwarded.header(name, value);
        }
        let response = forwarded.send().await.expect("the table answers");
        (response.status(), response.bytes().await.expect("a body"))
    }

    /// Waits until every concurrent request has arrived, and returns the number of their round trip.
    async fn gather(&self) -> usize {
        let (round, mut seen) = {
            let mut script = self.script.lock().unwrap();
            if !script.gathering {
                script.gathering = true;
                script.rounds += 1;
            }
            script.arrivals += 1;
            (script.rounds, script.arrivals)
        };
        for waited in 1.. {
            tokio::time::sleep(QUIET_TIME).await;
            let mut script = self.script.lock().unwrap();
            if !script.gathering || script.rounds != round {
                break;
            }
            if waited >= MAX_QUIET_TIMES {
                script.in_transit = 0;
            }
            if script.arrivals == seen && script.in_transit == 0 {
                script.gathering = false;
                break;
            }
            seen = script.arrivals;
        }
        round
    }

    /// Sends a call and adds its consumption to it.
    async fn send_metered(&self, headers: &HeaderMap, call: &mut Call) -> (StatusCode, Bytes) {
        let keys = written_keys(call);
        if keys.is_empty() {
            let mut request = call.request.clone();
            request["ReturnConsumedCapacity"] = json!("TOTAL");
            let (status, bytes) = self.send(headers, request.to_string()).await;
            call.read_units = read_units(&bytes);
            return (status, bytes);
        }
        let before = self.items(&keys).await;
        let (status, bytes) = self.send(headers, call.request.to_string()).await;
        let after = self.items(&keys).await;
        let transaction = call.operation == "TransactWriteItems";
        let changes = before.iter().zip(&after);
        call.charges = changes
            .flat_map(|(before, after)| charges(&self.table, transaction, before.as_ref(), after.as_ref()))
            .collect();
        (status, bytes)
    }

    async fn items(&self, keys: &[(Value, Value)]) -> Vec<Option<Item>> {
        let mut items = Vec::new();
        for (table, key) in keys {
            let mut headers = HeaderMap::new();
            headers.insert("x-amz-target", "DynamoDB_20120810.GetItem".parse().expect("a header"));
            headers.insert("content-type", "application/x-amz-json-1.0".parse().expect("a header"));
            headers.insert("authorization", AUTHORIZATION.parse().expect("a header"));
            headers.insert("x-amz-date", "20260101T000000Z".parse().expect("a header"));
            let get = json!({ "TableName": table, "Key": key, "ConsistentRead": true }).to_string();
            let (status, bytes) = self.send(&headers, get).await;
            assert!(status.is_success(), "{}", String::from_utf8_lossy(&bytes));
            let answer: Value = serde_json::from_slice(&bytes).expect("JSON");
            items.push(answer["Item"].as_object().cloned());
        }
        items
    }
}

/// A signature, which the embedded DynamoDB requires and does not check.
const AUTHORIZATION: &str = "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, \
                             SignedHeaders=host;x-amz-date, Signature=0";

/// Table and key of each item that a call may write; none for a read.
fn written_keys(call: &Call) -> Vec<(Value, Value)> {
    let one = |action: &Value| {
        let key = |item: &Value| json!({ "pk": item["pk"], "sk": item["sk"] });
        let key = if action["Key"].is_null() { key(&action["Item"]) } else { key(&action["Key"]) };
        (action["TableName"].clone(), key)
    };
    match call.operation.as_str() {
        "GetItem" | "BatchGetItem" | "Query" => Vec::new(),
        "PutItem" | "UpdateItem" | "DeleteItem" => vec![one(&call.request)],
        "TransactWriteItems" => {
            let actions = call.request["TransactItems"].as_array().expect("actions");
            actions
                .iter()
                .flat_map(|action| action.as_object().expect("an action").values())
                .map(one)
                .collect()
        }
        other => panic!("the meter does not know {other}"),
    }
}

/// The read units that a response reports.
fn read_units(answer: &[u8]) -> f64 {
    let answer: Value = serde_json::from_slice(answer).expect("JSON");
    let units = |capacity: &Value| capacity["CapacityUnits"].as_f64().expect("capacity units");
    match &answer["ConsumedCapacity"] {
        Value::Array(tables) => tables.iter().map(units).sum(),
        one => units(one),
    }
}

fn refusal() -> Response {
    answer(400, &json!({ "__type": "ValidationException", "message": "Refused" }))
}

/// A conflict over the first item of a transaction, with this reason for the other ones.
fn conflict(request: &Value, other: &str) -> Response {
    let Some(actions) = request["TransactItems"].as_array() else {
        let kind = "com.amazonaws.dynamodb.v20120810#TransactionConflictException";
        return answer(400, &json!({ "__type": kind, "message": "Transaction is ongoing for the item" }));
    };
    let mut reasons = vec![json!({ "Code": other }); actions.len()];
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
