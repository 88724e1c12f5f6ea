//! Failures: one sentence about what went wrong, and what to do about it.

use serde_json::{Value, json};

use crate::clean::one_line;
use crate::exit::Exit;

/// The result of a step of a command.
pub type Result<T> = std::result::Result<T, Failure>;

/// The end of a command before it has done everything.
#[derive(Debug)]
pub struct Failure {
    message: String,
    hint: Option<String>,
    exit: Exit,
    answer: Option<Box<ErrorAnswer>>,
}

/// An error response.
#[derive(Clone, Debug, Default)]
pub struct ErrorAnswer {
    /// HTTP status.
    pub status: u16,
    /// The API's word for the error; empty if the response does not come from the API.
    pub code: String,
    /// Seconds in `Retry-After`.
    pub retry_after: Option<u64>,
    /// The body, if it is a JSON object.
    pub body: Value,
}

impl Failure {
    /// A failure with a message for people.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, exit, answer: None }
    }

    /// A command or a value that cannot be used.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// A failure of this machine: a file, a program, the network.
    pub fn local(what: impl AsRef<str>, error: &dyn std::error::Error) -> Self {
        Self::new(Exit::Failure, format!("{}: {}", what.as_ref(), chain(error)))
    }

    /// The end of a command that has said everything that it had to say.
    pub fn silent(exit: Exit) -> Self {
        Self::new(exit, "")
    }

    /// A failure by an error response.
    pub fn answer(answer: ErrorAnswer) -> Self {
        let said = answer.body["error"].as_str().map(one_line).filter(|text| !text.is_empty());
        let message =
            said.unwrap_or_else(|| format!("the server answered {} without a reason", answer.status));
        let hint =
            if answer.body.is_object() || answer.status >= 500 { hint(&answer) } else { Some(elsewhere()) };
        let exit = Exit::of(answer.status, &answer.code);
        Self { message, hint, exit, answer: Some(Box::new(answer)) }
    }

    /// The same failure with advice.
    pub fn with_hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// The exit code.
    pub fn exit(&self) -> Exit {
        self.exit
    }

    /// The API's code; empty for other failures.
    pub fn code(&self) -> &str {
        self.answer.as_ref().map_or("", |answer| answer.code.as_str())
    }

    /// The HTTP status; 0 without a response.
    pub fn status(&self) -> u16 {
        self.answer.as_ref().map_or(0, |answer| answer.status)
    }

    /// Seconds after which the API takes the request again.
    pub fn retry_after(&self) -> Option<u64> {
        self.answer.as_ref().and_then(|answer| answer.retry_after)
    }

    /// True if there is nothing to print.
    pub fn is_silent(&self) -> bool {
        self.message.is_empty()
    }

    /// The sentence for people: message, then advice. Advice of the API that names a path is for programs,
    /// and gives way to the command that does it.
    pub fn sentence(&self) -> String {
        let message = self.message.trim_end_matches('.');
        let Some(hint) = &self.hint else { return message.to_owned() };
        let message = match message.split_once(": ") {
            Some((what, advice)) if advice.contains(" /api/") => what,
            _ => message,
        };
        format!("{message}; {hint}")
    }

    /// The object for programs: the API's error body if there is one, with the exit code and the advice.
    pub fn json(&self) -> Value {
        let mut body = match &self.answer {
            Some(answer) if answer.body.is_object() => answer.body.clone(),
            Some(answer) => json!({ "error": self.message, "status": answer.status }),
            None => json!({ "error": self.message }),
        };
        body["exit_code"] = json!(self.exit as u8);
        if let Some(hint) = &self.hint {
            body["hint"] = json!(hint);
        }
        if let Some(seconds) = self.retry_after() {
            body["retry_after_seconds"] = json!(seconds);
        }
        body
    }
}

/// An error with its causes.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

fn elsewhere() -> String {
    "is CLORP_API_URL the address of the API?".to_owned()
}

/// Advice for a person about an error of the API.
fn hint(answer: &ErrorAnswer) -> Option<String> {
    let later = || match answer.retry_after {
        Some(seconds) => format!("try again in {seconds} s"),
        None => "try again in a moment".to_owned(),
    };
    let text = match answer.code.as_str() {
        "authentication_required" | "expired_token" | "invalid_grant" | "access_denied" => {
            "run `clorp login`"
        }
        "key_lacks_right" => {
            let right = answer.body["right"].as_str().map(one_line).unwrap_or_default();
            return Some(format!("run `clorp login --right {right}`, or use a key with that right"));
        }
        "session_required" | "second_factor_required" => "do this on the web page",
        "insufficient_balance" => match answer.body["id"].as_str() {
            Some(id) => {
                let id = one_line(id);
                return Some(format!("run `clorp wallet topup <cents>`, and then `clorp pay {id}`"));
            }
            None => "run `clorp wallet topup <cents>`",
        },
        "onboarding_required" => "run `clorp wallet connect`",
        "not_withdrawable" => "`clorp balance` shows what can be withdrawn, and when",
        "payment_method_required" => "save a card on the web page first",
        "verdict_not_ready" => "run `clorp wait` first",
        "output_too_long" => "attach it as a file with `--attach`",
        "idempotency_key_reused" => "use another `--idempotency-key` for another request",
        "claim_cooldown" | "rate_limited" | "unavailable" | "internal" => return Some(later()),
        _ if answer.status >= 500 => return Some(later()),
        _ => return None,
    };
    Some(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: Value) -> Failure {
        let code = body["code"].as_str().unwrap_or_default().to_owned();
        Failure::answer(ErrorAnswer { status, code, retry_after: Some(7), body })
    }

    #[test]
    fn an_error_is_one_sentence_with_advice() {
        let body = json!({ "error": "Insufficient balance", "code": "insufficient_balance", "id": "01A" });
        let failure = answer(402, body);
        assert_eq!(
            failure.sentence(),
            "Insufficient balance; run `clorp wallet topup <cents>`, and then `clorp pay 01A`"
        );
        assert_eq!(failure.exit(), Exit::Payment);
        let failure = answer(503, json!({ "error": "Unavailable.", "code": "unavailable" }));
        assert_eq!(failure.sentence(), "Unavailable; try again in 7 s");
        let error = "A withdrawal requires a bank account: add one with POST /api/stripe/connect";
        let failure = answer(409, json!({ "error": error, "code": "onboarding_required" }));
        assert_eq!(failure.sentence(), "A withdrawal requires a bank account; run `clorp wallet connect`");
    }

    #[test]
    fn an_error_for_programs_is_the_apis_with_the_exit_code() {
        let json =
            answer(409, json!({ "error": "Full", "code": "max_claims_reached", "request_id": "r" })).json();
        assert_eq!(
            (&json["code"], &json["request_id"], &json["exit_code"]),
            (&json!("max_claims_reached"), &json!("r"), &json!(5))
        );
        let json = answer(502, Value::Null).json();
        assert_eq!((&json["status"], &json["exit_code"]), (&json!(502), &json!(7)));
    }

    #[test]
    fn a_hostile_message_cannot_control_the_terminal() {
        let failure =
            answer(404, json!({ "error": "\u{1b}[2Jgone\nand a \u{202e}line", "code": "not_found" }));
        assert_eq!(failure.sentence(), "gone and a line");
    }
}
