//! The state of the sandbox.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::Instant;

use crate::refusal::Refusal;

/// The kind of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A payer.
    Customer,
    /// A hosted payment page.
    CheckoutSession,
    /// An attempt to save a card for later payments.
    SetupIntent,
    /// An amount to collect.
    PaymentIntent,
    /// A card or a bank account.
    PaymentMethod,
    /// A connected account, which receives transfers.
    Account,
    /// Money sent from the platform to an account.
    Transfer,
    /// Money of a transfer returned to the platform.
    Reversal,
    /// Money returned to a payer.
    Refund,
    /// An attempt to collect an amount.
    Charge,
    /// A payer's objection to a charge.
    Dispute,
    /// A movement of the platform's balance.
    BalanceTransaction,
    /// A record of a change, sent to webhook endpoints.
    Event,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 13] = [
        Self::Customer,
        Self::CheckoutSession,
        Self::SetupIntent,
        Self::PaymentIntent,
        Self::PaymentMethod,
        Self::Account,
        Self::Transfer,
        Self::Reversal,
        Self::Refund,
        Self::Charge,
        Self::Dispute,
        Self::BalanceTransaction,
        Self::Event,
    ];

    /// The prefix of the kind's identifiers, and the number of characters after it.
    pub const fn id(self) -> (&'static str, usize) {
        match self {
            Self::Customer => ("cus_", 14),
            Self::CheckoutSession => ("cs_test_", 58),
            Self::SetupIntent => ("seti_", 24),
            Self::PaymentIntent => ("pi_", 24),
            Self::PaymentMethod => ("pm_", 24),
            Self::Account => ("acct_", 16),
            Self::Transfer => ("tr_", 24),
            Self::Reversal => ("trr_", 24),
            Self::Refund => ("re_", 24),
            Self::Charge => ("ch_", 24),
            Self::Dispute => ("du_", 24),
            Self::BalanceTransaction => ("txn_", 24),
            Self::Event => ("evt_", 24),
        }
    }

    /// The noun that Stripe uses for the kind in error messages.
    pub const fn noun(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::CheckoutSession => "checkout.session",
            Self::SetupIntent => "setupintent",
            Self::PaymentIntent => "payment_intent",
            Self::PaymentMethod => "PaymentMethod",
            Self::Account => "account",
            Self::Transfer => "transfer",
            Self::Reversal => "transfer_reversal",
            Self::Refund => "refund",
            Self::Charge => "charge",
            Self::Dispute => "dispute",
            Self::BalanceTransaction => "balance_transaction",
            Self::Event => "event",
        }
    }

    /// The kind of the object that `id` identifies.
    pub fn of(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| id.starts_with(kind.id().0))
    }
}

/// Behaviour of a saved card when it is charged without its owner present.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Card {
    /// The charge succeeds.
    #[default]
    Ok,
    /// The bank declines the charge.
    Declined,
    /// The bank requires authentication by the owner.
    AuthenticationRequired,
}

/// The part of an open Checkout session that its payment needs and the API does not show.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SessionPlan {
    /// The items that the page lists.
    pub lines: Vec<Line>,
    /// The metadata of the payment intent.
    pub metadata: Value,
    /// The description of the payment intent.
    pub description: Option<String>,
    /// The identifier that groups the payment with transfers.
    pub transfer_group: Option<String>,
    /// True if the card is saved for later payments.
    pub saves_card: bool,
    /// The payment intent of an earlier, declined attempt.
    pub payment_intent: Option<String>,
}

/// An item on a Checkout page.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Line {
    /// The product's name.
    pub name: String,
    /// The number of units.
    pub quantity: i64,
    /// The price of one unit, in cents.
    pub unit_amount: i64,
}

/// Outcome of a bank debit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Debit {
    /// The bank pays.
    Paid,
    /// The bank refuses to pay.
    Failed,
}

/// A link to the onboarding page of an account.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Link {
    /// The account to onboard.
    pub account: String,
    /// The URL to which the page returns afterwards.
    pub return_url: String,
    /// The URL to which the page leads if the link is used or expired.
    pub refresh_url: String,
    /// The time at which the link expires, in seconds since the epoch.
    pub expires_at: i64,
    /// True once the page has been opened.
    pub opened: bool,
}

/// A response stored under an idempotency key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StoredReply {
    /// The path of the request.
    pub path: String,
    /// The parameters of the request.
    pub params: Value,
    /// The identifier of the request.
    pub request: String,
    /// The HTTP status.
    pub status: u16,
    /// The response body.
    pub body: Value,
    /// The time of the response, in milliseconds since the epoch.
    pub at: i64,
}

/// A failure to simulate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FaultKind {
    /// The request is declined and not executed.
    #[serde(rename = "decline")]
    Decline,
    /// The connection is dropped, and the request is not executed.
    #[serde(rename = "timeout_before")]
    TimeoutBefore,
    /// The request is executed, and then the connection is dropped.
    #[serde(rename = "timeout_after")]
    TimeoutAfter,
    /// Stripe answers with an internal error, and does not execute the request.
    #[serde(rename = "500")]
    ServerError,
    /// Stripe answers with an internal error after it has begun: nothing is executed, and the answer is kept
    /// under the idempotency key.
    #[serde(rename = "500_kept")]
    KeptServerError,
    /// Stripe executes the request and then fails: the error is kept under the idempotency key.
    #[serde(rename = "500_after")]
    ServerErrorAfter,
    /// Stripe answers that there are too many requests, and does not execute this one.
    #[serde(rename = "429")]
    RateLimit,
    /// The request is executed after a delay.
    #[serde(rename = "delay")]
    Delay,
}

