//! The conditions of the store's writes, each left out in turn.
//!
//! The build has one more switch: [`LEFT_OUT`] names the place of a condition, which then always holds.

use std::fs;
use std::path::Path;

use anyhow::{Result, ensure};

use crate::tree::root;

/// The environment variable with the place of the condition that a run leaves out: file, line and column.
pub const LEFT_OUT: &str = "CLORP_LEFT_OUT";
/// The text on standard error that tells that the chosen condition was part of a write.
pub const REACHED: &str = "the condition that is left out was part of a write";

/// The conditions whose absence nothing notices, by name, each with the reason.
pub const REDUNDANT: &[(&str, &str)] = &[];

/// The store's source.
const STORE: &str = "shared/store/src";
/// The file with the methods that require something of an item.
pub const UPDATE: &str = "shared/store/src/table/update.rs";
/// The file with the transactions.
pub const TRANSACTION: &str = "shared/store/src/table/transaction.rs";
/// The file of the table's module.
pub const TABLE: &str = "shared/store/src/table/mod.rs";

/// A condition in the store's source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// The file, below the root of the workspace.
    pub file: String,
    /// The line, from one.
    pub line: usize,
    /// The column of the method's name, from one.
    pub column: usize,
    /// The name of the function around it.
    pub function: String,
    /// The call, as far as it is in this line.
    pub text: String,
    /// Its number among the conditions of this text in the function, from one.
    pub number: usize,
}

impl Condition {
    /// The place, as the switch takes it.
    pub fn place(&self) -> String {
        format!("{}:{}:{}", self.file, self.line, self.column)
    }

    /// The name of the condition that does not change with the lines around it.
    pub fn name(&self) -> String {
        let file = self.file.rsplit('/').next().unwrap_or_default();
        let number = if self.number > 1 { format!(" ({})", self.number) } else { String::new() };
        format!("{file}, {}: {}{number}", self.function, self.text)
    }
}

/// Every condition in the store's source, tests and the table's own module left out.
///
/// # Errors
/// Fails if the source cannot be read.
pub fn all() -> Result<Vec<Condition>> {
    let mut found = Vec::new();
    for folder in [STORE.to_owned(), format!("{STORE}/items")] {
        let mut files: Vec<_> = fs::read_dir(root().join(&folder))?.collect::<Result<_, _>>()?;
        files.sort_by_key(fs::DirEntry::file_name);
        for file in files {
            let name = file.file_name().to_string_lossy().into_owned();
            if Path::new(&name).extension().is_some_and(|extension| extension == "rs") {
                found.extend(of_file(&format!("{folder}/{name}"), &fs::read_to_string(file.path())?));
            }
        }
    }
    ensure!(!found.is_empty(), "no condition in {STORE}");
    Ok(found)
}

/// The conditions of one file.
pub fn of_file(file: &str, text: &str) -> Vec<Condition> {
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    let mut found: Vec<Condition> = Vec::new();
    let mut function = "";
    for (number, line) in code.lines().enumerate() {
        if let Some((_, after)) = line.split_once("fn ").filter(|_| !line.trim_start().starts_with("//")) {
            function = after.split(['(', '<']).next().unwrap_or_default();
        }
        for call in [".require", "tx.create("] {
            for (at, _) in line.match_indices(call) {
                let name = at + call.find('.').unwrap_or_default() + 1;
                let text = call_at(&line[name..]);
                let alike = |one: &&Condition| one.function == function && one.text == text;
                found.push(Condition {
                    file: file.to_owned(),
                    line: number + 1,
                    column: line[..name].chars().count() + 1,
                    function: function.to_owned(),
                    number: found.iter().filter(alike).count() + 1,
                    text: text.to_owned(),
                });
            }
        }
    }
    found
}

/// The call with which a text begins, up to its closing parenthesis if the text has it.
fn call_at(text: &str) -> &str {
    let mut depth = 0;
    let ends = text.char_indices().find(|(_, char)| {
        depth += i32::from(*char == '(') - i32::from(*char == ')');
        *char == ')' && depth == 0
    });
    ends.map_or(text, |(at, _)| &text[..=at])
}

