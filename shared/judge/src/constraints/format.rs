//! Demands for the form of an answer.

use super::layout::{Answer, Kind, Row};
use super::prompt::{Prompt, folded};
use super::quantity::{Quantity, Words};

/// A form that an answer must have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// JSON with the named keys.
    Json(Vec<String>),
    /// YAML.
    Yaml,
    /// Comma-separated values.
    Csv,
    /// A table with the named columns, and the number of columns or 0.
    Table(Vec<String>, u32),
    /// A list with bullets or numbers.
    Bullets,
    /// A numbered list.
    Numbers,
    /// No list.
    NoList,
    /// Code without prose.
    CodeOnly,
    /// No Markdown.
    NoMarkdown,
    /// No emoji.
    NoEmoji,
    /// At least one emoji.
    Emoji,
    /// No exclamation marks.
    NoExclamation,
    /// No hashtags.
    NoHashtags,
    /// At least one hashtag.
    Hashtags,
    /// No links.
    NoLinks,
    /// Headings.
    Headings,
    /// A code fence.
    Fence,
    /// An e-mail with a subject line.
    Subject,
    /// A question at the end.
    Question,
    /// Lower-case letters only.
    LowerCase,
    /// Upper-case letters only.
    UpperCase,
    /// No greeting, introduction or closing remark around the answer.
    NoPreamble,
}

/// Words that negate what follows them.
#[rustfmt::skip] // one word per line would hide the code
pub(super) const NEGATIONS: &[&str] = &[
    "no", "not", "without", "dont", "never", "avoid", "zero", "nor", "skip", "omit", "ohne", "kein",
    "keine", "keinen", "keinem", "nicht", "sans", "pas", "aucun", "ni", "sin", "senza", "sem", "geen",
    "zonder", "niet", "evita", "evite", "vermeide", "nada", "non", "nao", "mustnt", "shouldnt", "cannot",
    "cant", "doesnt", "isnt", "instead", "none", "nobody", "neither", "jamais", "aucune", "nunca", "jamas",
    "ningun", "ninguna", "ninguno", "nessun", "nessuno", "nessuna", "nenhum", "nenhuma", "niente",
    "nooit", "keiner", "niemals", "bez", "nie", "utan", "inte", "inga", "ingen", "aldrig", "tampoco", "nem",
];

/// Phrases for a form, folded, and the forms that they demand when affirmed and when negated.
type Rule = (&'static [&'static str], Option<Form>, Option<Form>);

