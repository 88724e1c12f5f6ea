//! Error responses with Stripe's wording and structure.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

/// An error response.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// The HTTP status.
    pub status: StatusCode,
    error: Map<String, Value>,
    /// True if the request was executed before it failed. Such a response is stored under the idempotency
    /// key.
    pub executed: bool,
}

impl Refusal {
    fn new(status: StatusCode, kind: &str, message: impl Into<String>) -> Self {
        let mut error = Map::new();
        error.insert("message".to_owned(), message.into().into());
        error.insert("type".to_owned(), kind.into());
        Self { status, error, executed: true }
    }

    /// A well-formed request that cannot be carried out.
    pub fn invalid(code: &str, message: impl Into<String>) -> Self {
        let refusal = Self::new(StatusCode::BAD_REQUEST, "invalid_request_error", message);
        refusal.with("code", code).with("doc_url", doc_url(code))
    }

    /// A malformed request. It was not executed, so the idempotency key stays free.
    fn unreadable(code: &str, param: &str, message: impl Into<String>) -> Self {
        Self::invalid(code, message).param(param).unexecuted()
    }

    /// A parameter that the endpoint does not have, or that the sandbox does not simulate.
    pub fn unknown_parameter(param: &str) -> Self {
        Self::unreadable("parameter_unknown", param, format!("Received unknown parameter: {param}"))
    }

    /// A required parameter is missing.
    pub fn missing_parameter(param: &str) -> Self {
        Self::unreadable("parameter_missing", param, format!("Missing required param: {param}."))
    }

    /// A parameter has an invalid value.
    pub fn bad_parameter(param: &str, message: impl Into<String>) -> Self {
        Self::unreadable("parameter_invalid", param, message)
    }

    /// A parameter is not an integer.
    pub fn bad_integer(param: &str, value: &str) -> Self {
        Self::unreadable("parameter_invalid_integer", param, format!("Invalid integer: {value}"))
    }

    /// The body or the query is not a form.
    pub fn bad_form(problem: &str) -> Self {
        let message = format!("Invalid request: the parameters could not be read ({problem})");
        let refusal = Self::new(StatusCode::BAD_REQUEST, "invalid_request_error", message);
        refusal.unexecuted()
    }

    /// The object in the path does not exist.
    pub fn no_such(noun: &str, id: &str) -> Self {
        Self::no_such_reference("id", noun, id).status(StatusCode::NOT_FOUND)
    }

    /// The object that a parameter refers to does not exist.
    pub fn no_such_reference(param: &str, noun: &str, id: &str) -> Self {
        Self::invalid("resource_missing", format!("No such {noun}: '{id}'")).param(param)
    }

    /// The account does not belong to the platform. Stripe distinguishes this from other missing objects.
    pub fn no_access(id: &str) -> Self {
        let message = format!(
            "The provided key does not have access to account '{id}' (or that account does not exist). \
             Application access may have been revoked."
        );
        Self::invalid("account_invalid", message).status(StatusCode::FORBIDDEN)
    }

    /// The path does not exist.
    pub fn no_such_path(method: &str, path: &str) -> Self {
        let message = format!("Unrecognized request URL ({method}: {path}).");
        let refusal = Self::new(StatusCode::NOT_FOUND, "invalid_request_error", message);
        refusal.unexecuted()
    }

    /// Stripe's API may have this endpoint, but the sandbox does not.
    pub fn not_acted_out(method: &str, path: &str) -> Self {
        let message = format!(
            "Unrecognized request URL ({method}: /v1/{path}). The sandbox does not act out this part of Stripe's API."
        );
        let refusal = Self::new(StatusCode::NOT_FOUND, "invalid_request_error", message);
        refusal.unexecuted()
    }

    /// The path does not support the method.
    pub fn no_such_method(method: &str, path: &str) -> Self {
        Self::no_such_path(method, path).status(StatusCode::METHOD_NOT_ALLOWED)
    }

    /// The API key is missing or wrong.
    pub fn unauthorized(message: impl Into<String>) -> Self {
        let refusal = Self::new(StatusCode::UNAUTHORIZED, "invalid_request_error", message);
        refusal.unexecuted()
    }

    /// The card was not charged.
    pub fn card(code: &str, decline_code: &str, message: &str) -> Self {
        let refusal = Self::new(StatusCode::PAYMENT_REQUIRED, "card_error", message);
        let refusal = refusal.with("code", code).with("doc_url", doc_url(code));
        if decline_code.is_empty() { refusal } else { refusal.with("decline_code", decline_code) }
    }

    /// The idempotency key was used for a different request.
    pub fn key_reused(message: impl Into<String>) -> Self {
        let refusal = Self::new(StatusCode::BAD_REQUEST, "idempotency_error", message);
        refusal.unexecuted()
    }

    /// The first request with this idempotency key is still running.
    pub fn key_in_use(key: &str) -> Self {
        let message = format!(
            "There is currently another in-progress request using this Idempotent Key (that probably means you \
             submitted twice, and the other request is still going through): {key}. Try again later."
        );
        let refusal = Self::new(StatusCode::CONFLICT, "idempotency_error", message);
        refusal.unexecuted().with("code", "idempotency_key_in_use")
    }

    /// The caller has exceeded the rate limit.
    pub fn rate_limited() -> Self {
        let message = "Request rate limit exceeded. Try again later, with growing pauses.";
        let refusal = Self::new(StatusCode::TOO_MANY_REQUESTS, "invalid_request_error", message);
        refusal.unexecuted().with("code", "rate_limit").with("doc_url", doc_url("rate_limit"))
    }

    /// Stripe has failed internally.
    pub fn api_error() -> Self {
        let message = "An unknown error occurred. It was requested with POST /_sandbox/next.";
        let refusal = Self::new(StatusCode::INTERNAL_SERVER_ERROR, "api_error", message);
        refusal.unexecuted()
    }

    /// The state of an object does not allow the action.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::invalid("invalid_state", message).status(StatusCode::CONFLICT)
    }

    /// The Checkout session with this status cannot expire.
    pub fn not_open(status: &str) -> Self {
        let message = format!(
            "Only Checkout Sessions with a status in [\"open\"] can be expired. This Checkout Session has a status of \
             `{status}`."
        );
        Self::new(StatusCode::BAD_REQUEST, "invalid_request_error", message)
    }

    /// Marks the request as executed.
    #[must_use]
    pub const fn executed(mut self) -> Self {
        self.executed = true;
        self
    }

    /// Marks the request as not executed.
    #[must_use]
    pub fn unexecuted(mut self) -> Self {
        self.executed = false;
        self
    }

    fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// Names the invalid parameter.
    #[must_use]
    pub fn param(self, param: &str) -> Self {
        self.with("param", param)
    }

    /// Adds a field to the error.
    #[must_use]
    pub fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.error.insert(field.to_owned(), value.into());
        self
    }

    /// The fields of the error. A payment intent stores them as its last error.
    pub const fn error(&self) -> &Map<String, Value> {
        &self.error
    }

    /// The body of the response.
    pub fn body(&self) -> Value {
        json!({ "error": self.error })
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, Json(self.body())).into_response()
    }
}

fn doc_url(code: &str) -> String {
    format!("https://stripe.com/docs/error-codes/{}", code.replace('_', "-"))
}
