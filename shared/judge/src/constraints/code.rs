//! Demands on code: its language, the names in it, and its imports.

use super::layout::Answer;
use super::prompt::{Prompt, Token};

/// A language of code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coded {
    Rust,
    Python,
    JavaScript,
    TypeScript,
    Go,
    Java,
    CSharp,
    Cpp,
    C,
    Ruby,
    Php,
    Swift,
    Kotlin,
    Sql,
    Shell,
    PowerShell,
    Html,
    Css,
    Yaml,
    Json,
    Toml,
}

/// Languages with their name, the words of a prompt and the labels of a fence.
static CODED: &[(Coded, &str, &[&str])] = &[
    (Coded::Rust, "Rust", &["rust", "rs"]),
    (Coded::Python, "Python", &["python", "py", "python3", "pandas"]),
    (Coded::TypeScript, "TypeScript", &["typescript", "ts", "tsx"]),
    (Coded::JavaScript, "JavaScript", &["javascript", "js", "jsx", "node", "nodejs", "mjs"]),
    (Coded::Go, "Go", &["go", "golang"]),
    (Coded::Java, "Java", &["java"]),
    (Coded::CSharp, "C#", &["csharp", "cs", "c#"]),
    (Coded::Cpp, "C++", &["cpp", "c++", "cxx"]),
    (Coded::C, "C", &["c"]),
    (Coded::Ruby, "Ruby", &["ruby", "rb"]),
    (Coded::Php, "PHP", &["php"]),
    (Coded::Swift, "Swift", &["swift"]),
    (Coded::Kotlin, "Kotlin", &["kotlin", "kt"]),
    (Coded::Sql, "SQL", &["sql", "postgres", "postgresql", "sqlite", "mysql", "psql", "plpgsql", "bigquery"]),
    (Coded::Shell, "shell", &["bash", "sh", "shell", "zsh", "console", "awk", "posix"]),
    (Coded::PowerShell, "PowerShell", &["powershell", "ps1", "pwsh"]),
    (Coded::Html, "HTML", &["html", "htm"]),
    (Coded::Css, "CSS", &["css", "scss"]),
    (Coded::Yaml, "YAML", &["yaml", "yml"]),
    (Coded::Json, "JSON", &["json"]),
    (Coded::Toml, "TOML", &["toml"]),
];

impl Coded {
    /// The language's name for people.
    pub(super) fn name(self) -> &'static str {
        CODED.iter().find(|(own, ..)| *own == self).map_or("", |(_, name, _)| name)
    }

    /// The language that a fence's label names.
    pub(super) fn labelled(label: &str) -> Option<Self> {
        let label = label.split([' ', '{', ',', ':']).next().unwrap_or_default();
        CODED.iter().find(|(.., labels)| labels.contains(&label)).map(|(own, ..)| *own)
    }

    /// True if code in `other` serves someone who asked for this language.
    fn accepts(self, other: Self) -> bool {
        self == other
            || matches!(
                (self, other),
                (Self::JavaScript, Self::TypeScript)
                    | (Self::Css, Self::Html)
                    | (Self::Html, Self::Css | Self::JavaScript)
                    | (Self::Cpp, Self::C)
            )
    }
}

/// Words near the name of a language which show that code in it is wanted.
#[rustfmt::skip] // one word per line would hide the code
const THINGS: &[&str] = &[
    "function", "script", "program", "code", "class", "query", "snippet", "liner", "one", "method",
    "module", "funktion", "fonction", "funcion", "funzione", "funcao", "functie", "skript", "programm",
    "consulta", "abfrage", "requete", "regex", "only", "func", "fn", "struct", "trait", "type", "enum",
    "decorator", "hook", "component", "cli", "macro", "generator",
];

