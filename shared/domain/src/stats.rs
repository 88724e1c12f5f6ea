//! Public totals of the whole marketplace.

use crate::Cents;

/// Totals of the marketplace, or a difference to add to them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Number of drops on the board.
    pub open_drops: i64,
    /// Sum of the prices of the drops on the board.
    pub open_bounty: Cents,
    /// Number of drops judged and paid so far.
    pub completed_drops: i64,
    /// Number of submissions judged so far.
    pub submissions: i64,
    /// Sum of all payouts to winners so far.
    pub paid_out: Cents,
}
