//! A submission.

use clorp_domain::drops::Submission;
use clorp_domain::{Attachment, DropId, Error, SubmissionId, UserId};
use serde::{Deserialize, Serialize};

use crate::items::attachment::{AttachmentItem, read_attachments, write_attachments};
use crate::items::keys::OUTPUT;
use crate::table::item::{decode, instant, key_of, keyed, parse};
use crate::table::{Item, Key};

#[derive(Debug, Serialize, Deserialize)]
struct OutputItem {
    #[serde(with = "crate::table::compressed")]
    output_text: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    output_attachments: Vec<AttachmentItem>,
    sha256: String,
    submitted_at: i64,
}

/// The content of a submission.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delivered {
    /// The text.
    pub output_text: String,
    /// The files.
    pub output_attachments: Vec<Attachment>,
}

pub(crate) fn write_submission(key: &Key, submission: &Submission) -> Result<Item, Error> {
    let item = OutputItem {
        output_text: submission.output_text.clone(),
        output_attachments: write_attachments(&submission.output_attachments),
        sha256: submission.sha256.clone(),
        submitted_at: submission.submitted_at.as_millisecond(),
    };
    keyed(key, &item)
}

/// The content of an item's submission.
pub(crate) fn read_delivered(item: Item) -> Result<Delivered, Error> {
    let OutputItem { output_text, output_attachments, .. } = decode(item)?;
    Ok(Delivered { output_text, output_attachments: read_attachments(output_attachments)? })
}

/// The submission of an item of `drop`.
pub(crate) fn read_submission(drop: DropId, item: Item) -> Result<Submission, Error> {
    let key = key_of(&item)?;
    let worker: UserId = parse("worker", key.sk.strip_prefix(OUTPUT).unwrap_or_default())?;
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
