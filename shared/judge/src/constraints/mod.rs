//! The demands of a prompt, and whether an answer meets them.
//!
//! [`extract`] finds what a prompt states, such as a number of items, a length, a form, a language, and terms
//! to mention or to leave out. It prefers to miss a demand over finding a false one. [`Constraint::check`]
//! compares an answer with one demand, and reads the answer in its favour: a greeting, a title and a closing
//! remark need not count.

mod address;
mod amounts;
mod barred;
mod bounds;
mod check;
mod cjk;
pub(crate) mod code;
mod format;
mod language;
pub(crate) mod layout;
mod lexicon;
mod parsers;
mod patterns;
mod prompt;
mod quantity;
pub(crate) mod source;
mod terms;
#[cfg(test)]
mod tests;
mod verse;

pub(crate) use format::emoji;
pub(crate) use prompt::head;

use clorp_domain::Pack;
pub use clorp_domain::verdict::Met;
use whatlang::Lang;

use amounts::{Amount, Scope, Stated, Unit};
use bounds::Bounds;
use code::Coded;
use format::Form;
use layout::Answer;
use prompt::Prompt;
use quantity::Words;
use terms::Term;

/// A demand of a prompt.
#[derive(Clone, Debug)]
pub struct Constraint {
    demand: Demand,
    stated: bool,
    quote: String,
}

/// An answer's state with regard to one demand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// Result.
    pub met: Met,
    /// The measured state in a few words, such as "94 words".
    pub found: String,
    /// Distance from the nearest limit in percent of the limit, from 0 to 100. It is 0 for a demand that is
    /// met or unclear, and 100 for a missed one without degrees.
    pub excess: u32,
}

/// Grammatical person of a text, or its form of address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Person {
    First,
    Plural,
    Second,
    Third,
    Formal,
    Familiar,
}

