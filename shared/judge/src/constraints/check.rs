//! Checks of an answer against one demand.

use super::amounts::{Scope, Unit};
use super::bounds::Bounds;
use super::layout::{Answer, Kind, Row, count_words, sentences};
use super::prompt::folded;
use super::{Checked, Demand, Met, Person, code, format, language, parsers, patterns, source};

/// Compares `answer` with `demand`.
pub(super) fn check(demand: &Demand, prompt: &str, answer: &Answer<'_>) -> Checked {
    let all = || answer.code();
    match demand {
        Demand::Count(bounds) => count(*bounds, answer),
        Demand::Length(bounds, unit, scope) => length(*bounds, *unit, *scope, answer),
        Demand::Form(form) => {
            let (met, found) = form.check(answer);
            plain(met, found)
        }
        Demand::Language(lang, one_of) => language(*lang, *one_of, answer),
        Demand::KeepFigures => keep_figures(prompt, answer),
        Demand::Mention(term) => {
            let met = term.occurs(answer);
            let found = if met == Some(true) { "mentioned" } else { "not mentioned" };
            plain(met, found.to_owned())
        }
        Demand::Omit(term) => {
            let met = term.is_absent(answer);
            let found = if met == Some(false) { "mentioned" } else { "not mentioned" };
            plain(met, found.to_owned())
        }
        Demand::Person(person) => self::person(*person, answer),
        Demand::Acrostic(name) => acrostic(name, answer),
        Demand::Syllables(lines) => {
            let (met, found) = super::verse::check_syllables(answer, lines);
            plain(met, found)
        }
        Demand::NoRhyme => {
            let (met, found) = super::verse::check_no_rhyme(answer);
            plain(met, found)
        }
        Demand::StartsWith(text) => starts_with(text, answer),
        Demand::Coded(coded) => {
            let (met, found) = code::check_language(answer, *coded);
            plain(met, found)
        }
        Demand::Parses(coded) => {
            let (met, found) = parsers::check(*coded, answer);
            plain(met, found)
        }
        Demand::Function(name) => {
            let found = code::has_word(&all(), name);
            plain(Some(found), if found { name.clone() } else { format!("no {name}") })
        }
        Demand::StandardLibrary => {
            let import = code::foreign_import(&all());
            plain(
                Some(import.is_none()),
                import.map_or("no libraries".to_owned(), |name| format!("imports {name}")),
            )
        }
        Demand::NoImports => {
            let imports = code::imports(&all());
            plain(Some(!imports), if imports { "imports" } else { "no imports" }.to_owned())
        }
        Demand::Barred(bar, coded) => {
            let kept = bar.is_kept(&source::programs(*coded, answer));
            let found = if kept == Some(false) { "not so" } else { "nothing found" };
            plain(kept, found.to_owned())
        }
        Demand::Pattern(examples) => {
            let (met, found) = patterns::check(examples, prompt.contains("fullmatch"), answer);
            plain(met, found)
        }
        Demand::NoRegex => {
            let used = code::uses_regex(&all());
            plain(Some(!used), if used { "regular expressions" } else { "no regular expressions" }.to_owned())
        }
    }
}

/// A check without degrees.
fn plain(met: Option<bool>, found: String) -> Checked {
    match met {
        Some(true) => Checked { met: Met::Met, found, excess: 0 },
        Some(false) => Checked { met: Met::Missed, found, excess: 100 },
        None => Checked { met: Met::Unclear, found, excess: 0 },
    }
}

/// The check of several readings of a number. The first is the natural one, and any may fit.
fn measured(bounds: Bounds, numbers: &[usize], show: impl Fn(usize) -> String) -> Checked {
    let nearest = numbers.iter().copied().min_by_key(|number| bounds.excess(*number));
    let Some(nearest) = nearest else { return plain(None, "nothing to count".to_owned()) };
    let excess = bounds.excess(nearest);
    if excess == 0 {
        return Checked { met: Met::Met, found: show(nearest), excess };
    }
    Checked { met: Met::Missed, found: show(numbers.first().copied().unwrap_or(nearest)), excess }
}

