//! Identifiers for the resources that a request creates.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use clorp_context::{new_ulid, ulid_at};
use clorp_domain::idempotency::derived_bits;
use clorp_domain::{EntryId, Fingerprint, IdempotencyKey, UserId};
use jiff::Timestamp;
use ulid::Ulid;

/// Source of the identifiers of everything that a handler creates.
///
/// A request without an `Idempotency-Key` gets random identifiers. A request with a key gets identifiers that
/// the caller, the key and the request determine. If the function dies before the response is stored, a retry
/// derives the same identifiers, and finds under them what the first run created.
#[derive(Clone, Debug)]
pub struct NewIds(Option<Derived>);

#[derive(Clone, Debug)]
struct Derived {
    request: Fingerprint,
    begun_at: Timestamp,
}

impl NewIds {
    /// The identifiers for the request with this fingerprint, which `caller` sent under `key`. The first run
    /// began at `begun_at`.
    pub(crate) fn derived(
        caller: &UserId,
        key: &IdempotencyKey,
        fingerprint: &Fingerprint,
        begun_at: Timestamp,
    ) -> Self {
        let parts = [caller.as_str(), &key.hash(), fingerprint.as_str()];
        Self(Some(Derived { request: Fingerprint::of(&parts.map(str::as_bytes)), begun_at }))
    }

    /// The identifier of one resource that this request creates at `now`. `what` names the resource within
    /// the request.
    pub fn ulid(&self, what: &str, now: Timestamp) -> Ulid {
        match &self.0 {
            None => new_ulid(now),
            Some(Derived { request, begun_at }) => {
                ulid_at(*begun_at, derived_bits(&[request.as_str().as_bytes(), what.as_bytes()]))
            }
        }
    }

    /// The identifier of a posting, derived as in [`NewIds::ulid`].
    pub fn entry(&self, what: &str, now: Timestamp) -> EntryId {
        EntryId::new(self.ulid(what, now))
    }

    /// Tells whether the request may be a retry, so that resources with its identifiers may already exist.
    pub const fn may_be_taken(&self) -> bool {
        self.0.is_some()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for NewIds {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or(Self(None)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(caller: &str, key: &str, body: &str, begun_at: i64) -> NewIds {
        let begun_at = Timestamp::from_millisecond(begun_at).unwrap();
        let fingerprint = Fingerprint::of(&[body.as_bytes()]);
        NewIds::derived(&caller.parse().unwrap(), &key.parse().unwrap(), &fingerprint, begun_at)
    }

    #[test]
    fn a_derived_id_depends_on_caller_key_request_name_and_start_but_not_on_the_time() {
        let now = Timestamp::from_millisecond(2_000_000_000_000).unwrap();
        let of = |caller, key, body, begun_at| ids(caller, key, body, begun_at).ulid("drop", now);
        let id = of("ada", "k", "{}", 1_000);
        assert_eq!(id, ids("ada", "k", "{}", 1_000).ulid("drop", Timestamp::UNIX_EPOCH));
        assert_eq!(id.timestamp_ms(), 1_000);
        let others = [
            of("bob", "k", "{}", 1_000),
            of("ada", "l", "{}", 1_000),
            of("ada", "k", "[]", 1_000),
            of("ada", "k", "{}", 1_001),
            ids("ada", "k", "{}", 1_000).ulid("payment", now),
        ];
        for (i, other) in others.iter().enumerate() {
            assert_ne!(id, *other, "{i}");
        }
    }

    #[test]
    fn every_id_is_random_without_a_key() {
        let (ids, now) = (NewIds(None), Timestamp::from_millisecond(5).unwrap());
        assert!(!ids.may_be_taken());
        assert_ne!(ids.ulid("drop", now), ids.ulid("drop", now));
        assert_eq!(ids.ulid("drop", now).timestamp_ms(), 5);
    }
}
