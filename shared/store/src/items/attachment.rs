//! A file's description: in an upload, and where the file is attached.

use clorp_domain::attachments::sha256_from_hex;
use clorp_domain::{Attachment, Error, UploadId};
use serde::{Deserialize, Serialize};

use crate::table::item::parse;

/// A file without its id.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct FileItem {
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

pub(crate) fn write_file(file: &Attachment) -> FileItem {
    FileItem {
        filename: file.filename.clone(),
        content_type: file.content_type.clone(),
        size_bytes: file.size_bytes,
        sha256: file.sha256_hex(),
    }
}

pub(crate) fn read_file(id: UploadId, item: FileItem) -> Result<Attachment, Error> {
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
