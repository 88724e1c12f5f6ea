//! A deterministic simulation of the whole backend. One seed decides everything: what users, banks and
//! schedules do, the time of each step, and the faults of the table, the queue, Stripe, the model and the
//! functions' processes.
//!
//! The routers, the store, the payments and the ranking are those of production. Below them, the AWS SDK's
//! HTTP client, Stripe's and the model's are replaced, and the time is the runtime's paused clock. A run has
//! two phases: chaos, then healing without faults. At the end the wallets are compared with an independent
//! model of the money ([`books`]).

#![allow(clippy::expect_used, reason = "a simulation ends at a fault of its own")]

pub mod api_model;
pub mod aws;
pub mod books;
pub mod chance;
pub mod client;
pub mod crash;
pub mod faults;
pub mod fleet;
pub mod model;
pub mod plan;
pub mod play;
pub mod poison;
pub mod run;
pub mod s3;
pub mod setup;
pub mod shrink;
pub mod site;
pub mod stripe;
pub mod task;
pub mod watch;
