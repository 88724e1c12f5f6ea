//! Answers of a model, kept in a file of JSON lines, so that no call is paid for twice.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;

use anyhow::{Context, Result};
use clorp_judge::model::{RawAnswer, Spent};
use serde::{Deserialize, Serialize};

/// The end of a call that was paid for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kept {
    /// A usable answer.
    Answer(RawAnswer),
    /// No usable answer. The model is not asked again.
    Failed {
        /// Fault of the answer.
        reason: String,
        /// Calls and tokens that were spent.
        spent: Spent,
    },
}

impl Kept {
    /// Calls and tokens that were spent.
    pub const fn spent(&self) -> Spent {
        match self {
            Self::Answer(answer) => answer.spent,
            Self::Failed { spent, .. } => *spent,
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Line {
    custom_id: String,
    /// Digest of the request.
    request: String,
    #[serde(flatten)]
    kept: Kept,
}

/// Answers by the name of the call and the digest of its request. An answer to another request of the same
/// name, with another seed for example, is not found.
#[derive(Debug)]
pub struct Answers {
    file: File,
    kept: BTreeMap<(String, String), Kept>,
}

impl Answers {
    /// Opens the file, and reads what was kept. Creates the file and its folder if they are missing. A line
    /// that was cut off by an interruption is removed.
    ///
    /// # Errors
    /// Fails if the file cannot be read or changed, or has a line that is no answer.
    pub fn open(path: &Path) -> Result<Self> {
        let name = path.display();
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
        }
        let file = OpenOptions::new().read(true).append(true).create(true).open(path);
        let mut file = file.with_context(|| format!("cannot open {name}"))?;
        let mut text = Vec::new();
        file.read_to_end(&mut text).with_context(|| format!("cannot read {name}"))?;
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        if whole < text.len() {
            text.truncate(whole);
            file.set_len(u64::try_from(whole)?).with_context(|| format!("cannot shorten {name}"))?;
        }
        let mut kept = BTreeMap::new();
        for (at, line) in text.split(|byte| *byte == b'\n').enumerate().filter(|(_, line)| !line.is_empty()) {
            let line: Line =
                serde_json::from_slice(line).with_context(|| format!("{name}: line {}", at + 1))?;
            kept.insert((line.custom_id, line.request), line.kept);
        }
        Ok(Self { file, kept })
    }

    /// What came of a call.
    pub fn get(&self, custom_id: &str, request: &str) -> Option<&Kept> {
        self.kept.get(&(custom_id.to_owned(), request.to_owned()))
    }

    /// Keeps what came of a call, in the file before anything else.
    ///
    /// # Errors
    /// Fails if the file cannot be written.
    pub fn keep(&mut self, custom_id: &str, request: &str, kept: Kept) -> Result<()> {
        let line = Line { custom_id: custom_id.to_owned(), request: request.to_owned(), kept };
        let text = format!("{}\n", serde_json::to_string(&line)?);
        self.file.write_all(text.as_bytes()).context("cannot keep an answer")?;
        self.kept.insert((line.custom_id, line.request), line.kept);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(body: &str) -> Kept {
        let spent = Spent { input_tokens: 7, output_tokens: 2, calls: 1 };
        let (model, latency_millis) = ("m".to_owned(), 12);
        Kept::Answer(RawAnswer { order: 3, body: body.to_owned(), model, spent, latency_millis })
    }

    #[test]
    fn answers_are_found_again_after_a_line_was_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/answers.jsonl");
        let failed = Kept::Failed { reason: "it was a refusal".to_owned(), spent: Spent::default() };
        let mut answers = Answers::open(&path).unwrap();
        answers.keep("r/first/0", "aa", answer("{}")).unwrap();
        answers.keep("r/first/1", "bb", failed.clone()).unwrap();
        drop(answers);
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, [&whole[..], b"{\"custom_id\": \"r/fi"].concat()).unwrap();
        let mut answers = Answers::open(&path).unwrap();
        answers.keep("r/first/2", "cc", answer("[]")).unwrap();
        let answers = Answers::open(&path).unwrap();
        assert_eq!(answers.get("r/first/0", "aa"), Some(&answer("{}")));
        assert_eq!(answers.get("r/first/1", "bb"), Some(&failed));
        assert_eq!(answers.get("r/first/2", "cc"), Some(&answer("[]")));
        assert_eq!(answers.get("r/first/0", "bb"), None, "an answer to another request is not found");
    }

    #[test]
    fn a_broken_line_before_the_last_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("answers.jsonl");
        std::fs::write(&path, "{}\n{}\n").unwrap();
        assert!(format!("{:#}", Answers::open(&path).unwrap_err()).contains("line 1"));
    }
}
