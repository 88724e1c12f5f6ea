//! A user, with the wallet's balance.

use std::collections::{BTreeMap, BTreeSet};

use clorp_domain::spend::{Day, Spent};
use clorp_domain::user::StripeIds;
use clorp_domain::{AutoTopup, Cents, Error, Freeze, User, Winnings};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::items::keys::user_of_pk;
use crate::table::item::{decode, encode, instant, number, parse, text};
use crate::table::{Item, PK};

/// The attribute that holds a wallet's balance.
pub(crate) const BALANCE: &str = "balance_cents";
/// The attribute that holds released winnings, less withdrawals.
pub(crate) const RELEASED: &str = "released_cents";
/// The attribute that holds winnings which wait for the end of a dispute.
pub(crate) const CONTESTED: &str = "contested_cents";
/// The attribute that holds an operator's reason for a freeze.
pub(crate) const FROZEN: &str = "frozen_because";
/// The attribute that holds the ids of the disputes that freeze the account.
pub(crate) const DISPUTES: &str = "frozen_by_disputes";
/// Prefix of the attributes that hold winnings, before the second in which they mature.
const HELD: &str = "held_";
/// The attribute that names the account to which one is linked: of a user, and of a card or bank account.
pub(crate) const OWNER_ID: &str = "owner_id";
/// The attribute of the time at which name and picture were true.
pub(crate) const PROFILE_AT: &str = "profile_at";
/// The attribute that holds the limit of a day's automatic top-ups, if the user chose one.
pub(crate) const DAILY_LIMIT: &str = "auto_topup_daily_limit_cents";
/// The attribute that holds the last day on which automatic top-ups were begun.
pub(crate) const CHARGED_DAY: &str = "auto_topup_day";
/// The attribute that holds the sum of that day's automatic top-ups.
pub(crate) const CHARGED: &str = "auto_topup_day_cents";

// Attributes that Stripe and the owner may add later are absent on a new user, and on users from before they
// existed.
#[derive(Debug, Default, Serialize, Deserialize)]
struct UserItem {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    avatar_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile_at: Option<i64>,
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
    stripe_account_seen_until: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auto_topup_enabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auto_topup_amount_cents: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auto_topup_threshold_cents: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auto_topup_daily_limit_cents: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auto_topup_day: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auto_topup_day_cents: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auto_topup_in_flight: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auto_topup_failures: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auto_topup_last_failure: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    released_cents: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    contested_cents: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frozen_because: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frozen_by_disputes: Option<BTreeSet<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner_id: Option<String>,
}

/// The attributes of a new user: an empty wallet, nothing at Stripe.
pub(crate) fn write_new_user(user: &User) -> Result<Item, Error> {
    encode(&UserItem {
        name: user.name.clone(),
        avatar_url: user.avatar_url.clone(),
        profile_at: user.profile_at.map(Timestamp::as_millisecond),
        created_at: user.created_at.as_millisecond(),
        ..UserItem::default()
    })
}

/// The user of an item.
pub(crate) fn read_user(item: Item) -> Result<User, Error> {
    let id = text(&item, PK).and_then(user_of_pk);
    let id = id.ok_or_else(|| Error::internal("user item without a user's key"))?;
    let held = read_held(&item)?;
    let item: UserItem = decode(item)?;
    let account_status = item.stripe_account_status.map(|status| parse("stripe_account_status", &status));
    let in_flight = item.auto_topup_in_flight.map(|id| parse("auto_topup_in_flight", &id));
    Ok(User {
        id,
        name: item.name,
        avatar_url: item.avatar_url,
        profile_at: item.profile_at.map(|at| instant(PROFILE_AT, at)).transpose()?,
        balance: Cents::new(item.balance_cents),
        created_at: instant("created_at", item.created_at)?,
        stripe: StripeIds {
            customer: item.stripe_customer_id,
            payment_method: item.payment_method_id,
            account: item.stripe_account_id,
            account_status: account_status.transpose()?.unwrap_or_default(),
            account_seen_until: item.stripe_account_seen_until,
        },
        auto_topup: AutoTopup {
            enabled: item.auto_topup_enabled.unwrap_or_default(),
            amount: Cents::new(item.auto_topup_amount_cents.unwrap_or_default()),
            threshold: Cents::new(item.auto_topup_threshold_cents.unwrap_or_default()),
            chosen_daily_limit: item.auto_topup_daily_limit_cents.map(Cents::new),
            charged: Spent {
                day: Day::new(item.auto_topup_day.unwrap_or_default()),
                amount: Cents::new(item.auto_topup_day_cents.unwrap_or_default()),
            },
            in_flight: in_flight.transpose()?,
            failures: item.auto_topup_failures.unwrap_or_default(),
            last_failure: item.auto_topup_last_failure,
        },
        winnings: Winnings {
            released: Cents::new(item.released_cents.unwrap_or_default()),
            held,
            contested: Cents::new(item.contested_cents.unwrap_or_default()),
        },
        freeze: Freeze {
            by_operator: item.frozen_because,
            by_disputes: item.frozen_by_disputes.unwrap_or_default(),
        },
        owner: item.owner_id.map(|id| parse(OWNER_ID, &id)).transpose()?,
    })
}

/// The attribute of winnings that mature at this time. Each time has an attribute of its own, so that a
/// settlement adds to it without reading the user.
pub(crate) fn held_until(at: Timestamp) -> String {
    format!("{HELD}{}", at.as_second())
}

fn read_held(item: &Item) -> Result<BTreeMap<Timestamp, Cents>, Error> {
    let mut held = BTreeMap::new();
    for name in item.keys().filter(|name| name.starts_with(HELD)) {
        let second = name.strip_prefix(HELD).and_then(|second| second.parse().ok());
        let at = second.and_then(|second| Timestamp::from_second(second).ok());
        let (Some(at), Some(cents)) = (at, number(item, name)) else {
            return Err(Error::internal("unreadable winnings of a user"));
        };
        held.insert(at, Cents::new(cents));
    }
    Ok(held)
}