/// The one language in which the prompt wants code, with its token.
pub(super) fn wanted(prompt: &Prompt, code: bool) -> Option<(Coded, usize)> {
    let mut found: Vec<(Coded, usize)> = Vec::new();
    for (at, token) in prompt.tokens.iter().enumerate() {
        let Some(coded) =
            named(prompt, token, at).filter(|coded| !matches!(coded, Coded::Json | Coded::Toml))
        else {
            continue;
        };
        let near = |at: usize| THINGS.contains(&prompt.word(at));
        let into =
            at > 0 && matches!(prompt.word(at - 1), "in" | "en" | "em" | "using" | "with" | "to" | "into");
        let label = at == prompt.sentence_start(at) || prompt.gap_after(at).starts_with([':', '.', ',', ')']);
        let wants = near(at + 1)
            || at > 0 && near(at - 1) && prompt.gap_after(at - 1).trim().is_empty()
            || near(at + 2)
            || into
            || label;
        // Short names are also words of prose.
        let short = matches!(
            coded,
            Coded::Go
                | Coded::C
                | Coded::Swift
                | Coded::Ruby
                | Coded::Json
                | Coded::Yaml
                | Coded::Html
                | Coded::Toml
        );
        let sure = if short { code && token.capital && wants } else { code && wants || near(at + 1) };
        if sure && !found.iter().any(|(own, _)| *own == coded) {
            found.push((coded, at));
        }
    }
    let named_any = |at: usize| prompt.tokens.get(at).and_then(|token| named(prompt, token, at));
    let all = (0..prompt.tokens.len()).filter_map(named_any);
    let others = |own: Coded| {
        all.clone()
            .any(|other| other != own && !matches!(other, Coded::Go | Coded::C | Coded::Swift | Coded::Json))
    };
    // Two languages are those of a translation or of a system, which the words do not tell apart.
    match found.as_slice() {
        [(own, at)] if !others(*own) || *at == 0 => Some((*own, *at)),
        _ => None,
    }
}

/// The language that the token names.
fn named(prompt: &Prompt, token: &Token, at: usize) -> Option<Coded> {
    let sign = prompt.gap_after(at);
    let name = match token.folded.as_str() {
        "c" if sign.starts_with("++") => "cpp",
        "c" if sign.starts_with('#') => "csharp",
        name => name,
    };
    if token.quoted
        || matches!(
            name,
            "pandas" | "node" | "shell" | "console" | "sh" | "rs" | "cs" | "rb" | "kt" | "posix"
        )
    {
        return None;
    }
    CODED.iter().find(|(.., names)| names.contains(&name)).map(|(own, ..)| *own)
}

/// Marks of a language in code.
static MARKS: &[(Coded, &[&str])] = &[
    (
        Coded::Rust,
        &["fn ", "let mut ", "impl ", "pub fn", "-> Result<", "#[test]", "&str", "unwrap()", "match "],
    ),
    (Coded::Python, &["def ", "import ", "elif ", "self.", "None", "    return ", "print(", "lambda "]),
    (
        Coded::TypeScript,
        &[": string", ": number", "interface ", ": boolean", "export type", "<T>", "const ", ": void"],
    ),
    (Coded::JavaScript, &["const ", "let ", "function ", "=> ", "console.log", "===", "require(", "export "]),
    (Coded::Go, &["func ", "package ", ":= ", "fmt.", "err != nil", "[]"]),
    (Coded::Java, &["public static", "System.out", "public class", "String ", "private ", "new "]),
    (
        Coded::Sql,
        &[
            "SELECT ", "FROM ", "WHERE ", "JOIN ", "GROUP BY", "ORDER BY", "INSERT ", "UPDATE ", "select ",
            "from ",
        ],
    ),
    (
        Coded::Shell,
        &["#!/bin", "echo ", "done", "fi\n", "| sort", "| head", "$(", "find .", "for f in", "grep ", "\"$"],
    ),
    (Coded::Php, &["<?php", "$this", "function ", "$"]),
    (Coded::Ruby, &["def ", "end\n", "puts ", ".each do", "require '"]),
];

/// The language of unlabelled code, if its marks are clear.
pub(super) fn guess(code: &str) -> Option<Coded> {
    let score = |marks: &[&str]| marks.iter().filter(|mark| code.contains(*mark)).count();
    let mut scores: Vec<(usize, Coded)> = MARKS.iter().map(|(coded, marks)| (score(marks), *coded)).collect();
    scores.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    let (best, second) = (scores.first()?, scores.get(1)?);
    (best.0 >= 2 && best.0 > second.0).then_some(best.1)
}

