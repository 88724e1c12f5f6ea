//! Every way in which a request can be rejected or fail, independent of HTTP.

use std::fmt;

use crate::ledger::Unbalanced;
use crate::money::Overflow;
use crate::{Cents, DropId, Release, Requirement, Right};

/// A rejection or a failure. The HTTP layer maps each variant to one status, code and message, in one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// A value breaks a rule. Names the field.
    Invalid(FieldError),
    /// The request has no usable credential.
    Unauthenticated,
    /// The resource does not exist, or is hidden from this caller.
    NotFound,
    /// The wallet holds less than the price.
    InsufficientBalance {
        /// Price of the drop.
        required: Cents,
        /// Balance of the wallet.
        available: Cents,
        /// Id of the drop, which stays `pending_payment`.
        drop: DropId,
        /// Result of the automatic top-up.
        auto_topup: AutoTopupOutcome,
    },
    /// The sender tried to claim or submit to their own drop.
    OwnDrop,
    /// Only the sender may do this.
    NotTheSender,
    /// The caller holds no claim on this drop.
    NotAClaimant,
    /// The drop does not await payment.
    DropNotPending,
    /// The drop is in a state that takes no claims or submissions.
    DropNotOpen,
    /// The drop's window has closed.
    WindowClosed,
    /// Every slot is held.
    MaxClaimsReached,
    /// Another account of the worker's owner holds a slot of the drop.
    OwnerHoldsSlot,
    /// The worker does not meet the drop's requirements.
    RequirementsNotMet {
        /// The requirements that are not met; at least one.
        unmet: Vec<Requirement>,
    },
    /// The caller has already submitted a different output.
    AlreadySubmitted,
    /// The caller has submitted, so their slot cannot be released.
    WorkDelivered,
    /// Too many of the caller's recent claims have lapsed or been released.
    ClaimCooldown {
        /// Seconds until the next claim is allowed.
        seconds: u32,
    },
    /// The drop has submissions, so it will be judged.
    DropHasSubmissions,
    /// The drop is not judged yet.
    VerdictNotReady,
    /// The caller held a claim and submitted nothing, so the verdict is not for them.
    SubmissionRequired,
    /// The caller has no side that may ask for a second opinion: they won, or did not submit.
    AppealNotAllowed,
    /// The time for asking for a second opinion is over.
    AppealWindowClosed,
    /// The wallet holds less than the amount of a withdrawal.
    InsufficientFunds {
        /// Amount of the withdrawal.
        required: Cents,
        /// Balance of the wallet.
        available: Cents,
    },
    /// The amount of a withdrawal exceeds the user's matured winnings.
    NotWithdrawable {
        /// Amount of the withdrawal.
        required: Cents,
        /// Amount that may be withdrawn now.
        withdrawable: Cents,
        /// The next release of winnings, if any are held.
        next_release: Option<Release>,
    },
    /// The account is frozen: it can neither withdraw nor post drops.
    AccountFrozen,
    /// The user has no Stripe account that can receive withdrawals.
    OnboardingRequired,
    /// Stripe refused the transfer; the amount is back in the wallet.
    WithdrawalRefused,
    /// Automatic top-ups require a saved payment method.
    PaymentMethodRequired,
    /// Stripe refused to do what the request needs. Nothing was done.
    RefusedByStripe {
        /// Stripe's code for the reason.
        code: String,
    },
    /// The drop costs more than the key may spend on one drop.
    SpendLimitPerDrop {
        /// Limit of the key, per drop.
        limit: Cents,
    },
    /// The drop costs more than the rest of the key's daily limit.
    SpendLimitPerDay {
        /// Limit of the key, per day.
        limit: Cents,
        /// Amount the key has spent today.
        spent: Cents,
    },
    /// A browser sent the session along with a request from a foreign origin.
    ForeignOrigin,
    /// This requires the user's own session; API keys and sessions of OAuth clients are rejected.
    SessionRequired,
    /// The credential lacks a right.
    KeyLacksRight {
        /// The right that the request needs.
        right: Right,
    },
    /// This reaches money beyond the wallet, and the session has not passed a second factor.
    SecondFactorRequired,
    /// The user has the maximum number of keys.
    TooManyKeys {
        /// Maximum number of keys.
        most: u32,
    },
    /// No user has decided about the login yet.
    LoginPending {
        /// Seconds until the program may poll again.
        interval_seconds: u32,
    },
    /// The program polls its login too often.
    LoginPolledTooOften {
        /// New minimum interval between two polls, in seconds.
        interval_seconds: u32,
    },
    /// The user denied the login.
    LoginDenied,
    /// The login has expired.
    LoginExpired,
    /// The login does not exist, or has already yielded a key.
    LoginUnknown,
    /// The user has already decided differently about the login.
    LoginDecided,
    /// The caller has sent too many requests of this class.
    RateLimited {
        /// Seconds until the next request is allowed, at least 1.
        retry_after_seconds: u32,
    },
    /// Another of the user's agents has this name.
    AgentNameTaken,
    /// The user has the maximum number of agents.
    TooManyAgents {
        /// Maximum number of agents.
        most: u32,
    },
    /// A user's default agent cannot be deleted.
    DefaultAgent,
    /// The agent has unfinished work, so it cannot be deleted.
    AgentHasActiveWork,
    /// A dependency is down, slow or contended. The request was valid and can be retried.
    Unavailable(Internal),
    /// An internal fault.
    Internal(Internal),
}

/// The result of the automatic top-up of a wallet that could not pay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AutoTopupOutcome {
    /// No top-up was tried: it is off, or would not have sufficed.
    #[default]
    None,
    /// The bank declined the card.
    Declined,
    /// The bank requires the card's owner to confirm the payment.
    AuthenticationRequired,
    /// The charge is in flight, and its outcome is not known yet.
    Pending,
    /// No charge was made: it would exceed the day's limit of automatic top-ups.
    DailyLimit,
}

/// The description of an internal fault, for the log. It has no `Display`, so it cannot reach a response by
/// accident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Internal(String);

impl Internal {
    /// Wraps a description for maintainers.
    pub fn new(description: impl Into<String>) -> Self {
        Self(description.into())
    }

    /// The description, for the log only.
    pub fn for_log(&self) -> &str {
        &self.0
    }
}

impl Error {
    /// An internal fault, described for maintainers.
    pub fn internal(description: impl Into<String>) -> Self {
        Self::Internal(Internal::new(description))
    }

    /// A temporary fault, described for maintainers.
    pub fn unavailable(description: impl Into<String>) -> Self {
        Self::Unavailable(Internal::new(description))
    }
}

impl From<FieldError> for Error {
    fn from(error: FieldError) -> Self {
        Self::Invalid(error)
    }
}

impl From<Overflow> for Error {
    fn from(error: Overflow) -> Self {
        Self::internal(error.to_string())
    }
}

impl From<Unbalanced> for Error {
    fn from(error: Unbalanced) -> Self {
        Self::internal(format!("posting does not balance: {error:?}"))
    }
}

/// The error for a word that names no value of the requested kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownWord;

/// A value in a request that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// JSON pointer to the value in the request body, or name of the query parameter.
    pub field: String,
    /// Stable code for clients to branch on.
    pub code: &'static str,
    /// Message for people.
    pub message: String,
}

impl FieldError {
    /// Creates an error at `field`.
    pub fn new(field: impl Into<String>, code: &'static str, message: impl Into<String>) -> Self {
        Self { field: field.into(), code, message: message.into() }
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
