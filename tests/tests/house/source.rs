//! Rust source, split into code and comments by a small scanner.

/// A Rust file.
pub struct Source {
    /// The path from the root of the tree.
    pub path: String,
    /// The source with a space for each character of comments and of literals. Lines and columns are the
    /// source's.
    pub code: String,
    /// The lines of comments, in order.
    pub comments: Vec<Comment>,
}

/// A line of a comment.
pub struct Comment {
    /// Counted from one.
    pub line: usize,
    /// The comment from its slashes on.
    pub text: String,
    /// The length of the whole line, in characters.
    pub columns: usize,
    /// True if no code stands before it in its line.
    pub alone: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Code,
    Literal,
    Comment,
}

impl Source {
    /// Splits `text`, which must be a text that the compiler accepts.
    pub fn new(path: &str, text: &str) -> Self {
        let (mut code, mut comments) = (String::with_capacity(text.len()), Vec::new());
        let lines: Vec<&str> = text.lines().collect();
        let (mut rest, mut line) = (text, 1);
        while !rest.is_empty() {
            let (kind, length) = token(rest, code.chars().next_back());
            let (token, tail) = rest.split_at(length);
            if kind == Kind::Comment {
                let written = code.rsplit('\n').next().unwrap_or_default();
                let alone = written.trim().is_empty();
                for (i, text) in token.lines().enumerate() {
                    let columns = lines[line - 1 + i].chars().count();
                    let text = text.trim_end().to_owned();
                    comments.push(Comment { line: line + i, text, columns, alone: alone || i > 0 });
                }
            }
            let keep = |c: char| if kind == Kind::Code || c == '\n' { c } else { ' ' };
            code.extend(token.chars().map(keep));
            line += token.matches('\n').count();
            rest = tail;
        }
        Self { path: path.to_owned(), code, comments }
    }
}

/// The kind of the token at the start of `text`, and its length in bytes. `before` is the code's last
/// character.
fn token(text: &str, before: Option<char>) -> (Kind, usize) {
    let in_word = before.is_some_and(|c| c.is_alphanumeric() || c == '_');
    if text.starts_with("//") {
        (Kind::Comment, text.find('\n').unwrap_or(text.len()))
    } else if text.starts_with("/*") {
        (Kind::Comment, block_comment(text))
    } else if let Some(length) = raw_string(text).filter(|_| !in_word) {
        (Kind::Literal, length)
    } else if text.starts_with('"') {
        (Kind::Literal, string(text))
    } else if let Some(length) = character(text) {
        (Kind::Literal, length)
    } else {
        (Kind::Code, text.chars().next().map_or(0, char::len_utf8))
    }
}

fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        let step = text[at..].chars().next().map_or(1, char::len_utf8);
        match &text.as_bytes()[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += step,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

fn raw_string(text: &str) -> Option<usize> {
    let prefix = ["r", "br", "cr"].into_iter().find(|prefix| text.starts_with(prefix))?;
    let after = &text[prefix.len()..];
    let hashes = after.len() - after.trim_start_matches('#').len();
    let content = after[hashes..].strip_prefix('"')?;
    let close = format!("\"{}", "#".repeat(hashes));
    let end = content.find(&close).map_or(content.len(), |end| end + close.len());
    Some(text.len() - content.len() + end)
}

fn string(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The length of a character literal. A quote that begins a lifetime or a label is none.
fn character(text: &str) -> Option<usize> {
    let content = text.strip_prefix('\'')?;
    let mut chars = content.char_indices();
    if chars.next()?.1 == '\\' {
        chars.next();
        return chars.find(|&(_, c)| c == '\'').map(|(at, _)| at + 2);
    }
    chars.next().filter(|&(_, c)| c == '\'').map(|(at, _)| at + 2)
}

#[test]
fn comments_are_told_from_strings_and_characters() {
    let text = r####"
let a = "// no comment \" /* nor here"; // one
let b = r#"" // nor this"#; /* two
/* nested */ still two */ let c = '"'; let d = '\''; // three
fn e<'a>(f: &'a str) {} // four
let g = '\u{22}'; let h = br"\"; let r#type = b'/'; // five
"####;
    let source = Source::new("a.rs", text);
    let comments: Vec<_> = source.comments.iter().map(|c| (c.line, c.text.as_str(), c.alone)).collect();
    let expected = [
        (2, "// one", false),
        (3, "/* two", false),
        (4, "/* nested */ still two */", true),
        (4, "// three", false),
        (5, "// four", false),
        (6, "// five", false),
    ];
    assert_eq!(comments, expected);
    assert_eq!(source.code.lines().count(), text.lines().count());
    for (code, text) in source.code.lines().zip(text.lines()) {
        assert_eq!(code.chars().count(), text.chars().count(), "{text}");
    }
    assert_eq!(source.code.split_whitespace().filter(|word| *word == "let").count(), 7);
    assert!(source.code.contains("fn e<'a>(f: &'a str) {}"));
}
