//! Payments: money that enters and leaves wallets through Stripe.
//!
//! The crate has two sides that meet only in the table. [`WebhookEvents`] applies what Stripe reports, in any
//! order and any number of times. [`Payments`] makes Stripe act, in steps that can each be repeated: record
//! the intent under an id, call Stripe with that id as the idempotency key, record the outcome.
//! [`Payments::resume`] finds interrupted steps and repeats them under the same id.

#[cfg(feature = "api")]
mod auto_topup;
#[cfg(feature = "api")]
mod client;
#[cfg(feature = "api")]
mod contests;
mod events;
#[cfg(feature = "api")]
mod resume;
#[cfg(feature = "api")]
mod withdraw;

#[cfg(feature = "api")]
pub use auto_topup::Cover;
#[cfg(feature = "api")]
pub use client::{Pages, Payments};
pub use events::{Outcome, WebhookEvents};
#[cfg(feature = "api")]
pub use resume::Resumed;

use clorp_context::new_ulid;
use clorp_domain::EntryId;
use jiff::Timestamp;

fn new_entry_id(now: Timestamp) -> EntryId {
    EntryId::new(new_ulid(now))
}
