//! Stripe: the only crate that knows its words.
//!
//! [`events`] and [`signature`] understand what Stripe sends us; the feature `api` adds [`api`], which asks Stripe to
//! do something. Amounts are US cents throughout.

#[cfg(feature = "api")]
pub mod api;
pub mod events;
pub mod signature;

#[cfg(feature = "api")]
pub use api::{Failure, Refusal, Stripe};

/// What our objects at Stripe carry in their metadata, so that a report on one leads back to our record of it.
pub(crate) mod metadata {
    use clorp_domain::TopupKind;

    /// What the object is for: [`WALLET_TOPUP`], [`AUTO_TOPUP`], [`SETUP`] or [`WITHDRAWAL`].
    pub(crate) const TYPE: &str = "type";
    /// Whose it is.
    pub(crate) const USER_ID: &str = "user_id";
    /// The id of our record.
    pub(crate) const RECORD_ID: &str = "record_id";

    /// A top-up by Checkout.
    pub(crate) const WALLET_TOPUP: &str = TopupKind::Checkout.as_str();
    /// An automatic top-up.
    pub(crate) const AUTO_TOPUP: &str = TopupKind::Auto.as_str();
    /// A payment method that is set up.
    pub(crate) const SETUP: &str = "setup";
    /// A withdrawal.
    pub(crate) const WITHDRAWAL: &str = "withdrawal";
}
