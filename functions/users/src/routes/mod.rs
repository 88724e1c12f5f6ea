//! The endpoints, one per file.

pub(crate) mod agents;
pub(crate) mod cli;
pub(crate) mod get;
pub(crate) mod keys;
pub(crate) mod races;
pub(crate) mod status;
pub(crate) mod whoami;
