//! Colours: on a terminal that accepts them, and nowhere else.

/// Formats text with ANSI colours, or leaves it unchanged.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    coloured: bool,
}

impl Style {
    /// The style for an output stream, by the environment.
    pub fn detect(terminal: bool) -> Self {
        Self::of(terminal, |name| std::env::var(name).ok())
    }

    /// Coloured on a terminal with colours, unless `NO_COLOR` is set.
    fn of(terminal: bool, var: impl Fn(&str) -> Option<String>) -> Self {
        let refused = var("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = var("TERM").is_some_and(|value| value == "dumb");
        Self { coloured: terminal && !refused && !dumb }
    }

    /// True if text is coloured.
    pub fn is_coloured(self) -> bool {
        self.coloured
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

    /// Green text, for success and money.
    pub fn green(self, text: &str) -> String {
        self.wrap("32", text)
    }

    /// Yellow text, for warnings.
    pub fn yellow(self, text: &str) -> String {
        self.wrap("33", text)
    }

    /// Cyan text, for headings and commands.
    pub fn cyan(self, text: &str) -> String {
        self.wrap("36", text)
    }

    /// A grade in its colour.
    pub fn grade(self, grade: &str) -> String {
        self.by_grade(grade, grade)
    }

    /// A text in the colour of a grade.
    pub fn by_grade(self, grade: &str, text: &str) -> String {
        let code = match grade.trim() {
            "S" => "1;35",
            "A" => "1;32",
            "B" => "1;36",
            "C" => "1;34",
            "D" => "1;33",
            _ => "1;31",
        };
        self.wrap(code, text)
    }

    fn wrap(self, code: &str, text: &str) -> String {
        if self.coloured { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
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
}
