//! Payment intents, their charges, and the outcomes of payments.

use serde_json::{Value, json};

use crate::balance::{self, Movement};
use crate::change::Change;
use crate::methods;
use crate::params::Params;
use crate::refusal::Refusal;
use crate::setup_intents;
use crate::state::{Card, Kind, amount, text, with};

/// Stripe's smallest and largest amount of one payment, in cents.
const AMOUNTS: (i64, i64) = (50, 99_999_999);

/// A payment to make.
#[derive(Debug, Default)]
pub struct Plan {
    /// The amount, in cents.
    pub amount: i64,
    /// The customer who pays.
    pub customer: Option<String>,
    /// The payment method to charge.
    pub payment_method: Option<String>,
    /// Metadata from the caller.
    pub metadata: Value,
    /// The description of the payment.
    pub description: Option<String>,
    /// The identifier that groups the payment with transfers.
    pub transfer_group: Option<String>,
    /// The allowed types of payment methods; empty for cards only.
    pub method_types: Vec<String>,
    /// The value of the intent's `automatic_payment_methods`.
    pub automatic_methods: Value,
}

/// The outcome of an attempt to collect an amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The amount is collected.
    Paid,
    /// A bank debit is in progress.
    Pending,
    /// The bank declines. Stripe's error code and decline code.
    Failed(&'static str, &'static str),
}

/// The generic decline.
pub const DECLINED: Outcome = Outcome::Failed("card_declined", "generic_decline");

/// The payer failed to authenticate as the owner of the card.
pub const NOT_AUTHENTICATED: Outcome = Outcome::Failed("payment_intent_authentication_failure", "");

/// The bank account of a debit has insufficient funds.
pub const NO_FUNDS: Outcome = Outcome::Failed("insufficient_funds", "");

/// Rejects amounts outside Stripe's limits.
pub fn check_amount(param: &str, amount: i64) -> Result<(), Refusal> {
    let (code, message) = if amount < AMOUNTS.0 {
        ("amount_too_small", "Amount must be at least 50 cents")
    } else if amount > AMOUNTS.1 {
        ("amount_too_large", "Amount must be no more than $999,999.99")
    } else {
        return Ok(());
    };
    Err(Refusal::invalid(code, message).param(param).unexecuted())
}

/// `POST /v1/payment_intents`
pub fn create(change: &mut Change<'_>, mut params: Params) -> Result<Value, Refusal> {
    let amount = params.need_amount("amount", 0)?;
    params.currency("currency")?;
    let (confirm, off_session) = (params.flag("confirm")?, params.flag("off_session")?);
    let mut method_types = params.texts("payment_method_types")?;
    method_types.extend(params.texts("allowed_payment_method_types")?);
    let plan = Plan {
        amount,
        customer: params.text("customer")?,
        payment_method: params.text("payment_method")?,
        metadata: params.metadata("metadata")?,
        description: params.text("description")?,
        transfer_group: params.text("transfer_group")?,
        method_types,
        automatic_methods: setup_intents::automatic_methods(&mut params)?,
    };
    let on_action = params.flag("error_on_requires_action")?;
    let expand = params.texts("expand")?;
    params.finish()?;
    check_amount("amount", plan.amount)?;
    if off_session && !confirm {
        let message = "You can only set `off_session` when `confirm` is `true`.";
        return Err(Refusal::bad_parameter("off_session", message));
    }
    check_method(change, &plan, confirm)?;
    check_type(change, &plan)?;
    let intent = open(change, &plan);
    let intent = if confirm { confirm_intent(change, &intent, off_session || on_action)? } else { intent };
    super::lists::expand_paths(change.state, intent, &expand)
}

/// Checks that the payment method is attached to the paying customer, as a saved card must be.
fn check_method(change: &Change<'_>, plan: &Plan, confirm: bool) -> Result<(), Refusal> {
    if let Some(customer) = &plan.customer {
        change.state.referenced("customer", Kind::Customer, customer)?;
    }
    let Some(id) = &plan.payment_method else {
        let message = "You cannot confirm this PaymentIntent because it's missing a payment method.";
        let refusal = Refusal::invalid("payment_intent_unexpected_state", message);
        return if confirm { Err(refusal) } else { Ok(()) };
    };
    let method = change.state.referenced("payment_method", Kind::PaymentMethod, id)?;
    if method["customer"].as_str() == plan.customer.as_deref() {
        return Ok(());
    }
    let message = match &plan.customer {
        Some(customer) => format!(
            "The customer {customer} does not have a payment method with the ID {id}. The payment method must be \
             attached to the customer."
        ),
        None => format!(
            "The payment method {id} is attached to a customer. Please include the customer in the `customer` parameter."
        ),
    };
    Err(Refusal::invalid("resource_missing", message).param("payment_method"))
}

