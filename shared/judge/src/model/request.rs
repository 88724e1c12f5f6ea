//! Bodies of requests, and estimates of their cost.

use serde_json::{Value, json};

use super::Question;
use super::answer::Malformed;
use super::config::{Api, ModelConfig};
use super::cost::Tokens;
use super::orders::Order;
use super::prompt::{Prompt, ReadLength, prompt, read_lengths};
use super::schema::schema;

/// Bytes for one token in an estimate. Prose has four or more in Latin script and three for each character of
/// others.
const BYTES_PER_TOKEN: u64 = 3;

/// Tokens that a service adds to a request.
const OVERHEAD_TOKENS: u64 = 200;

impl ModelConfig {
    /// Path of the calls, such as `/v1/chat/completions`.
    pub fn path(&self) -> &str {
        self.url.path()
    }

    /// Body of the request that asks `question` in `order`.
    pub fn request_body(&self, question: &Question, order: &Order) -> Value {
        self.body(question, order, None)
    }

    /// A line of a batch file in OpenAI's format. `custom_id` names the line in the results.
    pub fn batch_line(&self, custom_id: &str, question: &Question, order: &Order) -> String {
        let body = self.request_body(question, order);
        json!({ "custom_id": custom_id, "method": "POST", "url": self.path(), "body": body }).to_string()
    }

    /// Body of a request. `earlier` is the reason for which an earlier answer could not be used.
    pub(super) fn body(&self, question: &Question, order: &Order, earlier: Option<Malformed>) -> Value {
        let Prompt { rules, mut content } = prompt(question, order, self.max_chars);
        if let Some(reason) = earlier {
            // The earlier answer itself is not repeated: a worker's text may have caused it.
            content.push_str(&format!("\n\nAn earlier answer could not be used, because {reason}."));
        }
        let (model, limit, schema) = (&self.model, self.max_output_tokens, schema(order));
        // No temperature is set: newer models of both services reject one, and zero would not make an answer
        // repeatable.
        match self.api {
            Api::ChatCompletions => json!({
                "model": model,
                "max_completion_tokens": limit,
                "messages": [
                    { "role": "system", "content": rules },
                    { "role": "user", "content": content },
                ],
                "response_format": {
                    "type": "json_schema",
                    "json_schema": { "name": "judgement", "strict": true, "schema": schema },
                },
            }),
            Api::Messages => json!({
                "model": model,
                "max_tokens": limit,
                "system": rules,
                "messages": [{ "role": "user", "content": content }],
                "output_config": { "format": { "type": "json_schema", "schema": schema } },
            }),
        }
    }

    /// Estimates the tokens of one call for each of these orders, from above: prose takes fewer input tokens,
    /// and no answer can take more output tokens. A retry after an unusable answer costs as much again.
    pub fn estimate(&self, question: &Question, orders: &[Order]) -> Tokens {
        let input = |order: &Order| {
            let bytes = self.request_body(question, order).to_string().len();
            (bytes as u64) / BYTES_PER_TOKEN + OVERHEAD_TOKENS
        };
        Tokens {
            input: orders.iter().map(input).sum(),
            output: u64::from(self.max_output_tokens).saturating_mul(orders.len() as u64),
        }
    }

    /// Number of characters of each submission that the model reads, by index of the submission.
    pub fn read_lengths(&self, question: &Question) -> Vec<ReadLength> {
        read_lengths(question, self.max_chars)
    }
}

#[cfg(test)]
mod tests {
    use clorp_domain::Pack;

    use super::*;
    use crate::model::orders;

    fn question() -> Question {
        Question {
            pack: Pack::Cook,
            prompt: "A soup".to_owned(),
            constraints: Vec::new(),
            submissions: vec!["Leek soup".to_owned(), "Pea soup ".repeat(1000)],
        }
    }

    #[test]
    fn both_wire_shapes_carry_rules_content_and_schema() {
        let (question, order) = (question(), &orders(1, 2, 1)[0]);
        let chat = ModelConfig::new("https://a.example/v1", Api::ChatCompletions, "m").unwrap();
        let body = chat.request_body(&question, order);
        assert_eq!(chat.path(), "/v1/chat/completions");
        assert_eq!(body["messages"][0]["role"], "system");
        assert!(body["messages"][1]["content"].as_str().unwrap().contains("Leek soup"));
        assert_eq!(body["response_format"]["json_schema"]["strict"], true);
        assert_eq!(body["response_format"]["json_schema"]["schema"], schema(order));
        let messages = ModelConfig::new("https://a.example", Api::Messages, "m").unwrap();
        let body = messages.request_body(&question, order);
        assert_eq!(messages.path(), "/v1/messages");
        assert!(body["system"].as_str().unwrap().contains(order.nonce()));
        assert_eq!(body["output_config"]["format"]["schema"], schema(order));
        assert_eq!(body["max_tokens"], 4000);
    }

    #[test]
    fn a_retry_names_the_reason_and_changes_nothing_else() {
        let (question, order) = (question(), &orders(1, 2, 1)[0]);
        let config = ModelConfig::new("https://a.example/v1", Api::ChatCompletions, "m").unwrap();
        let content = |body: Value| body["messages"][1]["content"].as_str().unwrap().to_owned();
        let first = content(config.body(&question, order, None));
        let second = content(config.body(&question, order, Some(Malformed::MissingLabel)));
        let added = second.strip_prefix(&first).unwrap();
        assert!(added.contains("it left out a submission"), "{added}");
    }

    #[test]
    fn an_estimate_grows_with_texts_and_orders() {
        let question = question();
        let config = ModelConfig::new("https://a.example/v1", Api::ChatCompletions, "m").unwrap();
        let one = config.estimate(&question, &orders(1, 2, 1));
        let three = config.estimate(&question, &orders(1, 2, 3));
        assert!((4_000..7_000).contains(&one.input), "{one:?}");
        assert_eq!((three.output, three.input / 100), (12_000, 3 * one.input / 100));
        let short = config.with_max_chars(900);
        assert!(short.estimate(&question, &orders(1, 2, 1)).input < one.input - 2_500);
        let lengths: Vec<usize> = short.read_lengths(&question).iter().map(|length| length.read).collect();
        assert_eq!(lengths, [9, 900]);
    }

    #[test]
    fn a_batch_line_is_a_request_on_one_line() {
        let (question, order) = (question(), &orders(1, 2, 1)[0]);
        let config = ModelConfig::new("https://a.example/v1", Api::ChatCompletions, "m").unwrap();
        let line = config.batch_line("drop-1/0", &question, order);
        assert!(!line.contains('\n'));
        let line: Value = serde_json::from_str(&line).unwrap();
        assert_eq!((&line["custom_id"], &line["url"]), (&json!("drop-1/0"), &json!("/v1/chat/completions")));
        assert_eq!(line["body"], config.request_body(&question, order));
    }
}
