//! A prompt cut into tokens, sentences and clauses, for finding demands in it.

use std::ops::Range;

use crate::fold::{fold, is_invisible};

/// Longest quotation that names a term, in bytes. A longer one is material.
const LONGEST_QUOTE: usize = 90;

/// Longest quotation that is recognised at all, in bytes. The limit keeps the search linear.
const LONGEST_MATERIAL: usize = 2000;

/// Most colons that are examined for a text that follows. The limit keeps the search linear.
const MOST_COLONS: usize = 40;

/// Most tokens before or behind another that can belong to the same demand. The limit keeps the search of a
/// prompt without full stops linear.
const REACH: usize = 60;

/// Most of a prompt that is searched for demands, in bytes. The rest is material.
const MOST_SEARCHED: usize = 32 * 1024;

/// A word or figure of the prompt.
#[derive(Clone, Debug)]
pub(super) struct Token {
    /// Word in lower case, without accents and apostrophes.
    pub(super) folded: String,
    /// Byte range in the prompt.
    pub(super) span: Range<usize>,
    /// Number of the sentence.
    pub(super) sentence: usize,
    /// Number of the clause. Commas, colons, dashes and brackets separate clauses.
    pub(super) clause: usize,
    /// True if a hyphen joins the token to the one before.
    pub(super) joined: bool,
    /// True if the token lies within quotation marks or backticks.
    pub(super) quoted: bool,
    /// True if the first letter is a capital.
    pub(super) capital: bool,
}

/// A short quotation, without its marks.
#[derive(Clone, Debug)]
pub(super) struct Quote {
    /// Byte range of the quoted text.
    pub(super) span: Range<usize>,
    /// True if backticks enclose the text.
    pub(super) code: bool,
}

/// A prompt prepared for the search.
#[derive(Clone, Debug)]
pub(super) struct Prompt {
    /// Prompt with material blanked out by spaces. Offsets agree with the original.
    pub(super) text: String,
    /// Tokens in order, without material.
    pub(super) tokens: Vec<Token>,
    /// Short quotations in order.
    pub(super) quotes: Vec<Quote>,
}

impl Prompt {
    /// Prepares `prompt`.
    pub(super) fn new(prompt: &str) -> Self {
        let mut text = blank_fences(head(prompt, MOST_SEARCHED));
        let (quotes, long) = quotes(&text);
        for span in long {
            blank(&mut text, span);
        }
        if let Some(span) = handed_over(&text) {
            blank(&mut text, span);
        }
        let quotes: Vec<Quote> = quotes.into_iter().filter(|quote| !is_blank(&text, &quote.span)).collect();
        let tokens = tokens(&text, &quotes);
        Self { text, tokens, quotes }
    }

    /// The folded word at `at`, or an empty one beyond the ends.
    pub(super) fn word(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", |token| token.folded.as_str())
    }

    /// The text between the token at `at` and the next one.
    pub(super) fn gap_after(&self, at: usize) -> &str {
        let end = self.tokens.get(at).map_or(self.text.len(), |token| token.span.end);
        let start = self.tokens.get(at + 1).map_or(self.text.len(), |token| token.span.start);
        self.text.get(end..start).unwrap_or_default()
    }

    /// The text from the first of `tokens` to the last.
    pub(super) fn quote(&self, tokens: Range<usize>) -> String {
        let start = self.tokens.get(tokens.start).map_or(0, |token| token.span.start);
        let end = self.tokens.get(tokens.end.saturating_sub(1)).map_or(start, |token| token.span.end);
        head(self.text.get(start..end).unwrap_or_default(), 80).trim().to_owned()
    }

    /// True if the words of `phrase`, separated by spaces, begin at `at` within one sentence.
    pub(super) fn says(&self, at: usize, phrase: &str) -> bool {
        let Some(first) = self.tokens.get(at) else { return false };
        phrase.split(' ').enumerate().all(|(n, word)| {
            self.tokens.get(at + n).is_some_and(|token| {
                token.folded == word && token.sentence == first.sentence && !token.quoted
            })
        })
    }

    /// The number of words of the longest of `phrases` that begins at `at`, or 0.
    pub(super) fn says_any(&self, at: usize, phrases: &[&str]) -> usize {
        let matching = phrases.iter().filter(|phrase| self.says(at, phrase));
        matching.map(|phrase| phrase.split(' ').count()).max().unwrap_or(0)
    }

