//! Transcripts of sessions, compared with files. `UPDATE_SNAPSHOTS=1` rewrites the files.

use std::path::Path;

use fancy_regex::Regex;

use super::Cli;

/// What differs between two runs, and what stands for it.
const CHANGING: [(&str, &str); 16] = [
    (r"http://127\.0\.0\.1:\d+", "<server>"),
    (r"clorp_[0-9A-Za-z]{30,}", "<key>"),
    (r"\b[0-9A-HJKMNP-TV-Z]{26}\b", "<id>"),
    (r"\b[0-9a-f]{64}\b", "<sha256>"),
    (r"SHA-256 [0-9a-f]+…", "SHA-256 <sha256>"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "<time>"),
    (r"\b(\d+ [dhms] )?\d+ [dhms] ago\b|just now", "<ago>"),
    (r"\b\d+ m( \d+ s)?\b|\b\d{1,3} s(?= left|\.|,)", "<left>"),
    (r"\b\d+ d \d+ h\b", "<days>"),
    (r"\b\d{13}-\d+\b", "<event>"),
    (r"onboarding/\w+", "onboarding/<page>"),
    (r"\bcs_[0-9A-Za-z_]+", "<session>"),
    (r"\bacct_[0-9A-Za-z_]+", "<account>"),
    (r"clorp_[0-9A-Za-z]+", "<prefix>"),
    (r#"(?<="seed":")[^"]+"#, "<seed>"),
    (r" {2,}(?=\S)", "  "),
];

/// A text with placeholders for identifiers, times and addresses.
pub fn normalise(text: &str) -> String {
    CHANGING.iter().fold(text.to_owned(), |text, (pattern, placeholder)| {
        Regex::new(pattern).unwrap().replace_all(&text, *placeholder).into_owned()
    })
}

/// A session as people see it, and as programs see it.
#[derive(Default)]
pub struct Transcript {
    people: String,
    programs: String,
}

impl Transcript {
    /// Runs a command on a terminal, and then without one. It must exit with this code both times.
    pub async fn both(&mut self, cli: &Cli, arguments: &[&str], code: i32) {
        self.people(cli, arguments, code).await;
        self.programs(cli, arguments, code).await;
    }

    /// Runs a command on a terminal.
    pub async fn people(&mut self, cli: &Cli, arguments: &[&str], code: i32) {
        let (exit, screen) = cli.read_by_people(arguments).await;
        assert_eq!(exit, code, "{arguments:?}: {screen}");
        self.people += &entry(arguments, code, &screen);
    }

    /// Runs a command without a terminal.
    pub async fn programs(&mut self, cli: &Cli, arguments: &[&str], code: i32) -> super::Ran {
        let ran = cli.run(arguments).await;
        assert_eq!(ran.code, code, "{arguments:?}: {ran:?}");
        self.programs += &entry(arguments, code, &format!("{}{}", ran.stdout, ran.stderr));
        ran
    }

    /// Compares both views with the files of this name.
    pub fn check(&self, name: &str) {
        for (view, text) in [("people", &self.people), ("programs", &self.programs)] {
            let path =
                Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/snapshots/{name}.{view}.txt"));
            let text = normalise(text);
            if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(&path, &text).unwrap();
            }
            let expected = std::fs::read_to_string(&path).unwrap_or_default();
            let hint = "UPDATE_SNAPSHOTS=1 rewrites it";
            assert!(expected == text, "{} differs ({hint}):\n{text}", path.display());
        }
    }
}

fn entry(arguments: &[&str], code: i32, output: &str) -> String {
    let quoted = |word: &&str| {
        let plain = word.chars().all(|c| c.is_ascii_alphanumeric() || "-_./=".contains(c));
        if plain { (*word).to_owned() } else { format!("'{word}'") }
    };
    let line = arguments.iter().map(quoted).collect::<Vec<_>>().join(" ");
    let exit = if code == 0 { String::new() } else { format!("(exit code {code})\n") };
    format!("$ clorp {line}\n{output}{exit}\n")
}

#[test]
fn ids_times_and_addresses_have_placeholders() {
    let text =
        "01K8Z3V5W2M9Q7R4T6Y1ABCDEF at 2026-11-27T09:30:00.123Z by http://127.0.0.1:8123, 4 m 59 s left";
    assert_eq!(normalise(text), "<id> at <time> by <server>, <left> left");
}
