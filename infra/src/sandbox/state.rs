//! Everything the sandbox knows, and the one way to change it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::ids;
use super::refusal::Refusal;

/// The version of Stripe's API that events are written in: the one of our client library.
const API_VERSION: &str = "2026-09-30.endive";

/// What Stripe keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Someone who pays.
    Customer,
    /// A hosted payment page.
    CheckoutSession,
    /// The saving of a card for later.
    SetupIntent,
    /// The collecting of an amount.
    PaymentIntent,
    /// A card or a bank account.
    PaymentMethod,
    /// An account that money can be transferred to.
    Account,
    /// Money on its way to an account.
    Transfer,
    /// Money of a transfer on its way back.
    Reversal,
    /// Money on its way back to a payer.
    Refund,
    /// One attempt to collect an amount.
    Charge,
    /// A payer's objection to a charge.
    Dispute,
    /// Something that happened.
    Event,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 12] = [
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
        Self::Event,
    ];

    /// How identifiers begin, and how long the rest is.
    const fn id(self) -> (&'static str, usize) {
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
            Self::Event => ("evt_", 24),
        }
    }

    /// What Stripe calls it in messages.
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
            Self::Event => "event",
        }
    }

    /// The kind of the object with this identifier.
    pub fn of(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| id.starts_with(kind.id().0))
    }
}

/// How a saved card behaves when it is charged without its owner present.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Card {
    /// It pays.
    #[default]
    Ok,
    /// Its bank says no.
    Declined,
    /// Its bank wants to see the owner.
    AuthenticationRequired,
}

/// What a Checkout session will need to pay, and does not show.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SessionPlan {
    /// What the payer sees: one line per item.
    pub lines: Vec<Line>,
    /// Metadata of the payment.
    pub metadata: Value,
    /// What the payment is for.
    pub description: Option<String>,
    /// Groups the payment with transfers.
    pub transfer_group: Option<String>,
    /// True if the card is kept for later payments.
    pub saves_card: bool,
    /// The payment that an earlier, declined attempt left behind.
    pub payment_intent: Option<String>,
}

/// An item on a Checkout page.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Line {
    /// The product's name.
    pub name: String,
    /// How many.
    pub quantity: i64,
    /// The price of one, in cents.
    pub unit_amount: i64,
}

/// How a bank debit ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Debit {
    /// The bank pays.
    Paid,
    /// The bank does not.
    Failed,
}

/// A link to the onboarding page of an account.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Link {
    /// Whose onboarding it is.
    pub account: String,
    /// Where the person goes afterwards.
    pub return_url: String,
    /// Where the person goes if the link is used up or too old.
    pub refresh_url: String,
    /// When it gets too old, in seconds since the epoch.
    pub expires_at: i64,
    /// True once the page has been opened.
    pub opened: bool,
}

/// An answer kept under an idempotency key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StoredReply {
    /// The path of the request.
    pub path: String,
    /// The parameters of the request.
    pub params: Value,
    /// The identifier of the request.
    pub request: String,
    /// The status.
    pub status: u16,
    /// The body.
    pub body: Value,
    /// When, in milliseconds since the epoch.
    pub at: i64,
}

/// What shall go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FaultKind {
    /// The request is declined without acting.
    #[serde(rename = "decline")]
    Decline,
    /// The connection is dropped without acting.
    #[serde(rename = "timeout_before")]
    TimeoutBefore,
    /// The request is carried out, and then the connection is dropped.
    #[serde(rename = "timeout_after")]
    TimeoutAfter,
    /// A fault of Stripe's, without acting.
    #[serde(rename = "500")]
    ServerError,
    /// Too many requests, without acting.
    #[serde(rename = "429")]
    RateLimit,
    /// The request is carried out after a while.
    #[serde(rename = "delay")]
    Delay,
}

