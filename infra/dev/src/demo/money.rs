//! Money in at the start and out at the end of the race. The sandbox plays Stripe's part.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::api::{Api, number, text};
use super::{POLL, Race};
use crate::dev_file::DevUser;
use crate::term::dollars;

const TOPUP_CENTS: i64 = 1000;
/// Time that the effect of a webhook event may take to show.
const EVENT_TIMEOUT: Duration = Duration::from_secs(30);

impl Race<'_> {
    /// Tops up the sender's wallet by card and returns the amount, in cents. With a real Stripe account it
    /// returns 0, because nobody is there to type a card number.
    pub(super) async fn top_up(&self) -> Result<i64> {
        self.title("Money in");
        let Some(stripe) = &self.stripe else {
            self.say("sender", "pays nothing in: with a real Stripe account a person must type a card");
            return Ok(0);
        };
        let had = self.balance(self.sender()).await?;
        let body = json!({ "amount_cents": TOPUP_CENTS });
        let page = self.api.post(self.sender(), "/api/wallet/topup", Some(body)).await?.expect(200)?;
        let url = text(&page, "url")?;
        self.say("sender", &format!("asks to pay in {}: {url}", dollars(TOPUP_CENTS)));
        let session = url.rsplit('/').next().context("a Checkout page without a session")?;
        let path = format!("/_sandbox/checkout/sessions/{session}/complete");
        stripe.control(&path, json!({ "outcome": "paid" })).await?;
        self.wait_until("the wallet is credited", async || {
            Ok(self.balance(self.sender()).await? == had + TOPUP_CENTS)
        })
        .await?;
        self.say("stripe", "reports the card payment; the wallet is credited");
        Ok(TOPUP_CENTS)
    }

    /// Sends the winner's payout to a bank and returns the amount, in cents. With a real Stripe account it
    /// returns 0.
    pub(super) async fn withdraw(&self, winner: &DevUser, payout: i64) -> Result<i64> {
        self.title("Money out");
        let Some(stripe) = &self.stripe else {
            self.say(
                &winner.name,
                "keeps it: with a real Stripe account a withdrawal needs a real onboarding",
            );
            return Ok(0);
        };
        if !self.is_connected(winner).await? {
            self.connect(stripe, winner).await?;
        }
        let body = json!({ "amount_cents": payout });
        let sent = self.api.post(winner, "/api/wallet/withdraw", Some(body)).await?.expect(201)?;
        ensure!(number(&sent, "amount_cents")? == payout, "another amount was withdrawn: {sent}");
        self.say(&winner.name, &format!("sends {} to the bank: {}", dollars(payout), text(&sent, "status")?));
        Ok(payout)
    }

    async fn connect(&self, stripe: &Stripe, winner: &DevUser) -> Result<()> {
        let page = self.api.post(winner, "/api/stripe/connect", None).await?.expect(200)?;
        self.say(&winner.name, &format!("adds a bank account: {}", text(&page, "url")?));
        let user = self.api.get(Some(winner), &format!("/api/users/{}", winner.id)).await?.expect(200)?;
        let account = text(&user, "stripe_account_id")?;
        stripe.control(&format!("/_sandbox/accounts/{account}/onboard"), json!({})).await?;
        self.wait_until("the account is active", async || self.is_connected(winner).await).await
    }

    async fn is_connected(&self, user: &DevUser) -> Result<bool> {
        let status = self.api.get(Some(user), "/api/stripe/connect/status").await?.expect(200)?;
        Ok(text(&status, "status")? == "active")
    }

    async fn balance(&self, user: &DevUser) -> Result<i64> {
        let wallet = self.api.get(Some(user), "/api/wallet/balance?limit=1").await?.expect(200)?;
        number(&wallet, "balance_cents")
    }

    async fn wait_until(&self, what: &str, holds: impl AsyncFn() -> Result<bool>) -> Result<()> {
        let deadline = Instant::now() + EVENT_TIMEOUT;
        while !holds().await? {
            ensure!(Instant::now() < deadline, "{what}: not within {} s", EVENT_TIMEOUT.as_secs());
            tokio::time::sleep(POLL).await;
        }
        Ok(())
    }
}

/// A client of the sandbox's control API, which plays the payer, the bank, and the owner of an account.
#[derive(Debug)]
pub(super) struct Stripe(Api);

impl Stripe {
    /// Creates a client of the sandbox at `url`.
    ///
    /// # Errors
    /// Fails if the HTTP client cannot be built.
    pub(super) fn new(url: &str) -> Result<Self> {
        Api::new(url).map(Self)
    }

    async fn control(&self, path: &str, body: Value) -> Result<()> {
        self.0.post_as_nobody(path, body).await?.expect(200).map(|_| ())
    }
}
