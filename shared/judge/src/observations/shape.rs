//! Measures of an answer's form: its ending, layout, sentences and words.

use std::collections::HashSet;

use super::{capped, per_mille, words};
use crate::constraints::layout::{Answer, Kind, count_words, sentences};
use crate::set::{Set, hash};
use crate::text::Text;

/// Words that address the reader.
pub(super) const SECOND_PERSON: &[&str] = &[
    "you", "your", "yours", "youre", "youll", "youve", "youd", "yourself", "du", "dein", "deine", "deinen",
    "dir", "dich", "ihnen", "tu", "ton", "ta", "tes", "toi", "vous", "votre", "vos", "te", "tus", "usted",
    "ti", "tuo", "tua", "voce", "seu", "sua", "jij", "jouw", "uw",
];

/// Words for the writer.
pub(super) const FIRST_PERSON: &[&str] = &[
    "i", "im", "ive", "id", "ill", "my", "me", "mine", "ich", "mein", "meine", "mir", "mich", "je", "mon",
    "mes", "moi", "yo", "mi", "mis", "io", "mio", "mia", "eu", "meu", "minha", "ik", "mijn",
];

/// Words of the last line below which an ending without a full stop is a slogan, not a cut.
const SLOGAN: usize = 14;

/// 1 if the last line is a long one that ends in mid-sentence, or with a word that needs a next one.
pub(super) fn cut_off(answer: &Answer<'_>) -> i64 {
    let last = answer.rows.iter().rev().find(|row| row.kind != Kind::Blank);
    let Some(row) = last.filter(|row| matches!(row.kind, Kind::Text | Kind::Bullet | Kind::Number)) else {
        return 0;
    };
    let end = row.text.trim_end_matches(['*', '_', '"', '”', '\'', '»', ')', '`']);
    let marked =
        end.ends_with(['.', '!', '?', '…', '。', '！', '？', ':', '؟', '।']) || end.len() < row.text.len();
    let symbol =
        end.chars().next_back().is_some_and(|c| !c.is_alphanumeric() && !matches!(c, ',' | ';' | '-' | '('));
    let words = words(row.text);
    let dangling = words.last().is_some_and(|word| DANGLING.contains(&word.as_str()));
    let code = row.text.contains(['{', '}', ';', '=', '|', '\\']);
    let list = matches!(row.kind, Kind::Bullet | Kind::Number);
    // The other items show whether items end with full stops.
    let (mut items, mut stopped) = (0, 0);
    for other in answer.rows.iter().filter(|other| other.kind == row.kind) {
        items += 1;
        stopped += usize::from(other.text.ends_with(['.', '!', '?', '。', '！', '？']));
    }
    let unlike = list && items >= 3 && stopped + 1 == items;
    let long = unlike || words.len() >= SLOGAN && !list && answer.text.matches(['.', '。']).count() > 0;
    i64::from(
        !marked
            && !symbol
            && !code
            && words.len() >= 4
            && (dangling || long || end.ends_with([',', ';', '('])),
    )
}

/// Words after which a sentence cannot end.
#[rustfmt::skip] // one word per line would hide the code
const DANGLING: &[&str] = &[
    "the", "a", "an", "and", "or", "of", "to", "with", "for", "from", "in", "on", "at", "by", "but",
    "because", "that", "which", "your", "our", "my", "their", "its", "is", "are", "und", "oder", "der",
    "die", "das", "mit", "fur", "ein", "eine", "weil", "zu", "et", "ou", "le", "la", "les", "de", "des",
    "un", "une", "pour", "avec", "que", "y", "o", "el", "los", "del", "con", "para", "por", "e", "il",
    "lo", "di", "per", "che", "os", "do", "da", "com", "het", "een", "van", "en", "voor", "met", "met de",
];

/// 1 if a fence is never closed.
pub(super) fn open_fence(answer: &Answer<'_>) -> i64 {
    i64::from(answer.fences.iter().any(|fence| !fence.closed))
}

/// Marks of blanks to fill in.
#[rustfmt::skip] // one word per line would hide the code
const BLANKS: &[&str] = &[
    concat!("TO", "DO"), concat!("FIX", "ME"), "Lorem ipsum", "lorem ipsum", "<insert", "[insert", "[Insert", "{insert", concat!("XX", "X"),
    "your_", "YOUR_", "<your", "___", "[...]", "[…]", "(insert your", "(insert name", "TBD", "tbd",
];

/// Words in square or angle brackets that show a blank, folded.
#[rustfmt::skip] // one word per line would hide the code
const BLANK_WORDS: &[&str] = &[
    "name", "your", "company", "date", "insert", "recipient", "sender", "title", "position", "address",
    "phone", "email", "time", "place", "location", "product", "number", "amount", "city", "link",
    "signature", "add", "topic", "dein", "ihr", "datum", "firma", "ort", "votre", "nom", "entreprise",
    "nombre", "empresa", "fecha", "tu", "nome", "azienda", "data", "naam", "bedrijf", "seu", "manager",
    "x",
];

