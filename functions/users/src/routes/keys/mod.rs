//! API keys, and what is shown of one.

pub(crate) mod create;
pub(crate) mod list;
pub(crate) mod revoke;

use clorp_domain::api_key::{checked_expiry, checked_limit};
use clorp_domain::spend::Day;
use clorp_domain::time::rfc3339;
use clorp_domain::{Cents, FieldError, KeyTerms, SpendPolicy, StoredKey};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a key may spend on drops. A key with a limit may neither move money otherwise nor make keys, so that it cannot
/// get around it.
#[derive(Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SpendPolicy)]
pub(crate) struct PolicyBody {
    /// Most that one drop may cost, in cents; `null` is no limit.
    #[schema(minimum = 0, example = 500)]
    per_drop_cents: Option<i64>,
    /// Most that all drops of one day (UTC) may cost, in cents; `null` is no limit. A refund does not count back.
    #[schema(minimum = 0, example = 2000)]
    per_day_cents: Option<i64>,
}

/// What a key is to be allowed, checked.
pub(crate) fn checked_terms(
    expires_at: Option<&str>,
    policy: Option<&PolicyBody>,
    now: Timestamp,
) -> Result<KeyTerms, FieldError> {
    let limit = |of: fn(&PolicyBody) -> Option<i64>, field| checked_limit(field, policy.and_then(of));
    Ok(KeyTerms {
        policy: SpendPolicy {
            per_drop: limit(|policy| policy.per_drop_cents, "/spend_policy/per_drop_cents")?,
            per_day: limit(|policy| policy.per_day_cents, "/spend_policy/per_day_cents")?,
        },
        expires_at: checked_expiry(expires_at, now)?,
    })
}

/// An API key, without its secret.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ApiKey)]
pub(crate) struct KeyBody {
    /// Opaque.
    id: String,
    /// What you call it.
    name: String,
    /// How it begins.
    #[schema(example = "clorp_4fJ9xQ")]
    prefix: String,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it was last used, or up to an hour before that; `null` if never.
    #[schema(format = DateTime)]
    last_used_at: Option<String>,
    /// From when on it is refused; `null` if never.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    /// What it may spend.
    spend_policy: PolicyBody,
    /// What it has spent today (UTC), in cents; counted only under a limit by the day.
    spent_today_cents: i64,
}

impl KeyBody {
    /// The key as its owner sees it at `now`.
    pub(crate) fn of(key: StoredKey, now: Timestamp) -> Self {
        let SpendPolicy { per_drop, per_day } = key.policy;
        Self {
            id: key.id.to_string(),
            name: key.name,
            prefix: key.prefix,
            created_at: rfc3339(key.created_at),
            last_used_at: key.last_used_at.map(rfc3339),
            expires_at: key.expires_at.map(rfc3339),
            spend_policy: PolicyBody {
                per_drop_cents: per_drop.map(Cents::get),
                per_day_cents: per_day.map(Cents::get),
            },
            spent_today_cents: key.spent.on(Day::of(now)).get(),
        }
    }
}
