//! A judging of a drop by a model: its lease, and the answers that were paid for.

use clorp_domain::Error;
use serde::{Deserialize, Serialize};

use crate::table::Item;
use crate::table::item::{decode, encode, instant};
use jiff::Timestamp;

/// The attribute of the lease's end.
pub(crate) const LEASE_EXPIRES_AT: &str = "lease_expires_at";
/// The attribute of the number of orders that the model was asked about.
pub(crate) const ASKED: &str = "asked";

#[derive(Debug, Serialize, Deserialize)]
struct JudgingItem {
    lease_expires_at: i64,
    seed: u64,
    asked: u32,
}

#[derive(Debug, Serialize, Deserialize)]
struct AnswerItem {
    #[serde(with = "crate::table::compressed")]
    answer: String,
}

/// A judging by a model that holds its lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judging {
    /// The end of the lease, by which its holder is known.
    pub lease_expires_at: Timestamp,
    /// Seed of the orders and labels.
    pub seed: u64,
    /// Number of orders that the model was asked about, from the first. An order that was asked about is
    /// never asked about again, with or without an answer.
    pub asked: u32,
}

pub(crate) fn write_judging(judging: &Judging) -> Result<Item, Error> {
    let lease_expires_at = judging.lease_expires_at.as_millisecond();
    encode(&JudgingItem { lease_expires_at, seed: judging.seed, asked: judging.asked })
}

pub(crate) fn read_judging(item: Item) -> Result<Judging, Error> {
    let item: JudgingItem = decode(item)?;
    let lease_expires_at = instant(LEASE_EXPIRES_AT, item.lease_expires_at)?;
    Ok(Judging { lease_expires_at, seed: item.seed, asked: item.asked })
}

pub(crate) fn write_answer(answer: &str) -> Result<Item, Error> {
    encode(&AnswerItem { answer: answer.to_owned() })
}

pub(crate) fn read_answer(item: Item) -> Result<String, Error> {
    decode::<AnswerItem>(item).map(|item| item.answer)
}
