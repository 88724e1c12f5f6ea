//! Demands on a regular expression: the texts that it must match, and those that it must not.

use std::ops::Range;

use super::layout::Answer;
use super::prompt::Prompt;

/// Texts that show which regular expression is wanted.
#[derive(Clone, Debug, Default)]
pub(super) struct Examples {
    /// True if the whole text must match.
    whole: bool,
    /// Texts that must match.
    accepted: Vec<String>,
    /// Texts that must not match.
    refused: Vec<String>,
}

/// Phrases for a match of the whole text, folded.
#[rustfmt::skip] // one phrase per line would hide the list
const WHOLE: &[&str] = &[
    "whole string", "whole line", "entire string", "entire line", "full string", "complete string", "whole text", "nothing before or after", "ganze zeichenkette",
    "ganzen string", "ganze zeile", "chaine entiere", "toute la chaine", "cadena completa", "cadena entera", "stringa intera", "string inteira", "hele string",
];

/// A format that many know: the phrases for it, texts in it, and texts that are not.
struct Format {
    names: &'static [&'static str],
    accepted: &'static [&'static str],
    refused: &'static [&'static str],
    /// Texts that are refused if the prompt asks for full digits.
    padded: &'static [&'static str],
}

/// Phrases by which a number has all its digits, folded.
const PADDED: &[&str] =
    &["leading zero required", "leading zero", "two digits", "always two digits", "zero padded"];

static FORMATS: &[Format] = &[
    Format {
        names: &["24h time", "24 hour time", "24 hour clock", "24 stunden zeit"],
        accepted: &["00:00", "09:30", "19:59", "23:59"],
        refused: &["24:00", "29:00", "12:60", "99:99", "1234", "12:5"],
        padded: &["7:30"],
    },
    Format {
        names: &["ipv4", "ip v4"],
        accepted: &["0.0.0.0", "192.168.0.1", "255.255.255.255", "10.20.30.40"],
        refused: &["256.1.1.1", "1.2.3", "1.2.3.4.5", "1.2.3.999", "1,2,3,4"],
        padded: &[],
    },
    Format {
        names: &["yyyy mm dd"],
        accepted: &["2024-01-31", "1999-12-01", "2024-10-20"],
        refused: &["2024-13-01", "2024-00-10", "2024-01-32", "2024-01-00", "2024-1-5", "20240105"],
        padded: &[],
    },
    Format {
        names: &["hex colours", "hex colour", "hex colors", "hex color"],
        accepted: &["#fff", "#a1B2c3", "#000000"],
        refused: &["#ff", "#ggg", "fff", "#12345", "#1234567"],
        padded: &[],
    },
    Format {
        names: &["semver", "semantic version", "major minor patch"],
        accepted: &["1.0.0", "0.10.23"],
        refused: &["1.0", "01.0.0", "1.0.0.0", "1.a.0"],
        padded: &[],
    },
];

/// The demand on a regular expression, with the tokens of the prompt that name it.
pub(super) fn wanted(prompt: &Prompt) -> Option<(Examples, Range<usize>)> {
    let words: Vec<&str> = prompt.tokens.iter().map(|token| token.folded.as_str()).collect();
    let at = words.iter().position(|word| matches!(*word, "regex" | "regexp" | "regexes"))?;
    // An existing expression is explained or repaired, and not written.
    let asks =
        words.iter().any(|word| matches!(*word, "why" | "explain" | "warum" | "pourquoi" | "fix" | "wrong"));
    let says = |phrases: &[&str]| {
        let joined = format!(" {} ", words.join(" "));
        phrases.iter().any(|phrase| joined.contains(&format!(" {phrase} ")))
    };
    if asks
        || says(&["part of a longer", "not part of", "out of text", "find all", "within text", "in a text"])
    {
        return None;
    }
    let mut examples = stated(&prompt.text);
    examples.whole = says(WHOLE) || words.contains(&"fullmatch");
    for format in FORMATS.iter().filter(|format| says(format.names)) {
        let own = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        examples.accepted.extend(own(format.accepted));
        examples.refused.extend(own(format.refused));
        if says(PADDED) {
            examples.refused.extend(own(format.padded));
        }
    }
    let some = !examples.accepted.is_empty() || !examples.refused.is_empty() || examples.whole;
    some.then_some((examples, at..at + 1))
}

