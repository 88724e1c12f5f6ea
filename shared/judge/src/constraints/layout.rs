//! The layout of an answer: its lines, items, paragraphs and sentences.

use std::ops::Range;

use super::prompt::folded;

/// The kind of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Line without text.
    Blank,
    /// Opening or closing line of a code fence.
    Fence,
    /// Line inside a code fence.
    Code,
    /// Markdown heading, or a line that is bold as a whole.
    Heading,
    /// Numbered item of a list.
    Number,
    /// Item of a list behind a bullet.
    Bullet,
    /// Row of a table.
    Table,
    /// Horizontal rule, or the line below a table's head.
    Rule,
    /// Any other line.
    Text,
}

/// A line of an answer.
#[derive(Clone, Debug)]
pub(crate) struct Row<'a> {
    /// Line without surrounding space.
    pub(crate) text: &'a str,
    /// Text behind the marker of a list item or heading.
    pub(crate) content: &'a str,
    /// Kind of the line.
    pub(crate) kind: Kind,
    /// Number of leading spaces.
    pub(crate) indent: usize,
    /// Number of the list item, if the line has one.
    pub(crate) number: u32,
}

/// A fenced block of code.
#[derive(Clone, Debug)]
pub(crate) struct Fence<'a> {
    /// Label behind the opening fence, in lower case.
    pub(crate) label: String,
    /// Code.
    pub(crate) code: &'a str,
    /// False if no closing fence follows.
    pub(crate) closed: bool,
}

/// A parsed answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer<'a> {
    /// Whole text, without a fence that encloses all of it as prose.
    pub(crate) text: &'a str,
    /// Lines in order.
    pub(crate) rows: Vec<Row<'a>>,
    /// Fenced blocks in order.
    pub(crate) fences: Vec<Fence<'a>>,
    /// Range of the lines between a greeting and a closing remark.
    pub(crate) body: Range<usize>,
}

impl<'a> Answer<'a> {
    /// Parses `text`.
    pub(crate) fn new(text: &'a str) -> Self {
        let text = unwrapped(text.trim());
        let (rows, fences) = rows(text);
        let body = body(&rows);
        Self { text, rows, fences, body }
    }

    /// The lines of the body.
    pub(crate) fn body(&self) -> &[Row<'a>] {
        self.rows.get(self.body.clone()).unwrap_or_default()
    }