/// The subject of a constraint.
#[derive(Clone, Debug)]
enum Demand {
    Count(Bounds),
    Length(Bounds, Unit, Scope),
    Form(Form),
    Language(Lang, bool),
    KeepFigures,
    Mention(Term),
    Omit(Term),
    Person(Person),
    Acrostic(String),
    Syllables(Vec<usize>),
    NoRhyme,
    StartsWith(String),
    Coded(Coded),
    Parses(Option<Coded>),
    Function(String),
    StandardLibrary,
    NoImports,
    NoRegex,
    Barred(&'static barred::Bar, Option<Coded>),
    Pattern(patterns::Examples),
}

/// Most stated demands of a prompt that are kept.
const MOST_DEMANDS: usize = 32;

/// Finds the demands of `prompt`, stated ones first.
pub fn extract(prompt: &str, pack: Pack) -> Vec<Constraint> {
    let prompt = Prompt::new(prompt);
    let code = pack == Pack::Code;
    let words = Words::of(language::code_of(&prompt));
    let mut found = Vec::new();
    let mut state = |demand: Demand, quote: String| found.push(Constraint { demand, stated: true, quote });
    let amounts = amounts::amounts(&prompt, &words, code).into_iter().chain(cjk::amounts(&prompt.text));
    let forms = format::forms(&prompt, &words, code);
    let table = forms.iter().any(|formed| matches!(formed.form, Form::Table(..)));
    for Stated { amount, quote } in amounts {
        state(
            match amount {
                Amount::Count { bounds } => Demand::Count(bounds),
                // The lines of a table are its rows.
                Amount::Length { bounds, unit: Unit::Lines, scope: Scope::Whole } if table => {
                    Demand::Count(bounds)
                }
                Amount::Length { bounds, unit, scope } => Demand::Length(bounds, unit, scope),
            },
            quote,
        );
    }
    for formed in forms {
        state(Demand::Form(formed.form), prompt.quote(formed.tokens));
    }
    let wanted = language::wanted(&prompt);
    for one in &wanted {
        state(Demand::Language(one.lang, wanted.len() > 1), prompt.quote(one.tokens.clone()));
    }
    for termed in terms::terms(&prompt, pack == Pack::Cook, code) {
        let demand = if termed.wanted { Demand::Mention(termed.term) } else { Demand::Omit(termed.term) };
        state(demand, prompt.quote(termed.tokens));
    }
    for (demand, tokens) in style(&prompt) {
        state(demand, prompt.quote(tokens));
    }
    for (demand, tokens) in program(&prompt, code) {
        state(demand, prompt.quote(tokens));
    }
    found.truncate(MOST_DEMANDS);
    found.extend(implied(&prompt, code, !wanted.is_empty()));
    found
}

/// Verbs that protect a part of a text that is to be changed.
#[rustfmt::skip] // one word per line would hide the code
const KEEPS: &[&str] = &[
    "keep", "keeping", "preserve", "retain", "behalte", "behalten", "erhalten", "ubernimm", "garde", "gardez",
    "garder", "conserve", "conservez", "conserver", "conserva", "conservar", "manten", "mantener", "mantieni",
    "mantenere", "mantenha", "mantem", "behoud", "bewaar", "zachowaj", "behall", "coxpahи", "koru",
];

/// Figures that such a verb protects.
#[rustfmt::skip] // one word per line would hide the code
const FIGURES: &[&str] = &[
    "date", "dates", "figure", "figures", "number", "numbers", "amount", "amounts", "times", "zahlen", "daten",
    "betrage", "uhrzeiten", "chiffres", "nombres", "montants", "horaires", "cifras", "numeros", "fechas",
    "importes", "numeri", "cifre", "importi", "valores", "cijfers", "getallen", "bedragen", "liczby", "kwoty",
    "daty", "siffror", "datum", "belopp",
];

/// The number of words in which a phrase at `at` protects the figures of a text, or 0.
fn keeps_figures(prompt: &Prompt, at: usize) -> usize {
    #[rustfmt::skip] // one word per line would hide the code
    let all = [
        "every", "all", "the", "alle", "die", "tous", "toutes", "les", "todas", "todos", "las", "los", "tutte",
        "tutti", "i", "le", "os", "as", "wszystkie", "alla",
    ];
    let phrases = [
        "all numbers must",
        "all figures must",
        "alle zahlen mussen",
        "alle zahlen sollen",
        "alle zahlen bleiben",
    ];
    if KEEPS.contains(&prompt.word(at))
        && all.contains(&prompt.word(at + 1))
        && !format::is_negated(prompt, at)
    {
        let end = prompt.sentence_end(at).min(at + 9);
        let noun = (at + 2..end).find(|at| FIGURES.contains(&prompt.word(*at)));
        return noun.map_or(0, |noun| noun + 1 - at);
    }
    prompt.says_any(at, &phrases)
}

/// Forms of address as in "Formal (vous)" and "(Spain, usted)", folded.
#[rustfmt::skip] // one word per line would hide the code
const ADDRESSES: &[&str] = &[
    "formal vous", "formal sie", "formell sie", "formlich sie", "formal usted", "formal lei",
    "formel vous", "formal u",
];

/// Phrases for a grammatical person or a form of address, folded.
#[rustfmt::skip] // one word per line would hide the code
const PERSONS: &[(Person, &[&str])] = &[
    (
        Person::Plural,
        &[
            "first person plural", "wir form", "premiere personne du pluriel", "primera persona del plural", "prima persona plurale", "primeira pessoa do plural", "as we", "eerste persoon meervoud",
        ],
    ),
    (
        Person::First,
        &[
            "first person", "in der ich form", "ich form", "premiere personne", "primera persona",
            "prima persona", "primeira pessoa", "eerste persoon",
        ],
    ),
    (
        Person::Second,
        &[
            "second person", "talk to her", "talk to him", "talk to them", "speak to them", "to her directly", "to him directly", "to them directly", "direkt an ihn", "direkt an sie", "hablale", "dirigete a", "speak to me directly", "speak to her", "speak to him", "talk to me directly", "address me directly", "address him directly", "address her directly", "speak directly to", "zweiter person", "zweite person", "deuxieme personne", "segunda persona",
            "seconda persona", "segunda pessoa", "tweede persoon",
        ],
    ),
    (
        Person::Third,
        &[
            "third person", "dritter person", "dritte person", "troisieme personne", "tercera persona",
            "terza persona", "terceira pessoa", "derde persoon",
        ],
    ),
    (
        Person::Formal,
        &[
            "vouvoiement", "sie form", "vouvoie", "vouvoyer", "siezen", "mit sie",
            "tratamiento de usted", "de usted", "per sie", "u vorm", "vouvoyant", "vouvoyez", "vouvoyer", "gesiezt", "sie form", "formal address",
        ],
    ),
    (
        Person::Familiar,
        &["tutoiement", "du form", "tutoie", "duzen", "tutoyer", "per du", "tutea", "de tu", "je vorm", "tutoyant", "tutoyez", "tuteo", "geduzt"],
    ),
];

/// Finds demands on person, address and letters.
fn style(prompt: &Prompt) -> Vec<(Demand, std::ops::Range<usize>)> {
    let mut found = Vec::new();
    for at in 0..prompt.tokens.len() {
        for (person, phrases) in PERSONS {
            let length = prompt.says_any(at, phrases);
            let shooter =
                matches!(prompt.word(at + length), "shooter" | "view" | "nicht" | "game" | "perspective_");
            let negated = format::is_negated(prompt, at);
            let person = address::turned(prompt, at + length, *person, negated);
            if let Some(person) = person.filter(|_| length > 0 && !shooter) {
                found.push((Demand::Person(person), at..at + length));
            }
        }
        let formal = prompt.says_any(at, ADDRESSES);
        let alone = prompt.word(at) == "usted" && prompt.clause_end(at) - prompt.clause_start(at) == 1;
        if formal > 0 || alone {
            found.push((Demand::Person(Person::Formal), at..at + formal.max(1)));
        }
        if forbids_rhymes(prompt, at) {
            found.push((Demand::NoRhyme, at.saturating_sub(1)..at + 1));
        }
        let form = address::wanted(prompt, at);
        found.extend(form.map(|(person, tokens)| (Demand::Person(person), tokens)));
        found.extend(acrostic(prompt, at));
        found.extend(beginning(prompt, at));
        let keeps = keeps_figures(prompt, at);
        if keeps > 0 {
            found.push((Demand::KeepFigures, at..at + keeps));
        }
    }
    if ["5-7-5", "5/7/5", "5–7–5", "5‑7‑5"].iter().any(|form| prompt.text.contains(form)) {
        found.push((Demand::Syllables(vec![5, 7, 5]), 0..0));
    }
    found.extend(address::polite(prompt).map(|person| (Demand::Person(person), 0..0)));
    one_person(found)
}

/// True if the word at this index is of rhymes, and excluded.
fn forbids_rhymes(prompt: &Prompt, at: usize) -> bool {
    prompt.says_any(at, &["rhyme", "rhymes", "rhyming"]) > 0
        && matches!(prompt.word(at.wrapping_sub(1)), "no" | "not" | "dont" | "without" | "never")
        && !matches!(prompt.word(at + 1), "needed" | "required" | "necessary" | "or")
}

/// Keeps one demand on the person, and one on the form of address.
fn one_person(found: Vec<(Demand, std::ops::Range<usize>)>) -> Vec<(Demand, std::ops::Range<usize>)> {
    let plural = found.iter().any(|(demand, _)| matches!(demand, Demand::Person(Person::Plural)));
    let mut seen = Vec::new();
    let keep = |(demand, _): &(Demand, std::ops::Range<usize>)| {
        let Demand::Person(person) = demand else { return true };
        let twice = seen.contains(person) || plural && *person == Person::First;
        seen.push(*person);
        !twice
    };
    found.into_iter().filter(keep).collect()
}

/// Reads "an acrostic of NAME".
fn acrostic(prompt: &Prompt, at: usize) -> Option<(Demand, std::ops::Range<usize>)> {
    let start = prompt.says_any(at, &["acrostic", "akrostichon", "acrostiche", "acrostico"]);
    if start == 0 || format::is_negated(prompt, at) {
        return None;
    }
    let skip = [
        "poem", "of", "for", "on", "from", "spelling", "the", "word", "name", "zu", "zum", "aus", "sur",
        "le", "mot", "de", "con", "la", "palabra", "mit", "dem", "wort", "about", "gedicht", "using",
        "letters", "that", "spells", "out", "with",
    ];
    let next = (at + 1..at + 8).find(|at| {
        !skip.contains(&prompt.word(*at)) || prompt.tokens.get(*at).is_some_and(|token| token.quoted)
    })?;
    let token = prompt.tokens.get(next)?;
    let name = prompt.text.get(token.span.clone())?;
    let letters = (2..=20).contains(&name.chars().count()) && name.chars().all(char::is_alphabetic);
    let marked = token.quoted || name.chars().skip(1).all(char::is_uppercase) || token.capital;
    (letters && marked && token.sentence == prompt.tokens.get(at)?.sentence)
        .then(|| (Demand::Acrostic(name.to_owned()), at..next + 1))
}

/// Reads "start with …" before a quotation.
fn beginning(prompt: &Prompt, at: usize) -> Option<(Demand, std::ops::Range<usize>)> {
    #[rustfmt::skip] // one word per line would hide the code
    let phrases = [
        "start with", "starts with", "starting with", "begin with", "begins with", "beginning with",
        "start it with", "start with the word", "start with the words", "begin with the word",
        "begin with the words", "beginnt mit", "beginne mit", "commence par", "empieza con",
        "comienza con", "inizia con", "comece com", "begin met", "opens with", "open with",
    ];
    let length = prompt.says_any(at, &phrases);
    let subject = at.saturating_sub(3).max(prompt.sentence_start(at));
    // "Each line starts with" and "strings that start with" are about something else.
    let other = (subject..at).any(|at| {
        [
            "each", "line", "lines", "every", "that", "which", "word", "not", "dont", "sentence", "words",
            "names", "if", "never", "all", "items",
        ]
        .contains(&prompt.word(at))
    });
    let quoted = prompt.tokens.get(at + length).filter(|token| token.quoted)?;
    let quote = prompt.quotes.iter().find(|quote| quote.span.contains(&quoted.span.start))?;
    let text = prompt.text.get(quote.span.clone())?;
    (length > 0 && !other).then(|| (Demand::StartsWith(text.to_owned()), at..at + length + 1))
}

/// Finds demands on code.
fn program(prompt: &Prompt, code: bool) -> Vec<(Demand, std::ops::Range<usize>)> {
    let mut found = Vec::new();
    if let Some((coded, at)) = code::wanted(prompt, code) {
        found.push((Demand::Coded(coded), at..at + 1));
    }
    if !code {
        return found;
    }
    if let Some((name, at)) = code::function_name(prompt) {
        found.push((Demand::Function(name), at..at + 1));
    }
    if let Some((at, length)) = code::standard_only(prompt) {
        found.push((Demand::StandardLibrary, at..at + length));
    }
    found.extend(patterns::wanted(prompt).map(|(examples, at)| (Demand::Pattern(examples), at)));
    let language = code::wanted(prompt, code).map(|(coded, _)| coded);
    found.extend(barred::bars(prompt).into_iter().map(|(bar, at)| (Demand::Barred(bar, language), at)));
    for at in 0..prompt.tokens.len() {
        #[rustfmt::skip] // one word per line would hide the code
        let imports = prompt.says_any(
            at,
            &[
                "no imports", "without imports", "without importing", "ohne imports", "sans import",
                "sin imports", "no import",
            ],
        );
        #[rustfmt::skip] // one word per line would hide the code
        let regex = prompt.says_any(
            at,
            &[
                "no regex", "without regex", "no regexes", "without regexes", "ohne regex", "sans regex",
                "sin regex", "no regular expressions", "without regular expressions", "dont use regex",
                "senza regex", "sem regex",
            ],
        );
        if imports > 0 {
            found.push((Demand::NoImports, at..at + imports));
        }
        if regex > 0 {
            found.push((Demand::NoRegex, at..at + regex));
        }
    }
    found
}

/// The demands that every prompt of its kind implies: the prompt's language, and code that parses.
fn implied(prompt: &Prompt, code: bool, named: bool) -> Vec<Constraint> {
    let imply = |demand: Demand| Constraint { demand, stated: false, quote: String::new() };
    let mut found = Vec::new();
    let own = if named || language::names_any(prompt) { None } else { language::detect(&prompt.text) };
    found.extend(own.map(|lang| imply(Demand::Language(lang, false))));
    if code {
        found.push(imply(Demand::Parses(code::wanted(prompt, code).map(|(coded, _)| coded))));
    }
    found
}

impl Constraint {
    /// The stable name of the kind of demand, in snake case.
    pub fn kind(&self) -> &'static str {
        match &self.demand {
            Demand::Count(_) => "count",
            Demand::Length(_, _, Scope::Subject) => "length_subject",
            Demand::Length(_, unit, Scope::Each | Scope::Either) => match unit {
                Unit::Words => "length_words_each",
                Unit::Sentences => "length_sentences_each",
                Unit::Lines => "length_lines_each",
                Unit::Characters => "length_characters_each",
                Unit::Paragraphs => "length_paragraphs_each",
                Unit::Stanzas => "length_stanzas_each",
            },
            Demand::Length(_, unit, Scope::Whole) => match unit {
                Unit::Words => "length_words",
                Unit::Sentences => "length_sentences",
                Unit::Lines => "length_lines",
                Unit::Characters => "length_characters",
                Unit::Paragraphs => "length_paragraphs",
                Unit::Stanzas => "length_stanzas",
            },
            Demand::Form(form) => form.kind(),
            Demand::Language(..) => "language",
            Demand::KeepFigures => "keep_figures",
            Demand::Mention(Term::Given(_)) => "uses_ingredients",
            Demand::Mention(_) => "mention",
            Demand::Omit(_) => "omit",
            Demand::Person(_) => "person",
            Demand::Acrostic(_) => "acrostic",
            Demand::Syllables(_) => "syllables",
            Demand::NoRhyme => "no_rhyme",
            Demand::StartsWith(_) => "starts_with",
            Demand::Coded(_) => "programming_language",
            Demand::Parses(_) => "code_parses",
            Demand::Function(_) => "function_name",
            Demand::StandardLibrary => "standard_library",
            Demand::NoImports => "no_imports",
            Demand::NoRegex => "no_regex",
            Demand::Barred(bar, _) => bar.kind,
            Demand::Pattern(_) => "pattern",
        }
    }

