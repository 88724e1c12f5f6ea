//! The endpoints, one per file.

pub(crate) mod webhook;
