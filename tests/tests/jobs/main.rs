//! Drops, endpoint by endpoint. Each module is named after the path it is about.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod agents;
mod lifecycle;
mod money;
mod race;