    /// The sets of lines that may be meant by "the answer": all of them, those without greeting and closing
    /// remark, and of these those without headings. A length fits if it fits one of them.
    pub(crate) fn readings(&self) -> Vec<Vec<&Row<'a>>> {
        let prose = |row: &&Row<'a>| !matches!(row.kind, Kind::Fence | Kind::Code | Kind::Rule);
        let all: Vec<&Row<'a>> = self.rows.iter().filter(prose).collect();
        let body: Vec<&Row<'a>> = self.body().iter().filter(prose).collect();
        let plain = body.iter().copied().filter(|row| row.kind != Kind::Heading).collect();
        let untitled =
            body.iter().copied().skip_while(|row| row.kind == Kind::Blank).skip(1).collect::<Vec<_>>();
        let titled = body.iter().find(|row| row.kind != Kind::Blank).is_some_and(|first| is_title(first))
            && untitled.first().is_some_and(|row| row.kind == Kind::Blank);
        let mut readings = vec![body, all, plain];
        if titled {
            readings.push(untitled);
        }
        readings.extend(self.letter());
        readings
    }

    /// The lines of a letter between its salutation and its signature, if it has a salutation.
    fn letter(&self) -> Option<Vec<&Row<'a>>> {
        let filled: Vec<&Row<'a>> = self.body().iter().filter(|row| row.kind != Kind::Blank).collect();
        let short = |row: &Row<'a>| row.kind == Kind::Text && row.text.split_whitespace().count() <= 6;
        let first =
            usize::from(filled.first().is_some_and(|row| super::format::subject_of(row.text).is_some()));
        let salutes = |row: &&Row<'a>| {
            short(row)
                && row.text.chars().count() <= 40
                && row.text.ends_with([',', '，', '!', '！', ':', '：'])
        };
        filled.get(first).copied().filter(salutes)?;
        // A signature is a run of short lines without full stops.
        let signs =
            |row: &&&Row<'a>| short(row) && !row.text.ends_with(['.', '!', '?', '。', '！', '？', '…']);
        let signature = filled.iter().rev().take_while(signs).count().min(3);
        let letter = filled.get(first + 1..filled.len().checked_sub(signature)?)?;
        (!letter.is_empty()).then(|| letter.to_vec())
    }

    /// The text outside code fences.
    pub(crate) fn prose(&self) -> String {
        let mut prose = String::with_capacity(self.text.len());
        for row in self.rows.iter().filter(|row| !matches!(row.kind, Kind::Fence | Kind::Code)) {
            prose.push_str(row.text);
            prose.push('\n');
        }
        prose
    }

    /// The code of all fences, or the whole text if there are none.
    pub(crate) fn code(&self) -> String {
        if self.fences.is_empty() {
            return self.text.to_owned();
        }
        self.fences.iter().map(|fence| fence.code).collect::<Vec<_>>().join("\n")
    }

    /// The possible divisions of the answer into items, the most natural one first. An item is a list of
    /// lines.
    pub(crate) fn divisions(&self) -> Vec<Vec<Vec<&Row<'a>>>> {
        let body: Vec<&Row<'a>> = self.body().iter().filter(|row| row.kind != Kind::Fence).collect();
        let outer =
            |kind: Kind| body.iter().filter(|row| row.kind == kind).map(|row| row.indent).min().unwrap_or(0);
        let (numbers, bullets) = (outer(Kind::Number), outer(Kind::Bullet));
        let numbered = split(&body, |row| row.kind == Kind::Number && row.indent <= numbers + 1);
        let bulleted = split(&body, |row| row.kind == Kind::Bullet && row.indent <= bullets + 1);
        let headed = split(&body, |row| row.kind == Kind::Heading);
        let table: Vec<Vec<&Row<'a>>> =
            body.iter().filter(|row| row.kind == Kind::Table).skip(1).map(|row| vec![*row]).collect();
        let lists = numbered.len() >= 2 || bulleted.len() >= 2;
        let mut found = Vec::new();
        if numbered.len() >= 2 {
            found.push(numbered);
            found.push(split(&body, |row| row.kind == Kind::Number && row.number == 1));
        }
        if bulleted.len() >= 2 {
            found.push(bulleted);
        }
        if headed.len() >= 2 {
            let mut deeper = headed.clone();
            deeper.remove(0);
            found.push(headed);
            found.push(deeper);
        }
        if table.len() >= 2 {
            let items = table.iter().filter(|rows| !rows.iter().all(|row| is_total(row)));
            let items: Vec<Vec<&Row<'a>>> = items.cloned().collect();
            let totals = items.len() < table.len();
            found.push(table);
            if totals {
                found.push(items);
            }
        }
        let led = split(&body, |row| row.kind == Kind::Text && is_led(row.text));
        if led.len() >= 2 && !lists {
            found.push(led);
        }
        found.extend(blocks(&body, lists));
        found
    }
}

