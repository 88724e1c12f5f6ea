//! Calls to Stripe that move money, or that let users pay and be paid.

use clorp_context::{BootError, Context, var};
use clorp_domain::{Cents, ConnectStatus, Error, SetupId, Topup, TopupId, TopupKind, User, UserId};
use clorp_store::Conditional;
use clorp_stripe_api::{Failure, Stripe};

use crate::WebhookEvents;

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
    /// Sets up from the environment: `STRIPE_SECRET_KEY`, `CLORP_WALLET_URL` and, optionally,
    /// `STRIPE_API_URL` (by default Stripe itself).
    ///
    /// # Errors
    /// [`BootError`] for the first variable that is missing or unusable.
    pub fn from_env(context: Context) -> Result<Self, BootError> {
        let key = var("STRIPE_SECRET_KEY").ok_or(BootError::Missing("STRIPE_SECRET_KEY"))?;
        let wallet_url = var("CLORP_WALLET_URL").ok_or(BootError::Missing("CLORP_WALLET_URL"))?;
        let stripe = Stripe::new(&key, var("STRIPE_API_URL").as_deref())
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
    /// Faults only.
    pub async fn topup(&self, user: &UserId, id: TopupId, amount: Cents) -> Result<String, Error> {
        let topup = Topup::begun(id, user.clone(), TopupKind::Checkout, amount, self.context.clock.now());
        let begun = self.context.store.topups().begin(&topup);
        let (owner, ()) = tokio::try_join!(self.context.account(user), begun)?;
        let customer = self.customer(&owner).await?;
        let paid = self.pages.after("topup=paid&session_id={CHECKOUT_SESSION_ID}");
        let cancelled = self.pages.after("topup=cancelled");
        let page = self.stripe.checkout(&topup, &customer, &paid, &cancelled).await.map_err(fault)?;
        self.context.store.topups().set_object(&topup, &page.id).await?;
        Ok(page.url)
    }

    /// Starts the setup of a payment method for automatic top-ups. Returns the secret with which the user's
    /// browser completes it. The payment method is saved when Stripe's webhook event reports the completion.
    ///
    /// # Errors
    /// Faults only.
    pub async fn set_up_payment_method(&self, user: &UserId, id: SetupId) -> Result<String, Error> {
        let begun = self.context.store.setups().begin(user, id, self.context.clock.now());
        let (owner, ()) = tokio::try_join!(self.context.account(user), begun)?;
        let customer = self.customer(&owner).await?;
        let setup = self.stripe.setup(user, id, &customer).await.map_err(fault)?;
        Ok(setup.client_secret)
    }

    /// Returns the URL of the page for onboarding the account that receives the user's withdrawals. Creates
    /// the account if necessary.
    ///
    /// # Errors
    /// Faults only.
    pub async fn connect(&self, user: &UserId) -> Result<String, Error> {
        let user = self.context.account(user).await?;
        let account = match user.stripe.account {
            Some(account) => account,
            None => self.open_account(&user.id).await?,
        };
        let (done, expired) = (self.pages.after("connect=done"), self.pages.after("connect=expired"));
        let page = self.stripe.onboarding(&account, &done, &expired).await.map_err(fault)?;
        Ok(page.url)
    }

    async fn open_account(&self, user: &UserId) -> Result<String, Error> {
        let (account, status) = self.stripe.create_account(user).await.map_err(fault)?;
        let now = self.context.clock.now();
        match self.context.store.users().set_account(user, &account, status, now).await? {
            Conditional::Applied => Ok(account),
            // A webhook event about the account, or another request, came first.
            Conditional::Conflict(()) => {
                let known = self.context.account(user).await?.stripe.account;
                known.ok_or_else(|| Error::internal("an account was rejected but none is stored"))
            }
        }
    }

    /// Returns the state of a user's onboarding. Asks Stripe while it is unfinished, because the webhook
    /// event may be on its way.
    ///
    /// # Errors
    /// Faults only.
    pub async fn connect_status(&self, user: &UserId) -> Result<ConnectStatus, Error> {
        let user = self.context.account(user).await?;
        match (&user.stripe.account, user.stripe.account_status) {
            (None, _) => Ok(ConnectStatus::NotConnected),
            (Some(_), ConnectStatus::Active) => Ok(ConnectStatus::Active),
            (Some(account), known) => self.ask_for_status(&user.id, account, known).await,
        }
    }

    async fn ask_for_status(
        &self,
        user: &UserId,
        account: &str,
        known: ConnectStatus,
    ) -> Result<ConnectStatus, Error> {
        let status = self.stripe.account_status(account).await.map_err(fault)?;
        if status != known {
            let now = self.context.clock.now();
            // A conflict means that a later status is recorded, which this answer need not repeat.
            let _ = self.context.store.users().set_account(user, account, status, now).await?;
        }
        Ok(status)
    }

    async fn customer(&self, user: &User) -> Result<String, Error> {
        if let Some(customer) = &user.stripe.customer {
            return Ok(customer.clone());
        }
        let customer = self.stripe.customer(&user.id).await.map_err(fault)?;
        match self.context.store.users().set_customer(&user.id, &customer).await? {
            Conditional::Applied => Ok(customer),
            Conditional::Conflict(()) => {
                let known = self.context.account(&user.id).await?.stripe.customer;
                known.ok_or_else(|| Error::internal("a customer was rejected but none is stored"))
            }
        }
    }
}

/// Converts the failure of a request that moves no money. Repeating such a request is harmless: it returns
/// the same object or creates a new one.
fn fault(failure: Failure) -> Error {
    match failure {
        Failure::Unknown(why) => Error::unavailable(format!("Stripe: {why}")),
        Failure::Refused(refusal) => Error::internal(format!("Stripe refused: {}", refusal.code)),
    }
}
