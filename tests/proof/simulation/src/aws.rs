//! The network of the AWS SDKs: requests to the table and the queue are answered in the same process, after a
//! while, or not at all.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{Region, SdkConfig};
use aws_sdk_dynamodb::config::auth::ResolveAuthScheme;
use aws_sdk_dynamodb::config::endpoint::{
    Endpoint, EndpointFuture, Params as EndpointParams, ResolveEndpoint,
};
use aws_sdk_dynamodb::config::{ConfigBag, Credentials, RuntimeComponents, SharedHttpClient};
use aws_smithy_runtime::client::auth::no_auth::NO_AUTH_SCHEME_ID;
use aws_smithy_runtime::client::identity::IdentityCache;
use aws_smithy_runtime::client::retries::{RetryPartition, TokenBucket};
use aws_smithy_runtime_api::client::auth::{AuthSchemeOption, AuthSchemeOptionsFuture};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use clorp_context::behavior_version;
use clorp_dynamo_model::Failure;
use clorp_queue::RankingQueue;
use clorp_store::Store;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::chance;
use crate::faults::{Fault, Point};
use crate::s3;
use crate::site::{Message, Site};
use crate::task::Task;

/// Name of the table.
pub const TABLE: &str = "clorp";
/// Longest usual time of a call in one direction, in microseconds.
const MAX_LATENCY_MICROS: u64 = 12_000;
/// Longest time after which a late request takes effect, in milliseconds.
const MAX_LATENESS_MILLIS: u64 = 9_000;

/// Operations that only read.
const READS: [&str; 4] = ["GetItem", "BatchGetItem", "Query", "Scan"];

/// The HTTP client of the SDKs.
struct Network(Arc<Site>);

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Network")
    }
}

impl HttpConnector for Network {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::new(answer(Arc::clone(&self.0), request))
    }
}

fn http_client(site: &Arc<Site>) -> SharedHttpClient {
    let connector = SharedHttpConnector::new(Network(Arc::clone(site)));
    http_client_fn(move |_, _| connector.clone())
}

/// The store of a function, with the timeouts and the retries of `clorp_context::aws_config`.
pub fn store(site: &Arc<Site>) -> Store {
    // By default the SDK has one quota of retries for the whole process, so other seeds would decide about
    // this one.
    let retries = RetryPartition::custom("simulation").token_bucket(TokenBucket::unlimited()).build();
    let config = aws_sdk_dynamodb::config::Builder::from(&config(site))
        .retry_partition(retries)
        // Nobody here checks a signature, or looks for a host.
        .allow_no_auth()
        .auth_scheme_resolver(NoAuth)
        .endpoint_resolver(OneEndpoint(Endpoint::builder().url("https://dynamodb.example").build()));
    Store::new(aws_sdk_dynamodb::Client::from_conf(config.build()), TABLE)
}

/// Lets requests go unsigned.
#[derive(Debug)]
struct NoAuth;

impl ResolveAuthScheme for NoAuth {
    fn resolve_auth_scheme<'a>(
        &'a self,
        _: &'a aws_sdk_dynamodb::config::auth::Params,
        _: &'a ConfigBag,
        _: &'a RuntimeComponents,
    ) -> AuthSchemeOptionsFuture<'a> {
        AuthSchemeOptionsFuture::ready(Ok(vec![AuthSchemeOption::from(NO_AUTH_SCHEME_ID)]))
    }
}

/// The endpoint of every request.
#[derive(Debug)]
struct OneEndpoint(Endpoint);

impl ResolveEndpoint for OneEndpoint {
    fn resolve_endpoint<'a>(&'a self, _: &'a EndpointParams) -> EndpointFuture<'a> {
        EndpointFuture::ready(Ok(self.0.clone()))
    }
}

/// The queue.
pub fn queue(site: &Arc<Site>) -> RankingQueue {
    let retries = RetryPartition::custom("simulation").token_bucket(TokenBucket::unlimited()).build();
    let config = aws_sdk_sqs::config::Builder::from(&config(site)).retry_partition(retries);
    RankingQueue::new(aws_sdk_sqs::Client::from_conf(config.build()), "https://sqs.example/ranking")
}

