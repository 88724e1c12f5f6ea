//! One of the items that share the marketplace's counters.

use clorp_domain::stats::Stats;
use clorp_domain::{Cents, Error};
use serde::Deserialize;

use crate::table::item::decode;
use crate::table::{Item, Update};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct StatsItem {
    open_drops: i64,
    open_bounty_cents: i64,
    completed_drops: i64,
    submissions: i64,
    paid_out_cents: i64,
}

/// Adds a change to the counters.
pub(crate) fn add_stats(update: &mut Update, change: Stats) {
    for (name, delta) in [
        ("open_drops", change.open_drops),
        ("open_bounty_cents", change.open_bounty.get()),
        ("completed_drops", change.completed_drops),
        ("submissions", change.submissions),
        ("paid_out_cents", change.paid_out.get()),
    ] {
        if delta != 0 {
            update.add(name, delta);
        }
    }
}

/// The sum of the counters.
pub(crate) fn sum_stats(items: impl Iterator<Item = Item>) -> Result<Stats, Error> {
    let mut total = StatsItem::default();
    for item in items {
        let shard: StatsItem = decode(item)?;
        total.open_drops += shard.open_drops;
        total.open_bounty_cents += shard.open_bounty_cents;
        total.completed_drops += shard.completed_drops;
        total.submissions += shard.submissions;
        total.paid_out_cents += shard.paid_out_cents;
    }
    Ok(Stats {
        open_drops: total.open_drops,
        open_bounty: Cents::new(total.open_bounty_cents),
        completed_drops: total.completed_drops,
        submissions: total.submissions,
        paid_out: Cents::new(total.paid_out_cents),
    })
}
