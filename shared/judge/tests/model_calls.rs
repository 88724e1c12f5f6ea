//! Calls of a model over HTTP, answered by a stand-in.

#![expect(clippy::unwrap_used, reason = "helpers of tests are not marked as tests")]

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use clorp_clock::Clock;
use clorp_domain::Pack;
use clorp_judge::model::{
    Api, Auth, BatchResult, ConfigError, Key, Malformed, Model, ModelConfig, Order, Question, RawAnswer,
    Unanswered, orders, parse,
};
use clorp_model_stand_in::{Behaviour, ModelStandIn, Reader, Received};
use clorp_secrets::{Fields, Read, Secret, Secrets};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use tokio::time::Instant;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::util::SubscriberInitExt;

const KEY: &str = "sk-very-secret";

fn question(texts: &[&str]) -> Question {
    Question {
        pack: Pack::Wild,
        prompt: "Name a boat".to_owned(),
        constraints: Vec::new(),
        submissions: texts.iter().map(ToString::to_string).collect(),
    }
}

fn three() -> Question {
    question(&["Sea Biscuit, quality: 40", "Knot Working, quality: 90", "Pier Pressure, quality: 70"])
}

fn order() -> Order {
    orders(11, 3, 1).remove(0)
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(20)
}

fn chat(stand_in: &ModelStandIn) -> ModelConfig {
    let config = ModelConfig::new(&stand_in.chat_url(), Api::ChatCompletions, "small").unwrap();
    config.with_auth(Auth::Key(Key::new(KEY).unwrap()))
}

fn model(config: ModelConfig) -> Model {
    Model::new(config, None).unwrap()
}

/// Asks about three submissions after this script, with 20 seconds of time.
async fn ask(script: impl IntoIterator<Item = Behaviour>) -> (Result<RawAnswer, Unanswered>, ModelStandIn) {
    let stand_in = ModelStandIn::start().await.unwrap();
    stand_in.next(script);
    let answer = model(chat(&stand_in)).ask(&three(), &order(), soon()).await;
    (answer, stand_in)
}

fn judge() -> Behaviour {
    Behaviour::Judge(Reader::default())
}

#[tokio::test]
async fn both_wire_shapes_yield_the_same_reading() {
    let stand_in = ModelStandIn::start().await.unwrap();
    let key = Auth::Key(Key::new(KEY).unwrap());
    let messages = ModelConfig::new(&stand_in.messages_url(), Api::Messages, "small").unwrap().with_auth(key);
    for config in [chat(&stand_in), messages] {
        let answer = model(config).ask(&three(), &order(), soon()).await.unwrap();
        assert_eq!((answer.model.as_str(), answer.spent.calls, answer.order), ("small-stand-in", 1, 0));
        assert!(answer.spent.input_tokens > 500 && answer.spent.output_tokens > 50, "{answer:?}");
        let reading = parse(&order(), &answer).unwrap();
        assert_eq!(reading.order, [1, 2, 0]);
        let scores: Vec<u32> = reading.assessments.iter().map(|assessment| assessment.score).collect();
        assert_eq!(scores, [40, 90, 70]);
    }
    let [chat, messages] = &stand_in.received()[..] else { panic!() };
    assert_eq!(chat.headers["authorization"], format!("Bearer {KEY}"));
    assert_eq!((chat.path.as_str(), messages.path.as_str()), ("/v1/chat/completions", "/v1/messages"));
    assert_eq!(
        (&messages.headers["x-api-key"], &messages.headers["anthropic-version"]),
        (&KEY.parse().unwrap(), &"2023-06-01".parse().unwrap())
    );
    assert!(!messages.headers.contains_key("authorization"));
}

#[tokio::test]
async fn a_local_model_gets_no_key() {
    let stand_in = ModelStandIn::start().await.unwrap();
    model(chat(&stand_in).with_auth(Auth::None)).ask(&three(), &order(), soon()).await.unwrap();
    let headers = &stand_in.received()[0].headers;
    assert!(!headers.contains_key("authorization") && !headers.contains_key("x-api-key"));
}

