//! Disputes: a payer objects to a charge through the bank.
//!
//! A dispute's `balance_transactions` say what the bank really did with the platform's balance. The dispute's
//! `amount` and `status` are only what the bank reports.

use serde_json::{Value, json};

use crate::balance::{self, Movement};
use crate::change::Change;
use crate::refusal::Refusal;
use crate::state::{Kind, State, amount, text};

/// Time to respond to a dispute, in seconds.
const RESPONSE_SECONDS: i64 = 7 * 24 * 3600;

/// Stripe's fee for a dispute, in cents. It is taken with the first withdrawal, and never returned.
const FEE_CENTS: i64 = 1_500;

/// A dispute to open.
#[derive(Clone, Copy, Debug, Default)]
pub struct Opening {
    /// The disputed amount, in cents; `None` for everything that was not refunded.
    pub cents: Option<i64>,
    /// True if the bank only asks for information, and takes nothing yet.
    pub inquiry: bool,
    /// The amount that the bank takes at once, in cents; `None` for the disputed amount, or for nothing in
    /// an inquiry.
    pub withdrawn: Option<i64>,
}

/// A change that the bank reports.
#[derive(Clone, Copy, Debug, Default)]
pub struct Report {
    /// The new status.
    pub status: Option<&'static str>,
    /// The new disputed amount, in cents.
    pub cents: Option<i64>,
}

/// The decision that ends a dispute.
#[derive(Clone, Copy, Debug)]
pub struct Decision {
    /// The final status: `won`, `lost` or `warning_closed`.
    pub status: &'static str,
    /// The disputed amount from now on, in cents.
    pub cents: Option<i64>,
    /// The amount that the bank gives back, in cents; `None` for what the status and the amount imply.
    pub reinstated: Option<i64>,
    /// True if a decided dispute may be decided again.
    pub again: bool,
}

/// Opens a dispute about a charge. The bank takes the amount at once, unless it only inquires.
pub fn open(change: &mut Change<'_>, charge: &str, opening: Opening) -> Result<Value, Refusal> {
    let charge = change.state.find(Kind::Charge, charge)?.clone();
    let id = text(&charge, "id");
    let cents =
        opening.cents.unwrap_or_else(|| amount(&charge, "amount") - amount(&charge, "amount_refunded"));
    if charge["paid"] != true {
        return Err(Refusal::conflict(format!("Charge {id} was not paid")));
    }
    if charge["disputed"] == true && opening.cents.is_none() {
        let message = format!("Charge {id} is already disputed. Another dispute about it needs an `amount`");
        return Err(Refusal::conflict(message));
    }
    check_cents("amount", cents, amount(&charge, "amount"))?;
    let dispute = new_dispute(change, &charge, cents, opening.inquiry);
    change.update(Kind::Charge, id, json!({"disputed": true}));
    let withdrawn = opening.withdrawn.unwrap_or(if opening.inquiry { 0 } else { cents });
    let id = text(&dispute, "id");
    report(change, id, "charge.dispute.created", json!({}), withdrawn)
}

/// Reports a changed status or amount. No money moves.
pub fn update(change: &mut Change<'_>, id: &str, update: Report) -> Result<Value, Refusal> {
    let dispute = change.state.find(Kind::Dispute, id)?.clone();
    let fields = fields(&dispute, update.status, update.cents)?;
    report(change, id, "charge.dispute.updated", fields, 0)
}

/// Turns an inquiry into a dispute. The bank takes the disputed amount.
pub fn escalate(change: &mut Change<'_>, id: &str, cents: Option<i64>) -> Result<Value, Refusal> {
    let dispute = change.state.find(Kind::Dispute, id)?.clone();
    if !is_inquiry(&dispute) {
        return Err(Refusal::conflict(format!("{id} is no inquiry, but {}", text(&dispute, "status"))));
    }
    let mut fields = fields(&dispute, Some("needs_response"), cents)?;
    let cents = amount(&fields, "amount");
    fields["is_charge_refundable"] = false.into();
    report(change, id, "charge.dispute.updated", fields, cents - withdrawn(&dispute))
}

/// Takes money for a dispute, or gives some back (negative), whatever its status and amount are.
pub fn move_funds(change: &mut Change<'_>, id: &str, cents: i64) -> Result<Value, Refusal> {
    change.state.find(Kind::Dispute, id)?;
    book(change, id, cents);
    Ok(tell_funds(change, id, cents))
}

