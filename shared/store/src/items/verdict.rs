//! A verdict, with the feed's excerpt of the winner.

use std::collections::BTreeMap;

use clorp_domain::{Agent, AgentId, DropId, Error, Placing, SubmissionId, UserId, Verdict};
use serde::{Deserialize, Serialize};

use crate::items::agent::{read_agent_id, write_agent_id};
use crate::table::item::{decode, keyed, parse};
use crate::table::{Item, Key};

#[derive(Debug, Serialize, Deserialize)]
struct VerdictItem {
    judge: String,
    judge_version: String,
    rubric_version: String,
    passes: u32,
    placings: Vec<PlacingItem>,
    winner_name: String,
    #[serde(with = "crate::table::compressed")]
    excerpt: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct PlacingItem {
    worker_id: String,
    rank: u32,
    grade: String,
    score: u32,
    #[serde(with = "crate::table::compressed")]
    rationale: String,
    held: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent_name: Option<String>,
}

/// The agent that made a submission, under the name that it had when the submission was judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credit {
    /// The agent.
    pub agent: AgentId,
    /// Its name; `None` in a verdict from before agents had names.
    pub name: Option<String>,
}

/// The feed's excerpt of a winner.
#[derive(Clone, Copy, Debug)]
pub struct FeedExcerpt<'a> {
    /// The name of the winner's agent.
    pub winner_name: &'a str,
    /// Beginning of the winning output. Untrusted text.
    pub excerpt: &'a str,
}

/// The item of a verdict. `agent_of` gives the agent that raced for a worker.
pub(crate) fn write_verdict<'a>(
    key: &Key,
    verdict: &Verdict,
    excerpt: FeedExcerpt<'_>,
    agent_of: impl Fn(&UserId) -> Option<&'a Agent>,
) -> Result<Item, Error> {
    let placing = |placing: &Placing| write_placing(placing, agent_of(&placing.worker));
    let item = VerdictItem {
        judge: verdict.judge.clone(),
        judge_version: verdict.judge_version.clone(),
        rubric_version: verdict.rubric_version.clone(),
        passes: verdict.passes,
        placings: verdict.placings().iter().map(placing).collect(),
        winner_name: excerpt.winner_name.to_owned(),
        excerpt: excerpt.excerpt.to_owned(),
    };
    keyed(key, &item)
}

fn write_placing(placing: &Placing, agent: Option<&Agent>) -> PlacingItem {
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

/// The verdict of an item of `drop`, and the credit of each worker.
pub(crate) fn read_verdict(drop: DropId, item: Item) -> Result<(Verdict, BTreeMap<UserId, Credit>), Error> {
    let item: VerdictItem = decode(item)?;
    let credits = item.placings.iter().map(read_credit).collect::<Result<_, _>>()?;
    let placings = item.placings.into_iter().map(|placing| read_placing(drop, placing));
    let placings = placings.collect::<Result<_, _>>()?;
    let verdict =
        Verdict::from_stored(item.judge, item.judge_version, item.rubric_version, item.passes, placings);
    Ok((verdict.ok_or_else(|| Error::internal("stored verdict places nobody"))?, credits))
}

fn read_placing(drop: DropId, item: PlacingItem) -> Result<Placing, Error> {
    let worker = parse("worker_id", &item.worker_id)?;
    Ok(Placing {
        submission: SubmissionId::of(drop, &worker),
        worker,
        rank: item.rank,
        grade: parse("grade", &item.grade)?,
        score: item.score,
        rationale: item.rationale,
        held: item.held,
    })
}

fn read_credit(item: &PlacingItem) -> Result<(UserId, Credit), Error> {
    let worker = parse("worker_id", &item.worker_id)?;
    let agent = read_agent_id(&worker, item.agent_id.as_deref())?;
    Ok((worker, Credit { agent, name: item.agent_name.clone() }))
}

/// The winner's name and the excerpt, for the feed.
pub(crate) fn read_excerpt(item: Item) -> Result<(String, String), Error> {
    decode::<VerdictItem>(item).map(|item| (item.winner_name, item.excerpt))
}
