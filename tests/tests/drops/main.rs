//! Drops, endpoint by endpoint. Each module is named after the path it is about, or the rule.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod agents;
mod cooldown;
mod lifecycle;
mod money;
mod owner;
mod race;
mod release;
mod timeline;
