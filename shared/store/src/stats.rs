//! The marketplace's totals, kept in a fixed number of counters and so read at a fixed price.

use clorp_domain::stats::Stats;
use clorp_domain::{Cents, DropId, Error};
use serde::Deserialize;

use crate::Store;
use crate::batch::Freshness;
use crate::item::decode;
use crate::primary_key::{Key, SHARDS};
use crate::tx::Tx;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct StatsItem {
    open_drops: i64,
    open_bounty_cents: i64,
    completed_drops: i64,
    submissions: i64,
    paid_out_cents: i64,
}

/// Adds `change` to the counters that this drop counts in.
///
/// A counter may be made by the first change to it, so there is nothing to require; the transaction's condition on
/// the drop is what makes the change happen once.
pub(crate) fn count(tx: &mut Tx, drop: DropId, change: Stats) {
    let update = tx.update(Key::stats(drop.ulid().random() % SHARDS));
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

impl Store {
    /// Reads something small, to have a connection open before the first request. Half a read unit.
    ///
    /// # Errors
    /// Faults only.
    pub async fn warm_up(&self) -> Result<(), Error> {
        self.get_all(vec![Key::stats(0)], Freshness::Eventual).await.map(|_| ())
    }

    /// The totals. One round trip, half a read unit per counter item, whatever the number of drops.
    ///
    /// # Errors
    /// Faults only.
    pub async fn stats(&self) -> Result<Stats, Error> {
        let found = self.get_all((0..SHARDS).map(Key::stats).collect(), Freshness::Eventual).await?;
        let mut total = StatsItem::default();
        for item in found.into_values() {
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
}
