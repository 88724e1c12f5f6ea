//! Installs tools that are distributed as Python packages. Each gets its own folder inside the workspace and
//! leaves the machine unchanged.

mod install_dir;

use std::ffi::OsStr;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context, Result, anyhow, bail, ensure};

pub use install_dir::InstallDir;

/// Advice for a machine whose Python cannot install packages.
const ADVICE: &str = "install Python 3 with its venv module (on Debian and Ubuntu: apt install python3-venv)";

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
    let dir = InstallDir::lock(dir)?;
    // An environment without its interpreter is reinstalled.
    if !(dir.holds(&packages.join("\n")) && dir.path().join("bin/python").exists()) {
        install(python, &dir, packages)?;
    }
    Ok(dir.path().join("bin"))
}

fn install(python: &OsStr, dir: &InstallDir, packages: &[&str]) -> Result<()> {
    dir.clear()?;
    if let Err(no_venv) = install_into_venv(python, dir.path(), packages) {
        dir.clear()?;
        install_into_folder(python, dir.path(), packages).map_err(|error| {
            anyhow!("{no_venv:#}\n{error:#}\nCannot install {}: {ADVICE}", packages.join(", "))
        })?;
    }
    dir.complete(&packages.join("\n"))
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
///
/// # Errors
/// Fails if the command does not start or does not succeed.
pub fn run(command: &mut Command) -> Result<()> {
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

    #[test]
    fn an_unpinned_package_is_rejected() {
        let folder = tempfile::tempdir().unwrap();
        assert!(python_venv(&folder.path().join("venv"), &["one"]).is_err());
    }
}