#[rustfmt::skip] // one word per line would hide the code
static RULES: &[Rule] = &[
    (&["as yaml", "in yaml", "valid yaml", "als yaml", "en yaml", "yaml only"], Some(Form::Yaml), None),
    (
        &["as csv", "in csv", "als csv", "en csv", "csv only", "csv format", "csv with", "a csv"],
        Some(Form::Csv),
        None,
    ),
    (
        &[
            "bullet points", "bullet list", "bulleted list", "bullets", "bullet point list", "stichpunkte",
            "stichpunkten", "stichpunktliste", "aufzahlungspunkte", "liste a puces", "puces", "vinetas",
            "elenco puntato", "punti elenco", "bulletpoints", "opsommingstekens", "bullet point",
            "bulleted",
        ],
        Some(Form::Bullets),
        Some(Form::NoList),
    ),
    (
        &[
            "as a list", "als liste", "sous forme de liste", "come lista", "em lista", "als lijst",
            "en forma de lista", "as a short list",
        ],
        Some(Form::Bullets),
        Some(Form::NoList),
    ),
    (
        &[
            "list", "lists", "liste", "listen", "aufzahlung", "aufzahlungen", "listas", "elenchi", "lijst",
            "lijstjes",
        ],
        None,
        Some(Form::NoList),
    ),
    (
        &[
            "numbered list", "numbered", "nummerierte liste", "nummeriert", "nummerierten",
            "liste numerotee", "numerotees", "lista numerada", "numerados", "numeradas", "elenco numerato",
            "numerati", "genummerde lijst", "genummerd", "durchnummeriert",
        ],
        Some(Form::Numbers),
        None,
    ),
    (
        &[
            "code only", "only code", "only the code", "just the code", "just code", "only the query",
            "just the query", "query only", "sql only", "only sql", "just the sql", "only the sql",
            "just the function", "only the function", "function only", "just the regex", "only the regex",
            "regex only", "just the regex literal", "just the command", "only the command", "command only",
            "just the script", "only the script", "script only", "nur code", "nur den code",
            "nur der code", "nur die abfrage", "nur die funktion", "nur den befehl", "uniquement le code",
            "seulement le code", "juste le code", "code uniquement", "solo el codigo", "solo codigo",
            "solo il codice", "apenas o codigo", "so o codigo", "alleen code", "alleen de code",
            "just the one liner", "only the corrected function", "only the corrected code",
            "only the fixed function", "only the fixed code", "just the corrected function", "so codigo",
            "apenas codigo", "solo codice", "uniquement du code", "que le code", "css only in the answer",
            "just the class", "only the class", "just the file", "only the file", "no prose just code",
            "only the yaml", "just the yaml", "yaml only", "only yaml", "file only", "only the json",
            "nothing but code", "nothing but the code", "only the files content", "dockerfile only",
            "only the dockerfile", "only the formula", "just the formula", "formula only", "only the diff",
        ],
        Some(Form::CodeOnly),
        None,
    ),
    (&["prose", "prosa"], None, None),
    (
        &["markdown", "markdown formatting", "formatting", "formatierung", "markup"],
        None,
        Some(Form::NoMarkdown),
    ),
    (&["in plain text", "plain text only", "as plain text", "plain text no"], Some(Form::NoMarkdown), None),
    (&["emoji", "emojis", "emoticons", "smileys", "smilies"], None, Some(Form::NoEmoji)),
    (
        &[
            "with an emoji", "include an emoji", "one emoji", "use emojis", "with emojis",
            "at least one emoji", "exactly one emoji", "mit emoji", "mit emojis", "avec un emoji",
            "con emoji", "con un emoji",
        ],
        Some(Form::Emoji),
        None,
    ),
    (
        &[
            "exclamation marks", "exclamation points", "exclamation mark", "exclamation point",
            "exclamations", "ausrufezeichen", "point d exclamation", "points d exclamation",
            "signos de exclamacion", "exclamaciones", "punti esclamativi", "punto esclamativo",
            "pontos de exclamacao", "uitroeptekens", "uitroepteken",
        ],
        None,
        Some(Form::NoExclamation),
    ),
    (&["hashtag", "hashtags"], None, Some(Form::NoHashtags)),
    (
        &[
            "with hashtags", "include hashtags", "add hashtags", "with a hashtag", "mit hashtags",
            "avec hashtags", "con hashtags", "include a hashtag", "one hashtag", "two hashtags",
            "three hashtags", "2 hashtags", "3 hashtags", "1 hashtag",
        ],
        Some(Form::Hashtags),
        None,
    ),
    (&["links", "urls", "link"], None, Some(Form::NoLinks)),
    (
        &[
            "with headings", "use headings", "with subheadings", "markdown headings", "mit uberschriften",
            "mit zwischenuberschriften", "avec des titres", "con encabezados",
        ],
        Some(Form::Headings),
        None,
    ),
    (
        &[
            "in a code block", "code fence", "fenced code block", "in a fenced block",
            "in a markdown code block",
        ],
        Some(Form::Fence),
        None,
    ),
    (
        &[
            "with subject line", "with a subject line", "with subject", "with a subject",
            "include a subject line", "include a subject", "include subject line", "subject line and body",
            "subject and body", "plus subject line", "incl subject", "incl subject line",
            "including subject line", "including a subject line", "mit betreff", "mit betreffzeile",
            "inklusive betreff", "avec objet", "avec un objet", "con asunto", "incluye asunto",
            "con oggetto", "com assunto", "met onderwerp", "met onderwerpregel", "subject line included",
            "needs a subject line", "add a subject line", "give it a subject line",
        ],
        Some(Form::Subject),
        None,
    ),
    (
        &[
            "end with a question", "ends with a question", "ending with a question", "end in a question",
            "ending in a question", "finish with a question", "close with a question", "end on a question",
            "endet mit einer frage", "ende mit einer frage", "schließe mit einer frage", "termine en pregunta", "termina en pregunta", "acabe en pregunta",
            "ultima frase sea una pregunta", "termine con una pregunta", "termina com uma pergunta",
            "termine em pergunta", "finisca con una domanda", "derniere phrase soit une question",
            "finir par une question", "avsluta med en fraga", "soruyla bitsin", "soru ile bitsin",
            "last sentence is a question", "last line is a question",
            "mit einer frage enden", "am ende eine frage", "termine par une question",
            "terminer par une question", "finis par une question", "termina con una pregunta",
            "acaba con una pregunta", "termina con una domanda", "finisci con una domanda",
            "termine com uma pergunta", "eindig met een vraag", "finishing with a question",
            "closing with a question",
        ],
        Some(Form::Question),
        None,
    ),
    (
        &[
            "all lowercase", "lowercase only", "all lower case", "no capital letters", "no capitals",
            "in lowercase", "alles kleingeschrieben", "tout en minuscules", "todo en minusculas",
            "only lowercase", "all in lowercase",
        ],
        Some(Form::LowerCase),
        None,
    ),
    (
        &[
            "all caps", "all capitals", "in capitals", "all uppercase", "in uppercase", "uppercase only",
            "in all caps", "nur großbuchstaben", "in großbuchstaben", "en majuscules", "en mayusculas",
            "capital letters only",
        ],
        Some(Form::UpperCase),
        None,
    ),
    (
        &[
            "notes", "preamble", "intro", "introduction", "einleitung", "introduccion", "introduzione",
            "introducao", "inleiding", "chat", "commentary", "small talk", "greeting or intro",
        ],
        None,
        Some(Form::NoPreamble),
    ),
    (
        &[
                        "nothing else", "and nothing else", "nothing around it", "nothing around them",
            "nothing before or after", "only the final text", "tylko tlumaczenie", "tylko tekst",
            "bara oversattningen", "endast texten", "sadece ceviri", "sadece ceviriyi", "hичeгo бoлbшe", "only the translation", "just the translation", "translation only", "the text alone", "only the text", "just the text", "only the answer", "just the answer", "answer only", "only the email", "just the email", "only the message", "just the message", "list only", "only the list", "just the list", "table only", "only the table", "just the table", "nur die ubersetzung", "nur den text", "nur der text", "nur die antwort", "nur die tabelle", "nur die liste", "uniquement la traduction", "seulement la traduction", "uniquement le texte", "solo la traduccion", "solo el texto", "solo la traduzione", "solo il testo", "apenas a traducao", "so o texto", "alleen de vertaling", "alleen de tekst", "sonst nichts", "rien d autre", "nada mas", "nient altro",
            "nada mais", "verder niets",
        ],
        Some(Form::NoPreamble),
        None,
    ),
];

