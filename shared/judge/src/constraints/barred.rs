//! Practices that a prompt excludes, such as a change of its arguments or a type `any`.

use std::ops::Range;

use super::code::{Coded, has_word};
use super::prompt::Prompt;
use super::source::bare;

/// A practice that prompts exclude.
#[derive(Debug)]
pub(super) struct Bar {
    /// Stable name of the kind of demand.
    pub(super) kind: &'static str,
    /// Demand in words.
    pub(super) label: &'static str,
    /// Folded phrases that exclude the practice.
    phrases: &'static [&'static str],
    /// Languages in which it can be found.
    languages: &'static [Coded],
    /// Tells whether code without comments and strings has it.
    occurs: fn(Coded, &str) -> bool,
}

/// Most parameters of a function that are followed through its body.
const MOST_PARAMETERS: usize = 20;

/// Every practice. A phrase holds for an answer in the practice's languages only.
#[rustfmt::skip] // one phrase per line would hide the table
static BARS: &[Bar] = &[
    Bar {
        kind: "no_mutation",
        label: "leave the arguments unchanged",
        phrases: &[
            "not mutate", "no mutation", "without mutating", "dont mutate", "never mutate", "not modify the input",
            "not modify the argument", "not modify it", "dont modify it", "dont modify the input", "not be modified",
            "not modify the input slice", "dont modify the argument", "not modify the list", "dont modify the list",
            "without modifying", "not change the input", "dont change the list", "not change the list",
            "dont change the input", "not change the callers", "not change the argument", "input unchanged",
            "nicht verandern", "nicht verandert", "nicht modifizieren", "sans modifier", "ne pas modifier",
            "ne modifie pas", "sin modificar", "no modifiques", "no modificar", "senza modificare", "non modificare",
            "sem modificar", "nao modificar", "niet wijzigen", "niet aanpassen", "leave the input",
        ],
        languages: &[Coded::Python, Coded::JavaScript, Coded::TypeScript, Coded::Go],
        occurs: mutates,
    },
    Bar {
        kind: "no_any",
        label: "no type any",
        phrases: &["no any", "without any any", "avoid any", "ohne any", "kein any", "sans any", "sin any"],
        languages: &[Coded::TypeScript],
        occurs: |_, code| [": any", "as any", "<any", "any>", "any[]", "| any", "=> any"].iter().any(|mark| code.contains(mark)),
    },
    Bar {
        kind: "no_eval",
        label: "no eval",
        phrases: &["no eval", "without eval", "dont use eval", "never eval", "not eval", "ohne eval", "kein eval", "sans eval", "sin eval", "senza eval", "sem eval"],
        languages: &[Coded::Python, Coded::JavaScript, Coded::TypeScript],
        occurs: |_, code| code.contains("new Function") || called(code, "eval") || called(code, "exec"),
    },
    Bar {
        kind: "no_unwrap",
        label: "no call that may panic",
        phrases: &["no unwrap", "without unwrap", "no unwraps", "dont unwrap", "never unwrap", "ohne unwrap", "kein unwrap"],
        languages: &[Coded::Rust],
        occurs: |_, code| [".unwrap()", ".expect(", "panic!("].iter().any(|mark| code.contains(mark)),
    },
    Bar {
        kind: "no_floats",
        label: "no floating-point numbers",
        phrases: &["no floats", "no float", "without floats", "no floating point", "keine floats", "ohne floats", "sans flottants", "sin floats"],
        languages: &[Coded::Python, Coded::JavaScript, Coded::TypeScript, Coded::Rust, Coded::Go],
        occurs: |_, code| called(code, "float") || called(code, "parseFloat") || has_word(code, "f64") || has_word(code, "float64"),
    },
    Bar {
        kind: "no_loops",
        label: "no loops",
        phrases: &["no loops", "without loops", "no loop", "without a loop", "ohne schleife", "ohne schleifen", "sans boucle", "sin bucles", "no for loops"],
        languages: &[Coded::Python, Coded::JavaScript, Coded::TypeScript, Coded::Rust, Coded::Go],
        occurs: |_, code| code.lines().map(str::trim_start).any(|line| {
            ["for ", "for(", "while ", "while("].iter().any(|mark| line.starts_with(mark))
        }),
    },
    Bar {
        kind: "no_recursion",
        label: "no recursion",
        phrases: &["no recursion", "without recursion", "not recursive", "non recursive", "ohne rekursion", "sans recursion", "sin recursion"],
        languages: &[Coded::Python],
        occurs: |_, code| definition(Coded::Python, code).is_some_and(|(name, _, body)| called(body, name)),
    },
    Bar {
        kind: "no_fixed_heights",
        label: "no fixed heights",
        phrases: &["no fixed heights", "no fixed height", "without fixed heights", "without a fixed height", "keine feste hohe", "keine festen hohen", "ohne feste hohe", "sans hauteur fixe", "sin altura fija", "sin alturas fijas"],
        languages: &[Coded::Css],
        occurs: |_, code| code.split(['{', ';', '}']).map(str::trim).any(|rule| {
            let value = rule.strip_prefix("height:").or_else(|| rule.strip_prefix("min-height:"));
            value.is_some_and(|value| value.trim().starts_with(|c: char| c.is_ascii_digit() && c != '0') && value.contains("px"))
        }),
    },
    Bar {
        kind: "no_media_queries",
        label: "no media queries",
        phrases: &["no media queries", "no media query", "without media queries", "keine media queries", "ohne media queries", "sans media queries", "sin media queries"],
        languages: &[Coded::Css, Coded::Html],
        occurs: |_, code| code.contains("@media"),
    },
    Bar {
        kind: "no_allocation",
        label: "no allocation",
        phrases: &["no allocation", "no allocations", "without allocating", "without allocation", "zero allocation", "ohne allokation", "sans allocation", "sin asignaciones"],
        languages: &[Coded::Rust],
        occurs: |_, code| ["to_string()", "String::from", "collect::<", ": Vec<", "Vec::", "vec![", "format!(", "to_owned()"].iter().any(|mark| code.contains(mark)),
    },
];

