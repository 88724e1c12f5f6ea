//! Breakages that change nothing which anybody could see, because another rule protects.

use crate::{Breakage, Change};

/// A breakage that harms nobody, and the rule that protects.
#[derive(Clone, Copy, Debug)]
pub struct Harmless {
    /// The breakage, which must still compile. Its number of seeds is that of the run that found nothing.
    pub breakage: Breakage,
    /// The reason, as a sentence.
    pub protected_by: &'static str,
}

/// The breakages that harm nobody. They are tried too: one that is found must move to
/// [`crate::breakages::BREAKAGES`].
pub const HARMLESS: &[Harmless] = &[
    Harmless {
        breakage: Breakage {
            name: "judging-lease-not-checked",
            breaks: "a judging is taken over although its lease runs",
            seeds: 2_000,
            changes: &[Change {
                file: "shared/store/src/judgings.rs",
                find: "now < earlier.lease_expires_at",
                broken: "false",
            }],
        },
        protected_by: "the orders that a function has asked about are recorded before it asks, and the second \
                       function asks about no order twice",
    },
    Harmless {
        breakage: Breakage {
            name: "idempotency-lease-not-checked",
            breaks: "a request with a key is taken over while another instance carries it out",
            seeds: 2_000,
            changes: &[Change {
                file: "shared/store/src/idempotency.rs",
                find: "(record.lease_expires_at > now).then_some(Begin::InFlight)",
                broken: "None",
            }],
        },
        protected_by: "the write of the take-over has the same condition",
    },
    Harmless {
        breakage: Breakage {
            name: "ended-although-changed",
            breaks: "a drop is cancelled or expires although it has changed since it was read",
            seeds: 2_000,
            changes: &[Change {
                file: "shared/store/src/drops.rs",
                find: r#"update
            .require("status", "=", s(drop.status.as_str()))
            .require("updated_at", "=", at(drop.updated_at))
            .set("status", s(status.as_str()));"#,
                broken: r#"update.set("status", s(status.as_str()));"#,
            }],
        },
        protected_by: "the refund requires that the escrow holds the price",
    },
];