/// Tells whether the code of `answer` is in `coded`, or nothing if that is unclear, and what was found.
pub(super) fn check_language(answer: &Answer<'_>, coded: Coded) -> (Option<bool>, String) {
    let labels: Vec<Coded> = answer.fences.iter().filter_map(|fence| Coded::labelled(&fence.label)).collect();
    if labels.iter().any(|label| coded.accepts(*label)) {
        return (Some(true), coded.name().to_owned());
    }
    if let Some(other) = labels.first() {
        return (Some(false), other.name().to_owned());
    }
    match guess(&answer.code()) {
        Some(found) if coded.accepts(found) => (Some(true), found.name().to_owned()),
        // Related languages share most of their marks.
        Some(found) if coded == Coded::TypeScript && found == Coded::JavaScript => {
            (None, found.name().to_owned())
        }
        Some(found) if MARKS.iter().any(|(own, _)| *own == coded) => (Some(false), found.name().to_owned()),
        _ => (None, "code of an unknown language".to_owned()),
    }
}

/// Words before the name of a function, a class or a command.
#[rustfmt::skip] // one word per line would hide the code
const NAMERS: &[&str] = &[
    "function", "method", "func", "fn", "class", "def", "funktion", "fonction", "funcion", "funzione",
    "funcao", "functie", "called", "named", "namens", "hook", "struct", "trait", "appelee", "nommee",
    "llamada", "chiamata", "chamada", "genaamd", "decorator", "component",
];

/// The name that the prompt gives to the wanted function, with its token.
pub(super) fn function_name(prompt: &Prompt) -> Option<(String, usize)> {
    (0..prompt.tokens.len()).find_map(|at| {
        let token = prompt.tokens.get(at)?;
        let shown = prompt.text.get(token.span.clone())?;
        let gap = prompt.gap_after(at);
        let generic =
            gap == "[" && prompt.tokens.get(at + 1).is_some_and(|next| next.capital && next.span.len() == 1);
        let called = gap.starts_with(['(', '<']) || generic;
        let compound = shown.contains('_')
            || shown.chars().skip(1).any(char::is_uppercase) && shown.chars().any(char::is_lowercase);
        let before = if at == 0 { "" } else { prompt.gap_after(at - 1) };
        let language =
            at > 0 && prompt.tokens.get(at - 1).is_some_and(|token| named(prompt, token, at - 1).is_some());
        let plain = before.trim_matches([' ', '`', '"', '\'', '“', '„']).is_empty();
        let named =
            at > 0 && plain && (NAMERS.contains(&prompt.word(at - 1)) || language && called && compound);
        let opens = at > 0
            && called
            && before.trim_end().ends_with([':', '`'])
            && (compound || language || before.contains(": `"));
        let identifier =
            shown.len() >= 2 && shown.is_ascii() && !shown.starts_with(|c: char| c.is_ascii_digit());
        let wanted = named && (called || compound || token.quoted) || opens;
        if is_given(&prompt.text, token.span.start) {
            return None;
        }
        (wanted && identifier && !super::format::is_negated(prompt, at)).then(|| (shown.to_owned(), at))
    })
}

/// True if the line at `at` begins a definition with a body, which the prompt brings along.
fn is_given(text: &str, at: usize) -> bool {
    let start = text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |end| end + 1);
    let line = text.get(start..).and_then(|rest| rest.lines().next()).unwrap_or_default().trim();
    let defines = ["def ", "class ", "function ", "fn ", "pub fn ", "func ", "const ", "export function "];
    defines.iter().any(|word| line.starts_with(word)) && line.ends_with([':', '{'])
}

/// True if `name` occurs in `code` as a whole word.
pub(crate) fn has_word(code: &str, name: &str) -> bool {
    let joins = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(name).any(|(at, _)| {
        let before = code.get(..at).unwrap_or_default().ends_with(joins);
        let after = code.get(at + name.len()..).unwrap_or_default().starts_with(joins);
        !before && !after
    })
}

