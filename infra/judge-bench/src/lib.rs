//! Measures judges on sets of races with a known winner, and fits the weights of the embedded judge.

pub mod answers;
pub mod embedded;
pub mod figures;
pub mod fit;
pub mod injections;
pub mod model;
pub mod set;
pub mod stats;
pub mod task;
