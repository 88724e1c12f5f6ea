//! Calls to Stripe that move money, or that let users pay and be paid.

use clorp_context::{BootError, Context, var};
use clorp_domain::{Cents, ConnectStatus, Error, SetupId, Topup, TopupId, TopupKind, User, UserId};
use clorp_secrets::Secrets;
use clorp_store::Conditional;
use clorp_stripe_api::{Failure, Stripe};
use jiff::{SignedDuration, Timestamp};

use crate::WebhookEvents;

/// Difference between Stripe's clock and this one that an order of reports must survive.
const CLOCK_MARGIN: SignedDuration = SignedDuration::from_secs(2);

/// Moves money through Stripe.
#[derive(Clone, Debug)]
pub struct Payments {
    /// The store, the rules and the clock.
    pub context: Context,
    /// Client of Stripe's API.
    pub stripe: Stripe,
    /// URLs to which Stripe's pages return.
    pub pages: Pages,
}

/// The URLs to which Stripe's pages return: the wallet's web page, with the event in its query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pages {
    wallet_url: String,
}

impl Pages {
    /// Uses the wallet's page at `wallet_url`, which must have no query.
    pub fn new(wallet_url: impl Into<String>) -> Self {
        Self { wallet_url: wallet_url.into() }
    }

    fn after(&self, what: &str) -> String {
        format!("{}?{what}", self.wallet_url)
    }
}

impl Payments {
    /// Sets up from the credential `STRIPE_SECRET_KEY` and the environment: `CLORP_WALLET_URL` and,
    /// optionally, `STRIPE_API_URL` (by default Stripe itself).
    ///
    /// # Errors
    /// [`BootError`] for the first of them that is missing or unusable.
    pub fn from_env(context: Context, secrets: &Secrets) -> Result<Self, BootError> {
        let key = secrets.credential("STRIPE_SECRET_KEY");
        let key = key.ok_or(BootError::Missing("STRIPE_SECRET_KEY"))?;
        let wallet_url = var("CLORP_WALLET_URL").ok_or(BootError::Missing("CLORP_WALLET_URL"))?;
        let stripe = Stripe::new(key, var("STRIPE_API_URL").as_deref())
            .map_err(|_| BootError::Unusable("STRIPE_SECRET_KEY or STRIPE_API_URL"))?;
        Ok(Self { context, stripe, pages: Pages::new(wallet_url) })
    }

    pub(crate) fn events(&self) -> WebhookEvents {
        WebhookEvents { context: self.context.clone() }
    }

    /// Starts a top-up and returns the URL of the Stripe page on which the user pays. The wallet is credited
    /// when Stripe's webhook event reports the payment.
    ///
    /// # Errors
    /// [`Error::RefusedByStripe`]; faults.
    pub async fn topup(&self, user: &UserId, id: TopupId, amount: Cents) -> Result<String, Error> {
        let topup = Topup::begun(id, user.clone(), TopupKind::Checkout, amount, self.context.clock.now());
        let begun = self.context.store.topups().begin(&topup);
        let (owner, ()) = tokio::try_join!(self.context.account(user), begun)?;
        let customer = self.customer(&owner).await?;
        let paid = self.pages.after("topup=paid&session_id={CHECKOUT_SESSION_ID}");
        let cancelled = self.pages.after("topup=cancelled");
        let page = match self.stripe.checkout(&topup, &customer, &paid, &cancelled).await {
            Ok(page) => page,
            Err(failure) => {
                let customer = self.replace_customer(user, &customer, failure).await?;
                self.stripe.checkout(&topup, &customer, &paid, &cancelled).await.map_err(unmade)?
            }
        };
        match self.context.store.topups().set_object(&topup, &page.id).await? {
            Conditional::Applied => Ok(page.url),
            // An earlier try of this request has made another page, and died. Only a payment on that page is
            // credited.
            Conditional::Conflict(known) => {
                let known = known.stripe_id.ok_or_else(|| Error::internal("a page was refused for none"))?;
                Ok(self.stripe.checkout_page(&known).await.map_err(unmade)?.url)
            }
        }
    }

    /// Starts the setup of a payment method for automatic top-ups. Returns the secret with which the user's
    /// browser completes it. The payment method is saved when Stripe's webhook event reports the completion.
    ///
    /// # Errors
    /// [`Error::RefusedByStripe`]; faults.
    pub async fn set_up_payment_method(&self, user: &UserId, id: SetupId) -> Result<String, Error> {
        let begun = self.context.store.setups().begin(user, id, self.context.clock.now());
        let (owner, ()) = tokio::try_join!(self.context.account(user), begun)?;
        let customer = self.customer(&owner).await?;
        let setup = match self.stripe.setup(user, id, &customer).await {
            Ok(setup) => setup,
            Err(failure) => {
                let customer = self.replace_customer(user, &customer, failure).await?;
                self.stripe.setup(user, id, &customer).await.map_err(unmade)?
            }
        };
        Ok(setup.client_secret)
    }