/// Phrases for a table.
#[rustfmt::skip] // one word per line would hide the code
const TABLES: &[&str] = &[
    "as a table", "in a table", "markdown table", "a table with", "as table", "als tabelle",
    "in einer tabelle", "eine tabelle mit", "sous forme de tableau", "en tableau", "dans un tableau",
    "un tableau avec", "en una tabla", "como tabla", "una tabla con", "en tabla", "in una tabella",
    "come tabella", "una tabella con", "em tabela", "em uma tabela", "uma tabela com", "numa tabela",
    "in een tabel", "als tabel", "een tabel met", "table with columns", "as a markdown table",
    "table only", "a table of", "in table form", "a comparison table", "table please", "in tabella",
    "en forma de tabla", "a small table", "a short table", "give a table", "make a table", "as a small table",
    "in tabelvorm", "tabelle bitte", "i en tabell", "som tabell", "w tabeli", "jako tabela", "tablo olarak",
];

/// A form with the tokens that demand it.
pub(super) struct Formed {
    pub(super) form: Form,
    pub(super) tokens: std::ops::Range<usize>,
}

/// Finds the demanded forms.
pub(super) fn forms(prompt: &Prompt, words: &Words, code: bool) -> Vec<Formed> {
    let mut found: Vec<Formed> = Vec::new();
    let mut add = |form: Form, tokens: std::ops::Range<usize>| {
        let same = |other: &Formed| std::mem::discriminant(&other.form) == std::mem::discriminant(&form);
        if !found.iter().any(same) {
            found.push(Formed { form, tokens });
        }
    };
    for at in 0..prompt.tokens.len() {
        if let Some(formed) = json(prompt, at) {
            add(formed.form, formed.tokens);
        }
        if let Some(formed) = table(prompt, words, at) {
            add(formed.form, formed.tokens);
        }
        for (phrases, affirmed, negated) in RULES {
            let length = prompt.says_any(at, phrases);
            if length == 0 {
                continue;
            }
            let no = is_negated(prompt, at);
            let form = if no { negated } else { affirmed };
            let Some(form) = form.as_ref().filter(|form| applies(prompt, at, length, form, no)) else {
                continue;
            };
            add(form.clone(), at - usize::from(no && at > 0)..at + length);
        }
        if let Some(length) = explanation_free(prompt, at).filter(|_| code) {
            add(Form::CodeOnly, at..at + length);
        }
    }
    found.retain(|formed| {
        !matches!(formed.form, Form::Json(_) | Form::Yaml | Form::Csv) || !programs(prompt, &formed.tokens)
    });
    found
}

/// Words of a prompt that asks for a program. The formats that it names are those of the program's data.
fn programs(prompt: &Prompt, tokens: &std::ops::Range<usize>) -> bool {
    let (start, end) = (prompt.sentence_start(tokens.start), prompt.sentence_end(tokens.start));
    let names = [
        "function", "script", "program", "parse", "parser", "parses", "class", "endpoint", "api", "library",
        "reads", "app", "cli", "method", "funktion", "fonction", "funcion",
    ];
    (start..end).any(|at| names.contains(&prompt.word(at)))
}

