//! Builds the functions with cargo.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tokio::io::AsyncReadExt;
use tokio::process::Command;

use super::process::{Group, Marker};

/// Time that cargo gets to end after SIGTERM.
const GRACE: Duration = Duration::from_secs(2);

/// The result of a successful build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Built {
    /// The functions whose binaries cargo linked in this build.
    pub changed: Vec<String>,
}

/// Builds `functions` with cargo, whose progress and errors go to the terminal. One invocation without `-p`
/// builds them all: their dependencies then have the same features as in any other build of the workspace,
/// and are compiled once.
///
/// # Errors
/// Fails if cargo cannot be started, or if the code does not compile.
pub async fn build(root: &Path, functions: &[String], marker: &Marker) -> Result<Built> {
    let mut command = Command::new("cargo");
    clear_package_variables(&mut command);
    command.current_dir(root).args(["build", "--message-format=json-render-diagnostics"]);
    command.args(functions.iter().flat_map(|name| ["--bin", name.as_str()]));
    let mut cargo = Group::spawn(command.stdin(Stdio::null()).stdout(Stdio::piped()), marker)
        .context("building the functions needs cargo")?;
    let mut messages = String::new();
    let output = cargo.child().stdout.take().context("cargo has no output")?;
    tokio::io::BufReader::new(output).read_to_string(&mut messages).await?;
    let status = cargo.wait().await?;
    cargo.stop(GRACE).await;
    if !status.success() {
        bail!("the functions do not compile");
    }
    Ok(Built { changed: messages.lines().filter_map(new_binary).collect() })
}

/// Removes the variables with which `cargo run` describes this package. They are wrong for the packages cargo
/// builds.
pub fn clear_package_variables(command: &mut Command) {
    let ours = |name: &str| {
        name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") || name == "CARGO_BIN_NAME"
    };
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(ours)) {
        command.env_remove(name);
    }
}

/// The name of the binary that cargo has just linked, if `message` reports one.
fn new_binary(message: &str) -> Option<String> {
    let message: Value = serde_json::from_str(message).ok()?;
    let new = message["reason"] == "compiler-artifact"
        && message["executable"].is_string()
        && message["fresh"] == false;
    new.then(|| message["target"]["name"].as_str().map(str::to_owned)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_binary_is_new_when_cargo_linked_it() {
        for (message, expect) in [
            (
                r#"{"reason":"compiler-artifact","target":{"name":"drops"},"executable":"/t/drops","fresh":false}"#,
                Some("drops"),
            ),
            (
                r#"{"reason":"compiler-artifact","target":{"name":"drops"},"executable":"/t/drops","fresh":true}"#,
                None,
            ),
            (
                r#"{"reason":"compiler-artifact","target":{"name":"serde"},"executable":null,"fresh":false}"#,
                None,
            ),
            (r#"{"reason":"build-finished","success":true}"#, None),
            ("not json", None),
        ] {
            assert_eq!(new_binary(message).as_deref(), expect, "{message}");
        }
    }
}
