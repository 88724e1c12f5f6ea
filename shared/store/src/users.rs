//! Users.

use clorp_domain::user::StripeIds;
use clorp_domain::{AutoTopup, Cents, ConnectStatus, Error, User, UserId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Store;
use crate::item::{Item, decode, encode, flag, instant, n, parse, s};
use crate::primary_key::{Key, PK, user_of_pk};
use crate::tx::{TxError, Update};

// What Stripe and the owner may add later is absent on a new user, and on those made before it existed.
#[derive(Debug, Default, Serialize, Deserialize)]
struct UserItem {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    avatar_url: Option<String>,
    balance_cents: i64,
    created_at: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    stripe_customer_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_method_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stripe_account_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stripe_account_status: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auto_topup_enabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auto_topup_amount_cents: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auto_topup_threshold_cents: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auto_topup_in_flight: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auto_topup_failures: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auto_topup_last_failure: Option<String>,
}

/// The user an item holds.
pub(crate) fn read_user(item: Item) -> Result<User, Error> {
    let id = item.get(PK).and_then(|pk| user_of_pk(pk.as_s().ok()?));
    let id = id.ok_or_else(|| Error::internal("user item without a user's key"))?;
    let item: UserItem = decode(item)?;
    let account_status = item.stripe_account_status.map(|status| parse("stripe_account_status", &status));
    let in_flight = item.auto_topup_in_flight.map(|id| parse("auto_topup_in_flight", &id));
    Ok(User {
        id,
        name: item.name,
        avatar_url: item.avatar_url,
        balance: Cents::new(item.balance_cents),
        created_at: instant("created_at", item.created_at)?,
        stripe: StripeIds {
            customer: item.stripe_customer_id,
            payment_method: item.payment_method_id,
            account: item.stripe_account_id,
            account_status: account_status.transpose()?.unwrap_or_default(),
        },
        auto_topup: AutoTopup {
            enabled: item.auto_topup_enabled.unwrap_or_default(),
            amount: Cents::new(item.auto_topup_amount_cents.unwrap_or_default()),
            threshold: Cents::new(item.auto_topup_threshold_cents.unwrap_or_default()),
            in_flight: in_flight.transpose()?,
            failures: item.auto_topup_failures.unwrap_or_default(),
            last_failure: item.auto_topup_last_failure,
        },
    })
}

/// How a conditional change of a user ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// It was made.
    Done,
    /// It was not, because what is there rules it out.
    Refused,
}

impl Store {
    /// Makes an account with an empty wallet; `false` if there is one with this id already. One write unit.
    ///
    /// # Errors
    /// Faults only.
    pub async fn create_user(&self, user: &User) -> Result<bool, Error> {
        let item = UserItem {
            name: user.name.clone(),
            avatar_url: user.avatar_url.clone(),
            created_at: user.created_at.as_millisecond(),
            ..UserItem::default()
        };
        let mut update = Update::default();
        update.set_all(encode(&item)?).require_new();
        Ok(self.change_user(&user.id, update).await? == Recorded::Done)
    }

    async fn change_user(&self, id: &UserId, update: Update) -> Result<Recorded, Error> {
        match self.update_if(Key::user(id), update).await {
            Ok(()) => Ok(Recorded::Done),
            Err(TxError::Refused(_)) => Ok(Recorded::Refused),
            Err(TxError::Fault(error)) => Err(error),
        }
    }

    /// A user. One round trip, 1 read unit.
    ///
    /// # Errors
    /// Faults only.
    pub async fn user(&self, id: &UserId) -> Result<Option<User>, Error> {
        self.get(Key::user(id)).await?.map(read_user).transpose()
    }

    /// Records who pays a user's top-ups at Stripe; refused if that is somebody else already. One write unit.
    ///
    /// # Errors
    /// Faults only.
    pub async fn set_customer(&self, id: &UserId, customer: &str) -> Result<Recorded, Error> {
        let mut update = Update::default();
        update
            .require_existing()
            .require_absent_or("stripe_customer_id", "=", s(customer))
            .set("stripe_customer_id", s(customer));
        self.change_user(id, update).await
    }

    /// Records what Stripe said of a user's account at `seen_at`; refused if the user has another account, or if
    /// something later is known. Stripe tells the time in seconds, so of two reports of one second the one that lets
    /// the user withdraw stays. One write unit.
    ///
    /// # Errors
    /// Faults only.
    pub async fn set_account(
        &self,
        id: &UserId,
        account: &str,
        status: ConnectStatus,
        seen_at: Timestamp,
    ) -> Result<Recorded, Error> {
        let rank = seen_at.as_second() * 2 + i64::from(status == ConnectStatus::Active);
        let mut update = Update::default();
        update
            .require_existing()
            .require_absent_or("stripe_account_id", "=", s(account))
            .require_absent_or("stripe_account_seen", "<=", n(rank))
            .set("stripe_account_id", s(account))
            .set("stripe_account_status", s(status.as_str()))
            .set("stripe_account_seen", n(rank));
        self.change_user(id, update).await
    }

    /// Sets when a user's wallet tops itself up, which was `before`. Refused if that has changed, or for want of a saved
    /// payment method, without which nothing is enabled. Refusals so far are forgotten. One write unit.
    ///
    /// # Errors
    /// Faults only.
    pub async fn set_auto_topup(
        &self,
        id: &UserId,
        before: &AutoTopup,
        settings: &AutoTopup,
    ) -> Result<Recorded, Error> {
        let mut update = Update::default();
        update
            .require_existing()
            .require_flag("auto_topup_enabled", before.enabled)
            .require_number("auto_topup_amount_cents", before.amount.get())
            .require_number("auto_topup_threshold_cents", before.threshold.get())
            .set("auto_topup_enabled", flag(settings.enabled))
            .set("auto_topup_amount_cents", n(settings.amount.get()))
            .set("auto_topup_threshold_cents", n(settings.threshold.get()))
            .remove("auto_topup_failures")
            .remove("auto_topup_last_failure");
        if settings.enabled {
            update.require_present("payment_method_id");
        }
        self.change_user(id, update).await
    }
}
