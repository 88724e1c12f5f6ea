//! The record of a request under a client's idempotency key.

use aws_sdk_dynamodb::types::AttributeValue;
use clorp_domain::idempotency::KEPT_SECONDS;
use clorp_domain::time::after_seconds;
use clorp_domain::{Error, Fingerprint};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::table::Item;
use crate::table::item::{decode, encode, instant};

/// The attribute of the stored response.
pub(crate) const ANSWER: &str = "answer";

#[derive(Debug, Serialize, Deserialize)]
struct RecordItem {
    fingerprint: String,
    holder: String,
    created_at: i64,
    lease_expires_at: i64,
    // In seconds, for the table's expiry. It only cleans up, and may be days late.
    expires_at: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<AnswerItem>,
}

#[derive(Debug, Serialize, Deserialize)]
struct AnswerItem {
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_type: Option<String>,
    body: String,
}

/// A stored response. The store does not interpret it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredResponse {
    /// The HTTP status.
    pub status: u16,
    /// The body's media type, if the response named one.
    pub content_type: Option<String>,
    /// The body, at most [`MAX_STORED_BYTES`](crate::MAX_STORED_BYTES).
    pub body: String,
}

/// A record as it is read.
pub(crate) struct Record {
    pub fingerprint: String,
    pub holder: String,
    pub created_at: Timestamp,
    pub lease_expires_at: Timestamp,
    pub answer: Option<StoredResponse>,
}

/// The attributes of a record that begins at `now`.
pub(crate) fn write_record(
    fingerprint: &Fingerprint,
    holder: &str,
    now: Timestamp,
    lease_expires_at: Timestamp,
) -> Result<Item, Error> {
    encode(&RecordItem {
        fingerprint: fingerprint.as_str().to_owned(),
        holder: holder.to_owned(),
        created_at: now.as_millisecond(),
        lease_expires_at: lease_expires_at.as_millisecond(),
        // Rounded up to whole seconds.
        expires_at: after_seconds(now, KEPT_SECONDS + 1).as_second(),
        answer: None,
    })
}

pub(crate) fn read_record(item: Item) -> Result<Record, Error> {
    let item: RecordItem = decode(item)?;
    Ok(Record {
        fingerprint: item.fingerprint,
        holder: item.holder,
        created_at: instant("created_at", item.created_at)?,
        lease_expires_at: instant("lease_expires_at", item.lease_expires_at)?,
        answer: item.answer.map(|AnswerItem { status, content_type, body }| StoredResponse {
            status,
            content_type,
            body,
        }),
    })
}

/// The attribute [`ANSWER`].
pub(crate) fn write_answer(response: &StoredResponse) -> Result<AttributeValue, Error> {
    let StoredResponse { status, content_type, body } = response.clone();
    encode(&AnswerItem { status, content_type, body }).map(AttributeValue::M)
}
