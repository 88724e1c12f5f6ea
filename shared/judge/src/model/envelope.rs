//! Responses of the services, out of which the model's answer is taken.

use std::fmt;

use serde::Deserialize;
use serde_json::Value;

use super::answer::{Malformed, RawAnswer, Spent};
use super::config::{Api, ModelConfig};
use super::orders::Order;

/// The contents of a response.
pub(super) struct Envelope {
    /// Calls and tokens that it cost.
    pub(super) spent: Spent,
    /// Name of the model, and the text that it wrote.
    pub(super) answer: Result<(String, String), Malformed>,
}

impl Envelope {
    /// Opens the body of a response of this API.
    pub(super) fn open(api: Api, body: &[u8]) -> Self {
        match api {
            Api::ChatCompletions => open(body, Completion::answer, |it: &Completion| &it.usage),
            Api::Messages => open(body, Message::answer, |it: &Message| &it.usage),
        }
    }
}

fn open<T: for<'de> Deserialize<'de>>(
    body: &[u8],
    answer: fn(T) -> Result<(String, String), Malformed>,
    usage: fn(&T) -> &Usage,
) -> Envelope {
    let Ok(response) = serde_json::from_slice::<T>(body) else {
        let spent = Spent { calls: 1, ..Spent::default() };
        return Envelope { spent, answer: Err(Malformed::NoAnswer) };
    };
    Envelope { spent: usage(&response).spent(), answer: answer(response) }
}

/// A response of OpenAI's chat completions.
#[derive(Deserialize)]
struct Completion {
    #[serde(default)]
    model: String,
    choices: Vec<Choice>,
    #[serde(default)]
    usage: Usage,
}

#[derive(Deserialize)]
struct Choice {
    message: ChoiceMessage,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct ChoiceMessage {
    content: Option<String>,
    refusal: Option<String>,
}

impl Completion {
    fn answer(self) -> Result<(String, String), Malformed> {
        let choice = self.choices.into_iter().next().ok_or(Malformed::NoAnswer)?;
        let refused = choice.message.refusal.is_some_and(|text| !text.is_empty());
        match choice.finish_reason.as_deref() {
            _ if refused => Err(Malformed::Refusal),
            Some("content_filter") => Err(Malformed::Refusal),
            Some("length") => Err(Malformed::Truncated),
            _ => text(choice.message.content).map(|text| (self.model, text)),
        }
    }
}

/// A response of Anthropic's Messages.
#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    model: String,
    content: Vec<Block>,
    stop_reason: Option<String>,
    #[serde(default)]
    usage: Usage,
}

/// A part of the answer. Parts other than text, such as the model's reasoning, have no `text`.
#[derive(Deserialize)]
struct Block {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    text: String,
}

impl Message {
    fn answer(self) -> Result<(String, String), Malformed> {
        match self.stop_reason.as_deref() {
            Some("refusal") => Err(Malformed::Refusal),
            Some("max_tokens" | "model_context_window_exceeded") => Err(Malformed::Truncated),
            _ => {
                let texts = self.content.into_iter().filter(|block| block.kind == "text");
                text(Some(texts.map(|block| block.text).collect())).map(|text| (self.model, text))
            }
        }
    }
}

fn text(content: Option<String>) -> Result<String, Malformed> {
    content.filter(|text| !text.trim().is_empty()).ok_or(Malformed::NoAnswer)
}

/// Tokens of a response, by the names of both services.
#[derive(Default, Deserialize)]
struct Usage {
    #[serde(default, alias = "prompt_tokens")]
    input_tokens: u64,
    #[serde(default, alias = "completion_tokens")]
    output_tokens: u64,
    // Anthropic counts these apart from the others, and OpenAI within them.
    #[serde(default)]
    cache_creation_input_tokens: Option<u64>,
    #[serde(default)]
    cache_read_input_tokens: Option<u64>,
}

impl Usage {
    fn spent(&self) -> Spent {
        let cached = [self.cache_creation_input_tokens, self.cache_read_input_tokens];
        let input_tokens = cached.into_iter().flatten().fold(self.input_tokens, u64::saturating_add);
        Spent { input_tokens, output_tokens: self.output_tokens, calls: 1 }
    }
}

/// A line of a batch's results in OpenAI's format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchResult {
    /// Name of the line, as the request gave it.
    pub custom_id: String,
    status: u16,
    body: String,
}

/// The error for a line that is not a batch's result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotABatchResult;

impl fmt::Display for NotABatchResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a line of a batch's results")
    }
}

impl std::error::Error for NotABatchResult {}

#[derive(Deserialize)]
struct BatchLine {
    custom_id: String,
    response: Option<BatchResponse>,
}

