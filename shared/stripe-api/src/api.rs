//! Calls to Stripe's API.
//!
//! A request that moves money or creates an object carries the id of the local record as its idempotency key.
//! It can be repeated any number of times and takes effect once. The library's own retries would use a new
//! key for each call, so this module has its own retry loop.
//!
//! Stripe keeps its answer under the key for a day, even a refusal whose reason has passed, and an error of
//! its own. A request that moves money never gets another key. One that creates an object may: a second
//! object costs nothing, and a user who cannot pay or be paid for a day costs more.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use clorp_deadline::wait_until;
use clorp_domain::{Cents, ConnectStatus, SetupId, Topup, UserId, Withdrawal};
use clorp_secrets::Credential;
use clorp_write_gate::wait_for_admission;
use futures::{FutureExt, Stream, TryStreamExt};
use jiff::Timestamp;
use stripe::{ApiErrors, ApiErrorsCode, ApiErrorsType, IdempotencyKey, RequestStrategy};
use stripe::{StripeError, StripeRequest};
use stripe_checkout::checkout_session::{
    CreateCheckoutSession, CreateCheckoutSessionLineItems, CreateCheckoutSessionLineItemsPriceData,
    CreateCheckoutSessionPaymentIntentData, CreateCheckoutSessionPaymentMethodOptions,
    CreateCheckoutSessionPaymentMethodOptionsCard,
    CreateCheckoutSessionPaymentMethodOptionsCardRequestThreeDSecure, ListCheckoutSession, ProductData,
    RetrieveCheckoutSession,
};
use stripe_connect::account::{
    CreateAccount, CreateAccountCapabilities, CreateAccountCapabilitiesTransfers, CreateAccountType,
    RetrieveAccount,
};
use stripe_connect::account_link::{CreateAccountLink, CreateAccountLinkType};
use stripe_connect::transfer::{CreateTransfer, ListTransfer};
use stripe_core::customer::CreateCustomer;
use stripe_core::dispute::ListDispute;
use stripe_core::payment_intent::{
    CreatePaymentIntent, CreatePaymentIntentAutomaticPaymentMethods,
    CreatePaymentIntentAutomaticPaymentMethodsAllowRedirects, CreatePaymentIntentOffSession,
    ListPaymentIntent,
};
use stripe_core::refund::ListRefund;
use stripe_core::setup_intent::{CreateSetupIntent, CreateSetupIntentUsage};
use stripe_shared::{
    Account, AccountCapabilitiesStatus, CheckoutSession, CheckoutSessionMode, CheckoutSessionPaymentStatus,
    CheckoutSessionStatus, Dispute, PaymentIntent, PaymentIntentAllowedPaymentMethodTypes,
    PaymentIntentStatus, Refund, SetupIntentAllowedPaymentMethodTypes, Transfer,
};
use stripe_types::{Currency, RangeQueryTs};
use tokio::time::Instant;

use crate::events::TopupPayment;
use crate::keyed::Keyed;
use crate::metadata;
use crate::transport::LocalHandler;

/// Timeout for one call with all its attempts, unless the request's deadline is nearer.
const WAIT_TIMEOUT: Duration = Duration::from_secs(7);
/// Time that an attempt needs to begin. A response too late to be recorded would leave the outcome unknown.
const LEAST_TIME: Duration = Duration::from_secs(1);
/// Timeout for one attempt.
pub(crate) const ATTEMPT: Duration = Duration::from_secs(5);
/// First pause between attempts. It doubles, and the actual pause is random below it.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// Page size of lists.
const PAGE: i64 = 100;
/// Margin of lists for a clock of Stripe's that is behind.
const CLOCK_MARGIN_SECONDS: i64 = 60;

/// A client of Stripe's API.
#[derive(Clone)]
pub struct Stripe {
    client: Keyed,
    tries: usize,
}

impl fmt::Debug for Stripe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stripe")
    }
}

/// The reason why Stripe did not do what was requested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Stripe refused. Nothing was done, and the same request would be refused again.
    Refused(Refusal),
    /// The outcome is unknown: there is no response, or an inconclusive one. Only the same request with the
    /// same key may follow. The text is for the log.
    Unknown(String),
}

