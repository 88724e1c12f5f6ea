//! Refunds and disputes, which return a payment.

use serde_json::{Value, json};

use crate::params::Params;
use crate::refusal::Refusal;
use crate::state::{Change, Kind, State, amount, text};

/// Time to respond to a dispute, in seconds.
const RESPONSE_SECONDS: i64 = 7 * 24 * 3600;

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
    refund(change, &charge, cents, reason, metadata)
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

/// Refunds `cents` of a charge, or everything that is left of it.
pub fn refund(
    change: &mut Change<'_>,
    charge: &str,
    cents: Option<i64>,
    reason: Option<String>,
    metadata: Value,
) -> Result<Value, Refusal> {
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
    if charge["disputed"] == true {
        return Err(Refusal::invalid(
            "charge_disputed",
            format!("Charge {id} has been charged back; cannot issue a refund."),
        ));
    }
    let cents = cents.unwrap_or(left);
    if !(1..=left).contains(&cents) {
        let message = format!(
            "Refund amount ({cents} cents) is greater than unrefunded amount on charge ({left} cents)"
        );
        return Err(Refusal::invalid("amount_too_large", message).param("amount"));
    }
    let refund = new_refund(change, &charge, cents, reason, metadata);
    change.state.available_cents -= cents;
    let fields = json!({"amount_refunded": refunded + cents, "refunded": cents == left});
    change.update_and_tell("charge.refunded", Kind::Charge, id, fields);
    change.tell("refund.created", &refund);
    Ok(refund)
}

fn new_refund(
    change: &mut Change<'_>,
    charge: &Value,
    cents: i64,
    reason: Option<String>,
    metadata: Value,
) -> Value {
    let id = change.new_id(Kind::Refund);
    let refund = json!({
        "id": id,
        "object": "refund",
        "amount": cents,
        "balance_transaction": null,
        "charge": charge["id"],
        "created": change.seconds(),
        "currency": charge["currency"],
        "destination_details": {"card": {"type": "refund"}, "type": "card"},
        "metadata": metadata,
        "payment_intent": charge["payment_intent"],
        "reason": reason,
        "receipt_number": null,
        "source_transfer_reversal": null,
        "status": "succeeded",
        "transfer_reversal": null,
    });
    change.insert(Kind::Refund, refund)
}

/// Opens a dispute about `cents` of a charge, or about everything that was not refunded. The payer's bank
/// withdraws the amount at once.
pub fn dispute(change: &mut Change<'_>, charge: &str, cents: Option<i64>) -> Result<Value, Refusal> {
    let charge = change.state.find(Kind::Charge, charge)?.clone();
    let id = text(&charge, "id");
    let left = amount(&charge, "amount") - amount(&charge, "amount_refunded");
    let cents = cents.unwrap_or(left);
    if charge["paid"] != true || charge["disputed"] == true {
        return Err(Refusal::conflict(format!("Charge {id} was not paid, or is already disputed")));
    }
    if !(1..=amount(&charge, "amount")).contains(&cents) {
        return Err(Refusal::bad_parameter("amount", format!("Must be from 1 to the amount of charge {id}")));
    }
    change.state.available_cents -= cents;
    change.update(Kind::Charge, id, json!({"disputed": true}));
    let dispute = new_dispute(change, &charge, cents);
    change.tell("charge.dispute.created", &dispute);
    change.tell("charge.dispute.funds_withdrawn", &dispute);
    Ok(dispute)
}

fn new_dispute(change: &mut Change<'_>, charge: &Value, cents: i64) -> Value {
    let id = change.new_id(Kind::Dispute);
    let method = text(&charge["payment_method_details"], "type");
    let mut details = json!({"type": "card"});
    if method == "card" {
        details["card"] = json!({"brand": "visa", "case_type": "chargeback", "network": "visa", "network_reason_code": "10.4"});
    }
    let dispute = json!({
        "id": id,
        "object": "dispute",
        "amount": cents,
        "balance_transactions": [],
        "charge": charge["id"],
        "created": change.seconds(),
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": {"enhanced_evidence": {}},
        "evidence_details": {
            "due_by": change.seconds() + RESPONSE_SECONDS,
            "enhanced_eligibility": {},
            "has_evidence": false,
            "past_due": false,
            "submission_count": 0,
        },
        "is_charge_refundable": false,
        "livemode": false,
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "payment_method_details": details,
        "reason": "fraudulent",
        "status": "needs_response",
    });
    change.insert(Kind::Dispute, dispute)
}

/// Closes a dispute. If the platform wins, it gets the amount back.
pub fn close(change: &mut Change<'_>, id: &str, won: bool) -> Result<Value, Refusal> {
    let dispute = change.state.find(Kind::Dispute, id)?.clone();
    if text(&dispute, "status") != "needs_response" {
        return Err(Refusal::conflict(format!("{id} is already {}", text(&dispute, "status"))));
    }
    let status = if won { "won" } else { "lost" };
    let dispute =
        change.update_and_tell("charge.dispute.closed", Kind::Dispute, id, json!({"status": status}));
    if won {
        change.state.available_cents += amount(&dispute, "amount");
        change.tell("charge.dispute.funds_reinstated", &dispute);
    }
    Ok(dispute)
}
