//! Parsed texts: their words, lines, sentences and shingles. Parsing is linear in the length, apart from
//! sorting.

use std::ops::Range;

use crate::fold::{fold, is_invisible, squeeze};
use crate::set::{Set, hash, hash_all};
use crate::vocabulary::{is_stop, stem};

/// Number of words in a shingle.
const SHINGLE: usize = 3;

/// Longest word that counts as language, in bytes. A longer one is data and carries no content.
const LONGEST_WORD: usize = 48;

/// A word: a run of letters and digits, an emoji, or two adjacent characters of a script without spaces.
#[derive(Clone, Debug)]
pub(crate) struct Word {
    /// Word folded to lower case and plain letters.
    pub(crate) folded: String,
    /// Hash of the word's stem.
    pub(crate) stem: u64,
    /// True if the word carries content.
    pub(crate) content: bool,
    /// True if the word begins with a digit.
    pub(crate) figure: bool,
    /// True if the word is capitalised in mid-sentence.
    pub(crate) name: bool,
    /// True if the word is a called function or a compound name, like `f(` or `snake_case`.
    pub(crate) identifier: bool,
    /// Byte range of the word in the text.
    pub(crate) span: Range<usize>,
    opens: bool,
}

/// A line with at least one word.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    /// Hash of the line's words.
    pub(crate) hash: u64,
    /// Number of words.
    pub(crate) words: usize,
    /// True if the line is an item of a list.
    pub(crate) listed: bool,
    /// True if the line is code.
    pub(crate) code: bool,
}

/// A parsed text.
#[derive(Clone, Debug)]
pub(crate) struct Text {
    /// Words in order, without the numbers of list items.
    pub(crate) words: Vec<Word>,
    /// Lines with at least one word.
    pub(crate) lines: Vec<Line>,
    /// Number of sentences. A new line starts a new one.
    pub(crate) sentences: usize,
    /// Distinct links.
    pub(crate) links: Set,
    /// Number of exclamation marks.
    pub(crate) exclamations: usize,
    /// Number of upper-case letters, and of all letters that have a case.
    pub(crate) upper_of_cased: (usize, usize),
    /// All letters and digits, folded and joined.
    pub(crate) squeezed: String,
    /// Every run of three words, by stem. A shorter text is a single run.
    pub(crate) shingles: Set,
    /// Number of such runs, including repeated ones.
    pub(crate) runs: usize,
    /// Stems of the content words.
    pub(crate) stems: Set,
    /// Hash of all words.
    pub(crate) hash: u64,
}

impl Text {
    /// Parses `text`.
    pub(crate) fn new(text: &str) -> Self {
        let (words, lines) = words_and_lines(text);
        let keys: Vec<u64> = words.iter().map(|word| word.stem).collect();
        let runs: Vec<u64> = match keys.len() {
            0 => Vec::new(),
            1..SHINGLE => vec![hash_all(&keys)],
            _ => keys.windows(SHINGLE).map(hash_all).collect(),
        };
        let cased = |c: &char| c.is_uppercase() || c.is_lowercase();
        let upper = text.chars().filter(|c| c.is_uppercase()).count();
        Self {
            sentences: words.iter().filter(|word| word.opens).count(),
            links: links(text).collect(),
            exclamations: text.chars().filter(|c| matches!(c, '!' | '！')).count(),
            upper_of_cased: (upper, text.chars().filter(cased).count()),
            squeezed: squeeze(text),
            runs: runs.len(),
            shingles: runs.into_iter().collect(),
            stems: words.iter().filter(|word| word.content).map(|word| word.stem).collect(),
            hash: hash_all(&words.iter().map(|word| hash(word.folded.bytes())).collect::<Vec<_>>()),
            words,
            lines,
        }
    }

    /// Counts the distinct words that satisfy `of_kind`.
    pub(crate) fn distinct(&self, of_kind: impl Fn(&Word) -> bool) -> usize {
        self.words.iter().filter(|word| of_kind(word)).map(|word| word.stem).collect::<Set>().len()
    }
}

fn words_and_lines(text: &str) -> (Vec<Word>, Vec<Line>) {
    let (mut words, mut lines) = (Vec::new(), Vec::new());
    let (mut fenced, mut base) = (false, 0);
    for line in text.split_inclusive('\n') {
        let fence = line.trim_start().starts_with("```");
        let own = words_of(line, base);
        if !own.is_empty() && !fence {
            let keys: Vec<u64> = own.iter().map(|word| hash(word.folded.bytes())).collect();
            lines.push(Line {
                hash: hash_all(&keys),
                words: own.len(),
                listed: marker(line).is_some(),
                code: fenced || is_code(line),
            });
        }
        fenced ^= fence;
        base += line.len();
        words.extend(own);
    }
    (words, lines)
}

