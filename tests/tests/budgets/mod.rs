//! Costs of requests and drops in round trips and capacity units. These tests count them, compare them with
//! the budgets and with the tables of `docs/access-patterns.md` and `docs/cost.md`, and rewrite those tables
//! under `UPDATE_DOCS=1`.

mod cost;
mod docs;
mod drop;
mod lists;
mod money;
mod prices;
mod requests;
