//! Rate limits of callers and of client addresses, and the headers that report them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use clorp_context::Context;
use clorp_domain::limits::{Decision, Remaining};
use clorp_domain::{BucketKey, Error, RateClass, RateLimit, Rules};
use clorp_store::Draw;
use jiff::Timestamp;

use crate::auth::Caller;
use crate::headers::{RATE_LIMIT, RATE_LIMIT_POLICY};
use crate::policy::{Policies, Policy};
use crate::problem::Problem;
use crate::source::SourceAddress;

/// Buckets that one instance remembers, at most.
const MAX_REMEMBERED: usize = 10_000;

/// The buckets that one instance remembers: for each, the time at which the whole quota is available again.
///
/// A read must not cost a write, so the limits of reads live in memory alone: each instance counts for
/// itself, and the gateway limits all instances together. So do those of submissions: each claim, which takes
/// from a limit in the table, admits one, and the others only read. The other limits live in the table. For
/// those, the remembered time is a guess at the table's, and a wrong guess costs a round trip.
#[derive(Clone, Debug, Default)]
pub(crate) struct RateLimiter(Arc<Mutex<HashMap<BucketKey, Timestamp>>>);

/// The rate limit that applies to one request.
#[derive(Clone, Debug)]
pub(crate) struct RequestLimit {
    /// The buckets that the request is taken from, with their capacities.
    buckets: Vec<(BucketKey, RateLimit)>,
    /// True if the buckets live in this instance's memory alone.
    in_memory: bool,
    limiter: RateLimiter,
}

impl RateLimiter {
    /// The limit of a caller for a class: of their own sessions together, or of one program and, above that,
    /// of all programs.
    pub(crate) fn for_caller(&self, caller: &Caller, class: RateClass, rules: &Rules) -> RequestLimit {
        let (user, rate) = (caller.id.clone(), rules.rate(class));
        let buckets = match caller.program() {
            None => vec![(BucketKey::Sessions(user, class), rate)],
            Some(program) => vec![
                (BucketKey::Program(user.clone(), class, program), rate),
                (BucketKey::Programs(user, class), rules.programs_rate(class)),
            ],
        };
        let in_memory = matches!(class, RateClass::Read | RateClass::Submit);
        RequestLimit { buckets, in_memory, limiter: self.clone() }
    }

    /// The limit of a public request; `None` if the client's address is not known.
    fn for_address(&self, source: SourceAddress, rules: &Rules) -> Option<RequestLimit> {
        let bucket = BucketKey::public(source.0?);
        let buckets = vec![(bucket, rules.public_rate)];
        Some(RequestLimit { buckets, in_memory: true, limiter: self.clone() })
    }

    pub(crate) fn forget(&self) {
        self.remembered().clear();
    }

    fn get(&self, bucket: &BucketKey) -> Option<Timestamp> {
        self.remembered().get(bucket).copied()
    }

    fn set(&self, bucket: &BucketKey, full_at: Timestamp, now: Timestamp) {
        remember(&mut self.remembered(), bucket, full_at, now);
    }

    fn remembered(&self) -> MutexGuard<'_, HashMap<BucketKey, Timestamp>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a request from all of the buckets in memory, or from none of them. Returns the seconds until a
    /// refused request would be let through.
    fn take(&self, buckets: &[(BucketKey, RateLimit)], now: Timestamp) -> Option<u32> {
        let mut remembered = self.remembered();
        let (mut granted, mut refused) = (Vec::new(), None);
        for (bucket, limit) in buckets {
            match limit.admit(remembered.get(bucket).copied(), now) {
                Decision::Granted { full_at } => granted.push((bucket, full_at)),
                Decision::Refused { retry_after_seconds } => refused = refused.max(Some(retry_after_seconds)),
            }
        }
        if refused.is_none() {
            for (bucket, full_at) in granted {
                remember(&mut remembered, bucket, full_at, now);
            }
        }
        refused
    }
}

