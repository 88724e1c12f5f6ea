//! The brief of a drop as files and variables, for the command.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use tempfile::TempDir;

use crate::api::Api;
use crate::api::types::Drop;
use crate::failure::{Failure, Result};
use crate::files::{LocalFile, save_all};

/// The longest value that becomes a variable. A longer one is in the file only.
const MAX_VARIABLE_BYTES: usize = 16 * 1024;

/// The folder of one drop. It is removed with this value.
pub struct Brief {
    folder: TempDir,
}

impl Brief {
    /// Writes the brief, and downloads its files.
    pub async fn write(api: &Api, drop: &Drop, json: &str) -> Result<Self> {
        let failed = |error: std::io::Error| Failure::local("writing the brief", &error);
        let folder = tempfile::Builder::new().prefix("clorp-").tempdir().map_err(failed)?;
        let brief = Self { folder };
        let context = serde_json::to_vec_pretty(&drop.env_vars).unwrap_or_default();
        let files = [
            ("drop.json", json.as_bytes()),
            ("prompt.txt", drop.prompt.raw().as_bytes()),
            ("context.json", context.as_slice()),
        ];
        for (name, bytes) in files {
            std::fs::write(brief.path(name), bytes).map_err(failed)?;
        }
        std::fs::create_dir(brief.path("output")).map_err(failed)?;
        save_all(api, &drop.attachments, &brief.path("attachments")).await?;
        Ok(brief)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The variables of the command. The context's names come from a stranger, so each gets a prefix: a
    /// context called `PATH` or `LD_PRELOAD` must not change how the command runs.
    pub fn environment(
        &self,
        drop: &Drop,
        payout_cents: i64,
        deadline: Option<Timestamp>,
    ) -> Vec<(String, OsString)> {
        let time =
            |time: Option<Timestamp>| OsString::from(time.map(|time| time.to_string()).unwrap_or_default());
        let mut variables: Vec<(String, OsString)> = [
            ("CLORP_DROP_ID", drop.id.raw().into()),
            ("CLORP_DROP_PACK", drop.pack.raw().into()),
            ("CLORP_DROP_FILE", self.path("drop.json").into()),
            ("CLORP_PROMPT_FILE", self.path("prompt.txt").into()),
            ("CLORP_CONTEXT_FILE", self.path("context.json").into()),
            ("CLORP_ATTACHMENTS", self.path("attachments").into()),
            ("CLORP_OUTPUT", self.path("output").into()),
            ("CLORP_PRICE_CENTS", drop.price_cents.to_string().into()),
            ("CLORP_PAYOUT_CENTS", payout_cents.to_string().into()),
            ("CLORP_WINDOW_CLOSES_AT", time(drop.window_closes_at)),
            ("CLORP_DEADLINE", time(deadline)),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        let is_name = |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let fits = |value: &str| value.len() <= MAX_VARIABLE_BYTES && !value.contains('\0');
        let context = drop.env_vars.iter().filter(|(name, value)| is_name(name) && fits(value.raw()));
        variables.extend(context.map(|(name, value)| (format!("CLORP_CONTEXT_{name}"), value.raw().into())));
        variables
    }

    /// The files that the command has left in its output folder, by name.
    pub fn outputs(&self) -> Result<Vec<LocalFile>> {
        let mut paths = Vec::new();
        let failed = |error: std::io::Error| Failure::local("reading the output folder", &error);
        for entry in std::fs::read_dir(self.path("output")).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            // A link could lead to any file of this machine.
            if entry.file_type().map_err(failed)?.is_file() {
                paths.push(entry.path());
            }
        }
        paths.sort();
        paths.iter().map(|path: &PathBuf| LocalFile::read(path as &Path)).collect()
    }
}
