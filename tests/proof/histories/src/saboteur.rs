//! A proxy before the database that plants one lost update: it turns a conditional debit of a wallet into a
//! blind write of a balance that was read before another debit.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::history::{Fault, Recorder};

/// The attribute with a wallet's balance.
const BALANCE: &str = "balance_cents";
/// A signature, which the embedded DynamoDB requires and does not check.
const AUTHORIZATION: &str = "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, \
                             SignedHeaders=host;x-amz-date, Signature=0";

#[derive(Clone)]
struct Saboteur {
    target: String,
    http: reqwest::Client,
    recorder: Arc<Recorder>,
    state: Arc<Mutex<Plan>>,
}

#[derive(Default)]
struct Plan {
    /// The balance in cents of each wallet before its first debit.
    stale: BTreeMap<String, i64>,
    done: bool,
}

/// A debit of a wallet within a transaction.
struct Debit {
    /// Place of the action in the transaction.
    place: usize,
    user: String,
    cents: i64,
}

/// Starts the proxy for the database at `target`. Returns the proxy's URL.
///
/// # Errors
/// Fails if no port is free.
pub async fn start(target: &str, recorder: Arc<Recorder>, tasks: &mut JoinSet<()>) -> Result<String> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.context("a port for the saboteur")?;
    let url = format!("http://{}", listener.local_addr()?);
    let http = reqwest::Client::builder().no_proxy().build()?;
    let saboteur = Saboteur { target: target.to_owned(), http, recorder, state: Arc::default() };
    let router = Router::new().fallback(forward).with_state(saboteur);
    tasks.spawn(async move { drop(axum::serve(listener, router).await) });
    Ok(url)
}

async fn forward(State(saboteur): State<Saboteur>, headers: HeaderMap, body: Bytes) -> Response {
    let operation = headers.get("x-amz-target").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let planted = if operation.ends_with(".TransactWriteItems") { saboteur.plant(&body).await } else { None };
    let (body, fault) = match planted {
        Some((body, fault)) => (body, Some(fault)),
        None => (body, None),
    };
    let answered = saboteur.send(&headers, body).await;
    let Ok((status, bytes)) = answered else { return StatusCode::BAD_GATEWAY.into_response() };
    if let Some(fault) = fault
        && status.is_success()
        && saboteur.change(|plan| !std::mem::replace(&mut plan.done, true))
    {
        saboteur.recorder.fault(fault);
    }
    (status, [("content-type", "application/x-amz-json-1.0")], bytes).into_response()
}

impl Saboteur {
    fn change<T>(&self, change: impl FnOnce(&mut Plan) -> T) -> T {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn send(&self, headers: &HeaderMap, body: Bytes) -> Result<(StatusCode, Bytes)> {
        let mut forwarded = self.http.post(&self.target).body(body);
        for (name, value) in headers.iter().filter(|(name, _)| *name != "host" && *name != "content-length") {
            forwarded = forwarded.header(name, value);
        }
        let response = forwarded.send().await?;
        Ok((response.status(), response.bytes().await?))
    }

    /// The transaction with a blind write in place of its debit, if the wallet has been debited before.
    async fn plant(&self, body: &Bytes) -> Option<(Bytes, Fault)> {
        let mut request: Value = serde_json::from_slice(body).ok()?;
        let debit = debit_in(&request)?;
        let update = request["TransactItems"][debit.place]["Update"].clone();
        let now = self.balance(&update).await?;
        let stale = self.change(|plan| {
            let stale = *plan.stale.entry(debit.user.clone()).or_insert(now);
            (!plan.done).then_some(stale)
        })?;
        if stale == now || stale < debit.cents {
            return None;
        }
        request["TransactItems"][debit.place]["Update"] = json!({
            "TableName": update["TableName"],
            "Key": update["Key"],
            "UpdateExpression": format!("SET {BALANCE} = :blind"),
            "ExpressionAttributeValues": { ":blind": { "N": (stale - debit.cents).to_string() } },
        });
        let (at_nanos, lost_cents) = (self.recorder.nanos(), stale - now);
        let fault = Fault::LostUpdate { at_nanos, user: debit.user, lost_cents };
        Some((request.to_string().into(), fault))
    }

    async fn balance(&self, update: &Value) -> Option<i64> {
        let get = json!({ "TableName": update["TableName"], "Key": update["Key"], "ConsistentRead": true });
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("x-amz-target", "DynamoDB_20120810.GetItem"),
            ("content-type", "application/x-amz-json-1.0"),
            ("authorization", AUTHORIZATION),
            ("x-amz-date", "20260101T000000Z"),
        ] {
            headers.insert(name, value.parse().ok()?);
        }
        let (_, bytes) = self.send(&headers, get.to_string().into()).await.ok()?;
        let answer: Value = serde_json::from_slice(&bytes).ok()?;
        answer["Item"][BALANCE]["N"].as_str()?.parse().ok()
    }
}

/// The debit of a wallet in a transaction.
fn debit_in(request: &Value) -> Option<Debit> {
    request["TransactItems"].as_array()?.iter().enumerate().find_map(|(place, action)| {
        let update = &action["Update"];
        let user = update["Key"]["pk"]["S"].as_str()?.strip_prefix("USER#")?.to_owned();
        let names = update["ExpressionAttributeNames"].as_object()?;
        let (name, _) = names.iter().find(|(_, attribute)| *attribute == BALANCE)?;
        let expression = update["UpdateExpression"].as_str()?;
        let adds = expression.split_once("ADD ")?.1;
        let value = adds.split(',').find_map(|add| add.trim().strip_prefix(&format!("{name} ")))?;
        let value = value.split_whitespace().next()?;
        let delta: i64 = update["ExpressionAttributeValues"][value]["N"].as_str()?.parse().ok()?;
        (delta < 0).then_some(Debit { place, user, cents: -delta })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_debit_is_found_and_a_credit_is_none() {
        let transaction = |delta: &str| {
            json!({ "TransactItems": [
                { "Put": { "Item": {} } },
                { "Update": {
                    "Key": { "pk": { "S": "USER#ada" }, "sk": { "S": "USER" } },
                    "UpdateExpression": "SET #1 = :1 ADD #0 :0, #2 :2",
                    "ExpressionAttributeNames": { "#0": "balance_cents", "#1": "a", "#2": "b" },
                    "ExpressionAttributeValues": { ":0": { "N": delta }, ":1": { "N": "1" }, ":2": { "N": "2" } },
                } },
            ] })
        };
        let debit = debit_in(&transaction("-105")).unwrap();
        assert_eq!((debit.place, debit.user.as_str(), debit.cents), (1, "ada", 105));
        assert!(debit_in(&transaction("105")).is_none());
        assert!(debit_in(&json!({ "TransactItems": [{ "Put": { "Item": {} } }] })).is_none());
    }
}
