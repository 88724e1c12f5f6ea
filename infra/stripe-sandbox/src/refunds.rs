//! Refunds, which return a payment, and which the payer's bank may reject later.

use serde_json::{Value, json};

use crate::balance::{self, Movement};
use crate::change::Change;
use crate::disputes;
use crate::params::Params;
use crate::refusal::Refusal;
use crate::state::{Kind, State, amount, text};

/// Stripe's reasons for a failed refund.
const FAILURES: [&str; 7] = [
    "charge_for_pending_refund_disputed",
    "declined",
    "expired_or_canceled_card",
    "insufficient_funds",
    "lost_or_stolen_card",
    "merchant_request",
    "unknown",
];

/// A refund to make.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The amount, in cents; `None` for everything that is left of the charge.
    pub cents: Option<i64>,
    /// The reason for the refund, in Stripe's words.
    pub reason: Option<String>,
    /// Metadata from the caller.
    pub metadata: Value,
    /// True if the bank has not accepted the refund yet. A refund to a bank account is always pending.
    pub pending: bool,
}

/// `POST /v1/refunds`
pub fn create(change: &mut Change<'_>, mut params: Params) -> Result<Value, Refusal> {
    let (charge, intent) = (params.text("charge")?, params.text("payment_intent")?);
    let cents = params.amount("amount", 1)?;
    let reason = params.word("reason", &["duplicate", "fraudulent", "requested_by_customer"])?;
    let metadata = params.metadata("metadata")?;
    params.finish()?;
    let charge = match (charge, intent) {
        (Some(charge), None) => {
            change.state.referenced("charge", Kind::Charge, &charge)?;
            charge
        }
        (None, Some(intent)) => {
            let intent = change.state.referenced("payment_intent", Kind::PaymentIntent, &intent)?;
            if text(intent, "status") != "succeeded" {
                let message = format!(
                    "PaymentIntent {} does not have a successful charge to refund.",
                    text(intent, "id")
                );
                return Err(Refusal::invalid("charge_not_refundable", message).param("payment_intent"));
            }
            text(intent, "latest_charge").to_owned()
        }
        (None, None) => {
            let message =
                "One of the following params should be provided for this request: payment_intent or charge.";
            return Err(Refusal::invalid("parameter_missing", message).unexecuted());
        }
        (Some(_), Some(_)) => {
            return Err(Refusal::bad_parameter("charge", "Give a charge or a payment_intent, not both"));
        }
    };
    refund(change, &charge, Plan { cents, reason, metadata, pending: false })
}

/// The identifier of a charge. `id` may be the charge itself, its payment intent, or its Checkout session.
pub fn charge_of(state: &State, id: &str) -> Result<String, Refusal> {
    let field = |kind, id: &str, field: &str| -> Result<String, Refusal> {
        let object = state.find(kind, id)?;
        object[field]
            .as_str()
            .map(str::to_owned)
            .ok_or_else(|| Refusal::conflict(format!("{id} has not been paid")))
    };
    match Kind::of(id) {
        Some(Kind::CheckoutSession) => {
            let intent = field(Kind::CheckoutSession, id, "payment_intent")?;
            field(Kind::PaymentIntent, &intent, "latest_charge")
        }
        Some(Kind::PaymentIntent) => field(Kind::PaymentIntent, id, "latest_charge"),
        _ => field(Kind::Charge, id, "id"),
    }
}

