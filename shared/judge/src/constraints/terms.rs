//! Terms that an answer must or must not mention.

use super::format::NEGATIONS;
use super::layout::Answer;
use super::prompt::{Prompt, folded};
use crate::vocabulary::{is_stop, stem};

/// A thing that is recognised by its form rather than by a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Concept {
    /// Tests of code.
    Tests,
    /// Links or named sources.
    Sources,
    /// Amounts with units.
    Quantities,
    /// An amount of money.
    Price,
    /// Comments in code.
    Comments,
}

/// A term to mention or to leave out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Term {
    /// Words that must or must not occur as they are.
    Exact(String),
    /// A thing that may be put in other forms of the same words.
    Thing(String),
    /// A thing recognised by its form.
    Concept(Concept),
    /// A food, under any of its names.
    Food(&'static [&'static str]),
    /// Several given things, of which an answer uses most.
    Given(Vec<String>),
}

/// A term with the tokens that state it.
pub(super) struct Termed {
    pub(super) term: Term,
    pub(super) wanted: bool,
    pub(super) tokens: std::ops::Range<usize>,
}

/// Most terms that are taken from a prompt.
const MOST: usize = 16;

/// Words between a verb and the quotation that is its object.
#[rustfmt::skip] // one word per line would hide the code
const BETWEEN: &[&str] = &[
    "and", "or", "und", "oder", "et", "ou", "y", "o", "e", "en", "of", "nor", "the", "a", "an", "any",
    "word", "words", "term", "terms", "keyword", "keywords", "phrase", "phrases", "either", "wort",
    "worter", "worte", "begriff", "begriffe", "den", "das", "die", "mot", "mots", "le", "les", "la", "l",
    "palabra", "palabras", "las", "parola", "parole", "palavra", "palavras", "as", "woord", "woorden",
    "het", "de", "like", "such", "eg", "exact", "all", "three", "two", "both", "following", "code", "der",
    "il", "terme", "termes", "name", "g",
];

/// Verbs that put a term into an answer.
#[rustfmt::skip] // one word per line would hide the code
const USES: &[&str] = &[
    "mention", "mentions", "mentioning", "include", "includes", "including", "use", "uses", "using",
    "contain", "contains", "containing", "feature", "incorporate", "work", "insert", "erwahne", "erwahnen",
    "verwende", "verwenden", "benutze", "nutze", "enthalten", "enthalt", "vorkommen", "mentionne",
    "mentionner", "mentionnez", "utilise", "utilisez", "utiliser", "inclus", "incluez", "contenir",
    "menciona", "mencione", "usa", "use", "utiliza", "incluye", "contener", "contenga", "menziona",
    "usare", "includi", "contenere", "inclua", "conter", "gebruik", "noem", "vermeld", "bevatten", "say",
    "saying", "write", "name", "naming", "nenne", "nennen", "dire", "dis", "diga", "zeg",
];

/// Verbs that exclude a term by themselves.
#[rustfmt::skip] // one word per line would hide the code
const EXCLUDES: &[&str] = &[
    "avoid", "ban", "banned", "forbidden", "banning", "prohibited", "prohibido", "prohibidas", "proibido", "vietato", "vietate", "interdits", "verbotene", "verboden", "zakazane", "forbjudna", "omit", "skip", "exclude", "excluding", "vermeide", "evite",
    "evita", "evitez", "vermijd", "taboo", "verboten", "interdit",
];

/// Finds the terms to mention and to leave out.
pub(super) fn terms(prompt: &Prompt, kitchen: bool, code: bool) -> Vec<Termed> {
    let mut found = quoted(prompt, code);
    found.extend(ruled(prompt));
    for at in 0..prompt.tokens.len() {
        found.extend(mentioned(prompt, at));
        found.extend(word_list(prompt, at, code));
        found.extend(signature(prompt, at));
        found.extend(concept(prompt, at, code, kitchen));
        if kitchen {
            found.extend(excluded_food(prompt, at));
        }
    }
    if kitchen {
        found.extend(given(prompt));
    }
    let mut terms: Vec<Termed> = Vec::new();
    for termed in found {
        if terms.iter().all(|other| other.term != termed.term) && terms.len() < MOST {
            terms.push(termed);
        }
    }
    terms
}

/// Finds quotations that a verb asks to use or to avoid.
fn quoted(prompt: &Prompt, code: bool) -> Vec<Termed> {
    let mut found = Vec::new();
    for quote in &prompt.quotes {
        let first = prompt.tokens.partition_point(|token| token.span.start < quote.span.start);
        let Some(verb) = governing(prompt, first) else { continue };
        let word = prompt.word(verb);
        let negated = is_excluded(prompt, verb);
        let excludes = EXCLUDES.contains(&word) || negated || NEGATIONS.contains(&word);
        let uses = USES.contains(&word);
        let says =
            ["say", "saying", "write", "name", "naming", "nenne", "dire", "dis", "zeg", "work", "dont"]
                .contains(&word);
        // "No, sorry: …" corrects the prompt itself.
        let noun = verb > 0 && DETERMINERS.contains(&prompt.word(verb - 1))
            || matches!(word, "sorry" | "no" | "not")
                && (verb..first).any(|at| prompt.gap_after(at).contains(':'))
            || word == "sorry"
            || (verb..first).any(|at| prompt.word(at) == "sorry");
        if noun || !excludes && (!uses || says || code && !quote.code) {
            continue;
        }
        let Some(text) = prompt.text.get(quote.span.clone()).map(str::trim) else { continue };
        // A sentence is an example, and a single mark no word.
        let words = text.split_whitespace().count();
        if words == 0 || words > 8 || !text.contains(char::is_alphanumeric) {
            continue;
        }
        let term = Term::Exact(text.trim_end_matches([',', '.']).to_owned());
        found.push(Termed { term, wanted: !excludes, tokens: verb..first + words });
    }
    found
}

