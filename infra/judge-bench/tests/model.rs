//! The command with a language model, end to end: no order is paid for twice, by calls or by batches.

#![expect(clippy::unwrap_used, reason = "helpers of tests are not marked as tests")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Output;

use clorp_model_stand_in::{Behaviour, ModelStandIn, Reader, read};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;

/// A set of races, with a folder for files.
struct Fixture {
    folder: TempDir,
    model: ModelStandIn,
}

impl Fixture {
    /// Three races. In the last, a model that prefers what it reads first does not agree with itself.
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let race = |id: &str, qualities: [u32; 3]| {
            let submissions = ["a", "b", "c"].iter().zip(qualities).map(|(name, quality)| {
                json!({ "id": name, "text": format!("A joke about boats called {name}, quality: {quality}") })
            });
            json!({
                "id": id, "pack": "roast", "prompt": "Roast my boat", "winner": "b", "order": ["b", "a", "c"],
                "submissions": submissions.collect::<Vec<_>>(),
            })
        };
        let races = [race("r1", [40, 90, 20]), race("r2", [50, 90, 10]), race("r3", [60, 65, 55])];
        let lines: String = races.iter().map(|race| format!("{race}\n")).collect();
        std::fs::write(folder.path().join("set.jsonl"), lines).unwrap();
        Self { folder, model: ModelStandIn::start().await.unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    async fn run(&self, options: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_clorp-judge-bench"));
        command.args(["--judge", "model", "--json", "--concurrency", "1", "--set"]);
        command.arg(self.path("set.jsonl")).arg("--answers").arg(self.path("answers.jsonl")).args(options);
        command.env("CLORP_JUDGE_MODEL_URL", self.model.chat_url()).env("CLORP_JUDGE_MODEL", "m");
        command.env("CLORP_JUDGE_MODEL_AUTH", "none").output().await.unwrap()
    }

    async fn figures(&self, options: &[&str]) -> Value {
        let output = self.run(options).await;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

fn biased() -> Reader {
    Reader { first_bonus: 20, ..Reader::default() }
}

fn lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The figures that do not depend on the way in which the answers came.
fn assert_decided(figures: &Value) {
    assert_eq!(
        (&figures["races"], &figures["top1"], &figures["undecided"]),
        (&json!(3), &json!(3), &json!(0))
    );
    // Three readings decide each of the first races, and seven the last.
    assert_eq!((&figures["order_swaps"], &figures["calls"]), (&json!(13), &json!(13)));
    assert_eq!(figures["confidence"]["high"], json!({ "races": 2, "right": 2 }));
    assert!(figures["tokens"].as_u64().unwrap() > 1000, "{figures}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_run_continues_without_asking_an_order_twice() {
    let fixture = Fixture::start().await;
    fixture.model.otherwise(Behaviour::Judge(biased()));
    fixture.model.next(vec![Behaviour::Judge(biased()); 5]);
    fixture.model.next([Behaviour::Status(401, None)]);
    let output = fixture.run(&[]).await;
    let fault = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && fault.contains("401") && fault.contains("answers.jsonl"), "{fault}");
    assert_eq!(fixture.model.calls(), 6);
    assert_eq!(lines(&fixture.path("answers.jsonl")).len(), 5);
    // A crash in the middle of a line loses that line alone.
    let kept = std::fs::read(fixture.path("answers.jsonl")).unwrap();
    std::fs::write(fixture.path("answers.jsonl"), [&kept[..], b"{\"custom_id\""].concat()).unwrap();
    assert_decided(&fixture.figures(&[]).await);
    let received = fixture.model.received();
    let bodies: BTreeSet<_> = received.iter().map(|request| request.bytes.clone()).collect();
    // The refused call is the only one that is repeated.
    assert_eq!((received.len(), bodies.len()), (14, 13));
    assert_decided(&fixture.figures(&[]).await);
    assert_eq!(fixture.model.calls(), 14, "a finished run is scored without a call");
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_ask_for_every_order_once_and_make_no_call() {
    let fixture = Fixture::start().await;
    let (out, results) = (fixture.path("out.jsonl"), fixture.path("results.jsonl"));
    let (out_option, in_option) = (out.to_str().unwrap(), results.to_str().unwrap());
    let mut asked = Vec::new();
    for (round, expected) in [(1, 9), (2, 4), (3, 0)] {
        assert!(fixture.run(&["--batch-out", out_option]).await.status.success());
        let calls = lines(&out);
        assert_eq!(calls.len(), expected, "round {round}");
        let answered = calls.iter().map(|call| {
            assert_eq!((&call["method"], &call["url"]), (&json!("POST"), &json!("/v1/chat/completions")));
            let text = read(&call["body"], biased()).unwrap();
            let message = json!({ "role": "assistant", "content": text });
            let body = json!({
                "model": "m-batch", "usage": { "prompt_tokens": 900, "completion_tokens": 100 },
                "choices": [{ "index": 0, "message": message, "finish_reason": "stop" }],
            });
            json!({ "custom_id": call["custom_id"], "response": { "status_code": 200, "body": body } })
        });
        let lines: String = answered.map(|line| format!("{line}\n")).collect();
        std::fs::write(&results, lines).unwrap();
        asked.extend(calls.iter().map(|call| call["custom_id"].as_str().unwrap().to_owned()));
        let figures = fixture.figures(&["--batch-in", in_option]).await;
        match round {
            1 => assert_eq!((&figures["races"], &figures["undecided_races"]), (&json!(2), &json!(["r3"]))),
            _ => assert_decided(&figures),
        }
    }
    assert_eq!(asked.iter().collect::<BTreeSet<_>>().len(), asked.len(), "{asked:?}");
    assert!(
        asked.contains(&"r1/first/0".to_owned()) && asked.contains(&"r3/first/6".to_owned()),
        "{asked:?}"
    );
    assert_eq!(fixture.model.calls(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_without_an_answer_is_asked_for_again() {
    let fixture = Fixture::start().await;
    let (out, results) = (fixture.path("out.jsonl"), fixture.path("results.jsonl"));
    let expired = json!({ "custom_id": "r1/first/0", "response": null });
    let unknown = json!({ "custom_id": "r9/first/0", "response": null });
    std::fs::write(&results, format!("{expired}\n{unknown}\n")).unwrap();
    let options = ["--batch-in", results.to_str().unwrap(), "--batch-out", out.to_str().unwrap()];
    let output = fixture.run(&options).await;
    assert!(String::from_utf8_lossy(&output.stderr).contains("0 results kept"), "{output:?}");
    assert_eq!(lines(&out).len(), 9);
}

#[tokio::test(flavor = "multi_thread")]
async fn injected_races_are_judged_as_well_and_compared() {
    let fixture = Fixture::start().await;
    let figures = fixture.figures(&["--injections", "3", "--seed", "7"]).await;
    assert_eq!((&figures["injections"], &figures["injections_moved"]), (&json!(3), &json!(0)));
    assert!(fixture.model.calls() >= 18, "injected races are judged as well");
}

#[tokio::test]
async fn a_missing_configuration_is_named() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_clorp-judge-bench"));
    command.args(["--judge", "model"]).env_remove("CLORP_JUDGE_MODEL").env_remove("CLORP_JUDGE_MODEL_URL");
    let output = command.output().await.unwrap();
    let fault = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && fault.contains("CLORP_JUDGE_MODEL must be set"), "{fault}");
}