/// The configuration of all SDKs.
pub fn config(site: &Arc<Site>) -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(1))
        .operation_attempt_timeout(Duration::from_secs(2))
        .operation_timeout(Duration::from_secs(6));
    let credentials = Credentials::new("simulated", "simulated", None, None, "simulation");
    SdkConfig::builder()
        .behavior_version(behavior_version())
        .region(Region::from_static("us-east-1"))
        .credentials_provider(aws_sdk_dynamodb::config::SharedCredentialsProvider::new(credentials))
        .http_client(http_client(site))
        // A cache of credentials would draw from the generator at its first use and by the true time.
        .identity_cache(IdentityCache::no_cache())
        .retry_config(
            RetryConfig::standard().with_max_attempts(3).with_initial_backoff(Duration::from_millis(50)),
        )
        .timeout_config(timeouts.build())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .sleep_impl(aws_smithy_async::rt::sleep::SharedAsyncSleep::new(
            aws_smithy_async::rt::sleep::TokioSleep::new(),
        ))
        .build()
}

async fn answer(site: Arc<Site>, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
    let Some(target) = request.headers().get("x-amz-target") else {
        return s3::answer(&site, request).await;
    };
    let (service, operation) = target.split_once('.').unwrap_or_default();
    let (service, operation) = (service.to_owned(), operation.to_owned());
    let body: Value =
        request.body().bytes().and_then(|bytes| serde_json::from_slice(bytes).ok()).unwrap_or_default();
    match service.as_str() {
        "AmazonSQS" => send_message(&site, &body).await,
        "DynamoDB_20120810" => TableCall { site, operation, body }.answer().await,
        _ => Err(broken("no such service")),
    }
}

fn broken(why: &str) -> ConnectorError {
    ConnectorError::io(why.to_owned().into())
}

fn response(status: u16, body: &Value) -> Result<HttpResponse, ConnectorError> {
    let status = status.try_into().map_err(|_| broken("no such status"))?;
    Ok(HttpResponse::new(status, SdkBody::from(body.to_string())))
}

/// A request to the table.
struct TableCall {
    site: Arc<Site>,
    operation: String,
    body: Value,
}

impl TableCall {
    async fn answer(self) -> Result<HttpResponse, ConnectorError> {
        let task = Task::current();
        let at = task.next_point();
        let mut chance = self.site.with(|state| state.weather.chance(at));
        let possible = self.possible();
        sleep(latency(&mut chance)).await;
        let fault = self.site.strike(&task, at, &possible);
        match fault {
            Some(Fault::DeathBefore) => task.die().await,
            Some(Fault::LostRequest) => return silence(&mut chance).await,
            Some(Fault::LateEffect) => {
                let late = Duration::from_millis(chance.u64(500..MAX_LATENESS_MILLIS));
                tokio::spawn(async move {
                    sleep(late).await;
                    // The caller has given up, so nobody reads the outcome.
                    let _ = self.act(at, None);
                });
                return std::future::pending().await;
            }
            Some(Fault::ServerError) => {
                return response(500, &json!({ "__type": "InternalServerError", "message": "simulated" }));
            }
            Some(Fault::Throttled) => return response(400, &self.throttled(&mut chance)),
            Some(Fault::Conflict | Fault::ConflictBesideRefusal) => {
                return response(
                    400,
                    &self.conflict(&mut chance, fault == Some(Fault::ConflictBesideRefusal)),
                );
            }
            _ => {}
        }
        let answer = self.act(at, fault);
        match fault {
            Some(Fault::DeathAfter) => task.die().await,
            Some(Fault::LostResponse) => return silence(&mut chance).await,
            _ => {}
        }
        sleep(latency(&mut chance)).await;
        match answer {
            Ok(body) => response(200, &body),
            Err(failure) => response(failure.status, &failure.body),
        }
    }

    /// The faults that may strike this request.
    fn possible(&self) -> Vec<Fault> {
        let mut possible = vec![
            Fault::LostRequest,
            Fault::LostResponse,
            Fault::ServerError,
            Fault::Throttled,
            Fault::DeathBefore,
        ];
        if READS.contains(&self.operation.as_str()) {
            if !self.body["IndexName"].is_null() {
                possible.push(Fault::StaleIndex);
            } else if self.body["ConsistentRead"] != true {
                possible.push(Fault::StaleRead);
            }
        } else {
            possible.extend([Fault::LateEffect, Fault::Conflict, Fault::DeathAfter]);
            if self.operation == "TransactWriteItems" {
                possible.push(Fault::ConflictBesideRefusal);
            }
        }
        possible
    }

