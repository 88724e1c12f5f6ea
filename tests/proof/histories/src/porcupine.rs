//! The linearisability check, by Porcupine: a program in Go, built from this package's folder `checker`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use clorp_stand_in::files::workspace_root;
use clorp_tools::{InstallDir, run};
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::objects::Object;

/// Bound of the search for each object, in seconds.
const TIMEOUT_SECONDS: u32 = 60;
/// The files of the Go module.
const SOURCES: [(&str, &str); 4] = [
    ("go.mod", include_str!("../checker/go.mod")),
    ("go.sum", include_str!("../checker/go.sum")),
    ("main.go", include_str!("../checker/main.go")),
    ("models.go", include_str!("../checker/models.go")),
];

/// The checker's program, or the reason why this machine does not have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Checker {
    /// The program.
    At(PathBuf),
    /// Go is missing.
    Unavailable(String),
}

/// The verdict about one object.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Verdict {
    /// The object's kind and id.
    pub name: String,
    /// `Ok`, `Illegal`, or `Unknown` if the time was up.
    pub result: String,
    /// Time of the search.
    pub seconds: f64,
    /// A picture of a rejected object.
    #[serde(default)]
    pub drawing: Option<PathBuf>,
}

impl Checker {
    /// Builds the program into `target/tools`. One of the same source is reused, which costs reading one
    /// file. Concurrent calls from any number of processes are safe.
    ///
    /// # Errors
    /// Fails with Go's output if the program does not build.
    pub fn build() -> Result<Self> {
        Self::build_with("go", &workspace_root().join("target/tools/histories-checker"))
    }

    fn build_with(go: &str, dir: &Path) -> Result<Self> {
        let mut hash = Sha256::new();
        for (name, text) in SOURCES {
            hash.update(format!("{name} {}\n{text}", text.len()));
        }
        let source: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        let dir = InstallDir::lock(dir)?;
        let program = dir.path().join("checker");
        if dir.holds(&source) && program.exists() {
            return Ok(Self::At(program));
        }
        match Command::new(go).arg("version").output() {
            Ok(output) if output.status.success() => {}
            _ => {
                let why =
                    "the linearisability check needs Go, which is not installed (see https://go.dev/dl)";
                return Ok(Self::Unavailable(why.to_owned()));
            }
        }
        dir.clear()?;
        let module = dir.path().join("module");
        std::fs::create_dir_all(&module)?;
        for (name, text) in SOURCES {
            std::fs::write(module.join(name), text)?;
        }
        // Module settings of a surrounding workspace or of the environment must not affect this build.
        let mut build = Command::new(go);
        build.args(["build", "-mod=readonly", "-buildvcs=false", "-o"]).arg(&program).arg(".");
        run(build.current_dir(&module).env("GOWORK", "off").env_remove("GOFLAGS"))?;
        dir.complete(&source)?;
        Ok(Self::At(program))
    }

    /// Checks every object. Pictures of rejected ones go into `drawings`.
    ///
    /// # Errors
    /// Fails if there is no program, or if it fails.
    pub fn check(&self, objects: &[Object], drawings: &Path) -> Result<Vec<Verdict>> {
        let Self::At(program) = self else { return Ok(Vec::new()) };
        let asked = json!({
            "timeout_seconds": TIMEOUT_SECONDS, "drawings": drawings.to_str(), "objects": objects,
        });
        let mut child = Command::new(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("starting {}", program.display()))?;
        // The program reads everything before it writes anything.
        child.stdin.take().context("no input")?.write_all(asked.to_string().as_bytes())?;
        let output = child.wait_with_output()?;
        ensure!(output.status.success(), "the checker failed: {}", String::from_utf8_lossy(&output.stderr));
        let verdicts: Vec<Verdict> = serde_json::from_slice(&output.stdout)?;
        ensure!(verdicts.len() == objects.len(), "the checker has skipped an object");
        Ok(verdicts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_without_go_has_no_checker_and_says_so() {
        let dir = workspace_root().join("target/tools/no-go");
        let checker = Checker::build_with("no-such-go", &dir).unwrap();
        assert!(matches!(checker, Checker::Unavailable(why) if why.contains("needs Go")));
    }
}