/// The role of a character in forming words.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Joins its neighbours to a word.
    Letter,
    /// Belongs to a script that puts no spaces between words.
    Unspaced,
    /// Forms a word on its own.
    Emoji,
    /// Ends a word and a sentence.
    Stop,
    /// Ends a word.
    Gap,
    /// Is ignored.
    Nothing,
}

fn kind(c: char) -> Kind {
    match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' => Kind::Letter,
        '\'' | '’' | 'ʼ' => Kind::Nothing,
        '.' | '!' | '?' | ';' | '。' | '！' | '？' | '；' | '…' => Kind::Stop,
        '\u{e00}'..='\u{eff}'
        | '\u{1000}'..='\u{109f}'
        | '\u{1780}'..='\u{17ff}'
        | '\u{3041}'..='\u{30ff}'
        | '\u{3400}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3ffff}' => Kind::Unspaced,
        '\u{2600}'..='\u{27bf}' | '\u{1f000}'..='\u{1faff}' => Kind::Emoji,
        _ if is_invisible(c) => Kind::Nothing,
        _ if c.is_alphanumeric() => Kind::Letter,
        _ => Kind::Gap,
    }
}

/// A part of one line that forms one word or, in a script without spaces, several.
struct Piece {
    kind: Kind,
    span: Range<usize>,
    opens: bool,
}

fn pieces(line: &str) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let (mut open, mut opens) = (Kind::Gap, true);
    for (at, c) in line.char_indices() {
        let (kind, end) = (kind(c), at + c.len_utf8());
        match kind {
            Kind::Nothing => continue,
            // A full stop inside a figure, a link or a version does not end a sentence.
            Kind::Stop => opens |= !line[end..].starts_with(|next: char| next.is_ascii_alphanumeric()),
            Kind::Gap => {}
            Kind::Letter | Kind::Unspaced | Kind::Emoji => match pieces.last_mut() {
                Some(last) if open == kind && kind != Kind::Emoji => last.span.end = end,
                _ => pieces.push(Piece { kind, span: at..end, opens: std::mem::take(&mut opens) }),
            },
        }
        open = kind;
    }
    pieces
}

fn words_of(line: &str, base: usize) -> Vec<Word> {
    let marked = marker(line).unwrap_or(0);
    let mut words = Vec::new();
    for piece in pieces(line) {
        if piece.kind == Kind::Unspaced {
            words.extend(pairs(line, &piece).map(|(span, opens)| word(line, span, base, opens)));
        } else if piece.span.end > marked {
            let opens = piece.opens || words.is_empty();
            words.push(word(line, piece.span, base, opens));
        }
    }
    words
}

/// Returns the overlapping pairs of a piece's characters, or its only character.
fn pairs(line: &str, piece: &Piece) -> impl Iterator<Item = (Range<usize>, bool)> {
    let start = piece.span.start;
    let spans: Vec<Range<usize>> = line[piece.span.clone()]
        .char_indices()
        .filter(|(_, c)| kind(*c) == Kind::Unspaced)
        .map(|(at, c)| start + at..start + at + c.len_utf8())
        .collect();
    let pairs: Vec<Range<usize>> = match spans.as_slice() {
        [one] => vec![one.clone()],
        many => many.windows(2).map(|pair| pair[0].start..pair[1].end).collect(),
    };
    let opens = piece.opens;
    pairs.into_iter().enumerate().map(move |(n, span)| (span, opens && n == 0))
}

fn word(line: &str, span: Range<usize>, base: usize, opens: bool) -> Word {
    let visible = || line[span.clone()].chars().filter(|c| kind(*c) != Kind::Nothing);
    let folded: String = visible().flat_map(fold).collect();
    let capital = visible().next().is_some_and(char::is_uppercase);
    let acronym = visible().nth(1).is_some_and(char::is_uppercase);
    let single = folded.len() == 1 && !folded.bytes().all(|b| b.is_ascii_digit());
    let next = line[span.end..].chars().next();
    Word {
        stem: hash(stem(&folded).bytes()),
        content: !single && folded.len() <= LONGEST_WORD && !is_stop(&folded),
        // "Base64" and "MP3" are names.
        figure: folded.len() <= LONGEST_WORD && folded.starts_with(|c: char| c.is_ascii_digit()),
        name: capital && !acronym && !opens && !single,
        identifier: matches!(next, Some('(' | '_')),
        span: base + span.start..base + span.end,
        folded,
        opens,
    }
}

