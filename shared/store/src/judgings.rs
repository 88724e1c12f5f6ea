//! Judgings by a model: the lease by which one function at a time asks it, the answers that were paid for,
//! and the costs of a day.
//!
//! An order of the submissions is recorded as asked before the model is asked about it. So a crash may lose
//! an answer, and never buys one twice.

use clorp_domain::{Error, RankingTask};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;

use crate::items::judging::{
    ASKED, Judging, LEASE_EXPIRES_AT, read_answer, read_judging, write_answer, write_judging,
};
use crate::items::keys;
use crate::items::keys::{drop_pk, judging_answers};
use crate::table::item::{at, n};
use crate::table::{Update, fault};
use crate::{Conditional, Judgings};

/// Days for which the costs of a day are kept.
const COSTS_KEPT_DAYS: i64 = 90;

/// An upper bound or an amount of a model's work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JudgingCost {
    /// Tokens, read and written.
    pub tokens: u64,
    /// Price, in millionths of a cent.
    pub micro_cents: u64,
}

impl Judgings<'_> {
    /// Takes the lease of a task's judging from `now` until `judging.lease_expires_at`. A judging that exists
    /// keeps its seed and the number of orders that were asked about; a new one is recorded as given. A
    /// conflict is the end of another holder's lease. One write unit, a takeover two.
    pub async fn begin(
        self,
        task: RankingTask,
        judging: Judging,
        now: Timestamp,
    ) -> Result<Result<Judging, Timestamp>, Error> {
        let key = keys::judging(task);
        let mut update = Update::default();
        update.require_new().set_all(write_judging(&judging)?);
        let mut found = None;
        let created = self.table.update_if(key.clone(), update).await?.or_conflict(|mut refusals| {
            found = refusals.take(&key).map(read_judging).transpose()?;
            Ok(())
        })?;
        let Some(earlier) = found.filter(|_| !created.is_applied()) else {
            return Ok(Ok(judging));
        };
        if now < earlier.lease_expires_at {
            return Ok(Err(earlier.lease_expires_at));
        }
        let mut update = Update::default();
        update
            .require(LEASE_EXPIRES_AT, "=", at(earlier.lease_expires_at))
            .set(LEASE_EXPIRES_AT, at(judging.lease_expires_at));
        let taken = self.table.update_if(key, update).await?.conditional();
        let held = Judging { lease_expires_at: judging.lease_expires_at, ..earlier };
        Ok(if taken.is_applied() { Ok(held) } else { Err(judging.lease_expires_at) })
    }

    /// Records that the model is about to be asked about the orders below `asked`. A conflict means that the
    /// lease is another holder's. One write unit.
    pub async fn ask(
        self,
        task: RankingTask,
        judging: &Judging,
        asked: u32,
    ) -> Result<Conditional<()>, Error> {
        let mut update = Update::default();
        update
            .require(LEASE_EXPIRES_AT, "=", at(judging.lease_expires_at))
            .require(ASKED, "=", n(judging.asked))
            .set(ASKED, n(asked));
        Ok(self.table.update_if(keys::judging(task), update).await?.conditional())
    }

    /// Gives the lease of a judging back, so that the next attempt need not wait for its end.
    pub async fn release(self, task: RankingTask, judging: &Judging, now: Timestamp) -> Result<(), Error> {
        let mut update = Update::default();
        update
            .require(LEASE_EXPIRES_AT, "=", at(judging.lease_expires_at))
            .set(LEASE_EXPIRES_AT, at(now.min(judging.lease_expires_at)));
        self.table.update_if(keys::judging(task), update).await.map(|_| ())
    }

    /// Keeps the model's answer about an order. One write unit for each KB of the deflated text.
    pub async fn keep(self, task: RankingTask, order: u32, answer: &str) -> Result<(), Error> {
        let mut update = Update::default();
        update.require_new().set_all(write_answer(answer)?);
        self.table.update_if(keys::judging_answer(task, order), update).await.map(|_| ())
    }

    /// The answers that were kept, in the order of their orders. One round trip, 1 read unit for each 4 KB.
    pub async fn answers(self, task: RankingTask) -> Result<Vec<String>, Error> {
        let query = self.table.beginning_with(drop_pk(task.drop()), judging_answers(task));
        let mut found = query.into_paginator().items().send();
        let mut answers = Vec::new();
        while let Some(item) = found.next().await {
            answers.push(read_answer(item.map_err(|e| fault("query answers", e))?)?);
        }
        Ok(answers)
    }

    /// Adds `cost` to those of the day, if the sum stays within `limit`. A conflict means that it would not.
    /// One write unit.
    pub async fn reserve(
        self,
        now: Timestamp,
        cost: JudgingCost,
        limit: JudgingCost,
    ) -> Result<Conditional<()>, Error> {
        let (Some(tokens), Some(micro_cents)) =
            (limit.tokens.checked_sub(cost.tokens), limit.micro_cents.checked_sub(cost.micro_cents))
        else {
            return Ok(Conditional::Conflict(()));
        };
        let mut update = Update::default();
        let expires_at = now.as_second().saturating_add(COSTS_KEPT_DAYS * 24 * 3600);
        update
            .require_absent_or("tokens", "<=", n(stored(tokens)?))
            .require_absent_or("micro_cents", "<=", n(stored(micro_cents)?))
            .add("tokens", stored(cost.tokens)?)
            .add("micro_cents", stored(cost.micro_cents)?)
            .set("expires_at", n(expires_at));
        Ok(self.table.update_if(keys::judging_costs(day(now)), update).await?.conditional())
    }

    /// Replaces a reserved cost by the actual one. One write unit.
    pub async fn correct(
        self,
        reserved_at: Timestamp,
        reserved: JudgingCost,
        actual: JudgingCost,
    ) -> Result<(), Error> {
        let mut update = Update::default();
        update
            .require_existing()
            .add("tokens", stored(actual.tokens)? - stored(reserved.tokens)?)
            .add("micro_cents", stored(actual.micro_cents)? - stored(reserved.micro_cents)?);
        self.table.update_if(keys::judging_costs(day(reserved_at)), update).await.map(|_| ())
    }
}

fn day(at: Timestamp) -> Date {
    Offset::UTC.to_datetime(at).date()
}

fn stored(amount: u64) -> Result<i64, Error> {
    i64::try_from(amount).map_err(|_| Error::internal("a cost of judging is out of range"))
}
