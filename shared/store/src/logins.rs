//! Logins of programs: what became of each, under the hash of its device code, and where to find it by its user code.

use clorp_domain::login::{Pace, UserCode};
use clorp_domain::time::after_seconds;
use clorp_domain::{
    Cents, DeviceHash, Error, KeyTerms, Login, LoginDecision, LoginStatus, SpendPolicy, StoredKey, UserId,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Store;
use crate::api_keys::{KeyCreated, key_refused, put_key};
use crate::item::{Item, at, decode, encode, instant, keyed, n, parse, s};
use crate::primary_key::{Key, LOGIN, PK};
use crate::tx::{Tx, TxError, Update};

/// How long after its time a login is kept, in seconds, so that its program is told what happened.
const KEPT_SECONDS: u32 = 60 * 60;

const PENDING: &str = "pending";
const APPROVED: &str = "approved";
const DENIED: &str = "denied";
const REDEEMED: &str = "redeemed";

#[derive(Debug, Serialize, Deserialize)]
struct LoginItem {
    user_code: String,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    asked_from: Option<String>,
    created_at: i64,
    valid_until: i64,
    // In seconds, as the table's expiry wants it. That only cleans up: it may come days late.
    expires_at: i64,
    status: String,
    #[serde(flatten)]
    decision: DecisionItem,
    interval_seconds: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    polled_at: Option<i64>,
}

/// Who has decided, and on what terms.
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
}

/// Which login a user code means.
#[derive(Debug, Serialize, Deserialize)]
struct LoginCodeItem {
    device_hash: String,
    valid_until: i64,
    expires_at: i64,
}

impl DecisionItem {
    fn of(user: &UserId, decision: &LoginDecision) -> Self {
        let terms = match decision {
            LoginDecision::Approve(terms) => terms.clone(),
            LoginDecision::Deny => KeyTerms::default(),
        };
        Self {
            user_id: Some(user.to_string()),
            key_valid_until: terms.expires_at.map(Timestamp::as_millisecond),
            per_drop_cents: terms.policy.per_drop.map(Cents::get),
            per_day_cents: terms.policy.per_day.map(Cents::get),
        }
    }

    fn terms(&self) -> Result<KeyTerms, Error> {
        let expires_at = self.key_valid_until.map(|millis| instant("key_valid_until", millis));
        Ok(KeyTerms {
            expires_at: expires_at.transpose()?,
            policy: SpendPolicy {
                per_drop: self.per_drop_cents.map(Cents::new),
                per_day: self.per_day_cents.map(Cents::new),
            },
        })
    }
}

fn write_login(login: &Login) -> LoginItem {
    LoginItem {
        user_code: login.user_code.letters().to_owned(),
        name: login.name.clone(),
        asked_from: login.asked_from.clone(),
        created_at: login.created_at.as_millisecond(),
        valid_until: login.expires_at.as_millisecond(),
        expires_at: after_seconds(login.expires_at, KEPT_SECONDS).as_second(),
        status: PENDING.to_owned(),
        decision: DecisionItem::default(),
        interval_seconds: login.pace.interval_seconds,
        polled_at: None,
    }
}

fn read_login(item: Item) -> Result<Login, Error> {
    let device = item.get(PK).and_then(|pk| pk.as_s().ok()?.strip_prefix(LOGIN)?.parse().ok());
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
        user_code: item.user_code.parse().map_err(|_| Error::internal("stored user code cannot be read"))?,
        name: item.name,
        asked_from: item.asked_from,
        created_at: instant("created_at", item.created_at)?,
        expires_at: instant("valid_until", item.valid_until)?,
        status,
        pace: Pace {
            polled_at: item.polled_at.map(|millis| instant("polled_at", millis)).transpose()?,
            interval_seconds: item.interval_seconds,
        },
    })
}

/// How the redeeming of a login ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Redeemed {
    /// The key is there, and the login leads to no other.
    Done,
    /// The login is as it was: the user has as many keys as they may.
    TooManyKeys,
    /// It is not to be redeemed, or not any more.
    Gone,
}

impl Store {
    /// Records a login; `false` if its user code is that of another one whose time is not over. Four write units.
    ///
    /// # Errors
    /// Faults only.
    pub async fn create_login(&self, login: &Login) -> Result<bool, Error> {
        let (key, code) = (Key::login(&login.device), Key::login_code(&login.user_code));
        let item = write_login(login);
        let by_code = LoginCodeItem {
            device_hash: login.device.as_str().to_owned(),
            valid_until: item.valid_until,
            expires_at: item.expires_at,
        };
        let mut tx = Tx::default();
        tx.create(key.clone(), keyed(&key, &item)?);
        tx.update(code.clone())
            .require_absent_or("valid_until", "<=", at(login.created_at))
            .set_all(encode(&by_code)?);
        match self.transact(tx).await {
            Ok(()) => Ok(true),
            Err(TxError::Fault(error)) => Err(error),
            Err(TxError::Refused(refused)) if refused.contains_key(&code) => Ok(false),
            Err(TxError::Refused(_)) => Err(Error::internal("a device code was drawn twice")),
        }
    }

