//! Settlement: the end of a drop by a verdict.

use clorp_domain::stats::Stats;
use clorp_domain::{
    AgentId, Cents, Drop, Error, FinishedRace, Placing, Posting, Race, Status, UserId, Verdict,
};

use crate::agents::{Racer, count_race};
use crate::items::drop::stamp;
use crate::items::index_entry::IndexEntry;
use crate::items::keys;
use crate::items::race::write_race;
use crate::items::verdict::{FeedExcerpt, write_verdict};
use crate::stats::{count, on_board};
use crate::table::Tx;
use crate::table::item::{at, n, s};
use crate::work::end_unsubmitted_work;
use crate::{Conditional, Drops, ledger};

impl Drops<'_> {
    /// Settles a drop that is being ranked: status, verdict, payout and fee or refund, totals, and for each
    /// submission the agent's record and the worker's finished race, in one transaction. `drop` is the drop
    /// as judged: completed, or expired if plain checks refused every submission. `posting` empties its
    /// escrow, and `racers` are the agents of the workers who submitted. A conflict means that the drop or
    /// one of the agents has changed since it was read.
    pub async fn settle(
        self,
        drop: &Drop,
        verdict: &Verdict,
        excerpt: FeedExcerpt<'_>,
        posting: &Posting,
        racers: &[Racer],
    ) -> Result<Conditional<()>, Error> {
        let mut tx = Tx::default();
        let update = stamp(tx.update(keys::drop(drop.id)), drop.updated_at);
        update
            .require("status", "=", s(Status::Ranking.as_str()))
            .require("submissions_count", "=", n(drop.submissions_count()))
            .set("status", s(drop.status.as_str()));
        if let Some(outcome) = &drop.outcome {
            update
                .set("winner_id", s(outcome.winner.to_string()))
                .set("grade", s(outcome.grade.as_str()))
                .set("completed_at", at(outcome.completed_at));
            IndexEntry::Feed(drop.pack, outcome.completed_at).set(update, drop.id);
        } else {
            IndexEntry::None.set(update, drop.id);
        }
        end_unsubmitted_work(&mut tx, drop, drop.updated_at)?;
        let agent_of = |worker: &UserId| racer_of(racers, worker).map(|racer| &racer.agent);
        tx.update(keys::verdict(drop.id)).require_new().set_all(write_verdict(verdict, excerpt, agent_of)?);
        ledger::post(&mut tx, posting)?;
        count(&mut tx, drop.id, settled(drop)?);
        finish_races(&mut tx, drop, verdict, racers)?;
        self.table.transact(tx).await?.or_conflict(|refusals| {
            let expected = refusals.contains(&keys::drop(drop.id)) || refusals.keys().any(keys::is_agents);
            if expected { Ok(()) } else { Err(refusals.unexpected(&format!("settlement of {}", drop.id))) }
        })
    }
}

/// Counts a drop's races on the agents that raced, and adds them to their workers' finished races.
fn finish_races(tx: &mut Tx, drop: &Drop, verdict: &Verdict, racers: &[Racer]) -> Result<(), Error> {
    for placing in verdict.placings() {
        let won = drop.outcome.as_ref().is_some_and(|outcome| outcome.winner == placing.worker);
        let payout = won.then(|| drop.payout()).transpose()?;
        if let Some(racer) = racer_of(racers, &placing.worker) {
            count_race(tx, racer, Race { grade: placing.grade, payout })?;
        }
        let key = keys::race(&placing.worker, drop.updated_at, drop.id);
        let race = finished_race(drop, placing, payout.unwrap_or(Cents::ZERO));
        tx.create(key.clone(), write_race(&key, &placing.worker, &race)?);
    }
    Ok(())
}

fn finished_race(drop: &Drop, placing: &Placing, payout: Cents) -> FinishedRace {
    let claim = drop.claims.get(&placing.worker);
    FinishedRace {
        drop: drop.id,
        title: drop.title.clone(),
        pack: drop.pack,
        price: drop.price,
        agent: claim.map_or_else(|| AgentId::default_of(&placing.worker), |claim| claim.agent),
        finished_at: drop.updated_at,
        rank: placing.rank,
        submissions: drop.submissions_count(),
        grade: placing.grade,
        score: placing.score,
        payout,
        rationale: placing.rationale.clone(),
    }
}

fn racer_of<'a>(racers: &'a [Racer], worker: &UserId) -> Option<&'a Racer> {
    racers.iter().find(|racer| racer.agent.owner == *worker)
}

/// The change of the totals when a drop leaves the board for good, judged. A refunded drop counts like one
/// without submissions.
fn settled(drop: &Drop) -> Result<Stats, Error> {
    let left = on_board(drop.price, -1)?;
    if drop.outcome.is_none() {
        return Ok(left);
    }
    let submissions = drop.submissions_count().into();
    Ok(Stats { completed_drops: 1, submissions, paid_out: drop.payout()?, ..left })
}
