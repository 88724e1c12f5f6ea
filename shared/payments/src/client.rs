//! Asking Stripe to move money, and to let users pay and be paid.

use clorp_context::{BootError, Context, var};
use clorp_domain::{Cents, ConnectStatus, Error, SetupId, Topup, TopupId, TopupKind, User, UserId};
use clorp_store::Recorded;
use clorp_stripe_api::{Failure, Stripe};

use crate::WebhookEvents;

/// Moves money through Stripe.
#[derive(Clone, Debug)]
pub struct Payments {
    /// Store, rules and clock.
    pub context: Context,
    /// Stripe.
    pub stripe: Stripe,
    /// Where Stripe's pages lead back to.
    pub pages: Pages,
}

/// Where Stripe's pages lead back to: the web page about the wallet, with what has happened in its query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pages {
    wallet_url: String,
}

impl Pages {
    /// With the wallet's page at `wallet_url`, which has no query.
    pub fn new(wallet_url: impl Into<String>) -> Self {
        Self { wallet_url: wallet_url.into() }
    }

    fn after(&self, what: &str) -> String {
        format!("{}?{what}", self.wallet_url)
    }
}

impl Payments {
    /// Sets up from the environment: `STRIPE_SECRET_KEY`, `STRIPE_API_URL` (Stripe itself if it is not set) and
    /// `CLORP_WALLET_URL`.
    ///
    /// # Errors
    /// [`BootError`] names the variable that is missing or unusable.
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

    /// Begins a top-up that the user pays on Stripe's page, whose URL this is. The wallet is credited when Stripe reports
    /// the payment.
    ///
    /// # Errors
    /// Faults only.
    pub async fn topup(&self, user: &UserId, id: TopupId, amount: Cents) -> Result<String, Error> {
        let topup = Topup::begun(id, user.clone(), TopupKind::Checkout, amount, self.context.clock.now());
        let begun = self.context.store.begin_topup(&topup);
        let (owner, ()) = tokio::try_join!(self.context.account(user), begun)?;
        let customer = self.customer(&owner).await?;
        let paid = self.pages.after("topup=paid&session_id={CHECKOUT_SESSION_ID}");
        let cancelled = self.pages.after("topup=cancelled");
        let page = self.stripe.checkout(&topup, &customer, &paid, &cancelled).await.map_err(fault)?;
        self.context.store.set_topup_object(&topup, &page.id).await?;
        Ok(page.url)
    }

    /// Begins to set up a payment method for automatic top-ups; gives the secret that the user's browser completes it
    /// with. It is saved when Stripe reports that it was completed.
    ///
    /// # Errors
    /// Faults only.
    pub async fn set_up_payment_method(&self, user: &UserId, id: SetupId) -> Result<String, Error> {
        let begun = self.context.store.begin_setup(user, id, self.context.clock.now());
        let (owner, ()) = tokio::try_join!(self.context.account(user), begun)?;
        let customer = self.customer(&owner).await?;
        let setup = self.stripe.setup(user, id, &customer).await.map_err(fault)?;
        Ok(setup.client_secret)
    }

    /// The page on which a user goes on with the onboarding of the account that their withdrawals go to.
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
        match self.context.store.set_account(user, &account, status, now).await? {
            Recorded::Done => Ok(account),
            // Stripe's report on the account, or another request, was here first.
            Recorded::Refused => {
                let known = self.context.account(user).await?.stripe.account;
                known.ok_or_else(|| Error::internal("an account was refused but there is none"))
            }
        }
    }

    /// How far a user has come with the onboarding. While it is unfinished Stripe is asked, because its report may be
    /// on its way.
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
            self.context.store.set_account(user, account, status, now).await?;
        }
        Ok(status)
    }

    async fn customer(&self, user: &User) -> Result<String, Error> {
        if let Some(customer) = &user.stripe.customer {
            return Ok(customer.clone());
        }
        let customer = self.stripe.customer(&user.id).await.map_err(fault)?;
        match self.context.store.set_customer(&user.id, &customer).await? {
            Recorded::Done => Ok(customer),
            Recorded::Refused => {
                let known = self.context.account(&user.id).await?.stripe.customer;
                known.ok_or_else(|| Error::internal("a customer was refused but there is none"))
            }
        }
    }
}

/// The error of a request to Stripe that nobody's money depends on: sent again, it makes the same thing or a new one.
fn fault(failure: Failure) -> Error {
    match failure {
        Failure::Unknown(why) => Error::unavailable(format!("Stripe: {why}")),
        Failure::Refused(refusal) => Error::internal(format!("Stripe refused: {}", refusal.code)),
    }
}
