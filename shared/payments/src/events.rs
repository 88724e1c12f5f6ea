//! Application of Stripe's webhook events.

use clorp_context::Context;
use clorp_deadline::{Decision, decide};
use clorp_domain::owner::{Link, OwnerMark};
use clorp_domain::{
    Cents, ConnectStatus, Dispute, DisputeChange, DisputeReport, Error, Reason, RefundChange, SetupId, Topup,
    TopupStatus, UserId, WithdrawalId,
};
use clorp_store::{Conditional, UnappliedEvent};
use clorp_stripe_api::events::{Event, Meaning, TopupPayment, Unreadable};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::new_entry_id;

/// The only currency of wallets.
const CURRENCY: &str = "usd";

/// Applies Stripe's webhook events. An event may come twice, late, or before the event it depends on. So each
/// change is computed from the stored record of its object, and written under the condition that the record
/// has not changed.
#[derive(Clone, Debug)]
pub struct WebhookEvents {
    /// The store, the rules and the clock.
    pub context: Context,
}

/// The effect of a webhook event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The event was applied.
    Done,
    /// The event, or a later one, was applied before.
    Already,
    /// The event concerns no wallet.
    Nothing,
    /// The event is parked until its payment arrives. Carries the reason.
    Parked(&'static str),
    /// The event is quarantined until a person decides. Carries the reason.
    Quarantined(&'static str),
}

/// A received webhook event with its raw body.
struct Received<'a> {
    event: &'a Event,
    body: &'a [u8],
}

impl Received<'_> {
    fn unapplied(&self, object: &str, why: &'static str) -> UnappliedEvent {
        UnappliedEvent {
            object: object.to_owned(),
            id: self.event.id.clone(),
            why: why.to_owned(),
            body: String::from_utf8_lossy(self.body).into_owned(),
        }
    }
}

impl WebhookEvents {
    /// Applies the body of a webhook. Its signature must have been verified.
    ///
    /// # Errors
    /// Faults only, after which Stripe must deliver the event again.
    pub async fn receive(&self, body: &[u8]) -> Result<Outcome, Error> {
        let event = match Event::parse(body) {
            Ok(event) => event,
            Err(unreadable) => return self.quarantine_unreadable(&unreadable, body).await,
        };
        let outcome = self.apply(&Received { event: &event, body }).await?;
        log_unapplied(&event, outcome);
        Ok(outcome)
    }

    async fn apply(&self, received: &Received<'_>) -> Result<Outcome, Error> {
        match &received.event.meaning {
            Meaning::Nothing => Ok(Outcome::Nothing),
            Meaning::NotOurs { object } => self.quarantine(received, object, "not begun by us").await,
            Meaning::TopupPaid(payment) => match self.credit(payment).await? {
                Outcome::Quarantined(why) => self.quarantine(received, &payment.stripe_id, why).await,
                outcome => Ok(outcome),
            },
            Meaning::PaymentMethodSaved { payment_method, is_card: false, .. } => {
                self.quarantine(received, payment_method, "a payment method that may be no card").await
            }
            Meaning::PaymentMethodSaved { user, setup, customer, payment_method, is_card: true } => {
                match self.save_card(user, *setup, customer, payment_method).await? {
                    Outcome::Quarantined(why) => self.quarantine(received, payment_method, why).await,
                    outcome => Ok(outcome),
                }
            }
            Meaning::Account { user, account, status, banks } => {
                let recorded = self.account(user, account, *status, received.event.created);
                let (recorded, joined) = tokio::try_join!(recorded, self.link(user, banks))?;
                match joined.unwrap_or(recorded) {
                    Outcome::Quarantined(why) => self.quarantine(received, account, why).await,
                    outcome => Ok(outcome),
                }
            }
            Meaning::CardUsed { user, card } => match self.link(user, std::slice::from_ref(card)).await? {
                Some(Outcome::Quarantined(why)) => self.quarantine(received, user.as_str(), why).await,
                outcome => Ok(outcome.unwrap_or(Outcome::Already)),
            },
            Meaning::Refunded { intent, .. }
            | Meaning::RefundFailed { intent, .. }
            | Meaning::Disputed { intent, .. } => match self.take_back(received, intent).await? {
                Outcome::Quarantined(why) => self.quarantine(received, intent, why).await,
                outcome => Ok(outcome),
            },
            Meaning::TransferReversed { user, withdrawal, reversed } => {
                match self.reverse(user, *withdrawal, *reversed).await? {
                    Outcome::Quarantined(why) => {
                        self.quarantine(received, &withdrawal.to_string(), why).await
                    }
                    outcome => Ok(outcome),
                }
            }
        }
    }