/// True if a negation stands just before the token at `at`, with at most an adjective between them or in an
/// enumeration.
pub(super) fn is_negated(prompt: &Prompt, at: usize) -> bool {
    let clause = prompt.clause_start(at);
    let near = at.saturating_sub(4).max(clause);
    let negates = |at: usize| {
        NEGATIONS.contains(&prompt.word(at))
            && !prompt.says(at, "not only")
            && !prompt.says(at, "no more than")
            && !prompt.says(at, "no fewer")
    };
    let joins = |at: usize| {
        [
            "or", "and", "oder", "und", "ou", "o", "ni", "any", "use", "a", "of", "the", "de", "use any",
            "as", "d", "nor", "using", "any_", "in",
        ]
        .contains(&prompt.word(at))
    };
    (near..at).rev().find(|before| negates(*before)).is_some_and(|no| {
        let between = at - no - 1;
        between <= 1 || (no + 1..at).any(joins) && between <= 3
    })
}

/// True if the form is demanded of the answer, and not a subject.
fn applies(prompt: &Prompt, at: usize, length: usize, form: &Form, negated: bool) -> bool {
    let next = prompt.word(at + length);
    match form {
        Form::NoLinks => negated && !prompt.word(at + length).starts_with("to"),
        // "I can't touch the markup" speaks of another text.
        Form::NoMarkdown if negated && prompt.word(at) != "markdown" => {
            at > 0
                && (NEGATIONS.contains(&prompt.word(at - 1)) || matches!(prompt.word(at - 1), "any" | "use"))
        }
        Form::NoHashtags | Form::NoEmoji | Form::NoExclamation | Form::NoMarkdown => true,
        Form::NoList => {
            let direct = at > 0 && NEGATIONS.contains(&prompt.word(at - 1))
                || at > 1 && matches!(prompt.word(at - 1), "a" | "as" | "in" | "use") && negated;
            direct && !matches!(next, "of" | "price" | "comprehension" | "mit" | "de")
        }
        Form::Bullets | Form::Numbers => {
            let told = (prompt.clause_start(at)..at)
                .any(|at| matches!(prompt.word(at), "these" | "my" | "our" | "the" | "this"));
            !told && !matches!(next, "holes" | "journal" | "time" | "seats" | "train")
        }
        Form::Emoji | Form::Hashtags => !negated,
        Form::NoPreamble
            if prompt.word(at) == "notes" && matches!(next, "of" | "on" | "from" | "about" | "in") =>
        {
            false
        }
        Form::NoPreamble if prompt.word(at) == "nothing" || length == 1 && prompt.word(at) == "chat" => {
            let start = prompt.sentence_start(at);
            !["we", "i", "they", "he", "she", "it", "there", "my", "our"].contains(&prompt.word(start))
        }
        Form::Question => !matches!(next, "mark" | "marks"),
        Form::NoPreamble => next != "to" && next != "of" && next != "than" && next != "about",
        _ => true,
    }
}

/// The length of a phrase that excludes explanations.
fn explanation_free(prompt: &Prompt, at: usize) -> Option<usize> {
    #[rustfmt::skip] // one word per line would hide the code
    let phrases = [
        "no explanation", "no explanations", "without explanation", "no prose", "ohne erklarung",
        "keine erklarung", "keine erklarungen", "sans explication", "sans explications", "sin explicacion",
        "sin explicaciones", "senza spiegazioni", "sem explicacao", "sem explicacoes", "zonder uitleg",
        "geen uitleg", "dont explain",
    ];
    let length = prompt.says_any(at, &phrases);
    let partial = ["of", "longer", "beyond", "more", "needed", "over", "for", "except"]
        .contains(&prompt.word(at + length));
    (length > 0 && !partial).then_some(length)
}

fn json(prompt: &Prompt, at: usize) -> Option<Formed> {
    if prompt.word(at) != "json" || prompt.tokens.get(at)?.quoted || is_negated(prompt, at) {
        return None;
    }
    #[rustfmt::skip] // one word per line would hide the code
    let before = prompt.said_before(
        at,
        &[
            "as", "in", "to", "into", "valid", "only", "just", "return", "output", "als", "en",
            "au format", "im", "as valid", "en formato", "gib", "in formato", "em", "a", "as a",
            "only valid", "nur", "reines", "pure", "raw", "strict", "as raw", "to raw", "me", "only raw",
            "only the", "just the", "but the", "plain", "toлbкo", "bare", "solo", "seulement du", "apenas",
        ],
    );
    let next = prompt.word(at + 1);
    let other = [
        "parser", "file", "files", "api", "schema", "path", "library", "column", "web", "payload", "input",
        "string", "tool",
    ]
    .contains(&next);
    let followed = ["only", "object", "array", "format", "nur", "output"].contains(&next);
    let wanted = before > 0 && (followed || prompt.word(at - 1) != "a");
    let opens = at == prompt.clause_start(at) && (prompt.gap_after(at).starts_with(':') || next == "only");
    (!other && (wanted || opens))
        .then(|| Formed { form: Form::Json(keys(prompt, at)), tokens: at - before.min(at)..at + 1 })
}