/// Checks that the payment method is of a type that the payment takes.
fn check_type(change: &Change<'_>, plan: &Plan) -> Result<(), Refusal> {
    let Some(id) = &plan.payment_method else { return Ok(()) };
    let kind = text(change.state.find(Kind::PaymentMethod, id)?, "type");
    let types = method_types(plan);
    if plan.automatic_methods["enabled"] == true || types.iter().any(|one| one == kind) {
        return Ok(());
    }
    let message = format!(
        "The PaymentMethod provided ({kind}) is not allowed for this PaymentIntent. Please attach a payment method \
         with one of the following types: {}.",
        types.join(", ")
    );
    Err(Refusal::invalid("payment_intent_incompatible_payment_method", message).param("payment_method"))
}

fn method_types(plan: &Plan) -> Vec<String> {
    match plan.method_types.as_slice() {
        [] => vec!["card".to_owned()],
        types => types.to_vec(),
    }
}

/// Creates an intent without any attempt to pay it.
pub fn open(change: &mut Change<'_>, plan: &Plan) -> Value {
    let id = change.new_id(Kind::PaymentIntent);
    let types = method_types(plan);
    let status =
        if plan.payment_method.is_some() { "requires_confirmation" } else { "requires_payment_method" };
    let intent = json!({
        "id": id,
        "object": "payment_intent",
        "amount": plan.amount,
        "amount_received": 0,
        "automatic_payment_methods": plan.automatic_methods,
        "client_secret": format!("{id}_secret_{}", super::ids::random(25)),
        "created": change.seconds(),
        "currency": "usd",
        "customer": plan.customer,
        "description": plan.description,
        "last_payment_error": null,
        "latest_charge": null,
        "livemode": false,
        "metadata": plan.metadata,
        "payment_method": plan.payment_method,
        "payment_method_types": types,
        "status": status,
        "transfer_group": plan.transfer_group,
    });
    let intent = change.insert(Kind::PaymentIntent, with(unused_intent_fields(), intent));
    change.tell("payment_intent.created", &intent);
    intent
}

/// Fields of an intent that the sandbox does not simulate.
fn unused_intent_fields() -> Value {
    json!({
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "application": null,
        "application_fee_amount": null,
        "canceled_at": null,
        "cancellation_reason": null,
        "capture_method": "automatic_async",
        "confirmation_method": "automatic",
        "next_action": null,
        "on_behalf_of": null,
        "payment_method_options": {},
        "processing": null,
        "receipt_email": null,
        "review": null,
        "setup_future_usage": null,
        "shipping": null,
        "source": null,
        "statement_descriptor": null,
        "statement_descriptor_suffix": null,
        "transfer_data": null,
    })
}

/// Charges the saved card of an intent, with the outcome that the card is set to, or begins to debit its bank
/// account. `alone` means that the owner is not present: a card that requires authentication is then
/// declined.
fn confirm_intent(change: &mut Change<'_>, intent: &Value, alone: bool) -> Result<Value, Refusal> {
    let (id, method) = (text(intent, "id"), text(intent, "payment_method"));
    let kind = change.state.find(Kind::PaymentMethod, method)?["type"].clone();
    let card = change.state.cards.get(method).copied().unwrap_or_default();
    let outcome = match card {
        _ if kind != "card" => Outcome::Pending,
        Card::Ok => Outcome::Paid,
        Card::Declined => DECLINED,
        Card::AuthenticationRequired if alone => {
            Outcome::Failed("authentication_required", "authentication_required")
        }
        Card::AuthenticationRequired => {
            let fields = json!({"status": "requires_action", "next_action": {"type": "use_stripe_sdk"}});
            return Ok(change.update_and_tell(
                "payment_intent.requires_action",
                Kind::PaymentIntent,
                id,
                fields,
            ));
        }
    };
    let intent = attempt(change, id, method, outcome);
    let Outcome::Failed(code, decline_code) = outcome else { return Ok(intent) };
    let refusal = Refusal::card(code, decline_code, decline_message(code))
        .with("charge", intent["latest_charge"].clone())
        .with("payment_method", intent["last_payment_error"]["payment_method"].clone());
    Err(refusal.with("payment_intent", intent))
}

/// Attempts to collect an intent's amount. Returns the intent afterwards.
pub fn attempt(change: &mut Change<'_>, intent: &str, method: &str, outcome: Outcome) -> Value {
    let (_, intent) =
        change.update(Kind::PaymentIntent, intent, json!({"payment_method": method, "next_action": null}));
    let charge = charge_for(change, &intent);
    change.update(Kind::PaymentIntent, text(&intent, "id"), json!({"latest_charge": charge}));
    conclude(change, text(&intent, "id"), outcome)
}

