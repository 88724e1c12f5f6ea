//! An appeal, which becomes the second opinion.

use clorp_domain::appeal::{Appeal, Opinion};
use clorp_domain::{DropId, Error, Verdict};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::items::keys::APPEAL;
use crate::items::verdict::{FeedExcerpt, read_verdict, write_verdict};
use crate::table::Item;
use crate::table::item::{at, decode, encode, instant, key_of, number, parse};

/// The attribute that an appeal has once its opinion is there.
pub(crate) const DECIDED_AT: &str = "decided_at";

#[derive(Debug, Serialize, Deserialize)]
struct AppealItem {
    requested_by: String,
    requested_at: i64,
}

/// The attributes of an appeal without an opinion.
pub(crate) fn write_appeal(appeal: &Appeal) -> Result<Item, Error> {
    let item = AppealItem {
        requested_by: appeal.requested_by.to_string(),
        requested_at: appeal.requested_at.as_millisecond(),
    };
    encode(&item)
}

/// The attributes that an opinion adds to its appeal: those of a verdict, and the time.
pub(crate) fn write_opinion(verdict: &Verdict, decided_at: Timestamp) -> Result<Item, Error> {
    let excerpt = FeedExcerpt { winner_name: "", excerpt: "" };
    let mut item = write_verdict(verdict, excerpt, |_| None)?;
    item.insert(DECIDED_AT.to_owned(), at(decided_at));
    Ok(item)
}

/// The appeal of an item of `drop`.
pub(crate) fn read_appeal(drop: DropId, item: Item) -> Result<Appeal, Error> {
    let key = key_of(&item)?;
    let opinion = match number::<i64>(&item, DECIDED_AT) {
        Some(decided_at) => Some(Opinion {
            decided_at: instant(DECIDED_AT, decided_at)?,
            verdict: read_verdict(drop, item.clone())?.0,
        }),
        None => None,
    };
    let side = parse("side", key.sk.strip_prefix(APPEAL).unwrap_or_default())?;
    let item: AppealItem = decode(item)?;
    Ok(Appeal {
        side,
        requested_by: parse("requested_by", &item.requested_by)?,
        requested_at: instant("requested_at", item.requested_at)?,
        opinion,
    })
}
