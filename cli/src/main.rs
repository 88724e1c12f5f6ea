//! `clorp`, the command line: posts drops, races on them, and reads verdicts. The API is the only authority.
//! Nothing here knows a rule that the API does not, and no other crate of the workspace is linked.

mod api;
mod clean;
mod credentials;
mod exit;
mod failure;
mod files;
mod output;

fn main() {}
