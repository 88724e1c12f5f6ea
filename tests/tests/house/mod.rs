//! Rules for prose and for size, checked over every file that git knows. Comments name their subject, fit the
//! page and leave nothing to do. API descriptions say something. Tests are named as claims. Functions stay
//! short.

mod codes;
mod document;
mod functions;
mod prose;
mod source;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use clorp_http::error_codes::ERROR_CODES;
use source::Source;

/// A place that breaks a rule: file, line, and the text there.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    path: String,
    line: usize,
    text: String,
}

/// A file of the tree, by its path from the root.
struct Tracked {
    path: String,
    text: String,
}

/// Every text file that git tracks or would track. Ignored files are absent, and so are Cargo's own records.
fn tracked() -> Vec<Tracked> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut command = Command::new("git");
    command.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let output = command.current_dir(&root).output().expect("git lists the files of the tree");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let names = String::from_utf8(output.stdout).unwrap();
    let paths = names.split('\0').filter(|path| !path.is_empty() && !path.ends_with(".lock"));
    // A deleted file is still listed, and a file that is no text has no prose.
    let read = |path: &str| Some(Tracked { path: path.to_owned(), text: read(root.join(path))? });
    paths.filter_map(read).collect()
}

fn read(path: PathBuf) -> Option<String> {
    std::fs::read_to_string(path).ok()
}

/// Every Rust file of the tree, split into code and comments.
static RUST: LazyLock<Vec<Source>> = LazyLock::new(|| {
    let files = tracked().into_iter().filter(|file| file.path.ends_with(".rs"));
    files.map(|file| Source::new(&file.path, &file.text)).collect()
});

#[track_caller]
fn assert_none(rule: &str, found: &[Finding]) {
    assert!(found.is_empty(), "{rule}; {} places break this rule:\n{}", found.len(), list(found));
}

fn list(found: &[Finding]) -> String {
    let lines = found.iter().map(|Finding { path, line, text }| format!("{path}:{line}: {text}"));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn at_most_three_in_a_hundred_doc_comments_are_headless() {
    let comments = RUST.iter().map(|source| prose::doc_comments(source).len()).sum::<usize>();
    let headless: Vec<_> = RUST.iter().flat_map(prose::headless_docs).collect();
    assert!(comments > 1_000, "only {comments} doc comments were found");
    assert!(
        headless.len() * 100 < comments * 3,
        "a doc comment opens with a noun or a verb; {} of {comments} do not:\n{}",
        headless.len(),
        list(&headless),
    );
}

#[test]
fn test_names_open_with_their_subject() {
    let tests = RUST.iter().map(|source| functions::tests(source).len()).sum::<usize>();
    assert!(tests > 300, "only {tests} tests were found");
    let headless: Vec<_> = RUST.iter().flat_map(prose::headless_tests).collect();
    assert_none("a test's name is a claim about its subject", &headless);
}

#[test]
fn comments_fit_the_page() {
    let mut wide: Vec<_> = RUST.iter().flat_map(prose::wide_comments).collect();
    wide.extend(tracked().iter().flat_map(|file| prose::wide_hash_comments(&file.path, &file.text)));
    assert_none("a line with a comment has at most 110 columns", &wide);
}

#[test]
fn nothing_is_marked_to_be_done() {
    let marked: Vec<_> = tracked().iter().flat_map(|file| prose::markers(&file.path, &file.text)).collect();
    assert_none("unfinished work belongs in an issue and not in a comment", &marked);
}

#[test]
fn descriptions_in_the_api_document_have_three_words_at_least() {
    let path = "docs/openapi.json";
    let file = tracked().into_iter().find(|file| file.path == path).expect("the API document");
    let described = document::descriptions(&file.text);
    assert!(described.len() > 500, "only {} descriptions were found", described.len());
    let brief: Vec<_> =
        described.into_iter().filter(|said| said.is_brief()).map(|said| said.at(path)).collect();
    assert_none("a description has three words at least", &brief);
}

#[test]
fn the_list_of_error_codes_and_the_source_agree() {
    // Clients, stand-ins and tests read codes, and make none.
    let others = ["cli/", "infra/", "tests/"];
    let is_source = |path: &str| {
        path.ends_with(".rs")
            && path.contains("/src/")
            && !others.iter().any(|folder| path.starts_with(folder))
    };
    let mut sources = tracked();
    sources.retain(|file| is_source(&file.path));
    let code = |file: &Tracked| file.text.split("#[cfg(test)]").next().unwrap_or_default().to_owned();
    let texts: Vec<String> =
        sources.iter().filter(|file| !file.path.ends_with("error_codes.rs")).map(code).collect();
    let named: BTreeSet<&str> = texts.iter().flat_map(|text| codes::codes(text)).collect();
    assert!(named.len() > 70, "only {} codes were found", named.len());
    let unlisted: Vec<_> = named.iter().filter(|code| !ERROR_CODES.contains(code)).collect();
    assert!(unlisted.is_empty(), "add to shared/http/src/error_codes.rs: {unlisted:?}");
    let literal = |code: &str| format!("\"{code}\"");
    let unused: Vec<_> =
        ERROR_CODES.iter().filter(|code| !texts.iter().any(|text| text.contains(&literal(code)))).collect();
    assert!(unused.is_empty(), "remove from shared/http/src/error_codes.rs: {unused:?}");
    assert!(ERROR_CODES.is_sorted(), "the list is in alphabetical order");
}

#[test]
fn functions_have_seventy_lines_at_most() {
    let count = RUST.iter().map(|source| functions::all(source).len()).sum::<usize>();
    assert!(count > 2_000, "only {count} functions were found");
    let long: Vec<_> = RUST.iter().flat_map(functions::too_long).collect();
    assert_none("a function that is not one table has at most 70 lines", &long);
}

#[test]
fn only_the_simulation_decides_what_is_random() {
    let may_decide = |path: &str| {
        ["tests/proof/simulation/", "shared/random/", "tests/tests/house/"]
            .iter()
            .any(|folder| path.starts_with(folder))
    };
    let sources: Vec<_> = tracked().into_iter().filter(|file| file.path.ends_with(".rs")).collect();
    let decides = |file: &&Tracked| file.text.contains("seed_thread");
    assert!(sources.iter().filter(decides).count() > 1, "the simulation decides it");
    let found: Vec<&str> = sources
        .iter()
        .filter(decides)
        .map(|file| file.path.as_str())
        .filter(|path| !may_decide(path))
        .collect();
    assert!(found.is_empty(), "ids and secrets must not be predictable: {found:?}");
}
