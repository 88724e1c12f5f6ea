//! Terminal output: colours on a terminal, plain text otherwise.

use std::io::IsTerminal;

/// Formats text with ANSI colours, or leaves it unchanged.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    coloured: bool,
}

impl Style {
    /// The style for standard output.
    pub fn stdout() -> Self {
        Self::of(std::io::stdout().is_terminal(), |name| std::env::var(name).ok())
    }

    /// The style for standard error.
    pub fn stderr() -> Self {
        Self::of(std::io::stderr().is_terminal(), |name| std::env::var(name).ok())
    }

    /// Coloured on a terminal with colours, unless `NO_COLOR` is set.
    fn of(terminal: bool, var: impl Fn(&str) -> Option<String>) -> Self {
        let refused = var("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = var("TERM").is_some_and(|value| value == "dumb");
        Self { coloured: terminal && !refused && !dumb }
    }

    /// Bold text.
    pub fn bold(self, text: &str) -> String {
        self.wrap("1", text)
    }

    /// Dim text, for details.
    pub fn dim(self, text: &str) -> String {
        self.wrap("2", text)
    }

    /// Bold red text, for errors.
    pub fn red(self, text: &str) -> String {
        self.wrap("1;31", text)
    }

    /// Green text, for success.
    pub fn green(self, text: &str) -> String {
        self.wrap("32", text)
    }

    /// Yellow text, for warnings.
    pub fn yellow(self, text: &str) -> String {
        self.wrap("33", text)
    }

    /// Cyan text, for commands and headings.
    pub fn cyan(self, text: &str) -> String {
        self.wrap("36", text)
    }

    fn wrap(self, code: &str, text: &str) -> String {
        if self.coloured { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// Formats cents as dollars: `$12.30`, `-$0.05`.
pub fn dollars(cents: i64) -> String {
    let sign = if cents < 0 { "-" } else { "" };
    let cents = cents.unsigned_abs();
    format!("{sign}${}.{:02}", cents / 100, cents % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_terminals_that_accept_colours_get_them() {
        let style = |terminal, name: &'static str, value: &'static str| {
            Style::of(terminal, move |asked| (asked == name).then(|| value.to_owned())).bold("x")
        };
        assert_eq!(style(true, "TERM", "xterm"), "\x1b[1mx\x1b[0m");
        assert_eq!(style(true, "NO_COLOR", ""), "\x1b[1mx\x1b[0m");
        for (terminal, name, value) in
            [(false, "TERM", "xterm"), (true, "NO_COLOR", "1"), (true, "TERM", "dumb")]
        {
            assert_eq!(style(terminal, name, value), "x", "{terminal} {name}={value}");
        }
    }

    #[test]
    fn amounts_are_formatted_in_dollars() {
        for (cents, text) in [(0, "$0.00"), (5, "$0.05"), (1230, "$12.30"), (-5, "-$0.05"), (-250, "-$2.50")]
        {
            assert_eq!(dollars(cents), text);
        }
    }
}
