//! Parsing of Stripe's webhook events into their meaning for a wallet.
//!
//! Only the required fields are read, so that new versions of Stripe's API stay compatible.

use std::collections::BTreeMap;

use clorp_domain::owner::OwnerMark;
use clorp_domain::{
    Cents, ConnectStatus, DisputeReport, DisputeStatus, FailedRefund, SetupId, TopupId, UserId, WithdrawalId,
};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::metadata;

/// A webhook event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Stripe's id of the event.
    pub id: String,
    /// Stripe's type of the event.
    pub kind: String,
    /// Time of the event, in whole seconds.
    pub created: Timestamp,
    /// Meaning for a wallet.
    pub meaning: Meaning,
}

/// The meaning of a webhook event for a wallet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// A top-up was paid.
    TopupPaid(TopupPayment),
    /// A payment method was set up.
    PaymentMethodSaved {
        /// User who owns the payment method.
        user: UserId,
        /// Record of the setup.
        setup: SetupId,
        /// Id of Stripe's customer.
        customer: String,
        /// Id of Stripe's payment method.
        payment_method: String,
        /// True if the setup allowed nothing but cards.
        is_card: bool,
    },
    /// A user's Stripe account is in this state.
    Account {
        /// User who owns the account.
        user: UserId,
        /// Id of Stripe's account.
        account: String,
        /// State of the account, which tells whether it can pay out.
        status: ConnectStatus,
        /// Bank accounts to which it pays out.
        banks: Vec<OwnerMark>,
    },
    /// A user's payment was made with this card.
    CardUsed {
        /// User whose wallet the payment credits.
        user: UserId,
        /// The card.
        card: OwnerMark,
    },
    /// A charge was refunded to the card, in full or in part.
    Refunded {
        /// Id of Stripe's charge.
        charge: String,
        /// Id of the charge's PaymentIntent.
        intent: String,
        /// Sum of all refunds of the charge.
        refunded: Cents,
    },
    /// A refund failed, or was cancelled, after it had been made.
    RefundFailed {
        /// Id of the refunded PaymentIntent.
        intent: String,
        /// The refund.
        refund: FailedRefund,
    },
    /// A dispute about a payment is in this state.
    Disputed {
        /// Id of the disputed PaymentIntent.
        intent: String,
        /// State of the dispute.
        report: DisputeReport,
    },
    /// A transfer was reversed, in full or in part.
    TransferReversed {
        /// User who made the withdrawal.
        user: UserId,
        /// Record of the withdrawal.
        withdrawal: WithdrawalId,
        /// Sum of all reversals of the transfer.
        reversed: Cents,
    },
    /// The event concerns no wallet.
    Nothing,
    /// The money or account was not initiated here: its metadata is missing, foreign or malformed.
    NotOurs {
        /// Id of the Stripe object.
        object: String,
    },
}

/// A payment that credits a wallet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopupPayment {
    /// User whose wallet is credited.
    pub user: UserId,
    /// Record of the top-up.
    pub topup: TopupId,
    /// Id of the Stripe object that keys the credit: a Checkout session, or the PaymentIntent of an automatic
    /// top-up.
    pub stripe_id: String,
    /// Id of the PaymentIntent, which later refunds and disputes name.
    pub intent: Option<String>,
    /// Amount paid.
    pub amount: Cents,
    /// Currency of the payment, as Stripe's lower-case code.
    pub currency: String,
}

/// An event that concerns a wallet but cannot be parsed, or a body that is no event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Stripe's id of the event, if readable.
    pub id: Option<String>,
    /// Stripe's type of the event, if readable.
    pub kind: Option<String>,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    created: i64,
    #[serde(borrow)]
    data: Data<'a>,
}

#[derive(Deserialize)]
struct Data<'a> {
    #[serde(borrow)]
    object: &'a RawValue,
}