#[derive(Deserialize)]
struct BatchResponse {
    status_code: u16,
    body: Value,
}

impl BatchResult {
    /// Reads a line. A request that expired or failed has no response and counts as unanswered.
    ///
    /// # Errors
    /// [`NotABatchResult`] for a line of another format.
    pub fn read(line: &str) -> Result<Self, NotABatchResult> {
        let BatchLine { custom_id, response } = serde_json::from_str(line).map_err(|_| NotABatchResult)?;
        let response = response.unwrap_or(BatchResponse { status_code: 0, body: Value::Null });
        Ok(Self { custom_id, status: response.status_code, body: response.body.to_string() })
    }
}

impl ModelConfig {
    /// Takes the answer to the request in `order` out of a batch's result.
    ///
    /// # Errors
    /// [`Malformed`] for a result without an answer. The answer itself is left to [`parse`](super::parse).
    pub fn batch_answer(&self, order: &Order, result: &BatchResult) -> Result<RawAnswer, Malformed> {
        if result.status != 200 {
            return Err(Malformed::NoAnswer);
        }
        let Envelope { spent, answer } = Envelope::open(self.api, result.body.as_bytes());
        let (model, body) = answer?;
        Ok(RawAnswer { order: order.index(), body, model, spent, latency_millis: 0 })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::orders;

    fn opened(api: Api, body: &Value) -> (Spent, Result<String, Malformed>) {
        let Envelope { spent, answer } = Envelope::open(api, body.to_string().as_bytes());
        (spent, answer.map(|(model, text)| format!("{model}: {text}")))
    }

    #[test]
    fn a_completion_is_opened() {
        let completion = |message: Value, finish: &str| {
            json!({ "model": "m-1", "choices": [{ "message": message, "finish_reason": finish }],
                "usage": { "prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10 } })
        };
        let text = json!({ "role": "assistant", "content": "{}", "refusal": null });
        let spent = Spent { input_tokens: 7, output_tokens: 3, calls: 1 };
        for (message, finish, expected) in [
            (text.clone(), "stop", Ok("m-1: {}".to_owned())),
            (text.clone(), "length", Err(Malformed::Truncated)),
            (text, "content_filter", Err(Malformed::Refusal)),
            (json!({ "content": null, "refusal": "no" }), "stop", Err(Malformed::Refusal)),
            (json!({ "content": " " }), "stop", Err(Malformed::NoAnswer)),
        ] {
            let got = opened(Api::ChatCompletions, &completion(message, finish));
            assert_eq!(got, (spent, expected), "{finish}");
        }
        let (spent, answer) = opened(Api::ChatCompletions, &json!({ "error": {} }));
        assert_eq!((spent.calls, spent.input_tokens, answer), (1, 0, Err(Malformed::NoAnswer)));
    }

    #[test]
    fn a_message_is_opened() {
        let message = |stop: &str| {
            json!({ "model": "c-1", "stop_reason": stop,
                "content": [{ "type": "thinking", "thinking": "…" }, { "type": "text", "text": "{}" }],
                "usage": { "input_tokens": 5, "output_tokens": 2, "cache_read_input_tokens": 4 } })
        };
        let spent = Spent { input_tokens: 9, output_tokens: 2, calls: 1 };
        for (stop, expected) in [
            ("end_turn", Ok("c-1: {}".to_owned())),
            ("max_tokens", Err(Malformed::Truncated)),
            ("refusal", Err(Malformed::Refusal)),
        ] {
            assert_eq!(opened(Api::Messages, &message(stop)), (spent, expected), "{stop}");
        }
    }

    #[test]
    fn a_line_of_a_batch_yields_its_answer() {
        let config = ModelConfig::new("https://a.example/v1", Api::ChatCompletions, "m").unwrap();
        let order = &orders(1, 2, 3)[2];
        let body = json!({ "model": "m-1", "choices": [{ "message": { "content": "{}" } }] });
        let line = |status: u16| {
            json!({ "custom_id": "a/2", "response": { "status_code": status, "body": body } }).to_string()
        };
        let result = BatchResult::read(&line(200)).unwrap();
        assert_eq!(result.custom_id, "a/2");
        let answer = config.batch_answer(order, &result).unwrap();
        assert_eq!((answer.order, answer.body.as_str(), answer.model.as_str()), (2, "{}", "m-1"));
        for line in [line(500), json!({ "custom_id": "a/2", "response": null, "error": {} }).to_string()] {
            let result = BatchResult::read(&line).unwrap();
            assert_eq!(config.batch_answer(order, &result), Err(Malformed::NoAnswer));
        }
        assert_eq!(BatchResult::read("{}"), Err(NotABatchResult));
    }
}
