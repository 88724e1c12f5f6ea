//! Deliberately broken builds of the backend, which the simulation must tell from the real one.
//!
//! All breakages are compiled into one build of a copy of the sources, each beside the text that it
//! replaces. The environment variable [`SWITCH`] chooses one. So thirty breakages cost one build, and the
//! build without a choice is the real one. Another variable leaves out one of the store's
//! [`conditions`].

pub mod breakages;
pub mod conditions;
pub mod harmless;
pub mod tree;

use anyhow::{Result, ensure};

/// The environment variable that names the breakage of a run.
pub const SWITCH: &str = "CLORP_BROKEN";

/// A breakage that the simulation must find.
#[derive(Clone, Copy, Debug)]
pub struct Breakage {
    /// The name, in kebab case.
    pub name: &'static str,
    /// The rule that it breaks, as a sentence.
    pub breaks: &'static str,
    /// Number of seeds, from the first one on, among which one must fail.
    pub seeds: u64,
    /// The changes of the sources.
    pub changes: &'static [Change],
}

/// A change of the sources.
#[derive(Clone, Copy, Debug)]
pub struct Change {
    /// The file, below the root of the workspace.
    pub file: &'static str,
    /// An expression, or statements that end with a semicolon. The file has this text once.
    pub find: &'static str,
    /// The expression or the statements in its place.
    pub broken: &'static str,
}

impl Change {
    /// The place of the text in its file.
    ///
    /// # Errors
    /// Fails if the file does not have the text, or has it more than once.
    pub fn place(&self, text: &str) -> Result<usize> {
        let places: Vec<usize> = text.match_indices(self.find).map(|(place, _)| place).collect();
        ensure!(places.len() == 1, "{} has {} times: {}", self.file, places.len(), self.find);
        Ok(places.first().copied().unwrap_or_default())
    }

    /// Both texts, of which the switch chooses one.
    pub fn switched(&self, name: &str) -> String {
        let Self { find, broken, .. } = self;
        let chosen = format!("std::env::var_os({SWITCH:?}).is_some_and(|name| name == {name:?})");
        let both = format!("if {chosen} {{ {broken} }} else {{ {find} }}");
        if find.ends_with(';') { both } else { format!("({both})") }
    }
}

/// The text of a file with all of its breakages compiled in.
///
/// # Errors
/// Fails if a text is not there exactly once, or two changes overlap.
pub fn switched(file: &str, text: &str, breakages: &[&Breakage]) -> Result<String> {
    let mut changes = Vec::new();
    for breakage in breakages {
        for change in breakage.changes.iter().filter(|change| change.file == file) {
            changes.push((change.place(text)?, *change, breakage.name));
        }
    }
    changes.sort_by_key(|(place, ..)| *place);
    let (mut switched, mut end) = (String::new(), 0);
    for (place, change, name) in changes {
        ensure!(place >= end, "{file}: the change of {name} overlaps another one");
        switched.push_str(text.get(end..place).unwrap_or_default());
        switched.push_str(&change.switched(name));
        end = place + change.find.len();
    }
    switched.push_str(text.get(end..).unwrap_or_default());
    Ok(switched)
}