#[derive(Deserialize)]
struct Session {
    id: String,
    payment_status: String,
    payment_intent: Option<Reference>,
    amount_total: Option<Amount>,
    currency: Option<String>,
    #[serde(default, deserialize_with = "or_none")]
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Intent {
    id: String,
    amount_received: Amount,
    currency: String,
    #[serde(default, deserialize_with = "or_none")]
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Setup {
    id: String,
    customer: Option<Reference>,
    payment_method: Option<Reference>,
    #[serde(default)]
    payment_method_types: Vec<String>,
    #[serde(default, deserialize_with = "or_none")]
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Account {
    id: String,
    payouts_enabled: bool,
    #[serde(default, deserialize_with = "or_none")]
    capabilities: BTreeMap<String, Value>,
    #[serde(default, deserialize_with = "or_none")]
    external_accounts: ExternalAccounts,
    #[serde(default, deserialize_with = "or_none")]
    metadata: Metadata,
}

#[derive(Default, Deserialize)]
struct ExternalAccounts {
    #[serde(default)]
    data: Vec<ExternalAccount>,
}

#[derive(Deserialize)]
struct ExternalAccount {
    fingerprint: Option<String>,
}

/// A charge that succeeded. Whatever it lacks only leaves its card unknown.
#[derive(Default, Deserialize)]
struct SucceededCharge {
    #[serde(default, deserialize_with = "or_none")]
    metadata: Metadata,
    #[serde(default, deserialize_with = "or_none")]
    payment_method_details: Metadata,
}

#[derive(Deserialize)]
struct Charge {
    id: String,
    payment_intent: Option<Reference>,
    amount_refunded: Amount,
}

#[derive(Deserialize)]
struct Refund {
    id: String,
    payment_intent: Option<Reference>,
    amount: Amount,
    status: Option<String>,
    created: i64,
}

#[derive(Deserialize)]
struct Dispute {
    id: String,
    payment_intent: Option<Reference>,
    amount: Amount,
    status: String,
    #[serde(default, deserialize_with = "or_none")]
    balance_transactions: Vec<BalanceTransaction>,
}

/// A movement of Stripe's balance. `amount` leaves the fee out.
#[derive(Deserialize)]
struct BalanceTransaction {
    amount: Amount,
}

#[derive(Deserialize)]
struct Transfer {
    id: String,
    amount_reversed: Amount,
    #[serde(default, deserialize_with = "or_none")]
    metadata: Metadata,
}

/// An amount of at most [`MOST_CENTS`], of either sign. An event with another one is unreadable.
#[derive(Clone, Copy)]
struct Amount(Cents);

/// Largest amount that is read, in cents. No object of Stripe's has as much, and the sum of all amounts that
/// fit into an event fits into 64 bits.
const MOST_CENTS: u64 = 1_000_000_000_000;

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let cents = i64::deserialize(deserializer)?;
        if cents.unsigned_abs() > MOST_CENTS {
            return Err(serde::de::Error::custom("no amount of money"));
        }
        Ok(Self(Cents::new(cents)))
    }
}

/// A reference to another object. Stripe sends the id, or the whole object if the API's caller requested
/// that.
#[derive(Deserialize)]
#[serde(untagged)]
enum Reference {
    Id(String),
    Whole { id: String },
}

impl Reference {
    fn into_id(self) -> String {
        match self {
            Self::Id(id) | Self::Whole { id } => id,
        }
    }
}

type Metadata = BTreeMap<String, Value>;

/// Deserializes a collection. Stripe writes `null` for some objects without any.
fn or_none<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Returns the user and the local record that an object's metadata names, if it is of this kind. `None` for
/// foreign metadata.
fn record<T: std::str::FromStr>(metadata: &Metadata, kind: &str) -> Option<(UserId, T)> {
    let text = |name: &str| metadata.get(name).and_then(Value::as_str);
    if text(metadata::TYPE) != Some(kind) {
        return None;
    }
    Some((text(metadata::USER_ID)?.parse().ok()?, text(metadata::RECORD_ID)?.parse().ok()?))
}

fn kind_of(metadata: &Metadata) -> Option<&str> {
    metadata.get(metadata::TYPE).and_then(Value::as_str)
}

impl Event {
    /// Parses an event. Types that concern no wallet become [`Meaning::Nothing`], whatever they contain.
    ///
    /// # Errors
    /// [`Unreadable`] for a body that is no event, and for an event that concerns a wallet but lacks a
    /// required field.
    pub fn parse(body: &[u8]) -> Result<Self, Unreadable> {
        let Ok(envelope) = serde_json::from_slice::<Envelope>(body) else {
            let value: Value = serde_json::from_slice(body).unwrap_or_default();
            let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
            return Err(Unreadable { id: text("id"), kind: text("type") });
        };
        let created = Timestamp::from_second(envelope.created).ok();
        let meaning = created.and_then(|at| meaning(&envelope.kind, envelope.data.object.get(), at));
        match (created, meaning) {
            (Some(created), Some(meaning)) => {
                Ok(Self { id: envelope.id, kind: envelope.kind, created, meaning })
            }
            _ => Err(Unreadable { id: Some(envelope.id), kind: Some(envelope.kind) }),
        }
    }
}

/// Interprets an object by the event's type and time; `None` if it cannot be parsed.
fn meaning(kind: &str, object: &str, at: Timestamp) -> Option<Meaning> {
    match kind {
        "checkout.session.completed" | "checkout.session.async_payment_succeeded" => session(read(object)?),
        "payment_intent.succeeded" => intent(read(object)?),
        "setup_intent.succeeded" => setup(read(object)?),
        "account.updated" => Some(account(read(object)?)),
        "charge.succeeded" => Some(card_used(&read(object).unwrap_or_default())),
        "charge.refunded" => charge(read(object)?),
        "refund.failed" | "refund.updated" | "charge.refund.updated" => refund(read(object)?, at),
        "charge.dispute.created"
        | "charge.dispute.updated"
        | "charge.dispute.closed"
        | "charge.dispute.funds_withdrawn"
        | "charge.dispute.funds_reinstated" => dispute(read(object)?, at),
        "transfer.reversed" => Some(transfer(read(object)?)),
        _ => Some(Meaning::Nothing),
    }
}

fn read<T: DeserializeOwned>(object: &str) -> Option<T> {
    serde_json::from_str(object).ok()
}

fn session(session: Session) -> Option<Meaning> {
    let Some((user, topup)) = record(&session.metadata, metadata::WALLET_TOPUP) else {
        return Some(Meaning::NotOurs { object: session.id });
    };
    if session.payment_status != "paid" {
        // Some payment methods take days. Another event reports their outcome.
        return Some(Meaning::Nothing);
    }
    Some(Meaning::TopupPaid(TopupPayment {
        user,
        topup,
        stripe_id: session.id,
        intent: session.payment_intent.map(Reference::into_id),
        amount: session.amount_total?.0,
        currency: session.currency?,
    }))
}

fn intent(intent: Intent) -> Option<Meaning> {
    if kind_of(&intent.metadata) == Some(metadata::WALLET_TOPUP) {
        // This payment belongs to a Checkout session, whose own event credits the wallet.
        return Some(Meaning::Nothing);
    }
    let Some((user, topup)) = record(&intent.metadata, metadata::AUTO_TOPUP) else {
        return Some(Meaning::NotOurs { object: intent.id });
    };
    Some(Meaning::TopupPaid(TopupPayment {
        user,
        topup,
        stripe_id: intent.id.clone(),
        intent: Some(intent.id),
        amount: intent.amount_received.0,
        currency: intent.currency,
    }))
}

fn setup(setup: Setup) -> Option<Meaning> {
    let Some((user, id)) = record(&setup.metadata, metadata::SETUP) else {
        return Some(Meaning::NotOurs { object: setup.id });
    };
    Some(Meaning::PaymentMethodSaved {
        user,
        setup: id,
        customer: setup.customer?.into_id(),
        payment_method: setup.payment_method?.into_id(),
        is_card: setup.payment_method_types.iter().all(|kind| kind == "card"),
    })
}

fn account(account: Account) -> Meaning {
    let user = account.metadata.get(metadata::USER_ID).and_then(Value::as_str);
    match user.and_then(|user| user.parse().ok()) {
        None => Meaning::NotOurs { object: account.id },
        Some(user) => {
            let transfers = account.capabilities.get("transfers").and_then(Value::as_str);
            let status = ConnectStatus::of_account(transfers == Some("active"), account.payouts_enabled);
            let banks = account.external_accounts.data.iter().filter_map(|bank| bank.fingerprint.as_deref());
            let banks = banks.map(OwnerMark::bank_account).collect();
            Meaning::Account { user, account: account.id, status, banks }
        }
    }
}

/// The card of a payment into a wallet. Other charges, and charges of other payment methods, mean nothing.
fn card_used(charge: &SucceededCharge) -> Meaning {
    let is_ours = matches!(kind_of(&charge.metadata), Some(metadata::WALLET_TOPUP | metadata::AUTO_TOPUP));
    let user = charge.metadata.get(metadata::USER_ID).and_then(Value::as_str).filter(|_| is_ours);
    let card = charge.payment_method_details.get("card").and_then(|card| card["fingerprint"].as_str());
    match (user.and_then(|user| user.parse().ok()), card) {
        (Some(user), Some(card)) => Meaning::CardUsed { user, card: OwnerMark::card(card) },
        _ => Meaning::Nothing,
    }
}

fn charge(charge: Charge) -> Option<Meaning> {
    let Some(intent) = charge.payment_intent else {
        // Every charge made here has a PaymentIntent.
        return Some(Meaning::NotOurs { object: charge.id });
    };
    let refunded = charge.amount_refunded.0;
    Some(Meaning::Refunded { charge: charge.id, intent: intent.into_id(), refunded })
}

fn refund(refund: Refund, at: Timestamp) -> Option<Meaning> {
    if !matches!(refund.status.as_deref(), Some("failed" | "canceled")) {
        // The event about the charge tells the sum of its refunds.
        return Some(Meaning::Nothing);
    }
    let Some(intent) = refund.payment_intent else {
        return Some(Meaning::NotOurs { object: refund.id });
    };
    let made_at = Timestamp::from_second(refund.created).ok()?;
    let refund = FailedRefund { id: refund.id, amount: refund.amount.0, made_at, at };
    Some(Meaning::RefundFailed { intent: intent.into_id(), refund })
}

fn dispute(dispute: Dispute, at: Timestamp) -> Option<Meaning> {
    let Some(intent) = dispute.payment_intent else {
        return Some(Meaning::NotOurs { object: dispute.id });
    };
    let status = match dispute.status.as_str() {
        "warning_needs_response" | "warning_under_review" | "warning_closed" => DisputeStatus::Inquiry,
        "needs_response" | "under_review" => DisputeStatus::Open,
        // Stripe returns the money of a dispute that its fraud protection prevented.
        "won" | "prevented" => DisputeStatus::Won,
        "lost" => DisputeStatus::Lost,
        _ => return None,
    };
    let movements = dispute.balance_transactions.iter().map(|movement| movement.amount.0);
    let (id, amount, movements) = (dispute.id, dispute.amount.0, movements.collect());
    let report = DisputeReport { id, amount, status, movements, at };
    Some(Meaning::Disputed { intent: intent.into_id(), report })
}

fn transfer(transfer: Transfer) -> Meaning {
    match record(&transfer.metadata, metadata::WITHDRAWAL) {
        None => Meaning::NotOurs { object: transfer.id },
        Some((user, withdrawal)) => {
            Meaning::TransferReversed { user, withdrawal, reversed: transfer.amount_reversed.0 }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ULID: &str = "01JD4B6Q4N0000000000000000";

    fn event(kind: &str, object: Value) -> Vec<u8> {
        json!({ "id": "evt_1", "type": kind, "created": 1_795_512_600, "data": { "object": object } })
            .to_string()
            .into_bytes()
    }

    fn check(kind: &str, object: Value) -> Option<Meaning> {
        match Event::parse(&event(kind, object)) {
            Ok(event) => Some(event.meaning),
            Err(unreadable) => {
                assert_eq!(unreadable.id.as_deref(), Some("evt_1"));
                assert_eq!(unreadable.kind.as_deref(), Some(kind));
                None
            }
        }
    }

    fn ours(kind: &str) -> Value {
        json!({ "type": kind, "user_id": "ada", "record_id": ULID })
    }

    #[test]
    fn a_paid_session_credits_and_an_unpaid_one_waits() {
        let session = |status: &str| {
            json!({ "id": "cs_1", "payment_status": status, "payment_intent": "pi_1", "amount_total": 1000,
                    "currency": "usd", "metadata": ours("wallet_topup") })
        };
        let paid = Meaning::TopupPaid(TopupPayment {
            user: "ada".parse().unwrap(),
            topup: ULID.parse().unwrap(),
            stripe_id: "cs_1".to_owned(),
            intent: Some("pi_1".to_owned()),
            amount: Cents::new(1000),
            currency: "usd".to_owned(),
        });
        for kind in ["checkout.session.completed", "checkout.session.async_payment_succeeded"] {
            assert_eq!(check(kind, session("paid")), Some(paid.clone()));
            assert_eq!(check(kind, session("unpaid")), Some(Meaning::Nothing));
        }
        assert_eq!(check("checkout.session.expired", session("paid")), Some(Meaning::Nothing));
        let mut expanded = session("paid");
        expanded["payment_intent"] = json!({ "id": "pi_1", "object": "payment_intent" });
        assert_eq!(check("checkout.session.completed", expanded), Some(paid));
    }

    #[test]
    fn an_event_with_an_amount_that_nobody_pays_is_unreadable() {
        let dispute = |amount: i64, movement: i64| {
            json!({ "id": "dp_1", "payment_intent": "pi_1", "amount": amount, "status": "needs_response",
                    "balance_transactions": [{ "amount": movement }] })
        };
        let most = 1_000_000_000_000;
        assert!(check("charge.dispute.created", dispute(most, -most)).is_some());
        for bad in [dispute(most + 1, 0), dispute(1, -most - 1), dispute(i64::MAX, 0), dispute(1, i64::MIN)] {
            assert_eq!(check("charge.dispute.created", bad.clone()), None, "{bad}");
        }
    }

    #[test]
    fn objects_without_local_metadata_are_foreign() {
        let foreign = [
            json!({}),
            json!(null),
            json!({ "type": "wallet_topup" }),
            json!({ "type": "other", "user_id": "ada", "record_id": ULID }),
            json!({ "type": "wallet_topup", "user_id": "a#b", "record_id": ULID }),
            json!({ "type": "wallet_topup", "user_id": "ada", "record_id": "1" }),
            json!({ "type": "wallet_topup", "user_id": 7, "record_id": ULID }),
        ];
        for metadata in foreign {
            let session = json!({ "id": "cs_1", "payment_status": "paid", "payment_intent": "pi_1",
                                  "amount_total": 1, "currency": "usd", "metadata": metadata });
            let not_ours = Some(Meaning::NotOurs { object: "cs_1".to_owned() });
            assert_eq!(check("checkout.session.completed", session), not_ours, "{metadata}");
        }
        for (kind, object) in [
            ("payment_intent.succeeded", json!({ "id": "x", "amount_received": 1, "currency": "usd" })),
            ("setup_intent.succeeded", json!({ "id": "x", "customer": "cus_1", "payment_method": "pm_1" })),
            ("account.updated", json!({ "id": "x", "payouts_enabled": true })),
            ("charge.refunded", json!({ "id": "x", "payment_intent": null, "amount_refunded": 1 })),
            ("transfer.reversed", json!({ "id": "x", "amount_reversed": 1, "metadata": {} })),
        ] {
            assert_eq!(check(kind, object), Some(Meaning::NotOurs { object: "x".to_owned() }), "{kind}");
        }
    }

    #[test]
    fn the_payment_of_a_session_is_not_credited_twice() {
        let intent = |kind: &str| json!({ "id": "pi_1", "amount_received": 5, "currency": "usd", "metadata": ours(kind) });
        assert_eq!(check("payment_intent.succeeded", intent("wallet_topup")), Some(Meaning::Nothing));
        let paid = check("payment_intent.succeeded", intent("auto_topup"));
        assert!(matches!(paid, Some(Meaning::TopupPaid(payment)) if payment.stripe_id == "pi_1"));
    }

    #[test]
    fn an_account_is_active_if_it_may_receive_transfers_and_is_paid_out() {
        for (capabilities, payouts_enabled, active) in [
            (json!({ "transfers": "active" }), true, true),
            (json!({ "transfers": "active" }), false, false),
            (json!({ "transfers": "inactive" }), true, false),
            (json!({ "transfers": "pending" }), true, false),
            (json!({ "card_payments": "active" }), true, false),
            (json!({}), true, false),
            (json!(null), true, false),
        ] {
            let object = json!({ "id": "acct_1", "payouts_enabled": payouts_enabled, "capabilities": capabilities,
                                 "metadata": { "user_id": "ada" } });
            let status = if active { ConnectStatus::Active } else { ConnectStatus::Pending };
            let meaning = Meaning::Account {
                user: "ada".parse().unwrap(),
                account: "acct_1".to_owned(),
                status,
                banks: Vec::new(),
            };
            assert_eq!(check("account.updated", object), Some(meaning), "{capabilities} {payouts_enabled}");
        }
    }

    #[test]
    fn each_dispute_status_is_mapped() {
        for (word, status) in [
            ("warning_needs_response", Some(DisputeStatus::Inquiry)),
            ("warning_closed", Some(DisputeStatus::Inquiry)),
            ("needs_response", Some(DisputeStatus::Open)),
            ("under_review", Some(DisputeStatus::Open)),
            ("won", Some(DisputeStatus::Won)),
            ("lost", Some(DisputeStatus::Lost)),
            ("a_word_of_tomorrow", None),
        ] {
            let object = json!({ "id": "dp_1", "payment_intent": "pi_1", "amount": 5, "status": word });
            let read = check("charge.dispute.closed", object);
            assert_eq!(
                read.map(|meaning| match meaning {
                    Meaning::Disputed { report, .. } => report.status,
                    other => panic!("{other:?}"),
                }),
                status,
                "{word}"
            );
        }
    }

    #[test]
    fn the_card_of_a_payment_into_a_wallet_is_read() {
        let charge = |kind: &str, card: Value| json!({ "id": "ch_1", "metadata": ours(kind), "payment_method_details": { "card": card } });
        let used = Meaning::CardUsed { user: "ada".parse().unwrap(), card: OwnerMark::card("fp_1") };
        for kind in ["wallet_topup", "auto_topup"] {
            let read = check("charge.succeeded", charge(kind, json!({ "fingerprint": "fp_1" })));
            assert_eq!(read, Some(used.clone()));
        }
        for nothing in [
            charge("other", json!({ "fingerprint": "fp_1" })),
            charge("wallet_topup", json!({ "fingerprint": null })),
            json!({ "metadata": null, "payment_method_details": null }),
            json!("unexpected"),
        ] {
            assert_eq!(check("charge.succeeded", nothing), Some(Meaning::Nothing));
        }
    }

    #[test]
    fn only_failed_and_cancelled_refunds_are_read_from_events_about_refunds() {
        let refund = |status: &str| json!({ "id": "re_1", "payment_intent": "pi_1", "amount": 5, "status": status, "created": 7 });
        for kind in ["refund.failed", "refund.updated", "charge.refund.updated"] {
            for (status, fails) in
                [("failed", true), ("canceled", true), ("succeeded", false), ("pending", false)]
            {
                let read = check(kind, refund(status));
                assert_eq!(matches!(read, Some(Meaning::RefundFailed { .. })), fails, "{kind} {status}");
                assert!(fails || read == Some(Meaning::Nothing));
            }
        }
    }

    #[test]
    fn a_dispute_carries_the_movements_of_stripes_balance() {
        for (transactions, expect) in [
            (json!([{ "amount": -1000, "fee": 1500 }, { "amount": 1000, "fee": 0 }]), vec![-1000, 1000]),
            (json!([]), vec![]),
            (json!(null), vec![]),
        ] {
            let object = json!({ "id": "dp_1", "payment_intent": "pi_1", "amount": 1000, "status": "won",
                                 "balance_transactions": transactions });
            let Some(Meaning::Disputed { report, .. }) = check("charge.dispute.funds_reinstated", object)
            else {
                panic!("no dispute")
            };
            assert_eq!(report.movements, expect.into_iter().map(Cents::new).collect::<Vec<_>>());
        }
    }

    #[test]
    fn only_relevant_events_are_unreadable_without_their_required_fields() {
        for kind in [
            "checkout.session.completed",
            "payment_intent.succeeded",
            "setup_intent.succeeded",
            "account.updated",
            "charge.refunded",
            "charge.dispute.created",
            "charge.dispute.funds_withdrawn",
            "refund.failed",
            "transfer.reversed",
        ] {
            assert_eq!(check(kind, json!({ "unexpected": true })), None, "{kind}");
        }
        assert_eq!(check("invoice.paid", json!({ "unexpected": true })), Some(Meaning::Nothing));
        for body in [b"".as_slice(), b"null", b"[]", b"{\"id\": 7}", b"\xff"] {
            assert_eq!(Event::parse(body), Err(Unreadable { id: None, kind: None }));
        }
    }
}
