//! Reconciler: on a schedule, resolves charges and transfers whose outcome was unknown when they were
//! requested, and asks Stripe about top-ups and accounts that no webhook event has reported.

use clorp_payments::{Payments, Resumed};
use serde::Deserialize;
use serde_json::{Value, json};

/// The schedule's event, which invokes the function.
#[derive(Clone, Debug, Deserialize)]
pub struct Event {
    /// Source of the event: `aws.events`.
    pub source: String,
}

/// Resolves all pending payments.
///
/// # Errors
/// A fault if the list of pending payments cannot be read. The next call retries.
pub async fn handle(payments: &Payments, _event: Event) -> Result<Value, lambda_runtime::Error> {
    let resumed = payments.resume().await.map_err(|error| {
        tracing::error!(?error, "pending payments not reconciled");
        lambda_runtime::Error::from("pending payments not reconciled")
    })?;
    let Resumed { settled, pending, reported, failed } = resumed;
    // An alarm rings when this line is missing.
    tracing::info!(settled, pending, reported, failed, "sweep ended");
    Ok(json!({ "settled": settled, "pending": pending, "failed": failed }))
}
