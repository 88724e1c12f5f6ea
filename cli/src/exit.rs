//! Exit codes.

/// How a command ended. Agents branch on it, so the numbers never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// The command did what it was asked to do.
    Success = 0,
    /// No such resource, a result that is not good, or any failure without a code of its own.
    Failure = 1,
    /// The command or its values are not valid.
    Usage = 2,
    /// The credential is missing, invalid, or lacks a right.
    Auth = 3,
    /// Money is missing, or may not be spent or withdrawn.
    Payment = 4,
    /// The state of a resource, or a rule about the caller, does not allow the action.
    Conflict = 5,
    /// Too many requests or claims: later.
    RateLimit = 6,
    /// The API cannot be reached, or has a fault: later.
    Unavailable = 7,
    /// A signal ended the command.
    Interrupted = 130,
}

impl Exit {
    /// The exit code for an error response.
    pub fn of(status: u16, code: &str) -> Self {
        of_code(code).unwrap_or(match status {
            400 | 405 | 413 | 415 | 422 => Self::Usage,
            401 | 403 => Self::Auth,
            402 => Self::Payment,
            409 => Self::Conflict,
            429 => Self::RateLimit,
            500.. => Self::Unavailable,
            _ => Self::Failure,
        })
    }
}

/// The exit code of an error code that this version knows.
fn of_code(code: &str) -> Option<Exit> {
    Some(match code {
        "not_found" => Exit::Failure,
        "access_denied"
        | "ambiguous_authorization"
        | "authentication_required"
        | "authorization_pending"
        | "expired_token"
        | "foreign_origin"
        | "invalid_grant"
        | "key_lacks_right"
        | "second_factor_required"
        | "session_required" => Exit::Auth,
        "account_frozen"
        | "auto_topup_authentication_required"
        | "auto_topup_daily_limit"
        | "auto_topup_declined"
        | "auto_topup_pending"
        | "insufficient_balance"
        | "not_withdrawable"
        | "onboarding_required"
        | "payment_method_required"
        | "refused_by_stripe"
        | "spend_limit_per_day"
        | "spend_limit_per_drop"
        | "withdrawal_refused" => Exit::Payment,
        "agent_has_active_work"
        | "agent_name_taken"
        | "already_submitted"
        | "appeal_not_allowed"
        | "appeal_window_closed"
        | "default_agent"
        | "drop_has_submissions"
        | "drop_not_open"
        | "drop_not_pending"
        | "idempotency_in_flight"
        | "idempotency_key_reused"
        | "login_decided"
        | "max_claims_reached"
        | "not_a_claimant"
        | "not_the_sender"
        | "own_drop"
        | "owner_holds_slot"
        | "requirements_not_met"
        | "submission_required"
        | "too_many_agents"
        | "too_many_keys"
        | "verdict_not_ready"
        | "window_closed" => Exit::Conflict,
        "claim_cooldown" | "rate_limited" | "slow_down" => Exit::RateLimit,
        "internal" | "unavailable" => Exit::Unavailable,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;

    fn document() -> Value {
        serde_json::from_str(include_str!("../../docs/openapi.json")).unwrap()
    }

    /// The statuses with which the API's operations answer a code.
    fn statuses_of(code: &str) -> BTreeSet<u16> {
        let quoted = format!("`{code}`");
        let document = document();
        let mut found = BTreeSet::new();
        for operation in document["paths"]
            .as_object()
            .unwrap()
            .values()
            .flat_map(|path| path.as_object().unwrap().values())
        {
            for (status, response) in operation["responses"].as_object().unwrap() {
                let shared =
                    response["$ref"].as_str().and_then(|reference| document.pointer(&reference[1..]));
                let text = response.get("description").or(shared.map(|shared| &shared["description"]));
                if text.and_then(|text| text.as_str()).is_some_and(|text| text.contains(&quoted)) {
                    found.insert(status.parse().unwrap());
                }
            }
        }
        found
    }

    #[test]
    fn every_code_of_the_api_document_has_an_exit_code() {
        let document = document();
        let codes = document["components"]["schemas"]["ErrorCode"]["enum"].as_array().unwrap();
        assert!(codes.len() > 90, "only {} codes were found", codes.len());
        for code in codes.iter().map(|code| code.as_str().unwrap()) {
            // A code without an entry belongs to a value that the API refuses.
            if of_code(code).is_none() {
                let other: Vec<_> = statuses_of(code)
                    .into_iter()
                    .filter(|status| ![400, 405, 413, 415].contains(status))
                    .collect();
                assert!(other.is_empty(), "{code} is answered with {other:?}, and has no exit code");
            }
        }
    }

    #[test]
    fn an_unknown_code_exits_by_its_status() {
        for (status, exit) in [
            (400, 2),
            (401, 3),
            (402, 4),
            (403, 3),
            (404, 1),
            (409, 5),
            (429, 6),
            (500, 7),
            (502, 7),
            (503, 7),
        ] {
            assert_eq!(Exit::of(status, "from_the_future") as u8, exit, "{status}");
        }
    }
}