/// Returns the offset at which the text of a list item begins, if the line is one.
fn marker(line: &str) -> Option<usize> {
    let indent = line.len() - line.trim_start().len();
    let item = &line[indent..];
    if let Some(rest) = item.strip_prefix(['-', '*', '•', '–', '·']) {
        return rest.starts_with(' ').then(|| line.len() - rest.len());
    }
    let rest = item.strip_prefix("Step ").or_else(|| item.strip_prefix("**")).unwrap_or(item);
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let after = rest[digits..].strip_prefix(['.', ')', ':']);
    // "42." is an answer, "1.5 cups" a quantity.
    let ends = after
        .is_some_and(|after| after.starts_with([' ', '\t', '*']) && after.contains(char::is_alphanumeric));
    ((1..=3).contains(&digits) && ends).then(|| line.len() - rest.len() + digits)
}

/// Beginnings of lines of code.
const CODE_OPENERS: &[&str] = &[
    "def ",
    "class ",
    "import ",
    "from ",
    "return ",
    "fn ",
    "pub ",
    "use ",
    "let ",
    "const ",
    "var ",
    "func ",
    "function ",
    "if ",
    "for ",
    "while ",
    "match ",
    "switch ",
    "try:",
    "except ",
    "#include",
    "#[",
    "assert",
    "SELECT ",
    "async ",
    "impl ",
    "struct ",
    "elif ",
    "else:",
];

/// Marks that are rare outside code.
const CODE_MARKS: &[&str] = &[" = ", "=>", "->", "::", "==", "!=", "+=", "():", "();", " && ", " || "];

/// True if the line reads as code.
fn is_code(line: &str) -> bool {
    let line = line.trim();
    let opened = CODE_OPENERS.iter().any(|opener| line.starts_with(opener));
    line.ends_with(['{', '}', ';'])
        || (opened && (line.ends_with([':', ')']) || line.contains(['(', '='])))
        || CODE_MARKS.iter().any(|mark| line.contains(mark))
}

fn links(text: &str) -> impl Iterator<Item = u64> {
    text.split(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | '<' | '>' | '[' | ']' | '"'))
        .filter_map(|part| part.strip_prefix("https://").or_else(|| part.strip_prefix("http://")))
        .filter(|rest| rest.split('/').next().is_some_and(|host| host.contains('.')))
        .map(|rest| hash(rest.trim_end_matches(['.', ',', '/']).bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(text: &str) -> Vec<String> {
        Text::new(text).words.into_iter().map(|word| word.folded).collect()
    }

    #[test]
    fn words_are_recognised_in_every_script() {
        for (text, expect) in [
            ("Don't stop, it’s 9.5!", &["dont", "stop", "its", "9", "5"][..]),
            ("parse_duration(x)", &["parse", "duration", "x"]),
            ("你好世界", &["你好", "好世", "世界"]),
            ("好", &["好"]),
            ("مرحبا بالعالم", &["مرحبا", "بالعالم"]),
            ("🔥🚀 ok", &["🔥", "🚀", "ok"]),
            (" : …\u{200b}\u{3164}--", &[]),
        ] {
            assert_eq!(folded(text), expect, "{text}");
        }
    }

    #[test]
    fn lines_are_classified_as_list_items_or_code() {
        for (line, listed, code) in [
            ("- salt", true, false),
            ("1. Heat the oven", true, false),
            ("2) rest", true, false),
            ("1.5 cups of milk", false, false),
            ("42.", false, false),
            ("Step 3: stir", true, false),
            ("A plain sentence.", false, false),
            ("let x = 1;", false, true),
            ("def f(x):", false, true),
            ("For dinner we ate.", false, false),
        ] {
            let text = Text::new(line);
            assert_eq!((text.lines[0].listed, text.lines[0].code), (listed, code), "{line}");
        }
        assert!(Text::new("```\nx\n```").lines.iter().all(|line| line.code));
    }

    #[test]
    fn list_numbers_do_not_count_as_figures() {
        let text = Text::new("1. one\n2. two 40 g\n10) three 180");
        assert_eq!(text.distinct(|word| word.figure), 2);
    }

    #[test]
    fn sentences_and_links_are_counted() {
        let text = Text::new(
            "See https://a.example/x. It has 3.5 stars.\nReally! (https://a.example/x) http://nope",
        );
        assert_eq!((text.sentences, text.links.len()), (4, 1));
    }
}