    /// Credits a wallet for a payment exactly once, whichever path reports it. [`Outcome::Quarantined`] means
    /// that the payment is not credited, and that the caller must quarantine it.
    pub(crate) async fn credit(&self, payment: &TopupPayment) -> Result<Outcome, Error> {
        let store = &self.context.store;
        decide("the top-up", (), |()| async move {
            let Some(topup) = store.topups().get(&payment.user, payment.topup).await? else {
                return Ok(Decision::Made(Outcome::Quarantined("a top-up we have no record of")));
            };
            if let Some(why) = discrepancy(&topup, payment) {
                return Ok(Decision::Made(Outcome::Quarantined(why)));
            }
            if topup.status == TopupStatus::Paid {
                self.catch_up(payment.intent.as_deref()).await?;
                return Ok(Decision::Made(Outcome::Already));
            }
            let now = self.context.clock.now();
            let credit = topup.credit(&payment.stripe_id, new_entry_id(now), now)?;
            let intent = payment.intent.as_deref();
            if store.topups().credit(&topup, &payment.stripe_id, intent, &credit).await?.is_applied() {
                self.catch_up(intent).await?;
                return Ok(Decision::Made(Outcome::Done));
            }
            Ok(Decision::Conflict(()))
        })
        .await
    }

    async fn save_card(
        &self,
        user: &UserId,
        setup: SetupId,
        customer: &str,
        payment_method: &str,
    ) -> Result<Outcome, Error> {
        let store = &self.context.store;
        if store.setups().finish(user, setup, customer, payment_method).await?.is_applied() {
            return Ok(Outcome::Done);
        }
        if !store.setups().exists(user, setup).await? {
            return Ok(Outcome::Quarantined("a setup we have no record of"));
        }
        let known = store.users().get(user).await?.and_then(|user| user.stripe.customer);
        Ok(match known {
            Some(known) if known == customer => Outcome::Already,
            _ => Outcome::Quarantined("the card of another customer"),
        })
    }

    async fn account(
        &self,
        user: &UserId,
        account: &str,
        status: ConnectStatus,
        seen_at: Timestamp,
    ) -> Result<Outcome, Error> {
        let (store, now) = (&self.context.store, self.context.clock.now());
        if store.users().set_account(user, account, status, seen_at).await?.is_applied() {
            return Ok(Outcome::Done);
        }
        // Stripe tells the time of an event in seconds, so two of them may have no order.
        if store.users().doubt_account(user, account, status, seen_at, now).await?.is_applied() {
            tracing::info!(%user, "Stripe is to be asked about an account");
            return Ok(Outcome::Done);
        }
        Ok(match store.users().get(user).await? {
            None => Outcome::Quarantined("the account of a user we have no record of"),
            Some(user) if user.stripe.account.as_deref() == Some(account) => Outcome::Already,
            Some(_) => Outcome::Quarantined("another account than the user's own"),
        })
    }

    /// Links a user to the cards or bank accounts that an event names. The outcome is
    /// [`Outcome::Quarantined`] if this shows that accounts have one owner, so that a person looks at races
    /// which they may have had against each other; otherwise `None`.
    async fn link(&self, user: &UserId, marks: &[OwnerMark]) -> Result<Option<Outcome>, Error> {
        let mut outcome = None;
        for mark in marks {
            let linked = self.context.store.owners().link(user, mark, self.context.clock.now()).await?;
            if let Link::Joined(owner) = linked {
                tracing::error!(%user, %owner, "accounts share a card or a bank account");
                outcome = Some(Outcome::Quarantined("accounts turned out to have one owner"));
            }
        }
        Ok(outcome)
    }

