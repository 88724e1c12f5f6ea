//! The test bench: the whole API over real HTTP, several instances of each function, on an embedded DynamoDB.
//!
//! [`World::start`] sets everything up, [`World::finish`] proves at the end that no cent was lost. A request enters
//! through the router of one instance after another, so nothing can rely on the memory of an earlier one, and every
//! response is held to the API's document.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test bench fails by panicking")]

pub mod browser;
pub mod client;
pub mod document;
pub mod event_stream;
pub mod meter;
pub mod permissions;
pub mod proxy;
pub mod stripe_mock;
pub mod tools;
pub mod world;

pub use client::{Answer, Client};
pub use proxy::{Fault, Proxy};
pub use stripe_mock::StripeMock;
pub use world::{Options, World, unhurried};