/// The names of keys that the prompt lists behind "keys" or "fields", after the token at `at`.
fn keys(prompt: &Prompt, at: usize) -> Vec<String> {
    let end = prompt.sentence_end(at);
    #[rustfmt::skip] // one word per line would hide the code
    let heads = [
        "keys", "fields", "key", "schlusseln", "schlussel", "feldern", "felder", "cles", "champs",
        "claves", "campos", "chiavi", "campi", "chaves", "velden",
    ];
    let Some(head) = (at..end).find(|at| heads.contains(&prompt.word(*at))) else { return Vec::new() };
    names(prompt, head, true)
}

/// The names that follow the token at `head`, separated by commas, bars or "and".
fn names(prompt: &Prompt, head: usize, single: bool) -> Vec<String> {
    let start = prompt.tokens.get(head).map_or(0, |token| token.span.end);
    let rest = prompt.text.get(start..).unwrap_or_default();
    let rest = rest.trim_start_matches([':', ' ', '(', '\u{a0}']);
    let line = rest.split(['\n', ';']).next().unwrap_or_default();
    let line = line.split(". ").next().unwrap_or_default().trim_end_matches('.');
    let mut names = Vec::new();
    let mut depth = 0_u32;
    let flat: String = line
        .chars()
        .filter(|c| {
            depth += u32::from(*c == '(');
            let keep = depth == 0;
            depth -= u32::from(*c == ')' && depth > 0);
            keep
        })
        .collect();
    let flat =
        if flat.contains('|') { flat.split([',', '.']).next().unwrap_or_default().to_owned() } else { flat };
    let flat = [" and ", " und ", " et ", " y ", " e ", " en "]
        .iter()
        .fold(flat, |flat, and| flat.replace(and, ","));
    for part in flat.split([',', '|', '/']) {
        let name = part
            .trim()
            .trim_matches(|c: char| matches!(c, '"' | '\'' | '`' | '“' | '”' | '„' | '*' | ')' | ':'));
        let fits = if single {
            !name.is_empty()
                && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'))
                && name.len() <= 40
        } else {
            !name.is_empty() && name.split_whitespace().count() <= 4
        };
        if !fits || names.len() >= 20 {
            break;
        }
        names.push(name.to_owned());
    }
    if names.len() < 2 { Vec::new() } else { names }
}

fn table(prompt: &Prompt, words: &Words, at: usize) -> Option<Formed> {
    let length = prompt.says_any(at, TABLES);
    if length == 0
        || is_negated(prompt, at)
        || prompt.says_any(at + length, &["that stores", "called", "named"]) > 0
    {
        return None;
    }
    let end = prompt.sentence_end(at);
    let heads = ["columns", "spalten", "colonnes", "columnas", "colonne", "colunas", "kolommen"];
    let columns = (at..end).find(|at| heads.contains(&prompt.word(*at)));
    let count = columns.and_then(|columns| {
        let number = (at..columns).rev().take(3).find_map(|at| Quantity::read(prompt, words, at))?;
        // "One table with columns" counts tables.
        (number.low == number.high && number.low > 1).then_some(number.low)
    });
    let names = columns.map(|columns| names(prompt, columns, false)).unwrap_or_default();
    let fits = count.is_none_or(|count| names.is_empty() || usize::try_from(count) == Ok(names.len()));
    let names = if fits { names } else { Vec::new() };
    Some(Formed { form: Form::Table(names, count.unwrap_or(0)), tokens: at..at + length })
}

