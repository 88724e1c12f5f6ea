//! The platform's balance, and the transactions that change it.

use serde_json::{Value, json};

use crate::change::Change;
use crate::state::{Kind, amount};

/// A movement of the platform's balance.
#[derive(Clone, Copy, Debug)]
pub struct Movement<'a> {
    /// Stripe's type of the transaction, such as `charge` or `adjustment`.
    pub kind: &'static str,
    /// Stripe's category of the transaction in reports, such as `dispute_reversal`.
    pub category: &'static str,
    /// The amount added to the balance, in cents; negative if it is taken.
    pub cents: i64,
    /// Stripe's fee, in cents. It is taken in addition.
    pub fee_cents: i64,
    /// The object that moves the balance.
    pub source: &'a str,
}

impl<'a> Movement<'a> {
    /// A movement without a fee, whose type is also its category.
    pub const fn plain(kind: &'static str, cents: i64, source: &'a str) -> Self {
        Self { kind, category: kind, cents, fee_cents: 0, source }
    }
}

/// Moves the balance. Returns the balance transaction.
pub fn book(change: &mut Change<'_>, movement: Movement<'_>) -> Value {
    let Movement { kind, category, cents, fee_cents, source } = movement;
    let fees = match fee_cents {
        0 => json!([]),
        _ => json!([{
            "amount": fee_cents, "application": null, "currency": "usd", "description": "Dispute fee",
            "type": "stripe_fee",
        }]),
    };
    let transaction = json!({
        "id": change.new_id(Kind::BalanceTransaction),
        "object": "balance_transaction",
        "amount": cents,
        "available_on": change.seconds(),
        "balance_type": "payments",
        "created": change.seconds(),
        "currency": "usd",
        "description": null,
        "exchange_rate": null,
        "fee": fee_cents,
        "fee_details": fees,
        "net": cents - fee_cents,
        "reporting_category": category,
        "source": source,
        "status": "available",
        "type": kind,
    });
    change.state.available_cents += amount(&transaction, "net");
    change.insert(Kind::BalanceTransaction, transaction)
}