/// A key that is `old` when it is first read, and `new` afterwards.
async fn rolled_key(old: &'static str, new: &'static str) -> Key {
    let keys = Mutex::new(vec![new, old]);
    let read: Box<Read> = Box::new(move || {
        let mut keys = keys.lock().unwrap();
        let key = if keys.len() > 1 { keys.pop().unwrap() } else { keys[0] };
        let fields = Fields::from([("KEY".to_owned(), Secret::new(key))]);
        Box::pin(std::future::ready(Ok(fields)))
    });
    let secrets = Secrets::read(read, Clock::system(), |_| None).await.unwrap();
    Key::new(secrets.credential("KEY").unwrap()).unwrap()
}

#[tokio::test]
async fn a_refused_key_is_replaced_by_the_one_to_which_it_was_rolled() {
    let stand_in = ModelStandIn::start().await.unwrap();
    let key = rolled_key("sk-very-old", "sk-very-new").await;
    stand_in.next([Behaviour::Status(401, None), judge()]);
    let answer = model(chat(&stand_in).with_auth(Auth::Key(key))).ask(&three(), &order(), soon()).await;
    assert_eq!(answer.unwrap().spent.calls, 2);
    let sent: Vec<_> = stand_in.received().iter().map(|call| call.headers["authorization"].clone()).collect();
    assert_eq!(sent, ["Bearer sk-very-old", "Bearer sk-very-new"]);
}

#[tokio::test]
async fn a_refused_key_without_a_successor_is_not_sent_again() {
    let stand_in = ModelStandIn::start().await.unwrap();
    let key = rolled_key("sk-very-old", "sk-very-old").await;
    stand_in.next([Behaviour::Status(401, None), judge()]);
    let answer = model(chat(&stand_in).with_auth(Auth::Key(key))).ask(&three(), &order(), soon()).await;
    assert!(matches!(answer, Err(Unanswered::Refused { status: 401, .. })), "{answer:?}");
    assert_eq!(stand_in.calls(), 1);
}

#[tokio::test]
async fn a_passing_fault_is_retried() {
    for fault in [
        Behaviour::Status(500, None),
        Behaviour::Status(503, None),
        Behaviour::Status(529, None),
        Behaviour::Status(408, None),
        Behaviour::Drop,
    ] {
        let (answer, stand_in) = ask([fault.clone(), judge()]).await;
        assert_eq!(answer.unwrap().spent.calls, 2, "{fault:?}");
        assert_eq!(stand_in.calls(), 2);
    }
}

#[tokio::test]
async fn an_overloaded_service_is_left_alone_for_as_long_as_it_asks() {
    let began = Instant::now();
    let (answer, _) = ask([Behaviour::Status(429, Some(2)), judge()]).await;
    let answer = answer.unwrap();
    assert!(began.elapsed() >= Duration::from_secs(2));
    assert!(answer.latency_millis >= 2000, "{answer:?}");
}