impl Form {
    /// The form's stable name.
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Json(_) => "format_json",
            Self::Yaml => "format_yaml",
            Self::Csv => "format_csv",
            Self::Table(..) => "format_table",
            Self::Bullets => "format_list",
            Self::Numbers => "format_numbered_list",
            Self::NoList => "no_list",
            Self::CodeOnly => "code_only",
            Self::NoMarkdown => "no_markdown",
            Self::NoEmoji => "no_emoji",
            Self::Emoji => "emoji",
            Self::NoExclamation => "no_exclamation",
            Self::NoHashtags => "no_hashtags",
            Self::Hashtags => "hashtags",
            Self::NoLinks => "no_links",
            Self::Headings => "headings",
            Self::Fence => "code_block",
            Self::Subject => "subject_line",
            Self::Question => "ends_with_question",
            Self::LowerCase => "lower_case",
            Self::UpperCase => "upper_case",
            Self::NoPreamble => "no_preamble",
        }
    }

    /// The demand in words.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Json(keys) if !keys.is_empty() => format!("JSON with the keys {}", keys.join(", ")),
            Self::Json(_) => "valid JSON".to_owned(),
            Self::Yaml => "YAML".to_owned(),
            Self::Csv => "CSV".to_owned(),
            Self::Table(names, _) if !names.is_empty() => {
                format!("a table with the columns {}", names.join(", "))
            }
            Self::Table(_, columns @ 1..) => format!("a table with {columns} columns"),
            Self::Table(..) => "a table".to_owned(),
            Self::Bullets => "a list".to_owned(),
            Self::Numbers => "a numbered list".to_owned(),
            Self::NoList => "no list".to_owned(),
            Self::CodeOnly => "code only, without explanation".to_owned(),
            Self::NoMarkdown => "no Markdown".to_owned(),
            Self::NoEmoji => "no emoji".to_owned(),
            Self::Emoji => "an emoji".to_owned(),
            Self::NoExclamation => "no exclamation marks".to_owned(),
            Self::NoHashtags => "no hashtags".to_owned(),
            Self::Hashtags => "hashtags".to_owned(),
            Self::NoLinks => "no links".to_owned(),
            Self::Headings => "headings".to_owned(),
            Self::Fence => "a code block".to_owned(),
            Self::Subject => "a subject line".to_owned(),
            Self::Question => "a question at the end".to_owned(),
            Self::LowerCase => "lower case only".to_owned(),
            Self::UpperCase => "capitals only".to_owned(),
            Self::NoPreamble => "nothing around the answer".to_owned(),
        }
    }

    /// Tells whether `answer` has the form, or nothing if that cannot be decided, and what was found.
    pub(super) fn check(&self, answer: &Answer<'_>) -> (Option<bool>, String) {
        let rows = |kind: Kind| answer.rows.iter().filter(|row| row.kind == kind).count();
        let absent = |count: usize, what: &str| (Some(count == 0), format!("{count} {what}"));
        let present = |count: usize, what: &str| (Some(count > 0), format!("{count} {what}"));
        match self {
            Self::Json(keys) => json_met(answer, keys),
            Self::Yaml => yaml_met(answer),
            Self::Csv => csv_met(answer),
            Self::Table(names, columns) => table_met(answer, names, *columns),
            Self::Bullets => {
                let items = rows(Kind::Bullet) + rows(Kind::Number);
                let lines = answer.body().iter().filter(|row| row.kind == Kind::Text).count();
                if items == 0 && lines >= 3 {
                    (None, format!("{lines} lines"))
                } else {
                    present(items, "list items")
                }
            }
            Self::Numbers => present(rows(Kind::Number), "numbered items"),
            Self::NoList => {
                let items = rows(Kind::Bullet) + rows(Kind::Number);
                absent(if items >= 2 { items } else { 0 }, "list items")
            }
            Self::CodeOnly => code_only(answer),
            Self::NoMarkdown => {
                let bold = answer.text.matches("**").count() / 2;
                let headings = answer
                    .rows
                    .iter()
                    .filter(|row| {
                        row.text.starts_with("# ")
                            || row.text.starts_with("## ")
                            || row.text.starts_with("### ")
                    })
                    .count();
                absent(bold + headings + answer.fences.len() + rows(Kind::Table), "Markdown marks")
            }
            Self::NoEmoji => absent(emoji(answer.text), "emoji"),
            Self::Emoji => present(emoji(answer.text), "emoji"),
            Self::NoExclamation => absent(answer.text.matches(['!', '！', '¡']).count(), "exclamation marks"),
            Self::NoHashtags => absent(hashtags(answer.text), "hashtags"),
            Self::Hashtags => present(hashtags(answer.text), "hashtags"),
            Self::NoLinks => {
                absent(answer.text.matches("http").count() + answer.text.matches("www.").count(), "links")
            }
            Self::Headings => present(rows(Kind::Heading), "headings"),
            Self::Fence => present(answer.fences.iter().filter(|fence| fence.closed).count(), "code blocks"),
            Self::Subject => subject(answer)
                .map_or((Some(false), "no subject line".to_owned()), |line| (Some(true), line.to_owned())),
            Self::Question => question(answer),
            Self::LowerCase => case(answer.text, char::is_uppercase),
            Self::UpperCase => case(answer.text, char::is_lowercase),
            Self::NoPreamble => preamble(answer),
        }
    }
}

/// Counts the emoji of `text`.
pub(crate) fn emoji(text: &str) -> usize {
    text.chars()
        // Stars of a rating, boxes to tick and notes are signs of text.
        .filter(|c| !matches!(c, '\u{2605}' | '\u{2606}' | '\u{2610}'..='\u{2613}' | '\u{2640}' | '\u{2642}' | '\u{2669}'..='\u{266f}'))
        .filter(|c| matches!(c, '\u{1f300}'..='\u{1faff}' | '\u{2600}'..='\u{26ff}' | '\u{2728}' | '\u{2705}' | '\u{274c}' | '\u{2764}' | '\u{2b50}'))
        .count()
}

/// Counts the hashtags of `text`: a sign directly before a letter, at the beginning of a word.
pub(crate) fn hashtags(text: &str) -> usize {
    let words = text.split_whitespace();
    words
        .filter(|word| word.strip_prefix('#').is_some_and(|rest| rest.starts_with(char::is_alphabetic)))
        .count()
}

