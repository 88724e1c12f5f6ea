//! The integration tests: one module for each part of the API and for each promise that spans it. A test is
//! named by its path, as in `cargo test --test main drops::lifecycle`.
//!
//! All modules are one program, because linking costs more than a test takes. `tests/Cargo.toml` says which
//! tests are programs of their own, and why.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod access;
mod api;
mod budgets;
mod clients;
mod concurrency;
mod dependencies;
mod drops;
mod fuzz;
mod hosted_pages;
mod house;
mod idempotency;
mod judging;
mod ledger_audit;
mod manifests;
mod moto;
mod payments;
mod queue;
mod rejudge;
mod sandbox;
mod sessions;
mod statuses;
mod template;
mod uploads;
