//! Customers and their saved cards.

use serde_json::{Value, json};

use crate::change::Change;
use crate::params::Params;
use crate::refusal::Refusal;
use crate::state::{Card, Kind, text};

/// `POST /v1/customers`
pub fn create(change: &mut Change<'_>, mut params: Params) -> Result<Value, Refusal> {
    let (email, name) = (params.text("email")?, params.text("name")?);
    let (phone, description) = (params.text("phone")?, params.text("description")?);
    let metadata = params.metadata("metadata")?;
    params.finish()?;
    let id = change.new_id(Kind::Customer);
    let customer = json!({
        "id": id,
        "object": "customer",
        "address": null,
        "balance": 0,
        "created": change.seconds(),
        "currency": null,
        "default_source": null,
        "delinquent": false,
        "description": description,
        "email": email,
        "invoice_prefix": super::ids::random(8).to_uppercase(),
        "invoice_settings": {
            "custom_fields": null, "default_payment_method": null, "footer": null, "rendering_options": null,
        },
        "livemode": false,
        "metadata": metadata,
        "name": name,
        "next_invoice_sequence": 1,
        "phone": phone,
        "preferred_locales": [],
        "shipping": null,
        "tax_exempt": "none",
        "test_clock": null,
    });
    let customer = change.insert(Kind::Customer, customer);
    change.tell("customer.created", &customer);
    Ok(customer)
}

/// `POST /v1/setup_intents`
pub fn create_setup_intent(change: &mut Change<'_>, mut params: Params) -> Result<Value, Refusal> {
    let customer = params.text("customer")?;
    let usage = params.word("usage", &["off_session", "on_session"])?;
    let (metadata, description) = (params.metadata("metadata")?, params.text("description")?);
    let types = params.texts("payment_method_types")?;
    let automatic = automatic_methods(&mut params)?;
    params.finish()?;
    if let Some(customer) = &customer {
        change.state.referenced("customer", Kind::Customer, customer)?;
    }
    let id = change.new_id(Kind::SetupIntent);
    let intent = json!({
        "id": id,
        "object": "setup_intent",
        "application": null,
        "automatic_payment_methods": automatic,
        "cancellation_reason": null,
        "client_secret": format!("{id}_secret_{}", super::ids::random(31)),
        "created": change.seconds(),
        "customer": customer,
        "description": description,
        "flow_directions": null,
        "last_setup_error": null,
        "latest_attempt": null,
        "livemode": false,
        "mandate": null,
        "metadata": metadata,
        "next_action": null,
        "on_behalf_of": null,
        "payment_method": null,
        "payment_method_options": {},
        "payment_method_types": if types.is_empty() { vec!["card".to_owned()] } else { types },
        "single_use_mandate": null,
        "status": "requires_payment_method",
        "usage": usage.unwrap_or_else(|| "off_session".to_owned()),
    });
    let intent = change.insert(Kind::SetupIntent, intent);
    change.tell("setup_intent.created", &intent);
    Ok(intent)
}

/// Reads `automatic_payment_methods` and returns it as an intent shows it.
pub fn automatic_methods(params: &mut Params) -> Result<Value, Refusal> {
    let Some(mut group) = params.group("automatic_payment_methods")? else { return Ok(Value::Null) };
    let enabled = group.flag("enabled")?;
    let redirects = group.word("allow_redirects", &["always", "never"])?;
    group.finish()?;
    Ok(json!({"enabled": enabled, "allow_redirects": redirects.unwrap_or_else(|| "always".to_owned())}))
}

/// Saves a card for a setup intent, as Stripe's form in the browser does. The card then behaves as `card`
/// says.
pub fn succeed_setup_intent(change: &mut Change<'_>, id: &str, card: Card) -> Result<Value, Refusal> {
    let intent = change.state.find(Kind::SetupIntent, id)?.clone();
    if text(&intent, "status") != "requires_payment_method" {
        return Err(Refusal::conflict(format!("{id} is already {}", text(&intent, "status"))));
    }
    let method = save_card(change, card, intent["customer"].as_str());
    let fields = json!({"status": "succeeded", "payment_method": method});
    Ok(change.update_and_tell("setup_intent.succeeded", Kind::SetupIntent, id, fields))
}

/// Creates a card, attached to the customer if there is one. Returns its identifier.
pub fn save_card(change: &mut Change<'_>, card: Card, customer: Option<&str>) -> String {
    let id = change.new_id(Kind::PaymentMethod);
    let mut method = method(&id, change.seconds(), customer);
    method["card"] = card_details(last4(card));
    method["type"] = "card".into();
    let method = change.insert(Kind::PaymentMethod, method);
    change.state.cards.insert(id.clone(), card);
    if customer.is_some() {
        change.tell("payment_method.attached", &method);
    }
    id
}

/// Creates a bank account for debits. Returns its identifier.
pub fn bank_account(change: &mut Change<'_>, customer: Option<&str>) -> String {
    let id = change.new_id(Kind::PaymentMethod);
    let mut method = method(&id, change.seconds(), customer);
    method["us_bank_account"] = bank_details();
    method["type"] = "us_bank_account".into();
    change.insert(Kind::PaymentMethod, method);
    id
}

/// Changes how a saved card behaves.
pub fn set_card(change: &mut Change<'_>, id: &str, card: Card) -> Result<Value, Refusal> {
    if change.state.find(Kind::PaymentMethod, id)?["type"] != "card" {
        return Err(Refusal::conflict(format!("{id} is not a card")));
    }
    change.state.cards.insert(id.to_owned(), card);
    let (_, method) = change.update(Kind::PaymentMethod, id, json!({"card": card_details(last4(card))}));
    Ok(method)
}

fn method(id: &str, created: i64, customer: Option<&str>) -> Value {
    json!({
        "id": id,
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": billing_details(),
        "created": created,
        "customer": customer,
        "livemode": false,
        "metadata": {},
    })
}

/// The last four digits of Stripe's test card with the same behaviour.
const fn last4(card: Card) -> &'static str {
    match card {
        Card::Ok => "4242",
        Card::Declined => "0341",
        Card::AuthenticationRequired => "3184",
    }
}

fn card_details(last4: &str) -> Value {
    json!({
        "brand": "visa",
        "checks": {"address_line1_check": null, "address_postal_code_check": null, "cvc_check": "pass"},
        "country": "US",
        "display_brand": "visa",
        "exp_month": 12,
        "exp_year": 2034,
        "fingerprint": format!("sandbox{last4}"),
        "funding": "credit",
        "generated_from": null,
        "last4": last4,
        "networks": {"available": ["visa"], "preferred": null},
        "three_d_secure_usage": {"supported": true},
        "wallet": null,
    })
}

fn bank_details() -> Value {
    json!({
        "account_holder_type": "individual",
        "account_type": "checking",
        "bank_name": "SANDBOX TEST BANK",
        "fingerprint": "sandbox6789",
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
