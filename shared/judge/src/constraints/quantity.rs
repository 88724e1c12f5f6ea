//! Quantities in a prompt: a number or a range with the words that limit it, such as "no more than 5".

use super::bounds::Bounds;
use super::lexicon::{LEXICONS, Lexicon};
use super::prompt::Prompt;

/// Largest number that can be a count or a length.
const LARGEST: u32 = 100_000;

/// The lexicons that apply to a prompt.
#[derive(Clone)]
pub(super) struct Words(Vec<&'static Lexicon>);

/// The list of a lexicon that a lookup reads.
type Pick = fn(&Lexicon) -> &'static [&'static str];

impl Words {
    /// The words of the language `code` and of English, which mixes into every language.
    pub(super) fn of(code: &str) -> Self {
        let own = LEXICONS.iter().filter(|lexicon| lexicon.code == code && code != "en");
        let english = LEXICONS.iter().filter(|lexicon| lexicon.code == "en");
        Self(own.chain(english).copied().collect())
    }

    fn number(&self, word: &str) -> Option<u32> {
        let find = |lexicon: &&Lexicon| lexicon.numbers.iter().find(|(own, _)| *own == word).map(|(_, n)| *n);
        self.0.iter().find_map(find)
    }

    /// The unit of length that `word` names, counted as in [`Lexicon::units`].
    pub(super) fn unit(&self, word: &str) -> Option<usize> {
        self.0.iter().find_map(|lexicon| lexicon.units.iter().position(|names| names.contains(&word)))
    }

    /// True if `word` names a thing that an answer lists.
    pub(super) fn is_item(&self, word: &str) -> bool {
        self.0.iter().any(|lexicon| lexicon.items.contains(&word))
    }

    /// The number of words of the longest phrase of `list` that ends just before `at`, or 0.
    pub(super) fn before(&self, prompt: &Prompt, at: usize, list: Pick) -> usize {
        self.0.iter().map(|lexicon| prompt.said_before(at, list(lexicon))).max().unwrap_or(0)
    }

    /// True if the word at `at` applies a limit to every item, in the prompt's own language. "Per" means
    /// "for" in others.
    pub(super) fn is_each(&self, prompt: &Prompt, at: usize) -> bool {
        self.0.first().is_some_and(|lexicon| prompt.says_any(at, lexicon.each) > 0)
    }

    /// The number of words of the longest phrase of `list` that begins at `at`, or 0.
    pub(super) fn at(&self, prompt: &Prompt, at: usize, list: Pick) -> usize {
        self.0.iter().map(|lexicon| prompt.says_any(at, list(lexicon))).max().unwrap_or(0)
    }
}

/// The effect of the words around a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Limit {
    /// No words limit the number.
    Bare,
    /// The number is exact.
    Exactly,
    /// The number is the largest allowed.
    AtMost,
    /// Only smaller numbers are allowed.
    Under,
    /// The number is the smallest allowed.
    AtLeast,
    /// Only larger numbers are allowed.
    Over,
    /// The number is approximate.
    About,
}

/// A number or range with its limiting words.
#[derive(Clone, Debug)]
pub(super) struct Quantity {
    /// Smaller end of the range, or the number.
    pub(super) low: u32,
    /// Larger end of the range, or the number.
    pub(super) high: u32,
    /// Effect of the words around.
    pub(super) limit: Limit,
    /// Index of the first token, including limiting words.
    pub(super) start: usize,
    /// Index of the first number.
    pub(super) number: usize,
    /// Index behind the last number.
    pub(super) end: usize,
}

impl Quantity {
    /// Reads the quantity of which the token at `at` is the first number.
    pub(super) fn read(prompt: &Prompt, words: &Words, at: usize) -> Option<Self> {
        let follows = at > 0 && prompt.gap_after(at - 1) == "-" && number(prompt, words, at - 1).is_some();
        let (low, mut end) = number(prompt, words, at).filter(|_| !follows)?;
        let mut high = low;
        let hyphen = matches!(prompt.gap_after(end - 1), "-" | "–" | "—" | " – " | " - " | "〜" | "~");
        let joins = hyphen || words.at(prompt, end, |lexicon| lexicon.to) == 1;
        let between = between(prompt, at);
        let second = if hyphen { end } else { end + 1 };
        if let Some((next, after)) = number(prompt, words, second).filter(|(next, _)| joins && *next > low) {
            (high, end) = (next, after);
        }
        // Three numbers in a row, as in "5-7-5" or a date, are no range.
        let continued = prompt.gap_after(end - 1) == "-" && number(prompt, words, end).is_some();
        let single = prompt.word(at) == "single" && prompt.said_before(at, &["a", "one", "the"]) > 0;
        let (limit, start) = limit_before(prompt, words, at - usize::from(single));
        let quantity = Self { low, high, limit, start: start - between.min(start), number: at, end };
        (!continued && high <= LARGEST).then_some(quantity)
    }

    /// The limit, with the words behind the noun that ends before `behind` taken into account.
    pub(super) fn with_suffix(mut self, prompt: &Prompt, words: &Words, behind: usize) -> Self {
        let apart = behind > 0 && prompt.gap_after(behind - 1).contains([',', ';', ':', '(']);
        if self.limit == Limit::Bare && !apart {
            self.limit = if words.at(prompt, behind, |lexicon| lexicon.at_most) > 0 {
                Limit::AtMost
            } else if words.at(prompt, behind, |lexicon| lexicon.at_least) > 0 {
                Limit::AtLeast
            } else if prompt.says(behind, "exactly") || prompt.says(behind, "exact") {
                Limit::Exactly
            } else {
                Limit::Bare
            };
        }
        self
    }

