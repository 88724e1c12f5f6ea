//! Hidden text: characters that carry words without showing them, and markup that conceals its content.

/// Number of variation selectors in a row that carry data. A visible character takes one.
const SELECTORS: usize = 4;

/// Number of characters of no width in a row that carry data.
const BLANKS: usize = 12;

/// Number of tag characters that spell words. The flag of a region takes up to seven.
const TAGS: usize = 8;

/// A text's hidden parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Hidden {
    /// True if invisible characters carry data.
    pub(super) smuggles: bool,
    /// Parts that a reader of the rendered text does not see: comments, and text without colour or size.
    pub(super) concealed: Vec<String>,
}

/// Finds the hidden parts of `text`.
pub(super) fn hidden(text: &str) -> Hidden {
    Hidden { smuggles: smuggles(text), concealed: concealed(text) }
}

fn smuggles(text: &str) -> bool {
    let (mut selectors, mut blanks, mut tags, mut overridden) = (0, 0, 0, false);
    for c in text.chars() {
        let selector = matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}');
        let blank = matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{180e}' | '\u{3164}');
        selectors = if selector { selectors + 1 } else { 0 };
        blanks = if blank { blanks + 1 } else { 0 };
        tags += usize::from(matches!(c, '\u{e0020}'..='\u{e007e}'));
        // The flags of England, Scotland and Wales end in this character.
        if c == '\u{e007f}' {
            tags = 0;
        }
        // An override turns the words after it around. Honest text of any script does without.
        overridden |= matches!(c, '\u{202d}' | '\u{202e}');
        if selectors >= SELECTORS
            || blanks >= BLANKS
            || tags >= TAGS
            || (overridden && c.is_ascii_alphabetic())
        {
            return true;
        }
    }
    false
}

/// Delimiters of text that is not shown.
const COMMENTS: &[(&str, &str)] =
    &[("<!--", "-->"), ("[//]:", "\n"), ("[comment]:", "\n"), ("[#]:", "\n"), ("\u{1b}[8m", "\u{1b}[")];

/// Styles that make text invisible, without spaces.
const STYLES: &[&str] = &[
    "display:none",
    "visibility:hidden",
    "font-size:0",
    "font-size:1px",
    "opacity:0",
    "color:white",
    "color:#fff",
    "color:transparent",
    "color:rgba(0,0,0,0)",
    "\\color{white}",
    "color=\"white\"",
    "color=white",
];

fn concealed(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (open, close) in COMMENTS {
        for part in text.split(open).skip(1) {
            found.push(part.split(close).next().unwrap_or_default().to_owned());
        }
    }
    // A style applies to the content after its tag.
    for tag in text.split('<').skip(1) {
        let (attributes, content) = tag.split_once('>').unwrap_or_default();
        let plain: String = attributes.to_lowercase().split_whitespace().collect();
        if STYLES.iter().any(|style| plain.contains(style)) || plain.split('"').any(|part| part == "hidden") {
            found.push(content.to_owned());
        }
    }
    if let Some((_, content)) = text.split_once("\\color{white}") {
        found.push(content.to_owned());
    }
    found
}