/// Reads examples such as "So 7b, 12a ok; 4a, 13b not".
fn stated(prompt: &str) -> Examples {
    let mut examples = Examples::default();
    let mut pending: Vec<String> = Vec::new();
    let mut mode = None;
    for word in prompt.split_whitespace() {
        let opened = word.starts_with('(');
        let bare =
            word.trim_matches(|c: char| matches!(c, ',' | ';' | '.' | '(' | ')' | ':' | '"' | '`' | '\''));
        let closed = word.ends_with([',', ';', '.', ')']);
        if opened {
            pending.clear();
            mode = None;
        }
        let verdict = match bare.to_lowercase().as_str() {
            "ok" | "valid" | "accepted" | "allowed" | "fine" => Some(true),
            "invalid" | "refused" | "rejected" | "forbidden" => Some(false),
            "yes" | "in" if closed => Some(true),
            "no" | "not" | "out" if closed => Some(false),
            _ => None,
        };
        match (verdict, bare.to_lowercase().as_str()) {
            (Some(accepted), _) if !pending.is_empty() => {
                if accepted { &mut examples.accepted } else { &mut examples.refused }.append(&mut pending);
            }
            (None, "eg" | "e.g" | "like" | "z.b") => mode = Some(true),
            (None, "not" | "never" | "reject") if pending.is_empty() => mode = Some(false),
            _ if is_example(bare) => pending.push(bare.to_owned()),
            _ => {}
        }
        if word.ends_with([';', '.', ')']) {
            match mode.take() {
                Some(true) => examples.accepted.append(&mut pending),
                Some(false) => examples.refused.append(&mut pending),
                None => pending.clear(),
            }
        }
    }
    examples
}

/// True for a word that is data, with digits and letters or signs, and no range of numbers.
fn is_example(word: &str) -> bool {
    let has = |test: fn(char) -> bool| word.chars().any(test);
    let range =
        word.split(['-', '–']).all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
    has(|c| c.is_ascii_digit())
        && !range
        && word.len() <= 40
        && has(|c| c.is_alphabetic() || matches!(c, '-' | '/' | ':' | '#' | '.' | '_'))
        && !has(|c| matches!(c, '[' | ']' | '(' | ')' | '{' | '}' | '\\' | '^' | '$' | '*' | '=' | '<' | '>'))
}

/// Tells whether the regular expression of `answer` fits the examples, or nothing if that cannot be told, and
/// what was found.
#[cfg(feature = "parsers")]
pub(super) fn check(examples: &Examples, full: bool, answer: &Answer<'_>) -> (Option<bool>, String) {
    let Some(found) = expression(answer) else { return (None, "no expression found".to_owned()) };
    let (text, flags) = match bare(&found) {
        Some(bare) => bare,
        None => return (Some(false), "a literal that ends early".to_owned()),
    };
    let text = if full { format!("^(?:{text})$") } else { text.to_owned() };
    let mut builder = fancy_regex::RegexBuilder::new(&text);
    builder.case_insensitive(flags.contains('i')).multi_line(flags.contains('m')).backtrack_limit(20_000);
    // A submission may try to use up memory.
    builder.delegate_size_limit(1 << 20).delegate_dfa_size_limit(1 << 20);
    let regex = match builder.build() {
        Ok(regex) => regex,
        Err(fancy_regex::Error::ParseError(_, fancy_regex::ParseError::UnclosedOpenParen)) => {
            return (Some(false), "an expression with an open bracket".to_owned());
        }
        Err(_) => return (None, "not compiled".to_owned()),
    };
    let matches = |text: &str| regex.is_match(text).ok();
    for text in &examples.accepted {
        if matches(text) == Some(false) {
            return (Some(false), format!("does not match {text}"));
        }
    }
    for text in &examples.refused {
        if examples.whole && matches(text) == Some(true) {
            return (Some(false), format!("matches {text}"));
        }
    }
    let inner = examples.whole.then(|| examples.accepted.first()).flatten();
    for longer in inner.iter().flat_map(|text| [format!("x{text}"), format!("{text}\u{a0}x")]) {
        if matches(&longer) == Some(true) {
            return (Some(false), "matches a part of a text".to_owned());
        }
    }
    (Some(true), "fits the examples".to_owned())
}

/// Cannot tell anything without the crate's feature `parsers`.
#[cfg(not(feature = "parsers"))]
pub(super) fn check(_: &Examples, _: bool, _: &Answer<'_>) -> (Option<bool>, String) {
    (None, "not compiled".to_owned())
}

