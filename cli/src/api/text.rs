//! Text from the API.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::clean::{clean, one_line};

/// A text from the API, which somebody else may have written. It is displayed without control sequences, so
/// no format string can let one through.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Text(String);

impl Text {
    /// The text as it was received: for files, requests and programs, never for a terminal.
    pub fn raw(&self) -> &str {
        &self.0
    }

    /// The text on one line.
    pub fn line(&self) -> String {
        one_line(&self.0)
    }

    /// The text on one line of at most this many columns.
    pub fn excerpt(&self, columns: usize) -> String {
        crate::output::fit(&self.line(), columns)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&clean(&self.0))
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        self.0 == other
    }
}
