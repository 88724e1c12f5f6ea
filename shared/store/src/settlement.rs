//! Settlement: the end of a drop by a verdict.

use clorp_domain::stats::Stats;
use clorp_domain::{Drop, Error, Posting, Race, Status, UserId, Verdict};

use crate::agents::{Racer, count_race};
use crate::items::drop::stamp;
use crate::items::index_entry::IndexEntry;
use crate::items::keys;
use crate::items::verdict::{FeedExcerpt, write_verdict};
use crate::stats::{count, on_board};
use crate::table::Tx;
use crate::table::item::{at, n, s};
use crate::work::end_all_work;
use crate::{Conditional, Drops, ledger};

impl Drops<'_> {
    /// Settles a drop that is being ranked: status, verdict, payout, fee, totals and the records of the
    /// agents that raced, in one transaction. `drop` is the drop as completed, `racers` are the agents of the
    /// workers who submitted. A conflict means that the drop or one of the agents has changed since it was
    /// read.
    pub async fn settle(
        self,
        drop: &Drop,
        verdict: &Verdict,
        excerpt: FeedExcerpt<'_>,
        payout: &Posting,
        racers: &[Racer],
    ) -> Result<Conditional<()>, Error> {
        let outcome =
            drop.outcome.as_ref().ok_or_else(|| Error::internal("a drop is settled without an outcome"))?;
        let mut tx = Tx::default();
        let update = stamp(tx.update(keys::drop(drop.id)), drop.updated_at);
        update
            .require("status", "=", s(Status::Ranking.as_str()))
            .require("submissions_count", "=", n(drop.submissions_count()))
            .set("status", s(Status::Completed.as_str()))
            .set("winner_id", s(outcome.winner.to_string()))
            .set("grade", s(outcome.grade.as_str()))
            .set("completed_at", at(outcome.completed_at));
        IndexEntry::Feed(drop.pack, outcome.completed_at).set(update, drop.id);
        end_all_work(&mut tx, drop, outcome.completed_at)?;
        let key = keys::verdict(drop.id);
        let agent_of = |worker: &UserId| racer_of(racers, worker).map(|racer| &racer.agent);
        tx.create(key.clone(), write_verdict(&key, verdict, excerpt, agent_of)?);
        ledger::post(&mut tx, payout)?;
        count(&mut tx, drop.id, settled(drop)?);
        count_races(&mut tx, drop, verdict, racers)?;
        self.table.transact(tx).await?.or_conflict(|refusals| {
            let expected = refusals.contains(&keys::drop(drop.id)) || refusals.keys().any(keys::is_agents);
            if expected { Ok(()) } else { Err(refusals.unexpected(&format!("settlement of {}", drop.id))) }
        })
    }
}

/// Counts a drop's races on the agents that raced.
fn count_races(tx: &mut Tx, drop: &Drop, verdict: &Verdict, racers: &[Racer]) -> Result<(), Error> {
    let payout = drop.payout().map_err(|_| Error::internal("payout out of range"))?;
    for placing in verdict.placings() {
        if let Some(racer) = racer_of(racers, &placing.worker) {
            let payout = (placing.submission == verdict.winner().submission).then_some(payout);
            count_race(tx, racer, Race { grade: placing.grade, payout })?;
        }
    }
    Ok(())
}

fn racer_of<'a>(racers: &'a [Racer], worker: &UserId) -> Option<&'a Racer> {
    racers.iter().find(|racer| racer.agent.owner == *worker)
}

/// The change of the totals when a drop leaves the board for good, judged and paid.
fn settled(drop: &Drop) -> Result<Stats, Error> {
    let paid_out = drop.payout().map_err(|_| Error::internal("payout out of range"))?;
    Ok(Stats {
        completed_drops: 1,
        submissions: drop.submissions_count().into(),
        paid_out,
        ..on_board(drop.price, -1)?
    })
}
