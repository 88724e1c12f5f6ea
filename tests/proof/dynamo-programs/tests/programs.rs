//! Generated programs, kept ones, and the examples of the known differences.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use clorp_dynamo_programs::Call;
use clorp_dynamo_programs::differences::DIFFERENCES;
use clorp_dynamo_programs::program::Program;
use clorp_dynamo_programs::recorded::Recorder;
use clorp_dynamo_programs::rig::{Finding, Other, Rig};
use serde_json::Value;

/// Calls written as a JSON list of operations and requests.
fn calls(text: &str) -> Vec<Call> {
    let calls: Vec<(String, Value)> = serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"));
    calls.into_iter().map(|(operation, request)| Call { operation, request }).collect()
}

fn unknown(findings: &[Finding]) -> Option<&Finding> {
    findings.iter().find(|finding| finding.known.is_none())
}

/// The first seed. The seeds are fixed, because the list of the databases' faults is open: `cargo
/// dynamo-programs` looks for further ones.
const FIRST: u64 = 20_261_127;

/// Runs generated programs, and shrinks the first that has an unknown difference.
async fn run_generated(others: &[Other], count: u64) {
    let mut rig = Rig::start(others).await.unwrap();
    for seed in FIRST..FIRST + count {
        let program = Program::random(seed);
        let findings = rig.run(&program.calls()).await.unwrap();
        if let Some(finding) = unknown(&findings) {
            let (program, finding) = rig.shrink(program, finding.clone()).await.unwrap();
            panic!("seed {seed}, {}:\n{}\n{:#?}", finding.other.name(), finding.report, program.calls());
        }
    }
}

#[tokio::test]
async fn the_embedded_database_and_the_model_agree_on_generated_programs() {
    run_generated(&[Other::Embedded], 400).await;
}

#[tokio::test]
async fn moto_and_the_model_agree_on_generated_programs() {
    run_generated(&[Other::Moto], 60).await;
}

/// Runs what the backend asks of its table in some seeds.
async fn run_recorded(other: Other, seeds: std::ops::Range<u64>) {
    let mut rig = Rig::start(&[other]).await.unwrap();
    for seed in seeds {
        // The simulation has a runtime of its own.
        let record = move || Recorder::new().unwrap().calls(seed).unwrap();
        let calls = tokio::task::spawn_blocking(record).await.unwrap();
        assert!(calls.len() > 50, "only {} calls were recorded", calls.len());
        let findings = rig.run(&calls).await.unwrap();
        // A known difference would end the comparison.
        let first = findings.first().map(|finding| (finding.step, &finding.report));
        assert_eq!(first, None, "{} {seed}", other.name());
    }
}

#[tokio::test]
async fn the_embedded_database_and_the_model_agree_on_what_the_backend_asks() {
    run_recorded(Other::Embedded, 1..4).await;
}

#[tokio::test]
async fn moto_and_the_model_agree_on_what_the_backend_asks() {
    run_recorded(Other::Moto, 4..5).await;
}

#[tokio::test]
async fn each_named_difference_still_exists() {
    let mut rigs = Vec::new();
    for other in [Other::Embedded, Other::Moto] {
        rigs.push((other, Rig::start(&[other]).await.unwrap()));
    }
    let mut gone = Vec::new();
    for difference in DIFFERENCES {
        let (_, rig) = rigs.iter_mut().find(|(other, _)| *other == difference.other).unwrap();
        let findings = rig.run(&calls(difference.example)).await.unwrap();
        assert_eq!(unknown(&findings).map(|finding| &finding.report), None, "{}", difference.name);
        let names: Vec<&str> =
            findings.iter().filter_map(|finding| finding.known.clone()).flatten().collect();
        if !names.contains(&difference.name) {
            gone.push((difference.name, names));
        }
    }
    assert!(gone.is_empty(), "these differences are gone, so remove their entries: {gone:#?}");
}

#[tokio::test]
async fn kept_programs_agree() {
    let kept: Vec<Value> = serde_json::from_str(include_str!("kept.json")).unwrap();
    let mut rig = Rig::start(&[Other::Embedded, Other::Moto]).await.unwrap();
    for program in kept {
        let findings = rig.run(&calls(&program["calls"].to_string())).await.unwrap();
        assert_eq!(unknown(&findings).map(|finding| &finding.report), None, "{}", program["claim"]);
    }
}

#[tokio::test]
async fn a_difference_without_a_name_is_found_and_shrunk_to_one_call() {
    let mut rig = Rig::start(&[Other::Embedded]).await.unwrap().without_names();
    for seed in 0.. {
        let program = Program::random(seed);
        let findings = rig.run(&program.calls()).await.unwrap();
        // One call of the program differs in the smallest form too.
        let Some(finding) = unknown(&findings).filter(|_| program.calls().len() > 4).cloned() else {
            continue;
        };
        let (small, finding) = rig.shrink(program, finding).await.unwrap();
        assert!(small.calls().len() <= 2, "{}\n{:#?}", finding.report, small.calls());
        return;
    }
}
