//! Rate limits of callers, and the headers that report them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::{HeaderMap, HeaderValue};
use clorp_context::Context;
use clorp_domain::limits::{Decision, Remaining};
use clorp_domain::{BucketKey, Error, RateClass, RateLimit, UserId};
use jiff::Timestamp;

use crate::headers::{RATE_LIMIT, RATE_LIMIT_POLICY};

/// Limits that one instance remembers, at most.
const MAX_REMEMBERED: usize = 10_000;

/// The rate limits that one instance remembers: for each user and class, the time at which the whole quota is
/// available again.
///
/// A read must not cost a write, so the limit for class `read` lives in memory alone: each instance counts
/// for itself, and the gateway limits all instances together. The limits of the other classes live in the
/// table. For those, the remembered time is a guess at the table's, and a wrong guess costs a round trip.
#[derive(Clone, Debug, Default)]
pub(crate) struct RateLimiter(Arc<Mutex<HashMap<(UserId, RateClass), Timestamp>>>);

/// The rate limit that applies to one request.
#[derive(Clone, Debug)]
pub(crate) struct CallerLimit {
    user: UserId,
    class: RateClass,
    limit: RateLimit,
    limiter: RateLimiter,
}

impl RateLimiter {
    pub(crate) fn of(&self, user: UserId, class: RateClass, limit: RateLimit) -> CallerLimit {
        CallerLimit { user, class, limit, limiter: self.clone() }
    }

    fn get(&self, user: &UserId, class: RateClass) -> Option<Timestamp> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&(user.clone(), class)).copied()
    }

    fn set(&self, user: &UserId, class: RateClass, full_at: Timestamp, now: Timestamp) {
        let mut remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if remembered.len() >= MAX_REMEMBERED {
            // A limit that is not remembered counts as unused.
            remembered.retain(|_, full_at| *full_at > now);
        }
        if remembered.len() < MAX_REMEMBERED {
            remembered.insert((user.clone(), class), full_at);
        }
    }
}

impl CallerLimit {
    /// Counts a request against the limit.
    ///
    /// # Errors
    /// [`Error::RateLimited`]; faults.
    pub(crate) async fn take(&self, context: &Context) -> Result<(), Error> {
        let now = context.clock.now();
        let expected = self.limiter.get(&self.user, self.class);
        let (decision, full_at) = if self.class == RateClass::Read {
            let decision = self.limit.admit(expected, now);
            let full_at = match decision {
                Decision::Granted { full_at } => full_at,
                Decision::Refused { .. } => expected.unwrap_or(now),
            };
            (decision, full_at)
        } else {
            let bucket = BucketKey::User(self.user.clone(), self.class);
            let taken = context.store.rate_limits().take(&bucket, self.limit, expected, now).await?;
            (taken.decision, taken.full_at)
        };
        self.limiter.set(&self.user, self.class, full_at, now);
        match decision {
            Decision::Granted { .. } => Ok(()),
            Decision::Refused { retry_after_seconds } => Err(Error::RateLimited { retry_after_seconds }),
        }
    }

    /// Adds the headers that report the limit, as far as this instance knows it.
    pub(crate) fn label(&self, headers: &mut HeaderMap, now: Timestamp) {
        let full_at = self.limiter.get(&self.user, self.class).unwrap_or(now);
        let Remaining { requests, reset_seconds } = self.limit.remaining(full_at, now);
        let RateLimit { quota, window_seconds } = self.limit;
        for (name, text) in [
            (RATE_LIMIT_POLICY, format!("\"{}\";q={quota};w={window_seconds}", self.class)),
            (RATE_LIMIT, format!("\"{}\";r={requests};t={reset_seconds}", self.class)),
        ] {
            if let Ok(value) = HeaderValue::from_str(&text) {
                headers.insert(name, value);
            }
        }
    }
}