/// A refusal by Stripe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Stripe's code for the reason.
    pub code: String,
    /// True if the bank requires the card's owner to confirm the payment.
    pub authentication_required: bool,
}

impl Refusal {
    /// True if an object that the request names does not exist at Stripe, or not any more.
    pub fn is_about_missing_object(&self) -> bool {
        [ApiErrorsCode::ResourceMissing, ApiErrorsCode::AccountInvalid]
            .iter()
            .any(|code| code.as_str() == self.code)
    }

    /// True if a transfer was refused because of the account that was to receive it.
    pub fn is_about_account(&self) -> bool {
        self.is_about_missing_object() || self.code == "insufficient_capabilities_for_transfer"
    }
}

/// A page hosted by Stripe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostedPage {
    /// Id of the Stripe object behind the page.
    pub id: String,
    /// URL of the page.
    pub url: String,
}

/// A payment method that is being set up.
#[derive(Clone, PartialEq, Eq)]
pub struct PaymentMethodSetup {
    /// Id of Stripe's SetupIntent.
    pub id: String,
    /// Secret with which the user's browser completes the setup.
    pub client_secret: String,
}

/// The state of a charge of a saved card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Charge {
    /// The charge was paid by the PaymentIntent with this id.
    Paid(String),
    /// The bank has not decided yet.
    Processing,
}

/// The state of a Checkout session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Checkout {
    /// The session was paid.
    Paid(TopupPayment),
    /// The session can be paid until this time.
    Open(Timestamp),
    /// The payer has finished, and the bank has not paid yet.
    Processing,
    /// The session has expired without a payment.
    Expired,
}

/// A user's saved card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Card<'a> {
    /// Id of Stripe's customer.
    pub customer: &'a str,
    /// Id of Stripe's payment method.
    pub payment_method: &'a str,
}

/// A movement of money that Stripe reports, for comparison with the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Movement {
    /// Id of the Stripe object, or of the withdrawal for a transfer.
    pub id: String,
    /// Amount moved.
    pub amount: Cents,
    /// Part of the amount that was returned.
    pub returned: Cents,
    /// Id of the PaymentIntent that a refund or a dispute names; `None` for a transfer.
    pub intent: Option<String>,
}

/// A refund or a dispute that Stripe reports, for comparison with the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Id of Stripe's refund or dispute.
    pub id: String,
    /// Id of the charge that is reclaimed.
    pub charge: String,
    /// Id of the charge's PaymentIntent.
    pub intent: String,
    /// Amount that the payer has got back, without fees: nothing for a refund that failed, and what the bank
    /// now holds for a dispute.
    pub taken: Cents,
}

impl Stripe {
    /// Connects to Stripe itself, or to a substitute at `url`.
    ///
    /// # Errors
    /// A description of the problem, if the key or the URL cannot be used.
    pub fn new(secret_key: impl Into<Credential>, url: Option<&str>) -> Result<Self, String> {
        let client = Keyed::new(secret_key.into(), url).map_err(|error| describe(&error))?;
        Ok(Self { client, tries: usize::MAX })
    }

    /// Connects to a stand-in in the same process. For simulations.
    pub fn local(handler: Arc<LocalHandler>) -> Self {
        Self { client: Keyed::local(handler), tries: usize::MAX }
    }

    /// Limits every call to `tries` attempts, even if time is left. Tests that want an unknown outcome need
    /// not wait for the timeout.
    #[must_use]
    pub fn with_tries(self, tries: usize) -> Self {
        Self { tries, ..self }
    }

