//! Comments, names of tests, and markers.

use super::Finding;
use super::functions;
use super::source::{Comment, Source};

/// The longest line that has a comment, in characters: `max_width` of rustfmt.toml.
const COLUMNS: usize = 110;

/// First words that leave a sentence without its subject.
const HEADLESS: [&str; 12] =
    ["as", "how", "of", "that", "until", "what", "when", "where", "whether", "who", "whoever", "whose"];

/// Words that mark unfinished work. Written in two parts, so that this file has none.
const MARKERS: [&str; 3] = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("X", "XX")];

/// First lines of `///` and `//!` comments.
pub fn doc_comments(source: &Source) -> Vec<&Comment> {
    let mut found = Vec::new();
    let mut before: Option<(usize, &str)> = None;
    for comment in &source.comments {
        let text = comment.text.as_str();
        let is_doc = text.starts_with("//!") || (text.starts_with("///") && !text.starts_with("////"));
        let Some(kind) = text.get(..3).filter(|_| is_doc && comment.alone) else { continue };
        if before != Some((comment.line - 1, kind)) {
            found.push(comment);
        }
        before = Some((comment.line, kind));
    }
    found
}

/// Doc comments whose first word is headless.
pub fn headless_docs(source: &Source) -> Vec<Finding> {
    let headless = doc_comments(source).into_iter().filter(|comment| is_headless(comment.text[3..].trim()));
    headless.map(|comment| at(&source.path, comment.line, &comment.text)).collect()
}

/// Tests whose name begins with a headless word.
pub fn headless_tests(source: &Source) -> Vec<Finding> {
    let headless = functions::tests(source)
        .into_iter()
        .filter(|test| test.name.split_once('_').is_some_and(|(first, _)| HEADLESS.contains(&first)));
    headless.map(|test| at(&source.path, test.line, &test.name)).collect()
}

fn is_headless(text: &str) -> bool {
    let end = text.find(|c: char| !c.is_alphanumeric()).unwrap_or(text.len());
    let (first, rest) = text.split_at(end);
    // `as-is` and `of_user` are words of their own.
    !rest.starts_with(['-', '_']) && HEADLESS.contains(&first.to_lowercase().as_str())
}

/// Lines of Rust that have a comment and are too long. Rows of tables cannot be broken and are left out.
pub fn wide_comments(source: &Source) -> Vec<Finding> {
    let is_row = |comment: &Comment| comment.text.trim_start_matches(['/', '!', ' ']).starts_with('|');
    let wide = source.comments.iter().filter(|comment| comment.columns > COLUMNS && !is_row(comment));
    wide.map(|comment| at(&source.path, comment.line, &comment.text)).collect()
}

/// Comments after `#` that are too long. Files of a format without such comments have none.
pub fn wide_hash_comments(path: &str, text: &str) -> Vec<Finding> {
    let name = path.rsplit('/').next().unwrap_or_default();
    let known = [".sh", ".toml", ".yaml", ".yml"].iter().any(|extension| name.ends_with(extension));
    if !known && !text.starts_with("#!") && !name.starts_with('.') {
        return Vec::new();
    }
    let comments = lines(text).filter(|(_, line)| line.trim_start().starts_with('#'));
    let wide = comments.filter(|(_, line)| line.chars().count() > COLUMNS);
    wide.map(|(number, line)| at(path, number, line)).collect()
}

/// Lines with a marker of unfinished work.
pub fn markers(path: &str, text: &str) -> Vec<Finding> {
    let words =
        |line: &str| line.split(|c: char| !c.is_alphanumeric() && c != '_').any(|w| MARKERS.contains(&w));
    lines(text).filter(|(_, line)| words(line)).map(|(number, line)| at(path, number, line)).collect()
}

fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(i, line)| (i + 1, line))
}

fn at(path: &str, line: usize, text: &str) -> Finding {
    Finding { path: path.to_owned(), line, text: text.trim().to_owned() }
}

/// The lines of findings.
fn numbers(found: &[Finding]) -> Vec<usize> {
    found.iter().map(|finding| finding.line).collect()
}

#[test]
fn a_headless_doc_comment_is_found_by_its_first_line() {
    let text = "//! What this is.\n//! Who reads it.\n\n/// The claim.\n/// Of whoever has one.\nfn a() {}\n\
                /// Until. \nfn b() {} /// whose\n// Who cares\n//// Who\n/// As-is, and `who`.\nfn c() {}\n\
                /// `who` asks.\nfn d() {}\n/// When\nconst E: &str = \"\n/// Who\n\";\n";
    let source = Source::new("a.rs", text);
    assert_eq!(doc_comments(&source).len(), 6);
    assert_eq!(numbers(&headless_docs(&source)), [1, 7, 15]);
}

#[test]
fn a_headless_test_is_found_and_a_function_that_is_no_test_is_not() {
    let text = "#[test]\nfn who_asks_is_told() {}\nfn who_has() {}\n#[tokio::test(flavor = \"x\")]\n\
                async fn of_two_one_wins() {}\n#[test]\nfn whole_cents_are_paid() {}\n";
    assert_eq!(numbers(&headless_tests(&Source::new("a.rs", text))), [2, 5]);
}

#[test]
fn a_comment_beyond_the_page_is_found() {
    let (fits, wide) = ("é".repeat(COLUMNS - 3), "é".repeat(COLUMNS - 2));
    let text =
        format!("// {fits}\n// {wide}\nlet a = \"// {wide}\";\nlet b = 1; // {fits}\n//! | {wide} |\n");
    assert_eq!(numbers(&wide_comments(&Source::new("a.rs", &text))), [2, 4]);
    let text = format!("#!/bin/sh\n# {fits}-\n# {fits}--\n{wide}{wide}\n");
    for (path, expected) in [("a.toml", 1), (".ci/run", 1), ("a.sh", 1), (".gitignore", 1)] {
        assert_eq!(wide_hash_comments(path, &text).len(), expected, "{path}");
    }
    assert_eq!(wide_hash_comments("README.md", &format!("# {wide}")), []);
}

#[test]
fn a_marker_is_found_as_a_word() {
    let [todo, fixme, xxx] = MARKERS;
    let text = format!("a\n// {todo}: b\n{todo}S {}\n# {fixme}\n<!-- ({xxx}) -->\n", todo.to_lowercase());
    assert_eq!(numbers(&markers("a.md", &text)), [2, 4, 5]);
}