/// A fault that waits for its request.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Fault {
    /// What the path of the request begins with.
    pub path: String,
    /// The method of the request, if it matters.
    pub method: Option<String>,
    /// What goes wrong.
    pub fault: FaultKind,
    /// For how many requests.
    pub times: u32,
    /// How long [`FaultKind::Delay`] waits, in milliseconds.
    pub delay_ms: u64,
}

/// How events are delivered.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct WebhookSettings {
    /// Hold everything.
    pub paused: bool,
    /// How many times more than once each event is sent.
    pub duplicates: u32,
    /// How long each event waits at first, in milliseconds.
    pub delay_ms: u64,
    /// Send what waits in a random order.
    pub shuffle: bool,
}

/// An event on its way to an endpoint.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Delivery {
    /// Tells it from others.
    pub number: u64,
    /// The event.
    pub event: String,
    /// Which of the endpoints. Its address may change while the event waits.
    pub endpoint: usize,
    /// How often it was tried.
    pub attempts: u32,
    /// The status of the last answer, if there was one.
    pub last_status: Option<u16>,
    /// Not to be sent before.
    #[serde(skip)]
    pub not_before: Option<Instant>,
    /// True while it is being sent.
    #[serde(skip)]
    pub sending: bool,
}

/// Everything the sandbox knows.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct State {
    /// Objects as the API shows them, by kind and identifier. Identifiers sort by age.
    pub objects: BTreeMap<Kind, BTreeMap<String, Value>>,
    /// The number of the next identifier.
    pub next_number: u64,
    /// What the platform may transfer, in cents.
    pub available_cents: i64,
    /// How saved cards behave, by payment method.
    pub cards: BTreeMap<String, Card>,
    /// What open Checkout sessions will need, by session.
    pub plans: BTreeMap<String, SessionPlan>,
    /// Bank debits that have not ended, by session.
    pub debits: BTreeMap<String, Debit>,
    /// Onboarding links, by token.
    pub links: BTreeMap<String, Link>,
    /// Answers by idempotency key.
    pub answers: BTreeMap<String, StoredReply>,
    /// Faults in the order in which they were asked for.
    pub faults: Vec<Fault>,
    /// The secret that the sandbox was started with.
    pub configured_secret: String,
    /// The secrets that sign events, newest first.
    pub secrets: Vec<String>,
    /// How events are delivered.
    pub webhooks: WebhookSettings,
    /// Events on their way, oldest first.
    pub deliveries: Vec<Delivery>,
}

impl State {
    /// The object, if it exists.
    pub fn get(&self, kind: Kind, id: &str) -> Option<&Value> {
        self.objects.get(&kind)?.get(id)
    }

    /// The objects of a kind, oldest first.
    pub fn all(&self, kind: Kind) -> impl DoubleEndedIterator<Item = &Value> {
        self.objects.get(&kind).into_iter().flat_map(BTreeMap::values)
    }

    /// The object that a path names.
    pub fn find(&self, kind: Kind, id: &str) -> Result<&Value, Refusal> {
        self.get(kind, id).ok_or_else(|| match kind {
            Kind::Account => Refusal::no_access(id),
            _ => Refusal::no_such(kind.noun(), id),
        })
    }

    /// The object that a parameter names.
    pub fn referenced(&self, param: &str, kind: Kind, id: &str) -> Result<&Value, Refusal> {
        self.get(kind, id).ok_or_else(|| Refusal::no_such_reference(param, kind.noun(), id))
    }
}

/// The request that caused a change.
#[derive(Clone, Debug)]
pub struct Cause {
    /// Its identifier.
    pub request: String,
    /// Its idempotency key.
    pub key: Option<String>,
}

/// A change of the state in progress.
#[derive(Debug)]
pub struct Change<'a> {
    /// What changes.
    pub state: &'a mut State,
    /// The time of the change.
    pub now: Timestamp,
    /// Where the sandbox answers.
    pub url: &'a str,
    /// How many endpoints receive events.
    pub endpoints: usize,
    /// The request behind it, if it came through the API.
    pub cause: Option<Cause>,
}

