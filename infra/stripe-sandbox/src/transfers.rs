//! Transfers to connected accounts, and their reversals.

use serde_json::{Value, json};

use crate::balance::{self, Movement};
use crate::change::Change;
use crate::ids;
use crate::params::Params;
use crate::refusal::Refusal;
use crate::state::{Kind, State, amount};

/// `POST /v1/transfers`
pub fn create(change: &mut Change<'_>, mut params: Params) -> Result<Value, Refusal> {
    let cents = params.need_amount("amount", 1)?;
    params.currency("currency")?;
    let destination = params.need_text("destination")?;
    let transfer_group = params.text("transfer_group")?;
    let description = params.text("description")?;
    let metadata = params.metadata("metadata")?;
    params.finish()?;
    check_destination(change.state, &destination)?;
    if cents > change.state.available_cents {
        let message = "You have insufficient available funds in your Stripe account. \
                       Try adding funds directly to your available balance.";
        return Err(Refusal::invalid("balance_insufficient", message));
    }
    let id = change.new_id(Kind::Transfer);
    let transaction = balance::book(change, Movement::plain("transfer", -cents, &id));
    let transfer = json!({
        "id": id,
        "object": "transfer",
        "amount": cents,
        "amount_reversed": 0,
        "balance_transaction": transaction["id"],
        "created": change.seconds(),
        "currency": "usd",
        "description": description,
        "destination": destination,
        "destination_payment": ids::ordered("py_", change.state.next_number, 24),
        "livemode": false,
        "metadata": metadata,
        "reversals": {
            "object": "list", "data": [], "has_more": false, "url": format!("/v1/transfers/{id}/reversals"),
        },
        "reversed": false,
        "source_transaction": null,
        "source_type": "card",
        "transfer_group": transfer_group,
    });
    let transfer = change.insert(Kind::Transfer, transfer);
    change.tell("transfer.created", &transfer);
    Ok(transfer)
}

fn check_destination(state: &State, id: &str) -> Result<(), Refusal> {
    let Some(account) = state.get(Kind::Account, id) else {
        return Err(Refusal::no_such_reference("destination", "destination", id));
    };
    if account["capabilities"]["transfers"] == "active" {
        return Ok(());
    }
    let message = "Your destination account needs to have at least one of the following capabilities enabled: \
                   transfers, crypto_transfers, legacy_payments";
    Err(Refusal::invalid("insufficient_capabilities_for_transfer", message))
}

/// `POST /v1/transfers/{id}/reversals`
pub fn create_reversal(
    change: &mut Change<'_>,
    transfer: &str,
    mut params: Params,
) -> Result<Value, Refusal> {
    let cents = params.amount("amount", 1)?;
    params.text("description")?;
    params.flag("refund_application_fee")?;
    let metadata = params.metadata("metadata")?;
    params.finish()?;
    reverse(change, transfer, cents, metadata)
}

/// Reverses `cents` of a transfer, or everything that is left of it. Returns the reversal.
pub fn reverse(
    change: &mut Change<'_>,
    id: &str,
    cents: Option<i64>,
    metadata: Value,
) -> Result<Value, Refusal> {
    let transfer = change.state.find(Kind::Transfer, id)?.clone();
    let reversed = amount(&transfer, "amount_reversed");
    let left = amount(&transfer, "amount") - reversed;
    if left == 0 {
        return Err(Refusal::invalid(
            "transfer_already_reversed",
            format!("Transfer {id} is already fully reversed."),
        ));
    }
    let cents = cents.unwrap_or(left);
    if !(1..=left).contains(&cents) {
        let message = format!(
            "Reversal amount ({cents} cents) is greater than unreversed amount of the transfer ({left} cents)"
        );
        return Err(Refusal::invalid("amount_too_large", message).param("amount"));
    }
    let reversal = change.new_id(Kind::Reversal);
    let transaction = balance::book(change, Movement::plain("transfer_refund", cents, &reversal));
    let reversal = json!({
        "id": reversal,
        "object": "transfer_reversal",
        "amount": cents,
        "balance_transaction": transaction["id"],
        "created": change.seconds(),
        "currency": "usd",
        "destination_payment_refund": null,
        "metadata": metadata,
        "source_refund": null,
        "transfer": id,
    });
    let reversal = change.insert(Kind::Reversal, reversal);
    let mut reversals = transfer["reversals"].clone();
    if let Some(data) = reversals["data"].as_array_mut() {
        data.insert(0, reversal.clone());
    }
    let fields =
        json!({"amount_reversed": reversed + cents, "reversed": cents == left, "reversals": reversals});
    change.update_and_tell("transfer.reversed", Kind::Transfer, id, fields);
    Ok(reversal)
}