/// The subject line of an e-mail, without its label.
pub(super) fn subject<'a>(answer: &Answer<'a>) -> Option<&'a str> {
    answer.rows.iter().filter(|row| row.kind != Kind::Blank).take(6).find_map(|row| subject_of(row.text))
}

/// The text behind the label of a subject line, if `line` is one.
pub(super) fn subject_of(line: &str) -> Option<&str> {
    #[rustfmt::skip] // one word per line would hide the code
    let labels = [
        "subject", "betreff", "objet", "asunto", "oggetto", "assunto", "onderwerp", "temat", "件名", "тема",
        "re", "konu", "emne", "amne",
    ];
    let (label, rest) = line.split_once([':', '：'])?;
    let label = folded(label.trim_matches(|c: char| !c.is_alphanumeric()));
    let first = label.split_whitespace().next();
    let known = first.is_some_and(|first| labels.iter().any(|own| folded(own) == first));
    (known && label.split_whitespace().count() <= 2).then(|| rest.trim_matches(['*', ' ', '_']))
}

fn json_met(answer: &Answer<'_>, keys: &[String]) -> (Option<bool>, String) {
    let code = answer.code();
    let text = code.trim();
    let Ok(value) = serde_json::from_str::<serde_json::Value>(text) else {
        let inner = text.find(['{', '[']).and_then(|start| text.get(start..=text.rfind(['}', ']'])?));
        let inside = inner.is_some_and(|inner| serde_json::from_str::<serde_json::Value>(inner).is_ok());
        return (Some(false), if inside { "JSON amid other text" } else { "no valid JSON" }.to_owned());
    };
    let object = value.as_object().or_else(|| value.as_array()?.first()?.as_object());
    let nested = |key: &String| text.contains(&format!("\"{key}\""));
    let missing: Vec<&str> = keys
        .iter()
        .filter(|key| !object.is_some_and(|object| object.contains_key(*key)) && !nested(key))
        .map(String::as_str)
        .collect();
    if missing.is_empty() {
        (Some(true), "valid JSON".to_owned())
    } else {
        (Some(false), format!("JSON without {}", missing.join(", ")))
    }
}

fn yaml_met(answer: &Answer<'_>) -> (Option<bool>, String) {
    let code = answer.code();
    let lines: Vec<&str> =
        code.lines().filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#')).collect();
    let shaped = lines
        .iter()
        .filter(|line| {
            line.trim_start().starts_with("- ") || line.contains(": ") || line.trim_end().ends_with(':')
        })
        .count();
    let tabs = lines.iter().any(|line| line.starts_with('\t'));
    let met = !lines.is_empty() && shaped * 4 >= lines.len() * 3 && !tabs;
    (
        Some(met).filter(|met| *met || shaped == 0 || tabs),
        format!("{shaped} of {} lines in YAML", lines.len()),
    )
}

fn csv_met(answer: &Answer<'_>) -> (Option<bool>, String) {
    let code = answer.code();
    let lines: Vec<&str> = code.lines().filter(|line| !line.trim().is_empty()).collect();
    let separated =
        lines.iter().filter(|line| line.contains([',', ';', '\t']) && !line.starts_with('|')).count();
    (
        Some(separated >= 2 && separated + 1 >= lines.len()),
        format!("{separated} of {} lines in CSV", lines.len()),
    )
}

/// The cells of a row of a table.
fn cells(row: &Row<'_>) -> Vec<String> {
    row.text
        .trim_matches('|')
        .split('|')
        .map(|cell| folded(cell.trim_matches([' ', '*', '`', '_'])))
        .collect()
}

fn table_met(answer: &Answer<'_>, names: &[String], columns: u32) -> (Option<bool>, String) {
    let Some(head) = answer
        .rows
        .iter()
        .find(|row| row.kind == Kind::Table || row.text.matches('|').count() >= 1 && row.kind == Kind::Text)
    else {
        let tabs = answer.rows.iter().filter(|row| row.text.contains('\t')).count();
        return (if tabs >= 2 { None } else { Some(false) }, "no table".to_owned());
    };
    let cells = cells(head);
    let wanted = names.iter().map(|name| folded(name));
    let missing = wanted
        .filter(|name| {
            !cells
                .iter()
                .any(|cell| cell.contains(name.as_str()) || name.contains(cell.as_str()) && !cell.is_empty())
        })
        .count();
    let found = format!("a table with the columns {}", cells.join(", "));
    let count = columns == 0 || usize::try_from(columns) == Ok(cells.len());
    // Another wording of a heading is not a fault.
    let met = if count && missing == 0 {
        Some(true)
    } else if !count || missing == names.len() {
        Some(false)
    } else {
        None
    };
    (met, found)
}

/// Words outside code that count as a remark rather than a label.
const REMARK: usize = 8;