    /// Returns the customer that pays a user's top-ups. Only the first call creates it.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn customer(&self, user: &UserId) -> Result<String, Failure> {
        self.new_customer(user, &format!("customer-{user}")).await
    }

    /// Returns the customer that takes the place of `gone`, which does not exist any more. Only the first
    /// call creates it.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn customer_after(&self, user: &UserId, gone: &str) -> Result<String, Failure> {
        self.new_customer(user, &format!("customer-{user}-{gone}")).await
    }

    async fn new_customer(&self, user: &UserId, key: &str) -> Result<String, Failure> {
        let request = CreateCustomer::new().metadata(of_user(user));
        let customer = self.create(key, &request).await?;
        Ok(customer.id.to_string())
    }

    /// Creates the Checkout page on which a user pays for a top-up. The page asks for 3-D Secure wherever the
    /// card offers it, so a stolen card number alone does not pay.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn checkout(
        &self,
        topup: &Topup,
        customer: &str,
        paid_url: &str,
        cancelled_url: &str,
    ) -> Result<HostedPage, Failure> {
        let about = of_record(metadata::WALLET_TOPUP, &topup.user, &topup.id);
        let mut price = CreateCheckoutSessionLineItemsPriceData::new(Currency::USD);
        price.product_data = Some(ProductData::new("clorp wallet top-up"));
        price.unit_amount = Some(topup.amount.get());
        let mut item = CreateCheckoutSessionLineItems::new();
        item.price_data = Some(price);
        item.quantity = Some(1);
        // Refunds and disputes name the payment and not the session, so the payment carries the same
        // metadata.
        let mut payment = CreateCheckoutSessionPaymentIntentData::new();
        payment.metadata = Some(about.clone());
        let mut card = CreateCheckoutSessionPaymentMethodOptionsCard::new();
        card.request_three_d_secure =
            Some(CreateCheckoutSessionPaymentMethodOptionsCardRequestThreeDSecure::Any);
        let mut options = CreateCheckoutSessionPaymentMethodOptions::new();
        options.card = Some(card);
        let request = CreateCheckoutSession::new()
            .mode(CheckoutSessionMode::Payment)
            .customer(customer)
            .client_reference_id(topup.id.to_string())
            .line_items(vec![item])
            .metadata(about)
            .payment_intent_data(payment)
            .payment_method_options(options)
            .success_url(paid_url)
            .cancel_url(cancelled_url);
        // Another customer makes another request, which must not meet the answer to the first one.
        let session = self.create(&format!("{}-{customer}", topup.id), &request).await?;
        let url = session.url.ok_or_else(|| unknown("a new session has no page"))?;
        Ok(HostedPage { id: session.id.to_string(), url })
    }

    /// Returns the page of an open Checkout session.
    ///
    /// # Errors
    /// [`Failure::Refused`] for a session that is not open any more; [`Failure::Unknown`].
    pub async fn checkout_page(&self, session: &str) -> Result<HostedPage, Failure> {
        let session = self.ask(&RetrieveCheckoutSession::new(session)).await?;
        let ended = || {
            let code = "checkout_session_not_open".to_owned();
            Failure::Refused(Refusal { code, authentication_required: false })
        };
        Ok(HostedPage { id: session.id.to_string(), url: session.url.ok_or_else(ended)? })
    }

    /// Returns the state of a top-up's Checkout session. Where the session's id was not recorded, it is
    /// searched among the sessions of `customer`; `None` if there is none.
    ///
    /// # Errors
    /// [`Failure::Unknown`].
    pub async fn find_checkout(
        &self,
        topup: &Topup,
        customer: Option<&str>,
    ) -> Result<Option<Checkout>, Failure> {
        if let Some(session) = &topup.stripe_id {
            let request = RetrieveCheckoutSession::new(session.as_str());
            let session = self.ask(&request).await.map_err(unanswered)?;
            return checkout(topup, session).map(Some);
        }
        let Some(customer) = customer else { return Ok(None) };
        let since = topup.created_at.as_second() - CLOCK_MARGIN_SECONDS;
        let request =
            ListCheckoutSession::new().customer(customer).created(RangeQueryTs::gte(since)).limit(PAGE);
        let sessions = self.ask(&request).await.map_err(unanswered)?;
        let id = topup.id.to_string();
        let made = sessions.data.into_iter().find(|session| {
            session.metadata.as_ref().is_some_and(|about| about.get(metadata::RECORD_ID) == Some(&id))
        });
        made.map(|session| checkout(topup, session)).transpose()
    }

    /// Starts the setup of a card that can be charged without its owner's presence. Other payment methods may
    /// take days, which an automatic top-up cannot wait for.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn setup(
        &self,
        user: &UserId,
        id: SetupId,
        customer: &str,
    ) -> Result<PaymentMethodSetup, Failure> {
        let request = CreateSetupIntent::new()
            .customer(customer)
            .allowed_payment_method_types(vec![SetupIntentAllowedPaymentMethodTypes::Card])
            .usage(CreateSetupIntentUsage::OffSession)
            .metadata(of_record(metadata::SETUP, user, &id));
        let setup = self.create(&format!("{id}-{customer}"), &request).await?;
        let client_secret = setup.client_secret.ok_or_else(|| unknown("a new setup has no secret"))?;
        Ok(PaymentMethodSetup { id: setup.id.to_string(), client_secret })
    }

    /// Charges a saved card for an automatic top-up, without its owner's presence.
    ///
    /// # Errors
    /// [`Failure`]. A payment that only its owner could complete counts as refused.
    pub async fn charge(&self, topup: &Topup, card: Card<'_>) -> Result<Charge, Failure> {
        let mut methods = CreatePaymentIntentAutomaticPaymentMethods::new(true);
        // A payment method that redirects its owner cannot be used without the owner's presence.
        methods.allow_redirects = Some(CreatePaymentIntentAutomaticPaymentMethodsAllowRedirects::Never);
        let request = CreatePaymentIntent::new(topup.amount.get(), Currency::USD)
            .customer(card.customer)
            .payment_method(card.payment_method)
            .automatic_payment_methods(methods)
            .allowed_payment_method_types(vec![PaymentIntentAllowedPaymentMethodTypes::Card])
            .confirm(true)
            .off_session(CreatePaymentIntentOffSession::Bool(true))
            .metadata(of_record(metadata::AUTO_TOPUP, &topup.user, &topup.id));
        let intent = self.once(&topup.id.to_string(), &request).await?;
        standing(&intent)
    }

    /// Finds the charge of an automatic top-up; `None` if Stripe has none.
    ///
    /// # Errors
    /// [`Failure`]. It is a refusal only if the charge was made and ended without a payment.
    pub async fn find_charge(&self, topup: &Topup, customer: &str) -> Result<Option<Charge>, Failure> {
        let since = topup.created_at.as_second() - CLOCK_MARGIN_SECONDS;
        let request =
            ListPaymentIntent::new().customer(customer).created(RangeQueryTs::gte(since)).limit(PAGE);
        let intents = self.ask(&request).await.map_err(unanswered)?;
        let id = topup.id.to_string();
        let made = intents.data.iter().find(|intent| intent.metadata.get(metadata::RECORD_ID) == Some(&id));
        made.map(standing).transpose()
    }

    /// Returns the account that receives a user's withdrawals. Only the first call creates it.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn create_account(&self, user: &UserId) -> Result<(String, ConnectStatus), Failure> {
        self.new_account(user, &format!("account-{user}")).await
    }

    /// Returns the account that takes the place of `gone`, which does not exist any more. Only the first call
    /// creates it.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn account_after(&self, user: &UserId, gone: &str) -> Result<(String, ConnectStatus), Failure> {
        self.new_account(user, &format!("account-{user}-{gone}")).await
    }

    async fn new_account(&self, user: &UserId, key: &str) -> Result<(String, ConnectStatus), Failure> {
        let mut capabilities = CreateAccountCapabilities::new();
        capabilities.transfers = Some(CreateAccountCapabilitiesTransfers { requested: Some(true) });
        let request = CreateAccount::new()
            .type_(CreateAccountType::Express)
            .capabilities(capabilities)
            .metadata(of_user(user));
        let account = self.create(key, &request).await?;
        Ok((account.id.to_string(), status_of(&account)))
    }

    /// Returns the onboarding state of an account.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn account_status(&self, account: &str) -> Result<ConnectStatus, Failure> {
        let account = self.ask(&RetrieveAccount::new(account)).await?;
        Ok(status_of(&account))
    }

    /// Creates a page on which a user continues the onboarding. It can be opened once, so each call creates a
    /// new one.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn onboarding(
        &self,
        account: &str,
        done_url: &str,
        expired_url: &str,
    ) -> Result<HostedPage, Failure> {
        let request = CreateAccountLink::new(account, CreateAccountLinkType::AccountOnboarding)
            .return_url(done_url)
            .refresh_url(expired_url);
        let link = self.ask(&request).await?;
        Ok(HostedPage { id: account.to_owned(), url: link.url })
    }

    /// Transfers a withdrawal. Returns the id of the transfer.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn transfer(&self, withdrawal: &Withdrawal) -> Result<String, Failure> {
        let request = CreateTransfer::new(Currency::USD, withdrawal.account.as_str())
            .amount(withdrawal.amount.get())
            .transfer_group(withdrawal.id.to_string())
            .metadata(of_record(metadata::WITHDRAWAL, &withdrawal.user, &withdrawal.id));
        let transfer = self.once(&withdrawal.id.to_string(), &request).await?;
        Ok(transfer.id.to_string())
    }

    /// Finds the transfer of a withdrawal; `None` if Stripe has none.
    ///
    /// # Errors
    /// [`Failure::Unknown`].
    pub async fn find_transfer(&self, withdrawal: &Withdrawal) -> Result<Option<String>, Failure> {
        let request = ListTransfer::new().transfer_group(withdrawal.id.to_string()).limit(1);
        let transfers = self.ask(&request).await.map_err(unanswered)?;
        Ok(transfers.data.first().map(|transfer| transfer.id.to_string()))
    }

    /// Lists the paid Checkout sessions of wallet top-ups since a time. For audits.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn paid_sessions(&self, since: Timestamp) -> Result<Vec<Movement>, Failure> {
        let request = ListCheckoutSession::new().created(RangeQueryTs::gte(since.as_second())).limit(PAGE);
        let ours = |session: CheckoutSession| {
            let paid = session.payment_status == CheckoutSessionPaymentStatus::Paid
                && is_about(&session.metadata?, metadata::WALLET_TOPUP);
            paid.then(|| Movement {
                id: session.id.to_string(),
                amount: Cents::new(session.amount_total.unwrap_or_default()),
                returned: Cents::ZERO,
                intent: session.payment_intent.map(|intent| intent.id().to_string()),
            })
        };
        gather(request.paginate().stream(&self.client), ours).await
    }

    /// Lists the paid PaymentIntents of automatic top-ups since a time. For audits.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn paid_intents(&self, since: Timestamp) -> Result<Vec<Movement>, Failure> {
        let request = ListPaymentIntent::new().created(RangeQueryTs::gte(since.as_second())).limit(PAGE);
        let ours = |intent: PaymentIntent| {
            let paid = intent.status == PaymentIntentStatus::Succeeded
                && is_about(&intent.metadata, metadata::AUTO_TOPUP);
            paid.then(|| Movement {
                id: intent.id.to_string(),
                amount: Cents::new(intent.amount_received),
                returned: Cents::ZERO,
                intent: Some(intent.id.to_string()),
            })
        };
        gather(request.paginate().stream(&self.client), ours).await
    }

    /// Lists the transfers of withdrawals since a time, by the withdrawal's id. For audits.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn transfers(&self, since: Timestamp) -> Result<Vec<Movement>, Failure> {
        let request = ListTransfer::new().created(RangeQueryTs::gte(since.as_second())).limit(PAGE);
        let ours = |mut transfer: Transfer| {
            let id = transfer.metadata.remove(metadata::RECORD_ID)?;
            is_about(&transfer.metadata, metadata::WITHDRAWAL).then(|| Movement {
                id,
                amount: Cents::new(transfer.amount),
                returned: Cents::new(transfer.amount_reversed),
                intent: None,
            })
        };
        gather(request.paginate().stream(&self.client), ours).await
    }

    /// Lists the refunds of payments since a time. For audits.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn refunds(&self, since: Timestamp) -> Result<Vec<Claim>, Failure> {
        let request = ListRefund::new().created(RangeQueryTs::gte(since.as_second())).limit(PAGE);
        let claim = |refund: Refund| {
            let undone = matches!(refund.status.as_deref(), Some("failed" | "canceled"));
            Some(Claim {
                id: refund.id.to_string(),
                charge: refund.charge?.id().to_string(),
                intent: refund.payment_intent?.id().to_string(),
                taken: if undone { Cents::ZERO } else { Cents::new(refund.amount) },
            })
        };
        gather(request.paginate().stream(&self.client), claim).await
    }

    /// Lists the disputes of payments since a time, with what Stripe's balance really did. For audits.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn disputes(&self, since: Timestamp) -> Result<Vec<Claim>, Failure> {
        let request = ListDispute::new().created(RangeQueryTs::gte(since.as_second())).limit(PAGE);
        let claim = |dispute: Dispute| {
            let moved: i64 = dispute.balance_transactions.iter().map(|movement| movement.amount).sum();
            Some(Claim {
                id: dispute.id.to_string(),
                charge: dispute.charge.id().to_string(),
                intent: dispute.payment_intent?.id().to_string(),
                taken: Cents::new(moved.min(0).saturating_neg()),
            })
        };
        gather(request.paginate().stream(&self.client), claim).await
    }

    /// Sends a request that takes effect once, however often it is sent under this key.
    async fn once<R>(&self, key: &str, request: &R) -> Result<R::Output, Failure>
    where
        R: StripeRequest + Sync,
        R::Output: miniserde::Deserialize + Send,
    {
        let strategy = strategy(key)?;
        let sent = self.repeat(request, &strategy, Persistence::UntilDecided).boxed().await;
        sent.map_err(|ended| ended.failure)
    }

    /// Sends a request that creates an object without moving money. It takes effect once under this key. A
    /// failure that Stripe may have kept under the key is followed by the same request under a new one, which
    /// at worst creates an object that nobody uses.
    async fn create<R>(&self, key: &str, request: &R) -> Result<R::Output, Failure>
    where
        R: StripeRequest + Sync,
        R::Output: miniserde::Deserialize + Send,
    {
        let first = strategy(key)?;
        let failure = match self.repeat(request, &first, Persistence::UntilAnswered).boxed().await {
            Ok(made) => return Ok(made),
            Err(Ended { failure, may_be_kept: false }) => return Err(failure),
            Err(Ended { failure, may_be_kept: true }) => failure,
        };
        let fresh = strategy(&format!("{key}-{:016x}", clorp_random::random::<u64>()))?;
        tracing::warn!(?failure, "asking Stripe again under another key");
        let sent = self.repeat(request, &fresh, Persistence::UntilAnswered).boxed().await;
        sent.map_err(|ended| ended.failure)
    }

    /// Sends a request that may take effect any number of times.
    async fn ask<R>(&self, request: &R) -> Result<R::Output, Failure>
    where
        R: StripeRequest + Sync,
        R::Output: miniserde::Deserialize + Send,
    {
        let sent = self.repeat(request, &RequestStrategy::Once, Persistence::UntilDecided).boxed().await;
        sent.map_err(|ended| ended.failure)
    }

    /// The callers box this future. Stripe's types contain each other too deeply for the compiler to prove
    /// that the unboxed future is `Send`.
    async fn repeat<R>(
        &self,
        request: &R,
        strategy: &RequestStrategy,
        persistence: Persistence,
    ) -> Result<R::Output, Ended>
    where
        R: StripeRequest + Sync,
        R::Output: miniserde::Deserialize + Send,
    {
        // The layer that delayed the caller also explains the rejection.
        let undecided = |why: &str| Ended { failure: unknown(why), may_be_kept: false };
        wait_for_admission().await.map_err(|_| undecided("the caller was not admitted"))?;
        let end = wait_until(WAIT_TIMEOUT);
        let (mut pause, mut may_be_rolled) = (FIRST_PAUSE, true);
        for n in 1.. {
            let connection = self.client.connection().await;
            let left = end.saturating_duration_since(Instant::now());
            if left < LEAST_TIME {
                return Err(undecided("no time is left to ask"));
            }
            let call = request.customize().request_strategy(strategy.clone()).timeout(left.min(ATTEMPT));
            let error = match call.send(&connection.transport).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            // Stripe has done nothing, so the same request follows at once, with the new key.
            if may_be_rolled && is_about_key(&error) && self.client.is_rolled(&connection).await {
                may_be_rolled = false;
                continue;
            }
            let broken = matches!(error, StripeError::Stripe(_, 500..));
            let useful = persistence == Persistence::UntilDecided || !broken;
            let again = useful && n < self.tries && Instant::now() + pause + LEAST_TIME < end;
            match sort(&error) {
                Failure::Unknown(why) if again => {
                    tracing::warn!(why, "Stripe did not answer, asking again");
                    tokio::time::sleep(clorp_random::random_range(pause / 2..=pause)).await;
                    pause = pause.saturating_mul(2);
                }
                failure => {
                    let may_be_kept =
                        broken || matches!(&failure, Failure::Refused(why) if !why.is_about_missing_object());
                    return Err(Ended { failure, may_be_kept });
                }
            }
        }
        Err(undecided("ran out of tries"))
    }
}

