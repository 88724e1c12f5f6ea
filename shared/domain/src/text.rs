//! Texts that users choose and others read: one rule for names, and one for longer texts.

use unicode_normalization::UnicodeNormalization;
use unicode_security::confusable_detection::skeleton;

use crate::FieldError;

/// Checks a name: 1 to `max_chars` visible characters on one line, none of them invisible or able to hide
/// others. Surrounding whitespace is removed.
///
/// # Errors
/// [`FieldError`] at `/name` if the name is missing, too long, or contains characters that cannot be shown.
pub fn checked_name(text: Option<&str>, max_chars: usize) -> Result<String, FieldError> {
    let refuse = |code, message: String| Err(FieldError::new("/name", code, message));
    let name = text.unwrap_or_default().trim();
    if !shows_something(name) {
        return refuse("name_required", "Name is required".to_owned());
    }
    if name.chars().count() > max_chars {
        return refuse("name_too_long", format!("Name must be at most {max_chars} characters"));
    }
    if name.chars().any(is_deceptive) {
        let message = "Name must not have control characters, or ones that are invisible or turn text around";
        return refuse("invalid_name", message.to_owned());
    }
    Ok(name.to_owned())
}

/// Checks the characters of a text with several lines: tabs and line breaks (`\n` or `\r\n`) are its only
/// control characters. Others change what a terminal shows, and each takes six bytes in JSON.
///
/// # Errors
/// [`FieldError`] at `field`, with `subject` in its message.
pub fn require_plain(field: &str, subject: &str, text: &str) -> Result<(), FieldError> {
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let is_plain =
            !c.is_control() || matches!(c, '\n' | '\t') || (c == '\r' && chars.peek() == Some(&'\n'));
        if !is_plain {
            let message = format!(
                "{subject} must not have control characters other than tabs and line breaks (U+{:04X} is one)",
                u32::from(c)
            );
            return Err(FieldError::new(field, "control_character", message));
        }
    }
    Ok(())
}

/// The form in which names are compared: equal for names that differ in case, in the composition of their
/// characters, or in look-alikes from another script.
///
/// ASCII characters stay apart, so `bot-0` and `bot-O` are two names.
pub fn folded(name: &str) -> String {
    let composed: String = name.nfkc().collect();
    // Lower case alone would keep pairs apart that are one in upper case, such as `ß` and `ss` or `σ` and
    // `ς`. Upper case alone would keep `ẞ`, which is in upper case already, apart from `ß`.
    let upper = composed.to_lowercase().to_uppercase();
    let lower: String = upper.chars().flat_map(char::to_lowercase).collect();
    let plain = |c: char| {
        if c.is_ascii() { c.to_string() } else { skeleton(c.encode_utf8(&mut [0; 4])).collect::<String>() }
    };
    let alike: String = lower.chars().map(plain).collect();
    alike.to_lowercase().nfc().collect()
}

/// True if a character could make a text look like another one: control characters, direction marks, line
/// separators and characters without width. Joiners are allowed, because scripts and emoji need them.
pub fn is_deceptive(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'
                | '\u{1160}'
                | '\u{180e}'
                | '\u{200b}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

/// True if the text has more than whitespace, blanks, joiners and variation selectors.
pub fn shows_something(text: &str) -> bool {
    let shows_nothing =
        |c| matches!(c, '\u{200b}'..='\u{200d}' | '\u{2800}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}');
    text.chars().any(|c| !c.is_whitespace() && !shows_nothing(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_shows_at_least_one_character_and_hides_none() {
        for good in
            ["Ada", "ada's laptop", "ロボット", "\u{1f469}\u{200d}\u{1f4bb}", "नमस्ते", "שלום", &"é".repeat(9)]
        {
            assert_eq!(checked_name(Some(good), 13).as_deref(), Ok(good), "{good:?}");
        }
        for nothing in [
            None,
            Some(""),
            Some(" \t\n"),
            Some("\u{200d}\u{fe0f}"),
            Some("\u{200b}\u{200b}"),
            Some("\u{2800}"),
        ] {
            assert_eq!(checked_name(nothing, 13).unwrap_err().code, "name_required", "{nothing:?}");
        }
        for bad in
            ["a\u{0}b", "a\nb", "a\u{202e}b", "\u{2066}a", "a\u{200f}", "a\u{200b}da", "\u{3164}", "\u{2064}"]
        {
            assert_eq!(checked_name(Some(bad), 13).unwrap_err().code, "invalid_name", "{bad:?}");
        }
        assert_eq!(checked_name(Some("four"), 3).unwrap_err().code, "name_too_long");
    }

    #[test]
    fn a_text_has_no_control_characters_but_tabs_and_line_breaks() {
        for good in ["", "one\n\ttwo\r\nthree\n", "שלום \u{200f}"] {
            assert_eq!(require_plain("/prompt", "Prompt", good), Ok(()), "{good:?}");
        }
        for bad in ["\u{0}", "a\u{1}", "\u{1b}[2J", "\u{7f}", "\u{85}", "a\rb", "a\r", "\u{c}"] {
            let refused = require_plain("/prompt", "Prompt", bad).unwrap_err();
            assert_eq!((refused.field.as_str(), refused.code), ("/prompt", "control_character"), "{bad:?}");
        }
        let message = require_plain("/prompt", "Prompt", "a\u{1b}b").unwrap_err().message;
        assert!(message.starts_with("Prompt must not have") && message.contains("U+001B"), "{message}");
    }

    #[test]
    fn names_that_look_alike_fold_to_one() {
        for (one, other) in [
            ("Ada", "aDA"),
            ("ÉMILE", "émile"),
            ("Straße", "STRASSE"),
            ("Σίσυφος", "ΣΊΣΥΦΟΣ"),
            ("Caf\u{e9}", "Cafe\u{301}"),
            ("paypal", "р\u{430}yp\u{430}l"),
            ("ROBOT", "R\u{41e}B\u{41e}T"),
            ("Ada", "Ａｄａ"),
            ("Ada", "\u{1d400}da"),
            ("Ada", "A\u{200d}da"),
            ("find", "\u{fb01}nd"),
            ("Straße", "STRA\u{1e9e}E"),
        ] {
            assert_eq!(folded(one), folded(other), "{one:?} {other:?}");
        }
        for (one, other) in
            [("Ada", "Ada2"), ("Café", "Cafe"), ("bot-0", "bot-O"), ("Ali", "All"), ("東京", "京都")]
        {
            assert_ne!(folded(one), folded(other), "{one:?} {other:?}");
        }
        assert_eq!(folded("Team É 01"), "team é 01", "stored names keep their form");
    }
}