/// Phrases that exclude libraries beyond the language's own.
#[rustfmt::skip] // one word per line would hide the code
const STANDARD: &[&str] = &[
    "std only", "stdlib only", "standard library only", "only the standard library",
    "only standard library", "only stdlib", "no external libraries", "no external libs",
    "no external dependencies", "no external packages", "no external crates", "no external modules",
    "no dependencies", "no deps", "no third party", "no libraries", "no libs", "no packages", "no crates",
    "without libraries", "without dependencies", "without external", "no frameworks", "no library",
    "ohne externe bibliotheken", "keine externen bibliotheken", "nur standardbibliothek",
    "ohne bibliotheken", "keine abhangigkeiten", "ohne abhangigkeiten", "sans dependance",
    "sans dependances", "sans bibliotheque", "bibliotheque standard uniquement", "sin dependencias",
    "sin librerias", "sin bibliotecas", "solo la biblioteca estandar", "senza librerie",
    "senza dipendenze", "sem dependencias", "sem bibliotecas", "zonder libraries", "geen libraries",
    "only std", "pure stdlib", "just the standard library", "from the standard library only",
    "standard library",
];

/// The token at which the prompt excludes libraries, and the length of the phrase.
pub(super) fn standard_only(prompt: &Prompt) -> Option<(usize, usize)> {
    (0..prompt.tokens.len()).find_map(|at| {
        let length = prompt.says_any(at, STANDARD);
        (length > 0 && prompt.word(at) != "standard" || length > 2).then_some((at, length))
    })
}

/// Well-known libraries that belong to no language's own library.
#[rustfmt::skip] // one word per line would hide the code
const LIBRARIES: &[&str] = &[
    "numpy", "pandas", "requests", "scipy", "dateutil", "pytz", "pendulum", "arrow", "humanize",
    "pydantic", "attrs", "sympy", "yaml", "tqdm", "click", "rich", "httpx", "aiohttp", "pytest", "isodate",
    "durationpy", "sortedcontainers", "matplotlib", "more_itertools", "lodash", "underscore", "ramda",
    "moment", "dayjs", "axios", "express", "jquery", "ms", "date-fns", "react", "papaparse", "rxjs", "zod",
    "regex", "serde", "serde_json", "chrono", "itertools", "anyhow", "thiserror", "lazy_static",
    "once_cell", "rand", "tokio", "humantime", "clap", "nom", "rayon", "time",
];

/// The first library outside the language's own that `code` imports.
pub(super) fn foreign_import(code: &str) -> Option<String> {
    code.lines().map(str::trim).find_map(|line| {
        let python = line.strip_prefix("import ").or_else(|| line.strip_prefix("from "));
        let rust = line.strip_prefix("use ").or_else(|| line.strip_prefix("extern crate "));
        let script = line
            .split_once("require(")
            .or_else(|| line.split_once(" from "))
            .map(|(_, rest)| rest.trim_start_matches(['"', '\'', '(']));
        let is_rust = line.starts_with("use ");
        let first = |text: &str| {
            text.split(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '-'))
                .next()
                .unwrap_or_default()
                .to_owned()
        };
        [python, rust, script]
            .into_iter()
            .flatten()
            .map(first)
            // Python has a module `time` of its own.
            .find(|name| {
                LIBRARIES.contains(&name.as_str()) && (is_rust || !matches!(name.as_str(), "time" | "regex"))
            })
    })
}

/// True if `code` imports anything.
pub(super) fn imports(code: &str) -> bool {
    code.lines().map(str::trim).any(|line| {
        line.starts_with("import ")
            || line.starts_with("from ") && line.contains(" import ")
            || line.starts_with("#include")
            || line.contains("require(")
    })
}

/// True if `code` uses regular expressions.
pub(super) fn uses_regex(code: &str) -> bool {
    [
        "import re\n",
        "import re,",
        "re.match",
        "re.search",
        "re.findall",
        "re.compile",
        "re.sub",
        "re.fullmatch",
        "RegExp",
        "Regex::",
        "regexp.",
        ".match(/",
        ".replace(/",
        ".test(",
        "Pattern.compile",
        "preg_",
    ]
    .iter()
    .any(|mark| code.contains(mark))
}
