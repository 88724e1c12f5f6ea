//! Uploads: the files that a user has announced, until they expire. And how a file is written where it is attached.

use std::collections::BTreeMap;

use clorp_domain::attachments::sha256_from_hex;
use clorp_domain::{Attachment, Error, Upload, UploadId, UserId};
use serde::{Deserialize, Serialize};

use crate::Store;
use crate::batch::Freshness;
use crate::item::{Item, decode, encode, instant, parse};
use crate::primary_key::{Key, UPLOAD};
use crate::tx::{TxError, Update};

/// A file, beside its id or with it.
#[derive(Debug, Serialize, Deserialize)]
struct FileItem {
    filename: String,
    content_type: String,
    size_bytes: u64,
    sha256: String,
}

/// A file where it is attached.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AttachmentItem {
    upload_id: String,
    #[serde(flatten)]
    file: FileItem,
}

#[derive(Debug, Serialize, Deserialize)]
struct UploadItem {
    #[serde(flatten)]
    file: FileItem,
    created_at: i64,
    /// In seconds, as DynamoDB wants it of what it is to remove.
    expires_at: i64,
}

fn write_file(file: &Attachment) -> FileItem {
    FileItem {
        filename: file.filename.clone(),
        content_type: file.content_type.clone(),
        size_bytes: file.size_bytes,
        sha256: file.sha256_hex(),
    }
}

fn read_file(id: UploadId, item: FileItem) -> Result<Attachment, Error> {
    let sha256 = sha256_from_hex(&item.sha256);
    Ok(Attachment {
        id,
        filename: item.filename,
        content_type: item.content_type,
        size_bytes: item.size_bytes,
        sha256: sha256.ok_or_else(|| Error::internal("stored sha256 is none"))?,
    })
}

pub(crate) fn write_attachments(files: &[Attachment]) -> Vec<AttachmentItem> {
    let item = |file: &Attachment| AttachmentItem { upload_id: file.id.to_string(), file: write_file(file) };
    files.iter().map(item).collect()
}

pub(crate) fn read_attachments(items: Vec<AttachmentItem>) -> Result<Vec<Attachment>, Error> {
    items.into_iter().map(|item| read_file(parse("upload_id", &item.upload_id)?, item.file)).collect()
}

fn read_upload(id: UploadId, item: Item) -> Result<Upload, Error> {
    let item: UploadItem = decode(item)?;
    Ok(Upload {
        created_at: instant("created_at", item.created_at)?,
        expires_at: instant("expires_at", item.expires_at.saturating_mul(1000))?,
        file: read_file(id, item.file)?,
    })
}

impl Store {
    /// Records an upload. One that is there already was announced by an earlier try of the same request, and is left as
    /// it is. One write unit.
    ///
    /// # Errors
    /// Faults only.
    pub async fn create_upload(&self, owner: &UserId, upload: &Upload) -> Result<(), Error> {
        let item = UploadItem {
            file: write_file(&upload.file),
            created_at: upload.created_at.as_millisecond(),
            expires_at: upload.expires_at.as_second(),
        };
        let mut update = Update::default();
        update.set_all(encode(&item)?).require_new();
        match self.update_if(Key::upload(owner, upload.file.id), update).await {
            Ok(()) | Err(TxError::Refused(_)) => Ok(()),
            Err(TxError::Fault(error)) => Err(error),
        }
    }

    /// Those of these uploads that are there and `owner`'s. One round trip, none for no ids, 1 read unit each.
    ///
    /// # Errors
    /// Faults only.
    pub async fn uploads(
        &self,
        owner: &UserId,
        ids: impl Iterator<Item = UploadId>,
    ) -> Result<BTreeMap<UploadId, Upload>, Error> {
        let keys: Vec<Key> = ids.map(|id| Key::upload(owner, id)).collect();
        let found = self.get_all(keys, Freshness::Strong).await?;
        let read = |(key, item): (Key, Item)| {
            let id = parse("upload", key.sk.strip_prefix(UPLOAD).unwrap_or_default())?;
            Ok((id, read_upload(id, item)?))
        };
        found.into_iter().map(read).collect()
    }
}
