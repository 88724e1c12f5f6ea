//! Problems: every answer that is not a success, and the one place where refusals become statuses.

use std::borrow::Cow;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use clorp_domain::error::AutoTopupOutcome;
use clorp_domain::{Error, FieldError};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Seconds after which a request that met a passing fault may be sent again.
const RETRY_AFTER_SECONDS: u32 = 1;

/// An answer that is not a success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// HTTP status.
    pub status: StatusCode,
    /// Stable word clients branch on.
    pub code: Cow<'static, str>,
    /// What a person reads.
    pub message: String,
    /// Where in the request, if it is one place.
    pub field: Option<String>,
    /// What a payment would take.
    pub payment: Option<Box<PaymentRequired>>,
    /// `Retry-After`, in seconds.
    pub retry_after_seconds: Option<u32>,
    /// What maintainers read in the log; never sent.
    pub detail: Option<String>,
}

/// What a payment would take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentRequired {
    required_cents: i64,
    available_cents: i64,
    drop: String,
}

/// A problem as an idempotency record keeps it: without the request id, which each answer has of its own.
#[derive(Debug, Serialize, Deserialize)]
struct StoredProblem {
    code: Cow<'static, str>,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payment: Option<Box<PaymentRequired>>,
}

/// Body of every error.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorBody {
    /// What went wrong, for people. May change; branch on `code`.
    #[schema(example = "Drop is not open")]
    error: String,
    /// What went wrong, for programs. Stable.
    #[schema(value_type = String, example = "drop_not_open")]
    code: Cow<'static, str>,
    /// Quote this when you ask about the request. Also in `X-Request-Id`.
    request_id: String,
    /// JSON pointer to the offending value in the body, or the name of the query parameter or header.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "/prompt")]
    field: Option<String>,
}

/// Body of a 402: the error, and what a payment would take.
#[derive(Debug, Serialize, ToSchema)]
pub struct PaymentRequiredBody {
    #[serde(flatten)]
    error: ErrorBody,
    /// Always true.
    payment_required: bool,
    /// Price of the drop, in cents.
    #[schema(example = 100)]
    required: i64,
    /// What the wallet holds, in cents.
    #[schema(example = 40)]
    available: i64,
    /// The drop, kept as `pending_payment` for `POST /api/jobs/{id}/pay`.
    id: String,
}

