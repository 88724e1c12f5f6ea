//! Forms of address, such as "vous" and "tu": those that a prompt wants, and those that an answer uses.

use std::ops::Range;

use whatlang::Lang;

use super::layout::sentences;
use super::prompt::{Prompt, folded};
use super::{Person, language};

/// Pronouns that name a form of address, folded, with true for the formal one.
#[rustfmt::skip] // one word per line would hide the code
const PRONOUNS: &[(&str, bool)] = &[
    ("vous", true), ("usted", true), ("ustedes", true), ("sie", true), ("lei", true), ("u", true), ("siz", true),
    ("bы", true), ("pan", true), ("tu", false), ("du", false), ("je", false), ("jij", false), ("sen", false),
    ("tы", false), ("ty", false),
];

/// Words before such a pronoun, or behind it, which show that it names a form.
#[rustfmt::skip] // one word per line would hide the code
const BEFORE: &[&str] = &[
    "with", "avec", "mit", "con", "use", "using", "utilise", "usa", "ha", "per", "by", "say",
];

/// Words before a pronoun that is a form of address without quotation marks.
#[rustfmt::skip] // one word per line would hide the code
const NAMED: &[&str] = &[
    "formal", "informal", "formel", "informel", "formell", "informell", "formale", "informale", "formeel",
    "informeel", "tratamento por", "tratamiento de", "trato de", "tratar por", "dare del", "del", "formal with",
];

/// Parts of Japanese and Korean prompts that ask for polite forms, and for plain ones.
const POLITE: &[&str] =
    &["敬語", "丁寧語", "です・ます", "丁寧な文面", "丁寧な言葉", "존댓말", "높임말", "정중"];
const PLAIN: &[&str] = &["タメ口", "ため口", "くだけた口調", "반말"];

/// Words behind a form that forbid it.
const FORBIDDEN: &[&str] =
    &["interdit", "interdite", "verboten", "prohibido", "vietato", "proibido", "forbidden"];

/// The form of address that the pronoun at `at` of the prompt names, with the tokens that name it.
pub(super) fn wanted(prompt: &Prompt, at: usize) -> Option<(Person, Range<usize>)> {
    let token = prompt.tokens.get(at)?;
    let (_, formal) = PRONOUNS.iter().find(|(word, _)| *word == token.folded)?;
    let before = prompt.word(at.wrapping_sub(1));
    let behind = prompt.word(at + 1);
    let quoted =
        token.quoted && (BEFORE.contains(&before) || behind == "diye" || prompt.said_before(at, NAMED) > 0);
    let named =
        prompt.said_before(at, NAMED) > 0 && (before != "del" || prompt.said_before(at, &["dare del"]) > 0);
    let person = if *formal { Person::Formal } else { Person::Familiar };
    (quoted || named).then(|| (person, at.saturating_sub(1)..at + 1))
}

/// The form that a prompt in Japanese or Korean, or for an answer in one of them, asks for.
pub(super) fn polite(prompt: &Prompt) -> Option<Person> {
    let says = |parts: &[&str]| parts.iter().any(|part| prompt.text.contains(part));
    let named = (0..prompt.tokens.len()).any(|at| {
        matches!(prompt.word(at), "polite" | "formal" | "respectful")
            && matches!(prompt.word(at + 1), "japanese" | "korean")
    });
    if says(POLITE) || named {
        Some(Person::Formal)
    } else if says(PLAIN) {
        Some(Person::Familiar)
    } else {
        None
    }
}

/// The other form, if the words behind the token at `at` forbid the one that it names.
pub(super) fn turned(prompt: &Prompt, at: usize, person: Person, negated: bool) -> Option<Person> {
    if !negated && !FORBIDDEN.contains(&prompt.word(at)) {
        return Some(person);
    }
    match person {
        Person::Formal => Some(Person::Familiar),
        Person::Familiar => Some(Person::Formal),
        _ => None,
    }
}