/// Phrases behind a term that ask for it, and phrases that forbid it.
#[rustfmt::skip] // one word per line would hide the code
const ASKED_FOR: &[&str] = &[
    "has to be in", "have to be in", "has to appear", "must be in", "must appear", "must occur", "should appear", "should be in", "needs to be in", "needs to appear", "must be included", "muss vorkommen", "mussen vorkommen", "soll vorkommen", "doit apparaitre", "doivent apparaitre", "doit figurer", "debe aparecer", "deben aparecer", "tiene que aparecer", "deve comparire", "deve aparecer", "tem que aparecer", "moet erin", "moet voorkomen", "must be there",
];
#[rustfmt::skip] // one word per line would hide the code
const RULED_OUT: &[&str] = &[
    "must not", "must not appear", "may not", "cant appear", "cannot appear", "should not appear", "is banned", "are banned", "is forbidden", "are forbidden", "is off limits", "are off limits", "is taboo", "are taboo", "is not allowed", "are not allowed", "darf nicht vorkommen", "durfen nicht vorkommen", "darf nicht", "ist verboten", "sind verboten", "ne doit pas", "est interdit", "sont interdits", "no puede aparecer", "no debe aparecer", "esta prohibido", "non deve", "e vietato", "nao pode aparecer", "mag niet", "mogen niet",
];

/// Finds terms with a demand behind them, as in "the word \"green\" has to be in it" and "the words rain and
/// wet are banned".
fn ruled(prompt: &Prompt) -> Vec<Termed> {
    let mut found = Vec::new();
    for at in 1..prompt.tokens.len() {
        let (asked, out) = (prompt.says_any(at, ASKED_FOR), prompt.says_any(at, RULED_OUT));
        if asked + out == 0 {
            continue;
        }
        let start = prompt.sentence_start(at);
        let heads = [
            "word", "words", "wort", "worter", "mot", "mots", "palabra", "palabras", "parola", "parole",
            "palavra", "palavras", "woord", "woorden", "term", "terms", "name",
        ];
        let head = (start..at).rev().take(12).find(|head| {
            // "Under 130 words" names no words.
            heads.contains(&prompt.word(*head))
                && *head > start
                && DETERMINERS.contains(&prompt.word(*head - 1))
        });
        for term in head.map_or(0..0, |head| head + 1..at) {
            let joins = BETWEEN.contains(&prompt.word(term))
                && !prompt.tokens.get(term).is_some_and(|token| token.quoted);
            if !joins && at - head.unwrap_or(at) <= 8 {
                let text = prompt.quote(term..term + 1);
                found.push(Termed {
                    term: Term::Exact(text),
                    wanted: out < asked,
                    tokens: term..at + asked.max(out),
                });
            }
        }
    }
    found
}

/// The verb or negation whose object is the quotation that begins at `first`.
fn governing(prompt: &Prompt, first: usize) -> Option<usize> {
    let sentence = prompt.tokens.get(first)?.sentence;
    let before = (0..first).rev().take(24);
    let verb = before
        .take_while(|at| prompt.tokens.get(*at).is_some_and(|token| token.sentence == sentence))
        .find(|at| {
            prompt.tokens.get(*at).is_some_and(|token| !token.quoted) && !BETWEEN.contains(&prompt.word(*at))
        })?;
    // An infinitive may stand behind its object: "ohne das Wort … zu verwenden".
    Some(verb)
}

/// True if a negation governs the verb at `verb`.
fn is_excluded(prompt: &Prompt, verb: usize) -> bool {
    let start = prompt.clause_start(verb);
    let near = verb.saturating_sub(4).max(start);
    (near..verb).any(|at| {
        NEGATIONS.contains(&prompt.word(at)) && !prompt.says(at, "not only") && prompt.word(at) != "no"
    }) || verb > 0 && prompt.word(verb - 1) == "no"
}

/// Finds unquoted words behind "the words", as in "do not use the words clean, fresh or wash".
fn word_list(prompt: &Prompt, at: usize, code: bool) -> Vec<Termed> {
    let heads = [
        "word", "words", "wort", "worter", "mot", "mots", "palabra", "palabras", "parola", "parole",
        "palavra", "palavras", "woord", "woorden",
    ];
    let article = at > 0 && DETERMINERS.contains(&prompt.word(at - 1));
    let behind =
        prompt.tokens.get(at + 1).is_some_and(|next| !next.quoted && next.sentence == prompt.sentence_of(at));
    let Some(verb) =
        governing(prompt, at).filter(|_| article && behind && !code && heads.contains(&prompt.word(at)))
    else {
        return Vec::new();
    };
    let excludes = EXCLUDES.contains(&prompt.word(verb))
        || NEGATIONS.contains(&prompt.word(verb))
        || is_excluded(prompt, verb);
    if !excludes && !USES.contains(&prompt.word(verb)) {
        return Vec::new();
    }
    let (mut found, mut next) = (Vec::new(), at + 1);
    loop {
        let ends = next + 1 >= prompt.clause_end(next);
        let joined = ["and", "or", "und", "oder", "et", "ou", "y", "o", "e", "en", "of"]
            .contains(&prompt.word(next + 1));
        let stop = NO_THINGS.contains(&prompt.word(next)) || BETWEEN.contains(&prompt.word(next));
        if stop || !(ends || joined) || next >= prompt.sentence_end(at) {
            return found;
        }
        let term = Term::Exact(prompt.quote(next..next + 1));
        found.push(Termed { term, wanted: !excludes, tokens: verb..next + 1 });
        let last = ends && !prompt.gap_after(next).contains(',');
        next += 1 + usize::from(joined);
        if matches!(prompt.word(next), "and" | "or" | "und" | "oder") {
            next += 1;
        }
        if last && !joined || found.len() >= MOST {
            return found;
        }
    }
}

