//! The public lists: the board of open drops and the feed of finished ones; and, by the same index, what the
//! ranking has to look at.
//!
//! A list is spread over partitions `<state>#<pack>#<shard>` and ordered in each by a sort key that ends in the
//! drop's id, so that the partitions' pages merge into one total order and a position in it is a cursor for all
//! of them. What a page costs depends on the number of partitions and the page's size, never on the list's length.

use clorp_domain::{Brief, Cents, Drop, DropId, Error, Pack, Status};
use futures::future::try_join_all;
use jiff::Timestamp;

use crate::Store;
use crate::batch::Freshness;
use crate::drops::{read_brief, read_drop};
use crate::fault::fault;
use crate::item::{Item, n, s};
use crate::page::{Page, cursor, position};
use crate::primary_key::{Key, PK, drop_of_pk};
use crate::tx::Update;
use crate::verdicts::read_excerpt;

/// Partitions of one state and pack.
const PARTITIONS: u128 = 2;
/// Index entries one partition is asked for when many may be filtered out.
const EVALUATED: i32 = 200;
/// Drops of one partition that one sweep looks at.
const SWEPT: i32 = 50;

const PARTITION: &str = "board";
const CLOSING: &str = "closing";
const NEWEST: &str = "newest";
const PRICE: &str = "price";

/// Where a drop stands in the lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IndexEntry {
    /// In none.
    None,
    /// On the board.
    Board { pack: Pack, opened_at: Timestamp, closes_at: Timestamp, price: Cents },
    /// Waiting for its verdict, still under its closing time.
    Ranking(Pack),
    /// In the feed.
    Feed(Pack, Timestamp),
}

impl IndexEntry {
    /// The place of a drop that is about to be written for the first time, or opened.
    pub(crate) fn of(drop: &Drop) -> Self {
        match (drop.status, drop.window) {
            (Status::Open, Some(window)) => Self::Board {
                pack: drop.pack,
                opened_at: window.opened_at,
                closes_at: window.closes_at,
                price: drop.price,
            },
            _ => Self::None,
        }
    }
}

fn partition(state: &str, pack: Pack, shard: u128) -> String {
    format!("{state}#{pack}#{shard}")
}

fn partitions(state: &str, packs: &[Pack]) -> Vec<String> {
    packs.iter().flat_map(|pack| (0..PARTITIONS).map(|shard| partition(state, *pack, shard))).collect()
}

fn by_time(at: Timestamp, id: DropId) -> String {
    format!("{:013}#{id}", at.as_millisecond())
}

fn by_price(price: Cents, id: DropId) -> String {
    format!("{:08}#{id}", price.get())
}

/// Puts a drop into the place it now has and takes it out of any other.
pub(crate) fn set_index_entry(update: &mut Update, id: DropId, place: IndexEntry) {
    let shard = id.ulid().random() % PARTITIONS;
    match place {
        IndexEntry::None => {
            update.remove(PARTITION).remove(CLOSING).remove(NEWEST).remove(PRICE);
        }
        IndexEntry::Board { pack, opened_at, closes_at, price } => {
            update
                .set(PARTITION, s(partition("OPEN", pack, shard)))
                .set(CLOSING, s(by_time(closes_at, id)))
                .set(NEWEST, s(by_time(opened_at, id)))
                .set(PRICE, s(by_price(price, id)));
        }
        IndexEntry::Ranking(pack) => {
            update.set(PARTITION, s(partition("RANKING", pack, shard))).remove(NEWEST).remove(PRICE);
        }
        IndexEntry::Feed(pack, completed_at) => {
            update
                .set(PARTITION, s(partition("FEED", pack, shard)))
                .set(NEWEST, s(by_time(completed_at, id)))
                .remove(CLOSING);
        }
    }
}

/// How the board is ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BoardSort {
    /// Soonest to close first.
    Closing,
    /// Last opened first.
    Newest,
    /// Highest price first.
    Price,
}

impl BoardSort {
    const fn order(self) -> BoardIndex {
        match self {
            Self::Closing => {
                BoardIndex { index: "board_closing", key: CLOSING, forward: true, list: "board.closing" }
            }
            Self::Newest => {
                BoardIndex { index: "board_newest", key: NEWEST, forward: false, list: "board.newest" }
            }
            Self::Price => {
                BoardIndex { index: "board_price", key: PRICE, forward: false, list: "board.price" }
            }
        }
    }
}

