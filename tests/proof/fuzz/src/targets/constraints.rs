//! Demands of prompts. The input is a prompt and, behind a line of three dashes, an answer. Each is also read
//! as the other.

use clorp_domain::Pack;
use clorp_domain::verdict::Met;
use clorp_judge::constraints::extract;

use crate::{Shape, Target, ensure};

/// Most demands of a prompt, those included that its kind implies.
const MOST: usize = 64;
/// The largest prompt and the largest answer that the API takes are smaller.
const LARGE: usize = 128 * 1024;

pub const TARGET: Target = Target {
    name: "constraints",
    subject: "demands of prompts, and whether answers meet them",
    valid,
    words: WORDS,
    check,
    shapes: &[
        Shape { name: "control characters", make: |bytes| "\u{1}".repeat(bytes).into_bytes(), most: 1 << 20 },
        Shape {
            name: "zero-width characters",
            make: |bytes| "\u{200b}".repeat(bytes / 3).into_bytes(),
            most: LARGE,
        },
        Shape {
            name: "combining marks",
            make: |bytes| format!("e{}", "\u{301}".repeat(bytes / 2)).into_bytes(),
            most: LARGE,
        },
        Shape { name: "brackets", make: |bytes| "[".repeat(bytes).into_bytes(), most: LARGE },
        Shape { name: "parentheses", make: |bytes| "(".repeat(bytes).into_bytes(), most: LARGE },
        Shape { name: "quotes", make: |bytes| "\"".repeat(bytes).into_bytes(), most: LARGE },
        Shape { name: "open quotes", make: |bytes| "“a ".repeat(bytes / 5).into_bytes(), most: LARGE },
        Shape { name: "fences", make: |bytes| "```".repeat(bytes / 3).into_bytes(), most: LARGE },
        Shape { name: "fences in lines", make: |bytes| "```\n".repeat(bytes / 4).into_bytes(), most: LARGE },
        Shape {
            name: "demands",
            make: |bytes| "exactly 3 bullets of 5 words. ".repeat(bytes / 30).into_bytes(),
            most: LARGE,
        },
        Shape { name: "negations", make: |bytes| "not ".repeat(bytes / 4).into_bytes(), most: LARGE },
        Shape {
            name: "one sentence",
            make: |bytes| "and no more than ten words ".repeat(bytes / 27).into_bytes(),
            most: LARGE,
        },
        Shape { name: "one word", make: |bytes| "a".repeat(bytes).into_bytes(), most: LARGE },
        Shape { name: "numbers", make: |bytes| "7 ".repeat(bytes / 2).into_bytes(), most: LARGE },
        Shape { name: "digits", make: |bytes| "7".repeat(bytes).into_bytes(), most: LARGE },
        Shape { name: "list items", make: |bytes| "- a\n".repeat(bytes / 4).into_bytes(), most: LARGE },
        Shape {
            name: "table rows",
            make: |bytes| "| a | b |\n".repeat(bytes / 10).into_bytes(),
            most: LARGE,
        },
        Shape { name: "headings", make: |bytes| "# a\n".repeat(bytes / 4).into_bytes(), most: LARGE },
        Shape { name: "newlines", make: |bytes| "\n".repeat(bytes).into_bytes(), most: LARGE },
        Shape {
            name: "characters without spaces",
            make: |bytes| "五個字以內。".repeat(bytes / 18).into_bytes(),
            most: LARGE,
        },
        Shape {
            name: "examples of a pattern",
            make: |bytes| {
                format!("Write a regex. {}", "`aaaa` matches, `b` does not match. ".repeat(bytes / 36)).into()
            },
            most: LARGE,
        },
        Shape {
            name: "a pattern that backtracks",
            make: |bytes| {
                let prompt =
                    format!("Write a regex that matches `{}` but not `{}!`", "a".repeat(40), "a".repeat(60));
                format!("{prompt}\n---\n{}", "`^(a+)+$` ".repeat(bytes / 10)).into_bytes()
            },
            most: LARGE,
        },
        Shape {
            name: "a nested pattern",
            make: |bytes| {
                let prompt = "Write a regex that matches `aab` but not `c`";
                format!("{prompt}\n---\n`{}a{}`", "(".repeat(bytes / 2), ")*".repeat(bytes / 4)).into_bytes()
            },
            most: LARGE,
        },
        Shape { name: "code", make: |bytes| code(bytes, "python", "x = (1 + 2)\n"), most: LARGE },
        Shape { name: "nested code", make: |bytes| code(bytes, "rust", "fn f() {{{{ "), most: LARGE },
        Shape { name: "a nested query", make: |bytes| code(bytes, "sql", "SELECT ((( "), most: LARGE },
        Shape { name: "nested YAML", make: |bytes| code(bytes, "yaml", "[{a: "), most: LARGE },
        Shape { name: "aliases of YAML", make: |bytes| code(bytes, "yaml", "- &a [*a, *a]\n"), most: LARGE },
        Shape { name: "nested JSON", make: |bytes| code(bytes, "json", "{\"a\":["), most: LARGE },
        Shape { name: "shell", make: |bytes| code(bytes, "sh", "$(( `echo $( "), most: LARGE },
        Shape { name: "TypeScript", make: |bytes| code(bytes, "ts", "let a: A<B<C = (`${"), most: LARGE },
    ],
};

