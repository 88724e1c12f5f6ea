//! Demands for a number of items and for a length.

use super::bounds::Bounds;
use super::prompt::Prompt;
use super::quantity::{Limit, Quantity, Words};

/// A unit in which a length is measured. The order is that of the lexicons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// Words, separated by spaces.
    Words,
    /// Sentences.
    Sentences,
    /// Lines that are not empty.
    Lines,
    /// Characters, including spaces.
    Characters,
    /// Blocks of text between empty lines.
    Paragraphs,
    /// Blocks of verse between empty lines.
    Stanzas,
}

impl Unit {
    pub(super) const ALL: [Self; 6] =
        [Self::Words, Self::Sentences, Self::Lines, Self::Characters, Self::Paragraphs, Self::Stanzas];

    /// The unit's name for one and for several.
    pub(super) const fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Words => ("word", "words"),
            Self::Sentences => ("sentence", "sentences"),
            Self::Lines => ("line", "lines"),
            Self::Characters => ("character", "characters"),
            Self::Paragraphs => ("paragraph", "paragraphs"),
            Self::Stanzas => ("stanza", "stanzas"),
        }
    }
}

/// The part of an answer that a length limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// The whole answer.
    Whole,
    /// Every item of it.
    Each,
    /// Every item or the whole answer; the prompt is ambiguous.
    Either,
    /// The subject line of an e-mail.
    Subject,
}

/// A demand for a number or a length.
#[derive(Clone, Debug)]
pub(super) enum Amount {
    /// A number of items.
    Count {
        /// Allowed numbers.
        bounds: Bounds,
    },
    /// A length.
    Length {
        /// Allowed lengths.
        bounds: Bounds,
        /// Unit of the length.
        unit: Unit,
        /// Part of the answer that is limited.
        scope: Scope,
    },
}

/// An amount with the words of the prompt that state it.
#[derive(Clone, Debug)]
pub(super) struct Stated {
    pub(super) amount: Amount,
    pub(super) quote: String,
}

impl Stated {
    /// The unit of a length.
    fn unit(&self) -> Option<Unit> {
        match self.amount {
            Amount::Length { unit, .. } => Some(unit),
            Amount::Count { .. } => None,
        }
    }
}

/// Finds the demanded numbers and lengths.
pub(super) fn amounts(prompt: &Prompt, words: &Words, code: bool) -> Vec<Stated> {
    let (mut found, mut at) = (Vec::new(), 0);
    while at < prompt.tokens.len() {
        let next = Quantity::read(prompt, words, at).map_or(at + 1, |quantity| {
            let read =
                length(prompt, words, &quantity, code).or_else(|| count(prompt, words, &quantity, code));
            match read {
                Some((stated, end)) => {
                    found.extend(stated);
                    end
                }
                None => quantity.end,
            }
        });
        at = next.max(at + 1);
    }
    // A stated length replaces that of a form.
    let is_stated = |form: &Stated| found.iter().any(|stated: &Stated| stated.unit() == form.unit());
    let forms: Vec<Stated> = forms(prompt, words).into_iter().filter(|form| !is_stated(form)).collect();
    found.extend(forms);
    settle(found)
}

/// Adjectives that may stand between a number and its noun.
const MOST_ADJECTIVES: usize = 4;

/// Words that end the search for a noun.
#[rustfmt::skip] // one word per line would hide the code
const NO_ADJECTIVES: &[&str] = &[
    "of", "for", "in", "with", "and", "or", "to", "that", "per", "a", "the", "on", "from", "by", "at",
    "is", "are", "de", "para", "pour", "fur", "per", "und", "et", "y", "e", "en", "di", "i", "we", "my",
    "our", "as", "than", "people", "minutes", "min", "hours", "days", "weeks", "euros", "each", "van",
    "voor", "who", "times", "years", "que", "qui", "che", "num", "numa", "dans", "nel", "nella", "dass",
];