/// An order of a list: an index, its sort key, a direction, and the name its cursors carry.
#[derive(Clone, Copy, Debug)]
struct BoardIndex {
    index: &'static str,
    key: &'static str,
    forward: bool,
    list: &'static str,
}

/// Which drops of the board are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoardQuery<'a> {
    /// Order.
    pub sort: BoardSort,
    /// Only this pack.
    pub pack: Option<Pack>,
    /// Only at or above this price.
    pub min_price: Option<Cents>,
    /// At most this many.
    pub limit: i32,
    /// After this cursor.
    pub after: Option<&'a str>,
    /// The time it is: drops whose window is over are not on the board, settled or not.
    pub now: Timestamp,
}

/// A finished drop as the feed shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedEntry {
    /// The drop.
    pub drop: Drop,
    /// The name of the winner's agent.
    pub winner_name: String,
    /// The beginning of the winning output.
    pub excerpt: String,
}

/// An index entry.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Hit {
    position: String,
    drop: DropId,
}

/// What one partition gave: entries in order, and how far it was read if it was not read to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Run {
    hits: Vec<Hit>,
    horizon: Option<String>,
}

/// Part of a list: bounds on the sort key, and a filter on what the index projects.
struct Range {
    low: String,
    high: String,
    filter: Option<(&'static str, &'static str, i64)>,
    limit: i32,
}

/// Above every position.
const END: &str = "~";

impl Store {
    /// A page of the board. Two round trips: the index's partitions at once, then the drops and briefs.
    ///
    /// A page may hold fewer than `limit` and have a next one: filters are applied to a bounded number of entries.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a cursor that is not of this order; faults.
    pub async fn board(&self, query: BoardQuery<'_>) -> Result<Page<(Drop, Brief)>, Error> {
        let order = query.sort.order();
        let range = board_range(&query, position(order.list, query.after)?);
        let packs = query.pack.map_or(Pack::ALL.to_vec(), |pack| vec![pack]);
        let page = self.list(order, partitions("OPEN", &packs), range, query.limit).await?;
        let keys = page.items.iter().flat_map(|id| [Key::drop(*id), Key::body(*id)]).collect();
        let mut found = self.get_all(keys, Freshness::Eventual).await?;
        let mut items = Vec::new();
        for id in page.items {
            let (Some(drop), Some(body)) = (found.remove(&Key::drop(id)), found.remove(&Key::body(id)))
            else {
                continue;
            };
            let drop = read_drop(drop)?;
            // The index lags; the drop itself says whether it is still open.
            let open = drop.status == Status::Open && drop.window.is_some_and(|w| query.now < w.closes_at);
            if open {
                items.push((drop, read_brief(body)?));
            }
        }
        Ok(Page { items, next: page.next })
    }

    /// A page of the feed, last completed first. Two round trips, as [`Store::board`].
    ///
    /// # Errors
    /// [`Error::Invalid`] for a cursor that is not of the feed; faults.
    pub async fn feed(
        &self,
        pack: Option<Pack>,
        limit: i32,
        after: Option<&str>,
    ) -> Result<Page<FeedEntry>, Error> {
        let order = BoardIndex { index: "board_newest", key: NEWEST, forward: false, list: "feed" };
        let packs = pack.map_or(Pack::ALL.to_vec(), |pack| vec![pack]);
        let high = position(order.list, after)?.unwrap_or_else(|| END.to_owned());
        let range = Range { low: String::from("!"), high, filter: None, limit };
        let page = self.list(order, partitions("FEED", &packs), range, limit).await?;
        let keys = page.items.iter().flat_map(|id| [Key::drop(*id), Key::verdict(*id)]).collect();
        let mut found = self.get_all(keys, Freshness::Eventual).await?;
        let mut items = Vec::new();
        for id in page.items {
            if let (Some(drop), Some(verdict)) =
                (found.remove(&Key::drop(id)), found.remove(&Key::verdict(id)))
            {
                let (winner_name, excerpt) = read_excerpt(verdict)?;
                items.push(FeedEntry { drop: read_drop(drop)?, winner_name, excerpt });
            }
        }
        Ok(Page { items, next: page.next })
    }