/// Finds the name with which a message is to be signed.
fn signature(prompt: &Prompt, at: usize) -> Option<Termed> {
    #[rustfmt::skip] // one word per line would hide the code
    let phrases = [
        "sign it", "sign as", "sign it as", "signed", "signed by", "sign off as", "sign it from",
        "signature", "assino", "assinado", "signe", "signez", "firmado", "firma", "unterschrift",
        "unterzeichnet", "gezeichnet", "ondertekend", "пoдпиcь", "podpis",
    ];
    let start = at + prompt.says_any(at, &phrases);
    let named = |at: &usize| {
        prompt.tokens.get(*at).is_some_and(|token| {
            token.capital && !token.quoted && token.sentence == prompt.sentence_of(start)
        })
    };
    let end = (start..start + 3).take_while(named).last().map(|last| last + 1)?;
    (start > at).then(|| Termed {
        term: Term::Thing(prompt.quote(start..end)),
        wanted: true,
        tokens: at..end,
    })
}

/// Verbs whose object is to be mentioned in some form.
#[rustfmt::skip] // one word per line would hide the code
const MENTIONS: &[&str] = &[
    "mention", "mentions", "mentioning", "erwahne", "erwahnen", "mentionne", "mentionner", "mentionnez",
    "menciona", "mencionar", "mencione", "menziona", "menzionare", "vermeld", "vermelden", "mention of",
    "reference", "referencing",
];

/// Verbs whose excluded object is not to be mentioned at all.
const OFFERS: &[&str] = &[
    "offer", "offering", "promise", "ofereca", "oferecer", "ofrezcas", "ofrecer", "propose", "proposer",
    "anbieten", "offrire", "offri", "bied", "bieden",
];

/// Words before "mention" that make it a request.
#[rustfmt::skip] // one word per line would hide the code
const ASKED: &[&str] = &[
    "must", "should", "absolument", "unbedingt", "absolutely", "definitely", "que", "deve", "debe", "doit", "muss", "moet", "and", "please", "to", "und", "bitte", "et", "y", "e", "en", "also", "then", "but", "has", "briefly",
];

/// Verbs and nouns before a colon and a list of things to mention.
#[rustfmt::skip] // one word per line would hide the code
const LISTS: &[&str] = &[
    "mention", "include", "includes", "including", "noem", "nenne", "erwahne", "cite", "menciona", "incluye", "mencione", "inclua", "menziona", "includi", "vermeld", "mentionne", "inclus",
];

/// Finds the unquoted objects of "mention".
fn mentioned(prompt: &Prompt, at: usize) -> Vec<Termed> {
    let token = prompt.tokens.get(at);
    let listed = prompt.gap_after(at).starts_with(':') && prompt.word(at) != "contains";
    let banned = prompt.gap_after(at).starts_with(':')
        && ["banned", "forbidden", "taboo", "verboten", "prohibidas", "interdits", "vietate", "avoid"]
            .contains(&prompt.word(at));
    if banned {
        let listed = things(prompt, at + 1, true).into_iter();
        return listed.map(|(term, end)| Termed { term, wanted: false, tokens: at..end }).collect();
    }
    let offers = OFFERS.contains(&prompt.word(at)) && is_excluded(prompt, at);
    let verb = MENTIONS.contains(&prompt.word(at))
        || offers
        || listed && LISTS.contains(&prompt.word(at))
        || matches!(prompt.word(at), "name" | "naming") && is_excluded(prompt, at);
    if !verb || token.is_none_or(|token| token.quoted) {
        return Vec::new();
    }
    let excluded = is_excluded(prompt, at) || EXCLUDES.contains(&prompt.word(at.wrapping_sub(1)));
    // "Don't mention" is firm. A statement such as "reviews mention the view" is no request.
    let previous = if at == 0 { "" } else { prompt.word(at - 1) };
    let asks = at == prompt.clause_start(at) || ASKED.contains(&previous);
    if !excluded && (!asks || prompt.word(at) == "reference") {
        return Vec::new();
    }
    let from = at + 1 + usize::from(matches!(prompt.word(at + 1), "of" | "any"));
    things(prompt, from, excluded)
        .into_iter()
        .map(|(thing, end)| Termed { term: thing, wanted: !excluded, tokens: at..end })
        .collect()
}

/// Words that open a clause or an adverbial rather than a thing.
#[rustfmt::skip] // one word per line would hide the code
const NO_THINGS: &[&str] = &[
    "that", "how", "why", "when", "what", "if", "who", "whether", "which", "where", "it", "them", "this",
    "in", "at", "on", "once", "twice", "for", "with", "by", "only", "as", "dass", "wie", "que", "se", "si",
    "che", "dat", "somehow", "somewhere", "explicitly", "briefly", "too", "please", "also", "clearly",
    "directly", "anywhere", "one", "two", "three", "several", "anything", "everything", "things",
    "something", "nothing", "more", "less", "to", "than", "about", "but", "so", "or", "i", "we", "you",
    "he", "she", "they",
];

