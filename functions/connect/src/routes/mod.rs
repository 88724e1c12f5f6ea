//! The endpoints, one per file.

pub(crate) mod connect;
pub(crate) mod connect_status;
