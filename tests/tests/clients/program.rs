//! Programs in JavaScript, TypeScript and Python, which talk to their test line by line.
//!
//! A program writes one JSON object on a line of its standard output and waits for the answer, which is one
//! line of its standard input. `programs/bench.mjs` and `programs/bench.py` have the program's half.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use clorp_tests::tools::{NpmPackages, npm_packages, python_venv, tools_dir};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::Command;

/// Packages of all programs that run on Node.js, in one folder. Several need TypeScript.
const NPM_PACKAGES: [&str; 10] = [
    "@hey-api/openapi-ts@0.99.0",
    "@redocly/cli@2.77.0",
    "@stoplight/spectral-cli@6.16.3",
    "@supabase/ssr@0.12.7",
    "@supabase/supabase-js@2.119.1",
    "eventsource@5.1.5",
    "openapi-fetch@0.17.0",
    "openapi-typescript@7.13.0",
    "stripe@23.1.0",
    "typescript@5.9.3",
];
/// Packages of all Python programs, in one environment.
const PYTHON_PACKAGES: [&str; 4] =
    ["httpx-sse==0.4.3", "openapi-python-client==0.29.1", "sseclient-py==1.9.0", "stripe==16.1.0"];
const PROGRAMS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/programs");
/// Time after which a program is taken to hang.
const PATIENCE: Duration = Duration::from_mins(4);

/// A folder with a copy of all programs, in which tools may leave files.
pub struct Workshop {
    folder: TempDir,
    npm: Option<NpmPackages>,
    python: Option<PathBuf>,
}

impl Workshop {
    /// A folder whose programs may import the packages from npm.
    pub async fn for_node() -> Self {
        let install = || npm_packages(&tools_dir().join("clients-node"), &NPM_PACKAGES).unwrap();
        let npm = tokio::task::spawn_blocking(install).await.unwrap();
        let folder = copy_programs();
        std::os::unix::fs::symlink(npm.modules(), folder.path().join("node_modules")).unwrap();
        Self { folder, npm: Some(npm), python: None }
    }

    /// A folder for programs that may import the packages from PyPI.
    pub async fn for_python() -> Self {
        let install = || python_venv(&tools_dir().join("clients-python"), &PYTHON_PACKAGES).unwrap();
        let python = tokio::task::spawn_blocking(install).await.unwrap();
        Self { folder: copy_programs(), npm: None, python: Some(python) }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A command that runs a program of one of the packages.
    pub fn tool(&self, name: &str) -> Command {
        let command = match (&self.npm, &self.python) {
            (Some(npm), _) => Command::from(npm.program(name)),
            (_, Some(bin)) => Command::new(bin.join(name)),
            _ => unreachable!(),
        };
        self.here(command)
    }

    /// A command that runs one of the programs.
    pub fn program(&self, name: &str) -> Command {
        let interpreter = self.npm.as_ref().map(|npm| npm.node().to_owned());
        let interpreter = interpreter.or_else(|| Some(self.python.as_ref()?.join("python"))).unwrap();
        let mut command = Command::new(interpreter);
        command.arg(name);
        self.here(command)
    }

    fn here(&self, mut command: Command) -> Command {
        // A proxy from the environment must not stand between a client and the servers.
        command.env("NO_PROXY", "127.0.0.1").current_dir(self.path()).kill_on_drop(true);
        command
    }
}

fn copy_programs() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(PROGRAMS).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
    }
    folder
}

/// The output of a command, which has to succeed.
pub async fn output(mut command: Command) -> String {
    let output = tokio::time::timeout(PATIENCE, command.output()).await.expect("the command ends").unwrap();
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert!(output.status.success(), "{command:?}: {}", text.concat());
    text.concat()
}

/// Runs a program to its end, which has to be a success. `answer` is called with each object that it writes.
pub async fn run(command: Command, answer: impl AsyncFnMut(Value) -> Value) {
    tokio::time::timeout(PATIENCE, converse(command, answer)).await.expect("the program ends");
}

async fn converse(mut command: Command, mut answer: impl AsyncFnMut(Value) -> Value) {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut stderr = child.stderr.take().unwrap();
    let complaints = tokio::spawn(async move {
        let mut text = String::new();
        stderr.read_to_string(&mut text).await.unwrap();
        text
    });
    while let Some(line) = lines.next_line().await.unwrap() {
        let said = serde_json::from_str(&line).unwrap_or_else(|_| panic!("no JSON: {line}"));
        let reply = answer(said).await.to_string() + "\n";
        // A program that ends without waiting for the answer says why on its standard error.
        let _ = stdin.write_all(reply.as_bytes()).await;
    }
    let status = child.wait().await.unwrap();
    let complaints = complaints.await.unwrap();
    assert!(status.success(), "{command:?} {status}: {complaints}");
}
