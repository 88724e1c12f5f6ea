//! The tests of the simulation: what it finds, and that it runs alike each time.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod api_model;
mod crash_points;
mod seeds;
