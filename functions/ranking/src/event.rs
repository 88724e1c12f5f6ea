//! The events the function is invoked with.

use clorp_domain::DropId;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{Progress, Ranking};

/// What invokes the function.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Event {
    /// Wake-up calls from the queue.
    Queue {
        /// The messages.
        #[serde(rename = "Records")]
        records: Vec<Record>,
    },
    /// The schedule: time for a sweep.
    Schedule {
        /// `aws.events` or `aws.scheduler`.
        source: String,
    },
}

/// One wake-up call.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    message_id: String,
    body: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Failure {
    item_identifier: String,
}

/// Acts on an event.
///
/// # Errors
/// The schedule's, if the table cannot be asked what is due. A failed wake-up call is named in the answer, so that
/// the queue repeats that one and no other.
pub async fn handle(ranking: &Ranking, event: Event) -> Result<Value, lambda_runtime::Error> {
    match event {
        Event::Queue { records } => {
            let mut failures = Vec::new();
            for record in records {
                if !answer(ranking, &record).await {
                    failures.push(Failure { item_identifier: record.message_id });
                }
            }
            Ok(json!({ "batchItemFailures": failures }))
        }
        Event::Schedule { source: _ } => {
            let swept = ranking.sweep().await.map_err(|error| {
                tracing::error!(?error, "sweep failed");
                lambda_runtime::Error::from("sweep failed")
            })?;
            Ok(json!({ "settled": swept.settled, "failed": swept.failed }))
        }
    }
}

/// Looks at the drop a message names; whether the message is done with.
async fn answer(ranking: &Ranking, record: &Record) -> bool {
    let Ok(id) = record.body.parse::<DropId>() else {
        // Repeating it would not help; the dead-letter queue keeps it for a person.
        tracing::error!(message_id = record.message_id, "wake-up call names no drop");
        return false;
    };
    match ranking.settle(id).await {
        Ok(Progress::NotBefore(at)) => {
            if let Some(queue) = &ranking.queue {
                queue.wake(id, ranking.context.clock.now(), at).await;
            }
            true
        }
        Ok(Progress::Settled(_) | Progress::Nothing) => true,
        Err(error) => {
            tracing::error!(%id, ?error, "drop not settled");
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_of_event_are_told_apart() {
        let queue =
            r#"{"Records":[{"messageId":"1","body":"x","receiptHandle":"r","eventSource":"aws:sqs"}]}"#;
        let schedule = r#"{"version":"0","source":"aws.events","detail-type":"Scheduled Event","detail":{}}"#;
        assert!(
            matches!(serde_json::from_str(queue).unwrap(), Event::Queue { records } if records[0].body == "x")
        );
        assert!(matches!(serde_json::from_str(schedule).unwrap(), Event::Schedule { .. }));
        assert!(serde_json::from_str::<Event>("{}").is_err());
    }
}
