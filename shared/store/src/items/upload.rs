//! An upload: a file that its owner has announced.

use clorp_domain::{Error, Upload, UploadId};
use serde::{Deserialize, Serialize};

use crate::items::attachment::{FileItem, read_file, write_file};
use crate::items::keys::UPLOAD;
use crate::table::item::{decode, encode, instant, parse};
use crate::table::{Item, Key};

#[derive(Debug, Serialize, Deserialize)]
struct UploadItem {
    #[serde(flatten)]
    file: FileItem,
    created_at: i64,
    // In seconds, for the table's expiry.
    expires_at: i64,
}

/// The attributes of an upload.
pub(crate) fn write_upload(upload: &Upload) -> Result<Item, Error> {
    encode(&UploadItem {
        file: write_file(&upload.file),
        created_at: upload.created_at.as_millisecond(),
        expires_at: upload.expires_at.as_second(),
    })
}

/// The upload of the item at `key`.
pub(crate) fn read_upload(key: &Key, item: Item) -> Result<(UploadId, Upload), Error> {
    let id = parse("upload", key.sk.strip_prefix(UPLOAD).unwrap_or_default())?;
    let item: UploadItem = decode(item)?;
    let upload = Upload {
        created_at: instant("created_at", item.created_at)?,
        expires_at: instant("expires_at", item.expires_at.saturating_mul(1000))?,
        file: read_file(id, item.file)?,
    };
    Ok((id, upload))
}