/// Divides lines at those that satisfy `starts`. Lines before the first of these belong to no item.
fn split<'r, 'a>(rows: &[&'r Row<'a>], starts: impl Fn(&Row<'a>) -> bool) -> Vec<Vec<&'r Row<'a>>> {
    let mut items: Vec<Vec<&Row<'a>>> = Vec::new();
    for row in rows {
        if starts(row) {
            items.push(vec![row]);
        } else if let Some(last) = items.last_mut() {
            last.push(row);
        }
    }
    items
}

/// Divides lines into paragraphs, into parts between rules and, without lists, into single lines.
fn blocks<'r, 'a>(rows: &[&'r Row<'a>], lists: bool) -> Vec<Vec<Vec<&'r Row<'a>>>> {
    let paragraphs = |rows: &[&'r Row<'a>]| -> Vec<Vec<&'r Row<'a>>> {
        let parts = rows.split(|row| matches!(row.kind, Kind::Blank | Kind::Rule));
        parts.filter(|part| part.iter().any(|row| row.kind != Kind::Heading)).map(<[_]>::to_vec).collect()
    };
    let between_rules = rows.split(|row| row.kind == Kind::Rule).filter(|part| !part.is_empty());
    let ruled: Vec<Vec<&Row<'a>>> = between_rules.map(<[_]>::to_vec).collect();
    let mut found = Vec::new();
    if ruled.len() >= 2 {
        found.push(ruled);
    }
    let blocks = paragraphs(rows);
    let lines: Vec<Vec<&Row<'a>>> = rows
        .iter()
        .filter(|row| !matches!(row.kind, Kind::Blank | Kind::Heading | Kind::Rule))
        .map(|row| vec![*row])
        .collect();
    if blocks.len() >= 2 {
        found.push(blocks);
    }
    if !lists && !lines.is_empty() {
        found.push(lines);
    }
    found
}

/// Words at the beginning of a table's last row, folded.
const TOTALS: &[&str] = &[
    "total",
    "totale",
    "sum",
    "summe",
    "gesamt",
    "insgesamt",
    "suma",
    "razem",
    "totaal",
    "toplam",
    "итого",
    "totaux",
    "summa",
    "合計",
    "总计",
    "合计",
    "합계",
];

/// True if the row of a table adds up those above it.
fn is_total(row: &Row<'_>) -> bool {
    let first = row.text.trim_matches('|').split('|').next().unwrap_or_default();
    let word = folded(first.trim_matches(|c: char| !c.is_alphanumeric()));
    let word = word.split_whitespace().next().unwrap_or_default();
    TOTALS.iter().any(|total| folded(total) == word)
}

/// Names of days and parts of a plan at the beginning of an item, folded.
const LEADS: &[&str] = &[
    "mon",
    "tue",
    "tues",
    "wed",
    "thu",
    "thurs",
    "fri",
    "sat",
    "sun",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "mo",
    "di",
    "mi",
    "do",
    "fr",
    "sa",
    "so",
    "montag",
    "dienstag",
    "mittwoch",
    "donnerstag",
    "freitag",
    "samstag",
    "sonntag",
    "lundi",
    "mardi",
    "mercredi",
    "jeudi",
    "vendredi",
    "samedi",
    "dimanche",
    "lunes",
    "martes",
    "miercoles",
    "jueves",
    "viernes",
    "sabado",
    "domingo",
    "lunedi",
    "martedi",
    "mercoledi",
    "giovedi",
    "venerdi",
    "sabato",
    "domenica",
    "segunda",
    "terca",
    "quarta",
    "quinta",
    "sexta",
    "maandag",
    "dinsdag",
    "woensdag",
    "donderdag",
    "vrijdag",
    "zaterdag",
    "zondag",
    "week",
    "day",
    "woche",
    "tag",
    "semaine",
    "jour",
    "semana",
    "dia",
    "noche",
    "noite",
    "settimana",
    "giorno",
    "night",
    "step",
    "noc",
    "dag",
];

/// True if a line of text begins like an item: with a bold label, or with a day.
fn is_led(line: &str) -> bool {
    if line.starts_with("**") && line.get(2..).is_some_and(|rest| rest.contains("**")) {
        return true;
    }
    let word = line.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    word.starts_with(char::is_uppercase) && LEADS.contains(&folded(word).as_str())
}

/// Removes a fence without a programming language that encloses the whole text.
fn unwrapped(text: &str) -> &str {
    let inner = text.strip_prefix("```").and_then(|rest| rest.strip_suffix("```"));
    let Some((label, inner)) = inner.and_then(|inner| inner.split_once('\n')) else { return text };
    let prose = matches!(label.trim(), "" | "text" | "markdown" | "md" | "txt" | "plaintext");
    if prose && !inner.contains("```") { inner.trim() } else { text }
}

fn rows(text: &str) -> (Vec<Row<'_>>, Vec<Fence<'_>>) {
    let (mut rows, mut fences, mut at) = (Vec::new(), Vec::<Fence<'_>>::new(), 0);
    let mut open: Option<(usize, String)> = None;
    for line in text.split_inclusive('\n') {
        let trimmed = line.trim();
        let fence = trimmed.starts_with("```") || trimmed.starts_with("~~~");
        let (kind, content, number) = match (fence, &open) {
            (true, None) => {
                let label = trimmed.trim_start_matches(['`', '~']).trim().to_lowercase();
                open = Some((at + line.len(), label));
                (Kind::Fence, "", 0)
            }
            (true, Some((start, label))) => {
                let code = text.get(*start..at).unwrap_or_default();
                fences.push(Fence { label: label.clone(), code, closed: true });
                open = None;
                (Kind::Fence, "", 0)
            }
            (false, Some(_)) => (Kind::Code, trimmed, 0),
            (false, None) => kind(trimmed),
        };
        let indent = line.len() - line.trim_start().len();
        rows.push(Row { text: trimmed, content, kind, indent, number });
        at += line.len();
    }
    if let Some((start, label)) = open {
        fences.push(Fence { label, code: text.get(start..).unwrap_or_default(), closed: false });
    }
    (rows, fences)
}

fn kind(line: &str) -> (Kind, &str, u32) {
    if line.is_empty() {
        return (Kind::Blank, line, 0);
    }
    if line.len() >= 3
        && line.chars().all(|c| matches!(c, '-' | '*' | '_' | '=' | '|' | ':' | ' ' | '—' | '─'))
    {
        return (Kind::Rule, line, 0);
    }
    if line.starts_with('|') && line.matches('|').count() >= 2 {
        return (Kind::Table, line, 0);
    }
    let bare = line.trim_start_matches('#');
    let heading = bare.len() < line.len() && bare.starts_with(' ');
    let content = if heading { bare.trim() } else { line };
    if let Some((number, rest)) = numbered(content) {
        return (Kind::Number, rest, number);
    }
    if heading || is_bold(line) {
        return (Kind::Heading, content, 0);
    }
    for bullet in ['-', '*', '•', '–', '·', '—', '+', '◦', '‣', '▪', '●', '○', '✓', '✅', '➤', '→', '・']
    {
        if let Some(rest) =
            line.strip_prefix(bullet).filter(|rest| rest.starts_with([' ', '\t']) || bullet == '・')
        {
            return (Kind::Bullet, rest.trim(), 0);
        }
    }
    (Kind::Text, line, 0)
}

/// True if the whole line is bold, as an improvised heading is.
fn is_bold(line: &str) -> bool {
    let inner = line.strip_prefix("**").and_then(|rest| rest.trim_end_matches(':').strip_suffix("**"));
    inner.is_some_and(|inner| {
        !inner.contains("**") && inner.split_whitespace().count() <= 10 && !inner.ends_with(['.', '!', '?'])
    })
}

/// Words before a number that belong to the marker of a list item.
#[rustfmt::skip] // one word per line would hide the code
const MARKED: &[&str] = &[
    "step", "tip", "day", "week", "option", "idea", "no", "nr", "schritt", "tag", "woche", "tipp", "etape",
    "jour", "paso", "dia", "passo", "giorno", "stap", "dag", "tagline", "slogan", "reason", "question",
    "part", "post", "email", "recipe", "joke", "version", "semaine", "semana", "settimana", "variant",
    "scene", "chapter", "level", "method", "rule", "example",
];

/// The number of a numbered list item, and the text behind its marker.
fn numbered(line: &str) -> Option<(u32, &str)> {
    let line = line.trim_start_matches(['*', '_', '(', '[']);
    if let Some(rest) = keycap(line) {
        return Some(rest);
    }
    let marked = line.split_once(' ').filter(|(word, _)| MARKED.contains(&folded(word).as_str()));
    let rest = marked.map_or(line, |(_, rest)| rest);
    let length = rest.bytes().take_while(u8::is_ascii_digit).count();
    let digits = rest.get(..length)?;
    let after = rest.get(length..)?;
    let mark = after.starts_with(['.', ')', ':', ']', '、', '．']);
    let dash = marked.is_some() && after.trim_start().starts_with(['–', '—', '-', '*']);
    let number: u32 = digits.parse().ok().filter(|number| *number <= 200)?;
    let text = after.trim_start_matches(['.', ')', ':', ']', '*', '_', '、', '．', '–', '—', '-']);
    // "1.5 cups" and "14:05" are quantities, "42." an answer.
    let spaced = text.starts_with([' ', '\t']) || after.starts_with(['、', '．']) || marked.is_some();
    ((mark || dash) && spaced && text.contains(char::is_alphanumeric)).then(|| (number, text.trim()))
}

/// The number of an emoji with a digit on a key, or of a digit in a circle.
fn keycap(line: &str) -> Option<(u32, &str)> {
    let first = line.chars().next()?;
    let circled = u32::from(first).checked_sub(0x245f).filter(|number| (1..=20).contains(number));
    if let Some(number) = circled {
        return Some((number, line.get(first.len_utf8()..)?.trim()));
    }
    let digit = first.to_digit(10)?;
    let rest = line.get(1..)?.trim_start_matches('\u{fe0f}').strip_prefix('\u{20e3}')?;
    Some((digit, rest.trim()))
}

/// First words of a remark before the answer, folded.
#[rustfmt::skip] // one word per line would hide the code
const GREETINGS: &[&str] = &[
    "sure", "certainly", "of course", "absolutely", "here is", "here are", "heres", "great question",
    "great", "okay", "ok", "alright", "happy to", "no problem", "gerne", "klar", "naturlich", "hier ist",
    "hier sind", "selbstverstandlich", "voici", "bien sur", "dacord", "claro", "aqui tienes", "aqui tiene",
    "aqui estan", "por supuesto", "ecco", "certo", "certamente", "aqui esta", "aqui estao", "com certeza",
    "hier zijn", "natuurlijk", "zeker", "below", "these are", "the following", "thanks for",
    "thank you for", "good question", "as requested",
];

/// First words of a remark behind the answer, folded.
#[rustfmt::skip] // one word per line would hide the code
const CLOSINGS: &[&str] = &[
    "let me know", "i hope", "hope this", "hope that", "feel free", "would you like", "want me to",
    "if you want", "if youd like", "if you need", "if you would like", "shall i", "happy to",
    "do you want", "just let me", "please let me", "dont hesitate", "ich hoffe", "lass mich",
    "sag bescheid", "wenn du mochtest", "mochtest du", "mochten sie", "soll ich", "nhesitez", "nhesite",
    "jespere", "dites moi", "voulez vous", "espero que", "si quieres", "quieres que", "avisame",
    "spero che", "fammi sapere", "se vuoi", "vuoi che", "se quiser", "me avise", "laat me", "wil je",
    "ik hoop", "word count", "note:", "wortzahl", "(word count", "total words",
];

fn opens_with(line: &str, phrases: &[&str]) -> bool {
    let line = folded(line.trim_start_matches(|c: char| !c.is_alphanumeric() && c != '('));
    phrases
        .iter()
        .any(|phrase| line.strip_prefix(phrase).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric)))
}