/// A prompt for code, and an answer that repeats a piece of it.
fn code(bytes: usize, language: &str, piece: &str) -> Vec<u8> {
    let answer = piece.repeat(bytes / piece.len());
    format!("Write a {language} file that parses, without imports\n---\n```{language}\n{answer}\n```\n")
        .into_bytes()
}

/// Words of prompts and answers.
pub const WORDS: &[&str] = &[
    "exactly",
    "at most",
    "no more than",
    "between",
    "three",
    "10",
    "100",
    "words",
    "sentences",
    "bullet points",
    "lines",
    "characters",
    "paragraphs",
    "in German",
    "auf Deutsch",
    "en français",
    "do not use",
    "without",
    "mention",
    "include",
    "the word",
    "\"quoted\"",
    "`code`",
    "as JSON",
    "as a table",
    "in one line",
    "haiku",
    "5-7-5",
    "rhyme",
    "acrostic of ANNA",
    "in the first person",
    "formal",
    "keep all numbers",
    "start with",
    "no emoji",
    "🔥",
    "regex",
    "matches",
    "but not",
    "function `f`",
    "in Python",
    "in Rust",
    "SQL",
    "standard library only",
    "no imports",
    "---",
    "\n---\n",
    "```python\n",
    "```\n",
    "- ",
    "1. ",
    "# ",
    "| a | b |",
    "\n",
    ". ",
    "? ",
    "! ",
    ", ",
    "五個字",
    "以内",
    "不超过",
    "200字",
    "(",
    ")",
    "[",
    "]",
    "**",
    "…",
    "“",
    "”",
    "«",
    "»",
    "„",
    "1,000",
    "1.000",
    "½",
    "3–5",
    "3-5",
    "twenty-one",
    "a dozen",
    "50%",
    "<p>",
    "</p>",
    "\u{301}",
];

fn valid() -> Vec<Vec<u8>> {
    [
        "Give me exactly 3 taglines, each under 8 words, in German, as a numbered list. Do not use the word \"best\".\n---\n\
         1. Läuft bei dir.\n2. Kompiliert, meistens.\n3. Doku folgt nie.",
        "Write a Python function `slug(text)` without imports that lower-cases and joins words by dashes.\n---\n\
         ```python\ndef slug(text):\n    return \"-\".join(text.lower().split())\n```",
        "Write a regex that matches `2026-11-24` but not `24.11.2026`.\n---\n`^\\d{4}-\\d{2}-\\d{2}$`",
        "An acrostic of ANNA about the sea, four lines, first person, no rhymes.\n---\n\
         A wave finds me.\nNets dry in the wind.\nNothing is owed.\nAll of it is mine.",
        "用不超过30个字介绍这家面包店，语气正式。\n---\n本店每日清晨以天然酵母烘焙，诚邀品尝。",
        "Return the result as JSON with the keys `name` and `price`, nothing else.\n---\n{\"name\": \"loaf\", \"price\": 3.5}",
        "Write an SQL query that lists users without orders, in one statement.\n---\n\
         ```sql\nSELECT u.id FROM users u LEFT JOIN orders o ON o.user_id = u.id WHERE o.id IS NULL;\n```",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}

/// Parts an input into its prompt and its answer.
pub fn part(text: &str) -> (&str, &str) {
    text.split_once("\n---\n").unwrap_or((text, text))
}

fn check(input: &[u8]) -> Result<(), String> {
    let text = String::from_utf8_lossy(input);
    let (prompt, answer) = part(&text);
    let packs = if input.len() > 4096 { &Pack::ALL[..2] } else { &Pack::ALL[..] };
    for pack in packs {
        let demands = extract(prompt, *pack);
        ensure(demands.len() <= MOST, || format!("{} demands", demands.len()))?;
        for demand in &demands {
            ensure(demand.quote().chars().count() <= 80, || format!("the quote {:?}", demand.quote()))?;
            ensure(!demand.sentence().is_empty() && !demand.kind().is_empty(), || format!("{demand:?}"))?;
            let checked = demand.check(prompt, answer);
            let excess = if checked.met == Met::Missed { 100 } else { 0 };
            ensure(checked.excess <= excess, || format!("{demand:?}: {checked:?}"))?;
            ensure(checked == demand.check(prompt, answer), || format!("{demand:?} is checked in two ways"))?;
        }
    }
    Ok(())
}
