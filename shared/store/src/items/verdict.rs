//! A verdict, with the feed's excerpt of the winner.

use std::collections::BTreeMap;

use clorp_domain::verdict::{Constraint, CriterionScore, Method};
use clorp_domain::{Agent, AgentId, DropId, Error, Placing, SubmissionId, UserId, Verdict};
use serde::{Deserialize, Serialize};

use crate::items::agent::{read_agent_id, write_agent_id};
use crate::items::verdict_details::{PlacingDetails, read_check, read_details, write_details};
use crate::table::Item;
use crate::table::item::{decode, encode, parse};

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
    // JSON of `Details`. One text, because deflate gains most on what repeats from placing to placing.
    #[serde(default, with = "crate::table::compressed")]
    details: String,
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

/// The attributes of a verdict. `agent_of` gives the agent that raced for a worker.
pub(crate) fn write_verdict<'a>(
    verdict: &Verdict,
    excerpt: FeedExcerpt<'_>,
    agent_of: impl Fn(&UserId) -> Option<&'a Agent>,
) -> Result<Item, Error> {
    let placing = |placing: &Placing| write_placing(placing, agent_of(&placing.worker));
    let method = &verdict.method;
    let item = VerdictItem {
        judge: method.judge.clone(),
        judge_version: method.judge_version.clone(),
        rubric_version: method.rubric_version.clone(),
        passes: method.passes,
        placings: verdict.placings().iter().map(placing).collect(),
        winner_name: excerpt.winner_name.to_owned(),
        excerpt: excerpt.excerpt.to_owned(),
        details: write_details(verdict)?,
    };
    encode(&item)
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
    let mut details = read_details(&item.details)?;
    let placings = item.placings.into_iter().map(|placing| {
        let details = details.placings.remove(&placing.worker_id).unwrap_or_default();
        read_placing(drop, placing, details)
    });
    let placings = placings.collect::<Result<_, _>>()?;
    let method = Method {
        judge: item.judge,
        judge_version: item.judge_version,
        rubric_version: item.rubric_version,
        model: details.model,
        passes: item.passes,
        seed: details.seed,
        confidence: details.confidence.map(|word| parse("confidence", &word)).transpose()?,
        fallback: details.fallback.map(|word| parse("fallback", &word)).transpose()?,
    };
    let constraints = details.constraints.into_iter().map(Constraint::from).collect();
    let verdict = Verdict::from_stored(method, constraints, placings);
    Ok((verdict.ok_or_else(|| Error::internal("stored verdict places nobody"))?, credits))
}

fn read_placing(drop: DropId, item: PlacingItem, details: PlacingDetails) -> Result<Placing, Error> {
    let worker = parse("worker_id", &item.worker_id)?;
    let criteria = details.criteria.into_iter();
    Ok(Placing {
        submission: SubmissionId::of(drop, &worker),
        worker,
        rank: item.rank,
        grade: parse("grade", &item.grade)?,
        score: item.score,
        rationale: item.rationale,
        held: item.held,
        refused: details.refused,
        flags: details.flags,
        criteria: criteria.map(|(criterion, score)| CriterionScore { criterion, score }).collect(),
        checks: details.checks.into_iter().map(read_check).collect::<Result<_, _>>()?,
        characters: details.characters,
        characters_read: details.characters_read,
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
