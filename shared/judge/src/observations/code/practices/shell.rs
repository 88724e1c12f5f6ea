//! Practices to avoid in scripts of a shell.

use super::{Code, Rule, rule};
use crate::constraints::code::Coded;

const SHELL: &[Coded] = &[Coded::Shell];

/// Commands that take names of files. A name in an unquoted variable is split at its spaces.
const COMMANDS: &[&str] =
    &["mv", "cp", "rm", "cd", "mkdir", "rmdir", "ln", "touch", "cat", "basename", "dirname", "["];

pub(super) static RULES: &[Rule] = &[
    // The names that `ls` prints cannot be told apart.
    rule(SHELL, &[], |code| code.has(&["in $(ls", "in `ls", "in $(find", "in `find"])),
    rule(SHELL, &[], |code| code.lines().any(|line| line.contains("ls ") && line.contains("| xargs"))),
    rule(SHELL, &[], splits_names),
    rule(SHELL, &[], |code| code.lines().any(expands_unquoted)),
    rule(SHELL, &[], |code| {
        code.lines().any(|line| line.contains("read ") && line.contains("while ") && !line.contains("-r"))
    }),
    rule(SHELL, &[], continues_elsewhere),
    // An action before the tests applies to every file.
    rule(SHELL, &[], |code| {
        finds(code).any(|find| {
            find.split_once("-delete").is_some_and(|(_, rest)| {
                [" -name", " -type", " -mtime", " -size", " -path", " -iname"]
                    .iter()
                    .any(|test| rest.contains(test))
            })
        })
    }),
    // Deletion goes through folders from below, so that nothing can be left out of the walk.
    rule(SHELL, &[], |code| finds(code).any(|find| find.contains("-prune") && find.contains("-delete"))),
    rule(
        SHELL,
        &[" older than ", " in the last ", " within the last ", " more than ", " over ", " larger than "],
        |code| {
            finds(code).any(|find| {
                find.split_whitespace().zip(find.split_whitespace().skip(1)).any(|(test, value)| {
                    matches!(test, "-mtime" | "-size" | "-mmin")
                        && value.starts_with(|c: char| c.is_ascii_digit())
                })
            })
        },
    ),
    // Sizes with a unit are no plain numbers.
    rule(SHELL, &[], |code| {
        code.lines().any(|line| {
            let sized = ["du -h", "du -ah", "du -sh", "ls -lh"].iter().any(|mark| line.contains(mark));
            sized && ["sort -n", "sort -rn", "sort -nr"].iter().any(|mark| line.contains(mark))
        })
    }),
    // Only neighbours are compared.
    rule(SHELL, &[], |code| {
        code.lines().any(|line| {
            line.split_once("uniq")
                .is_some_and(|(before, _)| before.contains('|') && !before.contains("sort"))
        })
    }),
    rule(SHELL, &[" cron ", " crontab "], |code| code.raw.lines().any(is_wrong_crontab)),
    rule(SHELL, &[" with a dash ", " leading dash ", " contain anything ", " leading dashes "], |code| {
        code.lines().any(|line| {
            ["mv ", "rm ", "cd ", "mkdir ", "cp "]
                .iter()
                .any(|command| line.starts_with(command) || line.contains(&format!(" {command}")))
                && !line.contains(" -- ")
                && !line.contains("./")
                && line.contains(['"', '$'])
        })
    }),
];

/// The calls of `find`, each up to the end of its command.
fn finds<'a>(code: &'a Code<'_>) -> impl Iterator<Item = &'a str> {
    code.bare.split("find ").skip(1).map(|rest| rest.split(['|', ';', '&']).next().unwrap_or_default())
}

/// True if `xargs` gets names that it splits at spaces.
fn splits_names(code: &Code<'_>) -> bool {
    code.lines().any(|line| {
        line.split("xargs").skip(1).any(|rest| {
            let own = rest.split('|').next().unwrap_or_default();
            !own.contains("-0") && !own.contains("-d") && !own.contains("0 ") && !own.contains("--null")
        }) && (line.contains("find ") || line.contains("ls "))
    })
}

/// True if a command on files gets a variable without quotation marks.
fn expands_unquoted(line: &str) -> bool {
    line.split([';', '|', '&']).any(|part| {
        let mut words = part
            .split_whitespace()
            .skip_while(|word| matches!(*word, "do" | "then" | "else" | "if" | "!" | "while"));
        let command = words.next().unwrap_or_default().trim_start_matches("$(").trim_start_matches('(');
        COMMANDS.contains(&command)
            && words.any(|word| {
                let name = word.strip_prefix("${").or_else(|| word.strip_prefix('$')).unwrap_or_default();
                name.starts_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '@' | '*'))
            })
    })
}

/// True if a script goes on in the wrong folder after a failed `cd`.
fn continues_elsewhere(code: &Code<'_>) -> bool {
    let stops = code.lines().any(|line| line.starts_with("set -") && line.contains('e'));
    let count = code.lines().filter(|line| !line.is_empty()).count();
    let unchecked =
        code.lines().any(|line| line.starts_with("cd ") && !line.contains("||") && !line.contains("&&"));
    !stops && unchecked && count > 1
}

/// True if a line of a crontab has an unescaped percent sign, or restricts both the day of the month and the
/// day of the week, of which either is enough.
fn is_wrong_crontab(line: &str) -> bool {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let timed =
        |field: &&&str| field.chars().all(|c| c.is_ascii_digit() || matches!(c, '*' | '/' | ',' | '-'));
    if fields.iter().take(5).filter(timed).count() < 5 || fields.len() < 6 {
        return false;
    }
    let restricted = |at: usize| fields.get(at).is_some_and(|field| *field != "*");
    line.replace("\\%", "").contains('%') || restricted(2) && restricted(4)
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use super::*;

    #[test]
    fn faults_of_scripts_are_found() {
        check(&[
            (" x ", Coded::Shell, "for f in $(ls *.jpg); do echo \"$f\"; done", true),
            (" x ", Coded::Shell, "for f in *.jpg; do mv $f x; done", true),
            (" x ", Coded::Shell, "for f in *.jpg; do mv -- \"$f\" \"${f// /-}\"; done", false),
            (" x ", Coded::Shell, "find . -name '*.log' | xargs rm", true),
            (" x ", Coded::Shell, "find . -name '*.log' -print0 | xargs -0 -r rm --", false),
            (" x ", Coded::Shell, "find . -delete -name '*.log'", true),
            (" x ", Coded::Shell, "find . -name '*.log' -print -delete", false),
            (" x ", Coded::Shell, "du -h * | sort -rn | head", true),
            (" x ", Coded::Shell, "cut -d';' -f3 a | uniq -c", true),
            (" x ", Coded::Shell, "cut -d';' -f3 a | sort | uniq -c", false),
            (" x ", Coded::Shell, "cd /backup\nrm a", true),
            (" x ", Coded::Shell, "set -euo pipefail\ncd /backup\nrm a", false),
            (" files older than 30 days ", Coded::Shell, "find . -mtime 30", true),
            (" files older than 30 days ", Coded::Shell, "find . -mtime +30", false),
            (" crontab line ", Coded::Shell, "0 2 1-7 * 1 /opt/backup.sh", true),
            (
                " crontab line ",
                Coded::Shell,
                "0 2 1-7 * * [ \"$(date +\\%u)\" = 1 ] && /opt/backup.sh",
                false,
            ),
        ]);
    }
}
