//! A check against Stripe's own mock, `stripe-mock`. The mock validates requests against Stripe's published
//! API description, so it should accept every request that the sandbox accepts.

use std::sync::Mutex;

use anyhow::{Context, Result};
use reqwest::Client;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};

use crate::sync::locked;

/// The mock accepts any test key.
const KEY: &str = "Bearer sk_test_123";

/// A client of `stripe-mock` that records what it rejects.
#[derive(Debug)]
pub struct Mirror {
    base_url: String,
    client: Client,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    requests: usize,
    refusals: Vec<String>,
}

impl Mirror {
    /// Creates a client of the mock at `base_url`.
    pub fn new(base_url: String) -> Result<Self> {
        let client = Client::builder().no_proxy().build().context("building a client for stripe-mock")?;
        Ok(Self { base_url, client, seen: Mutex::default() })
    }

    /// Sends a copy of a request to the mock, and records a rejection.
    pub async fn send(&self, method: &reqwest::Method, path_and_query: &str, body: &[u8]) {
        let request = self
            .client
            .request(method.clone(), format!("{}{path_and_query}", self.base_url))
            .header(AUTHORIZATION, KEY)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(body.to_vec());
        let refusal = match request.send().await {
            Ok(answer) if answer.status().is_success() => None,
            Ok(answer) => {
                let status = answer.status();
                let text = answer.text().await.unwrap_or_default();
                Some(format!("{status}: {}", text.trim()))
            }
            Err(error) => Some(format!("no answer: {:#}", anyhow::Error::from(error))),
        };
        let mut seen = locked(&self.seen);
        seen.requests += 1;
        let form = String::from_utf8_lossy(body);
        seen.refusals.extend(refusal.map(|why| format!("{method} {path_and_query} {form}: {why}")));
    }

    /// Number of requests sent to the mock.
    pub fn requests(&self) -> usize {
        locked(&self.seen).requests
    }

    /// The requests that the mock rejected, with its reasons.
    pub fn refusals(&self) -> Vec<String> {
        locked(&self.seen).refusals.clone()
    }
}