#[tokio::test]
async fn a_wait_beyond_the_deadline_is_not_begun() {
    let began = Instant::now();
    let (answer, stand_in) = ask([Behaviour::Status(429, Some(3600))]).await;
    let Err(Unanswered::Unavailable { cause, spent }) = answer else { panic!("{answer:?}") };
    assert!(cause.starts_with("status 429"), "{cause}");
    assert_eq!((spent.calls, stand_in.calls()), (1, 1));
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_service_that_stays_down_is_unavailable_after_four_calls() {
    let (answer, stand_in) = ask(vec![Behaviour::Status(500, None); 9]).await;
    let Err(Unanswered::Unavailable { spent, .. }) = answer else { panic!("{answer:?}") };
    assert_eq!((spent.calls, stand_in.calls()), (4, 4));
}

#[tokio::test]
async fn a_slow_call_ends_at_its_timeout_and_all_calls_at_the_deadline() {
    let stand_in = ModelStandIn::start().await.unwrap();
    let slow = Behaviour::Slow(Duration::from_secs(30), Reader::default());
    stand_in.next([slow.clone()]);
    let model = model(chat(&stand_in).with_timeout(Duration::from_millis(500)));
    let answer = model.ask(&three(), &order(), soon()).await.unwrap();
    assert_eq!(answer.spent.calls, 2);
    stand_in.otherwise(slow);
    let began = Instant::now();
    let answer = model.ask(&three(), &order(), began + Duration::from_millis(900)).await;
    let Err(Unanswered::Unavailable { cause, .. }) = answer else { panic!("{answer:?}") };
    assert_eq!(cause, "no response in time");
    assert!(began.elapsed() < Duration::from_secs(2));
    let calls = stand_in.calls();
    assert!(model.ask(&three(), &order(), Instant::now()).await.is_err());
    assert_eq!(stand_in.calls(), calls, "no call without time");
}

#[tokio::test]
async fn a_malformed_answer_gets_one_more_try_that_names_the_fault() {
    for (flaw, reason) in [
        (Behaviour::Empty, Malformed::NoAnswer),
        (Behaviour::Refusal, Malformed::Refusal),
        (Behaviour::Truncated, Malformed::Truncated),
        (Behaviour::Text("Well, {".to_owned()), Malformed::NotJson),
        (Behaviour::Text("{}".to_owned()), Malformed::WrongShape),
        (Behaviour::MissingLabel, Malformed::MissingLabel),
        (Behaviour::RepeatedLabel, Malformed::RepeatedLabel),
        (Behaviour::InventedLabel, Malformed::InventedLabel),
        (Behaviour::ScoreOutOfRange, Malformed::ScoreOutOfRange),
    ] {
        let (answer, stand_in) = ask([flaw.clone(), judge()]).await;
        let answer = answer.unwrap();
        let [first, second] = &stand_in.received()[..] else { panic!("{flaw:?}") };
        assert_eq!(first.submissions(), second.submissions());
        assert!(
            second.outside().contains(&reason.to_string()) && !first.outside().contains(&reason.to_string())
        );
        assert_eq!(answer.spent.calls, 2);
        let (answer, stand_in) = ask([flaw.clone(), flaw, judge()]).await;
        let Err(Unanswered::Malformed { reason: got, spent }) = answer else { panic!("{answer:?}") };
        assert_eq!((got, spent.calls, stand_in.calls()), (reason, 2, 2));
        assert!(spent.input_tokens > 1000, "both answers are paid: {spent:?}");
    }
}

#[tokio::test]
async fn a_refused_request_is_not_repeated() {
    for status in [400, 401, 403, 404, 422] {
        let (answer, stand_in) = ask([Behaviour::Status(status, None)]).await;
        let Err(Unanswered::Refused { status: got, excerpt, spent }) = answer else { panic!("{answer:?}") };
        assert_eq!((got, spent.calls, stand_in.calls()), (status, 1, 1));
        assert!(excerpt.contains("the script says so"), "{excerpt}");
    }
}

#[tokio::test]
async fn an_unreachable_service_is_unavailable() {
    let config = ModelConfig::new("http://127.0.0.1:1/v1", Api::ChatCompletions, "m").unwrap();
    let answer = model(config).ask(&three(), &order(), Instant::now() + Duration::from_secs(1)).await;
    assert!(matches!(answer, Err(Unanswered::Unavailable { .. })), "{answer:?}");
}

/// A log in memory.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_key_is_in_no_error_and_no_log() {
    let log = Log::default();
    let (subscriber, writer) = (tracing_subscriber::fmt().with_max_level(LevelFilter::TRACE), log.clone());
    let subscriber = subscriber.with_writer(move || writer.clone());
    let (refused, unavailable) = {
        let _guard = subscriber.finish().set_default();
        let (refused, _) = ask([Behaviour::Status(500, None), Behaviour::WrongKey]).await;
        let (unavailable, _) = ask([Behaviour::Status(429, Some(3600))]).await;
        (refused.unwrap_err(), unavailable.unwrap_err())
    };
    let Unanswered::Refused { excerpt, .. } = &refused else { panic!("{refused:?}") };
    assert!(excerpt.contains("Bearer …"), "{excerpt}");
    let stand_in = ModelStandIn::start().await.unwrap();
    let model = format!("{:?}", model(chat(&stand_in)));
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("a call of the model failed"), "{log}");
    let errors = format!("{refused} {refused:?} {unavailable} {unavailable:?}");
    for (name, text) in [("log", log), ("errors", errors), ("model", model)] {
        assert!(!text.contains(KEY), "{name}");
    }
}

