//! Problems: every response that is not a success, and the one place that maps domain errors to HTTP.

use std::borrow::Cow;
use std::fmt::Write;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use clorp_domain::error::AutoTopupOutcome;
use clorp_domain::time::rfc3339;
use clorp_domain::{Cents, Error, FieldError, Release, Right};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::words::ErrorCode;

/// Seconds to wait before a retry after a transient fault.
const RETRY_AFTER_SECONDS: u32 = 1;

/// A response that is not a success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The HTTP status.
    pub status: StatusCode,
    /// Stable code for clients to branch on.
    pub code: Cow<'static, str>,
    /// Message for people.
    pub message: String,
    /// Location of the invalid value in the request, if there is one such value.
    pub field: Option<String>,
    /// The right that the credential lacks.
    pub right: Option<Right>,
    /// Amounts of a payment or a withdrawal that failed for lack of money.
    pub shortage: Option<Box<Shortage>>,
    /// Requirements of a drop that its worker does not meet, by their words.
    pub unmet_requirements: Option<Box<UnmetRequirements>>,
    /// Value of `Retry-After`, in seconds.
    pub retry_after_seconds: Option<u32>,
    /// Detail for the log. Never sent to clients.
    pub detail: Option<Box<str>>,
}

/// Amounts of a payment or a withdrawal that failed for lack of money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shortage {
    /// The wallet holds less than the price of a drop.
    Drop {
        /// Price of the drop.
        required_cents: i64,
        /// Balance of the wallet.
        available_cents: i64,
        /// Id of the drop to pay for.
        drop: String,
    },
    /// A withdrawal is higher than the matured winnings.
    Withdrawal {
        /// Amount that may be withdrawn.
        withdrawable_cents: i64,
        /// The next release of winnings, if any are held.
        next_release: Option<NextRelease>,
    },
}

/// Winnings that mature at one time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NextRelease {
    /// Time from which on the amount may be withdrawn (RFC 3339, UTC).
    #[schema(format = DateTime)]
    at: String,
    /// Amount of the release, in cents.
    amount_cents: i64,
}

impl From<Release> for NextRelease {
    fn from(release: Release) -> Self {
        Self { at: rfc3339(release.at), amount_cents: release.amount.get() }
    }
}

/// A problem as stored for idempotency. It has no request id, because every response has its own.
#[derive(Debug, Serialize, Deserialize)]
struct StoredProblem {
    code: Cow<'static, str>,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    right: Option<Cow<'static, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shortage: Option<Box<Shortage>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unmet_requirements: Option<Box<UnmetRequirements>>,
}

/// Requirements of a drop that its worker does not meet, by their words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnmetRequirements(Vec<Cow<'static, str>>);

/// Body of every error response.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorBody {
    /// Message for people. The text may change; branch on `code` instead.
    #[schema(example = "The drop is not open")]
    error: String,
    /// Error code for programs. Stable.
    #[schema(value_type = ErrorCode, example = "drop_not_open")]
    code: Cow<'static, str>,
    /// Identifier of the request, to quote in support questions. Also in `X-Request-Id`.
    request_id: String,
    /// Location of the invalid value: a JSON pointer into the body, or the name of the query parameter or
    /// header. Left out if no single value is invalid.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "/prompt")]
    field: Option<String>,
    /// Right that the credential lacks: `read`, `work`, `spend`, `cards`, `keys` or `payouts`. Only with the
    /// code `key_lacks_right`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "payouts")]
    right: Option<&'static str>,
}

/// Body of a 402 for a drop: the error, the price, and the drop to pay for.
#[derive(Debug, Serialize, ToSchema)]
pub struct PaymentRequiredBody {
    #[serde(flatten)]
    error: ErrorBody,
    /// Always `true` in this body.
    payment_required: bool,
    /// Price of the drop, in cents.
    #[schema(example = 100)]
    required: i64,
    /// Balance of the wallet, in cents.
    #[schema(example = 40)]
    available: i64,
    /// Identifier of the drop, which stays `pending_payment` and can be paid with `POST /api/jobs/{id}/pay`.
    id: String,
}

/// Body of a 402 for a withdrawal.
#[derive(Debug, Serialize, ToSchema)]
pub struct NotWithdrawableBody {
    #[serde(flatten)]
    error: ErrorBody,
    /// With `not_withdrawable`, the amount in cents that may be withdrawn. Left out for any other code.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 0)]
    withdrawable_cents: Option<i64>,
    /// The next release of winnings, if any are held. Left out for any code but `not_withdrawable`.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_release: Option<NextRelease>,
}

