//! The adapter of Stripe's API. This is the only crate that knows Stripe's terms.
//!
//! [`events`] and [`signature`] parse and verify webhooks. The feature `api` adds [`api`], which calls
//! Stripe. Amounts are US cents throughout.

#[cfg(feature = "api")]
pub mod api;
pub mod events;
#[cfg(feature = "api")]
mod keyed;
pub mod signature;
#[cfg(feature = "api")]
pub mod transport;

#[cfg(feature = "api")]
pub use api::{Failure, Refusal, Stripe};

/// Metadata keys and values of the Stripe objects created here. They lead from a webhook event to the local
/// record.
pub(crate) mod metadata {
    use clorp_domain::TopupKind;

    /// Key of the object's purpose: [`WALLET_TOPUP`], [`AUTO_TOPUP`], [`SETUP`] or [`WITHDRAWAL`].
    pub(crate) const TYPE: &str = "type";
    /// Key of the user's id.
    pub(crate) const USER_ID: &str = "user_id";
    /// Key of the local record's id.
    pub(crate) const RECORD_ID: &str = "record_id";

    /// Purpose of a top-up by Checkout.
    pub(crate) const WALLET_TOPUP: &str = TopupKind::Checkout.as_str();
    /// Purpose of an automatic top-up.
    pub(crate) const AUTO_TOPUP: &str = TopupKind::Auto.as_str();
    /// Purpose of a payment method's setup.
    pub(crate) const SETUP: &str = "setup";
    /// Purpose of a withdrawal.
    pub(crate) const WITHDRAWAL: &str = "withdrawal";
}
