//! A proxy before the table: counts what the functions ask of it, and fails on demand as DynamoDB does.

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
use crate::permissions::{Permission, needed};

/// How long a metered request waits for others that were made at once with it: none is answered before all are here, so
/// none of them can have waited for the answer to another. However long it takes, a request that a client has begun is
/// waited for; this is for one that a client is about to begin.
const AT_ONCE: Duration = Duration::from_millis(60);
/// How many times [`AT_ONCE`] a request that was begun may take to arrive, before it is taken for given up.
const GIVEN_UP: usize = 100;

/// How a request fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Another transaction was at one of the items: nothing was written.
    Conflict,
    /// The request was carried out, but its answer is lost.
    LostAnswer,
    /// 500, and nothing was written.
    ServerError,
    /// The table refuses the request as one that makes no sense, and nothing was written.
    Refused,
    /// The request was carried out, but its answer is that of [`Fault::Refused`], after which nobody asks again.
    FalseRefusal,
}

/// One request to the table.
#[derive(Clone, Debug)]
pub struct Call {
    /// The function that asked.
    pub function: String,
    /// Operation, such as `GetItem`.
    pub operation: String,
    /// Request.
    pub request: Value,
    /// The round trip it belongs to: calls made at once share one. Counted only while metering.
    pub round: usize,
    /// Read units consumed. Counted only while metering.
    pub read_units: f64,
    /// Write units consumed. Counted only while metering.
    pub charges: Vec<Charge>,
}

/// Requests of an operation that are to fail, by what they ask.
#[derive(Debug)]
struct Ordered {
    operation: String,
    matches: fn(&Value) -> bool,
    fault: Fault,
}

/// The death of what calls the table.
#[derive(Debug)]
struct Death {
    /// Requests that still get through.
    before: usize,
    /// What the one after them meets.
    fault: Fault,
    died: bool,
}

#[derive(Debug, Default)]
struct Script {
    calls: Vec<Call>,
    used: BTreeSet<Permission>,
    faults: Vec<Ordered>,
    down: Option<Fault>,
    death: Option<Death>,
    metering: bool,
    rounds: usize,
    arrivals: usize,
    gathering: bool,
    /// Requests that a client has begun and that have not arrived.
    on_their_way: usize,
}

/// Says when a client begins a request.
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
        self.0.lock().unwrap().on_their_way += 1;
        Ok(())
    }
}