/// The range of the lines without a greeting before the answer and a remark behind it.
fn body(rows: &[Row<'_>]) -> Range<usize> {
    let filled = |row: &Row<'_>| row.kind != Kind::Blank;
    let (Some(first), Some(last)) = (rows.iter().position(filled), rows.iter().rposition(filled)) else {
        return 0..rows.len();
    };
    let greets = rows.get(first).is_some_and(|row| {
        // A key above indented lines is data.
        let key = rows.get(first + 1).is_some_and(|next| {
            next.indent > row.indent && (next.kind == Kind::Text || !row.text.contains(' '))
        });
        let introduces = (row.text.ends_with([':', '：']) || row.text.ends_with(":**")) && !key;
        let short = row.text.split_whitespace().count() <= 30;
        let greeting = opens_with(row.text, GREETINGS) && ends_paragraph(rows, first);
        matches!(row.kind, Kind::Text | Kind::Heading) && short && (introduces || greeting)
    });
    let closes = rows.get(last).is_some_and(|row| {
        let alone = last > 0
            && rows.get(last - 1).is_some_and(|before| !filled(before) || before.kind == Kind::Fence);
        row.kind == Kind::Text && alone && opens_with(row.text, CLOSINGS)
    });
    let start = if greets && first < last { first + 1 } else { first };
    let end = if closes && start < last { last } else { last + 1 };
    start..end
}

fn ends_paragraph(rows: &[Row<'_>], at: usize) -> bool {
    rows.get(at + 1).is_some_and(|next| !matches!(next.kind, Kind::Text))
}

/// True if the line reads as a title: short, and without a mark at its end.
fn is_title(row: &Row<'_>) -> bool {
    matches!(row.kind, Kind::Text | Kind::Heading)
        && row.text.split_whitespace().count() <= 8
        && !row.text.ends_with(['.', '!', '?', ',', ';'])
}

/// Counts the words of `text`: parts between spaces and dashes that have a letter or digit.
pub(crate) fn count_words(text: &str) -> usize {
    let parts = text.split(|c: char| c.is_whitespace() || matches!(c, '—' | '–' | '|'));
    parts.filter(|part| part.contains(char::is_alphanumeric)).count()
}

/// Abbreviations with a full stop, folded.
const ABBREVIATED: &[&str] = &[
    "mr", "mrs", "ms", "dr", "prof", "st", "vs", "etc", "eg", "ie", "no", "nr", "ca", "approx", "z", "b",
    "bzw", "usw", "inkl", "min", "max", "mme", "sr", "sra", "dott", "sig", "jr", "inc", "ltd", "co", "fig",
    "p", "u", "s", "a", "m", "d", "h", "e", "g", "i", "abb", "dhr", "mevr", "tel", "ex", "art", "np", "tzw",
    "itd", "itp", "godz", "ul", "pkt", "tys", "bijv", "incl", "evt", "evtl", "ggf", "vgl", "geb", "mio",
    "mrd", "hr", "fr", "str", "std", "kl", "bl", "ej", "aprox", "pag", "av", "num", "ecc", "orn", "vb", "dk",
    "env", "avd", "tlf",
];

/// Nouns behind an ordinal number in German, which a full stop marks.
const ORDINALS: &[&str] = &[
    "januar",
    "februar",
    "marz",
    "april",
    "mai",
    "juni",
    "juli",
    "august",
    "september",
    "oktober",
    "november",
    "dezember",
    "jahrhundert",
    "geburtstag",
    "klasse",
    "stock",
    "mal",
    "platz",
];

/// The sentences of `text`. The end of a line ends a sentence too.
pub(crate) fn sentences(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for line in text.split('\n') {
        let mut start = 0;
        for (at, c) in line.char_indices() {
            if at >= start && ends_here(line, at, c) {
                let end = line
                    .get(at..)
                    .unwrap_or_default()
                    .find(|c: char| !is_end(c) && !is_closing(c))
                    .map_or(line.len(), |length| at + length);
                found.push(line.get(start..end).unwrap_or_default());
                start = end;
            }
        }
        found.push(line.get(start..).unwrap_or_default());
    }
    found.into_iter().map(str::trim).filter(|sentence| sentence.contains(char::is_alphanumeric)).collect()
}

const fn is_end(c: char) -> bool {
    matches!(c, '.' | '!' | '?' | '…' | '。' | '！' | '？' | '।')
}

const fn is_closing(c: char) -> bool {
    matches!(c, '"' | '”' | '’' | '»' | ')' | '*' | '_' | '\'' | '」' | '』' | '）' | '“')
}

/// True if the mark `c` at `at` ends a sentence of `line`.
fn ends_here(line: &str, at: usize, c: char) -> bool {
    if !is_end(c) {
        return false;
    }
    if matches!(c, '。' | '！' | '？') {
        return true;
    }
    // A run of marks ends one sentence, at its first mark. Only a short part behind the mark is read, which
    // keeps the search linear.
    let before = line.get(..at).unwrap_or_default();
    if before.ends_with(is_end) {
        return false;
    }
    let rest = super::prompt::head(line.get(at..).unwrap_or_default(), 40).trim_start_matches(is_end);
    let after = rest.trim_start_matches(is_closing);
    if after.is_empty() {
        return true;
    }
    if !after.starts_with(char::is_whitespace) {
        return false;
    }
    let next = after.trim_start().trim_start_matches(|c: char| !c.is_alphanumeric()).chars().next();
    if next.is_some_and(char::is_lowercase) {
        return false;
    }
    let word = before.rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    let abbreviated = ABBREVIATED.contains(&folded(word).as_str()) && !(word.len() == 1 && word == "I");
    let digits = !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit()) && word.len() <= 2;
    let following = || folded(after.split_whitespace().next().unwrap_or_default());
    let ordinal = digits && ORDINALS.contains(&following().trim_matches(|c: char| !c.is_alphanumeric()));
    c != '.' || !(abbreviated || digits && at < 4 || ordinal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(text: &str) -> Vec<usize> {
        Answer::new(text).divisions().iter().map(Vec::len).collect()
    }

    #[test]
    fn items_follow_the_layout() {
        for (text, natural) in [
            ("Sure! Here are three taglines:\n\n1. A\n2. B\n3. C\n\nLet me know what you think!", 3),
            ("- one\n  - inner\n- two", 2),
            ("## Monday\nEat\n\n## Tuesday\nCook", 2),
            ("Fresh bread.\nWarm heart.\nCold butter.", 3),
            ("First block of text.\n\nSecond block of text.", 2),
            ("**1. Title**\ntext\n\n**2. Title**\ntext", 2),
            ("| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |", 2),
            ("1️⃣ One\n2️⃣ Two", 2),
            ("Day 1: rice\nDay 2: beans\nDay 3: soup", 3),
        ] {
            assert_eq!(sizes(text).first(), Some(&natural), "{text}");
        }
    }

    #[test]
    fn sentences_end_at_full_stops_but_not_at_abbreviations() {
        for (text, count) in [
            ("Dr. Smith paid 3.5 euros. He left!", 2),
            ("\"Stop!\" she said. He did.", 2),
            ("今日は晴れ。明日は雨。", 2),
            ("Wait... what? Yes.", 2),
            ("One line\nanother line", 2),
            ("e.g. this one", 1),
            ("", 0),
        ] {
            assert_eq!(sentences(text).len(), count, "{text} {:?}", sentences(text));
        }
    }
}
