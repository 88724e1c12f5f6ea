//! The ranking's queue: wake-up calls for drops whose window closes. This is the only crate that knows SQS.
//!
//! A message is a hint, never the truth: lost, late, early or repeated, the outcome is the same, because the
//! drop's own item decides and a sweep finds what no message announced.

use std::collections::HashMap;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::DisplayErrorContext;
use aws_sdk_sqs::types::{MessageSystemAttributeNameForSends, MessageSystemAttributeValue};
use clorp_domain::RankingTask;
use jiff::Timestamp;

/// The variable in which Lambda's runtime keeps the trace of the current invocation.
const TRACE: &str = "_X_AMZN_TRACE_ID";
/// Longest delay that SQS accepts, in seconds.
const MAX_DELAY_SECONDS: i64 = 900;

/// Sends wake-up calls to the ranking function.
#[derive(Clone, Debug)]
pub struct RankingQueue {
    client: Client,
    url: String,
}

impl RankingQueue {
    /// Uses the queue at `url`.
    pub fn new(client: Client, url: impl Into<String>) -> Self {
        Self { client, url: url.into() }
    }

    /// Asks the ranking for `task` at `at`, or as soon as SQS delivers. A failure is only logged, because the
    /// sweep finds the task within a minute. The message carries the trace of the request that sends it, so
    /// that X-Ray shows the settlement as its continuation.
    pub async fn wake(&self, task: impl Into<RankingTask>, now: Timestamp, at: Timestamp) {
        let task = task.into();
        let call = self.client.send_message().queue_url(&self.url).message_body(task.to_string());
        let call = call.set_message_system_attributes(trace(std::env::var(TRACE).ok()));
        if let Err(error) = call.delay_seconds(delay_seconds(now, at)).send().await {
            tracing::warn!(%task, error = %DisplayErrorContext(error), "wake-up call not sent; the sweep will find the task");
        }
    }
}

/// The attribute by which SQS hands a trace on, if there is a trace.
fn trace(
    header: Option<String>,
) -> Option<HashMap<MessageSystemAttributeNameForSends, MessageSystemAttributeValue>> {
    let value =
        MessageSystemAttributeValue::builder().data_type("String").string_value(header?).build().ok()?;
    Some(HashMap::from([(MessageSystemAttributeNameForSends::AwsTraceHeader, value)]))
}

/// Computes whole seconds from `now` until `at`, rounded up so that the call does not come early.
fn delay_seconds(now: Timestamp, at: Timestamp) -> i32 {
    let millis = at.as_millisecond().saturating_sub(now.as_millisecond());
    let seconds = millis.saturating_add(999).div_euclid(1000).clamp(0, MAX_DELAY_SECONDS);
    i32::try_from(seconds).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_carries_the_trace_of_its_sender_if_there_is_one() {
        let header = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
        let attributes = trace(Some(header.to_owned())).unwrap();
        let value = &attributes[&MessageSystemAttributeNameForSends::AwsTraceHeader];
        assert_eq!((value.string_value(), value.data_type()), (Some(header), "String"));
        assert_eq!(trace(None), None);
    }

    #[test]
    fn a_delay_is_never_early_and_within_the_limit_of_sqs() {
        let at = |millis| Timestamp::from_millisecond(millis).unwrap();
        for (now, then, seconds) in
            [(0, 1, 1), (0, 1000, 1), (0, 1001, 2), (5000, 0, 0), (0, 0, 0), (0, 10_000_000, 900)]
        {
            assert_eq!(delay_seconds(at(now), at(then)), seconds, "{now}..{then}");
        }
    }
}