/// The excluded practices, each with the tokens of the prompt that exclude it.
pub(super) fn bars(prompt: &Prompt) -> Vec<(&'static Bar, Range<usize>)> {
    let first = |bar: &'static Bar| {
        (0..prompt.tokens.len()).find_map(|at| {
            let length = prompt.says_any(at, bar.phrases);
            (length > 0).then(|| (bar, at..at + length))
        })
    };
    BARS.iter().filter_map(first).collect()
}

impl Bar {
    /// Tells whether the programs do without the practice, or nothing if none is in a known language.
    pub(super) fn is_kept(&self, programs: &[(Coded, &str)]) -> Option<bool> {
        let mut known = programs.iter().filter(|(coded, _)| self.languages.contains(coded)).peekable();
        known.peek()?;
        Some(!known.any(|(coded, code)| (self.occurs)(*coded, &bare(*coded, code))))
    }
}

/// True if `code` calls the function `name` itself, and not a method of that name.
fn called(code: &str, name: &str) -> bool {
    code.match_indices(name).any(|(at, _)| {
        let before = code.get(..at).unwrap_or_default().chars().next_back();
        let after = code.get(at + name.len()..).unwrap_or_default();
        after.starts_with('(') && !before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '.'))
    })
}

/// The name of the first function in `code`, its parameters without a default, and the text behind them.
fn definition(coded: Coded, code: &str) -> Option<(&str, Vec<&str>, &str)> {
    let keyword = match coded {
        Coded::Python => "def ",
        Coded::Go => "func ",
        _ => "function ",
    };
    let arrow = || {
        // A function that is bound to a name, as in `const f = (a, b) => …`.
        let (head, rest) = code.split_once("= (")?;
        rest.split_once(')').filter(|(_, body)| body.contains("=>"))?;
        Some((head.split_whitespace().next_back()?, rest))
    };
    let declared = || code.split_once(keyword).and_then(|(_, rest)| rest.split_once('('));
    let (name, rest) = if matches!(coded, Coded::JavaScript | Coded::TypeScript) && !code.contains(keyword) {
        arrow()?
    } else {
        declared()?
    };
    let (list, body) = rest.split_once(')')?;
    let names = list.split(',').filter(|part| !part.contains('=')).filter_map(|part| {
        let name = part.trim().split([':', ' ', '?']).next()?;
        (!name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_')).then_some(name)
    });
    Some((name.split(['[', '<']).next()?.trim(), names.take(MOST_PARAMETERS).collect(), body))
}

/// Methods that change the object they belong to.
fn mutators(coded: Coded) -> &'static [&'static str] {
    match coded {
        Coded::Python => &[
            "sort(", "append(", "extend(", "insert(", "pop(", "remove(", "clear(", "reverse(", "update(",
            "popitem(", "discard(",
        ],
        Coded::Go => &[],
        _ => &["sort(", "push(", "pop(", "shift(", "unshift(", "splice(", "reverse(", "fill("],
    }
}

/// True if the first function of `code` changes one of its parameters, none of which is bound anew.
fn mutates(coded: Coded, code: &str) -> bool {
    let Some((_, names, body)) = definition(coded, code) else { return false };
    names.iter().any(|name| {
        let rebound = [" = ", " := ", "=", " in "].iter().any(|sign| {
            uses(body, name).any(|(before, after)| {
                let looped = *sign == " in " && before.ends_with("for ");
                let assigned = *sign != " in " && after.starts_with(sign) && !after.starts_with("==");
                (looped || assigned) && !before.ends_with('.')
            })
        });
        !rebound && uses(body, name).any(|(before, after)| changes(coded, before, after))
    })
}