    /// Drops that are due: open ones whose window is over at `now`, and those waiting for a verdict. At most
    /// `SWEPT` of each partition, the longest overdue first. One round trip, half a read unit per partition.
    ///
    /// # Errors
    /// Faults only.
    pub async fn due(&self, now: Timestamp) -> Result<Vec<DropId>, Error> {
        let order = BoardSort::Closing.order();
        let range = |high| Range { low: String::from("!"), high, filter: None, limit: SWEPT };
        // The bound is exclusive, and what closes at `now` is over at `now`.
        let over = format!("{:013}", now.as_millisecond().saturating_add(1));
        let (open, ranking) = (range(over), range(END.to_owned()));
        let runs =
            partitions("OPEN", &Pack::ALL).into_iter().map(|partition| self.run(order, partition, &open));
        let more = partitions("RANKING", &Pack::ALL)
            .into_iter()
            .map(|partition| self.run(order, partition, &ranking));
        let runs = try_join_all(runs.collect::<Vec<_>>().into_iter().chain(more)).await;
        let mut hits: Vec<Hit> = runs?.into_iter().flat_map(|run| run.hits).collect();
        hits.sort_by(|a, b| a.position.cmp(&b.position));
        Ok(hits.into_iter().map(|hit| hit.drop).collect())
    }

    async fn list(
        &self,
        order: BoardIndex,
        partitions: Vec<String>,
        range: Range,
        limit: i32,
    ) -> Result<Page<DropId>, Error> {
        let runs =
            try_join_all(partitions.into_iter().map(|partition| self.run(order, partition, &range))).await?;
        let page = merge(runs, order.forward, usize::try_from(limit).unwrap_or(0));
        Ok(Page {
            items: page.items.into_iter().map(|hit| hit.drop).collect(),
            next: page.next.map(|position| cursor(order.list, &position)),
        })
    }

    async fn run(&self, order: BoardIndex, partition: String, range: &Range) -> Result<Run, Error> {
        if range.low > range.high {
            return Ok(Run { hits: Vec::new(), horizon: None });
        }
        let mut query = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(order.index)
            // Both bounds are positions that were seen or lie outside the list; the one that was seen is cut below.
            .key_condition_expression("#partition = :partition AND #key BETWEEN :low AND :high")
            .expression_attribute_names("#partition", PARTITION)
            .expression_attribute_names("#key", order.key)
            .expression_attribute_values(":partition", s(partition))
            .expression_attribute_values(":low", s(range.low.clone()))
            .expression_attribute_values(":high", s(range.high.clone()))
            .scan_index_forward(order.forward)
            .limit(range.limit.saturating_add(1));
        if let Some((attribute, operator, bound)) = range.filter {
            query = query
                .filter_expression(format!("#filtered {operator} :bound"))
                .expression_attribute_names("#filtered", attribute)
                .expression_attribute_values(":bound", n(bound));
        }
        let answer = query.send().await.map_err(|e| fault("query board", e))?;
        let position = |item: &Item| item.get(order.key).and_then(|value| value.as_s().ok()).cloned();
        let horizon = answer.last_evaluated_key.as_ref().and_then(position);
        let hit = |item: &Item| {
            let drop = drop_of_pk(item.get(PK)?.as_s().ok()?)?;
            Some(Hit { position: position(item)?, drop })
        };
        let mut hits: Vec<Hit> = answer.items.unwrap_or_default().iter().filter_map(hit).collect();
        hits.retain(|hit| hit.position != range.low && hit.position != range.high);
        Ok(Run { hits, horizon })
    }
}

