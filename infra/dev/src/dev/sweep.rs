//! Invokes the scheduled functions, as EventBridge does in production.

use std::time::Duration;

use anyhow::{Result, bail};
use jiff::Timestamp;
use reqwest::Client;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::term::Style;

/// Interval between two calls of a schedule. In production it is one minute, because a queue message closes
/// each window on time. The local stack has no queue.
const PERIOD: Duration = Duration::from_secs(1);

/// Interval between two calls while the function fails. Every abandoned request stays in cargo-lambda's
/// queue, and a hundred of them would block the queue for good.
const PERIOD_WHILE_FAILING: Duration = Duration::from_secs(15);

/// Time to wait for an answer. An answer never comes if the instance was restarted meanwhile. A function that
/// waits for an unresponsive Stripe needs several seconds.
const WAIT_TIMEOUT: Duration = Duration::from_secs(30);

/// Calls `function` repeatedly, one call at a time, and prints when it starts or stops failing.
pub async fn run(client: Client, base_url: String, function: String) {
    let mut health = Health { function, failing: false };
    loop {
        let outcome = invoke(&client, &base_url, &health.function, WAIT_TIMEOUT).await;
        if let Some(news) = health.observe(outcome.map_err(|error| format!("{error:#}"))) {
            println!("{news}");
        }
        sleep(if health.failing { PERIOD_WHILE_FAILING } else { PERIOD }).await;
    }
}

/// Invokes `function` with a scheduled event.
///
/// # Errors
/// Fails if the function cannot be reached, takes longer than `wait_timeout`, or answers with an error.
pub async fn invoke(client: &Client, base_url: &str, function: &str, wait_timeout: Duration) -> Result<()> {
    let url = format!("{base_url}/2015-03-31/functions/{function}/invocations");
    let sent = client.post(url).timeout(wait_timeout).json(&scheduled_event(Timestamp::now())).send().await;
    let response = sent.map_err(reqwest::Error::without_url)?;
    let status = response.status();
    if status.is_success() {
        return Ok(());
    }
    let text = response.text().await.unwrap_or_default();
    bail!("{status}: {}", text.chars().take(300).collect::<String>())
}

fn scheduled_event(now: Timestamp) -> Value {
    json!({
        "version": "0",
        "id": format!("local-{}", now.as_millisecond()),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "000000000000",
        "time": format!("{now:.0}"),
        "region": "us-east-1",
        "resources": [],
        "detail": {},
    })
}

/// The health of a scheduled function. Reports only changes.
#[derive(Debug)]
struct Health {
    function: String,
    failing: bool,
}

impl Health {
    fn observe(&mut self, outcome: Result<(), String>) -> Option<String> {
        let failed = outcome.is_err();
        let changed = failed != self.failing;
        self.failing = failed;
        let (function, style) = (&self.function, Style::stdout());
        match outcome {
            _ if !changed => None,
            Ok(()) => Some(style.green(&format!("the scheduled function {function} works again"))),
            Err(why) => {
                Some(format!("{} the scheduled function {function} fails: {why}", style.yellow("warning:")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_and_its_recovery_are_each_reported_once() {
        let mut health = Health { function: "ranking".to_owned(), failing: false };
        let bad = || Err("500".to_owned());
        let said: Vec<bool> = [Ok(()), bad(), bad(), bad(), Ok(()), Ok(()), bad()]
            .into_iter()
            .map(|outcome| health.observe(outcome).is_some())
            .collect();
        assert_eq!(said, [false, true, false, false, true, false, true]);
    }

    #[test]
    fn the_event_has_the_shape_of_eventbridges() {
        let event = scheduled_event(Timestamp::from_millisecond(1_795_512_600_007).unwrap());
        assert_eq!(event["time"], "2026-11-24T09:30:00Z");
        assert_eq!(event["detail-type"], "Scheduled Event");
        assert_eq!(event["detail"], json!({}));
    }
}
