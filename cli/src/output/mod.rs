//! Output: text for people on a terminal, and JSON for programs.

mod format;
mod progress;
mod style;
mod table;

use std::io::{self, IsTerminal, Write};

use serde_json::Value;

use crate::clean::escape_json;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
pub use format::{ago, dollars, fit, left, plural};
pub use progress::Progress;
pub use style::Style;
pub use table::Table;

/// The place where a command's results go.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    /// True if results are JSON.
    pub json: bool,
    /// True if a person can answer a question.
    pub interactive: bool,
    /// True if output may move: a countdown, a reveal line by line.
    pub animated: bool,
    /// Style of standard output.
    pub style: Style,
    /// Style of standard error.
    errors: Style,
}

impl Output {
    /// The output of this process. JSON where it is asked for, or where no terminal reads.
    pub fn new(json: bool) -> Self {
        let terminal = io::stdout().is_terminal();
        let json = json || !terminal;
        let style = Style::detect(terminal && !json);
        let errors = Style::detect(io::stderr().is_terminal());
        let interactive = !json && io::stdin().is_terminal() && io::stderr().is_terminal();
        Self { json, interactive, animated: style.is_coloured() && interactive, style, errors }
    }

    /// Prints a result: a JSON text for programs, or what `human` renders.
    pub fn show(&self, json: &str, human: impl FnOnce(Style) -> String) -> Result<()> {
        if self.json { self.print_json(json) } else { self.print(&human(self.style)) }
    }

    /// Prints a JSON value on one line.
    pub fn print_value(&self, value: &Value) -> Result<()> {
        self.print_json(&value.to_string())
    }

    /// Prints a JSON text, which is one line.
    pub fn print_json(&self, json: &str) -> Result<()> {
        write(&format!("{}\n", escape_json(json)))
    }

    /// Prints lines for people.
    pub fn print(&self, text: &str) -> Result<()> {
        write(&format!("{text}\n"))
    }

    /// Tells a person on standard error what goes on. Programs read no such lines.
    pub fn note(&self, text: &str) {
        if !self.json {
            // A closed standard error has no reader.
            let _ = writeln!(io::stderr(), "{}", self.errors.dim(text));
        }
    }

    /// Prints a warning on standard error.
    pub fn warn(&self, text: &str) {
        let _ = writeln!(io::stderr(), "{} {text}", self.errors.yellow("warning:"));
    }

    /// Prints a failure on standard error: a sentence, or an object for programs.
    pub fn fail(&self, failure: &Failure) {
        if failure.is_silent() {
            return;
        }
        let line = if self.json {
            escape_json(&failure.json().to_string()).into_owned()
        } else {
            format!("{} {}", self.errors.red("error:"), failure.sentence())
        };
        let _ = writeln!(io::stderr(), "{line}");
    }

    /// Asks a person for permission, with "no" as the default.
    pub fn confirm(&self, question: &str) -> Result<bool> {
        let _ = write!(io::stderr(), "{} [y/N] ", self.errors.bold(question));
        let _ = io::stderr().flush();
        let mut line = String::new();
        io::stdin().read_line(&mut line).map_err(|error| Failure::local("reading the answer", &error))?;
        Ok(matches!(line.trim().to_lowercase().as_str(), "y" | "yes"))
    }

    /// Asks for permission unless it was given with `-y`. Without a terminal that is required.
    pub fn permit(&self, given: bool, question: &str) -> Result<()> {
        if given {
            return Ok(());
        }
        if !self.interactive {
            let hint = "pass -y to go ahead, or --dry-run to look first";
            return Err(Failure::usage("this needs a confirmation, and there is no terminal to ask on")
                .with_hint(hint));
        }
        if self.confirm(question)? { Ok(()) } else { Err(Failure::new(Exit::Failure, "nothing was done")) }
    }
}

/// Writes to standard output. A reader that has gone away, such as `head`, ends the command quietly.
fn write(text: &str) -> Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(Failure::silent(Exit::Success)),
        Err(error) => Err(Failure::local("writing to standard output", &error)),
    }
}
