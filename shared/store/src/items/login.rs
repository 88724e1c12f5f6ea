//! A device login, and the item that finds it by its user code.

use clorp_domain::login::Pace;
use clorp_domain::time::after_seconds;
use clorp_domain::{
    Cents, DeviceHash, Error, KeyTerms, Login, LoginDecision, LoginStatus, Rights, SpendPolicy, UserId,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::items::keys::LOGIN;
use crate::items::rights::{read_rights, write_rights};
use crate::table::item::{decode, encode, instant, instant_if_any, keyed, parse, text};
use crate::table::{Item, Key, PK};

/// Seconds for which a login is kept after it has expired, so that its program learns what happened.
const KEPT_SECONDS: u32 = 60 * 60;

pub(crate) const PENDING: &str = "pending";
pub(crate) const APPROVED: &str = "approved";
pub(crate) const DENIED: &str = "denied";
pub(crate) const REDEEMED: &str = "redeemed";

#[derive(Debug, Serialize, Deserialize)]
struct LoginItem {
    user_code: String,
    name: String,
    // A login from before keys had rights has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    asked_rights: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    asked_from: Option<String>,
    created_at: i64,
    valid_until: i64,
    // In seconds, for the table's expiry. It only cleans up, and may be days late.
    expires_at: i64,
    status: String,
    #[serde(flatten)]
    decision: DecisionItem,
    interval_seconds: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    polled_at: Option<i64>,
}

/// The user who has decided, and the terms of the key.
#[derive(Debug, Default, Serialize, Deserialize)]
struct DecisionItem {
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_valid_until: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    per_drop_cents: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    per_day_cents: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rights: Option<Vec<String>>,
}

#[derive(Debug, Serialize, Deserialize)]
struct LoginCodeItem {
    device_hash: String,
    valid_until: i64,
    expires_at: i64,
}

impl DecisionItem {
    fn terms(&self) -> Result<KeyTerms, Error> {
        Ok(KeyTerms {
            expires_at: instant_if_any("key_valid_until", self.key_valid_until)?,
            policy: SpendPolicy {
                per_drop: self.per_drop_cents.map(Cents::new),
                per_day: self.per_day_cents.map(Cents::new),
            },
            rights: self.rights.as_deref().map(read_rights),
        })
    }
}

/// The item of a new login.
pub(crate) fn write_login(key: &Key, login: &Login) -> Result<Item, Error> {
    let item = LoginItem {
        user_code: login.user_code.letters().to_owned(),
        name: login.name.clone(),
        asked_rights: Some(write_rights(login.asked)),
        asked_from: login.asked_from.clone(),
        created_at: login.created_at.as_millisecond(),
        valid_until: login.expires_at.as_millisecond(),
        expires_at: expiry(login),
        status: PENDING.to_owned(),
        decision: DecisionItem::default(),
        interval_seconds: login.pace.interval_seconds,
        polled_at: None,
    };
    keyed(key, &item)
}

/// The attributes of the item that finds a login by its user code.
pub(crate) fn write_login_code(login: &Login) -> Result<Item, Error> {
    encode(&LoginCodeItem {
        device_hash: login.device.as_str().to_owned(),
        valid_until: login.expires_at.as_millisecond(),
        expires_at: expiry(login),
    })
}

/// The attributes of a decision, except the login's status.
pub(crate) fn write_decision(user: &UserId, decision: &LoginDecision) -> Result<Item, Error> {
    let terms = match decision {
        LoginDecision::Approve(terms) => terms.clone(),
        LoginDecision::Deny => KeyTerms::default(),
    };
    encode(&DecisionItem {
        user_id: Some(user.to_string()),
        key_valid_until: terms.expires_at.map(Timestamp::as_millisecond),
        per_drop_cents: terms.policy.per_drop.map(Cents::get),
        per_day_cents: terms.policy.per_day.map(Cents::get),
        rights: terms.rights.map(write_rights),
    })
}

/// The login of an item.
pub(crate) fn read_login(item: Item) -> Result<Login, Error> {
    let device = text(&item, PK).and_then(|pk| pk.strip_prefix(LOGIN)?.parse().ok());
    let item: LoginItem = decode(item)?;
    let user = || parse("user_id", item.decision.user_id.as_deref().unwrap_or_default());
    let status = match item.status.as_str() {
        PENDING => LoginStatus::Pending,
        APPROVED => LoginStatus::Approved(user()?, item.decision.terms()?),
        DENIED => LoginStatus::Denied(user()?),
        REDEEMED => LoginStatus::Redeemed(user()?, item.decision.terms()?),
        _ => return Err(Error::internal("stored login with an unknown status")),
    };
    Ok(Login {
        device: device.ok_or_else(|| Error::internal("login item without a device code's hash"))?,
        // Not quoted in the error: it is a secret for as long as the login is pending.
        user_code: item.user_code.parse().map_err(|_| Error::internal("stored user code cannot be read"))?,
        name: item.name,
        asked: item.asked_rights.as_deref().map_or(Rights::OF_A_PROGRAM, read_rights),
        asked_from: item.asked_from,
        created_at: instant("created_at", item.created_at)?,
        expires_at: instant("valid_until", item.valid_until)?,
        status,
        pace: Pace {
            polled_at: instant_if_any("polled_at", item.polled_at)?,
            interval_seconds: item.interval_seconds,
        },
    })
}

/// The login that a user code finds.
pub(crate) fn read_login_code(item: Item) -> Result<DeviceHash, Error> {
    parse("device_hash", &decode::<LoginCodeItem>(item)?.device_hash)
}

fn expiry(login: &Login) -> i64 {
    after_seconds(login.expires_at, KEPT_SECONDS).as_second()
}