    /// The allowed range. A bare number allows what `bare` returns for it.
    pub(super) fn bounds(&self, bare: impl Fn(u32) -> Bounds) -> Bounds {
        match self.limit {
            Limit::AtMost => Bounds::new(0, self.high),
            Limit::Under => Bounds::new(0, self.high.saturating_sub(1).max(1)),
            Limit::AtLeast => Bounds::new(self.low, u32::MAX),
            Limit::Over => Bounds::new(self.low.saturating_add(1), u32::MAX),
            _ if self.high > self.low => {
                let wide = if self.limit == Limit::About { 10 } else { 0 };
                let part = |end: u32| end.saturating_mul(wide) / 100;
                Bounds::new(self.low - part(self.low), self.high.saturating_add(part(self.high)))
            }
            Limit::About => Bounds::around(self.low, 20, 20),
            Limit::Exactly => Bounds::exactly(self.low),
            Limit::Bare => bare(self.low),
        }
    }
}

/// The number of words of "between" before a range.
fn between(prompt: &Prompt, at: usize) -> usize {
    prompt.said_before(at, &["between", "from", "zwischen", "entre", "tra", "fra", "tussen", "von"])
}

/// Reads a number in digits or words, and returns it with the index behind it.
fn number(prompt: &Prompt, words: &Words, at: usize) -> Option<(u32, usize)> {
    let token = prompt.tokens.get(at).filter(|token| !token.quoted)?;
    let before = prompt.text.get(..token.span.start).unwrap_or_default().chars().next_back();
    if matches!(before, Some('$' | '€' | '£' | '#' | '¥' | '/')) {
        return None;
    }
    if token.folded.bytes().all(|b| b.is_ascii_digit()) {
        return digits(prompt, at);
    }
    let first = words.number(&token.folded)?;
    let next = |at: usize| words.number(prompt.word(at));
    match next(at + 1) {
        Some(100) if first < 10 => Some((first * 100, at + 2)),
        Some(12) if first == 1 => Some((12, at + 2)),
        Some(unit) if (20..100).contains(&first) && unit < 10 && prompt.tokens.get(at + 1)?.joined => {
            Some((first + unit, at + 2))
        }
        _ => Some((first, at + 1)),
    }
}

/// Reads a number in digits, with separators of thousands. A decimal number, a share and a time are none.
fn digits(prompt: &Prompt, at: usize) -> Option<(u32, usize)> {
    let (mut digits, mut end) = (prompt.word(at).to_owned(), at + 1);
    while is_group(prompt, end) {
        digits.push_str(prompt.word(end));
        end += 1;
    }
    let is_digit = |at: usize| prompt.word(at).starts_with(|c: char| c.is_ascii_digit());
    let glued = |gap: &str| matches!(gap, "." | "," | ":" | "/");
    let decimal = (glued(prompt.gap_after(end - 1)) && is_digit(end))
        || (at > 0 && glued(prompt.gap_after(at - 1)) && is_digit(at - 1));
    let share = prompt.gap_after(end - 1).trim_start().starts_with(['%', '°', '€', '$', '£', '/']);
    (!decimal && !share).then_some(())?;
    Some((digits.parse().ok()?, end))
}

/// True if the token at `at` continues a number with a separator of thousands.
fn is_group(prompt: &Prompt, at: usize) -> bool {
    let word = prompt.word(at);
    let three = word.len() == 3 && word.bytes().all(|b| b.is_ascii_digit());
    three && at > 0 && matches!(prompt.gap_after(at - 1), "," | "." | "\u{a0}" | "\u{202f}")
}

/// Reads the limiting words before the number at `at`, and returns the index of the first of them.
fn limit_before(prompt: &Prompt, words: &Words, at: usize) -> (Limit, usize) {
    let start = prompt.tokens.get(at).map_or(0, |token| token.span.start);
    let sign = prompt.text.get(..start).unwrap_or_default().trim_end().chars().next_back();
    let after = prompt.gap_after(at);
    match sign {
        Some('≤' | '⩽') => return (Limit::AtMost, at),
        Some('<') => return (Limit::Under, at),
        Some('≥') => return (Limit::AtLeast, at),
        Some('>') => return (Limit::Over, at),
        Some('~' | '≈' | '±') => return (Limit::About, at),
        _ if after.starts_with('+') => return (Limit::AtLeast, at),
        _ => {}
    }
    let at = at - between(prompt, at).min(at);
    // Articles and prepositions may stand between the limiting words and the number.
    let skip = prompt.said_before(
        at,
        &["in", "a", "an", "the", "in a", "to", "of", "auf", "de", "las", "los", "en", "em"],
    );
    let picks: [(Limit, Pick); 6] = [
        (Limit::AtMost, |lexicon| lexicon.at_most),
        (Limit::AtLeast, |lexicon| lexicon.at_least),
        (Limit::Under, |lexicon| lexicon.under),
        (Limit::Over, |lexicon| lexicon.over),
        (Limit::Exactly, |lexicon| lexicon.exactly),
        (Limit::About, |lexicon| lexicon.about),
    ];
    for from in [at, at - skip] {
        let lengths = picks.map(|(limit, pick)| (words.before(prompt, from, pick), limit));
        // The longest phrase wins: "no more than" contains "more than".
        let longest = lengths.iter().map(|(length, _)| *length).max().unwrap_or(0);
        let found = lengths.iter().find(|(length, _)| *length == longest && longest > 0);
        if let Some((length, limit)) = found {
            return (*limit, from - length);
        }
    }
    (Limit::Bare, at)
}
