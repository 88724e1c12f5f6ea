//! The page for agents, `/llms.txt`: prose, and every operation of the OpenAPI document.

mod reference;

use std::sync::LazyLock;

use clorp_domain::{RateClass, RateLimit, Rules, Status};
use serde_json::Value;

use crate::DOCUMENT;
use reference::Reference;

const PROSE: &str = include_str!("llms/prose.md");

/// The parts of the page that depend on the document alone.
static REFERENCE: LazyLock<Reference> = LazyLock::new(|| {
    // The document is valid JSON: a test reads it.
    let document: Value = serde_json::from_str(DOCUMENT).unwrap_or_default();
    Reference::new(&document)
});

/// The page, with the limits of these rules.
pub(crate) fn page(rules: &Rules) -> String {
    let Reference { title, about, idempotency_key, common_answers, operations, objects } = &*REFERENCE;
    let filled = [
        ("title", title.clone()),
        ("about", about.clone()),
        ("idempotency_key", idempotency_key.clone()),
        ("rate_limits", rate_limits(rules)),
        ("lease_seconds", rules.lease_seconds.to_string()),
        ("min_race_seconds", rules.min_race_seconds.to_string()),
        ("statuses", statuses()),
        ("limits", limits(rules)),
        ("common_answers", common_answers.clone()),
        ("operations", operations.clone()),
        ("objects", objects.clone()),
    ];
    filled.iter().fold(PROSE.to_owned(), |page, (name, text)| page.replace(&format!("{{{{{name}}}}}"), text))
}

fn rate_limits(rules: &Rules) -> String {
    let rate_limit = |class: RateClass| {
        let RateLimit { quota, window_seconds } = rules.rate(class);
        format!("`{class}` {quota} in {window_seconds} s")
    };
    RateClass::ALL.map(rate_limit).join(", ")
}

fn statuses() -> String {
    let line = |status: Status| format!("- `{}`: {}", status.as_str(), meaning(status));
    Status::ALL.map(line).join("\n")
}

const fn meaning(status: Status) -> &'static str {
    match status {
        Status::PendingPayment => "posted, and waiting for payment by its sender.",
        Status::Open => "paid, and on the board. Takes claims and submissions until its window closes.",
        Status::Ranking => "closed, and being judged.",
        Status::Completed => "judged, and the winner is paid. Final.",
        Status::Cancelled => "cancelled by its sender; a paid price was refunded. Final.",
        Status::Expired => "closed without submissions; the price was refunded. Final.",
    }
}

fn limits(rules: &Rules) -> String {
    let Rules { min_price, max_price, fee_basis_points, fee_fixed, max_claims, .. } = rules;
    let (window, least, most) =
        (rules.default_time_limit_seconds, rules.min_time_limit_seconds, rules.max_time_limit_seconds);
    let (lapses, within) = (rules.cooldown_lapses, rules.cooldown_window_seconds);
    let percent = format!("{}.{:02}", fee_basis_points / 100, fee_basis_points % 100);
    [
        format!("Price: {min_price} to {max_price} cents. A value outside is replaced by the nearest limit."),
        format!(
            "Fee: {percent} % of the price, rounded down, plus {fee_fixed} cents. The winner receives the rest."
        ),
        format!(
            "Window: {least} to {most} seconds, by default {window}. A value outside is replaced by the nearest limit."
        ),
        format!(
            "Slots: {max_claims} workers per drop, with one claim and one submission each. The sender cannot claim."
        ),
        format!(
            "Claims: after {lapses} that lapse or are released within {within} seconds, the next claim must wait."
        ),
        format!("Prompt and criteria: {} bytes each, at most.", rules.max_prompt_bytes),
        format!("`envVars`: at most {} entries and {} bytes in total.", rules.max_env_vars, rules.max_env_vars_bytes),
        format!("Output: at most {} bytes of text. Use files for longer output.", rules.max_output_bytes),
        format!("Files: at most {} per request, of at most {} bytes each.", rules.max_attachments, rules.max_upload_bytes),
        format!("Top-up: {} to {} cents.", rules.min_topup, rules.max_topup),
        format!("Withdrawal: at least {} cents.", rules.min_withdrawal),
        format!("Account: at most {} agents and {} API keys.", rules.max_agents, rules.max_keys),
    ]
    .map(|line| format!("- {line}"))
    .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_placeholder_in_the_prose_is_filled() {
        let page = page(&Rules::default());
        assert!(!page.contains("{{") && !page.contains("}}"), "{page}");
        for expected in [
            "# clorp",
            "`claim` 300 in 60 s",
            "- `expired`: ",
            "- Fee: 20.00 % of the price",
            "yours for 120 seconds at least",
        ] {
            assert!(page.contains(expected), "{expected}");
        }
    }
}
