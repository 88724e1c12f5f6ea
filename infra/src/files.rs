//! Where the local stack keeps things, and how it writes them.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tempfile::NamedTempFile;

/// The root of this workspace.
pub fn workspace_root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    root.canonicalize().unwrap_or(root)
}

/// The directory where the stack keeps its data unless told otherwise.
pub fn default_data_dir() -> PathBuf {
    workspace_root().join(".local")
}

/// `path` as a person in the workspace's root would type it.
pub fn display(path: &Path) -> String {
    path.strip_prefix(workspace_root()).unwrap_or(path).display().to_string()
}

/// Writes `value` as JSON, for its owner's eyes only (mode 0600): readers find the old file or the whole new one,
/// even after a crash.
///
/// # Errors
/// The file system's.
pub fn write_json(path: &Path, value: &impl Serialize) -> Result<()> {
    let write = || -> Result<()> {
        let directory = path.parent().context("no directory")?;
        // A temporary file is 0600 from the start, so that the keys in it are never readable to others.
        let mut file = NamedTempFile::new_in(directory)?;
        serde_json::to_writer_pretty(&mut file, value)?;
        file.write_all(b"\n")?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        Ok(())
    };
    write().with_context(|| format!("writing {}", display(path)))
}

/// The value in a JSON file; `None` if there is no such file.
///
/// # Errors
/// When it cannot be read or understood.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    let text = match std::fs::read(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        text => text.with_context(|| format!("reading {}", display(path)))?,
    };
    let value = serde_json::from_slice(&text);
    value.map(Some).with_context(|| format!("{} is damaged", display(path)))
}

/// Removes a file that may not be there.
///
/// # Errors
/// The file system's.
pub fn remove(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("removing {}", display(path)))
        }
        _ => Ok(()),
    }
}

/// Removes a folder, with what is in it, that may not be there.
///
/// # Errors
/// The file system's.
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
    fn what_is_written_is_whole_and_private() {
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
