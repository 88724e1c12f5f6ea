//! Users.

use clorp_domain::{AutoTopup, ConnectStatus, Error, User, UserId};
use jiff::Timestamp;

use crate::items::keys;
use crate::items::pending_entry::{Queue, end_pending, set_pending};
use crate::items::user::{DAILY_LIMIT, PROFILE_AT, read_user, write_new_user};
use crate::table::Update;
use crate::table::item::{at, flag, n, s};
use crate::{Conditional, Users};

/// The attribute that holds the id of a user's account at Stripe.
const ACCOUNT: &str = "stripe_account_id";
/// The attribute that holds the account's status.
const ACCOUNT_STATUS: &str = "stripe_account_status";
/// The attributes that hold the first and the last second that the recorded status covers. An event tells one
/// second. An answer covers the seconds in which it was asked for, with a margin for clocks that differ.
const SEEN_FROM: &str = "stripe_account_seen_from";
const SEEN_UNTIL: &str = "stripe_account_seen_until";

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

    /// Replaces a customer that does not exist at Stripe any more. The saved card was the customer's and goes
    /// with it, which switches automatic top-ups off. A conflict means that another customer is recorded. One
    /// write unit.
    pub async fn replace_customer(
        self,
        id: &UserId,
        gone: &str,
        customer: &str,
    ) -> Result<Conditional<()>, Error> {
        let mut update = Update::default();
        update
            .require("stripe_customer_id", "=", s(gone))
            .set("stripe_customer_id", s(customer))
            .remove("payment_method_id")
            .set("auto_topup_enabled", flag(false));
        self.change(id, update).await
    }

    /// Records a new account at Stripe, in place of `gone` if there was one. No report about it can be older,
    /// so none is recorded. A conflict means that another account is recorded. One write unit.
    pub async fn open_account(
        self,
        id: &UserId,
        gone: Option<&str>,
        account: &str,
        status: ConnectStatus,
    ) -> Result<Conditional<()>, Error> {
        let mut update = Update::default();
        match gone {
            None => update.require_existing().require_absent(ACCOUNT),
            Some(gone) => update.require(ACCOUNT, "=", s(gone)),
        };
        update
            .set(ACCOUNT, s(account))
            .set(ACCOUNT_STATUS, s(status.as_str()))
            .remove(SEEN_FROM)
            .remove(SEEN_UNTIL);
        end_pending(&mut update);
        self.change(id, update).await
    }

    /// Records the status that a user's account at Stripe had at `seen_at`, as an event reports it. A
    /// conflict means that the user has another account, or that the recorded status is not older. One write
    /// unit.
    pub async fn set_account(
        self,
        id: &UserId,
        account: &str,
        status: ConnectStatus,
        seen_at: Timestamp,
    ) -> Result<Conditional<()>, Error> {
        let second = n(seen_at.as_second());
        let mut update = Update::default();
        update
            .require_existing()
            .require_absent_or(ACCOUNT, "=", s(account))
            .require_absent_or(SEEN_UNTIL, "<", second.clone())
            .set(ACCOUNT, s(account))
            .set(ACCOUNT_STATUS, s(status.as_str()))
            .set(SEEN_FROM, second.clone())
            .set(SEEN_UNTIL, second);
        end_pending(&mut update);
        self.change(id, update).await
    }

    /// Marks a user's account at Stripe as pending, and as one to ask Stripe about from `now` on, if an event
    /// reports for `seen_at` another status than the recorded one, which covers the same second. A conflict
    /// means that there is no such contradiction. One write unit and an index entry.
    pub async fn doubt_account(
        self,
        id: &UserId,
        account: &str,
        status: ConnectStatus,
        seen_at: Timestamp,
        now: Timestamp,
    ) -> Result<Conditional<()>, Error> {
        let second = n(seen_at.as_second());
        let mut update = Update::default();
        update.require(SEEN_FROM, "<=", second.clone()).require(SEEN_UNTIL, ">=", second).require(
            ACCOUNT_STATUS,
            "<>",
            s(status.as_str()),
        );
        self.suspect(id, account, update, now).await
    }

    /// Marks a user's account at Stripe as pending, and as one to ask Stripe about from `now` on, because
    /// Stripe refused a transfer to it. A conflict means that another account is recorded. One write unit and
    /// an index entry.
    pub async fn suspect_account(
        self,
        id: &UserId,
        account: &str,
        now: Timestamp,
    ) -> Result<Conditional<()>, Error> {
        self.suspect(id, account, Update::default(), now).await
    }

    async fn suspect(
        self,
        id: &UserId,
        account: &str,
        mut update: Update,
        now: Timestamp,
    ) -> Result<Conditional<()>, Error> {
        update.require(ACCOUNT, "=", s(account)).set(ACCOUNT_STATUS, s(ConnectStatus::Pending.as_str()));
        set_pending(&mut update, Queue::Unreported, now);
        self.change(id, update).await
    }

    /// Records the status of `user`'s account that Stripe gave when asked between `from` and `until`. A
    /// conflict means that the user's account, or a report about it, has been recorded since `user` was read.
    /// One write unit, and one for the index if the account was marked.
    pub async fn set_asked_account(
        self,
        user: &User,
        account: &str,
        status: ConnectStatus,
        (from, until): (Timestamp, Timestamp),
    ) -> Result<Conditional<()>, Error> {
        let mut update = Update::default();
        update.require(ACCOUNT, "=", s(account));
        match user.stripe.account_seen_until {
            None => update.require_absent(SEEN_UNTIL),
            Some(known) => update.require(SEEN_UNTIL, "=", n(known)),
        };
        update
            .set(ACCOUNT_STATUS, s(status.as_str()))
            .set(SEEN_FROM, n(from.as_second()))
            .set(SEEN_UNTIL, n(until.as_second()));
        end_pending(&mut update);
        self.change(&user.id, update).await
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
        match before.chosen_daily_limit {
            None => update.require_absent(DAILY_LIMIT),
            Some(limit) => update.require(DAILY_LIMIT, "=", n(limit.get())),
        };
        if let Some(limit) = settings.chosen_daily_limit {
            update.set(DAILY_LIMIT, n(limit.get()));
        }
        if settings.enabled {
            update.require_present("payment_method_id");
        }
        self.change(id, update).await
    }

    async fn change(self, id: &UserId, update: Update) -> Result<Conditional<()>, Error> {
        Ok(self.table.update_if(keys::user(id), update).await?.conditional())
    }
}
