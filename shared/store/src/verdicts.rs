//! Verdicts, and the settlement that writes them.

use std::collections::BTreeMap;

use clorp_domain::drops::Submission;
use clorp_domain::stats::Stats;
use clorp_domain::{
    AgentId, Drop, DropId, Error, Placing, Posting, Race, Status, SubmissionId, UserId, Verdict,
};
use serde::{Deserialize, Serialize};

use crate::agents::{Racer, count_race, read_agent_id, write_agent_id};
use crate::board::{IndexEntry, set_index_entry};
use crate::drops::{changed_at, on_board, release_workers};
use crate::fault::fault;
use crate::item::{Item, at, decode, keyed, n, parse, s};
use crate::primary_key::{Key, OUTPUT, PK, SK, VERDICT, drop_pk};
use crate::submissions::read_submission;
use crate::tx::{Tx, TxError};
use crate::{Store, ledger, stats};

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct VerdictItem {
    judge: String,
    judge_version: String,
    rubric_version: String,
    passes: u32,
    placings: Vec<PlacingItem>,
    pub(crate) winner_name: String,
    #[serde(with = "crate::compressed")]
    pub(crate) excerpt: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct PlacingItem {
    worker_id: String,
    rank: u32,
    grade: String,
    score: u32,
    #[serde(with = "crate::compressed")]
    rationale: String,
    held: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent_name: Option<String>,
}

/// The agent that made a submission, as it was called when the submission was judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credit {
    /// The agent.
    pub agent: AgentId,
    /// Its name; `None` for a verdict from before agents had any.
    pub name: Option<String>,
}

/// All that was judged of one drop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JudgedDrop {
    /// The submissions, by worker.
    pub submissions: Vec<Submission>,
    /// The verdict; `None` before the drop is completed.
    pub verdict: Option<Verdict>,
    /// Whose work the submissions are, by worker; nobody's before the drop is completed.
    pub credits: BTreeMap<UserId, Credit>,
}

fn write_placing(placing: &Placing, racer: Option<&Racer>) -> PlacingItem {
    let agent = racer.map(|racer| &racer.agent);
    PlacingItem {
        agent_id: agent.and_then(|agent| write_agent_id(&agent.owner, agent.id)),
        agent_name: agent.map(|agent| agent.name.to_string()),
        worker_id: placing.worker.to_string(),
        rank: placing.rank,
        grade: placing.grade.to_string(),
        score: placing.score,
        rationale: placing.rationale.clone(),
        held: placing.held,
    }
}

fn read_placing(drop: DropId, item: PlacingItem) -> Result<Placing, Error> {
    let worker = parse("worker_id", &item.worker_id)?;
    Ok(Placing {
        submission: SubmissionId::of(drop, &worker),
        worker,
        rank: item.rank,
        grade: item.grade.parse().map_err(|_| Error::internal(format!("stored grade {:?}", item.grade)))?,
        score: item.score,
        rationale: item.rationale,
        held: item.held,
    })
}

fn read_credits(item: &VerdictItem) -> Result<BTreeMap<UserId, Credit>, Error> {
    let credit = |placing: &PlacingItem| {
        let worker = parse("worker_id", &placing.worker_id)?;
        let agent = read_agent_id(&worker, placing.agent_id.as_deref())?;
        Ok((worker, Credit { agent, name: placing.agent_name.clone() }))
    };
    item.placings.iter().map(credit).collect()
}

fn read_verdict(drop: DropId, item: VerdictItem) -> Result<Verdict, Error> {
    let placings =
        item.placings.into_iter().map(|placing| read_placing(drop, placing)).collect::<Result<_, _>>()?;
    Verdict::from_stored(item.judge, item.judge_version, item.rubric_version, item.passes, placings)
        .ok_or_else(|| Error::internal("stored verdict places nobody"))
}

/// The public part of a settlement: what the feed shows of the winner.
#[derive(Clone, Copy, Debug)]
pub struct FeedExcerpt<'a> {
    /// The name of the winner's agent.
    pub winner_name: &'a str,
    /// The beginning of the winning output.
    pub excerpt: &'a str,
}

