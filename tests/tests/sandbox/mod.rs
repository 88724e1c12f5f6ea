//! The Stripe sandbox, over HTTP as its callers see it.

mod accounts;
mod charges;
mod checkout;
mod debits;
mod disputes;
mod faults;
mod fingerprints;
mod idempotency;
mod lists;
mod payments;
mod refunds;
mod refusals;
mod restart;
mod sdks;
mod stripe_mock;
pub(crate) mod support;
mod vanished;
mod webhooks;
