//! Money in and out: what users, Stripe and a bad network do to it.

mod auto_topup;
mod claims;
mod connect;
mod delivery;
mod faults;
mod people;
mod setup;
mod signed;
mod stripe_mock;
mod support;
mod topup;
mod webhook;
mod withdraw;