    /// The demand in words for people, such as "at most 80 words".
    pub fn sentence(&self) -> String {
        match &self.demand {
            Demand::Count(bounds) => bounds.describe("item", "items"),
            Demand::Length(bounds, unit, scope) => {
                let (one, many) = unit.names();
                let length = bounds.describe(one, many);
                match scope {
                    Scope::Whole => length,
                    Scope::Each | Scope::Either => format!("{length} per item"),
                    Scope::Subject => format!("{length} in the subject line"),
                }
            }
            Demand::Form(form) => form.describe(),
            Demand::Language(lang, _) => format!("answer in {}", language::shown(*lang)),
            Demand::KeepFigures => "keep every figure of the given text".to_owned(),
            Demand::Mention(Term::Given(names)) => format!("use {}", Term::Given(names.clone()).describe()),
            Demand::Mention(term) => format!("mention {}", term.describe()),
            Demand::Omit(term) => format!("do not mention {}", term.describe()),
            Demand::Person(person) => match person {
                Person::First => "write in the first person",
                Person::Plural => "write in the first person plural",
                Person::Second => "write in the second person",
                Person::Third => "write in the third person",
                Person::Formal => "address the reader formally",
                Person::Familiar => "address the reader familiarly",
            }
            .to_owned(),
            Demand::Acrostic(name) => format!("an acrostic of {name}"),
            Demand::Syllables(lines) => {
                let lines: Vec<String> = lines.iter().map(usize::to_string).collect();
                format!("lines of {} syllables", lines.join(", "))
            }
            Demand::NoRhyme => "no rhymes".to_owned(),
            Demand::StartsWith(text) => format!("start with \"{text}\""),
            Demand::Coded(coded) => format!("code in {}", coded.name()),
            Demand::Parses(_) => "code that parses".to_owned(),
            Demand::Function(name) => format!("define {name}"),
            Demand::StandardLibrary => "only the standard library".to_owned(),
            Demand::NoImports => "no imports".to_owned(),
            Demand::NoRegex => "no regular expressions".to_owned(),
            Demand::Barred(bar, _) => bar.label.to_owned(),
            Demand::Pattern(_) => "an expression that fits its examples".to_owned(),
        }
    }

    /// True if the prompt states the demand, and false if its kind implies it.
    pub const fn is_stated(&self) -> bool {
        self.stated
    }

    /// The words of the prompt that state the demand, shortened. Empty for an implied one.
    pub fn quote(&self) -> &str {
        &self.quote
    }

    /// Compares `output` with the demand, which came from `prompt`.
    pub fn check(&self, prompt: &str, output: &str) -> Checked {
        check::check(&self.demand, prompt, &Answer::new(output))
    }
}
