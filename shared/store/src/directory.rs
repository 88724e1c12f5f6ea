//! The public directory: the agents that have won, by earnings or by wins.

use clorp_domain::{Agent, Error};
use futures::future::try_join_all;

use crate::items::agent::read_agent;
use crate::items::directory_entry::{
    EARNINGS, PARTITION, WINS, partition, position as stored_position, read_position,
};
use crate::table::item::{key_of, s};
use crate::table::page::{cursor, foreign_cursor, position};
use crate::table::{Freshness, Item, Key, SHARDS, fault};
use crate::{Directory, Page};

/// The digits that DynamoDB keeps of a number.
const DIGITS: usize = 38;
/// Above every position.
const LAST: u128 = 10_u128.pow(38) - 1;

/// The order of the directory, highest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DirectorySort {
    /// By what wins have paid.
    Earnings,
    /// By wins.
    Wins,
}

/// An order of the directory: an index, its sort key, and the name that its cursors carry.
#[derive(Clone, Copy)]
struct Order {
    index: &'static str,
    key: &'static str,
    list: &'static str,
}

impl DirectorySort {
    const fn order(self) -> Order {
        match self {
            Self::Earnings => {
                Order { index: "directory_earnings", key: EARNINGS, list: "directory.earnings" }
            }
            Self::Wins => Order { index: "directory_wins", key: WINS, list: "directory.wins" },
        }
    }
}

/// An index entry.
struct Hit {
    position: u128,
    key: Key,
}

impl Directory<'_> {
    /// A page of the directory. Two round trips: the partitions of an index `directory_*` at once, then the
    /// agents. Half a read unit for each thirty entries of each partition and for each agent, however long
    /// the directory is.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a cursor of another order; faults.
    pub async fn page(
        self,
        sort: DirectorySort,
        limit: i32,
        after: Option<&str>,
    ) -> Result<Page<Agent>, Error> {
        let order = sort.order();
        let below = match position(order.list, after)? {
            None => LAST,
            Some(digits) if digits.len() <= DIGITS => digits.parse().map_err(|_| foreign_cursor())?,
            Some(_) => return Err(foreign_cursor().into()),
        };
        let runs = (0..SHARDS).map(|shard| self.run(order, shard, below, limit));
        let mut hits: Vec<Hit> = try_join_all(runs).await?.into_iter().flatten().collect();
        hits.sort_by_key(|hit| std::cmp::Reverse(hit.position));
        let keep = usize::try_from(limit).unwrap_or(0);
        let more = hits.len() > keep;
        hits.truncate(keep);
        let next = hits.last().filter(|_| more).map(|hit| cursor(order.list, &hit.position.to_string()));
        let keys = hits.iter().map(|hit| hit.key.clone()).collect();
        let mut found = self.table.get_all(keys, Freshness::Eventual).await?;
        // An agent that was deleted a moment ago is missing.
        let agents = hits.iter().filter_map(|hit| found.remove(&hit.key)).map(read_agent);
        Ok(Page { items: agents.collect::<Result<_, _>>()?, next })
    }

    /// The first entries of one partition below a position: one more than fit on a page, to know whether
    /// there are more.
    async fn run(self, order: Order, shard: u128, below: u128, limit: i32) -> Result<Vec<Hit>, Error> {
        let query = self
            .table
            .query()
            .index_name(order.index)
            .key_condition_expression("#partition = :partition AND #key < :below")
            .expression_attribute_names("#partition", PARTITION)
            .expression_attribute_names("#key", order.key)
            .expression_attribute_values(":partition", s(partition(shard)))
            .expression_attribute_values(":below", stored_position(below))
            .scan_index_forward(false)
            .limit(limit.saturating_add(1));
        let answer = query.send().await.map_err(|e| fault("query directory", e))?;
        let hit = |item: &Item| Ok(Hit { position: read_position(item, order.key)?, key: key_of(item)? });
        answer.items.unwrap_or_default().iter().map(hit).collect()
    }
}
