//! Idempotency records: the request that a client's key stands for, the lease of the instance that carries it
//! out, and the stored response.

use clorp_domain::idempotency::{KEPT_SECONDS, LEASE_SECONDS};
use clorp_domain::time::after_seconds;
use clorp_domain::{Error, Fingerprint, IdempotencyKey, UserId};
use jiff::{SignedDuration, Timestamp};

use crate::items::idempotency_record::{
    ANSWER, Record, StoredResponse, read_record, write_answer, write_record,
};
use crate::items::keys;
use crate::table::item::{at, n, s};
use crate::table::{Commit, Key, Refusals, Update};
use crate::{Conditional, Idempotency};

/// The largest body of a response that can be stored, in bytes: an item ends at 400 KB.
pub const MAX_STORED_BYTES: usize = 380 * 1024;

/// The right to carry a request out, and the duty to say how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    key: Key,
    holder: String,
    /// The time at which the request was begun first: the same for everyone who carries it out.
    pub created_at: Timestamp,
}

/// The state of the request that a key came with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begin {
    /// The caller is to carry it out: nobody has begun it, or its former holder is gone without a response.
    Leased(Lease),
    /// It was carried out, with this response.
    Replay(StoredResponse),
    /// Another instance is carrying it out.
    InFlight,
    /// The key came with another request before.
    Reused,
}

impl Idempotency<'_> {
    /// Begins the request with this fingerprint under a caller's key. One round trip and one write unit, or
    /// one for each KB of a response that is stored; two round trips where a lapsed lease is taken over.
    pub async fn begin(
        self,
        caller: &UserId,
        key: &IdempotencyKey,
        fingerprint: &Fingerprint,
        now: Timestamp,
    ) -> Result<Begin, Error> {
        let key = keys::idempotency(caller, key);
        let holder = format!("{:032x}", clorp_random::random::<u128>());
        let outdated = now.saturating_sub(SignedDuration::from_secs(KEPT_SECONDS.into()));
        let outdated = outdated.unwrap_or(Timestamp::MIN);
        let mut update = Update::default();
        update
            .require_absent_or("created_at", "<=", at(outdated))
            .set_all(write_record(fingerprint, &holder, now, lease_end(now))?)
            .remove(ANSWER);
        let refusals = match self.table.update_if(key.clone(), update).await? {
            Commit::Applied => return Ok(Begin::Leased(Lease { key, holder, created_at: now })),
            Commit::Refused(refusals) => refusals,
        };
        let record = refuting(refusals, &key)?;
        let (before, created_at) = (record.holder.clone(), record.created_at);
        let lease = Lease { key, holder, created_at };
        match found(record, &lease, fingerprint, now) {
            Some(found) => Ok(found),
            None => self.take_over(lease, &before, fingerprint, now).await,
        }
    }

    /// Takes a request over from a holder whose lease has lapsed. The request keeps the time at which it was
    /// begun first.
    async fn take_over(
        self,
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
        match self.table.update_if(lease.key.clone(), update).await? {
            Commit::Applied => Ok(Begin::Leased(lease)),
            Commit::Refused(refusals) => {
                let record = refuting(refusals, &lease.key)?;
                // A lease that had lapsed a moment ago, and was not taken over here, was taken over by
                // another instance.
                Ok(found(record, &lease, fingerprint, now).unwrap_or(Begin::InFlight))
            }
        }
    }

    /// Stores the response to a request. A conflict means that the lease was taken over. One write unit for
    /// each KB.
    pub async fn finish(self, lease: &Lease, response: &StoredResponse) -> Result<Conditional<()>, Error> {
        let mut update = Update::default();
        update.require("holder", "=", s(&lease.holder)).set(ANSWER, write_answer(response)?);
        Ok(self.table.update_if(lease.key.clone(), update).await?.conditional())
    }

    /// Ends the lease without a response: a client that sends the request again takes it over at once, as the
    /// same request. A conflict means that the lease was taken over. One write unit.
    pub async fn release(self, lease: &Lease) -> Result<Conditional<()>, Error> {
        let mut update = Update::default();
        update.require("holder", "=", s(&lease.holder)).set("lease_expires_at", n(0));
        Ok(self.table.update_if(lease.key.clone(), update).await?.conditional())
    }
}

/// The state of the request by its record at `now`; `None` if the request may be taken over.
fn found(record: Record, lease: &Lease, fingerprint: &Fingerprint, now: Timestamp) -> Option<Begin> {
    if record.fingerprint != fingerprint.as_str() {
        Some(Begin::Reused)
    } else if let Some(answer) = record.answer {
        Some(Begin::Replay(answer))
    } else if record.holder == lease.holder {
        // The write was made, and its answer lost.
        Some(Begin::Leased(Lease { created_at: record.created_at, ..lease.clone() }))
    } else {
        (record.lease_expires_at > now).then_some(Begin::InFlight)
    }
}

fn lease_end(now: Timestamp) -> Timestamp {
    after_seconds(now, LEASE_SECONDS)
}

/// The record that refused a write.
fn refuting(mut refusals: Refusals, key: &Key) -> Result<Record, Error> {
    match refusals.take(key) {
        Some(item) => read_record(item),
        // It expired between two writes; the same request begins from scratch.
        None => Err(Error::unavailable("the idempotency record is gone")),
    }
}
