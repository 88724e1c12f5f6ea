//! The program `clorp` as its users run it: against the whole API, on a terminal and without one.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod bench;
mod exits;
mod files;
mod hostile;
mod interactive;
mod login;
mod packages;
mod retries;
mod verbs;
mod work;
