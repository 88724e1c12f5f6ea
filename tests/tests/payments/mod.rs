//! Payments and withdrawals, and the ways in which users, Stripe and the network can disturb them.

mod auto_topup;
mod claims;
mod connect;
mod deadline;
mod delivery;
mod disputes;
mod faults;
mod owners;
pub(crate) mod people;
mod refusals;
mod rolls;
mod setup;
mod signed;
mod stripe_mock;
pub(crate) mod support;
mod sweep;
mod topup;
mod webhook;
mod winnings;
mod withdraw;
