//! Appeals: requests for a second opinion, and the opinions.

use clorp_domain::appeal::{Appeal, Side};
use clorp_domain::{Drop, DropId, Error, Verdict};
use jiff::Timestamp;

use crate::items::appeal::{DECIDED_AT, read_appeal, write_appeal, write_opinion};
use crate::items::index_entry::IndexEntry;
use crate::items::keys;
use crate::items::keys::{APPEAL, drop_pk};
use crate::table::{Update, fault};
use crate::{Appeals, Conditional};

impl Appeals<'_> {
    /// Writes a side's appeal, and lists it among the ranking's tasks. A conflict is the side's earlier
    /// appeal. One write unit, and one for the index entry.
    pub async fn request(self, drop: &Drop, appeal: &Appeal) -> Result<Conditional<Box<Appeal>>, Error> {
        let key = keys::appeal(drop.id, appeal.side);
        let mut update = Update::default();
        update.require_new().set_all(write_appeal(appeal)?);
        IndexEntry::Appeal(drop.pack, appeal.requested_at).set(&mut update, drop.id);
        self.table.update_if(key.clone(), update).await?.or_conflict(|mut refusals| {
            let old =
                refusals.take(&key).ok_or_else(|| Error::internal("an appeal that was refused is gone"))?;
            read_appeal(drop.id, old).map(Box::new)
        })
    }

    /// The appeals on a drop. One round trip, 1 read unit for each 4 KB.
    pub async fn of_drop(self, drop: DropId) -> Result<Vec<Appeal>, Error> {
        let answer = self.table.beginning_with(drop_pk(drop), APPEAL).send().await;
        let items = answer.map_err(|e| fault("query appeals", e))?.items.unwrap_or_default();
        items.into_iter().map(|item| read_appeal(drop, item)).collect()
    }

    /// Records the opinion on an appeal, and takes it off the ranking's tasks. A conflict means that it has
    /// one already. Up to four write units, by the size of the opinion, and one for the index entry.
    pub async fn decide(
        self,
        drop: DropId,
        side: Side,
        verdict: &Verdict,
        decided_at: Timestamp,
    ) -> Result<Conditional<()>, Error> {
        let key = keys::appeal(drop, side);
        let mut update = Update::default();
        update.require_existing().require_absent(DECIDED_AT).set_all(write_opinion(verdict, decided_at)?);
        IndexEntry::None.set(&mut update, drop);
        Ok(self.table.update_if(key, update).await?.conditional())
    }
}