/// Articles and possessives before a thing.
#[rustfmt::skip] // one word per line would hide the code
const DETERMINERS: &[&str] = &[
    "the", "a", "an", "our", "my", "your", "his", "her", "their", "its", "any", "der", "die", "das", "den",
    "dem", "unsere", "unseren", "unser", "le", "la", "les", "l", "notre", "nos", "el", "los", "las",
    "nuestro", "nuestra", "il", "lo", "gli", "i", "o", "os", "as", "de", "het", "onze", "both", "all",
    "each", "exact", "nostro", "nostra", "nosso", "nossa", "mein", "meine", "even", "either", "some",
];

/// The things listed from the token at `from`, each with the index behind it.
fn things(prompt: &Prompt, from: usize, excluded: bool) -> Vec<(Term, usize)> {
    let (mut things, mut words, mut at) = (Vec::new(), Vec::<usize>::new(), from);
    let end = prompt.sentence_end(from).min(from + 30);
    let close = |words: &mut Vec<usize>, things: &mut Vec<(Term, usize)>| {
        let term = thing(prompt, words, excluded);
        let behind = words.last().map_or(from, |last| last + 1);
        let complete = term.is_some();
        things.extend(term.map(|term| (term, behind)));
        words.clear();
        complete
    };
    if from >= prompt.tokens.len() || prompt.sentence_start(from) == from {
        return things;
    }
    while at < end {
        let word = prompt.word(at);
        let gap = prompt.gap_after(at.saturating_sub(1));
        let comma = at > from && [",", ";", "(", ")", "–", "—", ":"].iter().any(|mark| gap.contains(mark));
        let and = ["and", "or", "und", "oder", "et", "ou", "y", "e", "en", "nor", "plus"].contains(&word)
            && !words.is_empty();
        if prompt.tokens.get(at).is_none_or(|token| token.quoted)
            || comma && gap.contains([':', ';', '–', '—'])
        {
            break;
        }
        if comma || and {
            let fits = close(&mut words, &mut things);
            let bracket = gap.contains('(') && prompt.tokens.get(at).is_some_and(|token| token.capital);
            if !bracket && (!fits || comma && !continues(prompt, at, end)) {
                return things;
            }
            if and {
                at += 1;
                continue;
            }
        }
        if NO_THINGS.contains(&word) {
            break;
        }
        words.push(at);
        at += 1;
    }
    close(&mut words, &mut things);
    things
}

/// True if the clause at `at` continues an enumeration, because it is short and ends with "and" or a comma.
fn continues(prompt: &Prompt, at: usize, end: usize) -> bool {
    let clause = prompt.clause_end(at).min(end);
    let verb = (at..clause).any(|at| {
        [
            "keep", "make", "write", "use", "no", "dont", "be", "max", "under", "end", "is", "are", "add",
            "give", "in", "with", "without", "but", "then", "not", "do", "nothing", "just", "he", "she",
            "it", "they", "sound", "that", "ask", "offer", "tell", "start", "sign", "invite", "please", "at",
        ]
        .contains(&prompt.word(at))
            || NEGATIONS.contains(&prompt.word(at))
    });
    clause - at <= 5 && !verb && !prompt.word(at).bytes().all(|b| b.is_ascii_digit())
}

/// Words too vague to be looked for.
#[rustfmt::skip] // one word per line would hide the code
const VAGUE: &[&str] = &[
    "name", "names", "price", "prices", "cost", "costs", "date", "dates", "time", "times", "details",
    "numbers", "number", "reason", "company", "vendor", "product", "competitors", "competitor", "brand",
    "brands", "subject", "age", "weather", "fact", "facts", "source", "sources", "features", "benefits",
    "preis", "name", "prix", "precio", "prezzo", "preco", "prijs", "deadline", "location", "address",
    "figure", "figures", "anyone", "people", "person", "word", "words", "politics", "religion", "ai", "me",
    "us", "budget", "trade-offs", "tradeoffs", "tradeoff", "caveats", "caveat", "complexity",
    "limitations", "risks", "quantities", "quantity", "amounts", "units", "year", "salary", "money",
    "problem", "issue", "cause", "case", "cases", "edge", "version", "versions",
];

/// The thing that the words name.
fn thing(prompt: &Prompt, words: &[usize], excluded: bool) -> Option<Term> {
    let words: Vec<usize> =
        words.iter().copied().skip_while(|at| DETERMINERS.contains(&prompt.word(*at))).collect();
    if words.is_empty() || words.len() > 4 {
        return None;
    }
    let prices =
        ["price", "prices", "cost", "costs", "preis", "preise", "prix", "precio", "prezzo", "preco", "prijs"];
    if matches!(words.as_slice(), [one] if prices.contains(&prompt.word(*one))) {
        return Some(Term::Concept(Concept::Price));
    }
    // "Any character" names a class, of which no word is known.
    if excluded && words.first().is_some_and(|first| *first > 0 && prompt.word(*first - 1) == "any") {
        return None;
    }
    let vague = |at: &usize| VAGUE.contains(&prompt.word(*at)) || is_stop(prompt.word(*at));
    if words.iter().all(vague) || excluded && words.iter().any(vague) {
        return None;
    }
    Some(Term::Thing(prompt.quote(*words.first()?..words.last()? + 1)))
}