/// The numbers of formal and of familiar forms in `text`.
pub(super) fn forms(text: &str) -> (usize, usize) {
    match language::detect(text) {
        Some(Lang::Jpn) => endings(
            text,
            &[
                "です",
                "ます",
                "ました",
                "ません",
                "ください",
                "でしょう",
                "ましょう",
                "ませ",
                "でした",
                "ございます",
                "致します",
            ],
        ),
        Some(Lang::Kor) => endings(text, &["요", "니다", "니까", "십시오", "드림"]),
        Some(Lang::Deu) => german(text),
        found => pronouns(text, found),
    }
}

/// Sentences with and without one of the polite endings.
fn endings(text: &str, polite: &[&str]) -> (usize, usize) {
    let ends = |sentence: &&str| {
        let bare = sentence.trim_end_matches(|c: char| !c.is_alphanumeric());
        polite.iter().any(|ending| {
            bare.ends_with(ending)
                || bare.ends_with(&format!("{ending}か"))
                || bare.ends_with(&format!("{ending}ね"))
        })
    };
    // A name or a date is no sentence.
    let all = sentences(text);
    let told = |sentence: &&str| sentence.ends_with(['。', '.', '!', '！', '?', '？']);
    let (ending, rest): (Vec<&str>, Vec<&str>) = all.into_iter().partition(ends);
    (ending.len(), rest.iter().filter(|sentence| told(sentence)).count())
}

/// German pronouns. "Sie" at the beginning of a sentence may be another word.
fn german(text: &str) -> (usize, usize) {
    let (mut formal, mut familiar) = (0, 0);
    for sentence in sentences(text) {
        for (at, word) in
            sentence.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).enumerate()
        {
            formal += usize::from(
                at > 0 && matches!(word, "Sie" | "Ihnen" | "Ihr" | "Ihre" | "Ihren" | "Ihrem" | "Ihrer"),
            );
            let word = word.to_lowercase();
            let own = matches!(
                word.as_str(),
                "du" | "dich"
                    | "dir"
                    | "dein"
                    | "deine"
                    | "deinen"
                    | "deinem"
                    | "deiner"
                    | "euch"
                    | "eure"
                    | "euer"
            );
            familiar += usize::from(own);
        }
    }
    (formal, familiar)
}

/// Pronouns of other languages. A word that is a pronoun in one language only counts there.
fn pronouns(text: &str, found: Option<Lang>) -> (usize, usize) {
    #[rustfmt::skip] // one word per line would hide the code
    let (formal, familiar): (&[&str], &[&str]) = match found {
        Some(Lang::Fra) => (&["vous", "votre", "vos"], &["tu", "te", "ton", "ta", "tes", "toi"]),
        Some(Lang::Spa) => (&["usted", "ustedes"], &["tu", "te", "ti", "tus", "contigo"]),
        Some(Lang::Ita) => (&["lei"], &["tu", "ti", "te", "tuo", "tua", "tuoi", "tue"]),
        Some(Lang::Por) => (&["voce", "voces", "senhor", "senhora"], &["tu", "te", "ti", "teu", "tua", "teus", "contigo"]),
        Some(Lang::Nld) => (&["u", "uw"], &["je", "jij", "jou", "jouw", "jullie"]),
        Some(Lang::Tur) => (&["siz", "sizi", "size", "sizin", "sizden"], &["sen", "seni", "sana", "senin", "senden"]),
        Some(Lang::Rus) => (&["bы", "bac", "bam", "bamи", "baш", "baшa", "baшe", "baши", "baшeи"], &["tы", "teбя", "teбe", "tboи", "tboя", "tboe"]),
        Some(Lang::Pol) => (&["pan", "pani", "pana", "panu", "panstwo", "panstwa"], &["ty", "ciebie", "tobie", "twoj", "twoja", "twoje", "cie"]),
        Some(Lang::Swe) => (&["ni"], &["du", "dig", "din", "ditt", "dina"]),
        _ => (&["vous", "votre", "vos", "usted", "ustedes"], &["tu", "ton", "ta", "tes", "toi", "tus"]),
    };
    let formal: Vec<String> = formal.iter().map(|word| folded(word)).collect();
    let familiar: Vec<String> = familiar.iter().map(|word| folded(word)).collect();
    let words: Vec<String> = text.split(|c: char| !c.is_alphanumeric()).map(folded).collect();
    let count = |list: &[String]| words.iter().filter(|word| list.contains(word)).count();
    (count(&formal), count(&familiar))
}
