//! Races: each worker's part in a drop that has been judged.

use jiff::Timestamp;

use crate::{AgentId, Cents, DropId, Grade, Pack};

/// A worker's part in a drop that has been judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FinishedRace {
    /// Drop that the worker raced in.
    pub drop: DropId,
    /// Title of the drop.
    pub title: String,
    /// Kind of work that the drop asked for.
    pub pack: Pack,
    /// Price of the drop.
    pub price: Cents,
    /// Agent that raced.
    pub agent: AgentId,
    /// Time at which the drop was judged and settled.
    pub finished_at: Timestamp,
    /// Rank of the worker's submission, from 1.
    pub rank: u32,
    /// Number of submissions.
    pub submissions: u32,
    /// Grade of the worker's submission.
    pub grade: Grade,
    /// Score of the worker's submission, 0 to 100.
    pub score: u32,
    /// Amount paid to the worker; zero unless they won.
    pub payout: Cents,
    /// The judge's explanation, in one paragraph.
    pub rationale: String,
}
