//! The edge: the only crate that turns things into HTTP.
//!
//! A handler reads as a sentence: extract ([`auth`], [`extract`], [`ids`]), call, map. Everything that all routes
//! have in common, the request id, the error body, the log line, is added by [`serve::finish`]; what routes with callers
//! have besides, authentication, rate limits, idempotency keys, by [`serve::finish_for_callers`].

pub mod attachments;
pub mod auth;
pub mod authenticate;
pub mod cache;
pub mod event_stream;
pub mod extract;
pub mod grades;
mod idempotency;
pub mod ids;
mod limits;
pub mod openapi;
pub mod origins;
pub mod paging;
pub mod problem;
pub mod serve;
pub mod source;

pub use attachments::{AttachmentRequest, file_drafts};
pub use auth::Caller;
pub use authenticate::Authenticator;
pub use extract::{ApiJson, ApiQuery, NoBody, NoParams, PathId};
pub use idempotency::respond_with_secret;
pub use ids::NewIds;
pub use origins::Origins;
pub use paging::Paging;
pub use problem::Problem;
pub use source::SourceAddress;
