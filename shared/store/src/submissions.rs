//! Submissions: what was delivered, written once.

use clorp_domain::drops::Submission;
use clorp_domain::{AgentId, Attachment, Drop, DropId, Error, Status, SubmissionId, UserId};
use serde::{Deserialize, Serialize};

use crate::agents::reassign;
use crate::board::{IndexEntry, set_index_entry};
use crate::drops::changed_at;
use crate::item::{Item, at, decode, instant, keyed, n, s};
use crate::primary_key::{Key, OUTPUT};
use crate::tx::Tx;
use crate::uploads::{AttachmentItem, read_attachments, write_attachments};
use crate::{Store, Written};

#[derive(Debug, Serialize, Deserialize)]
struct OutputItem {
    #[serde(with = "crate::compressed")]
    output_text: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    output_attachments: Vec<AttachmentItem>,
    sha256: String,
    submitted_at: i64,
}

/// What a submission has in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delivered {
    /// The text.
    pub output_text: String,
    /// The files.
    pub output_attachments: Vec<Attachment>,
}

/// What the submission of an item has in it.
pub(crate) fn read_delivered(item: Item) -> Result<Delivered, Error> {
    let OutputItem { output_text, output_attachments, .. } = decode(item)?;
    Ok(Delivered { output_text, output_attachments: read_attachments(output_attachments)? })
}

/// The submission an item of `drop` holds.
pub(crate) fn read_submission(drop: DropId, item: Item) -> Result<Submission, Error> {
    let key = Key::of_item(&item).ok_or_else(|| Error::internal("submission without a key"))?;
    let worker: UserId = crate::item::parse("worker", key.sk.strip_prefix(OUTPUT).unwrap_or_default())?;
    let item: OutputItem = decode(item)?;
    Ok(Submission {
        id: SubmissionId::of(drop, &worker),
        drop,
        worker,
        submitted_at: instant("submitted_at", item.submitted_at)?,
        sha256: item.sha256,
        output_text: item.output_text,
        output_attachments: read_attachments(item.output_attachments)?,
    })
}

impl Store {
    /// Accepts a submission to `drop` as it was read. If it `fills` the drop, the drop goes to the ranking in the
    /// same transaction; if the claim was for another agent than `agent`, it is made one for this agent. Two write units,
    /// and two for each KB of output as it is packed; four more where the agent changes.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the agent was deleted in the meantime; faults.
    pub async fn submit(
        &self,
        drop: &Drop,
        submission: &Submission,
        agent: AgentId,
        fills: bool,
    ) -> Result<Written, Error> {
        let submitted_at = format!("claims.{}.submitted_at", submission.worker);
        let mut tx = Tx::default();
        let update = changed_at(tx.update(Key::drop(drop.id)), submission.submitted_at);
        update
            .require("status", "=", s(Status::Open.as_str()))
            .require("window_closes_at", ">", at(submission.submitted_at))
            .require_present(&format!("claims.{}", submission.worker))
            .require_absent(&submitted_at)
            // Whether this one is the last depends on how many there are, so that must still be true.
            .require("submissions_count", "=", n(drop.submissions_count()))
            .set(&submitted_at, at(submission.submitted_at))
            .add("submissions_count", 1);
        if fills {
            update.set("status", s(Status::Ranking.as_str()));
            set_index_entry(update, drop.id, IndexEntry::Ranking(drop.pack));
        }
        if drop.claims.get(&submission.worker).is_some_and(|claim| claim.agent != agent) {
            reassign(&mut tx, drop.id, &submission.worker, agent);
        }
        let item = OutputItem {
            output_text: submission.output_text.clone(),
            output_attachments: write_attachments(&submission.output_attachments),
            sha256: submission.sha256.clone(),
            submitted_at: submission.submitted_at.as_millisecond(),
        };
        let key = Key::output(drop.id, &submission.worker);
        let item = keyed(&key, &item)?;
        tx.create(key, item);
        self.write_drop(drop.id, tx).await
    }

    /// A worker's submission. One round trip, 1 read unit per 4 KB.
    ///
    /// # Errors
    /// Faults only.
    pub async fn submission(&self, drop: DropId, worker: &UserId) -> Result<Option<Submission>, Error> {
        let item = self.get(Key::output(drop, worker)).await?;
        item.map(|item| read_submission(drop, item)).transpose()
    }

    /// What a worker's submission has in it. One round trip, 1 read unit per 4 KB.
    ///
    /// # Errors
    /// Faults only.
    pub async fn delivered(&self, drop: DropId, worker: &UserId) -> Result<Option<Delivered>, Error> {
        self.get(Key::output(drop, worker)).await?.map(read_delivered).transpose()
    }
}