    /// Applies the refunds and disputes that were parked until this payment arrived.
    async fn catch_up(&self, intent: Option<&str>) -> Result<(), Error> {
        let Some(intent) = intent else { return Ok(()) };
        for unapplied in self.context.store.unapplied_events().about(intent).await? {
            let body = unapplied.body.as_bytes();
            let Ok(event) = Event::parse(body) else { continue };
            let outcome = self.take_back(&Received { event: &event, body }, intent).await?;
            log_unapplied(&event, outcome);
            if let Outcome::Done | Outcome::Already = outcome {
                self.context.store.unapplied_events().resolve(&unapplied, self.context.clock.now()).await?;
            }
        }
        Ok(())
    }

    /// Applies an event about money that goes back to the payer, or that comes back from there: a refund, its
    /// failure, or a dispute.
    async fn take_back(&self, received: &Received<'_>, intent: &str) -> Result<Outcome, Error> {
        let store = &self.context.store;
        decide("the payment", (), |()| async move {
            let found = store.topups().of_intent(intent);
            let (topup, dispute) = tokio::try_join!(found, self.recorded_dispute(received))?;
            let Some(topup) = topup else {
                let why = "about a payment that is not known";
                let (event, now) = (received.unapplied(intent, why), self.context.clock.now());
                return Ok(match store.unapplied_events().park(&event, now).await? {
                    Conditional::Applied => Decision::Made(Outcome::Parked(why)),
                    // The payment has become known.
                    Conditional::Conflict(()) => Decision::Conflict(()),
                });
            };
            let known = &topup.taken_back;
            match &received.event.meaning {
                Meaning::Refunded { charge, refunded, .. } => {
                    let after = known.with_refunds(*refunded, received.event.created);
                    self.refund(&topup, after, Reason::TopupRefund(charge.clone())).await
                }
                Meaning::RefundFailed { refund, .. } => {
                    let after = known.with_failed_refund(refund.clone());
                    self.refund(&topup, after, Reason::RefundFailed(refund.id.clone())).await
                }
                Meaning::Disputed { report, .. } => self.dispute(&topup, dispute.as_ref(), report).await,
                _ => Ok(Decision::Made(Outcome::Nothing)),
            }
        })
        .await
    }

    /// Records a change of a top-up's refunds.
    async fn refund(
        &self,
        topup: &Topup,
        change: RefundChange,
        reason: Reason,
    ) -> Result<Decision<Outcome, ()>, Error> {
        let after = match change {
            RefundChange::Nothing => return Ok(Decision::Made(Outcome::Already)),
            RefundChange::Contradiction => {
                let why = "a refund in the second in which an earlier one failed";
                return Ok(Decision::Made(Outcome::Quarantined(why)));
            }
            RefundChange::Change(after) => after,
        };
        let now = self.context.clock.now();
        let posting = topup.take_back(&after, reason, new_entry_id(now), now)?;
        Ok(match self.context.store.topups().take_back(topup, &after, posting.as_ref()).await? {
            Conditional::Applied => Decision::Made(Outcome::Done),
            Conditional::Conflict(()) => Decision::Conflict(()),
        })
    }

    /// The record of the dispute that an event is about, if any.
    async fn recorded_dispute(&self, received: &Received<'_>) -> Result<Option<Dispute>, Error> {
        match &received.event.meaning {
            Meaning::Disputed { report, .. } => self.context.store.disputes().get(&report.id).await,
            _ => Ok(None),
        }
    }