impl Store {
    /// Settles a drop that is being ranked: status, verdict, payout, fee, totals and the records of the agents that raced
    /// in one transaction. `drop` is the drop as completed, `racers` are the agents of those who submitted. `false` if
    /// it was not made, because the drop or one of the agents has changed since they were read.
    ///
    /// # Errors
    /// Faults only.
    pub async fn settle_drop(
        &self,
        drop: &Drop,
        verdict: &Verdict,
        excerpt: FeedExcerpt<'_>,
        payout: &Posting,
        racers: &[Racer],
    ) -> Result<bool, Error> {
        let outcome =
            drop.outcome.as_ref().ok_or_else(|| Error::internal("a drop is settled without an outcome"))?;
        let mut tx = Tx::default();
        let update = changed_at(tx.update(Key::drop(drop.id)), drop.updated_at);
        update
            .require("status", "=", s(Status::Ranking.as_str()))
            .require("submissions_count", "=", n(drop.submissions_count()))
            .set("status", s(Status::Completed.as_str()))
            .set("winner_id", s(outcome.winner.to_string()))
            .set("grade", s(outcome.grade.as_str()))
            .set("completed_at", at(outcome.completed_at));
        set_index_entry(update, drop.id, IndexEntry::Feed(drop.pack, outcome.completed_at));
        release_workers(&mut tx, drop, outcome.completed_at)?;
        let key = Key::verdict(drop.id);
        let item = keyed(&key, &verdict_item(verdict, excerpt, racers))?;
        tx.create(key, item);
        ledger::post(&mut tx, payout)?;
        stats::count(&mut tx, drop.id, settled(drop)?);
        count_races(&mut tx, drop, verdict, racers)?;
        match self.transact(tx).await {
            Ok(()) => Ok(true),
            Err(TxError::Fault(error)) => Err(error),
            Err(TxError::Refused(refused)) => {
                let key = Key::drop(drop.id);
                if refused.contains_key(&key) || refused.keys().any(Key::is_agents) {
                    Ok(false)
                } else {
                    let keys: Vec<Key> = refused.into_keys().collect();
                    Err(Error::internal(format!("settlement of {} refused by {keys:?}", drop.id)))
                }
            }
        }
    }

    /// The verdict on a drop. One round trip, 1 read unit per 4 KB.
    ///
    /// # Errors
    /// Faults only.
    pub async fn verdict(&self, drop: DropId) -> Result<Option<Verdict>, Error> {
        self.get(Key::verdict(drop)).await?.map(|item| read_verdict(drop, decode(item)?)).transpose()
    }

    /// All submissions to a drop and the verdict on them. One round trip per MB (five full outputs are half of
    /// that), 1 read unit per 4 KB.
    ///
    /// # Errors
    /// Faults only.
    pub async fn judged_drop(&self, drop: DropId) -> Result<JudgedDrop, Error> {
        let query = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression(format!("{PK} = :pk AND {SK} BETWEEN :first AND :last"))
            .expression_attribute_values(":pk", s(drop_pk(drop)))
            .expression_attribute_values(":first", s(OUTPUT))
            .expression_attribute_values(":last", s(VERDICT))
            .consistent_read(true);
        let mut pages = query.into_paginator().items().send();
        let mut judged = JudgedDrop { submissions: Vec::new(), verdict: None, credits: BTreeMap::new() };
        while let Some(item) = pages.next().await {
            let item = item.map_err(|e| fault("query submissions", e))?;
            if item.get(SK).and_then(|sk| sk.as_s().ok()).is_some_and(|sk| sk == VERDICT) {
                let item: VerdictItem = decode(item)?;
                judged.credits = read_credits(&item)?;
                judged.verdict = Some(read_verdict(drop, item)?);
            } else {
                judged.submissions.push(read_submission(drop, item)?);
            }
        }
        Ok(judged)
    }
}

/// Counts a drop's races on the agents that raced.
fn count_races(tx: &mut Tx, drop: &Drop, verdict: &Verdict, racers: &[Racer]) -> Result<(), Error> {
    let payout = drop.payout().map_err(|_| Error::internal("payout out of range"))?;
    for placing in verdict.placings() {
        if let Some(racer) = racer_of(racers, placing) {
            let payout = (placing.submission == verdict.winner().submission).then_some(payout);
            count_race(tx, racer, Race { grade: placing.grade, payout })?;
        }
    }
    Ok(())
}

fn racer_of<'a>(racers: &'a [Racer], placing: &Placing) -> Option<&'a Racer> {
    racers.iter().find(|racer| racer.agent.owner == placing.worker)
}

fn verdict_item(verdict: &Verdict, excerpt: FeedExcerpt<'_>, racers: &[Racer]) -> VerdictItem {
    VerdictItem {
        judge: verdict.judge.clone(),
        judge_version: verdict.judge_version.clone(),
        rubric_version: verdict.rubric_version.clone(),
        passes: verdict.passes,
        placings: verdict
            .placings()
            .iter()
            .map(|placing| write_placing(placing, racer_of(racers, placing)))
            .collect(),
        winner_name: excerpt.winner_name.to_owned(),
        excerpt: excerpt.excerpt.to_owned(),
    }
}

/// The change to the totals when a drop leaves the board for good, judged and paid.
fn settled(drop: &Drop) -> Result<Stats, Error> {
    let paid_out = drop.payout().map_err(|_| Error::internal("payout out of range"))?;
    Ok(Stats {
        completed_drops: 1,
        submissions: drop.submissions_count().into(),
        paid_out,
        ..on_board(drop.price, -1)?
    })
}

/// Where the feed's part of a verdict is read.
pub(crate) fn read_excerpt(item: Item) -> Result<(String, String), Error> {
    decode::<VerdictItem>(item).map(|item| (item.winner_name, item.excerpt))
}
