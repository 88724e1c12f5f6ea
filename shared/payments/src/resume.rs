//! The sweep: everything that Stripe is to be asked about.

use std::time::Duration;

use clorp_domain::error::AutoTopupOutcome;
use clorp_domain::{Error, Topup, TopupId, TopupKind, TopupStatus, UserId, WithdrawalId, WithdrawalStatus};
use clorp_store::{Conditional, Pending, PendingEntry};
use clorp_stripe_api::api::Checkout;
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt};
use jiff::{SignedDuration, Timestamp};

use crate::{Cover, Outcome, Payments};

/// Charges and transfers that one sweep resumes at the same time.
const CONCURRENT: usize = 8;
/// Unreported objects that one sweep asks about at the same time.
const CONCURRENT_REPORTS: usize = 2;
/// Time that a sweep must have left to begin with another entry.
const LEAST_TIME: Duration = Duration::from_secs(5);
/// Age at which an unsettled payment is overdue, and a person should look.
const OVERDUE: SignedDuration = SignedDuration::from_mins(15);
/// Shortest and longest time until a payment that stays unsettled is looked at again. In between, it is half
/// of the payment's age.
const PAUSES: (SignedDuration, SignedDuration) =
    (SignedDuration::from_secs(15), SignedDuration::from_mins(10));
/// Time until Stripe is asked again about an account.
const ACCOUNT_PAUSE: SignedDuration = SignedDuration::from_mins(5);
/// Margin after the end of a Checkout session, for clocks that differ and payments under way.
const AFTER_SESSION: SignedDuration = SignedDuration::from_mins(5);

/// The counts of one sweep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resumed {
    /// Number of charges and transfers that have ended, successfully or not.
    pub settled: usize,
    /// Number of charges and transfers with an outcome that is still unknown. A later sweep asks again.
    pub pending: usize,
    /// Number of accounts and Checkout sessions whose state was learned, and of disputes that were followed.
    pub reported: usize,
    /// Number of those whose resumption failed.
    pub failed: usize,
}

/// The result of one look.
pub(crate) enum Look {
    /// The entry has ended.
    Ended,
    /// The entry has to be looked at again, from this time on.
    Again(Timestamp),
}

impl Look {
    /// The result for a payment that began at `begun_at`, and has ended or not.
    fn unless(ended: bool, begun_at: Timestamp, now: Timestamp) -> Self {
        if ended { Self::Ended } else { Self::Again(later(now, pause(Some(begun_at), now))) }
    }
}

