//! Practices to avoid in style sheets and configurations.

use super::{Rule, rule};
use crate::constraints::code::Coded;

const STYLES: &[Coded] = &[Coded::Css, Coded::Html];
const CONFIGS: &[Coded] = &[Coded::Yaml];

/// Words of a prompt about narrow screens.
const NARROW: &[&str] = &[
    " not overflow ",
    " no overflow ",
    " horizontal scroll ",
    " horizontal scrolling ",
    " horizontal scrollbar ",
];

/// Words of a prompt about a secret from outside.
const SECRETS: &[&str] = &[" env ", " environment ", " secret ", " secrets ", " password "];

pub(super) static RULES: &[Rule] = &[
    rule(STYLES, &[], |code| code.has(&["!important"])),
    // The focus must stay visible for users of a keyboard.
    rule(STYLES, &[], |code| {
        code.has(&["outline: none", "outline:none", "outline: 0;"]) && !code.has(&[":focus-visible"])
    }),
    // A column of a fixed least width overflows a screen that is narrower.
    rule(STYLES, NARROW, |code| {
        code.bare
            .split("minmax(")
            .skip(1)
            .any(|rest| rest.trim_start().starts_with(|c: char| c.is_ascii_digit() && c != '0'))
    }),
    rule(STYLES, &[" not stretch ", " keep column width "], |code| code.has(&["auto-fit"])),
    // YAML reads the number 3.1.
    rule(CONFIGS, &[], |code| {
        code.lines().any(|line| {
            line.contains("version")
                && line.contains("3.10")
                && !line.contains("\"3.10")
                && !line.contains("'3.10")
        }) && !code.raw.contains("\"3.10\"")
            && !code.raw.contains("'3.10'")
    }),
    // Compose ignores the key and warns of it.
    rule(CONFIGS, &[], |code| {
        code.raw.contains("services:") && code.lines().any(|line| line.starts_with("version:"))
    }),
    rule(CONFIGS, &[], |code| {
        code.lines().any(|line| line.starts_with("image:") && line.ends_with(":latest"))
    }),
    rule(CONFIGS, SECRETS, |code| {
        code.raw.lines().map(str::trim).any(|line| {
            let Some((key, value)) = line.split_once(": ") else { return false };
            let key = key.trim_start_matches("- ").to_lowercase();
            let value = value.trim().trim_matches(['"', '\'']);
            (key.ends_with("password") || key.ends_with("token") || key.ends_with("secret"))
                && value.starts_with(|c: char| c.is_ascii_alphanumeric())
        })
    }),
];

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use super::*;

    #[test]
    fn faults_of_styles_and_configurations_are_found() {
        check(&[
            (" x ", Coded::Css, "a { color: red !important; }", true),
            (" x ", Coded::Css, "a { color: red; }", false),
            (
                " must not overflow ",
                Coded::Css,
                "a { grid-template-columns: repeat(auto-fill, minmax(240px, 1fr)); }",
                true,
            ),
            (
                " must not overflow ",
                Coded::Css,
                "a { grid-template-columns: repeat(auto-fill, minmax(min(240px, 100%), 1fr)); }",
                false,
            ),
            (" x ", Coded::Yaml, "python-version: [3.10, 3.12]", true),
            (" x ", Coded::Yaml, "python-version: [\"3.10\", \"3.12\"]", false),
            (" password from env ", Coded::Yaml, "POSTGRES_PASSWORD: postgres", true),
            (" password from env ", Coded::Yaml, "POSTGRES_PASSWORD: ${DB_PASSWORD}", false),
        ]);
    }
}