/// Compares the number of items with the natural division of the answer and its alternatives.
fn count(bounds: Bounds, answer: &Answer<'_>) -> Checked {
    let divisions = answer.divisions();
    let mut numbers: Vec<usize> = divisions.iter().map(Vec::len).collect();
    let listed = answer.rows.iter().filter(|row| matches!(row.kind, Kind::Bullet | Kind::Number)).count();
    if let Some(length) = array_length(answer) {
        numbers.insert(0, length);
    }
    // An explicit list shows by itself how many items are too many.
    if bounds.least <= 1 && bounds.most > 1 && listed >= 2 {
        numbers.truncate(1);
        return measured(bounds, &numbers, show_items);
    }
    if bounds.most == 1 {
        // A single item may have any layout, except a list of several.
        return if listed >= 2 {
            plain(None, format!("{listed} list items"))
        } else {
            measured(bounds, &[1], show_items)
        };
    }
    if numbers.iter().max().is_none_or(|most| *most <= 1) {
        let text: Vec<&str> = answer.body().iter().map(|row| row.text).collect();
        numbers.push(sentences(&text.join("\n")).len());
        numbers.extend(text.iter().map(|line| line.split([',', ';', '/', '|', '、', '•']).count()).max());
    } else if listed < 2 && divisions.len() == 1 {
        let text: Vec<&str> = answer.body().iter().map(|row| row.text).collect();
        numbers.push(sentences(&text.join("\n")).len());
    }
    // Items in the middle of a line, as in "(1) … (2) …".
    let inline = (1_usize..=20)
        .take_while(|n| answer.text.contains(&format!("({n})")) || answer.text.contains(&format!("{n}) ")))
        .count();
    if inline >= 2 {
        numbers.push(inline);
    }
    measured(bounds, &numbers, show_items)
}

fn show_items(number: usize) -> String {
    if number == 1 { "1 item".to_owned() } else { format!("{number} items") }
}

/// The length of the JSON array that the answer consists of.
fn array_length(answer: &Answer<'_>) -> Option<usize> {
    let code = answer.code();
    let value: serde_json::Value = serde_json::from_str(code.trim()).ok()?;
    let inner = || value.as_object()?.values().find_map(serde_json::Value::as_array);
    value.as_array().or_else(inner).map(Vec::len)
}

fn length(bounds: Bounds, unit: Unit, scope: Scope, answer: &Answer<'_>) -> Checked {
    let show = |number: usize| {
        let (one, many) = unit.names();
        format!("{number} {}", if number == 1 { one } else { many })
    };
    let whole = || {
        let numbers: Vec<usize> =
            answer.readings().iter().flat_map(|rows| measures(bounds, unit, rows, answer)).collect();
        let checked = measured(bounds, &numbers, show);
        // The page decides into how many lines a long one is wrapped, and prose on a single line may have as
        // many sentences.
        let filled = answer.rows.iter().filter(|row| row.kind != Kind::Blank).count();
        let prose = filled == 1 && bounds.excess(sentences(answer.text).len()) == 0;
        let wrapped = unit == Unit::Lines
            && (prose || bounds.least >= 4 && answer.rows.iter().any(|row| row.text.chars().count() > 110));
        if wrapped && checked.met == Met::Missed { plain(None, checked.found) } else { checked }
    };
    match scope {
        Scope::Whole => whole(),
        Scope::Each => each(bounds, unit, answer),
        Scope::Either => {
            let (whole, each) = (whole(), each(bounds, unit, answer));
            if whole.met == Met::Missed { each } else { whole }
        }
        Scope::Subject => match format::subject(answer) {
            Some(line) => measured(bounds, &[measure_text(unit, line)], show),
            None => plain(None, "no subject line".to_owned()),
        },
    }
}

/// Compares every item with the limit, in the division that fits best.
fn each(bounds: Bounds, unit: Unit, answer: &Answer<'_>) -> Checked {
    let (one, many) = unit.names();
    let worst = |items: &Vec<Vec<&Row<'_>>>| {
        let lengths = items.iter().map(|rows| {
            let first = rows.first().map_or("", |row| row.content);
            let all: Vec<&str> = rows.iter().map(|row| row.content).collect();
            let numbers =
                [measure_text(unit, first), measure_text(unit, &all.join("\n")), labelled(unit, first)];
            numbers.into_iter().min_by_key(|number| bounds.excess(*number)).unwrap_or(0)
        });
        lengths.max_by_key(|number| bounds.excess(*number))
    };
    let mut worsts: Vec<usize> = answer.divisions().iter().filter_map(worst).collect();
    if worsts.is_empty() {
        worsts.push(measure_text(unit, answer.text));
    }
    measured(bounds, &worsts, |number| format!("up to {number} {}", if number == 1 { one } else { many }))
}

