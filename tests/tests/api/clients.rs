//! Generators of typed clients accept the document, and their clients reject misspelt words.

use std::fs;
use std::path::Path;
use std::process::Command;

use clorp_tests::document::merged;
use clorp_tests::tools::{npm_packages, python_venv, tools_dir};

const NPM_PACKAGES: [&str; 3] = ["openapi-fetch@0.17.0", "openapi-typescript@7.13.0", "typescript@5.9.3"];
const PYTHON_PACKAGES: [&str; 1] = ["openapi-python-client==0.29.1"];
/// A program with misspelt words, each marked as an error that the compiler has to find.
const CLIENT: &str = include_str!("clients/client.ts");

fn write_document(folder: &Path) {
    fs::write(folder.join("openapi.json"), merged().to_json().unwrap()).unwrap();
}

/// The output of a command, which has to succeed.
#[track_caller]
fn output(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    text
}

#[test]
fn a_typescript_client_compiles_and_rejects_misspelt_words() {
    let npm = npm_packages(&tools_dir().join("typed-clients"), &NPM_PACKAGES).unwrap();
    let folder = tempfile::tempdir().unwrap();
    write_document(folder.path());
    fs::write(folder.path().join("client.ts"), CLIENT).unwrap();
    std::os::unix::fs::symlink(npm.modules(), folder.path().join("node_modules")).unwrap();
    let generate = ["openapi.json", "--output", "schema.ts"];
    output(npm.program("openapi-typescript").args(generate).current_dir(&folder));
    let compile = ["--noEmit", "--strict", "--skipLibCheck", "--module", "nodenext", "client.ts"];
    output(npm.program("tsc").args(compile).current_dir(&folder));
}

#[test]
fn a_python_client_is_generated_in_full() {
    let bin = python_venv(&tools_dir().join("openapi-python-client"), &PYTHON_PACKAGES).unwrap();
    let folder = tempfile::tempdir().unwrap();
    write_document(folder.path());
    let generate =
        ["generate", "--path", "openapi.json", "--meta", "none", "--output-path", "client", "--config"];
    // The generated code is not read by anybody, so it is not formatted.
    fs::write(folder.path().join("config.yml"), "post_hooks: []\n").unwrap();
    let said = output(
        Command::new(bin.join("openapi-python-client")).args(generate).arg("config.yml").current_dir(&folder),
    );
    assert!(!said.to_lowercase().contains("warning"), "{said}");
    let event = fs::read_to_string(folder.path().join("client/models/created_event.py")).unwrap();
    assert!(event.contains("data: CreatedData"), "{event}");
    let code = fs::read_to_string(folder.path().join("client/models/error_code.py")).unwrap();
    assert!(code.contains("DROP_NOT_OPEN = \"drop_not_open\""), "{code}");
}
