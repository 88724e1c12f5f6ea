//! Payment methods: cards and bank accounts.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::change::Change;
use crate::ids;
use crate::refusal::Refusal;
use crate::state::{Card, Kind, text};

/// The type of a payment method.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MethodKind {
    /// A card, charged at once.
    #[default]
    Card,
    /// A bank account, whose debits take days.
    UsBankAccount,
}

impl MethodKind {
    /// Stripe's word for the type.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Card => "card",
            Self::UsBankAccount => "us_bank_account",
        }
    }
}

/// A payment method to create.
#[derive(Clone, Debug, Default)]
pub struct NewMethod {
    /// The type of the payment method.
    pub kind: MethodKind,
    /// The behaviour of a card.
    pub card: Card,
    /// The fingerprint, equal for all payment methods with the same number; `None` for one of its own.
    pub fingerprint: Option<String>,
}

/// The payment method for which Stripe's test API has this name.
pub fn test_method(name: &str) -> Option<NewMethod> {
    let (kind, card) = match name {
        "pm_card_visa" => (MethodKind::Card, Card::Ok),
        "pm_card_chargeCustomerFail" => (MethodKind::Card, Card::Declined),
        "pm_card_authenticationRequired" => (MethodKind::Card, Card::AuthenticationRequired),
        "pm_usBankAccount_success" => (MethodKind::UsBankAccount, Card::Ok),
        _ => return None,
    };
    Some(NewMethod { kind, card, fingerprint: None })
}

/// True if an intent takes payment methods of this type.
pub fn is_allowed(intent: &Value, kind: &str) -> bool {
    let types = intent["payment_method_types"].as_array().into_iter().flatten();
    intent["automatic_payment_methods"]["enabled"] == true || types.into_iter().any(|one| one == kind)
}

/// Creates a payment method, attached to the customer if there is one. Returns its identifier.
pub fn save(change: &mut Change<'_>, new: NewMethod, customer: Option<&str>) -> String {
    let id = change.new_id(Kind::PaymentMethod);
    let kind = new.kind.as_str();
    let fingerprint = new.fingerprint.unwrap_or_else(|| new_fingerprint(new.card));
    let mut method = json!({
        "id": id,
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": billing_details(),
        "created": change.seconds(),
        "customer": customer,
        "livemode": false,
        "metadata": {},
        "type": kind,
    });
    method[kind] = match new.kind {
        MethodKind::Card => card_details(last4(new.card), &fingerprint),
        MethodKind::UsBankAccount => bank_details(&fingerprint),
    };
    let method = change.insert(Kind::PaymentMethod, method);
    if new.kind == MethodKind::Card {
        change.state.cards.insert(id.clone(), new.card);
    }
    if customer.is_some() {
        change.tell("payment_method.attached", &method);
    }
    id
}

/// Each payment method counts as a card or an account of its own.
fn new_fingerprint(card: Card) -> String {
    format!("sandbox{}{}", last4(card), ids::random(5))
}

/// Changes how a saved card behaves, or the fingerprint of a payment method.
pub fn set(
    change: &mut Change<'_>,
    id: &str,
    card: Option<Card>,
    fingerprint: Option<String>,
) -> Result<Value, Refusal> {
    let method = change.state.find(Kind::PaymentMethod, id)?.clone();
    let kind = text(&method, "type");
    if card.is_some() && kind != "card" {
        return Err(Refusal::conflict(format!("{id} is not a card")));
    }
    let mut details = method[kind].clone();
    if let Some(card) = card {
        change.state.cards.insert(id.to_owned(), card);
        details["last4"] = last4(card).into();
    }
    if let Some(fingerprint) = fingerprint {
        details["fingerprint"] = fingerprint.into();
    }
    let (_, method) = change.update(Kind::PaymentMethod, id, json!({ kind: details }));
    Ok(method)
}

/// Detaches a payment method from its customer. It can never be charged again.
pub fn detach(change: &mut Change<'_>, id: &str) -> Result<Value, Refusal> {
    let method = change.state.find(Kind::PaymentMethod, id)?;
    if method["customer"].is_null() {
        let message =
            "The payment method you provided is not attached to a customer so detachment is impossible.";
        return Err(Refusal::invalid("payment_method_unexpected_state", message));
    }
    Ok(change.update_and_tell("payment_method.detached", Kind::PaymentMethod, id, json!({"customer": null})))
}

/// The last four digits of Stripe's test card with the same behaviour.
const fn last4(card: Card) -> &'static str {
    match card {
        Card::Ok => "4242",
        Card::Declined => "0341",
        Card::AuthenticationRequired => "3184",
    }
}

fn card_details(last4: &str, fingerprint: &str) -> Value {
    json!({
        "brand": "visa",
        "checks": {"address_line1_check": null, "address_postal_code_check": null, "cvc_check": "pass"},
        "country": "US",
        "display_brand": "visa",
        "exp_month": 12,
        "exp_year": 2034,
        "fingerprint": fingerprint,
        "funding": "credit",
        "generated_from": null,
        "last4": last4,
        "networks": {"available": ["visa"], "preferred": null},
        "three_d_secure_usage": {"supported": true},
        "wallet": null,
    })
}

fn bank_details(fingerprint: &str) -> Value {
    json!({
        "account_holder_type": "individual",
        "account_type": "checking",
        "bank_name": "SANDBOX TEST BANK",
        "fingerprint": fingerprint,
        "last4": "6789",
        "routing_number": "110000000",
    })
}

/// Billing details without any data, because the sandbox never asks for them.
pub fn billing_details() -> Value {
    json!({
        "address": {
            "city": null, "country": null, "line1": null, "line2": null, "postal_code": null, "state": null,
        },
        "email": null,
        "name": null,
        "phone": null,
        "tax_id": null,
    })
}

/// The details of a payment method as a charge shows them.
pub fn method_details(method: &Value) -> Value {
    let kind = text(method, "type");
    let mut details = json!({"type": kind});
    details[kind] = method[kind].clone();
    if kind == "card" {
        details[kind]["network"] = "visa".into();
        details[kind]["three_d_secure"] = Value::Null;
    }
    details
}
