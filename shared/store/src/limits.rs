//! Token buckets: how much of what somebody may still do.

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{ReturnValue, ReturnValuesOnConditionCheckFailure};
use clorp_domain::limits::Decision;
use clorp_domain::time::after_seconds;
use clorp_domain::{BucketKey, Error, RateLimit};
use jiff::Timestamp;

use crate::Store;
use crate::fault::fault;
use crate::item::{Item, at, instant, n};
use crate::primary_key::Key;
use crate::tx::Update;

const FULL_AT: &str = "full_at";
/// How often a bucket is asked that keeps changing.
const TRIES: usize = 6;
/// How long after it is full again a bucket is kept, in seconds. That only cleans up.
const KEPT_SECONDS: u32 = 60 * 60;

/// What a bucket did with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Whether it let the request through.
    pub decision: Decision,
    /// When the bucket is full again.
    pub full_at: Timestamp,
}

impl Store {
    /// Takes a request out of a bucket, if there is room. One round trip and one write unit, if `expected` (when
    /// the bucket is full again, as far as is known; `None`: is full) is on the right side of `now`; else two.
    ///
    /// This is the one write that waits for no decision, because it is what admits.
    ///
    /// # Errors
    /// Faults only.
    pub async fn take(
        &self,
        bucket: &BucketKey,
        limit: RateLimit,
        expected: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Taken, Error> {
        let mut known = expected;
        for _ in 0..TRIES {
            match self.try_take(Key::limit(bucket), limit, known, now).await? {
                Tried::Taken(full_at) => {
                    return Ok(Taken { decision: Decision::Granted { full_at }, full_at });
                }
                Tried::Found(full_at) => {
                    let decision = limit.admit(Some(full_at), now);
                    if matches!(decision, Decision::Refused { .. }) {
                        return Ok(Taken { decision, full_at });
                    }
                    known = Some(full_at);
                }
            }
        }
        Err(Error::unavailable("a rate limit kept changing between decision and write"))
    }

    async fn try_take(
        &self,
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
        let call = self
            .update_call(key, update)
            .return_values(ReturnValue::UpdatedNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match call.send().await {
            Ok(answer) => full_at(answer.attributes.as_ref()).map(Tried::Taken),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(failed)) => match failed.item() {
                    // It was expected to be there, and has been forgotten since.
                    None => Ok(Tried::Found(now)),
                    item => full_at(item).map(Tried::Found),
                },
                _ => Err(fault("take from a bucket", error)),
            },
        }
    }
}

enum Tried {
    Taken(Timestamp),
    Found(Timestamp),
}

fn full_at(item: Option<&Item>) -> Result<Timestamp, Error> {
    let millis = item.and_then(|item| item.get(FULL_AT)?.as_n().ok()?.parse().ok());
    instant(FULL_AT, millis.ok_or_else(|| Error::internal("a bucket without its instant"))?)
}
