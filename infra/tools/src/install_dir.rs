//! A folder for one installation, locked against concurrent ones.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// A folder for one installation. No other process installs to it while this value lives.
#[derive(Debug)]
pub struct InstallDir {
    path: PathBuf,
    // Dropping the file releases the lock.
    _lock: File,
}

impl InstallDir {
    /// Locks `path` against concurrent installations, and waits while another process holds the lock.
    ///
    /// # Errors
    /// Fails if the lock file beside the folder cannot be created.
    pub fn lock(path: &Path) -> Result<Self> {
        let path = std::path::absolute(path)?;
        let parent = path.parent().context("a tool needs its own folder")?;
        fs::create_dir_all(parent).with_context(|| format!("creating {}", parent.display()))?;
        let lock = path.with_added_extension("lock");
        let lock = File::create(&lock).with_context(|| format!("opening {}", lock.display()))?;
        lock.lock().with_context(|| format!("locking {}", path.display()))?;
        Ok(Self { path, _lock: lock })
    }

    /// The folder. It may not exist yet.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// True if an installation of exactly these packages was completed.
    pub fn holds(&self, packages: &str) -> bool {
        fs::read_to_string(self.marker()).is_ok_and(|list| list == packages)
    }

    /// Removes the folder with its contents.
    ///
    /// # Errors
    /// Fails if the file system does.
    pub fn clear(&self) -> Result<()> {
        match fs::remove_dir_all(&self.path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(error).with_context(|| format!("removing {}", self.path.display()))
            }
            _ => Ok(()),
        }
    }

    /// Marks these packages as installed. The marker is written last, so an interrupted installation is
    /// repeated.
    ///
    /// # Errors
    /// Fails if the file system does.
    pub fn complete(&self, packages: &str) -> Result<()> {
        fs::write(self.marker(), packages).context("writing the list of packages")
    }

    fn marker(&self) -> PathBuf {
        self.path.join("packages.txt")
    }
}
