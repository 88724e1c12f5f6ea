//! Sets of races with a known winner, as JSON lines.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use clorp_domain::time::from_unix_millis;
use clorp_domain::verdict::Candidate;
use clorp_domain::{DropId, Pack, SubmissionId, UserId};
use serde::Deserialize;
use ulid::Ulid;

/// A race with a known winner.
#[derive(Clone, Debug)]
pub struct Race {
    /// Name of the race, unique in its set.
    pub id: String,
    /// Kind of work.
    pub pack: Pack,
    /// The task.
    pub prompt: String,
    /// The submissions, in order of arrival.
    pub submissions: Vec<Text>,
    /// Names of the submissions that deserve to win.
    pub winners: BTreeSet<String>,
    /// Names of all submissions, best first, if the set says.
    pub order: Vec<String>,
    /// Traps that a submission falls into.
    pub traps: Vec<String>,
}

/// A submission of a race.
#[derive(Clone, Debug, Deserialize)]
pub struct Text {
    /// Name of the submission, unique in its race.
    pub id: String,
    /// Text of the submission.
    pub text: String,
}

#[derive(Deserialize)]
struct Line {
    id: String,
    pack: String,
    prompt: String,
    submissions: Vec<Text>,
    winner: Winner,
    #[serde(default)]
    order: Vec<String>,
    #[serde(default)]
    traps: Vec<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Winner {
    One(String),
    Several(BTreeSet<String>),
}

/// Reads a set of races.
///
/// # Errors
/// A file that cannot be read, and the first line that is no race.
pub fn read(path: &Path) -> Result<Vec<Race>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(at, line)| race(line).with_context(|| format!("{}: line {}", path.display(), at + 1)))
        .collect()
}

/// Reads a race from its line.
pub(crate) fn race(line: &str) -> Result<Race> {
    let line: Line = serde_json::from_str(line)?;
    let names: BTreeSet<&str> = line.submissions.iter().map(|submission| submission.id.as_str()).collect();
    ensure!(names.len() == line.submissions.len() && !names.is_empty(), "submissions need distinct ids");
    let winners = match line.winner {
        Winner::One(winner) => BTreeSet::from([winner]),
        Winner::Several(winners) => winners,
    };
    let known = winners.iter().chain(&line.order).all(|name| names.contains(name.as_str()));
    ensure!(known && !winners.is_empty(), "winner or order names no submission");
    let pack = line.pack.parse().ok().with_context(|| format!("unknown pack {:?}", line.pack))?;
    Ok(Race {
        id: line.id,
        pack,
        prompt: line.prompt,
        submissions: line.submissions,
        winners,
        order: line.order,
        traps: line.traps,
    })
}

impl Race {
    /// The submissions as candidates, one second apart in the order of `arrival`, which holds their indices.
    pub fn candidates(&self, arrival: &[usize]) -> Vec<Candidate> {
        let drop = DropId::new(Ulid::nil());
        let placed = (0..).zip(arrival).filter_map(|(second, at)| {
            let submission = self.submissions.get(*at)?;
            let worker: UserId = format!("worker-{at}").parse().ok()?;
            Some(Candidate {
                submission: SubmissionId::of(drop, &worker),
                worker,
                submitted_at: from_unix_millis(1_795_000_000_000 + 1000 * second)?,
                output_text: submission.text.clone(),
            })
        });
        placed.collect()
    }

    /// The submissions as candidates, in their order of arrival.
    pub fn in_order(&self) -> Vec<Candidate> {
        self.candidates(&(0..self.submissions.len()).collect::<Vec<_>>())
    }

    /// The index of a candidate's submission.
    pub fn index_of(&self, worker: &UserId) -> Option<usize> {
        worker.as_str().strip_prefix("worker-")?.parse().ok()
    }

    /// The race with the text at this index changed.
    pub fn with_text(&self, at: usize, change: impl FnOnce(&str) -> String) -> Self {
        let mut race = self.clone();
        if let Some(submission) = race.submissions.get_mut(at) {
            submission.text = change(&submission.text);
        }
        race
    }

    /// True if the submission at this index deserves to win.
    pub fn deserves(&self, at: usize) -> bool {
        self.submissions.get(at).is_some_and(|submission| self.winners.contains(&submission.id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(winner: &str) -> String {
        format!(
            r#"{{"id": "r", "pack": "code", "prompt": "p", "winner": {winner}, "traps": ["count"],
            "submissions": [{{"id": "a", "text": "A"}}, {{"id": "b", "text": "B"}}, {{"id": "c", "text": "C"}}]}}"#
        )
    }

    #[test]
    fn a_race_has_one_winner_or_a_list_of_winners() {
        let deserving = |winner: &str| {
            let race = race(&line(winner)).unwrap();
            (0..3).filter(|at| race.deserves(*at)).collect::<Vec<_>>()
        };
        assert_eq!(deserving(r#""b""#), [1]);
        assert_eq!(deserving(r#"["c", "a"]"#), [0, 2]);
    }

    #[test]
    fn a_race_without_a_known_winner_or_with_equal_names_is_refused() {
        for winner in ["[]", r#""d""#, r#"["a", "d"]"#] {
            assert!(race(&line(winner)).is_err(), "{winner}");
        }
        assert!(race(&line(r#""a""#).replace(r#""id": "c""#, r#""id": "b""#)).is_err());
        assert!(race(&line(r#""a""#).replace("code", "poem")).is_err());
    }

    #[test]
    fn a_changed_text_leaves_the_others_as_they_are() {
        let race = race(&line(r#""b""#)).unwrap().with_text(1, |text| format!("{text}!"));
        let texts: Vec<&str> = race.submissions.iter().map(|made| made.text.as_str()).collect();
        assert_eq!(texts, ["A", "B!", "C"]);
    }
}
