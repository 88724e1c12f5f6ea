//! The endpoints, one per file.

pub(crate) mod appeal;
pub(crate) mod cancel;
pub(crate) mod claim;
pub(crate) mod fail;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod logs;
pub(crate) mod pay;
pub(crate) mod release;
pub(crate) mod reserve;
pub(crate) mod run;
pub(crate) mod submissions;
pub(crate) mod submit;
pub(crate) mod verdict;
