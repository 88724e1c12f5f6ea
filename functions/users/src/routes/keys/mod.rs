//! API keys: the endpoints, one per file, and the wire format of a key.

pub(crate) mod create;
pub(crate) mod list;
pub(crate) mod revoke;

use clorp_domain::api_key::{checked_expiry, checked_limit};
use clorp_domain::rights::{check_limits_hold, checked_rights};
use clorp_domain::spend::Day;
use clorp_domain::time::rfc3339;
use clorp_domain::{Cents, Error, FieldError, KeyTerms, Right, Rights, SpendPolicy, StoredKey};
use clorp_http::Caller;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Limits on what an API key may spend on drops. A key with a limit cannot have the right `keys`, and has
/// `cards` and `payouts` only if its creator names them.
#[derive(Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SpendPolicy)]
pub(crate) struct PolicyBody {
    /// Maximum price of one drop, in cents; `null` for no limit.
    #[schema(minimum = 0, example = 500)]
    per_drop_cents: Option<i64>,
    /// Maximum total price of the drops of one day (UTC), in cents; `null` for no limit. A refund does not
    /// restore the limit.
    #[schema(minimum = 0, example = 2000)]
    per_day_cents: Option<i64>,
}

/// Parses the terms of a new key.
pub(crate) fn parse_terms(
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
        rights: None,
    })
}

/// Parses the rights that a request names for a new key. The caller must have all of them.
pub(crate) fn parse_rights(
    words: Option<&[String]>,
    policy: &SpendPolicy,
    caller: &Caller,
) -> Result<Option<Rights>, Error> {
    let rights = checked_rights(words)?;
    for right in rights.iter().flat_map(|rights| rights.iter()) {
        caller.require(right)?;
    }
    check_limits_hold(rights.unwrap_or_default(), policy)?;
    Ok(rights)
}

/// The rights of a new key for which a request names none: the default, as far as the caller has it.
pub(crate) fn default_rights(policy: &SpendPolicy, caller: &Caller) -> Result<Rights, Error> {
    let rights = Rights::default_for(policy).and(caller.rights());
    if rights.is_empty() { Err(Error::KeyLacksRight { right: Right::Read }) } else { Ok(rights) }
}

/// An API key, without its secret.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ApiKey)]
pub(crate) struct KeyBody {
    /// Identifier of the key.
    id: String,
    /// Name of the key.
    name: String,
    /// First characters of the secret, to recognize the key.
    #[schema(example = "clorp_4fJ9xQ")]
    prefix: String,
    /// Time at which the key was created (RFC 3339, UTC).
    #[schema(format = DateTime)]
    created_at: String,
    /// Time of the last use, accurate to one hour (RFC 3339, UTC); `null` if the key was never used.
    #[schema(format = DateTime)]
    last_used_at: Option<String>,
    /// Time at which the key expires (RFC 3339, UTC); `null` if never.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    /// Rights of the key: `read`, `work`, `spend`, `cards`, `keys` and `payouts`, or some of them.
    #[schema(example = json!(["read", "work", "spend", "cards"]))]
    rights: Vec<&'static str>,
    /// Limits on what the key may spend.
    spend_policy: PolicyBody,
    /// Amount that the key has spent today (UTC), in cents. Counted only for a key with a limit per day.
    spent_today_cents: i64,
}

impl KeyBody {
    /// The key, as its owner sees it at `now`.
    pub(crate) fn of(key: StoredKey, now: Timestamp) -> Self {
        let SpendPolicy { per_drop, per_day } = key.policy;
        Self {
            id: key.id.to_string(),
            name: key.name,
            prefix: key.prefix,
            created_at: rfc3339(key.created_at),
            last_used_at: key.last_used_at.map(rfc3339),
            expires_at: key.expires_at.map(rfc3339),
            rights: key.rights.iter().map(Right::as_str).collect(),
            spend_policy: PolicyBody {
                per_drop_cents: per_drop.map(Cents::get),
                per_day_cents: per_day.map(Cents::get),
            },
            spent_today_cents: key.spent.on(Day::of(now)).get(),
        }
    }
}
