//! Money in and out: what users, Stripe and a bad network do to it.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod claims;
mod connect;
mod delivery;
mod setup;
mod signed;
mod support;
mod topup;
mod webhook;
