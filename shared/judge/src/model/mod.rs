//! A language model as the judge of a drop's submissions.
//!
//! [`Model::ask`] lets a model read a [`Question`] in one [`Order`], and returns its answer as a value that
//! can be stored. [`parse`] turns an answer into a [`Reading`], and [`combine()`] several readings into one
//! ranking. Models prefer submissions by their place among the others. [`orders()`] therefore puts every
//! submission into every place equally often, so that the preference cancels out.
//!
//! Everything a worker wrote is hostile: it stands between fences with a random code, under a random label,
//! and the model's answer is checked in full. The model's notes may repeat a worker's words, so they are not
//! fit for publication as they are.

mod answer;
mod client;
mod combine;
mod config;
mod cost;
mod envelope;
mod orders;
mod prompt;
mod request;
mod schema;
mod session;
mod sign;
mod verdict;

use clorp_domain::Pack;

pub use answer::{Assessment, Criterion, Malformed, Mark, RawAnswer, Reading, Spent, parse};
pub use client::{Model, Unanswered};
pub use combine::{Combined, Standing, combine};
pub use config::{Api, Auth, ConfigError, FIRST_MODEL, Key, ModelConfig, ModelVars, SECOND_MODEL};
pub use cost::{ModelPrices, Tokens};
pub use envelope::{BatchResult, NotABatchResult};
pub use orders::{MAX_SUBMISSIONS, Order, orders};
pub use prompt::{PROMPT_VERSION, ReadLength};
pub use session::{Decided, Round, Seat, Session, Step};
pub use verdict::{Entrants, MODEL_JUDGE, replaced};

/// A question to the model: which of these submissions does the task best?
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Kind of work, which decides the criterion that the model is given.
    pub pack: Pack,
    /// Prompt of the drop.
    pub prompt: String,
    /// Limits that the prompt names, one sentence each.
    pub constraints: Vec<String>,
    /// Texts of the submissions, at most [`MAX_SUBMISSIONS`], cleaned by [`for_reading`](crate::for_reading).
    /// Their indices name them in orders, readings and rankings.
    pub submissions: Vec<String>,
}
