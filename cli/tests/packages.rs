//! The packages for Python and Node.js: built, installed without a network, and run.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use clorp_tests::tools::{node, python_venv, tools_dir};
use serde_json::{Value, json};

const PROGRAM: &str = env!("CARGO_BIN_EXE_clorp");
const VERSION: &str = env!("CARGO_PKG_VERSION");

fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

/// Checks that an installed program is this version, and passes on its exit code.
fn check(program: &Path, path: &std::ffi::OsStr) {
    let mut command = Command::new(program);
    let output = run(command.arg("--version").env("PATH", path));
    assert_eq!(String::from_utf8(output.stdout).unwrap().trim(), format!("clorp {VERSION}"));
    let failed = Command::new(program).arg("frobnicate").env("PATH", path).output().unwrap();
    assert_eq!(failed.status.code(), Some(2));
}

/// Every file below a folder whose name ends like this.
fn found(folder: &Path, end: &str) -> PathBuf {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut fitting = entries.filter(|path| path.to_string_lossy().ends_with(end));
    let first = fitting.next().unwrap_or_else(|| panic!("nothing in {} ends with {end}", folder.display()));
    assert_eq!(fitting.next(), None, "several files end with {end}");
    first
}

/// A stand-in for Cargo that has built the program already: a copy of this test's own. maturin would build
/// every dependency again, with the features of one package, and it moves what it packs, which other tests
/// run.
fn cargo_with_program(folder: &Path) -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let mut metadata = Command::new(env!("CARGO"));
    metadata.args(["metadata", "--no-deps", "--offline", "--format-version", "1", "--manifest-path"]);
    let metadata: Value = serde_json::from_slice(&run(metadata.arg(&manifest)).stdout).unwrap();
    let mut packages = metadata["packages"].as_array().unwrap().iter();
    let package = packages.find(|package| package["name"] == "clorp-cli").unwrap();
    let mut targets = package["targets"].as_array().unwrap().iter();
    let target = targets.find(|target| target["kind"][0] == "bin").unwrap();
    let program = folder.join("clorp");
    fs::copy(PROGRAM, &program).unwrap();
    let artifact = json!({
        "reason": "compiler-artifact", "package_id": package["id"], "manifest_path": manifest, "target": target,
        "profile": { "opt_level": "0", "debuginfo": 1, "debug_assertions": true, "overflow_checks": true, "test": false },
        "features": [], "filenames": [program], "executable": program, "fresh": true,
    });
    let finished = json!({ "reason": "build-finished", "success": true });
    fs::write(folder.join("messages"), format!("{artifact}\n{finished}\n")).unwrap();
    let script = format!(
        "#!/bin/sh\n[ \"$1\" = rustc ] || exec '{cargo}' \"$@\"\ncat '{messages}'\n",
        cargo = env!("CARGO"),
        messages = folder.join("messages").display(),
    );
    let path = folder.join("cargo");
    fs::write(&path, script).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

#[test]
fn a_wheel_installs_the_program() {
    let bin = python_venv(&tools_dir().join("maturin"), &["maturin==1.16.0"]).unwrap();
    let work = tempfile::tempdir().unwrap();
    let mut build = Command::new(bin.join("maturin"));
    build.args(["build", "--profile", "dev", "--offline", "--auditwheel", "skip", "--out"]).arg(work.path());
    build.arg("--manifest-path").arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"));
    run(build.env("CARGO", cargo_with_program(work.path())));
    let wheel = found(work.path(), ".whl");
    assert!(wheel.file_name().unwrap().to_string_lossy().starts_with(&format!("clorp-{VERSION}-py3-none-")));
    let installed = work.path().join("installed");
    let mut install = Command::new(bin.join("python"));
    install.args(["-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--target"]);
    run(install.arg(&installed).arg(&wheel));
    check(&installed.join("bin/clorp"), &std::env::var_os("PATH").unwrap_or_default());
}

#[test]
fn an_npm_package_installs_the_program_of_the_platform() {
    let bin = node(&tools_dir().join("npm")).unwrap();
    let node = bin.join("node");
    let own = std::env::var_os("PATH").unwrap_or_default();
    let path =
        std::env::join_paths(std::iter::once(bin.to_owned()).chain(std::env::split_paths(&own))).unwrap();
    let work = tempfile::tempdir().unwrap();
    let platform = run(Command::new(&node).args(["-p", "`${process.platform}-${process.arch}`"]));
    let platform = String::from_utf8(platform.stdout).unwrap().trim().to_owned();
    let mut build = Command::new(&node);
    build.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("npm/build.mjs"));
    run(build.arg(VERSION).arg(work.path()).arg(format!("{platform}={PROGRAM}")));
    let mut tarballs = Vec::new();
    for package in ["clorp".to_owned(), format!("cli-{platform}")] {
        let mut pack = Command::new(bin.join("npm"));
        pack.args(["pack", "--offline", "--pack-destination"])
            .arg(work.path())
            .arg(work.path().join(&package));
        run(pack.env("PATH", &path));
        tarballs.push(work.path().join(format!("{}-{VERSION}.tgz", package.replace("cli-", "clorp-cli-"))));
    }
    let home = work.path().join("home");
    fs::create_dir(&home).unwrap();
    let mut install = Command::new(bin.join("npm"));
    install.args(["install", "--offline", "--no-audit", "--no-fund", "--prefix"]).arg(&home).args(&tarballs);
    run(install.env("PATH", &path));
    check(&home.join("node_modules/.bin/clorp"), &path);
}