/// The texts before and behind each use of `name` in `body`.
fn uses<'a>(body: &'a str, name: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
    let joins = |c: char| c.is_alphanumeric() || c == '_';
    body.match_indices(name).filter_map(move |(at, _)| {
        let (before, after) = (body.get(..at)?, body.get(at + name.len()..)?);
        (!before.ends_with(joins) && !after.starts_with(joins) && !before.ends_with('.'))
            .then_some((before, after))
    })
}

/// True if the use of a name between `before` and `after` changes its object.
fn changes(coded: Coded, before: &str, after: &str) -> bool {
    let method =
        after.strip_prefix('.').is_some_and(|rest| mutators(coded).iter().any(|own| rest.starts_with(own)));
    let line = before.rsplit('\n').next().unwrap_or_default();
    let starts = line.trim().is_empty() || line.trim_end().ends_with(['{', ';']);
    let element = after.strip_prefix('[').and_then(|rest| rest.split_once(']')).is_some_and(|(_, rest)| {
        let rest = rest.trim_start();
        let assigned = rest.starts_with('=') && !rest.starts_with("==") || rest.starts_with("+=");
        starts && assigned
    });
    let deleted = line.trim_end().ends_with("del") && after.starts_with('[');
    let sorted = coded == Coded::Go
        && [
            "sort.Strings(",
            "sort.Ints(",
            "sort.Slice(",
            "slices.Sort(",
            "slices.SortFunc(",
            "slices.Reverse(",
        ]
        .iter()
        .any(|call| line.ends_with(call));
    let reused = coded == Coded::Go && after.starts_with("[:0]");
    method || element || deleted || sorted || reused
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_argument_is_found() {
        for (coded, code, expect) in [
            (Coded::Python, "def f(xs):\n    xs.sort()\n    return xs", true),
            (Coded::Python, "def f(xs):\n    xs[0] = 1", true),
            (Coded::Python, "def f(xs):\n    del xs[0]", true),
            (Coded::Python, "def f(xs):\n    xs = list(xs)\n    xs.sort()\n    return xs", false),
            (Coded::Python, "def f(xs):\n    out = []\n    out.append(xs[0])\n    return sorted(xs)", false),
            (Coded::Python, "def f(xs):\n    if xs[0] == 1:\n        return xs", false),
            (Coded::JavaScript, "function f(arr, n) {\n  return arr.splice(0, n);\n}", true),
            (Coded::JavaScript, "function f(arr) {\n  return [...arr].sort();\n}", false),
            (
                Coded::JavaScript,
                "const f = (arr) => arr.reduce((acc, x) => { acc.push(x); return acc; }, []);",
                false,
            ),
            (Coded::JavaScript, "const f = (arr) => arr.sort();", true),
            (Coded::Go, "func F(in []string) []string {\n\tout := in[:0]\n\treturn out\n}", true),
            (Coded::Go, "func F(in []string) []string {\n\tsort.Strings(in)\n\treturn in\n}", true),
            (Coded::Go, "func F(in []string) []string {\n\tout := make([]string, 0)\n\treturn out\n}", false),
        ] {
            assert_eq!(mutates(coded, code), expect, "{code}");
        }
    }

    #[test]
    fn excluded_practices_are_found() {
        for (prompt, coded, code, kept) in [
            ("TypeScript, no any", Coded::TypeScript, "const f = (x: any) => x;", Some(false)),
            (
                "TypeScript, no any",
                Coded::TypeScript,
                "// any: any\nconst f = (x: unknown) => x;",
                Some(true),
            ),
            ("No eval please", Coded::Python, "def f(s):\n    return eval(s)", Some(false)),
            ("No eval please", Coded::Python, "def f(s):\n    return ast.literal_eval(s)", Some(true)),
            ("No unwrap", Coded::Rust, "fn f() { x.unwrap() }", Some(false)),
            ("No unwrap", Coded::Rust, "fn f() {}\n#[test]\nfn g() { x.unwrap() }", Some(true)),
            ("No floats.", Coded::Python, "def f(x):\n    return float(x)", Some(false)),
            ("No fixed heights.", Coded::Css, "footer { height: 80px; }", Some(false)),
            ("No fixed heights.", Coded::Css, "body { min-height: 100vh; }", Some(true)),
            ("No media queries.", Coded::Css, "@media (max-width: 1px) { a { b: c; } }", Some(false)),
            ("no recursion", Coded::Python, "def f(n):\n    return n * f(n - 1)", Some(false)),
            ("No unwrap", Coded::Python, "x = 1", None),
        ] {
            let prompt = Prompt::new(prompt);
            let bars = bars(&prompt);
            let (bar, _) = bars.first().unwrap();
            assert_eq!(bar.is_kept(&[(coded, code)]), kept, "{code}");
        }
        assert!(bars(&Prompt::new("Is there any chance that it works?")).is_empty());
    }
}
