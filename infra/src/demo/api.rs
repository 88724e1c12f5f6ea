//! The API as a client sees it.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use reqwest::{Client, Method};
use serde_json::Value;

use crate::dev_file::DevUser;

const WAIT_TIMEOUT: Duration = Duration::from_secs(30);

/// A client of one stack.
#[derive(Debug)]
pub struct Api {
    client: Client,
    base_url: String,
}

/// An answer, with the request it answers.
#[derive(Debug)]
pub struct Reply {
    request: String,
    /// The HTTP status.
    pub status: u16,
    /// The JSON.
    pub body: Value,
}

impl Api {
    /// A client of the stack at `base_url`.
    ///
    /// # Errors
    /// When the system gives no client.
    pub fn new(base_url: &str) -> Result<Self> {
        let client = Client::builder().no_proxy().timeout(WAIT_TIMEOUT).build()?;
        Ok(Self { client, base_url: base_url.to_owned() })
    }

    /// Asks for something, as `user` or as anybody.
    ///
    /// # Errors
    /// When there is no answer, or one that is not JSON.
    pub async fn get(&self, user: Option<&DevUser>, path: &str) -> Result<Reply> {
        self.send(Method::GET, user, path, None).await
    }

    /// Does something as `user`.
    ///
    /// # Errors
    /// When there is no answer, or one that is not JSON.
    pub async fn post(&self, user: &DevUser, path: &str, body: Option<Value>) -> Result<Reply> {
        self.send(Method::POST, Some(user), path, body).await
    }

    /// Does something without a credential.
    ///
    /// # Errors
    /// When there is no answer, or one that is not JSON.
    pub async fn post_as_nobody(&self, path: &str, body: Value) -> Result<Reply> {
        self.send(Method::POST, None, path, Some(body)).await
    }

    async fn send(
        &self,
        method: Method,
        user: Option<&DevUser>,
        path: &str,
        body: Option<Value>,
    ) -> Result<Reply> {
        let who = user.map_or("anybody", |user| user.name.as_str());
        let what = format!("{method} {path} as {who}");
        let mut request = self.client.request(method, format!("{}{path}", self.base_url));
        if let Some(user) = user {
            request = request.bearer_auth(&user.api_key);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.map_err(reqwest::Error::without_url).context(what.clone())?;
        let status = response.status().as_u16();
        let body = response.json().await.map_err(reqwest::Error::without_url);
        let body = body.with_context(|| format!("{what}: the answer ({status}) is not JSON"))?;
        Ok(Reply { request: what, status, body })
    }
}

impl Reply {
    /// The body, if the status is `expected`.
    ///
    /// # Errors
    /// Says what was asked and what the API answered instead.
    pub fn expect(self, expected: u16) -> Result<Value> {
        if self.status == expected {
            return Ok(self.body);
        }
        let Self { request, status, body } = self;
        match (body["error"].as_str(), body["code"].as_str()) {
            (Some(message), Some(code)) => {
                bail!("{request}: expected {expected}, got {status} {code}: {message}")
            }
            _ => bail!("{request}: expected {expected}, got {status}: {body}"),
        }
    }
}

/// The text in a field.
///
/// # Errors
/// When it is not there.
pub fn text<'a>(body: &'a Value, field: &str) -> Result<&'a str> {
    body[field].as_str().with_context(|| format!("an answer has no text in `{field}`: {body}"))
}

/// The whole number in a field.
///
/// # Errors
/// When it is not there.
pub fn number(body: &Value, field: &str) -> Result<i64> {
    body[field].as_i64().with_context(|| format!("an answer has no number in `{field}`: {body}"))
}

/// The items of a list.
///
/// # Errors
/// When it is none.
pub fn list(body: &Value) -> Result<&[Value]> {
    body.as_array().map(Vec::as_slice).with_context(|| format!("an answer is not a list: {body}"))
}