/// The index of the noun that satisfies `is_noun`, behind at most a few adjectives.
fn noun_after(prompt: &Prompt, words: &Words, from: usize, is_noun: impl Fn(&str) -> bool) -> Option<usize> {
    let sentence = prompt.tokens.get(from.checked_sub(1)?)?.sentence;
    for at in from..=from + MOST_ADJECTIVES {
        let token = prompt.tokens.get(at).filter(|token| token.sentence == sentence && !token.quoted)?;
        if at > 0 && prompt.gap_after(at - 1).contains(['(', ')', ':', ';', '/', '=']) {
            return None;
        }
        if is_noun(&token.folded) {
            return Some(at);
        }
        // The nearer number belongs to the noun, as in "two, 7 dinners". That of a compound does not.
        let compound = prompt.tokens.get(at + 1).is_some_and(|next| next.joined);
        let numbered = !compound && Quantity::read(prompt, words, at).is_some();
        if numbered || NO_ADJECTIVES.contains(&token.folded.as_str()) {
            return None;
        }
    }
    None
}

/// Words that make a line a thing to list.
const LINE_KINDS: &[&str] =
    &["subject", "punch", "opening", "closing", "pickup", "tag", "opener", "headline"];

/// Reads a length. The inner result is empty if the words are a length that limits nothing known.
fn length(
    prompt: &Prompt,
    words: &Words,
    quantity: &Quantity,
    code: bool,
) -> Option<(Option<Stated>, usize)> {
    let at = noun_after(prompt, words, quantity.end, |word| words.unit(word).is_some())?;
    if (quantity.end..at).any(|inner| words.is_item(prompt.word(inner))) {
        return None;
    }
    let unit = *Unit::ALL.get(words.unit(prompt.word(at))?)?;
    // Subject lines and punch lines are things.
    if unit == Unit::Lines && at > quantity.end && LINE_KINDS.contains(&prompt.word(at - 1)) {
        return None;
    }
    let joined = prompt.tokens.get(at).is_some_and(|token| token.joined);
    // "Three two-line poems": the unit belongs to the nearer number.
    if joined && at > quantity.end {
        return None;
    }
    // "Five one-liners" and "line items" name things, not lengths.
    if words.is_item(prompt.word(at + 1)) && prompt.tokens.get(at + 1).is_some_and(|next| next.joined) {
        return None;
    }
    let quantity = quantity.clone().with_suffix(prompt, words, at + 1);
    let stated = is_length(prompt, words, &quantity, unit, at, joined, code).then(|| {
        let bounds = quantity.bounds(|number| bare(unit, number));
        let scope = scope(prompt, words, &quantity, at, joined);
        let end = (at + 2).min(prompt.sentence_end(at)).max(at + 1);
        let quote = prompt.quote(quantity.start..end);
        Stated { amount: Amount::Length { bounds, unit, scope }, quote }
    });
    Some((stated, at + 1))
}

/// The lengths that a bare number allows.
fn bare(unit: Unit, number: u32) -> Bounds {
    match unit {
        Unit::Words if number > 10 => Bounds::around(number, 20, 20),
        Unit::Characters => Bounds::new(0, number),
        _ => Bounds::exactly(number),
    }
}

/// Words behind a unit which show that a length is a part's, or that of another text.
#[rustfmt::skip] // one word per line would hide the code
const PART_OF: &[&str] = &[
    "of", "with", "per", "for", "about", "saying", "explaining", "explanation", "summary", "usage",
    "example", "on", "from", "intro", "introduction", "conclusion", "to", "de", "von", "mit", "describing",
    "why", "verdict", "that", "later", "above", "below", "di", "da",
];

/// Words before a bare number which show that the length is that of a further part.
#[rustfmt::skip] // one word per line would hide the code
const FURTHER: &[&str] = &[
    "then", "and", "plus", "with", "by", "und", "dann", "et", "puis", "y", "luego", "e", "poi", "en",
    "dan", "followed by", "a", "an", "add", "include", "mit", "avec", "con", "com", "met", "every", "each",
    "first", "last", "next", "than", "end with", "after",
];

/// Words before a verb that asks for a further part.
const FURTHER_VERBS: &[&str] =
    &["and", "then", "und", "dann", "et", "puis", "y", "luego", "e", "poi", "en", "plus"];

