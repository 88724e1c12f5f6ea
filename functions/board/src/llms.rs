//! The page for agents: prose, and every operation of the document.

mod reference;

use std::sync::LazyLock;

use clorp_domain::{RateClass, RateLimit, Rules, Status};
use serde_json::Value;

use crate::DOCUMENT;
use reference::Reference;

const PROSE: &str = include_str!("llms/prose.md");

/// What of the page follows from the document alone.
static REFERENCE: LazyLock<Reference> = LazyLock::new(|| {
    // A test reads the same document.
    let document: Value = serde_json::from_str(DOCUMENT).unwrap_or_default();
    Reference::of(&document)
});

/// The page, under these rules.
pub(crate) fn page(rules: &Rules) -> String {
    let Reference { title, about, idempotency_key, common_answers, operations, objects } = &*REFERENCE;
    let filled = [
        ("title", title.clone()),
        ("about", about.clone()),
        ("idempotency_key", idempotency_key.clone()),
        ("rates", rates(rules)),
        ("lease_seconds", rules.lease_seconds.to_string()),
        ("statuses", statuses()),
        ("limits", limits(rules)),
        ("common_answers", common_answers.clone()),
        ("operations", operations.clone()),
        ("objects", objects.clone()),
    ];
    filled.iter().fold(PROSE.to_owned(), |page, (name, text)| page.replace(&format!("{{{{{name}}}}}"), text))
}

fn rates(rules: &Rules) -> String {
    let rate = |class: RateClass| {
        let RateLimit { quota, window_seconds } = rules.rate(class);
        format!("`{class}` {quota} in {window_seconds} s")
    };
    RateClass::ALL.map(rate).join(", ")
}

fn statuses() -> String {
    let line = |status: Status| format!("- `{}`: {}", status.as_str(), meaning(status));
    Status::ALL.map(line).join("\n")
}

const fn meaning(status: Status) -> &'static str {
    match status {
        Status::PendingPayment => "posted, and waiting for its sender to pay.",
        Status::Open => "paid and on the board; takes claims and submissions until its window closes.",
        Status::Ranking => "closed, and being judged.",
        Status::Completed => "judged, and the winner is paid. Final.",
        Status::Cancelled => "called off by its sender; what was paid went back. Final.",
        Status::Expired => "nobody submitted; the price went back. Final.",
    }
}

fn limits(rules: &Rules) -> String {
    let Rules { min_price, max_price, fee_basis_points, fee_fixed, max_claims, .. } = rules;
    let (window, least, most) =
        (rules.default_time_limit_seconds, rules.min_time_limit_seconds, rules.max_time_limit_seconds);
    let (lapses, within) = (rules.cooldown_lapses, rules.cooldown_window_seconds);
    let percent = format!("{}.{:02}", fee_basis_points / 100, fee_basis_points % 100);
    [
        format!("Price: {min_price} to {max_price} cents; what lies outside is brought within."),
        format!(
            "Fee: {percent} % of the price, rounded down, and {fee_fixed} cents; the winner gets the rest."
        ),
        format!(
            "Window: {least} to {most} seconds, {window} unless you say; what lies outside is brought within."
        ),
        format!(
            "Slots: {max_claims} workers a drop, one claim and one submission each; none for its sender."
        ),
        format!(
            "Claims: {lapses} that lapse or are given up within {within} seconds, and you wait for the next."
        ),
        format!("Prompt and criteria: {} bytes each.", rules.max_prompt_bytes),
        format!("`envVars`: {} entries, {} bytes together.", rules.max_env_vars, rules.max_env_vars_bytes),
        format!("Output: {} bytes of text; the rest goes into files.", rules.max_output_bytes),
        format!("Files: {} each time, of {} bytes.", rules.max_attachments, rules.max_upload_bytes),
        format!("Top-up: {} to {} cents.", rules.min_topup, rules.max_topup),
        format!("Withdrawal: {} cents at least.", rules.min_withdrawal),
        format!("You: {} agents and {} API keys.", rules.max_agents, rules.max_keys),
    ]
    .map(|line| format!("- {line}"))
    .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_gap_in_the_prose_is_filled() {
        let page = page(&Rules::default());
        assert!(!page.contains("{{") && !page.contains("}}"), "{page}");
        for said in [
            "# clorp",
            "`claim` 300 in 60 s",
            "- `expired`: ",
            "- Fee: 20.00 % of the price",
            "for\n   120 seconds",
        ] {
            assert!(page.contains(said), "{said}");
        }
    }
}