/// Finds the demand for a thing that is recognised by its form.
fn concept(prompt: &Prompt, at: usize, code: bool, kitchen: bool) -> Option<Termed> {
    let concept = match prompt.word(at) {
        "test" if code && prompt.says(at + 1, "cases") => Concept::Tests,
        "tests" | "unittests" | "doctest" | "doctests" if code => Concept::Tests,
        "comments" | "kommentare" | "kommentaren" | "commentaires" | "comentarios" | "commenti" if code => {
            Concept::Comments
        }
        "sources" | "source" | "quellen" | "quellenangaben" | "fuentes" | "fonti" | "fontes" | "bronnen"
        | "citations"
            if !code =>
        {
            Concept::Sources
        }
        "links" if !code => Concept::Sources,
        "quantities" | "amounts" | "measurements" | "mengen" | "mengenangaben" | "quantites"
        | "cantidades" | "quantita" | "dosi" | "quantidades" | "hoeveelheden"
            if kitchen =>
        {
            Concept::Quantities
        }
        _ => return None,
    };
    #[rustfmt::skip] // one word per line would hide the code
    let verbs = [
        "include", "including", "with", "give", "add", "cite", "provide", "plus", "mit", "avec", "con",
        "com", "met", "and", "name", "link", "und", "state", "list", "write", "gib", "nenne", "donne",
        "incluye", "indica", "exact", "please", "incl", "your", "quote", "need", "angeben", "citing",
        "want",
    ];
    let near = at.saturating_sub(4).max(prompt.sentence_start(at));
    let negated = (near..at).any(|at| NEGATIONS.contains(&prompt.word(at)));
    let asked = (near..at).any(|at| verbs.contains(&prompt.word(at))) || at == prompt.clause_start(at);
    let other = [
        "of", "code", "from", "pass", "fail", "must", "are", "is", "for", "in", "table", "control", "that",
        "below", "and", "should",
    ]
    .contains(&prompt.word(at + 1));
    let told = at > 0
        && ["the", "these", "our", "my", "open", "three", "primary", "your", "which", "two", "five"]
            .contains(&prompt.word(at - 1));
    (asked && !negated && !other && !told).then(|| Termed {
        term: Term::Concept(concept),
        wanted: true,
        tokens: near.max(at.saturating_sub(2))..at + 1,
    })
}

/// Foods with the words that stand for them in a recipe, folded stems first.
#[rustfmt::skip] // one word per line would hide the code
static FOODS: &[&[&str]] = &[
    &[
        "nuts", "nut", "almond", "almonds", "walnut", "walnuts", "cashew", "cashews", "hazelnut",
        "hazelnuts", "peanut", "peanuts", "pecan", "pecans", "pistachio", "pistachios",
    ],
    &["nusse", "nuss", "mandeln", "walnusse", "haselnusse", "erdnusse", "cashewkerne"],
    &["noix", "amandes", "noisettes", "cacahuetes"],
    &["peanuts", "peanut"],
    &["sesame", "tahini", "hummus"],
    &["onions", "onion"],
    &["garlic"],
    &["mushrooms", "mushroom"],
    &["tomatoes", "tomato"],
    &["fish", "salmon", "tuna", "cod", "anchovies", "anchovy"],
    &["pork", "bacon", "ham"],
    &["beef"],
    &["chicken"],
    &["meat", "beef", "pork", "chicken", "bacon", "ham", "lamb", "turkey"],
    &["eggs", "egg"],
    &["cilantro", "coriander"],
    &["shellfish", "shrimp", "prawns", "crab"],
    &["seafood", "shrimp", "prawns", "salmon", "tuna"],
    &["olives", "olive"],
    &["celery"],
    &["peppers", "pepper"],
    &["aubergine", "eggplant"],
    &["spinach"],
    &["raisins"],
    &["alcohol", "wine", "beer", "rum", "vodka"],
    &["cheese"],
    &["sugar"],
    &["butter"],
    &["cream"],
    &["soy"],
    &["coconut"],
    &["chili", "chilli"],
    &["ginger"],
    &["honey"],
    &["beans"],
    &["zwiebeln", "zwiebel"],
    &["knoblauch"],
    &["pilze", "champignons"],
    &["fisch", "lachs", "thunfisch"],
    &["fleisch", "hackfleisch", "speck", "schinken"],
    &["schweinefleisch", "speck", "schinken"],
    &["eier", "ei"],
    &["koriander"],
    &["tomaten"],
    &["zucker"],
    &["sahne"],
    &["alkohol", "wein"],
    &["oignons", "oignon"],
    &["ail"],
    &["champignons"],
    &["poisson", "thon", "saumon"],
    &["viande", "poulet", "boeuf", "lardons", "jambon"],
    &["porc", "lardons", "jambon"],
    &["œufs", "oeufs"],
    &["coriandre"],
    &["sucre"],
    &["alcool"],
    &["cebolla", "cebollas"],
    &["ajo"],
    &["setas", "champinones"],
    &["pescado", "atun"],
    &["carne", "pollo", "jamon"],
    &["cerdo", "jamon"],
    &["huevos", "huevo"],
    &["cilantro"],
    &["azucar"],
    &["cipolla", "cipolle"],
    &["aglio"],
    &["funghi"],
    &["pesce", "tonno"],
    &["uova", "uovo"],
    &["zucchero"],
    &["cebola", "cebolas"],
    &["alho"],
    &["cogumelos"],
    &["peixe"],
    &["ovos"],
    &["uien", "ui"],
    &["knoflook"],
    &["champignons"],
    &["vis"],
    &["vlees", "spek"],
    &["tuna", "tunafish"],
    &["coriander", "cilantro"],
    &["prawns", "shrimp", "prawn", "shrimps"],
    &["carrot", "carrots"],
    &["potato", "potatoes"],
    &["dairy", "milk", "butter", "cream", "yoghurt", "yogurt", "cheese", "parmesan", "feta", "mozzarella"],
    &["latticini", "burro", "parmigiano", "panna", "formaggio", "mascarpone", "pecorino", "mozzarella"],
    &["lacteos", "leche", "mantequilla", "nata", "queso"],
    &["farina"],
    &["pangrattato"],
    &["pepino"],
    &["cucumber", "cucumbers"],
    &["brood"],
    &["oven"],
    &["microwave"],
    &["horno"],
    &["forno"],
    &["piekarnik", "piekarnika", "piekarniku"],
    &["backofen", "ofen"],
    &["cebula", "cebuli", "cebule"],
];

