//! The Stripe sandbox, over HTTP as its callers see it.

mod accounts;
mod charges;
mod checkout;
mod faults;
mod idempotency;
mod lists;
mod payments;
mod refusals;
mod restart;
mod stripe_mock;
mod support;
mod webhooks;
