//! Tests that Cargo would never run: manifests switch the harness off where there are no tests, and name the
//! files that are.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

const TESTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests");

/// The packages of this workspace, as Cargo describes them.
fn packages() -> Vec<Value> {
    let mut command = Command::new(env!("CARGO"));
    command.args(["metadata", "--no-deps", "--offline", "--format-version", "1"]);
    let output = command.current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    serde_json::from_value(metadata["packages"].take()).unwrap()
}

/// The source files of a target: of a library all of the folder but the program beside it, of a program the
/// one file.
fn sources(target: &Value) -> Vec<PathBuf> {
    let root = PathBuf::from(target["src_path"].as_str().unwrap());
    if root.file_name().unwrap() == "main.rs" {
        return vec![root];
    }
    let mut files = files_below(root.parent().unwrap());
    files.retain(|file| file.file_name().unwrap() != "main.rs");
    files
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let below = entries.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] });
    below.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

/// The lines of a target's sources that begin with one of these.
fn lines(target: &Value, starts: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for file in sources(target) {
        let text = fs::read_to_string(&file).unwrap();
        let lines =
            text.lines().filter(|line| starts.iter().any(|start| line.trim_start().starts_with(start)));
        found.extend(lines.map(|line| format!("{}: {line}", file.display())));
    }
    found
}

#[test]
fn a_target_without_a_test_harness_has_no_tests() {
    for package in packages() {
        for target in package["targets"].as_array().unwrap() {
            if target["test"] == false {
                let tests = lines(target, &["#[test]", "#[tokio::test", "#[cfg(test", "#[cfg(all(test"]);
                assert!(
                    tests.is_empty(),
                    "remove `test = false` in {}: {tests:#?}",
                    package["manifest_path"]
                );
            }
            if target["doctest"] == false && target["kind"][0] == "lib" {
                let examples = lines(target, &["/// ```", "//! ```"]);
                let manifest = &package["manifest_path"];
                assert!(examples.is_empty(), "remove `doctest = false` in {manifest}: {examples:#?}");
            }
        }
    }
}

#[test]
fn every_file_of_tests_belongs_to_a_program() {
    let packages = packages();
    let this = packages.iter().find(|package| package["name"] == env!("CARGO_PKG_NAME")).unwrap();
    let programs: Vec<&str> = this["targets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|target| target["src_path"].as_str().unwrap())
        .collect();
    let main = fs::read_to_string(Path::new(TESTS).join("main.rs")).unwrap();
    for entry in fs::read_dir(TESTS).unwrap() {
        let path = entry.unwrap().path();
        let module = format!("mod {};", path.file_stem().unwrap().display());
        let named = main.lines().any(|line| line == module)
            || programs.iter().any(|program| path == Path::new(program));
        assert!(named, "{} is neither a module of main.rs nor a [[test]] of Cargo.toml", path.display());
    }
}