fn remember(
    remembered: &mut HashMap<BucketKey, Timestamp>,
    bucket: &BucketKey,
    full_at: Timestamp,
    now: Timestamp,
) {
    if remembered.len() >= MAX_REMEMBERED {
        // A bucket that is not remembered counts as full.
        remembered.retain(|_, full_at| *full_at > now);
    }
    if remembered.len() < MAX_REMEMBERED {
        remembered.insert(bucket.clone(), full_at);
    }
}

impl RequestLimit {
    /// Counts a request against the limit.
    ///
    /// # Errors
    /// [`Error::RateLimited`]; faults.
    pub(crate) async fn take(&self, context: &Context) -> Result<(), Error> {
        let now = context.clock.now();
        let retry_after_seconds = if self.in_memory {
            self.limiter.take(&self.buckets, now)
        } else {
            self.take_from_table(context, now).await?
        };
        match retry_after_seconds {
            None => Ok(()),
            Some(retry_after_seconds) => Err(Error::RateLimited { retry_after_seconds }),
        }
    }

    async fn take_from_table(&self, context: &Context, now: Timestamp) -> Result<Option<u32>, Error> {
        let draws = self.buckets.iter().map(|(bucket, limit)| Draw {
            bucket: bucket.clone(),
            limit: *limit,
            expected: self.limiter.get(bucket),
        });
        let draws: Vec<Draw> = draws.collect();
        let taken = context.store.rate_limits().take(&draws, now).await?;
        for (draw, full_at) in draws.iter().zip(taken.full_at) {
            self.limiter.set(&draw.bucket, full_at, now);
        }
        Ok(taken.retry_after_seconds)
    }

    /// Adds the headers that report the limit, as far as this instance knows it: the bucket with the fewest
    /// requests left, by its name.
    pub(crate) fn label(&self, headers: &mut HeaderMap, now: Timestamp) {
        let states = self.buckets.iter().map(|(bucket, limit)| {
            let full_at = self.limiter.get(bucket).unwrap_or(now);
            (bucket.name(), *limit, limit.remaining(full_at, now))
        });
        let Some((name, limit, remaining)) = states.min_by_key(|(_, _, remaining)| remaining.requests) else {
            return;
        };
        set_limit_headers(headers, &name, limit, remaining);
    }
}

/// Adds the headers that name a rate limit and say what is left of it.
pub(crate) fn set_limit_headers(headers: &mut HeaderMap, name: &str, limit: RateLimit, remaining: Remaining) {
    let RateLimit { quota, window_seconds } = limit;
    for (header, text) in [
        (RATE_LIMIT_POLICY, format!("\"{name}\";q={quota};w={window_seconds}")),
        (RATE_LIMIT, format!("\"{name}\";r={};t={}", remaining.requests, remaining.reset_seconds)),
    ] {
        if let Ok(value) = HeaderValue::from_str(&text) {
            headers.insert(header, value);
        }
    }
}

/// The layer that limits public requests by client address, for the routes of one function.
#[derive(Clone, Debug)]
pub(crate) struct AddressLayer {
    context: Context,
    policies: Arc<Policies>,
    limiter: RateLimiter,
}

impl AddressLayer {
    /// The layer for routes with these policies.
    pub(crate) fn new(context: Context, policies: Arc<Policies>) -> Self {
        Self { context, policies, limiter: RateLimiter::default() }
    }
}

/// Passes a request on, unless it is a public one and its address has sent too many. Only a refusal has the
/// headers that report the limit: caches share the other responses between clients.
pub(crate) async fn limit_addresses(
    State(layer): State<AddressLayer>,
    request: Request,
    next: Next,
) -> Response {
    let limit = match layer.policies.get(&request) {
        Policy::Public => {
            layer.limiter.for_address(SourceAddress::of(request.extensions()), &layer.context.rules)
        }
        Policy::Open | Policy::Caller(..) => None,
    };
    let Some(limit) = limit else { return next.run(request).await };
    match limit.take(&layer.context).await {
        Ok(()) => next.run(request).await,
        Err(error) => {
            let mut response = Problem::from(error).into_response();
            limit.label(response.headers_mut(), layer.context.clock.now());
            response
        }
    }
}