/// Prepositions that give the length of the answer.
const IN: &[&str] =
    &["in", "as", "en", "auf", "dans", "em", "use", "using", "to", "aus", "to a", "in a", "en une", "en un"];

/// True if the quantity limits the answer or its items.
fn is_length(
    prompt: &Prompt,
    words: &Words,
    quantity: &Quantity,
    unit: Unit,
    at: usize,
    joined: bool,
    code: bool,
) -> bool {
    let start = quantity.start;
    let limited = !matches!(quantity.limit, Limit::Bare | Limit::Exactly);
    let clause = prompt.clause_start(start);
    let negated = (clause..start).any(|at| NEGATIONS.contains(&prompt.word(at)));
    if quantity.limit == Limit::Over && negated {
        return false;
    }
    if unit == Unit::Characters && quantity.high < 15 && !limited {
        return false;
    }
    if is_title(prompt, words, start, at) {
        return false;
    }
    if words.before(prompt, start, |lexicon| lexicon.blockers) > 0 && !limited {
        return false;
    }
    if joined {
        // "A 900-line function" is a thing that exists.
        let thing = OTHERS.contains(&prompt.word(at + 1)) || CODE_THINGS.contains(&prompt.word(at + 1));
        return !limited && !thing && is_compound(prompt, words, quantity);
    }
    if limited || quantity.high > quantity.low {
        return quantity.limit != Limit::About || quantity.high > 1;
    }
    // "Give a verdict in one sentence" after something else is about a part. Beside code it is about the
    // prose.
    let second = |at: usize| {
        FURTHER_VERBS.contains(&prompt.word(at)) && words.at(prompt, at + 1, |lexicon| lexicon.requests) > 0
    };
    if !code && (clause..start).any(second) {
        return false;
    }
    let inside = prompt.said_before(start, IN) > 0;
    let requested = words.before(prompt, start, |lexicon| lexicon.requests) > 0;
    let opens = start == clause || (start > 0 && inside);
    let article = !matches!(prompt.word(quantity.number), "one" | "1" | "single") && quantity.high == 1;
    let continues = at + 1 < prompt.clause_end(at);
    let part = continues && PART_OF.contains(&prompt.word(at + 1)) && !(requested && unit == Unit::Words);
    let further = prompt.said_before(start, FURTHER) > 0 && !inside;
    let alone = start > 0 && start == clause && at + 1 >= prompt.clause_end(at);
    let each = words.is_each(prompt, at + 1);
    if quantity.high == 1 && !each {
        let shown = inside || requested || quantity.limit == Limit::Exactly || (opens && !article);
        return shown && !further && (inside || !part) && (!code || unit != Unit::Lines || alone || inside);
    }
    if code && unit == Unit::Lines && !inside {
        return false;
    }
    (opens || requested || each || alone || quantity.limit == Limit::Exactly)
        && !further
        && (!part || requested || inside)
}

/// Words that negate a clause.
const NEGATIONS: &[&str] =
    &["no", "not", "never", "dont", "nothing", "kein", "keine", "nicht", "sin", "sans", "pas"];

/// Nouns for parts of a text that have their own limits.
#[rustfmt::skip] // one word per line would hide the code
const PARTS: &[&str] = &[
    "title", "titles", "headline", "heading", "headings", "intro", "introduction", "name", "names",
    "description", "hook", "caption", "bio", "signature", "line", "cta", "button", "label", "titel",
    "uberschrift", "titre", "titulo", "titolo", "kop", "excerpt",
];

/// Nouns for things with limits that are no part of the answer.
#[rustfmt::skip] // one word per line would hide the code
const OTHERS: &[&str] = &[
    "identifier", "identifiers", "password", "passwords", "username", "input", "string", "strings", "id",
    "ids", "field", "column", "apologies", "quote", "quotes", "paragraph", "functions", "function", "file",
    "files", "values", "text", "comment", "comments", "commit",
];

/// Possessives before a noun which show that the thing exists already.
const OWNED: &[&str] = &["my", "our", "his", "her", "their", "your", "this"];

