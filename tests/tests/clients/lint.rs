//! Linters of OpenAPI documents, on the served document.

use std::fs;

use clorp_tests::World;
use serde_json::{Value, json};
use tokio::process::Command;

use super::program::{Workshop, output};

const DOCUMENT: &str = "openapi.json";
/// A copy of the document with a fault that each linter has to find.
const FAULTY: &str = "faulty.json";

/// The findings of a linter, each with the file that it is about.
async fn findings(mut command: Command, file: &str) -> Vec<(String, Value)> {
    command.args([DOCUMENT, FAULTY, "--format", "json"]);
    let text = output(command).await;
    // One linter writes a report for each file, and its notes follow.
    let reports = serde_json::Deserializer::from_str(&text).into_iter::<Value>().map_while(Result::ok);
    let lists = reports.map(|report| match report {
        Value::Array(findings) => findings,
        mut report => serde_json::from_value(report["problems"].take()).unwrap(),
    });
    let about = |finding: &Value| finding.pointer(file).unwrap().as_str().unwrap().to_owned();
    lists.flatten().map(|finding| (about(&finding), finding)).collect()
}

#[track_caller]
fn assert_clean(findings: &[(String, Value)]) {
    let about = |name: &str| -> Vec<&Value> {
        findings.iter().filter(|(file, _)| file.ends_with(name)).map(|(_, finding)| finding).collect()
    };
    assert!(about(DOCUMENT).is_empty(), "{:#?}", about(DOCUMENT));
    assert!(!about(FAULTY).is_empty(), "the fault was not found");
}

#[tokio::test(flavor = "multi_thread")]
async fn linters_find_neither_an_error_nor_a_warning() {
    let workshop = Workshop::for_node().await;
    let world = World::start().await;
    let served = world.anon.get("/api/openapi.json").await;
    let mut faulty = served.json();
    faulty["components"]["schemas"]["Unused"] = json!({ "type": "object" });
    fs::write(workshop.path().join(DOCUMENT), &served.text).unwrap();
    fs::write(workshop.path().join(FAULTY), faulty.to_string()).unwrap();
    let mut redocly = workshop.tool("redocly");
    redocly.arg("lint").env("REDOCLY_TELEMETRY", "off").env("REDOCLY_SUPPRESS_UPDATE_NOTICE", "true");
    let mut spectral = workshop.tool("spectral");
    spectral.args(["lint", "--quiet", "--ruleset", "spectral.yaml"]);
    assert_clean(&findings(redocly, "/location/0/source/ref").await);
    assert_clean(&findings(spectral, "/source").await);
    world.finish().await;
}
