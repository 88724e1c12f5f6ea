//! The Stripe sandbox, over HTTP as its callers see it.

mod accounts;
mod charges;
mod checkout;
mod disputes;
mod faults;
mod idempotency;
mod lists;
mod payments;
mod refunds;
mod refusals;
mod restart;
mod stripe_mock;
mod support;
mod webhooks;
