//! Rate limits: how much a caller may still do, and how they are told.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use clorp_context::Context;
use clorp_domain::limits::{Decision, Remaining};
use clorp_domain::{BucketKey, Error, RateClass, RateLimit, UserId};
use jiff::Timestamp;

/// The header that says how large the bucket is (draft-ietf-httpapi-ratelimit-headers).
pub(crate) const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
/// The header that says what is left in it.
pub(crate) const LIMIT: HeaderName = HeaderName::from_static("ratelimit");
/// RateLimiter that one instance remembers.
const MAX_REMEMBERED: usize = 10_000;

/// What an instance remembers of buckets: when each is full again.
///
/// Reading changes nothing and is not to cost a write, so the buckets for it are here alone and each instance has its
/// own; what all instances together answer is limited by the gateway. Of the other buckets, which are in the table, this
/// is only what to expect there: a wrong expectation costs a round trip.
#[derive(Clone, Debug, Default)]
pub(crate) struct RateLimiter(Arc<Mutex<HashMap<(UserId, RateClass), Timestamp>>>);

/// A bucket that a request is taken out of.
#[derive(Clone, Debug)]
pub(crate) struct CallerLimit {
    user: UserId,
    class: RateClass,
    limit: RateLimit,
    buckets: RateLimiter,
}

impl RateLimiter {
    pub(crate) fn of(&self, user: UserId, class: RateClass, limit: RateLimit) -> CallerLimit {
        CallerLimit { user, class, limit, buckets: self.clone() }
    }

    fn get(&self, user: &UserId, class: RateClass) -> Option<Timestamp> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&(user.clone(), class)).copied()
    }

    fn set(&self, user: &UserId, class: RateClass, full_at: Timestamp, now: Timestamp) {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MAX_REMEMBERED {
            // A full bucket is what is assumed of one that is not remembered.
            buckets.retain(|_, full_at| *full_at > now);
        }
        if buckets.len() < MAX_REMEMBERED {
            buckets.insert((user.clone(), class), full_at);
        }
    }
}

impl CallerLimit {
    /// Takes a request out.
    ///
    /// # Errors
    /// [`Error::RateLimited`]; faults.
    pub(crate) async fn take(&self, context: &Context) -> Result<(), Error> {
        let now = context.clock.now();
        let expected = self.buckets.get(&self.user, self.class);
        let (decision, full_at) = if self.class == RateClass::Read {
            let decision = self.limit.admit(expected, now);
            let full_at = match decision {
                Decision::Granted { full_at } => full_at,
                Decision::Refused { .. } => expected.unwrap_or(now),
            };
            (decision, full_at)
        } else {
            let bucket = BucketKey::User(self.user.clone(), self.class);
            let taken = context.store.take(&bucket, self.limit, expected, now).await?;
            (taken.decision, taken.full_at)
        };
        self.buckets.set(&self.user, self.class, full_at, now);
        match decision {
            Decision::Granted { .. } => Ok(()),
            Decision::Refused { retry_after_seconds } => Err(Error::RateLimited { retry_after_seconds }),
        }
    }

    /// Says on an answer what is left, as far as this instance knows.
    pub(crate) fn label(&self, headers: &mut HeaderMap, now: Timestamp) {
        let full_at = self.buckets.get(&self.user, self.class).unwrap_or(now);
        let Remaining { requests, reset_seconds } = self.limit.remaining(full_at, now);
        let RateLimit { quota, window_seconds } = self.limit;
        for (name, text) in [
            (POLICY, format!("\"{}\";q={quota};w={window_seconds}", self.class)),
            (LIMIT, format!("\"{}\";r={requests};t={reset_seconds}", self.class)),
        ] {
            if let Ok(value) = HeaderValue::from_str(&text) {
                headers.insert(name, value);
            }
        }
    }
}
