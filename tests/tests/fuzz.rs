//! The API against its own document. schemathesis generates requests from the served document, with a
//! credential of each kind. No answer may be a server error or outside the document.

use std::path::Path;

use clorp_domain::{Cents, SpendPolicy, StoredKey};
use clorp_tests::tools::{python_venv, tools_dir};
use clorp_tests::world::WEB_ORIGIN;
use clorp_tests::{Client, Gateway, Options, World};
use tokio::process::Command;

const PACKAGES: [&str; 1] = ["schemathesis==4.32.5"];
/// The checks of every answer.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_headers_conformance,response_schema_conformance";
/// A fixed seed, so that every run sends the same requests.
const SEED: &str = "20261124";
/// The number of generated requests for each operation and credential, beside the examples of its schemas.
const EXAMPLES: &str = "5";

async fn fuzz(program: &Path, url: &str, headers: &[(&str, String)]) -> (bool, String) {
    let mut command = Command::new(program);
    command.arg("run").arg(format!("{url}/api/openapi.json")).args(["--checks", CHECKS]);
    command.args(["--phases", "examples,coverage,fuzzing", "--seed", SEED, "--max-examples", EXAMPLES]);
    command.args(["--generation-database", "none", "--request-timeout", "60", "--no-color"]);
    for (name, value) in headers {
        command.args(["-H", &format!("{name}: {value}")]);
    }
    // The program leaves its cache in the current folder.
    command.current_dir(tools_dir()).env("NO_PROXY", "*").kill_on_drop(true);
    let output = command.output().await.unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_gets_a_server_error_or_an_undocumented_answer() {
    let world = World::with(Options::funded()).await;
    let install = || python_venv(&tools_dir().join("schemathesis"), &PACKAGES).unwrap();
    let program = tokio::task::spawn_blocking(install).await.unwrap().join("st");
    let gateway = Gateway::start(&world.anon).await;
    let limited = |key| StoredKey {
        policy: SpendPolicy { per_drop: Some(Cents::new(200)), per_day: Some(Cents::new(500)) },
        ..key
    };
    let limited = world.with_key(&world.workers[0], limited).await;
    let browser = world.browser(&world.workers[1], 3600);
    let cookie = [("Cookie", browser.cookie.clone().unwrap()), ("Origin", WEB_ORIGIN.to_owned())];
    let key = |client: &Client| [("Authorization", client.authorization().unwrap().to_owned())];
    for (caller, headers) in [
        ("no credential", &[][..]),
        ("a key", &key(&world.sender)),
        ("a key with a policy", &key(&limited)),
        ("a browser", &cookie),
    ] {
        let (passed, report) = fuzz(&program, &gateway.url, headers).await;
        assert!(report.contains("Test cases:"), "{caller}: no request was sent: {report}");
        assert!(passed, "{caller}: {report}");
    }
    world.finish().await;
}