/// The part of the board's order that a query asks for, from `after` on.
fn board_range(query: &BoardQuery<'_>, after: Option<String>) -> Range {
    let now = query.now.as_millisecond();
    let least = query.min_price.map(Cents::get);
    let (low, high, filter) = match query.sort {
        BoardSort::Closing => {
            // Positions that begin with the present millisecond and a `~` lie behind every drop that closes in it.
            let present = format!("{now:013}{END}");
            (
                after.map_or(present.clone(), |after| after.max(present)),
                END.to_owned(),
                least.map(|least| ("price_cents", ">=", least)),
            )
        }
        BoardSort::Newest => {
            let filter = least.map_or(("window_closes_at", ">", now), |least| ("price_cents", ">=", least));
            (String::from("!"), after.unwrap_or_else(|| END.to_owned()), Some(filter))
        }
        BoardSort::Price => {
            let low = least.map_or(String::from("!"), |least| format!("{least:08}"));
            (low, after.unwrap_or_else(|| END.to_owned()), Some(("window_closes_at", ">", now)))
        }
    };
    // A least price may exclude most entries. Windows that are over exclude few, which the ranking is about to take
    // off the board: not worth reading more for each time.
    let by_price = least.is_some() && query.sort != BoardSort::Price;
    let limit = if by_price { EVALUATED.max(query.limit) } else { query.limit };
    Range { low, high, filter, limit }
}

/// One page out of the partitions' runs.
///
/// Behind the nearest horizon some partition has not been read, so nothing beyond it can be placed yet: it waits
/// for the next page.
fn merge(runs: Vec<Run>, forward: bool, limit: usize) -> Page<Hit> {
    let before = |a: &str, b: &str| if forward { a < b } else { a > b };
    let horizon =
        runs.iter().filter_map(|run| run.horizon.clone()).reduce(|a, b| if before(&a, &b) { a } else { b });
    let mut hits: Vec<Hit> = runs.into_iter().flat_map(|run| run.hits).collect();
    hits.sort_by(|a, b| if forward { a.position.cmp(&b.position) } else { b.position.cmp(&a.position) });
    let all = hits.len();
    if let Some(horizon) = &horizon {
        hits.retain(|hit| !before(horizon, &hit.position));
    }
    let within = hits.len();
    hits.truncate(limit);
    let next = if within > limit {
        hits.last().map(|hit| hit.position.clone())
    } else if within < all || horizon.is_some() {
        horizon
    } else {
        None
    };
    Page { items: hits, next }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hit(position: u32) -> Hit {
        Hit {
            position: format!("{position:08}"),
            drop: DropId::new(ulid::Ulid::from_parts(position.into(), 0)),
        }
    }

    /// Reads a partition as the index does: `keep` filters, `evaluated` entries at most.
    fn read(partition: &[u32], after: Option<&str>, forward: bool, evaluated: usize, keep: u32) -> Run {
        let mut rest: Vec<Hit> = partition.iter().copied().map(hit).collect();
        rest.sort_by(|a, b| if forward { a.position.cmp(&b.position) } else { b.position.cmp(&a.position) });
        rest.retain(|hit| {
            after.is_none_or(|after| {
                if forward { hit.position.as_str() > after } else { hit.position.as_str() < after }
            })
        });
        let more = rest.len() > evaluated;
        rest.truncate(evaluated);
        let horizon = rest.last().filter(|_| more).map(|hit| hit.position.clone());
        rest.retain(|hit| hit.drop.ulid().timestamp_ms() % 7 >= u64::from(keep));
        Run { hits: rest, horizon }
    }

    proptest! {
        #[test]
        fn pages_neither_skip_nor_repeat(
            entries in prop::collection::btree_set(0..500_u32, 0..80),
            partitions in 1..5_usize,
            limit in 1..9_usize,
            spare in 1..6_usize,
            keep in 0..5_u32,
            forward: bool,
        ) {
            let mut parts = vec![Vec::new(); partitions];
            for (i, entry) in entries.iter().enumerate() {
                parts[i * 31 % partitions].push(*entry);
            }
            let mut expected: Vec<u64> = entries.iter().map(|e| u64::from(*e)).filter(|e| e % 7 >= u64::from(keep)).collect();
            if !forward {
                expected.reverse();
            }
            let mut seen = Vec::new();
            let mut after: Option<String> = None;
            for _ in 0..=entries.len() + 1 {
                let runs = parts.iter().map(|part| read(part, after.as_deref(), forward, limit + spare, keep)).collect();
                let page = merge(runs, forward, limit);
                prop_assert!(page.items.len() <= limit);
                seen.extend(page.items.iter().map(|hit| hit.drop.ulid().timestamp_ms()));
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
            prop_assert_eq!(after, None, "the list ends");
            prop_assert_eq!(seen, expected);
        }
    }
}