/// Counts blanks to fill in, up to 10. Those in brackets count only in prose, since code has types there.
pub(super) fn placeholders(text: &str, prose: &str) -> i64 {
    let plain: usize = BLANKS.iter().map(|mark| text.matches(mark).count()).sum();
    let bracketed = prose
        .match_indices('[')
        .filter(|(at, _)| {
            let rest = crate::constraints::head(prose.get(at + 1..).unwrap_or_default(), 50);
            let Some((inner, after)) = rest.split_once(']') else { return false };
            // A link has its address behind the brackets, and code has an index or a type in them.
            let plain_text = !after.starts_with('(')
                && !inner.contains(['=', '"', '{', ';', '.', ','])
                && prose.get(..*at).is_none_or(|before| {
                    before.is_empty() || before.ends_with([' ', '\n', '(', '*', '"', ':', ','])
                });
            let words = words(inner);
            // A blank in any language: a few capitalised words and nothing else.
            let blank = words.len() <= 3
                && inner.starts_with(char::is_uppercase)
                && inner.chars().all(|c| c.is_alphabetic() || matches!(c, ' ' | '\'' | '’' | '/'))
                && inner.chars().count() >= 3;
            plain_text && blank
                || plain_text
                    && words.len() <= 5
                    && words.iter().any(|word| BLANK_WORDS.contains(&word.as_str()))
                    && inner.starts_with(char::is_alphabetic)
        })
        .count();
    capped(plain + bracketed, 10)
}

/// Units behind a figure, folded.
#[rustfmt::skip] // one word per line would hide the code
const UNITS: &[&str] = &[
    "g", "kg", "mg", "ml", "l", "cl", "dl", "cm", "mm", "m", "km", "min", "mins", "minute", "minutes",
    "minuten", "hour", "hours", "h", "hrs", "s", "sec", "second", "seconds", "days", "day", "weeks",
    "week", "months", "years", "year", "stunden", "tage", "jahre", "heures", "jours", "ans", "horas",
    "minutos", "dias", "ore", "minuti", "giorni", "uur", "minuten", "euro", "euros", "eur", "usd",
    "dollars", "pounds", "percent", "prozent", "c", "f", "tbsp", "tsp", "cup", "cups", "oz", "lb", "el",
    "tl", "gb", "mb", "kb", "ms", "px", "people", "times", "am", "pm", "ca", "grad", "degrees", "kwh", "w",
    "kcal", "mph", "rem", "stuck", "portionen", "servings", "tablespoons", "teaspoons", "x",
];

/// Counts figures with a unit or a sign of money, share or temperature.
pub(super) fn measures(text: &str) -> usize {
    let (mut count, mut digits, mut at_figure) = (0, false, false);
    let mut rest = text.char_indices().peekable();
    while let Some((at, c)) = rest.next() {
        if c.is_ascii_digit() {
            at_figure |= !digits;
            digits = true;
            continue;
        }
        if digits && at_figure {
            let behind = crate::constraints::head(text.get(at..).unwrap_or_default(), 24);
            let behind = behind.trim_start_matches([' ', '\u{a0}', '\u{202f}']);
            let unit: String = behind.chars().take_while(|c| c.is_alphabetic()).collect();
            let unit = words(&unit).pop().unwrap_or_default();
            let signed = behind.starts_with([
                '%', '°', '€', '$', '£', '¥', '元', '円', '分', '年', '月', '日', '人', '個', '克',
            ]);
            let before = text
                .get(..at)
                .unwrap_or_default()
                .trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | ','));
            let money = before.ends_with(['$', '€', '£', '¥']);
            count += usize::from(signed || money || UNITS.contains(&unit.as_str()));
            at_figure = false;
        }
        digits =
            matches!(c, '.' | ',') && digits && rest.peek().is_some_and(|(_, next)| next.is_ascii_digit());
    }
    count + usize::from(digits && at_figure && text.contains('$'))
}

/// Counts quotations of at most 60 characters.
pub(super) fn quoted(text: &str) -> usize {
    let pairs = [('“', '”'), ('„', '“'), ('«', '»'), ('「', '」'), ('`', '`'), ('"', '"')];
    let (mut count, mut from) = (0, 0);
    for (at, c) in text.char_indices() {
        let Some((_, close)) = pairs.iter().find(|(open, _)| *open == c).filter(|_| at >= from) else {
            continue;
        };
        let rest = crate::constraints::head(text.get(at + c.len_utf8()..).unwrap_or_default(), 120);
        if let Some(length) = rest
            .find([*close, '\n'])
            .filter(|length| *length > 0 && !rest.get(*length..).unwrap_or_default().starts_with('\n'))
        {
            count += 1;
            from = at + c.len_utf8() + length + close.len_utf8();
        }
    }
    count
}

/// The share of lines that repeat an earlier one. Lines of fewer than three words do not count, nor do lines
/// of code, which often repeat by necessity.
pub(super) fn repeated_lines(text: &Text) -> i64 {
    let lines: Vec<u64> =
        text.lines.iter().filter(|line| line.words >= 2 && !line.code).map(|line| line.hash).collect();
    let distinct: Set = lines.iter().copied().collect();
    per_mille(lines.len() - distinct.len(), lines.len())
}