/// Nouns for things that a prompt measures to describe them.
const CODE_THINGS: &[&str] = &[
    "component",
    "class",
    "script",
    "method",
    "module",
    "program",
    "novel",
    "book",
    "contract",
    "thread",
    "diff",
    "commit",
    "config",
];

/// True if the words between `clause` and `start` name a key of an object or a column of a table.
fn is_field(prompt: &Prompt, clause: usize, start: usize) -> bool {
    let heads =
        ["key", "keys", "column", "columns", "field", "fields", "spalten", "colonnes", "columnas", "colonne"];
    let head = (0..start).find(|at| heads.contains(&prompt.word(*at)));
    let named = |at: usize| {
        let word = prompt.word(at);
        let one = word.strip_suffix('s').unwrap_or(word);
        word.len() > 3
            && head.is_some_and(|head| {
                (head + 1..clause.min(head + 20)).any(|at| prompt.word(at) == word || prompt.word(at) == one)
            })
    };
    let inside = head.is_some_and(|head| head >= clause && prompt.word(head) == "key");
    inside || (clause..start).any(named)
}

/// True if the limit between `start` and `at` is that of a part such as a title, beside other parts.
fn is_title(prompt: &Prompt, words: &Words, start: usize, at: usize) -> bool {
    let clause = prompt.clause_start(start);
    if (clause..start).rev().take(4).any(|at| OTHERS.contains(&prompt.word(at)))
        || is_field(prompt, clause, start)
    {
        return true;
    }
    let Some(noun) = (clause..start).rev().find(|at| PARTS.contains(&prompt.word(*at))) else {
        return false;
    };
    if noun > 0 && is_subject(prompt, noun - 1) {
        return false;
    }
    // "Roast my headline in one sentence" limits the roast.
    if noun > 0 && OWNED.contains(&prompt.word(noun - 1)) && prompt.said_before(start, IN) > 0 {
        return false;
    }
    let near = start - noun <= 3 && at > noun;
    let first = words.before(prompt, noun, |lexicon| lexicon.requests) > 0
        || (noun > 0
            && matches!(prompt.word(noun - 1), "a" | "an" | "one" | "short" | "funny")
            && words.before(prompt, noun - 1, |lexicon| lexicon.requests) > 0)
        || noun == prompt.sentence_start(noun);
    near && !first
}

/// True if the token at `at` begins the words "subject line" in one of the languages.
fn is_subject(prompt: &Prompt, at: usize) -> bool {
    [
        "subject",
        "betreff",
        "betreffzeile",
        "objet",
        "asunto",
        "oggetto",
        "assunto",
        "onderwerp",
        "onderwerpregel",
    ]
    .contains(&prompt.word(at))
}

/// True if a compound such as "two-line" qualifies the thing that is requested.
fn is_compound(prompt: &Prompt, words: &Words, quantity: &Quantity) -> bool {
    let mut start = quantity.start;
    start -= prompt
        .said_before(start, &["a", "an", "your", "of", "three", "two", "four", "five", "another"])
        .min(start);
    let sentence = prompt.sentence_start(start);
    // An adjective may precede, as in "a short 50-word summary".
    let verb = |at: usize| {
        words.before(prompt, at, |lexicon| lexicon.requests) > 0
            || words.before(prompt, at, |lexicon| lexicon.fillers) > 0
                && prompt.word(at.saturating_sub(1)) != "of"
                && (sentence..at).any(|at| words.at(prompt, at, |lexicon| lexicon.requests) > 0)
    };
    start == sentence
        || verb(start)
        || (start > sentence + 1 && verb(start - 1))
        || is_number(prompt, words, start)
}

fn is_number(prompt: &Prompt, words: &Words, before: usize) -> bool {
    before > 0 && Quantity::read(prompt, words, before - 1).is_some()
}

/// Singular nouns for parts of an answer that have a limit of their own, behind "a".
const PORTIONS: &[&str] =
    &["day", "week", "item", "entry", "row", "note", "message", "slide", "card", "piece"];

