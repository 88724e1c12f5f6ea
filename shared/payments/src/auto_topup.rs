//! Automatic top-ups: charges of a saved card without its owner's presence.

use std::time::Duration;

use clorp_deadline::{Decision, decide, wait_until};
use clorp_domain::error::AutoTopupOutcome;
use clorp_domain::{Cents, Error, Topup, TopupId, TopupKind, TopupStatus, User, UserId};
use clorp_store::{AutoTopupConflict, Conditional, DayLimit, Shortage};
use clorp_stripe_api::api::{Card, Charge};
use clorp_stripe_api::events::TopupPayment;
use clorp_stripe_api::{Failure, Refusal};
use jiff::SignedDuration;
use tokio::time::{Instant, sleep};

use crate::{Outcome, Payments};

/// Time after which the sweep may settle a charge that its own request has not settled.
const SETTLE_GRACE: SignedDuration = SignedDuration::from_secs(15);
/// Age after which a charge unknown to Stripe is abandoned, because its owner would not expect it.
const STALE: SignedDuration = SignedDuration::from_mins(30);
/// Longest wait for a charge that another request started.
const WAIT_TIMEOUT: Duration = Duration::from_secs(6);
/// First pause between polls of such a charge; it doubles.
const FIRST_LOOK: Duration = Duration::from_millis(50);

/// The result of an attempt to cover a price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cover {
    /// The wallet holds the price now, or held it a moment ago.
    Credited,
    /// The wallet holds less than the price.
    Not(AutoTopupOutcome),
}

/// The result of starting a top-up.
enum Start {
    /// This request must execute the top-up.
    Ours(Topup),
    /// An earlier attempt of this request started the top-up.
    Before,
    /// The top-up cannot start, because the user changed to this state.
    Changed(Box<User>),
}

impl Payments {
    /// Tops up a wallet that could not pay `price`, if its owner enabled that and the top-up would suffice.
    ///
    /// `id` names a top-up that may start here, or that an earlier attempt of this request started. If
    /// another one is in flight, this waits for it. So a card is charged once, however many concurrent
    /// requests lack money.
    ///
    /// # Errors
    /// [`Error::AccountFrozen`]; faults.
    pub async fn cover(&self, user: User, price: Cents, id: TopupId) -> Result<Cover, Error> {
        decide("the wallet", user, |user| async move {
            if user.freeze.is_frozen() {
                return Err(Error::AccountFrozen);
            }
            if user.balance >= price {
                return Ok(Decision::Made(Cover::Credited));
            }
            if !user.auto_topup.would_cover(user.balance, price) {
                return Ok(Decision::Made(Cover::Not(AutoTopupOutcome::None)));
            }
            let outcome = match user.auto_topup.in_flight {
                Some(other) if other != id => self.wait_for(&user, other).await?,
                None if !self.may_charge(&user) => {
                    return Ok(Decision::Made(Cover::Not(AutoTopupOutcome::DailyLimit)));
                }
                _ => match self.begin(&user, id, Shortage::Below(price)).await? {
                    // Another request may spend the new money before this one does.
                    Start::Ours(topup) => return self.execute(&user, topup).await.map(Decision::Made),
                    Start::Before => return self.go_on(&user, id).await.map(Decision::Made),
                    Start::Changed(changed) => return Ok(Decision::Conflict(*changed)),
                },
            };
            if outcome != Cover::Credited {
                return Ok(Decision::Made(outcome));
            }
            self.context.account(&user.id).await.map(Decision::Conflict)
        })
        .await
    }

    /// Tops up a wallet whose balance a debit has left below its threshold. The balance is read after the
    /// debit, so the last of many concurrent debits sees them all.
    ///
    /// The debit's request has already succeeded, so a failure here does not affect it. Failures are logged,
    /// and unknown outcomes are resolved later.
    pub async fn top_up_if_low(&self, user: &UserId, id: TopupId) {
        match self.try_to_top_up_if_low(user, id).await {
            Ok(None) => {}
            Ok(Some(outcome)) => tracing::info!(%user, ?outcome, "automatic top-up finished"),
            Err(error) => {
                tracing::warn!(%user, ?error, "automatic top-up failed; the next debit or the sweep tries again")
            }
        }
    }

    /// Tops up the wallet if that is due. Returns `None` if this request had nothing to do.
    async fn try_to_top_up_if_low(&self, user: &UserId, id: TopupId) -> Result<Option<Cover>, Error> {
        let user = self.context.account(user).await?;
        if !user.auto_topup.is_due(user.balance) || user.freeze.is_frozen() {
            return Ok(None);
        }
        if !self.may_charge(&user) {
            return Ok(Some(Cover::Not(AutoTopupOutcome::DailyLimit)));
        }
        match self.begin(&user, id, Shortage::BelowThreshold).await? {
            Start::Ours(topup) => self.execute(&user, topup).await.map(Some),
            Start::Before | Start::Changed(_) => Ok(None),
        }
    }

    fn may_charge(&self, user: &User) -> bool {
        user.auto_topup.may_charge(self.context.clock.now(), &self.context.rules)
    }

    async fn begin(&self, user: &User, id: TopupId, shortage: Shortage) -> Result<Start, Error> {
        let now = self.context.clock.now();
        let topup = Topup::begun(id, user.id.clone(), TopupKind::Auto, user.auto_topup.amount, now);
        let due_at = now.saturating_add(SETTLE_GRACE).unwrap_or(now);
        let limit = user.auto_topup.daily_limit(&self.context.rules);
        let day_limit = DayLimit { settings: &user.auto_topup, limit };
        Ok(match self.context.store.topups().begin_auto(&topup, shortage, day_limit, due_at).await? {
            Conditional::Applied => Start::Ours(topup),
            Conditional::Conflict(AutoTopupConflict::Exists) => Start::Before,
            Conditional::Conflict(AutoTopupConflict::Changed(user)) => Start::Changed(user),
        })
    }