impl Problem {
    /// A problem with nothing more to say than its message.
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code: Cow::Borrowed(code),
            message: message.into(),
            field: None,
            payment: None,
            retry_after_seconds: None,
            detail: None,
        }
    }

    /// 404, for what is missing and for what is hidden alike.
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "Not found")
    }

    /// 405; the `Allow` header is the router's.
    pub fn method_not_allowed() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "Method not allowed")
    }

    /// 400 at one place of the request.
    pub fn invalid(field: impl Into<String>, code: &'static str, message: impl Into<String>) -> Self {
        FieldError::new(field, code, message).into()
    }

    /// What an idempotency record keeps of it.
    pub(crate) fn to_stored(&self) -> Result<String, serde_json::Error> {
        let Self { status: _, code, message, field, payment, retry_after_seconds: _, detail: _ } =
            self.clone();
        serde_json::to_string(&StoredProblem { code, message, field, payment })
    }

    /// The problem of which an idempotency record kept this.
    pub(crate) fn from_stored(status: StatusCode, text: &str) -> Result<Self, serde_json::Error> {
        let StoredProblem { code, message, field, payment } = serde_json::from_str(text)?;
        Ok(Self { status, code, message, field, payment, retry_after_seconds: None, detail: None })
    }

    /// The answer with its body; `request_id` goes into it.
    pub(crate) fn render(self, request_id: &str) -> Response {
        let error = ErrorBody {
            error: self.message,
            code: self.code,
            request_id: request_id.to_owned(),
            field: self.field,
        };
        let body = match self.payment {
            None => serde_json::to_vec(&error),
            Some(payment) => serde_json::to_vec(&PaymentRequiredBody {
                error,
                payment_required: true,
                required: payment.required_cents,
                available: payment.available_cents,
                id: payment.drop,
            }),
        };
        let mut response = Response::new(Body::from(body.unwrap_or_default()));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(seconds) = self.retry_after_seconds {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl IntoResponse for Problem {
    /// The status alone; [`crate::serve`] renders the body, because the request id is known there.
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<FieldError> for Problem {
    fn from(error: FieldError) -> Self {
        Self { field: Some(error.field), ..Self::new(StatusCode::BAD_REQUEST, error.code, error.message) }
    }
}

/// Code and message of a price that the wallet does not hold, after this attempt to top it up.
const fn insufficient_balance(auto_topup: AutoTopupOutcome) -> (&'static str, &'static str) {
    match auto_topup {
        AutoTopupOutcome::None => ("insufficient_balance", "Insufficient balance"),
        AutoTopupOutcome::Declined => (
            "auto_topup_declined",
            "Insufficient balance, and the automatic top-up was declined by your bank",
        ),
        AutoTopupOutcome::AuthenticationRequired => (
            "auto_topup_authentication_required",
            "Insufficient balance, and your bank wants you to confirm the top-up: make it yourself, by Checkout",
        ),
        AutoTopupOutcome::Pending => (
            "auto_topup_pending",
            "Insufficient balance; your card is being charged: pay the drop when the top-up has arrived",
        ),
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        use StatusCode as S;
        match error {
            Error::Invalid(error) => error.into(),
            Error::Unauthenticated => {
                Self::new(S::UNAUTHORIZED, "authentication_required", "Authentication required")
            }
            Error::NotFound => Self::not_found(),
            Error::InsufficientBalance { required, available, drop, auto_topup } => {
                let (required_cents, available_cents) = (required.get(), available.get());
                let drop = drop.to_string();
                let payment = Some(Box::new(PaymentRequired { required_cents, available_cents, drop }));
                let (code, message) = insufficient_balance(auto_topup);
                Self { payment, ..Self::new(S::PAYMENT_REQUIRED, code, message) }
            }
            Error::InsufficientFunds { required, available } => Self::new(
                S::PAYMENT_REQUIRED,
                "insufficient_balance",
                format!("Insufficient balance: {required} cents asked for, {available} available"),
            ),
            Error::OnboardingRequired => Self::new(
                S::CONFLICT,
                "onboarding_required",
                "Withdrawals need a bank account: POST /api/stripe/connect leads to where you add one",
            ),
            Error::WithdrawalRefused => Self::new(
                S::CONFLICT,
                "withdrawal_refused",
                "Stripe refused the transfer, and the amount is back in your wallet",
            ),
            Error::PaymentMethodRequired => Self::new(
                S::CONFLICT,
                "payment_method_required",
                "Automatic top-ups need a saved card: POST /api/wallet/setup-payment-method sets one up",
            ),
            Error::OwnDrop => Self::new(S::FORBIDDEN, "own_drop", "You cannot work on your own drop"),
            Error::NotTheSender => Self::new(S::FORBIDDEN, "not_the_sender", "Only the sender may do this"),
            Error::NotAClaimant => {
                Self::new(S::FORBIDDEN, "not_a_claimant", "You hold no claim on this drop")
            }
            Error::DropNotPending => {
                Self::new(S::BAD_REQUEST, "drop_not_pending", "Drop is not waiting for payment")
            }
            Error::DropNotOpen => Self::new(S::CONFLICT, "drop_not_open", "Drop is not open"),
            Error::WindowClosed => Self::new(S::CONFLICT, "window_closed", "The drop's window has closed"),
            Error::MaxClaimsReached => {
                Self::new(S::CONFLICT, "max_claims_reached", "All of the drop's slots are taken")
            }
            Error::AlreadySubmitted => {
                Self::new(S::CONFLICT, "already_submitted", "You have already submitted a different output")
            }
            Error::WorkDelivered => Self::new(
                S::CONFLICT,
                "already_submitted",
                "You have submitted, and your work will be judged: the slot cannot be given up",
            ),
            Error::ClaimCooldown { seconds } => Self {
                retry_after_seconds: Some(seconds),
                ..Self::new(
                    S::TOO_MANY_REQUESTS,
                    "claim_cooldown",
                    "Too many of your claims have lapsed or been released lately; claim again after a pause",
                )
            },
            Error::DropHasSubmissions => Self::new(
                S::CONFLICT,
                "drop_has_submissions",
                "Work has been delivered and will be judged, so the drop cannot be cancelled",
            ),
            Error::VerdictNotReady => {
                Self::new(S::CONFLICT, "verdict_not_ready", "The drop has not been judged yet")
            }
            Error::SpendLimitPerDrop { limit } => Self::new(
                S::FORBIDDEN,
                "spend_limit_per_drop",
                format!("This API key may spend at most {limit} cents on one drop"),
            ),
            Error::SpendLimitPerDay { limit, spent } => Self::new(
                S::FORBIDDEN,
                "spend_limit_per_day",
                format!(
                    "This API key may spend at most {limit} cents a day, and has spent {spent} today (UTC)"
                ),
            ),
            Error::ForeignOrigin => Self::new(
                S::FORBIDDEN,
                "foreign_origin",
                "A session cookie changes something only for our own pages: send a matching Origin",
            ),
            Error::SessionRequired => Self::new(
                S::FORBIDDEN,
                "session_required",
                "Only somebody who has signed in may do this, and no API key",
            ),
            Error::KeyIsLimited => Self::new(
                S::FORBIDDEN,
                "key_is_limited",
                "This API key has a spend policy, and such a key may not do this",
            ),
            Error::TooManyKeys { most } => Self::new(
                S::CONFLICT,
                "too_many_keys",
                format!("You have {most} API keys, the most there may be: revoke one first"),
            ),
            Error::LoginPending { interval_seconds } => Self {
                retry_after_seconds: Some(interval_seconds),
                ..Self::new(
                    S::BAD_REQUEST,
                    "authorization_pending",
                    format!("Nobody has approved the login yet, ask again in {interval_seconds} s"),
                )
            },
            Error::LoginPolledTooOften { interval_seconds } => Self {
                retry_after_seconds: Some(interval_seconds),
                ..Self::new(
                    S::BAD_REQUEST,
                    "slow_down",
                    format!("Asked too often: wait {interval_seconds} s between two polls"),
                )
            },
            Error::LoginDenied => Self::new(S::BAD_REQUEST, "access_denied", "The login was denied"),
            Error::LoginExpired => {
                Self::new(S::BAD_REQUEST, "expired_token", "The login has expired, begin another")
            }
            Error::LoginUnknown => Self::new(
                S::BAD_REQUEST,
                "invalid_grant",
                "There is no such login, or its key has been handed out: begin another",
            ),
            Error::LoginDecided => Self::new(
                S::CONFLICT,
                "login_decided",
                "You have decided about this login already; a key that it led to can be revoked",
            ),
            Error::RateLimited { retry_after_seconds } => Self {
                retry_after_seconds: Some(retry_after_seconds),
                ..Self::new(
                    S::TOO_MANY_REQUESTS,
                    "rate_limited",
                    format!("Too many requests of this kind, try again in {retry_after_seconds} s"),
                )
            },
            Error::AgentNameTaken => {
                Self::new(S::CONFLICT, "agent_name_taken", "Another of your agents has this name")
            }
            Error::TooManyAgents { most } => Self::new(
                S::CONFLICT,
                "too_many_agents",
                format!("You have {most} agents, which is as many as one may have"),
            ),
            Error::DefaultAgent => {
                Self::new(S::CONFLICT, "default_agent", "Your default agent cannot be deleted")
            }
            Error::AgentHasActiveWork => Self::new(
                S::CONFLICT,
                "agent_has_active_work",
                "The agent works on a drop that has not ended, so it cannot be deleted yet",
            ),
            Error::Unavailable(internal) => Self {
                retry_after_seconds: Some(RETRY_AFTER_SECONDS),
                detail: Some(internal.for_log().to_owned()),
                ..Self::new(S::SERVICE_UNAVAILABLE, "unavailable", "Temporarily unavailable, try again")
            },
            Error::Internal(internal) => Self {
                detail: Some(internal.for_log().to_owned()),
                ..Self::new(S::INTERNAL_SERVER_ERROR, "internal", "Internal server error")
            },
        }
    }
}
