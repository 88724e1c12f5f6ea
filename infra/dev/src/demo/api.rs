//! A client of the API.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use reqwest::{Client, Method};
use serde_json::Value;

use crate::dev_file::DevUser;

const WAIT_TIMEOUT: Duration = Duration::from_secs(30);

/// A client of one stack's API.
#[derive(Debug)]
pub struct Api {
    client: Client,
    base_url: String,
}

/// A response, with a description of its request for error messages.
#[derive(Debug)]
pub struct Reply {
    request: String,
    /// The HTTP status.
    pub status: u16,
    /// The JSON body.
    pub body: Value,
}

impl Api {
    /// Creates a client of the stack at `base_url`.
    ///
    /// # Errors
    /// Fails if the HTTP client cannot be built.
    pub fn new(base_url: &str) -> Result<Self> {
        let client = Client::builder().no_proxy().timeout(WAIT_TIMEOUT).build()?;
        Ok(Self { client, base_url: base_url.to_owned() })
    }

    /// Sends a GET as `user`, or without credentials.
    ///
    /// # Errors
    /// Fails if there is no response, or if its body is not JSON.
    pub async fn get(&self, user: Option<&DevUser>, path: &str) -> Result<Reply> {
        self.send(Method::GET, user, path, None).await
    }

    /// Sends a POST as `user`.
    ///
    /// # Errors
    /// Fails if there is no response, or if its body is not JSON.
    pub async fn post(&self, user: &DevUser, path: &str, body: Option<Value>) -> Result<Reply> {
        self.send(Method::POST, Some(user), path, body).await
    }

    /// Sends a POST without credentials.
    ///
    /// # Errors
    /// Fails if there is no response, or if its body is not JSON.
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
        let who = user.map_or("anonymous", |user| user.name.as_str());
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
        let body = body.with_context(|| format!("{what}: the response ({status}) is not JSON"))?;
        Ok(Reply { request: what, status, body })
    }
}

impl Reply {
    /// The body, if the status is `expected`.
    ///
    /// # Errors
    /// Returns the request, the expected status, and the response.
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

/// The text in the field `field`.
///
/// # Errors
/// Fails if the field is missing or is not a text.
pub fn text<'a>(body: &'a Value, field: &str) -> Result<&'a str> {
    body[field].as_str().with_context(|| format!("a response has no text in `{field}`: {body}"))
}

/// The integer in the field `field`.
///
/// # Errors
/// Fails if the field is missing or is not an integer.
pub fn number(body: &Value, field: &str) -> Result<i64> {
    body[field].as_i64().with_context(|| format!("a response has no integer in `{field}`: {body}"))
}

/// The items of a JSON array.
///
/// # Errors
/// Fails if `body` is not an array.
pub fn list(body: &Value) -> Result<&[Value]> {
    body.as_array().map(Vec::as_slice).with_context(|| format!("a response is not a list: {body}"))
}
