//! Measures of the code in an answer.

mod asked;
mod practices;

use clorp_domain::Pack;

use super::{capped, per_mille};
use crate::constraints::layout::Answer;
use crate::constraints::source::sources;
use crate::text::Text;

/// The brackets of the fenced code that have no partner, up to 10. Without fences, only an answer to a demand
/// for code is code. Brackets within quotation marks and comments are ignored.
pub(super) fn unbalanced(answer: &Answer<'_>, pack: Pack) -> i64 {
    if answer.fences.is_empty() && pack != Pack::Code {
        return 0;
    }
    capped(open_brackets(&answer.code()), 10)
}

/// Faults of the programs in an answer. All counts are 0 for an answer without programs.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Faults {
    /// Distinct practices that are faults anywhere.
    pub(super) pitfalls: usize,
    /// Distinct practices that are faults because of the prompt.
    pub(super) asked_pitfalls: usize,
    /// Points of the prompt that leave no trace in the code.
    pub(super) untraced: usize,
}

/// Finds the faults of the programs in `answer`.
pub(super) fn faults(prompt: &str, answer: &Answer<'_>) -> Faults {
    let programs = sources(prompt, answer);
    if programs.is_empty() {
        return Faults::default();
    }
    let words = format!(" {} ", super::words(prompt).join(" "));
    let (pitfalls, asked_pitfalls) = practices::faults(&words, &programs);
    let untraced = asked::untraced(&words, &programs);
    Faults { pitfalls, asked_pitfalls, untraced }
}

fn open_brackets(code: &str) -> usize {
    let (mut open, mut wrong) = (Vec::new(), 0);
    for line in code.lines() {
        // Characters in single quotes, as in '(', are data.
        let line = ["'('", "')'", "'['", "']'", "'{'", "'}'"]
            .iter()
            .fold(line.to_owned(), |line, literal| line.replace(literal, ""));
        let (mut quote, mut escaped) = (None, false);
        for c in line.chars() {
            match (quote, c) {
                _ if escaped => escaped = false,
                (_, '\\') => escaped = true,
                (Some(mark), c) if mark == c => quote = None,
                (Some(_), _) => {}
                (None, '"' | '`') => quote = Some(c),
                (None, '#') if line.trim_start().starts_with('#') => break,
                (None, '(' | '[' | '{') => open.push(c),
                (None, ')' | ']' | '}') => wrong += usize::from(!closes(open.pop(), c)),
                _ => {}
            }
        }
    }
    wrong + open.len()
}

fn closes(open: Option<char>, close: char) -> bool {
    matches!((open, close), (Some('('), ')') | (Some('['), ']') | (Some('{'), '}'))
}

/// Marks of a body that was left out.
#[rustfmt::skip] // one word per line would hide the code
const STUBS: &[&str] = &[
    "unimplemented!()", "todo!()", "todo!(", "NotImplementedError", "NotImplementedException",
    "not implemented", "your code here", "implementation here", "implement this", "rest of the code",
    "... rest", "// ...", "# ...", "/* ... */", "same as before", "existing code", "add your",
];

/// Counts empty bodies of functions, up to 10.
pub(super) fn stubs(answer: &Answer<'_>) -> i64 {
    let code = answer.code();
    let marked: usize = STUBS.iter().map(|stub| code.matches(stub).count()).sum();
    let mut lines = code.lines().map(str::trim).filter(|line| !line.is_empty()).peekable();
    let mut empty = 0;
    while let Some(line) = lines.next() {
        let head = line.starts_with("def ") && line.ends_with(':')
            || line.ends_with("):") && line.starts_with("async def");
        let next = lines.peek().copied().unwrap_or_default();
        empty += usize::from(head && matches!(next, "pass" | "..." | "…"));
        empty += usize::from(line.ends_with(": ...") || line.ends_with(": pass") && line.starts_with("def"));
    }
    capped(marked + empty, 10)
}

/// The share of lines that are code.
pub(super) fn share(text: &Text) -> i64 {
    per_mille(lines(text), text.lines.len())
}

fn lines(text: &Text) -> usize {
    text.lines.iter().filter(|line| line.code).count()
}

/// The share of lines of code with a comment.
pub(super) fn comments(answer: &Answer<'_>, text: &Text) -> i64 {
    let all = lines(text);
    if all == 0 {
        return 0;
    }
    let code = answer.code();
    let commented = code.lines().map(str::trim).filter(|line| {
        ["//", "# ", "/*", "* ", "-- ", "\"\"\"", "<!--"].iter().any(|mark| line.starts_with(mark))
            || line.contains(" // ")
            || line.contains("  # ")
    });
    per_mille(commented.count(), all)
}

/// Counts marks of tests, up to 20.
pub(super) fn tests(answer: &Answer<'_>) -> i64 {
    let code = answer.code();
    #[rustfmt::skip] // one word per line would hide the code
    let marks = [
        "#[test]", "assert", "def test", "expect(", "describe(", "it('",
        "it(\"",
        "test('",
        "test(\"",
        ">>> ",
        "t.Run(",
        "@Test",
    ];
    capped(marks.iter().map(|mark| code.matches(mark).count()).sum(), 20)
}

/// The share of lines of code that handle errors.
pub(super) fn errors(answer: &Answer<'_>, text: &Text) -> i64 {
    let code = answer.code();
    #[rustfmt::skip] // one word per line would hide the code
    let marks = [
        "raise ", "except", "try:", "try {", "catch", "throw ", "Err(", "Result<", "?;", ".ok_or",
        "if err != nil", "errors.", "ValueError", "TypeError", "isinstance(", "is None", "== null",
        "=== undefined", "set -e", "|| exit", "checked_", "panic", "Option<", "else return", "IF EXISTS",
        "COALESCE", "unwrap_or",
    ];
    let handling = code.lines().filter(|line| marks.iter().any(|mark| line.contains(mark)));
    let all = lines(text);
    if all == 0 { 0 } else { per_mille(handling.count(), all) }
}
