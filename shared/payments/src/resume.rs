//! Resolution of pending top-ups and withdrawals.

use clorp_domain::{Error, TopupStatus, WithdrawalStatus};
use clorp_store::Pending;

use crate::{Cover, Payments};
use clorp_domain::error::AutoTopupOutcome;

/// The counts of one sweep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resumed {
    /// Number of top-ups and withdrawals that have ended, successfully or not.
    pub settled: usize,
    /// Number of those with an outcome that is still unknown. The next sweep asks again.
    pub pending: usize,
    /// Number of those whose resumption failed.
    pub failed: usize,
}

impl Payments {
    /// Resumes everything pending, under the ids of the original requests. May run concurrently with itself
    /// and with those requests.
    ///
    /// # Errors
    /// Fails only if the table cannot list the pending items. The failure of one item is logged and does not
    /// affect the others.
    pub async fn resume(&self) -> Result<Resumed, Error> {
        let mut resumed = Resumed::default();
        for pending in self.context.store.pending().due(self.context.clock.now()).await? {
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

    /// Resumes one item. Returns true if it has ended.
    async fn resume_one(&self, pending: &Pending) -> Result<bool, Error> {
        match pending {
            Pending::Withdrawal(user, id) => match self.context.store.withdrawals().get(user, *id).await? {
                Some(withdrawal) if withdrawal.status == WithdrawalStatus::Pending => {
                    Ok(self.resume_withdrawal(withdrawal).await?.status != WithdrawalStatus::Pending)
                }
                // The index is eventually consistent, so the item may have ended already.
                _ => Ok(true),
            },
            Pending::Topup(user, id) => match self.context.store.topups().get(user, *id).await? {
                Some(topup) if topup.status == TopupStatus::Pending => {
                    let outcome = self.resume_topup(topup).await?;
                    Ok(outcome != Cover::Not(AutoTopupOutcome::Pending))
                }
                _ => Ok(true),
            },
            Pending::Dispute(id) => self.follow_dispute(id).await,
        }
    }
}
