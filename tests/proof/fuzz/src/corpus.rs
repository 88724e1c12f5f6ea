//! The corpus: inputs that are kept in files, one folder for each target. A test reads them before any other.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::Target;

/// The folder of a target's corpus.
pub fn folder(target: &Target) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target.name)
}

/// The kept inputs of a target, with the names of their files, in the order of the names.
pub fn read(target: &Target) -> Vec<(String, Vec<u8>)> {
    let entries = std::fs::read_dir(folder(target)).into_iter().flatten().flatten();
    let mut inputs: Vec<(String, Vec<u8>)> = entries
        .filter_map(|entry| {
            let input = std::fs::read(entry.path()).ok()?;
            Some((entry.file_name().to_string_lossy().into_owned(), input))
        })
        .collect();
    inputs.sort();
    inputs
}

/// Keeps an input, and returns its file.
///
/// # Errors
/// The file cannot be written.
pub fn keep(target: &Target, input: &[u8]) -> std::io::Result<PathBuf> {
    let digest: String = Sha256::digest(input).iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    let path = folder(target).join(format!("found-{digest}"));
    std::fs::create_dir_all(folder(target))?;
    std::fs::write(&path, input)?;
    Ok(path)
}