    /// A login, for its program. One round trip, 1 read unit.
    ///
    /// # Errors
    /// Faults only.
    pub async fn login(&self, device: &DeviceHash) -> Result<Option<Login>, Error> {
        self.get(Key::login(device)).await?.map(read_login).transpose()
    }

    /// A login, for who knows its user code. Two round trips, 2 read units.
    ///
    /// # Errors
    /// Faults only.
    pub async fn login_by_code(&self, code: &UserCode) -> Result<Option<Login>, Error> {
        match self.device_of(code).await? {
            Some(device) => self.login(&device).await,
            None => Ok(None),
        }
    }

    async fn device_of(&self, code: &UserCode) -> Result<Option<DeviceHash>, Error> {
        let item = self.get(Key::login_code(code)).await?;
        item.map(|item| parse("device_hash", &decode::<LoginCodeItem>(item)?.device_hash)).transpose()
    }

    /// Records what a user has decided about a login, if nobody has before and its time is not over. Else gives the
    /// login as it is; `None` if there is none with this code. Two round trips, 1 read unit and 1 write unit.
    ///
    /// # Errors
    /// Faults only.
    pub async fn decide_login(
        &self,
        code: &UserCode,
        user: &UserId,
        decision: &LoginDecision,
        now: Timestamp,
    ) -> Result<Decided, Error> {
        let Some(device) = self.device_of(code).await? else { return Ok(Decided::Missing) };
        let key = Key::login(&device);
        let status = match decision {
            LoginDecision::Approve(_) => APPROVED,
            LoginDecision::Deny => DENIED,
        };
        let mut update = Update::default();
        update
            .require("user_code", "=", s(code.letters()))
            .require("status", "=", s(PENDING))
            .require("valid_until", ">", at(now))
            .set("status", s(status))
            .set_all(encode(&DecisionItem::of(user, decision))?);
        match self.update_if(key.clone(), update).await {
            Ok(()) => Ok(Decided::Done),
            Err(TxError::Fault(error)) => Err(error),
            Err(TxError::Refused(mut refused)) => match refused.remove(&key).flatten() {
                Some(item) => Ok(Decided::Not(Box::new(read_login(item)?))),
                None => Ok(Decided::Missing),
            },
        }
    }

    /// Records how a program polls, unless the same program has polled since `login` was read. One write unit.
    ///
    /// # Errors
    /// Faults only.
    pub async fn set_pace(&self, login: &Login, pace: Pace) -> Result<(), Error> {
        let mut update = Update::default();
        update.require("interval_seconds", "=", n(login.pace.interval_seconds));
        match login.pace.polled_at {
            None => update.require_absent("polled_at"),
            Some(polled_at) => update.require("polled_at", "=", at(polled_at)),
        };
        update.set("interval_seconds", n(pace.interval_seconds));
        if let Some(polled_at) = pace.polled_at {
            update.set("polled_at", at(polled_at));
        }
        match self.update_if(Key::login(&login.device), update).await {
            Ok(()) | Err(TxError::Refused(_)) => Ok(()),
            Err(TxError::Fault(error)) => Err(error),
        }
    }

    /// Makes the key that a login leads to, if its owner has approved it, its time is not over and it has led to none
    /// before, and unless its owner has `most` already. Eight write units.
    ///
    /// # Errors
    /// Faults only.
    pub async fn redeem_login(&self, login: &Login, key: &StoredKey, most: u32) -> Result<Redeemed, Error> {
        let login = Key::login(&login.device);
        let mut tx = Tx::default();
        tx.update(login.clone())
            .require("status", "=", s(APPROVED))
            .require("user_id", "=", s(key.owner.as_str()))
            .require("valid_until", ">", at(key.created_at))
            .set("status", s(REDEEMED));
        put_key(&mut tx, key, most)?;
        match self.transact(tx).await {
            Ok(()) => Ok(Redeemed::Done),
            Err(TxError::Fault(error)) => Err(error),
            Err(TxError::Refused(refused)) if refused.contains_key(&login) => Ok(Redeemed::Gone),
            Err(TxError::Refused(refused)) => match key_refused(key, &refused)? {
                KeyCreated::TooMany => Ok(Redeemed::TooManyKeys),
                KeyCreated::Done | KeyCreated::Already => {
                    Err(Error::internal("the id of a login's key was drawn twice"))
                }
            },
        }
    }
}

/// How the recording of a decision ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decided {
    /// It stands.
    Done,
    /// It does not, because the login is like this.
    Not(Box<Login>),
    /// There is no login with this code.
    Missing,
}