/// Sets the outcome of an intent's latest charge. Returns the intent afterwards.
pub fn conclude(change: &mut Change<'_>, intent: &str, outcome: Outcome) -> Value {
    let state = &change.state;
    let intent = state.get(Kind::PaymentIntent, intent).cloned().unwrap_or_default();
    let method = state.get(Kind::PaymentMethod, text(&intent, "payment_method")).cloned().unwrap_or_default();
    let (id, charge) = (text(&intent, "id"), text(&intent, "latest_charge"));
    let cents = amount(&intent, "amount");
    let (name, charge_fields, intent_event, intent_fields) = match outcome {
        Outcome::Paid => {
            let transaction = balance::book(change, Movement::plain("charge", cents, charge));
            let seen = json!({"network_status": "approved_by_network", "reason": null, "risk_level": "normal",
                "seller_message": "Payment complete.", "type": "authorized"});
            let charge = json!({"status": "succeeded", "paid": true, "captured": true, "amount_captured": cents, "balance_transaction": transaction["id"], "outcome": seen});
            let intent = json!({"status": "succeeded", "amount_received": cents, "last_payment_error": null});
            ("charge.succeeded", charge, "payment_intent.succeeded", intent)
        }
        Outcome::Pending => {
            let charge = json!({"status": "pending", "captured": true, "amount_captured": cents});
            ("charge.pending", charge, "payment_intent.processing", json!({"status": "processing"}))
        }
        Outcome::Failed(code, decline_code) => {
            let message = decline_message(code);
            let charge_fields = failed_charge(code, decline_code, message);
            let refusal = Refusal::card(code, decline_code, message).with("charge", charge);
            let error = refusal.with("payment_method", method).error().clone();
            let intent = json!({"status": "requires_payment_method", "payment_method": null, "last_payment_error": error});
            ("charge.failed", charge_fields, "payment_intent.payment_failed", intent)
        }
    };
    change.update_and_tell(name, Kind::Charge, charge, charge_fields);
    change.update_and_tell(intent_event, Kind::PaymentIntent, id, intent_fields)
}

fn failed_charge(code: &str, decline_code: &str, message: &str) -> Value {
    json!({
        "status": "failed",
        "paid": false,
        "captured": false,
        "amount_captured": 0,
        "failure_code": code,
        "failure_message": message,
        "outcome": {"network_status": "declined_by_network", "reason": Some(decline_code).filter(|code| !code.is_empty()), "risk_level": "normal",
            "seller_message": "The bank did not return any further details with this decline.",
            "type": "issuer_declined"},
    })
}

fn decline_message(code: &str) -> &'static str {
    match code {
        "authentication_required" => "Your card was declined. This transaction requires authentication.",
        "payment_intent_authentication_failure" => {
            "We are unable to authenticate your payment method. Please choose a different payment method and try again."
        }
        "insufficient_funds" => "The customer's account has insufficient funds to cover this payment.",
        _ => "Your card was declined.",
    }
}

/// Creates a charge for an intent, with the intent's metadata and no outcome yet. Returns its identifier.
fn charge_for(change: &mut Change<'_>, intent: &Value) -> String {
    let id = change.new_id(Kind::Charge);
    let method =
        change.state.get(Kind::PaymentMethod, text(intent, "payment_method")).cloned().unwrap_or_default();
    let charge = json!({
        "id": id,
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": 0,
        "amount_refunded": 0,
        "billing_details": methods::billing_details(),
        "captured": false,
        "created": change.seconds(),
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": intent["description"],
        "disputed": false,
        "livemode": false,
        "metadata": intent["metadata"],
        "paid": false,
        "payment_intent": intent["id"],
        "payment_method": intent["payment_method"],
        "payment_method_details": methods::method_details(&method),
        "refunded": false,
        "status": "pending",
        "transfer_group": intent["transfer_group"],
    });
    change.insert(Kind::Charge, with(unused_charge_fields(), charge));
    id
}

/// Fields of a charge that the sandbox does not simulate.
fn unused_charge_fields() -> Value {
    json!({
        "application": null,
        "application_fee": null,
        "application_fee_amount": null,
        "balance_transaction": null,
        "calculated_statement_descriptor": "SANDBOX",
        "failure_balance_transaction": null,
        "failure_code": null,
        "failure_message": null,
        "fraud_details": {},
        "on_behalf_of": null,
        "outcome": null,
        "receipt_email": null,
        "receipt_number": null,
        "receipt_url": null,
        "review": null,
        "shipping": null,
        "source": null,
        "source_transfer": null,
        "statement_descriptor": null,
        "statement_descriptor_suffix": null,
        "transfer_data": null,
    })
}
