//! Finds out, on a schedule, what became of charges and transfers whose outcome was not known when they were asked for.

use clorp_payments::{Payments, Resumed};
use serde::Deserialize;
use serde_json::{Value, json};

/// What invokes the function: the schedule.
#[derive(Clone, Debug, Deserialize)]
pub struct Event {
    /// `aws.events`.
    pub source: String,
}

/// Looks at everything that is pending.
///
/// # Errors
/// If the table cannot be asked what is pending; the next call finds the same.
pub async fn handle(payments: &Payments, _event: Event) -> Result<Value, lambda_runtime::Error> {
    let resumed = payments.resume().await.map_err(|error| {
        tracing::error!(?error, "pending payments not looked at");
        lambda_runtime::Error::from("pending payments not looked at")
    })?;
    let Resumed { settled, pending, failed } = resumed;
    // An alarm goes by this number: what does not settle for long needs a person.
    let unsettled = pending + failed;
    if settled + unsettled > 0 {
        tracing::info!(settled, unsettled, "pending payments looked at");
    }
    Ok(json!({ "settled": settled, "pending": pending, "failed": failed }))
}
