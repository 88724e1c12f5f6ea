//! Installs the tools that tests use. Python and Go tools get their own folder inside the workspace and leave
//! the machine unchanged. Chromium is the exception: it comes from the system's package manager.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context, Result, anyhow, bail, ensure};

/// Advice for a machine whose Python cannot install packages.
const ADVICE: &str = "install Python 3 with its venv module (on Debian and Ubuntu: apt install python3-venv)";

/// Program names of a headless Chromium, the smallest first.
const BROWSERS: [&str; 5] =
    ["chromium-headless-shell", "chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];

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

/// Creates a Python virtual environment in `dir` with exactly `packages` (each `name==version`) and their
/// dependencies. Returns its folder of executables. An environment with the same packages is reused, which
/// costs reading one file; one with other packages is recreated. Concurrent calls from any number of
/// processes are safe. Fails with the installer's output if this machine's Python cannot install the
/// packages.
pub fn python_venv(dir: &Path, packages: &[&str]) -> Result<PathBuf> {
    python_venv_with("python3".as_ref(), dir, packages)
}

fn python_venv_with(python: &OsStr, dir: &Path, packages: &[&str]) -> Result<PathBuf> {
    for package in packages {
        ensure!(package.contains("=="), "{package} has no pinned version");
    }
    let dir = std::path::absolute(dir)?;
    let _lock = lock(&dir)?;
    if !is_current(&dir, packages) {
        install(python, &dir, packages)?;
    }
    Ok(dir.join("bin"))
}

/// Locks `dir` against concurrent installations. Dropping the file releases the lock.
fn lock(dir: &Path) -> Result<File> {
    let parent = dir.parent().context("a tool needs its own folder")?;
    fs::create_dir_all(parent).with_context(|| format!("creating {}", parent.display()))?;
    let lock = dir.with_added_extension("lock");
    let lock = File::create(&lock).with_context(|| format!("opening {}", lock.display()))?;
    lock.lock().with_context(|| format!("locking {}", dir.display()))?;
    Ok(lock)
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
    let dir = std::path::absolute(dir)?;
    let program = dir.join(name);
    let _lock = lock(&dir)?;
    if fs::read_to_string(marker(&dir)).is_ok_and(|list| list == package) && program.exists() {
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
    clear(&dir)?;
    // Module settings of a surrounding workspace or of the environment must not affect this build.
    let mut install = Command::new(go);
    install.args(["install", package]).env("GOBIN", &dir).env("GOWORK", "off").env_remove("GOFLAGS");
    run(&mut install)?;
    fs::write(marker(&dir), package).context("writing the name of the package")?;
    Ok(Tool::At(program))
}

/// Finds a headless Chromium on the PATH. On Debian, as root, installs one if there is none.
pub fn chromium() -> Result<Tool> {
    let _lock = lock(&tools_dir().join("chromium"))?;
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

fn marker(dir: &Path) -> PathBuf {
    dir.join("packages.txt")
}

/// True if the installation in `dir` is complete with these packages, and its interpreter still exists.
fn is_current(dir: &Path, packages: &[&str]) -> bool {
    let installed = fs::read_to_string(marker(dir)).is_ok_and(|list| list == packages.join("\n"));
    installed && dir.join("bin/python").exists()
}

fn install(python: &OsStr, dir: &Path, packages: &[&str]) -> Result<()> {
    clear(dir)?;
    if let Err(no_venv) = install_into_venv(python, dir, packages) {
        clear(dir)?;
        install_into_folder(python, dir, packages).map_err(|error| {
            anyhow!("{no_venv:#}\n{error:#}\nCannot install {}: {ADVICE}", packages.join(", "))
        })?;
    }
    // The marker is written last, so an interrupted installation is repeated.
    fs::write(marker(dir), packages.join("\n")).context("writing the list of packages")
}

fn clear(dir: &Path) -> Result<()> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("removing {}", dir.display()))
        }
        _ => Ok(()),
    }
}

fn install_into_venv(python: &OsStr, dir: &Path, packages: &[&str]) -> Result<()> {
    run(Command::new(python).args(["-m", "venv"]).arg(dir))?;
    run(pip_install(dir.join("bin/python").as_os_str()).args(packages))
}

/// Installs packages with a Python that lacks `venv` or `ensurepip`, as on Debian. The packages go to a
/// folder, and small scripts in `bin` start them with that folder on the module path.
fn install_into_folder(python: &OsStr, dir: &Path, packages: &[&str]) -> Result<()> {
    let (bin, library) = (dir.join("bin"), dir.join("lib"));
    fs::create_dir_all(&bin).with_context(|| format!("creating {}", bin.display()))?;
    run(pip_install(python).arg("--target").arg(&library).args(packages))?;
    write_launcher(&bin.join("python"), &library, python)?;
    for entry in fs::read_dir(library.join("bin")).context("the packages have no executables")? {
        let entry = entry?;
        write_launcher(&bin.join(entry.file_name()), &library, entry.path().as_os_str())?;
    }
    Ok(())
}

