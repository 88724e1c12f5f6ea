//! Idempotency records: which request a caller's key stands for, who is carrying it out, and what was answered.

use clorp_domain::idempotency::{KEPT_SECONDS, LEASE_SECONDS};
use clorp_domain::time::after_seconds;
use clorp_domain::{Error, Fingerprint, IdempotencyKey, UserId};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::Store;
use crate::item::{Item, at, decode, encode, instant, n, s};
use crate::primary_key::Key;
use crate::tx::{TxError, Update};

/// The largest body of an answer that can be kept: an item ends at 400 KB.
pub const MAX_STORED_BYTES: usize = 380 * 1024;

const ANSWER: &str = "answer";

#[derive(Debug, Serialize, Deserialize)]
struct RecordItem {
    fingerprint: String,
    holder: String,
    created_at: i64,
    lease_expires_at: i64,
    // In seconds, as the table's expiry wants it. That only cleans up: it may come days late.
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

/// An answer as it is kept. The table does not look into it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredResponse {
    /// HTTP status.
    pub status: u16,
    /// What the body is, if it says.
    pub content_type: Option<String>,
    /// The body, at most [`MAX_STORED_BYTES`].
    pub body: String,
}

/// The right to carry a request out, and the duty to say how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    key: Key,
    holder: String,
    /// When the request was begun first: the same for everyone who carries it out.
    pub created_at: Timestamp,
}

/// What has become of the request that a key came with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begin {
    /// It is the caller's to carry out: nobody has begun it, or who did is gone without an answer.
    Leased(Lease),
    /// This was the answer.
    Replay(StoredResponse),
    /// Somebody is carrying it out.
    InFlight,
    /// The key came with another request.
    Reused,
}

impl RecordItem {
    /// What a caller finds in this record at `now`; `None` if the request may be taken over.
    fn found(
        self,
        key: &Key,
        fingerprint: &Fingerprint,
        mine: &str,
        now: Timestamp,
    ) -> Result<Option<Begin>, Error> {
        if self.fingerprint != fingerprint.as_str() {
            return Ok(Some(Begin::Reused));
        }
        if let Some(answer) = self.answer {
            let AnswerItem { status, content_type, body } = answer;
            return Ok(Some(Begin::Replay(StoredResponse { status, content_type, body })));
        }
        if self.holder == mine {
            // The write was made, and its answer lost.
            let created_at = instant("created_at", self.created_at)?;
            return Ok(Some(Begin::Leased(Lease { key: key.clone(), holder: self.holder, created_at })));
        }
        let lapsed = instant("lease_expires_at", self.lease_expires_at)? <= now;
        Ok(if lapsed { None } else { Some(Begin::InFlight) })
    }
}

impl Store {
    /// Begins the request with this fingerprint under a caller's key. One round trip and one write unit, or one for
    /// each KB of an answer that is there; two round trips where a lapsed request is taken over.
    ///
    /// # Errors
    /// Faults only.
    pub async fn begin(
        &self,
        caller: &UserId,
        key: &IdempotencyKey,
        fingerprint: &Fingerprint,
        now: Timestamp,
    ) -> Result<Begin, Error> {
        let key = Key::idempotency(caller, key);
        let holder = format!("{:032x}", rand::random::<u128>());
        let record = RecordItem {
            fingerprint: fingerprint.as_str().to_owned(),
            holder: holder.clone(),
            created_at: now.as_millisecond(),
            lease_expires_at: lease_end(now).as_millisecond(),
            // Rounded up to whole seconds.
            expires_at: after_seconds(now, KEPT_SECONDS + 1).as_second(),
            answer: None,
        };
        let outdated = now.saturating_sub(SignedDuration::from_secs(KEPT_SECONDS.into()));
        let outdated = outdated.unwrap_or(Timestamp::MIN);
        let mut update = Update::default();
        update.require_absent_or("created_at", "<=", at(outdated)).set_all(encode(&record)?).remove(ANSWER);
        let Err(refused) = self.update_if(key.clone(), update).await else {
            return Ok(Begin::Leased(Lease { key, holder, created_at: now }));
        };
        let there: RecordItem = decode(refuting(&key, refused)?)?;
        let (before, created_at) = (there.holder.clone(), instant("created_at", there.created_at)?);
        match there.found(&key, fingerprint, &holder, now)? {
            Some(found) => Ok(found),
            None => self.take_over(Lease { key, holder, created_at }, &before, fingerprint, now).await,
        }
    }

    /// Takes a request over from a holder whose lease has lapsed. It keeps the time at which it was begun first.
    async fn take_over(
        &self,
        lease: Lease,
        before: &str,
        fingerprint: &Fingerprint,
        now: Timestamp,
    ) -> Result<Begin, Error> {
        let mut update = Update::default();
        update
            .require("holder", "=", s(before))
            .require("lease_expires_at", "<=", at(now))
            .require_absent(ANSWER)
            .set("holder", s(&lease.holder))
            .set("lease_expires_at", at(lease_end(now)));
        let Err(refused) = self.update_if(lease.key.clone(), update).await else {
            return Ok(Begin::Leased(lease));
        };
        let there: RecordItem = decode(refuting(&lease.key, refused)?)?;
        let found = there.found(&lease.key, fingerprint, &lease.holder, now)?;
        // What could be taken over a moment ago and was not taken by us was taken by somebody else.
        Ok(found.unwrap_or(Begin::InFlight))
    }

    /// Keeps the answer to a request, if it is still this lease's: `false` if somebody has taken it over. One write
    /// unit for each KB.
    ///
    /// # Errors
    /// Faults only.
    pub async fn finish(&self, lease: &Lease, answer: &StoredResponse) -> Result<bool, Error> {
        let StoredResponse { status, content_type, body } = answer.clone();
        let item = encode(&AnswerItem { status, content_type, body })?;
        let mut update = Update::default();
        update.require("holder", "=", s(&lease.holder));
        update.set(ANSWER, aws_sdk_dynamodb::types::AttributeValue::M(item));
        self.end_lease(lease, update).await
    }

    /// Lets go of a request without an answer, if it is still this lease's: who sends it again takes it over at
    /// once, and as the same request. One write unit.
    ///
    /// # Errors
    /// Faults only.
    pub async fn release(&self, lease: &Lease) -> Result<bool, Error> {
        let mut update = Update::default();
        update.require("holder", "=", s(&lease.holder)).set("lease_expires_at", n(0));
        self.end_lease(lease, update).await
    }

    async fn end_lease(&self, lease: &Lease, update: Update) -> Result<bool, Error> {
        match self.update_if(lease.key.clone(), update).await {
            Ok(()) => Ok(true),
            Err(TxError::Refused(_)) => Ok(false),
            Err(TxError::Fault(error)) => Err(error),
        }
    }
}

fn lease_end(now: Timestamp) -> Timestamp {
    after_seconds(now, LEASE_SECONDS)
}

/// The record that refused a write.
fn refuting(key: &Key, error: TxError) -> Result<Item, Error> {
    match error {
        TxError::Fault(error) => Err(error),
        TxError::Refused(mut refused) => match refused.remove(key).flatten() {
            Some(item) => Ok(item),
            // It expired between two writes; the same request begins anew.
            None => Err(Error::unavailable("the idempotency record is gone")),
        },
    }
}