    /// Records a change of a dispute, with the money that moves and the freeze of its user.
    async fn dispute(
        &self,
        topup: &Topup,
        recorded: Option<&Dispute>,
        report: &DisputeReport,
    ) -> Result<Decision<Outcome, ()>, Error> {
        let disputes = self.context.store.disputes();
        let (after, surplus) = match report.apply(recorded, &topup.user, topup.id) {
            DisputeChange::Nothing => return Ok(Decision::Made(Outcome::Already)),
            DisputeChange::Contradiction => {
                return Ok(Decision::Made(Outcome::Quarantined("a dispute decided twice in one second")));
            }
            DisputeChange::Change { after, surplus } => (after, surplus),
        };
        let now = self.context.clock.now();
        let before = recorded.map(|recorded| recorded.held).unwrap_or_default();
        let taken_back = topup.taken_back.with_disputed(before, after.held)?;
        let reason = after.reason(before);
        let posting = topup.take_back(&taken_back, reason, new_entry_id(now), now)?;
        Ok(match disputes.record(topup, &taken_back, recorded, &after, posting.as_ref(), now).await? {
            Conditional::Applied if surplus => {
                Decision::Made(Outcome::Quarantined("a bank returned more than it took"))
            }
            Conditional::Applied => Decision::Made(Outcome::Done),
            Conditional::Conflict(()) => Decision::Conflict(()),
        })
    }

    async fn reverse(&self, user: &UserId, id: WithdrawalId, reversed: Cents) -> Result<Outcome, Error> {
        let store = &self.context.store;
        decide("the withdrawal", (), |()| async move {
            let Some(withdrawal) = store.withdrawals().get(user, id).await? else {
                return Ok(Decision::Made(Outcome::Quarantined("a withdrawal we have no record of")));
            };
            if reversed > withdrawal.amount {
                return Ok(Decision::Made(Outcome::Quarantined("more came back than was withdrawn")));
            }
            let now = self.context.clock.now();
            let Some(posting) = withdrawal.reversal(reversed, new_entry_id(now), now)? else {
                return Ok(Decision::Made(Outcome::Already));
            };
            Ok(match store.withdrawals().reverse(&withdrawal, reversed, &posting).await? {
                Conditional::Applied => Decision::Made(Outcome::Done),
                Conditional::Conflict(()) => Decision::Conflict(()),
            })
        })
        .await
    }

    async fn quarantine(
        &self,
        received: &Received<'_>,
        object: &str,
        why: &'static str,
    ) -> Result<Outcome, Error> {
        let unapplied = received.unapplied(object, why);
        self.context.store.unapplied_events().quarantine(&unapplied, self.context.clock.now()).await?;
        Ok(Outcome::Quarantined(why))
    }

    /// Quarantines an event that should concern a wallet but cannot be parsed. If Stripe delivers it again to
    /// a version that can parse it, it is applied.
    async fn quarantine_unreadable(&self, unreadable: &Unreadable, body: &[u8]) -> Result<Outcome, Error> {
        let why = "cannot be read";
        let digest = || Sha256::digest(body).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let id = unreadable.id.clone().unwrap_or_else(digest);
        let kind = unreadable.kind.as_deref().unwrap_or("unknown");
        let body = String::from_utf8_lossy(body).into_owned();
        let unapplied = UnappliedEvent { object: id.clone(), id, why: why.to_owned(), body };
        self.context.store.unapplied_events().quarantine(&unapplied, self.context.clock.now()).await?;
        tracing::error!(event = unapplied.id, kind, why, "webhook event not applied");
        Ok(Outcome::Quarantined(why))
    }
}

/// Logs an event that waits, for the alarm.
fn log_unapplied(event: &Event, outcome: Outcome) {
    if let Outcome::Parked(why) | Outcome::Quarantined(why) = outcome {
        tracing::error!(event = event.id, kind = event.kind, why, "webhook event not applied");
    }
}

/// Returns the reason why a payment does not match its top-up.
fn discrepancy(topup: &Topup, payment: &TopupPayment) -> Option<&'static str> {
    if payment.currency != CURRENCY {
        Some("paid in another currency")
    } else if payment.amount != topup.amount {
        Some("another amount than was asked for")
    } else if topup.stripe_id.as_ref().is_some_and(|known| *known != payment.stripe_id) {
        Some("another payment than the one begun")
    } else {
        None
    }
}
