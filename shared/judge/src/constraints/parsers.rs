//! Parsers of code. Without the crate's feature `parsers`, only JSON can be parsed.

use super::code::{Coded, guess};
use super::layout::Answer;
use super::source::config;

/// Longest code that is parsed, in bytes. Longer code stays undecided.
#[cfg(feature = "parsers")]
const LONGEST: usize = 32 * 1024;

/// Steps of a parser, in units of its progress reports, after which code stays undecided. The limit is a
/// count rather than a time, so that results do not depend on the machine.
#[cfg(feature = "parsers")]
const MOST_STEPS: u32 = 600;

/// Tells whether the largest block of code in `answer` parses, or nothing if that cannot be told, and what
/// was found. `wanted` is the language of a block without a label.
pub(super) fn check(wanted: Option<Coded>, answer: &Answer<'_>) -> (Option<bool>, String) {
    let blocks =
        answer.fences.iter().map(|fence| (Coded::labelled(&fence.label), fence.label.is_empty(), fence.code));
    let largest = blocks.max_by_key(|(.., code)| code.len());
    let (label, unlabelled, code) = largest.unwrap_or((None, true, answer.text));
    let prose = largest.is_none() && code.lines().any(|line| super::format::reads_as_prose(line.trim()));
    // Nested keys are a configuration, in whatever language the rest of the answer is.
    let nested = config(code).filter(|coded| *coded == Coded::Yaml && unlabelled && code.contains("\n  "));
    let label = label.or(nested);
    let coded = label.or_else(|| if unlabelled { wanted.or_else(|| guess(code)) } else { None });
    let Some(coded) = coded.filter(|_| !prose && !code.trim().is_empty()) else {
        return (None, "not parsed".to_owned());
    };
    match parse(coded, code) {
        Some(None) => (Some(true), format!("{} that parses", coded.name())),
        // The language of a block without a label is a guess, unless the prompt names it.
        Some(Some(_)) if label.is_none() && wanted.is_none() => (None, format!("unclear {}", coded.name())),
        Some(Some(line)) => (Some(false), format!("{} with an error in line {line}", coded.name())),
        None => (None, "not parsed".to_owned()),
    }
}

/// The line of the first error in `code`, or none if it parses. The result is empty if nothing can parse it.
fn parse(coded: Coded, code: &str) -> Option<Option<usize>> {
    if coded == Coded::Json {
        let error = serde_json::from_str::<serde_json::Value>(code.trim()).err();
        return Some(error.map(|error| error.line()));
    }
    parse_program(coded, code)
}

#[cfg(not(feature = "parsers"))]
const fn parse_program(_: Coded, _: &str) -> Option<Option<usize>> {
    None
}

#[cfg(feature = "parsers")]
fn parse_program(coded: Coded, code: &str) -> Option<Option<usize>> {
    if code.len() > LONGEST {
        return None;
    }
    let language: tree_sitter::Language = match coded {
        Coded::Sql => return parse_sql(code),
        Coded::Yaml => return parse_yaml(code),
        Coded::Python => tree_sitter_python::LANGUAGE.into(),
        Coded::Rust => tree_sitter_rust::LANGUAGE.into(),
        Coded::Shell => tree_sitter_bash::LANGUAGE.into(),
        // Elements of JSX would need a second grammar of the same size.
        Coded::TypeScript | Coded::JavaScript if code.contains("</") || code.contains("/>") => return None,
        Coded::TypeScript | Coded::JavaScript => tree_sitter_typescript::LANGUAGE_TYPESCRIPT.into(),
        _ => return None,
    };
    // A transcript of a session is no program.
    if code.lines().any(|line| line.starts_with("$ ") || line.starts_with(">>> ")) {
        return None;
    }
    parse_tree(&language, code)
}

