//! The counted tables of the documentation.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// The line before a counted table's rows begins with this.
const START: &str = "<!-- counted: ";

/// The line after a counted table's rows.
const END: &str = "<!-- end -->";

/// Serialises the tests' changes of the documents.
static DOCUMENT: Mutex<()> = Mutex::new(());

/// The document with the units of requests.
const UNITS: &str = "access-patterns.md";
/// The document with their prices.
const COST: &str = "cost.md";

fn path(document: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(document)
}

/// Compares the rows of a table of `docs/access-patterns.md`, between `<!-- counted: name -->` and
/// `<!-- end -->`, with the counted ones.
#[track_caller]
pub fn assert_rows(name: &str, counted: &[String]) {
    assert_rows_of(UNITS, name, counted);
}

/// Compares the rows of a table of `docs/cost.md` with the counted ones.
#[track_caller]
pub fn assert_cost_rows(name: &str, counted: &[String]) {
    assert_rows_of(COST, name, counted);
}

#[track_caller]
fn assert_rows_of(document: &str, name: &str, counted: &[String]) {
    let path = path(document);
    let _guard = DOCUMENT.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let text = std::fs::read_to_string(&path).unwrap();
    let mark = format!("{START}{name} -->\n");
    let (head, rest) = text.split_once(&mark).unwrap_or_else(|| panic!("no table {name}"));
    let (written, tail) = rest.split_once(END).unwrap();
    let counted = counted.join("\n");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, format!("{head}{mark}{counted}\n{END}{tail}")).unwrap();
    } else {
        assert_eq!(written.trim_end(), counted, "UPDATE_DOCS=1 rewrites docs/{document}");
    }
}

/// Leftovers of a merge, each with its line: rows outside a table, and marks of counted tables without their
/// counterpart.
fn leftovers(document: &str) -> Vec<String> {
    let lines: Vec<&str> = document.lines().collect();
    let is_row = |line: &str| line.starts_with('|');
    let is_rule =
        |line: &str| is_row(line) && line.contains("---") && line.chars().all(|c| "|-: ".contains(c));
    let (mut found, mut counted, mut seen) = (Vec::new(), false, Vec::new());
    for (i, &line) in lines.iter().enumerate() {
        let mut report = |problem: &str| found.push(format!("{}: {problem}: {line}", i + 1));
        let before = i.checked_sub(1).and_then(|i| lines.get(i)).copied().unwrap_or_default();
        if line.starts_with(START) {
            if counted {
                report("a counted table begins inside another");
            }
            if seen.contains(&line) {
                report("a counted table is there twice");
            }
            seen.push(line);
            counted = true;
        } else if line == END {
            if !counted {
                report("a counted table ends that did not begin");
            }
            counted = false;
        } else if is_row(line) && !is_row(before) && !lines.get(i + 1).is_some_and(|next| is_rule(next)) {
            report("a row stands outside a table");
        } else if counted && !is_row(line) {
            report("a counted table has a line that is no row");
        } else if ["<<<<<<<", "=======", ">>>>>>>"].iter().any(|mark| line.starts_with(mark)) {
            report("a merge left its mark");
        }
    }
    if counted {
        found.push(format!("{}: a counted table does not end", lines.len()));
    }
    found
}

#[test]
fn the_documents_have_no_leftovers_of_a_merge() {
    let _guard = DOCUMENT.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    for name in [UNITS, COST] {
        let document = std::fs::read_to_string(path(name)).unwrap();
        assert_eq!(leftovers(&document), Vec::<String>::new(), "docs/{name}");
    }
}

#[test]
fn each_leftover_of_a_merge_is_found() {
    let table = "<!-- counted: a -->\n| b | c |\n|---|--:|\n| 1 | 2 |\n<!-- end -->\n";
    let whole = format!("# A\n\n| d |\n|---|\n| 3 |\n\n{table}\nText\n");
    assert_eq!(leftovers(&whole), Vec::<String>::new());
    let row = "| 1 | 2 |\n";
    for (leftover, problems) in [
        (format!("{whole}\n{row}<!-- end -->\n"), vec!["15: a row", "16: a counted table ends"]),
        (format!("{whole}\n{row}{row}"), vec!["15: a row"]),
        (format!("{whole}<!-- end -->\n"), vec!["14: a counted table ends"]),
        (
            whole.replacen("<!-- end -->\n", "", 1),
            vec!["11: a counted table has", "12: a counted table has", "12: a counted table does"],
        ),
        (format!("{whole}{table}"), vec!["14: a counted table is there twice"]),
        (
            whole.replacen("| 1 | 2 |\n", "| 1 | 2 |\n\n| 1 | 2 |\n", 1),
            vec!["11: a counted table has", "12: a row"],
        ),
        (format!("{whole}=======\n>>>>>>> other\n"), vec!["14: a merge", "15: a merge"]),
    ] {
        let found = leftovers(&leftover);
        let as_expected = found.iter().zip(&problems).all(|(found, problem)| found.starts_with(problem));
        assert!(found.len() == problems.len() && as_expected, "{found:?} and not {problems:?}\n{leftover}");
    }
}
