//! The functions' programs, built by cargo.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use clorp_stand_in::files::workspace_root;
use serde_json::Value;
use tokio::process::Command;

/// The programs of functions.
#[derive(Clone, Debug)]
pub struct Programs(BTreeMap<String, PathBuf>);

impl Programs {
    /// Builds the functions with one invocation of cargo, so that their dependencies are those of every
    /// other build of the workspace.
    ///
    /// # Errors
    /// Fails if the code does not compile.
    pub async fn build(functions: &[String]) -> Result<Self> {
        let mut command = Command::new("cargo");
        // `cargo run` and `cargo test` describe this package, and cargo builds others.
        let ours = |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(ours)) {
            command.env_remove(name);
        }
        command.current_dir(workspace_root()).args(["build", "--message-format=json-render-diagnostics"]);
        command.args(functions.iter().flat_map(|name| ["--bin", name.as_str()]));
        command.stdin(Stdio::null()).stderr(Stdio::inherit());
        let output = command.output().await.context("building the functions needs cargo")?;
        ensure!(output.status.success(), "the functions do not compile");
        let messages = String::from_utf8(output.stdout)?;
        Ok(Self(messages.lines().filter_map(program).collect()))
    }

    /// The program of a function.
    ///
    /// # Errors
    /// Fails if cargo has built none.
    pub fn path(&self, function: &str) -> Result<PathBuf> {
        self.0.get(function).cloned().with_context(|| format!("cargo has built no function {function}"))
    }
}

/// The name and the path of the program that a message of cargo reports.
fn program(message: &str) -> Option<(String, PathBuf)> {
    let message: Value = serde_json::from_str(message).ok()?;
    let name = message["target"]["name"].as_str().filter(|_| message["reason"] == "compiler-artifact")?;
    Some((name.to_owned(), PathBuf::from(message["executable"].as_str()?)))
}