/// Words which show that a food is replaced, or only warned of.
#[rustfmt::skip] // one word per line would hide the code
const NOT_USED: &[&str] = &[
    "free", "allergy", "allergic", "instead", "vegan", "coconut", "replace", "replaces", "replacing", "replacement", "substitute", "substitutes", "stand", "stands", "sub",
    "swap", "label", "labels", "check", "traces", "trace", "contain", "contains", "remplacent", "remplace", "remplacer", "ersetzen", "ersetzt", "statt", "spuren",
    "sustituye", "sustituyen", "sostituisce", "sostituiscono", "substitui", "vervangt", "lieu", "like",
];

/// Entries of [`FOODS`] that are no food but a way to cook.
const APPLIANCES: &[&str] = &["oven", "microwave", "horno", "forno", "piekarnika", "backofen", "ofen"];

/// True if the food at `at` continues a list of excluded foods, as in "no onion, garlic or carrot".
fn continues_exclusion(prompt: &Prompt, at: usize) -> bool {
    let is_food = |at: usize| {
        let word = prompt.word(at);
        !APPLIANCES.contains(&word) && FOODS.iter().any(|food| food.iter().take(2).any(|name| *name == word))
    };
    let mut start = prompt.clause_start(at);
    for _ in 0..6 {
        let short = prompt.clause_end(start) - start <= 3;
        if !short || start == prompt.sentence_start(at) {
            return false;
        }
        start = prompt.clause_start(start - 1);
        let end = prompt.clause_end(start);
        if (start..end).any(|no| {
            matches!(prompt.word(no), "no" | "without" | "ohne" | "sans" | "sin" | "senza") && is_food(no + 1)
        }) {
            return true;
        }
    }
    false
}

/// Words before a food, or before a way to cook, which show that a recipe uses it.
#[rustfmt::skip] // one word per line would hide the code
const COOKED: &[&str] = &[
    "add", "adding", "with", "beat", "whisk", "stir", "mix", "fry", "top", "use", "half", "one", "two", "cup", "tbsp", "tsp", "in", "into", "bake", "roast", "put", "cook", "finish", "mit", "und", "im", "den", "zugeben", "con", "en", "el", "la", "nel", "il", "un", "una", "avec", "au", "dans", "le", "les", "no", "w", "do", "z", "preheat", "heat", "some", "grated", "chopped", "sliced", "melted",
];

/// Finds a food that the prompt excludes, as in "no onions" or "nut free".
fn excluded_food(prompt: &Prompt, at: usize) -> Option<Termed> {
    let word = prompt.word(at);
    let food = FOODS.iter().find(|food| {
        let singular =
            |first: &&str| first.strip_suffix("es") == Some(word) || first.strip_suffix('s') == Some(word);
        food.first() == Some(&word)
            || food.first().is_some_and(singular)
            || food.get(1) == Some(&word) && prompt.says(at + 1, "free")
    })?;
    let clause = prompt.clause_start(at);
    let free = prompt.word(at + 1) == "free" && !is_excluded(prompt, at);
    let hates = (clause..at).any(|at| {
        ["hates", "hate", "allergic", "allergy", "allergie", "allergique", "alergico", "hasst"]
            .contains(&prompt.word(at))
    });
    let near = at.saturating_sub(3).max(clause);
    let no = (near..at).any(|at| {
        [
            "no", "without", "ohne", "kein", "keine", "keinen", "sans", "sin", "senza", "sem", "zonder",
            "geen", "pas", "niente", "bez", "nie", "utan",
        ]
        .contains(&prompt.word(at))
    });
    let no = no && !(near..at).any(|at| matches!(prompt.word(at), "more" | "need" | "only" | "mehr"));
    #[rustfmt::skip] // one word per line would hide the code
    let cannot = (clause..at).any(|at| {
        prompt.says_any(
            at,
            &[
                "cant have", "cant eat", "cannot eat", "doesnt eat", "dont eat", "doesnt like",
                "dont like", "darf keine", "mag keine",
            ],
        ) > 0
    });
    let near_food =
        (near..at).all(|at| !["for", "but", "have", "with", "just", "left"].contains(&prompt.word(at)));
    let listed = !APPLIANCES.contains(&word) && continues_exclusion(prompt, at);
    (free || hates || cannot || listed || no && near_food).then(|| Termed {
        term: Term::Food(food),
        wanted: false,
        tokens: near..at + 1,
    })
}

/// Words before the things that a cook has.
#[rustfmt::skip] // one word per line would hide the code
const HAVE: &[&str] = &[
    "i have", "we have", "from", "using", "available", "ingredients", "ive got", "i got", "ich habe",
    "wir haben", "aus", "j ai", "jai", "tengo", "ho", "tenho", "ik heb", "i only have", "i have only",
];

