//! Attempts to save a payment method for later payments.

use serde_json::{Value, json};

use crate::change::Change;
use crate::methods::{self, NewMethod};
use crate::params::Params;
use crate::refusal::Refusal;
use crate::state::{Kind, text};

/// `POST /v1/setup_intents`
pub fn create(change: &mut Change<'_>, mut params: Params) -> Result<Value, Refusal> {
    let customer = params.text("customer")?;
    let usage = params.word("usage", &["off_session", "on_session"])?;
    let (metadata, description) = (params.metadata("metadata")?, params.text("description")?);
    let mut types = params.texts("payment_method_types")?;
    types.extend(params.texts("allowed_payment_method_types")?);
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

/// `POST /v1/setup_intents/{id}/confirm`, with one of Stripe's test payment methods or a saved one.
pub fn confirm(change: &mut Change<'_>, id: &str, mut params: Params) -> Result<Value, Refusal> {
    let method = params.text("payment_method")?;
    params.url("return_url")?;
    params.finish()?;
    let intent = change.state.find(Kind::SetupIntent, id)?;
    let Some(method) = method else {
        let message = "You cannot confirm this SetupIntent because it's missing a payment method.";
        return Err(Refusal::invalid("setup_intent_unexpected_state", message));
    };
    if text(intent, "status") != "requires_payment_method" {
        let message = format!(
            "You cannot confirm this SetupIntent because it has a status of {}.",
            text(intent, "status")
        );
        return Err(Refusal::invalid("setup_intent_unexpected_state", message));
    }
    if let Some(new) = methods::test_method(&method) {
        return succeed(change, id, new);
    }
    let saved = change.state.referenced("payment_method", Kind::PaymentMethod, &method)?;
    if saved["customer"] != intent["customer"] {
        return Err(Refusal::no_such_reference("payment_method", "PaymentMethod", &method));
    }
    Ok(tell_success(change, id, &method))
}

/// Saves a payment method for a setup intent, as Stripe's form in the browser does.
pub fn succeed(change: &mut Change<'_>, id: &str, new: NewMethod) -> Result<Value, Refusal> {
    let intent = change.state.find(Kind::SetupIntent, id)?.clone();
    if text(&intent, "status") != "requires_payment_method" {
        return Err(Refusal::conflict(format!("{id} is already {}", text(&intent, "status"))));
    }
    let kind = new.kind.as_str();
    if !methods::is_allowed(&intent, kind) {
        return Err(Refusal::conflict(format!("{id} does not take a {kind}")));
    }
    let method = methods::save(change, new, intent["customer"].as_str());
    Ok(tell_success(change, id, &method))
}

fn tell_success(change: &mut Change<'_>, id: &str, method: &str) -> Value {
    let fields = json!({"status": "succeeded", "payment_method": method});
    change.update_and_tell("setup_intent.succeeded", Kind::SetupIntent, id, fields)
}