impl Change<'_> {
    /// The time in seconds since the epoch.
    pub fn seconds(&self) -> i64 {
        self.now.as_second()
    }

    /// A new identifier.
    pub fn new_id(&mut self, kind: Kind) -> String {
        let (prefix, length) = kind.id();
        ids::ordered(prefix, self.number(), length)
    }

    /// A number that was not given out before.
    fn number(&mut self) -> u64 {
        let number = self.state.next_number;
        self.state.next_number += 1;
        number
    }

    /// Keeps a new object, which it returns.
    pub fn insert(&mut self, kind: Kind, object: Value) -> Value {
        if let Some(id) = object["id"].as_str() {
            self.state.objects.entry(kind).or_default().insert(id.to_owned(), object.clone());
        }
        object
    }

    /// Sets fields of an object that exists, and returns it as it was and as it is.
    pub fn update(&mut self, kind: Kind, id: &str, fields: Value) -> (Value, Value) {
        let Some(object) = self.state.objects.get_mut(&kind).and_then(|all| all.get_mut(id)) else {
            return Default::default();
        };
        let before = object.clone();
        *object = with(before.clone(), fields);
        (before, object.clone())
    }

    /// Sets fields of an object, and makes the change known as an event.
    pub fn update_and_tell(&mut self, event: &str, kind: Kind, id: &str, fields: Value) -> Value {
        let (before, after) = self.update(kind, id, fields);
        self.tell_of(event, &after, Some(&before));
        after
    }

    /// Makes known what happened to an object.
    pub fn tell(&mut self, event: &str, object: &Value) {
        self.tell_of(event, object, None);
    }

    fn tell_of(&mut self, kind: &str, object: &Value, before: Option<&Value>) {
        let id = self.new_id(Kind::Event);
        let mut data = json!({ "object": object });
        if let Some(before) = before {
            data["previous_attributes"] = changed_fields(before, object);
        }
        let mut event = json!({
            "id": id,
            "object": "event",
            "api_version": API_VERSION,
            "created": self.seconds(),
            "data": data,
            "livemode": false,
            "pending_webhooks": self.endpoints,
            "request": {
                "id": self.cause.as_ref().map(|cause| &cause.request),
                "idempotency_key": self.cause.as_ref().and_then(|cause| cause.key.as_ref()),
            },
            "type": kind,
        });
        // Events about an account come from that account.
        if object["object"] == "account" {
            event["account"] = object["id"].clone();
        }
        self.insert(Kind::Event, event);
        let copies = 1 + self.state.webhooks.duplicates;
        for endpoint in (0..self.endpoints).flat_map(|endpoint| (0..copies).map(move |_| endpoint)) {
            self.send(&id, endpoint);
        }
    }

    /// Puts an event on its way to an endpoint.
    pub fn send(&mut self, event: &str, endpoint: usize) {
        let delay = std::time::Duration::from_millis(self.state.webhooks.delay_ms);
        let delivery = Delivery {
            number: self.number(),
            event: event.to_owned(),
            endpoint,
            attempts: 0,
            last_status: None,
            not_before: Some(Instant::now() + delay),
            sending: false,
        };
        self.state.deliveries.push(delivery);
    }
}

/// The fields of `before` that are different in `after`.
fn changed_fields(before: &Value, after: &Value) -> Value {
    let fields = before.as_object().into_iter().flatten();
    fields
        .filter(|(name, value)| after[name.as_str()] != **value)
        .map(|(n, v)| (n.clone(), v.clone()))
        .collect()
}

/// An object with some fields set.
pub fn with(mut object: Value, fields: Value) -> Value {
    if let Value::Object(fields) = fields {
        for (name, value) in fields {
            object[name] = value;
        }
    }
    object
}

/// An amount inside an object.
pub fn amount(object: &Value, field: &str) -> i64 {
    object[field].as_i64().unwrap_or_default()
}

/// A text inside an object; empty if it is null.
pub fn text<'a>(object: &'a Value, field: &str) -> &'a str {
    object[field].as_str().unwrap_or_default()
}
