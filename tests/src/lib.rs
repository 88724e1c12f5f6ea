//! The test bench: the whole API over real HTTP, several instances of each function, on an embedded DynamoDB
//! or on moto.
//!
//! [`World::start`] sets everything up, and [`World::finish`] proves at the end that no cent was lost.
//! Requests go to the instances in turn, so no test passes because of one instance's memory. Every response
//! is checked against the OpenAPI document.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test bench fails by panicking")]

pub mod browser;
pub mod client;
pub mod database;
pub mod document;
pub mod event_stream;
mod functions;
pub mod gateway;
pub mod meter;
pub mod moto;
pub mod permissions;
pub mod proxy;
pub mod stripe_mock;
pub mod tools;
pub mod world;

pub use client::{Answer, Client};
pub use database::Aws;
pub use gateway::Gateway;
pub use proxy::{Fault, Proxy};
pub use stripe_mock::StripeMock;
pub use world::{Options, World, unlimited};
