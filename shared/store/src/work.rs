//! Work: each worker's active claims, and the claims that lapsed recently.
//!
//! An active claim's item leads to its drop, which decides whether the claim holds, has lapsed or was
//! submitted: a submission does not touch the item, a claim may write it without succeeding, and a settlement
//! deletes it after the drop has ended. A claim that succeeds has its item, and the record of a lapse is
//! written in the drop's transaction.

use clorp_domain::{AgentId, Claim, Drop, DropId, Error, UserId};
use futures::future::try_join_all;
use jiff::{SignedDuration, Timestamp};

use crate::Work;
use crate::items::agent::AGENT_ID;
use crate::items::keys;
use crate::items::keys::{LAPSED_WORK, WORK, lapsed_work_sk, user_pk};
use crate::items::work::{
    LEASE_EXPIRES_AT, Lapse, read_active_drop, read_lapse, read_lease_end, read_released, write_lapse,
    write_work,
};
use crate::table::item::{at, s};
use crate::table::{END, Item, Tx, Update, fault};

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
    /// Drops on which the worker may hold a claim.
    pub active: Vec<DropId>,
}

impl Work<'_> {
    /// The drops on which a user may hold active claims, newest first, at most 100. One round trip, 1 read
    /// unit per 4 KB of small items.
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
                claims.active.push(drop);
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

    /// The drops on which an agent other than the default one may hold a claim. One round trip, 1 read unit
    /// for each 4 KB of the user's claims.
    pub async fn of_agent(self, owner: &UserId, agent: AgentId) -> Result<Vec<DropId>, Error> {
        let query = self
            .table
            .beginning_with(user_pk(owner), WORK)
            .filter_expression(format!("{AGENT_ID} = :agent"))
            .expression_attribute_values(":agent", s(agent.to_string()));
        let mut found = query.into_paginator().items().send();
        let mut drops = Vec::new();
        while let Some(item) = found.next().await {
            drops.extend(read_active_drop(&item.map_err(|e| fault("query work", e))?));
        }
        Ok(drops)
    }

    /// Puts a drop on the list of its worker. One write unit.
    pub async fn begin(self, worker: &UserId, drop: &Drop, claim: &Claim) -> Result<(), Error> {
        let mut update = Update::default();
        update.set_all(write_work(worker, drop, claim)?);
        update.require_absent_or(LEASE_EXPIRES_AT, "<=", at(claim.lease_expires_at));
        // A refusal means that the list has a later claim already.
        self.table.update_if(keys::work(worker, drop.id), update).await.map(|_| ())
    }

    /// Takes a drop that has ended off the lists of those who submitted. One write unit for each. An item
    /// that a fault leaves behind expires.
    pub async fn end(self, drop: &Drop) -> Result<(), Error> {
        let submitted = drop.claims.iter().filter(|(_, claim)| claim.submitted_at.is_some());
        let ended = submitted.map(|(worker, claim)| {
            let mut unchanged = Update::default();
            unchanged.require_absent_or(LEASE_EXPIRES_AT, "<=", at(claim.lease_expires_at));
            self.table.delete_if(keys::work(worker, drop.id), unchanged)
        });
        try_join_all(ended).await.map(|_| ())
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

/// Puts a drop on its worker's list, guarded by the condition on the drop in the same transaction.
pub(crate) fn begin_work(tx: &mut Tx, worker: &UserId, drop: &Drop, claim: &Claim) -> Result<(), Error> {
    tx.update(keys::work(worker, drop.id)).set_all(write_work(worker, drop, claim)?);
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

/// Takes a drop that ends at `now` off the lists of the workers who did not submit, and records the claims
/// that have lapsed. [`Work::end`] does the rest.
pub(crate) fn end_unsubmitted_work(tx: &mut Tx, drop: &Drop, now: Timestamp) -> Result<(), Error> {
    for (worker, claim) in drop.claims.iter().filter(|(_, claim)| claim.submitted_at.is_none()) {
        let lapse = claim.lapsed_at(now).map(|at| Lapse { at, released: false });
        end_work(tx, worker, drop.id, lapse)?;
    }
    Ok(())
}