/// The regular expression of an answer that consists of one, or that shows one in a fence or in backticks.
#[cfg(feature = "parsers")]
fn expression(answer: &Answer<'_>) -> Option<String> {
    let line = |text: &str| {
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        lines.next().filter(|_| lines.next().is_none()).map(str::to_owned)
    };
    let is_expression = |text: &String| {
        text.len() <= 1000
            && text.contains(['\\', '[', '^', '(', '{'])
            && !text.contains(" = ")
            && !text.contains("re.")
    };
    if let Some(fence) = answer.fences.first() {
        return line(fence.code).filter(is_expression);
    }
    line(answer.text).map(|text| text.trim_matches('`').to_owned()).filter(is_expression).or_else(|| {
        let spans = answer.text.split('`').skip(1).step_by(2).map(str::to_owned);
        spans.filter(is_expression).max_by_key(String::len)
    })
}

/// The expression without the marks of a literal, and its flags. The result is empty if a literal ends before
/// its line does.
#[cfg(feature = "parsers")]
fn bare(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_end_matches(';');
    for (open, close) in [("r\"", '"'), ("r'", '\''), ("\"", '"')] {
        if let Some(inner) = text.strip_prefix(open).and_then(|rest| rest.strip_suffix(close)) {
            return Some((inner, ""));
        }
    }
    let Some(rest) = text.strip_prefix('/') else { return Some((text, "")) };
    let (mut escaped, mut class) = (false, false);
    for (at, c) in rest.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '[' => class = true,
            ']' => class = false,
            '/' if !class => {
                let flags = rest.get(at + 1..)?;
                return flags
                    .chars()
                    .all(|c| c.is_ascii_lowercase())
                    .then(|| (rest.get(..at).unwrap_or_default(), flags));
            }
            _ => {}
        }
    }
    None
}

#[cfg(all(test, feature = "parsers"))]
mod tests {
    use super::*;

    #[test]
    fn examples_are_read_from_the_prompt() {
        let found = |prompt: &str| {
            let (examples, _) = wanted(&Prompt::new(prompt)).unwrap();
            (examples.accepted, examples.refused, examples.whole)
        };
        for (prompt, accepted, refused, whole) in [
            (
                "Regex, whole string: 5 to 12. So 7b, 10c/2, 12a ok; 4a, 13b, 07b not. One line.",
                &["7b", "10c/2", "12a"][..],
                &["4a", "13b", "07b"][..],
                true,
            ),
            (
                "JS regex. So AB-0001 ok, ab-1234 no, AB-0000X no.",
                &["AB-0001"],
                &["ab-1234", "AB-0000X"],
                false,
            ),
            (
                "regex, years 2019-2026. Eg AB-2024/0173. Must match the whole string.",
                &["AB-2024/0173"],
                &[],
                true,
            ),
            (
                "Regex for numbers 0-255, no leading zeros (so 01.2.3.4 and 1.2.3.04 are out, 0.0.0.0 is in), whole string",
                &["0.0.0.0"],
                &["01.2.3.4", "1.2.3.04"],
                true,
            ),
        ] {
            let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
            assert_eq!(found(prompt), (owned(accepted), owned(refused), whole), "{prompt}");
        }
        assert!(wanted(&Prompt::new("Why does this regex refuse a7?")).is_none());
        assert!(wanted(&Prompt::new("Write a function without a whole string")).is_none());
    }

    #[test]
    fn expressions_are_tried_on_examples() {
        let time =
            "Regex (PCRE) that matches a whole string iff it's a valid 24h time, leading zero required";
        for (prompt, answer, expect) in [
            (time, "^(?:[01]\\d|2[0-3]):[0-5]\\d$", Some(true)),
            (time, "/^(?:[01]\\d|2[0-3]):[0-5]\\d$/", Some(true)),
            (time, "Try this:\n\n`^(?:[01]\\d|2[0-3]):[0-5]\\d$`\n", Some(true)),
            (time, "^(?:[01]?\\d|2[0-3]):[0-5]\\d$", Some(false)),
            (time, "(?:[01]\\d|2[0-3]):[0-5]\\d", Some(false)),
            (time, "^[0-2]\\d:[0-5]\\d$", Some(false)),
            (time, "^([01]\\d:[0-5]\\d$", Some(false)),
            (time, "You can use any library for that.", None),
            ("JS regex, whole string, eg AB-2024/0173.", "/^[A-Z]{2}-\\d{4}/\\d{4}$/", Some(false)),
            ("Regex for re.fullmatch: hex colours", "r\"#(?:[0-9a-fA-F]{3}){1,2}\"", Some(true)),
        ] {
            let (examples, _) = wanted(&Prompt::new(prompt)).unwrap();
            let full = prompt.contains("fullmatch");
            assert_eq!(check(&examples, full, &Answer::new(answer)).0, expect, "{answer}");
        }
    }
}