/// Collects what `ours` finds in a paginated list.
async fn gather<T, F>(
    mut objects: impl Stream<Item = Result<T, StripeError>> + Unpin,
    ours: impl Fn(T) -> Option<F>,
) -> Result<Vec<F>, Failure> {
    let mut found = Vec::new();
    while let Some(object) = objects.try_next().await.map_err(|error| sort(&error))? {
        found.extend(ours(object));
    }
    Ok(found)
}

/// The end of the attempts at one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Persistence {
    /// Attempts go on until Stripe accepts or refuses.
    UntilDecided,
    /// An error of Stripe's own ends the attempts too, because Stripe may have kept it under the key.
    UntilAnswered,
}

/// The failure that ended the attempts at one request.
struct Ended {
    failure: Failure,
    /// True if Stripe may give this same answer under this key again, although a new request would succeed.
    may_be_kept: bool,
}

fn strategy(key: &str) -> Result<RequestStrategy, Failure> {
    let key = IdempotencyKey::new(key).map_err(|error| unknown(&error.to_string()))?;
    Ok(RequestStrategy::Idempotent(key))
}

/// Reads the state of an account.
fn status_of(account: &Account) -> ConnectStatus {
    let transfers = account.capabilities.as_ref().and_then(|capabilities| capabilities.transfers.as_ref());
    let receives_transfers = transfers == Some(&AccountCapabilitiesStatus::Active);
    ConnectStatus::of_account(receives_transfers, account.payouts_enabled.unwrap_or_default())
}