/// The part of the answer that a length limits.
fn scope(prompt: &Prompt, words: &Words, quantity: &Quantity, at: usize, joined: bool) -> Scope {
    let (start, end) = (prompt.clause_start(quantity.start), prompt.clause_end(at));
    if (start..end).any(|at| is_subject(prompt, at)) {
        return Scope::Subject;
    }
    // "Max 14 words a line" limits every line.
    let per = prompt.word(at + 1) == "a" && {
        let next = prompt.word(at + 2);
        words.unit(next).is_some() || words.is_item(next) || PORTIONS.contains(&next)
    };
    let follows = per || (at + 1..end.min(at + 4)).any(|at| words.is_each(prompt, at));
    let precedes = (start..quantity.number).any(|at| words.is_each(prompt, at));
    if follows || precedes {
        return Scope::Each;
    }
    // "Three 50-word blurbs" and "taglines of at most 8 words" limit the items.
    let counted = joined && is_number(prompt, words, quantity.start);
    let plural = (prompt.sentence_start(quantity.start)..quantity.start)
        .any(|at| words.is_item(prompt.word(at)) && prompt.word(at).ends_with('s'));
    match (counted, plural) {
        (true, _) => Scope::Each,
        (false, true) => Scope::Either,
        (false, false) => Scope::Whole,
    }
}

/// Reads a number of items.
fn count(prompt: &Prompt, words: &Words, quantity: &Quantity, code: bool) -> Option<(Option<Stated>, usize)> {
    if quantity.high == 0 || quantity.high > 100 {
        return None;
    }
    let known =
        noun_after(prompt, words, quantity.end, |word| words.is_item(word) || LINE_KINDS.contains(&word));
    let noun = known.or_else(|| open_noun(prompt, words, quantity))?;
    // Rows of a query's result are data.
    if code && prompt.word(noun) == "rows" {
        return None;
    }
    let mut behind = noun + 1;
    while (words.is_item(prompt.word(behind)) || prompt.word(behind) == "lines")
        && prompt.gap_after(behind - 1).trim().is_empty()
    {
        behind += 1;
    }
    let quantity = quantity.clone().with_suffix(prompt, words, behind);
    let stated = is_requested(prompt, words, &quantity, behind, known.is_none()).then(|| {
        let times = repetitions(prompt, words, behind).unwrap_or(1);
        let bounds = quantity.bounds(Bounds::exactly);
        let most = if bounds.most == u32::MAX { u32::MAX } else { bounds.most.saturating_mul(times) };
        let bounds = Bounds { least: bounds.least.saturating_mul(times), most, about: bounds.about };
        let end = behind.min(prompt.tokens.len());
        Stated { amount: Amount::Count { bounds }, quote: prompt.quote(quantity.start..end) }
    });
    Some((stated, behind))
}

/// Nouns that are never items: measures, times, people, money.
#[rustfmt::skip] // one word per line would hide the code
const MEASURES: &[&str] = &[
    "minutes", "minute", "mins", "min", "hours", "hrs", "days", "weeks", "months", "years", "year",
    "seconds", "people", "persons", "person", "guests", "kids", "children", "adults", "friends", "euros",
    "euro", "dollars", "pounds", "bucks", "eur", "usd", "grams", "g", "kg", "ml", "l", "cups", "cup",
    "tbsp", "tsp", "servings", "portions", "percent", "times", "km", "miles", "m", "cm", "degrees",
    "pages", "stars", "points", "columns", "rows", "keys", "fields", "letters", "syllables", "colleagues",
    "employees", "users", "customers", "more", "hundred", "thousand", "million", "x", "of", "different",
    "spaces", "digits", "decimals", "decimal", "places", "bits", "bytes", "mb", "gb", "kb", "star", "part",
    "sided", "year", "old", "pm", "am", "tone", "arguments", "parameters", "who", "to", "in",
    "ingredients", "am", "pan", "pot", "am", "eggs", "batches", "loaves", "cans", "cloves",
];

