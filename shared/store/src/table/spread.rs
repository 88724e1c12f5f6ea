//! Lists that are spread over several partitions of an index.
//!
//! Each partition is ordered by a sort key that is unique in the whole list, so the partitions' pages merge
//! into one total order, and a position in it is a cursor for all of them. The price of a page depends on the
//! number of partitions and the page's size, never on the list's length.

use clorp_domain::Error;
use futures::future::try_join_all;

use super::item::{n, s, text};
use super::page::cursor;
use super::{END, Item, Key, Page, Table, fault};

/// Sorts before every position.
pub(crate) const FIRST: &str = "!";

/// An order of a list: an index, its attributes, a direction, and the name that its cursors carry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Order {
    /// The index.
    pub index: &'static str,
    /// The attribute of the index's partition key.
    pub partition: &'static str,
    /// The attribute of the index's sort key.
    pub position: &'static str,
    /// `true` if the list begins with the lowest position.
    pub forward: bool,
    /// The name that its cursors carry.
    pub list: &'static str,
}

/// A part of a list: bounds on the position, and a filter on an attribute that the index projects.
#[derive(Clone, Debug)]
pub(crate) struct Range {
    /// The lower bound, excluded.
    pub low: String,
    /// The upper bound, excluded.
    pub high: String,
    /// An attribute, a comparator and a number.
    pub filter: Option<(&'static str, &'static str, i64)>,
    /// The number of entries that each partition is asked for, before the filter.
    pub limit: i32,
}

impl Range {
    /// The part below `high`, or the whole list.
    pub(crate) fn below(high: Option<String>, limit: i32) -> Self {
        Self { low: FIRST.to_owned(), high: high.unwrap_or_else(|| END.to_string()), filter: None, limit }
    }
}

/// An index entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hit {
    /// The entry's position in the list's order.
    pub position: String,
    /// The primary key of its item.
    pub key: Key,
}

/// The answer of one partition: entries in order, and the position up to which it was read, unless that is
/// its end.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Run {
    hits: Vec<Hit>,
    horizon: Option<String>,
}

impl Table {
    /// A page of a list: the entries of its items. One round trip to all partitions at once; half a read unit
    /// for each 4 KB of each partition's entries.
    pub(crate) async fn spread(
        &self,
        order: Order,
        partitions: Vec<String>,
        range: Range,
        limit: i32,
    ) -> Result<Page<Hit>, Error> {
        let runs = partitions.into_iter().map(|partition| self.run(order, partition, &range));
        let page = merge(try_join_all(runs).await?, order.forward, usize::try_from(limit).unwrap_or(0));
        Ok(Page { items: page.items, next: page.next.map(|position| cursor(order.list, &position)) })
    }

    /// The first entries of each partition, all in the list's order. Each partition has a range of its own.
    /// One round trip, as [`Table::spread`].
    pub(crate) async fn firsts(
        &self,
        order: Order,
        partitions: Vec<(String, Range)>,
    ) -> Result<Vec<Key>, Error> {
        let runs = partitions.iter().map(|(partition, range)| self.run(order, partition.clone(), range));
        let mut hits: Vec<Hit> = try_join_all(runs).await?.into_iter().flat_map(|run| run.hits).collect();
        sort(&mut hits, order.forward);
        Ok(hits.into_iter().map(|hit| hit.key).collect())
    }

    async fn run(&self, order: Order, partition: String, range: &Range) -> Result<Run, Error> {
        if range.low > range.high {
            return Ok(Run { hits: Vec::new(), horizon: None });
        }
        let mut query = self
            .query()
            .index_name(order.index)
            // Both bounds are positions that were seen or lie outside the list; the one that was seen is cut
            // below.
            .key_condition_expression("#partition = :partition AND #key BETWEEN :low AND :high")
            .expression_attribute_names("#partition", order.partition)
            .expression_attribute_names("#key", order.position)
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
        let answer = query.send().await.map_err(|e| fault("query an index", e))?;
        let position = |item: &Item| text(item, order.position).map(str::to_owned);
        let horizon = answer.last_evaluated_key.as_ref().and_then(position);
        let hit = |item: &Item| Some(Hit { position: position(item)?, key: Key::of_item(item)? });
        let mut hits: Vec<Hit> = answer.items.unwrap_or_default().iter().filter_map(hit).collect();
        hits.retain(|hit| hit.position != range.low && hit.position != range.high);
        Ok(Run { hits, horizon })
    }
}

fn sort(hits: &mut [Hit], forward: bool) {
    hits.sort_by(|a, b| if forward { a.position.cmp(&b.position) } else { b.position.cmp(&a.position) });
}

/// One page out of the partitions' runs.
///
/// Behind the nearest horizon some partition has not been read, so nothing beyond it can be placed yet: it
/// waits for the next page.
fn merge(runs: Vec<Run>, forward: bool, limit: usize) -> Page<Hit> {
    let before = |a: &str, b: &str| if forward { a < b } else { a > b };
    let horizon =
        runs.iter().filter_map(|run| run.horizon.clone()).reduce(|a, b| if before(&a, &b) { a } else { b });
    let mut hits: Vec<Hit> = runs.into_iter().flat_map(|run| run.hits).collect();
    sort(&mut hits, forward);
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
        let position = format!("{position:08}");
        Hit { key: Key::new(position.clone(), "X"), position }
    }

    fn number(hit: &Hit) -> u32 {
        hit.key.pk.parse().unwrap()
    }

    /// Reads a partition as the index does: `keep` filters, `evaluated` entries at most.
    fn read(partition: &[u32], after: Option<&str>, forward: bool, evaluated: usize, keep: u32) -> Run {
        let mut rest: Vec<Hit> = partition.iter().copied().map(hit).collect();
        sort(&mut rest, forward);
        rest.retain(|hit| {
            after.is_none_or(|after| {
                if forward { hit.position.as_str() > after } else { hit.position.as_str() < after }
            })
        });
        let more = rest.len() > evaluated;
        rest.truncate(evaluated);
        let horizon = rest.last().filter(|_| more).map(|hit| hit.position.clone());
        rest.retain(|hit| number(hit) % 7 >= keep);
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
            let mut expected: Vec<u32> = entries.iter().copied().filter(|e| e % 7 >= keep).collect();
            if !forward {
                expected.reverse();
            }
            let mut seen = Vec::new();
            let mut after: Option<String> = None;
            for _ in 0..=entries.len() + 1 {
                let runs = parts.iter().map(|part| read(part, after.as_deref(), forward, limit + spare, keep)).collect();
                let page = merge(runs, forward, limit);
                prop_assert!(page.items.len() <= limit);
                seen.extend(page.items.iter().map(number));
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
