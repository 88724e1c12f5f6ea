//! Device logins: each under the hash of its device code, and found by its user code.

use clorp_domain::login::{Pace, UserCode};
use clorp_domain::{DeviceHash, Error, Login, LoginDecision, StoredKey, UserId};
use jiff::Timestamp;

use crate::api_keys::{self, KeyConflict};
use crate::items::keys;
use crate::items::login::{
    APPROVED, DENIED, PENDING, REDEEMED, read_login, read_login_code, write_decision, write_login,
    write_login_code,
};
use crate::table::item::{at, n, s};
use crate::table::{Tx, Update};
use crate::{Conditional, Logins};

/// The reason why a login was not redeemed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedeemConflict {
    /// The user has the most keys that a user may have. The login is unchanged.
    TooManyKeys,
    /// The login cannot be redeemed, or was redeemed before.
    Gone,
}

impl Logins<'_> {
    /// Writes a login. A conflict means that its user code is that of another login which has not expired.
    /// Four write units.
    pub async fn create(self, login: &Login) -> Result<Conditional<()>, Error> {
        let (key, code) = (keys::login(&login.device), keys::login_code(&login.user_code));
        let mut tx = Tx::default();
        tx.create(key.clone(), write_login(&key, login)?);
        tx.update(code.clone())
            .require_absent_or("valid_until", "<=", at(login.created_at))
            .set_all(write_login_code(login)?);
        self.table.transact(tx).await?.or_conflict(|refusals| {
            if refusals.contains(&code) { Ok(()) } else { Err(refusals.unexpected("login")) }
        })
    }

    /// A login, for its program. One round trip, 1 read unit.
    pub async fn get(self, device: &DeviceHash) -> Result<Option<Login>, Error> {
        self.table.get(keys::login(device)).await?.map(read_login).transpose()
    }

    /// A login, for a user who has its code. Two round trips, 2 read units.
    pub async fn by_code(self, code: &UserCode) -> Result<Option<Login>, Error> {
        match self.device_of(code).await? {
            Some(device) => self.get(&device).await,
            None => Ok(None),
        }
    }

    async fn device_of(self, code: &UserCode) -> Result<Option<DeviceHash>, Error> {
        self.table.get(keys::login_code(code)).await?.map(read_login_code).transpose()
    }

    /// Records a user's decision about a login, if there is none and the login has not expired. A conflict
    /// gives the login as it is; `None` if there is none with this code. Two round trips, 1 read unit and 1
    /// write unit.
    pub async fn decide(
        self,
        code: &UserCode,
        user: &UserId,
        decision: &LoginDecision,
        now: Timestamp,
    ) -> Result<Conditional<Option<Box<Login>>>, Error> {
        let Some(device) = self.device_of(code).await? else { return Ok(Conditional::Conflict(None)) };
        let key = keys::login(&device);
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
            .set_all(write_decision(user, decision)?);
        self.table
            .update_if(key.clone(), update)
            .await?
            .or_conflict(|mut refusals| Ok(refusals.take(&key).map(read_login).transpose()?.map(Box::new)))
    }

    /// Records the pace of a program's polls, unless the program has polled since `login` was read. One write
    /// unit.
    pub async fn set_pace(self, login: &Login, pace: Pace) -> Result<(), Error> {
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
        self.table.update_if(keys::login(&login.device), update).await.map(|_| ())
    }

    /// Creates the key that a login leads to, if its owner has approved it, it has not expired and it has led
    /// to no key before, and unless its owner has `most` keys already. Eight write units.
    pub async fn redeem(
        self,
        login: &Login,
        key: &StoredKey,
        most: u32,
    ) -> Result<Conditional<RedeemConflict>, Error> {
        let login = keys::login(&login.device);
        let mut tx = Tx::default();
        tx.update(login.clone())
            .require("status", "=", s(APPROVED))
            .require("user_id", "=", s(key.owner.as_str()))
            .require("valid_until", ">", at(key.created_at))
            .set("status", s(REDEEMED));
        api_keys::create(&mut tx, key, most)?;
        self.table.transact(tx).await?.or_conflict(|refusals| {
            if refusals.contains(&login) {
                return Ok(RedeemConflict::Gone);
            }
            match api_keys::conflict(&refusals, key)? {
                KeyConflict::TooMany => Ok(RedeemConflict::TooManyKeys),
                KeyConflict::Exists => Err(Error::internal("the id of a login's key was drawn twice")),
            }
        })
    }
}
