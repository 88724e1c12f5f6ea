//! A top-up, and the item that finds it by the PaymentIntent that has paid it.

use clorp_domain::{Cents, Error, Topup, TopupId, UserId};
use serde::{Deserialize, Serialize};

use crate::items::keys::{TOPUP, user_of_pk};
use crate::table::item::{decode, encode, instant, key_of, keyed, parse};
use crate::table::{Item, Key};

#[derive(Debug, Serialize, Deserialize)]
struct TopupItem {
    kind: String,
    status: String,
    amount_cents: i64,
    refunded_cents: i64,
    created_at: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    stripe_id: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct PaymentItem {
    user_id: String,
    topup_id: String,
}

/// The attributes of a top-up.
pub(crate) fn write_topup(topup: &Topup) -> Result<Item, Error> {
    encode(&TopupItem {
        kind: topup.kind.to_string(),
        status: topup.status.as_str().to_owned(),
        amount_cents: topup.amount.get(),
        refunded_cents: topup.refunded.get(),
        created_at: topup.created_at.as_millisecond(),
        stripe_id: topup.stripe_id.clone(),
    })
}

/// The top-up of an item.
pub(crate) fn read_topup(item: Item) -> Result<Topup, Error> {
    let key = key_of(&item)?;
    let user = user_of_pk(&key.pk).ok_or_else(|| Error::internal("top-up without a user"))?;
    let item: TopupItem = decode(item)?;
    Ok(Topup {
        id: parse("top-up id", key.sk.strip_prefix(TOPUP).unwrap_or_default())?,
        user,
        kind: parse("kind", &item.kind)?,
        status: parse("status", &item.status)?,
        amount: Cents::new(item.amount_cents),
        refunded: Cents::new(item.refunded_cents),
        created_at: instant("created_at", item.created_at)?,
        stripe_id: item.stripe_id,
    })
}

/// The item that leads from a PaymentIntent to the top-up that it has paid.
pub(crate) fn write_payment(key: &Key, topup: &Topup) -> Result<Item, Error> {
    keyed(key, &PaymentItem { user_id: topup.user.to_string(), topup_id: topup.id.to_string() })
}

/// The top-up that a PaymentIntent has paid.
pub(crate) fn read_payment(item: Item) -> Result<(UserId, TopupId), Error> {
    let item: PaymentItem = decode(item)?;
    Ok((parse("user_id", &item.user_id)?, parse("topup_id", &item.topup_id)?))
}
