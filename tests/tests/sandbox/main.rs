//! The Stripe sandbox, over HTTP as its callers see it.

mod checkout;
mod support;
mod webhooks;
