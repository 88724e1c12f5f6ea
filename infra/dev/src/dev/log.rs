//! The functions' log: every line goes into a file, warnings and errors also onto the terminal.

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

/// Number of lines that [`Log::tail`] shows when something fails.
const TAIL: usize = 20;

/// A variable that cargo-lambda sets for every instance, and about which the Lambda runtime warns at each
/// start. The warning is harmless, and the developer cannot avoid it.
const EXPECTED_WARNING: &str = "AWS_LAMBDA_MAX_CONCURRENCY";

/// A log line that needs attention.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// A line to print.
    Show(String),
    /// An instance of a function ended unexpectedly. The text says how.
    InstanceEnded(String),
}

/// The log file, with its last lines in memory.
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
    /// Creates or truncates the file. Notices arrive at the receiver.
    ///
    /// # Errors
    /// Fails if the file cannot be created.
    pub fn create(path: &Path) -> Result<(Arc<Self>, mpsc::UnboundedReceiver<Notice>)> {
        let file = File::create(path).with_context(|| format!("creating {}", path.display()))?;
        let (notices, received) = mpsc::unbounded_channel();
        let inner = Mutex::new(Inner { file, tail: VecDeque::with_capacity(TAIL) });
        Ok((Arc::new(Self { inner, notices }), received))
    }

    /// Logs every line of `output` until it closes.
    pub async fn follow(self: Arc<Self>, output: impl AsyncRead + Unpin) {
        let mut output = BufReader::new(output);
        let mut line = Vec::new();
        while matches!(output.read_until(b'\n', &mut line).await, Ok(1..)) {
            self.take_in(String::from_utf8_lossy(&line).trim_end());
            line.clear();
        }
    }

    /// The last lines of the log, indented.
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
            // The receiver is gone while the stack stops.
            let _received = self.notices.send(notice);
        }
    }
}

/// The notice in `line`; `None` for an ordinary line.
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

/// Formats a function's own log line if it is a warning or an error: level, message, other fields.
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
    fn only_warnings_errors_and_ended_instances_reach_the_terminal() {
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
            // Tests have no terminal, so `Style` adds no colours.
            assert_eq!(notice(line, plain), expect, "{line}");
        }
    }

    #[tokio::test]
    async fn the_file_has_every_line_and_the_tail_the_last_ones() {
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
