//! Finds or installs cargo-lambda.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use tokio::process::Command;

use clorp_tools::python_venv;

/// The version to install.
const PACKAGE: &str = "cargo-lambda==1.9.2";

/// The first version that runs several instances of a function.
const OLDEST: (u32, u32) = (1, 9);

/// A working cargo-lambda of a sufficient version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CargoLambda {
    program: OsString,
}

impl CargoLambda {
    /// Finds cargo-lambda on the PATH, then in `tools_dir`. Installs it into `tools_dir`, with a message, if
    /// neither has it.
    ///
    /// # Errors
    /// Fails if it has to be installed and the installation fails.
    pub async fn find_or_install(tools_dir: &Path) -> Result<Self> {
        if let Some(found) = Self::on_path().await {
            return Ok(found);
        }
        let installed = Self { program: tools_dir.join("bin").join("cargo-lambda").into() };
        if installed.version().await.is_some_and(|version| version >= OLDEST) {
            return Ok(installed);
        }
        Self::install(tools_dir.to_owned()).await
    }

    async fn on_path() -> Option<Self> {
        let found = Self { program: "cargo".into() };
        let version = found.version().await?;
        if version < OLDEST {
            eprintln!(
                "cargo-lambda {}.{} on the PATH is too old for this stack, which needs {}.{} or later: not using it",
                version.0, version.1, OLDEST.0, OLDEST.1
            );
            return None;
        }
        Some(found)
    }

    async fn install(tools_dir: PathBuf) -> Result<Self> {
        let python = Command::new("python3").arg("--version").stdout(Stdio::null()).status().await;
        ensure!(
            python.is_ok_and(|status| status.success()),
            "cargo-lambda is not installed, and the stack needs python3 to install it: install either"
        );
        eprintln!("cargo-lambda is not installed: fetching {PACKAGE} from PyPI into {}", tools_dir.display());
        let install = move || python_venv(&tools_dir, &[PACKAGE]);
        let bin = tokio::task::spawn_blocking(install).await?.context("installing cargo-lambda")?;
        let installed = Self { program: bin.join("cargo-lambda").into() };
        ensure!(installed.version().await.is_some(), "cargo-lambda was installed but does not run");
        Ok(installed)
    }

    /// The command `cargo lambda watch`, still without flags.
    pub fn watch(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(["lambda", "watch"]);
        command
    }

    async fn version(&self) -> Option<(u32, u32)> {
        let mut command = Command::new(&self.program);
        let output = command.args(["lambda", "--version"]).stderr(Stdio::null()).output().await.ok()?;
        parse_version(std::str::from_utf8(&output.stdout).ok()?)
    }
}

/// The major and minor version in a text such as `cargo-lambda 1.9.2 (67129fc 2026-08-21Z)`.
fn parse_version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.strip_prefix("cargo-lambda ")?.split(['.', ' ', '-', '\n']);
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_as_numbers() {
        for (text, version) in [
            ("cargo-lambda 1.9.2 (67129fc 2026-08-21Z)\n", Some((1, 9))),
            ("cargo-lambda 1.10.0-beta\n", Some((1, 10))),
            ("cargo-lambda 0.21\n", Some((0, 21))),
            ("error: no such command: `lambda`", None),
            ("", None),
        ] {
            assert_eq!(parse_version(text), version, "{text}");
        }
        assert!(Some((1, 10)) > Some(OLDEST) && Some((1, 8)) < Some(OLDEST));
    }
}
