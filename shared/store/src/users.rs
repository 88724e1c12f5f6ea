//! Users.

use clorp_domain::{AutoTopup, ConnectStatus, Error, User, UserId};
use jiff::Timestamp;

use crate::items::keys;
use crate::items::user::{PROFILE_AT, read_user, write_new_user};
use crate::table::Update;
use crate::table::item::{at, flag, n, s};
use crate::{Conditional, Users};

impl Users<'_> {
    /// Creates an account with an empty wallet. A conflict means that there is one with this id. One write
    /// unit.
    pub async fn create(self, user: &User) -> Result<Conditional<()>, Error> {
        let mut update = Update::default();
        update.set_all(write_new_user(user)?).require_new();
        self.change(&user.id, update).await
    }

    /// A user. One round trip, 1 read unit.
    pub async fn get(self, id: &UserId) -> Result<Option<User>, Error> {
        self.table.get(keys::user(id)).await?.map(read_user).transpose()
    }

    /// Records the name and the picture that a user had at `profile_at`. A conflict means that later ones are
    /// recorded. One write unit.
    pub async fn set_profile(
        self,
        id: &UserId,
        name: &str,
        avatar_url: Option<&str>,
        profile_at: Timestamp,
    ) -> Result<Conditional<()>, Error> {
        let mut update = Update::default();
        update
            .require_existing()
            .require_absent_or(PROFILE_AT, "<", at(profile_at))
            .set("name", s(name))
            .set(PROFILE_AT, at(profile_at));
        match avatar_url {
            Some(url) => update.set("avatar_url", s(url)),
            None => update.remove("avatar_url"),
        };
        self.change(id, update).await
    }

    /// Records the customer at Stripe that pays a user's top-ups. A conflict means that another one is
    /// recorded. One write unit.
    pub async fn set_customer(self, id: &UserId, customer: &str) -> Result<Conditional<()>, Error> {
        let mut update = Update::default();
        update
            .require_existing()
            .require_absent_or("stripe_customer_id", "=", s(customer))
            .set("stripe_customer_id", s(customer));
        self.change(id, update).await
    }

    /// Records the status that a user's account at Stripe had at `seen_at`. A conflict means that the user
    /// has another account, or that a later status is recorded. Stripe tells the time in seconds, so of two
    /// events of one second the one that lets the user withdraw stays. One write unit.
    pub async fn set_account(
        self,
        id: &UserId,
        account: &str,
        status: ConnectStatus,
        seen_at: Timestamp,
    ) -> Result<Conditional<()>, Error> {
        let rank = seen_at.as_second() * 2 + i64::from(status == ConnectStatus::Active);
        let mut update = Update::default();
        update
            .require_existing()
            .require_absent_or("stripe_account_id", "=", s(account))
            .require_absent_or("stripe_account_seen", "<=", n(rank))
            .set("stripe_account_id", s(account))
            .set("stripe_account_status", s(status.as_str()))
            .set("stripe_account_seen", n(rank));
        self.change(id, update).await
    }

    /// Changes the settings of automatic top-ups from `before`, and forgets refusals of the card. A conflict
    /// means that the settings have changed since, or that they are to be enabled without a saved payment
    /// method. One write unit.
    pub async fn set_auto_topup(
        self,
        id: &UserId,
        before: &AutoTopup,
        settings: &AutoTopup,
    ) -> Result<Conditional<()>, Error> {
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
        self.change(id, update).await
    }

    async fn change(self, id: &UserId, update: Update) -> Result<Conditional<()>, Error> {
        Ok(self.table.update_if(keys::user(id), update).await?.conditional())
    }
}
