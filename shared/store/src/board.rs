//! The board of open drops and, by the same index, the drops that the ranking has to look at.

use clorp_domain::{Brief, Cents, Drop, DropId, Error, Pack, RankingTask, Standing, Status};
use jiff::Timestamp;

use crate::items::brief::read_brief;
use crate::items::drop::read_drop;
use crate::items::index_entry::{BY_CLOSING, BY_OPENING, BY_PRICE, State, price_position, time_position};
use crate::items::keys;
use crate::table::page::{MAX_PAGE_BYTES, answer_bytes, cursor, position};
use crate::table::spread::{FIRST, Hit, Order, Range};
use crate::table::{END, Freshness};
use crate::{Board, Page};

/// Index entries that one partition is asked for when a filter may exclude many.
const EVALUATED: i32 = 200;
/// Drops of one partition that one sweep looks at.
const SWEPT: i32 = 50;

/// The order of the board.
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
    const fn order(self) -> Order {
        match self {
            Self::Closing => BY_CLOSING,
            Self::Newest => BY_OPENING,
            Self::Price => BY_PRICE,
        }
    }
}

/// A selection of the board's drops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoardQuery<'a> {
    /// The order.
    pub sort: BoardSort,
    /// Only this pack.
    pub pack: Option<Pack>,
    /// Only at or above this price.
    pub min_price: Option<Cents>,
    /// Only drops whose requirements a worker of this standing meets.
    pub standing: Option<Standing>,
    /// At most this many.
    pub limit: i32,
    /// After this cursor.
    pub after: Option<&'a str>,
    /// The present: drops whose window is over are not on the board, settled or not.
    pub now: Timestamp,
}

impl Board<'_> {
    /// A page of the board. Two round trips: the partitions of an index `board_*` at once, then the drops and
    /// briefs.
    ///
    /// A page may hold fewer than `limit` and have a next one: filters are applied to a bounded number of
    /// entries, and a page ends early where its texts would outgrow an answer. The indexes do not know the
    /// requirements, so a page loses the drops that `standing` excludes.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a cursor of another order; faults.
    pub async fn page(self, query: BoardQuery<'_>) -> Result<Page<(Drop, Brief)>, Error> {
        let order = query.sort.order();
        let range = range(&query, position(order.list, query.after)?);
        let partitions = State::Open.partitions(query.pack);
        let page = self.table.spread(order, partitions, range, query.limit).await?;
        let hits: Vec<(DropId, String)> = page.items.into_iter().filter_map(drop_of).collect();
        let keys = hits.iter().flat_map(|(id, _)| [keys::drop(*id), keys::body(*id)]).collect();
        let mut found = self.table.get_all(keys, Freshness::Eventual).await?;
        let mut items = Vec::new();
        let (mut bytes, mut end): (usize, Option<String>) = (0, None);
        for (id, position) in hits {
            let drop = found.remove(&keys::drop(id));
            let (Some(drop), Some(body)) = (drop, found.remove(&keys::body(id))) else {
                continue;
            };
            let drop = read_drop(drop)?;
            // The index lags; only the drop tells whether it is still open.
            let open = drop.status == Status::Open && drop.window.is_some_and(|w| query.now < w.closes_at);
            let admits = |worker: &Standing| drop.requirements.unmet(worker).is_empty();
            if open && query.standing.as_ref().is_none_or(admits) {
                let brief = read_brief(body)?;
                bytes += answer_bytes(&brief.prompt);
                if let Some(end) = end.as_deref().filter(|_| bytes > MAX_PAGE_BYTES) {
                    return Ok(Page { items, next: Some(cursor(order.list, end)) });
                }
                items.push((drop, brief));
                end = Some(position);
            }
        }
        Ok(Page { items, next: page.next })
    }

    /// The tasks that are due: open drops that close by `now`, drops that wait for a verdict, and
    /// appeals that wait for an opinion. At most [`SWEPT`] of each partition, the longest overdue first. One
    /// round trip to the index `board_closing`, half a read unit per partition.
    pub async fn due(self, now: Timestamp) -> Result<Vec<RankingTask>, Error> {
        // The bound is exclusive, and a drop that closes at `now` is due at `now`.
        let over = time_position(now.as_millisecond().saturating_add(1));
        let parts = [(State::Open, Some(over)), (State::Ranking, None)].into_iter();
        let parts = parts.flat_map(|(state, high)| {
            let range = Range::below(high, SWEPT);
            state.partitions(None).into_iter().map(move |partition| (partition, range.clone()))
        });
        let due = self.table.firsts(BY_CLOSING, parts.collect()).await?;
        Ok(due.iter().filter_map(keys::task_of).collect())
    }
}

/// The drop of an index entry, and its position.
fn drop_of(hit: Hit) -> Option<(DropId, String)> {
    Some((keys::drop_of_pk(&hit.key.pk)?, hit.position))
}

/// The part of the board's order that a query selects, from `after` on.
fn range(query: &BoardQuery<'_>, after: Option<String>) -> Range {
    let now = query.now.as_millisecond();
    let least = query.min_price.map(Cents::get);
    let (low, high, filter) = match query.sort {
        BoardSort::Closing => {
            // Positions that begin with the present millisecond and an `END` lie behind every drop that
            // closes in it.
            let present = format!("{}{END}", time_position(now));
            (
                after.map_or(present.clone(), |after| after.max(present)),
                END.to_string(),
                least.map(|least| ("price_cents", ">=", least)),
            )
        }
        BoardSort::Newest => {
            let filter = least.map_or(("window_closes_at", ">", now), |least| ("price_cents", ">=", least));
            (FIRST.to_owned(), after.unwrap_or_else(|| END.to_string()), Some(filter))
        }
        BoardSort::Price => {
            let low = least.map_or_else(|| FIRST.to_owned(), price_position);
            (low, after.unwrap_or_else(|| END.to_string()), Some(("window_closes_at", ">", now)))
        }
    };
    // A least price may exclude most entries. Windows that are over exclude few, which the ranking is about
    // to take off the board, so they are not worth a larger read.
    let by_price = least.is_some() && query.sort != BoardSort::Price;
    let limit = if by_price { EVALUATED.max(query.limit) } else { query.limit };
    Range { low, high, filter, limit }
}
