//! Rate limits: token buckets, one for each user and class, and one for each address.

use clorp_deadline::{Decision, decide};
use clorp_domain::limits;
use clorp_domain::time::after_seconds;
use clorp_domain::{BucketKey, Error, RateLimit};
use jiff::Timestamp;

use crate::RateLimits;
use crate::items::keys;
use crate::items::rate_limit::{FULL_AT, read_full_at};
use crate::table::item::{at, n};
use crate::table::{Key, Update, Updated};

/// Seconds for which a bucket is kept after it is full again. That only cleans up.
const KEPT_SECONDS: u32 = 60 * 60;

/// The outcome of taking a request from a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The decision: the request is let through, or refused.
    pub decision: limits::Decision,
    /// The time at which the bucket is full again.
    pub full_at: Timestamp,
}

impl RateLimits<'_> {
    /// Takes a request from a bucket, if there is room. One round trip and one write unit if `expected` (the
    /// time at which the bucket is full again, as far as the caller knows; `None`: it is full) is on the
    /// right side of `now`; else two.
    ///
    /// This is the one write that waits for no rate limit, because it is what asks it.
    pub async fn take(
        self,
        bucket: &BucketKey,
        limit: RateLimit,
        expected: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Taken, Error> {
        decide("a rate limit", expected, |known| async move {
            Ok(match self.try_take(keys::rate_limit(bucket), limit, known, now).await? {
                Tried::Taken(full_at) => {
                    Decision::Made(Taken { decision: limits::Decision::Granted { full_at }, full_at })
                }
                Tried::Found(full_at) => match limit.admit(Some(full_at), now) {
                    limits::Decision::Granted { .. } => Decision::Conflict(Some(full_at)),
                    decision @ limits::Decision::Refused { .. } => {
                        Decision::Made(Taken { decision, full_at })
                    }
                },
            })
        })
        .await
    }

    async fn try_take(
        self,
        key: Key,
        limit: RateLimit,
        known: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Tried, Error> {
        let cost = i64::try_from(limit.cost().as_millis()).unwrap_or(i64::MAX);
        let mut update = Update::default();
        if known.is_some_and(|full_at| full_at > now) {
            let most = limit.horizon(now).as_millisecond() - cost;
            update.require(FULL_AT, ">", at(now)).require(FULL_AT, "<=", n(most)).add(FULL_AT, cost);
        } else {
            let after = now.as_millisecond() + cost;
            update.require_absent_or(FULL_AT, "<=", at(now)).set(FULL_AT, n(after));
        }
        let forgotten = after_seconds(limit.horizon(now), KEPT_SECONDS);
        update.set("expires_at", n(forgotten.as_second()));
        match self.table.update_ungated(key, update).await? {
            Updated::Applied(attributes) => read_full_at(&attributes).map(Tried::Taken),
            Updated::Refused(Some(item)) => read_full_at(&item).map(Tried::Found),
            // The bucket was expected to exist, and has been removed since.
            Updated::Refused(None) => Ok(Tried::Found(now)),
        }
    }
}

/// The outcome of one try.
enum Tried {
    /// The request was taken; the bucket is full again at this time.
    Taken(Timestamp),
    /// Nothing was taken; the bucket is full again at this time.
    Found(Timestamp),
}
