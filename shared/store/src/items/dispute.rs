//! A dispute, and the winnings that wait for its end.

use clorp_domain::{Cents, Dispute, Error, HeldWinnings, Release};
use serde::{Deserialize, Serialize};

use crate::items::keys::{HELD_WINNINGS, stripe_object_of_pk};
use crate::table::item::{decode, encode, instant, key_of, keyed, parse};
use crate::table::{Item, Key};

/// The attribute that is true once held winnings mature again.
pub(crate) const ENDED: &str = "ended";

#[derive(Debug, Serialize, Deserialize)]
struct DisputeItem {
    user_id: String,
    topup_id: String,
    status: String,
    held_cents: i64,
    movements: usize,
    reported_at: i64,
}

#[derive(Debug, Serialize, Deserialize)]
struct HeldItem {
    winner_id: String,
    amount_cents: i64,
    matures_at: i64,
    ended: bool,
}

/// The attributes of a dispute.
pub(crate) fn write_dispute(dispute: &Dispute) -> Result<Item, Error> {
    encode(&DisputeItem {
        user_id: dispute.user.to_string(),
        topup_id: dispute.topup.to_string(),
        status: dispute.status.as_str().to_owned(),
        held_cents: dispute.held.get(),
        movements: dispute.movements,
        reported_at: dispute.at.as_millisecond(),
    })
}

/// The dispute of an item.
pub(crate) fn read_dispute(item: Item) -> Result<Dispute, Error> {
    let key = key_of(&item)?;
    let id = stripe_object_of_pk(&key.pk).ok_or_else(|| Error::internal("dispute without an id"))?;
    let item: DisputeItem = decode(item)?;
    Ok(Dispute {
        id,
        user: parse("user_id", &item.user_id)?,
        topup: parse("topup_id", &item.topup_id)?,
        status: parse("status", &item.status)?,
        held: Cents::new(item.held_cents),
        movements: item.movements,
        at: instant("reported_at", item.reported_at)?,
    })
}

/// The item of winnings that wait for the end of a dispute.
pub(crate) fn write_held(key: &Key, held: &HeldWinnings) -> Result<Item, Error> {
    let item = HeldItem {
        winner_id: held.winner.to_string(),
        amount_cents: held.release.amount.get(),
        matures_at: held.release.at.as_millisecond(),
        ended: held.ended,
    };
    keyed(key, &item)
}

/// The winnings of an item.
pub(crate) fn read_held(item: Item) -> Result<HeldWinnings, Error> {
    let key = key_of(&item)?;
    let item: HeldItem = decode(item)?;
    Ok(HeldWinnings {
        drop: parse("drop id", key.sk.strip_prefix(HELD_WINNINGS).unwrap_or_default())?,
        winner: parse("winner_id", &item.winner_id)?,
        release: Release {
            at: instant("matures_at", item.matures_at)?,
            amount: Cents::new(item.amount_cents),
        },
        ended: item.ended,
    })
}
