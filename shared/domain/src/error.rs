//! Every way a request can be refused or fail, free of HTTP.

use std::fmt;

use crate::ledger::Unbalanced;
use crate::money::Overflow;
use crate::{Cents, DropId};

/// A refusal or a failure. The HTTP layer turns each variant into one status, code and message, in one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// A value breaks a rule; names the field.
    Invalid(FieldError),
    /// No usable credential.
    Unauthenticated,
    /// Missing, or hidden from this caller.
    NotFound,
    /// The wallet does not hold the price.
    InsufficientBalance {
        /// The price.
        required: Cents,
        /// What the wallet holds.
        available: Cents,
        /// The drop, kept as `pending_payment`.
        drop: DropId,
        /// What became of the automatic top-up that should have helped.
        auto_topup: AutoTopupOutcome,
    },
    /// A sender claims or submits to their own drop.
    OwnDrop,
    /// Only the sender may do this.
    NotTheSender,
    /// The caller holds no claim on this drop.
    NotAClaimant,
    /// Only a pending drop can be paid.
    DropNotPending,
    /// The drop takes no claims or submissions in its state.
    DropNotOpen,
    /// The drop's window has closed.
    WindowClosed,
    /// All slots are held.
    MaxClaimsReached,
    /// A different submission was made before.
    AlreadySubmitted,
    /// The caller has submitted, so their slot cannot be given up.
    WorkDelivered,
    /// Too many claims of the caller's have lapsed or been given up lately.
    ClaimCooldown {
        /// Until a claim is allowed again, in seconds.
        seconds: u32,
    },
    /// Work has been delivered, so the drop will be judged.
    DropHasSubmissions,
    /// The drop is not judged yet.
    VerdictNotReady,
    /// The wallet does not hold the amount of a withdrawal.
    InsufficientFunds {
        /// The amount.
        required: Cents,
        /// What the wallet holds.
        available: Cents,
    },
    /// The user has no Stripe account that withdrawals can be sent to.
    OnboardingRequired,
    /// Stripe refused a transfer; the amount is back in the wallet.
    WithdrawalRefused,
    /// Automatic top-ups need a saved payment method.
    PaymentMethodRequired,
    /// The drop costs more than the key may spend on one.
    SpendLimitPerDrop {
        /// The key's limit.
        limit: Cents,
    },
    /// The drop costs more than is left of what the key may spend in a day.
    SpendLimitPerDay {
        /// The key's limit.
        limit: Cents,
        /// What it has spent today.
        spent: Cents,
    },
    /// A browser sends its session along for a page that is not ours.
    ForeignOrigin,
    /// Only somebody who has signed in may do this, and no key.
    SessionRequired,
    /// A key that may not spend everything may not do this at all.
    KeyIsLimited,
    /// The user has as many keys as they may have.
    TooManyKeys {
        /// How many that is.
        most: u32,
    },
    /// Nobody has decided about the login yet.
    LoginPending {
        /// Seconds until its program may poll again.
        interval_seconds: u32,
    },
    /// The program of a login polls too often.
    LoginPolledTooOften {
        /// Seconds that it has to wait between two polls from now on.
        interval_seconds: u32,
    },
    /// The user has denied the login.
    LoginDenied,
    /// The login's time is over.
    LoginExpired,
    /// There is no such login, or it has led to a key already.
    LoginUnknown,
    /// The user has decided about the login before, and otherwise.
    LoginDecided,
    /// The user has asked for this too often.
    RateLimited {
        /// Seconds until they may again, at least one.
        retry_after_seconds: u32,
    },
    /// Another of the user's agents has this name.
    AgentNameTaken,
    /// The user has as many agents as one may have.
    TooManyAgents {
        /// How many that is.
        most: u32,
    },
    /// A user's default agent cannot be deleted.
    DefaultAgent,
    /// An agent whose work has not ended cannot be deleted.
    AgentHasActiveWork,
    /// A dependency is down, slow or contended; nothing wrong was done and the same request may be sent again.
    Unavailable(Internal),
    /// A fault of ours.
    Internal(Internal),
}

/// What became of the automatic top-up of a wallet that could not pay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AutoTopupOutcome {
    /// There was none: it is off, or would not have been enough.
    #[default]
    None,
    /// The bank declined the card.
    Declined,
    /// The bank wants the card's owner to confirm the payment, which takes the owner.
    AuthenticationRequired,
    /// The charge is under way, and its outcome not known yet.
    Pending,
}

/// What went wrong inside, for the log. It has no `Display`, so it cannot be put into an answer by accident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Internal(String);

impl Internal {
    /// A description for maintainers.
    pub fn new(description: impl Into<String>) -> Self {
        Self(description.into())
    }

    /// The description, for the log only.
    pub fn for_log(&self) -> &str {
        &self.0
    }
}

impl Error {
    /// A fault of ours, described for maintainers.
    pub fn internal(description: impl Into<String>) -> Self {
        Self::Internal(Internal::new(description))
    }

    /// A passing fault, described for maintainers.
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

/// A word that names nothing of its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownWord;

/// A value that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// JSON pointer to the value in the request body, or the name of a query parameter.
    pub field: String,
    /// What clients branch on.
    pub code: &'static str,
    /// What a person reads.
    pub message: String,
}

impl FieldError {
    /// An error at `field`.
    pub fn new(field: impl Into<String>, code: &'static str, message: impl Into<String>) -> Self {
        Self { field: field.into(), code, message: message.into() }
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