/// Reads the state of a top-up's session.
fn checkout(topup: &Topup, session: CheckoutSession) -> Result<Checkout, Failure> {
    match (session.status, session.payment_status) {
        (Some(CheckoutSessionStatus::Complete), CheckoutSessionPaymentStatus::Paid) => {
            Ok(Checkout::Paid(TopupPayment {
                user: topup.user.clone(),
                topup: topup.id,
                stripe_id: session.id.to_string(),
                intent: session.payment_intent.map(|intent| intent.id().to_string()),
                amount: Cents::new(session.amount_total.unwrap_or_default()),
                currency: session.currency.map(|currency| currency.to_string()).unwrap_or_default(),
            }))
        }
        (Some(CheckoutSessionStatus::Complete), _) => Ok(Checkout::Processing),
        (Some(CheckoutSessionStatus::Open), _) => {
            let end = Timestamp::from_second(session.expires_at);
            end.map(Checkout::Open).map_err(|_| unknown("a session that ends at no time"))
        }
        (Some(CheckoutSessionStatus::Expired), _) => Ok(Checkout::Expired),
        _ => Err(unknown("a session in a state that is not known")),
    }
}

fn of_user(user: &UserId) -> HashMap<String, String> {
    HashMap::from([(metadata::USER_ID.to_owned(), user.to_string())])
}

