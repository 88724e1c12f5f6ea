//! The marketplace's totals, kept in a fixed number of counters and so read at a fixed price.

use clorp_domain::stats::Stats;
use clorp_domain::{Cents, DropId, Error};

use crate::Counters;
use crate::items::keys;
use crate::items::stats::{add_stats, sum_stats};
use crate::table::{Freshness, SHARDS, Tx};

impl Counters<'_> {
    /// The totals. One round trip, half a read unit per counter item, whatever the number of drops.
    pub async fn totals(self) -> Result<Stats, Error> {
        let keys = (0..SHARDS).map(keys::stats).collect();
        let found = self.table.get_all(keys, Freshness::Eventual).await?;
        sum_stats(found.into_values())
    }
}

/// Adds `change` to the counters of a drop.
///
/// The first change of a counter creates it, so there is nothing to require. The transaction's condition on
/// the drop is what makes the change happen once.
pub(crate) fn count(tx: &mut Tx, drop: DropId, change: Stats) {
    add_stats(tx.update(keys::stats(drop.ulid().random() % SHARDS)), change);
}

/// The change of the totals when `drops` drops of this price come onto the board, or leave it if negative.
pub(crate) fn on_board(price: Cents, drops: i64) -> Result<Stats, Error> {
    let bounty = if drops < 0 { price.negated() } else { Ok(price) };
    let bounty = bounty.map_err(|_| Error::internal("price out of range"))?;
    Ok(Stats { open_drops: drops, open_bounty: bounty, ..Stats::default() })
}