fn code_only(answer: &Answer<'_>) -> (Option<bool>, String) {
    let prose = |row: &&Row<'_>| {
        let code = matches!(row.kind, Kind::Code | Kind::Fence | Kind::Blank);
        let unfenced = answer.fences.is_empty() && !reads_as_prose(row.text);
        !code && !unfenced
    };
    let words: usize = answer.rows.iter().filter(prose).map(|row| super::layout::count_words(row.text)).sum();
    (Some(words < REMARK), format!("{words} words outside the code"))
}

/// True if the line is a sentence rather than code or a comment.
pub(crate) fn reads_as_prose(line: &str) -> bool {
    let comment = ["#", "//", "--", "/*", "*", "<!--", ";", "'''", "\"\"\"", "\"", "'"]
        .iter()
        .any(|mark| line.starts_with(mark));
    let marks =
        line.chars().filter(|c| matches!(c, '{' | '}' | '=' | ';' | '<' | '>' | '|' | '$' | '\\')).count();
    let words = super::layout::count_words(line);
    let sentence =
        line.ends_with(['.', ':', '!', '?']) && line.chars().next().is_some_and(char::is_uppercase);
    let opener = ["WITH ", "SELECT ", "FROM ", "CREATE ", "INSERT ", "UPDATE ", "ORDER ", "WHERE "]
        .iter()
        .any(|word| line.starts_with(word));
    !comment && words >= 5 && marks <= 1 && sentence && !opener
}

fn question(answer: &Answer<'_>) -> (Option<bool>, String) {
    let last = answer.rows.iter().rev().filter(|row| row.kind != Kind::Blank).take(6);
    let rows: Vec<&Row<'_>> = last.collect();
    let asks = |row: &&Row<'_>| {
        row.text
            .trim_end_matches(|c: char| !c.is_alphanumeric() && !matches!(c, '?' | '？'))
            .ends_with(['?', '？'])
    };
    // A greeting and a name may follow the last sentence of a letter.
    let at = rows.iter().position(asks);
    let short = at.is_some_and(|at| rows.iter().take(at).all(|row| row.text.split_whitespace().count() <= 6));
    let end = rows.first().map_or("", |row| row.text);
    let tail: String = end.chars().rev().take(40).collect::<Vec<_>>().into_iter().rev().collect();
    (Some(short), if short { "a question".to_owned() } else { format!("ends with \"{tail}\"") })
}

fn case(text: &str, wrong: fn(char) -> bool) -> (Option<bool>, String) {
    let letters = text.chars().filter(|c| c.is_uppercase() || c.is_lowercase()).count();
    let wrong = text.chars().filter(|c| wrong(*c)).count();
    // A name or a unit may keep its case.
    (Some(wrong * 50 <= letters), format!("{wrong} of {letters} letters in the other case"))
}

fn preamble(answer: &Answer<'_>) -> (Option<bool>, String) {
    let filled = |row: &&Row<'_>| row.kind != Kind::Blank;
    let before = answer.rows.iter().take(answer.body.start).filter(filled).count();
    let after = answer.rows.iter().skip(answer.body.end).filter(filled).count();
    let notes = notes(answer);
    (Some(before + after + notes == 0), format!("{} lines around the answer", before + after + notes))
}

/// Labels of remarks behind an answer, folded.
#[rustfmt::skip] // one word per line would hide the code
const NOTES: &[&str] = &[
    "note", "notes", "hinweis", "anmerkung", "anmerkungen", "nota", "notas", "note del traduttore", "romaji",
    "romanization", "romanisation", "transliteration", "pronunciation", "explanation", "erklarung",
    "explication", "explicacion", "opmerking", "uwaga", "pinyin", "literally", "changes", "corrections", "what i changed",
    "cambios", "korrekturen", "opmerkingen", "back translation", "literal translation",
];

/// Counts the paragraphs behind the first that are remarks: labelled ones, and a last one in brackets.
fn notes(answer: &Answer<'_>) -> usize {
    let rows: Vec<&Row<'_>> = answer.body().iter().filter(|row| row.kind != Kind::Blank).collect();
    let labelled = |row: &&&Row<'_>| {
        // A key of an object is no label.
        let label = row.text.split([':', '：']).next().filter(|label| label.len() < row.text.len());
        !row.text.starts_with('"')
            && label.is_some_and(|label| {
                NOTES.contains(&folded(label.trim_matches(|c: char| !c.is_alphanumeric())).as_str())
            })
    };
    let enclosed = |row: &&&Row<'_>| {
        row.text.starts_with(['(', '（']) && row.text.ends_with([')', '）']) && row.text.chars().count() > 20
    };
    let first = rows.first().is_some_and(|row| row.text.starts_with(['(', '（']));
    let last = rows.last().filter(|row| rows.len() > 1 && !first && enclosed(row));
    rows.iter().skip(1).filter(labelled).count() + usize::from(last.is_some())
}
