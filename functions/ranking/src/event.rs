//! Events that invoke the function.

use clorp_domain::RankingTask;
use futures::stream::{self, StreamExt};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{CONCURRENCY, Progress, Ranking, Swept};

/// An event that invokes the function.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Event {
    /// Messages from the queue, each a wake-up for one task.
    Queue {
        /// Messages of the batch.
        #[serde(rename = "Records")]
        records: Vec<Record>,
    },
    /// A tick of the schedule, which triggers a sweep.
    Schedule {
        /// Source of the event: `aws.events` or `aws.scheduler`.
        source: String,
    },
}

/// A message from the queue, with a task as its body.
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

/// Handles an event.
///
/// # Errors
/// A sweep fails if the list of due drops cannot be read. A batch of messages does not fail: the response
/// names the messages that failed, and the queue redelivers only those.
pub async fn handle(ranking: &Ranking, event: Event) -> Result<Value, lambda_runtime::Error> {
    match event {
        Event::Queue { records } => {
            let handled = stream::iter(records).map(|record| async move {
                let failed = !handle_message(ranking, &record).await;
                failed.then_some(Failure { item_identifier: record.message_id })
            });
            let failures: Vec<Failure> =
                handled.buffered(CONCURRENCY).filter_map(std::future::ready).collect().await;
            Ok(json!({ "batchItemFailures": failures }))
        }
        Event::Schedule { source: _ } => {
            let swept = ranking.sweep().await.map_err(|error| {
                tracing::error!(?error, "sweep failed");
                lambda_runtime::Error::from("sweep failed")
            })?;
            let Swept { settled, heard, failed } = swept;
            // An alarm rings when this line is missing.
            tracing::info!(settled, heard, failed, "sweep ended");
            Ok(json!({ "settled": settled, "heard": heard, "failed": failed }))
        }
    }
}

/// Performs the task that a message names. Returns true if the message can be deleted.
async fn handle_message(ranking: &Ranking, record: &Record) -> bool {
    let Ok(task) = record.body.parse::<RankingTask>() else {
        // Redelivery will not help; the dead-letter queue keeps the message for a person.
        tracing::error!(message_id = record.message_id, "message does not name a task");
        return false;
    };
    match ranking.perform(task).await {
        Ok(Progress::NotBefore(at)) => {
            if let Some(queue) = &ranking.queue {
                queue.wake(task, ranking.context.clock.now(), at).await;
            }
            true
        }
        Ok(Progress::Settled(_) | Progress::Heard | Progress::Nothing) => true,
        Err(error) => {
            tracing::error!(%task, ?error, "task failed");
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queue_and_schedule_events_are_distinguished() {
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
