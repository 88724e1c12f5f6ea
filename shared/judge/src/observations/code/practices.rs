//! Practices in code that the documentation of its language warns of.

mod queries;
mod scripts;
mod shell;
mod styles;

use crate::constraints::code::Coded;
use crate::constraints::source::bare;

/// A program in the forms that rules read.
struct Code<'a> {
    /// Text as written.
    raw: &'a str,
    /// Text without comments and the contents of strings.
    bare: String,
    /// Bare text in lower case, with single spaces between words.
    flat: String,
}

/// A practice to avoid.
struct Rule {
    /// Languages in which it is a fault.
    languages: &'static [Coded],
    /// Folded words of a prompt that make it a fault, with spaces around them. An empty list stands for any.
    when: &'static [&'static str],
    /// Tells whether the program has it.
    found: fn(&Code<'_>) -> bool,
}

const fn rule(
    languages: &'static [Coded],
    when: &'static [&'static str],
    found: fn(&Code<'_>) -> bool,
) -> Rule {
    Rule { languages, when, found }
}

impl Code<'_> {
    /// True if the bare text has one of `marks`.
    fn has(&self, marks: &[&str]) -> bool {
        marks.iter().any(|mark| self.bare.contains(mark))
    }

    /// The trimmed lines of the bare text.
    fn lines(&self) -> impl Iterator<Item = &str> {
        self.bare.lines().map(str::trim)
    }
}

/// The numbers of distinct practices in the programs that are faults anywhere, and of those that are faults
/// because of the prompt. `prompt` is folded and has spaces around its words.
pub(super) fn faults(prompt: &str, programs: &[(Coded, &str)]) -> (usize, usize) {
    let tables = [queries::RULES, scripts::RULES, shell::RULES, styles::RULES];
    let codes: Vec<(Coded, Code<'_>)> =
        programs.iter().map(|(coded, raw)| (*coded, code(*coded, raw))).collect();
    let (mut always, mut asked) = (0, 0);
    for rule in tables.into_iter().flatten() {
        let applies = rule.when.is_empty() || rule.when.iter().any(|words| prompt.contains(words));
        let mut known = codes.iter().filter(|(coded, _)| rule.languages.contains(coded));
        let found = applies && known.any(|(_, code)| (rule.found)(code));
        *if rule.when.is_empty() { &mut always } else { &mut asked } += usize::from(found);
    }
    (always, asked)
}

fn code(coded: Coded, raw: &str) -> Code<'_> {
    let bare = bare(coded, raw);
    let flat = bare.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    Code { raw, bare, flat }
}

/// True if `name` occurs in `text` as a whole word that begins no longer name or path.
fn names(text: &str, name: &str) -> bool {
    text.match_indices(name).any(|(at, _)| {
        let before = text.get(..at).unwrap_or_default();
        !before.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | ':'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks a table of prompt, language, code, and whether a fault is found.
    pub(super) fn check(cases: &[(&str, Coded, &str, bool)]) {
        for (prompt, coded, code, expect) in cases {
            let (always, asked) = faults(prompt, &[(*coded, code)]);
            assert_eq!(always + asked > 0, *expect, "{code}");
        }
    }

    #[test]
    fn conditions_are_written_as_prompts_are_folded() {
        let tables = [queries::RULES, scripts::RULES, shell::RULES, styles::RULES];
        for words in tables.into_iter().flatten().flat_map(|rule| rule.when) {
            let folded = format!(" {} ", crate::observations::words(words).join(" "));
            assert_eq!(&folded, words);
        }
    }

    #[test]
    fn a_fault_that_depends_on_the_prompt_is_counted_apart() {
        let code = "SELECT a FROM t WHERE x = NULL AND y BETWEEN '1' AND '2'";
        assert_eq!(faults(" table t with y timestamptz ", &[(Coded::Sql, code)]), (1, 1));
    }
}
