//! The place of a drop in the indexes of the board, the feed and the ranking: attributes of the drop's own
//! item.
//!
//! A list is spread over partitions `<state>#<pack>#<shard>`, ordered in each by a sort key that ends in the
//! drop's id.

use clorp_domain::{Cents, Drop, DropId, Pack, Status};
use jiff::Timestamp;

use crate::table::Update;
use crate::table::item::s;
use crate::table::spread::Order;

/// Partitions of one state and pack.
const PARTITIONS: u128 = 2;

const PARTITION: &str = "board";
const CLOSING: &str = "closing";
const NEWEST: &str = "newest";
const PRICE: &str = "price";

/// Soonest to close first.
pub(crate) const BY_CLOSING: Order = order("board_closing", CLOSING, true, "board.closing");
/// Last opened first.
pub(crate) const BY_OPENING: Order = order("board_newest", NEWEST, false, "board.newest");
/// Highest price first.
pub(crate) const BY_PRICE: Order = order("board_price", PRICE, false, "board.price");
/// Last completed first.
pub(crate) const BY_COMPLETION: Order = order("board_newest", NEWEST, false, "feed");

const fn order(index: &'static str, position: &'static str, forward: bool, list: &'static str) -> Order {
    Order { index, partition: PARTITION, position, forward, list }
}

/// The lists of drops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Open drops.
    Open,
    /// Drops that wait for a verdict.
    Ranking,
    /// Completed drops.
    Feed,
}

impl State {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "OPEN",
            Self::Ranking => "RANKING",
            Self::Feed => "FEED",
        }
    }

    /// The index partitions of this state's drops: of one pack, or of all.
    pub(crate) fn partitions(self, pack: Option<Pack>) -> Vec<String> {
        let packs = pack.map_or(Pack::ALL.to_vec(), |pack| vec![pack]);
        let partitions = |pack| (0..PARTITIONS).map(move |shard| self.partition(pack, shard));
        packs.into_iter().flat_map(partitions).collect()
    }

    fn partition(self, pack: Pack, shard: u128) -> String {
        format!("{}#{pack}#{shard}", self.as_str())
    }
}

/// The place of a drop in the lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IndexEntry {
    /// No list.
    None,
    /// The board.
    Board { pack: Pack, opened_at: Timestamp, closes_at: Timestamp, price: Cents },
    /// The board still, as a drop that closes at this time because every slot has submitted.
    Closing(Timestamp),
    /// The drops that wait for a verdict, still ordered by closing time.
    Ranking(Pack),
    /// An appeal that waits for its second opinion, among the drops that wait for a verdict. The entry is the
    /// appeal's own item.
    Appeal(Pack, Timestamp),
    /// The feed.
    Feed(Pack, Timestamp),
}

impl IndexEntry {
    /// The place of a drop that is about to be created or opened.
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

    /// Puts a drop here and takes it out of every other list.
    pub(crate) fn set(self, update: &mut Update, id: DropId) {
        let shard = id.ulid().random() % PARTITIONS;
        match self {
            Self::None => {
                update.remove(PARTITION).remove(CLOSING).remove(NEWEST).remove(PRICE);
            }
            Self::Board { pack, opened_at, closes_at, price } => {
                update
                    .set(PARTITION, s(State::Open.partition(pack, shard)))
                    .set(CLOSING, s(by_time(closes_at, id)))
                    .set(NEWEST, s(by_time(opened_at, id)))
                    .set(PRICE, s(by_price(price, id)));
            }
            Self::Closing(closes_at) => {
                update.set(CLOSING, s(by_time(closes_at, id)));
            }
            Self::Ranking(pack) => {
                update.set(PARTITION, s(State::Ranking.partition(pack, shard))).remove(NEWEST).remove(PRICE);
            }
            Self::Appeal(pack, requested_at) => {
                update
                    .set(PARTITION, s(State::Ranking.partition(pack, shard)))
                    .set(CLOSING, s(by_time(requested_at, id)));
            }
            Self::Feed(pack, completed_at) => {
                update
                    .set(PARTITION, s(State::Feed.partition(pack, shard)))
                    .set(NEWEST, s(by_time(completed_at, id)))
                    .remove(CLOSING);
            }
        }
    }
}

/// The beginning of every position at this time.
pub(crate) fn time_position(millis: i64) -> String {
    format!("{millis:013}")
}

/// The beginning of every position at this price.
pub(crate) fn price_position(cents: i64) -> String {
    format!("{cents:08}")
}

fn by_time(at: Timestamp, id: DropId) -> String {
    format!("{}#{id}", time_position(at.as_millisecond()))
}

fn by_price(price: Cents, id: DropId) -> String {
    format!("{}#{id}", price_position(price.get()))
}
