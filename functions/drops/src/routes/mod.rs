//! One endpoint a file.

pub(crate) mod cancel;
pub(crate) mod claim;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod pay;
pub(crate) mod run;
pub(crate) mod submissions;
pub(crate) mod submit;
pub(crate) mod verdict;
