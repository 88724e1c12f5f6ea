//! A top-up, and the item that finds it by the PaymentIntent that has paid it.

use clorp_domain::{Cents, Error, FailedRefund, TakenBack, Topup, TopupId, UserId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::items::keys::{TOPUP, user_of_pk};
use crate::table::item::{decode, encode, instant, instant_if_any, key_of, keyed, parse};
use crate::table::{Item, Key};

/// The attribute that counts the changes of what went back to the payer.
pub(crate) const REVISION: &str = "taken_back_revision";

#[derive(Debug, Serialize, Deserialize)]
struct TopupItem {
    kind: String,
    status: String,
    amount_cents: i64,
    created_at: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    stripe_id: Option<String>,
    #[serde(flatten)]
    taken_back: TakenBackItem,
}

/// The part of a top-up's item that describes what went back to the payer.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct TakenBackItem {
    taken_back_revision: u32,
    refunded_cents: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    refunded_at: Option<i64>,
    disputed_cents: i64,
    failed_refunds: Vec<FailedRefundItem>,
}

#[derive(Debug, Serialize, Deserialize)]
struct FailedRefundItem {
    id: String,
    amount_cents: i64,
    // Absent in records that were made without it. The refund then counts as one of the second of its
    // failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    made_at: Option<i64>,
    failed_at: i64,
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
        created_at: topup.created_at.as_millisecond(),
        stripe_id: topup.stripe_id.clone(),
        taken_back: taken_back_item(&topup.taken_back),
    })
}

/// The attributes that describe what went back to the payer.
pub(crate) fn write_taken_back(taken_back: &TakenBack) -> Result<Item, Error> {
    encode(&taken_back_item(taken_back))
}

fn taken_back_item(taken_back: &TakenBack) -> TakenBackItem {
    let failed = taken_back.failed.iter().map(|refund| FailedRefundItem {
        id: refund.id.clone(),
        amount_cents: refund.amount.get(),
        made_at: Some(refund.made_at.as_millisecond()),
        failed_at: refund.at.as_millisecond(),
    });
    TakenBackItem {
        taken_back_revision: taken_back.revision,
        refunded_cents: taken_back.refunded.get(),
        refunded_at: taken_back.refunded_at.map(Timestamp::as_millisecond),
        disputed_cents: taken_back.disputed.get(),
        failed_refunds: failed.collect(),
    }
}

fn read_taken_back(item: TakenBackItem) -> Result<TakenBack, Error> {
    let failed = item.failed_refunds.into_iter().map(|refund| {
        let at = instant("failed_at", refund.failed_at)?;
        let made_at = instant_if_any("made_at", refund.made_at)?.unwrap_or(at);
        Ok(FailedRefund { id: refund.id, amount: Cents::new(refund.amount_cents), made_at, at })
    });
    Ok(TakenBack {
        refunded: Cents::new(item.refunded_cents),
        refunded_at: instant_if_any("refunded_at", item.refunded_at)?,
        failed: failed.collect::<Result<_, Error>>()?,
        disputed: Cents::new(item.disputed_cents),
        revision: item.taken_back_revision,
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
        taken_back: read_taken_back(item.taken_back)?,
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
