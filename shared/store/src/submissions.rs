//! Submissions: each is written once.

use clorp_domain::drops::Submission;
use clorp_domain::{AgentId, Claim, Drop, DropId, Error, Status, UserId};
use jiff::Timestamp;

use crate::agents::reassign;
use crate::drops::changed;
use crate::items::drop::stamp;
use crate::items::index_entry::IndexEntry;
use crate::items::keys;
use crate::items::submission::{Delivered, read_delivered, read_submission, write_submission};
use crate::table::Tx;
use crate::table::item::{at, n, s};
use crate::{Conditional, Submissions};

impl Submissions<'_> {
    /// Accepts a submission to `drop`, as read. If it fills the drop, the drop `closes_at` this time: it goes
    /// to the ranking in the same transaction, or becomes due for it later. If the claim was for another
    /// agent than `agent`, it is reassigned to this one. Two write units, and two for each KB of compressed
    /// output; four more where the agent changes.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the agent has been deleted; faults.
    pub async fn accept(
        self,
        drop: &Drop,
        submission: &Submission,
        agent: AgentId,
        closes_at: Option<Timestamp>,
    ) -> Result<Conditional<Box<Drop>>, Error> {
        let submitted_at = format!("claims.{}.submitted_at", submission.worker);
        let mut tx = Tx::default();
        let update = stamp(tx.update(keys::drop(drop.id)), submission.submitted_at);
        update
            .require("status", "=", s(Status::Open.as_str()))
            .require("window_closes_at", ">", at(submission.submitted_at))
            .require_present(&format!("claims.{}", submission.worker))
            .require_absent(&submitted_at)
            // The number of submissions decides whether this one fills the drop, so it must still be true.
            .require("submissions_count", "=", n(drop.submissions_count()))
            .set(&submitted_at, at(submission.submitted_at))
            .add("submissions_count", 1);
        match closes_at {
            Some(closes_at) if closes_at > submission.submitted_at => {
                IndexEntry::Closing(closes_at).set(update, drop.id);
            }
            Some(_) => {
                update.set("status", s(Status::Ranking.as_str()));
                IndexEntry::Ranking(drop.pack).set(update, drop.id);
            }
            None => {}
        }
        if let Some(claim) = drop.claims.get(&submission.worker).filter(|claim| claim.agent != agent) {
            reassign(&mut tx, drop, &submission.worker, &Claim { agent, ..*claim })?;
        }
        let key = keys::output(drop.id, &submission.worker);
        tx.create(key.clone(), write_submission(&key, submission)?);
        self.table.transact(tx).await?.or_conflict(|refusals| changed(refusals, drop.id))
    }

    /// A worker's submission. One round trip, 1 read unit per 4 KB.
    pub async fn get(self, drop: DropId, worker: &UserId) -> Result<Option<Submission>, Error> {
        let item = self.table.get(keys::output(drop, worker)).await?;
        item.map(|item| read_submission(drop, item)).transpose()
    }

    /// The content of a worker's submission. One round trip, 1 read unit per 4 KB.
    pub async fn content(self, drop: DropId, worker: &UserId) -> Result<Option<Delivered>, Error> {
        self.table.get(keys::output(drop, worker)).await?.map(read_delivered).transpose()
    }
}
