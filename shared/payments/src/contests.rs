//! Winnings that were paid out of a disputed payment, and wait for the dispute's end.
//!
//! A dispute is followed one step far: from the payment to the winners of the drops that its wallet paid
//! afterwards. Winners who spend such winnings are not followed further. Each further step costs a fee and
//! starts another hold, and the workers there acted in good faith.

use clorp_domain::{Cents, Dispute, Drop, Error, HeldWinnings, Release, Status};
use clorp_store::Conditional;
use jiff::{SignedDuration, Timestamp};

use crate::Payments;
use crate::resume::Look;

/// Time within which a drop that was posted before a payment may still have been paid from it.
const POSTED_BEFORE: SignedDuration = SignedDuration::from_hours(25);
/// Time after which drops that were still running are looked at again. A payout is held for longer.
const LOOK_AGAIN: SignedDuration = SignedDuration::from_mins(20);

impl Payments {
    /// Holds the winnings that a disputed payment has paid for, or releases them once the bank has decided.
    /// The next event about the dispute starts it again.
    ///
    /// # Errors
    /// Faults only. Every step may be repeated.
    pub(crate) async fn follow_dispute(&self, id: &str, now: Timestamp) -> Result<Look, Error> {
        let disputes = self.context.store.disputes();
        let Some(dispute) = disputes.get(id).await? else { return Ok(Look::Ended) };
        // Also for a lost dispute: its decision may be the first event about it.
        let running = dispute.held > Cents::ZERO && self.hold_winnings(&dispute).await?;
        if dispute.status.is_decided() {
            self.release_winnings(&dispute).await?;
        }
        if running {
            return Ok(Look::Again(now.saturating_add(LOOK_AGAIN).unwrap_or(now)));
        }
        // A conflict means that an event has changed the dispute, which is followed again then.
        let followed = disputes.followed(&dispute).await?;
        Ok(if followed.is_applied() { Look::Ended } else { Look::Again(now) })
    }

    /// Holds the payouts of the drops that were paid from a disputed payment and have not matured. Returns
    /// true if one of the drops is still running.
    async fn hold_winnings(&self, dispute: &Dispute) -> Result<bool, Error> {
        let now = self.context.clock.now();
        let mut running = false;
        for drop in self.paid_from(dispute).await? {
            running |= matches!(drop.status, Status::Open | Status::Ranking);
            let Some(held) = self.winnings_of(&drop)? else { continue };
            if held.release.at <= now {
                continue;
            }
            if self.context.store.disputes().hold(&dispute.id, &held).await?.is_applied() {
                tracing::warn!(
                    dispute = dispute.id, drop = %drop.id, winner = %held.winner, amount = %held.release.amount,
                    "winnings held until the dispute ends"
                );
            }
        }
        Ok(running)
    }

    /// The drops that a disputed payment has paid for: those that its wallet paid after it, in that order,
    /// until their prices make up the disputed amount.
    async fn paid_from(&self, dispute: &Dispute) -> Result<Vec<Drop>, Error> {
        let store = &self.context.store;
        let Some(topup) = store.topups().get(&dispute.user, dispute.topup).await? else {
            return Err(Error::internal("a dispute about a top-up that is missing"));
        };
        let since = topup.created_at.saturating_sub(POSTED_BEFORE).unwrap_or(Timestamp::MIN);
        let mut drops = store.drops().posted_since(&dispute.user, since).await?;
        let opened_at = |drop: &Drop| drop.window.map(|window| window.opened_at);
        drops.retain(|drop| opened_at(drop) >= Some(topup.created_at));
        drops.sort_by_key(opened_at);
        let mut left = dispute.held;
        drops.retain(|drop| {
            // Money of a cancelled or expired drop is back in the wallet.
            if left <= Cents::ZERO || matches!(drop.status, Status::Cancelled | Status::Expired) {
                return false;
            }
            left = left.minus(drop.price).unwrap_or(Cents::ZERO);
            true
        });
        Ok(drops)
    }

    fn winnings_of(&self, drop: &Drop) -> Result<Option<HeldWinnings>, Error> {
        let Some(outcome) = &drop.outcome else { return Ok(None) };
        let Some(at) = self.context.rules.matures_at(outcome.completed_at) else { return Ok(None) };
        let release = Release { at, amount: drop.payout()? };
        Ok(Some(HeldWinnings { drop: drop.id, winner: outcome.winner.clone(), release, ended: false }))
    }

    /// Ends the holds of a decided dispute. After a won one, the winnings mature as if it had not been. After
    /// a lost one they mature after another whole hold, in which an operator can freeze an accomplice.
    async fn release_winnings(&self, dispute: &Dispute) -> Result<(), Error> {
        let disputes = self.context.store.disputes();
        let won = dispute.held == Cents::ZERO;
        for held in disputes.held_winnings(&dispute.id).await?.into_iter().filter(|held| !held.ended) {
            let now = self.context.clock.now();
            let matures_at = if won {
                Some(held.release.at).filter(|at| *at > now)
            } else {
                self.context.rules.matures_at(now)
            };
            if let Conditional::Applied = disputes.end_hold(&dispute.id, &held, matures_at).await?
                && !won
            {
                tracing::error!(
                    dispute = dispute.id, drop = %held.drop, winner = %held.winner, amount = %held.release.amount,
                    "winnings paid by a disputed payment that was lost are about to mature"
                );
            }
        }
        Ok(())
    }
}
