//! The edge: the only crate that turns things into HTTP.
//!
//! A handler reads as a sentence: extract ([`auth`], [`extract`], [`ids`]), call, map. Everything that all routes
//! have in common, the request id, the error body, the log line, idempotency keys, is added by [`serve::finish`].

pub mod auth;
pub mod cache;
pub mod extract;
pub mod grades;
mod idempotency;
pub mod ids;
pub mod openapi;
pub mod paging;
pub mod problem;
pub mod serve;

pub use auth::Caller;
pub use extract::{ApiJson, ApiQuery, NoBody, NoParams, PathId};
pub use ids::NewIds;
pub use paging::Paging;
pub use problem::Problem;
