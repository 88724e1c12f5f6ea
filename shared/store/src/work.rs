//! Work: what a worker holds active claims on, and which of their claims lapsed of late.
//!
//! Each is an item of the worker's, written and deleted in the drop's transactions. A submission does not touch it, so
//! whether a claim whose lease is over has lapsed or been submitted is for the drop to say.

use clorp_domain::cooldown::MAX_WINDOW_SECONDS;
use clorp_domain::time::{after_seconds, from_unix_millis};
use clorp_domain::{Claim, DropId, Error, UserId};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::Store;
use crate::agents::write_agent_id;
use crate::fault::fault;
use crate::item::{Item, decode, keyed, s};
use crate::primary_key::{Key, LAPSED_WORK, PK, SK, WORK, lapsed_work_sk, user_pk};
use crate::tx::Tx;

/// Behind every sort key with the same beginning.
const END: char = '~';
/// Items that one look at a worker's claims reads.
const READ: i32 = 200;
/// Drops that a worker's list shows.
const LISTED: i32 = 100;

#[derive(Debug, Serialize, Deserialize)]
struct WorkItem {
    // Absent on claims that were made before it was kept.
    lease_expires_at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent_id: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct LapseItem {
    released: bool,
    // In seconds, as the table's expiry wants it. That only cleans up: it may come days late.
    expires_at: i64,
}

/// The end of a claim without a submission.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lapse {
    /// The time it counts from.
    pub at: Timestamp,
    /// Whether the worker gave the slot up.
    pub released: bool,
}

/// A worker's claims, as far as they may keep them from another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims {
    /// When claims lapsed that are no longer held.
    pub lapses: Vec<Timestamp>,
    /// Drops on which a claim is held whose lease is over: it has lapsed unless it was submitted.
    pub overdue: Vec<DropId>,
}

/// Puts a drop on its new worker's list.
pub(crate) fn begin_work(tx: &mut Tx, worker: &UserId, drop: DropId, claim: &Claim) -> Result<(), Error> {
    let key = Key::work(worker, drop);
    let item = WorkItem {
        lease_expires_at: Some(claim.lease_expires_at.as_millisecond()),
        agent_id: write_agent_id(worker, claim.agent),
    };
    let item = keyed(&key, &item)?;
    tx.create(key, item);
    Ok(())
}

/// Takes a drop off a worker's list, and records the lapse if the claim ended by one.
pub(crate) fn end_work(
    tx: &mut Tx,
    worker: &UserId,
    drop: DropId,
    lapse: Option<Lapse>,
) -> Result<(), Error> {
    tx.delete(Key::work(worker, drop));
    if let Some(Lapse { at, released }) = lapse {
        let key = Key::lapsed_work(worker, at, drop);
        // Rounded up to whole seconds.
        let expires_at = after_seconds(at, MAX_WINDOW_SECONDS + 1).as_second();
        let item = keyed(&key, &LapseItem { released, expires_at })?;
        tx.create(key, item);
    }
    Ok(())
}

impl Store {
    /// The drops a user holds active claims on, newest first, at most 100. One round trip, 1 read unit per 4 KB of
    /// small items.
    ///
    /// # Errors
    /// Faults only.
    pub async fn work(&self, worker: &UserId) -> Result<Vec<DropId>, Error> {
        let items = self.query_work(worker, WORK.to_owned(), format!("{WORK}{END}"), false, LISTED).await?;
        Ok(items.iter().filter_map(active_drop).collect())
    }

    /// What may keep a user from claiming at `now`: claims that lapsed after `after`. One round trip, 1 read unit per
    /// 4 KB of small items, of which there is one for each of these lapses and each active claim.
    ///
    /// # Errors
    /// Faults only.
    pub async fn claims(&self, worker: &UserId, after: Timestamp, now: Timestamp) -> Result<Claims, Error> {
        let first = after.saturating_add(SignedDuration::from_millis(1)).unwrap_or(Timestamp::MAX);
        let items =
            self.query_work(worker, lapsed_work_sk(first), format!("{WORK}{END}"), true, READ).await?;
        let mut claims = Claims::default();
        for item in items {
            if let Some((at, _)) = lapse_of(&item) {
                claims.lapses.push(at);
            } else if let Some(drop) = active_drop(&item) {
                let item: WorkItem = decode(item)?;
                let ended = item.lease_expires_at.and_then(from_unix_millis);
                claims.overdue.extend(ended.is_some_and(|at| after < at && at <= now).then_some(drop));
            }
        }
        Ok(claims)
    }

    /// Whether a user has given up a slot of this drop, as far as that is remembered: for a day. One round trip, 1
    /// read unit per 4 KB of the small items that lapses leave.
    ///
    /// # Errors
    /// Faults only.
    pub async fn has_released(&self, worker: &UserId, drop: DropId) -> Result<bool, Error> {
        let (low, high) = (LAPSED_WORK.to_owned(), format!("{LAPSED_WORK}{END}"));
        for item in self.query_work(worker, low, high, false, READ).await? {
            if lapse_of(&item).is_some_and(|(_, of)| of == drop) && decode::<LapseItem>(item)?.released {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn query_work(
        &self,
        worker: &UserId,
        low: String,
        high: String,
        forward: bool,
        limit: i32,
    ) -> Result<Vec<Item>, Error> {
        let answer = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression(format!("{PK} = :pk AND {SK} BETWEEN :low AND :high"))
            .expression_attribute_values(":pk", s(user_pk(worker)))
            .expression_attribute_values(":low", s(low))
            .expression_attribute_values(":high", s(high))
            .scan_index_forward(forward)
            .limit(limit)
            .consistent_read(true)
            .send()
            .await
            .map_err(|e| fault("query work", e))?;
        Ok(answer.items.unwrap_or_default())
    }
}

/// The drop that an item puts on its worker's list.
fn active_drop(item: &Item) -> Option<DropId> {
    Key::of_item(item)?.sk.strip_prefix(WORK)?.parse().ok()
}

/// When which claim lapsed, if an item says so.
fn lapse_of(item: &Item) -> Option<(Timestamp, DropId)> {
    let key = Key::of_item(item)?;
    let (at, drop) = key.sk.strip_prefix(LAPSED_WORK)?.split_once('#')?;
    Some((from_unix_millis(at.parse().ok()?)?, drop.parse().ok()?))
}