    /// The number of words of the longest of `phrases` that ends just before `at`, or 0.
    pub(super) fn said_before(&self, at: usize, phrases: &[&str]) -> usize {
        let lengths = phrases.iter().map(|phrase| (phrase, phrase.split(' ').count()));
        let matching = lengths.filter(|(phrase, length)| *length <= at && self.says(at - length, phrase));
        matching.map(|(_, length)| length).max().unwrap_or(0)
    }

    /// The index of the first token of the sentence of the token at `at`.
    pub(super) fn sentence_start(&self, at: usize) -> usize {
        let own = self.tokens.get(at).map_or(0, |token| token.sentence);
        self.tokens.partition_point(|token| token.sentence < own).max(at.saturating_sub(REACH))
    }

    /// The index behind the last token of the sentence of the token at `at`.
    pub(super) fn sentence_end(&self, at: usize) -> usize {
        let own = self.tokens.get(at).map_or(0, |token| token.sentence);
        self.tokens.partition_point(|token| token.sentence <= own).min(at + REACH)
    }

    /// The number of the sentence of the token at `at`.
    pub(super) fn sentence_of(&self, at: usize) -> usize {
        self.tokens.get(at).map_or(0, |token| token.sentence)
    }

    /// The index of the first token of the clause of the token at `at`.
    pub(super) fn clause_start(&self, at: usize) -> usize {
        let own = self.tokens.get(at).map_or(0, |token| token.clause);
        self.tokens.partition_point(|token| token.clause < own).max(at.saturating_sub(REACH))
    }

    /// The index behind the last token of the clause of the token at `at`.
    pub(super) fn clause_end(&self, at: usize) -> usize {
        let own = self.tokens.get(at).map_or(0, |token| token.clause);
        self.tokens.partition_point(|token| token.clause <= own).min(at + REACH)
    }
}

/// The text that `prompt` hands over to work on, with spaces in place of the rest.
pub(super) fn material(prompt: &str) -> String {
    let searched = head(prompt, MOST_SEARCHED);
    let own = Prompt::new(prompt);
    let pairs = searched.bytes().zip(own.text.bytes());
    let blanked: Vec<u8> = pairs.map(|(raw, left)| if raw == left { b' ' } else { raw }).collect();
    String::from_utf8_lossy(&blanked).into_owned()
}

/// The beginning of `text`, at most `most` bytes long.
pub(crate) fn head(text: &str, most: usize) -> &str {
    let mut end = most.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// Folds `text` as tokens are folded.
pub(super) fn folded(text: &str) -> String {
    text.chars().filter(|c| !is_apostrophe(*c) && !is_invisible(*c)).flat_map(fold).collect()
}

fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '’' | 'ʼ')
}

fn is_blank(text: &str, span: &Range<usize>) -> bool {
    text.get(span.clone()).is_none_or(|part| part.trim().is_empty())
}

/// Replaces `span` by as many spaces as it has bytes.
fn blank(text: &mut String, span: Range<usize>) {
    if text.get(span.clone()).is_some() {
        let spaces: String = text
            .get(span.clone())
            .unwrap_or_default()
            .bytes()
            .map(|b| if b == b'\n' { '\n' } else { ' ' })
            .collect();
        text.replace_range(span, &spaces);
    }
}

/// Blanks out fenced code and block quotations.
fn blank_fences(prompt: &str) -> String {
    let (mut text, mut fenced) = (String::with_capacity(prompt.len()), false);
    for line in prompt.split_inclusive('\n') {
        let start = line.trim_start();
        let fence = start.starts_with("```") || start.starts_with("~~~");
        if fence || fenced || start.starts_with("> ") {
            text.extend(line.bytes().map(|b| if b == b'\n' { '\n' } else { ' ' }));
        } else {
            text.push_str(line);
        }
        fenced ^= fence;
    }
    text
}

/// The mark that closes a quotation opened by `c` after the character `before`.
fn closing(c: char, before: Option<char>) -> Option<&'static [char]> {
    let opens = before.is_none_or(|before| !before.is_alphanumeric());
    match c {
        '"' => Some(&['"']),
        '“' => Some(&['”', '“']),
        '„' => Some(&['“', '”', '"']),
        '«' => Some(&['»']),
        '»' => Some(&['«']),
        '`' => Some(&['`']),
        '「' => Some(&['」']),
        '『' => Some(&['』']),
        '‘' => Some(&['’']),
        '\'' if opens => Some(&['\'']),
        _ => None,
    }
}