/// Body of a 403 for a claim.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClaimForbiddenBody {
    #[serde(flatten)]
    error: ErrorBody,
    /// With `requirements_not_met`, the requirements of the drop that you do not meet: `verified_payouts`,
    /// `min_races`, `min_win_rate_percent`. Left out for any other code.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<String>, required = false, example = json!(["verified_payouts"]))]
    unmet_requirements: Vec<Cow<'static, str>>,
}

impl Problem {
    /// A problem with a status, a code and a message.
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code: Cow::Borrowed(code),
            message: message.into(),
            field: None,
            right: None,
            shortage: None,
            unmet_requirements: None,
            retry_after_seconds: None,
            detail: None,
        }
    }

    /// A 404. Missing and hidden resources get the same response.
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "Not found")
    }

    /// A 405. The router adds the `Allow` header.
    pub fn method_not_allowed() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "Method not allowed")
    }

    /// A 400 for one value of the request.
    pub fn invalid(field: impl Into<String>, code: &'static str, message: impl Into<String>) -> Self {
        FieldError::new(field, code, message).into()
    }

    /// Serializes the problem for an idempotency record.
    pub(crate) fn to_stored(&self) -> Result<String, serde_json::Error> {
        let Self { code, message, field, right, shortage, unmet_requirements, .. } = self.clone();
        let right = right.map(|right| Cow::Borrowed(right.as_str()));
        serde_json::to_string(&StoredProblem { code, message, field, right, shortage, unmet_requirements })
    }

    /// Reads a problem from an idempotency record.
    pub(crate) fn from_stored(status: StatusCode, text: &str) -> Result<Self, serde_json::Error> {
        let StoredProblem { code, message, field, right, shortage, unmet_requirements } =
            serde_json::from_str(text)?;
        Ok(Self {
            status,
            code,
            message,
            field,
            right: right.and_then(|word| word.parse().ok()),
            shortage,
            unmet_requirements,
            retry_after_seconds: None,
            detail: None,
        })
    }

    /// The response with its body, which contains `request_id`.
    pub(crate) fn render(self, request_id: &str) -> Response {
        let error = ErrorBody {
            error: self.message,
            code: self.code,
            request_id: request_id.to_owned(),
            field: self.field,
            right: self.right.map(Right::as_str),
        };
        let body = match self.shortage.map(|shortage| *shortage) {
            None => match self.unmet_requirements {
                None => serde_json::to_vec(&error),
                Some(unmet) => serde_json::to_vec(&ClaimForbiddenBody { error, unmet_requirements: unmet.0 }),
            },
            Some(Shortage::Drop { required_cents, available_cents, drop }) => {
                serde_json::to_vec(&PaymentRequiredBody {
                    error,
                    payment_required: true,
                    required: required_cents,
                    available: available_cents,
                    id: drop,
                })
            }
            Some(Shortage::Withdrawal { withdrawable_cents, next_release }) => {
                let withdrawable_cents = Some(withdrawable_cents);
                serde_json::to_vec(&NotWithdrawableBody { error, withdrawable_cents, next_release })
            }
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
    /// A response with the status alone. The outermost layer renders the body, because it knows the request
    /// id.
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

/// Code and message for a price above the balance, after this outcome of an automatic top-up.
const fn insufficient_balance(auto_topup: AutoTopupOutcome) -> (&'static str, &'static str) {
    match auto_topup {
        AutoTopupOutcome::None => ("insufficient_balance", "Insufficient balance"),
        AutoTopupOutcome::Declined => {
            ("auto_topup_declined", "Insufficient balance: your bank declined the automatic top-up")
        }
        AutoTopupOutcome::AuthenticationRequired => (
            "auto_topup_authentication_required",
            "Insufficient balance: your bank requires you to confirm the charge; top up with POST /api/wallet/topup",
        ),
        AutoTopupOutcome::Pending => (
            "auto_topup_pending",
            "Insufficient balance: an automatic top-up is in progress; pay for the drop once it has arrived",
        ),
        AutoTopupOutcome::DailyLimit => (
            "auto_topup_daily_limit",
            "Insufficient balance: another automatic top-up would exceed the limit of this day (UTC)",
        ),
    }
}

/// The problem of a withdrawal that exceeds the matured winnings.
fn not_withdrawable(required: Cents, withdrawable: Cents, next_release: Option<Release>) -> Problem {
    let mut message = format!(
        "{required} cents requested, and {withdrawable} may be withdrawn: only matured winnings can be, and money \
         from a card is spent"
    );
    if let Some(Release { at, amount }) = next_release {
        let _ = write!(message, "; {amount} more from {}", rfc3339(at));
    }
    let withdrawable_cents = withdrawable.get();
    let next_release = next_release.map(NextRelease::from);
    Problem {
        shortage: Some(Box::new(Shortage::Withdrawal { withdrawable_cents, next_release })),
        ..Problem::new(StatusCode::PAYMENT_REQUIRED, "not_withdrawable", message)
    }
}

fn key_lacks_right(right: Right) -> Problem {
    let message =
        format!("This credential lacks the right `{right}`: sign in, or use an API key that has it");
    Problem { right: Some(right), ..Problem::new(StatusCode::FORBIDDEN, "key_lacks_right", message) }
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
                let shortage = Some(Box::new(Shortage::Drop { required_cents, available_cents, drop }));
                let (code, message) = insufficient_balance(auto_topup);
                Self { shortage, ..Self::new(S::PAYMENT_REQUIRED, code, message) }
            }
            Error::InsufficientFunds { required, available } => Self::new(
                S::PAYMENT_REQUIRED,
                "insufficient_balance",
                format!("Insufficient balance: {required} cents requested, {available} available"),
            ),
            Error::NotWithdrawable { required, withdrawable, next_release } => {
                not_withdrawable(required, withdrawable, next_release)
            }
            Error::AccountFrozen => Self::new(
                S::FORBIDDEN,
                "account_frozen",
                "Your account is frozen, because a payment is disputed or an operator decided so: it can neither \
                 withdraw nor post drops, and keeps its money. Contact support",
            ),
            Error::OnboardingRequired => Self::new(
                S::CONFLICT,
                "onboarding_required",
                "A withdrawal requires a bank account: add one with POST /api/stripe/connect",
            ),
            Error::WithdrawalRefused => Self::new(
                S::CONFLICT,
                "withdrawal_refused",
                "Stripe rejected the transfer; the amount is back in your wallet",
            ),
            Error::PaymentMethodRequired => Self::new(
                S::CONFLICT,
                "payment_method_required",
                "Automatic top-ups require a saved card: add one with POST /api/wallet/setup-payment-method",
            ),
            Error::RefusedByStripe { code } => Self::new(
                S::CONFLICT,
                "refused_by_stripe",
                format!("Stripe refused this and nothing was done; its reason is `{code}`"),
            ),
            Error::OwnDrop => Self::new(S::FORBIDDEN, "own_drop", "You cannot work on your own drop"),
            Error::NotTheSender => {
                Self::new(S::FORBIDDEN, "not_the_sender", "Only the sender of the drop may do this")
            }
            Error::NotAClaimant => {
                Self::new(S::FORBIDDEN, "not_a_claimant", "You hold no claim on this drop")
            }
            Error::DropNotPending => {
                Self::new(S::BAD_REQUEST, "drop_not_pending", "The drop is not waiting for payment")
            }
            Error::DropNotOpen => Self::new(S::CONFLICT, "drop_not_open", "The drop is not open"),
            Error::WindowClosed => Self::new(S::CONFLICT, "window_closed", "The drop's window has closed"),
            Error::MaxClaimsReached => {
                Self::new(S::CONFLICT, "max_claims_reached", "All slots of the drop are taken")
            }
            Error::OwnerHoldsSlot => Self::new(
                S::CONFLICT,
                "owner_holds_slot",
                "Another account with your card or bank account holds a slot of the drop",
            ),
            Error::RequirementsNotMet { unmet } => {
                let asked = unmet.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                let message = format!("The drop requires of its workers what you do not have: {asked}");
                let words = unmet.iter().map(|one| Cow::Borrowed(one.as_str())).collect();
                let unmet_requirements = Some(Box::new(UnmetRequirements(words)));
                Self { unmet_requirements, ..Self::new(S::FORBIDDEN, "requirements_not_met", message) }
            }
            Error::AlreadySubmitted => Self::new(
                S::CONFLICT,
                "already_submitted",
                "You have already submitted a different output to this drop",
            ),
            Error::WorkDelivered => Self::new(
                S::CONFLICT,
                "already_submitted",
                "You have submitted, and your work will be judged: you cannot release the slot",
            ),
            Error::ClaimCooldown { seconds } => Self {
                retry_after_seconds: Some(seconds),
                ..Self::new(
                    S::TOO_MANY_REQUESTS,
                    "claim_cooldown",
                    "Too many of your recent claims have lapsed or were released; retry after the cooldown",
                )
            },
            Error::DropHasSubmissions => Self::new(
                S::CONFLICT,
                "drop_has_submissions",
                "The drop has submissions, which will be judged: it cannot be cancelled",
            ),
            Error::VerdictNotReady => {
                Self::new(S::CONFLICT, "verdict_not_ready", "The drop has not been judged yet")
            }
            Error::SubmissionRequired => Self::new(
                S::FORBIDDEN,
                "submission_required",
                "Only the sender, and workers who submitted, can read the verdict",
            ),
            Error::AppealNotAllowed => Self::new(
                S::FORBIDDEN,
                "appeal_not_allowed",
                "Only the sender, and workers who submitted and did not win, can appeal",
            ),
            Error::AppealWindowClosed => {
                Self::new(S::CONFLICT, "appeal_window_closed", "The time to appeal is over")
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
                    "This API key may spend at most {limit} cents per day, and has spent {spent} today (UTC)"
                ),
            ),
            Error::ForeignOrigin => Self::new(
                S::FORBIDDEN,
                "foreign_origin",
                "A request with a session cookie must come from an allowed page: its Origin does not match",
            ),
            Error::SessionRequired => Self::new(
                S::FORBIDDEN,
                "session_required",
                "This requires a session of your own: sign in, and send neither an API key nor a token of another program",
            ),
            Error::KeyLacksRight { right } => key_lacks_right(right),
            Error::SecondFactorRequired => Self::new(
                S::FORBIDDEN,
                "second_factor_required",
                "This requires a session with a second factor: confirm it, and try again",
            ),
            Error::TooManyKeys { most } => Self::new(
                S::CONFLICT,
                "too_many_keys",
                format!("You have {most} API keys, which is the maximum: revoke one first"),
            ),
            Error::LoginPending { interval_seconds } => Self {
                retry_after_seconds: Some(interval_seconds),
                ..Self::new(
                    S::BAD_REQUEST,
                    "authorization_pending",
                    format!("The login is not approved yet; poll again in {interval_seconds} s"),
                )
            },
            Error::LoginPolledTooOften { interval_seconds } => Self {
                retry_after_seconds: Some(interval_seconds),
                ..Self::new(
                    S::BAD_REQUEST,
                    "slow_down",
                    format!("Polled too often; wait {interval_seconds} s between two polls"),
                )
            },
            Error::LoginDenied => Self::new(S::BAD_REQUEST, "access_denied", "The login was denied"),
            Error::LoginExpired => {
                Self::new(S::BAD_REQUEST, "expired_token", "The login has expired; begin another")
            }
            Error::LoginUnknown => Self::new(
                S::BAD_REQUEST,
                "invalid_grant",
                "The login does not exist, or its key was already issued; begin another",
            ),
            Error::LoginDecided => Self::new(
                S::CONFLICT,
                "login_decided",
                "You have already decided on this login; you can revoke a key that it issued",
            ),
            Error::RateLimited { retry_after_seconds } => Self {
                retry_after_seconds: Some(retry_after_seconds),
                ..Self::new(
                    S::TOO_MANY_REQUESTS,
                    "rate_limited",
                    format!("Too many requests of this kind; retry in {retry_after_seconds} s"),
                )
            },
            Error::AgentNameTaken => {
                Self::new(S::CONFLICT, "agent_name_taken", "Another of your agents has this name")
            }
            Error::TooManyAgents { most } => Self::new(
                S::CONFLICT,
                "too_many_agents",
                format!("You have {most} agents, which is the maximum: delete one first"),
            ),
            Error::DefaultAgent => {
                Self::new(S::CONFLICT, "default_agent", "Your default agent cannot be deleted")
            }
            Error::AgentHasActiveWork => Self::new(
                S::CONFLICT,
                "agent_has_active_work",
                "The agent holds a claim on a drop that has not ended, so it cannot be deleted yet",
            ),
            Error::Unavailable(internal) => Self {
                retry_after_seconds: Some(RETRY_AFTER_SECONDS),
                detail: Some(internal.for_log().into()),
                ..Self::new(S::SERVICE_UNAVAILABLE, "unavailable", "Temporarily unavailable; retry")
            },
            Error::Internal(internal) => Self {
                detail: Some(internal.for_log().into()),
                ..Self::new(S::INTERNAL_SERVER_ERROR, "internal", "Internal server error")
            },
        }
    }
}
