//! Paths of the local stack's files, and functions that write and remove them.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tempfile::NamedTempFile;

/// The root of this workspace.
pub fn workspace_root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize().unwrap_or(root)
}

/// The default data directory of the stack.
pub fn default_data_dir() -> PathBuf {
    workspace_root().join(".local")
}

/// A path for messages, relative to the workspace's root if it lies inside.
pub fn display(path: &Path) -> String {
    path.strip_prefix(workspace_root()).unwrap_or(path).display().to_string()
}

/// Writes `value` as JSON, atomically: readers find the old file or the whole new one, even after a crash.
/// Only the owner can read the file (mode 0600).
///
/// # Errors
/// Fails if the file cannot be written.
pub fn write_json(path: &Path, value: &impl Serialize) -> Result<()> {
    let write = || -> Result<()> {
        let directory = path.parent().context("no directory")?;
        // A temporary file has mode 0600 from the start, so no other user can ever read the keys in it.
        let mut file = NamedTempFile::new_in(directory)?;
        serde_json::to_writer_pretty(&mut file, value)?;
        file.write_all(b"\n")?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        Ok(())
    };
    write().with_context(|| format!("writing {}", display(path)))
}

/// Reads a JSON file; `None` if there is no such file.
///
/// # Errors
/// Fails if the file cannot be read or parsed.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    let text = match std::fs::read(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        text => text.with_context(|| format!("reading {}", display(path)))?,
    };
    let value = serde_json::from_slice(&text);
    value.map(Some).with_context(|| format!("{} is damaged", display(path)))
}

/// Removes a file if it exists.
///
/// # Errors
/// Fails if the file cannot be removed.
pub fn remove(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("removing {}", display(path)))
        }
        _ => Ok(()),
    }
}

/// Removes a folder and its contents if it exists.
///
/// # Errors
/// Fails if the folder cannot be removed.
pub fn remove_folder(path: &Path) -> Result<()> {
    match std::fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("removing {}", display(path)))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_written_file_is_complete_and_private() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("keys.json");
        for value in ["one", "two"] {
            write_json(&path, &value).unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), format!("\"{value}\"\n"));
        }
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(directory.path().read_dir().unwrap().count(), 1);
        remove(&path).unwrap();
        remove(&path).unwrap();
    }
}