/// The short quotations of `text`, and the spans of the long ones. A quotation stays within its line.
fn quotes(text: &str) -> (Vec<Quote>, Vec<Range<usize>>) {
    let (mut short, mut long, mut from, mut before) = (Vec::new(), Vec::new(), 0, None);
    for (at, c) in text.char_indices() {
        let marks = if at < from { None } else { closing(c, before) };
        before = Some(c);
        let Some(marks) = marks else { continue };
        let start = at + c.len_utf8();
        let rest = text.get(start..).unwrap_or_default();
        let line = head(rest.split('\n').next().unwrap_or_default(), LONGEST_MATERIAL);
        let end = line.char_indices().find(|(end, close)| {
            let after = line.get(end + close.len_utf8()..).unwrap_or_default();
            let inside = *close == '\'' || *close == '’';
            marks.contains(close) && !(inside && after.starts_with(char::is_alphanumeric))
        });
        let Some((length, close)) = end else { continue };
        let span = start..start + length;
        from = span.end + close.len_utf8();
        if length > LONGEST_QUOTE {
            long.push(span);
        } else if length > 0 {
            short.push(Quote { span, code: c == '`' });
        }
    }
    (short, long)
}

/// Verbs that ask for work on a text which follows.
#[rustfmt::skip] // one word per line would hide the code
const WORK_ON: &[&str] = &[
    "summari", "translat", "proofread", "rewrite", "reword", "shorten", "fix", "correct", "edit",
    "convert", "improve", "paraphrase", "polish", "simplif", "reply", "respond", "analy", "condense",
    "refactor", "review", "explain", "debug", "rephrase", "extract", "classif", "ubersetz", "korrigier",
    "kurz", "fasse", "traduis", "traduire", "resume", "corrige", "traduce", "traduci", "traduz", "vertaal",
    "turn", "format",
];

/// Words for the text that follows.
#[rustfmt::skip] // one word per line would hide the code
const POINTERS: &[&str] = &[
    "this", "following", "below", "text", "texts", "paragraph", "sentence", "sentences", "email", "mail",
    "code", "function", "message", "review", "reviews", "note", "notes", "data", "passage", "article",
    "query", "snippet", "log", "transcript", "complaint", "letter", "folgenden", "folgende", "folgendes",
    "text", "satz", "texte", "phrase", "suivant", "suivante", "siguiente", "texto", "frase", "testo",
    "seguente", "seguinte", "volgende", "tekst", "zin",
];

/// The span of a text that the prompt hands over after a colon, as in "Summarise this text: …".
fn handed_over(text: &str) -> Option<Range<usize>> {
    for (colon, _) in text.match_indices(':').take(MOST_COLONS) {
        let before = text.get(..colon).unwrap_or_default();
        let sentence = before.rsplit(['.', '!', '?', '\n']).next().unwrap_or_default();
        let words: Vec<String> = sentence.split_whitespace().map(folded).collect();
        let asks = words.iter().any(|word| WORK_ON.iter().any(|verb| word.starts_with(verb)));
        let rest = text.get(colon + 1..).unwrap_or_default();
        // A text on a line of its own may be announced earlier in the sentence.
        let near = if rest.trim_start_matches(' ').starts_with('\n') { words.len() } else { 4 };
        let points = words.iter().rev().take(near).any(|word| POINTERS.contains(&word.as_str()));
        if asks && points && rest.trim().len() > 20 {
            return Some(colon + 1..colon + 1 + material_length(rest));
        }
    }
    None
}

/// Verbs at the beginning of a paragraph that goes on with demands after a text that was handed over.
const RESUMES: &[&str] = &[
    "write", "keep", "use", "make", "return", "answer", "give", "reply", "respond", "please", "do", "dont",
    "include", "limit", "output", "no", "only", "max", "mention", "schreibe", "bitte", "antworte",
];

/// The length of the material at the beginning of `rest`: up to a later paragraph that goes on with demands.
fn material_length(rest: &str) -> usize {
    let mut from = rest.len() - rest.trim_start().len();
    while let Some(at) = rest.get(from..).and_then(|rest| rest.find("\n\n")) {
        let next = rest.get(from + at..).unwrap_or_default();
        let first = next.split_whitespace().next().map(folded).unwrap_or_default();
        if RESUMES.contains(&first.trim_matches(|c: char| !c.is_alphanumeric())) {
            return from + at;
        }
        from += at + 2;
    }
    rest.len()
}

/// Articles and prepositions that an apostrophe joins to the next word.
const ELIDED: &[&str] =
    &["l", "d", "qu", "s", "n", "j", "c", "m", "t", "un", "all", "dell", "nell", "quell", "sull", "dall"];