fn of_record(kind: &str, user: &UserId, id: &impl fmt::Display) -> HashMap<String, String> {
    let mut about = of_user(user);
    about.insert(metadata::TYPE.to_owned(), kind.to_owned());
    about.insert(metadata::RECORD_ID.to_owned(), id.to_string());
    about
}

fn is_about(about: &HashMap<String, String>, kind: &str) -> bool {
    about.get(metadata::TYPE).is_some_and(|found| found == kind)
}

/// Reads the state of a charge from its PaymentIntent.
fn standing(intent: &PaymentIntent) -> Result<Charge, Failure> {
    let refused = |code: &str, authentication_required| {
        Err(Failure::Refused(Refusal { code: code.to_owned(), authentication_required }))
    };
    match intent.status {
        PaymentIntentStatus::Succeeded => Ok(Charge::Paid(intent.id.to_string())),
        PaymentIntentStatus::Processing => Ok(Charge::Processing),
        PaymentIntentStatus::RequiresAction | PaymentIntentStatus::RequiresConfirmation => {
            refused("authentication_required", true)
        }
        PaymentIntentStatus::RequiresPaymentMethod => match &intent.last_payment_error {
            Some(error) => Err(Failure::Refused(refusal(error))),
            None => refused("card_declined", false),
        },
        PaymentIntentStatus::Canceled => refused("canceled", false),
        PaymentIntentStatus::RequiresCapture | PaymentIntentStatus::Unknown(_) | _ => {
            Err(unknown("a PaymentIntent in a state we did not ask for"))
        }
    }
}

