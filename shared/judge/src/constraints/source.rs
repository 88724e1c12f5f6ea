//! The programs in an answer, each with its language.

use super::code::{Coded, guess, wanted};
use super::layout::Answer;
use super::prompt::Prompt;

/// The programs in `answer` with their languages. A block without a label has the language that the prompt
/// wants, or the one that its text shows. Blocks of unknown languages are left out.
pub(crate) fn sources<'a>(prompt: &str, answer: &Answer<'a>) -> Vec<(Coded, &'a str)> {
    let prompt = Prompt::new(prompt);
    programs(wanted(&prompt, true).map(|(coded, _)| coded), answer)
}

/// True if an answer without fences is a program or data as a whole, so that none of it is prose.
pub(crate) fn is_program(prompt: &str, answer: &Answer<'_>) -> bool {
    answer.fences.is_empty() && (super::check::is_code(answer.text) || !sources(prompt, answer).is_empty())
}

/// The programs in `answer`, where blocks without a label are in the language `wanted`, if there is one.
pub(super) fn programs<'a>(wanted: Option<Coded>, answer: &Answer<'a>) -> Vec<(Coded, &'a str)> {
    let unlabelled = |code: &str| config(code).or(wanted).or_else(|| guess(code));
    if answer.fences.is_empty() {
        let prose = answer.rows.iter().filter(|row| super::format::reads_as_prose(row.text)).count();
        let coded = unlabelled(answer.text).filter(|_| prose * 3 < answer.rows.len());
        return coded.map(|coded| (coded, answer.text)).into_iter().collect();
    }
    let known = answer.fences.iter().filter_map(|fence| {
        let coded = match fence.label.as_str() {
            "" => unlabelled(fence.code),
            label => Coded::labelled(label),
        };
        coded.map(|coded| (coded, fence.code))
    });
    known.collect()
}

/// The language of style sheets and configurations, which have no words of their own.
pub(super) fn config(code: &str) -> Option<Coded> {
    let lines: Vec<&str> =
        code.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    let name = |text: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
    };
    let pair = |line: &&&str| line.split_once(':').is_some_and(|(key, _)| name(key));
    let property = |line: &&&str| pair(line) && line.ends_with(';');
    let entry =
        |line: &&&str| pair(&line.strip_prefix("- ").as_ref().unwrap_or(line)) || line.starts_with("- ");
    let (properties, entries) = (lines.iter().filter(property).count(), lines.iter().filter(entry).count());
    if properties * 3 >= lines.len() && properties > 0 && code.contains('{') {
        return Some(Coded::Css);
    }
    (entries * 10 >= lines.len() * 9 && entries >= 3).then_some(Coded::Yaml)
}

/// The text of `code` with comments and the contents of strings replaced by spaces, and without the tests of
/// a Rust module. Lines keep their numbers.
pub(crate) fn bare(coded: Coded, code: &str) -> String {
    let code = match coded {
        Coded::Rust => code.split("#[cfg(test)]").next().and_then(|code| code.split("#[test]").next()),
        _ => None,
    }
    .unwrap_or(code);
    let (line, quotes): (&str, &[&str]) = match coded {
        Coded::Python => ("#", &["\"\"\"", "'''", "\"", "'"]),
        Coded::Shell | Coded::Ruby | Coded::Yaml | Coded::Toml => ("#", &["\"", "'"]),
        Coded::Sql => ("--", &["'"]),
        Coded::Rust => ("//", &["\""]),
        Coded::Css | Coded::Html => ("\0", &["\"", "'"]),
        _ => ("//", &["\"", "'", "`"]),
    };
    let mut bare = String::with_capacity(code.len());
    let (mut rest, mut before) = (code, '\n');
    while let Some(c) = rest.chars().next() {
        let comment = rest.starts_with(line) && before != ':' && (line != "#" || before.is_whitespace());
        let end = if comment {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") && line != "#" {
            rest.find("*/").map_or(rest.len(), |at| at + 2)
        } else if let Some(quote) = quotes.iter().find(|quote| rest.starts_with(**quote)) {
            quoted(rest, quote)
        } else {
            bare.push(c);
            before = c;
            rest = rest.get(c.len_utf8()..).unwrap_or_default();
            continue;
        };
        let skipped = rest.get(..end).unwrap_or(rest);
        let string = !comment && !skipped.starts_with("/*");
        let last = skipped.chars().count().saturating_sub(1);
        bare.extend(skipped.chars().enumerate().map(|(at, c)| match c {
            '\n' => '\n',
            c if string && (at == 0 || at == last) => c,
            _ => ' ',
        }));
        before = ' ';
        rest = rest.get(end..).unwrap_or_default();
    }
    bare
}

/// The length of the string at the beginning of `text`, with its quotation marks. One that never ends takes
/// its line.
fn quoted(text: &str, quote: &str) -> usize {
    let mut at = quote.len();
    let mut escaped = false;
    while let Some(rest) = text.get(at..) {
        let Some(c) = rest.chars().next() else { break };
        if !escaped && rest.starts_with(quote) {
            return at + quote.len();
        }
        if c == '\n' && quote.len() == 1 && quote != "`" {
            return at;
        }
        escaped = c == '\\' && !escaped;
        at += c.len_utf8();
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_strings_are_blanked() {
        for (coded, code, expect) in [
            (Coded::Python, "x = 1  # y\nz", "x = 1     \nz"),
            (Coded::Python, "f('a#b', \"c\")", "f('   ', \" \")"),
            (Coded::JavaScript, "a(`x\ny`) // z", "a(` \n `)     "),
            (Coded::Rust, "fn f<'a>() {} // x\n#[test]\nfn g() {}", "fn f<'a>() {}     \n"),
            (Coded::Sql, "SELECT 'it' -- x\n/* y */ 1", "SELECT '  '     \n        1"),
            (Coded::Shell, "echo ${#x} \"a\"", "echo ${#x} \" \""),
            (Coded::Go, "u := \"http://x\"", "u := \"        \""),
        ] {
            assert_eq!(bare(coded, code), expect, "{code}");
        }
    }

    #[test]
    fn programs_have_the_language_of_their_label_or_text() {
        for (prompt, answer, expect) in [
            ("Python function f", "```python\nx = 1\n```", vec![Coded::Python]),
            ("compose file please", "services:\n  db:\n    image: postgres:16\n", vec![Coded::Yaml]),
            (
                "footer at the bottom",
                "main { flex: 1; }\nbody {\n  margin: 0;\n  display: flex;\n}",
                vec![Coded::Css],
            ),
            ("Why does this fail?", "The list is shared by all calls, so it keeps its items.", vec![]),
        ] {
            let answer = Answer::new(answer);
            let found: Vec<Coded> = sources(prompt, &answer).into_iter().map(|(coded, _)| coded).collect();
            assert_eq!(found, expect, "{prompt}");
        }
    }
}
