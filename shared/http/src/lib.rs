//! The HTTP edge: the only crate that converts between domain values and HTTP.
//!
//! A handler reads as a sentence: extract ([`auth`], [`extract`], [`ids`]), call, map. [`Routes`] registers
//! it with a typed policy: public, or with a caller, a rate class and a right. [`serve::finish`] adds what
//! all routes share: the request id, the error body, the log line. [`serve::finish_for_callers`] also
//! enforces the policies: authentication, rights, rate limits, idempotency keys.
//!
//! Modules depend on each other in one direction, from the bottom up: `headers`, [`error_codes`], [`words`],
//! `policy` and [`problem`]; then `json`, the extractors, `limits` and [`origins`]; then [`authenticate`] and
//! `idempotency`; then [`openapi`], [`routes`], [`invoked`] and [`serve`].

pub mod attachments;
pub mod auth;
pub mod authenticate;
pub mod cache;
pub mod error_codes;
pub mod event_stream;
pub mod extract;
pub mod grades;
mod headers;
mod idempotency;
pub mod ids;
pub mod invoked;
mod json;
mod limits;
pub mod openapi;
pub mod origins;
pub mod paging;
mod policy;
pub mod problem;
pub mod request_url;
pub mod requirements;
pub mod routes;
pub mod serve;
pub mod source;
pub mod words;

pub use attachments::{AttachmentRequest, file_drafts};
pub use auth::Caller;
pub use authenticate::Authenticator;
pub use clorp_domain::{RateClass, Right};
pub use extract::{ApiJson, ApiQuery, NoBody, NoParams, PathId};
pub use idempotency::respond_with_secret;
pub use ids::NewIds;
pub use origins::Origins;
pub use paging::Paging;
pub use policy::Access;
pub use problem::Problem;
pub use request_url::RequestUrl;
pub use requirements::{RequirementsBody, RequirementsRequest};
pub use routes::Routes;
pub use source::SourceAddress;
