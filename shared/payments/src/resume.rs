//! Finding out what became of what is pending.

use clorp_domain::{Error, TopupStatus, WithdrawalStatus};
use clorp_store::Pending;

use crate::{Cover, Payments};
use clorp_domain::error::AutoTopupOutcome;

/// What a sweep has found out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resumed {
    /// Top-ups and withdrawals that have ended, well or not.
    pub settled: usize,
    /// Those whose outcome is still not known; the next sweep asks again.
    pub pending: usize,
    /// Those that could not be looked at now.
    pub failed: usize,
}

impl Payments {
    /// Asks Stripe about everything that is pending, under the ids it was asked under before. May run at once with
    /// itself and with the requests that began it.
    ///
    /// # Errors
    /// If the table cannot be asked what is pending. One that fails is logged and does not keep the others waiting.
    pub async fn resume(&self) -> Result<Resumed, Error> {
        let mut resumed = Resumed::default();
        for pending in self.context.store.pending(self.context.clock.now()).await? {
            match self.resume_one(&pending).await {
                Ok(true) => resumed.settled += 1,
                Ok(false) => resumed.pending += 1,
                Err(error) => {
                    tracing::error!(?pending, ?error, "pending payment not resumed");
                    resumed.failed += 1;
                }
            }
        }
        Ok(resumed)
    }

    /// Whether it has ended.
    async fn resume_one(&self, pending: &Pending) -> Result<bool, Error> {
        match pending {
            Pending::Withdrawal(user, id) => match self.context.store.withdrawal(user, *id).await? {
                Some(withdrawal) if withdrawal.status == WithdrawalStatus::Pending => {
                    Ok(self.resume_withdrawal(withdrawal).await?.status != WithdrawalStatus::Pending)
                }
                // The index lags.
                _ => Ok(true),
            },
            Pending::Topup(user, id) => match self.context.store.topup(user, *id).await? {
                Some(topup) if topup.status == TopupStatus::Pending => {
                    let outcome = self.resume_topup(topup).await?;
                    Ok(outcome != Cover::Not(AutoTopupOutcome::Pending))
                }
                _ => Ok(true),
            },
        }
    }
}