/// Words for a dish, before the things of which it is made.
#[rustfmt::skip] // one word per line would hide the code
const DISHES: &[&str] = &[
    "dinner", "lunch", "breakfast", "meal", "dish", "recipe", "soup", "curry", "salad", "stew",
    "something", "cook", "make", "cake", "snack", "pasta", "gericht", "abendessen", "rezept", "suppe",
    "essen", "bowl", "bake", "dessert",
];

/// Words of a kitchen that are no ingredient.
#[rustfmt::skip] // one word per line would hide the code
const NO_FOOD: &[&str] = &[
    "g", "kg", "ml", "l", "cl", "dl", "tbsp", "tsp", "cup", "cups", "can", "cans", "tin", "tins", "bag",
    "bags", "bunch", "half", "pack", "packet", "jar", "leftover", "frozen", "fresh", "dried", "dry",
    "some", "usual", "basic", "old", "day", "large", "small", "big", "tablespoons", "salt", "pepper",
    "oil", "water", "spices", "spice", "pan", "pot", "oven", "hob", "stove", "microwave", "kitchen",
    "fridge", "minutes", "min", "mins", "glass", "salz", "pfeffer", "ol", "wasser", "dose", "glas", "bund",
    "eine", "ein", "einen", "sel", "poivre", "huile", "eau", "boite", "sal", "aceite", "agua", "olio",
    "sale", "acqua", "one", "two", "three", "four", "a", "an", "the", "of", "and", "or", "de", "d", "di",
    "du", "des", "un", "una", "uno", "une", "about", "plus", "few", "bit", "handful", "cloves", "clove",
    "piece", "pieces", "slices", "left", "raw", "cooked", "only", "cheap", "good", "ripe",
];

/// True if the prompt asks for what is missing rather than for what is there.
fn asks_for_rest(prompt: &Prompt) -> bool {
    let missing =
        ["missing", "manca", "mancano", "falta", "faltan", "manque", "fehlt", "fehlen", "ontbreekt"];
    (0..prompt.tokens.len()).any(|at| missing.contains(&prompt.word(at)))
}

/// The ingredients that the prompt lists, if there are several.
fn given(prompt: &Prompt) -> Option<Termed> {
    (0..prompt.tokens.len()).find_map(|at| {
        let length = prompt.says_any(at, HAVE);
        if length == 0 {
            return None;
        }
        let start = at + length;
        let colon = prompt.gap_after(start - 1).contains(':');
        let dish = (at.saturating_sub(6)..at).any(|at| DISHES.contains(&prompt.word(at)));
        let listed = matches!(prompt.word(at), "available" | "ingredients");
        let made = matches!(prompt.word(at), "from" | "using" | "aus");
        if (listed && !colon)
            || (made && !colon && !dish)
            || matches!(prompt.word(start), "the" | "scratch" | "a" | "my") && made
        {
            return None;
        }
        let end = prompt.sentence_end(at).min(start + 60);
        // "I have 12 euros" gives a budget, and not an ingredient.
        let budget = ["euros", "euro", "dollars", "pounds", "bucks", "weeks", "hours", "minutes", "days"];
        if (start..end.min(start + 3)).any(|at| budget.contains(&prompt.word(at))) || asks_for_rest(prompt) {
            return None;
        }
        let mut names: Vec<String> = Vec::new();
        let (mut clauses, mut last) = (0, usize::MAX);
        for token in prompt.tokens.get(start..end).unwrap_or_default() {
            let word = token.folded.as_str();
            // A question ends the list.
            if matches!(word, "what" | "whats" | "which" | "can" | "how" | "was" | "que" | "cosa") {
                break;
            }
            clauses += usize::from(token.clause != last);
            last = token.clause;
            let plain = word.len() > 2 && !word.bytes().any(|b| b.is_ascii_digit());
            if plain && !NO_FOOD.contains(&word) && !is_stop(word) && names.len() < 24 {
                names.push(word.to_owned());
            }
        }
        (names.len() >= 3 && clauses >= 2 && names.len() <= clauses * 3 + 2).then(|| Termed {
            term: Term::Given(names),
            wanted: true,
            tokens: at..start + 3,
        })
    })
}

