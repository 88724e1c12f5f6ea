//! Names of the headers that more than one module uses.

use axum::http::HeaderName;

/// Request: the key under which a POST is carried out once.
pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Response: present on a response that is replayed from the store.
pub(crate) const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// Request: the last event that a reader of an event stream has received.
pub(crate) const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Response: requests that are left (draft-ietf-httpapi-ratelimit-headers).
pub(crate) const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
/// Response: the quota and its window (draft-ietf-httpapi-ratelimit-headers).
pub(crate) const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
/// Response: the id under which the request is logged.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Response: the cursor of a list's next page.
pub(crate) const NEXT_CURSOR: HeaderName = HeaderName::from_static("x-next-cursor");