fn write_launcher(path: &Path, library: &Path, program: &OsStr) -> Result<()> {
    let (library, program) = (shell_quote(library.as_os_str())?, shell_quote(program)?);
    fs::write(path, format!("#!/bin/sh\nPYTHONPATH={library} exec {program} \"$@\"\n"))?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))?;
    Ok(())
}

fn shell_quote(text: &OsStr) -> Result<String> {
    let text = text.to_str().with_context(|| format!("{} is not UTF-8", text.display()))?;
    Ok(format!("'{}'", text.replace('\'', r"'\''")))
}

fn pip_install(python: &OsStr) -> Command {
    let mut command = Command::new(python);
    command.args(["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]);
    // These variables would redirect the installation.
    command.env_remove("PIP_USER").env_remove("PIP_TARGET").env_remove("PIP_PREFIX");
    command
}

/// Runs a command to its end. If it fails, the error contains its output.
fn run(command: &mut Command) -> Result<()> {
    let output = command.env_remove("PYTHONHOME").env_remove("PYTHONPATH").output();
    let Output { status, stdout, stderr } = output.map_err(|error| match error.kind() {
        ErrorKind::NotFound => anyhow!("{} is not installed", command.get_program().display()),
        _ => anyhow!(error).context(format!("starting {}", command.get_program().display())),
    })?;
    if !status.success() {
        let printed = [stdout, stderr].map(|bytes| String::from_utf8_lossy(&bytes).trim().to_string());
        bail!("{} failed ({status})\n{}", command_line(command), printed.join("\n").trim());
    }
    Ok(())
}

fn command_line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A stand-in for Python that logs its calls. `venv` and `pip` say whether these two modules work.
    fn fake_python(folder: &Path, venv: bool, pip: bool) -> PathBuf {
        let script = format!(
            r#"#!/bin/sh
echo "$@" >> '{log}'
case "$2" in
venv) {venv} || {{ echo "no ensurepip here"; exit 1; }}
    mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
pip) {pip} || {{ echo "No module named pip" >&2; exit 1; }}
    while [ $# -gt 0 ]; do [ "$1" = --target ] && target="$2"; shift; done
    [ -z "$target" ] && exit 0
    mkdir -p "$target/bin" && printf '#!/bin/sh\necho "$PYTHONPATH:$1"\n' > "$target/bin/tool" && chmod +x "$target/bin/tool" ;;
esac
"#,
            log = folder.join("calls").display(),
        );
        let (source, path) = (folder.join("source"), folder.join("python3"));
        fs::write(&source, script).unwrap();
        // Another process writes the script: Linux refuses to run a file that is open for writing here or in
        // a child that another thread is forking.
        run(Command::new("install").args(["-m", "755"]).args([&source, &path])).unwrap();
        path
    }

    fn calls(folder: &Path) -> usize {
        fs::read_to_string(folder.join("calls")).unwrap().lines().count()
    }

    #[test]
    fn the_same_packages_are_reused_and_others_are_installed() {
        let folder = tempfile::tempdir().unwrap();
        let python = fake_python(folder.path(), true, true);
        let dir = folder.path().join("a/venv");
        let install = |packages| python_venv_with(python.as_os_str(), &dir, packages).unwrap();
        assert_eq!(install(&["one==1"]), dir.join("bin"));
        let first = calls(folder.path());
        install(&["one==1"]);
        assert_eq!(calls(folder.path()), first);
        install(&["one==2"]);
        assert_eq!(calls(folder.path()), 2 * first);
    }

    #[test]
    fn concurrent_calls_install_once() {
        let folder = tempfile::tempdir().unwrap();
        let python = fake_python(folder.path(), true, true);
        let dir = folder.path().join("venv");
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| python_venv_with(python.as_os_str(), &dir, &["one==1"]).unwrap());
            }
        });
        assert_eq!(calls(folder.path()), 2, "one venv, one pip install");
    }

    #[test]
    fn a_python_without_venv_installs_into_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        let python = fake_python(folder.path(), false, true);
        let dir = folder.path().join("it's a venv");
        let bin = python_venv_with(python.as_os_str(), &dir, &["one==1"]).unwrap();
        let output = Command::new("sh").arg(bin.join("tool")).arg("word").output().unwrap();
        let expected = format!("{}:word\n", dir.join("lib").display());
        assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
        assert!(bin.join("python").exists());
    }

    #[test]
    fn the_error_of_a_python_that_cannot_install_has_advice() {
        let folder = tempfile::tempdir().unwrap();
        let python = fake_python(folder.path(), false, false);
        let dir = folder.path().join("venv");
        let check = |python: &OsStr, problem: &str| {
            let error = format!("{:#}", python_venv_with(python, &dir, &["one==1"]).unwrap_err());
            assert!(error.contains(problem) && error.contains("python3-venv"), "{error}");
        };
        check(python.as_os_str(), "no ensurepip here");
        check(python.as_os_str(), "No module named pip");
        check("no-such-python".as_ref(), "no-such-python is not installed");
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

    #[test]
    fn an_unpinned_package_is_rejected() {
        let folder = tempfile::tempdir().unwrap();
        assert!(python_venv(&folder.path().join("venv"), &["one"]).is_err());
    }
}
