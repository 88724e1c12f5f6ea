//! One endpoint a file.

pub(crate) mod connect;
pub(crate) mod connect_status;
