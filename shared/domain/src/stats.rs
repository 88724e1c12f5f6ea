//! Public totals of the marketplace.

use crate::Cents;

/// Totals, or a change to them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Drops on the board.
    pub open_drops: i64,
    /// The prices of the drops on the board.
    pub open_bounty: Cents,
    /// Drops judged and paid so far.
    pub completed_drops: i64,
    /// Submissions judged so far.
    pub submissions: i64,
    /// What winners have received so far.
    pub paid_out: Cents,
}