/// The length of an item without a label such as "Monday:".
fn labelled(unit: Unit, text: &str) -> usize {
    let rest = text.split_once([':', '–', '—']).map_or(text, |(_, rest)| rest);
    measure_text(unit, rest)
}

fn measure_text(unit: Unit, text: &str) -> usize {
    let plain = text.replace("**", "");
    match unit {
        Unit::Words => count_words(&plain),
        Unit::Sentences => sentences(&plain).len(),
        Unit::Lines => plain.lines().filter(|line| !line.trim().is_empty()).count(),
        Unit::Characters => plain.trim().chars().count(),
        Unit::Paragraphs | Unit::Stanzas => 1,
    }
}

/// The lengths of the lines in all ways in which people may count them.
fn measures(bounds: Bounds, unit: Unit, rows: &[&Row<'_>], answer: &Answer<'_>) -> Vec<usize> {
    let filled = || rows.iter().filter(|row| row.kind != Kind::Blank);
    match unit {
        Unit::Words => {
            let words = |text: fn(&Row<'_>) -> String| filled().map(|row| count_words(&text(row))).sum();
            vec![words(|row| row.content.to_owned()), words(|row| row.content.replace(['/', '-'], " "))]
        }
        Unit::Sentences => {
            vec![filled().map(|row| sentences(row.content).len()).sum(), joined_sentences(rows)]
        }
        Unit::Lines => {
            let code = answer.rows.iter().filter(|row| row.kind == Kind::Code && !row.text.is_empty());
            // The lines of a program are those of its code, with or without the remarks around it.
            let mut numbers = match code.count() {
                0 => vec![filled().count()],
                code => vec![code, code + filled().count()],
            };
            // Long lines of prose are wrapped into several, at a width that the reader's page decides.
            if bounds.most >= 4 && bounds.most < u32::MAX {
                let wrapped = |width: usize| {
                    filled().map(|row| row.text.chars().count().div_ceil(width)).sum::<usize>()
                };
                numbers.extend((60..=110).step_by(10).map(wrapped));
            }
            numbers
        }
        Unit::Characters => {
            let text: Vec<&str> = rows.iter().map(|row| row.text).collect();
            let text = text.join("\n").replace("**", "");
            let visible = text.chars().filter(|c| !c.is_whitespace()).count();
            let letters = text.chars().filter(|c| c.is_alphanumeric()).count();
            let all = text.trim().chars().count();
            let unspaced = text.chars().any(|c| matches!(c, '\u{3041}'..='\u{9fff}'));
            if unspaced { vec![visible, letters] } else { vec![all] }
        }
        Unit::Paragraphs | Unit::Stanzas => {
            let blocks =
                rows.split(|row| matches!(row.kind, Kind::Blank)).filter(|part| !part.is_empty()).count();
            let lines = filled().count();
            // Paragraphs may stand on consecutive lines.
            if unit == Unit::Paragraphs { vec![blocks, lines] } else { vec![blocks] }
        }
    }
}

/// Counts the sentences of lines that continue each other, as lines of verse do.
fn joined_sentences(rows: &[&Row<'_>]) -> usize {
    let parts = rows.split(|row| row.kind == Kind::Blank);
    parts.map(|part| sentences(&part.iter().map(|row| row.content).collect::<Vec<_>>().join(" ")).len()).sum()
}

/// Compares the language of the prose. A text in several languages needs only a part in this one.
fn language(lang: whatlang::Lang, one_of: bool, answer: &Answer<'_>) -> Checked {
    let prose = answer.prose();
    let part_in = || {
        prose
            .split("\n")
            .filter(|part| part.split_whitespace().count() >= 3)
            .any(|part| language::detect(part) == Some(lang))
    };
    if one_of && part_in() {
        return plain(Some(true), language::shown(lang).to_owned());
    }
    if !answer.fences.is_empty() && count_words(&prose) < 12 || answer.fences.is_empty() && is_code(&prose) {
        return plain(None, "code".to_owned());
    }
    match language::detect(&prose) {
        Some(found) if found == lang => plain(Some(true), language::shown(found).to_owned()),
        Some(_) if part_in() => plain(None, "several languages".to_owned()),
        Some(found) if related(found, lang) => plain(None, language::shown(found).to_owned()),
        Some(found) => plain(Some(false), language::shown(found).to_owned()),
        None => plain(None, "an unclear language".to_owned()),
    }
}

/// True if short texts in both languages are easily mistaken for each other.
fn related(a: whatlang::Lang, b: whatlang::Lang) -> bool {
    use whatlang::Lang::{
        Afr, Ara, Bul, Cat, Ces, Dan, Hin, Hrv, Mar, Mkd, Nep, Nld, Nob, Pes, Por, Rus, Slk, Spa, Srp, Swe,
        Ukr, Urd,
    };
    let groups: [&[whatlang::Lang]; 8] = [
        &[Dan, Nob, Swe],
        &[Rus, Ukr, Bul, Mkd, Srp],
        &[Ces, Slk],
        &[Hrv, Srp],
        &[Cat, Spa, Por],
        &[Hin, Mar, Nep],
        &[Ara, Pes, Urd],
        &[Nld, Afr],
    ];
    groups.iter().any(|group| group.contains(&a) && group.contains(&b))
}

/// True if most lines of the text are code or data.
pub(super) fn is_code(text: &str) -> bool {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let marks = |line: &&&str| {
        line.contains(['{', '}', ';', '=', '<', '|', '$', '\\', '(']) && !format::reads_as_prose(line.trim())
    };
    lines.iter().filter(marks).count() * 2 >= lines.len() && !lines.is_empty()
}

fn person(person: Person, answer: &Answer<'_>) -> Checked {
    #[rustfmt::skip] // one word per line would hide the code
    const FIRST: &[&str] = &[
        "i", "im", "ive", "my", "me", "we", "our", "ich", "mein", "meine", "wir", "je", "j", "mon", "ma",
        "nous", "yo", "mi", "io", "mio", "eu", "meu", "ik", "mijn", "nosso", "nossa", "nossos", "nos",
        "notre", "nosotros", "nuestro", "nuestra", "noi", "nostro", "nostra", "unser", "unsere", "uns",
        "ons", "onze", "our", "ours", "id", "ill", "us", "myself",
    ];
    const SECOND: &[&str] = &[
        "you", "your", "youre", "youll", "youve", "yours", "yourself", "du", "dein", "deine", "dir", "dich",
        "sie", "ihre", "ihr", "ihnen", "tu", "ton", "ta", "tes", "vous", "votre", "vos", "te", "tus",
        "usted", "ti", "tuo", "tua", "voce", "seu", "sua", "je", "jouw", "u", "uw", "youd",
    ];
    const THIRD: &[&str] = &[
        "he", "she", "they", "his", "her", "their", "him", "them", "er", "sie", "sein", "il", "elle", "ils",
        "el", "ella", "lui", "lei", "ele", "ela", "hij", "zij", "it", "its",
    ];
    const SINGULAR: &[&str] = &[
        "i", "im", "ive", "my", "me", "myself", "ich", "mein", "meine", "mir", "mich", "yo", "io", "mio",
        "mia", "eu", "meu", "minha", "ik", "mijn",
    ];
    const PLURAL: &[&str] = &[
        "we", "our", "us", "ours", "weve", "were", "wir", "uns", "unser", "unsere", "unseren", "nous",
        "notre", "nos", "nosotros", "nuestro", "nuestra", "nuestros", "noi", "nostro", "nostra", "nosso",
        "nossa", "nossos", "nossas", "wij", "ons", "onze",
    ];
    let text = answer.prose();
    let words: Vec<String> =
        text.split(|c: char| !c.is_alphanumeric() && !matches!(c, '’')).map(folded).collect();
    let count = |list: &[&str]| words.iter().filter(|word| list.contains(&word.as_str())).count();
    let (own, other) = match person {
        Person::First => (count(FIRST), 0),
        Person::Plural => (count(PLURAL), count(SINGULAR)),
        Person::Second => (count(SECOND), count(THIRD)),
        Person::Third => (count(THIRD), count(FIRST)),
        Person::Formal => super::address::forms(&text),
        Person::Familiar => {
            let (formal, familiar) = super::address::forms(&text);
            (familiar, formal)
        }
    };
    let found = format!("{own} matching pronouns, {other} others");
    let met = match person {
        // Many languages leave the pronoun to the verb.
        Person::First | Person::Second
            if own == 0 && language::detect(&text) == Some(whatlang::Lang::Eng) =>
        {
            Some(false)
        }
        Person::First | Person::Second if own == 0 => None,
        Person::Plural if other > own => Some(false),
        Person::Plural if own == 0 => None,
        Person::Third if other > own.max(1) => Some(false),
        Person::Formal | Person::Familiar if other * 2 > own => Some(false),
        Person::Formal | Person::Familiar | Person::Third if own == 0 => None,
        _ => Some(true),
    };
    plain(met, found)
}

/// Compares the figures of the material in `prompt` with those of the answer.
fn keep_figures(prompt: &str, answer: &Answer<'_>) -> Checked {
    let wanted = figures(&super::prompt::material(prompt));
    let own: Vec<String> = figures(answer.text).into_iter().map(|(digits, _)| digits).collect();
    let kept = |(digits, afternoon): &(String, bool)| {
        // "10.20" may become "10 h 20", and "3 pm" may become "15:00".
        let split = || own.windows(2).any(|pair| pair.concat() == *digits);
        let later = || afternoon_of(digits).filter(|_| *afternoon);
        own.contains(digits)
            || split()
            || own.contains(&digits.trim_end_matches("00").to_owned()) && digits.len() >= 3
            || later().is_some_and(|later| own.iter().any(|own| own.trim_end_matches("00") == later))
    };
    let missing = wanted.iter().filter(|figure| !kept(figure)).count();
    let found = format!("{} of {} figures", wanted.len() - missing, wanted.len());
    let excess = crate::points::points(missing, wanted.len());
    match (wanted.len(), missing) {
        (0, _) => plain(None, "no figures to keep".to_owned()),
        (_, 0) => plain(Some(true), found),
        _ => Checked { met: Met::Missed, found, excess: excess.max(1) },
    }
}

/// The figures of `text` as digits, each with a mark if it is an hour after noon.
fn figures(text: &str) -> Vec<(String, bool)> {
    let parts: Vec<&str> = text
        .split(|c: char| !c.is_alphanumeric() && !matches!(c, '.' | ',' | ':'))
        .filter(|part| !part.is_empty())
        .collect();
    let mut found = Vec::new();
    for (at, part) in parts.iter().enumerate() {
        let digits: String = part.chars().filter(char::is_ascii_digit).collect();
        let word = part.trim_matches(|c: char| !c.is_alphabetic());
        let next = if word.is_empty() { parts.get(at + 1).copied().unwrap_or_default() } else { word };
        let afternoon = matches!(folded(next).replace('.', "").as_str(), "pm");
        if !digits.is_empty() {
            found.push((digits, afternoon));
        }
    }
    found
}

/// The hour and minutes after noon on a clock with 24 hours, without full minutes.
fn afternoon_of(digits: &str) -> Option<String> {
    let (hour, minutes) = if digits.len() > 2 { digits.split_at(digits.len() - 2) } else { (digits, "") };
    let hour: u32 = hour.parse().ok().filter(|hour| *hour < 12)?;
    let minutes = if minutes == "00" { "" } else { minutes };
    Some(format!("{}{minutes}", hour + 12))
}

/// Compares the first letters of the lines with `name`.
fn acrostic(name: &str, answer: &Answer<'_>) -> Checked {
    let first = |rows: &[&Row<'_>]| -> String {
        let filled = rows.iter().filter(|row| row.kind != Kind::Blank);
        filled
            .filter_map(|row| row.content.chars().find(|c| c.is_alphanumeric()))
            .map(|c| folded(&c.to_string()))
            .collect()
    };
    let spelled: Vec<String> = answer.readings().iter().map(|rows| first(rows)).collect();
    let wanted = folded(name);
    let met = spelled.iter().any(|spelled| spelled.contains(&wanted));
    plain(Some(met), format!("first letters {}", spelled.first().map(String::as_str).unwrap_or_default()))
}

fn starts_with(text: &str, answer: &Answer<'_>) -> Checked {
    let wanted = folded(text);
    let begins = |row: &Row<'_>| {
        folded(row.content.trim_start_matches(|c: char| !c.is_alphanumeric())).starts_with(wanted.trim())
    };
    let filled = |row: &&Row<'_>| row.kind != Kind::Blank;
    let met = answer.rows.iter().filter(filled).take(4).any(begins);
    let first = answer.rows.iter().find(filled).map_or("", |row| row.text);
    plain(Some(met), format!("starts with \"{}\"", super::prompt::head(first, 40)))
}
