//! Withdrawals in three steps: debit, transfer, record.

use clorp_deadline::{Decision, decide};
use clorp_domain::{Cents, ConnectStatus, Error, UserId, Withdrawal, WithdrawalId, WithdrawalStatus};
use clorp_store::{Conditional, ReserveConflict};
use clorp_stripe_api::{Failure, Refusal};
use jiff::SignedDuration;

use crate::{Payments, new_entry_id};

/// Time after which the sweep may settle a withdrawal that its own request has not settled.
const SETTLE_GRACE: SignedDuration = SignedDuration::from_secs(15);

impl Payments {
    /// Sends `amount` from a wallet to its owner's bank. The result may be pending; the sweep then resolves
    /// it.
    ///
    /// # Errors
    /// [`Error::OnboardingRequired`], [`Error::InsufficientFunds`], [`Error::WithdrawalRefused`]; faults.
    pub async fn withdraw(
        &self,
        user: &UserId,
        id: WithdrawalId,
        amount: Cents,
    ) -> Result<Withdrawal, Error> {
        let store = &self.context.store;
        let owner = self.context.account(user).await?;
        let Some(account) = owner.stripe.account else {
            return Err(Error::OnboardingRequired);
        };
        let now = self.context.clock.now();
        let withdrawal = Withdrawal {
            id,
            user: user.clone(),
            amount,
            status: WithdrawalStatus::Pending,
            account,
            created_at: now,
            transfer: None,
            reversed: Cents::ZERO,
        };
        let debit = withdrawal.debit(new_entry_id(now), now)?;
        let due_at = now.saturating_add(SETTLE_GRACE).unwrap_or(now);
        match store.withdrawals().reserve(&withdrawal, &debit, due_at).await? {
            Conditional::Applied => self.transfer(withdrawal).await,
            Conditional::Conflict(ReserveConflict::Exists(known))
                if known.status == WithdrawalStatus::Pending =>
            {
                self.transfer(*known).await
            }
            Conditional::Conflict(ReserveConflict::Exists(known)) => Ok(*known),
            Conditional::Conflict(ReserveConflict::User(user))
                if user.stripe.account_status != ConnectStatus::Active =>
            {
                Err(Error::OnboardingRequired)
            }
            Conditional::Conflict(ReserveConflict::User(user)) => {
                Err(Error::InsufficientFunds { required: amount, available: user.balance })
            }
        }
    }

    /// Makes Stripe transfer a reserved withdrawal, and records the outcome.
    async fn transfer(&self, withdrawal: Withdrawal) -> Result<Withdrawal, Error> {
        let outcome = self.stripe.transfer(&withdrawal).await;
        self.conclude(withdrawal, outcome).await
    }

    /// Resolves a pending withdrawal for the sweep. Stripe may forget an idempotency key after a day, so this
    /// first searches for the transfer.
    pub(crate) async fn resume_withdrawal(&self, withdrawal: Withdrawal) -> Result<Withdrawal, Error> {
        let outcome = match self.stripe.find_transfer(&withdrawal).await {
            Ok(Some(transfer)) => Ok(transfer),
            Ok(None) => self.stripe.transfer(&withdrawal).await,
            Err(unknown) => Err(unknown),
        };
        self.conclude(withdrawal, outcome).await
    }

    async fn conclude(
        &self,
        withdrawal: Withdrawal,
        outcome: Result<String, Failure>,
    ) -> Result<Withdrawal, Error> {
        let outcome = &outcome;
        decide("the withdrawal", withdrawal, |withdrawal| async move {
            if withdrawal.status != WithdrawalStatus::Pending {
                return Ok(Decision::Made(withdrawal));
            }
            let (recorded, after) = match outcome {
                Ok(transfer) => {
                    let after = Withdrawal {
                        status: WithdrawalStatus::Paid,
                        transfer: Some(transfer.clone()),
                        ..withdrawal.clone()
                    };
                    (self.context.store.withdrawals().complete(&withdrawal, transfer).await?, after)
                }
                Err(Failure::Refused(refusal)) => (
                    self.undo(&withdrawal, refusal).await?,
                    Withdrawal { status: WithdrawalStatus::Refused, ..withdrawal.clone() },
                ),
                Err(Failure::Unknown(why)) => {
                    tracing::warn!(withdrawal = %withdrawal.id, why, "outcome of a withdrawal unknown");
                    return Ok(Decision::Made(withdrawal));
                }
            };
            if recorded.is_applied() {
                return Ok(Decision::Made(after));
            }
            let known = self.context.store.withdrawals().get(&withdrawal.user, withdrawal.id).await?;
            known.map(Decision::Conflict).ok_or_else(|| Error::internal("a withdrawal is missing"))
        })
        .await
    }

    async fn undo(&self, withdrawal: &Withdrawal, refusal: &Refusal) -> Result<Conditional<()>, Error> {
        tracing::warn!(withdrawal = %withdrawal.id, code = refusal.code, "withdrawal refused by Stripe");
        let now = self.context.clock.now();
        let undo = withdrawal.undo(new_entry_id(now), now)?;
        self.context.store.withdrawals().refuse(withdrawal, &undo).await
    }
}