fn refusal(error: &ApiErrors) -> Refusal {
    let code = match (&error.decline_code, &error.code) {
        (_, Some(ApiErrorsCode::AuthenticationRequired)) => "authentication_required".to_owned(),
        (Some(decline), _) => decline.clone(),
        (None, Some(code)) => code.as_str().to_owned(),
        (None, None) => error.type_.as_str().to_owned(),
    };
    let authentication_required = code == "authentication_required";
    Refusal { code, authentication_required }
}

/// Classifies an error. It is a refusal only if it proves that nothing was done, because a refusal undoes the
/// debit.
fn sort(error: &StripeError) -> Failure {
    match error {
        StripeError::Stripe(errors, status @ (400 | 402 | 404))
            if errors.type_ != ApiErrorsType::IdempotencyError =>
        {
            tracing::info!(status, "refused by Stripe");
            Failure::Refused(refusal(errors))
        }
        // Stripe says so of an account that does not exist any more. Any other 403 is about the API key.
        StripeError::Stripe(errors, 403) if errors.code == Some(ApiErrorsCode::AccountInvalid) => {
            Failure::Refused(refusal(errors))
        }
        other => Failure::Unknown(describe(other)),
    }
}

/// True if Stripe does not accept the API key.
const fn is_about_key(error: &StripeError) -> bool {
    matches!(error, StripeError::Stripe(_, 401))
}

/// Describes an error for the log, without the request and without the objects that Stripe includes.
fn describe(error: &StripeError) -> String {
    match error {
        StripeError::Stripe(errors, status) => format!("status {status}, {}", refusal(errors).code),
        StripeError::JSONDeserialize(_) => "an answer that cannot be read".to_owned(),
        StripeError::ClientError(why) => format!("no answer: {why}"),
        StripeError::ConfigError(why) => format!("configuration: {why}"),
        StripeError::Timeout => "no answer in time".to_owned(),
    }
}

/// Converts the refusal of a query to an unknown outcome, because it proves nothing about the queried object.
fn unanswered(failure: Failure) -> Failure {
    match failure {
        Failure::Refused(refusal) => Failure::Unknown(format!("query refused: {}", refusal.code)),
        unknown @ Failure::Unknown(_) => unknown,
    }
}

fn unknown(why: &str) -> Failure {
    Failure::Unknown(why.to_owned())
}