/// The noun behind a number that is the direct object of a request, as in "Suggest four museums".
fn open_noun(prompt: &Prompt, words: &Words, quantity: &Quantity) -> Option<usize> {
    #[rustfmt::skip] // one word per line would hide the code
    let asks = [
        "write", "list", "suggest", "name", "recommend", "propose", "brainstorm", "invent", "come up with",
        "give me", "draft", "find me", "give",
    ];
    #[rustfmt::skip] // one word per line would hide the code
    let fillers = [
        "me", "us", "a list of", "top", "the top", "best", "your top", "a set of", "me a list of",
        "us a list of",
    ];
    let start = quantity.start;
    let direct = prompt.said_before(start, &asks) > 0
        || (1..=4).any(|length| {
            start >= length
                && fillers
                    .iter()
                    .any(|filler| filler.split(' ').count() == length && prompt.says(start - length, filler))
                && prompt.said_before(start - length, &asks) > 0
        });
    let is_plural = |word: &str| {
        word.len() > 3 && word.ends_with('s') && !word.ends_with("ss") && !MEASURES.contains(&word)
    };
    let measure = (quantity.end..quantity.end + 3).find(|at| MEASURES.contains(&prompt.word(*at)));
    let noun = noun_after(prompt, words, quantity.end, is_plural).filter(|_| direct && quantity.low > 1)?;
    (words.unit(prompt.word(noun)).is_none() && measure.is_none_or(|measure| measure > noun)).then_some(noun)
}

/// True if the answer is asked to have this number of items.
fn is_requested(prompt: &Prompt, words: &Words, quantity: &Quantity, behind: usize, open: bool) -> bool {
    if open {
        return true;
    }
    let start = quantity.start;
    let each = words.is_each(prompt, behind) && !prompt.gap_after(behind - 1).contains(',');
    let weekly = repetitions(prompt, words, behind).is_some();
    let joined = prompt.tokens.get(behind - 1).is_some_and(|token| token.joined)
        && prompt.word(behind - 1) != "liners";
    if (each && !weekly) || joined {
        return false;
    }
    // One item is only a limit if the prompt stresses the number.
    if quantity.high == 1 && !weekly && quantity.limit != Limit::Exactly {
        return false;
    }
    let sentence = prompt.sentence_start(start);
    let asked = (sentence..start).any(|at| words.at(prompt, at, |lexicon| lexicon.requests) > 0);
    let direct = words.before(prompt, start, |lexicon| lexicon.requests) > 0
        || words.before(prompt, start, |lexicon| lexicon.fillers) > 0;
    let blocked = words.before(prompt, start, |lexicon| lexicon.blockers) > 0;
    let stressed = quantity.limit != Limit::Bare && quantity.limit != Limit::About;
    let opens = start == prompt.clause_start(start) && !is_told(prompt, behind);
    if direct && asked {
        return true;
    }
    !blocked && (opens || asked || stressed)
}

/// True if the noun that ends before `at` is the subject of a statement.
fn is_told(prompt: &Prompt, at: usize) -> bool {
    const VERBS: &[&str] = &[
        "are", "were", "is", "was", "have", "had", "did", "do", "went", "came", "say", "said", "later",
        "ago", "left", "sind", "sont", "son", "sono",
    ];
    VERBS.contains(&prompt.word(at))
}

/// The number of weeks or days in "one idea per week for four weeks".
fn repetitions(prompt: &Prompt, words: &Words, behind: usize) -> Option<u32> {
    #[rustfmt::skip] // one word per line would hide the code
    let times = [
        "week", "day", "month", "woche", "tag", "monat", "semaine", "jour", "mois", "semana", "dia", "mes",
        "settimana", "giorno", "mese",
    ];
    let per =
        ["per", "a", "each", "every", "pro", "par", "por", "al", "alla", "jede", "chaque", "cada", "ogni"];
    let rate = per.contains(&prompt.word(behind)) && times.contains(&prompt.word(behind + 1));
    let end = prompt.sentence_end(behind);
    let total = (behind + 2..end).find_map(|at| {
        let quantity = Quantity::read(prompt, words, at)?;
        let noun = prompt.word(quantity.end);
        times.iter().any(|time| noun.starts_with(time)).then_some(quantity.high)
    });
    total.filter(|_| rate)
}

