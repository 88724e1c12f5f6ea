//! The breakages, each of which the simulation must find.

use crate::{Breakage, Change};

/// The breakages that the simulation must find, by the area that they are in.
pub const BREAKAGES: &[Breakage] = &[
    Breakage {
        name: "claims-over-max",
        breaks: "a free slot is claimed without the condition that one is free",
        seeds: 2_000,
        changes: &[Change {
            file: "shared/store/src/drops.rs",
            find: r#"update.require_between("claims_count", "<", "max_claims").add("claims_count", 1);"#,
            broken: r#"update.add("claims_count", 1);"#,
        }],
    },
    Breakage {
        name: "held-slot-taken-over",
        breaks: "a slot is taken over although its lease runs",
        seeds: 200,
        changes: &[Change {
            file: "shared/domain/src/drops.rs",
            find: "self.submitted_at.is_none() && self.lease_expires_at <= now",
            broken: "self.submitted_at.is_none()",
        }],
    },
    Breakage {
        name: "late-submission",
        breaks: "a submission is accepted after the window has closed",
        seeds: 1_000,
        changes: &[
            Change { file: "shared/domain/src/drops.rs", find: "now >= window.closes_at", broken: "false" },
            Change {
                file: "shared/store/src/submissions.rs",
                find: r#"update
            .require("status", "=", s(Status::Open.as_str()))
            .require("window_closes_at", ">", at(submission.submitted_at))
            .require_present(&format!("claims.{}", submission.worker))
            .require_absent(&submitted_at)
            // The number of submissions decides whether this one fills the drop, so it must still be true.
            .require("submissions_count", "=", n(drop.submissions_count()))
            .set(&submitted_at, at(submission.submitted_at))
            .add("submissions_count", 1);"#,
                broken: r#"update
            .require("status", "=", s(Status::Open.as_str()))
            .require_present(&format!("claims.{}", submission.worker))
            .require_absent(&submitted_at)
            .require("submissions_count", "=", n(drop.submissions_count()))
            .set(&submitted_at, at(submission.submitted_at))
            .add("submissions_count", 1);"#,
            },
        ],
    },
    Breakage {
        name: "sealed-output-shown",
        breaks: "the sender reads the outputs before the drop is completed",
        seeds: 2_000,
        changes: &[Change {
            file: "functions/drops/src/routes/submissions.rs",
            find: "drop.status == Status::Completed",
            broken: "true",
        }],
    },
    Breakage {
        name: "status-goes-back",
        breaks: "a drop is closed for the ranking whatever its status is",
        seeds: 6_000,
        changes: &[Change {
            file: "shared/store/src/drops.rs",
            find: r#"stamp(&mut update, now)
            .require("status", "=", s(Status::Open.as_str()))
            .set("status", s(Status::Ranking.as_str()))
            .set("ranking_at", at(now));"#,
            broken: r#"update
            .set("updated_at", at(now))
            .set("status", s(Status::Ranking.as_str()))
            .set("ranking_at", at(now));"#,
        }],
    },
    Breakage {
        name: "settled-in-two-writes",
        breaks: "a settlement writes the status first and pays in a second write",
        seeds: 4_000,
        changes: &[
            Change {
                file: "shared/store/src/settlement.rs",
                find: "ledger::post(&mut tx, posting)?;",
                broken: "",
            },
            Change {
                file: "functions/ranking/src/lib.rs",
                find: r#"if !settled.is_applied() {
            return Ok(Completion::Conflict);
        }"#,
                broken: r#"if !settled.is_applied() {
            return Ok(Completion::Conflict);
        }
        store.ledger().post(&posting).await?;"#,
            },
        ],
    },
    Breakage {
        name: "cancelled-without-refund",
        breaks: "a cancelled drop does not return its escrow",
        seeds: 200,
        changes: &[Change {
            file: "functions/drops/src/routes/cancel.rs",
            find: r#"Some(drop.refund(ids.entry("refund", now), now)?)"#,
            broken: "None",
        }],
    },
    Breakage {
        name: "expired-without-refund",
        breaks: "an expired drop does not return its escrow",
        seeds: 200,
        changes: &[Change { file: "functions/ranking/src/lib.rs", find: "Some(&refund)", broken: "None" }],
    },
    Breakage {
        name: "sweep-stops-at-fault",
        breaks: "the sweep of the drops stops at the first one that fails",
        seeds: 200,
        changes: &[Change {
            file: "functions/ranking/src/lib.rs",
            find: "swept.failed += 1;",
            broken: "return Err(error);",
        }],
    },
    Breakage {
        name: "reconciler-stops-at-fault",
        breaks: "the sweep of the payments stops at the first one that fails",
        seeds: 4_000,
        changes: &[Change {
            file: "shared/payments/src/resume.rs",
            find: "looks.fold(Swept::default(), count).await",
            broken: r#"looks
                .take_while(|look| std::future::ready(!matches!(look, Some(Err(_)))))
                .fold(Swept::default(), count)
                .await"#,
        }],
    },
    Breakage {
        name: "verdict-bought-twice",
        breaks: "a function that takes a judging over asks about orders that were asked about",
        seeds: 2_000,
        changes: &[Change {
            file: "functions/ranking/src/judging.rs",
            find: "round.to <= index(judging.asked)",
            broken: "false",
        }],
    },
    Breakage {
        name: "ids-not-derived",
        breaks: "a repeated request with a key creates its objects under new ids",
        seeds: 1_000,
        changes: &[Change {
            file: "shared/http/src/idempotency.rs",
            find: "parts.extensions.insert(ids);",
            broken: "",
        }],
    },
    Breakage {
        name: "debit-without-balance",
        breaks: "a debit does not require that the wallet holds the amount",
        seeds: 1_000,
        changes: &[Change {
            file: "shared/store/src/ledger.rs",
            find: r#"update.require(balance, ">=", n(-delta));"#,
            broken: "",
        }],
    },
    Breakage {
        name: "hold-missing",
        breaks: "payouts mature at once",
        seeds: 1_000,
        changes: &[Change {
            file: "functions/ranking/src/lib.rs",
            find: "self.context.rules.matures_at(now)",
            broken: "None",
        }],
    },
    Breakage {
        name: "hold-not-checked",
        breaks: "a withdrawal does not require that winnings have matured",
        seeds: 1_000,
        changes: &[Change {
            file: "shared/store/src/ledger.rs",
            find: r#"update.require(RELEASED, ">=", n(-change));"#,
            broken: "",
        }],
    },
    Breakage {
        name: "freeze-not-checked",
        breaks: "a frozen account withdraws",
        seeds: 4_000,
        changes: &[Change {
            file: "shared/store/src/withdrawals.rs",
            find: "require_unfrozen(tx.update(user_key.clone()))",
            broken: "tx.update(user_key.clone())",
        }],
    },
    Breakage {
        name: "new-key-for-each-try",
        breaks: "a repeated request to Stripe carries a new idempotency key",
        seeds: 2_000,
        changes: &[Change {
            file: "shared/stripe-api/src/api.rs",
            find: "strategy.clone()",
            broken: r#"match strategy {
                RequestStrategy::Idempotent(_) => {
                    self::strategy(&format!("{:032x}", clorp_random::random::<u128>())).unwrap_or(RequestStrategy::Once)
                }
                other => other.clone(),
            }"#,
        }],
    },
    Breakage {
        name: "unknown-read-as-refusal",
        breaks: "a request to Stripe whose outcome is unknown counts as refused",
        seeds: 1_000,
        changes: &[Change {
            file: "shared/stripe-api/src/api.rs",
            find: "Failure::Unknown(describe(other))",
            broken: "Failure::Refused(Refusal { code: describe(other), authentication_required: false })",
        }],
    },
    Breakage {
        name: "reversals-in-full",
        breaks: "each reversal of a transfer credits the sum of all",
        seeds: 2_000,
        changes: &[Change {
            file: "shared/domain/src/withdrawal.rs",
            find: "reversed.minus(self.reversed)?",
            broken: "reversed",
        }],
    },
    Breakage {
        name: "topup-credited-twice",
        breaks: "a top-up is credited although it is paid",
        seeds: 200,
        changes: &[
            Change {
                file: "shared/payments/src/events.rs",
                find: "topup.status == TopupStatus::Paid",
                broken: "false",
            },
            Change {
                file: "shared/store/src/topups.rs",
                find: "tx.create(key.clone(), write_payment(&key, topup)?);",
                broken: r#"if topup.status != TopupStatus::Paid {
                tx.create(key.clone(), write_payment(&key, topup)?);
            }"#,
            },
        ],
    },
    Breakage {
        name: "unrecorded-page-handed-out",
        breaks: "a repeated top-up leads to a page whose payment is not credited",
        seeds: 4_000,
        changes: &[Change {
            file: "shared/payments/src/client.rs",
            find: "self.stripe.checkout_page(&known).await.map_err(unmade)?.url",
            broken: "{ let _ = known; page.url }",
        }],
    },
    Breakage {
        name: "automatic-topups-at-once",
        breaks: "an automatic top-up begins while another one is in flight",
        seeds: 3_000,
        changes: &[
            Change {
                file: "shared/store/src/topups.rs",
                find: r#"update
            .require("auto_topup_enabled", "=", flag(true))
            .require("auto_topup_amount_cents", "=", n(topup.amount.get()))
            .require_absent("auto_topup_in_flight")
            .set("auto_topup_in_flight", s(topup.id.to_string()));"#,
                broken: r#"update
            .require("auto_topup_enabled", "=", flag(true))
            .require("auto_topup_amount_cents", "=", n(topup.amount.get()))
            .set("auto_topup_in_flight", s(topup.id.to_string()));"#,
            },
            Change {
                file: "shared/payments/src/auto_topup.rs",
                find: "other != id",
                broken: "false && other != id",
            },
        ],
    },
    Breakage {
        name: "dispute-beyond-payment",
        breaks: "a dispute ignores earlier refunds, so that more goes back than was paid",
        seeds: 3_000,
        changes: &[Change {
            file: "shared/domain/src/taken_back.rs",
            find: "self.refunds()?.plus(self.disputed)?.clamp(Cents::ZERO, paid)",
            broken: "self.refunds()?.plus(self.disputed)?.max(Cents::ZERO)",
        }],
    },
    Breakage {
        name: "failed-refund-forgotten",
        breaks: "a refund that failed is not credited back",
        seeds: 1_000,
        changes: &[Change {
            file: "shared/payments/src/events.rs",
            find: "known.with_failed_refund(refund.clone())",
            broken: "RefundChange::Nothing",
        }],
    },
    Breakage {
        name: "parked-event-forgotten",
        breaks: "a refund that was reported before its payment is never applied",
        seeds: 2_000,
        changes: &[Change {
            file: "shared/payments/src/events.rs",
            find: "self.context.store.unapplied_events().about(intent).await?",
            broken: "Vec::new()",
        }],
    },
    Breakage {
        name: "older-dispute-event-wins",
        breaks: "a report about a dispute overwrites a newer one",
        seeds: 4_000,
        changes: &[Change {
            file: "shared/domain/src/dispute.rs",
            find: "(self.at, self.status.rank()).cmp(&(recorded.at, recorded.status.rank()))",
            broken: "std::cmp::Ordering::Greater",
        }],
    },
    Breakage {
        name: "signature-not-checked",
        breaks: "a webhook event with any signature is accepted",
        seeds: 1_000,
        changes: &[Change {
            file: "shared/stripe-api/src/signature.rs",
            find: "self.0.iter().any(fits)",
            broken: "{ let _ = fits; true }",
        }],
    },
    Breakage {
        name: "old-signature-accepted",
        breaks: "a webhook event is accepted whatever the age of its signature",
        seeds: 500,
        changes: &[Change {
            file: "shared/stripe-api/src/signature.rs",
            find: "now.as_second().saturating_sub(seconds).unsigned_abs() > TOLERANCE_SECONDS.unsigned_abs()",
            broken: "false",
        }],
    },
];
