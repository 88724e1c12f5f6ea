//! The feed of completed drops.

use clorp_domain::{Drop, DropId, Error, Pack};

use crate::items::drop::read_drop;
use crate::items::index_entry::{BY_COMPLETION, State};
use crate::items::keys;
use crate::items::verdict::read_excerpt;
use crate::table::Freshness;
use crate::table::page::position;
use crate::table::spread::Range;
use crate::{Feed, Page};

/// A completed drop as the feed shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedEntry {
    /// Identifier of the drop.
    pub drop: Drop,
    /// The name of the winner's agent.
    pub winner_name: String,
    /// Beginning of the winning output. Untrusted text.
    pub excerpt: String,
}

impl Feed<'_> {
    /// A page of the feed, last completed first. Two round trips: the partitions of the index `board_newest`
    /// at once, then the drops and verdicts.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a cursor of another list; faults.
    pub async fn page(
        self,
        pack: Option<Pack>,
        limit: i32,
        after: Option<&str>,
    ) -> Result<Page<FeedEntry>, Error> {
        let range = Range::below(position(BY_COMPLETION.list, after)?, limit);
        let page = self.table.spread(BY_COMPLETION, State::Feed.partitions(pack), range, limit).await?;
        let hits: Vec<DropId> = page.items.iter().filter_map(|hit| keys::drop_of_pk(&hit.key.pk)).collect();
        let keys = hits.iter().flat_map(|id| [keys::drop(*id), keys::verdict(*id)]).collect();
        let mut found = self.table.get_all(keys, Freshness::Eventual).await?;
        let mut items = Vec::new();
        for id in hits {
            let drop = found.remove(&keys::drop(id));
            if let (Some(drop), Some(verdict)) = (drop, found.remove(&keys::verdict(id))) {
                let (winner_name, excerpt) = read_excerpt(verdict)?;
                items.push(FeedEntry { drop: read_drop(drop)?, winner_name, excerpt });
            }
        }
        Ok(Page { items, next: page.next })
    }
}