    /// Returns the URL of the page for onboarding the account that receives the user's withdrawals. Creates
    /// the account if necessary.
    ///
    /// # Errors
    /// [`Error::RefusedByStripe`]; faults.
    pub async fn connect(&self, user: &UserId) -> Result<String, Error> {
        let user = self.context.account(user).await?;
        let account = match user.stripe.account {
            Some(account) => account,
            None => self.open_account(&user.id, None).await?,
        };
        let (done, expired) = (self.pages.after("connect=done"), self.pages.after("connect=expired"));
        let page = match self.stripe.onboarding(&account, &done, &expired).await {
            Ok(page) => page,
            Err(Failure::Refused(refusal)) if refusal.is_about_missing_object() => {
                tracing::warn!(user = %user.id, account, "an account does not exist at Stripe any more");
                let account = self.open_account(&user.id, Some(&account)).await?;
                self.stripe.onboarding(&account, &done, &expired).await.map_err(unmade)?
            }
            Err(failure) => return Err(unmade(failure)),
        };
        Ok(page.url)
    }

    /// Opens an account, in place of `gone` if there was one, and records it.
    async fn open_account(&self, user: &UserId, gone: Option<&str>) -> Result<String, Error> {
        let opened = match gone {
            None => self.stripe.create_account(user).await,
            Some(gone) => self.stripe.account_after(user, gone).await,
        };
        let (account, status) = opened.map_err(unmade)?;
        match self.context.store.users().open_account(user, gone, &account, status).await? {
            Conditional::Applied => Ok(account),
            // A webhook event about the account, or another request, came first.
            Conditional::Conflict(()) => {
                let known = self.context.account(user).await?.stripe.account;
                known.ok_or_else(|| Error::internal("an account was rejected but none is stored"))
            }
        }
    }

    /// Returns the state of a user's onboarding. Asks Stripe while it is unfinished, because the webhook
    /// event may be on its way, and two events may have contradicted each other.
    ///
    /// # Errors
    /// Faults only.
    pub async fn connect_status(&self, user: &UserId) -> Result<ConnectStatus, Error> {
        let user = self.context.account(user).await?;
        match (&user.stripe.account, user.stripe.account_status) {
            (None, _) => Ok(ConnectStatus::NotConnected),
            (Some(_), ConnectStatus::Active) => Ok(ConnectStatus::Active),
            (Some(account), known) => {
                let (status, covered) = self.ask_for_status(account).await?;
                let users = self.context.store.users();
                if status == known
                    || users.set_asked_account(&user, account, status, covered).await?.is_applied()
                {
                    return Ok(status);
                }
                // Another report was recorded meanwhile.
                Ok(self.context.account(&user.id).await?.stripe.account_status)
            }
        }
    }

    /// Asks Stripe for the status of an account. Returns it with the time that it covers, whose bounds allow
    /// for clocks that differ.
    pub(crate) async fn ask_for_status(
        &self,
        account: &str,
    ) -> Result<(ConnectStatus, (Timestamp, Timestamp)), Error> {
        let asked_at = self.context.clock.now();
        let status = match self.stripe.account_status(account).await {
            Ok(status) => status,
            // Nobody can be paid through an account that is gone. The next onboarding replaces it.
            Err(Failure::Refused(refusal)) if refusal.is_about_missing_object() => ConnectStatus::Pending,
            Err(failure) => return Err(Error::unavailable(format!("Stripe: {failure:?}"))),
        };
        let margin = |at: Timestamp, by: SignedDuration| at.saturating_add(by).unwrap_or(at);
        let covered = (margin(asked_at, -CLOCK_MARGIN), margin(self.context.clock.now(), CLOCK_MARGIN));
        Ok((status, covered))
    }

    async fn customer(&self, user: &User) -> Result<String, Error> {
        if let Some(customer) = &user.stripe.customer {
            return Ok(customer.clone());
        }
        let customer = self.stripe.customer(&user.id).await.map_err(unmade)?;
        match self.context.store.users().set_customer(&user.id, &customer).await? {
            Conditional::Applied => Ok(customer),
            Conditional::Conflict(()) => {
                let known = self.context.account(&user.id).await?.stripe.customer;
                known.ok_or_else(|| Error::internal("a customer was rejected but none is stored"))
            }
        }
    }

    /// Replaces the customer that a request named, if `failure` says that it does not exist any more. Returns
    /// the user's customer.
    ///
    /// # Errors
    /// The error of any other failure; faults.
    async fn replace_customer(&self, user: &UserId, gone: &str, failure: Failure) -> Result<String, Error> {
        match &failure {
            Failure::Refused(refusal) if refusal.is_about_missing_object() => {}
            _ => return Err(unmade(failure)),
        }
        tracing::warn!(%user, customer = gone, "a customer does not exist at Stripe any more");
        let customer = self.stripe.customer_after(user, gone).await.map_err(unmade)?;
        match self.context.store.users().replace_customer(user, gone, &customer).await? {
            Conditional::Applied => Ok(customer),
            // Another request has replaced it.
            Conditional::Conflict(()) => {
                let known = self.context.account(user).await?.stripe.customer;
                known.ok_or_else(|| Error::internal("a customer was replaced by none"))
            }
        }
    }
}

/// Converts the failure of a request that moves no money. Repeating such a request is harmless: it returns
/// the same object or creates a new one.
fn unmade(failure: Failure) -> Error {
    match failure {
        Failure::Unknown(why) => Error::unavailable(format!("Stripe: {why}")),
        Failure::Refused(refusal) => Error::RefusedByStripe { code: refusal.code },
    }
}
