//! Work: each worker's active claims, and the claims that lapsed recently.
//!
//! The items are written and deleted in the drop's transactions. A submission does not touch them, so only
//! the drop tells whether a claim whose lease is over has lapsed or was submitted.

use clorp_domain::{AgentId, Claim, Drop, DropId, Error, UserId};
use jiff::{SignedDuration, Timestamp};

use crate::Work;
use crate::items::agent::AGENT_ID;
use crate::items::keys;
use crate::items::keys::{LAPSED_WORK, WORK, lapsed_work_sk, user_pk};
use crate::items::work::{
    Lapse, read_active_drop, read_lapse, read_lease_end, read_released, write_lapse, write_work,
};
use crate::table::item::s;
use crate::table::{END, Item, Tx, fault};

/// Items that one look at a worker's claims reads.
const READ: i32 = 200;
/// Drops on a worker's list.
const LISTED: i32 = 100;

/// A worker's claims that may put the worker in cooldown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims {
    /// The times at which claims lapsed.
    pub lapses: Vec<Timestamp>,
    /// Drops with a claim whose lease is over: it has lapsed unless it was submitted.
    pub overdue: Vec<DropId>,
}

impl Work<'_> {
    /// The drops on which a user holds active claims, newest first, at most 100. One round trip, 1 read unit
    /// per 4 KB of small items.
    pub async fn active(self, worker: &UserId) -> Result<Vec<DropId>, Error> {
        let items = self.query(worker, WORK.to_owned(), format!("{WORK}{END}"), false, LISTED).await?;
        Ok(items.iter().filter_map(read_active_drop).collect())
    }

    /// The claims that may keep a user from claiming at `now`: those that lapsed after `after`. One round
    /// trip, 1 read unit per 4 KB of small items, of which there is one for each of these lapses and each
    /// active claim.
    pub async fn recent(self, worker: &UserId, after: Timestamp, now: Timestamp) -> Result<Claims, Error> {
        let first = after.saturating_add(SignedDuration::from_millis(1)).unwrap_or(Timestamp::MAX);
        let items = self.query(worker, lapsed_work_sk(first), format!("{WORK}{END}"), true, READ).await?;
        let mut claims = Claims::default();
        for item in items {
            if let Some((at, _)) = read_lapse(&item) {
                claims.lapses.push(at);
            } else if let Some(drop) = read_active_drop(&item) {
                let ended = read_lease_end(item)?;
                claims.overdue.extend(ended.is_some_and(|at| after < at && at <= now).then_some(drop));
            }
        }
        Ok(claims)
    }

    /// Tells whether a user has given up a slot of this drop within the last day. One round trip, 1 read unit
    /// per 4 KB of the small items that lapses leave.
    pub async fn has_released(self, worker: &UserId, drop: DropId) -> Result<bool, Error> {
        let (low, high) = (LAPSED_WORK.to_owned(), format!("{LAPSED_WORK}{END}"));
        for item in self.query(worker, low, high, false, READ).await? {
            if read_lapse(&item).is_some_and(|(_, of)| of == drop) && read_released(item)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Tells whether an agent other than the default one holds a claim on a drop that has not ended. One
    /// round trip, 1 read unit for each 4 KB of the user's claims.
    pub async fn is_active_for(self, owner: &UserId, agent: AgentId) -> Result<bool, Error> {
        let query = self
            .table
            .beginning_with(user_pk(owner), WORK)
            .filter_expression(format!("{AGENT_ID} = :agent"))
            .expression_attribute_values(":agent", s(agent.to_string()));
        let mut found = query.into_paginator().items().send();
        Ok(found.next().await.transpose().map_err(|e| fault("query work", e))?.is_some())
    }

    async fn query(
        self,
        worker: &UserId,
        low: String,
        high: String,
        forward: bool,
        limit: i32,
    ) -> Result<Vec<Item>, Error> {
        let query = self.table.between(user_pk(worker), low, high);
        let answer = query.scan_index_forward(forward).limit(limit).send().await;
        Ok(answer.map_err(|e| fault("query work", e))?.items.unwrap_or_default())
    }
}

/// Puts a drop on its new worker's list.
pub(crate) fn begin_work(tx: &mut Tx, worker: &UserId, drop: DropId, claim: &Claim) -> Result<(), Error> {
    let key = keys::work(worker, drop);
    tx.create(key.clone(), write_work(&key, worker, claim)?);
    Ok(())
}

/// Takes a drop off a worker's list, and records the lapse if the claim ended by one.
pub(crate) fn end_work(
    tx: &mut Tx,
    worker: &UserId,
    drop: DropId,
    lapse: Option<Lapse>,
) -> Result<(), Error> {
    tx.delete(keys::work(worker, drop));
    if let Some(lapse) = lapse {
        let key = keys::lapsed_work(worker, lapse.at, drop);
        tx.create(key.clone(), write_lapse(&key, lapse)?);
    }
    Ok(())
}

/// Takes a drop that ends at `now` off its workers' lists, and records the claims that have lapsed.
pub(crate) fn end_all_work(tx: &mut Tx, drop: &Drop, now: Timestamp) -> Result<(), Error> {
    for (worker, claim) in &drop.claims {
        let lapse = claim.lapsed_at(now).map(|at| Lapse { at, released: false });
        end_work(tx, worker, drop.id, lapse)?;
    }
    Ok(())
}
