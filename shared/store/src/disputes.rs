//! Disputes, by Stripe's id, and the winnings that wait for their end.

use clorp_domain::{Dispute, DisputeStatus, Error, HeldWinnings, Posting, TakenBack, Topup};
use jiff::Timestamp;

use crate::items::dispute::{ENDED, read_dispute, read_held, write_dispute, write_held};
use crate::items::keys;
use crate::items::keys::{HELD_WINNINGS, stripe_pk};
use crate::items::pending_entry::{Queue, end_pending, set_pending};
use crate::items::user::{CONTESTED, DISPUTES, RELEASED, held_until};
use crate::table::item::{at, flag, n, s};
use crate::table::{Tx, Update, fault};
use crate::topups::take_back;
use crate::{Conditional, Disputes};

impl Disputes<'_> {
    /// A dispute. One round trip, 1 read unit.
    pub async fn get(self, id: &str) -> Result<Option<Dispute>, Error> {
        self.table.get(keys::dispute(id)).await?.map(read_dispute).transpose()
    }

    /// Records a dispute, which was `recorded` before, with the money that moves and the freeze of its user.
    /// Once the bank has taken money, the dispute is among the [pending](crate::Store::pending) items, so
    /// that winnings paid from it are held. A conflict means that the dispute or the top-up has changed since
    /// it was read. Seven write units, and four for a posting.
    pub async fn record(
        self,
        topup: &Topup,
        taken_back: &TakenBack,
        recorded: Option<&Dispute>,
        dispute: &Dispute,
        posting: Option<&Posting>,
        now: Timestamp,
    ) -> Result<Conditional<()>, Error> {
        let mut tx = Tx::default();
        take_back(&mut tx, topup, taken_back, posting)?;
        let update = tx.update(keys::dispute(&dispute.id));
        match recorded {
            None => update.require_new(),
            Some(recorded) => update
                .require("status", "=", s(recorded.status.as_str()))
                .require("held_cents", "=", n(recorded.held.get()))
                .require("reported_at", "=", at(recorded.at)),
        };
        update.set_all(write_dispute(dispute)?);
        if dispute.status != DisputeStatus::Inquiry {
            set_pending(update, Queue::Unreported, now);
        }
        let user = keys::user(&dispute.user);
        match dispute.status {
            DisputeStatus::Inquiry => {}
            DisputeStatus::Open | DisputeStatus::Lost => {
                tx.update(user).require_existing().add_to_set(DISPUTES, &dispute.id);
            }
            DisputeStatus::Won => {
                tx.update(user).require_existing().remove_from_set(DISPUTES, &dispute.id);
            }
        }
        Ok(self.table.transact(tx).await?.conditional())
    }

    /// The winnings that wait, or have waited, for the end of a dispute, at most 1,000. One round trip.
    pub async fn held_winnings(self, id: &str) -> Result<Vec<HeldWinnings>, Error> {
        let query = self.table.beginning_with(stripe_pk(id), HELD_WINNINGS).limit(1000);
        let answer = query.send().await.map_err(|e| fault("query held winnings", e))?;
        answer.items.unwrap_or_default().into_iter().map(read_held).collect()
    }

    /// Holds a winner's payout until a dispute ends. A conflict means that it is held already, or that the
    /// payout was released. Four write units.
    pub async fn hold(self, id: &str, held: &HeldWinnings) -> Result<Conditional<()>, Error> {
        let key = keys::held_winnings(id, held.drop);
        let (attribute, cents) = (held_until(held.release.at), held.release.amount.get());
        let mut tx = Tx::default();
        tx.create(key.clone(), write_held(&key, held)?);
        tx.update(keys::user(&held.winner))
            .require(&attribute, ">=", n(cents))
            .add(&attribute, -cents)
            .add(CONTESTED, cents);
        Ok(self.table.transact(tx).await?.conditional())
    }

    /// Ends the hold of a payout, which then matures at `matures_at`; `None` for at once. A conflict means
    /// that the hold has ended already. Four write units.
    pub async fn end_hold(
        self,
        id: &str,
        held: &HeldWinnings,
        matures_at: Option<Timestamp>,
    ) -> Result<Conditional<()>, Error> {
        let cents = held.release.amount.get();
        let attribute = matures_at.map_or_else(|| RELEASED.to_owned(), held_until);
        let mut tx = Tx::default();
        tx.update(keys::held_winnings(id, held.drop)).require(ENDED, "=", flag(false)).set(ENDED, flag(true));
        tx.update(keys::user(&held.winner))
            .require(CONTESTED, ">=", n(cents))
            .add(CONTESTED, -cents)
            .add(&attribute, cents);
        Ok(self.table.transact(tx).await?.conditional())
    }

    /// Takes a dispute, as read, from the pending items. A conflict means that the dispute has changed since.
    /// One write unit and an index entry.
    pub async fn followed(self, dispute: &Dispute) -> Result<Conditional<()>, Error> {
        let (status, held) = (s(dispute.status.as_str()), n(dispute.held.get()));
        let mut update = Update::default();
        update.require("status", "=", status).require("held_cents", "=", held);
        end_pending(&mut update);
        Ok(self.table.update_if(keys::dispute(&dispute.id), update).await?.conditional())
    }
}