/// The share of sentences that repeat an earlier one.
pub(super) fn repeated_sentences(prose: &str) -> i64 {
    let all: Vec<u64> = sentences(prose)
        .into_iter()
        .map(words)
        .filter(|words| words.len() >= 3)
        .map(|words| hash(words.join(" ").into_bytes()))
        .collect();
    let distinct: Set = all.iter().copied().collect();
    per_mille(all.len() - distinct.len(), all.len())
}

/// The share of characters that are marks of Markdown.
pub(super) fn markup(text: &str) -> i64 {
    let marks = text.chars().filter(|c| matches!(c, '*' | '#' | '`' | '|' | '_' | '~')).count();
    per_mille(marks, text.chars().filter(|c| !c.is_whitespace()).count())
}

fn rows_of(answer: &Answer<'_>, kinds: &[Kind]) -> i64 {
    let filled = answer.rows.iter().filter(|row| row.kind != Kind::Blank).count();
    per_mille(answer.rows.iter().filter(|row| kinds.contains(&row.kind)).count(), filled)
}

/// The share of lines that are headings.
pub(super) fn headings(answer: &Answer<'_>) -> i64 {
    rows_of(answer, &[Kind::Heading])
}

/// The share of lines that are items of lists.
pub(super) fn listed(answer: &Answer<'_>) -> i64 {
    rows_of(answer, &[Kind::Bullet, Kind::Number])
}

/// The share of lines that are rows of tables.
pub(super) fn tabular(answer: &Answer<'_>) -> i64 {
    rows_of(answer, &[Kind::Table])
}

/// The number of lines before and behind the answer proper.
pub(super) fn around(answer: &Answer<'_>) -> i64 {
    let filled = |rows: &[crate::constraints::layout::Row<'_>]| {
        rows.iter().filter(|row| row.kind != Kind::Blank).count()
    };
    let before = filled(answer.rows.get(..answer.body.start).unwrap_or_default());
    let after = filled(answer.rows.get(answer.body.end..).unwrap_or_default());
    capped(before + after, 6)
}

/// The mean of `lengths`, in parts of `scale`.
pub(super) fn mean(lengths: &[usize], scale: usize) -> i64 {
    let sum: usize = lengths.iter().sum();
    i64::try_from((sum * scale).checked_div(lengths.len()).unwrap_or(0)).unwrap_or(i64::MAX)
}

/// The mean deviation of `lengths` from their mean, in per mille of the mean.
pub(super) fn deviation(lengths: &[usize]) -> i64 {
    let sum: usize = lengths.iter().sum();
    let mean = sum.checked_div(lengths.len()).unwrap_or(0);
    let deviations: usize = lengths.iter().map(|length| length.abs_diff(mean)).sum();
    per_mille(deviations, sum)
}

/// Number of words in which distinct ones are counted.
const WINDOW: usize = 50;

/// The mean share of distinct words in windows of 50 words, which does not depend on the length of the text.
/// A shorter text is a single window.
pub(super) fn distinct_words(words: &[String]) -> i64 {
    let share = |window: &[String]| per_mille(window.iter().collect::<HashSet<_>>().len(), window.len());
    let whole: Vec<i64> = words.chunks(WINDOW).filter(|window| window.len() == WINDOW).map(share).collect();
    let count = i64::try_from(whole.len()).unwrap_or(i64::MAX);
    whole.iter().sum::<i64>().checked_div(count).unwrap_or_else(|| share(words))
}

/// The mean length of `words`, in hundredths of a letter.
pub(super) fn word_length(words: &[String]) -> i64 {
    mean(&words.iter().map(|word| word.chars().count()).collect::<Vec<_>>(), 100)
}

/// The mean number of words of a paragraph.
pub(super) fn paragraph_length(answer: &Answer<'_>) -> i64 {
    let blocks = answer.rows.split(|row| row.kind == Kind::Blank).filter(|block| !block.is_empty());
    mean(&blocks.map(|block| block.iter().map(|row| count_words(row.text)).sum()).collect::<Vec<usize>>(), 1)
}

/// The rough script of a letter.
fn script(c: char) -> u8 {
    match u32::from(c) {
        0x0..=0x24f => 0,
        0x370..=0x3ff => 1,
        0x400..=0x52f => 2,
        0x590..=0x5ff => 3,
        0x600..=0x77f => 4,
        0x900..=0x97f => 5,
        0xe00..=0xe7f => 6,
        0x3040..=0x30ff | 0x3400..=0x9fff => 7,
        0xac00..=0xd7af => 8,
        _ => 9,
    }
}

/// The share of letters in a script that the prompt does not use.
pub(super) fn foreign_script(prompt: &Text, text: &str) -> i64 {
    let known: HashSet<u8> = prompt.squeezed.chars().filter(|c| c.is_alphabetic()).map(script).collect();
    let letters = text.chars().filter(|c| c.is_alphabetic());
    let (mut all, mut foreign) = (0, 0);
    for letter in letters {
        all += 1;
        foreign += usize::from(!known.contains(&script(letter)));
    }
    per_mille(foreign, all)
}
