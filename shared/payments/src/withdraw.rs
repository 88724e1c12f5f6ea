//! Withdrawals in three steps: debit, transfer, record.

use clorp_context::metrics::{self, Metric};
use clorp_deadline::{Decision, decide};
use clorp_domain::{Cents, ConnectStatus, Error, User, UserId, Withdrawal, WithdrawalId, WithdrawalStatus};
use clorp_store::{Conditional, ReserveConflict};
use clorp_stripe_api::{Failure, Refusal};
use jiff::{SignedDuration, Timestamp};

use crate::{Payments, new_entry_id};

/// Time after which the sweep may settle a withdrawal that its own request has not settled.
const SETTLE_GRACE: SignedDuration = SignedDuration::from_secs(15);

impl Payments {
    /// Sends `amount` of a user's matured winnings to their bank. The result may be pending; the sweep then
    /// resolves it.
    ///
    /// # Errors
    /// [`Error::OnboardingRequired`], [`Error::AccountFrozen`], [`Error::InsufficientFunds`],
    /// [`Error::NotWithdrawable`], [`Error::WithdrawalRefused`]; faults.
    pub async fn withdraw(
        &self,
        user: &UserId,
        id: WithdrawalId,
        amount: Cents,
    ) -> Result<Withdrawal, Error> {
        let store = &self.context.store;
        let owner = self.context.account(user).await?;
        let reserved = decide("the wallet", owner, |owner| async move {
            let Some(account) = owner.stripe.account.clone() else {
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
            match store.withdrawals().reserve(&withdrawal, &owner, &debit, due_at).await? {
                Conditional::Applied => Ok(Decision::Made(withdrawal)),
                Conditional::Conflict(ReserveConflict::Exists(known)) => Ok(Decision::Made(*known)),
                Conditional::Conflict(ReserveConflict::User(owner)) => {
                    require_withdrawable(&owner, amount, now)?;
                    // Another request has changed what is due.
                    Ok(Decision::Conflict(*owner))
                }
            }
        })
        .await?;
        if reserved.status == WithdrawalStatus::Pending {
            Ok(self.transfer_or_leave(reserved).await)
        } else {
            Ok(reserved)
        }
    }

    /// Makes Stripe transfer a reserved withdrawal, and records the outcome. The debit stands whatever fails
    /// here, so a withdrawal whose outcome is not recorded is pending, and no error.
    async fn transfer_or_leave(&self, withdrawal: Withdrawal) -> Withdrawal {
        let outcome = self.stripe.transfer(&withdrawal).await;
        match self.conclude(withdrawal.clone(), outcome).await {
            Ok(concluded) => concluded,
            Err(error) => {
                tracing::warn!(withdrawal = %withdrawal.id, ?error, "outcome of a withdrawal not recorded");
                withdrawal
            }
        }
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
                match outcome {
                    Ok(_) => metrics::record(Metric::Withdrawals, withdrawal.amount.get()),
                    Err(Failure::Refused(refusal)) => self.suspect_account(&withdrawal, refusal).await,
                    Err(Failure::Unknown(_)) => {}
                }
                return Ok(Decision::Made(after));
            }
            let known = self.context.store.withdrawals().get(&withdrawal.user, withdrawal.id).await?;
            known.map(Decision::Conflict).ok_or_else(|| Error::internal("a withdrawal is missing"))
        })
        .await
    }

    /// Marks the account as one to ask Stripe about, if it is the reason for a refusal.
    async fn suspect_account(&self, withdrawal: &Withdrawal, refusal: &Refusal) {
        if !refusal.is_about_account() {
            return;
        }
        let (users, now) = (self.context.store.users(), self.context.clock.now());
        // A conflict means that the user has another account by now.
        if let Err(error) = users.suspect_account(&withdrawal.user, &withdrawal.account, now).await {
            tracing::warn!(withdrawal = %withdrawal.id, ?error, "an account was not marked");
        }
    }

    async fn undo(&self, withdrawal: &Withdrawal, refusal: &Refusal) -> Result<Conditional<()>, Error> {
        tracing::warn!(withdrawal = %withdrawal.id, code = refusal.code, "withdrawal refused by Stripe");
        let now = self.context.clock.now();
        let undo = withdrawal.undo(new_entry_id(now), now)?;
        self.context.store.withdrawals().refuse(withdrawal, &undo).await
    }
}

/// Checks that a user may withdraw `amount` at `now`.
fn require_withdrawable(owner: &User, amount: Cents, now: Timestamp) -> Result<(), Error> {
    if owner.stripe.account_status != ConnectStatus::Active {
        return Err(Error::OnboardingRequired);
    }
    if owner.freeze.is_frozen() {
        return Err(Error::AccountFrozen);
    }
    if owner.balance < amount {
        return Err(Error::InsufficientFunds { required: amount, available: owner.balance });
    }
    let withdrawable = owner.withdrawable(now);
    if withdrawable < amount {
        let next_release = owner.winnings.next_release(now);
        return Err(Error::NotWithdrawable { required: amount, withdrawable, next_release });
    }
    Ok(())
}
