//! A drop, with its claims.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use clorp_domain::drops::{Outcome, Window};
use clorp_domain::{Cents, Claim, Drop, Error, Pack, Requirements, Status, UserId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::items::agent::{read_agent_id, write_agent_id};
use crate::items::keys::drop_of_pk;
use crate::table::item::{at, decode, encode, instant, instant_if_any, parse, text};
use crate::table::{Item, PK, Update};

/// The beginning of the names of [`owner_attribute`]s.
const OWNER: &str = "owner:";

#[derive(Debug, Serialize, Deserialize)]
struct DropItem {
    status: String,
    sender_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    sender_owner_id: Option<String>,
    pack: String,
    title: String,
    price_cents: i64,
    fee_cents: i64,
    time_limit_seconds: u32,
    max_claims: u32,
    #[serde(default, skip_serializing_if = "is_default")]
    requires_verified_payouts: bool,
    #[serde(default, skip_serializing_if = "is_default")]
    requires_races: u32,
    #[serde(default, skip_serializing_if = "is_default")]
    requires_win_rate_percent: u32,
    created_at: i64,
    updated_at: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    opened_at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    window_closes_at: Option<i64>,
    // Absent also where a submission filled the drop and so closed it: see `read_ranking_at`.
    #[serde(skip_serializing_if = "Option::is_none")]
    ranking_at: Option<i64>,
    // Only the ledger writes the escrow, so a new drop has none until its posting adds to it.
    #[serde(default, skip_serializing)]
    escrow_cents: i64,
    claims: HashMap<String, ClaimItem>,
    // The two counts repeat what `claims` says, because conditions can compare a number but not the size of a
    // part of a map.
    claims_count: u32,
    submissions_count: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    winner_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    grade: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    completed_at: Option<i64>,
}

#[derive(Debug, Serialize, Deserialize)]
struct ClaimItem {
    claimed_at: i64,
    lease_expires_at: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    submitted_at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent_id: Option<String>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl ClaimItem {
    fn new(worker: &UserId, claim: &Claim) -> Self {
        Self {
            claimed_at: claim.claimed_at.as_millisecond(),
            lease_expires_at: claim.lease_expires_at.as_millisecond(),
            submitted_at: claim.submitted_at.map(Timestamp::as_millisecond),
            agent_id: write_agent_id(worker, claim.agent),
        }
    }
}

impl From<&Drop> for DropItem {
    fn from(drop: &Drop) -> Self {
        Self {
            status: drop.status.to_string(),
            sender_id: drop.sender.to_string(),
            sender_owner_id: drop.sender_owner.as_ref().map(ToString::to_string),
            pack: drop.pack.to_string(),
            title: drop.title.clone(),
            price_cents: drop.price.get(),
            fee_cents: drop.fee.get(),
            time_limit_seconds: drop.time_limit_seconds,
            max_claims: drop.max_claims,
            requires_verified_payouts: drop.requirements.verified_payouts,
            requires_races: drop.requirements.min_races,
            requires_win_rate_percent: drop.requirements.min_win_rate_percent,
            created_at: drop.created_at.as_millisecond(),
            updated_at: drop.updated_at.as_millisecond(),
            opened_at: drop.window.map(|window| window.opened_at.as_millisecond()),
            window_closes_at: drop.window.map(|window| window.closes_at.as_millisecond()),
            ranking_at: drop.ranking_at.map(Timestamp::as_millisecond),
            escrow_cents: 0,
            claims: drop
                .claims
                .iter()
                .map(|(worker, claim)| (worker.to_string(), ClaimItem::new(worker, claim)))
                .collect(),
            claims_count: drop.claims_count(),
            submissions_count: drop.submissions_count(),
            winner_id: drop.outcome.as_ref().map(|outcome| outcome.winner.to_string()),
            grade: drop.outcome.as_ref().map(|outcome| outcome.grade.to_string()),
            completed_at: drop.outcome.as_ref().map(|outcome| outcome.completed_at.as_millisecond()),
        }
    }
}

/// The attributes of a drop, except its place in the indexes.
pub(crate) fn write_drop(drop: &Drop) -> Result<Item, Error> {
    encode(&DropItem::from(drop))
}

/// The attribute of a claim in a drop's `claims`.
pub(crate) fn write_claim(worker: &UserId, claim: &Claim) -> Result<AttributeValue, Error> {
    encode(&ClaimItem::new(worker, claim)).map(AttributeValue::M)
}

/// Stamps a change of a drop. Each change must have a later time than the one before: see
/// [`Drop::next_change_at`].
pub(crate) fn stamp(update: &mut Update, now: Timestamp) -> &mut Update {
    update.require("updated_at", "<", at(now)).set("updated_at", at(now))
}

/// The drop of an item.
pub(crate) fn read_drop(item: Item) -> Result<Drop, Error> {
    let id = text(&item, PK).and_then(drop_of_pk);
    let id = id.ok_or_else(|| Error::internal("drop item without a drop's key"))?;
    let owners = read_owners(&item)?;
    let item: DropItem = decode(item)?;
    let window = match (item.opened_at, item.window_closes_at) {
        (Some(opened_at), Some(closes_at)) => Some(Window {
            opened_at: instant("opened_at", opened_at)?,
            closes_at: instant("window_closes_at", closes_at)?,
        }),
        _ => None,
    };
    let claims = item.claims.iter().map(|(worker, claim)| {
        let worker = parse("claim's worker", worker)?;
        let claim = read_claim(&worker, claim)?;
        Ok((worker, claim))
    });
    Ok(Drop {
        id,
        status: parse("status", &item.status)?,
        sender: parse("sender_id", &item.sender_id)?,
        sender_owner: item.sender_owner_id.as_deref().map(|id| parse("sender_owner_id", id)).transpose()?,
        owners,
        pack: parse::<Pack>("pack", &item.pack)?,
        claims: claims.collect::<Result<_, Error>>()?,
        outcome: read_outcome(&item)?,
        window,
        ranking_at: read_ranking_at(&item)?,
        title: item.title,
        price: Cents::new(item.price_cents),
        fee: Cents::new(item.fee_cents),
        time_limit_seconds: item.time_limit_seconds,
        max_claims: item.max_claims,
        requirements: Requirements {
            verified_payouts: item.requires_verified_payouts,
            min_races: item.requires_races,
            min_win_rate_percent: item.requires_win_rate_percent,
        },
        created_at: instant("created_at", item.created_at)?,
        updated_at: instant("updated_at", item.updated_at)?,
        escrow: Cents::new(item.escrow_cents),
    })
}

/// The winner in an item of a drop, or in its projection to an index.
pub(crate) fn read_winner(item: &Item) -> Option<UserId> {
    text(item, "winner_id")?.parse().ok()
}

/// The attribute of an owner whose slot another account holds: it names that account. Every owner has an
/// attribute of its own, so that a claim can require that there be none.
pub(crate) fn owner_attribute(owner: &UserId) -> String {
    format!("{OWNER}{owner}")
}

fn read_owners(item: &Item) -> Result<BTreeMap<UserId, UserId>, Error> {
    let owners =
        item.iter().filter_map(|(name, value)| Some((name.strip_prefix(OWNER)?, value.as_s().ok()?)));
    owners.map(|(owner, worker)| Ok((parse(OWNER, owner)?, parse(OWNER, worker)?))).collect()
}

fn read_claim(worker: &UserId, item: &ClaimItem) -> Result<Claim, Error> {
    Ok(Claim {
        claimed_at: instant("claimed_at", item.claimed_at)?,
        lease_expires_at: instant("lease_expires_at", item.lease_expires_at)?,
        submitted_at: instant_if_any("submitted_at", item.submitted_at)?,
        agent: read_agent_id(worker, item.agent_id.as_deref())?,
    })
}

fn read_outcome(item: &DropItem) -> Result<Option<Outcome>, Error> {
    let (Some(winner), Some(grade), Some(completed_at)) = (&item.winner_id, &item.grade, item.completed_at)
    else {
        return Ok(None);
    };
    Ok(Some(Outcome {
        winner: parse("winner_id", winner)?,
        grade: parse("grade", grade)?,
        completed_at: instant("completed_at", completed_at)?,
    }))
}

/// The time at which a drop was closed to submissions: by the ranking, or by the submission that filled it.
fn read_ranking_at(item: &DropItem) -> Result<Option<Timestamp>, Error> {
    let filled = || {
        let last = item.claims.values().filter_map(|claim| claim.submitted_at).max();
        last.filter(|_| item.submissions_count >= item.max_claims && item.status != Status::Open.as_str())
    };
    instant_if_any("ranking_at", item.ranking_at.or_else(filled))
}