impl Term {
    /// The term in words.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Exact(text) => format!("\"{text}\""),
            Self::Thing(text) => text.clone(),
            Self::Food(food) => (*food.first().unwrap_or(&"")).to_owned(),
            Self::Concept(Concept::Tests) => "tests".to_owned(),
            Self::Concept(Concept::Sources) => "sources".to_owned(),
            Self::Concept(Concept::Quantities) => "quantities".to_owned(),
            Self::Concept(Concept::Price) => "a price".to_owned(),
            Self::Concept(Concept::Comments) => "comments in the code".to_owned(),
            Self::Given(names) => format!(
                "{} and the other given things",
                names.iter().take(3).cloned().collect::<Vec<_>>().join(", ")
            ),
        }
    }

    /// Tells whether `answer` mentions the term, or nothing if that is unclear.
    pub(super) fn occurs(&self, answer: &Answer<'_>) -> Option<bool> {
        match self {
            Self::Exact(text) => Some(occurs_exactly(answer.text, text)),
            Self::Thing(text) => Some(occurs_somehow(answer.text, text)),
            Self::Food(food) => Some(food.iter().any(|name| occurs_exactly(answer.text, name))),
            Self::Concept(concept) => has(*concept, answer),
            Self::Given(names) => {
                let own = folded_words(answer.text);
                let used = names.iter().filter(|name| own.iter().any(|own| resembles(own, name))).count();
                if used * 2 >= names.len() {
                    Some(true)
                } else if used * 4 < names.len() {
                    Some(false)
                } else {
                    None
                }
            }
        }
    }

    /// Tells whether `answer` is free from the term. A food that is only named as absent does not count.
    pub(super) fn is_absent(&self, answer: &Answer<'_>) -> Option<bool> {
        let food = match self {
            Self::Food(food) => *food,
            // A part of the words may be about something else.
            Self::Thing(text) => return Some(!all_occur(answer.text, text)),
            _ => return self.occurs(answer).map(|occurs| !occurs),
        };
        let words = folded_words(answer.text);
        let absent = |at: usize| {
            let before = words.get(at.saturating_sub(5)..at).unwrap_or_default();
            let after = words.get(at + 1).map_or("", String::as_str);
            let plain = words.get(at.wrapping_sub(1)).map_or("", String::as_str);
            before.iter().any(|word| NEGATIONS.contains(&word.as_str()) || NOT_USED.contains(&word.as_str()))
                || matches!(after, "free" | "allergy" | "allergies" | "frei")
                || matches!(
                    plain,
                    "black" | "bell" | "white" | "vegan" | "oat" | "soy" | "soya" | "almond" | "rice"
                )
                || matches!(plain, "plant" | "peanut" | "cocoa" | "dutch" | "sweet")
        };
        let named: Vec<usize> = (0..words.len())
            .filter(|at| words.get(*at).is_some_and(|word| food.contains(&word.as_str())) && !absent(*at))
            .collect();
        // A single mention without an amount or a verb of cooking may be a warning.
        let cooked = |at: &usize| {
            let before = words.get(at.saturating_sub(4)..*at).unwrap_or_default();
            let amount = |word: &String| word.bytes().any(|b| b.is_ascii_digit());
            before.iter().any(|word| COOKED.contains(&word.as_str()))
                || before.iter().rev().take(3).any(amount)
        };
        if named.len() >= 2 || named.iter().any(cooked) {
            Some(false)
        } else if named.is_empty() {
            Some(true)
        } else {
            None
        }
    }
}

fn folded_words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric() && !matches!(c, '\'' | '’'))
        .filter(|word| !word.is_empty())
        .map(folded)
        .collect()
}

/// True if the words of `term` occur in a row. A plural counts for a single word.
fn occurs_exactly(text: &str, term: &str) -> bool {
    let (own, wanted) = (folded_words(text), folded_words(term));
    if wanted.is_empty() || !term.is_ascii() && wanted.len() == 1 && !term.contains(char::is_whitespace) {
        let unspaced = |c: char| matches!(c, '\u{3041}'..='\u{9fff}');
        if wanted.is_empty() || term.contains(unspaced) {
            return text.contains(term);
        }
    }
    own.windows(wanted.len()).any(|window| {
        let plural = |own: &String, wanted: &String| {
            own == wanted || own.strip_suffix('s') == Some(wanted) || own.strip_suffix("es") == Some(wanted)
        };
        window.iter().zip(&wanted).all(|(own, wanted)| plural(own, wanted))
    })
}

/// True if at least one content word of `term` occurs in some form.
fn occurs_somehow(text: &str, term: &str) -> bool {
    let own = folded_words(text);
    let wanted: Vec<String> = folded_words(term).into_iter().filter(|word| !is_stop(word)).collect();
    wanted.is_empty()
        || wanted.iter().any(|wanted| own.iter().any(|own| resembles(own, wanted)))
        || text.contains(term)
}

/// True if all content words of `term` occur in some form.
fn all_occur(text: &str, term: &str) -> bool {
    let own = folded_words(text);
    let mut wanted = folded_words(term).into_iter().filter(|word| !is_stop(word));
    wanted.all(|wanted| own.iter().any(|own| resembles(own, &wanted)))
}

/// True if both words have the same stem or a long common beginning.
fn resembles(own: &str, wanted: &str) -> bool {
    let (own, wanted) = (stem(own), stem(wanted));
    let common = own.bytes().zip(wanted.bytes()).take_while(|(a, b)| a == b).count();
    own == wanted || common >= 5 || common >= 4 && common + 1 >= wanted.len() && common + 1 >= own.len()
}

/// Marks of tests in code.
#[rustfmt::skip] // one word per line would hide the code
const TESTS: &[&str] = &[
    "assert", "#[test]", "def test", "expect(", "describe(", "it(", "test(", "unittest", "@Test",
    "func Test", "t.Run", "console.log(", "doctest", ">>> ",
];

fn has(concept: Concept, answer: &Answer<'_>) -> Option<bool> {
    #[rustfmt::skip] // one word per line would hide the code
    let any = |marks: &[&str]| marks.iter().any(|mark| answer.text.contains(mark));
    match concept {
        Concept::Tests => Some(any(TESTS)),
        Concept::Sources => {
            #[rustfmt::skip] // one word per line would hide the code
            let named = any(&[
                "http", "www.", "doi", "Source", "source", "Quelle", "Fuente", "Fonte", "Bron", "et al",
                "(20", "(19", "according to", "According to", "[1]",
            ]);
            if named { Some(true) } else { None }
        }
        Concept::Quantities => {
            let digits = answer.text.chars().filter(char::is_ascii_digit).count();
            Some(digits >= 3 || any(&["½", "¼", "cup", "handful"]))
        }
        Concept::Price => {
            Some(any(&["€", "$", "£", "¥", " EUR", " euro", " Euro", "USD", " CHF", "cents", "zł"]))
        }
        Concept::Comments => Some(any(&["//", "# ", "/*", "-- ", "\"\"\"", "#:"])),
    }
}