/// Finds forms of verse and messages that imply a length.
fn forms(prompt: &Prompt, words: &Words) -> Vec<Stated> {
    const FORMS: &[(&str, u32, u32, Unit)] = &[
        ("haiku", 3, 3, Unit::Lines),
        ("limerick", 5, 5, Unit::Lines),
        ("sonnet", 14, 14, Unit::Lines),
        ("sonett", 14, 14, Unit::Lines),
        ("couplet", 2, 2, Unit::Lines),
        ("quatrain", 4, 4, Unit::Lines),
        ("tweet", 0, 280, Unit::Characters),
        ("sms", 0, 160, Unit::Characters),
    ];
    let mut found = Vec::new();
    for (at, token) in prompt.tokens.iter().enumerate().filter(|(_, token)| !token.quoted) {
        let Some((_, least, most, unit)) = FORMS.iter().find(|(name, ..)| *name == token.folded) else {
            continue;
        };
        let articles = [
            "a", "an", "one", "ein", "einen", "eine", "un", "uno", "um", "een", "une", "a single", "a short",
            "a funny", "a roast",
        ];
        let article = prompt.said_before(at, &articles);
        let start = at - article;
        let requested = words.before(prompt, start, |lexicon| lexicon.requests) > 0
            || words.before(prompt, start, |lexicon| lexicon.fillers) > 0 && article > 0
            || prompt.said_before(start, &["in", "as", "als", "en", "come", "como"]) > 0 && article > 0
            || start == prompt.sentence_start(start);
        let plural = article == 0 && is_number(prompt, words, at);
        let other =
            prompt.says_any(at + 1, &["alert", "gateway", "reminder", "reminders", "thread", "api"]) > 0;
        let told = (prompt.sentence_start(at)..start).any(|at| {
            ["explain", "what", "difference", "history", "analyse", "analyze"].contains(&prompt.word(at))
        });
        if requested && !plural && !other && !told && prompt.word(at + 1) != "about the history" {
            let amount =
                Amount::Length { bounds: Bounds::new(*least, *most), unit: *unit, scope: Scope::Whole };
            found.push(Stated { amount, quote: prompt.quote(start..at + 1) });
        }
    }
    found.truncate(1);
    found
}

/// Resolves amounts that contradict or repeat each other.
fn settle(found: Vec<Stated>) -> Vec<Stated> {
    let mut settled: Vec<Stated> = Vec::new();
    let mut sum: Option<Bounds> = None;
    for stated in found {
        match &stated.amount {
            Amount::Count { bounds } => sum = Some(sum.map_or(*bounds, |sum: Bounds| widened(sum, *bounds))),
            Amount::Length { bounds, unit, scope } => {
                let same = settled.iter().position(|other| {
                    matches!(&other.amount, Amount::Length { bounds: theirs, unit: unit_of, scope: of }
                        if unit_of == unit && of == scope && !fits_together(*theirs, *bounds))
                });
                if let Some(same) = same {
                    // Two limits of one kind belong to parts, which the words do not tell apart.
                    settled.remove(same);
                    continue;
                }
            }
        }
        settled.push(stated);
    }
    let first = settled.iter().position(|stated| matches!(stated.amount, Amount::Count { .. }));
    let mut at = 0;
    settled.retain_mut(|stated| {
        at += 1;
        if let (Amount::Count { bounds }, Some(sum)) = (&mut stated.amount, sum) {
            *bounds = sum;
            return first == Some(at - 1);
        }
        true
    });
    settled
}

/// The numbers that fit the first of two counts or the sum of both.
fn widened(first: Bounds, second: Bounds) -> Bounds {
    let most = first.most.saturating_add(second.most);
    Bounds { least: first.least, most, about: false }
}

/// True if one limit is a least and the other a most, or if both are equal.
fn fits_together(first: Bounds, second: Bounds) -> bool {
    let open = |bounds: Bounds| bounds.most == u32::MAX;
    let free = |bounds: Bounds| bounds.least <= 1;
    (open(first) && free(second)) || (free(first) && open(second))
}
