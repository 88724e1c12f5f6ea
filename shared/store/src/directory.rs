//! The public directory: the agents that have raced, by what they have earned or won.
//!
//! An agent has one sort key for each order. A settlement must be able to raise it without having read it, or the
//! settlements of a busy agent would wait for each other; and no two agents may have the same, or a page could not end
//! between them. So a key is the figure times [`STEP`] plus a number of the agent's own, and raising the figure is an
//! addition. The keys are the only place where these figures are kept.

use aws_sdk_dynamodb::types::AttributeValue;
use clorp_domain::{Agent, AgentId, Cents, Error, Grade, Race, Record};
use futures::future::try_join_all;

use crate::Store;
use crate::agents::read_agent;
use crate::batch::Freshness;
use crate::fault::fault;
use crate::item::{Item, s};
use crate::page::{Page, cursor, foreign_cursor, position};
use crate::primary_key::{Key, SHARDS};
use crate::tx::Update;

const PARTITION: &str = "directory";
const EARNINGS: &str = "by_earnings";
const WINS: &str = "by_wins";
/// The digits that DynamoDB keeps of a number.
const DIGITS: usize = 38;
/// Agents' own numbers are below this, which leaves figures below 10^14.
const STEP: u128 = 10_u128.pow(24);
/// Above every position.
const END: u128 = 10_u128.pow(38) - 1;

/// How the directory is ordered, highest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DirectorySort {
    /// By what wins have paid.
    Earnings,
    /// By wins.
    Wins,
}

/// An order of the directory: an index, its sort key, and the name its cursors carry.
#[derive(Clone, Copy)]
struct DirectoryIndex {
    index: &'static str,
    key: &'static str,
    list: &'static str,
}

impl DirectorySort {
    const fn order(self) -> DirectoryIndex {
        match self {
            Self::Earnings => {
                DirectoryIndex { index: "directory_earnings", key: EARNINGS, list: "directory.earnings" }
            }
            Self::Wins => DirectoryIndex { index: "directory_wins", key: WINS, list: "directory.wins" },
        }
    }
}

fn number(value: u128) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// What raises a sort key by a figure.
fn steps(figure: u64) -> u128 {
    u128::from(figure).saturating_mul(STEP)
}

/// What an agent's sort keys are before it has raced.
fn own(id: AgentId) -> u128 {
    id.ulid().random() % STEP
}

fn grade_attribute(grade: Grade) -> String {
    format!("grade_{}", grade.as_str().to_ascii_lowercase())
}

/// An empty record, of an agent that is written for the first time.
pub(crate) fn begin_record(update: &mut Update, id: AgentId) {
    for key in [EARNINGS, WINS] {
        update.set(key, number(own(id)));
    }
}

/// Adds a race to the record of an agent, which from now on is in the directory. The record begins with it where the
/// agent is `new`, and only now written.
pub(crate) fn add_race(update: &mut Update, id: AgentId, race: Race, new: bool) {
    let won = race.payout.unwrap_or_default();
    let figures =
        [(EARNINGS, u64::try_from(won.get()).unwrap_or_default()), (WINS, u64::from(race.payout.is_some()))];
    for (key, figure) in figures {
        if new {
            update.set(key, number(own(id) + steps(figure)));
        } else if figure > 0 {
            update.add_number(key, number(steps(figure)));
        }
    }
    update.add(&grade_attribute(race.grade), 1);
    update.set(PARTITION, s(partition(id.ulid().random() % SHARDS)));
}

fn partition(shard: u128) -> String {
    format!("AGENTS#{shard}")
}

fn stored(item: &Item, attribute: &str) -> Result<u128, Error> {
    let Some(value) = item.get(attribute) else {
        return Ok(0);
    };
    let number = value.as_n().ok().and_then(|digits| digits.parse().ok());
    number.ok_or_else(|| Error::internal(format!("stored {attribute} {value:?} is no count")))
}

/// The record in an agent's item.
pub(crate) fn read_record(item: &Item) -> Result<Record, Error> {
    let figure = |key| {
        let figure = u64::try_from(stored(item, key)? / STEP);
        figure.map_err(|_| Error::internal(format!("stored {key} is too large")))
    };
    let mut grades = [0; Grade::ALL.len()];
    for (count, grade) in grades.iter_mut().zip(Grade::ALL) {
        let stored = stored(item, &grade_attribute(grade))?;
        *count = u64::try_from(stored).map_err(|_| Error::internal("stored grades are too many"))?;
    }
    let earnings = i64::try_from(figure(EARNINGS)?).map_err(|_| Error::internal("earnings are too large"))?;
    // Each race was graded.
    Ok(Record { races: grades.iter().sum(), wins: figure(WINS)?, earnings: Cents::new(earnings), grades })
}

/// An index entry.
struct Hit {
    position: u128,
    key: Key,
}

impl Store {
    /// A page of the directory. Two round trips: the index's partitions at once, then the agents. Half a read unit for each
    /// thirty entries of each partition and for each agent, however many there are.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a cursor that is not of this order; faults.
    pub async fn directory(
        &self,
        sort: DirectorySort,
        limit: i32,
        after: Option<&str>,
    ) -> Result<Page<Agent>, Error> {
        let order = sort.order();
        let below = match position(order.list, after)? {
            None => END,
            Some(digits) if digits.len() <= DIGITS => digits.parse().map_err(|_| foreign_cursor())?,
            Some(_) => return Err(foreign_cursor().into()),
        };
        let runs = (0..SHARDS).map(|shard| self.run_of_agents(order, shard, below, limit));
        let mut hits: Vec<Hit> = try_join_all(runs).await?.into_iter().flatten().collect();
        hits.sort_by_key(|hit| std::cmp::Reverse(hit.position));
        let keep = usize::try_from(limit).unwrap_or(0);
        let more = hits.len() > keep;
        hits.truncate(keep);
        let next = hits.last().filter(|_| more).map(|hit| cursor(order.list, &hit.position.to_string()));
        let keys = hits.iter().map(|hit| hit.key.clone()).collect();
        let mut found = self.get_all(keys, Freshness::Eventual).await?;
        // Who was deleted a moment ago is missing.
        let agents = hits.iter().filter_map(|hit| found.remove(&hit.key)).map(read_agent);
        Ok(Page { items: agents.collect::<Result<_, _>>()?, next })
    }

    /// The first entries of one partition below a position: one more than fit on a page, to know whether there are more.
    async fn run_of_agents(
        &self,
        order: DirectoryIndex,
        shard: u128,
        below: u128,
        limit: i32,
    ) -> Result<Vec<Hit>, Error> {
        let query = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(order.index)
            .key_condition_expression("#partition = :partition AND #key < :below")
            .expression_attribute_names("#partition", PARTITION)
            .expression_attribute_names("#key", order.key)
            .expression_attribute_values(":partition", s(partition(shard)))
            .expression_attribute_values(":below", number(below))
            .scan_index_forward(false)
            .limit(limit.saturating_add(1));
        let answer = query.send().await.map_err(|e| fault("query directory", e))?;
        let hit = |item: &Item| {
            let key = Key::of_item(item).ok_or_else(|| Error::internal("directory entry without a key"))?;
            Ok(Hit { position: stored(item, order.key)?, key })
        };
        answer.items.unwrap_or_default().iter().map(hit).collect()
    }
}
