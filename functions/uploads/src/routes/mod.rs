//! One endpoint a file.

pub(crate) mod create;
