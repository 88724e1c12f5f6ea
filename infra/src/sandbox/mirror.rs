//! What the sandbox accepts, Stripe's own mock should accept too: it holds requests against Stripe's published
//! description of its API.

use std::sync::Mutex;

use anyhow::{Context, Result};
use reqwest::Client;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};

use super::core::locked;

/// Any test key will do for the mock.
const KEY: &str = "Bearer sk_test_123";

/// A second reader of every accepted request.
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
    /// Sends to the mock at `base_url`.
    pub fn new(base_url: String) -> Result<Self> {
        let client = Client::builder().no_proxy().build().context("building a client for stripe-mock")?;
        Ok(Self { base_url, client, seen: Mutex::default() })
    }

    /// Sends a request to the mock as well, and keeps what it has against it.
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

    /// How many requests the mock was sent.
    pub fn requests(&self) -> usize {
        locked(&self.seen).requests
    }

    /// What the mock refused, and why.
    pub fn refusals(&self) -> Vec<String> {
        locked(&self.seen).refusals.clone()
    }
}