/// Abbreviations. The full stop behind them ends no sentence.
const ABBREVIATIONS: &[&str] = &[
    "max", "min", "ca", "approx", "eg", "ie", "e", "g", "z", "b", "vs", "no", "nr", "etc", "p", "usw", "bzw",
];

fn tokens(text: &str, quotes: &[Quote]) -> Vec<Token> {
    let (mut tokens, mut sentence, mut clause, mut gap) = (Vec::<Token>::new(), 0, 0, 0);
    let mut quotes = quotes.iter().peekable();
    for span in token_spans(text) {
        let between = text.get(gap..span.start).unwrap_or_default();
        let abbreviated = tokens.last().is_some_and(|last| ABBREVIATIONS.contains(&last.folded.as_str()));
        let stops = ends_sentence(between, abbreviated);
        sentence += usize::from(stops);
        let breaks = [",", ";", ":", "(", ")", "–", "—", " - ", "，", "、", "：", "；", "（", "）"];
        clause += usize::from(stops || breaks.iter().any(|mark| between.contains(mark)));
        while quotes.next_if(|quote| quote.span.end <= span.start).is_some() {}
        let word = text.get(span.clone()).unwrap_or_default();
        tokens.push(Token {
            folded: folded(word),
            sentence,
            clause,
            joined: matches!(between, "-" | "‑" | "–"),
            quoted: quotes.peek().is_some_and(|quote| quote.span.start <= span.start),
            capital: word.chars().next().is_some_and(char::is_uppercase),
            span: span.clone(),
        });
        gap = span.end;
    }
    tokens
}

fn ends_sentence(between: &str, abbreviated: bool) -> bool {
    let stop = |mark: char| between.contains(mark);
    let full = between.split_once('.').is_some_and(|(_, after)| {
        after.starts_with(|c: char| c.is_whitespace() || matches!(c, '"' | ')' | '”' | '*' | '\''))
    });
    (full && !abbreviated) || ['!', '?', '\n', '。', '！', '？'].into_iter().any(stop)
}

fn token_spans(text: &str) -> Vec<Range<usize>> {
    let (mut spans, mut open) = (Vec::<Range<usize>>::new(), false);
    for (at, c) in text.char_indices() {
        let end = at + c.len_utf8();
        let own = |span: &Range<usize>| folded(text.get(span.clone()).unwrap_or_default());
        match spans.last_mut() {
            Some(last) if open && (c.is_alphanumeric() || c == '_') => last.end = end,
            Some(last) if open && is_apostrophe(c) && !ELIDED.contains(&own(last).as_str()) => {
                let joins = text.get(end..).is_some_and(|rest| rest.starts_with(char::is_alphanumeric));
                open = joins;
            }
            _ if c.is_alphanumeric() => {
                spans.push(at..end);
                open = true;
            }
            _ if is_invisible(c) => {}
            _ => open = false,
        }
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_know_their_sentence_and_clause() {
        let prompt = Prompt::new("Max. 80 words, don't rhyme. L'eau: a one-liner!");
        let shown: Vec<(&str, usize, usize)> =
            prompt.tokens.iter().map(|token| (token.folded.as_str(), token.sentence, token.clause)).collect();
        assert_eq!(
            shown,
            [
                ("max", 0, 0),
                ("80", 0, 0),
                ("words", 0, 0),
                ("dont", 0, 1),
                ("rhyme", 0, 1),
                ("l", 1, 2),
                ("eau", 1, 2),
                ("a", 1, 3),
                ("one", 1, 3),
                ("liner", 1, 3),
            ]
        );
        assert!(prompt.tokens[9].joined);
    }

    #[test]
    fn material_is_left_out() {
        for prompt in [
            "Fix this:\n```\nthree taglines\n```",
            "Summarise this text: we sell three taglines a day and that is all there is to say",
            "Reply to:\n> three taglines please",
        ] {
            let prompt = Prompt::new(prompt);
            assert!(prompt.tokens.iter().all(|token| token.folded != "taglines"));
        }
        let resumed = Prompt::new("Translate the following text: a long text to translate\n\nUse two lines.");
        assert_eq!(resumed.tokens.last().map(|token| token.folded.as_str()), Some("lines"));
    }

    #[test]
    fn quotations_are_found() {
        let text = "Use \"fresh\", 'warm' and `f(x)`; it's the baker's";
        let prompt = Prompt::new(text);
        let quoted: Vec<&str> = prompt.quotes.iter().map(|quote| &text[quote.span.clone()]).collect();
        assert_eq!(quoted, ["fresh", "warm", "f(x)"]);
        assert!(prompt.tokens.iter().any(|token| token.quoted && token.folded == "warm"));
    }
}
