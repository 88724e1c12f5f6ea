//! Rate limits: token buckets, for the credentials of a user by class, and for each address.

use clorp_deadline::{Decision, decide};
use clorp_domain::limits;
use clorp_domain::time::after_seconds;
use clorp_domain::{BucketKey, Error, RateLimit};
use jiff::Timestamp;

use crate::RateLimits;
use crate::items::keys;
use crate::items::rate_limit::{attribute, programs, read_full_at};
use crate::table::item::{at, n};
use crate::table::{Item, Key, Update, Updated};

/// Seconds for which a bucket is kept after it is full again. That only cleans up.
const KEPT_SECONDS: u32 = 60 * 60;
/// Programs whose buckets an item holds before the full ones are removed from it. So many fit into one write
/// unit.
const MAX_PROGRAMS: usize = 24;

/// A bucket that a request is to be taken from.
#[derive(Clone, Debug)]
pub struct Draw {
    /// The bucket.
    pub bucket: BucketKey,
    /// Capacity of the bucket.
    pub limit: RateLimit,
    /// The time at which the bucket is full again, as far as the caller knows; `None`: it is full.
    pub expected: Option<Timestamp>,
}

/// The outcome of taking a request from its buckets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Seconds until the request would be let through; `None` if it was let through.
    pub retry_after_seconds: Option<u32>,
    /// The time at which each bucket is full again, in the order of the draws.
    pub full_at: Vec<Timestamp>,
}

impl RateLimits<'_> {
    /// Takes a request from all of its buckets, which share one item, or from none of them. One round trip
    /// and one write unit if each `expected` is on the right side of `now`; else two.
    ///
    /// This is the one write that waits for no rate limit, because it is what asks it.
    pub async fn take(self, draws: &[Draw], now: Timestamp) -> Result<Taken, Error> {
        let expected: Vec<_> = draws.iter().map(|draw| draw.expected).collect();
        decide("a rate limit", expected, |known| async move {
            Ok(match self.try_take(draws, &known, now).await? {
                Tried::Taken(full_at) => Decision::Made(Taken { retry_after_seconds: None, full_at }),
                Tried::Found(full_at) => match refusal(draws, &full_at, now) {
                    None => Decision::Conflict(full_at.into_iter().map(Some).collect()),
                    retry_after_seconds => Decision::Made(Taken { retry_after_seconds, full_at }),
                },
            })
        })
        .await
    }

    async fn try_take(
        self,
        draws: &[Draw],
        known: &[Option<Timestamp>],
        now: Timestamp,
    ) -> Result<Tried, Error> {
        let key = item_of(draws)?;
        let (mut update, mut horizon) = (Update::default(), now);
        for (Draw { bucket, limit, .. }, known) in draws.iter().zip(known) {
            take_from(&mut update, &attribute(bucket), *limit, *known, now);
            horizon = horizon.max(limit.horizon(now));
        }
        update.set("expires_at", n(after_seconds(horizon, KEPT_SECONDS).as_second()));
        let full_at = |item: &Item| -> Result<Vec<Timestamp>, Error> {
            draws
                .iter()
                .map(|draw| Ok(read_full_at(item, &attribute(&draw.bucket))?.unwrap_or(now)))
                .collect()
        };
        match self.table.update_ungated(key.clone(), update).await? {
            Updated::Applied(item) => {
                self.remove_full(key, &item, now).await?;
                full_at(&item).map(Tried::Taken)
            }
            Updated::Refused(Some(item)) => full_at(&item).map(Tried::Found),
            // The buckets were expected to exist, and have been removed since.
            Updated::Refused(None) => Ok(Tried::Found(vec![now; draws.len()])),
        }
    }

    /// Removes the full buckets of programs if an item holds too many. A full bucket and none are the same.
    async fn remove_full(self, key: Key, item: &Item, now: Timestamp) -> Result<(), Error> {
        let programs = programs(item);
        if programs.len() <= MAX_PROGRAMS {
            return Ok(());
        }
        let full = programs.into_iter().filter(|(_, full_at)| *full_at <= now.as_millisecond());
        let full: Vec<_> = full.map(|(name, _)| name).take(MAX_PROGRAMS).collect();
        if full.is_empty() {
            return Ok(());
        }
        let mut update = Update::default();
        for name in full {
            update.require(name, "<=", at(now)).remove(name);
        }
        // A program has used its bucket in the meantime: a later request tries again.
        self.table.update_ungated(key, update).await.map(|_| ())
    }
}

/// The item of the buckets.
fn item_of(draws: &[Draw]) -> Result<Key, Error> {
    let mut items = draws.iter().map(|draw| keys::rate_limit(&draw.bucket));
    let first = items.next().ok_or_else(|| Error::internal("a rate limit without a bucket"))?;
    if items.all(|item| item == first) { Ok(first) } else { Err(Error::internal("buckets of two items")) }
}

/// Seconds until all buckets let a request through; `None` if they do now.
fn refusal(draws: &[Draw], full_at: &[Timestamp], now: Timestamp) -> Option<u32> {
    let decisions = draws.iter().zip(full_at).map(|(draw, full_at)| draw.limit.admit(Some(*full_at), now));
    decisions
        .filter_map(|decision| match decision {
            limits::Decision::Granted { .. } => None,
            limits::Decision::Refused { retry_after_seconds } => Some(retry_after_seconds),
        })
        .max()
}

/// Takes a request from the bucket in one attribute, on condition that there is room.
fn take_from(update: &mut Update, name: &str, limit: RateLimit, known: Option<Timestamp>, now: Timestamp) {
    let cost = i64::try_from(limit.cost().as_millis()).unwrap_or(i64::MAX);
    if known.is_some_and(|full_at| full_at > now) {
        let most = limit.horizon(now).as_millisecond() - cost;
        update.require(name, ">", at(now)).require(name, "<=", n(most)).add(name, cost);
    } else {
        let after = now.as_millisecond() + cost;
        update.require_absent_or(name, "<=", at(now)).set(name, n(after));
    }
}

/// The outcome of one try.
enum Tried {
    /// The request was taken; the buckets are full again at these times.
    Taken(Vec<Timestamp>),
    /// Nothing was taken; the buckets are full again at these times.
    Found(Vec<Timestamp>),
}