#[tokio::test]
async fn a_signed_request_carries_a_signature_that_aws_would_accept() {
    let stand_in = ModelStandIn::start().await.unwrap();
    let config = chat(&stand_in).with_auth(Auth::Aws { region: "eu-west-1".to_owned() });
    assert_eq!(Model::new(config.clone(), None).unwrap_err(), ConfigError::NoCredentials);
    let credentials = Credentials::new("AKID", "hidden-42", Some("session".to_owned()), None, "test");
    let model = Model::new(config, Some(SharedCredentialsProvider::new(credentials))).unwrap();
    model.ask(&three(), &order(), soon()).await.unwrap();
    let received = stand_in.received().remove(0);
    assert_eq!(received.headers["x-amz-security-token"], "session");
    let authorization = received.headers["authorization"].to_str().unwrap();
    let scope = format!("{}/eu-west-1/bedrock/aws4_request", &header(&received, "x-amz-date")[..8]);
    assert!(
        authorization.starts_with(&format!("AWS4-HMAC-SHA256 Credential=AKID/{scope}, ")),
        "{authorization}"
    );
    let part = |name: &str| authorization.split(name).nth(1).unwrap().split(',').next().unwrap();
    let signed = part("SignedHeaders=");
    assert_eq!(signed, "content-type;host;x-amz-date;x-amz-security-token");
    assert_eq!(part("Signature="), signature(&received, signed, &scope, "hidden-42"));
    assert!(!format!("{model:?}").contains("hidden-42"), "{model:?}");
}

fn header(received: &Received, name: &str) -> String {
    received.headers[name].to_str().unwrap().to_owned()
}

/// The signature of a request, as the documentation of version 4 describes it.
fn signature(received: &Received, signed: &str, scope: &str, secret: &str) -> String {
    let headers = signed.split(';').map(|name| format!("{name}:{}\n", header(received, name)));
    let canonical = format!(
        "POST\n{}\n\n{}\n{signed}\n{}",
        received.path,
        headers.collect::<String>(),
        hex(&Sha256::digest(&received.bytes)),
    );
    let date = header(received, "x-amz-date");
    let text = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", hex(&Sha256::digest(canonical)));
    let key = scope.split('/').fold(format!("AWS4{secret}").into_bytes(), |key, part| hmac(&key, part));
    hex(&hmac(&key, &text))
}

fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn a_batch_line_asks_what_a_call_asks() {
    let stand_in = ModelStandIn::start().await.unwrap();
    let config = chat(&stand_in);
    let answer = model(config.clone()).ask(&three(), &order(), soon()).await.unwrap();
    let line: serde_json::Value = serde_json::from_str(&config.batch_line("a", &three(), &order())).unwrap();
    assert_eq!(line["body"], stand_in.received()[0].body);
    assert_eq!(line["url"], "/v1/chat/completions");
    let body = serde_json::json!({
        "model": answer.model,
        "choices": [{ "message": { "content": answer.body }, "finish_reason": "stop" }],
        "usage": { "prompt_tokens": answer.spent.input_tokens, "completion_tokens": answer.spent.output_tokens },
    });
    let result = serde_json::json!({ "custom_id": "a", "response": { "status_code": 200, "body": body } });
    let result = BatchResult::read(&result.to_string()).unwrap();
    let batched = config.batch_answer(&order(), &result).unwrap();
    assert_eq!(batched, RawAnswer { latency_millis: 0, ..answer });
}
