//! The copy of the sources into which the breakages are compiled.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use anyhow::{Context, Result, bail, ensure};

use crate::{Breakage, conditions, switched};

/// The root of the workspace.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..")
}

/// The folder of the sources in the copy. The workspace's manifest is above it: cargo tells the crates of two
/// workspaces in one target directory apart by their paths below the workspace only.
const FOLDER: &str = "tree";

/// The programs that are built.
pub const PROGRAMS: [&str; 2] = ["clorp-simulate", "clorp-crash-points"];

/// A copy of the sources below cargo's target directory, and the programs that are built from it.
#[derive(Debug)]
pub struct Tree {
    target: PathBuf,
    profile: String,
}

impl Tree {
    /// The copy for a profile of cargo.
    ///
    /// # Errors
    /// Fails if the workspace's directory cannot be resolved.
    pub fn new(profile: &str) -> Result<Self> {
        let target = match env::var_os("CARGO_TARGET_DIR") {
            Some(target) => PathBuf::from(target),
            None => root().canonicalize().context("the workspace")?.join("target"),
        };
        Ok(Self { target: std::path::absolute(target)?, profile: profile.to_owned() })
    }

    fn copy(&self) -> PathBuf {
        self.target.join("broken/workspace")
    }

    /// A program with all breakages compiled in: one of [`PROGRAMS`].
    pub fn program(&self, name: &str) -> PathBuf {
        self.target.join("broken").join(name)
    }

    /// Copies the sources with all breakages compiled in. A file that is the same already keeps its time, so
    /// that cargo compiles what has changed.
    ///
    /// # Errors
    /// Fails if git cannot list the files, a file cannot be copied, or a breakage does not fit its file.
    pub fn write(&self, breakages: &[&Breakage]) -> Result<()> {
        let mut broken: BTreeMap<&str, String> = BTreeMap::new();
        for file in breakages.iter().flat_map(|breakage| breakage.changes).map(|change| change.file) {
            let text = fs::read_to_string(root().join(file)).with_context(|| file.to_owned())?;
            broken.insert(file, switched(file, &text, breakages)?);
        }
        let files = sources()?;
        for file in &files {
            let contents = match broken.get(file.as_str()) {
                Some(text) => text.clone().into_bytes(),
                None => match fs::read(root().join(file)) {
                    Ok(contents) => contents,
                    // A file that git knows may have been deleted since.
                    Err(_) => continue,
                },
            };
            let contents = match String::from_utf8(contents) {
                Ok(text) => conditions::instrumented(file, text)?.into_bytes(),
                Err(error) => error.into_bytes(),
            };
            let contents = if file == "Cargo.toml" { moved(&contents)?.into_bytes() } else { contents };
            let place = self.copy().join(place(file));
            if fs::read(&place).is_ok_and(|known| known == contents) {
                continue;
            }
            fs::create_dir_all(place.parent().context("a file without a folder")?)?;
            fs::write(&place, contents).with_context(|| place.display().to_string())?;
        }
        let places = files.iter().map(|file| place(file)).collect();
        remove_others(&self.copy(), &self.copy(), &places)
    }

    /// Builds the programs. Dependencies outside the workspace are those that the workspace itself has
    /// compiled under this profile.
    ///
    /// # Errors
    /// Fails if a breakage does not compile.
    pub fn build(&self) -> Result<()> {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        // By the binary and not by its package, so that dependencies have the features of the workspace.
        let built = Command::new(cargo)
            .args(["build", "--quiet", "--profile", &self.profile])
            .args(PROGRAMS.iter().flat_map(|name| ["--bin", name]))
            .current_dir(self.copy())
            .env("CARGO_TARGET_DIR", &self.target)
            .output()
            .context("cargo")?;
        // The warnings are about texts that lie in braces here, so only a failure is shown.
        let said = String::from_utf8_lossy(&built.stderr);
        ensure!(built.status.success(), "the breakages do not compile:\n{said}");
        let folder = if self.profile == "dev" { "debug" } else { &self.profile };
        for name in PROGRAMS {
            let built = self.target.join(folder).join(name);
            // The next build of the workspace replaces the program.
            fs::copy(&built, self.program(name)).with_context(|| built.display().to_string())?;
        }
        Ok(())
    }
}

/// The place of a file in the copy.
fn place(file: &str) -> String {
    let is_above = ["Cargo.toml", "Cargo.lock", "rust-toolchain.toml"].contains(&file);
    if is_above || file.starts_with(".cargo/") { file.to_owned() } else { format!("{FOLDER}/{file}") }
}

/// The workspace's manifest, with the paths of its members below the folder.
fn moved(manifest: &[u8]) -> Result<String> {
    let none = "a manifest without members";
    let (before, after) = std::str::from_utf8(manifest)?.split_once("members = [").context(none)?;
    let (members, after) = after.split_once(']').context(none)?;
    let members = members.replace(" \"", &format!(" \"{FOLDER}/"));
    let members = members.replacen('"', &format!("\"{FOLDER}/"), 1);
    let after = after.replace("{ path = \"", &format!("{{ path = \"{FOLDER}/"));
    Ok(format!("{before}members = [{members}]{after}"))
}

/// The files that git knows or would know.
fn sources() -> Result<BTreeSet<String>> {
    let listed = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .context("git")?;
    if !listed.status.success() {
        bail!("git cannot list the files: {}", String::from_utf8_lossy(&listed.stderr));
    }
    let listed = String::from_utf8(listed.stdout).context("a path that is not UTF-8")?;
    Ok(listed.split('\0').filter(|file| !file.is_empty()).map(str::to_owned).collect())
}

/// Removes what an earlier copy has and the sources do not have.
fn remove_others(top: &Path, folder: &Path, files: &BTreeSet<String>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            remove_others(top, &path, files)?;
        } else if path.strip_prefix(top)?.to_str().is_none_or(|file| !files.contains(file)) {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}
