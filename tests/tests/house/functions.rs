//! Functions: names and lengths.

use super::Finding;
use super::source::Source;

/// The most lines of a function, from `fn` to its closing brace.
const LINES: usize = 70;

/// A function that has a body.
#[derive(Debug)]
pub struct Function {
    /// The line of the word `fn`, counted from one.
    pub line: usize,
    pub name: String,
    pub lines: usize,
    /// True if its body is an exhaustive table: see [`is_table`].
    pub is_table: bool,
}

/// Every function of the source that has a body.
pub fn all(source: &Source) -> Vec<Function> {
    names(&source.code).filter_map(|at| function(&source.code, at)).collect()
}

/// Every function that is a test.
pub fn tests(source: &Source) -> Vec<Function> {
    let code = source.code.as_str();
    let attributes = ["#[test]", "#[tokio::test"].iter().flat_map(|attribute| code.match_indices(attribute));
    let mut starts: Vec<_> = attributes.map(|(at, _)| at).collect();
    starts.sort_unstable();
    let after = |start: usize| names(&code[start..]).next().map(|at| start + at);
    starts.into_iter().filter_map(|start| function(code, after(start)?)).collect()
}

/// Functions with too many lines. Exhaustive tables are left out.
pub fn too_long(source: &Source) -> Vec<Finding> {
    let long = all(source).into_iter().filter(|function| function.lines > LINES && !function.is_table);
    let finding = |function: Function| Finding {
        path: source.path.clone(),
        line: function.line,
        text: format!("fn {} has {} lines", function.name, function.lines),
    };
    long.map(finding).collect()
}

/// The places in `code` at which functions' names begin. `fn(…)`, a type, has none.
fn names(code: &str) -> impl Iterator<Item = usize> {
    let words = code.match_indices("fn ").map(|(at, word)| (at, at + word.len()));
    let is_word = |at: usize| !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
    words.filter(move |&(at, name)| is_word(at) && code[name..].starts_with(in_name)).map(|(_, name)| name)
}

fn in_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The function whose name begins at `at`; nothing if it is declared without a body.
fn function(code: &str, at: usize) -> Option<Function> {
    let name = code[at..].split(|c| !in_name(c)).next()?.to_owned();
    let open = at + outside_brackets(&code[at..], &['{', ';'])?;
    let end = open + closing(&code[open..])?;
    let line = code[..at].matches('\n').count() + 1;
    let lines = code[at..end].matches('\n').count() + 1;
    Some(Function { line, name, lines, is_table: is_table(&code[open + 1..end]) })
}

/// The first of `stops` that no bracket or parenthesis encloses.
fn outside_brackets(code: &str, stops: &[char]) -> Option<usize> {
    let mut depth = 0;
    for (at, c) in code.char_indices() {
        match c {
            _ if depth == 0 && stops.contains(&c) => return Some(at),
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// The end of the bracket, brace or parenthesis that opens at the start of `code`.
fn closing(code: &str) -> Option<usize> {
    let mut depth = 0;
    for (at, c) in code.char_indices() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(at).filter(|_| at > 0);
        }
    }
    None
}

/// True if the body is one `match` or one array literal, after any `use`. Such a function is a table of all
/// cases, and parts of it would hide that it is complete.
fn is_table(body: &str) -> bool {
    let mut body = body.trim();
    while let Some((_, rest)) = body.split_once(';').filter(|_| body.starts_with("use ")) {
        body = rest.trim_start();
    }
    let table = if body.starts_with("match ") {
        outside_brackets(body, &['{']).map(|open| &body[open..])
    } else {
        ["vec!", "&", ""]
            .iter()
            .find_map(|prefix| body.strip_prefix(prefix))
            .filter(|rest| rest.starts_with('['))
    };
    table.is_some_and(|table| closing(table) == Some(table.len() - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        Source::new("a.rs", text)
    }

    /// A function named `f` with `lines` lines.
    fn long(lines: usize, open: &str, row: &str, close: &str) -> String {
        format!("fn f() {{{open}\n{}{close}}}\n", format!("{row}\n").repeat(lines - 2))
    }

    #[test]
    fn a_function_of_too_many_lines_is_found_where_it_begins() {
        assert!(too_long(&source(&long(LINES, "", "g();", ""))).is_empty());
        let text = format!("fn short() {{}}\n\n{}", long(LINES + 1, "", "g();", ""));
        let found = too_long(&source(&text));
        let expected = Finding { path: "a.rs".to_owned(), line: 3, text: "fn f has 71 lines".to_owned() };
        assert_eq!(found, [expected]);
    }

    #[test]
    fn braces_in_strings_and_comments_end_no_function() {
        let row = r#"g('}', "}", r"}"); // }"#;
        assert_eq!(too_long(&source(&long(LINES + 1, "", row, ""))).len(), 1);
    }

    #[test]
    fn a_signature_may_have_blocks_of_its_own_and_a_type_is_no_function() {
        let text = "trait T { fn a(&self, b: [u8; 3]) -> fn(u8) -> u8; }\nimpl T for U {\n    \
                    fn a(&self, b: [u8; { 1 + 2 }]) -> fn(u8) -> u8\n    where\n        V: W,\n    {\n        c\n    }\n}\n";
        let found = all(&source(text));
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!((found[0].line, found[0].lines, found[0].name.as_str()), (3, 6, "a"));
    }

    #[test]
    fn a_table_may_be_as_long_as_it_has_rows() {
        for (open, row, close) in [
            ("match a(b) {", "C::D { e } => f,", "}"),
            ("use a::{b, c}; use d;\nmatch e {", "F => { g }", "}"),
            ("[", "(\"a\", 1),", "]"),
            ("&[", "1,", "]"),
            ("vec![", "1,", "]"),
        ] {
            assert!(too_long(&source(&long(LINES + 9, open, row, close))).is_empty(), "{open}");
        }
    }

    #[test]
    fn a_function_that_does_more_than_its_table_says_is_no_table() {
        for (open, row, close) in [
            ("let a = 1; match a {", "B => c,", "}"),
            ("match a {", "B => c,", "}.d()"),
            ("match a {", "B => c,", "} e()"),
            ("[", "1,", "].len()"),
            ("f([", "1,", "])"),
        ] {
            assert_eq!(too_long(&source(&long(LINES + 9, open, row, close))).len(), 1, "{open} {close}");
        }
    }
}
