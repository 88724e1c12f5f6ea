//! The requests of clients, and what their answers mean.

use anyhow::{Context, Result};
use jiff::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};

use crate::history::{Action, Answer, Entry, IN_FLIGHT, Step};
use crate::stack::{Person, Stack};

/// Entries of the ledger on a page, which is the most that the API gives.
const PAGE: usize = 100;

/// A request of a user. It can be sent several times.
#[derive(Clone, Debug)]
pub struct Request {
    /// The operation's place in the history.
    pub op: u64,
    /// The user.
    pub person: Person,
    /// The meaning of the request.
    pub action: Action,
    /// The `Idempotency-Key`.
    pub key: Option<String>,
    /// Length of the window of a new drop, in seconds.
    pub seconds: i64,
}

impl Request {
    /// Sends the request once, and returns the step that its answer is.
    pub async fn send(&self, stack: &Stack) -> Step {
        match self.exchange(stack).await {
            Ok(step) => step,
            Err(error) => Step::Unknown { why: format!("{error:#}") },
        }
    }

    async fn exchange(&self, stack: &Stack) -> Result<Step> {
        if let Action::PayIn { session, .. } = &self.action {
            let path = format!("checkout/sessions/{session}/complete");
            stack.control(&path, json!({ "outcome": "paid" })).await?;
            return Ok(Step::Ok { answer: Answer::Done });
        }
        let (method, path, body) = self.parts();
        let mut request = stack.http.request(method, format!("{}{path}", stack.url));
        request = request.header("authorization", &self.person.authorization);
        if let Some(key) = &self.key {
            request = request.header("idempotency-key", key);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await?;
        let (status, headers) = (response.status(), response.headers().clone());
        if status.is_server_error() {
            return Ok(Step::Unknown { why: status.to_string() });
        }
        let body: Value = response.json().await?;
        if status.is_success() {
            let answer = self.answer(status.as_u16(), &body, !headers.contains_key("x-next-cursor"))?;
            return Ok(Step::Ok { answer });
        }
        let code = body["code"].as_str().unwrap_or_default().to_owned();
        if code == IN_FLIGHT {
            return Ok(Step::Unknown { why: code });
        }
        let drop = body["id"].as_str().map(str::to_owned);
        Ok(Step::Fail { status: status.as_u16(), code, drop })
    }

    fn parts(&self) -> (Method, String, Option<Value>) {
        let post = |path: String| (Method::POST, path, None);
        match &self.action {
            Action::Post { price_cents } => {
                let body = json!({
                    "prompt": "Give me three roast-style taglines for a build that never finishes",
                    "pack": "roast", "price_cents": price_cents, "time_limit_seconds": self.seconds,
                    "confirmed": true,
                });
                (Method::POST, "/api/jobs/run".to_owned(), Some(body))
            }
            Action::Pay { drop, .. } => post(format!("/api/jobs/{drop}/pay")),
            Action::Claim { drop } => post(format!("/api/jobs/{drop}/claim")),
            Action::Release { drop } => post(format!("/api/jobs/{drop}/release")),
            Action::Cancel { drop } => post(format!("/api/jobs/{drop}/cancel")),
            Action::Submit { drop } => {
                let text =
                    format!("1. Still compiling, says {}. 2. Grab a coffee. 3. Or two.", self.person.id);
                (Method::POST, format!("/api/jobs/{drop}/submit"), Some(json!({ "output_text": text })))
            }
            Action::See { drop } => (Method::GET, format!("/api/jobs/{drop}"), None),
            Action::Withdraw { amount_cents } => {
                let body = json!({ "amount_cents": amount_cents });
                (Method::POST, "/api/wallet/withdraw".to_owned(), Some(body))
            }
            Action::TopUp { amount_cents } => {
                let body = json!({ "amount_cents": amount_cents });
                (Method::POST, "/api/wallet/topup".to_owned(), Some(body))
            }
            Action::Read | Action::PayIn { .. } | Action::Invoke { .. } => {
                (Method::GET, format!("/api/wallet/balance?limit={PAGE}"), None)
            }
        }
    }

    fn answer(&self, status: u16, body: &Value, complete: bool) -> Result<Answer> {
        let text = |name: &str| text(body, name);
        Ok(match &self.action {
            Action::Post { .. } => Answer::Paid { drop: text("id")? },
            Action::Pay { drop, .. } => Answer::Paid { drop: drop.clone() },
            Action::Read => {
                let balance_cents = number(body, "balance_cents")?;
                Answer::Wallet { balance_cents, ledger: entries(body)?, complete }
            }
            Action::Claim { .. } => Answer::Claimed { new: status == 201 },
            Action::Release { .. } => Answer::Released,
            Action::Submit { .. } => Answer::Submitted { new: status == 201 },
            Action::Cancel { .. } | Action::See { .. } => {
                let (claims, submissions) =
                    (number(body, "claims_count")?, number(body, "submissions_count")?);
                Answer::Drop { status: text("status")?, claims, submissions }
            }
            Action::Withdraw { .. } => Answer::Withdrawn { id: text("id")? },
            Action::TopUp { .. } => {
                let url = text("url")?;
                let id = url.split(['/', '?', '#']).find(|part| part.starts_with("cs_"));
                Answer::Session { id: id.context("a page without a session")?.to_owned() }
            }
            Action::PayIn { .. } | Action::Invoke { .. } => Answer::Done,
        })
    }
}

/// Reads a user's balance and whole ledger, newest entry first.
///
/// # Errors
/// Fails if the API does not answer.
pub async fn whole_wallet(stack: &Stack, person: &Person) -> Result<(i64, Vec<Entry>)> {
    let mut ledger = Vec::new();
    let mut after = String::new();
    loop {
        let url = format!("{}/api/wallet/balance?limit={PAGE}{after}", stack.url);
        let response = stack.http.get(url).header("authorization", &person.authorization).send().await?;
        let response = response.error_for_status()?;
        let next = response.headers().get("x-next-cursor").and_then(|value| value.to_str().ok());
        let next = next.map(|cursor| format!("&cursor={cursor}"));
        let body: Value = response.json().await?;
        ledger.extend(entries(&body)?);
        match next {
            Some(next) => after = next,
            None => return Ok((number(&body, "balance_cents")?, ledger)),
        }
    }
}

/// Reads a drop as its sender.
///
/// # Errors
/// Fails if the API does not answer.
pub async fn see(stack: &Stack, person: &Person, drop: &str) -> Result<Value> {
    let url = format!("{}/api/jobs/{drop}", stack.url);
    let response = stack.http.get(url).header("authorization", &person.authorization).send().await?;
    Ok(response.error_for_status()?.json().await?)
}

/// The text in a field of an answer.
///
/// # Errors
/// Fails if there is none.
pub fn text(body: &Value, name: &str) -> Result<String> {
    Ok(body[name].as_str().with_context(|| format!("no {name} in {body}"))?.to_owned())
}

/// The number in a field of an answer.
///
/// # Errors
/// Fails if there is none.
pub fn number(body: &Value, name: &str) -> Result<i64> {
    body[name].as_i64().with_context(|| format!("no {name} in {body}"))
}

fn entries(body: &Value) -> Result<Vec<Entry>> {
    let listed = body["ledger"].as_array().context("a wallet without a ledger")?;
    let entry = |entry: &Value| {
        let at: Timestamp = text(entry, "created_at")?.parse()?;
        Ok(Entry {
            id: text(entry, "id")?,
            delta_cents: number(entry, "delta")?,
            reason: text(entry, "reason")?,
            at_millis: at.as_millisecond(),
        })
    };
    listed.iter().map(entry).collect()
}