impl FaultKind {
    /// True if the answer is stored under the idempotency key.
    pub const fn is_stored(self) -> bool {
        matches!(self, Self::Decline | Self::KeptServerError | Self::ServerErrorAfter)
    }
}

/// A fault that waits for matching requests.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Fault {
    /// The prefix of the path of matching requests.
    pub path: String,
    /// The method of matching requests; `None` for any.
    pub method: Option<String>,
    /// The failure to simulate.
    pub fault: FaultKind,
    /// The number of requests still to fail.
    pub times: u32,
    /// The delay of [`FaultKind::Delay`], in milliseconds.
    pub delay_ms: u64,
}

/// Settings for the delivery of events.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct WebhookSettings {
    /// True if all events are held.
    pub paused: bool,
    /// Number of additional copies of each event.
    pub duplicates: u32,
    /// Delay before the first attempt, in milliseconds.
    pub delay_ms: u64,
    /// True if due events are sent in random order.
    pub shuffle: bool,
}

/// An event that is to be delivered to one endpoint.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Delivery {
    /// The delivery's unique number.
    pub number: u64,
    /// The event's identifier.
    pub event: String,
    /// The index of the endpoint. Its URL may change while the event waits.
    pub endpoint: usize,
    /// Number of failed attempts.
    pub attempts: u32,
    /// The status of the last response; `None` if there was none.
    pub last_status: Option<u16>,
    /// The earliest time of the next attempt.
    #[serde(skip)]
    pub not_before: Option<Instant>,
    /// True while an attempt is running.
    #[serde(skip)]
    pub sending: bool,
}

/// The whole state of the sandbox.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct State {
    /// Objects as the API shows them, by kind and identifier. Identifiers sort by age.
    pub objects: BTreeMap<Kind, BTreeMap<String, Value>>,
    /// What remains of deleted objects, by identifier.
    #[serde(default)]
    pub deleted: BTreeMap<String, Value>,
    /// The number in the next identifier.
    pub next_number: u64,
    /// The platform's available balance, in cents.
    pub available_cents: i64,
    /// Behaviour of saved cards, by payment method.
    pub cards: BTreeMap<String, Card>,
    /// Plans of open Checkout sessions, by session.
    pub plans: BTreeMap<String, SessionPlan>,
    /// The line items of all Checkout sessions, by session.
    #[serde(default)]
    pub line_items: BTreeMap<String, Vec<Value>>,
    /// Open bank debits, by session.
    pub debits: BTreeMap<String, Debit>,
    /// Onboarding links, by token.
    pub links: BTreeMap<String, Link>,
    /// Stored responses, by idempotency key.
    pub answers: BTreeMap<String, StoredReply>,
    /// Injected faults, oldest first.
    pub faults: Vec<Fault>,
    /// The webhook secret that the sandbox was started with.
    pub configured_secret: String,
    /// The secrets that sign events, newest first.
    pub secrets: Vec<String>,
    /// Settings for the delivery of events.
    pub webhooks: WebhookSettings,
    /// Deliveries that have not succeeded, oldest first.
    pub deliveries: Vec<Delivery>,
}

impl State {
    /// The object with this identifier, if it exists.
    pub fn get(&self, kind: Kind, id: &str) -> Option<&Value> {
        self.objects.get(&kind)?.get(id)
    }

    /// All objects of a kind, oldest first.
    pub fn all(&self, kind: Kind) -> impl DoubleEndedIterator<Item = &Value> {
        self.objects.get(&kind).into_iter().flat_map(BTreeMap::values)
    }

    /// The object that a request's path names.
    pub fn find(&self, kind: Kind, id: &str) -> Result<&Value, Refusal> {
        self.get(kind, id).ok_or_else(|| match kind {
            Kind::Account => Refusal::no_access(id),
            _ => Refusal::no_such(kind.noun(), id),
        })
    }

    /// The object that a request's parameter names.
    pub fn referenced(&self, param: &str, kind: Kind, id: &str) -> Result<&Value, Refusal> {
        self.get(kind, id).ok_or_else(|| Refusal::no_such_reference(param, kind.noun(), id))
    }
}

/// A copy of `object` with `fields` set.
pub fn with(mut object: Value, fields: Value) -> Value {
    if let Value::Object(fields) = fields {
        for (name, value) in fields {
            object[name] = value;
        }
    }
    object
}

/// The integer in a field of `object`; 0 if there is none.
pub fn amount(object: &Value, field: &str) -> i64 {
    object[field].as_i64().unwrap_or_default()
}

/// The text in a field of `object`; empty if there is none.
pub fn text<'a>(object: &'a Value, field: &str) -> &'a str {
    object[field].as_str().unwrap_or_default()
}