/// Closes a dispute. The platform keeps the money of a won one, and the bank the amount of a lost one.
pub fn close(change: &mut Change<'_>, id: &str, decision: Decision) -> Result<Value, Refusal> {
    let dispute = change.state.find(Kind::Dispute, id)?.clone();
    let (before, after) = (text(&dispute, "status"), decision.status);
    if ["won", "lost", "warning_closed"].contains(&before) {
        if !decision.again {
            let message = format!("{id} is already {before}. Set `again` to decide it again");
            return Err(Refusal::conflict(message));
        }
    } else if is_inquiry(&dispute) != (after == "warning_closed") {
        return Err(Refusal::conflict(format!("{id} is {before} and cannot become {after}")));
    }
    let fields = fields(&dispute, Some(after), decision.cents)?;
    let held = withdrawn(&dispute);
    let kept = match after {
        "lost" => amount(&fields, "amount"),
        "won" => 0,
        _ => held,
    };
    let moved = decision.reinstated.map_or(kept - held, |cents| -cents);
    report(change, id, "charge.dispute.closed", fields, moved)
}

/// The changed fields of a dispute.
fn fields(dispute: &Value, status: Option<&str>, cents: Option<i64>) -> Result<Value, Refusal> {
    let cents = cents.unwrap_or_else(|| amount(dispute, "amount"));
    check_cents("amount", cents, i64::MAX)?;
    Ok(json!({"amount": cents, "status": status.unwrap_or_else(|| text(dispute, "status"))}))
}

fn check_cents(param: &str, cents: i64, most: i64) -> Result<(), Refusal> {
    if (1..=most).contains(&cents) {
        return Ok(());
    }
    Err(Refusal::bad_parameter(param, format!("Must be from 1 to {most}")))
}

/// True if the bank has only asked for information.
fn is_inquiry(dispute: &Value) -> bool {
    text(dispute, "status").starts_with("warning_")
}

/// The amount that the bank holds for a dispute, in cents, without fees.
fn withdrawn(dispute: &Value) -> i64 {
    let transactions = dispute["balance_transactions"].as_array().into_iter().flatten();
    -transactions.map(|transaction| amount(transaction, "amount")).sum::<i64>()
}

/// True if a charge has a dispute that forbids refunds.
pub fn forbids_refunds(state: &State, charge: &str) -> bool {
    state
        .all(Kind::Dispute)
        .any(|dispute| text(dispute, "charge") == charge && dispute["is_charge_refundable"] == false)
}

/// Changes a dispute, moves `cents` to the bank (negative: back), and records the events. As with Stripe,
/// all of them show the dispute with its new balance transactions.
fn report(
    change: &mut Change<'_>,
    id: &str,
    event: &str,
    fields: Value,
    cents: i64,
) -> Result<Value, Refusal> {
    let (before, _) = change.update(Kind::Dispute, id, fields);
    book(change, id, cents);
    let dispute = change.state.find(Kind::Dispute, id)?.clone();
    match event {
        "charge.dispute.created" => change.tell(event, &dispute),
        _ => change.tell_change(event, &before, &dispute),
    }
    Ok(if cents == 0 { dispute } else { tell_funds(change, id, cents) })
}

fn book(change: &mut Change<'_>, id: &str, cents: i64) {
    if cents == 0 {
        return;
    }
    let dispute = change.state.get(Kind::Dispute, id).cloned().unwrap_or_default();
    let mut transactions = dispute["balance_transactions"].as_array().cloned().unwrap_or_default();
    let movement = Movement {
        kind: "adjustment",
        category: if cents > 0 { "dispute" } else { "dispute_reversal" },
        cents: -cents,
        fee_cents: if transactions.is_empty() { FEE_CENTS } else { 0 },
        source: id,
    };
    transactions.push(balance::book(change, movement));
    change.update(Kind::Dispute, id, json!({ "balance_transactions": transactions }));
}

fn tell_funds(change: &mut Change<'_>, id: &str, cents: i64) -> Value {
    let dispute = change.state.get(Kind::Dispute, id).cloned().unwrap_or_default();
    let event = if cents > 0 { "charge.dispute.funds_withdrawn" } else { "charge.dispute.funds_reinstated" };
    change.tell(event, &dispute);
    dispute
}

fn new_dispute(change: &mut Change<'_>, charge: &Value, cents: i64, inquiry: bool) -> Value {
    let id = change.new_id(Kind::Dispute);
    let method = text(&charge["payment_method_details"], "type");
    let mut details = json!({"type": method});
    if method == "card" {
        let case = if inquiry { "inquiry" } else { "chargeback" };
        details["card"] =
            json!({"brand": "visa", "case_type": case, "network": "visa", "network_reason_code": "10.4"});
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
        "is_charge_refundable": inquiry,
        "livemode": false,
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "payment_method_details": details,
        "reason": "fraudulent",
        "status": if inquiry { "warning_needs_response" } else { "needs_response" },
    });
    change.insert(Kind::Dispute, dispute)
}