/// A file of the store with the switch compiled in. Other files stay as they are.
///
/// # Errors
/// Fails if the file does not have the texts that the switch replaces.
pub fn instrumented(file: &str, text: String) -> Result<String> {
    match file {
        UPDATE => update(&text),
        TRANSACTION => transaction(&text),
        TABLE => Ok(format!("{text}\n{SWITCH}")),
        _ => Ok(text),
    }
}

/// Tells every leaf of a condition where it was asked for.
fn update(text: &str) -> Result<String> {
    const PUSH: &str = "self.conditions.push(";
    let tracked = text.replace("    pub(crate) fn require", "    #[track_caller]\n    pub(crate) fn require");
    let lines = tracked.lines().map(|line| match line.trim_start().strip_prefix(PUSH) {
        Some(rest) => {
            let condition = rest.strip_suffix(");").unwrap_or(rest);
            format!("{PUSH}crate::table::unless_left_out({condition}));")
        }
        None => line.to_owned(),
    });
    let switched: Vec<String> = lines.collect();
    ensure!(tracked.matches(PUSH).count() >= 5, "{UPDATE} has too few conditions");
    Ok(switched.join("\n"))
}

/// The same for the condition of an item that is created.
fn transaction(text: &str) -> Result<String> {
    let mut text = text.to_owned();
    for (find, replace) in [
        ("    pub(crate) fn create(", "    #[track_caller]\n    pub(crate) fn create("),
        ("    pub(crate) fn require_absent(", "    #[track_caller]\n    pub(crate) fn require_absent("),
        ("self.creates.insert(key, item);", "self.creates.insert(key, crate::table::marked(item));"),
        (
            "fn put(table: &str, item: Item) -> Result<Put, Error> {",
            "fn put(table: &str, item: Item) -> Result<Put, Error> {\n    let (item, condition) = crate::table::unmarked(item);",
        ),
        (r#".condition_expression("attribute_not_exists(pk)")"#, ".condition_expression(condition)"),
    ] {
        ensure!(
            text.matches(find).count() == 1,
            "{TRANSACTION} has {} times: {find}",
            text.matches(find).count()
        );
        text = text.replace(find, replace);
    }
    Ok(text)
}

/// The switch, in the table's module.
pub const SWITCH: &str = r##"
const MARK: &str = "left out";

#[track_caller]
pub(crate) fn unless_left_out(condition: String) -> String {
    if is_left_out() {
        // The names and values of the condition must still be used.
        return format!("({condition} OR attribute_exists(pk) OR attribute_not_exists(pk))");
    }
    condition
}

#[track_caller]
pub(crate) fn marked(mut item: Item) -> Item {
    if is_left_out() {
        item.insert(MARK.to_owned(), s(""));
    }
    item
}

pub(crate) fn unmarked(mut item: Item) -> (Item, &'static str) {
    match item.remove(MARK) {
        Some(_) => (item, "attribute_exists(pk) OR attribute_not_exists(pk)"),
        None => (item, "attribute_not_exists(pk)"),
    }
}

#[track_caller]
fn is_left_out() -> bool {
    static CHOSEN: std::sync::OnceLock<Option<(String, u32, u32)>> = std::sync::OnceLock::new();
    static TOLD: std::sync::Once = std::sync::Once::new();
    let chosen = CHOSEN.get_or_init(|| {
        let place = std::env::var("CLORP_LEFT_OUT").ok()?;
        let mut parts = place.rsplitn(3, ':');
        let (column, line) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        Some((parts.next()?.to_owned(), line, column))
    });
    let Some((file, line, column)) = chosen else { return false };
    let caller = std::panic::Location::caller();
    let is = (caller.line(), caller.column()) == (*line, *column) && caller.file().ends_with(file.as_str());
    if is {
        TOLD.call_once(|| eprintln!("the condition that is left out was part of a write"));
    }
    is
}
"##;