impl Payments {
    /// Resumes every charge and transfer that is due, under the ids of the original requests, and asks Stripe
    /// about accounts and Checkout sessions that no event has reported. May run concurrently with itself and
    /// with those requests, and stops in time for the deadline.
    ///
    /// Entries are worked on concurrently, the youngest first, and one that stays pending is looked at ever
    /// more rarely. So payments about which Stripe is silent do not hold up the others.
    ///
    /// # Errors
    /// Fails only if the table cannot list the entries. The failure of one entry is logged and does not
    /// affect the others.
    pub fn resume(&self) -> BoxFuture<'_, Result<Resumed, Error>> {
        // Boxed, because the compiler limits how deep the types of futures nest.
        self.resume_due().boxed()
    }

    async fn resume_due(&self) -> Result<Resumed, Error> {
        let (now, pending) = (self.context.clock.now(), self.context.store.pending());
        let (unsettled, unreported) = tokio::try_join!(pending.unsettled(), pending.unreported(now))?;
        // Logged before the work, so that a sweep that does not end is no silent one.
        log_backlog(&unsettled, now);
        let mut due: Vec<_> = unsettled.into_iter().filter(|entry| entry.due_at <= now).collect();
        due.sort_by_key(|entry| std::cmp::Reverse(entry.pending.begun_at()));
        let (settled, reported) =
            tokio::join!(self.sweep(due, CONCURRENT), self.sweep(unreported, CONCURRENT_REPORTS));
        Ok(Resumed {
            settled: settled.ended,
            pending: settled.pending,
            reported: reported.ended,
            failed: settled.failed + reported.failed,
        })
    }

    /// Looks at each entry, a few at the same time, until too little time is left.
    async fn sweep(&self, entries: Vec<PendingEntry>, concurrent: usize) -> Swept {
        let looks = entries.into_iter().map(|entry| async move {
            if clorp_deadline::remaining() < LEAST_TIME { None } else { Some(self.look_at(&entry).await) }
        });
        let looks = futures::stream::iter(looks).buffer_unordered(concurrent);
        let count = |swept: Swept, look| std::future::ready(swept.plus(look));
        looks.fold(Swept::default(), count).await
    }

    /// Looks at one entry, and moves it if it has to be looked at again. Returns true if it has ended.
    async fn look_at(&self, entry: &PendingEntry) -> Result<bool, Error> {
        let now = self.context.clock.now();
        let looked = match &entry.pending {
            Pending::Account(user) => self.ask_about_account(user, now).await,
            Pending::Dispute(id) => self.follow_dispute(id, now).await,
            Pending::Topup(user, id) => self.look_at_topup(user, *id, now).await,
            Pending::Withdrawal(user, id) => self.look_at_withdrawal(user, *id, now).await,
        };
        let again = match &looked {
            Ok(Look::Ended) => return Ok(true),
            Ok(Look::Again(at)) => *at,
            Err(error) => {
                tracing::error!(pending = ?entry.pending, ?error, "pending payment not resumed");
                later(now, pause(entry.pending.begun_at(), now))
            }
        };
        // A conflict means that another sweep, or the payment's own request, was here too.
        let _ = self.context.store.pending().postpone(entry, again).await?;
        looked.map(|_| false)
    }

    async fn look_at_withdrawal(
        &self,
        user: &UserId,
        id: WithdrawalId,
        now: Timestamp,
    ) -> Result<Look, Error> {
        match self.context.store.withdrawals().get(user, id).await? {
            Some(withdrawal) if withdrawal.status == WithdrawalStatus::Pending => {
                let begun_at = withdrawal.created_at;
                let after = self.resume_withdrawal(withdrawal).await?;
                Ok(Look::unless(after.status != WithdrawalStatus::Pending, begun_at, now))
            }
            // The index is eventually consistent, so the item may have ended already.
            _ => Ok(Look::Ended),
        }
    }

    async fn look_at_topup(&self, user: &UserId, id: TopupId, now: Timestamp) -> Result<Look, Error> {
        match self.context.store.topups().get(user, id).await? {
            Some(topup) if topup.status == TopupStatus::Pending => {
                if topup.kind == TopupKind::Checkout {
                    return self.ask_about_checkout(topup, now).await;
                }
                let begun_at = topup.created_at;
                let covered = self.resume_topup(topup).await?;
                Ok(Look::unless(covered != Cover::Not(AutoTopupOutcome::Pending), begun_at, now))
            }
            _ => Ok(Look::Ended),
        }
    }

    /// Asks Stripe about a top-up by Checkout that no event has ended, and credits it if it was paid.
    async fn ask_about_checkout(&self, topup: Topup, now: Timestamp) -> Result<Look, Error> {
        let customer = self.context.account(&topup.user).await?.stripe.customer;
        let found = self.stripe.find_checkout(&topup, customer.as_deref()).await;
        let next = topup.next_look_after(now);
        match found {
            Ok(Some(Checkout::Paid(payment))) => {
                tracing::warn!(topup = %topup.id, "a payment was not reported by a webhook event");
                match self.events().credit(&payment).await? {
                    Outcome::Done | Outcome::Already => return Ok(Look::Ended),
                    outcome => tracing::error!(topup = %topup.id, ?outcome, "a paid session is not credited"),
                }
            }
            Ok(Some(Checkout::Open(until))) => return Ok(Look::Again(later(until.max(now), AFTER_SESSION))),
            Ok(Some(Checkout::Processing) | None) => {}
            Ok(Some(Checkout::Expired)) => return self.expire(&topup).await,
            Err(failure) => tracing::warn!(topup = %topup.id, ?failure, "state of a session unknown"),
        }
        match next {
            Some(at) => Ok(Look::Again(at)),
            None => self.expire(&topup).await,
        }
    }

    async fn expire(&self, topup: &Topup) -> Result<Look, Error> {
        // A conflict means that an event has ended it.
        let _ = self.context.store.topups().expire(topup).await?;
        Ok(Look::Ended)
    }

    /// Asks Stripe for the status of an account about which the reports contradict each other.
    async fn ask_about_account(&self, user: &UserId, now: Timestamp) -> Result<Look, Error> {
        let user = self.context.account(user).await?;
        let Some(account) = &user.stripe.account else { return Ok(Look::Ended) };
        let (status, covered) = self.ask_for_status(account).await?;
        let users = self.context.store.users();
        Ok(match users.set_asked_account(&user, account, status, covered).await? {
            Conditional::Applied => Look::Ended,
            // A report was recorded meanwhile, which may be older or newer than the answer.
            Conditional::Conflict(()) => Look::Again(later(now, ACCOUNT_PAUSE)),
        })
    }
}

/// The counts of the looks at one queue.
#[derive(Clone, Copy, Debug, Default)]
struct Swept {
    ended: usize,
    pending: usize,
    failed: usize,
}

impl Swept {
    fn plus(mut self, look: Option<Result<bool, Error>>) -> Self {
        match look {
            Some(Ok(true)) => self.ended += 1,
            // An entry that no time was left for is pending too.
            Some(Ok(false)) | None => self.pending += 1,
            Some(Err(_)) => self.failed += 1,
        }
        self
    }
}

/// Logs the number of unsettled payments, and of those that have been so for too long. An alarm watches the
/// latter.
fn log_backlog(unsettled: &[PendingEntry], now: Timestamp) {
    let ages = unsettled.iter().filter_map(|entry| entry.pending.begun_at()).map(|at| now.duration_since(at));
    let overdue = ages.clone().filter(|age| *age >= OVERDUE).count();
    let oldest_seconds = ages.map(|age| age.as_secs()).max().unwrap_or_default();
    if !unsettled.is_empty() {
        tracing::info!(unsettled = unsettled.len(), overdue, oldest_seconds, "payments are unsettled");
    }
}

/// The time until an entry is looked at again, whose payment began at `begun_at` if it is one.
fn pause(begun_at: Option<Timestamp>, now: Timestamp) -> SignedDuration {
    let (shortest, longest) = PAUSES;
    let age = begun_at.map_or(longest, |at| now.duration_since(at));
    (age / 2).clamp(shortest, longest)
}

fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.saturating_add(by).unwrap_or(at)
}
