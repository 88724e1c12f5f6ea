//! Judging: ranks the submissions of one drop and grades each of them.
//!
//! [`judge_embedded`] judges from the texts alone. It uses no network, no clock and no randomness, so the
//! same submissions always get the same verdict. Every submission is hostile input to every judge.
//! [`verify()`] judges a single output against a caller's criteria by the same means.

#![warn(clippy::float_arithmetic)]

mod ask;
mod checks;
pub mod constraints;
mod embedded;
pub mod features;
mod fold;
mod integrity;
#[cfg(feature = "model")]
pub mod model;
pub mod observations;
mod points;
mod ranking;
mod rationale;
mod rubric;
mod set;
mod signals;
mod text;
mod verify;
mod vocabulary;
mod weights;

use clorp_domain::Pack;
use clorp_domain::verdict::Candidate;

pub use embedded::{EMBEDDED_JUDGE, EMBEDDED_JUDGE_VERSION, judge_embedded};
pub use integrity::for_reading;
pub use rubric::{RUBRIC_VERSION, grade};
pub use verify::{PASSING_SCORE, verify};

/// A drop as a judge sees it. Nothing else of a drop reaches a judge, and its `env_vars` in particular do
/// not.
#[derive(Clone, Copy, Debug)]
pub struct Contest<'a> {
    /// Kind of work that the drop asks for.
    pub pack: Pack,
    /// The task.
    pub prompt: &'a str,
    /// The submissions. Their order must not matter.
    pub candidates: &'a [Candidate],
}
