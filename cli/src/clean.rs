//! Removal of control sequences from other people's text.

use std::borrow::Cow;
use std::fmt::Write;
use std::iter::Peekable;
use std::str::Chars;

const ESCAPE: char = '\x1b';
/// Ends a control string in 8-bit form.
const STRING_TERMINATOR: char = '\u{9c}';

/// The text without anything that a terminal obeys: escape sequences with their parameters, C0 and C1 control
/// characters other than tab and line feed, controls of the direction of text, and invisible tags. Other line
/// separators become line feeds.
pub fn clean(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            ESCAPE => skip_escape(&mut rest),
            '\u{9b}' => skip_parameters(&mut rest),
            '\u{90}' | '\u{98}' | '\u{9d}'..='\u{9f}' => skip_string(&mut rest),
            '\n' | '\t' => kept.push(c),
            '\u{2028}' | '\u{2029}' => kept.push('\n'),
            c if is_hidden(c) => {}
            c => kept.push(c),
        }
    }
    kept
}

/// The text, clean and on one line.
pub fn one_line(text: &str) -> String {
    clean(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A JSON text in which the characters that a terminal might obey are escaped. Its value is the same, because
/// such characters can only stand in strings.
pub fn escape_json(json: &str) -> Cow<'_, str> {
    let must_escape = |c: char| !matches!(c, '\n' | '\r' | '\t') && is_hidden(c);
    if !json.contains(must_escape) {
        return Cow::Borrowed(json);
    }
    let mut escaped = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if must_escape(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _infallible = write!(escaped, "\\u{unit:04x}");
            }
        } else {
            escaped.push(c);
        }
    }
    Cow::Owned(escaped)
}

/// True for characters that change what a terminal shows and have no shape of their own.
fn is_hidden(c: char) -> bool {
    let direction =
        matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let invisible = matches!(c, '\u{200b}' | '\u{2060}'..='\u{2064}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}');
    let tag = matches!(c, '\u{e0000}'..='\u{e007f}');
    let separator = matches!(c, '\u{2028}' | '\u{2029}');
    c.is_control() || direction || invisible || tag || separator
}

/// Skips what follows an escape character.
fn skip_escape(rest: &mut Peekable<Chars>) {
    match rest.peek() {
        Some('[') => {
            rest.next();
            skip_parameters(rest);
        }
        Some('P' | 'X' | ']' | '^' | '_') => {
            rest.next();
            skip_string(rest);
        }
        Some(' '..='/') => {
            while rest.next_if(|c| matches!(c, ' '..='/')).is_some() {}
            rest.next_if(|c| matches!(c, '0'..='~'));
        }
        Some('0'..='~') => {
            rest.next();
        }
        _ => {}
    }
}

/// Skips the parameters of a control sequence, and its final character.
fn skip_parameters(rest: &mut Peekable<Chars>) {
    while rest.next_if(|c| matches!(c, ' '..='?')).is_some() {}
    rest.next_if(|c| matches!(c, '@'..='~'));
}

/// Skips a control string with its terminator. One without an end is kept, so that no text can hide the rest.
fn skip_string(rest: &mut Peekable<Chars>) {
    let mut ahead = rest.clone();
    while let Some(c) = ahead.next() {
        let ends = match c {
            '\x07' | STRING_TERMINATOR => true,
            ESCAPE => ahead.next_if_eq(&'\\').is_some(),
            _ => false,
        };
        if ends {
            *rest = ahead;
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_are_removed_with_their_parameters() {
        for (text, expected) in [
            ("a\x1b[31mred\x1b[0m b", "ared b"),
            ("\x1b[2J\x1b[Hgone", "gone"),
            ("\x1b]0;title\x07shown", "shown"),
            ("\x1b]8;;https://a.example\x1b\\link\x1b]8;;\x1b\\", "link"),
            ("\x1bP1$r\x1b\\dcs", "dcs"),
            ("\u{9b}31mc1\u{9d}52;c;AAAA\u{9c}!", "c1!"),
            ("\x1b(0lqk\x1b(B", "lqk"),
            ("\x1bc\x1b7\x1b=reset", "reset"),
            ("\x1b[38;2;1;2;3mdeep", "deep"),
            ("\x1b\x1b[1mtwice", "twice"),
            ("\x1b[\u{e9}", "\u{e9}"),
        ] {
            assert_eq!(clean(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_control_string_without_an_end_hides_no_text() {
        assert_eq!(clean("a\x1b]0;b\nc"), "a0;b\nc");
        assert_eq!(clean("\u{9d}all of it"), "all of it");
    }

    #[test]
    fn control_characters_and_controls_of_direction_are_removed() {
        let hostile = "a\0b\x08c\rd\x7fe\u{85}f\u{202e}g\u{2066}h\u{200f}i\u{feff}j\u{e0041}k";
        assert_eq!(clean(hostile), "abcdefghijk");
        assert_eq!(clean("one\r\ntwo\tthree\u{2028}four"), "one\ntwo\tthree\nfour");
        assert_eq!(clean("é 漢字 👩\u{200d}💻 ok"), "é 漢字 👩\u{200d}💻 ok");
        assert_eq!(one_line(" a\n\tb\u{2029} c "), "a b c");
    }

    #[test]
    fn no_cleaned_text_has_anything_left_to_clean() {
        let parts =
            ["\x1b", "[", "]", "31m", "\u{9b}", "\x07", "\\", "\u{202e}", "a", "\n", "\0", "(", "\u{9c}"];
        for a in parts {
            for b in parts {
                for c in parts {
                    let text = format!("{a}{b}{c}x");
                    let cleaned = clean(&text);
                    assert_eq!(clean(&cleaned), cleaned, "{text:?}");
                    assert!(!cleaned.chars().any(|c| c != '\n' && is_hidden(c)), "{text:?}");
                }
            }
        }
    }

    #[test]
    fn escaped_json_has_the_same_value() {
        let text = "{\"a\":\"\u{9b}31m \u{202e} \u{e0041} \u{7f} é\",\n\"b\":1}";
        let escaped = escape_json(text);
        assert!(!escaped.chars().any(|c| c != '\n' && is_hidden(c)), "{escaped}");
        let [one, other] =
            [text, &escaped].map(|text| serde_json::from_str::<serde_json::Value>(text).unwrap());
        assert_eq!(one, other);
        assert!(matches!(escape_json("{\"a\":\"é\"}"), Cow::Borrowed(_)));
    }
}
