//! What requests and drops cost in round trips and units: counted, held to the budgets, and written to
//! `docs/access-patterns.md`, whose tables are what these tests say (`UPDATE_DOCS=1` rewrites them).

mod cost;
mod docs;
mod drop;
mod lists;
mod money;
mod requests;
