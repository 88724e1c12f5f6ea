//! The functions' log: all of it into a file, what a person must see onto the terminal.

use std::collections::VecDeque;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::sync::mpsc;

use crate::term::Style;

/// How many lines are kept for a message about a failure.
const TAIL: usize = 20;

/// The variable that cargo-lambda sets for every instance and about which the Lambda runtime warns each time one
/// starts. It changes nothing, and nobody at the terminal can do anything about it.
const EXPECTED_WARNING: &str = "AWS_LAMBDA_MAX_CONCURRENCY";

/// A line of the functions' log that matters now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// To be shown.
    Show(String),
    /// An instance of a function ended although nobody asked it to.
    InstanceEnded(String),
}

/// The log file, and the end of it in memory.
#[derive(Debug)]
pub struct Log {
    inner: Mutex<Inner>,
    notices: mpsc::UnboundedSender<Notice>,
}

#[derive(Debug)]
struct Inner {
    file: File,
    tail: VecDeque<String>,
}

impl Log {
    /// Starts the file anew. Lines that matter come out of the receiver.
    ///
    /// # Errors
    /// The file system's.
    pub fn create(path: &Path) -> Result<(Arc<Self>, mpsc::UnboundedReceiver<Notice>)> {
        let file = File::create(path).with_context(|| format!("creating {}", path.display()))?;
        let (notices, received) = mpsc::unbounded_channel();
        let inner = Mutex::new(Inner { file, tail: VecDeque::with_capacity(TAIL) });
        Ok((Arc::new(Self { inner, notices }), received))
    }

    /// Takes in everything that `output` says until it closes.
    pub async fn follow(self: Arc<Self>, output: impl AsyncRead + Unpin) {
        let mut output = BufReader::new(output);
        let mut line = Vec::new();
        while matches!(output.read_until(b'\n', &mut line).await, Ok(1..)) {
            self.take_in(String::from_utf8_lossy(&line).trim_end());
            line.clear();
        }
    }

    /// The last lines, indented.
    pub fn tail(&self) -> String {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.tail.iter().map(|line| format!("    {line}\n")).collect()
    }

    fn take_in(&self, line: &str) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        // A full disk must not stop the functions; the terminal still shows what matters.
        let _written = writeln!(inner.file, "{line}");
        if inner.tail.len() == TAIL {
            inner.tail.pop_front();
        }
        inner.tail.push_back(line.to_owned());
        drop(inner);
        if let Some(notice) = notice(line, Style::stdout()) {
            // Nobody receives while the stack is going down.
            let _received = self.notices.send(notice);
        }
    }
}

/// What `line` means to the person at the terminal; `None` for the everyday.
fn notice(line: &str, style: Style) -> Option<Notice> {
    if let Ok(Value::Object(fields)) = serde_json::from_str(line) {
        return from_function(&Value::Object(fields), style).map(Notice::Show);
    }
    let text = line.trim_start();
    for (ending, how) in [
        ("ERROR command exited code=", "exited with code "),
        ("ERROR command ended by exception code=", "ended by "),
    ] {
        if let Some(code) = text.strip_prefix(ending) {
            return Some(Notice::InstanceEnded(format!("{how}{code}")));
        }
    }
    let shown = text.contains("panicked at") || text.starts_with("error:") || text.starts_with("error[");
    shown.then(|| Notice::Show(style.red(text)))
}

/// A function's own log line, if it is a warning or an error: its level, its message and its other fields.
fn from_function(line: &Value, style: Style) -> Option<String> {
    let level = match line["level"].as_str()? {
        "ERROR" => style.red("ERROR"),
        "WARN" => style.yellow("WARN"),
        _ => return None,
    };
    let mut parts = vec![level];
    let fields = line["fields"].as_object().or_else(|| line.as_object())?;
    if fields.get("message").and_then(Value::as_str).is_some_and(|text| text.contains(EXPECTED_WARNING)) {
        return None;
    }
    let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    parts.extend(fields.get("message").map(plain));
    let beside =
        |name: &str| !matches!(name, "message" | "level" | "timestamp" | "target" | "span" | "spans");
    let others = fields.iter().filter(|(name, _)| beside(name));
    parts.extend(others.map(|(name, value)| style.dim(&format!("{name}={}", plain(value)))));
    Some(parts.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_matters_reaches_the_terminal() {
        let plain = Style::stdout();
        let show = |text: &str| Some(Notice::Show(text.to_owned()));
        for (line, expect) in [
            ("    Finished `dev` profile [unoptimized + debuginfo] target(s) in 0.22s", None),
            ("    Blocking waiting for file lock on package cache", None),
            (" INFO spawning function instance function=\"drops\"", None),
            ("ERROR command killed code=ForceStop", None),
            (r#"{"level":"INFO","fields":{"message":"request","status":200},"target":"t"}"#, None),
            (
                r#"{"level":"ERROR","fields":{"message":"no table","table":"clorp","tries":3},"target":"t"}"#,
                show("ERROR no table table=clorp tries=3"),
            ),
            (
                r#"{"level":"WARN","fields":{"message":"AWS_LAMBDA_MAX_CONCURRENCY is set to '1', but"}}"#,
                None,
            ),
            (r#"{"timestamp":"x","level":"WARN","message":"slow","ms":7}"#, show("WARN slow ms=7")),
            ("error[E0425]: cannot find value `x`", show("error[E0425]: cannot find value `x`")),
            (
                "thread 'main' panicked at src/main.rs:1:1:",
                show("thread 'main' panicked at src/main.rs:1:1:"),
            ),
            ("ERROR command exited code=3", Some(Notice::InstanceEnded("exited with code 3".to_owned()))),
            ("", None),
        ] {
            // Tests have no terminal, so there are no colours in the way.
            assert_eq!(notice(line, plain), expect, "{line}");
        }
    }

    #[tokio::test]
    async fn everything_is_kept_in_the_file_and_the_end_of_it_at_hand() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("functions.log");
        let (log, mut notices) = Log::create(&path).unwrap();
        let text: String = (0..30).map(|i| format!("line {i}\n")).collect::<String>() + "error: \u{fffd}";
        Arc::clone(&log).follow(text.as_bytes()).await;
        assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 31);
        assert_eq!(log.tail().lines().count(), TAIL);
        assert!(log.tail().ends_with("    error: \u{fffd}\n"));
        assert!(matches!(notices.try_recv(), Ok(Notice::Show(_))));
        assert!(notices.try_recv().is_err());
    }
}