/// The line of the first error in `code`, or none. The result is empty if the parser gives up.
#[cfg(feature = "parsers")]
fn parse_tree(language: &tree_sitter::Language, code: &str) -> Option<Option<usize>> {
    use std::ops::ControlFlow;

    let mut parser = tree_sitter::Parser::new();
    parser.set_language(language).ok()?;
    let mut steps = 0;
    let mut count = |_: &tree_sitter::ParseState| {
        steps += 1;
        if steps > MOST_STEPS { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let options = tree_sitter::ParseOptions::new().progress_callback(&mut count);
    let mut read = |at: usize, _: tree_sitter::Point| code.as_bytes().get(at..).unwrap_or_default();
    let tree = parser.parse_with_options(&mut read, None, Some(options))?;
    Some(first_error(tree.root_node()))
}

/// The line of the first node that is an error or missing.
#[cfg(feature = "parsers")]
fn first_error(root: tree_sitter::Node<'_>) -> Option<usize> {
    let mut node = root;
    if !node.has_error() {
        return None;
    }
    // The first child with an error leads to the innermost one.
    loop {
        let mut cursor = node.walk();
        let inner = node.children(&mut cursor).find(|child| child.has_error() || child.is_missing());
        match inner {
            Some(inner) if !node.is_error() => node = inner,
            _ => return Some(node.start_position().row + 1),
        }
    }
}

/// The line of the error in a YAML document, or none. Templates leave it undecided.
#[cfg(feature = "parsers")]
fn parse_yaml(code: &str) -> Option<Option<usize>> {
    if code.lines().any(|line| line.trim_start().starts_with("{{")) {
        return None;
    }
    let error = saphyr_parser::Parser::new_from_str(code).find_map(Result::err);
    Some(error.map(|error| error.marker().line()))
}

/// The line of the error in a query, or none if one of the frequent dialects accepts it. Parameters of
/// templates and commands of a client leave the query undecided.
#[cfg(feature = "parsers")]
fn parse_sql(code: &str) -> Option<Option<usize>> {
    use sqlparser::dialect::{Dialect, GenericDialect, MySqlDialect, PostgreSqlDialect, SQLiteDialect};
    use sqlparser::parser::{Parser, ParserError};

    let (generic, postgres, mysql, sqlite) =
        (GenericDialect {}, PostgreSqlDialect {}, MySqlDialect {}, SQLiteDialect {});
    let dialects: [&dyn Dialect; 4] = [&postgres, &generic, &mysql, &sqlite];
    if code.contains("{{") || code.lines().any(|line| line.starts_with('\\')) {
        return None;
    }
    let mut first = None;
    for dialect in dialects {
        match Parser::parse_sql(dialect, code) {
            Ok(_) => return Some(None),
            Err(ParserError::RecursionLimitExceeded) => return None,
            Err(ParserError::ParserError(message) | ParserError::TokenizerError(message)) => {
                first = first.or(Some(line_of(&message)));
            }
        }
    }
    Some(first)
}

/// The number behind "Line: " in a message, or 1.
#[cfg(feature = "parsers")]
fn line_of(message: &str) -> usize {
    let behind = message.split("Line: ").nth(1).unwrap_or_default();
    behind.split(|c: char| !c.is_ascii_digit()).next().and_then(|digits| digits.parse().ok()).unwrap_or(1)
}

#[cfg(all(test, feature = "parsers"))]
mod tests {
    use super::*;

    #[test]
    fn code_that_parses_is_told_from_broken_code() {
        for (coded, code, parses) in [
            (Coded::Python, "def f(x: int) -> int:\n    return x + 1\n", true),
            (Coded::Python, "def f(x:\n    return x +\n", false),
            (Coded::JavaScript, "export const f = async (x) => ({ ...x, a: x?.b ?? 1 });", true),
            (Coded::JavaScript, "const f = (x => { return x;", false),
            (Coded::TypeScript, "function f<T extends string>(x: T): T { return x as T; }", true),
            (Coded::TypeScript, "function f<T(x: T) { return x }", false),
            (Coded::Rust, "fn f(x: &str) -> Option<u32> { x.parse().ok() }", true),
            (Coded::Rust, "let x = 1;\nprintln!(\"{x}\");", true),
            (Coded::Rust, "fn f(x: &str -> u32 { x }", false),
            (Coded::Shell, "find . -type f -print0 | xargs -0 ls -S | head -n 10", true),
            (Coded::Shell, "for f in *.jpg; do mv \"$f\" \"${f// /-}\"; done", true),
            (Coded::Shell, "for f in *.jpg; do mv \"$f\" a", false),
            (Coded::Sql, "SELECT DISTINCT ON (a) a, b FROM t ORDER BY a, b DESC;", true),
            (Coded::Sql, "WITH x AS (SELECT 1 AS n) SELECT n, rank() OVER (ORDER BY n) FROM x", true),
            (Coded::Sql, "SELECT a FROM WHERE b = 1", false),
            (
                Coded::Yaml,
                "on:\n  push:\n    branches: [main]\njobs:\n  a:\n    steps:\n      - run: x",
                true,
            ),
            (Coded::Yaml, "services:\n  db:\n  image: postgres:16\n    restart: always", false),
            (Coded::Yaml, "steps:\n  - uses: a\n   with: b", false),
            (Coded::Json, "{\"a\": [1, 2]}", true),
            (Coded::Json, "{\"a\": [1, 2}", false),
        ] {
            assert_eq!(parse(coded, code).map(|error| error.is_none()), Some(parses), "{coded:?} {code}");
        }
    }

    #[test]
    fn hostile_code_ends_the_parser_early() {
        for code in ["(".repeat(60_000), "{[(".repeat(20_000), "<a>".repeat(20_000), "((((a,".repeat(9_000)] {
            for coded in [
                Coded::Python,
                Coded::JavaScript,
                Coded::TypeScript,
                Coded::Rust,
                Coded::Shell,
                Coded::Sql,
                Coded::Yaml,
            ] {
                assert_ne!(parse(coded, &code), Some(None), "{coded:?}");
            }
        }
    }
}