/// Refunds a charge, in full or in part.
pub fn refund(change: &mut Change<'_>, charge: &str, plan: Plan) -> Result<Value, Refusal> {
    let charge = change.state.find(Kind::Charge, charge)?.clone();
    let (id, refunded) = (text(&charge, "id"), amount(&charge, "amount_refunded"));
    let left = amount(&charge, "amount") - refunded;
    if charge["paid"] != true {
        return Err(Refusal::invalid("charge_not_refundable", format!("Charge {id} was not paid.")));
    }
    if left == 0 {
        let message = format!("Charge {id} has already been refunded.");
        return Err(Refusal::invalid("charge_already_refunded", message));
    }
    if disputes::forbids_refunds(change.state, id) {
        return Err(Refusal::invalid(
            "charge_disputed",
            format!("Charge {id} has been charged back; cannot issue a refund."),
        ));
    }
    let cents = plan.cents.unwrap_or(left);
    if !(1..=left).contains(&cents) {
        let message = format!(
            "Refund amount ({cents} cents) is greater than unrefunded amount on charge ({left} cents)"
        );
        return Err(Refusal::invalid("amount_too_large", message).param("amount"));
    }
    let refund = new_refund(change, &charge, cents, plan);
    let fields = json!({"amount_refunded": refunded + cents, "refunded": cents == left});
    change.update_and_tell("charge.refunded", Kind::Charge, id, fields);
    change.tell("refund.created", &refund);
    Ok(refund)
}

fn new_refund(change: &mut Change<'_>, charge: &Value, cents: i64, plan: Plan) -> Value {
    let id = change.new_id(Kind::Refund);
    let to_bank = charge["payment_method_details"]["type"] == "us_bank_account";
    let destination = match to_bank {
        true => json!({"type": "us_bank_transfer", "us_bank_transfer": {}}),
        false => json!({"card": {"type": "refund"}, "type": "card"}),
    };
    let transaction = balance::book(change, Movement::plain("refund", -cents, &id));
    let refund = json!({
        "id": id,
        "object": "refund",
        "amount": cents,
        "balance_transaction": transaction["id"],
        "charge": charge["id"],
        "created": change.seconds(),
        "currency": charge["currency"],
        "destination_details": destination,
        "metadata": plan.metadata,
        "payment_intent": charge["payment_intent"],
        "reason": plan.reason,
        "receipt_number": null,
        "source_transfer_reversal": null,
        "status": if plan.pending || to_bank { "pending" } else { "succeeded" },
        "transfer_reversal": null,
    });
    change.insert(Kind::Refund, refund)
}

/// Lets the payer's bank accept a pending refund.
pub fn succeed(change: &mut Change<'_>, id: &str) -> Result<Value, Refusal> {
    let refund = change.state.find(Kind::Refund, id)?;
    if refund["status"] != "pending" {
        return Err(Refusal::conflict(format!("{id} is already {}", text(refund, "status"))));
    }
    Ok(report(change, id, json!({"status": "succeeded"}), &["refund.updated", "charge.refund.updated"]))
}

/// Lets the payer's bank reject a refund, pending or not. The amount returns to the platform, and the charge
/// counts as not refunded by it.
pub fn fail(change: &mut Change<'_>, id: &str, reason: &str) -> Result<Value, Refusal> {
    let refund = change.state.find(Kind::Refund, id)?.clone();
    if refund["status"] == "failed" {
        return Err(Refusal::conflict(format!("{id} is already failed")));
    }
    if !FAILURES.contains(&reason) {
        let message = format!("Must be one of {}", FAILURES.join(", "));
        return Err(Refusal::bad_parameter("reason", message));
    }
    let cents = amount(&refund, "amount");
    let transaction = balance::book(change, Movement::plain("refund_failure", cents, id));
    let charge = change.state.find(Kind::Charge, text(&refund, "charge"))?.clone();
    let refunded = amount(&charge, "amount_refunded") - cents;
    let fields = json!({"amount_refunded": refunded, "refunded": false});
    change.update(Kind::Charge, text(&charge, "id"), fields);
    let fields = json!({
        "failure_balance_transaction": transaction["id"], "failure_reason": reason, "status": "failed",
    });
    Ok(report(change, id, fields, &["refund.updated", "refund.failed", "charge.refund.updated"]))
}

/// Changes a refund and records several events about it.
fn report(change: &mut Change<'_>, id: &str, fields: Value, events: &[&str]) -> Value {
    let (before, after) = change.update(Kind::Refund, id, fields);
    events.iter().for_each(|event| change.tell_change(event, &before, &after));
    after
}
