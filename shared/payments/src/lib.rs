//! Money that enters and leaves wallets through Stripe.
//!
//! Two sides that meet in the table and nowhere else. [`WebhookEvents`] acts on what Stripe tells us, in whatever order and
//! however often it does. [`Payments`] asks Stripe to do something, as a list of steps each of which can be repeated:
//! record what is wanted under an id of ours, ask Stripe under that id, record what came of it. A step that died is
//! found by [`Payments::resume`], which asks again under the same id.

#[cfg(feature = "api")]
mod auto_topup;
#[cfg(feature = "api")]
mod client;
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
use clorp_domain::{EntryId, Error};
use jiff::Timestamp;

/// How often something is decided anew when it changes between reading and writing it.
const MAX_ATTEMPTS: usize = 8;

fn new_entry_id(now: Timestamp) -> EntryId {
    EntryId::new(new_ulid(now))
}

fn contended() -> Error {
    Error::unavailable("it kept changing between decision and write")
}
