//! Refusals, as the service words them.

use serde_json::{Map, Value, json};

use crate::Item;

/// An answer that is not a success: a status and a body in the protocol's form.
///
/// Source: Amazon DynamoDB Developer Guide, "Error handling with DynamoDB".
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// The HTTP status.
    pub status: u16,
    /// The body: `__type`, `message`, and the members of the exception.
    pub body: Value,
}

impl Failure {
    /// A failure of the service's own namespace, with the exception's name and a message.
    pub fn named(status: u16, exception: &str, message: &str) -> Self {
        let kind = format!("com.amazonaws.dynamodb.v20120810#{exception}");
        Self { status, body: json!({ "__type": kind, "message": message }) }
    }

    /// A `ValidationException`.
    pub fn validation(message: impl Into<String>) -> Self {
        let kind = "com.amazon.coral.validate#ValidationException";
        Self { status: 400, body: json!({ "__type": kind, "message": message.into() }) }
    }

    /// A request that this model does not know. No client may mistake it for an answer of the service.
    pub fn unmodelled(what: impl std::fmt::Display) -> Self {
        let message = format!("the model of DynamoDB does not know {what}");
        Self { status: 400, body: json!({ "__type": "clorp.model#NotModelled", "message": message }) }
    }

    /// A throttled request, which had no effect.
    pub fn throttled() -> Self {
        let kind = "com.amazon.coral.availability#ThrottlingException";
        Self {
            status: 400,
            body: json!({ "__type": kind, "message": "Rate of requests exceeds the allowed throughput." }),
        }
    }

    /// An internal error of the service, after which nobody knows if the request had an effect.
    pub fn internal() -> Self {
        Self::named(500, "InternalServerError", "Internal server error")
    }

    /// A condition of a single write that does not hold. `item` is the item that refuted it, if the request
    /// asked for that and there is one.
    pub fn condition(item: Option<&Item>) -> Self {
        let mut failure =
            Self::named(400, "ConditionalCheckFailedException", "The conditional request failed");
        if let (Some(item), Some(body)) = (item, failure.body.as_object_mut()) {
            body.insert("Item".to_owned(), Value::Object(item.clone()));
        }
        failure
    }

    /// A cancelled transaction. There is a reason for each action, in the request's order.
    ///
    /// Source: API Reference, "TransactWriteItems", section "Errors".
    pub fn cancelled(reasons: Vec<Reason>) -> Self {
        let codes: Vec<&str> = reasons.iter().map(Reason::code).collect();
        let message = format!(
            "Transaction cancelled, please refer cancellation reasons for specific reasons [{}]",
            codes.join(", ")
        );
        let reasons: Vec<Value> = reasons.into_iter().map(Reason::into_body).collect();
        let kind = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException";
        Self {
            status: 400,
            body: json!({ "__type": kind, "Message": message, "CancellationReasons": reasons }),
        }
    }

    /// The exception's name, without its namespace.
    pub fn exception(&self) -> &str {
        let kind = self.body["__type"].as_str().unwrap_or_default();
        kind.split_once('#').map_or(kind, |(_, name)| name)
    }

    /// The message.
    pub fn message(&self) -> &str {
        let text = |name: &str| self.body[name].as_str();
        text("message").or_else(|| text("Message")).unwrap_or_default()
    }
}

/// The part that one action had in a transaction's cancellation.
#[derive(Clone, Debug, PartialEq)]
pub enum Reason {
    /// The action did not stand in the way.
    None,
    /// The condition does not hold. The item that refuted it is named if the action asked for that and there
    /// is one.
    ConditionalCheckFailed(Option<Item>),
    /// Another write of the item is in progress.
    TransactionConflict,
    /// The table is throttled.
    ThrottlingError,
    /// The action cannot be applied to the item.
    ValidationError(String),
}

impl Reason {
    fn code(&self) -> &'static str {
        match self {
            Self::None => "None",
            Self::ConditionalCheckFailed(_) => "ConditionalCheckFailed",
            Self::TransactionConflict => "TransactionConflict",
            Self::ThrottlingError => "ThrottlingError",
            Self::ValidationError(_) => "ValidationError",
        }
    }

    fn into_body(self) -> Value {
        let mut body = Map::new();
        body.insert("Code".to_owned(), self.code().into());
        let message = match self {
            Self::None => return Value::Object(body),
            Self::ConditionalCheckFailed(item) => {
                if let Some(item) = item {
                    body.insert("Item".to_owned(), Value::Object(item));
                }
                "The conditional request failed".to_owned()
            }
            Self::TransactionConflict => "Transaction is ongoing for the item".to_owned(),
            Self::ThrottlingError => {
                "Throughput exceeds the current capacity for one or more partitions".to_owned()
            }
            Self::ValidationError(message) => message,
        };
        body.insert("Message".to_owned(), message.into());
        Value::Object(body)
    }
}
