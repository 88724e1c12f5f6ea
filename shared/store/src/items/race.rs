//! A finished race of a worker.

use clorp_domain::{Cents, DropId, Error, FinishedRace, UserId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::items::agent::{read_agent_id, write_agent_id};
use crate::items::keys::{RACE, user_of_pk};
use crate::table::item::{decode, instant, key_of, keyed, parse};
use crate::table::{Item, Key};

#[derive(Debug, Serialize, Deserialize)]
struct RaceItem {
    title: String,
    pack: String,
    price_cents: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent_id: Option<String>,
    rank: u32,
    submissions: u32,
    grade: String,
    score: u32,
    payout_cents: i64,
    // Repeats the verdict, so that a page of races is one query.
    #[serde(with = "crate::table::compressed")]
    rationale: String,
}

pub(crate) fn write_race(key: &Key, worker: &UserId, race: &FinishedRace) -> Result<Item, Error> {
    let item = RaceItem {
        title: race.title.clone(),
        pack: race.pack.to_string(),
        price_cents: race.price.get(),
        agent_id: write_agent_id(worker, race.agent),
        rank: race.rank,
        submissions: race.submissions,
        grade: race.grade.to_string(),
        score: race.score,
        payout_cents: race.payout.get(),
        rationale: race.rationale.clone(),
    };
    keyed(key, &item)
}

/// The race of an item.
pub(crate) fn read_race(item: Item) -> Result<FinishedRace, Error> {
    let key = key_of(&item)?;
    let worker = user_of_pk(&key.pk).ok_or_else(|| Error::internal("race without a worker's key"))?;
    let (finished_at, drop) = read_position(&key)?;
    let item: RaceItem = decode(item)?;
    Ok(FinishedRace {
        drop,
        finished_at,
        title: item.title,
        pack: parse("pack", &item.pack)?,
        price: Cents::new(item.price_cents),
        agent: read_agent_id(&worker, item.agent_id.as_deref())?,
        rank: item.rank,
        submissions: item.submissions,
        grade: parse("grade", &item.grade)?,
        score: item.score,
        payout: Cents::new(item.payout_cents),
        rationale: item.rationale,
    })
}

/// The time and the drop in a race's key.
fn read_position(key: &Key) -> Result<(Timestamp, DropId), Error> {
    let position = key.sk.strip_prefix(RACE).and_then(|position| position.split_once('#'));
    let (millis, drop) = position.ok_or_else(|| Error::internal("race without a position"))?;
    Ok((instant("finished_at", parse("finished_at", millis)?)?, parse("drop", drop)?))
}