    /// Carries out the request.
    fn act(&self, at: Point, fault: Option<Fault>) -> Result<Value, Failure> {
        self.site.with(|state| {
            let now = state.now();
            if let Some(Fault::StaleIndex | Fault::StaleRead) = fault {
                let lag = || {
                    let mut chance = state.weather.chance(Point { call: at.call ^ 0x4000_0000, ..at });
                    Box::new(move |_: &str, _: &str, _: u64| chance.bool())
                };
                state.table.set_index_lag(lag());
                state.table.set_read_lag(lag());
            }
            let answer = state.table.call(&self.operation, &self.body, now.as_millisecond());
            state.table.clear_lag();
            if let Some(calls) = &mut state.calls {
                calls.push((self.operation.clone(), self.body.clone()));
            }
            state.watch.saw_table_call(&self.operation, &self.body, &answer, &state.table, now);
            answer
        })
    }

    fn actions(&self) -> usize {
        self.body["TransactItems"].as_array().map_or(0, Vec::len)
    }

    fn throttled(&self, chance: &mut fastrand::Rng) -> Value {
        if self.operation != "TransactWriteItems" {
            return json!({
                "__type": "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",
                "message": "simulated",
            });
        }
        let mut reasons = vec![json!({ "Code": "None" }); self.actions()];
        let code = if chance.bool() { "ThrottlingError" } else { "ProvisionedThroughputExceeded" };
        reasons[chance.usize(..self.actions())] = json!({ "Code": code, "Message": "simulated" });
        cancelled(reasons)
    }

    /// The answer to a write that meets a transaction in progress. Beside a refusal, the conditions that fail
    /// at this time are named as well.
    fn conflict(&self, chance: &mut fastrand::Rng, beside_refusal: bool) -> Value {
        if self.operation != "TransactWriteItems" {
            return json!({
                "__type": "com.amazonaws.dynamodb.v20120810#TransactionConflictException",
                "message": "Transaction is ongoing for the item",
            });
        }
        let tried = beside_refusal.then(|| {
            self.site.with(|state| {
                let mut body = self.body.clone();
                body["ClientRequestToken"] = json!("a trial");
                state.table.clone().call(&self.operation, &body, state.now().as_millisecond())
            })
        });
        let reasons = match tried {
            Some(Err(failure)) => failure.body["CancellationReasons"].as_array().cloned(),
            _ => None,
        };
        let mut reasons = reasons.unwrap_or_else(|| vec![json!({ "Code": "None" }); self.actions()]);
        let spared: Vec<usize> = (0..reasons.len()).filter(|n| reasons[*n]["Code"] == "None").collect();
        let place = if spared.is_empty() { 0 } else { chance::pick(chance, &spared) };
        reasons[place] =
            json!({ "Code": "TransactionConflict", "Message": "Transaction is ongoing for the item" });
        cancelled(reasons)
    }
}

fn cancelled(reasons: Vec<Value>) -> Value {
    json!({
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "Message": "Transaction cancelled, please refer cancellation reasons for specific reasons",
        "CancellationReasons": reasons,
    })
}

fn latency(chance: &mut fastrand::Rng) -> Duration {
    Duration::from_micros(chance.u64(200..MAX_LATENCY_MICROS))
}

/// A connection that breaks at once, or never answers.
async fn silence(chance: &mut fastrand::Rng) -> Result<HttpResponse, ConnectorError> {
    if chance.bool() {
        return Err(broken("the connection was closed"));
    }
    std::future::pending().await
}

async fn send_message(site: &Arc<Site>, body: &Value) -> Result<HttpResponse, ConnectorError> {
    let task = Task::current();
    let at = task.next_point();
    let mut chance = site.with(|state| state.weather.chance(at));
    sleep(latency(&mut chance)).await;
    match site.strike(&task, at, &[Fault::QueueDown, Fault::DeathBefore]) {
        Some(Fault::DeathBefore) => task.die().await,
        Some(_) => return silence(&mut chance).await,
        None => {}
    }
    let message = Message {
        body: body["MessageBody"].as_str().unwrap_or_default().to_owned(),
        delay_seconds: body["DelaySeconds"].as_u64().unwrap_or_default(),
        sent_at: at,
    };
    site.with(|state| state.messages.push(message));
    site.arrivals.notify_one();
    response(200, &json!({ "MessageId": format!("{}-{}", at.task, at.call) }))
}
