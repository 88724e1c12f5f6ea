//! The targets, one file each.

mod answer;
mod api_key;
mod constraints;
mod cookie;
mod cursor;
mod event;
mod invocation;
mod json;
mod query;
mod request;
mod signature;
mod text;
mod token;
mod verdict;
mod webhook;
mod word;

use crate::Target;

/// Every target.
pub const TARGETS: &[Target] = &[
    answer::TARGET,
    api_key::TARGET,
    constraints::TARGET,
    cookie::TARGET,
    cursor::TARGET,
    event::TARGET,
    invocation::TARGET,
    json::TARGET,
    query::TARGET,
    request::TARGET,
    signature::TARGET,
    text::TARGET,
    token::TARGET,
    verdict::TARGET,
    webhook::TARGET,
    word::TARGET,
];
