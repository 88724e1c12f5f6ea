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
            seeds: 3_000,
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
            seeds: 3_000,
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
            seeds: 3_000,
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
    Harmless {
        breakage: Breakage {
            name: "conflict-read-as-refusal",
            breaks: "a condition that fails beside a conflict counts as a refusal",
            seeds: 3_000,
            changes: &[Change {
                file: "shared/store/src/table/transaction.rs",
                find: "codes.iter().any(|code| CONTENTION.contains(code))",
                broken: "codes.iter().all(|code| CONTENTION.contains(code))",
            }],
        },
        protected_by: "a refused write is decided again from what is stored, and finds its own effect there",
    },
    Harmless {
        breakage: Breakage {
            name: "new-token-for-each-try",
            breaks: "a transaction that is tried again carries a new token",
            seeds: 3_000,
            changes: &[Change {
                file: "shared/store/src/table/transaction.rs",
                find: "self.client.transact_write_items().client_request_token(&token)",
                broken: r#"self.client.transact_write_items()
                    .client_request_token(format!("{:032x}", clorp_random::random::<u128>()))"#,
            }],
        },
        protected_by: "the store tries again only what was cancelled, and the conditions refuse a second effect \
                       of a try whose answer was lost",
    },
];