    /// Charges the card for a started top-up, and records the outcome.
    async fn execute(&self, user: &User, topup: Topup) -> Result<Cover, Error> {
        let outcome = match card(user) {
            Some(card) => self.stripe.charge(&topup, card).await,
            None => Err(no_card()),
        };
        self.settle(topup, outcome).await
    }

    /// Continues a top-up that an earlier attempt of the same request started.
    async fn go_on(&self, user: &User, id: TopupId) -> Result<Cover, Error> {
        let topup = self.read(&user.id, id).await?;
        match topup.status {
            TopupStatus::Pending => self.resume_topup(topup).await,
            TopupStatus::Paid | TopupStatus::Failed => self.wait_for(user, id).await,
        }
    }

    /// Resolves the outcome of a charge, or makes the charge. Stripe may forget an idempotency key after a
    /// day, so this first searches for the charge.
    pub(crate) async fn resume_topup(&self, topup: Topup) -> Result<Cover, Error> {
        let stale = self.context.clock.now().duration_since(topup.created_at) > STALE;
        let user = self.context.account(&topup.user).await?;
        let Some(card) = card(&user) else {
            return self.settle(topup, Err(no_card())).await;
        };
        let outcome = match self.stripe.find_charge(&topup, card.customer).await {
            Ok(Some(charge)) => Ok(charge),
            Ok(None) if stale => Err(refused("expired")),
            Ok(None) => self.stripe.charge(&topup, card).await,
            Err(failure) => Err(failure),
        };
        self.settle(topup, outcome).await
    }

    async fn settle(&self, topup: Topup, outcome: Result<Charge, Failure>) -> Result<Cover, Error> {
        match outcome {
            Ok(Charge::Paid(intent)) => self.credited(&topup, intent).await,
            Ok(Charge::Processing) => Ok(Cover::Not(AutoTopupOutcome::Pending)),
            Err(Failure::Refused(refusal)) => self.refused(topup, &refusal).await,
            Err(Failure::Unknown(why)) => {
                tracing::warn!(topup = %topup.id, why, "outcome of an automatic top-up unknown");
                Ok(Cover::Not(AutoTopupOutcome::Pending))
            }
        }
    }

    async fn credited(&self, topup: &Topup, intent: String) -> Result<Cover, Error> {
        let payment = TopupPayment {
            user: topup.user.clone(),
            topup: topup.id,
            stripe_id: intent.clone(),
            intent: Some(intent),
            amount: topup.amount,
            currency: "usd".to_owned(),
        };
        match self.events().credit(&payment).await? {
            Outcome::Done | Outcome::Already => Ok(Cover::Credited),
            outcome @ (Outcome::Nothing | Outcome::Parked(_) | Outcome::Quarantined(_)) => {
                Err(Error::internal(format!("a successful charge is not credited: {outcome:?}")))
            }
        }
    }

    async fn refused(&self, topup: Topup, refusal: &Refusal) -> Result<Cover, Error> {
        let store = &self.context.store;
        decide("the top-up", topup, |topup| async move {
            match topup.status {
                TopupStatus::Paid => return Ok(Decision::Made(Cover::Credited)),
                TopupStatus::Failed => return Ok(Decision::Made(Cover::Not(declined(refusal)))),
                TopupStatus::Pending => {}
            }
            let before = self.context.account(&topup.user).await?.auto_topup;
            let after = before.refused(&refusal.code, &self.context.rules);
            if store.topups().fail_auto(&topup, &before, &after).await?.is_applied() {
                tracing::info!(topup = %topup.id, code = refusal.code, enabled = after.enabled, "card refused");
                return Ok(Decision::Made(Cover::Not(declined(refusal))));
            }
            self.read(&topup.user, topup.id).await.map(Decision::Conflict)
        })
        .await
    }

    /// Waits, up to a limit, for the outcome of a top-up that another request started.
    async fn wait_for(&self, user: &User, id: TopupId) -> Result<Cover, Error> {
        let end = wait_until(WAIT_TIMEOUT);
        let mut pause = FIRST_LOOK;
        loop {
            match self.read(&user.id, id).await?.status {
                TopupStatus::Paid => return Ok(Cover::Credited),
                TopupStatus::Failed => {
                    let last = self.context.account(&user.id).await?.auto_topup.last_failure;
                    return Ok(Cover::Not(declined(&refusal(last.as_deref().unwrap_or_default()))));
                }
                TopupStatus::Pending if Instant::now() + pause > end => {
                    return Ok(Cover::Not(AutoTopupOutcome::Pending));
                }
                TopupStatus::Pending => sleep(pause).await,
            }
            pause = pause.saturating_mul(2).min(Duration::from_secs(1));
        }
    }

    async fn read(&self, user: &UserId, id: TopupId) -> Result<Topup, Error> {
        let topup = self.context.store.topups().get(user, id).await?;
        topup.ok_or_else(|| Error::internal("a started top-up is missing"))
    }
}

fn card(user: &User) -> Option<Card<'_>> {
    let (customer, payment_method) = user.saved_card()?;
    Some(Card { customer, payment_method })
}

fn refusal(code: &str) -> Refusal {
    Refusal { code: code.to_owned(), authentication_required: code == "authentication_required" }
}

fn refused(code: &str) -> Failure {
    Failure::Refused(refusal(code))
}

fn no_card() -> Failure {
    refused("payment_method_missing")
}

fn declined(refusal: &Refusal) -> AutoTopupOutcome {
    if refusal.authentication_required {
        AutoTopupOutcome::AuthenticationRequired
    } else {
        AutoTopupOutcome::Declined
    }
}