impl Script {
    /// What the next request meets because of a breakdown or a death.
    fn lasting_fault(&mut self) -> Option<Fault> {
        let Some(death) = &mut self.death else { return self.down };
        if death.before > 0 {
            death.before -= 1;
            return None;
        }
        // After a refusal nobody pauses and asks again.
        let fault = if death.died { Fault::Refused } else { death.fault };
        death.died = true;
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

/// The proxy.
pub struct Proxy {
    url: String,
    script: Arc<Mutex<Script>>,
}

impl Proxy {
    /// Starts before `target`, which has this table.
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

    /// What a function reaches the table with.
    pub fn client(&self, function: &str) -> Client {
        let client = client(&format!("{}/{function}", self.url));
        let config = client.config().to_builder().interceptor(Departures(self.script.clone()));
        Client::from_conf(config.build())
    }

    /// Fails the next `times` requests of this operation.
    pub fn fail(&self, operation: &str, fault: Fault, times: usize) {
        self.fail_if(operation, |_| true, fault, times);
    }

    /// Fails the next `times` requests of this operation that `matches` says are meant.
    pub fn fail_if(&self, operation: &str, matches: fn(&Value) -> bool, fault: Fault, times: usize) {
        let ordered = || Ordered { operation: operation.to_owned(), matches, fault };
        self.script.lock().unwrap().faults.extend((0..times).map(|_| ordered()));
    }

    /// Fails every request from now on but the look-up of an API key, so that a caller gets as far as what they ask
    /// for.
    pub fn break_down(&self, fault: Fault) {
        self.script.lock().unwrap().down = Some(fault);
    }

    /// Lets whoever calls the table die in the midst of it: `before` more requests get through, the next one meets
    /// `fault`, and no later one reaches the table. The look-up of an API key does not count and never fails.
    pub fn die_after(&self, before: usize, fault: Fault) {
        self.script.lock().unwrap().death = Some(Death { before, fault, died: false });
    }

    /// Whether the request has come that [`Proxy::die_after`] meant.
    pub fn died(&self) -> bool {
        self.script.lock().unwrap().death.as_ref().is_some_and(|death| death.died)
    }

    /// Forgets the ordered faults that have not happened yet, and ends a breakdown and a death.
    pub fn heal(&self) {
        let mut script = self.script.lock().unwrap();
        script.faults.clear();
        script.down = None;
        script.death = None;
    }

    /// How many ordered faults have not happened yet.
    pub fn faults_left(&self) -> usize {
        self.script.lock().unwrap().faults.len()
    }

    /// From now on (or no longer) counts what each request costs. That needs one request of the API at a time.
    pub fn meter(&self, metering: bool) {
        self.script.lock().unwrap().metering = metering;
    }

    /// What each function has needed to be permitted so far, whether or not it got an answer.
    pub fn used(&self) -> BTreeSet<Permission> {
        self.script.lock().unwrap().used.clone()
    }

    /// What was asked since the last time this was asked.
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
        script.on_their_way = script.on_their_way.saturating_sub(1);
        let meant = |ordered: &Ordered| ordered.operation == operation && (ordered.matches)(&request);
        let position = script.faults.iter().position(meant);
        let ordered = position.map(|position| script.faults.remove(position).fault);
        let lasting = if is_key_lookup(&request) { None } else { script.lasting_fault() };
        (ordered.or(lasting), script.metering)
    };
    let mut call = Call { function, operation, request, round: 0, read_units: 0.0, charges: Vec::new() };
    match fault {
        Some(fault @ (Fault::Conflict | Fault::ServerError | Fault::Refused)) => {
            let failure = match fault {
                Fault::Conflict => conflict(&call.request),
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
        shared.metered(&headers, &mut call).await
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

/// Whether a request asks whose API key it is.
fn is_key_lookup(request: &Value) -> bool {
    request["Key"]["pk"]["S"].as_str().is_some_and(|pk| pk.starts_with("KEY#"))
}

impl Shared {
    fn record(&self, call: Call) {
        let mut script = self.script.lock().unwrap();
        script.used.extend(needed(&call));
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

    /// Waits until every request that was made at once with this one is here; the number of their round trip.
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
            tokio::time::sleep(AT_ONCE).await;
            let mut script = self.script.lock().unwrap();
            if !script.gathering || script.rounds != round {
                break;
            }
            if waited >= GIVEN_UP {
                script.on_their_way = 0;
            }
            if script.arrivals == seen && script.on_their_way == 0 {
                script.gathering = false;
                break;
            }
            seen = script.arrivals;
        }
        round
    }

    /// Sends a call and enters what it consumed.
    async fn metered(&self, headers: &HeaderMap, call: &mut Call) -> (StatusCode, Bytes) {
        let actions = written(call);
        if actions.is_empty() {
            let mut request = call.request.clone();
            request["ReturnConsumedCapacity"] = json!("TOTAL");
            let (status, bytes) = self.send(headers, request.to_string()).await;
            call.read_units = consumed(&bytes);
            return (status, bytes);
        }
        let before = self.items(&actions).await;
        let (status, bytes) = self.send(headers, call.request.to_string()).await;
        let after = self.items(&actions).await;
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

/// The embedded DynamoDB wants a signature and does not check it.
const AUTHORIZATION: &str = "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, \
                             SignedHeaders=host;x-amz-date, Signature=0";

/// Table and key of each item that a call may change; none for a read.
fn written(call: &Call) -> Vec<(Value, Value)> {
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

/// The read units that an answer says it consumed.
fn consumed(answer: &[u8]) -> f64 {
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
